//! The URL under which clients reach the server, and whether others than this machine can.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::lookup_host;

/// How long a look-up of the machine's own name may keep the server from starting.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// Where clients reach the server.
pub(crate) struct PublicUrl {
    /// Without a slash at its end.
    pub(crate) base: String,
    /// Is it one to be written into certificates? It is not while it is a guess.
    pub(crate) is_reached_by_others: bool,
}

impl PublicUrl {
    /// The one that was given, or what follows from where the server listens. Warns where that is nothing that devices can use.
    pub(crate) async fn of(given: Option<&str>, listening: SocketAddr) -> Self {
        if let Some(given) = given {
            return Self::reached(given.to_owned());
        }
        let ip = listening.ip().to_canonical();
        if !ip.is_unspecified() {
            if ip.is_loopback() {
                warn_of_loopback(ip);
            }
            return Self::reached(format!("http://{listening}"));
        }
        let host = own_name(listening.port()).await;
        let base = format!("http://{host}:{}", listening.port());
        tracing::warn!(
            url = base,
            "listening on every address without --public-url: the URL shown is a guess, and certificates have no CRL distribution point; \
             set --public-url to the URL that devices reach"
        );
        Self {
            base,
            is_reached_by_others: false,
        }
    }

    const fn reached(base: String) -> Self {
        Self {
            base,
            is_reached_by_others: true,
        }
    }
}

/// Certificates that are made to try the server may be verified on the same machine.
fn warn_of_loopback(address: IpAddr) {
    tracing::warn!(
        %address,
        "only this machine reaches the server, and the CRL distribution point of certificates leads to it; \
         others need --listen, and --public-url with the URL that they reach"
    );
}

/// The machine's name, if that leads anywhere; this machine in any case.
async fn own_name(port: u16) -> String {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_str().unwrap_or_default();
    let is_fit = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    if !name.is_empty() && name.chars().all(is_fit) {
        let found = tokio::time::timeout(LOOKUP_TIMEOUT, lookup_host((name, port))).await;
        if matches!(found, Ok(Ok(_))) {
            return name.to_owned();
        }
    }
    "localhost".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &PublicUrl, base: &str, is_reached_by_others: bool) {
        assert_eq!(
            (url.base.as_str(), url.is_reached_by_others),
            (base, is_reached_by_others)
        );
    }

    #[tokio::test]
    async fn a_url_is_given_or_the_address() {
        let every = "0.0.0.0:80".parse().unwrap();
        let given = PublicUrl::of(Some("https://pki.example/x"), every).await;
        check(&given, "https://pki.example/x", true);
        for (address, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("192.0.2.1:80", "http://192.0.2.1:80"),
            ("[2001:db8::1]:80", "http://[2001:db8::1]:80"),
        ] {
            let found = PublicUrl::of(None, address.parse().unwrap()).await;
            check(&found, url, true);
        }
    }

    #[tokio::test]
    async fn every_address_is_the_address_of_nobody() {
        for every in ["0.0.0.0:81", "[::]:81", "[::ffff:0.0.0.0]:81"] {
            let found = PublicUrl::of(None, every.parse().unwrap()).await;
            let host = found.base.strip_prefix("http://").unwrap();
            let host = host.strip_suffix(":81").unwrap();
            assert!(!host.is_empty() && !host.contains("0.0.0.0") && !host.contains(':'));
            assert!(!found.is_reached_by_others);
        }
    }
}
