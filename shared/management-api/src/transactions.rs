//! `/scepTransactions`: enrolments in progress and their outcome.

use std::collections::HashMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use ca::pending::RequestSummary;
use ca::requested_contents::RequestedContents;
use http::StatusCode;
use newtype_uuid::{GenericUuid, TypedUuid, TypedUuidKind};
use scep_protocol::id::{RaProfileUuid, ScepProfileUuid, TransactionIdKind};
use scep_protocol::profile::{RaProfile, ScepProfile};
use scep_service::admin::AdminError;
use scep_service::error::Failure;
use scep_service::inventory::{TransactionRecord, TransactionStatus, TransactionSummary};
use scep_service::object::{Object, ObjectKind, list};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{ApiRouter, RequireScope};
use crate::openapi_responses::{InvalidRequest, NotFound};
use crate::request::{
    BodyOrNone, Id, IfMatch, ObjectPath, Query, RequiredIfMatch, format_time, non_empty, parse_page,
};
use crate::response::{ApiError, Message, Reasons, with_etag};
use crate::{Admin, Api, Scope, State};

pub(crate) fn routes() -> ApiRouter {
    ApiRouter::new()
        .routes(routes!(list_transactions).require(Scope::Read))
        .routes(routes!(read_transaction).require(Scope::Read))
        .routes(routes!(approve_transaction).require(Scope::Approve))
        .routes(routes!(reject_transaction).require(Scope::Approve))
}

/// Filters and paging for transactions. Empty parameters are ignored.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TransactionsQuery {
    /// Only transactions with this status: ISSUING, PENDING, ISSUED or REJECTED.
    #[param(pattern = "^(ISSUING|PENDING|ISSUED|REJECTED)?$", example = "ISSUED")]
    status: Option<String>,
    /// Maximum number of items, 1 to 500. Default 100.
    #[param(pattern = "^([1-9][0-9]?|[1-4][0-9]{2}|500)?$", example = "100")]
    limit: Option<String>,
    /// `cursor` of the previous page.
    #[param(max_length = 4096, pattern = "^[A-Za-z0-9_.-]*$", example = "")]
    cursor: Option<String>,
}

/// The status of a transaction.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = TransactionStatus)]
enum Status {
    /// The certificate is being issued.
    Issuing,
    /// The request waits for an administrator.
    Pending,
    /// The certificate was issued.
    Issued,
    /// An administrator rejected the request.
    Rejected,
}

impl From<TransactionStatus> for Status {
    fn from(status: TransactionStatus) -> Self {
        match status {
            TransactionStatus::Issued => Self::Issued,
            TransactionStatus::Issuing => Self::Issuing,
            TransactionStatus::Pending => Self::Pending,
            TransactionStatus::Rejected => Self::Rejected,
        }
    }
}

/// A transaction.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TransactionItem {
    /// UUID of the transaction.
    #[schema(example = "8f14e45f-ceea-867f-a8b1-d6a5c9b0f1e2")]
    uuid: Uuid,
    /// The client's transactionID.
    #[schema(example = "2B4F…")]
    transaction_id: String,
    /// The SCEP Profile that received the request.
    scep_profile: ProfileReference,
    /// The RA Profile under which the request was made.
    ra_profile: ProfileReference,
    /// Its status.
    status: Status,
    /// messageType of the request: 19 is PKCSReq, 17 RenewalReq.
    #[schema(example = "19")]
    message_type: String,
    /// Subject to be certified, as RFC 4514 text.
    #[schema(example = "CN=router-1,O=Corp")]
    subject: String,
    /// The certificate that was issued.
    #[schema(example = "4e9b0c1d-2e3f-4051-a273-849506172839")]
    certificate_uuid: Option<Uuid>,
    /// When it was created.
    #[schema(format = DateTime, example = "2026-01-01T01:00:00Z")]
    created_at: String,
}

/// A transaction with the contents of its request.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TransactionView {
    #[serde(flatten)]
    item: TransactionItem,
    /// Names to be certified in subjectAltName, prefixed by their types; null if there is nothing
    /// left to sign.
    #[schema(example = json!(["DNS:router-1.corp.example", "IP:192.0.2.1"]))]
    subject_alt_names: Option<Vec<String>>,
    /// Security identifier (SID) to be certified, in whichever form: an approval vouches for it;
    /// null without one, or with nothing left to sign. Where Active Directory trusts the authority,
    /// the device can log on as this account.
    #[schema(example = "S-1-5-21-1004336348-1177238915-682003330-512")]
    sid: Option<String>,
    /// SHA-256 of the SubjectPublicKeyInfo to be certified, formatted as by openssl; null if there
    /// is nothing left to sign.
    #[schema(
        example = "AA:15:9E:54:0B:7D:11:90:3C:25:6A:7F:88:42:E1:5B:AA:15:9E:54:0B:7D:11:90:3C:25:6A:7F:88:42:E1:5B"
    )]
    public_key_sha256: Option<String>,
    /// Key usages to be certified under the current rules; null if there is nothing left to sign.
    #[schema(example = json!(["digitalSignature", "keyEncipherment"]))]
    key_usage: Option<Vec<&'static str>>,
    /// Extended key usages to be certified under the current rules, as names or OIDs; null if there
    /// is nothing left to sign.
    #[schema(example = json!(["clientAuth"]))]
    extended_key_usage: Option<Vec<String>>,
    /// Start of the certificate's validity if it is approved now; null if there is nothing left to
    /// sign.
    #[schema(format = DateTime, example = "2026-01-01T00:00:00Z")]
    not_before: Option<String>,
    /// What the device asked for; null if the request never waited for approval.
    requested: Option<RequestedView>,
    /// When the certificate expires if it is approved now; null if there is nothing left to sign.
    #[schema(format = DateTime, example = "2027-01-01T00:00:00Z")]
    not_after: Option<String>,
    /// Reason that the administrator gave who rejected the request; empty without one, and null
    /// unless the request was rejected.
    #[schema(example = "not one of our devices")]
    rejection_reason: Option<String>,
}

