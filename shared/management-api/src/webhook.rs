//! The webhook of a SCEP Profile, in requests and responses.

use std::collections::BTreeSet;

use scep_protocol::profile::{NotificationKind, WebhookSettings};
use scep_service::admin::{Edit, WebhookEdit};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::openapi_enums::NotificationName;
use crate::request::SecretText;

/// A webhook, or an edit of one, which keeps the fields that are omitted.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WebhookRequest {
    /// URL: `https:`, or `http:` on the loopback interface. Required for a new webhook.
    #[schema(max_length = 2048, example = "https://inventory.example/scep")]
    url: Option<String>,
    /// Secret that signs requests by the Standard Webhooks specification: `whsec_` and the base64
    /// of 24 to 64 octets. Required for a new webhook; stored encrypted and never returned.
    #[schema(value_type = Option<String>, write_only, example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: Option<SecretText>,
    /// How long the service may take to answer, in seconds. Default 3.
    #[serde(default)]
    #[schema(value_type = Option<u8>, minimum = 1, maximum = 10, example = 3)]
    timeout_seconds: Edit<u8>,
    /// Whether the service is asked about every enrolment, also if another source vouches for it.
    /// Default false.
    #[serde(default)]
    #[schema(value_type = Option<bool>, example = false)]
    gate: Edit<bool>,
    /// The events that the service is told of. Default none.
    #[serde(default)]
    #[schema(value_type = Option<Vec<NotificationName>>, max_items = 3, example = json!(["issued", "revoked"]))]
    notify: Edit<BTreeSet<NotificationKind>>,
}

impl WebhookRequest {
    pub(crate) fn into_edit(self) -> WebhookEdit {
        WebhookEdit {
            url: self.url,
            secret: self.secret.map(|SecretText(secret)| secret),
            timeout_seconds: self.timeout_seconds,
            gate: self.gate,
            notify: self.notify,
        }
    }
}

/// A webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookView {
    /// URL.
    #[schema(example = "https://inventory.example/scep")]
    url: String,
    /// How long the service may take to answer, in seconds.
    #[schema(example = 3)]
    timeout_seconds: u8,
    /// Whether the service is asked about every enrolment, also if another source vouches for it.
    #[schema(example = false)]
    gate: bool,
    /// The events that the service is told of.
    #[schema(value_type = Vec<NotificationName>, example = json!(["issued", "revoked"]))]
    notify: BTreeSet<NotificationKind>,
}

impl WebhookView {
    pub(crate) fn of(webhook: &WebhookSettings) -> Self {
        Self {
            url: webhook.url.clone(),
            timeout_seconds: webhook.timeout_seconds,
            gate: webhook.gate,
            notify: webhook.notify.clone(),
        }
    }
}
