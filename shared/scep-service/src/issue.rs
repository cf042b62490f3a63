//! Issuing: claim, sign, record. One certificate for a transaction, whatever crashes.

use std::time::Duration;

use ca_issuer::{IssueError, IssuedCertificate, Leaf, SerialNumber, assemble, leaf};
use scep_cms::Certificate;
use scep_protocol::{
    AuthorisedRequest, AvailableProfile, Decision, Issuance, Refusal, SignedRequest,
    TransactionKey, decide, decide_poll,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::NotIssued;
use crate::fault_point::fault_point;
use crate::{
    CaKeys, CertificateRecord, CertificateSummary, Claim, ClaimOutcome, Clock, Failure, Issuing,
    Stage, Transactions,
};

/// How long a claimant is taken to be at work before someone else finishes for it. A signature takes milliseconds in
/// memory and some tens of them in KMS.
pub(crate) const LEASE: Duration = Duration::from_secs(5);

/// How long the same request gets the same certificate, if that is valid for so long.
const RESEND_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// How often, and how many times, a transaction that another process works on is looked at again: for longer than a
/// lease, so that what a crash left is finished by the first retry.
const WAIT: Duration = Duration::from_millis(50);
const MAX_WAITS: u32 = 140;
const _: () = assert!(
    WAIT.saturating_mul(MAX_WAITS).as_millis() > LEASE.as_millis(),
    "the first retry waits until a lease is over"
);

/// The certificate that a request has.
#[derive(Debug)]
pub struct Granted {
    /// The certificate.
    pub certificate: Certificate,
    /// Which generation of the authority issued it.
    pub generation: u32,
    /// Whether the same request had got it before.
    pub resent: bool,
}

/// How far a transaction came.
pub(crate) enum Progress {
    /// It has a certificate.
    Granted(Granted),
    /// It waits for an administrator.
    Pending,
}

/// The certificate for an authorised request: the one that it got before, or a new one, perhaps when an administrator has approved.
pub(crate) async fn certificate_for(
    issuing: &Issuing,
    profile: &AvailableProfile,
    request: &AuthorisedRequest,
) -> Result<Progress, NotIssued> {
    let key = TransactionKey {
        scep_profile: profile.scep_profile().uuid,
        transaction_id: request.message().transaction_id().clone(),
    };
    // Nearly every request is new, and claiming it finds that out by itself: only a lost claim is worth a look.
    let mut known = None;
    let mut resumed = false;
    for _ in 0..MAX_WAITS {
        let now = issuing.reading.clock.now();
        let (replacing, stage) = match decide(profile, request, known, now) {
            Decision::Issue { replacing } => (replacing, Stage::Sign(now + LEASE)),
            Decision::Hold { replacing } => {
                let until = now + issuing.deployment.pending_validity;
                (replacing, Stage::Hold(until))
            }
            decided @ (Decision::Pending
            | Decision::Refuse(_)
            | Decision::Resend { .. }
            | Decision::Resume { .. }
            | Decision::Wait) => {
                if let Some(progress) =
                    carry_out(issuing, profile, &key, decided, &mut resumed).await?
                {
                    return Ok(progress);
                }
                known = issuing.transactions.transaction(key.uuid()).await?;
                continue;
            }
        };
        let claimed = claim(issuing, profile, request, replacing, stage).await;
        let refused = match claimed {
            Ok(Some(progress)) => return Ok(progress),
            Ok(None) => None,
            // The rules may have become stricter since the same request was granted.
            Err(NotIssued::Refused(refusal)) if replacing.is_none() => Some(refusal),
            Err(error) => return Err(error),
        };
        known = issuing.transactions.transaction(key.uuid()).await?;
        if let (Some(refusal), None) = (refused, &known) {
            return Err(refusal.into());
        }
    }
    Err(Failure::Busy.into())
}

/// What became of the request that a CertPoll asks about.
pub(crate) async fn poll(
    issuing: &Issuing,
    profile: &AvailableProfile,
    request: &SignedRequest,
) -> Result<Progress, NotIssued> {
    let key = TransactionKey {
        scep_profile: profile.scep_profile().uuid,
        transaction_id: request.transaction_id().clone(),
    };
    let mut resumed = false;
    for _ in 0..MAX_WAITS {
        let known = issuing.transactions.transaction(key.uuid()).await?;
        let decision = decide_poll(request.signer_key(), known, issuing.reading.clock.now());
        if let Some(progress) = carry_out(issuing, profile, &key, decision, &mut resumed).await? {
            return Ok(progress);
        }
    }
    Err(Failure::Busy.into())
}

/// Does what was decided, but for claiming; `None` when the transaction is to be looked at again.
async fn carry_out(
    issuing: &Issuing,
    profile: &AvailableProfile,
    key: &TransactionKey,
    decision: Decision,
    resumed: &mut bool,
) -> Result<Option<Progress>, NotIssued> {
    match decision {
        Decision::Pending => return Ok(Some(Progress::Pending)),
        Decision::Refuse(refusal) => return Err(refusal.into()),
        Decision::Resend { certificate } => {
            let granted = again(issuing, profile, certificate, !*resumed).await?;
            return Ok(Some(Progress::Granted(granted)));
        }
        Decision::Resume { claim, issuance } => {
            Signing::of(issuing).resume(key, claim, &issuance).await?;
            *resumed = true;
        }
        Decision::Wait => tokio::time::sleep(WAIT).await,
        // Claims are their own story, and a poll makes none.
        Decision::Issue { .. } | Decision::Hold { .. } => {}
    }
    Ok(None)
}

/// The certificate that a transaction had, unless that is revoked.
async fn again(
    issuing: &Issuing,
    profile: &AvailableProfile,
    certificate: Certificate,
    resent: bool,
) -> Result<Granted, NotIssued> {
    let authority = profile.authority();
    let serial_number = certificate.issuer_and_serial_number().serial_number_hex();
    let recorded = issuing
        .transactions
        .certificate(authority.uuid, &serial_number)
        .await?;
    if let Some(CertificateRecord { summary, .. }) = &recorded
        && summary.revocation.is_some()
    {
        return Err(Refusal::Revoked.into());
    }
    Ok(Granted {
        certificate,
        generation: recorded.map_or(authority.generation, |record| record.generation),
        resent,
    })
}

/// Claims a transaction, to sign its certificate at once or to let it wait; `None` when another process was first.
async fn claim(
    issuing: &Issuing,
    profile: &AvailableProfile,
    request: &AuthorisedRequest,
    replacing: Option<Uuid>,
    stage: Stage,
) -> Result<Option<Progress>, NotIssued> {
    let now = issuing.reading.clock.now();
    let serial_number = SerialNumber::from_random(Uuid::new_v4().into_bytes());
    let authority = profile.authority();
    let crl_url = issuing.deployment.crl_url(authority);
    let Leaf {
        to_be_signed,
        subject,
    } = leaf(profile, request, serial_number, &crl_url, now).map_err(|error| match error {
        IssueError::Refused(refusal) => NotIssued::Refused(refusal),
        IssueError::Encode(error) => NotIssued::Failed(Failure::encode(error)),
    })?;
    let message = request.message();
    let claim = Claim {
        key: TransactionKey {
            scep_profile: profile.scep_profile().uuid,
            transaction_id: message.transaction_id().clone(),
        },
        replacing,
        claim: Uuid::new_v4(),
        request: request.fingerprint(profile),
        signer_key: message.signer_key(),
        message_type: message.message_type(),
        subject,
        claimed_at: now,
        issuance: Issuance {
            to_be_signed,
            authority: authority.uuid,
            generation: authority.generation,
            key: authority.key.clone(),
            key_algorithm: authority.key_algorithm,
            ra_profile: profile.ra_profile().uuid,
            predecessor: request.predecessor().map(|predecessor| predecessor.uuid),
            annotations: profile.annotations().clone(),
        },
        stage,
    };
    match (issuing.transactions.claim(&claim).await?, stage) {
        (ClaimOutcome::Lost, _) => Ok(None),
        (ClaimOutcome::Won, Stage::Hold(_)) => Ok(Some(Progress::Pending)),
        (ClaimOutcome::Won, Stage::Sign(_)) => {
            fault_point("claimed");
            let signing = Signing::of(issuing);
            let finished = signing.finish(&claim.key, claim.claim, &claim.issuance);
            Ok(finished.await?.map(Progress::Granted))
        }
    }
}

/// What signing takes.
pub(crate) struct Signing<'a> {
    pub(crate) transactions: &'a dyn Transactions,
    pub(crate) ca_keys: &'a dyn CaKeys,
    pub(crate) clock: &'a dyn Clock,
    /// For how long the same request gets the same certificate, if that is valid for so long.
    pub(crate) resend_window: Duration,
}

