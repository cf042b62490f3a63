//! Requests to the services of administrators and of Microsoft, within limits.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode, Url};
use scep_protocol::service_url::ServiceUrl;
use tokio::sync::Semaphore;

use crate::transport_fault::SystemResolver;

/// The longest response that is read, in octets, unless a client is made for longer ones.
const MAX_RESPONSE_BYTES: usize = 16 * 1024;

/// The most requests of a client, and of those made from it, that are under way at a time.
// While a service is slow, the server's clients wait with it, and there must be room for others.
const MAX_REQUESTS: usize = 20;

/// A client that follows no redirects, uses no proxy of the environment, and sends requests and
/// reads responses within limits.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: Client,
    max_response_bytes: usize,
    free: Arc<Semaphore>,
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
    /// As many requests as are allowed are under way, so this one was not sent.
    #[error("{MAX_REQUESTS} requests are under way, so none is sent to {0}")]
    Busy(ServiceUrl),
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
            .dns_resolver(Arc::new(SystemResolver))
            .user_agent(concat!("scepter/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            client,
            max_response_bytes: MAX_RESPONSE_BYTES,
            free: Arc::new(Semaphore::new(MAX_REQUESTS)),
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
        // Who waited for a free place would take one from the server's other clients.
        let _place = self
            .free
            .try_acquire()
            .map_err(|_| HttpError::Busy(url.clone()))?;
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

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_slow_service_holds_up_a_limited_number_of_requests() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url: ServiceUrl = format!("http://{}", silent.local_addr().unwrap())
            .parse()
            .unwrap();
        let client = HttpClient::new().unwrap();
        let send = async |client: HttpClient, url: &ServiceUrl, timeout: Duration| {
            let (headers, body) = (HeaderMap::new(), Bytes::new());
            client.send(Method::GET, url, headers, body, timeout).await
        };
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..MAX_REQUESTS {
            let (client, url) = (client.clone(), url.clone());
            waiting.spawn(async move { send(client, &url, Duration::from_secs(60)).await.err() });
        }
        let accepted = tokio::task::spawn_blocking(move || {
            let accept = |_| {
                let (mut connection, _) = silent.accept().unwrap();
                connection.read_exact(&mut [0]).unwrap();
                connection
            };
            (0..MAX_REQUESTS).map(accept).collect::<Vec<_>>()
        });
        let accepted = accepted.await.unwrap();
        let other = client.clone().with_response_limit(1);
        let refused = send(other, &url, Duration::from_secs(60)).await;
        assert!(matches!(refused, Err(HttpError::Busy(_))), "{refused:?}");
        // Requests that ended make room, however they ended.
        drop(accepted);
        while let Some(ended) = waiting.join_next().await {
            assert!(matches!(ended, Ok(Some(HttpError::Transport { .. }))));
        }
        let sent = send(client, &url, Duration::from_secs(60)).await;
        assert!(matches!(sent, Err(HttpError::Transport { .. })), "{sent:?}");
    }
}
