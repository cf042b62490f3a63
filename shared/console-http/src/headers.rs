//! The headers of every response, which confine the console in the browser.

use http::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use crate::{SignIn, UnfitSignIn};

/// Headers that are the same everywhere.
const FIXED: [(HeaderName, HeaderValue); 6] = [
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(
            "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // For browsers that do not know frame-ancestors.
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// Browsers use https alone for a year, RFC 6797. They ignore it in a response over http.
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The headers of every response.
pub(crate) struct SecurityHeaders {
    content_policy: HeaderValue,
    /// Whether browsers reach the console by https alone.
    is_https: bool,
}

impl SecurityHeaders {
    /// The console loads only its own files, and talks only to its own server and, if people sign
    /// in at an identity provider, to that one's endpoints of tokens.
    pub(crate) fn of(sign_in: &SignIn, is_https: bool) -> Result<Self, UnfitSignIn> {
        let origins = sign_in.provider_origins()?;
        let provider: String = origins.iter().map(|origin| format!(" {origin}")).collect();
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             font-src 'self' data:; connect-src 'self'{provider}; manifest-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        Ok(Self {
            content_policy: HeaderValue::try_from(policy).map_err(|_| UnfitSignIn::Host)?,
            is_https,
        })
    }

    pub(crate) fn add_to(&self, headers: &mut HeaderMap) {
        headers.insert(CONTENT_SECURITY_POLICY, self.content_policy.clone());
        headers.extend(FIXED);
        if self.is_https {
            headers.insert(STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Console, SignIn};

    #[track_caller]
    fn check(public_url: &str, expected: Option<&str>) {
        let console = Console::new(&SignIn::Token, public_url).unwrap();
        for path in ["/console/", "/console/sign-in.json", "/console/missing.js"] {
            let request = http::Request::get(path).body(()).unwrap();
            let response = console.respond(&request.into_parts().0);
            let found = response.headers().get("strict-transport-security");
            assert_eq!(
                found.map(|value| value.to_str().unwrap()),
                expected,
                "{path}"
            );
        }
    }

    #[test]
    fn browsers_that_came_by_https_stay_with_it() {
        check("https://scep.example", Some("max-age=31536000"));
        check("HTTPS://scep.example", Some("max-age=31536000"));
        check("http://scep.example", None);
        check("http://https:8080", None);
    }
}
