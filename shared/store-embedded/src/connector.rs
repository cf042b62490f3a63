//! An HTTP connector for the SDK that passes requests to the engine.

use std::sync::Arc;

use aws_sdk_dynamodb::config::endpoint::{Endpoint, EndpointFuture, Params, ResolveEndpoint};
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Resolves every endpoint to a fixed address, which nothing ever connects to.
// The SDK's own endpoint rules take longer to evaluate than the engine takes for the request.
#[derive(Debug)]
pub(crate) struct NoEndpoint;

impl ResolveEndpoint for NoEndpoint {
    fn resolve_endpoint<'a>(&'a self, _: &'a Params) -> EndpointFuture<'a> {
        EndpointFuture::ready(Ok(Endpoint::builder()
            // RFC 6761 reserves .invalid, so that the address cannot exist.
            .url("http://embedded.invalid")
            .build()))
    }
}

/// A connector that runs the operation named by `X-Amz-Target` in the engine.
#[derive(Clone)]
pub(crate) struct EngineConnector(Arc<Database>);

impl EngineConnector {
    pub(crate) const fn new(engine: Arc<Database>) -> Self {
        Self(engine)
    }

    fn respond(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default();
        let body = request.body().bytes().unwrap_or_default();
        let (status, json) = match self.dispatch(operation, body) {
            Ok(json) => (200, json),
            Err(error) => (error.status_code(), error.to_json()),
        };
        let response = http::Response::builder()
            .status(status)
            .header("content-type", "application/x-amz-json-1.0")
            .body(SdkBody::from(json))
            .map_err(|error| ConnectorError::other(error.into(), None))?;
        HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
    }

    fn dispatch(&self, operation: &str, body: &[u8]) -> Result<String, DynoxideError> {
        let engine = &self.0;
        // These are the operations that the store uses: whatever is added here, the roles in AWS
        // must allow too.
        match operation {
            "BatchGetItem" => call_engine(body, |request| engine.batch_get_item(request)),
            "CreateTable" => call_engine(body, |request| engine.create_table(request)),
            "DeleteItem" => call_engine(body, |request| engine.delete_item(request)),
            "DescribeTable" => call_engine(body, |request| engine.describe_table(request)),
            "GetItem" => call_engine(body, |request| engine.get_item(request)),
            "PutItem" => call_engine(body, |request| engine.put_item(request)),
            "Query" => call_engine(body, |request| engine.query(request)),
            // No role may do this in AWS; exports need it.
            "Scan" => call_engine(body, |request| engine.scan(request)),
            "TransactWriteItems" => call_engine(body, |request| {
                engine.transact_write_items(TransactWriteItemsRequest {
                    // The token makes retries idempotent. Nothing is retried here, and the engine
                    // would keep every request for ten minutes.
                    client_request_token: None,
                    ..request
                })
            }),
            "UpdateItem" => call_engine(body, |request| engine.update_item(request)),
            "UpdateTimeToLive" => call_engine(body, |request| engine.update_time_to_live(request)),
            _ => Err(DynoxideError::ValidationException(format!(
                "the embedded database does not support {operation}"
            ))),
        }
    }
}

fn call_engine<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    operate: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request = serde_json::from_slice(body)
        .map_err(|error| DynoxideError::ValidationException(error.to_string()))?;
    serde_json::to_string(&operate(request)?)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

impl HttpConnector for EngineConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(self.respond(&request))
    }
}

impl HttpClient for EngineConnector {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl std::fmt::Debug for EngineConnector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EngineConnector")
    }
}
