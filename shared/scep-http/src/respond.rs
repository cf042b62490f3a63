//! Serves one SCEP request: writes one response, one log line and one measurement.

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use scep_cms::{MAX_MESSAGE_BYTES, MessageType};
use scep_protocol::{EndpointName, HttpRejection};
use scep_service::{
    ErrorChain, Failure, Measurement, Outcome, PkiOperationReply, ProfileService,
    RequestMeasurement,
};

use crate::answer::{SCEP_METHODS, options_response, rejection_response, without_body};
use crate::body::BodyError;
use crate::endpoint::parse_endpoint;
use crate::operation::{Operation, raw_query};
use crate::operations::{Answer, Operations, ScepRequest};

/// The longest body that is read, in octets.
pub const MAX_BODY_BYTES: usize = MAX_MESSAGE_BYTES;

/// The longest reason in a log line, in octets.
const MAX_LOGGED_BYTES: usize = 300;

/// Responds to a request below `/api/v1/protocols/scep/`; other paths get 404.
///
/// `body` is the whole body, or the reason why it could not be read. Callers stop reading at
/// [`MAX_BODY_BYTES`] and pass [`BodyError::TooLarge`].
pub async fn respond_scep(
    operations: &impl Operations,
    head: &Parts,
    body: Result<Bytes, BodyError>,
) -> Response<Bytes> {
    let ProfileService { clock, metrics, .. } = operations.profile_service();
    let start = clock.instant();
    let operation = parse_operation(head);
    let endpoint = parse_endpoint(head.uri.path());
    let (response, log) = match dispatch_request(operations, &endpoint, operation, head, body).await
    {
        Ok(Answer { response, reply }) => {
            let log = reply
                .as_ref()
                .map_or_else(RequestLog::answered, RequestLog::of);
            (response, log)
        }
        Err(failure) => respond_to_failure(&failure),
    };
    let response = match head.method == Method::HEAD {
        true => without_body(response),
        false => response,
    };
    let (status, took) = (
        response.status(),
        clock.instant().saturating_duration_since(start),
    );
    let profile = endpoint.as_ref().ok().map(profile_name);
    metrics.record(&Measurement::Request(&RequestMeasurement {
        operation: operation.ok().map(Operation::name),
        // A request that fails may name any profile, and each name would be a new time series.
        profile: profile.filter(|_| status == StatusCode::OK),
        message_type: log.message_type.map(MessageType::name),
        pki_status: log.pki_status,
        fail_info: log.fail_info,
        status: status.as_u16(),
        took,
    }));
    tracing::info!(
        profile,
        operation = operation.ok().map(Operation::name),
        message_type = log.message_type.map(MessageType::digits),
        transaction_id = log.transaction_id,
        outcome = log.outcome,
        fail_info = log.fail_info,
        reason = log.reason.as_deref().map(truncate_for_log),
        serial_number = log.serial_number,
        status = status.as_u16(),
        milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "request"
    );
    response
}

/// The operation of a request, as far as it is known without looking up the profile.
fn parse_operation(head: &Parts) -> Result<Operation, HttpRejection> {
    // HEAD is accepted because load balancers probe with it.
    if ![Method::GET, Method::HEAD, Method::POST].contains(&head.method) {
        return Err(HttpRejection::MethodNotAllowed);
    }
    Operation::of(&head.method, raw_query(head))
}

async fn dispatch_request(
    operations: &impl Operations,
    endpoint: &Result<EndpointName, HttpRejection>,
    operation: Result<Operation, HttpRejection>,
    head: &Parts,
    body: Result<Bytes, BodyError>,
) -> Result<Answer, Failure> {
    let endpoint = endpoint.as_ref().map_err(|no| Failure::Rejected(*no))?;
    // OPTIONS names no operation, so it is answered before the operation is checked.
    if head.method == Method::OPTIONS {
        return Ok(options_response(SCEP_METHODS).into());
    }
    let operation = operation.map_err(Failure::Rejected)?;
    let body = &body.map_err(|error| Failure::Rejected(error.into()))?;
    // The local server stops reading at the limit; Lambda delivers bodies whole.
    if body.len() > MAX_BODY_BYTES {
        return Err(Failure::Rejected(BodyError::TooLarge.into()));
    }
    let request = ScepRequest {
        endpoint,
        operation,
        head,
        body,
    };
    operations.answer(&request).await
}

/// Truncates a text for the log, since it may contain values that the client chose.
fn truncate_for_log(text: &str) -> &str {
    let end = text.floor_char_boundary(MAX_LOGGED_BYTES);
    text.get(..end).unwrap_or_default()
}

/// The fields of a response that are logged.
#[derive(Default)]
struct RequestLog {
    outcome: &'static str,
    message_type: Option<MessageType>,
    transaction_id: Option<String>,
    pki_status: Option<&'static str>,
    fail_info: Option<&'static str>,
    reason: Option<String>,
    serial_number: Option<String>,
}

impl RequestLog {
    fn answered() -> Self {
        Self {
            outcome: "answered",
            ..Self::default()
        }
    }

    fn of(reply: &PkiOperationReply) -> Self {
        let log = Self {
            message_type: reply.message_type,
            transaction_id: reply
                .transaction_id
                .as_ref()
                .map(|id| id.excerpt().to_owned()),
            ..Self::default()
        };
        match &reply.outcome {
            Outcome::Granted(granted) => {
                let name = granted.certificate.issuer_and_serial_number();
                Self {
                    outcome: if granted.resent { "resent" } else { "issued" },
                    pki_status: Some("SUCCESS"),
                    serial_number: Some(name.serial_number_hex()),
                    ..log
                }
            }
            Outcome::Found => Self {
                outcome: "found",
                pki_status: Some("SUCCESS"),
                ..log
            },
            Outcome::Pending => Self {
                outcome: "pending",
                pki_status: Some("PENDING"),
                ..log
            },
            Outcome::Refused(refusal) => Self {
                outcome: "refused",
                pki_status: Some("FAILURE"),
                fail_info: Some(refusal.fail_info().name()),
                reason: Some(refusal.log_reason().into_owned()),
                ..log
            },
        }
    }
}

/// The response to a failure. Server failures are logged with their causes, which are not revealed
/// to the client.
fn respond_to_failure(failure: &Failure) -> (Response<Bytes>, RequestLog) {
    let rejection = failure.rejection();
    if rejection.status() >= 500 {
        let error = ErrorChain(failure);
        tracing::error!(%error, "the server failed");
    }
    let log = RequestLog {
        outcome: "rejected",
        reason: Some(rejection.text().into_owned()),
        ..RequestLog::default()
    };
    (rejection_response(rejection), log)
}

fn profile_name(endpoint: &EndpointName) -> &str {
    match endpoint {
        EndpointName::ScepProfile(name) | EndpointName::RaProfile(name) => name.as_str(),
    }
}
