//! The port to the sealed secrets of profiles.

use async_trait::async_trait;
use scep_protocol::id::ScepProfileUuid;
use scep_protocol::sealed_secret::SealedSecret;
use secrecy::SecretString;

use crate::error::KeyError;

/// What a secret belongs to. It opens for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretOwner {
    /// A SCEP Profile: its challengePassword, and those of its one-time challenges that open
    /// messages. Only those who answer requests may open it.
    ScepProfile(ScepProfileUuid),
    /// The credentials of a SCEP Profile at other services: the secret of its webhook, and that of
    /// its application in Entra. Those may open it too who notify and test these services.
    ServiceCredentials(ScepProfileUuid),
    /// The digests of a SCEP Profile's one-time challenges: their key. Administration may open it
    /// too, to make challenges.
    ChallengeKey(ScepProfileUuid),
}

/// Encryption of the secrets of profiles, which are stored sealed.
///
/// # Errors
/// Each operation fails with [`KeyError::Unavailable`] when the key store does not answer, and with
/// [`KeyError::Broken`] when it does not encrypt or decrypt the secret.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Encrypts a secret and binds it to its owner.
    async fn seal(
        &self,
        owner: SecretOwner,
        secret: &SecretString,
    ) -> Result<SealedSecret, KeyError>;

    /// Decrypts a secret that [`Self::seal`] encrypted for the same owner.
    async fn open(
        &self,
        owner: SecretOwner,
        sealed: &SealedSecret,
    ) -> Result<SecretString, KeyError>;
}
