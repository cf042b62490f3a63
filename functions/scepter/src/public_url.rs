//! The URL at which clients reach the server, and whether it is known well enough to be put into
//! certificates.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::lookup_host;

/// How long the lookup of the machine's own name may delay the start.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// The URL at which clients reach the server.
pub(crate) struct PublicUrl {
    /// The URL, without a trailing slash.
    pub(crate) base: String,
    /// Whether other machines reach the server at this URL. A guessed URL is not put into
    /// certificates.
    pub(crate) is_reached_by_others: bool,
}

impl PublicUrl {
    /// The configured URL, or one derived from the address that the server listens on. Warns when
    /// devices cannot use the derived one.
    pub(crate) async fn resolve(given: Option<&str>, listening: SocketAddr) -> Self {
        if let Some(given) = given {
            return Self::reachable(given.to_owned());
        }
        // `::ffff:0.0.0.0` listens on every address too.
        let ip = listening.ip().to_canonical();
        if !ip.is_unspecified() {
            if ip.is_loopback() {
                warn_about_loopback(ip);
            }
            return Self::reachable(format!("http://{listening}"));
        }
        let host = host_name(listening.port()).await;
        let base = format!("http://{host}:{}", listening.port());
        tracing::warn!(
            url = base,
            "listening on every address without --public-url: the URL shown is a guess, and \
             certificates have no CRL distribution point; \
             set --public-url to the URL at which devices reach this server"
        );
        Self {
            base,
            is_reached_by_others: false,
        }
    }

    const fn reachable(base: String) -> Self {
        Self {
            base,
            is_reached_by_others: true,
        }
    }
}

/// Warns that only this machine can use the URL. Certificates still name it, since someone who
/// tries the server may verify them on the same machine.
fn warn_about_loopback(address: IpAddr) {
    tracing::warn!(
        %address,
        "only this machine can reach the server and the CRL distribution point in certificates; \
         other machines need --listen, and --public-url with the URL at which they reach it"
    );
}

/// The machine's own name if it resolves, `localhost` otherwise.
async fn host_name(port: u16) -> String {
    let names = rustix::system::uname();
    let name = names.nodename().to_str().unwrap_or_default();
    // Any text can be a machine's name, and other characters would not form a URL.
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
        let given = PublicUrl::resolve(Some("https://pki.example/x"), every).await;
        check(&given, "https://pki.example/x", true);
        for (address, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("192.0.2.1:80", "http://192.0.2.1:80"),
            ("[2001:db8::1]:80", "http://[2001:db8::1]:80"),
        ] {
            let found = PublicUrl::resolve(None, address.parse().unwrap()).await;
            check(&found, url, true);
        }
    }

    #[tokio::test]
    async fn every_address_is_the_address_of_nobody() {
        for every in ["0.0.0.0:81", "[::]:81", "[::ffff:0.0.0.0]:81"] {
            let found = PublicUrl::resolve(None, every.parse().unwrap()).await;
            let host = found.base.strip_prefix("http://").unwrap();
            let host = host.strip_suffix(":81").unwrap();
            assert!(!host.is_empty() && !host.contains("0.0.0.0") && !host.contains(':'));
            assert!(!found.is_reached_by_others);
        }
    }
}
