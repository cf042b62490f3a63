//! Asks the challenge sources of a profile whether an enrolment is authorised, and counts wrong
//! challenges.

use std::time::Duration;

use async_trait::async_trait;
use scep_cms::challenge::ChallengePassword;
use scep_protocol::id::ScepProfileUuid;
use scep_protocol::lockout::{Lockout, LockoutSubject};
use scep_protocol::one_time_challenge::{ChallengeKey, OneTimeChallenge};
use scep_protocol::profile::ScepProfile;
use scep_protocol::refusal::Refusal;
use scep_protocol::request::EnrolmentRequest;
use scep_protocol::signed_request::SignedRequest;
use scep_protocol::transaction::Fingerprint;
use scep_protocol::vouched::Vouched;
use scep_protocol::vouching::ChallengeSourceKind;
use secrecy::ExposeSecret;

use crate::enrol::{Enrolment, Exchange};
use crate::error::{EnrolError, Failure, StoreError};
use crate::ports::{
    ChallengeSource, Measurement, SecretOwner, VouchContext, VouchError, WriteOutcome,
};

/// How often a count is read again after another process wrote it.
const MAX_COUNT_TRIES: u32 = 20;

/// The first wait before a count is read again; the next ones are twice as long, three times, and
/// so on.
const COUNT_PAUSE: Duration = Duration::from_millis(3);

