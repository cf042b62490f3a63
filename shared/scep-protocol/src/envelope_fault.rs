//! Why an envelope did not open. Written to the log and never sent to a client.

use scep_cms::algorithm_name::UnsupportedAlgorithm;
use scep_cms::content_key::UnwrapOutcome;
use scep_cms::csr_fault::CsrFault;
use scep_cms::envelope::EnvelopeError;
use scep_cms::error::DecodeError;

/// Why an envelope does not open to an intact request. For the log only: sent to clients, it would
/// be a decryption oracle by which an attacker reads captured messages octet by octet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    /// The PKCS #10 request is signed with an unsupported algorithm.
    #[error("the PKCS #10 request is signed with {0}, which is not supported")]
    CsrAlgorithm(UnsupportedAlgorithm),
    /// The key of the PKCS #10 request is malformed or unsupported.
    #[error(
        "certificationRequestInfo.subjectPKInfo: not a supported key: RSA of 1024 to 8192 bits or EC on P-256, P-384 or P-521"
    )]
    CsrKey,
    /// The PKCS #10 request's own signature does not verify.
    #[error("the signature of the PKCS #10 request does not verify")]
    CsrSignature,
    /// The PKCS #10 request is for a key other than the one that signed the message.
    #[error("the PKCS #10 request is not for the key that signed the message")]
    ForeignKey,
    /// The encrypted content key does not decrypt.
    #[error(
        "the content key does not decrypt: it was encrypted to another key, under another password, or with another padding than the message says"
    )]
    Key,
    /// The content key has the wrong length for the content's cipher.
    #[error("the content key has {found} octets, and the cipher of the content needs {wanted}")]
    KeyLength {
        /// The length of the decrypted key, in octets.
        found: usize,
        /// The key length of the cipher, in octets.
        wanted: usize,
    },
    /// The client is locked out, so its envelope stays unopened.
    #[error("the client is locked out after too many wrong challenges")]
    LockedOut,
    /// The unencrypted parts of the envelope are malformed.
    #[error("the outline of the envelope is malformed")]
    Outline(#[source] EnvelopeError),
    /// The decrypted content does not end in valid padding.
    #[error("the decrypted content has no valid padding: the ciphertext or its key is damaged")]
    Padding,
    /// The envelope of a GetCert or GetCRL holds no IssuerAndSerialNumber.
    #[error("the envelope holds no IssuerAndSerialNumber")]
    Query(#[source] DecodeError),
    /// The encrypted key was seen before with another ciphertext.
    #[error("the encrypted key was seen before with another ciphertext")]
    Reused,
    /// The decrypted content is not a readable PKCS #10 request.
    #[error("the envelope holds no readable request")]
    Structure(#[source] CsrFault),
    /// The encrypted key is empty or longer than the RA key's modulus.
    #[error("the encrypted key has {bytes} octets, the modulus of the RA key {modulus_bytes}")]
    WrappedKeyLength {
        /// The length of the encrypted key, in octets.
        bytes: usize,
        /// The length of the RA key's modulus, in octets.
        modulus_bytes: usize,
    },
}

impl EnvelopeFault {
    /// The fault of a content key that did not unwrap; `None` if it did.
    #[must_use]
    pub const fn of_key(outcome: UnwrapOutcome) -> Option<Self> {
        match outcome {
            UnwrapOutcome::Fit => None,
            // Unwrapping failed, so there is no length to report.
            UnwrapOutcome::Bytes { found: 0, .. } => Some(Self::Key),
            UnwrapOutcome::Bytes { found, wanted } => Some(Self::KeyLength { found, wanted }),
        }
    }

    /// The message of this fault, followed by those of its causes.
    pub(crate) fn with_causes(&self) -> String {
        std::iter::successors(std::error::Error::source(self), |cause| cause.source())
            .fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}
