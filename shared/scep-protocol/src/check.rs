//! The checks that a request passes one after the other, and which of them a refusal comes from.

use ca::template::RuleViolation;
use scep_cms::message_type::MessageType;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::envelope_fault::EnvelopeFault;
use crate::refusal::Refusal;

/// A check of a request. The order of the variants is the order in which requests pass them.
#[derive(
    Clone,
    Copy,
    Debug,
    EnumString,
    Eq,
    Hash,
    IntoStaticStr,
    Ord,
    PartialEq,
    PartialOrd,
    VariantArray,
)]
#[strum(serialize_all = "camelCase")]
pub enum Check {
    /// The endpoint serves: both profiles, the RA certificate and the authority.
    Availability,
    /// The message is a SignedData.
    Format,
    /// messageType, transactionID and senderNonce.
    Attributes,
    /// The digest and the signature algorithm of the message, and the signer's key.
    Algorithms,
    /// The message's digest and signature verify.
    Signature,
    /// The reply can be encrypted to the signer.
    ReplyEncryption,
    /// The signer may send such a message.
    Signer,
    /// The algorithms of the envelope, and its recipient.
    Encryption,
    /// The envelope opens to an intact request.
    Content,
    /// The attributes of the PKCS #10 request.
    Request,
    /// A renewal is due, or a challenge source vouches for the enrolment.
    Authorisation,
    /// The key may be certified.
    Key,
    /// The transactionID is free, or belongs to the client.
    Transaction,
    /// An administrator has approved, or may yet.
    Approval,
    /// The rules of the RA Profile.
    Rules,
    /// The certificate that a GetCert or GetCRL asks for exists.
    Query,
}

impl Check {
    /// Returns the name used in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the checks of a message, in their order. A message of unknown type is taken for an
    /// enrolment, as nearly all are.
    #[must_use]
    pub fn all_of(message_type: Option<MessageType>) -> Vec<Self> {
        Self::VARIANTS
            .iter()
            .copied()
            .filter(|check| check.is_made_for(message_type))
            .collect()
    }

    const fn is_made_for(self, message_type: Option<MessageType>) -> bool {
        let of = Messages::of(message_type);
        match self {
            Self::Availability
            | Self::Format
            | Self::Attributes
            | Self::Algorithms
            | Self::Signature
            | Self::ReplyEncryption => true,
            // A poll is answered by its attributes and its signer.
            Self::Signer | Self::Encryption | Self::Content => !matches!(of, Messages::Poll),
            Self::Request | Self::Authorisation | Self::Key | Self::Rules => {
                matches!(of, Messages::Request)
            }
            Self::Transaction | Self::Approval => !matches!(of, Messages::Query),
            Self::Query => matches!(of, Messages::Query),
        }
    }
}

/// The kinds of messages that differ in their checks.
#[derive(Clone, Copy)]
enum Messages {
    Poll,
    Query,
    Request,
}

impl Messages {
    const fn of(message_type: Option<MessageType>) -> Self {
        match message_type {
            Some(MessageType::CertPoll) => Self::Poll,
            Some(MessageType::GetCert | MessageType::GetCrl) => Self::Query,
            Some(MessageType::CertRep | MessageType::PkcsReq | MessageType::RenewalReq) | None => {
                Self::Request
            }
        }
    }
}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    /// The request passed it.
    Passed,
    /// The request was refused by it.
    Failed,
    /// The request was refused before.
    NotReached,
}

/// Returns the checks of a message with their outcomes, when it was refused by `failed`.
#[must_use]
pub fn list_outcomes(
    message_type: Option<MessageType>,
    failed: Check,
) -> Vec<(Check, CheckOutcome)> {
    Check::all_of(message_type)
        .into_iter()
        .map(|check| {
            let outcome = match check.cmp(&failed) {
                std::cmp::Ordering::Less => CheckOutcome::Passed,
                std::cmp::Ordering::Equal => CheckOutcome::Failed,
                std::cmp::Ordering::Greater => CheckOutcome::NotReached,
            };
            (check, outcome)
        })
        .collect()
}

