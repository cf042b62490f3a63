//! PKIOperation, RFC 8894 §4.3: answers a pkiMessage with a CertRep.

mod announce;
mod delivery;
pub(crate) mod issue;
mod look_up;
pub(crate) mod next_ca;
mod outcome;
mod outline;
mod refused_before;
mod reply;
pub(crate) mod signing;
mod vouch;

pub use outcome::{Outcome, PkiOperationReply};
pub use signing::{GrantedCertificate, LEASE};

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use scep_cms::challenge::ChallengePassword;
use scep_cms::content_key::ContentKey;
use scep_cms::message_type::MessageType;
use scep_cms::pki_message::PkiMessage;
use scep_cms::public_key::PublicKey;
use scep_protocol::addressed_request::AddressedRequest;
use scep_protocol::availability::AvailableProfile;
use scep_protocol::ca_info::cert_rep_certificates;
use scep_protocol::decide::is_decided;
use scep_protocol::envelope_fault::EnvelopeFault;
use scep_protocol::notice::NoticeReceiver;
use scep_protocol::profile::EndpointName;
use scep_protocol::refusal::{HttpRejection, Refusal};
use scep_protocol::refusal_record::RefusalVerdict;
use scep_protocol::reported_csr::ReportedCsr;
use scep_protocol::request::{
    AuthorisedRequest, ClassifiedRequest, EnrolmentRequest, UnvouchedRequest,
};
use scep_protocol::signed_request::{ReplyTo, SignedRequest};
use scep_protocol::transaction::Fingerprint;
use scep_protocol::vouching::ChallengeSourceKind;
use scep_protocol::wrapped_key::WrappedKey;
use zeroize::Zeroizing;

use crate::ca_info::ProfileService;
use crate::deployment::Deployment;
use crate::enrol::issue::{Progress, issuance_request};
use crate::enrol::refused_before::RefusedMessage;
use crate::enrol::reply::{Reply, ReplyEncryption};
use crate::error::{EnrolError, Failure};
use crate::error_chain::ErrorChain;
use crate::ports::{
    CaKeys, ChallengeSource, Clock, EnvelopeSighting, Notifier, ProfileReader, RaKeys, Random,
    Secrets, Transactions,
};
use crate::ra_key::RaKey;
use crate::refusal_recorder::RefusalRecorder;

/// The ports that PKIOperation needs: [`ProfileService`], keys, and the records of transactions and
/// certificates.
#[derive(Clone)]
pub struct Enrolment {
    /// Profiles, clock and metrics.
    pub profile_service: ProfileService,
    /// Transactions and the certificates that they lead to.
    pub transactions: Arc<dyn Transactions>,
    /// Keys that sign certificates.
    pub ca_keys: Arc<dyn CaKeys>,
    /// Keys that decrypt requests and sign replies.
    pub ra_keys: Arc<dyn RaKeys>,
    /// The sealed secrets of profiles.
    pub secrets: Arc<dyn Secrets>,
    /// CRLs, which GetCRL returns.
    pub crls: Arc<dyn ProfileReader>,
    /// Random octets.
    pub random: Arc<dyn Random>,
    /// Records what is refused.
    pub refusals: Arc<RefusalRecorder>,
    /// The challenge sources that are services: Intune and the administrator's webhook.
    pub services: BTreeMap<ChallengeSourceKind, Arc<dyn ChallengeSource>>,
    /// The services that hear of events.
    pub notifiers: BTreeMap<NoticeReceiver, Arc<dyn Notifier>>,
    /// The settings of this deployment.
    pub deployment: Deployment,
}

/// How long an encrypted key is remembered with the ciphertext that it was first received with.
// An attacker can send one altered ciphertext for a recorded key in this time, so reading even a
// short word octet by octet takes years.
const ENVELOPE_MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

