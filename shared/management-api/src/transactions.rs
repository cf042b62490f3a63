//! `/scepTransactions`: what is under way, and what came of it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use ca_issuer::{EncodeError, RequestSummary};
use http::StatusCode;
use scep_protocol::{RaProfile, ScepProfile};
use scep_service::{
    Failure, ManageError, Object, ObjectKind, TransactionRecord, TransactionStatus,
    TransactionSummary, approve_transaction, list, reject_transaction, review_transaction,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::{ApiError, tagged};
use crate::request::{BodyOrNone, Ids, IfMatch, Query, given, page, shown_time};
use crate::{Admin, Api, State};

pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(list_transactions))
        .routes(routes!(show_transaction))
        .routes(routes!(approve))
        .routes(routes!(reject))
}

/// Which transactions to list. An empty parameter is none.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TransactionsQuery {
    /// ISSUING, PENDING, ISSUED or REJECTED.
    #[param(pattern = "^(ISSUING|PENDING|ISSUED|REJECTED)?$", example = "ISSUED")]
    status: Option<String>,
    /// Most items, 1 to 500. Default 100.
    #[param(pattern = "^([1-9][0-9]?|[1-4][0-9]{2}|500)?$", example = "100")]
    limit: Option<String>,
    /// `cursor` of the page before.
    #[param(max_length = 4096, pattern = "^[A-Za-z0-9_.-]*$", example = "")]
    cursor: Option<String>,
}

/// How far a transaction is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = TransactionStatus)]
enum Status {
    /// Being issued.
    Issuing,
    /// Waits for an administrator.
    Pending,
    /// Done.
    Issued,
    /// Refused by an administrator.
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
    /// Its identity.
    #[schema(example = "8f14e45f-ceea-867f-a8b1-d6a5c9b0f1e2")]
    uuid: Uuid,
    /// The client's transactionID.
    #[schema(example = "2B4F…")]
    transaction_id: String,
    /// The SCEP Profile that the request came to.
    scep_profile: ProfileReference,
    /// The RA Profile under which it was made.
    ra_profile: ProfileReference,
    /// How far it is.
    status: Status,
    /// messageType of the request: 19 is PKCSReq, 17 RenewalReq.
    #[schema(example = "19")]
    message_type: String,
    /// RFC 4514's text.
    #[schema(example = "CN=router-1,O=Corp")]
    subject: String,
    /// The certificate that came of it.
    #[schema(example = "4e9b0c1d-2e3f-4051-a273-849506172839")]
    certificate_uuid: Option<Uuid>,
    /// When it began.
    #[schema(format = DateTime, example = "2026-01-01T01:00:00Z")]
    created_at: String,
}

/// A transaction, with what its request asks for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TransactionView {
    #[serde(flatten)]
    item: TransactionItem,
    /// The names beside the subject that are to be certified, behind their types; null when there is nothing to sign any more.
    #[schema(example = json!(["DNS:router-1.corp.example", "IP:192.0.2.1"]))]
    subject_alt_names: Option<Vec<String>>,
    /// SHA-256 over the SubjectPublicKeyInfo that is to be certified, as openssl writes fingerprints; null likewise.
    #[schema(
        example = "AA:15:9E:54:0B:7D:11:90:3C:25:6A:7F:88:42:E1:5B:AA:15:9E:54:0B:7D:11:90:3C:25:6A:7F:88:42:E1:5B"
    )]
    public_key_sha256: Option<String>,
    /// keyUsage that is to be certified, by the rules of today; null likewise.
    #[schema(example = json!(["digitalSignature", "keyEncipherment"]))]
    key_usage: Option<Vec<&'static str>>,
    /// extendedKeyUsage that is to be certified, by the rules of today: names, or OIDs; null likewise.
    #[schema(example = json!(["clientAuth"]))]
    extended_key_usage: Option<Vec<String>>,
    /// When the certificate would begin to be valid if it were approved now; null likewise.
    #[schema(format = DateTime, example = "2026-01-01T00:00:00Z")]
    not_before: Option<String>,
    /// When it would expire; null likewise.
    #[schema(format = DateTime, example = "2027-01-01T00:00:00Z")]
    not_after: Option<String>,
}

/// A profile by its identity and name.
#[derive(Serialize, ToSchema)]
struct ProfileReference {
    /// Its identity.
    #[schema(example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11")]
    uuid: Uuid,
    /// Its name; null when it was deleted.
    #[schema(example = "routers")]
    name: Option<String>,
}

/// A part of the list of transactions.
#[derive(Serialize, ToSchema)]
struct TransactionPage {
    /// The transactions: fewer than asked for do not mean that it is the last page.
    items: Vec<TransactionItem>,
    /// Where the next page begins; null on the last.
    #[schema(example = "WyIxNzk4NzYxNjAwMDAwIiwiYSJd")]
    cursor: Option<String>,
}

/// The names of all profiles.
struct Names {
    scep_profiles: HashMap<Uuid, String>,
    ra_profiles: HashMap<Uuid, String>,
}

impl Names {
    async fn of_all(api: &Api) -> Result<Self, ApiError> {
        Ok(Self {
            scep_profiles: names::<ScepProfile>(api).await?,
            ra_profiles: names::<RaProfile>(api).await?,
        })
    }

