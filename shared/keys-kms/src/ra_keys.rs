//! RA keys: made and wrapped by KMS, unwrapped once in a process, then in memory.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_kms::types::DataKeyPairSpec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keys_software::SoftwareRaKey;
use scep_protocol::{KeyAlgorithm, KeyReference, RaCertificate};
use scep_service::{GeneratedKey, KeyError, RaKey, RaKeys};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::Kms;
use crate::call::{Missing, broken, once};
use crate::symmetric_key::{Owner, SymmetricKey};

/// RA keys under a symmetric key. A key's reference is the wrapped private key, base64: it lies with its certificate.
pub struct KmsRaKeys {
    symmetric_key: SymmetricKey,
    /// Held while a key is unwrapped, so that requests at the same time unwrap it once.
    unwrapped: Mutex<HashMap<Uuid, Arc<SoftwareRaKey>>>,
}

impl KmsRaKeys {
    /// RA keys that this symmetric key wraps; its ARN.
    #[must_use]
    pub fn new(kms: Kms, symmetric_key: String) -> Self {
        Self {
            symmetric_key: SymmetricKey {
                kms,
                arn: symmetric_key,
            },
            unwrapped: Mutex::default(),
        }
    }
}

/// Whose key it is.
const fn owner(ra_certificate: Uuid) -> Owner {
    Owner {
        kind: "scepter:raCertificate",
        uuid: ra_certificate,
    }
}

#[async_trait]
impl RaKeys for KmsRaKeys {
    async fn generate(
        &self,
        ra_certificate: Uuid,
        algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError> {
        const OPERATION: &str = "GenerateDataKeyPairWithoutPlaintext";
        let name = ra_certificate.to_string();
        let SymmetricKey { kms, arn } = &self.symmetric_key;
        let request = kms.client.generate_data_key_pair_without_plaintext();
        let request = request
            .key_id(arn)
            .key_pair_spec(key_pair_spec(algorithm))
            .encryption_context(owner(ra_certificate).kind, &name);
        let request = request.customize().config_override(once());
        let made = kms.call(OPERATION, &name, request.send()).await?;
        let wrapped = made
            .private_key_ciphertext_blob
            .ok_or(Missing("private key"));
        let wrapped = wrapped.map_err(broken(OPERATION, &name))?;
        let public = made.public_key.ok_or(Missing("public key"));
        let public = public.map_err(broken(OPERATION, &name))?;
        Ok(GeneratedKey {
            reference: KeyReference(STANDARD.encode(wrapped)),
            subject_public_key_info: public.into_inner(),
        })
    }

    async fn load(&self, ra_certificate: &RaCertificate) -> Result<Arc<dyn RaKey>, KeyError> {
        let mut unwrapped = self.unwrapped.lock().await;
        let key = match unwrapped.get(&ra_certificate.uuid) {
            Some(key) => Arc::clone(key),
            None => {
                let (uuid, wrapped) = (ra_certificate.uuid, &ra_certificate.key.0);
                let pkcs8 = self.symmetric_key.unwrap(owner(uuid), wrapped).await?;
                let name = KeyReference(uuid.to_string());
                let key = Arc::new(SoftwareRaKey::from_pkcs8(name, pkcs8)?);
                unwrapped.insert(ra_certificate.uuid, Arc::clone(&key));
                key
            }
        };
        Ok(key)
    }
}

const fn key_pair_spec(algorithm: KeyAlgorithm) -> DataKeyPairSpec {
    match algorithm {
        KeyAlgorithm::Rsa2048 => DataKeyPairSpec::Rsa2048,
        KeyAlgorithm::Rsa3072 => DataKeyPairSpec::Rsa3072,
        KeyAlgorithm::Rsa4096 => DataKeyPairSpec::Rsa4096,
        KeyAlgorithm::EcP256 => DataKeyPairSpec::EccNistP256,
        KeyAlgorithm::EcP384 => DataKeyPairSpec::EccNistP384,
        KeyAlgorithm::EcP521 => DataKeyPairSpec::EccNistP521,
    }
}