impl Exchange<'_> {
    /// Asks the sources of the profile about an enrolment, one after the other, until one vouches
    /// for it or refuses it.
    ///
    /// A client that is locked out is refused before any source is asked.
    pub(crate) async fn ask_sources(
        &self,
        request: &EnrolmentRequest,
    ) -> Result<Vouched, EnrolError> {
        self.check_lockout(request.message()).await?;
        let asked = match self.ask_each_source(request).await {
            Ok(vouched) => self.pass_gate(request, vouched).await,
            Err(error) => Err(error),
        };
        match asked {
            Err(EnrolError::Refused(refusal)) => {
                Err(self.count_refusal(request.message(), refusal).await)
            }
            asked @ (Ok(_) | Err(EnrolError::Failed(_))) => asked,
        }
    }

    /// Asks the webhook about an enrolment that an administrator has to approve, if it is a gate.
    pub(crate) async fn ask_gate(
        &self,
        request: &EnrolmentRequest,
    ) -> Result<Option<Vouched>, EnrolError> {
        if !self.has_gate() {
            return Ok(None);
        }
        self.check_lockout(request.message()).await?;
        let asked = self
            .ask_source(ChallengeSourceKind::Webhook, request)
            .await
            .map_err(EnrolError::from);
        match asked {
            Ok(vouched) => {
                self.vouched.get_or_init(|| vouched.csr.clone());
                Ok(Some(Vouched {
                    hold: true,
                    ..vouched
                }))
            }
            Err(EnrolError::Refused(refusal)) => {
                Err(self.count_refusal(request.message(), refusal).await)
            }
            Err(failed @ EnrolError::Failed(_)) => Err(failed),
        }
    }

    fn has_gate(&self) -> bool {
        let webhook = self.profile.scep_profile().webhook.as_ref();
        webhook.is_some_and(|webhook| webhook.gate)
    }

    /// Has the webhook decide about an enrolment that another source vouches for, if it is a gate.
    async fn pass_gate(
        &self,
        request: &EnrolmentRequest,
        vouched: Vouched,
    ) -> Result<Vouched, EnrolError> {
        if !self.has_gate() || vouched.source == ChallengeSourceKind::Webhook {
            return Ok(vouched);
        }
        let gate = self
            .ask_source(ChallengeSourceKind::Webhook, request)
            .await?;
        Ok(vouched.through(&gate)?)
    }

    /// Refuses a request of a client that is locked out.
    async fn check_lockout(&self, request: &SignedRequest) -> Result<(), EnrolError> {
        match self.is_locked_out(request).await? {
            true => Err(Refusal::LockedOut.into()),
            false => Ok(()),
        }
    }

    /// Whether the address or the key of the client is locked out.
    pub(crate) async fn is_locked_out(&self, request: &SignedRequest) -> Result<bool, StoreError> {
        let subjects = self.lockout_subjects(request);
        let scep_profile = self.profile.scep_profile().uuid;
        let now = self.enrolment.profile_service.clock.now();
        let transactions = &self.enrolment.transactions;
        let lockouts = transactions.lockouts(scep_profile, &subjects).await?;
        Ok(lockouts.iter().any(|lockout| lockout.is_locked(now)))
    }

    /// Counts an envelope that does not open among the failures of the client that may have guessed
    /// its password; `None` if nobody did.
    pub(crate) async fn count_unopened(
        &self,
        guesser: Option<Vec<LockoutSubject>>,
        refusal: Refusal,
    ) -> EnrolError {
        let subjects = guesser.filter(|_| matches!(refusal, Refusal::Envelope(_)));
        self.count_failures(subjects.unwrap_or_default(), refusal)
            .await
    }

    /// Counts a refusal among the failures of the client, if it is for a wrong challenge.
    pub(crate) async fn count_refusal(
        &self,
        request: &SignedRequest,
        refusal: Refusal,
    ) -> EnrolError {
        let subjects = match refusal.is_wrong_challenge() {
            true => self.lockout_subjects(request),
            false => Vec::new(),
        };
        self.count_failures(subjects, refusal).await
    }

    /// Counts a refusal among the failures of these subjects.
    async fn count_failures(&self, subjects: Vec<LockoutSubject>, refusal: Refusal) -> EnrolError {
        if subjects.is_empty() {
            return refusal.into();
        }
        match self.is_first_refusal().await {
            Ok(true) => {}
            Ok(false) => return refusal.into(),
            Err(error) => return error.into(),
        }
        let scep_profile = self.profile.scep_profile().uuid;
        for subject in subjects {
            // A failure to count is the server's, and the client may try again: otherwise an
            // attacker who makes counting fail could guess without limit.
            if let Err(failure) = self.count_failure(scep_profile, subject).await {
                return match self.forget_refusal().await {
                    Ok(()) => failure.into(),
                    Err(error) => error.into(),
                };
            }
        }
        refusal.into()
    }

    async fn ask_each_source(&self, request: &EnrolmentRequest) -> Result<Vouched, EnrolError> {
        let mut unrecognised = Refusal::EnrolmentNotAuthorised;
        for kind in self.profile.scep_profile().challenge_sources() {
            match self.ask_source(kind, request).await {
                Ok(vouched) => {
                    // A secret that all devices share can be guessed by many messages at once,
                    // which all pass the first check before any of them is counted.
                    if kind == ChallengeSourceKind::Static {
                        self.check_lockout(request.message()).await?;
                    }
                    self.vouched.get_or_init(|| vouched.csr.clone());
                    return Ok(vouched);
                }
                Err(VouchError::Unrecognised(refusal)) => unrecognised = refusal,
                Err(VouchError::Refused(refusal)) => return Err(refusal.into()),
                Err(VouchError::Failed(failure)) => return Err(failure.into()),
            }
        }
        Err(unrecognised.into())
    }

    async fn ask_source(
        &self,
        kind: ChallengeSourceKind,
        request: &EnrolmentRequest,
    ) -> Result<Vouched, VouchError> {
        let context = VouchContext {
            profile: self.profile,
            client_address: self.client_address,
            now: self.enrolment.profile_service.clock.now(),
        };
        match kind {
            ChallengeSourceKind::OneTime => {
                OneTimeSource(self.enrolment).vouch(request, &context).await
            }
            ChallengeSourceKind::Static => {
                StaticSource(self.enrolment).vouch(request, &context).await
            }
            ChallengeSourceKind::Intune | ChallengeSourceKind::Webhook => {
                match self.enrolment.services.get(&kind) {
                    Some(service) => service.vouch(request, &context).await,
                    None => Err(VouchError::Failed(Failure::SourceMissing(kind))),
                }
            }
        }
    }

    /// Whose failures the refusal of this request counts among.
    pub(crate) fn lockout_subjects(&self, request: &SignedRequest) -> Vec<LockoutSubject> {
        self.client_address
            .map(LockoutSubject::of_address)
            .into_iter()
            .chain([LockoutSubject::Key(request.signer_key())])
            .collect()
    }

    async fn count_failure(
        &self,
        scep_profile: ScepProfileUuid,
        subject: LockoutSubject,
    ) -> Result<(), Failure> {
        let transactions = &self.enrolment.transactions;
        let clock = &*self.enrolment.profile_service.clock;
        for tries in 1..=MAX_COUNT_TRIES {
            let now = clock.now();
            let known = transactions.lockouts(scep_profile, &[subject]).await?;
            let known = known
                .into_iter()
                .next()
                .unwrap_or_else(|| Lockout::none(scep_profile, subject, now));
            let counted = known.with_failure(now);
            if transactions.count_failure(&counted).await? == WriteOutcome::Won {
                if !known.is_locked(now) && counted.is_locked(now) {
                    let (by, value) = (subject.by(), subject.to_string());
                    let (profile, until) = (&self.profile.scep_profile().name, counted.until);
                    tracing::warn!(%profile, by, value, ?until, "locked out after wrong challenges");
                    self.enrolment
                        .profile_service
                        .metrics
                        .record(&Measurement::LockedOut);
                }
                return Ok(());
            }
            clock.sleep(COUNT_PAUSE.saturating_mul(tries)).await;
        }
        Err(Failure::Busy)
    }

    /// Opens the challengePassword under which the envelope of a message or of its reply is
    /// encrypted: that of a one-time challenge for this transactionID, or else the profile's own.
    pub(crate) async fn open_envelope_password(
        &self,
        request: &SignedRequest,
    ) -> Result<Option<ChallengePassword>, Failure> {
        if !request.needs_password() {
            return Ok(None);
        }
        let profile = self.profile.scep_profile();
        let sources = profile.challenge_sources();
        let secrets = &self.enrolment.secrets;
        if sources.contains(&ChallengeSourceKind::OneTime) {
            let key = self.transaction_key(request);
            let challenge = self.enrolment.transactions.challenge_of(&key).await?;
            // One that is deleted or used up opens messages too: the request then gets a reason,
            // and one that was approved its certificate.
            if let Some(sealed) = challenge.and_then(|challenge| challenge.secret) {
                let owner = SecretOwner::ScepProfile(profile.uuid);
                let secret = secrets.open(owner, &sealed).await?;
                return Ok(Some(ChallengePassword::new(secret.expose_secret())));
            }
        }
        match sources.contains(&ChallengeSourceKind::Static) {
            true => open_static_challenge(self.enrolment, profile).await,
            false => Ok(None),
        }
    }
}

