//! Requests to the services of administrators and of Microsoft, within limits.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, Url};
use scep_protocol::service_url::ServiceUrl;

/// The longest response that is read, in octets, unless a client is made for longer ones.
const MAX_RESPONSE_BYTES: usize = 16 * 1024;

/// A client that follows no redirects, uses no proxy of the environment, and reads responses within
/// limits.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: Client,
    max_response_bytes: usize,
}

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
    /// The response is longer than the client reads.
    #[error("the response of {0} is too long")]
    TooLong(ServiceUrl),
}

impl HttpClient {
    /// Creates a client for responses of up to 16 KiB.
    ///
    /// # Errors
    /// When the certificates that the system trusts cannot be loaded.
    pub fn new() -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(concat!("scepter/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            client,
            max_response_bytes: MAX_RESPONSE_BYTES,
        })
    }

    /// The same client for responses of up to this many octets.
    #[must_use]
    pub fn with_response_limit(self, max_response_bytes: usize) -> Self {
        Self {
            max_response_bytes,
            ..self
        }
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
            .client
            .request(method, Url::from(url))
            .headers(headers)
            .body(body)
            .timeout(timeout)
            .send()
            .await
            .map_err(transport)?;
        let mut read = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if read.len().saturating_add(chunk.len()) > self.max_response_bytes {
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
