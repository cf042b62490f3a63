//! Challenge sources that are HTTP services: Microsoft Intune and an administrator's webhook.

mod http_client;
mod intune;
mod report;
mod transport_fault;
mod webhook;

pub use http_client::{HttpClient, HttpError, HttpResponse};
pub use intune::{
    AssertionIssuer, DISCOVERY_PATH, IntuneClient, IntuneError, IntuneNotifier, IntuneSource,
    IntuneUrls, KEY_SET_PATH,
};
pub use webhook::{WebhookClient, WebhookError, WebhookNotifier, WebhookSource};
