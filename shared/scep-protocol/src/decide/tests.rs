use ca::generation::Generation;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use scep_cms::transaction_id::TransactionId;
use uuid::Uuid;

use super::*;
use crate::id::{ClaimUuid, RaProfileUuid, ScepProfileUuid};
use crate::transaction::SameRequest;

pub(crate) const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
pub(crate) const CLAIM: ClaimUuid = ClaimUuid::from_u128(7);
const OTHER_CLAIM: ClaimUuid = ClaimUuid::from_u128(8);
const CSR: u8 = 1;
const OTHER_CSR: u8 = 2;
pub(crate) const KEY: u8 = 3;
pub(crate) const OTHER_KEY: u8 = 4;
const PROXY_KEY: u8 = 5;

pub(crate) fn make_fingerprint(octet: u8) -> Fingerprint {
    Fingerprint([octet; 32])
}

fn fingerprint_request(csr: u8) -> RequestFingerprint {
    RequestFingerprint {
        ra_profile: RaProfileUuid::nil(),
        csr: make_fingerprint(csr),
        signer_class: SignerClass::Challenge,
    }
}

pub(crate) fn transaction_key(transaction_id: &str) -> TransactionKey {
    TransactionKey {
        scep_profile: ScepProfileUuid::nil(),
        transaction_id: TransactionId::new(transaction_id).unwrap(),
    }
}

pub(crate) fn make_transaction(state: TransactionState) -> Transaction {
    Transaction {
        key: transaction_key("1"),
        claim: CLAIM,
        request: fingerprint_request(CSR),
        signer_key: make_fingerprint(PROXY_KEY),
        requester_key: make_fingerprint(KEY),
        state,
    }
}

fn known_transactions(state: TransactionState) -> KnownTransactions {
    KnownTransactions {
        own: Some(make_transaction(state)),
        same: None,
    }
}

/// A request that was made earlier under another transactionID.
fn same_request_elsewhere(state: TransactionState) -> KnownTransactions {
    KnownTransactions {
        own: None,
        same: Some(SameRequest {
            claim: CLAIM,
            outcome: RequestOutcome::Transaction(Box::new(make_transaction(state))),
        }),
    }
}

fn signed_request(csr: u8, key: u8, needs_approval: bool) -> RequestTraits {
    RequestTraits {
        fingerprint: fingerprint_request(csr),
        requester_key: make_fingerprint(key),
        needs_approval,
        renewal_threshold_days: None,
    }
}

/// Checks the decision for a request with `csr` and `key` when the transaction of CSR and KEY
/// is in `state`.
#[track_caller]
fn check_decision(state: TransactionState, csr: u8, key: u8, expected: Decision) {
    let decision = decide_request(
        &signed_request(csr, key, false),
        known_transactions(state),
        NOW,
    );
    assert_eq!(decision, expected);
}

/// Like `check`, under a profile that requires approval.
#[track_caller]
fn check_held(state: TransactionState, csr: u8, key: u8, expected: Decision) {
    let decision = decide_request(
        &signed_request(csr, key, true),
        known_transactions(state),
        NOW,
    );
    assert_eq!(decision, expected);
}

pub(crate) fn load_certificate() -> Certificate {
    let pem = include_str!("../../../../tests/vectors/ca.pem");
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    Certificate::try_from(base64).unwrap()
}

pub(crate) fn issued_state(window: i64) -> TransactionState {
    TransactionState::Issued {
        certificate: load_certificate(),
        authority: AuthorityUuid::nil(),
        generation: Generation::FIRST,
        resend_until: NOW + time::Duration::seconds(window),
    }
}

pub(crate) fn make_issuance() -> Issuance {
    Issuance {
        to_be_signed: vec![8],
        authority: AuthorityUuid::nil(),
        generation: Generation::FIRST,
        key: KeyLocation::File(Uuid::nil()),
        key_algorithm: KeyAlgorithm::EcP256,
        ra_profile: RaProfileUuid::nil(),
        subject_key: make_fingerprint(KEY),
        predecessor: None,
        annotations: crate::annotations::Annotations::default(),
        vouching: None,
    }
}

