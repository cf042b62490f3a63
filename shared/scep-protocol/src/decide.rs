//! The state machine of a transaction, RFC 8894 §2.5.1 and §5.2.

use scep_cms::Certificate;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    AuthorisedRequest, AvailableProfile, Fingerprint, Issuance, Refusal, RequestFingerprint,
    Transaction, TransactionState,
};

/// What to do with an authorised request, or a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Claim the transaction for a new certificate, if it is still as it was found.
    Issue {
        /// The claim that was found; `None` where there was no transaction.
        replacing: Option<Uuid>,
    },
    /// Let the transaction wait for an administrator, if it is still as it was found.
    Hold {
        /// The claim that was found; `None` where there was no transaction.
        replacing: Option<Uuid>,
    },
    /// Answer that it waits for an administrator.
    Pending,
    /// Finish what a crash left: take over the claim, sign the same bytes, then decide again.
    Resume {
        /// The claim whose lease ran out.
        claim: Uuid,
        /// What it was about to sign, or had signed.
        issuance: Issuance,
    },
    /// Answer with the certificate that the same request got.
    Resend {
        /// The certificate.
        certificate: Certificate,
    },
    /// Another process is at work on it: look again.
    Wait,
    /// Answer no.
    Refuse(Refusal),
}

/// Decides over an authorised request under a profile, given what is `known` of its transaction.
#[must_use]
pub fn decide(
    profile: &AvailableProfile,
    request: &AuthorisedRequest,
    known: Option<Transaction>,
    now: OffsetDateTime,
) -> Decision {
    let request = Request {
        fingerprint: request.fingerprint(profile),
        signer_key: request.message().signer_key(),
        needs_approval: request.needs_approval(profile),
    };
    decide_for(&request, known, now)
}

/// What of an authorised request matters for its transaction.
struct Request {
    fingerprint: RequestFingerprint,
    signer_key: Fingerprint,
    needs_approval: bool,
}

impl Request {
    /// What becomes of it in a transaction that is free for it.
    const fn anew(&self, replacing: Option<Uuid>) -> Decision {
        if self.needs_approval {
            return Decision::Hold { replacing };
        }
        Decision::Issue { replacing }
    }
}

fn decide_for(request: &Request, known: Option<Transaction>, now: OffsetDateTime) -> Decision {
    let Some(known) = known else {
        return request.anew(None);
    };
    let same_key = known.signer_key == request.signer_key;
    let same = same_key && known.request == request.fingerprint;
    let replacing = Some(known.claim);
    match known.state {
        // Past its window the transactionID is free for anyone; after a rejection at once.
        TransactionState::Issued { resend_until, .. } if resend_until < now => {
            request.anew(replacing)
        }
        TransactionState::Pending { until, .. } if until < now => request.anew(replacing),
        TransactionState::Rejected { .. } => request.anew(replacing),
        TransactionState::Issued { certificate, .. } if same => Decision::Resend { certificate },
        TransactionState::Pending { .. } if same && request.needs_approval => Decision::Pending,
        // Nor does what a stranger lets wait keep a holder from renewing under the transactionID of its key.
        TransactionState::Pending { .. } if !request.needs_approval => request.anew(replacing),
        // Devices derive the transactionID from their key: their corrected or later request starts anew.
        TransactionState::Issued { .. } | TransactionState::Pending { .. } if same_key => {
            request.anew(replacing)
        }
        TransactionState::Issuing { lease_until, .. } if same_key && now <= lease_until => {
            Decision::Wait
        }
        // Whoever asks, what may have been signed is finished first.
        TransactionState::Issuing {
            issuance,
            lease_until,
        } if lease_until < now => Decision::Resume {
            claim: known.claim,
            issuance,
        },
        TransactionState::Issued { .. }
        | TransactionState::Issuing { .. }
        | TransactionState::Pending { .. } => Decision::Refuse(Refusal::TransactionTaken),
    }
}

