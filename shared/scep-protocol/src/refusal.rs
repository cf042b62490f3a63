//! The answers to requests that are not granted: a table of CertRep failures and a table of HTTP
//! errors. Clients get no refusal that is not in one of them.

use std::borrow::Cow;

use ca::template::RuleViolation;
use scep_cms::algorithm_name::UnsupportedAlgorithm;
use scep_cms::attribute::FailInfo;
use scep_cms::csr_fault::CsrFault;
use scep_cms::error::{AttributeError, DecodeError};
use strum::{EnumDiscriminants, EnumString, IntoStaticStr, VariantArray};
use time::Date;

use crate::availability::Unavailable;
use crate::envelope_fault::EnvelopeFault;

/// A refusal: a signed CertRep with pkiStatus FAILURE, sent with HTTP status 200.
#[derive(Clone, Debug, PartialEq, Eq, EnumDiscriminants)]
#[strum_discriminants(
    name(RefusalKind),
    doc = "The kind of a refusal, without what it says about the request.",
    derive(EnumString, Hash, IntoStaticStr, Ord, PartialOrd, VariantArray),
    strum(serialize_all = "camelCase")
)]
pub enum Refusal {
    /// transactionID, messageType or senderNonce is missing, repeated or malformed.
    Attribute(AttributeError),
    /// The challengePassword is wrong. Answered like [`Self::ChallengeMissing`].
    Challenge,
    /// The one-time challenge has expired, or an administrator deleted it.
    ChallengeExpired,
    /// The request has no challengePassword.
    ChallengeMissing,
    /// The one-time challenge is for another RA Profile, transactionID or name: this one.
    ChallengeMisbound(&'static str),
    /// The one-time challenge has no use left.
    ChallengeUsed,
    /// The content is encrypted with an unsupported algorithm.
    ContentEncryption(UnsupportedAlgorithm),
    /// The PKCS #10 request's own signature verifies, but its attributes are unreadable or
    /// contradict each other.
    Csr(CsrFault),
    /// Intune or the administrator's webhook refused the enrolment, for this reason; may be empty.
    Denied(String),
    /// The message digest is unsupported.
    Digest(UnsupportedAlgorithm),
    /// The envelope does not open to an intact request. The client never learns which fault it is.
    Envelope(EnvelopeFault),
    /// The profile has nothing that authorises an enrolment.
    EnrolmentNotAuthorised,
    /// The key to be certified belongs to a revoked certificate.
    KeyRevoked,
    /// The content key is wrapped with an unsupported algorithm.
    KeyTransport(UnsupportedAlgorithm),
    /// The address or key of the client is locked out. Answered like [`Self::Challenge`].
    LockedOut,
    /// The messageType is unknown, or not one that a client sends.
    MessageType,
    /// The message carries no envelope.
    NoEnvelope,
    /// The content key is wrapped under a challengePassword, but the profile has none.
    NoPassword,
    /// A CertPoll for a transaction that is not pending.
    NothingPending,
    /// The content key is wrapped under a challengePassword in a malformed structure.
    PasswordRecipient(DecodeError),
    /// A CertPoll that is not signed with the key of the pending request.
    PollOfAnother,
    /// The envelope of a GetCert or GetCRL does not open to a query. Answered like
    /// [`Self::UnknownCertificate`].
    QueryEnvelope(EnvelopeFault),
    /// No recipient is one of the profile's RA certificates.
    Recipient,
    /// The content is encrypted to a certificate of the authority, whose key cannot decrypt.
    RecipientAuthority,
    /// An administrator rejected the request, for this reason; may be empty.
    Rejected(String),
    /// A renewal that asks for names which the certificate does not have.
    RenewalNames,
    /// A renewal for another subject.
    RenewalSubject,
    /// A renewal before this day, on which the certificate becomes renewable.
    RenewalTooEarly(Date),
    /// The PKCS #10 request exceeds the size limit.
    RequestTooLarge,
    /// The certificate of the transaction is revoked, so it is not sent again.
    Revoked,
    /// The request violates a rule of the RA Profile.
    Rule(RuleViolation),
    /// The message's digest or signature does not verify, or the signer's certificate is missing.
    Signature,
    /// The signature algorithm of the message is unsupported.
    SignerAlgorithm(UnsupportedAlgorithm),
    /// The reply cannot be encrypted to the signer's key.
    SignerCannotDecrypt,
    /// The signer's certificate has expired or is not valid yet.
    SignerExpired,
    /// The signer's key is unsupported, or unsupported with its signature algorithm.
    SignerKey,
    /// The signer's certificate was not issued by this authority under this RA Profile.
    SignerUnknown,
    /// The signer's certificate is revoked.
    SignerRevoked,
    /// The SCEP Profile has reached its limit of pending requests.
    TooManyPending,
    /// The signer's certificate has reached its limit of successors.
    TooManySuccessors,
    /// The transactionID is in use by another key.
    TransactionTaken,
    /// A GetCert or GetCRL for a certificate that the authority has not issued.
    UnknownCertificate,
}

impl Refusal {
    /// The failInfo of the reply, RFC 8894 §3.2.1.4.
    #[must_use]
    pub const fn fail_info(&self) -> FailInfo {
        match self {
            Self::ContentEncryption(_)
            | Self::Digest(_)
            | Self::KeyTransport(_)
            | Self::NoPassword
            | Self::PasswordRecipient(_)
            | Self::SignerAlgorithm(_)
            | Self::SignerCannotDecrypt
            | Self::SignerKey => FailInfo::BadAlg,
            Self::Rule(violation) => rule_fail_info(violation),
            // All faults of an envelope are one failInfo: see `EnvelopeFault`.
            Self::Envelope(_) | Self::Recipient | Self::RecipientAuthority | Self::Signature => {
                FailInfo::BadMessageCheck
            }
            Self::Attribute(_)
            | Self::Challenge
            | Self::ChallengeExpired
            | Self::ChallengeMisbound(_)
            | Self::ChallengeMissing
            | Self::ChallengeUsed
            | Self::Csr(_)
            | Self::Denied(_)
            | Self::EnrolmentNotAuthorised
            | Self::KeyRevoked
            | Self::LockedOut
            | Self::MessageType
            | Self::NoEnvelope
            | Self::PollOfAnother
            | Self::Rejected(_)
            | Self::RenewalNames
            | Self::RenewalSubject
            | Self::RenewalTooEarly(_)
            | Self::RequestTooLarge
            | Self::Revoked
            | Self::SignerExpired
            | Self::SignerUnknown
            | Self::SignerRevoked
            | Self::TooManyPending
            | Self::TooManySuccessors
            | Self::TransactionTaken => FailInfo::BadRequest,
            Self::NothingPending | Self::QueryEnvelope(_) | Self::UnknownCertificate => {
                FailInfo::BadCertId
            }
        }
    }

