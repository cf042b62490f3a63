//! Issuing: claims a transaction and carries out what was decided about its request. A transaction
//! gets at most one certificate, even if the process crashes.

use std::time::Duration;

use ca::id::AuthorityUuid;
use ca::leaf::{IssuanceRequest, TbsLeaf};
use ca::requested_contents::RequestedContents;
use ca::serial_number::SerialNumber;
use scep_cms::certificate::Certificate;
use scep_protocol::decide::{
    ClaimPurpose, Decision, InterruptedIssuance, ReplacedClaims, ResendableCertificate, decide,
};
use scep_protocol::one_time_challenge::{ChallengeUse, OneTimeChallenge};
use scep_protocol::poll::{PollDecision, decide_poll};
use scep_protocol::refusal::Refusal;
use scep_protocol::request::AuthorisedRequest;
use scep_protocol::signed_request::SignedRequest;
use scep_protocol::transaction::{Fingerprint, Issuance, KnownTransactions, TransactionKey};
use time::OffsetDateTime;

use crate::enrol::Exchange;
use crate::enrol::signing::{
    CertificateSigner, GrantedCertificate, LEASE, SigningOutcome, Verdict,
};
use crate::enrol::vouch::report_reuse;
use crate::error::{EnrolError, Failure, StoreError};
use crate::fault_point::fault_point;
use crate::inventory::CertificateRecord;
use crate::ports::{Bar, Claim, ClaimKind, GuardedOutcome, MAX_SUCCESSORS, Renewal};

/// The maximum number of requests of a SCEP Profile that wait for an administrator.
// Without a limit, an attacker could bury genuine requests in the list and fill the store.
const MAX_PENDING: u16 = 1_000;

/// The interval, and the number of times, at which a transaction that another process works on is
/// read again.
// Together they are longer than a lease, so that the first retry completes what a crash
// interrupted.
const WAIT: Duration = Duration::from_millis(50);

const MAX_WAITS: u32 = 140;

const _: () = assert!(
    WAIT.saturating_mul(MAX_WAITS).as_millis() > LEASE.as_millis(),
    "the first retry waits until a lease is over"
);

/// The state that a transaction has reached.
pub(crate) enum Progress {
    /// The certificate is issued.
    Granted(GrantedCertificate),
    /// The request waits for an administrator.
    Pending,
}

/// The outcome of an attempt to claim a transaction.
enum Claimed {
    /// The certificate is issued.
    Issued(GrantedCertificate),
    /// The request waits for an administrator.
    Pending,
    /// Another process was faster, or the claim has become possible just now: the transaction has
    /// to be read again.
    LostRace,
}

