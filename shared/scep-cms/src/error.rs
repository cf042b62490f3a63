//! Why bytes could not be read.

use crate::BerError;

/// What came is not the structure that it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Neither BER nor DER, or beyond the limits.
    #[error("reading BER")]
    Ber(#[from] BerError),
    /// BER, but not this structure.
    #[error("reading {structure}")]
    Structure {
        /// The ASN.1 type that was expected.
        structure: &'static str,
        /// What the decoder saw.
        #[source]
        source: der::Error,
    },
    /// The right structure with a part that has no place in it.
    #[error("{0}")]
    Unexpected(&'static str),
}

impl DecodeError {
    /// Names the structure in a decoder's error.
    pub(crate) fn of(structure: &'static str) -> impl Fn(der::Error) -> Self {
        move |source| Self::Structure { structure, source }
    }
}
