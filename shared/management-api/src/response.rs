//! Responses: the bodies of errors, and the headers of successful responses.

use axum::Json;
use axum::response::{IntoResponse, Response};
use ca::key_location::KeyLocation;
use http::header::{CACHE_CONTROL, ETAG, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use newtype_uuid::GenericUuid;
use scep_http::{BodyError, confine_response};
use scep_protocol::refusal::HttpRejection;
use scep_service::admin::AdminError;
use scep_service::error::{Failure, StoreError};
use scep_service::error_chain::ErrorChain;
use scep_service::object::Versioned;
use serde::Serialize;
use std::fmt::Display;
use utoipa::ToSchema;

use crate::Scope;
use crate::field::reason_text;

/// The longest body that is read, in octets.
// A SCEP Profile may have three lists of attributes, of 16 KiB each.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The longest body with one-time challenges, in octets: 500 of two kilobytes each.
pub(crate) const MAX_CHALLENGES_BYTES: usize = 1024 * 1024;

/// Seconds that a caller is asked to wait after a transient server failure.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("5");

/// The reason why a request failed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Message {
    /// The reason, for humans.
    #[schema(example = "no such SCEP Profile")]
    message: String,
}

/// Every rule that the request violates.
#[derive(Serialize, ToSchema)]
#[schema(example = json!(["Dependent RA Profiles (2): a,b"]))]
pub(crate) struct Reasons(Vec<String>);

/// An error response.
#[derive(Debug)]
pub(crate) enum ApiError {
    BadRequest(String),
    Conflict(String),
    Failed(Failure),
    /// The caller has none of these scopes, any of which suffices.
    Forbidden(&'static [Scope]),
    NotFound(String),
    PreconditionRequired(String),
    /// The body is longer than this number of octets.
    TooLarge(usize),
    TryLater,
    Unauthenticated,
    Unprocessable(Vec<String>),
}

impl ApiError {
    /// A 422 response with a single violation.
    pub(crate) fn reason(reason: impl ToString) -> Self {
        Self::Unprocessable(vec![reason.to_string()])
    }
}

impl From<AdminError> for ApiError {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Conflict | AdminError::NameTaken(_) => Self::Conflict(error.to_string()),
            AdminError::Failed(failure) => Self::Failed(failure),
            AdminError::Invalid(reasons) => {
                Self::Unprocessable(reasons.iter().map(reason_text).collect())
            }
            AdminError::NotFound(_) => Self::NotFound(error.to_string()),
            AdminError::VersionMissing => Self::PreconditionRequired(VERSION_MISSING.to_owned()),
        }
    }
}

/// The reason of a 428 response.
const VERSION_MISSING: &str =
    "If-Match is required: read the transaction, and send the ETag of what you approve";

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        AdminError::from(error).into()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::BadRequest(reason) => error_response(StatusCode::BAD_REQUEST, &reason),
            Self::Conflict(reason) => error_response(StatusCode::CONFLICT, &reason),
            Self::Failed(failure) => failure_response(&failure),
            Self::Forbidden(scopes) => forbidden_response(scopes),
            Self::NotFound(reason) => error_response(StatusCode::NOT_FOUND, &reason),
            Self::PreconditionRequired(reason) => {
                error_response(StatusCode::PRECONDITION_REQUIRED, &reason)
            }
            Self::TooLarge(max_bytes) => too_large_response(max_bytes),
            Self::TryLater => rejection_response(HttpRejection::TryLater),
            Self::Unauthenticated => unauthenticated_response(),
            Self::Unprocessable(reasons) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Json(Reasons(reasons))).into_response()
            }
        }
    }
}

/// An error response with the given status and reason.
pub(crate) fn error_response(status: StatusCode, reason: &str) -> Response {
    let message = reason.to_owned();
    (status, Json(Message { message })).into_response()
}

/// The longest body of a request to this path that is read, in octets.
#[must_use]
pub fn max_body_bytes(path: &str) -> usize {
    match path
        .strip_prefix(crate::PREFIX)
        .is_some_and(is_of_challenges)
    {
        true => MAX_CHALLENGES_BYTES,
        false => MAX_BODY_BYTES,
    }
}

/// Whether a path below the prefix is `/scepProfiles/{uuid}/challenges`.
fn is_of_challenges(path: &str) -> bool {
    path.strip_prefix("/scepProfiles/")
        .and_then(|rest| rest.strip_suffix("/challenges"))
        .is_some_and(|uuid| !uuid.contains('/'))
}