impl Refusal {
    /// Returns the check that the request failed. `is_open` says that its envelope had opened: the
    /// certificate of a signer matters before that, and once more for a renewal.
    #[must_use]
    pub const fn failed_check(&self, is_open: bool) -> Check {
        match self {
            Self::Attribute(_) | Self::MessageType => Check::Attributes,
            Self::Digest(_) | Self::SignerAlgorithm(_) | Self::SignerKey => Check::Algorithms,
            Self::Signature => Check::Signature,
            Self::SignerCannotDecrypt => Check::ReplyEncryption,
            Self::SignerExpired | Self::SignerRevoked | Self::SignerUnknown if is_open => {
                Check::Authorisation
            }
            Self::SignerExpired | Self::SignerRevoked | Self::SignerUnknown => Check::Signer,
            Self::ContentEncryption(_)
            | Self::KeyTransport(_)
            | Self::NoEnvelope
            | Self::NoPassword
            | Self::PasswordRecipient(_)
            | Self::Recipient
            | Self::RecipientAuthority
            | Self::RequestTooLarge => Check::Encryption,
            Self::Envelope(fault) | Self::QueryEnvelope(fault) => fault.failed_check(),
            Self::Csr(_) => Check::Request,
            Self::Challenge
            | Self::ChallengeExpired
            | Self::ChallengeMisbound(_)
            | Self::ChallengeMissing
            | Self::ChallengeUsed
            | Self::Denied(_)
            | Self::EnrolmentNotAuthorised
            | Self::LockedOut
            | Self::RenewalNames
            | Self::RenewalSubject
            | Self::RenewalTooEarly(_) => Check::Authorisation,
            Self::KeyRevoked => Check::Key,
            Self::NothingPending
            | Self::PollOfAnother
            | Self::Revoked
            | Self::TooManySuccessors
            | Self::TransactionTaken => Check::Transaction,
            Self::Rejected(_) | Self::TooManyPending => Check::Approval,
            Self::Rule(violation) => rule_check(violation),
            Self::UnknownCertificate => Check::Query,
        }
    }
}

impl EnvelopeFault {
    const fn failed_check(&self) -> Check {
        match self {
            // These are seen from outside of the envelope.
            Self::Outline(_) | Self::WrappedKeyLength { .. } => Check::Encryption,
            Self::CsrAlgorithm(_)
            | Self::CsrKey
            | Self::CsrSignature
            | Self::ForeignKey
            | Self::Key
            | Self::KeyLength { .. }
            | Self::LockedOut
            | Self::Padding
            | Self::Query(_)
            | Self::Reused
            | Self::Structure(_) => Check::Content,
        }
    }
}

/// The check of a violated rule: those of the key come before all others.
const fn rule_check(violation: &RuleViolation) -> Check {
    match violation {
        RuleViolation::Curve(_) | RuleViolation::RsaTooShort { .. } | RuleViolation::WeakKey(_) => {
            Check::Key
        }
        RuleViolation::CommonNameAsDns { .. }
        | RuleViolation::CommonNamePattern(_)
        | RuleViolation::KeyUsage { .. }
        | RuleViolation::Nameless
        | RuleViolation::SecurityIdentifier(_)
        | RuleViolation::SecurityIdentifierName(_)
        | RuleViolation::SubjectAltNameCount { .. }
        | RuleViolation::SubjectAltNamePattern(..)
        | RuleViolation::SubjectAltNameTooLong { .. }
        | RuleViolation::SubjectAltNameType(..)
        | RuleViolation::SubjectAltNameUnbound(..)
        | RuleViolation::SubjectAltNameUnreadable(_)
        | RuleViolation::SubjectAltNameValue { .. }
        | RuleViolation::SubjectAltNameWildcard(_)
        | RuleViolation::SubjectAltNamesDiffer(_)
        | RuleViolation::SubjectAttribute(_)
        | RuleViolation::SubjectFixed(..)
        | RuleViolation::SubjectLacks(_)
        | RuleViolation::SubjectPartEmpty(_)
        | RuleViolation::SubjectPartTwice { .. }
        | RuleViolation::SubjectTooLong { .. }
        | RuleViolation::SubjectUnreadable(_)
        | RuleViolation::SubjectValue { .. }
        | RuleViolation::Validity => Check::Rules,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the outcomes, by their first letters, of a message that this check refuses.
    #[track_caller]
    fn check(message_type: MessageType, failed: Check, expected: &str) {
        let letters: Vec<_> = list_outcomes(Some(message_type), failed)
            .into_iter()
            .map(|(check, outcome)| {
                let letter = match outcome {
                    CheckOutcome::Passed => "+",
                    CheckOutcome::Failed => "!",
                    CheckOutcome::NotReached => "?",
                };
                format!("{letter}{}", check.name())
            })
            .collect();
        assert_eq!(letters.join(" "), expected);
    }

    #[test]
    fn what_precedes_the_failed_check_is_passed_and_what_follows_is_not_reached() {
        check(
            MessageType::PkcsReq,
            Check::Authorisation,
            "+availability +format +attributes +algorithms +signature +replyEncryption +signer \
             +encryption +content +request !authorisation ?key ?transaction ?approval ?rules",
        );
        check(
            MessageType::CertPoll,
            Check::Transaction,
            "+availability +format +attributes +algorithms +signature +replyEncryption \
             !transaction ?approval",
        );
        check(
            MessageType::GetCrl,
            Check::Signer,
            "+availability +format +attributes +algorithms +signature +replyEncryption !signer \
             ?encryption ?content ?query",
        );
    }

    #[test]
    fn an_expired_signer_fails_before_the_envelope_opens_or_as_one_who_renews() {
        let failed = |is_open| Refusal::SignerExpired.failed_check(is_open);
        assert_eq!(failed(false), Check::Signer);
        assert_eq!(failed(true), Check::Authorisation);
    }
}