pub(crate) fn issuing_state(lease: i64) -> TransactionState {
    TransactionState::Issuing {
        issuance: make_issuance(),
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
const ISSUE: Decision = claim_to_sign(REPLACED);
const HOLD: Decision = claim_to_hold(REPLACED);
const fn claim_to_sign(replacing: ReplacedClaims) -> Decision {
    Decision::Claim {
        replacing,
        purpose: ClaimPurpose::Sign,
    }
}

const fn claim_to_hold(replacing: ReplacedClaims) -> Decision {
    Decision::Claim {
        replacing,
        purpose: ClaimPurpose::Hold,
    }
}

const TAKEN: Decision = Decision::Refuse(Refusal::TransactionTaken);

#[test]
fn an_unknown_transaction_is_issued() {
    let unknown = KnownTransactions::default;
    let decision = decide_request(&signed_request(CSR, KEY, false), unknown(), NOW);
    assert_eq!(decision, claim_to_sign(NOTHING));
    let decision = decide_request(&signed_request(CSR, KEY, true), unknown(), NOW);
    assert_eq!(decision, claim_to_hold(NOTHING));
}

#[test]
fn the_same_request_again_gets_the_same_certificate() {
    check_decision(issued_state(60), CSR, KEY, resend_decision());
}

#[track_caller]
fn check_elsewhere(state: TransactionState, needs_approval: bool, expected: Decision) {
    let request = signed_request(CSR, KEY, needs_approval);
    assert_eq!(
        decide_request(&request, same_request_elsewhere(state), NOW),
        expected
    );
}

#[test]
fn the_same_request_under_another_transaction_id_gets_the_same_certificate() {
    check_elsewhere(issued_state(60), false, resend_decision());
    check_elsewhere(issued_state(60), true, resend_decision());
    check_elsewhere(pending_state(60), true, Decision::Pending);
    check_elsewhere(issuing_state(60), false, Decision::Wait);
    check_elsewhere(issuing_state(-1), false, resume_decision());
}

/// Checks the decision, at this time, for a request that was issued `load_certificate()` and whose
/// transactionID now belongs to another request of the same key.
#[track_caller]
fn check_past(at: OffsetDateTime, expected: Decision) {
    let past = PastCertificate {
        certificate: load_certificate(),
        authority: AuthorityUuid::nil(),
        generation: Generation::FIRST,
        issued_at: load_certificate().validity().unwrap().not_before,
    };
    let own = Transaction {
        request: fingerprint_request(OTHER_CSR),
        ..make_transaction(issued_state(60))
    };
    let known = KnownTransactions {
        own: Some(own),
        same: Some(SameRequest {
            claim: OTHER_CLAIM,
            outcome: RequestOutcome::Certificate(past),
        }),
    };
    assert_eq!(
        decide_request(&signed_request(CSR, KEY, false), known, at),
        expected
    );
}

#[test]
fn a_request_whose_transaction_moved_on_gets_its_certificate_until_renewal() {
    let validity = load_certificate().validity().unwrap();
    let half = validity.not_before + (validity.not_after - validity.not_before) / 2;
    check_past(validity.not_before, resend_decision());
    check_past(half, resend_decision());
    let replaced = ReplacedClaims {
        transaction: Some(CLAIM),
        request: Some(OTHER_CLAIM),
    };
    let later = half + time::Duration::SECOND;
    check_past(later, claim_to_sign(replaced));
}

#[test]
fn a_request_whose_transaction_went_on_gets_its_certificate_for_a_day_at_least() {
    let validity = load_certificate().validity().unwrap();
    let half = validity.not_before + (validity.not_after - validity.not_before) / 2;
    let decision = |hours| {
        let past = PastCertificate {
            certificate: load_certificate(),
            authority: AuthorityUuid::nil(),
            generation: Generation::FIRST,
            issued_at: half,
        };
        let at = half + time::Duration::hours(hours);
        resend_past_certificate(&signed_request(CSR, KEY, false), past, at)
    };
    assert_eq!(decision(24), Some(resend_decision()));
    assert_eq!(decision(25), None);
}

#[test]
fn an_expired_or_rejected_request_under_another_transaction_id_starts_over() {
    let replaced = ReplacedClaims {
        transaction: None,
        request: Some(CLAIM),
    };
    check_elsewhere(issued_state(-1), false, claim_to_sign(replaced));
    check_elsewhere(pending_state(60), false, claim_to_sign(replaced));
    for state in [pending_state(-1), rejected_state(60), rejected_state(-1)] {
        check_elsewhere(state, true, claim_to_hold(replaced));
    }
}

#[test]
fn a_repeated_request_is_decided_by_its_own_transaction() {
    let found = KnownTransactions {
        same: same_request_elsewhere(issued_state(60)).same,
        ..known_transactions(issued_state(60))
    };
    assert_eq!(
        decide_request(&signed_request(CSR, KEY, false), found, NOW),
        resend_decision()
    );
    // The store reads the two separately, so the transaction may move on in between. The write
    // checks the claims that it replaces.
    let found = KnownTransactions {
        same: same_request_elsewhere(issued_state(60)).same,
        ..known_transactions(rejected_state(60))
    };
    let both = ReplacedClaims {
        transaction: Some(CLAIM),
        request: Some(CLAIM),
    };
    assert_eq!(
        decide_request(&signed_request(CSR, KEY, false), found, NOW),
        claim_to_sign(both)
    );
}

#[test]
fn a_request_repeated_under_another_transaction_id_is_decided_by_the_first() {
    let mut found = KnownTransactions {
        same: same_request_elsewhere(issued_state(60)).same,
        ..known_transactions(rejected_state(60))
    };
    if let Some(own) = &mut found.own {
        own.key = transaction_key("2");
    }
    assert_eq!(
        decide_request(&signed_request(CSR, KEY, false), found, NOW),
        resend_decision()
    );
}

/// Windows include their last moment.
#[test]
fn a_window_includes_its_end() {
    check_decision(issued_state(0), CSR, KEY, resend_decision());
    check_decision(issued_state(0), OTHER_CSR, OTHER_KEY, TAKEN);
    check_held(pending_state(0), CSR, KEY, Decision::Pending);
    check_decision(issuing_state(0), CSR, KEY, Decision::Wait);
    check_decision(issuing_state(0), OTHER_CSR, OTHER_KEY, TAKEN);
    check_elsewhere(issued_state(0), false, resend_decision());
    check_elsewhere(issuing_state(0), false, Decision::Wait);
}

fn resend_decision() -> Decision {
    Decision::Resend(resendable_certificate())
}

pub(crate) fn resendable_certificate() -> ResendableCertificate {
    ResendableCertificate {
        certificate: load_certificate(),
        authority: AuthorityUuid::nil(),
        generation: Generation::FIRST,
    }
}

fn resume_decision() -> Decision {
    Decision::Resume(Box::new(interrupted_issuance()))
}

pub(crate) fn interrupted_issuance() -> InterruptedIssuance {
    InterruptedIssuance {
        key: transaction_key("1"),
        claim: CLAIM,
        issuance: make_issuance(),
    }
}

#[test]
fn a_corrected_request_of_the_same_key_starts_over() {
    check_decision(issued_state(60), OTHER_CSR, KEY, ISSUE);
}

#[test]
fn the_same_request_under_another_ra_profile_starts_over() {
    let elsewhere = RequestFingerprint {
        ra_profile: RaProfileUuid::from_u128(8),
        ..fingerprint_request(CSR)
    };
    let elsewhere = RequestTraits {
        fingerprint: elsewhere,
        ..signed_request(CSR, KEY, false)
    };
    assert_eq!(
        decide_request(&elsewhere, known_transactions(issued_state(60)), NOW),
        ISSUE
    );
}

#[test]
fn another_key_cannot_use_the_transaction_id() {
    check_decision(issued_state(60), OTHER_CSR, OTHER_KEY, TAKEN);
    check_decision(issuing_state(60), OTHER_CSR, OTHER_KEY, TAKEN);
}

#[test]
fn past_its_window_the_transaction_id_is_free() {
    check_decision(issued_state(-1), CSR, KEY, ISSUE);
    check_decision(issued_state(-1), OTHER_CSR, OTHER_KEY, ISSUE);
}

#[test]
fn while_another_process_issues_the_same_key_waits() {
    check_decision(issuing_state(60), CSR, KEY, Decision::Wait);
    check_decision(issuing_state(60), OTHER_CSR, KEY, Decision::Wait);
}

#[test]
fn an_interrupted_issuance_is_finished_by_the_next_request() {
    check_decision(issuing_state(-1), CSR, KEY, resume_decision());
    check_decision(issuing_state(-1), OTHER_CSR, KEY, resume_decision());
    check_decision(issuing_state(-1), OTHER_CSR, OTHER_KEY, resume_decision());
}

pub(crate) fn pending_state(wait: i64) -> TransactionState {
    TransactionState::Pending {
        issuance: make_issuance(),
        until: NOW + time::Duration::seconds(wait),
    }
}

pub(crate) fn rejected_state(memory: i64) -> TransactionState {
    TransactionState::Rejected {
        reason: "unknown device".to_owned(),
        until: NOW + time::Duration::seconds(memory),
    }
}

#[test]
fn a_pending_request_stays_pending_only_for_itself() {
    check_held(pending_state(60), CSR, KEY, Decision::Pending);
    check_held(pending_state(60), OTHER_CSR, KEY, HOLD);
    check_held(pending_state(60), CSR, OTHER_KEY, TAKEN);
    check_held(pending_state(-1), CSR, OTHER_KEY, HOLD);
    check_held(issued_state(60), OTHER_CSR, KEY, HOLD);
}

#[test]
fn a_pending_request_is_issued_once_approval_is_no_longer_required() {
    check_decision(pending_state(60), CSR, KEY, ISSUE);
}

#[test]
fn a_pending_request_with_a_challenge_gives_way_only_to_its_own_key() {
    check_decision(pending_state(60), OTHER_CSR, OTHER_KEY, TAKEN);
    check_decision(pending_state(60), OTHER_CSR, KEY, ISSUE);
}

#[test]
fn a_pending_request_without_a_credential_does_not_block_a_renewal() {
    let mut found = known_transactions(pending_state(60));
    if let Some(own) = &mut found.own {
        own.request.signer_class = SignerClass::Nobody;
    }
    let renewal = signed_request(OTHER_CSR, OTHER_KEY, false);
    assert_eq!(decide_request(&renewal, found.clone(), NOW), ISSUE);
    let enrolment = signed_request(OTHER_CSR, OTHER_KEY, true);
    assert_eq!(decide_request(&enrolment, found, NOW), TAKEN);
}

#[test]
fn after_a_rejection_the_transaction_id_is_free() {
    check_held(rejected_state(60), CSR, KEY, HOLD);
    check_decision(rejected_state(60), OTHER_CSR, OTHER_KEY, ISSUE);
}
