//! Secrets of profiles under a symmetric key in KMS, bound to the profile by the encryption context.

use std::collections::HashMap;

use async_trait::async_trait;
use scep_cms::ChallengePassword;
use scep_protocol::SealedSecret;
use scep_service::{KeyError, Secrets};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::Kms;
use crate::call::broken;
use crate::symmetric_key::{Owner, SymmetricKey};

/// Most secrets that are kept opened; then all are forgotten.
const MAX_OPENED: usize = 1_000;

/// Seals secrets. A sealed one is KMS's ciphertext, base64. One that was opened stays so in memory until the process ends.
pub struct KmsSecrets {
    symmetric_key: SymmetricKey,
    /// Held while a secret is opened, so that requests at the same time open it once.
    opened: Mutex<HashMap<(Uuid, String), ChallengePassword>>,
}

impl KmsSecrets {
    /// Secrets under this symmetric key; its ARN.
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

/// Whose secret it is.
const fn owner(profile: Uuid) -> Owner {
    Owner {
        kind: "scepter:scepProfile",
        uuid: profile,
    }
}

#[async_trait]
impl Secrets for KmsSecrets {
    async fn seal(
        &self,
        profile: Uuid,
        secret: &ChallengePassword,
    ) -> Result<SealedSecret, KeyError> {
        let secret = secret.reveal().as_bytes();
        let sealed = self.symmetric_key.wrap(owner(profile), secret).await?;
        Ok(SealedSecret(sealed))
    }

    async fn open(
        &self,
        profile: Uuid,
        sealed: &SealedSecret,
    ) -> Result<ChallengePassword, KeyError> {
        let mut opened = self.opened.lock().await;
        let name = (profile, sealed.0.clone());
        if let Some(secret) = opened.get(&name) {
            return Ok(secret.clone());
        }
        let text = self.symmetric_key.unwrap(owner(profile), &sealed.0).await?;
        let text = std::str::from_utf8(&text);
        let text = text.map_err(broken("Decrypt", &profile.to_string()))?;
        let secret = ChallengePassword::new(text);
        if opened.len() >= MAX_OPENED {
            opened.clear();
        }
        opened.insert(name, secret.clone());
        Ok(secret)
    }
}
