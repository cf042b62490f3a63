//! PKIOperation, RFC 8894 §4.3: a message comes, a CertRep goes.

use ca_issuer::keeps_names;
use scep_cms::{
    Certificate, ChallengePassword, ContentKey, Degenerate, IssuerAndSerialNumber, MessageType,
    PkiMessage, TransactionId,
};
use scep_protocol::{
    AddressedRequest, AvailableProfile, EndpointName, KnownCertificate, Refusal, Rejection,
    ReplyTo, SignedRequest, WrappedKey, cert_rep_certificates,
};
use tokio::time::{Duration, Instant, sleep_until};
use zeroize::Zeroizing;

use crate::ca_information::serving;
use crate::entropy::random;
use crate::error::NotIssued;
use crate::issue::{Granted, Progress, certificate_for, poll};
use crate::reply::{Sealing, Status};
use crate::{Causes, CertificateRecord, ClaimOutcome, Failure, Issuing, RaKey, reply};

/// Longest serial number, in hexadecimal digits: 20 octets, RFC 5280 §4.1.2.2.
const MAX_SERIAL_NUMBER_DIGITS: usize = 40;

/// How long an encrypted key is remembered with the ciphertext that it came with: an attacker who
/// waits for so long between two splices needs years for a word.
const ENVELOPE_MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

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
    /// SUCCESS with what a GetCert or GetCRL asked for.
    Found,
    /// PENDING.
    Pending,
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
    let begun = Instant::now();
    let profile = serving(&issuing.reading, endpoint).await?;
    let message = PkiMessage::from_ber(message).map_err(|error| {
        let error = Causes(&error);
        tracing::debug!(%error, "unreadable message");
        Failure::Rejected(Rejection::UnreadableMessage)
    })?;
    let profile = match message.envelope() {
        Ok(envelope) => profile.addressed_by(&envelope),
        Err(_) => profile,
    };
    let reply_to = ReplyTo::of(&message, profile.algorithms());
    let message_type = message_type(&message);
    let transaction_id = reply_to.transaction_id.clone();
    let ra_key = issuing.ra_keys.load(profile.ra_key()).await?;
    let exchange = Exchange {
        issuing,
        profile: &profile,
        ra_key: &*ra_key,
    };
    let (status, outcome) = match exchange.answer(message).await {
        Ok(answer) => answer,
        Err(NotIssued::Refused(refusal)) => (reply::failure(&refusal), Outcome::Refused(refusal)),
        Err(NotIssued::Failed(failure)) => return Err(failure),
    };
    let cert_rep = reply::cert_rep(&profile, &*ra_key, reply_to, status)?;
    if let Outcome::Refused(refusal) = &outcome
        && refusal.is_timed()
    {
        wait_from(begun, issuing.deployment.refusal_delay).await;
    }
    Ok(PkiOperationReply {
        cert_rep,
        message_type,
        transaction_id,
        outcome,
    })
}

/// Waits until `delay` after `begun`, when the request was read to its end; where the work took
/// longer, until the next multiple of it.
async fn wait_from(begun: Instant, delay: Duration) {
    let periods = begun
        .elapsed()
        .as_nanos()
        .checked_div(delay.as_nanos())
        .and_then(|periods| u32::try_from(periods).ok());
    if let Some(periods) = periods {
        sleep_until(begun + delay.saturating_mul(periods.saturating_add(1))).await;
    }
}

fn message_type(message: &PkiMessage) -> Option<MessageType> {
    MessageType::from_digits(message.message_type().ok()?.as_bytes())
}

/// One message and its answer.
struct Exchange<'a> {
    issuing: &'a Issuing,
    profile: &'a AvailableProfile,
    ra_key: &'a dyn RaKey,
}