/// Reports that a used challenge is shown again by another key, if that is why it is refused: it
/// has leaked. A device may well repeat its own.
pub(crate) fn report_reuse(
    enrolment: &Enrolment,
    scep_profile: &ScepProfile,
    challenge: &OneTimeChallenge,
    requester_key: Fingerprint,
    refusal: &Refusal,
) {
    if *refusal != Refusal::ChallengeUsed || challenge.was_used_by(requester_key) {
        return;
    }
    let (profile, uuid) = (&scep_profile.name, challenge.uuid);
    tracing::warn!(%profile, %uuid, "a used challenge was shown again by another key");
    let metrics = &enrolment.profile_service.metrics;
    metrics.record(&Measurement::ChallengeReused);
}

/// The error of a source after which no other one is asked.
impl From<VouchError> for EnrolError {
    fn from(error: VouchError) -> Self {
        match error {
            VouchError::Unrecognised(refusal) | VouchError::Refused(refusal) => refusal.into(),
            VouchError::Failed(failure) => failure.into(),
        }
    }
}

/// Opens the profile's challengePassword.
async fn open_static_challenge(
    enrolment: &Enrolment,
    profile: &ScepProfile,
) -> Result<Option<ChallengePassword>, Failure> {
    let Some(sealed) = &profile.challenge else {
        return Ok(None);
    };
    let owner = SecretOwner::ScepProfile(profile.uuid);
    let secret = enrolment.secrets.open(owner, sealed).await?;
    Ok(Some(ChallengePassword::new(secret.expose_secret())))
}

/// The challengePassword of a request, for a source that needs one.
fn require_challenge(request: &EnrolmentRequest) -> Result<&ChallengePassword, VouchError> {
    request
        .csr()
        .challenge_password()
        .ok_or(VouchError::Unrecognised(Refusal::ChallengeMissing))
}

/// The profile's challengePassword.
struct StaticSource<'a>(&'a Enrolment);

#[async_trait]
impl ChallengeSource for StaticSource<'_> {
    async fn vouch(
        &self,
        request: &EnrolmentRequest,
        context: &VouchContext<'_>,
    ) -> Result<Vouched, VouchError> {
        let given = require_challenge(request)?;
        let expected = open_static_challenge(self.0, context.profile.scep_profile()).await?;
        match expected.is_some_and(|expected| given.matches(&expected)) {
            true => Ok(Vouched::by(ChallengeSourceKind::Static)),
            false => Err(VouchError::Unrecognised(Refusal::Challenge)),
        }
    }
}

/// The challenges that were made for one device each.
struct OneTimeSource<'a>(&'a Enrolment);

#[async_trait]
impl ChallengeSource for OneTimeSource<'_> {
    async fn vouch(
        &self,
        request: &EnrolmentRequest,
        context: &VouchContext<'_>,
    ) -> Result<Vouched, VouchError> {
        let given = require_challenge(request)?;
        let unrecognised = || VouchError::Unrecognised(Refusal::Challenge);
        let scep_profile = context.profile.scep_profile();
        let Some(sealed) = &scep_profile.challenge_key else {
            return Err(unrecognised());
        };
        let owner = SecretOwner::ChallengeKey(scep_profile.uuid);
        let key = self.0.secrets.open(owner, sealed).await?;
        let digest = ChallengeKey::new(key.expose_secret().as_bytes()).digest(given);
        // The identity is part of the digest, so a challenge that is found by it is either the one
        // that was given or, with a probability of 2^-122, another.
        let found = self.0.transactions.challenge(digest.uuid()).await?;
        let challenge = found
            .filter(|found| found.digest == digest && found.scep_profile == scep_profile.uuid)
            .ok_or_else(unrecognised)?;
        let vouched = challenge.vouch(
            context.profile.ra_profile().uuid,
            request.message().transaction_id(),
            Fingerprint::of(request.csr().der()),
            Fingerprint::of_key(request.key()),
            context.now,
        );
        vouched.map_err(|refusal| {
            let requester_key = Fingerprint::of_key(request.key());
            report_reuse(self.0, scep_profile, &challenge, requester_key, &refusal);
            VouchError::Refused(refusal)
        })
    }
}
