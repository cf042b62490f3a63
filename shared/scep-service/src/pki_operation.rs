//! PKIOperation, RFC 8894 §4.3: a message comes, a CertRep goes.

use scep_cms::{MessageType, PkiMessage, TransactionId};
use scep_protocol::{
    AuthorisedRequest, AvailableProfile, EndpointName, Refusal, Rejection, ReplyTo, SignedRequest,
};

use crate::ca_information::serving;
use crate::error::NotIssued;
use crate::issue::{Granted, certificate_for};
use crate::{Causes, Failure, Issuing, RaKey, reply};

/// The answer to a message that could be read, with what a log says about it.
#[derive(Debug)]
pub struct PkiOperationReply {
    /// CertRep, DER.
    pub cert_rep: Vec<u8>,
    /// The request's messageType, if it is one.
    pub message_type: Option<MessageType>,
    /// The request's transactionID, if it could be read.
    pub transaction_id: Option<TransactionId>,
    /// What the CertRep says.
    pub outcome: Outcome,
}

/// What a CertRep says.
#[derive(Debug)]
pub enum Outcome {
    /// SUCCESS with a new certificate, or with the one that the same request got before.
    Granted(Granted),
    /// FAILURE.
    Refused(Refusal),
}

/// Answers one pkiMessage, BER or DER.
///
/// # Errors
/// [`Failure::Rejected`] when the endpoint does not serve or the message cannot be read; else our own failures. Never for
/// a message that can be answered: that is [`Outcome::Refused`].
pub async fn pki_operation(
    issuing: &Issuing,
    endpoint: &EndpointName,
    message: &[u8],
) -> Result<PkiOperationReply, Failure> {
    let profile = serving(&issuing.reading, endpoint).await?;
    let message = PkiMessage::from_ber(message).map_err(|error| {
        let error = Causes(&error);
        tracing::debug!(%error, "unreadable message");
        Failure::Rejected(Rejection::UnreadableMessage)
    })?;
    let reply_to = ReplyTo::of(&message, profile.algorithms());
    let message_type = message_type(&message);
    let transaction_id = reply_to.transaction_id.clone();
    let ra_key = issuing.ra_keys.load(profile.ra_certificate()).await?;
    let (cert_rep, outcome) = match enrol(issuing, &profile, &*ra_key, message).await {
        Ok((request, granted)) => {
            let leaf = granted.certificate.der();
            let cert_rep = reply::success(&profile, &*ra_key, reply_to, &request, leaf)?;
            (cert_rep, Outcome::Granted(granted))
        }
        Err(NotIssued::Refused(refusal)) => {
            let cert_rep = reply::failure(&profile, &*ra_key, reply_to, &refusal)?;
            (cert_rep, Outcome::Refused(refusal))
        }
        Err(NotIssued::Failed(failure)) => return Err(failure),
    };
    Ok(PkiOperationReply {
        cert_rep,
        message_type,
        transaction_id,
        outcome,
    })
}

fn message_type(message: &PkiMessage) -> Option<MessageType> {
    MessageType::from_digits(message.message_type().ok()?.as_bytes())
}

/// Steps 3 to 12 of the order of checks.
async fn enrol(
    issuing: &Issuing,
    profile: &AvailableProfile,
    ra_key: &dyn RaKey,
    message: PkiMessage,
) -> Result<(AuthorisedRequest, Granted), NotIssued> {
    let algorithms = profile.algorithms();
    let request = SignedRequest::verify(message, algorithms)?;
    let request = request.addressed_to(profile.ra_certificate(), algorithms)?;
    let content_key = ra_key.content_key(
        request.transport(),
        request.encrypted_key(),
        request.cipher(),
    );
    let request = request.open(&content_key, profile)?;
    let scep_profile = profile.scep_profile();
    let challenge = match &scep_profile.challenge {
        Some(sealed) => Some(issuing.secrets.open(scep_profile.uuid, sealed).await?),
        None => None,
    };
    let request = request.authorise(profile, challenge.as_ref())?;
    let granted = certificate_for(issuing, profile, &request).await?;
    Ok((request, granted))
}
