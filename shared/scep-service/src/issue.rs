//! Issuing: what becomes of a request, and its claim. One certificate for a transaction, whatever crashes.

use std::time::Duration;

use ca_issuer::{IssueError, Leaf, SerialNumber, leaf};
use scep_cms::Certificate;
use scep_protocol::{
    AuthorisedRequest, AvailableProfile, Decision, Fingerprint, Issuance, KnownTransactions,
    Refusal, Replaced, SignedRequest, TransactionKey, decide, decide_poll,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::entropy::random;
use crate::error::NotIssued;
use crate::fault_point::fault_point;
use crate::signing::{Finished, Signing, Verdict};
use crate::{
    Bar, CertificateRecord, Claim, Failure, Guarded, Issuing, MAX_SUCCESSORS, Renewal, Stage,
    StoreError,
};

/// How long a claimant is taken to be at work before someone else finishes for it. A signature takes milliseconds in
/// memory and some tens of them in KMS.
pub(crate) const LEASE: Duration = Duration::from_secs(5);

/// Most requests of a SCEP Profile that wait for an administrator, who is to see those that matter.
const MAX_PENDING: u16 = 1_000;

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
    let mut known = KnownTransactions::default();
    let mut resumed = false;
    for _ in 0..MAX_WAITS {
        let now = issuing.reading.clock.now();
        let (replaced, stage) = match decide(profile, request, known, now) {
            Decision::Issue(replaced) => (replaced, Stage::Sign(now + LEASE)),
            Decision::Hold(replaced) => {
                let until = now + issuing.deployment.pending_validity;
                (replaced, Stage::Hold(until))
            }
            decided @ (Decision::Pending
            | Decision::Refuse(_)
            | Decision::Resend { .. }
            | Decision::Resume { .. }
            | Decision::Wait) => {
                if let Some(progress) = carry_out(issuing, profile, decided, &mut resumed).await? {
                    return Ok(progress);
                }
                known = look_up(issuing, profile, &key, request).await?;
                continue;
            }
        };
        let claimed = claim(issuing, profile, request, replaced, stage).await;
        let refused = match claimed {
            Ok(Some(progress)) => return Ok(progress),
            Ok(None) => None,
            // The rules may have become stricter since the same request was granted.
            Err(NotIssued::Refused(refusal)) if replaced == Replaced::default() => Some(refusal),
            Err(error) => return Err(error),
        };
        known = look_up(issuing, profile, &key, request).await?;
        let is_new = known.own.is_none() && known.same.is_none();
        if let (Some(refusal), true) = (refused, is_new) {
            return Err(refusal.into());
        }
    }
    Err(Failure::Busy.into())
}

async fn look_up(
    issuing: &Issuing,
    profile: &AvailableProfile,
    key: &TransactionKey,
    request: &AuthorisedRequest,
) -> Result<KnownTransactions, StoreError> {
    let transactions = &issuing.transactions;
    let fingerprint = request.fingerprint(profile);
    let requester_key = request.requester_key();
    Ok(KnownTransactions {
        own: transactions.transaction(key.uuid()).await?,
        same: transactions
            .same_request(key.scep_profile, &fingerprint, requester_key)
            .await?,
    })
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
        if let Some(progress) = carry_out(issuing, profile, decision, &mut resumed).await? {
            return Ok(progress);
        }
    }
    Err(Failure::Busy.into())
}

/// Does what was decided, but for claiming; `None` when the transaction is to be looked at again.
async fn carry_out(
    issuing: &Issuing,
    profile: &AvailableProfile,
    decision: Decision,
    resumed: &mut bool,
) -> Result<Option<Progress>, NotIssued> {
    match decision {
        Decision::Pending => return Ok(Some(Progress::Pending)),
        Decision::Refuse(refusal) => return Err(refusal.into()),
        Decision::Resend {
            certificate,
            authority,
            generation,
        } => {
            refuse_revoked(issuing, authority, &certificate).await?;
            return Ok(Some(Progress::Granted(Granted {
                certificate,
                generation,
                resent: !*resumed,
            })));
        }
        Decision::Resume {
            key,
            claim,
            issuance,
        } => {
            let verdict = verdict(issuing, profile, &issuance).await?;
            let signing = Signing::of(issuing, profile);
            signing.resume(&key, claim, &issuance, verdict).await?;
            *resumed = true;
        }
        Decision::Wait => tokio::time::sleep(WAIT).await,
        // Claims are their own story, and a poll makes none.
        Decision::Issue(_) | Decision::Hold(_) => {}
    }
    Ok(None)
}

/// Whether what a crash left may still be issued: its RA Profile may have been disabled since.
async fn verdict(
    issuing: &Issuing,
    profile: &AvailableProfile,
    issuance: &Issuance,
) -> Result<Verdict, StoreError> {
    if issuance.ra_profile == profile.ra_profile().uuid {
        return Ok(Verdict::Issue);
    }
    let found = issuing.reading.profiles.ra_profile(issuance.ra_profile);
    Ok(Verdict::of(found.await?.is_some_and(|found| found.enabled)))
}