impl Exchange<'_> {
    /// Steps 3 to 12 of the order of checks.
    async fn answer(&self, message: PkiMessage) -> Result<(Status, Outcome), NotIssued> {
        let algorithms = self.profile.algorithms();
        let request = SignedRequest::verify(message, algorithms)?;
        let challenge = self.challenge().await?;
        let sealing = Sealing {
            key: request.reply_key(challenge.as_ref())?,
            cipher: request.reply_cipher(algorithms),
        };
        let progress = match request.message_type() {
            MessageType::PkcsReq | MessageType::RenewalReq => {
                self.enrol(request, challenge.as_ref()).await?
            }
            MessageType::CertPoll => poll(self.issuing, self.profile, &request).await?,
            MessageType::GetCert | MessageType::GetCrl => {
                let found = self.look_up(request, challenge.as_ref()).await?;
                return Ok((reply::success(&found, &sealing)?, Outcome::Found));
            }
            MessageType::CertRep => return Err(Refusal::MessageType.into()),
        };
        match progress {
            Progress::Pending => Ok((Status::PENDING, Outcome::Pending)),
            Progress::Granted(granted) => {
                let leaf = &granted.certificate;
                let content = cert_rep_certificates(self.profile, leaf, granted.generation);
                Ok((
                    reply::success(&content, &sealing)?,
                    Outcome::Granted(granted),
                ))
            }
        }
    }

    /// The profile's challengePassword.
    async fn challenge(&self) -> Result<Option<ChallengePassword>, Failure> {
        let profile = self.profile.scep_profile();
        match &profile.challenge {
            Some(sealed) => Ok(Some(self.issuing.secrets.open(profile.uuid, sealed).await?)),
            None => Ok(None),
        }
    }

    async fn enrol(
        &self,
        request: SignedRequest,
        challenge: Option<&ChallengePassword>,
    ) -> Result<Progress, NotIssued> {
        let (request, content_key) = self.address(request, challenge).await?;
        let request = request.open(&content_key, self.profile)?;
        let now = self.issuing.reading.clock.now();
        let mut request = request.authorise(self.profile, challenge, now)?;
        if !keeps_names(self.profile, &request).map_err(Failure::encode)? {
            request = request.into_enrolment(challenge);
        }
        certificate_for(self.issuing, self.profile, &request).await
    }

    /// Steps 7 and 8: settles who signed and that the message is for us, before anything in it is opened; then its content key.
    async fn address(
        &self,
        request: SignedRequest,
        challenge: Option<&ChallengePassword>,
    ) -> Result<(AddressedRequest, ContentKey), NotIssued> {
        let known = self.known(&request).await?;
        let now = self.issuing.reading.clock.now();
        let request = request.addressed_to(self.profile, known, now)?;
        // An attacker who reads a captured message by splices needs many ciphertexts under its one key.
        let first = self.issuing.transactions.remember_envelope(
            request.encrypted_key(),
            request.ciphertext(),
            now + ENVELOPE_MEMORY,
            now,
        );
        if first.await? == ClaimOutcome::Lost {
            return Err(request.reused().into());
        }
        let content_key = self.content_key(&request, challenge)?;
        Ok((request, content_key))
    }

    /// What a GetCert or GetCRL asks for, RFC 8894 §3.3.4: for those who hold a good certificate of ours.
    async fn look_up(
        &self,
        request: SignedRequest,
        challenge: Option<&ChallengePassword>,
    ) -> Result<Degenerate, NotIssued> {
        let message_type = request.message_type();
        let (request, content_key) = self.address(request, challenge).await?;
        let asked = request.open_query(&content_key)?;
        let (certificate, generation) = self.find(&asked).await?;
        if message_type == MessageType::GetCert {
            return Ok(Degenerate {
                certificates: vec![certificate.der().to_vec()],
                crls: Vec::new(),
            });
        }
        let authority = self.profile.authority().uuid;
        let generation = generation.ok_or(Refusal::UnknownCertificate)?;
        let crl = self.issuing.crls.crl(authority, generation).await?;
        // Each generation has one from its first moment on: it is ours to wait for.
        let crl = crl.ok_or(Failure::Rejected(Rejection::TryLater))?;
        Ok(Degenerate {
            certificates: Vec::new(),
            crls: vec![crl.der],
        })
    }

    /// A certificate of the authority, and the generation that issued it, unless another CA did.
    async fn find(
        &self,
        name: &IssuerAndSerialNumber,
    ) -> Result<(Certificate, Option<u32>), NotIssued> {
        if let Some((own, generation)) = self.profile.own_certificate(name) {
            return Ok((own.clone(), generation));
        }
        if !self.profile.is_issuer(name.issuer()) {
            return Err(Refusal::UnknownCertificate.into());
        }
        let found = self.record(&name.serial_number_hex()).await?;
        let found = found.ok_or(Refusal::UnknownCertificate)?;
        Ok((found.certificate, Some(found.generation)))
    }

    /// The inventory's record of a serial number. There is none of a number that is longer than any of ours.
    async fn record(&self, serial_number: &str) -> Result<Option<CertificateRecord>, Failure> {
        if serial_number.len() > MAX_SERIAL_NUMBER_DIGITS {
            return Ok(None);
        }
        let authority = self.profile.authority().uuid;
        let transactions = &self.issuing.transactions;
        Ok(transactions.certificate(authority, serial_number).await?)
    }

    /// What the inventory says of the signer's certificate, if that names this authority as its issuer.
    async fn known(&self, request: &SignedRequest) -> Result<Option<KnownCertificate>, Failure> {
        let Some(serial_number) = request.signer_serial_number(self.profile) else {
            return Ok(None);
        };
        let Some(record) = self.record(&serial_number).await? else {
            return Ok(None);
        };
        let is_revoked = record.summary.revocation.is_some();
        let transactions = &self.issuing.transactions;
        Ok(Some(KnownCertificate {
            revoked: is_revoked || transactions.is_key_revoked(record.summary.key).await?,
            uuid: record.summary.uuid,
            certificate: record.certificate,
            ra_profile: record.summary.ra_profile,
        }))
    }

    fn content_key(
        &self,
        request: &AddressedRequest,
        challenge: Option<&ChallengePassword>,
    ) -> Result<ContentKey, NotIssued> {
        let cipher = request.cipher();
        match request.wrapped() {
            WrappedKey::KeyTransport {
                transport,
                encrypted_key,
            } => Ok(self.ra_key.content_key(*transport, encrypted_key, cipher)),
            WrappedKey::Password(recipient) => {
                let challenge = challenge.ok_or(Refusal::NoPassword)?;
                let stand_in = Zeroizing::new(random()?);
                Ok(recipient.content_key(challenge, cipher, &stand_in))
            }
        }
    }
}
