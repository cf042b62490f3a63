//! What a client sees when it does not get what it asked for: both tables, and nothing outside of them.

use std::borrow::Cow;

use scep_cms::{AttributeError, FailInfo};
use time::Date;

use crate::{RuleViolation, Unavailable};

/// Our signed "no": a CertRep FAILURE with HTTP status 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// transactionID, messageType or senderNonce is not there exactly once.
    Attribute(AttributeError),
    /// The challengePassword is missing or wrong.
    Challenge,
    /// The content is encrypted with an algorithm that is not taken.
    ContentEncryption,
    /// The PKCS #10 request is signed with an algorithm, or for a key, that is not taken.
    CsrAlgorithm,
    /// The message digest is not taken.
    Digest,
    /// The envelope does not open to an intact request. The client is never told which fault it is.
    Envelope(EnvelopeFault),
    /// The profile has nothing that authorises an enrolment.
    EnrolmentNotAuthorised,
    /// The key to be certified is that of a revoked certificate.
    KeyRevoked,
    /// The content key is wrapped in a way that is not taken.
    KeyTransport,
    /// No such messageType.
    MessageType,
    /// A CertPoll for a transaction that is not pending.
    NothingPending,
    /// The request carries no envelope.
    NoEnvelope,
    /// A CertPoll that another key signed than the request.
    PollOfAnother,
    /// The envelope of a GetCert or GetCRL does not open to a query: answered like [`Self::UnknownCertificate`].
    QueryEnvelope(EnvelopeFault),
    /// No recipient is one of the profile's RA certificates.
    Recipient,
    /// The content is encrypted to a certificate of the authority, whose key decrypts nothing.
    RecipientAuthority,
    /// An administrator said no, in these words, if any.
    Rejected(String),
    /// A renewal that asks for names which the certificate did not have.
    RenewalNames,
    /// A renewal for another subject.
    RenewalSubject,
    /// A certificate that may only be renewed from this day on.
    RenewalTooEarly(Date),
    /// The PKCS #10 request is longer than any that is read.
    RequestTooLarge,
    /// The rules of the RA Profile say no.
    Rule(RuleViolation),
    /// The message's digest or signature does not verify, or its signer is not there.
    Signature,
    /// The signer's key or its way of signing is not taken.
    SignerAlgorithm,
    /// The reply cannot be encrypted to the signer's key.
    SignerCannotDecrypt,
    /// The signer's certificate has ended, or has not begun.
    SignerExpired,
    /// The signer's certificate is none of this authority's, or of another RA Profile.
    SignerNotOurs,
    /// The signer's certificate is revoked.
    SignerRevoked,
    /// The certificate that a transaction had is revoked: it is not handed out again.
    Revoked,
    /// As many requests wait for an administrator as a SCEP Profile may have.
    TooManyPending,
    /// The signer's certificate has as many successors as one may have.
    TooManySuccessors,
    /// The transactionID is in use by another key.
    TransactionTaken,
    /// A GetCert or GetCRL for a certificate that the authority has not issued.
    UnknownCertificate,
}

impl Refusal {
    /// The reason, RFC 8894 §3.2.1.4.
    #[must_use]
    pub const fn fail_info(&self) -> FailInfo {
        match self {
            Self::ContentEncryption
            | Self::CsrAlgorithm
            | Self::Digest
            | Self::KeyTransport
            | Self::SignerAlgorithm
            | Self::SignerCannotDecrypt => FailInfo::BadAlg,
            Self::Rule(violation) => violation.fail_info(),
            Self::Envelope(_) | Self::Recipient | Self::RecipientAuthority | Self::Signature => {
                FailInfo::BadMessageCheck
            }
            Self::Attribute(_)
            | Self::Challenge
            | Self::EnrolmentNotAuthorised
            | Self::KeyRevoked
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
            | Self::SignerNotOurs
            | Self::SignerRevoked
            | Self::TooManyPending
            | Self::TooManySuccessors
            | Self::TransactionTaken => FailInfo::BadRequest,
            Self::NothingPending | Self::QueryEnvelope(_) | Self::UnknownCertificate => {
                FailInfo::BadCertId
            }
        }
    }

