//! The state machine of a transaction, RFC 8894 §2.5.1 and §5.2.

use scep_cms::Certificate;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    AuthorisedRequest, AvailableProfile, Fingerprint, Issuance, Refusal, RequestFingerprint,
    Transaction, TransactionState,
};

/// What to do with an authorised request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Claim the transaction for a new certificate, if it is still as it was found.
    Issue {
        /// The claim that was found; `None` where there was no transaction.
        replacing: Option<Uuid>,
    },
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
    decide_for(
        request.fingerprint(profile),
        request.signer_key(),
        known,
        now,
    )
}

fn decide_for(
    request: RequestFingerprint,
    signer_key: Fingerprint,
    known: Option<Transaction>,
    now: OffsetDateTime,
) -> Decision {
    let Some(known) = known else {
        return Decision::Issue { replacing: None };
    };
    match known.state {
        // Past its window the transactionID is free for anyone.
        TransactionState::Issued { resend_until, .. } if resend_until < now => Decision::Issue {
            replacing: Some(known.claim),
        },
        TransactionState::Issued { certificate, .. } if known.request == request => {
            Decision::Resend { certificate }
        }
        // Devices derive the transactionID from their key: their corrected or later request starts anew.
        TransactionState::Issued { .. } if known.signer_key == signer_key => Decision::Issue {
            replacing: Some(known.claim),
        },
        TransactionState::Issuing { lease_until, .. }
            if known.signer_key == signer_key && now <= lease_until =>
        {
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
        TransactionState::Issued { .. } | TransactionState::Issuing { .. } => {
            Decision::Refuse(Refusal::TransactionTaken)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyAlgorithm, KeyReference, SignerClass};

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

    /// What becomes of a request with `csr` signed by `key` when CSR and KEY are known in `state`.
    #[track_caller]
    fn check(state: TransactionState, csr: u8, key: u8, expected: Decision) {
        let known = Transaction {
            claim: CLAIM,
            request: request(CSR),
            signer_key: fingerprint(KEY),
            state,
        };
        let decision = decide_for(request(csr), fingerprint(key), Some(known), NOW);
        assert_eq!(decision, expected);
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
            key: KeyReference("key".to_owned()),
            key_algorithm: KeyAlgorithm::EcP256,
            ra_profile: Uuid::nil(),
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
    const TAKEN: Decision = Decision::Refuse(Refusal::TransactionTaken);

    #[test]
    fn an_unknown_transaction_is_issued() {
        let decision = decide_for(request(CSR), fingerprint(KEY), None, NOW);
        assert_eq!(decision, Decision::Issue { replacing: None });
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
        let known = Transaction {
            claim: CLAIM,
            request: request(CSR),
            signer_key: fingerprint(KEY),
            state: issued(60),
        };
        assert_eq!(
            decide_for(elsewhere, fingerprint(KEY), Some(known), NOW),
            ANEW
        );
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
}
