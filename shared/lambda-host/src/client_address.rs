//! The address of a client whose request came through one of the stack's own front doors, and the
//! name that API Gateway gave to the request.

use std::net::IpAddr;

use http::HeaderMap;
use scep_http::{ClientAddress, GatewayRequestId, forwarded_addresses, parse_address};
use subtle::ConstantTimeEq;

use crate::{Environment, SettingError};

/// The header with which API Gateway proves that it dispatched a request to itself, for which it
/// replaces whatever the client sent.
const DISPATCH: &str = "scepter-dispatch";

/// The header in which API Gateway names the client of a request that it dispatched.
const DISPATCHED_CLIENT: &str = "scepter-client-address";

/// The header in which API Gateway names the request that it dispatched, as its response to the
/// client does.
const DISPATCHED_REQUEST: &str = "scepter-request-id";

/// The header with which the edge proves that a request came through it.
// It differs from that of the dispatch: the edge passes on the client's other headers, and so a
// client could name any address.
const EDGE: &str = "scepter-edge";

/// The secret that the front doors of the stack share with its functions, and which of them are
/// open.
#[derive(Default)]
pub struct FrontDoors {
    secret: Option<String>,
    is_edge_alone: bool,
}

impl FrontDoors {
    /// Reads the secret, and whether requests are admitted by the edge alone. Without a secret, no
    /// header names a client, and nothing comes through the edge.
    ///
    /// # Errors
    /// If a variable has an invalid value.
    pub fn of(environment: &Environment) -> Result<Self, SettingError> {
        Ok(Self {
            secret: environment.optional("SCEPTER_FRONT_DOOR_SECRET"),
            is_edge_alone: environment.flag("SCEPTER_EDGE_ALONE")?,
        })
    }

    /// Whether a request came through a front door that is open.
    // API Gateway cannot close its own URL where the edge uses that URL.
    #[must_use]
    pub fn admit(&self, headers: &HeaderMap) -> bool {
        !self.is_edge_alone || self.proves(headers, EDGE)
    }

    /// The address of the client that sent a request: the connection's, or the one that a front
    /// door names, if the request proves that it came through it.
    ///
    /// `source_ip` is what API Gateway saw.
    #[must_use]
    pub fn find_client(
        &self,
        source_ip: Option<&str>,
        headers: &HeaderMap,
    ) -> Option<ClientAddress> {
        let connected = source_ip.and_then(parse_address);
        let is_dispatched = self.proves(headers, DISPATCH);
        let dispatched = match is_dispatched {
            true => text_of(headers, DISPATCHED_CLIENT).and_then(parse_address),
            false => None,
        };
        let named = if self.proves(headers, EDGE) {
            // The client of a dispatched request is then the edge itself.
            find_viewer(headers, [connected, dispatched])
        } else if is_dispatched {
            dispatched
        } else {
            connected
        };
        named.map(ClientAddress)
    }

    /// The name that API Gateway gave to a request, and told its client.
    ///
    /// `own` is what it named the request with which it called the function.
    #[must_use]
    pub fn find_request_id(
        &self,
        own: Option<&str>,
        headers: &HeaderMap,
    ) -> Option<GatewayRequestId> {
        let dispatched = match self.proves(headers, DISPATCH) {
            true => text_of(headers, DISPATCHED_REQUEST),
            false => None,
        };
        dispatched.or(own).and_then(GatewayRequestId::parse)
    }

    fn proves(&self, headers: &HeaderMap, name: &str) -> bool {
        let secret = self.secret.as_deref();
        secret.is_some_and(|secret| {
            let shown = headers.get(name).map(http::HeaderValue::as_bytes);
            shown.is_some_and(|shown| shown.ct_eq(secret.as_bytes()).into())
        })
    }
}

