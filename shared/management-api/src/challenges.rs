//! `/scepProfiles/{uuid}/challenges`: one-time challenges.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use ca::id::CertificateUuid;
use ca::template::{Period, SubjectAttribute};
use ca::unique_map::UniqueMap;
use ca::vouched_names::{VouchedAltNames, VouchedNamesSpec};
use http::StatusCode;
use scep_protocol::id::{ChallengeUuid, RaProfileUuid, ScepProfileIdKind, ScepProfileUuid};
use scep_protocol::one_time_challenge::{ChallengeState, OneTimeChallenge};
use scep_service::admin::{AdminError, ChallengeRequest, Invalid, NewChallenge};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use crate::access::{ApiRouter, RequireScope};
use crate::openapi_responses::{InvalidRequest, NotFound};
use crate::request::{
    Body, Id, Ids, JsonObject, ObjectPath, OneOrMany, Query, format_time, non_empty, parse_page,
};
use crate::response::{ApiError, MAX_CHALLENGES_BYTES, Message, located_response};
use crate::{Admin, Scope, State};

pub(crate) fn routes() -> ApiRouter {
    let make = &[Scope::Challenge, Scope::Write];
    let look = &[Scope::Challenge, Scope::Read, Scope::Write];
    ApiRouter::new()
        .routes(
            routes!(create_challenges)
                .require_any(make)
                .limit_body(MAX_CHALLENGES_BYTES),
        )
        .routes(routes!(list_challenges).require_any(look))
        .routes(routes!(read_challenge).require_any(look))
        .routes(routes!(delete_challenge).require_any(make))
}

/// A request to create a one-time challenge. What it names binds: a request that asks for anything
/// else of that kind is refused. What is missing or null is left to the rules of the RA Profile.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ChallengeRequest)]
struct NewChallengeRequest {
    /// How long it is valid, an ISO 8601 duration of at most 90 days.
    #[schema(value_type = String, example = "PT1H")]
    validity: Option<Period>,
    /// How many certificates it is good for, 1 to 100. Default 1.
    #[schema(minimum = 1, maximum = 100, example = 1)]
    uses: Option<u16>,
    /// The only RA Profile at which it is valid. Default any.
    #[schema(value_type = Option<Uuid>, example = "6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11")]
    ra_profile_uuid: Option<RaProfileUuid>,
    /// The only transactionID for which it is valid. Devices whose key cannot decrypt, such as EC
    /// keys, need it: their requests are encrypted under the challenge. Default any.
    #[schema(min_length = 1, max_length = 255, example = "2B4F60F1")]
    transaction_id: Option<String>,
    /// Attributes of the subject, which the certificate gets in place of those that the request
    /// asks for.
    #[schema(value_type = Option<BTreeMap<String, String>>, example = json!({"CN": "device-7"}))]
    subject: Option<UniqueMap<SubjectAttribute, Option<String>>>,
    /// Names in subjectAltName by type, which the certificate gets whether or not the request asks
    /// for them, and the security identifier `sid`. An empty array means that it has none of this
    /// type.
    #[schema(value_type = Option<Object>, example = json!({"dns": ["device-7.corp.example"], "upn": [], "sid": null}))]
    subject_alt_names: Option<JsonObject<VouchedAltNames>>,
    /// Whether an administrator has to approve each enrolment. Default false.
    #[schema(example = false)]
    hold: Option<bool>,
    /// A note of at most 300 characters, which goes onto the record of each certificate.
    #[schema(max_length = 300, example = "asset 4711")]
    note: Option<String>,
}

impl From<NewChallengeRequest> for ChallengeRequest {
    fn from(request: NewChallengeRequest) -> Self {
        let UniqueMap(subject) = request.subject.unwrap_or_default();
        let JsonObject(subject_alt_names) = request.subject_alt_names.unwrap_or_default();
        Self {
            validity: request.validity,
            uses: request.uses,
            ra_profile: request.ra_profile_uuid,
            transaction_id: request.transaction_id,
            names: VouchedNamesSpec {
                subject: subject
                    .into_iter()
                    .filter_map(|(attribute, value)| Some((attribute, value?)))
                    .collect(),
                subject_alt_names,
            },
            hold: request.hold.unwrap_or_default(),
            note: request.note,
            annotations: BTreeMap::new(),
        }
    }
}

