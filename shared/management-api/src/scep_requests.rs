//! `/scepRequests`: every request that came in, granted or refused, with the checks that it passed.

use axum::Json;
use newtype_uuid::GenericUuid;
use scep_cms::message_type::MessageType;
use scep_protocol::check::{Check, CheckOutcome, list_outcomes};
use scep_protocol::id::RefusalIdKind;
use scep_protocol::refusal::{Refusal, RefusalKind};
use scep_protocol::refusal_record::{RefusalReason, RefusalRecord, RequestedKey};
use scep_service::inventory::TransactionSummary;
use scep_service::request_list::{ListedRequest, RequestFilter, RequestOutcome};
use serde::{Deserialize, Serialize};
use strum::VariantArray;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{ApiRouter, RequireScope};
use crate::openapi_enums::{CheckName, RefusalReasonName};
use crate::openapi_responses::{InvalidRequest, NotFound};
use crate::request::{
    Id, ObjectPath, Query, format_time, non_empty, parse_page, parse_time, parse_uuid,
};
use crate::response::ApiError;
use crate::transactions::{Names, ProfileReference};
use crate::{Scope, State};

pub(crate) fn routes() -> ApiRouter {
    ApiRouter::new()
        .routes(routes!(list_scep_requests).require(Scope::Read))
        .routes(routes!(read_scep_request).require(Scope::Read))
}

/// Filters and paging for requests. Empty parameters are ignored.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RequestsQuery {
    /// Only requests with this outcome: GRANTED, PENDING, REFUSED, REJECTED or ISSUING.
    #[param(
        pattern = "^(GRANTED|PENDING|REFUSED|REJECTED|ISSUING)?$",
        example = "REFUSED"
    )]
    outcome: Option<String>,
    /// Only requests that were refused for this reason, as in `reason` of the items.
    #[param(max_length = 64, example = "challengeMissing")]
    reason: Option<String>,
    /// Only requests under this SCEP Profile.
    #[param(
        pattern = "^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$",
        example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11"
    )]
    scep_profile_uuid: Option<String>,
    /// Only requests with this transactionID, of which refused requests keep the first 255
    /// characters.
    #[param(max_length = 255, example = "2B4F")]
    transaction_id: Option<String>,
    /// Only requests at or after this time: RFC 3339 or a date.
    #[param(max_length = 64, example = "2026-01-31T12:00:00Z")]
    since: Option<String>,
    /// Only requests before this time: RFC 3339 or a date.
    #[param(max_length = 64, example = "2030-01-31T12:00:00Z")]
    until: Option<String>,
    /// Maximum number of items, 1 to 500. Default 100.
    #[param(pattern = "^([1-9][0-9]?|[1-4][0-9]{2}|500)?$", example = "100")]
    limit: Option<String>,
    /// `cursor` of the previous page.
    #[param(max_length = 4096, pattern = "^[A-Za-z0-9_.-]*$", example = "")]
    cursor: Option<String>,
}

impl RequestsQuery {
    fn filter(&self) -> Result<RequestFilter, ApiError> {
        let outcome = non_empty(self.outcome.clone())
            .map(|name| {
                let names: Vec<_> = RequestOutcome::VARIANTS
                    .iter()
                    .map(|it| it.name())
                    .collect();
                let reason = || ApiError::reason(format!("outcome: one of {}", names.join(", ")));
                name.parse::<RequestOutcome>().map_err(|_| reason())
            })
            .transpose()?;
        let reason = non_empty(self.reason.clone())
            .map(|name| {
                RefusalReason::from_name(&name)
                    .ok_or_else(|| ApiError::reason("reason: no reason of refusals has this name"))
            })
            .transpose()?;
        let filter = RequestFilter {
            outcome,
            reason,
            scep_profile: parse_uuid("scepProfileUuid", self.scep_profile_uuid.clone())?,
            transaction_id: non_empty(self.transaction_id.clone()),
            since: parse_time("since", self.since.clone())?,
            until: parse_time("until", self.until.clone())?,
        };
        // The two are most likely swapped by mistake, which an empty list would hide.
        if filter
            .since
            .zip(filter.until)
            .is_some_and(|(since, until)| until < since)
        {
            return Err(ApiError::reason("until: not before since"));
        }
        Ok(filter)
    }
}

/// The outcome of a request.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = ScepRequestOutcome)]
enum Outcome {
    /// The certificate was issued.
    Granted,
    /// The request waits for an administrator.
    Pending,
    /// The request was refused.
    Refused,
    /// An administrator rejected the request.
    Rejected,
    /// The certificate is being issued.
    Issuing,
}

