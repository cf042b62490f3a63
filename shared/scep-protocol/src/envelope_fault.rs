//! Why an envelope did not open: for the log, and for nobody else.

use scep_cms::{CsrFault, DecodeError, EnvelopeError, UnsupportedAlgorithm, UnwrapOutcome};

/// Why an envelope does not open to an intact request. For the log: told to a client, it would read
/// captured messages to an attacker octet by octet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    /// The PKCS #10 request is signed with an algorithm that is not taken.
    #[error("the PKCS #10 request is signed with {0}, which is not supported")]
    CsrAlgorithm(UnsupportedAlgorithm),
    /// The key of the PKCS #10 request is none, or of no kind that is taken.
    #[error(
        "certificationRequestInfo.subjectPKInfo: no key that is supported, RSA of 1024 to 8192 bits or EC on P-256, P-384 or P-521"
    )]
    CsrKey,
    /// The PKCS #10 request's own signature does not verify.
    #[error("the signature of the PKCS #10 request does not verify")]
    CsrSignature,
    /// The PKCS #10 request is for another key than the one that signed the message.
    #[error("the PKCS #10 request is not for the key that signed the message")]
    ForeignKey,
    /// The encrypted content key does not decrypt.
    #[error(
        "the content key does not decrypt: it was encrypted to another key, under another password, or with another padding than the message says"
    )]
    Key,
    /// The content key decrypts to one for another cipher.
    #[error("the content key has {found} octets, and the cipher of the content wants {wanted}")]
    KeyLength {
        /// What it has.
        found: usize,
        /// What it should have.
        wanted: usize,
    },
    /// What can be seen from outside is not as it must be.
    #[error("the outline of the envelope is malformed")]
    Outline(#[source] EnvelopeError),
    /// The content decrypts to what does not end in padding.
    #[error("the content decrypts to no padding: its ciphertext or its key is damaged")]
    Padding,
    /// What the envelope of a GetCert or GetCRL holds names no certificate.
    #[error("the envelope holds no IssuerAndSerialNumber")]
    Query(#[source] DecodeError),
    /// The encrypted key came before, with another ciphertext.
    #[error("the encrypted key came before with another ciphertext")]
    Reused,
    /// What the envelope holds cannot be read as a request.
    #[error("the envelope holds no readable request")]
    Structure(#[source] CsrFault),
    /// The encrypted key is none of the RA key's, by its length.
    #[error("the encrypted key has {bytes} octets, the modulus of the RA key {modulus_bytes}")]
    WrappedKeyLength {
        /// What it has.
        bytes: usize,
        /// The most that it may have.
        modulus_bytes: usize,
    },
}

impl EnvelopeFault {
    /// Why the content key is none; `None` if it is one.
    #[must_use]
    pub const fn of_key(outcome: UnwrapOutcome) -> Option<Self> {
        match outcome {
            UnwrapOutcome::Fit => None,
            UnwrapOutcome::Bytes { found: 0, .. } => Some(Self::Key),
            UnwrapOutcome::Bytes { found, wanted } => Some(Self::KeyLength { found, wanted }),
        }
    }

    /// What it says, with its causes.
    pub(crate) fn with_causes(&self) -> String {
        let first = std::error::Error::source(self);
        let causes = std::iter::successors(first, |cause| cause.source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}
