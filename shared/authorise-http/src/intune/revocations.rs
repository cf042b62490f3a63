//! Revocation requests of Intune, and the results that it hears.

use async_trait::async_trait;
use scep_protocol::profile::ScepProfile;
use scep_protocol::vouching::ChallengeSourceKind;
use scep_service::error::Failure;
use scep_service::ports::{OrderOutcome, RevocationOrder, RevocationOrders};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::intune::application::Application;
use crate::intune::client::IntuneClient;
use crate::intune::error::IntuneError;
use crate::intune::service::IntuneService;

/// The action that hands out revocation requests.
const DOWNLOAD: &str = "CertificateAuthorityRequests/downloadRevocationRequests";

/// The action that takes results.
const UPLOAD: &str = "CertificateAuthorityRequests/uploadRevocationResults";

#[derive(Deserialize)]
struct Downloaded {
    value: Vec<RevocationRequest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RevocationRequest {
    request_context: String,
    serial_number: String,
}

#[derive(Deserialize)]
struct Uploaded {
    value: Value,
}

#[async_trait]
impl RevocationOrders for IntuneClient {
    async fn read_orders(
        &self,
        scep_profile: &ScepProfile,
        issuer: &str,
        most: u16,
    ) -> Result<Vec<RevocationOrder>, Failure> {
        let application = Application::of(scep_profile).map_err(fail)?;
        // Without the issuer, Intune would hand out the requests for other CAs of the tenant too.
        let body = json!({ "downloadParameters": { "maxRequests": most, "issuerName": issuer } });
        let downloaded: Downloaded = self
            .post(&application, IntuneService::PkiConnector, DOWNLOAD, &body)
            .await
            .map_err(fail)?;
        let requests = downloaded.value.into_iter().take(most.into());
        Ok(requests
            .map(|request| RevocationOrder {
                context: request.request_context,
                serial_number: request.serial_number,
            })
            .collect())
    }

    async fn report(
        &self,
        scep_profile: &ScepProfile,
        outcomes: &[(RevocationOrder, OrderOutcome)],
    ) -> Result<(), Failure> {
        let application = Application::of(scep_profile).map_err(fail)?;
        let results: Vec<_> = outcomes.iter().map(describe_outcome).collect();
        let body = json!({ "results": results });
        let uploaded: Uploaded = self
            .post(&application, IntuneService::PkiConnector, UPLOAD, &body)
            .await
            .map_err(fail)?;
        // Microsoft's library takes the text `true` too.
        let is_taken = match &uploaded.value {
            Value::Bool(is_taken) => *is_taken,
            Value::String(text) => text.eq_ignore_ascii_case("true"),
            Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
        };
        match is_taken {
            true => Ok(()),
            false => Err(fail(IntuneError::Answered("no success".to_owned()))),
        }
    }
}

/// Describes an outcome by the names of Microsoft's `CARequestErrorCode`.
fn describe_outcome((order, outcome): &(RevocationOrder, OrderOutcome)) -> Value {
    let (code, message) = match outcome {
        OrderOutcome::Failed => (
            "RetryableServiceException",
            Some("the server failed; its log says why"),
        ),
        OrderOutcome::Revoked => ("None", None),
        OrderOutcome::Unknown => (
            "CertificateNotFoundError",
            Some("no certificate with this serial number was issued for Intune"),
        ),
    };
    json!({
        "requestContext": order.context,
        "succeeded": *outcome == OrderOutcome::Revoked,
        "errorCode": code,
        "errorMessage": message,
    })
}

fn fail(error: IntuneError) -> Failure {
    Failure::Source {
        kind: ChallengeSourceKind::Intune,
        source: error.into(),
    }
}
