//! The state machine of a transaction, RFC 8894 §2.5.1 and §5.2.

use scep_cms::Certificate;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    AuthorisedRequest, AvailableProfile, Fingerprint, Issuance, KnownTransactions, PastCertificate,
    RESEND_WINDOW, Refusal, RequestFingerprint, RequestOutcome, SignerClass, Transaction,
    TransactionKey, TransactionState, resend_until,
};

/// What to do with an authorised request or a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Claim the transaction for a new certificate, provided that the store has not changed since
    /// it was read.
    Issue(ReplacedClaims),
    /// Hold the transaction for an administrator's approval, provided that the store has not
    /// changed since it was read.
    Hold(ReplacedClaims),
    /// Answer PENDING: the request is waiting for an administrator.
    Pending,
    /// Finish an interrupted issuance: take over the claim, sign the same bytes, then decide again.
    Resume {
        /// The transaction.
        key: TransactionKey,
        /// The claim whose lease expired.
        claim: Uuid,
        /// The certificate that the claimant was about to sign, or had signed.
        issuance: Issuance,
    },
    /// Answer with the certificate that was issued for the same request.
    Resend {
        /// The certificate.
        certificate: Certificate,
        /// The authority that issued it.
        authority: Uuid,
        /// The generation of that authority that issued it.
        generation: u32,
    },
    /// Another process holds the claim: read the transaction again later.
    Wait,
    /// Refuse the request.
    Refuse(Refusal),
}

/// The existing claims that a new claim replaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplacedClaims {
    /// The claim on the transaction of this transactionID; `None` if there is no such transaction.
    pub transaction: Option<Uuid>,
    /// The claim that the same request made earlier; `None` if the request is new.
    pub request: Option<Uuid>,
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
        renewal_threshold_days: profile.scep_profile().renewal_threshold_days,
    };
    decide_request(&traits, known, now)
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
    const fn claim_or_hold(&self, replaced: ReplacedClaims) -> Decision {
        if self.needs_approval {
            return Decision::Hold(replaced);
        }
        Decision::Issue(replaced)
    }
}

