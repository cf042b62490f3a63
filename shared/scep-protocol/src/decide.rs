//! The state machine of a transaction, RFC 8894 §2.5.1 and §5.2.

use ca::generation::Generation;
use ca::id::AuthorityUuid;
use scep_cms::certificate::Certificate;
use time::OffsetDateTime;

use crate::availability::AvailableProfile;
use crate::id::ClaimUuid;
use crate::refusal::Refusal;
use crate::renewal_signer::{RESEND_WINDOW, resend_until};
use crate::request::{AuthorisedRequest, EnrolmentRequest};
use crate::transaction::{
    Fingerprint, Issuance, KnownTransactions, PastCertificate, RequestFingerprint, RequestOutcome,
    SameRequest, SignerClass, Transaction, TransactionKey, TransactionState,
};

/// What to do with an authorised request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Claim the transaction, provided that the store has not changed since it was read.
    Claim {
        /// The claims that the store must still hold.
        replacing: ReplacedClaims,
        /// What follows the claim.
        purpose: ClaimPurpose,
    },
    /// Answer PENDING: the request is waiting for an administrator.
    Pending,
    /// Finish an interrupted issuance: take over the claim, sign the same bytes, then decide again.
    Resume(Box<InterruptedIssuance>),
    /// Answer with the certificate that was issued for the same request.
    Resend(ResendableCertificate),
    /// Another process holds the claim: read the transaction again later.
    Wait,
    /// Refuse the request.
    Refuse(Refusal),
}

/// What follows a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimPurpose {
    /// The claimant signs a new certificate.
    Sign,
    /// The transaction waits for an administrator's approval.
    Hold,
}

/// The certificate that a request was issued before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResendableCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// The authority that issued it.
    pub authority: AuthorityUuid,
    /// The generation of that authority that issued it.
    pub generation: Generation,
}

/// An issuance whose claimant did not finish in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterruptedIssuance {
    /// The transaction.
    pub key: TransactionKey,
    /// The claim whose lease expired.
    pub claim: ClaimUuid,
    /// The certificate that the claimant was about to sign, or had signed.
    pub issuance: Issuance,
}

/// The existing claims that a new claim replaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplacedClaims {
    /// The claim on the transaction of this transactionID; `None` if there is no such transaction.
    pub transaction: Option<ClaimUuid>,
    /// The claim that the same request made earlier; `None` if the request is new.
    pub request: Option<ClaimUuid>,
}

/// Decides what happens to an authorised request under a profile, given what the store knows of its
/// transaction.
#[must_use]
pub fn decide(
    profile: &AvailableProfile,
    request: &AuthorisedRequest,
    known: KnownTransactions,
    now: OffsetDateTime,
) -> Decision {
    let traits = RequestTraits {
        fingerprint: request.fingerprint(profile),
        requester_key: request.requester_key(),
        needs_approval: request.needs_approval(profile),
        renewal_threshold_days: profile.scep_profile().settings.renewal_threshold_days,
    };
    decide_request(&traits, known, now)
}

/// Returns whether an enrolment was decided before, and gets its certificate or goes on waiting
/// without another question to its challenge source. `same` is an earlier occurrence of the same
/// request.
#[must_use]
pub fn is_decided(
    profile: &AvailableProfile,
    request: &EnrolmentRequest,
    same: SameRequest,
    now: OffsetDateTime,
) -> bool {
    let traits = RequestTraits {
        fingerprint: request.fingerprint(profile),
        requester_key: Fingerprint::of_key(request.key()),
        needs_approval: true,
        renewal_threshold_days: profile.scep_profile().settings.renewal_threshold_days,
    };
    let decided = match same.outcome {
        RequestOutcome::Transaction(same) => decide_same_request(&traits, *same, now),
        RequestOutcome::Certificate(past) => resend_past_certificate(&traits, past, now),
        RequestOutcome::Nothing => None,
    };
    decided.is_some()
}

/// The properties of an authorised request that decide what happens in its transaction.
struct RequestTraits {
    fingerprint: RequestFingerprint,
    requester_key: Fingerprint,
    needs_approval: bool,
    renewal_threshold_days: Option<u32>,
}

impl RequestTraits {
    /// The decision for a transaction that this request may claim.
    const fn claim(&self, replacing: ReplacedClaims) -> Decision {
        let purpose = match self.needs_approval {
            true => ClaimPurpose::Hold,
            false => ClaimPurpose::Sign,
        };
        Decision::Claim { replacing, purpose }
    }
}

