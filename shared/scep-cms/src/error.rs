//! The errors of the decoders, the encoders and the public keys.

use crate::ber::BerError;

/// An attribute does not occur exactly once, with one value of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the attribute {0} is missing, repeated or malformed")]
pub struct AttributeError(pub &'static str);

/// Why the input is not the structure that was expected. Only decoders return it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The input is text, but not base64.
    #[error("decoding base64")]
    Base64(#[from] base64::DecodeError),
    /// The input is neither BER nor DER, or exceeds the limits of [`crate::ber::to_der`].
    #[error("decoding BER")]
    Ber(#[from] BerError),
    /// The input is BER, but not this structure.
    #[error("decoding {what}")]
    Der {
        /// The ASN.1 type that was expected.
        what: &'static str,
        /// The decoder's error.
        #[source]
        source: der::Error,
    },
    /// The public key in the structure is malformed or not supported.
    #[error("decoding a public key")]
    Key(#[from] PublicKeyError),
    /// The structure holds a part that does not belong there, or lacks one that does.
    #[error("{0}")]
    Unexpected(&'static str),
}

impl DecodeError {
    /// Adds the name of the structure to a decoder's error.
    pub fn of(what: &'static str) -> impl Fn(der::Error) -> Self {
        move |source| Self::Der { what, source }
    }
}

/// Why a structure cannot be encoded. Only encoders return it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("encoding {what}")]
pub struct EncodeError {
    what: &'static str,
    #[source]
    source: EncodeCause,
}

impl EncodeError {
    /// Adds the name of the structure to the cause.
    pub fn of<E: Into<EncodeCause>>(what: &'static str) -> impl Fn(E) -> Self {
        move |cause| Self {
            what,
            source: cause.into(),
        }
    }
}

/// The cause of an [`EncodeError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeCause {
    /// A part has no DER encoding, or is not the DER that it should be.
    #[error(transparent)]
    Der(#[from] der::Error),
    /// A public key does not encrypt, or is not supported.
    #[error(transparent)]
    Key(#[from] PublicKeyError),
    /// A key or an IV does not fit its cipher.
    #[error(transparent)]
    Length(#[from] CipherLengthError),
}

/// A key, an IV or a padding has another length than its cipher needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a length does not fit the cipher")]
pub struct CipherLengthError;

/// Why a public key is unusable, or a signature invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// The key is not an RSA key and therefore cannot encrypt.
    #[error("only an RSA key can encrypt")]
    CannotEncrypt,
    /// The signature does not verify with this key over these octets.
    #[error("the signature does not verify")]
    BadSignature,
    /// The input is not a SubjectPublicKeyInfo, or the key in it is not valid for its algorithm.
    #[error("the public key cannot be read")]
    Malformed,
    /// The algorithm, curve, size or combination is not supported.
    #[error("the key or its signature is of a kind that is not supported")]
    Unsupported,
}
