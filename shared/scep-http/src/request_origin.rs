//! What a request says of where it comes from, for the log: the client's software, and the name
//! that a gateway gave to the request.

use http::HeaderMap;
use http::header::USER_AGENT;
use http::request::Parts;

/// The longest User-Agent in a log line, in octets. Those of devices are shorter.
const MAX_USER_AGENT_BYTES: usize = 100;

/// The longest name of a request, in octets. API Gateway's have 16.
const MAX_REQUEST_ID_BYTES: usize = 64;

/// The User-Agent of a request, cut after 100 octets; `None` if it has none, or one that is not
/// visible ASCII.
#[must_use]
pub fn user_agent(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(USER_AGENT)?.to_str().ok()?;
    text.get(..text.len().min(MAX_USER_AGENT_BYTES))
}

/// The name that a gateway gave to a request, as an extension of the request: what API Gateway's
/// access log has as `requestId`, and its response as `Apigw-Requestid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayRequestId(String);

impl GatewayRequestId {
    /// Parses a name: 1 to 64 letters, digits, `=`, `_` and `-`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"=_-".contains(&octet);
        let is_id =
            !text.is_empty() && text.len() <= MAX_REQUEST_ID_BYTES && text.bytes().all(is_allowed);
        is_id.then(|| Self(text.to_owned()))
    }

    /// The name of a request, if a gateway gave it one.
    #[must_use]
    pub fn of(head: &Parts) -> Option<&str> {
        head.extensions.get().map(|Self(id)| id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_user_agent_is_short_and_visible() {
        let check = |sent: &[u8], logged: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(USER_AGENT, HeaderValue::from_bytes(sent).unwrap());
            assert_eq!(user_agent(&headers), logged);
        };
        check(
            b"Mozilla/4.0 (Win32; NDES)",
            Some("Mozilla/4.0 (Win32; NDES)"),
        );
        check("a".repeat(101).as_bytes(), Some("a".repeat(100).as_str()));
        check("ä".as_bytes(), None);
        assert_eq!(user_agent(&HeaderMap::new()), None);
    }

    #[test]
    fn a_name_of_a_request_has_letters_digits_and_few_signs() {
        for good in ["JKJaXmPLvHcESHA=", "0f0e-0d_", &"a".repeat(64)] {
            assert_eq!(
                GatewayRequestId::parse(good),
                Some(GatewayRequestId(good.to_owned()))
            );
        }
        for bad in ["", "a b", "a\n", "\"", "ä", &"a".repeat(65)] {
            assert_eq!(GatewayRequestId::parse(bad), None, "{bad}");
        }
    }
}
