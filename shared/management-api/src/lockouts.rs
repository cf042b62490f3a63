//! `/scepProfiles/{uuid}/lockouts`: who is locked out after wrong challenges.

use axum::Json;
use http::StatusCode;
use scep_protocol::id::{LockoutUuid, ScepProfileIdKind, ScepProfileUuid};
use scep_protocol::lockout::Lockout;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use crate::access::{ApiRouter, RequireScope};
use crate::openapi_responses::NotFound;
use crate::request::{Id, Ids, ObjectPath, format_time};
use crate::response::ApiError;
use crate::{Admin, Scope};

pub(crate) fn routes() -> ApiRouter {
    ApiRouter::new()
        .routes(routes!(list_lockouts).require(Scope::Read))
        .routes(routes!(free_lockouts).require(Scope::Write))
        .routes(routes!(free_lockout).require(Scope::Write))
}

/// A lock-out.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LockoutView {
    /// UUID of the lock-out.
    #[schema(value_type = Uuid, example = "5b1f7c0a-94d2-8e3b-b6c4-2d9e8f7a6b53")]
    uuid: LockoutUuid,
    /// What is locked out: ADDRESS or KEY.
    #[schema(pattern = "^(ADDRESS|KEY)$", example = "ADDRESS")]
    by: &'static str,
    /// The IPv4 address, the IPv6 network of 64 bits, or the SHA-256 of the SubjectPublicKeyInfo
    /// that signed the requests, in lower-case hexadecimal.
    #[schema(example = "192.0.2.17")]
    value: String,
    /// Wrong challenges within the last ten minutes before the lock-out.
    #[schema(example = 10)]
    failures: u32,
    /// When the lock-out ends.
    #[schema(format = DateTime, example = "2026-01-01T01:01:00Z")]
    until: Option<String>,
}

impl LockoutView {
    fn of(lockout: &Lockout) -> Self {
        Self {
            uuid: lockout.uuid(),
            by: lockout.subject.by(),
            value: lockout.subject.to_string(),
            failures: lockout.failures,
            until: lockout.until.map(format_time),
        }
    }
}

/// List who is locked out, the latest first.
///
/// A client that shows ten wrong challenges within ten minutes is locked out for a minute, and for
/// longer after each further one. Lists at most 1000.
#[utoipa::path(
    get, path = "/scepProfiles/{uuid}/lockouts", tag = "Challenges", params(ObjectPath),
    responses(NotFound, (status = 200, description = "OK", body = [LockoutView]))
)]
async fn list_lockouts(
    Admin(administration): Admin,
    Id(uuid): Id<ScepProfileIdKind>,
) -> Result<Json<Vec<LockoutView>>, ApiError> {
    let found = administration.list_lockouts(uuid).await?;
    Ok(Json(found.iter().map(LockoutView::of).collect()))
}

/// End every lock-out, and forget the wrong challenges that led to them.
#[utoipa::path(
    delete, path = "/scepProfiles/{uuid}/lockouts", tag = "Challenges", params(ObjectPath),
    responses(NotFound, (status = 204, description = "No content"))
)]
async fn free_lockouts(
    Admin(administration): Admin,
    Id(uuid): Id<ScepProfileIdKind>,
) -> Result<StatusCode, ApiError> {
    administration.free_lockouts(uuid).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The path parameters of a lock-out.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
struct LockoutPath {
    /// UUID of the SCEP Profile.
    #[param(value_type = Uuid, example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11")]
    uuid: ScepProfileUuid,
    /// UUID of the lock-out.
    #[param(value_type = Uuid, example = "5b1f7c0a-94d2-8e3b-b6c4-2d9e8f7a6b53")]
    lockout_uuid: LockoutUuid,
}

/// End a lock-out, and forget the wrong challenges that led to it.
#[utoipa::path(
    delete, path = "/scepProfiles/{uuid}/lockouts/{lockoutUuid}", tag = "Challenges",
    params(LockoutPath),
    responses(NotFound, (status = 204, description = "No content"))
)]
async fn free_lockout(
    Admin(administration): Admin,
    Ids(path): Ids<LockoutPath>,
) -> Result<StatusCode, ApiError> {
    administration
        .free_lockout(path.uuid, path.lockout_uuid)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
