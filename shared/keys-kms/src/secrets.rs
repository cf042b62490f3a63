//! Secrets of profiles under a symmetric key in KMS, bound to the profile by the encryption context.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_kms::primitives::Blob;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scep_cms::ChallengePassword;
use scep_protocol::SealedSecret;
use scep_service::{KeyError, Secrets};
use tokio::sync::Mutex;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::Kms;
use crate::call::{Missing, broken};

/// What the encryption context of a secret says: the uuid of its profile.
const CONTEXT: &str = "scepter:scepProfile";

/// Most secrets that are kept opened; then all are forgotten.
const MAX_OPENED: usize = 1_000;

/// Seals secrets. A sealed one is KMS's ciphertext, base64. One that was opened stays so in memory until the process ends.
pub struct KmsSecrets {
    kms: Kms,
    symmetric_key: String,
    /// Held while a secret is opened, so that requests at the same time open it once.
    opened: Mutex<HashMap<(Uuid, String), ChallengePassword>>,
}

impl KmsSecrets {
    /// Secrets under this symmetric key; its ARN.
    #[must_use]
    pub fn new(kms: Kms, symmetric_key: String) -> Self {
        Self {
            kms,
            symmetric_key,
            opened: Mutex::default(),
        }
    }

    async fn decrypt(
        &self,
        profile: Uuid,
        sealed: &SealedSecret,
    ) -> Result<ChallengePassword, KeyError> {
        let name = profile.to_string();
        let sealed = STANDARD.decode(&sealed.0);
        let sealed = sealed.map_err(broken("Decrypt", &name))?;
        let request = self.kms.client.decrypt();
        let request = request
            .key_id(&self.symmetric_key)
            .ciphertext_blob(Blob::new(sealed))
            .encryption_context(CONTEXT, &name);
        let opened = self.kms.call("Decrypt", &name, request.send()).await?;
        let plaintext = opened.plaintext.ok_or(Missing("plaintext"));
        let plaintext = plaintext.map_err(broken("Decrypt", &name))?;
        let plaintext = Zeroizing::new(plaintext.into_inner());
        let text = std::str::from_utf8(&plaintext).map_err(broken("Decrypt", &name))?;
        Ok(ChallengePassword::new(text))
    }
}

#[async_trait]
impl Secrets for KmsSecrets {
    async fn seal(
        &self,
        profile: Uuid,
        secret: &ChallengePassword,
    ) -> Result<SealedSecret, KeyError> {
        let name = profile.to_string();
        let request = self.kms.client.encrypt();
        let request = request
            .key_id(&self.symmetric_key)
            .plaintext(Blob::new(secret.reveal().as_bytes()))
            .encryption_context(CONTEXT, &name);
        let sealed = self.kms.call("Encrypt", &name, request.send()).await?;
        let ciphertext = sealed.ciphertext_blob.ok_or(Missing("ciphertext"));
        let ciphertext = ciphertext.map_err(broken("Encrypt", &name))?;
        Ok(SealedSecret(STANDARD.encode(ciphertext)))
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
        let secret = self.decrypt(profile, sealed).await?;
        if opened.len() >= MAX_OPENED {
            opened.clear();
        }
        opened.insert(name, secret.clone());
        Ok(secret)
    }
}