impl Enrolment {
    /// Answers one pkiMessage, BER or DER. `client_address` is the address of the client as far as
    /// it is known.
    ///
    /// # Errors
    /// Returns [`Failure::Rejected`] when the endpoint is not available or the message cannot be
    /// read, and other variants for failures of the server. A refusal of a readable message is not
    /// an error but [`Outcome::Refused`].
    pub async fn answer(
        &self,
        endpoint: &EndpointName,
        message: &[u8],
        client_address: Option<IpAddr>,
    ) -> Result<PkiOperationReply, Failure> {
        // The time is taken before any work on the request, so that the delay of a refusal covers
        // all of it.
        let clock = &*self.profile_service.clock;
        let start = clock.instant();
        let profile = self.read_profile(endpoint, client_address).await?;
        let outline = outline::of_profile(&profile, client_address);
        let message = match PkiMessage::from_ber(message) {
            Ok(message) => message,
            Err(error) => {
                // The log line of the request has no field for the error, and nothing else says
                // what was wrong.
                tracing::info!(error = %ErrorChain(&error), "unreadable message");
                self.record(outline, RefusalVerdict::of_unreadable_message());
                return Err(Failure::Rejected(HttpRejection::UnreadableMessage));
            }
        };
        // The RA key is selected before any check: a refusal is signed with the key that the client
        // encrypted to, which after a rotation may be an older one.
        let profile = match message.envelope() {
            Ok(envelope) => profile.select_ra_key(envelope),
            // The checks below refuse the message; until then the current key serves.
            Err(_) => profile,
        };
        let reply_to = ReplyTo::of(&message, profile.algorithms());
        let message_type = read_message_type(&message);
        let transaction_id = reply_to.transaction_id.clone();
        let ra_key = self.ra_keys.load(profile.ra_key()).await?;
        let exchange = Exchange {
            enrolment: self,
            profile: &profile,
            ra_key: &ra_key,
            client_address,
            opened: OnceLock::new(),
            vouched: OnceLock::new(),
            refused: OnceLock::new(),
        };
        let (reply, outcome) = match exchange.answer(message).await {
            Ok(answer) => answer,
            Err(EnrolError::Refused(refusal)) => {
                (reply::build_failure(&refusal), Outcome::Refused(refusal))
            }
            Err(EnrolError::Failed(failure)) => return Err(failure),
        };
        let cert_rep = reply::build_cert_rep(&profile, &ra_key, reply_to, reply, &*self.random)?;
        // The wait follows the signature of the reply, so that it hides the time of signing as
        // well.
        if let Outcome::Refused(refusal) = &outcome
            && refusal.is_timed()
        {
            wait_for_slot(clock, start, self.deployment.refusal_delay).await;
        }
        // The record follows the wait, which it can then not disturb. Nothing is written here.
        if let Outcome::Refused(refusal) = &outcome {
            let known = outline.with_attributes(message_type, transaction_id.as_ref());
            let (outline, verdict) = exchange.describe_refusal(known, refusal);
            self.record(outline, verdict);
        }
        Ok(PkiOperationReply {
            cert_rep,
            message_type,
            transaction_id,
            outcome,
        })
    }
}

/// Waits until `delay` has passed since `start`, when the last octet of the request was read, or
/// until the next multiple of `delay` if the work took longer.
async fn wait_for_slot(clock: &dyn Clock, start: Instant, delay: Duration) {
    // The wait ends at a multiple, because a response sent as soon as slow work ends would reveal
    // its duration. Division by a zero delay yields `None`: no wait.
    let periods = clock
        .instant()
        .saturating_duration_since(start)
        .as_nanos()
        .checked_div(delay.as_nanos())
        .and_then(|periods| u32::try_from(periods).ok());
    if let Some(periods) = periods {
        let slot = start + delay.saturating_mul(periods.saturating_add(1));
        clock.sleep_until(slot).await;
    }
}

fn read_message_type(message: &PkiMessage) -> Option<MessageType> {
    MessageType::from_digits(message.message_type().ok()?.as_bytes())
}

/// The context in which one message is answered.
pub(crate) struct Exchange<'a> {
    pub(crate) enrolment: &'a Enrolment,
    pub(crate) profile: &'a AvailableProfile,
    ra_key: &'a RaKey,
    client_address: Option<IpAddr>,
    /// Set once the envelope opened to an authentic request: its subject, DER, and its key.
    opened: OnceLock<(Vec<u8>, PublicKey)>,
    /// Set once a source vouches for the request: to the PKCS #10 request, if the source wants to
    /// hear what becomes of it.
    vouched: OnceLock<Option<ReportedCsr>>,
    /// The message, by which a repetition of its refusal is recognised.
    refused: OnceLock<RefusedMessage>,
}

