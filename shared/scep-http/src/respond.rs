//! One request, one response, one line in the log.

use std::error::Error;
use std::time::Instant;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};
use scep_cms::{MAX_MESSAGE_BYTES, MessageType};
use scep_protocol::{EndpointName, Rejection};
use scep_service::{
    Failure, Issuing, Outcome, PkiOperationReply, ca_capabilities, ca_certificates, pki_operation,
};

use crate::answer::{capabilities, cert_rep, certificates, plain_answer};
use crate::endpoint::endpoint;
use crate::message::decode_message;
use crate::operation::{Operation, parameter};

/// Longest body that is read, in octets.
pub const MAX_BODY_BYTES: usize = MAX_MESSAGE_BYTES;

/// Answers any request below `/api/v1/protocols/scep/`, and every other with 404.
///
/// `body` is what was read of it: whole, or why it was not. Whoever reads stops at [`MAX_BODY_BYTES`] and says
/// [`Rejection::BodyTooLarge`].
pub async fn respond(
    issuing: &Issuing,
    head: &Parts,
    body: Result<Bytes, Rejection>,
) -> Response<Bytes> {
    let begun = Instant::now();
    let asked = Asked::of(head, body);
    let (response, said) = match &asked {
        Asked {
            endpoint: Ok(endpoint),
            operation: Ok(operation),
            body: Ok(body),
        } => serve(issuing, endpoint, *operation, head, body)
            .await
            .unwrap_or_else(|failure| failed(&failure)),
        Asked {
            endpoint: Ok(_),
            operation: Ok(_),
            body: Err(rejection),
        }
        | Asked {
            endpoint: Ok(_),
            operation: Err(rejection),
            ..
        }
        | Asked {
            endpoint: Err(rejection),
            ..
        } => failed(&Failure::Rejected(*rejection)),
    };
    tracing::info!(
        profile = asked.endpoint.as_ref().ok().map(profile_name),
        operation = asked.operation.ok().map(Operation::name),
        message_type = said.message_type,
        transaction_id = said.transaction_id,
        outcome = said.outcome.unwrap_or("rejected"),
        fail_info = said.fail_info,
        reason = said.reason,
        serial_number = said.serial_number,
        status = response.status().as_u16(),
        milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        "request"
    );
    response
}

/// What is asked, as far as it can be known without a profile.
struct Asked {
    endpoint: Result<EndpointName, Rejection>,
    operation: Result<Operation, Rejection>,
    body: Result<Bytes, Rejection>,
}

impl Asked {
    fn of(head: &Parts, body: Result<Bytes, Rejection>) -> Self {
        let served = head.method == Method::GET || head.method == Method::POST;
        Self {
            endpoint: endpoint(head.uri.path()),
            operation: if served {
                Operation::of(&head.method, query(head))
            } else {
                Err(Rejection::MethodNotAllowed)
            },
            body: body.and_then(|body| {
                if body.len() > MAX_BODY_BYTES {
                    return Err(Rejection::BodyTooLarge);
                }
                Ok(body)
            }),
        }
    }
}

fn query(head: &Parts) -> &str {
    head.uri.query().unwrap_or_default()
}

/// What the log says of an answer.
#[derive(Default)]
struct Said {
    outcome: Option<&'static str>,
    message_type: Option<&'static str>,
    transaction_id: Option<String>,
    fail_info: Option<&'static str>,
    reason: Option<String>,
    serial_number: Option<String>,
}

impl Said {
    fn outcome(outcome: &'static str) -> Self {
        Self {
            outcome: Some(outcome),
            ..Self::default()
        }
    }

    fn of(reply: &PkiOperationReply) -> Self {
        let said = Self {
            message_type: reply.message_type.map(MessageType::digits),
            transaction_id: reply
                .transaction_id
                .as_ref()
                .map(|id| id.as_str().to_owned()),
            ..Self::default()
        };
        match &reply.outcome {
            Outcome::Granted(granted) => {
                let name = granted.certificate.issuer_and_serial_number();
                Self {
                    outcome: Some(if granted.resent { "resent" } else { "issued" }),
                    serial_number: Some(name.serial_number_hex()),
                    ..said
                }
            }
            Outcome::Refused(refusal) => Self {
                outcome: Some("refused"),
                fail_info: Some(refusal.fail_info().name()),
                reason: Some(refusal.text().into_owned()),
                ..said
            },
        }
    }
}

async fn serve(
    issuing: &Issuing,
    endpoint: &EndpointName,
    operation: Operation,
    head: &Parts,
    body: &Bytes,
) -> Result<(Response<Bytes>, Said), Failure> {
    match operation {
        Operation::GetCaCaps => {
            let announced = ca_capabilities(&issuing.reading, endpoint).await?;
            Ok((capabilities(&announced), Said::outcome("answered")))
        }
        Operation::GetCaCert => {
            let answer = certificates(ca_certificates(&issuing.reading, endpoint).await?)
                .map_err(|error| Failure::Encode(error.into()))?;
            Ok((answer, Said::outcome("answered")))
        }
        Operation::GetNextCaCert => {
            ca_capabilities(&issuing.reading, endpoint).await?;
            Err(Failure::Rejected(Rejection::NoNextCaCertificate))
        }
        Operation::PkiOperation => {
            let message = message(head, body).map_err(Failure::Rejected)?;
            let reply = pki_operation(issuing, endpoint, &message).await?;
            let said = Said::of(&reply);
            Ok((cert_rep(reply.cert_rep), said))
        }
    }
}

/// The pkiMessage: a POST's body, a GET's `message`.
fn message(head: &Parts, body: &Bytes) -> Result<Bytes, Rejection> {
    if head.method == Method::POST {
        return Ok(body.clone());
    }
    let raw = parameter(query(head), "message").ok_or(Rejection::UnreadableMessage)?;
    let message = decode_message(raw)?;
    if message.len() > MAX_BODY_BYTES {
        return Err(Rejection::BodyTooLarge);
    }
    Ok(Bytes::from(message))
}

/// The answer to a failure; ours are logged with their causes, which the client is not told.
fn failed(failure: &Failure) -> (Response<Bytes>, Said) {
    let rejection = failure.rejection();
    if rejection.status() >= 500 {
        let error: &dyn Error = failure;
        tracing::error!(error, "the server failed");
    }
    let said = Said {
        reason: Some(rejection.text().into_owned()),
        ..Said::default()
    };
    (plain_answer(rejection), said)
}

fn profile_name(endpoint: &EndpointName) -> &str {
    match endpoint {
        EndpointName::ScepProfile(name) | EndpointName::RaProfile(name) => name.as_str(),
    }
}
