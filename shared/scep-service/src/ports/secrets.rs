//! The port to the sealed secrets of profiles.

use async_trait::async_trait;
use scep_protocol::id::ScepProfileUuid;
use scep_protocol::sealed_secret::SealedSecret;
use secrecy::SecretString;

use crate::error::KeyError;

/// Encryption of the secrets of profiles, which are stored sealed.
///
/// # Errors
/// Each operation fails with [`KeyError::Unavailable`] when the key store does not answer, and with
/// [`KeyError::Broken`] when it does not encrypt or decrypt the secret.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Encrypts a secret and binds it to the profile with this uuid.
    async fn seal(
        &self,
        profile: ScepProfileUuid,
        secret: &SecretString,
    ) -> Result<SealedSecret, KeyError>;

    /// Decrypts a secret that [`Self::seal`] encrypted for the same profile.
    async fn open(
        &self,
        profile: ScepProfileUuid,
        sealed: &SealedSecret,
    ) -> Result<SecretString, KeyError>;
}
