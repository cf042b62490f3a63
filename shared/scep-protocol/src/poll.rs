//! The answer to a CertPoll, RFC 8894 §3.3.3.

use time::OffsetDateTime;

use crate::decide::{InterruptedIssuance, ResendableCertificate};
use crate::refusal::Refusal;
use crate::transaction::{Fingerprint, Transaction, TransactionState};

/// What to do with a poll. A poll never claims a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollDecision {
    /// Answer PENDING: the request is waiting for an administrator.
    Pending,
    /// Finish an interrupted issuance: take over the claim, sign the same bytes, then decide again.
    Resume(Box<InterruptedIssuance>),
    /// Answer with the certificate that was issued for the request.
    Resend(ResendableCertificate),
    /// Another process holds the claim: read the transaction again later.
    Wait,
    /// Refuse the poll.
    Refuse(Refusal),
}

/// Decides about a CertPoll signed by this key, given the transaction that it names.
#[must_use]
pub fn decide_poll(
    signer_key: Fingerprint,
    known: Option<Transaction>,
    now: OffsetDateTime,
) -> PollDecision {
    let Some(known) = known.filter(|known| known.state.is_live(now)) else {
        return PollDecision::Refuse(Refusal::NothingPending);
    };
    // A proxy may have signed the request, and either the proxy or the device may poll for it.
    if ![known.signer_key, known.requester_key].contains(&signer_key) {
        return PollDecision::Refuse(Refusal::PollOfAnother);
    }
    match known.state {
        TransactionState::Issued {
            certificate,
            authority,
            generation,
            ..
        } => PollDecision::Resend(ResendableCertificate {
            certificate,
            authority,
            generation,
        }),
        TransactionState::Pending { .. } => PollDecision::Pending,
        TransactionState::Rejected { reason, .. } => {
            PollDecision::Refuse(Refusal::Rejected(reason))
        }
        TransactionState::Issuing { lease_until, .. } if now <= lease_until => PollDecision::Wait,
        TransactionState::Issuing { issuance, .. } => {
            PollDecision::Resume(Box::new(InterruptedIssuance {
                key: known.key,
                claim: known.claim,
                issuance,
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::tests::{
        KEY, NOW, OTHER_KEY, interrupted_issuance, issued_state, issuing_state, make_fingerprint,
        make_transaction, pending_state, rejected_state, resendable_certificate,
    };

    #[track_caller]
    fn check_poll(state: TransactionState, key: u8, expected: PollDecision) {
        let known = Some(make_transaction(state));
        assert_eq!(decide_poll(make_fingerprint(key), known, NOW), expected);
    }

    #[test]
    fn a_window_includes_its_end() {
        check_poll(
            issued_state(0),
            KEY,
            PollDecision::Resend(resendable_certificate()),
        );
        check_poll(pending_state(0), KEY, PollDecision::Pending);
        check_poll(issuing_state(0), KEY, PollDecision::Wait);
    }

    #[test]
    fn polls_are_for_the_key_of_the_request() {
        check_poll(
            issued_state(60),
            KEY,
            PollDecision::Resend(resendable_certificate()),
        );
        check_poll(pending_state(60), KEY, PollDecision::Pending);
        let words = Refusal::Rejected("unknown device".to_owned());
        check_poll(rejected_state(60), KEY, PollDecision::Refuse(words));
        check_poll(issuing_state(60), KEY, PollDecision::Wait);
        check_poll(
            issuing_state(-1),
            KEY,
            PollDecision::Resume(Box::new(interrupted_issuance())),
        );
        for state in [
            issued_state(60),
            pending_state(60),
            rejected_state(60),
            issuing_state(60),
            issuing_state(-1),
        ] {
            check_poll(
                state,
                OTHER_KEY,
                PollDecision::Refuse(Refusal::PollOfAnother),
            );
        }
    }

    #[test]
    fn an_expired_transaction_is_not_pending() {
        let nothing = PollDecision::Refuse(Refusal::NothingPending);
        assert_eq!(decide_poll(make_fingerprint(KEY), None, NOW), nothing);
        for state in [issued_state(-1), pending_state(-1), rejected_state(-1)] {
            check_poll(state, KEY, nothing.clone());
        }
    }
}
