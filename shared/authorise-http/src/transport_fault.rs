//! Why no response came from a service, as one of a closed list of reasons.

use std::error::Error;
use std::io::ErrorKind;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::CertificateError;

/// Why no response came from a service. Its text has nothing that the service or the network said:
/// certificates and messages of resolvers name hosts of the network around the server, which those
/// who choose a URL need not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TransportFault {
    /// The certificate has expired, or is not valid yet.
    #[error("the server's certificate has expired, or is not valid yet")]
    CertificateExpired,
    /// The certificate is for another name.
    #[error("the server's certificate is for another name")]
    CertificateOfOther,
    /// The certificate is not of an authority that the system trusts.
    #[error("the server's certificate is not trusted")]
    CertificateUntrusted,
    /// Anything else.
    #[error("the connection failed")]
    Failed,
    /// The name cannot be resolved.
    #[error("the name of the server cannot be resolved")]
    NameUnknown,
    /// The server answers in another protocol than TLS.
    #[error("the server does not speak TLS")]
    NoTls,
    /// Nothing listens at the port.
    #[error("the connection was refused")]
    Refused,
    /// The server did not respond in time.
    #[error("the server did not respond in time")]
    TimedOut,
}

impl TransportFault {
    /// The reason behind an error.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        match error.is_timeout() {
            true => Self::TimedOut,
            false => Self::find(error).unwrap_or(Self::Failed),
        }
    }

    /// The reason in an error, or else in its causes.
    fn find(error: &(dyn Error + 'static)) -> Option<Self> {
        if error.is::<UnknownName>() {
            return Some(Self::NameUnknown);
        }
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(Self::of_tls(error));
        }
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            let known = [
                (ErrorKind::ConnectionRefused, Self::Refused),
                (ErrorKind::TimedOut, Self::TimedOut),
            ];
            if let Some((_, fault)) = known.iter().find(|(kind, _)| *kind == error.kind()) {
                return Some(*fault);
            }
            // The source of such an error is that of the error inside, which it skips.
            if let Some(inner) = error.get_ref() {
                return Self::find(inner);
            }
        }
        error.source().and_then(Self::find)
    }

    fn of_tls(error: &rustls::Error) -> Self {
        if matches!(error, rustls::Error::InvalidMessage(_)) {
            return Self::NoTls;
        }
        let rustls::Error::InvalidCertificate(certificate) = error else {
            return Self::Failed;
        };
        if matches!(
            certificate,
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
        ) {
            return Self::CertificateExpired;
        }
        let is_of_other = matches!(
            certificate,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        );
        match is_of_other {
            true => Self::CertificateOfOther,
            false => Self::CertificateUntrusted,
        }
    }
}

/// A name could not be resolved.
#[derive(Debug, thiserror::Error)]
#[error("resolving the name")]
struct UnknownName(#[source] std::io::Error);

/// The resolver of the system, whose failures [`TransportFault`] can tell from others.
pub(crate) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The caller replaces the port 0.
            let found = tokio::net::lookup_host((name.as_str(), 0))
                .await
                .map_err(UnknownName)?;
            let addresses: Addrs = Box::new(found.collect::<Vec<_>>().into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;
    use std::time::Duration;

    use rcgen::{CertificateParams, KeyPair};
    use rustls::ServerConfig;
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// The fault of a request to this port, by a client that trusts these certificates alone.
    async fn find_fault(host: &str, port: u16, trusted: &[&[u8]]) -> TransportFault {
        let roots = trusted
            .iter()
            .map(|der| reqwest::Certificate::from_der(der).unwrap());
        let client = reqwest::Client::builder()
            .no_proxy()
            .dns_resolver(Arc::new(SystemResolver))
            .tls_certs_only(roots)
            .timeout(Duration::from_secs(5))
            .build()
            .unwrap();
        let request = client.get(format!("https://{host}:{port}/")).send();
        TransportFault::of(&request.await.unwrap_err())
    }

    /// Serves TLS with a certificate for this name, from one year to another. Returns the port and
    /// the certificate.
    async fn serve_tls(name: &str, years: (i32, i32)) -> (u16, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    stream.write_all(b"no response of HTTP\r\n\r\n").await.ok();
                }
            }
        });
        (port, certificate.der().to_vec())
    }

    #[tokio::test]
    async fn the_certificate_of_a_server_is_judged_without_its_names() {
        let (port, der) = serve_tls("localhost", (2020, 2100)).await;
        let untrusted = find_fault("localhost", port, &[]).await;
        assert_eq!(untrusted, TransportFault::CertificateUntrusted);
        let unreadable = find_fault("localhost", port, &[&der]).await;
        assert_eq!(unreadable, TransportFault::Failed);
        let (port, der) = serve_tls("internal.corp.example", (2020, 2100)).await;
        let other = find_fault("localhost", port, &[&der]).await;
        assert_eq!(other, TransportFault::CertificateOfOther);
        for years in [(2000, 2001), (2098, 2100)] {
            let (port, der) = serve_tls("localhost", years).await;
            let expired = find_fault("localhost", port, &[&der]).await;
            assert_eq!(expired, TransportFault::CertificateExpired, "{years:?}");
        }
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_is_told_from_one_that_answers_without_tls() {
        let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = plain.local_addr().unwrap().port();
        let answer = std::thread::spawn(move || {
            let (mut stream, _) = plain.accept().unwrap();
            stream
                .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                .unwrap();
            // It stays open until the client has read the response.
            std::io::copy(&mut stream, &mut std::io::sink()).ok();
        });
        assert_eq!(
            find_fault("127.0.0.1", port, &[]).await,
            TransportFault::NoTls
        );
        answer.join().unwrap();
        // Its listener is gone.
        assert_eq!(
            find_fault("127.0.0.1", port, &[]).await,
            TransportFault::Refused
        );
        // RFC 6761 §6.4: no such name exists.
        let unknown = find_fault("nobody.invalid", 443, &[]).await;
        assert_eq!(unknown, TransportFault::NameUnknown);
    }
}
