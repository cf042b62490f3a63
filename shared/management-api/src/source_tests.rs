//! `/scepProfiles/{uuid}/challengeSources/{source}/test`: tests of the services that vouch.

use axum::Json;
use scep_protocol::id::ScepProfileUuid;
use scep_protocol::vouching::ChallengeSourceKind;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use crate::access::{ApiRouter, RequireScope};
use crate::openapi_responses::NotFound;
use crate::request::Ids;
use crate::response::{ApiError, Reasons};
use crate::{Admin, Scope, State};

pub(crate) fn routes() -> ApiRouter {
    ApiRouter::new().routes(routes!(test_source).require(Scope::Write))
}

/// A challenge source that is a service.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Service {
    Intune,
    Webhook,
}

/// The path parameters of a challenge source.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct SourcePath {
    /// UUID of the SCEP Profile.
    #[param(value_type = Uuid, example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11")]
    uuid: ScepProfileUuid,
    /// The challenge source: WEBHOOK or INTUNE.
    #[param(value_type = String, pattern = "^(WEBHOOK|INTUNE)$", example = "WEBHOOK")]
    source: Service,
}

/// What a test found.
#[derive(Serialize, ToSchema)]
struct TestReport {
    /// Whether the service can be used.
    #[schema(example = true)]
    ok: bool,
    /// What the service answered, or what went wrong.
    #[schema(example = "The webhook took the signed test, with status 204")]
    message: String,
    /// How long the test took, in milliseconds.
    #[schema(example = 23)]
    milliseconds: u64,
}

/// Test the service behind a challenge source.
///
/// A webhook gets a signed event of type `scep.test`, which is about no enrolment. For Intune, the
/// server logs in and looks for the service that validates requests. The source need not be among
/// the profile's challengeSources.
#[utoipa::path(
    post, path = "/scepProfiles/{uuid}/challengeSources/{source}/test", tag = "SCEP Profiles",
    params(SourcePath),
    responses(
        NotFound,
        (status = 200, description = "OK, whether or not the service can be used", body = TestReport),
        (status = 422, description = "The profile lacks settings of the source", body = Reasons)
    )
)]
async fn test_source(
    api: State,
    Admin(administration): Admin,
    Ids(path): Ids<SourcePath>,
) -> Result<Json<TestReport>, ApiError> {
    let (kind, probe) = match path.source {
        Service::Intune => (ChallengeSourceKind::Intune, &api.probes.intune),
        Service::Webhook => (ChallengeSourceKind::Webhook, &api.probes.webhook),
    };
    let report = administration
        .test_source(path.uuid, kind, &**probe)
        .await?;
    let ok = report.outcome.is_ok();
    let message = report.outcome.unwrap_or_else(|problem| problem);
    Ok(Json(TestReport {
        ok,
        message,
        milliseconds: u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
    }))
}
