//! `/auditRecords`: the log of changes, and who made them.

use axum::Json;
use newtype_uuid::GenericUuid;
use scep_service::audit::AuditRecord;
use scep_service::inventory::AuditFilter;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{ApiRouter, RequireScope};
use crate::openapi_responses::InvalidRequest;
use crate::request::{Query, format_time, parse_page, parse_time, parse_uuid};
use crate::response::ApiError;
use crate::{Scope, State};

pub(crate) fn routes() -> ApiRouter {
    ApiRouter::new().routes(routes!(list_audit_records).require(Scope::Read))
}

/// Filters and paging for audit records. Empty parameters are ignored.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Only records about this object.
    #[param(
        pattern = "^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$",
        example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11"
    )]
    object_uuid: Option<String>,
    /// Only records at or after this time: RFC 3339 or a date.
    #[param(max_length = 64, example = "2026-01-31T12:00:00Z")]
    since: Option<String>,
    /// Only records before this time: RFC 3339 or a date.
    #[param(max_length = 64, example = "2030-01-31T12:00:00Z")]
    until: Option<String>,
    /// Maximum number of items, 1 to 500. Default 100.
    #[param(pattern = "^([1-9][0-9]?|[1-4][0-9]{2}|500)?$", example = "100")]
    limit: Option<String>,
    /// `cursor` of the previous page.
    #[param(max_length = 4096, pattern = "^[A-Za-z0-9_.-]*$", example = "")]
    cursor: Option<String>,
}

/// An audit record: one change to one object.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AuditItem {
    /// UUID of the record.
    #[schema(example = "019b0a3c-7e00-7c3a-9b1d-2f3e4a5b6c7d")]
    uuid: Uuid,
    /// When the change was made.
    #[schema(format = DateTime, example = "2026-01-01T01:00:00.5Z")]
    at: String,
    /// Who made the change.
    #[schema(example = "token admin")]
    who: String,
    /// The kind of change: activate, approve, create, createChallenges, deactivate, delete,
    /// deleteChallenge, disable, edit, enable, freeLockouts, installCertificate, orderKey, reject,
    /// revoke, rollover, rotate, sign or testSource. Of challenges and lock-outs, the object is the
    /// SCEP Profile.
    #[schema(example = "edit")]
    action: String,
    /// The kind of object: authority, certificate, keyOrder, raCertificate, raProfile, scepProfile
    /// or transaction.
    #[schema(example = "scepProfile")]
    object_kind: String,
    /// UUID of the object.
    #[schema(example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11")]
    object_uuid: Uuid,
    /// The object's name, a certificate's subject, or a transaction's transactionID; null for
    /// objects without a name.
    #[schema(example = "routers")]
    object_name: Option<String>,
    /// The stored object before the change, without secrets; null if it was created.
    #[schema(value_type = Option<Object>)]
    before: Option<serde_json::Value>,
    /// The stored object after the change, without secrets; null if it was deleted.
    #[schema(value_type = Option<Object>)]
    after: Option<serde_json::Value>,
}

impl AuditItem {
    fn of(record: AuditRecord) -> Self {
        // Stored objects were written as JSON, so they always parse.
        let json = |text: Option<String>| serde_json::from_str(&text?).ok();
        Self {
            uuid: record.uuid.into_untyped_uuid(),
            at: format_time(record.at),
            who: record.actor.name().to_owned(),
            action: record.action.name().to_owned(),
            object_kind: record.object.kind.name().to_owned(),
            object_uuid: record.object.uuid,
            object_name: record.name,
            before: json(record.before),
            after: json(record.after),
        }
    }
}

/// A page of audit records.
#[derive(Serialize, ToSchema)]
struct AuditPage {
    /// The records. A page may have fewer than `limit` items without being the last one.
    items: Vec<AuditItem>,
    /// Cursor of the next page; null on the last page.
    #[schema(example = "WyIwMTliMGEzYyIsImEiXQ")]
    cursor: Option<String>,
}

/// List audit records, newest first.
#[utoipa::path(
    get, path = "/auditRecords", tag = "Audit records", params(AuditQuery),
    responses(InvalidRequest, (status = 200, description = "OK", body = AuditPage))
)]
async fn list_audit_records(
    api: State,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditPage>, ApiError> {
    let filter = AuditFilter {
        object: parse_uuid("objectUuid", query.object_uuid)?,
        since: parse_time("since", query.since)?,
        until: parse_time("until", query.until)?,
    };
    // The two are most likely swapped by mistake, which an empty list would hide.
    if filter
        .since
        .zip(filter.until)
        .is_some_and(|(since, until)| until < since)
    {
        return Err(ApiError::reason("until: not before since"));
    }
    let page = parse_page(query.limit, query.cursor)?;
    let found = api
        .administration
        .store
        .audit_records(&filter, &page)
        .await?;
    Ok(Json(AuditPage {
        items: found.items.into_iter().map(AuditItem::of).collect(),
        cursor: found.cursor,
    }))
}
