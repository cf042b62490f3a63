//! The error of the decoders.

use crate::BerError;

/// Why the input is not the structure that was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The input is neither BER nor DER, or exceeds the limits of [`crate::to_der`].
    #[error("reading BER")]
    Ber(#[from] BerError),
    /// The input is BER, but not this structure.
    #[error("reading {structure}")]
    Structure {
        /// The ASN.1 type that was expected.
        structure: &'static str,
        /// The decoder's error.
        #[source]
        source: der::Error,
    },
    /// The structure holds a part that does not belong there, or lacks one that does.
    #[error("{0}")]
    Unexpected(&'static str),
}

impl DecodeError {
    /// Adds the name of the structure to a decoder's error.
    pub(crate) fn of(structure: &'static str) -> impl Fn(der::Error) -> Self {
        move |source| Self::Structure { structure, source }
    }
}
