//! Secrets of profiles, wrapped by a symmetric key in KMS and bound to the profile by the
//! encryption context.

use std::collections::HashMap;

use async_trait::async_trait;
use newtype_uuid::GenericUuid;
use scep_protocol::sealed_secret::SealedSecret;
use scep_service::error::KeyError;
use scep_service::ports::{SecretOwner, Secrets};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use crate::Kms;
use crate::symmetric_key::{Owner, SymmetricKey};

/// The most secrets to keep in memory; when there are more, all are dropped.
// A profile has few secrets, so this bounds what old versions of edited ones occupy.
const MAX_OPENED: usize = 1_000;

/// Seals secrets with KMS. A sealed secret is a ciphertext from KMS in base64. An opened secret
/// stays in memory until the process ends.
pub struct KmsSecrets {
    symmetric_key: SymmetricKey,
    /// The opened secrets, locked while a secret is opened, so that concurrent requests open it
    /// once.
    opened: Mutex<HashMap<(SecretOwner, String), SecretString>>,
}

impl KmsSecrets {
    /// Creates the adapter on the symmetric key with this ARN.
    #[must_use]
    pub fn new(kms: Kms, symmetric_key: String) -> Self {
        Self {
            symmetric_key: SymmetricKey {
                kms,
                arn: symmetric_key,
            },
            opened: Mutex::default(),
        }
    }
}

/// The owner of a secret in the encryption context, by which roles are allowed to open it.
fn context_owner(owner: SecretOwner) -> Owner {
    match owner {
        SecretOwner::ScepProfile(profile) => Owner {
            kind: "scepter:scepProfile",
            uuid: profile.into_untyped_uuid(),
        },
        SecretOwner::ServiceCredentials(profile) => Owner {
            kind: "scepter:serviceCredentials",
            uuid: profile.into_untyped_uuid(),
        },
        SecretOwner::ChallengeKey(profile) => Owner {
            kind: "scepter:challengeKey",
            uuid: profile.into_untyped_uuid(),
        },
    }
}

#[async_trait]
impl Secrets for KmsSecrets {
    async fn seal(
        &self,
        owner: SecretOwner,
        secret: &SecretString,
    ) -> Result<SealedSecret, KeyError> {
        self.symmetric_key
            .wrap(context_owner(owner), secret.expose_secret().as_bytes())
            .await
            .map(SealedSecret::new)
    }

    async fn open(
        &self,
        owner: SecretOwner,
        sealed: &SealedSecret,
    ) -> Result<SecretString, KeyError> {
        let mut opened = self.opened.lock().await;
        // The sealed text is part of the name, so that an edited secret is opened again.
        let name = (owner, sealed.as_base64().to_owned());
        if let Some(secret) = opened.get(&name) {
            return Ok(secret.clone());
        }
        let plaintext = self
            .symmetric_key
            .unwrap(context_owner(owner), sealed.as_base64())
            .await?;
        let text = std::str::from_utf8(&plaintext).map_err(KeyError::broken(
            "Decrypt",
            &context_owner(owner).uuid.to_string(),
        ))?;
        let secret = SecretString::from(text);
        if opened.len() >= MAX_OPENED {
            opened.clear();
        }
        opened.insert(name, secret.clone());
        Ok(secret)
    }
}
