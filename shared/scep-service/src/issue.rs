//! Issuing: claim, sign, record. One certificate for a transaction, whatever crashes.

use std::time::Duration;

use ca_issuer::{IssueError, IssuedCertificate, Leaf, SerialNumber, assemble, leaf};
use scep_cms::Certificate;
use scep_protocol::{
    AuthorisedRequest, AvailableProfile, Decision, Issuance, Refusal, TransactionKey, decide,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::NotIssued;
use crate::fault_point::fault_point;
use crate::{CertificateRecord, CertificateSummary, Claim, ClaimOutcome, Failure, Issuing};

/// How long a claimant is taken to be at work before someone else finishes for it. A signature takes milliseconds in
/// memory and some tens of them in KMS.
const LEASE: Duration = Duration::from_secs(5);

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
    /// Whether the same request had got it before.
    pub resent: bool,
}

/// The certificate for an authorised request: the one that it got before, or a new one.
pub(crate) async fn certificate_for(
    issuing: &Issuing,
    profile: &AvailableProfile,
    request: &AuthorisedRequest,
) -> Result<Granted, NotIssued> {
    let key = TransactionKey {
        scep_profile: profile.scep_profile().uuid,
        transaction_id: request.transaction_id().clone(),
    };
    // Nearly every request is new, and claiming it finds that out by itself: only a lost claim is worth a look.
    let mut known = None;
    let mut resumed = false;
    for _ in 0..MAX_WAITS {
        match decide(profile, request, known, issuing.reading.clock.now()) {
            Decision::Issue { replacing } => {
                match issue(issuing, profile, request, &key, replacing).await {
                    Ok(Some(granted)) => return Ok(granted),
                    Ok(None) => {}
                    // The rules may have become stricter since the same request was granted.
                    Err(NotIssued::Refused(refusal)) if replacing.is_none() => {
                        known = issuing.transactions.transaction(&key).await?;
                        if known.is_none() {
                            return Err(refusal.into());
                        }
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
            Decision::Resume { claim, issuance } => {
                resume(issuing, &key, claim, issuance).await?;
                resumed = true;
            }
            Decision::Resend { certificate } => {
                return Ok(Granted {
                    certificate,
                    resent: !resumed,
                });
            }
            Decision::Wait => tokio::time::sleep(WAIT).await,
            Decision::Refuse(refusal) => return Err(refusal.into()),
        }
        known = issuing.transactions.transaction(&key).await?;
    }
    Err(Failure::Busy.into())
}

/// A new certificate; `None` when another process claimed the transaction first.
async fn issue(
    issuing: &Issuing,
    profile: &AvailableProfile,
    request: &AuthorisedRequest,
    key: &TransactionKey,
    replacing: Option<Uuid>,
) -> Result<Option<Granted>, NotIssued> {
    let now = issuing.reading.clock.now();
    let serial_number = SerialNumber::from_random(Uuid::new_v4().into_bytes());
    let Leaf {
        to_be_signed,
        subject,
    } = leaf(profile, request, serial_number, now).map_err(|error| match error {
        IssueError::Rule(violation) => NotIssued::Refused(Refusal::Rule(violation)),
        IssueError::Encode(error) => NotIssued::Failed(Failure::encode(error)),
    })?;
    let authority = profile.authority();
    let claim = Claim {
        key: key.clone(),
        replacing,
        claim: Uuid::new_v4(),
        request: request.fingerprint(profile),
        signer_key: request.signer_key(),
        message_type: request.message_type(),
        subject,
        claimed_at: now,
        issuance: Issuance {
            to_be_signed,
            authority: authority.uuid,
            key: authority.key.clone(),
            key_algorithm: authority.key_algorithm,
            ra_profile: profile.ra_profile().uuid,
            annotations: profile.annotations().clone(),
        },
        lease_until: now + LEASE,
    };
    match issuing.transactions.claim(&claim).await? {
        ClaimOutcome::Lost => Ok(None),
        ClaimOutcome::Won => {
            fault_point("claimed");
            Ok(finish(issuing, key, claim.claim, &claim.issuance).await?)
        }
    }
}

/// Finishes what a crash left. Whether it was this process that did, the next look at the transaction tells.
async fn resume(
    issuing: &Issuing,
    key: &TransactionKey,
    expired: Uuid,
    issuance: Issuance,
) -> Result<(), Failure> {
    let claim = Uuid::new_v4();
    let lease_until = issuing.reading.clock.now() + LEASE;
    let taken = issuing
        .transactions
        .take_over(key, expired, claim, lease_until)
        .await?;
    if taken == ClaimOutcome::Won {
        finish(issuing, key, claim, &issuance).await?;
    }
    Ok(())
}

/// Signs what is claimed and records it; `None` when the claim was lost meanwhile.
async fn finish(
    issuing: &Issuing,
    key: &TransactionKey,
    claim: Uuid,
    issuance: &Issuance,
) -> Result<Option<Granted>, Failure> {
    let transaction_id = key.transaction_id.as_str();
    tracing::info!(%claim, transaction_id, authority = %issuance.authority, "signing");
    let signature = issuing
        .ca_keys
        .sign(
            &issuance.key,
            issuance.key_algorithm,
            &issuance.to_be_signed,
        )
        .await?;
    fault_point("signed");
    let issued = assemble(&issuance.to_be_signed, issuance.key_algorithm, &signature)
        .map_err(Failure::encode)?;
    let now = issuing.reading.clock.now();
    let record = record(issued, key, issuance, now)?;
    let outcome = issuing
        .transactions
        .complete(
            claim,
            &record,
            record.summary.not_after.min(now + RESEND_WINDOW),
        )
        .await?;
    let serial_number = &record.summary.serial_number;
    tracing::info!(%claim, transaction_id, serial_number, ?outcome, "signed");
    Ok((outcome == ClaimOutcome::Won).then_some(Granted {
        certificate: record.certificate,
        resent: false,
    }))
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
        },
        transaction: key.clone(),
        certificate: issued.certificate,
        annotations: issuance.annotations.clone(),
    })
}
