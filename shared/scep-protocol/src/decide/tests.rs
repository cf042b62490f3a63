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

pub(crate) fn fingerprint(octet: u8) -> Fingerprint {
    Fingerprint([octet; 32])
}

fn request(csr: u8) -> RequestFingerprint {
    RequestFingerprint {
        ra_profile: RaProfileUuid::nil(),
        csr: fingerprint(csr),
        signer_class: SignerClass::Challenge,
    }
}

pub(crate) fn key(transaction_id: &str) -> TransactionKey {
    TransactionKey {
        scep_profile: ScepProfileUuid::nil(),
        transaction_id: TransactionId::new(transaction_id).unwrap(),
    }
}

pub(crate) fn transaction(state: TransactionState) -> Transaction {
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

pub(crate) fn certificate() -> Certificate {
    let pem = include_str!("../../../../tests/vectors/ca.pem");
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    Certificate::try_from(base64).unwrap()
}

pub(crate) fn issued(window: i64) -> TransactionState {
    TransactionState::Issued {
        certificate: certificate(),
        authority: AuthorityUuid::nil(),
        generation: 1,
        resend_until: NOW + time::Duration::seconds(window),
    }
}

pub(crate) fn issuance() -> Issuance {
    Issuance {
        to_be_signed: vec![8],
        authority: AuthorityUuid::nil(),
        generation: 1,
        key: KeyLocation::File(Uuid::nil()),
        key_algorithm: KeyAlgorithm::EcP256,
        ra_profile: RaProfileUuid::nil(),
        subject_key: fingerprint(KEY),
        predecessor: None,
        annotations: crate::annotations::Annotations::default(),
    }
}

pub(crate) fn issuing(lease: i64) -> TransactionState {
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
const ISSUE: Decision = issue(REPLACED);
const HOLD: Decision = hold(REPLACED);
const fn issue(replacing: ReplacedClaims) -> Decision {
    Decision::Claim {
        replacing,
        purpose: ClaimPurpose::Sign,
    }
}

const fn hold(replacing: ReplacedClaims) -> Decision {
    Decision::Claim {
        replacing,
        purpose: ClaimPurpose::Hold,
    }
}

const TAKEN: Decision = Decision::Refuse(Refusal::TransactionTaken);

#[test]
fn an_unknown_transaction_is_issued() {
    let unknown = KnownTransactions::default;
    let decision = decide_request(&signed(CSR, KEY, false), unknown(), NOW);
    assert_eq!(decision, issue(NOTHING));
    let decision = decide_request(&signed(CSR, KEY, true), unknown(), NOW);
    assert_eq!(decision, hold(NOTHING));
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
        authority: AuthorityUuid::nil(),
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
    check_past(later, issue(replaced));
}

#[test]
fn a_request_whose_transaction_went_on_gets_its_certificate_for_a_day_at_least() {
    let validity = certificate().validity().unwrap();
    let half = validity.not_before + (validity.not_after - validity.not_before) / 2;
    let decision = |hours| {
        let past = PastCertificate {
            certificate: certificate(),
            authority: AuthorityUuid::nil(),
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
    check_elsewhere(issued(-1), false, issue(replaced));
    check_elsewhere(pending(60), false, issue(replaced));
    for state in [pending(-1), rejected(60), rejected(-1)] {
        check_elsewhere(state, true, hold(replaced));
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
    assert_eq!(
        decide_request(&signed(CSR, KEY, false), found, NOW),
        issue(both)
    );
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
}

fn resend() -> Decision {
    Decision::Resend(resendable())
}

pub(crate) fn resendable() -> ResendableCertificate {
    ResendableCertificate {
        certificate: certificate(),
        authority: AuthorityUuid::nil(),
        generation: 1,
    }
}

fn resume() -> Decision {
    Decision::Resume(interrupted())
}

pub(crate) fn interrupted() -> InterruptedIssuance {
    InterruptedIssuance {
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
        ra_profile: RaProfileUuid::from_u128(8),
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

pub(crate) fn pending(wait: i64) -> TransactionState {
    TransactionState::Pending {
        issuance: issuance(),
        until: NOW + time::Duration::seconds(wait),
    }
}

pub(crate) fn rejected(memory: i64) -> TransactionState {
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
