//! RA keys: generated and wrapped by KMS, unwrapped once per process, then kept in memory.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_kms::types::DataKeyPairSpec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use newtype_uuid::GenericUuid;
use scep_protocol::id::RaKeyUuid;
use scep_protocol::ra_certificate::RaKeyPair;
use scep_service::error::KeyError;
use scep_service::ports::{GeneratedKey, RaKeys};
use scep_service::ra_key::RaKey;
use secrecy::ExposeSecret;
use tokio::sync::Mutex;

use crate::Kms;
use crate::call::{MissingMember, without_retries};
use crate::symmetric_key::{Owner, SymmetricKey};

/// RA keys that a symmetric key wraps. The location of a key is the wrapped private key itself,
/// which is stored with its certificate.
pub struct KmsRaKeys {
    symmetric_key: SymmetricKey,
    /// The unwrapped keys, locked while a key is unwrapped, so that concurrent requests unwrap it
    /// once.
    unwrapped: Mutex<HashMap<RaKeyUuid, Arc<RaKey>>>,
}

impl KmsRaKeys {
    /// Creates the adapter on the symmetric key with this ARN.
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

/// The owner of an RA key: the key's own UUID, which is that of the RA certificate for the first
/// key.
fn ra_key_owner(uuid: RaKeyUuid) -> Owner {
    Owner {
        // Part of the encryption context of stored keys, and of the policies in AWS.
        kind: "scepter:raCertificate",
        uuid: uuid.into_untyped_uuid(),
    }
}

#[async_trait]
impl RaKeys for KmsRaKeys {
    async fn generate(
        &self,
        uuid: RaKeyUuid,
        algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError> {
        const OPERATION: &str = "GenerateDataKeyPairWithoutPlaintext";
        let name = uuid.to_string();
        let SymmetricKey { kms, arn } = &self.symmetric_key;
        // The operation returns no plaintext: the management function calls it, and must not see
        // the private key.
        let request = kms
            .client
            .generate_data_key_pair_without_plaintext()
            .key_id(arn)
            .key_pair_spec(key_pair_spec(algorithm))
            .encryption_context(ra_key_owner(uuid).kind, &name)
            .customize()
            .config_override(without_retries());
        let pair = kms.call(OPERATION, &name, request.send()).await?;
        let wrapped = pair
            .private_key_ciphertext_blob
            .ok_or(MissingMember("private key"))
            .map_err(KeyError::broken(OPERATION, &name))?;
        let public = pair
            .public_key
            .ok_or(MissingMember("public key"))
            .map_err(KeyError::broken(OPERATION, &name))?;
        Ok(GeneratedKey {
            location: KeyLocation::Wrapped(STANDARD.encode(wrapped).into()),
            subject_public_key_info: public.into_inner(),
        })
    }

    async fn load(&self, key: &RaKeyPair) -> Result<Arc<RaKey>, KeyError> {
        let KeyLocation::Wrapped(wrapped) = &key.key else {
            return Err(KeyError::Foreign {
                location: key.key.clone(),
                kept: "RA keys that AWS KMS has wrapped",
            });
        };
        let mut unwrapped = self.unwrapped.lock().await;
        if let Some(known) = unwrapped.get(&key.uuid) {
            return Ok(Arc::clone(known));
        }
        let pkcs8 = self
            .symmetric_key
            .unwrap(ra_key_owner(key.uuid), wrapped.expose_secret())
            .await?;
        let ready = Arc::new(RaKey::from_pkcs8(key.uuid.to_string(), &pkcs8)?);
        unwrapped.insert(key.uuid, Arc::clone(&ready));
        Ok(ready)
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
