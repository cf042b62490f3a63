//! `/status`: what has expired or will, and which endpoints do not serve and why.

use axum::Json;
use ca::id::AuthorityUuid;
use ca::subject::name_text;
use scep_cms::certificate::Certificate;
use scep_protocol::id::{RaCertificateUuid, RaProfileUuid, ScepProfileUuid};
use scep_protocol::refusal_record::RefusalReason;
use scep_service::admin::{AuthorityHealth, EndpointHealth, EndpointOwner, RaCertificateHealth};
use scep_service::ports::CrlHead;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::access::{ApiRouter, RequireScope};
use crate::authorities::AuthorityState;
use crate::openapi_enums::UnavailableName;
use crate::request::format_time;
use crate::response::ApiError;
use crate::{Admin, Api, Scope, State};

pub(crate) fn routes() -> ApiRouter {
    ApiRouter::new().routes(routes!(read_status).require(Scope::Read))
}

/// The state of the server.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServerStatus)]
struct StatusView {
    /// Every authority, sorted by name.
    authorities: Vec<AuthorityStatus>,
    /// Every RA certificate.
    ra_certificates: Vec<RaCertificateStatus>,
    /// The endpoint of every SCEP Profile, then that of every RA Profile, each sorted by name.
    endpoints: Vec<EndpointStatus>,
}

/// The state of an authority.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AuthorityStatus {
    /// UUID of the authority.
    #[schema(value_type = Uuid, example = "b3f8f3f6-58ad-4c8a-8a52-0f6f8f1d2c3a")]
    uuid: AuthorityUuid,
    /// Name of the authority.
    #[schema(example = "corp-ca")]
    name: String,
    /// Whether it can issue.
    state: AuthorityState,
    /// When its certificate expires; null while it has none.
    #[schema(format = DateTime, example = "2036-01-01T00:00:00Z")]
    not_after: Option<String>,
    /// Whether it can issue with its next key; null if no rollover has begun.
    next_state: Option<AuthorityState>,
    /// The CRL of its current key; null until one is published.
    crl: Option<CrlStatus>,
}

/// The number and the times of a CRL.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CrlStatus {
    /// Number of the CRL.
    #[schema(example = 17)]
    number: u64,
    /// When it was issued.
    #[schema(format = DateTime, example = "2026-01-01T00:00:00Z")]
    this_update: String,
    /// When it expires. The next one is issued halfway to that time.
    #[schema(format = DateTime, example = "2026-01-08T00:00:00Z")]
    next_update: String,
}

/// The state of an RA certificate.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RaCertificateStatus {
    /// UUID of the RA certificate.
    #[schema(value_type = Uuid, example = "0c4f5f5e-94a9-4f0e-8f0e-6a5d2c7b1e10")]
    uuid: RaCertificateUuid,
    /// The authority that issued it.
    #[schema(value_type = Uuid, example = "b3f8f3f6-58ad-4c8a-8a52-0f6f8f1d2c3a")]
    authority_uuid: AuthorityUuid,
    /// Subject, as RFC 4514 text.
    #[schema(example = "CN=Corp Device RA,O=Corp")]
    subject: String,
    /// When the certificate that serves expires.
    #[schema(format = DateTime, example = "2028-01-01T00:00:00Z")]
    not_after: Option<String>,
}

/// The state of an endpoint.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EndpointStatus {
    /// URL of the endpoint.
    #[schema(example = "https://scep.example/api/v1/protocols/scep/routers/pkiclient.exe")]
    url: String,
    /// The SCEP Profile whose endpoint it is; null if it is an RA Profile's.
    #[schema(value_type = Option<Uuid>, example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11")]
    scep_profile_uuid: Option<ScepProfileUuid>,
    /// The RA Profile whose endpoint it is; null if it is a SCEP Profile's.
    #[schema(value_type = Option<Uuid>, example = "6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11")]
    ra_profile_uuid: Option<RaProfileUuid>,
    /// Name of the profile whose endpoint it is.
    #[schema(example = "routers")]
    name: String,
    /// Whether it serves.
    #[schema(example = false)]
    available: bool,
    /// Why it does not serve; null if it does.
    #[schema(example = "the SCEP Profile is disabled")]
    reason: Option<String>,
    /// That reason by its name, as requests that it refused have it; null if the endpoint serves.
    #[schema(value_type = Option<UnavailableName>)]
    reason_code: Option<&'static str>,
}

impl AuthorityStatus {
    fn of(health: &AuthorityHealth) -> Self {
        let AuthorityHealth { authority, crl } = health;
        let path = authority.current.path();
        Self {
            uuid: authority.uuid,
            name: authority.name.to_string(),
            state: AuthorityState::of(&authority.current),
            not_after: path.and_then(|path| find_end(&path.certificate)),
            next_state: authority.next.as_ref().map(AuthorityState::of),
            crl: crl.as_ref().map(CrlStatus::of),
        }
    }
}

impl CrlStatus {
    fn of(crl: &CrlHead) -> Self {
        Self {
            number: crl.number,
            this_update: format_time(crl.this_update),
            next_update: format_time(crl.next_update),
        }
    }
}

impl RaCertificateStatus {
    fn of(health: &RaCertificateHealth) -> Self {
        let certificate = &health.serving_key.certificate;
        Self {
            uuid: health.ra_certificate.uuid,
            authority_uuid: health.ra_certificate.authority,
            // Scepter issued the certificate, so it can be decoded.
            subject: name_text(certificate.subject()).unwrap_or_default(),
            not_after: find_end(certificate),
        }
    }
}

impl EndpointStatus {
    fn of(api: &Api, health: &EndpointHealth) -> Self {
        let (scep_profile, ra_profile) = match health.owner {
            EndpointOwner::ScepProfile(uuid) => (Some(uuid), None),
            EndpointOwner::RaProfile(uuid) => (None, Some(uuid)),
        };
        Self {
            url: api.scep_url(&health.endpoint),
            scep_profile_uuid: scep_profile,
            ra_profile_uuid: ra_profile,
            name: health.name().to_string(),
            available: health.unavailable.is_none(),
            reason: health.unavailable.map(|reason| reason.to_string()),
            reason_code: health
                .unavailable
                .map(|reason| RefusalReason::Unavailable(reason).name()),
        }
    }
}

/// When a stored certificate expires.
fn find_end(certificate: &Certificate) -> Option<String> {
    let validity = certificate.validity().ok()?;
    Some(format_time(validity.not_after))
}

/// Read the state of authorities, RA certificates, CRLs and endpoints.
#[utoipa::path(
    get, path = "/status", operation_id = "get_status", tag = "Server",
    responses((status = 200, description = "OK", body = StatusView))
)]
async fn read_status(
    api: State,
    Admin(administration): Admin,
) -> Result<Json<StatusView>, ApiError> {
    let health = administration.check_health().await?;
    Ok(Json(StatusView {
        authorities: health.authorities.iter().map(AuthorityStatus::of).collect(),
        ra_certificates: health
            .ra_certificates
            .iter()
            .map(RaCertificateStatus::of)
            .collect(),
        endpoints: health
            .endpoints
            .iter()
            .map(|endpoint| EndpointStatus::of(&api, endpoint))
            .collect(),
    }))
}