/// What a device asked for, before the rules of the RA Profile.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RequestedContents)]
struct RequestedView {
    /// Subject, as RFC 4514 text.
    #[schema(example = "CN=router-1")]
    subject: String,
    /// Names of subjectAltName, prefixed by their types.
    #[schema(example = json!(["DNS:router-1.corp.example", "email:router@corp.example"]))]
    subject_alt_names: Vec<String>,
    /// Security identifier (SID), in whichever form; null without one.
    #[schema(example = "S-1-5-21-1004336348-1177238915-682003330-512")]
    sid: Option<String>,
    /// Extended key usages, as names or OIDs.
    #[schema(example = json!(["clientAuth", "serverAuth"]))]
    extended_key_usage: Vec<String>,
}

impl From<RequestedContents> for RequestedView {
    fn from(requested: RequestedContents) -> Self {
        Self {
            subject: requested.subject,
            subject_alt_names: requested.subject_alt_names,
            sid: requested.sid,
            extended_key_usage: requested.extended_key_usage,
        }
    }
}

/// A reference to a profile.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileReference {
    /// UUID of the profile.
    #[schema(example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11")]
    uuid: Uuid,
    /// Name of the profile; null if it was deleted.
    #[schema(example = "routers")]
    name: Option<String>,
}

/// A page of transactions.
#[derive(Serialize, ToSchema)]
struct TransactionPage {
    /// The transactions. A page may have fewer than `limit` items without being the last one.
    items: Vec<TransactionItem>,
    /// Cursor of the next page; null on the last page.
    #[schema(example = "WyIxNzk4NzYxNjAwMDAwIiwiYSJd")]
    cursor: Option<String>,
}

/// The names of all profiles.
pub(crate) struct Names {
    scep_profiles: HashMap<ScepProfileUuid, String>,
    ra_profiles: HashMap<RaProfileUuid, String>,
}

impl Names {
    pub(crate) async fn load(api: &Api) -> Result<Self, ApiError> {
        Ok(Self {
            scep_profiles: names_by_uuid::<ScepProfile>(api).await?,
            ra_profiles: names_by_uuid::<RaProfile>(api).await?,
        })
    }

    pub(crate) fn scep_profile(&self, uuid: ScepProfileUuid) -> ProfileReference {
        reference(uuid, &self.scep_profiles)
    }

    pub(crate) fn ra_profile(&self, uuid: RaProfileUuid) -> ProfileReference {
        reference(uuid, &self.ra_profiles)
    }

    fn item(&self, summary: TransactionSummary) -> TransactionItem {
        TransactionItem {
            uuid: summary.uuid.into_untyped_uuid(),
            transaction_id: summary.transaction_id,
            scep_profile: self.scep_profile(summary.scep_profile),
            ra_profile: self.ra_profile(summary.ra_profile),
            status: summary.status.into(),
            message_type: summary.message_type,
            subject: summary.subject,
            certificate_uuid: summary.certificate.map(GenericUuid::into_untyped_uuid),
            created_at: format_time(summary.created_at),
        }
    }
}

/// The view of a reference to a profile.
fn reference<K: TypedUuidKind>(
    uuid: TypedUuid<K>,
    names: &HashMap<TypedUuid<K>, String>,
) -> ProfileReference {
    ProfileReference {
        uuid: uuid.into_untyped_uuid(),
        name: names.get(&uuid).cloned(),
    }
}

/// The names of all profiles of a kind.
async fn names_by_uuid<T: Object>(
    api: &Api,
) -> Result<HashMap<TypedUuid<T::IdKind>, String>, ApiError> {
    Ok(list::<T>(&*api.administration.store)
        .await?
        .into_iter()
        .filter_map(|found| {
            let name = found.object.name()?.to_string();
            Some((found.object.uuid(), name))
        })
        .collect())
}

