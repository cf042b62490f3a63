//! Requests to the services of administrators and of Microsoft, within limits.

use std::fmt::{Debug, Display, Formatter};
use std::str::FromStr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, Url};

/// The longest response that is read, in octets.
const MAX_RESPONSE_BYTES: usize = 16 * 1024;

/// The URL of a service: `https:`, or `http:` on the loopback interface.
// A service vouches for enrolments, and requests to it carry challenges.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceUrl(Url);

/// A text is no URL that requests may be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an https:// URL without user name and fragment; http:// is for the loopback interface"
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

    /// Returns the URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for ServiceUrl {
    type Err = UnfitUrl;

    fn from_str(text: &str) -> Result<Self, UnfitUrl> {
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

impl Display for ServiceUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Debug for ServiceUrl {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// A client that follows no redirects, uses no proxy of the environment, and reads responses within
/// limits.
#[derive(Clone, Debug)]
pub struct HttpClient(Client);

/// A response with its whole body.
#[derive(Debug)]
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A request failed before its whole response was read.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The service did not respond in time, or the connection failed.
    #[error("sending a request to {url}")]
    Transport {
        /// The URL of the service.
        url: ServiceUrl,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// The response is longer than 16 KiB.
    #[error("the response of {0} is longer than 16 KiB")]
    TooLong(ServiceUrl),
}

impl HttpClient {
    /// Creates a client.
    ///
    /// # Errors
    /// When the certificates that the system trusts cannot be loaded.
    pub fn new() -> Result<Self, reqwest::Error> {
        Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(concat!("scepter/", env!("CARGO_PKG_VERSION")))
            .build()
            .map(Self)
    }

    /// Sends a request and reads the whole response, both within `timeout`.
    ///
    /// # Errors
    /// See [`HttpError`]. A response of any status is no error.
    pub async fn send(
        &self,
        method: Method,
        url: &ServiceUrl,
        headers: HeaderMap,
        body: Bytes,
        timeout: Duration,
    ) -> Result<HttpResponse, HttpError> {
        let transport = |source: reqwest::Error| HttpError::Transport {
            url: url.clone(),
            // The URL is named once, and without its query, which may hold what is asked for.
            source: source.without_url(),
        };
        let mut response = self
            .0
            .request(method, url.0.clone())
            .headers(headers)
            .body(body)
            .timeout(timeout)
            .send()
            .await
            .map_err(transport)?;
        let mut read = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if read.len().saturating_add(chunk.len()) > MAX_RESPONSE_BYTES {
                return Err(HttpError::TooLong(url.clone()));
            }
            read.extend_from_slice(&chunk);
        }
        Ok(HttpResponse {
            status: response.status(),
            headers: response.headers().clone(),
            body: read.freeze(),
        })
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
    }

    #[test]
    fn a_path_is_joined_with_one_slash() {
        for base in ["https://a.example", "https://a.example/"] {
            let joined = base.parse::<ServiceUrl>().unwrap().join("b/c").unwrap();
            assert_eq!(joined.as_str(), "https://a.example/b/c");
        }
    }
}