fn decide_request(
    request: &RequestTraits,
    known: KnownTransactions,
    now: OffsetDateTime,
) -> Decision {
    let KnownTransactions { own, same } = known;
    let replaced = ReplacedClaims {
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
        return request.claim_or_hold(replaced);
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
            request.claim_or_hold(replaced)
        }
        TransactionState::Pending { until, .. } if until < now => request.claim_or_hold(replaced),
        TransactionState::Rejected { .. } => request.claim_or_hold(replaced),
        TransactionState::Issued {
            certificate,
            authority,
            generation,
            ..
        } if same => Decision::Resend {
            certificate,
            authority,
            generation,
        },
        TransactionState::Pending { .. } if same && request.needs_approval => Decision::Pending,
        // A pending request without any credential must not block a renewal under the same
        // transactionID. A pending request with a valid challengePassword gives way only to its own
        // key.
        TransactionState::Pending { .. } if lacks_credential && !request.needs_approval => {
            request.claim_or_hold(replaced)
        }
        // Devices derive the transactionID from their key, so a corrected or later request of the
        // same key replaces the earlier one.
        TransactionState::Issued { .. } | TransactionState::Pending { .. } if same_key => {
            request.claim_or_hold(replaced)
        }
        TransactionState::Issuing { lease_until, .. } if same_key && now <= lease_until => {
            Decision::Wait
        }
        // Finish an interrupted issuance first, whichever key is asking: it may already be signed.
        TransactionState::Issuing {
            issuance,
            lease_until,
        } if lease_until < now => Decision::Resume {
            key: known.key,
            claim: known.claim,
            issuance,
        },
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
    if !is_live(&same.state, now) {
        return None;
    }
    match same.state {
        TransactionState::Issued {
            certificate,
            authority,
            generation,
            ..
        } => Some(Decision::Resend {
            certificate,
            authority,
            generation,
        }),
        // If the profile no longer requires approval, the request starts a new transaction.
        TransactionState::Pending { .. } => request.needs_approval.then_some(Decision::Pending),
        TransactionState::Issuing { lease_until, .. } if now <= lease_until => Some(Decision::Wait),
        TransactionState::Issuing { issuance, .. } => Some(Decision::Resume {
            key: same.key,
            claim: same.claim,
            issuance,
        }),
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
    (now <= until).then_some(Decision::Resend {
        certificate,
        authority,
        generation,
    })
}

/// Decides about a CertPoll, RFC 8894 §3.3.3, signed by this key: step 6. Never returns
/// [`Decision::Issue`] or [`Decision::Hold`].
#[must_use]
pub fn decide_poll(
    signer_key: Fingerprint,
    known: Option<Transaction>,
    now: OffsetDateTime,
) -> Decision {
    let Some(known) = known.filter(|known| is_live(&known.state, now)) else {
        return Decision::Refuse(Refusal::NothingPending);
    };
    // A proxy may have signed the request, and either the proxy or the device may poll for it.
    if ![known.signer_key, known.requester_key].contains(&signer_key) {
        return Decision::Refuse(Refusal::PollOfAnother);
    }
    match known.state {
        TransactionState::Issued {
            certificate,
            authority,
            generation,
            ..
        } => Decision::Resend {
            certificate,
            authority,
            generation,
        },
        TransactionState::Pending { .. } => Decision::Pending,
        TransactionState::Rejected { reason, .. } => Decision::Refuse(Refusal::Rejected(reason)),
        TransactionState::Issuing { lease_until, .. } if now <= lease_until => Decision::Wait,
        TransactionState::Issuing { issuance, .. } => Decision::Resume {
            key: known.key,
            claim: known.claim,
            issuance,
        },
    }
}

/// Whether a transaction in this state still counts at this time.
fn is_live(state: &TransactionState, now: OffsetDateTime) -> bool {
    match state {
        TransactionState::Issued { resend_until, .. } => now <= *resend_until,
        // An issuance never expires: its certificate may be signed and not yet recorded.
        TransactionState::Issuing { .. } => true,
        TransactionState::Pending { until, .. } | TransactionState::Rejected { until, .. } => {
            now <= *until
        }
    }
}

#[cfg(test)]
mod tests {
    use scep_cms::TransactionId;

    use super::*;
    use crate::{KeyAlgorithm, KeyLocation, SameRequest};

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const CLAIM: Uuid = Uuid::from_u128(7);
    const OTHER_CLAIM: Uuid = Uuid::from_u128(8);
    const CSR: u8 = 1;
    const OTHER_CSR: u8 = 2;
    const KEY: u8 = 3;
    const OTHER_KEY: u8 = 4;
    const PROXY_KEY: u8 = 5;

    fn fingerprint(octet: u8) -> Fingerprint {
        Fingerprint([octet; 32])
    }

    fn request(csr: u8) -> RequestFingerprint {
        RequestFingerprint {
            ra_profile: Uuid::nil(),
            csr: fingerprint(csr),
            signer_class: SignerClass::Challenge,
        }
    }

    fn key(transaction_id: &str) -> TransactionKey {
        TransactionKey {
            scep_profile: Uuid::nil(),
            transaction_id: TransactionId::new(transaction_id).unwrap(),
        }
    }

    fn transaction(state: TransactionState) -> Transaction {
        Transaction {
            key: key("1"),
            claim: CLAIM,
            request: request(CSR),
            signer_key: fingerprint(PROXY_KEY),
            requester_key: fingerprint(KEY),
            state,
        }
    }

    fn known(state: TransactionState) -> KnownTransactions {
        KnownTransactions {
            own: Some(transaction(state)),
            same: None,
        }
    }

    /// A request that was made earlier under another transactionID.
    fn elsewhere(state: TransactionState) -> KnownTransactions {
        KnownTransactions {
            own: None,
            same: Some(SameRequest {
                claim: CLAIM,
                outcome: RequestOutcome::Transaction(Box::new(transaction(state))),
            }),
        }
    }

    fn signed(csr: u8, key: u8, needs_approval: bool) -> RequestTraits {
        RequestTraits {
            fingerprint: request(csr),
            requester_key: fingerprint(key),
            needs_approval,
            renewal_threshold_days: None,
        }
    }

    /// Checks the decision for a request with `csr` and `key` when the transaction of CSR and KEY
    /// is in `state`.
    #[track_caller]
    fn check(state: TransactionState, csr: u8, key: u8, expected: Decision) {
        let decision = decide_request(&signed(csr, key, false), known(state), NOW);
        assert_eq!(decision, expected);
    }

    /// Like `check`, under a profile that requires approval.
    #[track_caller]
    fn check_held(state: TransactionState, csr: u8, key: u8, expected: Decision) {
        let decision = decide_request(&signed(csr, key, true), known(state), NOW);
        assert_eq!(decision, expected);
    }

    #[track_caller]
    fn check_poll(state: TransactionState, key: u8, expected: Decision) {
        let known = Some(transaction(state));
        assert_eq!(decide_poll(fingerprint(key), known, NOW), expected);
    }

    fn certificate() -> Certificate {
        let pem = include_str!("../../../tests/vectors/ca.pem");
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        Certificate::try_from(base64).unwrap()
    }

    fn issued(window: i64) -> TransactionState {
        TransactionState::Issued {
            certificate: certificate(),
            authority: Uuid::nil(),
            generation: 1,
            resend_until: NOW + time::Duration::seconds(window),
        }
    }

    fn issuance() -> Issuance {
        Issuance {
            to_be_signed: vec![8],
            authority: Uuid::nil(),
            generation: 1,
            key: KeyLocation::File(Uuid::nil()),
            key_algorithm: KeyAlgorithm::EcP256,
            ra_profile: Uuid::nil(),
            subject_key: fingerprint(KEY),
            predecessor: None,
            annotations: crate::Annotations::default(),
        }
    }

    fn issuing(lease: i64) -> TransactionState {
        TransactionState::Issuing {
            issuance: issuance(),
            lease_until: NOW + time::Duration::seconds(lease),
        }
    }

    const REPLACED: ReplacedClaims = ReplacedClaims {
        transaction: Some(CLAIM),
        request: None,
    };
    const NOTHING: ReplacedClaims = ReplacedClaims {
        transaction: None,
        request: None,
    };
    const ISSUE: Decision = Decision::Issue(REPLACED);
    const HOLD: Decision = Decision::Hold(REPLACED);
    const TAKEN: Decision = Decision::Refuse(Refusal::TransactionTaken);

    #[test]
    fn an_unknown_transaction_is_issued() {
        let unknown = KnownTransactions::default;
        let decision = decide_request(&signed(CSR, KEY, false), unknown(), NOW);
        assert_eq!(decision, Decision::Issue(NOTHING));
        let decision = decide_request(&signed(CSR, KEY, true), unknown(), NOW);
        assert_eq!(decision, Decision::Hold(NOTHING));
    }

    #[test]
    fn the_same_request_again_gets_the_same_certificate() {
        check(issued(60), CSR, KEY, resend());
    }

    #[track_caller]
    fn check_elsewhere(state: TransactionState, needs_approval: bool, expected: Decision) {
        let request = signed(CSR, KEY, needs_approval);
        assert_eq!(decide_request(&request, elsewhere(state), NOW), expected);
    }

    #[test]
    fn the_same_request_under_another_transaction_id_gets_the_same_certificate() {
        check_elsewhere(issued(60), false, resend());
        check_elsewhere(issued(60), true, resend());
        check_elsewhere(pending(60), true, Decision::Pending);
        check_elsewhere(issuing(60), false, Decision::Wait);
        check_elsewhere(issuing(-1), false, resume());
    }

    /// Checks the decision, at this time, for a request that was issued `certificate()` and whose
    /// transactionID now belongs to another request of the same key.
    #[track_caller]
    fn check_past(at: OffsetDateTime, expected: Decision) {
        let past = PastCertificate {
            certificate: certificate(),
            authority: Uuid::nil(),
            generation: 1,
            issued_at: certificate().validity().unwrap().not_before,
        };
        let own = Transaction {
            request: request(OTHER_CSR),
            ..transaction(issued(60))
        };
        let known = KnownTransactions {
            own: Some(own),
            same: Some(SameRequest {
                claim: OTHER_CLAIM,
                outcome: RequestOutcome::Certificate(past),
            }),
        };
        assert_eq!(
            decide_request(&signed(CSR, KEY, false), known, at),
            expected
        );
    }

    #[test]
    fn a_request_whose_transaction_moved_on_gets_its_certificate_until_renewal() {
        let validity = certificate().validity().unwrap();
        let half = validity.not_before + (validity.not_after - validity.not_before) / 2;
        check_past(validity.not_before, resend());
        check_past(half, resend());
        let replaced = ReplacedClaims {
            transaction: Some(CLAIM),
            request: Some(OTHER_CLAIM),
        };
        let later = half + time::Duration::SECOND;
        check_past(later, Decision::Issue(replaced));
    }

    #[test]
    fn a_request_whose_transaction_went_on_gets_its_certificate_for_a_day_at_least() {
        let validity = certificate().validity().unwrap();
        let half = validity.not_before + (validity.not_after - validity.not_before) / 2;
        let decision = |hours| {
            let past = PastCertificate {
                certificate: certificate(),
                authority: Uuid::nil(),
                generation: 1,
                issued_at: half,
            };
            let at = half + time::Duration::hours(hours);
            resend_past_certificate(&signed(CSR, KEY, false), past, at)
        };
        assert_eq!(decision(24), Some(resend()));
        assert_eq!(decision(25), None);
    }

    #[test]
    fn an_expired_or_rejected_request_under_another_transaction_id_starts_over() {
        let replaced = ReplacedClaims {
            transaction: None,
            request: Some(CLAIM),
        };
        check_elsewhere(issued(-1), false, Decision::Issue(replaced));
        check_elsewhere(pending(60), false, Decision::Issue(replaced));
        for state in [pending(-1), rejected(60), rejected(-1)] {
            check_elsewhere(state, true, Decision::Hold(replaced));
        }
    }

    #[test]
    fn a_repeated_request_is_decided_by_its_own_transaction() {
        let found = KnownTransactions {
            same: elsewhere(issued(60)).same,
            ..known(issued(60))
        };
        assert_eq!(
            decide_request(&signed(CSR, KEY, false), found, NOW),
            resend()
        );
        // The store reads the two separately, so the transaction may move on in between. The write
        // checks the claims that it replaces.
        let found = KnownTransactions {
            same: elsewhere(issued(60)).same,
            ..known(rejected(60))
        };
        let both = ReplacedClaims {
            transaction: Some(CLAIM),
            request: Some(CLAIM),
        };
        let issue = Decision::Issue(both);
        assert_eq!(decide_request(&signed(CSR, KEY, false), found, NOW), issue);
    }

    #[test]
    fn a_request_repeated_under_another_transaction_id_is_decided_by_the_first() {
        let mut found = KnownTransactions {
            same: elsewhere(issued(60)).same,
            ..known(rejected(60))
        };
        if let Some(own) = &mut found.own {
            own.key = key("2");
        }
        assert_eq!(
            decide_request(&signed(CSR, KEY, false), found, NOW),
            resend()
        );
    }

    /// Windows include their last moment.
    #[test]
    fn a_window_includes_its_end() {
        check(issued(0), CSR, KEY, resend());
        check(issued(0), OTHER_CSR, OTHER_KEY, TAKEN);
        check_held(pending(0), CSR, KEY, Decision::Pending);
        check(issuing(0), CSR, KEY, Decision::Wait);
        check(issuing(0), OTHER_CSR, OTHER_KEY, TAKEN);
        check_elsewhere(issued(0), false, resend());
        check_elsewhere(issuing(0), false, Decision::Wait);
        check_poll(issued(0), KEY, resend());
        check_poll(pending(0), KEY, Decision::Pending);
        check_poll(issuing(0), KEY, Decision::Wait);
    }

    fn resend() -> Decision {
        Decision::Resend {
            certificate: certificate(),
            authority: Uuid::nil(),
            generation: 1,
        }
    }

    fn resume() -> Decision {
        Decision::Resume {
            key: key("1"),
            claim: CLAIM,
            issuance: issuance(),
        }
    }

    #[test]
    fn a_corrected_request_of_the_same_key_starts_over() {
        check(issued(60), OTHER_CSR, KEY, ISSUE);
    }

    #[test]
    fn the_same_request_under_another_ra_profile_starts_over() {
        let elsewhere = RequestFingerprint {
            ra_profile: Uuid::from_u128(8),
            ..request(CSR)
        };
        let elsewhere = RequestTraits {
            fingerprint: elsewhere,
            ..signed(CSR, KEY, false)
        };
        assert_eq!(decide_request(&elsewhere, known(issued(60)), NOW), ISSUE);
    }

    #[test]
    fn another_key_cannot_use_the_transaction_id() {
        check(issued(60), OTHER_CSR, OTHER_KEY, TAKEN);
        check(issuing(60), OTHER_CSR, OTHER_KEY, TAKEN);
    }

    #[test]
    fn past_its_window_the_transaction_id_is_free() {
        check(issued(-1), CSR, KEY, ISSUE);
        check(issued(-1), OTHER_CSR, OTHER_KEY, ISSUE);
    }

    #[test]
    fn while_another_process_issues_the_same_key_waits() {
        check(issuing(60), CSR, KEY, Decision::Wait);
        check(issuing(60), OTHER_CSR, KEY, Decision::Wait);
    }

    #[test]
    fn an_interrupted_issuance_is_finished_by_the_next_request() {
        check(issuing(-1), CSR, KEY, resume());
        check(issuing(-1), OTHER_CSR, KEY, resume());
        check(issuing(-1), OTHER_CSR, OTHER_KEY, resume());
    }

    fn pending(wait: i64) -> TransactionState {
        TransactionState::Pending {
            issuance: issuance(),
            until: NOW + time::Duration::seconds(wait),
        }
    }

    fn rejected(memory: i64) -> TransactionState {
        TransactionState::Rejected {
            reason: "unknown device".to_owned(),
            until: NOW + time::Duration::seconds(memory),
        }
    }

    #[test]
    fn a_pending_request_stays_pending_only_for_itself() {
        check_held(pending(60), CSR, KEY, Decision::Pending);
        check_held(pending(60), OTHER_CSR, KEY, HOLD);
        check_held(pending(60), CSR, OTHER_KEY, TAKEN);
        check_held(pending(-1), CSR, OTHER_KEY, HOLD);
        check_held(issued(60), OTHER_CSR, KEY, HOLD);
    }

    #[test]
    fn a_pending_request_is_issued_once_approval_is_no_longer_required() {
        check(pending(60), CSR, KEY, ISSUE);
    }

    #[test]
    fn a_pending_request_with_a_challenge_gives_way_only_to_its_own_key() {
        check(pending(60), OTHER_CSR, OTHER_KEY, TAKEN);
        check(pending(60), OTHER_CSR, KEY, ISSUE);
    }

    #[test]
    fn a_pending_request_without_a_credential_does_not_block_a_renewal() {
        let mut found = known(pending(60));
        if let Some(own) = &mut found.own {
            own.request.signer_class = SignerClass::Nobody;
        }
        let renewal = signed(OTHER_CSR, OTHER_KEY, false);
        assert_eq!(decide_request(&renewal, found.clone(), NOW), ISSUE);
        let enrolment = signed(OTHER_CSR, OTHER_KEY, true);
        assert_eq!(decide_request(&enrolment, found, NOW), TAKEN);
    }

    #[test]
    fn after_a_rejection_the_transaction_id_is_free() {
        check_held(rejected(60), CSR, KEY, HOLD);
        check(rejected(60), OTHER_CSR, OTHER_KEY, ISSUE);
    }

    #[test]
    fn polls_are_for_the_key_of_the_request() {
        check_poll(issued(60), KEY, resend());
        check_poll(pending(60), KEY, Decision::Pending);
        let words = Refusal::Rejected("unknown device".to_owned());
        check_poll(rejected(60), KEY, Decision::Refuse(words));
        check_poll(issuing(60), KEY, Decision::Wait);
        check_poll(issuing(-1), KEY, resume());
        for state in [
            issued(60),
            pending(60),
            rejected(60),
            issuing(60),
            issuing(-1),
        ] {
            check_poll(state, OTHER_KEY, Decision::Refuse(Refusal::PollOfAnother));
        }
    }

    #[test]
    fn an_expired_transaction_is_not_pending() {
        let nothing = Decision::Refuse(Refusal::NothingPending);
        assert_eq!(decide_poll(fingerprint(KEY), None, NOW), nothing);
        for state in [issued(-1), pending(-1), rejected(-1)] {
            check_poll(state, KEY, nothing.clone());
        }
    }
}