/// The client of the edge: CloudFront appends it to the header, and API Gateway appends whom it
/// saw, once for each time that it has the request. `seen` is whom it may have appended, the last
/// first.
fn find_viewer(headers: &HeaderMap, seen: [Option<IpAddr>; 2]) -> Option<IpAddr> {
    let mut hops = forwarded_addresses(headers);
    let mut hop = hops.next()?;
    for appended in seen {
        if hop.is_some() && hop == appended {
            hop = hops.next()?;
        }
    }
    hop
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORWARDED_FOR: &str = "x-forwarded-for";
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    const GATEWAY: Option<&str> = Some("192.0.2.1");

    fn doors_with_secret() -> FrontDoors {
        FrontDoors {
            secret: Some(SECRET.to_owned()),
            is_edge_alone: false,
        }
    }

    #[track_caller]
    fn check(source_ip: Option<&str>, headers: &[(&'static str, &str)], client: Option<&str>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let doors = doors_with_secret();
        let found = doors.find_client(source_ip, &map);
        assert_eq!(
            found,
            client.map(|client| ClientAddress(client.parse().unwrap()))
        );
        // Without a secret nothing is proved, not even by an empty header.
        map.insert(EDGE, "".parse().unwrap());
        let found = FrontDoors::default().find_client(source_ip, &map);
        assert_eq!(
            found,
            source_ip.map(|ip| ClientAddress(ip.parse().unwrap()))
        );
    }

    #[test]
    fn the_client_is_who_connects() {
        check(GATEWAY, &[], GATEWAY);
        check(None, &[], None);
        check(Some("2001:db8::1"), &[], Some("2001:db8::1"));
    }

    #[test]
    fn a_client_that_proves_nothing_names_nobody() {
        let forged = [
            (DISPATCHED_CLIENT, "198.51.100.7"),
            (FORWARDED_FOR, "198.51.100.8"),
        ];
        check(GATEWAY, &forged, GATEWAY);
        for wrong in ["", "0", "0123456789abcdef0123456789abcdeF"] {
            check(GATEWAY, &[(DISPATCH, wrong), forged[0]], GATEWAY);
            check(GATEWAY, &[(EDGE, wrong), forged[1]], GATEWAY);
        }
    }

    #[test]
    fn the_dispatch_names_the_client_in_its_own_header() {
        let named = (DISPATCHED_CLIENT, "198.51.100.7");
        let forged = (FORWARDED_FOR, "203.0.113.1");
        check(
            GATEWAY,
            &[(DISPATCH, SECRET), named, forged],
            Some("198.51.100.7"),
        );
        check(GATEWAY, &[(DISPATCH, SECRET), forged], None);
    }

    #[test]
    fn where_the_edge_alone_is_open_its_secret_alone_admits() {
        let admits = |doors: &FrontDoors, headers: &[(&'static str, &str)]| {
            let pairs = headers.iter();
            let pairs = pairs.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            doors.admit(&pairs.collect())
        };
        let alone = FrontDoors {
            is_edge_alone: true,
            ..doors_with_secret()
        };
        assert!(admits(&alone, &[(EDGE, SECRET)]));
        // API Gateway dispatches whatever arrives at its own URL.
        for refused in [("x", "y"), (DISPATCH, SECRET), (EDGE, ""), (EDGE, "wrong")] {
            assert!(!admits(&alone, &[refused]), "{refused:?}");
            assert!(admits(&doors_with_secret(), &[refused]), "{refused:?}");
        }
        let without_secret = FrontDoors {
            secret: None,
            is_edge_alone: true,
        };
        assert!(!admits(&without_secret, &[(EDGE, "")]));
    }

    #[test]
    fn a_request_has_the_name_that_its_client_was_told() {
        let doors = doors_with_secret();
        let check = |proof: &str, named: Option<&str>, expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(DISPATCH, proof.parse().unwrap());
            if let Some(named) = named {
                headers.insert(DISPATCHED_REQUEST, named.parse().unwrap());
            }
            assert_eq!(
                doors.find_request_id(Some("Own="), &headers),
                expected.and_then(GatewayRequestId::parse)
            );
        };
        check(SECRET, Some("First="), Some("First="));
        check(SECRET, None, Some("Own="));
        check("wrong", Some("First="), Some("Own="));
        check(SECRET, Some("a b"), None);
    }

    #[test]
    fn the_edge_names_its_viewer_behind_whatever_the_viewer_wrote() {
        let edge = |forwarded: &str, client: Option<&str>| {
            let forged = (DISPATCHED_CLIENT, "203.0.113.1");
            check(
                GATEWAY,
                &[(EDGE, SECRET), forged, (FORWARDED_FOR, forwarded)],
                client,
            );
        };
        edge("198.51.100.7, 192.0.2.1", Some("198.51.100.7"));
        edge("203.0.113.1, 198.51.100.7, 192.0.2.1", Some("198.51.100.7"));
        edge("203.0.113.1,2001:db8::7,192.0.2.1", Some("2001:db8::7"));
        edge("198.51.100.7", Some("198.51.100.7"));
        edge("unknown, 192.0.2.1", None);
        edge("", None);
    }

    #[test]
    fn the_edge_names_its_viewer_of_a_request_that_is_dispatched_too() {
        let edge = |forwarded: &str, client: Option<&str>| {
            let dispatched = [(DISPATCH, SECRET), (DISPATCHED_CLIENT, "192.0.2.9")];
            let headers = [(EDGE, SECRET), (FORWARDED_FOR, forwarded)];
            check(GATEWAY, &[dispatched, headers].concat(), client);
        };
        let viewer = Some("198.51.100.7");
        edge("198.51.100.7, 192.0.2.9, 192.0.2.1", viewer);
        edge("203.0.113.1, 198.51.100.7, 192.0.2.9, 192.0.2.1", viewer);
        // The viewer can name neither of them to be skipped twice.
        edge("192.0.2.9, 198.51.100.7, 192.0.2.9, 192.0.2.1", viewer);
        edge("192.0.2.1, 198.51.100.7, 192.0.2.1", viewer);
        edge("198.51.100.7, 192.0.2.9", viewer);
        edge("198.51.100.7", viewer);
        edge("unknown, 192.0.2.9, 192.0.2.1", None);
        edge("", None);
    }
}
