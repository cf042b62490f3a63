//! The URLs of services that the server sends requests to.

use std::fmt::{Debug, Display, Formatter};
use std::str::FromStr;

use url::{Position, Url};

/// The longest URL of a service, in octets.
const MAX_URL_BYTES: usize = 2048;

/// The URL of a service: `https:`, or `http:` on the loopback interface. It is printed without its
/// query, which may hold a secret.
// A service vouches for enrolments, and requests to it carry challenges.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceUrl(Url);

/// A text is no URL that requests may be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an https:// URL without user name and fragment, of at most {MAX_URL_BYTES} octets; http:// is for the loopback interface"
)]
pub struct UnfitUrl;

impl ServiceUrl {
    /// Returns the URL of a path below this one.
    ///
    /// # Errors
    /// [`UnfitUrl`] if `path` leads to another place.
    pub fn join(&self, path: &str) -> Result<Self, UnfitUrl> {
        let base = self.0.as_str().trim_end_matches('/');
        format!("{base}/{path}").parse()
    }

    /// Returns the whole URL, with its query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for ServiceUrl {
    type Err = UnfitUrl;

    fn from_str(text: &str) -> Result<Self, UnfitUrl> {
        if text.len() > MAX_URL_BYTES {
            return Err(UnfitUrl);
        }
        let url = Url::parse(text).map_err(|_| UnfitUrl)?;
        let is_loopback = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(UnfitUrl),
        };
        let is_fit = match url.scheme() {
            "https" => true,
            "http" => is_loopback,
            _ => false,
        };
        // A user name or password in a URL would be in the log.
        let is_plain =
            url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        (is_fit && is_plain).then_some(Self(url)).ok_or(UnfitUrl)
    }
}

impl From<&ServiceUrl> for Url {
    fn from(url: &ServiceUrl) -> Self {
        url.0.clone()
    }
}

impl Display for ServiceUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0[..Position::AfterPath])
    }
}

impl Debug for ServiceUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0[..Position::AfterPath])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_reached_by_https_or_on_the_loopback_interface() {
        for (url, fit) in [
            ("https://hooks.example/scep?x=1", true),
            ("http://127.0.0.1:8080/", true),
            ("http://[::1]/", true),
            ("http://localhost:1/x", true),
            ("http://hooks.example/", false),
            ("http://localhost.example/", false),
            ("http://192.0.2.1/", false),
            ("https://user@hooks.example/", false),
            ("https://:secret@hooks.example/", false),
            ("https://hooks.example/#x", false),
            ("ftp://hooks.example/", false),
            ("file:///etc/passwd", false),
            ("hooks.example", false),
            ("", false),
        ] {
            assert_eq!(url.parse::<ServiceUrl>().is_ok(), fit, "{url}");
        }
        let long = |length: usize| format!("https://a.example/{}", "x".repeat(length - 18));
        assert!(long(MAX_URL_BYTES).parse::<ServiceUrl>().is_ok());
        assert!(long(MAX_URL_BYTES + 1).parse::<ServiceUrl>().is_err());
    }

    #[test]
    fn a_url_is_printed_without_its_query() {
        let whole = "https://hooks.example/scep?code=hunter2";
        let url: ServiceUrl = whole.parse().unwrap();
        for printed in [format!("{url}"), format!("{url:?}")] {
            assert_eq!(printed, "https://hooks.example/scep");
        }
        assert_eq!(url.as_str(), whole);
        assert_eq!(Url::from(&url).as_str(), whole);
    }

    #[test]
    fn a_path_is_joined_with_one_slash() {
        for base in ["https://a.example", "https://a.example/"] {
            let joined = base.parse::<ServiceUrl>().unwrap().join("b/c").unwrap();
            assert_eq!(joined.as_str(), "https://a.example/b/c");
        }
    }
}
