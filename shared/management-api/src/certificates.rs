//! `/certificates`: the certificates that were issued.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use ca::id::{CertificateIdKind, CertificateUuid};
use ca::revocation::RevocationReason;
use ca::vouched_names::VouchedNames;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use newtype_uuid::GenericUuid;
use scep_protocol::id::ChallengeUuid;
use scep_service::admin::Reach;
use scep_service::inventory::{CertificateRecord, CertificateStatus, CertificateSummary};
use serde::{Deserialize, Serialize};
use strum::VariantArray;
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{ApiRouter, RequireScope};
use crate::attribute::{Associations, Attribute};
use crate::authorities::PEM;
use crate::certificate::CertificateDetail;
use crate::certificates_query::CertificatesQuery;
use crate::openapi_responses::{InvalidRequest, NotFound};
use crate::request::{BodyOrNone, Id, JsonObject, ObjectPath, Query, format_time, parse_page};
use crate::response::{ApiError, Message, Reasons};
use crate::{Admin, Api, Scope, State, attribute};

pub(crate) fn routes() -> ApiRouter {
    ApiRouter::new()
        .routes(routes!(list_certificates).require(Scope::Read))
        .routes(routes!(read_certificate).require(Scope::Read))
        .routes(routes!(download_certificate).require(Scope::Read))
        .routes(routes!(revoke_certificate).require(Scope::Approve))
}

/// The status of a certificate.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = CertificateStatus)]
enum Status {
    /// It has expired.
    Expired,
    /// It has been revoked.
    Revoked,
    /// It has neither expired nor been revoked.
    Valid,
}

impl From<CertificateStatus> for Status {
    fn from(status: CertificateStatus) -> Self {
        match status {
            CertificateStatus::Expired => Self::Expired,
            CertificateStatus::Revoked => Self::Revoked,
            CertificateStatus::Valid => Self::Valid,
        }
    }
}

/// A certificate in the list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CertificateItem {
    /// UUID of the certificate.
    #[schema(example = "4e9b0c1d-2e3f-4051-a273-849506172839")]
    uuid: Uuid,
    /// Subject, as RFC 4514 text.
    #[schema(example = "CN=router-1,O=Corp")]
    subject: String,
    /// First CN of the subject.
    #[schema(example = "router-1")]
    common_name: Option<String>,
    /// Serial number, upper-case hexadecimal.
    #[schema(example = "4E9B0C1D2E3F4051A273849506172839")]
    serial_number: String,
    /// SHA-256 of its SubjectPublicKeyInfo, lower-case hexadecimal.
    #[schema(example = "aa159e540b7d11903c256a7f8842e15baa159e540b7d11903c256a7f8842e15b")]
    key_sha256: String,
    /// The certificate that it renewed; null if it was enrolled.
    #[schema(example = "4e9b0c1d-2e3f-4051-a273-849506172839")]
    predecessor_uuid: Option<Uuid>,
    /// The authority that issued it.
    #[schema(example = "b3f8f3f6-58ad-4c8a-8a52-0f6f8f1d2c3a")]
    authority_uuid: Uuid,
    /// The RA Profile whose rules it was issued under.
    #[schema(example = "6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11")]
    ra_profile_uuid: Uuid,
    /// The SCEP Profile that received the request.
    #[schema(example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11")]
    scep_profile_uuid: Uuid,
    /// Its status.
    status: Status,
    /// Start of its validity.
    #[schema(format = DateTime, example = "2026-01-01T00:00:00Z")]
    not_before: String,
    /// When it expires.
    #[schema(format = DateTime, example = "2027-01-01T00:00:00Z")]
    not_after: String,
    /// When it was issued.
    #[schema(format = DateTime, example = "2026-01-01T01:00:00Z")]
    issued_at: String,
    /// When it was revoked; null if it was not.
    #[schema(format = DateTime, example = "2026-06-01T12:00:00Z")]
    revoked_at: Option<String>,
    /// Reason of its revocation, as named in RFC 5280; null if it was not revoked.
    #[schema(example = "keyCompromise")]
    revocation_reason: Option<&'static str>,
}