impl From<RequestOutcome> for Outcome {
    fn from(outcome: RequestOutcome) -> Self {
        match outcome {
            RequestOutcome::Granted => Self::Granted,
            RequestOutcome::Pending => Self::Pending,
            RequestOutcome::Refused => Self::Refused,
            RequestOutcome::Rejected => Self::Rejected,
            RequestOutcome::Issuing => Self::Issuing,
        }
    }
}

/// A key that a request asked to have certified.
#[derive(Serialize, ToSchema)]
#[schema(as = ScepRequestKey)]
struct KeyView {
    /// Algorithm and size.
    #[schema(example = "RSA 2048")]
    algorithm: String,
    /// SHA-256 of the SubjectPublicKeyInfo, formatted as by openssl.
    #[schema(
        example = "AA:15:9E:54:0B:7D:11:90:3C:25:6A:7F:88:42:E1:5B:AA:15:9E:54:0B:7D:11:90:3C:25:6A:7F:88:42:E1:5B"
    )]
    sha256: String,
}

impl KeyView {
    fn of(key: &RequestedKey) -> Self {
        let octets: Vec<_> = key.sha256.0.iter().map(|it| format!("{it:02X}")).collect();
        Self {
            algorithm: key.algorithm.clone(),
            sha256: octets.join(":"),
        }
    }
}

/// The outcome of a check.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = ScepRequestCheckOutcome)]
enum CheckStatus {
    /// The request passed the check.
    Passed,
    /// The request was refused by the check.
    Failed,
    /// The request was refused before the check.
    NotReached,
}

/// A check of a request.
#[derive(Serialize, ToSchema)]
#[schema(as = RequestCheck)]
struct CheckView {
    /// The check.
    #[schema(value_type = CheckName)]
    check: &'static str,
    /// Its outcome.
    outcome: CheckStatus,
}

impl CheckView {
    fn of((check, outcome): (Check, CheckOutcome)) -> Self {
        Self {
            check: check.name(),
            outcome: match outcome {
                CheckOutcome::Passed => CheckStatus::Passed,
                CheckOutcome::Failed => CheckStatus::Failed,
                CheckOutcome::NotReached => CheckStatus::NotReached,
            },
        }
    }
}

/// A request of a client.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ScepRequestItem {
    /// UUID of the request; that of the transaction, if there is one.
    #[schema(example = "8f14e45f-ceea-867f-a8b1-d6a5c9b0f1e2")]
    uuid: Uuid,
    /// When it came in.
    #[schema(format = DateTime, example = "2026-01-01T01:00:00Z")]
    at: String,
    /// Its outcome.
    outcome: Outcome,
    /// The SCEP Profile that received it.
    scep_profile: ProfileReference,
    /// The RA Profile under which it was made; null if there is none.
    ra_profile: Option<ProfileReference>,
    /// messageType: 19 is PKCSReq, 17 RenewalReq, 20 CertPoll, 21 GetCert, 22 GetCRL; null if it is
    /// unknown.
    #[schema(example = "19")]
    message_type: Option<String>,
    /// The client's transactionID; null if it could not be read.
    #[schema(example = "2B4F…")]
    transaction_id: Option<String>,
    /// Address of the client; null if it is unknown, and for transactions.
    #[schema(example = "192.0.2.17")]
    client_address: Option<String>,
    /// Requested subject, as RFC 4514 text; null if the message could not be opened.
    #[schema(example = "CN=router-1,O=Corp")]
    subject: Option<String>,
    /// The key to be certified; null if the message could not be opened, and for transactions.
    key: Option<KeyView>,
    /// The checks in their order; empty for transactions, of which they are not recorded.
    checks: Vec<CheckView>,
    /// Why it was refused or rejected.
    #[schema(value_type = Option<RefusalReasonName>)]
    reason: Option<&'static str>,
    /// The true reason in words, which the client may not have been told.
    #[schema(example = "the challengePassword is missing or wrong")]
    message: Option<String>,
    /// failInfo of the response; null if the response was a plain HTTP error, and for transactions.
    #[schema(example = "badRequest")]
    fail_info: Option<&'static str>,
    /// The certificate that was issued.
    #[schema(example = "4e9b0c1d-2e3f-4051-a273-849506172839")]
    certificate_uuid: Option<Uuid>,
    /// The transaction; null for refused requests.
    #[schema(example = "8f14e45f-ceea-867f-a8b1-d6a5c9b0f1e2")]
    transaction_uuid: Option<Uuid>,
}

