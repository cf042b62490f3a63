//! What is wrong with a PKCS #10 request, and where in it.

use const_oid::ObjectIdentifier;

use crate::BerError;

/// Why a PKCS #10 request cannot be read, with the place in the structure. Quotes nothing of what
/// the request holds: neither a challengePassword nor what an attacker wants to be read aloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsrFault {
    /// Neither BER nor DER, or beyond the limits.
    #[error("certificationRequest: {0}")]
    Ber(BerError),
    /// A challengePassword that cannot be compared.
    #[error("challengePassword: {0}")]
    Challenge(ChallengeFault),
    /// An attribute of the request.
    #[error("certificationRequestInfo.attributes[{index}]: {fault}")]
    Attribute {
        /// Which, from 0.
        index: usize,
        /// What is wrong with it.
        fault: AttributeFault,
    },
    /// The content does not begin as a request does.
    #[error("the content is no PKCS #10 request: it begins with octet 0x{0:02x}")]
    Content(u8),
    /// The content is empty.
    #[error("the content is no PKCS #10 request: it is empty")]
    Empty,
    /// An extension that is asked for.
    #[error("certificationRequestInfo.attributes[{attribute}].extensions[{index}]: {fault}")]
    Extension {
        /// In which attribute, from 0.
        attribute: usize,
        /// Which of its extensions, from 0.
        index: usize,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// One extension is asked for with two values.
    #[error("the extension {0} is asked for twice, with different values")]
    ExtensionsDiffer(ObjectIdentifier),
    /// Any other part of the structure.
    #[error("{place}: {fault}")]
    Part {
        /// Which, as RFC 2986 §4 names it.
        place: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A text that is neither PEM of a request nor base64.
    #[error("the content is no PKCS #10 request: {0}")]
    Text(&'static str),
    /// Something follows the request that is neither zeros nor line ends.
    #[error("octets follow the PKCS #10 request")]
    Trailing,
}

/// What is wrong with an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttributeFault {
    /// Not the SEQUENCE that RFC 2986 §4.1 specifies.
    #[error("not a sequence of a type and its values")]
    NotAnAttribute,
    /// The values stand by themselves.
    #[error("the value is not in a SET")]
    NotInASet,
    /// A value of an extension request that is no Extensions.
    #[error("the value is not a sequence of extensions")]
    NotExtensions,
}

/// Why a challengePassword cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeFault {
    /// There are several.
    #[error("it occurs more than once, with different values")]
    Differ,
    /// Beyond what is looked at.
    #[error("it is longer than 1024 octets")]
    TooLong,
    /// Of no type of string, or not of its type.
    #[error("it is not text")]
    NotText,
}
