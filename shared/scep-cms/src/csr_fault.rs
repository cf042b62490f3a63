//! Faults of a PKCS #10 request, each with its place in the structure.

use const_oid::ObjectIdentifier;

use crate::ber::BerError;

/// Why a PKCS #10 request cannot be read, and where in the structure. The message quotes nothing
/// from the request, so that neither a challengePassword nor an attacker's text reaches a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsrFault {
    /// The request is neither BER nor DER, or exceeds the limits.
    #[error("certificationRequest: {0}")]
    Ber(BerError),
    /// The challengePassword cannot be compared.
    #[error("challengePassword: {0}")]
    Challenge(ChallengeFault),
    /// An attribute of the request is malformed.
    #[error("certificationRequestInfo.attributes[{index}]: {fault}")]
    Attribute {
        /// The position of the attribute, from 0.
        index: usize,
        /// The attribute's fault.
        fault: AttributeFault,
    },
    /// The content does not begin as a request does, but with this octet.
    #[error("the content is not a PKCS #10 request: it begins with octet 0x{0:02x}")]
    Content(u8),
    /// The content is empty.
    #[error("the content is not a PKCS #10 request: it is empty")]
    Empty,
    /// A requested extension is malformed.
    #[error("certificationRequestInfo.attributes[{attribute}].extensions[{index}]: {fault}")]
    Extension {
        /// The position of the attribute, from 0.
        attribute: usize,
        /// The position of the extension in that attribute, from 0.
        index: usize,
        /// The extension's fault.
        fault: &'static str,
    },
    /// An extension is requested with two different values.
    #[error("the extension {0} is asked for twice, with different values")]
    ExtensionsDiffer(ObjectIdentifier),
    /// Another part of the structure is malformed.
    #[error("{place}: {fault}")]
    Part {
        /// The name of the part in RFC 2986 §4.
        place: &'static str,
        /// The part's fault.
        fault: &'static str,
    },
    /// The content is text, but neither a PEM request nor base64.
    #[error("the content is not a PKCS #10 request: {0}")]
    Text(&'static str),
    /// Octets other than zeros and line ends follow the request.
    #[error("octets follow the PKCS #10 request")]
    Trailing,
}

/// Why an attribute of a PKCS #10 request is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttributeFault {
    /// The attribute is not the SEQUENCE that RFC 2986 §4.1 specifies.
    #[error("not a sequence of a type and its values")]
    NotAnAttribute,
    /// The value is not wrapped in a SET.
    #[error("the value is not in a SET")]
    NotInASet,
    /// The value of an extension request is not an Extensions structure.
    #[error("the value is not a sequence of extensions")]
    NotExtensions,
}

/// Why a challengePassword cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeFault {
    /// There are several, and they differ.
    #[error("it occurs more than once, with different values")]
    Differ,
    /// It exceeds the maximum length.
    #[error("it is longer than 8192 octets")]
    TooLong,
    /// It is not a string type, or not valid text of its string type.
    #[error("it is not text")]
    NotText,
}
