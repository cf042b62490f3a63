//! Composition of the parts that speak to Microsoft Intune.

use std::sync::Arc;

use authorise_http::{AssertionIssuer, IntuneClient, IntuneUrls};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Method, Response};
use keys_kms::KmsAssertionKey;
use scep_http::rejection_response;
use scep_protocol::refusal::HttpRejection;
use scep_service::error_chain::ErrorChain;
use scep_service::ports::SystemClock;

use crate::{Adapters, SettingError};

impl Adapters<'_> {
    /// The client of Intune.
    ///
    /// # Errors
    /// If a setting is missing or has an invalid value.
    pub fn intune(&self) -> Result<Arc<IntuneClient>, SettingError> {
        let environment = self.environment;
        let urls = IntuneUrls {
            login: environment
                .service_url("SCEPTER_INTUNE_LOGIN_URL", IntuneUrls::MICROSOFT_LOGIN)?,
            graph: environment
                .service_url("SCEPTER_INTUNE_GRAPH_URL", IntuneUrls::MICROSOFT_GRAPH)?,
        };
        let secrets = self.open_keys()?.secrets;
        let clock = Arc::new(SystemClock);
        let client = IntuneClient::new(urls, secrets, self.assertions()?, clock);
        Ok(Arc::new(client))
    }

    /// What signs for federated credentials of Entra, and publishes the key; `None` for a stack
    /// without such a key.
    ///
    /// # Errors
    /// If a setting is missing or has an invalid value.
    pub fn assertions(&self) -> Result<Option<Arc<AssertionIssuer>>, SettingError> {
        let name = "SCEPTER_INTUNE_SIGNING_KEY";
        let Some(key) = self.environment.optional_key(name)? else {
            return Ok(None);
        };
        let key = KmsAssertionKey::new(self.open_keys()?.ca_keys, key);
        let public_url = self.environment.deployment()?.public_url;
        let issuer = AssertionIssuer::new(issuer_url(&public_url), Arc::new(key));
        Ok(Some(Arc::new(issuer)))
    }
}

/// The URL of the deployment as the issuer of assertions.
// Entra reads the key of an issuer over HTTPS alone. The public URL of an edge is that of plain
// HTTP, which many devices need, and the edge serves /.well-known by HTTPS.
fn issuer_url(public_url: &str) -> String {
    let (_, rest) = public_url.split_once("://").unwrap_or(("", public_url));
    format!("https://{rest}")
}

/// Answers Entra, which reads the key of federated credentials; `None` for any other request.
pub async fn respond_well_known(issuer: &AssertionIssuer, head: &Parts) -> Option<Response<Bytes>> {
    if ![Method::GET, Method::HEAD].contains(&head.method) {
        return None;
    }
    let document = issuer.find_document(head.uri.path()).await;
    let json = match document {
        Ok(json) => json?,
        Err(error) => {
            let error = ErrorChain(&error);
            tracing::error!(%error, "could not read the key of federated credentials");
            return Some(rejection_response(HttpRejection::TryLater));
        }
    };
    let mut response = Response::new(Bytes::from(json));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_read_over_https() {
        for public in ["http://scep.example/a", "https://scep.example/a"] {
            assert_eq!(issuer_url(public), "https://scep.example/a");
        }
    }
}