impl Exchange<'_> {
    /// Returns the certificate for an authorised request, either a new one or the one that the same
    /// request received before, or [`Progress::Pending`] while an administrator has to decide.
    pub(crate) async fn certificate_for(
        &self,
        request: &AuthorisedRequest,
    ) -> Result<Progress, EnrolError> {
        // The one exception to reading before deciding: the first round takes the request for a new
        // one, as nearly every request is. The conditional write of the claim detects the others,
        // so an enrolment needs no read of its transaction.
        let mut known = match request.is_repeat() {
            true => self.read_known_transactions(request).await?,
            false => KnownTransactions::default(),
        };
        let mut challenge = request.one_time_challenge().cloned();
        let mut resumed = false;
        for _ in 0..MAX_WAITS {
            let now = self.enrolment.profile_service.clock.now();
            match decide(self.profile, request, known, now) {
                // What was decided before is gone meanwhile, so the source has to be asked again.
                Decision::Claim { .. } if request.is_repeat() => {
                    return Err(Failure::Busy.into());
                }
                Decision::Claim { replacing, purpose } => {
                    let claimed = self
                        .try_claim(request, challenge.as_ref(), replacing, purpose)
                        .await;
                    match claimed {
                        Ok(Claimed::Issued(granted)) => return Ok(Progress::Granted(granted)),
                        Ok(Claimed::Pending) => return Ok(Progress::Pending),
                        Ok(Claimed::LostRace) => {}
                        // Nothing is known of the request. If it has a certificate, it gets that
                        // one, even if today's rules forbid it. Otherwise the refusal stands.
                        Err(EnrolError::Refused(refusal))
                            if replacing == ReplacedClaims::default() =>
                        {
                            known = self.read_known_transactions(request).await?;
                            if known.own.is_none() && known.same.is_none() {
                                return Err(refusal.into());
                            }
                            continue;
                        }
                        Err(error) => return Err(error),
                    }
                }
                Decision::Resume(interrupted) => {
                    self.resume(&interrupted).await?;
                    resumed = true;
                }
                Decision::Wait => self.wait().await,
                Decision::Resend(certificate) => return self.resend(certificate, resumed).await,
                Decision::Pending => return Ok(Progress::Pending),
                Decision::Refuse(refusal) => return Err(refusal.into()),
            }
            known = self.read_known_transactions(request).await?;
            // A lost race may have been for the use of the challenge.
            if let Some(stale) = challenge {
                challenge = self.enrolment.transactions.challenge(stale.uuid).await?;
                if challenge.is_none() {
                    return Err(Refusal::ChallengeExpired.into());
                }
            }
        }
        Err(Failure::Busy.into())
    }

    /// Reads the state of the transaction, and of the same request under another transactionID.
    async fn read_known_transactions(
        &self,
        request: &AuthorisedRequest,
    ) -> Result<KnownTransactions, StoreError> {
        let key = self.transaction_key(request.message());
        let transactions = &self.enrolment.transactions;
        let fingerprint = request.fingerprint(self.profile);
        let requester_key = request.requester_key();
        Ok(KnownTransactions {
            own: transactions.transaction(key.uuid()).await?,
            same: transactions
                .same_request(key.scep_profile, &fingerprint, requester_key)
                .await?,
        })
    }

    /// Returns the state of the request that a CertPoll asks about.
    pub(crate) async fn poll(&self, request: &SignedRequest) -> Result<Progress, EnrolError> {
        let key = self.transaction_key(request);
        let mut resumed = false;
        for _ in 0..MAX_WAITS {
            let known = self.enrolment.transactions.transaction(key.uuid()).await?;
            let now = self.enrolment.profile_service.clock.now();
            match decide_poll(request.signer_key(), known, now) {
                PollDecision::Resume(interrupted) => {
                    self.resume(&interrupted).await?;
                    resumed = true;
                }
                PollDecision::Wait => self.wait().await,
                PollDecision::Resend(certificate) => {
                    return self.resend(certificate, resumed).await;
                }
                PollDecision::Pending => return Ok(Progress::Pending),
                PollDecision::Refuse(refusal) => return Err(refusal.into()),
            }
        }
        Err(Failure::Busy.into())
    }

    /// Gives another process time to finish.
    async fn wait(&self) {
        self.enrolment.profile_service.clock.sleep(WAIT).await;
    }

    pub(crate) fn transaction_key(&self, request: &SignedRequest) -> TransactionKey {
        TransactionKey {
            scep_profile: self.profile.scep_profile().uuid,
            transaction_id: request.transaction_id().clone(),
        }
    }

    /// Completes an issuance that a crash interrupted. What came of it is read again afterwards.
    async fn resume(&self, interrupted: &InterruptedIssuance) -> Result<(), Failure> {
        let InterruptedIssuance {
            key,
            claim,
            issuance,
        } = interrupted;
        let verdict = self.decide_verdict(issuance).await?;
        CertificateSigner::of(self.enrolment, self.profile)
            .resume(key, *claim, issuance, verdict)
            .await
    }

    /// Answers with a certificate that is recorded and not revoked. `is_new` says that this request
    /// completed its issuance.
    async fn resend(
        &self,
        resendable: ResendableCertificate,
        is_new: bool,
    ) -> Result<Progress, EnrolError> {
        let ResendableCertificate {
            certificate,
            authority,
            generation,
        } = resendable;
        self.check_not_revoked(authority, &certificate).await?;
        Ok(Progress::Granted(GrantedCertificate {
            certificate,
            generation,
            resent: !is_new,
        }))
    }

    /// Decides whether an interrupted issuance may still be completed: its RA Profile may have been
    /// disabled since.
    async fn decide_verdict(&self, issuance: &Issuance) -> Result<Verdict, StoreError> {
        // The request came through this RA Profile, so it is known to be enabled.
        if issuance.ra_profile == self.profile.ra_profile().uuid {
            return Ok(Verdict::Issue);
        }
        let is_enabled = self
            .enrolment
            .profile_service
            .profiles
            .ra_profile(issuance.ra_profile)
            .await?
            .is_some_and(|found| found.enabled);
        Ok(Verdict::of(is_enabled))
    }

    /// Refuses to resend a certificate that is revoked, whose key has another certificate that is
    /// revoked, or that has no record.
    async fn check_not_revoked(
        &self,
        authority: AuthorityUuid,
        certificate: &Certificate,
    ) -> Result<(), EnrolError> {
        let transactions = &self.enrolment.transactions;
        let serial_number = certificate.issuer_and_serial_number().serial_number_hex();
        let record = transactions
            .certificate(authority, &serial_number)
            .await?
            .filter(|record| record.summary.revocation.is_none())
            .ok_or(Refusal::Revoked)?;
        // An attacker who has a compromised key has every request that it signed.
        if transactions.is_key_revoked(record.summary.key).await? {
            return Err(Refusal::KeyRevoked.into());
        }
        Ok(())
    }

    /// Claims a transaction and then signs its certificate or leaves it pending.
    async fn try_claim(
        &self,
        request: &AuthorisedRequest,
        challenge: Option<&OneTimeChallenge>,
        replaced: ReplacedClaims,
        purpose: ClaimPurpose,
    ) -> Result<Claimed, EnrolError> {
        let now = self.enrolment.profile_service.clock.now();
        let stage = match purpose {
            ClaimPurpose::Sign => ClaimKind::Sign(now + LEASE),
            ClaimPurpose::Hold => ClaimKind::Hold(now + self.enrolment.deployment.pending_validity),
        };
        let claim = self.build_claim(request, challenge, replaced, stage, now)?;
        if purpose == ClaimPurpose::Hold {
            self.check_pending_limit(&claim.key, now).await?;
        }
        match (self.enrolment.transactions.claim(&claim).await?, purpose) {
            (GuardedOutcome::Lost, _) => Ok(Claimed::LostRace),
            (GuardedOutcome::Barred(bar), _) => {
                self.make_room_or_refuse(&claim.issuance, bar).await?;
                Ok(Claimed::LostRace)
            }
            (GuardedOutcome::Won, ClaimPurpose::Hold) => Ok(Claimed::Pending),
            (GuardedOutcome::Won, ClaimPurpose::Sign) => {
                fault_point("claimed");
                let signed = CertificateSigner::of(self.enrolment, self.profile)
                    .finish(&claim.key, claim.claim, &claim.issuance)
                    .await?;
                match signed {
                    SigningOutcome::Issued { granted, notices } => {
                        self.enrolment.announce(&notices).await;
                        Ok(Claimed::Issued(granted))
                    }
                    SigningOutcome::Lost => Ok(Claimed::LostRace),
                    SigningOutcome::Withdrawn(bar) => Err(bar.refusal().into()),
                }
            }
        }
    }

    /// Builds the claim, with the certificate that is to be signed.
    fn build_claim(
        &self,
        request: &AuthorisedRequest,
        challenge: Option<&OneTimeChallenge>,
        replaced: ReplacedClaims,
        stage: ClaimKind,
        now: OffsetDateTime,
    ) -> Result<Claim, EnrolError> {
        let serial_number = SerialNumber::from_random(self.enrolment.random.octets()?);
        let authority = self.profile.authority();
        let crl_url = self.enrolment.deployment.crl_url(authority);
        // What is held is shown to an administrator, whose approval vouches for what it shows.
        let vouching = match stage {
            ClaimKind::Sign(_) => request.vouching(),
            ClaimKind::Hold(_) => request.vouching_by_approval(),
        };
        let asked = IssuanceRequest {
            vouched: vouching.as_ref().map(|vouching| &vouching.names),
            ..issuance_request(request)
        };
        let TbsLeaf {
            to_be_signed,
            subject,
            validity,
            left_out,
        } = asked
            .build_tbs(
                &self.profile.ra_profile().template,
                authority,
                serial_number,
                crl_url.as_deref(),
                now,
            )
            .map_err(EnrolError::of_issue)?;
        let renewal = request
            .predecessor()
            .map(|known| {
                let validity = known.certificate.validity().map_err(Failure::corrupt(
                    "the validity of a certificate to be renewed",
                ))?;
                Ok::<_, Failure>(Renewal {
                    predecessor: known.uuid,
                    predecessor_not_after: validity.not_after,
                    successor: serial_number.as_uuid(),
                })
            })
            .transpose()?;
        let message = request.message();
        log_left_out(message, &left_out);
        let claim = self.enrolment.random.uuid()?;
        let challenge = challenge
            .map(|challenge| {
                let new_use = ChallengeUse {
                    claim,
                    certificate: serial_number.as_uuid(),
                    csr: Fingerprint::of(request.csr().der()),
                    requester_key: request.requester_key(),
                    held_until: match stage {
                        ClaimKind::Sign(_) => None,
                        // A store may round the time until which the request waits up to a second,
                        // and no other device may have the use before.
                        ClaimKind::Hold(until) => Some(until + time::Duration::SECOND),
                    },
                };
                let requester_key = new_use.requester_key;
                let taken = challenge.take(new_use, replaced.transaction, now);
                let scep_profile = self.profile.scep_profile();
                taken.inspect_err(|refusal| {
                    report_reuse(
                        self.enrolment,
                        scep_profile,
                        challenge,
                        requester_key,
                        refusal,
                    );
                })
            })
            .transpose()?;
        Ok(Claim {
            key: self.transaction_key(message),
            replaced,
            claim,
            request: request.fingerprint(self.profile),
            signer_key: message.signer_key(),
            requester_key: request.requester_key(),
            certificate: serial_number.as_uuid(),
            message_type: message.message_type(),
            subject,
            requested: match stage {
                ClaimKind::Sign(_) => None,
                ClaimKind::Hold(_) => Some(RequestedContents::of(asked.subject, asked.extensions)),
            },
            claimed_at: now,
            issuance: Issuance {
                to_be_signed,
                authority: authority.uuid,
                generation: authority.generation,
                key: authority.key.clone(),
                key_algorithm: authority.key_algorithm,
                ra_profile: self.profile.ra_profile().uuid,
                subject_key: Fingerprint::of_key(request.key()),
                predecessor: request.predecessor().map(|predecessor| predecessor.uuid),
                annotations: self.profile.annotations().clone(),
                vouching,
            },
            renewal,
            challenge,
            request_until: match stage {
                ClaimKind::Sign(_) => validity.not_after,
                ClaimKind::Hold(until) => until,
            },
            stage,
        })
    }

    /// Refuses a request when [`MAX_PENDING`] others already wait for an administrator.
    // A pending request that this one replaces is counted as well, which matters only at the limit.
    async fn check_pending_limit(
        &self,
        key: &TransactionKey,
        now: OffsetDateTime,
    ) -> Result<(), EnrolError> {
        let waiting = self
            .enrolment
            .transactions
            .pending_requests(key.scep_profile, MAX_PENDING, now)
            .await?;
        if waiting >= MAX_PENDING {
            return Err(Refusal::TooManyPending.into());
        }
        Ok(())
    }

    /// Refuses a claim that another record forbids, unless removing successors that are revoked or
    /// expired by now makes room for a new one.
    async fn make_room_or_refuse(&self, issuance: &Issuance, bar: Bar) -> Result<(), EnrolError> {
        let (Bar::TooManySuccessors, Some(predecessor)) = (bar, issuance.predecessor) else {
            return Err(bar.refusal().into());
        };
        let transactions = &self.enrolment.transactions;
        let authority = issuance.authority;
        let known = transactions.successors(authority, predecessor).await?;
        let now = self.enrolment.profile_service.clock.now();
        let mut remaining = Vec::new();
        for successor in &known {
            let serial_number = SerialNumber::from_uuid(*successor).to_hex();
            let found = transactions.certificate(authority, &serial_number).await?;
            // A successor without a record is claimed and about to be recorded, so it counts.
            let is_living = |found: &CertificateRecord| {
                found.summary.revocation.is_none() && now <= found.summary.not_after
            };
            if found.as_ref().is_none_or(is_living) {
                remaining.push(*successor);
            }
        }
        if remaining.len() >= MAX_SUCCESSORS {
            return Err(bar.refusal().into());
        }
        transactions
            .forget_successors(authority, predecessor, &known, &remaining)
            .await?;
        Ok(())
    }
}

/// What an authorised request asks to have certified.
pub(crate) fn issuance_request(request: &AuthorisedRequest) -> IssuanceRequest<'_> {
    let csr = request.csr();
    IssuanceRequest {
        subject: csr.subject(),
        extensions: csr.extensions(),
        key: request.key(),
        predecessor: request.predecessor().map(|known| &known.certificate),
        vouched: request.vouched_names(),
    }
}

/// Logs which parts of a request the certificate leaves out.
// A device that later fails to log on may have asked for a name that the rules left out. This line
// says so.
fn log_left_out(message: &SignedRequest, left_out: &[String]) {
    if left_out.is_empty() {
        return;
    }
    let transaction_id = message.transaction_id().as_str();
    let text: String = left_out
        .join(", ")
        .chars()
        .take(MAX_LOGGED_CHARACTERS)
        .collect();
    tracing::warn!(
        transaction_id,
        left_out = text,
        "the certificate will be without this"
    );
}

/// The maximum length of the text from a client that is logged per request, in characters.
// Clients choose the text, and must not be able to fill the log.
const MAX_LOGGED_CHARACTERS: usize = 400;