    /// The reason for a human: failInfoText.
    #[must_use]
    pub fn text(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Attribute(error) => return Cow::Owned(error.to_string()),
            Self::Challenge => "the challengePassword is missing or wrong",
            Self::ContentEncryption => "the content encryption algorithm is not supported",
            Self::CsrAlgorithm => "the algorithm of the PKCS #10 request is not supported",
            Self::Digest => "the message digest algorithm is not supported",
            Self::Envelope(_) => "the content cannot be decrypted",
            Self::EnrolmentNotAuthorised => {
                "the profile has no challengePassword to authorise enrolments"
            }
            Self::KeyRevoked => "the key belongs to a revoked certificate",
            Self::KeyTransport => "the key encryption algorithm is not supported",
            Self::MessageType => "the messageType is unknown",
            Self::NoEnvelope => "the message carries no pkcsPKIEnvelope",
            Self::NothingPending => "no request under this transactionID is pending",
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
            Self::SignerAlgorithm => "the signature algorithm or the signer's key is not supported",
            Self::SignerCannotDecrypt => "the reply cannot be encrypted to the signer's key",
            Self::SignerExpired => "the signer's certificate is not valid now",
            Self::SignerNotOurs => {
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
            Self::QueryEnvelope(_) | Self::UnknownCertificate => {
                "no certificate has this issuer and serial number"
            }
        })
    }
}

impl Refusal {
    /// The reason for an operator: what the client is told, or the fault that it must not learn.
    #[must_use]
    pub fn log_reason(&self) -> Cow<'static, str> {
        if let Self::Envelope(fault) | Self::QueryEnvelope(fault) = self {
            return Cow::Owned(fault.to_string());
        }
        self.text()
    }

    /// Whether the time of the answer would tell an attacker what the envelope opened to. Such an
    /// answer leaves at a fixed time after the end of its request.
    #[must_use]
    pub const fn is_timed(&self) -> bool {
        matches!(
            self,
            Self::Envelope(_) | Self::QueryEnvelope(_) | Self::UnknownCertificate
        )
    }
}

/// Why an envelope does not open to an intact request. For the log: told to a client, it would read
/// captured messages to an attacker octet by octet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    /// The PKCS #10 request is signed with an algorithm, or for a key, that is not taken.
    #[error("the algorithm or key of the PKCS #10 request is not supported")]
    CsrAlgorithm,
    /// The PKCS #10 request's own signature does not verify.
    #[error("the signature of the PKCS #10 request does not verify")]
    CsrSignature,
    /// The PKCS #10 request is for another key than the one that signed the message.
    #[error("the PKCS #10 request is not for the key that signed the message")]
    ForeignKey,
    /// What can be seen from outside is not as it must be.
    #[error("the outline of the envelope is malformed")]
    Outline,
    /// Wrong key or wrong padding.
    #[error("the envelope does not open")]
    Padding,
    /// The encrypted key came before, with another ciphertext.
    #[error("the encrypted key came before with another ciphertext")]
    Reused,
    /// What the envelope holds cannot be read.
    #[error("the envelope holds no readable request")]
    Structure,
}

/// A plain HTTP answer where no CertRep can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The request is too large.
    BodyTooLarge,
    /// A gateway took the message for text and spoilt it.
    DamagedMessage,
    /// Only GET, HEAD, OPTIONS and POST.
    MethodNotAllowed,
    /// The authority has no CRL yet.
    NoCrl,
    /// GetNextCACert while there is no next CA certificate.
    NoNextCaCertificate,
    /// The URL is none of ours.
    NotFound,
    /// Our own failure, which another try will not mend at once.
    OurFault,
    /// Only GET, HEAD and OPTIONS: it can be read, and nothing else.
    ReadOnly,
    /// Our own failure, which passes.
    TryLater,
    /// The endpoint does not serve.
    Unavailable(Unavailable),
    /// No such operation.
    UnknownOperation,
    /// The message is no SignedData, so that nobody knows whom to answer.
    UnreadableMessage,
}