/// The response to a request to this path whose body cannot be read.
#[must_use]
pub fn body_error_response(error: BodyError, path: &str) -> Response {
    add_security_headers(match error {
        BodyError::TooLarge => too_large_response(max_body_bytes(path)),
        BodyError::Damaged | BodyError::TimedOut | BodyError::Unreadable => {
            error_response(StatusCode::BAD_REQUEST, "the body could not be read")
        }
    })
}

/// The response to a request that is not answered in time.
#[must_use]
pub fn timed_out_response() -> Response {
    add_security_headers(ApiError::TryLater.into_response())
}

/// Adds headers that keep a response out of caches, and confine it in browsers.
pub(crate) fn add_security_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    confine_response(headers);
    response
}

fn too_large_response(max_bytes: usize) -> Response {
    let reason = format!("the body is larger than {} KiB", max_bytes / 1024);
    error_response(StatusCode::PAYLOAD_TOO_LARGE, &reason)
}

/// A 401 response with the challenge of RFC 6750 §3.
fn unauthenticated_response() -> Response {
    let challenge = HeaderValue::from_static("Bearer realm=\"scepter\"");
    let text = "a valid bearer token is required: Authorization: Bearer TOKEN";
    let mut response = error_response(StatusCode::UNAUTHORIZED, text);
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

fn forbidden_response(scopes: &[Scope]) -> Response {
    let names: Vec<_> = scopes.iter().map(|scope| scope.name()).collect();
    let text = format!("the token lacks the scope {}", names.join(" or "));
    let mut response = error_response(StatusCode::FORBIDDEN, &text);
    // RFC 6750 §3: `scope` lists what is needed together, so it is the first that suffices.
    let scope = names.first().copied().unwrap_or_default();
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    if let Ok(challenge) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// The response to a server failure. Its causes are logged and not revealed to the caller.
fn failure_response(failure: &Failure) -> Response {
    let error = ErrorChain(failure);
    tracing::error!(%error, "the server failed");
    let rejection = failure.rejection();
    if let Failure::Unfinished { key, .. } = failure {
        return explained_rejection_response(rejection, &unfinished_text(key.as_ref()));
    }
    rejection_response(rejection)
}

/// What an attempt to create an authority or its next key has left behind.
fn unfinished_text(key: Option<&KeyLocation>) -> String {
    let left = match key {
        Some(key) => format!("the key {key} is made, but not yet used"),
        None => "a key is ordered, and may be made".to_owned(),
    };
    format!(
        "{left}: repeat the request after half a minute, and it continues with the same key, \
         as the next maintenance does"
    )
}

fn rejection_response(rejection: HttpRejection) -> Response {
    explained_rejection_response(rejection, &rejection.text())
}

fn explained_rejection_response(rejection: HttpRejection, text: &str) -> Response {
    // Every status in the rejection table is valid, so the fallback is never used.
    let status =
        StatusCode::from_u16(rejection.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = error_response(status, text);
    // Only 503 is transient; repeating a request after another failure is unlikely to help.
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
    }
    response
}

/// A 201 response for a created object, with its location and version.
pub(crate) fn created_response<T: Serialize>(
    path: &str,
    uuid: impl GenericUuid + Display,
    version: u64,
    view: T,
) -> Response {
    with_etag(located_response(path, uuid, view), version)
}

/// A 201 response for a created object without versions, with its location.
pub(crate) fn located_response<T: Serialize>(
    path: &str,
    uuid: impl GenericUuid + Display,
    view: T,
) -> Response {
    let mut response = (StatusCode::CREATED, Json(view)).into_response();
    // Paths consist of literals and UUIDs, so the header is always valid.
    if let Ok(location) = HeaderValue::from_str(&format!("{}{path}/{uuid}", crate::PREFIX)) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// A 200 response with an object and its version.
pub(crate) fn versioned_response<O, T: Serialize>(object: &Versioned<O>, view: T) -> Response {
    with_etag(Json(view).into_response(), object.version)
}

/// Adds the version as an entity tag, RFC 9110 §8.8.3. A client that returns it in `If-Match` gets
/// 409 if the object has changed in the meantime.
pub(crate) fn with_etag(mut response: Response, version: u64) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_path_alone_takes_a_megabyte() {
        let uuid = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11";
        let challenges = format!("/api/v1/scepProfiles/{uuid}/challenges");
        assert_eq!(max_body_bytes(&challenges), MAX_CHALLENGES_BYTES);
        for path in [
            format!("/scepProfiles/{uuid}/challenges"),
            format!("/api/v1/scepProfiles/{uuid}"),
            format!("{challenges}/{uuid}"),
            format!("/api/v1/scepProfiles/{uuid}/x/challenges"),
            "/api/v1/challenges".to_owned(),
            "/".to_owned(),
        ] {
            assert_eq!(max_body_bytes(&path), MAX_BODY_BYTES, "{path}");
        }
    }
}