/// Decides over a CertPoll, RFC 8894 §3.3.3, that this key signed: step 6. Never [`Decision::Issue`] or [`Decision::Hold`].
#[must_use]
pub fn decide_poll(
    signer_key: Fingerprint,
    known: Option<Transaction>,
    now: OffsetDateTime,
) -> Decision {
    let Some(known) = known.filter(|known| lives(&known.state, now)) else {
        return Decision::Refuse(Refusal::NothingPending);
    };
    if known.signer_key != signer_key {
        return Decision::Refuse(Refusal::PollOfAnother);
    }
    match known.state {
        TransactionState::Issued { certificate, .. } => Decision::Resend { certificate },
        TransactionState::Pending { .. } => Decision::Pending,
        TransactionState::Rejected { reason, .. } => Decision::Refuse(Refusal::Rejected(reason)),
        TransactionState::Issuing { lease_until, .. } if now <= lease_until => Decision::Wait,
        TransactionState::Issuing { issuance, .. } => Decision::Resume {
            claim: known.claim,
            issuance,
        },
    }
}

/// Is a transaction remembered at this time?
fn lives(state: &TransactionState, now: OffsetDateTime) -> bool {
    match state {
        TransactionState::Issued { resend_until, .. } => now <= *resend_until,
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
    use crate::{KeyAlgorithm, KeyReference, SignerClass, TransactionKey};

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const CLAIM: Uuid = Uuid::from_u128(7);
    const CSR: u8 = 1;
    const OTHER_CSR: u8 = 2;
    const KEY: u8 = 3;
    const OTHER_KEY: u8 = 4;

    fn fingerprint(octet: u8) -> Fingerprint {
        Fingerprint([octet; 32])
    }

    fn request(csr: u8) -> RequestFingerprint {
        RequestFingerprint {
            ra_profile: Uuid::nil(),
            csr: fingerprint(csr),
            signer_class: SignerClass::OwnKey,
        }
    }

    fn known(state: TransactionState) -> Option<Transaction> {
        Some(Transaction {
            key: TransactionKey {
                scep_profile: Uuid::nil(),
                transaction_id: TransactionId::new("1").unwrap(),
            },
            claim: CLAIM,
            request: request(CSR),
            signer_key: fingerprint(KEY),
            state,
        })
    }

    fn signed(csr: u8, key: u8, needs_approval: bool) -> Request {
        Request {
            fingerprint: request(csr),
            signer_key: fingerprint(key),
            needs_approval,
        }
    }

    /// What becomes of a request with `csr` signed by `key` when CSR and KEY are known in `state`.
    #[track_caller]
    fn check(state: TransactionState, csr: u8, key: u8, expected: Decision) {
        let decision = decide_for(&signed(csr, key, false), known(state), NOW);
        assert_eq!(decision, expected);
    }

    /// The same where an administrator has to approve.
    #[track_caller]
    fn check_held(state: TransactionState, csr: u8, key: u8, expected: Decision) {
        let decision = decide_for(&signed(csr, key, true), known(state), NOW);
        assert_eq!(decision, expected);
    }

    #[track_caller]
    fn check_poll(state: TransactionState, key: u8, expected: Decision) {
        assert_eq!(decide_poll(fingerprint(key), known(state), NOW), expected);
    }

    fn certificate() -> Certificate {
        let pem = include_str!("../../../tests/vectors/ca.pem");
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        Certificate::try_from(base64).unwrap()
    }

    fn issued(window: i64) -> TransactionState {
        TransactionState::Issued {
            certificate: certificate(),
            resend_until: NOW + time::Duration::seconds(window),
        }
    }

    fn issuance() -> Issuance {
        Issuance {
            to_be_signed: vec![8],
            authority: Uuid::nil(),
            generation: 1,
            key: KeyReference("key".to_owned()),
            key_algorithm: KeyAlgorithm::EcP256,
            ra_profile: Uuid::nil(),
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

    const ANEW: Decision = Decision::Issue {
        replacing: Some(CLAIM),
    };
    const HELD_ANEW: Decision = Decision::Hold {
        replacing: Some(CLAIM),
    };
    const TAKEN: Decision = Decision::Refuse(Refusal::TransactionTaken);

    #[test]
    fn an_unknown_transaction_is_issued() {
        let decision = decide_for(&signed(CSR, KEY, false), None, NOW);
        assert_eq!(decision, Decision::Issue { replacing: None });
        let decision = decide_for(&signed(CSR, KEY, true), None, NOW);
        assert_eq!(decision, Decision::Hold { replacing: None });
    }

    #[test]
    fn the_same_request_again_gets_the_same_certificate() {
        let certificate = certificate();
        check(issued(60), CSR, KEY, Decision::Resend { certificate });
    }

    #[test]
    fn a_corrected_request_of_the_same_key_starts_anew() {
        check(issued(60), OTHER_CSR, KEY, ANEW);
    }

    #[test]
    fn the_same_request_under_another_ra_profile_starts_anew() {
        let elsewhere = RequestFingerprint {
            ra_profile: Uuid::from_u128(8),
            ..request(CSR)
        };
        let elsewhere = Request {
            fingerprint: elsewhere,
            ..signed(CSR, KEY, false)
        };
        assert_eq!(decide_for(&elsewhere, known(issued(60)), NOW), ANEW);
    }

    #[test]
    fn another_key_cannot_use_the_transaction_id() {
        check(issued(60), OTHER_CSR, OTHER_KEY, TAKEN);
        check(issuing(60), OTHER_CSR, OTHER_KEY, TAKEN);
    }

    #[test]
    fn past_its_window_the_transaction_id_is_free() {
        check(issued(-1), CSR, KEY, ANEW);
        check(issued(-1), OTHER_CSR, OTHER_KEY, ANEW);
    }

    #[test]
    fn while_another_process_issues_the_same_key_waits() {
        check(issuing(60), CSR, KEY, Decision::Wait);
        check(issuing(60), OTHER_CSR, KEY, Decision::Wait);
    }

    #[test]
    fn what_a_crash_left_is_finished_by_whoever_comes_next() {
        let resume = Decision::Resume {
            claim: CLAIM,
            issuance: issuance(),
        };
        check(issuing(-1), CSR, KEY, resume.clone());
        check(issuing(-1), OTHER_CSR, KEY, resume.clone());
        check(issuing(-1), OTHER_CSR, OTHER_KEY, resume);
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
    fn what_waits_goes_on_waiting_for_the_same_request_alone() {
        check_held(pending(60), CSR, KEY, Decision::Pending);
        check_held(pending(60), OTHER_CSR, KEY, HELD_ANEW);
        check_held(pending(60), CSR, OTHER_KEY, TAKEN);
        check_held(pending(-1), CSR, OTHER_KEY, HELD_ANEW);
        check_held(issued(60), OTHER_CSR, KEY, HELD_ANEW);
    }

    #[test]
    fn what_waited_is_issued_when_approval_is_not_asked_for_any_more() {
        check(pending(60), CSR, KEY, ANEW);
    }

    #[test]
    fn after_a_rejection_the_transaction_id_is_free() {
        check_held(rejected(60), CSR, KEY, HELD_ANEW);
        check(rejected(60), OTHER_CSR, OTHER_KEY, ANEW);
    }

    #[test]
    fn polls_are_for_the_key_of_the_request() {
        let certificate = certificate();
        check_poll(issued(60), KEY, Decision::Resend { certificate });
        check_poll(pending(60), KEY, Decision::Pending);
        let words = Refusal::Rejected("unknown device".to_owned());
        check_poll(rejected(60), KEY, Decision::Refuse(words));
        check_poll(issuing(60), KEY, Decision::Wait);
        let resume = Decision::Resume {
            claim: CLAIM,
            issuance: issuance(),
        };
        check_poll(issuing(-1), KEY, resume);
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
    fn what_is_forgotten_is_not_pending() {
        let nothing = Decision::Refuse(Refusal::NothingPending);
        assert_eq!(decide_poll(fingerprint(KEY), None, NOW), nothing);
        for state in [issued(-1), pending(-1), rejected(-1)] {
            check_poll(state, KEY, nothing.clone());
        }
    }
}