impl Rejection {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::DamagedMessage
            | Self::NoNextCaCertificate
            | Self::UnknownOperation
            | Self::UnreadableMessage => 400,
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
            Self::OurFault => 500,
            Self::TryLater => 503,
        }
    }

    /// The reason in a line, without internals.
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
            Self::OurFault => "the server failed; its log says why",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(refusal: Refusal, fail_info: FailInfo, text: &str) {
        assert_eq!((refusal.fail_info(), &*refusal.text()), (fail_info, text));
    }

    #[test]
    fn every_refusal_has_its_reason() {
        use FailInfo::{BadAlg, BadCertId, BadMessageCheck, BadRequest};
        check(
            Refusal::Attribute(AttributeError("senderNonce")),
            BadRequest,
            "the attribute senderNonce is missing, repeated or malformed",
        );
        check(
            Refusal::Challenge,
            BadRequest,
            "the challengePassword is missing or wrong",
        );
        check(
            Refusal::ContentEncryption,
            BadAlg,
            "the content encryption algorithm is not supported",
        );
        check(
            Refusal::CsrAlgorithm,
            BadAlg,
            "the algorithm of the PKCS #10 request is not supported",
        );
        check(
            Refusal::Digest,
            BadAlg,
            "the message digest algorithm is not supported",
        );
        for fault in FAULTS {
            let closed = "the content cannot be decrypted";
            check(Refusal::Envelope(fault), BadMessageCheck, closed);
            let unknown = "no certificate has this issuer and serial number";
            check(Refusal::QueryEnvelope(fault), BadCertId, unknown);
        }
        check(
            Refusal::EnrolmentNotAuthorised,
            BadRequest,
            "the profile has no challengePassword to authorise enrolments",
        );
        check(
            Refusal::KeyTransport,
            BadAlg,
            "the key encryption algorithm is not supported",
        );
        check(
            Refusal::MessageType,
            BadRequest,
            "the messageType is unknown",
        );
        check(
            Refusal::NothingPending,
            BadCertId,
            "no request under this transactionID is pending",
        );
        check(
            Refusal::NoEnvelope,
            BadRequest,
            "the message carries no pkcsPKIEnvelope",
        );
        check(
            Refusal::PollOfAnother,
            BadRequest,
            "the poll is not signed with the key of the request",
        );
        check(
            Refusal::RecipientAuthority,
            BadMessageCheck,
            "the content is encrypted to the authority's certificate, not to the RA certificate, the first of GetCACert",
        );
        check(
            Refusal::Rejected(String::new()),
            BadRequest,
            "an administrator rejected the request",
        );
        check(
            Refusal::Rejected("unknown device".to_owned()),
            BadRequest,
            "an administrator rejected the request: unknown device",
        );
        check(
            Refusal::RenewalNames,
            BadRequest,
            "a renewal cannot add names to the certificate's",
        );
        check(
            Refusal::RenewalSubject,
            BadRequest,
            "a renewal keeps the subject of the certificate",
        );
        check(
            Refusal::RenewalTooEarly(time::OffsetDateTime::UNIX_EPOCH.date()),
            BadRequest,
            "the certificate cannot be renewed before 1970-01-01",
        );
        check(
            Refusal::SignerExpired,
            BadRequest,
            "the signer's certificate is not valid now",
        );
        check(
            Refusal::SignerNotOurs,
            BadRequest,
            "the signer's certificate was not issued by this authority under this RA Profile",
        );
        check(
            Refusal::SignerRevoked,
            BadRequest,
            "the signer's certificate is revoked",
        );
        check(
            Refusal::UnknownCertificate,
            BadCertId,
            "no certificate has this issuer and serial number",
        );
        check(
            Refusal::Recipient,
            BadMessageCheck,
            "the content is not encrypted to this RA certificate",
        );
        check(
            Refusal::Signature,
            BadMessageCheck,
            "the message signature does not verify",
        );
        check(
            Refusal::SignerAlgorithm,
            BadAlg,
            "the signature algorithm or the signer's key is not supported",
        );
        check(
            Refusal::SignerCannotDecrypt,
            BadAlg,
            "the reply cannot be encrypted to the signer's key",
        );
        check(
            Refusal::RequestTooLarge,
            BadRequest,
            "the PKCS #10 request is larger than 16 KiB",
        );
        check(
            Refusal::KeyRevoked,
            BadRequest,
            "the key belongs to a revoked certificate",
        );
        check(
            Refusal::TooManyPending,
            BadRequest,
            "too many requests wait for approval under this SCEP Profile; try again later",
        );
        check(
            Refusal::TooManySuccessors,
            BadRequest,
            "the certificate was renewed too often; ask an administrator to revoke its successors",
        );
        check(
            Refusal::TransactionTaken,
            BadRequest,
            "the transactionID belongs to another request",
        );
    }

    const FAULTS: [EnvelopeFault; 7] = [
        EnvelopeFault::CsrAlgorithm,
        EnvelopeFault::CsrSignature,
        EnvelopeFault::ForeignKey,
        EnvelopeFault::Outline,
        EnvelopeFault::Padding,
        EnvelopeFault::Reused,
        EnvelopeFault::Structure,
    ];

    /// The log names each fault of an envelope, and its answer is timed; other refusals say what they log.
    #[test]
    fn what_an_attacker_must_not_learn_is_for_the_log() {
        for fault in FAULTS {
            let refusal = Refusal::Envelope(fault);
            assert_eq!(refusal.log_reason(), fault.to_string());
            assert_ne!(refusal.log_reason(), refusal.text());
            assert!(refusal.is_timed() && Refusal::QueryEnvelope(fault).is_timed());
        }
        assert!(Refusal::UnknownCertificate.is_timed());
        assert_eq!(Refusal::Challenge.log_reason(), Refusal::Challenge.text());
        assert!(!Refusal::Challenge.is_timed());
    }

    #[test]
    fn every_rejection_has_its_status() {
        #[track_caller]
        fn check(rejection: Rejection, status: u16) {
            assert_eq!(rejection.status(), status);
            assert!((10..80).contains(&rejection.text().len()));
        }
        check(Rejection::BodyTooLarge, 413);
        check(Rejection::MethodNotAllowed, 405);
        check(Rejection::ReadOnly, 405);
        check(Rejection::DamagedMessage, 400);
        check(Rejection::NoNextCaCertificate, 400);
        check(Rejection::NoCrl, 404);
        check(Rejection::NotFound, 404);
        check(Rejection::OurFault, 500);
        check(Rejection::TryLater, 503);
        check(Rejection::UnknownOperation, 400);
        check(Rejection::UnreadableMessage, 400);
        check(Rejection::Unavailable(Unavailable::AuthorityExpired), 403);
        check(Rejection::Unavailable(Unavailable::AuthorityMissing), 403);
        check(Rejection::Unavailable(Unavailable::AuthorityNotActive), 403);
        check(
            Rejection::Unavailable(Unavailable::RaCertificateExpired),
            403,
        );
        check(
            Rejection::Unavailable(Unavailable::RaCertificateMissing),
            403,
        );
        check(Rejection::Unavailable(Unavailable::RaCertificateUnfit), 403);
        check(Rejection::Unavailable(Unavailable::RaProfileDisabled), 403);
        check(Rejection::Unavailable(Unavailable::RaProfileUnknown), 404);
        check(
            Rejection::Unavailable(Unavailable::ScepProfileDisabled),
            403,
        );
        check(Rejection::Unavailable(Unavailable::ScepProfileUnknown), 404);
        check(Rejection::Unavailable(Unavailable::ScepNotActivated), 403);
        check(
            Rejection::Unavailable(Unavailable::WithoutDefaultRaProfile),
            403,
        );
    }
}