impl Exchange<'_> {
    /// Verifies the message and does what it asks for.
    async fn answer(&self, message: PkiMessage) -> Result<(Reply, Outcome), EnrolError> {
        // The signature comes first: whatever follows may rely on the message's attributes.
        let algorithms = self.profile.algorithms();
        let request = SignedRequest::verify(message, algorithms)?;
        let challenge = self.open_envelope_password(&request).await?;
        // This is settled before a certificate is issued: a client whose reply cannot be encrypted
        // must not use up a certificate.
        let encryption = ReplyEncryption {
            key: request.reply_key(challenge.as_ref())?,
            cipher: request.reply_cipher(algorithms),
        };
        let progress = match request.message_type() {
            MessageType::PkcsReq | MessageType::RenewalReq => {
                self.enrol(request, challenge.as_ref()).await?
            }
            // A poll is answered by its attributes and its signer; the envelope stays encrypted.
            MessageType::CertPoll => self.poll(&request).await?,
            MessageType::GetCert | MessageType::GetCrl => {
                let found = self.look_up(request, challenge.as_ref()).await?;
                return Ok((
                    reply::build_success(&found, &encryption, &*self.enrolment.random)?,
                    Outcome::Found,
                ));
            }
            // A response, which only a server sends.
            MessageType::CertRep => return Err(Refusal::MessageType.into()),
        };
        match progress {
            Progress::Pending => Ok((Reply::Pending, Outcome::Pending)),
            Progress::Granted(granted) => {
                let leaf = &granted.certificate;
                let content = cert_rep_certificates(self.profile, leaf, granted.generation);
                Ok((
                    reply::build_success(&content, &encryption, &*self.enrolment.random)?,
                    Outcome::Granted(granted),
                ))
            }
        }
    }

    async fn enrol(
        &self,
        request: SignedRequest,
        challenge: Option<&ChallengePassword>,
    ) -> Result<Progress, EnrolError> {
        let (addressed, content_key) = self.check_addressee(request, challenge).await?;
        let guesser = addressed
            .may_guess_password()
            .then(|| self.lockout_subjects(addressed.message()));
        let request = match addressed.open(&content_key, self.profile) {
            Ok(request) => request,
            Err(refusal) => return Err(self.count_unopened(guesser, refusal).await),
        };
        // Only now is the request authentic: the sender has the key in it.
        self.remember_content(&request);
        let described = self.describe_request(&request);
        match self.authorise_and_issue(request).await {
            Err(EnrolError::Refused(refusal)) => {
                self.announce_refusal(described, &refusal).await?;
                Err(refusal.into())
            }
            answer @ (Ok(_) | Err(EnrolError::Failed(_))) => answer,
        }
    }

    async fn authorise_and_issue(&self, request: EnrolmentRequest) -> Result<Progress, EnrolError> {
        let now = self.enrolment.profile_service.clock.now();
        let authorised = match request.classify(self.profile, now)? {
            ClassifiedRequest::Renewal(renewal) => self.renew_or_enrol(renewal).await?,
            ClassifiedRequest::Enrolment(unvouched) => self.authorise_enrolment(unvouched).await?,
        };
        match self.certificate_for(&authorised).await {
            // Only now is it known that the names are others than the challenge is for, or that
            // another request was faster to use the challenge up.
            Err(EnrolError::Refused(refusal)) => {
                Err(self.count_refusal(authorised.message(), refusal).await)
            }
            answer @ (Ok(_) | Err(EnrolError::Failed(_))) => answer,
        }
    }

    /// Authorises a renewal, as an enrolment if it asks for other names than the certificate has
    /// and a source vouches for it. A renewal must not change or add names, but devices that were
    /// reset sign with their old certificate and ask for other ones.
    async fn renew_or_enrol(
        &self,
        renewal: AuthorisedRequest,
    ) -> Result<AuthorisedRequest, EnrolError> {
        let template = &self.profile.ra_profile().template;
        let keeps_names = issuance_request(&renewal)
            .keeps_names(template)
            .map_err(Failure::encode)?;
        let has_sources = !self.profile.scep_profile().challenge_sources().is_empty();
        let enrolment = renewal
            .as_enrolment()
            .filter(|_| !keeps_names && has_sources);
        let Some(request) = enrolment else {
            return Ok(renewal);
        };
        match self.ask_sources(request).await {
            Ok(vouched) => Ok(renewal.into_enrolment(vouched)),
            // It stays a renewal, which is refused for its names.
            Err(EnrolError::Refused(_)) => Ok(renewal),
            Err(failed @ EnrolError::Failed(_)) => Err(failed),
        }
    }

    /// Authorises an enrolment by the profile's challenge sources, or by an administrator's
    /// approval to come.
    async fn authorise_enrolment(
        &self,
        unvouched: UnvouchedRequest,
    ) -> Result<AuthorisedRequest, EnrolError> {
        // A service may know a challenge for a moment only, and what it once vouched for stands.
        if self.profile.scep_profile().asks_services()
            && self.is_decided(unvouched.request()).await?
        {
            return Ok(unvouched.into_repeat(self.profile)?);
        }
        let vouched = match unvouched.to_be_vouched(self.profile)? {
            None => self.ask_gate(unvouched.request()).await?,
            Some(request) => match self.ask_sources(request).await {
                Ok(vouched) => Some(vouched),
                Err(EnrolError::Refused(refusal)) => return Err(unvouched.refuse(refusal).into()),
                Err(failed @ EnrolError::Failed(_)) => return Err(failed),
            },
        };
        Ok(unvouched.authorise(vouched, self.profile)?)
    }

    /// Returns whether the same request was decided before.
    async fn is_decided(&self, request: &EnrolmentRequest) -> Result<bool, Failure> {
        let same = self
            .enrolment
            .transactions
            .same_request(
                self.profile.scep_profile().uuid,
                &request.fingerprint(self.profile),
                Fingerprint::of_key(request.key()),
            )
            .await?;
        let now = self.enrolment.profile_service.clock.now();
        Ok(same.is_some_and(|same| is_decided(self.profile, request, same, now)))
    }

    /// Checks who signed the message and that it is encrypted to this server, and returns its
    /// content key.
    async fn check_addressee(
        &self,
        request: SignedRequest,
        challenge: Option<&ChallengePassword>,
    ) -> Result<(AddressedRequest, ContentKey), EnrolError> {
        // Check the signer before decrypting, so that unauthenticated clients learn nothing about
        // the envelope.
        let signer = self.find_signer(&request).await?;
        let now = self.enrolment.profile_service.clock.now();
        let addressed = request.into_addressed(self.profile, signer, now)?;
        self.refused.get_or_init(|| RefusedMessage::of(&addressed));
        // An attacker who splices blocks of a captured message to read it needs many ciphertexts
        // under the one encrypted key. Accepting only the first ciphertext of each key stops that,
        // even if some response still leaks how decryption ended.
        let remembered = self
            .enrolment
            .transactions
            .remember_envelope(
                addressed.encrypted_key(),
                addressed.ciphertext(),
                now + ENVELOPE_MEMORY,
                now,
            )
            .await?;
        if remembered == EnvelopeSighting::Altered {
            return Err(addressed.refuse_unopened(EnvelopeFault::Reused).into());
        }
        // The answer is that of a wrong password, so that a right one is not recognised.
        if addressed.may_guess_password() && self.is_locked_out(addressed.message()).await? {
            return Err(addressed.refuse_unopened(EnvelopeFault::LockedOut).into());
        }
        let key = self.unwrap_content_key(&addressed, challenge)?;
        Ok((addressed, key))
    }

    fn unwrap_content_key(
        &self,
        request: &AddressedRequest,
        challenge: Option<&ChallengePassword>,
    ) -> Result<ContentKey, EnrolError> {
        let cipher = request.cipher();
        match request.wrapped() {
            WrappedKey::KeyTransport {
                transport,
                encrypted_key,
            } => Ok(self.ra_key.content_key(*transport, encrypted_key, cipher)),
            WrappedKey::Password(recipient) => {
                let Some(challenge) = challenge else {
                    return Err(Refusal::NoPassword.into());
                };
                // This key is used if the wrapped key does not unwrap, so that a wrong password and
                // a damaged envelope end in the same refusal after the same work.
                let rejection_key = Zeroizing::new(self.enrolment.random.octets()?);
                Ok(recipient.content_key(challenge, cipher, &rejection_key))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use time::OffsetDateTime;

    use super::*;

    /// A clock that stands still and records until when it was asked to wait.
    struct StillClock {
        instant: Instant,
        slot: Mutex<Option<Instant>>,
    }

    #[async_trait]
    impl Clock for StillClock {
        fn now(&self) -> OffsetDateTime {
            OffsetDateTime::UNIX_EPOCH
        }

        fn instant(&self) -> Instant {
            self.instant
        }

        async fn sleep(&self, duration: Duration) {
            self.sleep_until(self.instant + duration).await;
        }

        async fn sleep_until(&self, instant: Instant) {
            *self.slot.lock().unwrap() = Some(instant);
        }
    }

    /// Checks the time, in milliseconds after the start, until which a refusal waits after so much
    /// work.
    async fn check(work: u64, delay: u64, expected: Option<u64>) {
        let start = Instant::now();
        let clock = StillClock {
            instant: start + Duration::from_millis(work),
            slot: Mutex::default(),
        };
        wait_for_slot(&clock, start, Duration::from_millis(delay)).await;
        let slot = expected.map(|expected| start + Duration::from_millis(expected));
        assert_eq!(*clock.slot.lock().unwrap(), slot);
    }

    #[tokio::test]
    async fn a_refusal_waits_for_the_next_multiple_of_the_delay() {
        check(0, 100, Some(100)).await;
        check(99, 100, Some(100)).await;
        check(100, 100, Some(200)).await;
        check(250, 100, Some(300)).await;
        check(7, 0, None).await;
    }
}
