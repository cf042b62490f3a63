//! A double of KMS for tests: it answers what a test says, and the calls that failed are counted.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_kms::Client;
use aws_sdk_kms::config::{
    BehaviorVersion, Config, Credentials, HttpClient, Region, RuntimeComponents,
};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use scep_service::ports::{KeyCallOutcome, Measurement, Metrics};
use serde_json::{Value, json};

use crate::Kms;

/// The answer to an operation about a key, or the code of an error.
type Answer = fn(operation: &str, key: &str) -> Result<Value, &'static str>;

#[derive(Clone)]
struct KmsDouble(Answer);

/// The number of calls that were measured as failed.
#[derive(Default)]
pub(crate) struct Failures(AtomicUsize);

impl Failures {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Creates a client of a KMS that answers so, and returns where its failures are counted.
pub(crate) fn build_kms(answer: Answer) -> (Kms, Arc<Failures>) {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
        .http_client(KmsDouble(answer))
        .build();
    let failures = Arc::<Failures>::default();
    let kms = Kms::new(Client::from_conf(config), failures.clone());
    (kms, failures)
}

impl Metrics for Failures {
    fn record(&self, measurement: &Measurement<'_>) {
        if let Measurement::KeyCall { outcome, .. } = measurement
            && *outcome == KeyCallOutcome::Failed
        {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl fmt::Debug for KmsDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KmsDouble")
    }
}

impl HttpClient for KmsDouble {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for KmsDouble {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap();
        let (_, operation) = target.split_once('.').unwrap();
        let parameters: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let key = parameters["KeyId"].as_str().unwrap_or_default();
        let (status, body) = match (self.0)(operation, key) {
            Ok(body) => (200, body),
            Err(code) => (400, json!({ "__type": code })),
        };
        let body = SdkBody::from(body.to_string());
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), body)))
    }
}