impl ScepRequestItem {
    fn of(request: ListedRequest, names: &Names) -> Self {
        let (at, outcome) = (format_time(request.at()), request.outcome().into());
        match request {
            ListedRequest::Refused(record) => Self::of_refusal(*record, at, outcome, names),
            ListedRequest::Transaction(summary, rejection) => {
                Self::of_transaction(*summary, rejection, at, outcome, names)
            }
        }
    }

    fn of_refusal(record: RefusalRecord, at: String, outcome: Outcome, names: &Names) -> Self {
        let outline = record.outline;
        let checks = list_outcomes(outline.message_type, record.failed);
        Self {
            uuid: record.uuid.into_untyped_uuid(),
            at,
            outcome,
            scep_profile: names.scep_profile(outline.scep_profile),
            ra_profile: outline.ra_profile.map(|uuid| names.ra_profile(uuid)),
            message_type: outline
                .message_type
                .map(MessageType::digits)
                .map(str::to_owned),
            transaction_id: outline.transaction_id,
            client_address: outline.client_address.map(|address| address.to_string()),
            subject: outline.subject,
            key: outline.key.as_ref().map(KeyView::of),
            checks: checks.into_iter().map(CheckView::of).collect(),
            reason: Some(record.reason.name()),
            message: Some(record.message),
            fail_info: record.fail_info.map(|known| known.name()),
            certificate_uuid: None,
            transaction_uuid: None,
        }
    }

    fn of_transaction(
        summary: TransactionSummary,
        rejection: Option<String>,
        at: String,
        outcome: Outcome,
        names: &Names,
    ) -> Self {
        let uuid = summary.uuid.into_untyped_uuid();
        let rejected = RefusalReason::Refused(RefusalKind::Rejected).name();
        Self {
            uuid,
            at,
            outcome,
            scep_profile: names.scep_profile(summary.scep_profile),
            ra_profile: Some(names.ra_profile(summary.ra_profile)),
            message_type: Some(summary.message_type),
            transaction_id: Some(summary.transaction_id),
            client_address: None,
            subject: Some(summary.subject),
            key: None,
            checks: Vec::new(),
            reason: rejection.is_some().then_some(rejected),
            message: rejection.map(|reason| Refusal::Rejected(reason).text().into_owned()),
            fail_info: None,
            certificate_uuid: summary.certificate.map(GenericUuid::into_untyped_uuid),
            transaction_uuid: Some(uuid),
        }
    }
}

/// A page of requests.
#[derive(Serialize, ToSchema)]
struct ScepRequestPage {
    /// The requests. A page may have fewer than `limit` items without being the last one.
    items: Vec<ScepRequestItem>,
    /// Cursor of the next page; null on the last page.
    #[schema(example = "WyIxNzk4NzYxNjAwMDAwIiwiYSJd.-.-.-.-")]
    cursor: Option<String>,
}

/// List requests, newest first.
///
/// Granted, pending and rejected requests are the transactions that there are. Of refused requests,
/// at most ten a minute are recorded for each SCEP Profile and reason, and kept for 30 days unless
/// the deployment says otherwise; `/statistics` counts all of them.
#[utoipa::path(
    get, path = "/scepRequests", tag = "Requests", params(RequestsQuery),
    responses(InvalidRequest, (status = 200, description = "OK", body = ScepRequestPage))
)]
async fn list_scep_requests(
    api: State,
    Query(query): Query<RequestsQuery>,
) -> Result<Json<ScepRequestPage>, ApiError> {
    let filter = query.filter()?;
    let page = parse_page(query.limit, query.cursor)?;
    let administration = &api.administration;
    let now = administration.clock.now();
    let found = administration
        .requests
        .requests(&filter, &page, now)
        .await?;
    let names = Names::load(&api).await?;
    let items = found.items.into_iter();
    Ok(Json(ScepRequestPage {
        items: items.map(|it| ScepRequestItem::of(it, &names)).collect(),
        cursor: found.cursor,
    }))
}

/// Read a request.
#[utoipa::path(
    get, path = "/scepRequests/{uuid}", operation_id = "get_scep_request", tag = "Requests",
    params(ObjectPath),
    responses(NotFound, (status = 200, description = "OK", body = ScepRequestItem))
)]
async fn read_scep_request(
    api: State,
    Id(uuid): Id<RefusalIdKind>,
) -> Result<Json<ScepRequestItem>, ApiError> {
    let administration = &api.administration;
    let now = administration.clock.now();
    let uuid = uuid.into_untyped_uuid();
    let found = administration.requests.request(uuid, now).await?;
    let request = found.ok_or_else(|| ApiError::NotFound("no such request".to_owned()))?;
    let names = Names::load(&api).await?;
    Ok(Json(ScepRequestItem::of(request, &names)))
}
