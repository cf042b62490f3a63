//! `/settings`: the settings of the server, which are set where it is deployed.

use std::time::Duration;

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::access::{ApiRouter, RequireScope};
use crate::{Scope, State};

/// What the server runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(example = "LOCAL")]
pub enum Platform {
    /// AWS Lambda, with DynamoDB and KMS.
    Aws,
    /// One process, with an embedded database and keys in files.
    Local,
}

pub(crate) fn routes() -> ApiRouter {
    ApiRouter::new().routes(routes!(read_settings).require(Scope::Read))
}

/// The settings of the server.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServerSettings)]
struct SettingsView {
    /// Version of the server.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// URL at which clients reach the server, without a trailing slash.
    #[schema(example = "https://scep.example")]
    public_url: String,
    /// What the server runs on: LOCAL or AWS.
    platform: Platform,
    /// Days that a request waits for an administrator's approval.
    #[schema(example = 7)]
    pending_days: u64,
    /// Days that a CRL is valid.
    #[schema(example = 7)]
    crl_days: u64,
    /// Days that refused requests are kept.
    #[schema(example = 30)]
    request_days: u64,
    /// Seconds after which an edit of a profile is in force for every request.
    #[schema(example = 5)]
    profiles_max_age_seconds: u64,
    /// Name of the SCEP Profile at the fixed paths of devices whose path cannot be configured; null
    /// for none. A profile of this name need not exist.
    #[schema(example = "default")]
    default_scep_profile: Option<String>,
    /// Whether the server issues tokens itself, at `/tokens`.
    #[schema(example = true)]
    tokens: bool,
}

/// Read the settings of the server.
#[utoipa::path(
    get, path = "/settings", operation_id = "get_settings", tag = "Server",
    responses((status = 200, description = "OK", body = SettingsView))
)]
async fn read_settings(api: State) -> Json<SettingsView> {
    let deployment = &api.administration.deployment;
    Json(SettingsView {
        version: env!("CARGO_PKG_VERSION"),
        public_url: deployment.public_url.clone(),
        platform: api.platform,
        pending_days: count_days(deployment.pending_validity),
        crl_days: count_days(deployment.crl_validity),
        request_days: count_days(deployment.request_validity),
        profiles_max_age_seconds: api.profiles_max_age.as_secs(),
        default_scep_profile: api.default_scep_profile.as_ref().map(ToString::to_string),
        tokens: api.tokens.is_some(),
    })
}

/// The whole days of a time.
const fn count_days(time: Duration) -> u64 {
    time.as_secs() / (24 * 60 * 60)
}
