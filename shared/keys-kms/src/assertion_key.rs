//! The key that signs assertions of this deployment's identity, in KMS.

use std::sync::Arc;

use async_trait::async_trait;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::{KeyArn, KeyLocation, KeyName};
use scep_service::error::KeyError;
use scep_service::ports::{AssertionKey, CaKeys};

use crate::KmsCaKeys;

/// The algorithm of the key. Entra takes signatures of RSA keys alone, with SHA-256.
const ALGORITHM: KeyAlgorithm = KeyAlgorithm::Rsa2048;

/// A key of spec RSA_2048 and usage SIGN_VERIFY, which an administrator created.
pub struct KmsAssertionKey {
    keys: Arc<KmsCaKeys>,
    key: KeyArn,
}

impl KmsAssertionKey {
    /// Creates the adapter for this key.
    #[must_use]
    pub const fn new(keys: Arc<KmsCaKeys>, key: KeyArn) -> Self {
        Self { keys, key }
    }
}

#[async_trait]
impl AssertionKey for KmsAssertionKey {
    async fn public_key(&self) -> Result<Vec<u8>, KeyError> {
        let name = KeyName::new(self.key.as_str().to_owned());
        let key = self.keys.adopt(&name, ALGORITHM).await?;
        Ok(key.subject_public_key_info)
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let location = KeyLocation::Kms(self.key.clone());
        self.keys.sign(&location, ALGORITHM, message).await
    }
}
