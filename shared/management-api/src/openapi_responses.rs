//! Error responses that operations share, as the OpenAPI document describes them.

use utoipa::IntoResponses;

use crate::response::{Message, Reasons};

/// The responses that any route may give: those of access control and of a server failure.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only describes responses")]
pub(crate) enum CommonErrors {
    /// Missing or invalid bearer token
    #[response(status = 401)]
    Unauthenticated(Message),
    /// The token lacks the required scope
    #[response(status = 403)]
    Forbidden(Message),
    /// The body is larger than 64 KiB
    #[response(status = 413)]
    TooLarge(Message),
    /// Internal server error
    #[response(status = 500)]
    Failed(Message),
    /// The server is temporarily unavailable
    #[response(status = 503)]
    TryLater(Message),
}

/// The responses to a body or a query that is not as described.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only describes responses")]
pub(crate) enum InvalidRequest {
    /// Malformed JSON, or an unknown field or parameter
    #[response(status = 400)]
    BadRequest(Message),
    /// Validation failed; lists every violation
    #[response(status = 422)]
    Unprocessable(Reasons),
}

/// No such object
#[derive(IntoResponses)]
#[response(status = 404)]
#[expect(dead_code, reason = "only describes a response")]
pub(crate) struct NotFound(Message);

/// The object, or one it is linked to, was changed in the meantime
#[derive(IntoResponses)]
#[response(status = 409)]
#[expect(dead_code, reason = "only describes a response")]
pub(crate) struct Conflict(Message);
