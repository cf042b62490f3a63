//! One request, one response, one line in the log.

use std::error::Error;
use std::time::Instant;

use bytes::Bytes;
use http::{Method, Request, Response};
use scep_cms::MAX_MESSAGE_BYTES;
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
/// The body is whole; whoever reads it stops at [`MAX_BODY_BYTES`] and answers [`Rejection::BodyTooLarge`].
pub async fn respond(issuing: &Issuing, request: Request<Bytes>) -> Response<Bytes> {
    let begun = Instant::now();
    let query = request.uri().query().unwrap_or_default();
    let asked = asked(&request, query);
    let (response, said) = match &asked {
        Ok((endpoint, operation)) => serve(issuing, endpoint, *operation, &request, query)
            .await
            .unwrap_or_else(|failure| failed(&failure)),
        Err(rejection) => (plain_answer(*rejection), Said::default()),
    };
    let (profile, operation) = match &asked {
        Ok((endpoint, operation)) => (Some(profile_name(endpoint)), Some(operation.name())),
        Err(_) => (None, None),
    };
    tracing::info!(
        profile,
        operation,
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

/// What the log says of an answer.
#[derive(Default)]
struct Said {
    outcome: Option<&'static str>,
    message_type: Option<String>,
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
            message_type: reply.message_type.clone(),
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

/// Which endpoint is asked for what: everything that can be known without a profile.
fn asked(request: &Request<Bytes>, query: &str) -> Result<(EndpointName, Operation), Rejection> {
    let endpoint = endpoint(request.uri().path())?;
    if request.method() != Method::GET && request.method() != Method::POST {
        return Err(Rejection::MethodNotAllowed);
    }
    if request.body().len() > MAX_BODY_BYTES {
        return Err(Rejection::BodyTooLarge);
    }
    Ok((endpoint, Operation::of(request.method(), query)?))
}

async fn serve(
    issuing: &Issuing,
    endpoint: &EndpointName,
    operation: Operation,
    request: &Request<Bytes>,
    query: &str,
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
            let message = message(request, query).map_err(Failure::Rejected)?;
            let reply = pki_operation(issuing, endpoint, &message).await?;
            let said = Said::of(&reply);
            Ok((cert_rep(reply.cert_rep), said))
        }
    }
}

/// The pkiMessage: a POST's body, a GET's `message`.
fn message(request: &Request<Bytes>, query: &str) -> Result<Bytes, Rejection> {
    if request.method() == Method::POST {
        return Ok(request.body().clone());
    }
    let raw = parameter(query, "message").ok_or(Rejection::UnreadableMessage)?;
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
