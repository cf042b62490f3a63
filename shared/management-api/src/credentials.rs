//! Credentials of callers that know no bearer tokens alone, such as MDMs.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::caller::bearer_token;

/// The header in which many products send a token by default.
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Some clients of Basic authentication omit the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a caller shows to prove who it is.
pub enum Credentials {
    /// User name and password, RFC 7617.
    Basic {
        /// The user name, which may be empty.
        user: String,
        /// The password.
        password: SecretString,
    },
    /// A token alone.
    Token(SecretString),
}

impl Credentials {
    /// Reads the credentials of a request: `Authorization: Basic` or `Bearer`, or else `X-API-Key`.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        if headers.contains_key(AUTHORIZATION) {
            return bearer_token(headers)
                .map(|token| Self::Token(token.into()))
                .or_else(|| parse_basic(headers));
        }
        let key = headers.get(API_KEY)?.to_str().ok()?.trim();
        Some(Self::Token(key.into()))
    }

    /// The password, or the token.
    #[must_use]
    pub fn secret(&self) -> &str {
        match self {
            Self::Basic { password, .. } => password.expose_secret(),
            Self::Token(token) => token.expose_secret(),
        }
    }
}

fn parse_basic(headers: &HeaderMap) -> Option<Credentials> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(BASE64.decode(encoded.trim()).ok()?);
    // A user name contains no colon, a password may.
    let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Credentials::Basic {
        user: user.to_owned(),
        password: password.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &str)], expected: Option<(Option<&str>, &str)>) {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let found = Credentials::of(&headers);
        let found = found.as_ref().map(|found| match found {
            Credentials::Basic { user, .. } => (Some(user.as_str()), found.secret()),
            Credentials::Token(_) => (None, found.secret()),
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn a_password_or_a_token_is_read() {
        for basic in ["Basic dTpw", "basic dTpw", "BASIC  dTpw "] {
            check(&[("authorization", basic)], Some((Some("u"), "p")));
        }
        check(&[("authorization", "Basic OnA=")], Some((Some(""), "p")));
        check(&[("authorization", "Basic OnA")], Some((Some(""), "p")));
        check(
            &[("authorization", "Basic dTpwOnE=")],
            Some((Some("u"), "p:q")),
        );
        check(&[("authorization", "Bearer abc")], Some((None, "abc")));
        check(&[("x-api-key", "abc")], Some((None, "abc")));
        check(
            &[("authorization", "Bearer abc"), ("x-api-key", "other")],
            Some((None, "abc")),
        );
    }

    #[test]
    fn anything_else_is_none() {
        check(&[], None);
        for wrong in [
            "",
            "abc",
            "Basic",
            "Basic !",
            "Basic dTpw dTpw",
            "Basic dXA=",
            "Basic /w==",
            "Digest username=\"u\"",
            "NTLM TlRMTVNTUAABAAAA",
            "Negotiate abc",
        ] {
            // A header that is not understood does not fall back to another one.
            check(&[("authorization", wrong), ("x-api-key", "abc")], None);
        }
    }
}