    fn item(&self, summary: TransactionSummary) -> TransactionItem {
        let reference = |uuid: Uuid, names: &HashMap<Uuid, String>| ProfileReference {
            uuid,
            name: names.get(&uuid).cloned(),
        };
        TransactionItem {
            uuid: summary.uuid,
            transaction_id: summary.transaction_id,
            scep_profile: reference(summary.scep_profile, &self.scep_profiles),
            ra_profile: reference(summary.ra_profile, &self.ra_profiles),
            status: summary.status.into(),
            message_type: summary.message_type,
            subject: summary.subject,
            certificate_uuid: summary.certificate,
            created_at: shown_time(summary.created_at),
        }
    }
}

/// The names of all profiles of a kind.
async fn names<T: Object>(api: &Api) -> Result<HashMap<Uuid, String>, ApiError> {
    let all = list::<T>(&*api.managing.objects).await?;
    let named = all.into_iter().filter_map(|found| {
        let name = found.object.name()?.to_string();
        Some((found.object.uuid(), name))
    });
    Ok(named.collect())
}

/// List transactions, newest first; without a status, those that wait come before those that are done.
#[utoipa::path(
    get, path = "/scepTransactions", tag = "Transactions", params(TransactionsQuery),
    responses((status = 200, body = TransactionPage))
)]
async fn list_transactions(
    api: State,
    Query(query): Query<TransactionsQuery>,
) -> Result<Json<TransactionPage>, ApiError> {
    let status = given(query.status).map(|name| {
        let reason = || ApiError::reason("status: ISSUING, PENDING, ISSUED or REJECTED");
        TransactionStatus::from_name(&name).ok_or_else(reason)
    });
    let page = page(query.limit, query.cursor)?;
    let now = api.managing.clock.now();
    let found = api
        .managing
        .certificates
        .transactions(status.transpose()?, &page, now)
        .await?;
    let names = Names::of_all(&api).await?;
    let items = found.items.into_iter();
    Ok(Json(TransactionPage {
        items: items.map(|summary| names.item(summary)).collect(),
        cursor: found.cursor,
    }))
}

/// Show a transaction: before you approve it, and by its ETag the request that you looked at.
#[utoipa::path(
    get, path = "/scepTransactions/{uuid}", tag = "Transactions",
    responses((status = 200, body = TransactionView))
)]
async fn show_transaction(api: State, Ids(uuid): Ids<Uuid>) -> Result<Response, ApiError> {
    let now = api.managing.clock.now();
    let found = api.managing.certificates.transaction_record(uuid, now);
    let missing = || ApiError::from(ManageError::NotFound(ObjectKind::Transaction));
    let TransactionRecord {
        summary,
        transaction,
    } = found.await?.ok_or_else(missing)?;
    let review = review_transaction(&api.managing, &transaction).await?;
    let requested = review.to_be_signed.as_deref().map(RequestSummary::of);
    let unreadable = |error: EncodeError| ApiError::Failed(Failure::Encode(error.into()));
    let requested = requested.transpose().map_err(unreadable)?;
    let mut view = TransactionView {
        item: Names::of_all(&api).await?.item(summary),
        subject_alt_names: None,
        public_key_sha256: None,
        key_usage: None,
        extended_key_usage: None,
        not_before: None,
        not_after: None,
    };
    if let Some(requested) = requested {
        view.subject_alt_names = Some(requested.subject_alt_names);
        view.public_key_sha256 = Some(requested.public_key_sha256);
        view.key_usage = Some(requested.key_usage);
        view.extended_key_usage = Some(requested.extended_key_usage);
        view.not_before = Some(shown_time(requested.validity.not_before));
        view.not_after = Some(shown_time(requested.validity.not_after));
    }
    Ok(tagged(Json(view).into_response(), review.version))
}

/// Approve a pending transaction: its certificate is issued by the rules of today, and the device gets it at its next poll. A device
/// may replace its request as long as it waits, and rules may be edited: `If-Match` with the ETag of what you looked at approves
/// that and nothing else.
#[utoipa::path(
    post, path = "/scepTransactions/{uuid}/approve", tag = "Transactions",
    responses(
        (status = 204),
        (status = 409, description = "Someone else decided meanwhile, or the request is not the one of If-Match any more"),
        (status = 422, description = "The transaction is not pending, its profiles do not serve, the rules of today forbid it, its key is revoked, or its authority cannot issue now"),
        (status = 428, description = "If-Match is missing, or names no version")
    )
)]
async fn approve(
    Admin(managing): Admin,
    Ids(uuid): Ids<Uuid>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, ApiError> {
    approve_transaction(&managing, uuid, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Why a transaction is rejected.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RejectionRequest {
    /// For the device, as failInfoText: at most 200 characters.
    #[schema(max_length = 200, example = "not one of our devices")]
    reason: Option<String>,
}

/// Reject a pending transaction. The device is told why at its next poll; then its transactionID is free.
#[utoipa::path(
    post, path = "/scepTransactions/{uuid}/reject", tag = "Transactions", request_body = Option<RejectionRequest>,
    responses(
        (status = 204),
        (status = 409, description = "Someone else decided meanwhile, or the request is not the one of If-Match any more"),
        (status = 422, description = "The transaction is not pending")
    )
)]
async fn reject(
    Admin(managing): Admin,
    Ids(uuid): Ids<Uuid>,
    IfMatch(version): IfMatch,
    BodyOrNone(request): BodyOrNone<RejectionRequest>,
) -> Result<StatusCode, ApiError> {
    let reason = request.reason.unwrap_or_default();
    reject_transaction(&managing, uuid, version, &reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
