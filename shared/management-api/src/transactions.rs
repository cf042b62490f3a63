//! `/scepTransactions`: what is under way, and what came of it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use scep_protocol::{RaProfile, ScepProfile};
use scep_service::{Object, TransactionStatus, TransactionSummary, list};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::ApiError;
use crate::request::{Ids, Query, given, page, shown_time};
use crate::{Api, State};

pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(list_transactions))
        .routes(routes!(approve_transaction))
        .routes(routes!(reject_transaction))
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
        .inventory
        .transactions(status.transpose()?, &page, now)
        .await?;
    let (scep_profiles, ra_profiles) = (
        names::<ScepProfile>(&api).await?,
        names::<RaProfile>(&api).await?,
    );
    let reference = |uuid: Uuid, names: &HashMap<Uuid, String>| ProfileReference {
        uuid,
        name: names.get(&uuid).cloned(),
    };
    let item = |summary: TransactionSummary| TransactionItem {
        uuid: summary.uuid,
        transaction_id: summary.transaction_id,
        scep_profile: reference(summary.scep_profile, &scep_profiles),
        ra_profile: reference(summary.ra_profile, &ra_profiles),
        status: summary.status.into(),
        message_type: summary.message_type,
        subject: summary.subject,
        certificate_uuid: summary.certificate,
        created_at: shown_time(summary.created_at),
    };
    Ok(Json(TransactionPage {
        items: found.items.into_iter().map(item).collect(),
        cursor: found.cursor,
    }))
}

const NO_APPROVAL: &str = "manual approval is not supported yet";

/// Approve a pending transaction. Not supported yet.
#[utoipa::path(
    post, path = "/scepTransactions/{uuid}/approve", tag = "Not yet",
    responses((status = 501, body = crate::answer::Message))
)]
async fn approve_transaction(Ids(_uuid): Ids<Uuid>) -> ApiError {
    ApiError::NotYet(NO_APPROVAL)
}

/// Reject a pending transaction. Not supported yet.
#[utoipa::path(
    post, path = "/scepTransactions/{uuid}/reject", tag = "Not yet",
    responses((status = 501, body = crate::answer::Message))
)]
async fn reject_transaction(Ids(_uuid): Ids<Uuid>) -> ApiError {
    ApiError::NotYet(NO_APPROVAL)
}
