//! The address of the client that sent a request.

use std::net::{IpAddr, SocketAddr};

use http::request::Parts;
use http::{HeaderMap, HeaderName};

/// The header to which each proxy appends the address that it was asked from. RFC 7239's
/// `Forwarded` is not read: few proxies write it, and one that does not would pass on a client's.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client that sent a request, as an extension of the request. What listens for
/// requests sets it, from the connection or from a proxy that it trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// The address of the client that sent a request, if it is known.
    #[must_use]
    pub fn of(head: &Parts) -> Option<IpAddr> {
        head.extensions.get().map(|Self(address)| *address)
    }
}

/// The addresses in `X-Forwarded-For`, the last one first; `None` for each that is no address.
/// The sender of the request wrote the first of them, and it vouches for no other.
pub fn forwarded_addresses(headers: &HeaderMap) -> impl Iterator<Item = Option<IpAddr>> {
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    lines
        .flat_map(|line| line.to_str().unwrap_or_default().rsplit(','))
        .map(parse_address)
}

/// Parses an IP address; some proxies add the port, or brackets around IPv6.
#[must_use]
pub fn parse_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let without_brackets = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address: Option<IpAddr> = without_brackets.unwrap_or(text).parse().ok();
    address
        .or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip()))
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_a_port_and_brackets() {
        for (text, address) in [
            ("198.51.100.7", Some("198.51.100.7")),
            (" 198.51.100.7 ", Some("198.51.100.7")),
            ("198.51.100.7:4711", Some("198.51.100.7")),
            ("2001:db8::7", Some("2001:db8::7")),
            ("[2001:db8::7]:4711", Some("2001:db8::7")),
            ("[2001:db8::7]", Some("2001:db8::7")),
            ("::ffff:198.51.100.7", Some("198.51.100.7")),
            ("unknown", None),
            ("_hidden", None),
            ("300.1.1.1", None),
            ("", None),
        ] {
            let expected = address.map(|address| address.parse().unwrap());
            assert_eq!(parse_address(text), expected, "{text}");
        }
    }

    #[test]
    fn the_last_address_comes_first() {
        let mut headers = HeaderMap::new();
        for line in ["192.0.2.1, 192.0.2.2", "x", "192.0.2.3,192.0.2.4"] {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        let found: Vec<_> = forwarded_addresses(&headers).collect();
        let known = |last: u8| Some(IpAddr::from([192, 0, 2, last]));
        assert_eq!(found, [known(4), known(3), None, known(2), known(1)]);
    }
}