/// A certificate that is revoked, or of which no record is found, is not handed out again.
async fn refuse_revoked(
    issuing: &Issuing,
    authority: Uuid,
    certificate: &Certificate,
) -> Result<(), NotIssued> {
    let serial_number = certificate.issuer_and_serial_number().serial_number_hex();
    let recorded = issuing.transactions.certificate(authority, &serial_number);
    let good = recorded
        .await?
        .is_some_and(|recorded| recorded.summary.revocation.is_none());
    if good {
        return Ok(());
    }
    Err(Refusal::Revoked.into())
}

/// Claims a transaction, to sign its certificate at once or to let it wait; `None` when another process was first.
async fn claim(
    issuing: &Issuing,
    profile: &AvailableProfile,
    request: &AuthorisedRequest,
    replaced: Replaced,
    stage: Stage,
) -> Result<Option<Progress>, NotIssued> {
    let now = issuing.reading.clock.now();
    let serial_number = SerialNumber::from_random(random()?);
    let authority = profile.authority();
    let crl_url = issuing.deployment.crl_url(authority);
    let Leaf {
        to_be_signed,
        subject,
        validity,
        left_out,
    } = leaf(profile, request, serial_number, crl_url.as_deref(), now).map_err(
        |error| match error {
            IssueError::Refused(refusal) => NotIssued::Refused(refusal),
            IssueError::Encode(error) => NotIssued::Failed(Failure::encode(error)),
        },
    )?;
    let renewal = request.predecessor().map(|known| {
        let validity = known.certificate.validity().map_err(Failure::encode)?;
        Ok::<_, Failure>(Renewal {
            predecessor: known.uuid,
            predecessor_not_after: validity.not_after,
            successor: serial_number.uuid(),
        })
    });
    let renewal = renewal.transpose()?;
    let message = request.message();
    log_left_out(message, &left_out);
    let claim = Claim {
        key: TransactionKey {
            scep_profile: profile.scep_profile().uuid,
            transaction_id: message.transaction_id().clone(),
        },
        replaced,
        claim: Uuid::new_v4(),
        request: request.fingerprint(profile),
        signer_key: message.signer_key(),
        requester_key: request.requester_key(),
        certificate: serial_number.uuid(),
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
            subject_key: Fingerprint::of_key(request.key()),
            predecessor: request.predecessor().map(|predecessor| predecessor.uuid),
            annotations: profile.annotations().clone(),
        },
        renewal,
        request_until: match stage {
            Stage::Sign(_) => validity.not_after,
            Stage::Hold(until) => until,
        },
        stage,
    };
    if let Stage::Hold(_) = stage {
        refuse_to_crowd(issuing, &claim.key, now).await?;
    }
    match (issuing.transactions.claim(&claim).await?, stage) {
        (Guarded::Lost, _) => Ok(None),
        (Guarded::Barred(bar), _) => {
            refuse_barred(issuing, &claim.issuance, bar).await?;
            Ok(None)
        }
        (Guarded::Won, Stage::Hold(_)) => Ok(Some(Progress::Pending)),
        (Guarded::Won, Stage::Sign(_)) => {
            fault_point("claimed");
            let signing = Signing::of(issuing, profile);
            match signing
                .finish(&claim.key, claim.claim, &claim.issuance)
                .await?
            {
                Finished::Issued(granted) => Ok(Some(Progress::Granted(granted))),
                Finished::Lost => Ok(None),
                Finished::Withdrawn(bar) => Err(bar.refusal().into()),
            }
        }
    }
}

/// Says what a certificate will be without, of what its request asked for: a logon that fails later has its reason here.
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

/// Longest text of a client's that is logged about one request, in characters.
const MAX_LOGGED_CHARACTERS: usize = 400;

/// Refuses to let one more request wait where [`MAX_PENDING`] do. Those of the same transactionID, which this one
/// takes the place of, count as well: it is one of a thousand.
async fn refuse_to_crowd(
    issuing: &Issuing,
    key: &TransactionKey,
    now: OffsetDateTime,
) -> Result<(), NotIssued> {
    let waiting = issuing
        .transactions
        .pending_requests(key.scep_profile, MAX_PENDING, now);
    if waiting.await? >= MAX_PENDING {
        return Err(Refusal::TooManyPending.into());
    }
    Ok(())
}

/// Refuses what another record forbids. Successors that are revoked or expired by now make room for others.
async fn refuse_barred(issuing: &Issuing, issuance: &Issuance, bar: Bar) -> Result<(), NotIssued> {
    let (Bar::TooManySuccessors, Some(predecessor)) = (bar, issuance.predecessor) else {
        return Err(bar.refusal().into());
    };
    let transactions = &issuing.transactions;
    let authority = issuance.authority;
    let known = transactions.successors(authority, predecessor).await?;
    let now = issuing.reading.clock.now();
    let mut living = Vec::new();
    for successor in &known {
        let serial_number = SerialNumber::of_uuid(*successor).hex();
        let found = transactions.certificate(authority, &serial_number).await?;
        // What is claimed and not recorded yet will be.
        let is_living = |found: &CertificateRecord| {
            found.summary.revocation.is_none() && now <= found.summary.not_after
        };
        if found.as_ref().is_none_or(is_living) {
            living.push(*successor);
        }
    }
    if living.len() >= MAX_SUCCESSORS {
        return Err(bar.refusal().into());
    }
    transactions
        .forget_successors(authority, predecessor, &known, &living)
        .await?;
    Ok(())
}
