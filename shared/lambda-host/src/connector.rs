//! HTTP/1.1 over TLS 1.3 for the SDK's clients. The SDK's own connector also includes HTTP/2 and
//! TLS 1.2, which make up a tenth of a function's binary and which no API of AWS needs.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as TcpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

/// The timeout for opening a connection.
// It is no longer than one attempt of a call.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The time for which an idle connection is kept.
// AWS closes idle connections as well: a function that was frozen for longer would find it closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// A pool of connections that all clients of a function share.
#[derive(Clone, Debug)]
pub(crate) struct Connector(Client<HttpsConnector<TcpConnector>, SdkBody>);

impl Connector {
    /// Creates a connector that trusts the root certificates of the system.
    ///
    /// # Errors
    /// If the system has no root certificates.
    pub(crate) fn new() -> Result<Self, std::io::Error> {
        let mut tcp = TcpConnector::new();
        // The TLS connector around it passes URLs with https, which are rejected by default.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let https = HttpsConnectorBuilder::new()
            .with_native_roots()?
            // Emulators of AWS speak HTTP without TLS.
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .build(https);
        Ok(Self(client))
    }

    async fn exchange(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let http_request = request
            .try_into_http1x()
            .map_err(|error| ConnectorError::user(error.into()))?;
        // As an I/O error, a broken connection makes the SDK try again.
        let response = self
            .0
            .request(http_request)
            .await
            .map_err(|error| ConnectorError::io(error.into()))?;
        HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
            .map_err(|error| ConnectorError::other(error.into(), None))
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().exchange(request))
    }
}

impl HttpClient for Connector {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
