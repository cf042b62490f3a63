//! The address of a client that reaches the server through proxies.

use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderMap;
use ipnet::{AddrParseError, IpNet};
use scep_http::forwarded_addresses;

/// The networks of the proxies whose word about a client's address counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    pub(crate) const fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// The address of the client whose request arrived from `peer` with these headers: the
    /// rightmost one in `X-Forwarded-For` that is no trusted proxy's. A sender that is not trusted
    /// is the client, whatever it says about others.
    pub(crate) fn find_client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut hops = forwarded_addresses(headers);
        let mut client = peer.to_canonical();
        while self.is_trusted(client) {
            // A proxy that says nothing readable stands for its clients.
            let Some(hop) = hops.next().flatten() else {
                break;
            };
            client = hop;
        }
        client
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Parses a network, `192.0.2.0/24`, or an address, which is a network of one.
pub(crate) fn parse_network(text: &str) -> Result<IpNet, AddrParseError> {
    IpAddr::from_str(text)
        .map(IpNet::from)
        .or_else(|_| IpNet::from_str(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(trusted: &[&str], peer: &str, forwarded: &[&str], client: &str) {
        let networks = trusted.iter().map(|text| parse_network(text).unwrap());
        let proxies = TrustedProxies::new(networks.collect());
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let found = proxies.find_client(peer.parse().unwrap(), &headers);
        assert_eq!(found, client.parse::<IpAddr>().unwrap());
    }

    #[test]
    fn only_a_trusted_proxy_names_another_client() {
        let forwarded = ["198.51.100.7"];
        check(&[], "192.0.2.1", &forwarded, "192.0.2.1");
        check(&["192.0.2.0/24"], "192.0.2.1", &forwarded, "198.51.100.7");
        check(&["192.0.2.1"], "192.0.2.1", &forwarded, "198.51.100.7");
        check(&["192.0.2.2"], "192.0.2.1", &forwarded, "192.0.2.1");
        check(
            &["192.0.2.1"],
            "::ffff:192.0.2.1",
            &forwarded,
            "198.51.100.7",
        );
        check(
            &["2001:db8::/32"],
            "2001:db8::1",
            &["2001:db9::1"],
            "2001:db9::1",
        );
    }

    #[test]
    fn what_a_client_wrote_before_the_proxies_does_not_count() {
        let trusted = ["192.0.2.0/24"];
        let check = |forwarded: &[&str], client: &str| {
            check(&trusted, "192.0.2.1", forwarded, client);
        };
        check(&["10.0.0.1, 198.51.100.7"], "198.51.100.7");
        check(&["10.0.0.1", "198.51.100.7"], "198.51.100.7");
        check(&["10.0.0.1, 198.51.100.7, 192.0.2.9"], "198.51.100.7");
        check(&["192.0.2.8"], "192.0.2.8");
        check(&["10.0.0.1, , 192.0.2.9"], "192.0.2.9");
    }

    #[test]
    fn a_proxy_that_names_nobody_is_the_client() {
        let check = |forwarded: &[&str]| check(&["192.0.2.1"], "192.0.2.1", forwarded, "192.0.2.1");
        check(&[]);
        check(&[""]);
        check(&["unknown"]);
        check(&["_hidden, 300.1.1.1"]);
    }

    #[test]
    fn a_network_is_an_address_with_or_without_a_prefix_length() {
        for (text, fits) in [
            ("10.0.0.0/8", true),
            ("10.0.0.1", true),
            ("2001:db8::/32", true),
            ("::1", true),
            ("10.0.0.0/33", false),
            ("proxy.example", false),
            ("", false),
        ] {
            assert_eq!(parse_network(text).is_ok(), fits, "{text}");
        }
    }
}