fn decide_request(
    request: &RequestTraits,
    known: KnownTransactions,
    now: OffsetDateTime,
) -> Decision {
    let KnownTransactions { own, same } = known;
    let replacing = ReplacedClaims {
        transaction: own.as_ref().map(|own| own.claim),
        request: same.as_ref().map(|same| same.claim),
    };
    let is_own = |same: &Transaction| own.as_ref().is_some_and(|own| own.key == same.key);
    // An earlier occurrence of the same request is looked at before the transactionID: a replayed
    // recording must not get a second certificate by changing its transactionID.
    let decided = match same.map(|same| same.outcome) {
        Some(RequestOutcome::Transaction(same)) if !is_own(&same) => {
            decide_same_request(request, *same, now)
        }
        Some(RequestOutcome::Certificate(past)) => resend_past_certificate(request, past, now),
        Some(RequestOutcome::Transaction(_) | RequestOutcome::Nothing) | None => None,
    };
    if let Some(decision) = decided {
        return decision;
    }
    let Some(known) = own else {
        return request.claim(replacing);
    };
    let same_key = known.requester_key == request.requester_key;
    let same = same_key && known.request == request.fingerprint;
    let lacks_credential = known.request.signer_class == SignerClass::Nobody;
    match known.state {
        // The order of the arms matters: windows that have passed, then the same request, then
        // other requests of the same key, and last those of other keys.
        //
        // Anyone may reuse a transactionID once its window has passed, and after a rejection at
        // once.
        TransactionState::Issued { resend_until, .. } if resend_until < now => {
            request.claim(replacing)
        }
        TransactionState::Pending { until, .. } if until < now => request.claim(replacing),
        TransactionState::Rejected { .. } => request.claim(replacing),
        TransactionState::Issued {
            certificate,
            authority,
            generation,
            ..
        } if same => Decision::Resend(ResendableCertificate {
            certificate,
            authority,
            generation,
        }),
        TransactionState::Pending { .. } if same && request.needs_approval => Decision::Pending,
        // A pending request without any credential must not block a renewal under the same
        // transactionID. A pending request with a valid challengePassword gives way only to its own
        // key.
        TransactionState::Pending { .. } if lacks_credential && !request.needs_approval => {
            request.claim(replacing)
        }
        // Devices derive the transactionID from their key, so a corrected or later request of the
        // same key replaces the earlier one.
        TransactionState::Issued { .. } | TransactionState::Pending { .. } if same_key => {
            request.claim(replacing)
        }
        TransactionState::Issuing { lease_until, .. } if same_key && now <= lease_until => {
            Decision::Wait
        }
        // Finish an interrupted issuance first, whichever key is asking: it may already be signed.
        TransactionState::Issuing {
            issuance,
            lease_until,
        } if lease_until < now => Decision::Resume(Box::new(InterruptedIssuance {
            key: known.key,
            claim: known.claim,
            issuance,
        })),
        TransactionState::Issued { .. }
        | TransactionState::Issuing { .. }
        | TransactionState::Pending { .. } => Decision::Refuse(Refusal::TransactionTaken),
    }
}

/// Decides about a request that was made earlier under another transactionID. It keeps the
/// certificate that it has until that may be renewed, so that replaying a recording issues nothing.
/// `None` if the request may start a new transaction.
fn decide_same_request(
    request: &RequestTraits,
    same: Transaction,
    now: OffsetDateTime,
) -> Option<Decision> {
    if !same.state.is_live(now) {
        return None;
    }
    match same.state {
        TransactionState::Issued {
            certificate,
            authority,
            generation,
            ..
        } => Some(Decision::Resend(ResendableCertificate {
            certificate,
            authority,
            generation,
        })),
        // If the profile no longer requires approval, the request starts a new transaction.
        TransactionState::Pending { .. } => request.needs_approval.then_some(Decision::Pending),
        TransactionState::Issuing { lease_until, .. } if now <= lease_until => Some(Decision::Wait),
        TransactionState::Issuing { issuance, .. } => {
            Some(Decision::Resume(Box::new(InterruptedIssuance {
                key: same.key,
                claim: same.claim,
                issuance,
            })))
        }
        TransactionState::Rejected { .. } => None,
    }
}

/// Decides about a request that was issued this certificate before its transaction moved on to
/// another request. `None` if the certificate may be renewed.
fn resend_past_certificate(
    request: &RequestTraits,
    past: PastCertificate,
    now: OffsetDateTime,
) -> Option<Decision> {
    let PastCertificate {
        certificate,
        authority,
        generation,
        issued_at,
    } = past;
    let earliest = issued_at + RESEND_WINDOW;
    let validity = certificate.validity().ok()?;
    let until = resend_until(validity, request.renewal_threshold_days, earliest);
    (now <= until).then_some(Decision::Resend(ResendableCertificate {
        certificate,
        authority,
        generation,
    }))
}

#[cfg(test)]
pub(crate) mod tests;
