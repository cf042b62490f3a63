//! Why a webhook could not be asked or told.

use reqwest::StatusCode;
use scep_protocol::service_url::UnfitUrl;
use scep_protocol::webhook_secret::UnfitSecret;
use scep_service::error::KeyError;
use scep_service::ports::EntropyError;

use crate::http_client::HttpError;

/// Why a webhook could not be asked, or told.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The response to a question is no answer.
    #[error("the webhook's response is no answer")]
    Answer(#[source] serde_json::Error),
    /// The client could not be made.
    #[error("making an HTTP client")]
    Client(#[source] reqwest::Error),
    /// The request could not be described.
    #[error("describing the event")]
    Encode(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No identity could be drawn for the request.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The webhook could not be reached, or did not answer in time.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The names of an answer cannot be vouched for.
    #[error("the names in the webhook's answer: {0}")]
    Names(String),
    /// The profile has no webhook.
    #[error("the profile has no webhook")]
    Missing,
    /// The record of the certificate is gone.
    #[error("the certificate has no record")]
    RecordMissing,
    /// The secret could not be opened.
    #[error(transparent)]
    Secret(#[from] KeyError),
    /// The secret does not have the form of the Standard Webhooks specification.
    #[error("the webhook's secret: {0}")]
    SecretUnfit(#[from] UnfitSecret),
    /// The webhook answered with another status than it should.
    #[error("the webhook answered with status {0}")]
    Status(StatusCode),
    /// The URL is not one that requests may be sent to.
    #[error("the webhook's URL: {0}")]
    Url(#[from] UnfitUrl),
}