impl CertificateItem {
    fn of(summary: CertificateSummary, now: OffsetDateTime) -> Self {
        Self {
            status: summary.status(now).into(),
            uuid: summary.uuid.into_untyped_uuid(),
            subject: summary.subject,
            common_name: summary.common_name,
            serial_number: summary.serial_number,
            key_sha256: summary.key.to_string(),
            predecessor_uuid: summary.predecessor.map(GenericUuid::into_untyped_uuid),
            authority_uuid: summary.authority.into_untyped_uuid(),
            ra_profile_uuid: summary.ra_profile.into_untyped_uuid(),
            scep_profile_uuid: summary.scep_profile.into_untyped_uuid(),
            not_before: format_time(summary.not_before),
            not_after: format_time(summary.not_after),
            issued_at: format_time(summary.issued_at),
            revoked_at: summary
                .revocation
                .map(|revocation| format_time(revocation.at)),
            revocation_reason: summary
                .revocation
                .map(|revocation| revocation.reason.name()),
        }
    }
}

/// A page of certificates.
#[derive(Serialize, ToSchema)]
struct CertificatePage {
    /// The certificates. A page may have fewer than `limit` items without being the last one.
    items: Vec<CertificateItem>,
    /// Cursor of the next page; null on the last page.
    #[schema(example = "WyIxNzk4NzYxNjAwMDAwIiwiYSJd")]
    cursor: Option<String>,
}

/// List certificates.
///
/// Certificates that expire last come first. With `expiringBefore`, those that expire soonest come
/// first; with `subject`, they are sorted by subject; with `subjectAltName`, by those names; with
/// `challengeUuid`, by the uses of the challenge. Of a certificate's alternative names, the first
/// 20 are searched, and those of certificates that an earlier version recorded are not.
#[utoipa::path(
    get, path = "/certificates", tag = "Certificates", params(CertificatesQuery),
    responses(InvalidRequest, (status = 200, description = "OK", body = CertificatePage))
)]
async fn list_certificates(
    api: State,
    Query(query): Query<CertificatesQuery>,
) -> Result<Json<CertificatePage>, ApiError> {
    let now = api.administration.clock.now();
    let page = parse_page(query.limit.clone(), query.cursor.clone())?;
    let filter = query.filter(now)?;
    let found = api
        .administration
        .store
        .certificates(&filter, &page)
        .await?;
    Ok(Json(CertificatePage {
        items: found
            .items
            .into_iter()
            .map(|summary| CertificateItem::of(summary, now))
            .collect(),
        cursor: found.cursor,
    }))
}

/// A certificate with its whole record.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CertificateView {
    #[serde(flatten)]
    item: CertificateItem,
    /// The transactionID under which it was issued.
    #[schema(example = "2B4F…")]
    transaction_id: String,
    /// Attributes of its issuance.
    #[schema(value_type = Vec<Attribute>)]
    issue_certificate_attributes: Vec<JsonObject<Attribute>>,
    /// Custom attributes of its profile.
    #[schema(value_type = Vec<Attribute>)]
    custom_attributes: Vec<JsonObject<Attribute>>,
    /// Its owner and groups.
    certificate_associations: Associations,
    /// What vouched for it: ONE_TIME, STATIC, INTUNE or WEBHOOK; null if it was approved without a
    /// challenge, or issued by an earlier version.
    #[schema(example = "ONE_TIME")]
    challenge_source: Option<&'static str>,
    /// The one-time challenge by which it was issued; null if it was not, or is a renewal.
    #[schema(value_type = Option<Uuid>, example = "0f9a6c1e-7b1d-8c54-9a67-3c2f0e6d5b41")]
    challenge_uuid: Option<ChallengeUuid>,
    /// Texts of what vouched for it, such as the note of a one-time challenge.
    #[schema(value_type = BTreeMap<String, String>, example = json!({"note": "asset 4711"}))]
    annotations: BTreeMap<String, String>,
    /// The names that were vouched for, whether or not the request asked for them.
    #[schema(value_type = Object, example = json!({"subject": {"CN": "device-7"}, "subjectAltNames": {}}))]
    vouched_names: VouchedNames,
    /// The certificate itself.
    certificate: CertificateDetail,
}