    /// The failInfoText of the reply: the reason for a human.
    #[must_use]
    pub fn text(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Attribute(error) => return Cow::Owned(error.to_string()),
            // A client that is locked out must not learn whether the challenge was right.
            Self::Challenge | Self::ChallengeMissing | Self::LockedOut => {
                "the challengePassword is missing or wrong"
            }
            Self::ChallengeExpired => "the challengePassword is no longer valid",
            Self::ChallengeMisbound(bound) => {
                return Cow::Owned(format!("the challengePassword is for another {bound}"));
            }
            Self::ChallengeUsed => "the challengePassword has been used",
            Self::ContentEncryption(algorithm) => {
                return describe_unsupported("content encryption", *algorithm);
            }
            Self::Csr(fault) => return Cow::Owned(fault.to_string()),
            Self::Denied(reason) if reason.is_empty() => "the enrolment was not authorised",
            Self::Denied(reason) => {
                return Cow::Owned(format!("the enrolment was not authorised: {reason}"));
            }
            Self::Digest(algorithm) => return describe_unsupported("message digest", *algorithm),
            // The fault itself must not leave the server: it would be a decryption oracle.
            Self::Envelope(_) => "the content cannot be decrypted",
            Self::EnrolmentNotAuthorised => {
                "the profile has no challengePassword to authorise enrolments"
            }
            Self::KeyRevoked => "the key belongs to a revoked certificate",
            Self::KeyTransport(algorithm) => {
                return describe_unsupported("key encryption", *algorithm);
            }
            Self::MessageType => "the messageType is unknown",
            Self::NoEnvelope => "the message carries no pkcsPKIEnvelope",
            Self::NoPassword => "the profile has no challengePassword to decrypt with",
            Self::NothingPending => "no request under this transactionID is pending",
            Self::PasswordRecipient(error) => {
                return Cow::Owned(format!("the PasswordRecipientInfo is malformed: {error}"));
            }
            Self::PollOfAnother => "the poll is not signed with the key of the request",
            Self::Recipient => "the content is not encrypted to this RA certificate",
            Self::RecipientAuthority => {
                "the content is encrypted to the authority's certificate, not to the RA certificate, the first of GetCACert"
            }
            Self::Rejected(reason) if reason.is_empty() => "an administrator rejected the request",
            Self::Rejected(reason) => {
                return Cow::Owned(format!("an administrator rejected the request: {reason}"));
            }
            Self::RenewalNames => "a renewal cannot add names to the certificate's",
            Self::RenewalSubject => "a renewal keeps the subject of the certificate",
            Self::RenewalTooEarly(day) => {
                return Cow::Owned(format!("the certificate cannot be renewed before {day}"));
            }
            Self::RequestTooLarge => "the PKCS #10 request is larger than 16 KiB",
            Self::Revoked => "the certificate of this transaction is revoked",
            Self::Rule(violation) => return Cow::Owned(violation.to_string()),
            Self::Signature => "the message signature does not verify",
            Self::SignerAlgorithm(algorithm) => {
                return describe_unsupported("signature", *algorithm);
            }
            Self::SignerCannotDecrypt => "the reply cannot be encrypted to the signer's key",
            Self::SignerExpired => "the signer's certificate is not valid now",
            Self::SignerKey => {
                "the signer's key is not supported, or not with this signature algorithm: RSA of 1024 to 8192 bits, or EC on P-256, P-384 or P-521"
            }
            Self::SignerUnknown => {
                "the signer's certificate was not issued by this authority under this RA Profile"
            }
            Self::SignerRevoked => "the signer's certificate is revoked",
            Self::TooManyPending => {
                "too many requests wait for approval under this SCEP Profile; try again later"
            }
            Self::TooManySuccessors => {
                "the certificate was renewed too often; ask an administrator to revoke its successors"
            }
            Self::TransactionTaken => "the transactionID belongs to another request",
            // Both have the same text, so that a modified query which happens to decrypt tells
            // nothing.
            Self::QueryEnvelope(_) | Self::UnknownCertificate => {
                "no certificate has this issuer and serial number"
            }
        })
    }
}