/// One request for a challenge, or up to 500.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(example = json!({
    "validity": "PT1H", "uses": 1, "raProfileUuid": null, "transactionId": null,
    "subject": { "CN": "device-7" },
    "subjectAltNames": { "dns": ["device-7.corp.example"], "upn": [], "sid": null },
    "hold": false, "note": "asset 4711"
}))]
#[expect(dead_code, reason = "only describes a body")]
enum ChallengeRequests {
    /// One request.
    One(NewChallengeRequest),
    /// Up to 500 requests, of which all are carried out or none.
    Many(Vec<NewChallengeRequest>),
}

/// The state of a one-time challenge.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = ChallengeState)]
enum StateName {
    /// It has uses left.
    Unused,
    /// It has no use left.
    Used,
    /// It has expired with uses left.
    Expired,
    /// It was deleted.
    Deleted,
}

impl From<ChallengeState> for StateName {
    fn from(state: ChallengeState) -> Self {
        match state {
            ChallengeState::Deleted => Self::Deleted,
            ChallengeState::Expired => Self::Expired,
            ChallengeState::Unused => Self::Unused,
            ChallengeState::Used => Self::Used,
        }
    }
}

/// A one-time challenge.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ChallengeView {
    /// UUID of the challenge.
    #[schema(value_type = Uuid, example = "0f9a6c1e-7b1d-8c54-9a67-3c2f0e6d5b41")]
    uuid: ChallengeUuid,
    /// The state.
    state: StateName,
    /// When it was created.
    #[schema(format = DateTime, example = "2026-01-01T01:00:00Z")]
    created_at: String,
    /// When it expires.
    #[schema(format = DateTime, example = "2026-01-01T02:00:00Z")]
    expires_at: String,
    /// How many certificates it is good for.
    #[schema(example = 1)]
    uses: u16,
    /// How many of its uses are left.
    #[schema(example = 1)]
    uses_left: u16,
    /// The certificate of its last use, which may not be issued yet; null before the first.
    #[schema(value_type = Option<Uuid>, example = "4e9b0c1d-2e3f-4051-a273-849506172839")]
    certificate_uuid: Option<CertificateUuid>,
    /// The only RA Profile at which it is valid; null for any.
    #[schema(value_type = Option<Uuid>, example = "6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11")]
    ra_profile_uuid: Option<RaProfileUuid>,
    /// The only transactionID for which it is valid; null for any.
    #[schema(example = "2B4F60F1")]
    transaction_id: Option<String>,
    /// Attributes of the subject that it vouches for.
    #[schema(value_type = BTreeMap<String, String>, example = json!({"CN": "device-7"}))]
    subject: BTreeMap<SubjectAttribute, String>,
    /// Names in subjectAltName that it vouches for, by type, and the security identifier.
    #[schema(value_type = Object, example = json!({"dns": ["device-7.corp.example"], "upn": []}))]
    subject_alt_names: VouchedAltNames,
    /// Whether an administrator has to approve each enrolment.
    #[schema(example = false)]
    hold: bool,
    /// The note.
    #[schema(example = "asset 4711")]
    note: String,
    /// Further texts that go onto the record of each certificate.
    #[schema(value_type = BTreeMap<String, String>, example = json!({"serialNumber": "C02XG0FDJGH5"}))]
    annotations: BTreeMap<String, String>,
}