/// List transactions, newest first.
///
/// Without a status, those that are in progress or pending come before those that are completed.
#[utoipa::path(
    get, path = "/scepTransactions", tag = "Transactions", params(TransactionsQuery),
    responses(InvalidRequest, (status = 200, description = "OK", body = TransactionPage))
)]
async fn list_transactions(
    api: State,
    Query(query): Query<TransactionsQuery>,
) -> Result<Json<TransactionPage>, ApiError> {
    let page = parse_page(query.limit, query.cursor)?;
    let status = non_empty(query.status)
        .map(|name| {
            let reason = || ApiError::reason("status: ISSUING, PENDING, ISSUED or REJECTED");
            name.parse::<TransactionStatus>().map_err(|_| reason())
        })
        .transpose()?;
    let now = api.administration.clock.now();
    let found = api
        .administration
        .store
        .transactions(status, &page, now)
        .await?;
    // The names are listed once per request instead of reading the profiles of each transaction.
    let names = Names::load(&api).await?;
    Ok(Json(TransactionPage {
        items: found
            .items
            .into_iter()
            .map(|summary| names.item(summary))
            .collect(),
        cursor: found.cursor,
    }))
}

/// Read a transaction.
///
/// Returns the contents of its request for review. Its ETag identifies the version of the request
/// that was reviewed.
#[utoipa::path(
    get, path = "/scepTransactions/{uuid}", operation_id = "show_transaction", tag = "Transactions",
    params(ObjectPath),
    responses(NotFound, (status = 200, description = "OK", body = TransactionView))
)]
async fn read_transaction(
    api: State,
    Id(uuid): Id<TransactionIdKind>,
) -> Result<Response, ApiError> {
    let now = api.administration.clock.now();
    let TransactionRecord {
        summary,
        transaction,
        requested,
    } = api
        .administration
        .store
        .transaction_record(uuid, now)
        .await?
        .ok_or(AdminError::NotFound(ObjectKind::Transaction))?;
    let review = api.administration.review_transaction(&transaction).await?;
    let to_certify = review
        .to_be_signed
        .as_deref()
        .map(RequestSummary::of)
        .transpose()
        .map_err(|error| {
            ApiError::Failed(Failure::Corrupt {
                what: "the certificate of a pending request",
                source: error.into(),
            })
        })?;
    let mut view = TransactionView {
        item: Names::load(&api).await?.item(summary),
        subject_alt_names: None,
        sid: None,
        public_key_sha256: None,
        key_usage: None,
        extended_key_usage: None,
        requested: requested.map(RequestedView::from),
        not_before: None,
        not_after: None,
        rejection_reason: transaction.state.rejection_reason().map(str::to_owned),
    };
    if let Some(to_certify) = to_certify {
        view.subject_alt_names = Some(to_certify.subject_alt_names);
        view.sid = to_certify.sid.map(String::from);
        view.public_key_sha256 = Some(to_certify.public_key_sha256);
        view.key_usage = Some(to_certify.key_usage);
        view.extended_key_usage = Some(to_certify.extended_key_usage);
        view.not_before = Some(format_time(to_certify.validity.not_before));
        view.not_after = Some(format_time(to_certify.validity.not_after));
    }
    Ok(with_etag(Json(view).into_response(), review.version))
}

/// Approve a pending transaction.
///
/// The certificate is issued under the current rules, and the device receives it at its next poll.
/// A device may replace its request while it waits, and rules may be edited: `If-Match` with the
/// ETag of the reviewed version ensures that nothing else is approved.
#[utoipa::path(
    post, path = "/scepTransactions/{uuid}/approve", operation_id = "approve", tag = "Transactions",
    params(ObjectPath, RequiredIfMatch),
    responses(
        NotFound,
        (status = 204, description = "No content"),
        (status = 409, description = "The transaction was decided in the meantime, or the request no longer matches If-Match", body = Message),
        (status = 422, description = "The transaction is not pending, a profile is disabled, the current rules forbid it, its key is revoked, or its authority cannot issue", body = Reasons),
        (status = 428, description = "If-Match is missing or names no version", body = Message)
    )
)]
async fn approve_transaction(
    Admin(administration): Admin,
    Id(uuid): Id<TransactionIdKind>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, ApiError> {
    administration.approve_transaction(uuid, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A request to reject a transaction.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RejectionRequest {
    /// Reason sent to the device as failInfoText; at most 200 characters.
    #[schema(max_length = 200, example = "not one of our devices")]
    reason: Option<String>,
}

/// Reject a pending transaction.
///
/// The device receives the reason at its next poll; after that its transactionID may be used again.
#[utoipa::path(
    post, path = "/scepTransactions/{uuid}/reject", operation_id = "reject", tag = "Transactions",
    params(ObjectPath, IfMatch), request_body = Option<RejectionRequest>,
    responses(
        NotFound, InvalidRequest,
        (status = 204, description = "No content"),
        (status = 409, description = "The transaction was decided in the meantime, or the request no longer matches If-Match", body = Message),
        (status = 422, description = "The transaction is not pending", body = Reasons)
    )
)]
async fn reject_transaction(
    Admin(administration): Admin,
    Id(uuid): Id<TransactionIdKind>,
    IfMatch(version): IfMatch,
    BodyOrNone(request): BodyOrNone<RejectionRequest>,
) -> Result<StatusCode, ApiError> {
    let reason = request.reason.unwrap_or_default();
    administration
        .reject_transaction(uuid, version, &reason)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