fn describe_unsupported(purpose: &str, algorithm: UnsupportedAlgorithm) -> Cow<'static, str> {
    Cow::Owned(format!(
        "the {purpose} algorithm {algorithm} is not supported"
    ))
}

impl Refusal {
    /// The reason to log: the text that the client gets, or the envelope fault that it must not
    /// learn.
    #[must_use]
    pub fn log_reason(&self) -> Cow<'static, str> {
        if let Self::Envelope(fault) | Self::QueryEnvelope(fault) = self {
            return Cow::Owned(fault.with_causes());
        }
        if *self == Self::LockedOut {
            return Cow::Borrowed("the client is locked out after too many wrong challenges");
        }
        self.text()
    }

    /// Whether the refusal counts towards a lock-out of the client: the challenge was looked at and
    /// found wrong. A missing challenge does not count.
    #[must_use]
    pub const fn is_wrong_challenge(&self) -> bool {
        matches!(
            self,
            Self::Challenge
                | Self::ChallengeExpired
                | Self::ChallengeMisbound(_)
                | Self::ChallengeUsed
                | Self::Denied(_)
        )
    }

    /// Whether services may hear of the refusal of an authentic request. `is_vouched` says that a
    /// challenge source vouched for it. The number of wrong challenges is bounded by lock-outs; all
    /// else needs a source that vouches, and is not for what a client without a right challenge, or
    /// with a certificate or a transaction once obtained, can cause without end.
    // Each one costs a write and a request, and may fill the store while the service is down.
    #[must_use]
    pub const fn is_announced(&self, is_vouched: bool) -> bool {
        let is_endless = matches!(
            self,
            Self::ChallengeMissing
                | Self::EnrolmentNotAuthorised
                | Self::LockedOut
                | Self::MessageType
                | Self::RenewalNames
                | Self::RenewalSubject
                | Self::RenewalTooEarly(_)
                | Self::Revoked
                | Self::SignerExpired
                | Self::SignerRevoked
                | Self::SignerUnknown
                | Self::TooManyPending
                | Self::TransactionTaken
        );
        self.is_wrong_challenge() || (is_vouched && !is_endless)
    }

    /// Whether the timing of the answer could reveal what the envelope decrypts to. Such an answer
    /// is sent at a fixed time after the end of its request.
    #[must_use]
    pub const fn is_timed(&self) -> bool {
        matches!(
            self,
            Self::Envelope(_) | Self::QueryEnvelope(_) | Self::UnknownCertificate
        )
    }
}

