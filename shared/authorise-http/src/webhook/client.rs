//! Signed requests to webhooks.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use scep_protocol::profile::{ScepProfile, WebhookSettings};
use scep_protocol::service_url::ServiceUrl;
use scep_protocol::webhook_secret::WebhookSecret;
use scep_service::ports::{Random, SecretOwner, Secrets};
use secrecy::ExposeSecret;
use serde::Serialize;
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook,
};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::http_client::{HttpClient, HttpResponse};
use crate::webhook::error::WebhookError;

/// Sends signed requests to webhooks.
pub struct WebhookClient {
    secrets: Arc<dyn Secrets>,
    random: Arc<dyn Random>,
    // Made when it is first needed: it loads the certificates that the system trusts, and most
    // profiles have no webhook.
    http: OnceLock<HttpClient>,
}

/// What a request is about: its type, and its content.
#[derive(Serialize)]
pub(super) struct Event<D> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    timestamp: String,
    pub(super) data: D,
}

impl<D: Serialize> Event<D> {
    /// An event of a time.
    pub(super) fn new(
        kind: &'static str,
        at: OffsetDateTime,
        data: D,
    ) -> Result<Self, WebhookError> {
        let timestamp = format_time(at)?;
        Ok(Self {
            kind,
            timestamp,
            data,
        })
    }
}

/// Formats a time: RFC 3339, UTC, in whole seconds.
pub(super) fn format_time(at: OffsetDateTime) -> Result<String, WebhookError> {
    let utc = at.checked_to_offset(time::UtcOffset::UTC).unwrap_or(at);
    utc.replace_nanosecond(0)
        .unwrap_or(utc)
        .format(&Rfc3339)
        .map_err(|error| WebhookError::Encode(error.into()))
}

impl WebhookClient {
    /// A client that signs with the secrets of profiles.
    #[must_use]
    pub fn new(secrets: Arc<dyn Secrets>, random: Arc<dyn Random>) -> Self {
        Self {
            secrets,
            random,
            http: OnceLock::new(),
        }
    }

    /// A fresh identity of a request.
    pub(super) fn draw_id(&self) -> Result<Uuid, WebhookError> {
        let octets = self.random.octets()?;
        Ok(uuid::Builder::from_random_bytes(octets).into_uuid())
    }

    /// Posts an event to the webhook of a profile. `id` is the same when it is posted again.
    pub(super) async fn post<D: Serialize + Sync>(
        &self,
        profile: &ScepProfile,
        webhook: &WebhookSettings,
        id: Uuid,
        event: &Event<D>,
        now: OffsetDateTime,
    ) -> Result<HttpResponse, WebhookError> {
        let url: ServiceUrl = webhook.url.parse()?;
        let body = serde_json::to_vec(event).map_err(|error| WebhookError::Encode(error.into()))?;
        let owner = SecretOwner::ServiceCredentials(profile.uuid);
        let secret = self.secrets.open(owner, &webhook.secret).await?;
        let secret = WebhookSecret::parse(secret.expose_secret())?;
        let headers = sign(&secret, id, now, &body)?;
        let timeout = Duration::from_secs(webhook.timeout_seconds.into());
        let response = self
            .http()?
            .send(Method::POST, &url, headers, Bytes::from(body), timeout)
            .await?;
        Ok(response)
    }

    fn http(&self) -> Result<&HttpClient, WebhookError> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let made = HttpClient::new().map_err(WebhookError::Client)?;
        Ok(self.http.get_or_init(|| made))
    }
}

/// The headers of a request with this body.
fn sign(
    secret: &WebhookSecret,
    id: Uuid,
    now: OffsetDateTime,
    body: &[u8],
) -> Result<HeaderMap, WebhookError> {
    let (id, timestamp) = (id.to_string(), now.unix_timestamp());
    let signature = Webhook::from_bytes(secret.octets().to_vec())
        .and_then(|webhook| webhook.sign(&id, timestamp, body))
        .map_err(|error| WebhookError::Encode(error.into()))?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [
        (HEADER_WEBHOOK_ID, id),
        (HEADER_WEBHOOK_TIMESTAMP, timestamp.to_string()),
        (HEADER_WEBHOOK_SIGNATURE, signature),
    ] {
        let value =
            HeaderValue::try_from(value).map_err(|error| WebhookError::Encode(error.into()))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}
