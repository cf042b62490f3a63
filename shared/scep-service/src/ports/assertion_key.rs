//! The port to the key by which this deployment proves its identity to other services.

use async_trait::async_trait;

use crate::error::KeyError;

/// An RSA key of 2,048 bits or more that signs assertions of this deployment's identity. It signs
/// nothing else.
///
/// # Errors
/// Each operation fails with [`KeyError::Unavailable`] when the key store does not answer, and with
/// [`KeyError::Broken`] or [`KeyError::NotAdoptable`] when the key cannot be used.
#[async_trait]
pub trait AssertionKey: Send + Sync {
    /// Returns the SubjectPublicKeyInfo, DER.
    async fn public_key(&self) -> Result<Vec<u8>, KeyError>;

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError>;
}