/// A plain HTTP error, for cases in which no CertRep can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpRejection {
    /// The request body is too large.
    BodyTooLarge,
    /// A gateway treated the binary message as text and damaged it.
    DamagedMessage,
    /// The method is not GET, HEAD, OPTIONS or POST.
    MethodNotAllowed,
    /// The authority has no CRL yet.
    NoCrl,
    /// A GetNextCACert while there is no next CA certificate.
    NoNextCaCertificate,
    /// The URL does not exist.
    NotFound,
    /// An internal failure that a retry will not resolve soon.
    InternalFailure,
    /// The method is not GET, HEAD or OPTIONS, and the resource is read-only.
    ReadOnly,
    /// A transient internal failure.
    TryLater,
    /// The endpoint does not serve.
    Unavailable(Unavailable),
    /// The operation does not exist.
    UnknownOperation,
    /// The message is not a SignedData, so it is unknown whom to reply to.
    UnreadableMessage,
}

impl HttpRejection {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::DamagedMessage
            | Self::NoNextCaCertificate
            | Self::UnknownOperation
            | Self::UnreadableMessage => 400,
            // 404 is for names that do not exist. In all other cases the URL is right, and an
            // administrator has to act.
            Self::Unavailable(unavailable) => match unavailable {
                Unavailable::ScepProfileUnknown | Unavailable::RaProfileUnknown => 404,
                Unavailable::AuthorityExpired
                | Unavailable::AuthorityMissing
                | Unavailable::AuthorityNotActive
                | Unavailable::RaCertificateExpired
                | Unavailable::RaCertificateMissing
                | Unavailable::RaCertificateUnfit
                | Unavailable::RaProfileDisabled
                | Unavailable::ScepProfileDisabled
                | Unavailable::ScepNotActivated
                | Unavailable::WithoutDefaultRaProfile => 403,
            },
            Self::NoCrl | Self::NotFound => 404,
            Self::MethodNotAllowed | Self::ReadOnly => 405,
            Self::BodyTooLarge => 413,
            Self::InternalFailure => 500,
            Self::TryLater => 503,
        }
    }

    /// The body of the response: the reason in one line, without internal details.
    #[must_use]
    pub fn text(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::BodyTooLarge => "the message is larger than 256 KiB",
            Self::DamagedMessage => {
                "a Content-Type of text spoils messages: use application/x-pki-message"
            }
            Self::MethodNotAllowed => "only GET and POST are answered here",
            Self::NoCrl => "there is no such CRL",
            Self::NoNextCaCertificate => "there is no next CA certificate",
            Self::NotFound => "there is nothing at this URL",
            Self::InternalFailure => "the server failed; its log says why",
            Self::ReadOnly => "only GET and HEAD are answered here",
            Self::TryLater => "the server is busy; try again",
            Self::Unavailable(unavailable) => return Cow::Owned(unavailable.to_string()),
            Self::UnknownOperation => {
                "the operation is not one of GetCACaps, GetCACert, GetNextCACert, PKIOperation"
            }
            Self::UnreadableMessage => "the message is not a readable SignedData",
        })
    }
}

/// The failInfo of a reply to a request that violates a rule, RFC 8894 §3.2.1.4.
const fn rule_fail_info(violation: &RuleViolation) -> FailInfo {
    match violation {
        // badAlg is for keys, which the client has to replace; badRequest is for contents that
        // it can correct.
        RuleViolation::Curve(_) | RuleViolation::RsaTooShort { .. } | RuleViolation::WeakKey(_) => {
            FailInfo::BadAlg
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
        | RuleViolation::Validity => FailInfo::BadRequest,
    }
}

#[cfg(test)]
mod tests;