impl ChallengeView {
    fn of(challenge: &OneTimeChallenge, now: OffsetDateTime) -> Self {
        let terms = &challenge.terms;
        Self {
            uuid: challenge.uuid,
            state: challenge.state(now).into(),
            created_at: format_time(challenge.created_at),
            expires_at: format_time(challenge.expires_at),
            uses: terms.uses,
            uses_left: challenge.uses_left(now),
            certificate_uuid: challenge.last_certificate(now),
            ra_profile_uuid: terms.ra_profile,
            transaction_id: terms
                .transaction_id
                .as_ref()
                .map(|bound| bound.as_str().to_owned()),
            subject: terms.names.subject.clone(),
            subject_alt_names: terms.names.subject_alt_names.clone(),
            hold: terms.hold,
            note: terms.note.as_str().to_owned(),
            annotations: terms.annotations.clone(),
        }
    }
}

/// A one-time challenge that was just created, with its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewChallenge)]
struct NewChallengeView {
    #[serde(flatten)]
    challenge: ChallengeView,
    /// The secret: 26 digits and capital letters. No other response contains it.
    #[schema(example = "3ZK7Q4M0E8WV2YB9T6XJ1RGHCD")]
    challenge_password: String,
}

impl NewChallengeView {
    fn of(new: &NewChallenge) -> Self {
        Self {
            challenge: ChallengeView::of(&new.challenge, new.challenge.created_at),
            challenge_password: new.secret.reveal().to_owned(),
        }
    }
}

/// The challenges that were just created: one, or as many as were asked for.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only describes a body")]
enum NewChallenges {
    /// The challenge, if one was asked for.
    One(Box<NewChallengeView>),
    /// The challenges in the order of the requests.
    Many(Vec<NewChallengeView>),
}

/// Create one-time challenges.
///
/// The body is one request, or an array of up to 500, of which all are carried out or none. The
/// secret of a challenge is in this response alone. The SCEP Profile must have ONE_TIME among its
/// challengeSources.
#[utoipa::path(
    post, path = "/scepProfiles/{uuid}/challenges", operation_id = "create_challenges",
    tag = "Challenges", params(ObjectPath), request_body = inline(ChallengeRequests),
    responses(
        NotFound, InvalidRequest,
        (status = 201, description = "Created; an array for an array", body = inline(NewChallenges)),
        (status = 413, description = "The body is larger than 1 MiB", body = Message)
    )
)]
async fn create_challenges(
    Admin(administration): Admin,
    Id(uuid): Id<ScepProfileIdKind>,
    Body(requests): Body<OneOrMany<NewChallengeRequest>>,
) -> Result<Response, ApiError> {
    let requests = match requests {
        OneOrMany::One(request) => {
            let created = administration
                .create_challenges(uuid, vec![request.into()])
                .await
                .map_err(of_single_request)?;
            let view = created.iter().map(NewChallengeView::of).next();
            return Ok(view.map_or_else(
                // The use case makes as many challenges as it is asked for.
                || StatusCode::INTERNAL_SERVER_ERROR.into_response(),
                |view| created_challenge(uuid, view),
            ));
        }
        OneOrMany::Many(requests) => requests.into_iter().map(ChallengeRequest::from),
    };
    let created = administration
        .create_challenges(uuid, requests.collect())
        .await?;
    let views: Vec<_> = created.iter().map(NewChallengeView::of).collect();
    Ok((StatusCode::CREATED, Json(views)).into_response())
}

/// The response to a single request.
fn created_challenge(profile: ScepProfileUuid, view: NewChallengeView) -> Response {
    let uuid = view.challenge.uuid;
    located_response(&format!("/scepProfiles/{profile}/challenges"), uuid, view)
}

/// The error of a single request: it is at no place in a list.
fn of_single_request(error: AdminError) -> AdminError {
    let AdminError::Invalid(reasons) = error else {
        return error;
    };
    let of_request = reasons.into_iter().map(|reason| {
        if let Invalid::Element { reason, .. } = reason {
            return *reason;
        }
        reason
    });
    AdminError::Invalid(of_request.collect())
}