impl<'a> Signing<'a> {
    fn of(issuing: &'a Issuing) -> Self {
        Self {
            transactions: &*issuing.transactions,
            ca_keys: &*issuing.ca_keys,
            clock: &*issuing.reading.clock,
            resend_window: RESEND_WINDOW,
        }
    }

    /// Finishes what a crash left. Whether it was this process that did, the next look at the transaction tells.
    pub(crate) async fn resume(
        &self,
        key: &TransactionKey,
        expired: Uuid,
        issuance: &Issuance,
    ) -> Result<(), Failure> {
        let claim = Uuid::new_v4();
        let lease_until = self.clock.now() + LEASE;
        let taking = self
            .transactions
            .take_over(key, expired, claim, lease_until);
        if taking.await? == ClaimOutcome::Won {
            self.finish(key, claim, issuance).await?;
        }
        Ok(())
    }

    /// Signs what is claimed and records it; `None` when the claim was lost meanwhile.
    pub(crate) async fn finish(
        &self,
        key: &TransactionKey,
        claim: Uuid,
        issuance: &Issuance,
    ) -> Result<Option<Granted>, Failure> {
        let transaction_id = key.transaction_id.as_str();
        tracing::info!(%claim, transaction_id, authority = %issuance.authority, "signing");
        let signing = self.ca_keys.sign(
            &issuance.key,
            issuance.key_algorithm,
            &issuance.to_be_signed,
        );
        let signature = signing.await?;
        fault_point("signed");
        let issued = assemble(&issuance.to_be_signed, issuance.key_algorithm, &signature)
            .map_err(Failure::encode)?;
        let now = self.clock.now();
        let record = record(issued, key, issuance, now)?;
        let resend_until = record.summary.not_after.min(now + self.resend_window);
        let completing = self.transactions.complete(claim, &record, resend_until);
        let outcome = completing.await?;
        let serial_number = &record.summary.serial_number;
        tracing::info!(%claim, transaction_id, serial_number, ?outcome, "signed");
        Ok((outcome == ClaimOutcome::Won).then_some(Granted {
            certificate: record.certificate,
            generation: issuance.generation,
            resent: false,
        }))
    }
}

fn record(
    issued: IssuedCertificate,
    key: &TransactionKey,
    issuance: &Issuance,
    now: OffsetDateTime,
) -> Result<CertificateRecord, Failure> {
    let serial_number = u128::from_str_radix(&issued.serial_number, 16).map_err(Failure::encode)?;
    Ok(CertificateRecord {
        summary: CertificateSummary {
            uuid: Uuid::from_u128(serial_number),
            authority: issuance.authority,
            ra_profile: issuance.ra_profile,
            scep_profile: key.scep_profile,
            serial_number: issued.serial_number,
            subject: issued.subject,
            common_name: issued.common_name,
            not_before: issued.validity.not_before,
            not_after: issued.validity.not_after,
            issued_at: now,
            revocation: None,
        },
        transaction: key.clone(),
        certificate: issued.certificate,
        generation: issuance.generation,
        predecessor: issuance.predecessor,
        annotations: issuance.annotations.clone(),
    })
}