/// Read a certificate's record.
#[utoipa::path(
    get, path = "/certificates/{uuid}", operation_id = "get_certificate", tag = "Certificates",
    params(ObjectPath),
    responses(NotFound, (status = 200, description = "OK", body = CertificateView))
)]
async fn read_certificate(
    api: State,
    Id(uuid): Id<CertificateIdKind>,
) -> Result<Json<CertificateView>, ApiError> {
    let record = find_record(&api, uuid).await?;
    let annotations = &record.annotations;
    let vouching = record.vouching.as_ref();
    Ok(Json(CertificateView {
        challenge_source: vouching
            .and_then(|vouching| vouching.source)
            .map(Into::into),
        challenge_uuid: vouching.and_then(|vouching| vouching.challenge),
        annotations: vouching
            .map(|vouching| vouching.annotations.clone())
            .unwrap_or_default(),
        vouched_names: vouching
            .map(|vouching| vouching.names.clone())
            .unwrap_or_default(),
        transaction_id: record.transaction.transaction_id.as_str().to_owned(),
        issue_certificate_attributes: attribute::to_view(&annotations.issue_certificate_attributes),
        custom_attributes: attribute::to_view(&annotations.custom_attributes),
        certificate_associations: Associations::of(&annotations.associations),
        certificate: CertificateDetail::of(&record.certificate),
        item: CertificateItem::of(record.summary, api.administration.clock.now()),
    }))
}

/// Download a certificate as PEM.
#[utoipa::path(
    get, path = "/certificates/{uuid}/pem",
    operation_id = "get_certificate_pem", tag = "Certificates",
    params(ObjectPath),
    responses(
        NotFound,
        (status = 200, body = String, content_type = "application/x-pem-file", description = "PEM")
    )
)]
async fn download_certificate(
    api: State,
    Id(uuid): Id<CertificateIdKind>,
) -> Result<Response, ApiError> {
    let record = find_record(&api, uuid).await?;
    Ok(([(CONTENT_TYPE, PEM)], record.certificate.to_pem()).into_response())
}

async fn find_record(api: &Api, uuid: CertificateUuid) -> Result<CertificateRecord, ApiError> {
    api.administration
        .store
        .certificate_record(uuid)
        .await?
        .ok_or_else(|| ApiError::NotFound("no such certificate".to_owned()))
}

/// A request to revoke a certificate.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RevocationRequest {
    /// unspecified, keyCompromise, cACompromise, affiliationChanged, superseded,
    /// cessationOfOperation, certificateHold, privilegeWithdrawn or aACompromise. Default
    /// unspecified.
    #[schema(example = "keyCompromise")]
    reason: Option<String>,
    /// Whether to revoke the certificates that renewed it too. Default true.
    #[schema(example = true)]
    successors: Option<bool>,
}

/// The certificates that were revoked along with the requested one.
#[derive(Serialize, ToSchema)]
struct RevokedSuccessors {
    /// Certificates that had renewed it, directly or in turn, and were not revoked before.
    #[schema(value_type = Vec<Uuid>, example = json!(["4e9b0c1d-2e3f-4051-a273-849506172839"]))]
    successors: Vec<CertificateUuid>,
}

/// Revoke a certificate.
///
/// Also revokes every certificate that renewed it, directly or in turn. By the time of the response
/// they are on the authority's CRL. Their keys are never certified again.
#[utoipa::path(
    post, path = "/certificates/{uuid}/revoke", operation_id = "revoke", tag = "Certificates",
    params(ObjectPath),
    request_body = Option<RevocationRequest>,
    responses(
        NotFound, InvalidRequest,
        (status = 200, body = RevokedSuccessors, description = "Revoked, together with its successors"),
        (status = 204, description = "Revoked; it had no successors to revoke"),
        (status = 409, description = "The certificate was changed in the meantime", body = Message),
        (status = 422, description = "The certificate is already revoked for another reason, or the reason is unknown", body = Reasons)
    )
)]
async fn revoke_certificate(
    Admin(administration): Admin,
    Id(uuid): Id<CertificateIdKind>,
    BodyOrNone(request): BodyOrNone<RevocationRequest>,
) -> Result<Response, ApiError> {
    let reason = match request.reason.as_deref() {
        None => RevocationReason::Unspecified,
        Some(name) => name.parse().map_err(|_| unknown_reason())?,
    };
    let reach = match request.successors {
        Some(false) => Reach::Alone,
        None | Some(true) => Reach::WithSuccessors,
    };
    let successors = administration
        .revoke_certificate(uuid, reason, reach)
        .await?;
    if successors.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(Json(RevokedSuccessors { successors }).into_response())
}

fn unknown_reason() -> ApiError {
    let names: Vec<_> = RevocationReason::VARIANTS
        .iter()
        .map(|reason| reason.name())
        .collect();
    ApiError::reason(format!("reason: one of {}", names.join(", ")))
}