/// Filters and paging for challenges. Empty parameters are ignored.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ChallengesQuery {
    /// Only challenges with this state: UNUSED, USED, EXPIRED or DELETED.
    #[param(pattern = "^(UNUSED|USED|EXPIRED|DELETED)?$", example = "UNUSED")]
    state: Option<String>,
    /// Maximum number of items, 1 to 500. Default 100.
    #[param(pattern = "^([1-9][0-9]?|[1-4][0-9]{2}|500)?$", example = "100")]
    limit: Option<String>,
    /// `cursor` of the previous page.
    #[param(max_length = 4096, pattern = "^[A-Za-z0-9_.-]*$", example = "")]
    cursor: Option<String>,
}

/// A page of challenges.
#[derive(Serialize, ToSchema)]
struct ChallengePage {
    /// The challenges. A page may have fewer than `limit` items without being the last one.
    items: Vec<ChallengeView>,
    /// Cursor of the next page; null on the last page.
    #[schema(example = "WyIxNzk4NzYxNjAwMDAwIiwiYSJd")]
    cursor: Option<String>,
}

/// List one-time challenges, newest first.
///
/// A challenge is listed until 30 days after it has expired.
#[utoipa::path(
    get, path = "/scepProfiles/{uuid}/challenges", tag = "Challenges",
    params(ObjectPath, ChallengesQuery),
    responses(NotFound, InvalidRequest, (status = 200, description = "OK", body = ChallengePage))
)]
async fn list_challenges(
    api: State,
    Admin(administration): Admin,
    Id(uuid): Id<ScepProfileIdKind>,
    Query(query): Query<ChallengesQuery>,
) -> Result<Json<ChallengePage>, ApiError> {
    let page = parse_page(query.limit, query.cursor)?;
    let state = non_empty(query.state)
        .map(|name| {
            let reason = || ApiError::reason("state: UNUSED, USED, EXPIRED or DELETED");
            name.parse::<ChallengeState>().map_err(|_| reason())
        })
        .transpose()?;
    let found = administration.list_challenges(uuid, state, &page).await?;
    let now = api.administration.clock.now();
    Ok(Json(ChallengePage {
        items: found
            .items
            .iter()
            .map(|challenge| ChallengeView::of(challenge, now))
            .collect(),
        cursor: found.cursor,
    }))
}

/// The path parameters of a challenge.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
struct ChallengePath {
    /// UUID of the SCEP Profile.
    #[param(value_type = Uuid, example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11")]
    uuid: ScepProfileUuid,
    /// UUID of the challenge.
    #[param(value_type = Uuid, example = "0f9a6c1e-7b1d-8c54-9a67-3c2f0e6d5b41")]
    challenge_uuid: ChallengeUuid,
}

/// Read a one-time challenge.
#[utoipa::path(
    get, path = "/scepProfiles/{uuid}/challenges/{challengeUuid}", operation_id = "get_challenge",
    tag = "Challenges", params(ChallengePath),
    responses(NotFound, (status = 200, description = "OK", body = ChallengeView))
)]
async fn read_challenge(
    api: State,
    Admin(administration): Admin,
    Ids(path): Ids<ChallengePath>,
) -> Result<Json<ChallengeView>, ApiError> {
    let found = administration
        .read_challenge(path.uuid, path.challenge_uuid)
        .await?;
    let now = api.administration.clock.now();
    Ok(Json(ChallengeView::of(&found, now)))
}

/// Delete a one-time challenge.
///
/// Nobody can enrol by it any more. Certificates that were issued by it stay valid, and requests
/// that wait for an administrator can still be approved.
#[utoipa::path(
    delete, path = "/scepProfiles/{uuid}/challenges/{challengeUuid}", tag = "Challenges",
    params(ChallengePath),
    responses(
        NotFound,
        (status = 204, description = "No content"),
        (status = 409, description = "Devices enrol by the challenge again and again at this moment", body = Message)
    )
)]
async fn delete_challenge(
    Admin(administration): Admin,
    Ids(path): Ids<ChallengePath>,
) -> Result<StatusCode, ApiError> {
    administration
        .delete_challenge(path.uuid, path.challenge_uuid)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
