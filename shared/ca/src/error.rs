//! Why a certificate, a CRL or a request is not made.

use scep_cms::error::{DecodeError, EncodeError};

use crate::template::{RuleViolation, SubjectAttribute};

/// Why a certificate, a CRL or a PKCS #10 request cannot be built: a bug, corrupt data or an
/// administrator's settings. A client never causes it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// What it is built from, such as the authority's certificate, cannot be decoded.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// A kind of names that somebody can vouch for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VouchedKind {
    /// The security identifier.
    Sid,
    /// The attributes of the subject.
    Subject,
    /// The names in subjectAltName.
    SubjectAltName,
}

impl VouchedKind {
    /// The name that a client gets to read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sid => "SID",
            Self::Subject => "subject",
            Self::SubjectAltName => "subjectAltName",
        }
    }
}

/// Why a request results in no certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// An internal error, which is not the client's fault.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The request asks for another name of this kind than the one that is vouched for.
    #[error("the request asks for another {kind} than is vouched for", kind = .0.name())]
    Misbound(VouchedKind),
    /// A renewal asks for names that the certificate to renew does not have.
    #[error("the renewal adds names to subjectAltName")]
    RenewalNames,
    /// A renewal asks for another subject than that of the certificate to renew.
    #[error("the renewal changes the subject")]
    RenewalSubject,
    /// The request breaks a rule of the template.
    #[error(transparent)]
    Rule(#[from] RuleViolation),
}

impl From<DecodeError> for IssueError {
    fn from(error: DecodeError) -> Self {
        Self::Build(error.into())
    }
}

impl From<EncodeError> for IssueError {
    fn from(error: EncodeError) -> Self {
        Self::Build(error.into())
    }
}

/// Why a text that an administrator wrote cannot be the subject of one of the server's
/// certificates.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// The subject has no attribute, or the CN is blank.
    #[error("the subject is empty")]
    Empty,
    /// The value of this attribute is blank, or not one that the attribute allows.
    #[error("the value of {0} is not allowed")]
    InvalidAttribute(SubjectAttribute),
    /// The subject would be rejected in a request too.
    #[error(transparent)]
    Rule(#[from] RuleViolation),
    /// The text is not an RFC 4514 string.
    #[error("the subject is not an RFC 4514 string")]
    Syntax(#[source] der::Error),
    /// The text is longer than 1,024 octets.
    #[error("the subject is longer than 1024 octets")]
    TooLong,
}
