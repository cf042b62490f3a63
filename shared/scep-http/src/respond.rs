//! Serves one SCEP request: writes one response, one log line and one measurement.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use scep_cms::ber::MAX_MESSAGE_BYTES;
use scep_cms::message_type::MessageType;
use scep_cms::transaction_id::TransactionId;
use scep_protocol::profile::EndpointName;
use scep_protocol::refusal::{HttpRejection, Refusal};
use scep_service::ca_info::ProfileService;
use scep_service::enrol::{Outcome, PkiOperationReply};
use scep_service::error::Failure;
use scep_service::error_chain::ErrorChain;
use scep_service::ports::{Measurement, Metrics, RequestMeasurement};

use crate::endpoint::parse_endpoint;
use crate::operation::{Operation, raw_query};
use crate::response::{SCEP_METHODS, options_response, without_body};
use crate::{
    Answer, BodyError, ClientAddress, GatewayRequestId, Operations, ScepRequest,
    rejection_response, user_agent,
};

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
    let (answer, outcome) =
        match dispatch_request(operations, &endpoint, operation, head, body).await {
            Ok(Answer { response, reply }) => (response, RequestOutcome::of(reply)),
            Err(failure) => respond_to_failure(&failure),
        };
    let response = match head.method == Method::HEAD {
        true => without_body(answer),
        false => answer,
    };
    let log = RequestLog {
        client_address: ClientAddress::of(head),
        user_agent: user_agent(&head.headers),
        gateway_request_id: GatewayRequestId::of(head),
        profile: endpoint.as_ref().ok().map(profile_name),
        operation: operation.ok().map(Operation::name),
        outcome,
        status: response.status(),
        took: clock.instant().saturating_duration_since(start),
    };
    log.write(&**metrics);
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

/// What a request is logged and measured with.
struct RequestLog<'a> {
    client_address: Option<IpAddr>,
    user_agent: Option<&'a str>,
    gateway_request_id: Option<&'a str>,
    profile: Option<&'a str>,
    operation: Option<&'static str>,
    outcome: RequestOutcome,
    status: StatusCode,
    took: Duration,
}

/// How a request ended.
enum RequestOutcome {
    /// The response carries no CertRep.
    Answered,
    /// The response carries a CertRep.
    Replied(Box<PkiOperationReply>),
    /// The response is a plain HTTP error.
    Rejected(HttpRejection),
}

impl RequestLog<'_> {
    /// Writes the measurement and the log line of the request.
    fn write(&self, metrics: &dyn Metrics) {
        let reply = self.outcome.reply();
        let message_type = reply.and_then(|reply| reply.message_type);
        let pki_status = reply.map(|reply| reply.outcome.pki_status());
        let refusal = self.outcome.refusal();
        let fail_info = refusal.map(|refusal| refusal.fail_info().name());
        metrics.record(&Measurement::Request(&RequestMeasurement {
            operation: self.operation,
            // A request that fails may name any profile, and each name would be a new time series.
            profile: self.profile.filter(|_| self.status == StatusCode::OK),
            message_type: message_type.map(MessageType::name),
            pki_status,
            fail_info,
            status: self.status.as_u16(),
            took: self.took,
        }));
        tracing::info!(
            client_address = self.client_address.map(tracing::field::display),
            user_agent = self.user_agent,
            gateway_request_id = self.gateway_request_id,
            profile = self.profile,
            operation = self.operation,
            message_type = message_type.map(MessageType::digits),
            transaction_id = reply
                .and_then(|reply| reply.transaction_id.as_ref())
                .map(TransactionId::excerpt),
            outcome = self.outcome.label(),
            fail_info,
            reason = self.outcome.reason().as_deref().map(truncate_for_log),
            serial_number = self.outcome.serial_number(),
            status = self.status.as_u16(),
            milliseconds = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
            "request"
        );
    }
}

impl RequestOutcome {
    fn of(reply: Option<PkiOperationReply>) -> Self {
        reply.map(Box::new).map_or(Self::Answered, Self::Replied)
    }

    fn reply(&self) -> Option<&PkiOperationReply> {
        match self {
            Self::Replied(reply) => Some(reply),
            Self::Answered | Self::Rejected(_) => None,
        }
    }

    fn refusal(&self) -> Option<&Refusal> {
        match &self.reply()?.outcome {
            Outcome::Refused(refusal) => Some(refusal),
            Outcome::Granted(_) | Outcome::Found | Outcome::Pending => None,
        }
    }

    fn serial_number(&self) -> Option<String> {
        match &self.reply()?.outcome {
            Outcome::Granted(granted) => {
                let name = granted.certificate.issuer_and_serial_number();
                Some(name.serial_number_hex())
            }
            Outcome::Found | Outcome::Pending | Outcome::Refused(_) => None,
        }
    }

    fn label(&self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Replied(reply) => reply.outcome.label(),
            Self::Rejected(_) => "rejected",
        }
    }

    fn reason(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Answered => None,
            Self::Replied(_) => self.refusal().map(Refusal::log_reason),
            Self::Rejected(rejection) => Some(rejection.text()),
        }
    }
}

/// The response to a failure. Server failures are logged with their causes, which are not revealed
/// to the client.
fn respond_to_failure(failure: &Failure) -> (Response<Bytes>, RequestOutcome) {
    let rejection = failure.rejection();
    if rejection.status() >= 500 {
        let error = ErrorChain(failure);
        tracing::error!(%error, "the server failed");
    }
    (
        rejection_response(rejection),
        RequestOutcome::Rejected(rejection),
    )
}

fn profile_name(endpoint: &EndpointName) -> &str {
    match endpoint {
        EndpointName::ScepProfile(name) | EndpointName::RaProfile(name) => name.as_str(),
    }
}
