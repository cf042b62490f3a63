//! What can be wrong with a requested value.

use scep_cms::asn1::StringError;

/// What is wrong with a requested value. Its text is a predicate that follows the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueFault {
    /// The value is not DER of its type.
    #[error("is not DER of its type")]
    Encoding,
    /// The value does not have the required form, which this describes.
    #[error("is not {0}")]
    Form(&'static str),
    /// The value holds an invisible or reordering character.
    #[error("holds a control character, or one that hides or reorders text")]
    Hidden,
    /// The value exceeds the length limit.
    #[error("is too long")]
    Length,
    /// The value is not a valid string of its type.
    #[error(transparent)]
    String(#[from] StringError),
}
