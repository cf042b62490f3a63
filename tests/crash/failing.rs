//! The ports of issuing over their real adapters; they fail on demand and record what they did.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ca::id::KeyOrderUuid;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::{KeyLocation, KeyName};
use ca::profile_name::ProfileName;
use scep_service::error::KeyError;
use scep_service::ports::{CaKeys, GeneratedKey};

/// Observes what a CA key is asked to sign.
pub(crate) type Witness = Box<dyn Fn(&[u8]) + Send + Sync>;

/// CA keys that fail on demand and record what they signed.
pub(crate) struct WatchedKeys {
    pub(crate) keys: Arc<dyn CaKeys>,
    /// Whether the next call fails.
    pub(crate) fails: AtomicBool,
    pub(crate) signed: Mutex<HashSet<Vec<u8>>>,
    /// The number of keys that were made.
    pub(crate) generated: AtomicUsize,
    /// A key with which every signature fails.
    pub(crate) lost: Option<KeyLocation>,
    /// Called with what is to be signed, before each signature.
    pub(crate) witness: Witness,
}

impl WatchedKeys {
    /// Creates keys that do not fail yet.
    pub(crate) fn over(keys: Arc<dyn CaKeys>) -> Self {
        Self {
            keys,
            fails: AtomicBool::new(false),
            signed: Mutex::default(),
            generated: AtomicUsize::new(0),
            lost: None,
            witness: Box::new(|_| {}),
        }
    }

    /// Creates keys whose next call fails.
    pub(crate) fn failing(keys: Arc<dyn CaKeys>) -> Self {
        let watched = Self::over(keys);
        watched.fails.store(true, Ordering::SeqCst);
        watched
    }
}

#[async_trait]
impl CaKeys for WatchedKeys {
    async fn generate(
        &self,
        order: KeyOrderUuid,
        authority: &ProfileName,
        algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError> {
        let key = self.keys.generate(order, authority, algorithm).await?;
        self.generated.fetch_add(1, Ordering::SeqCst);
        Ok(key)
    }

    async fn find(
        &self,
        order: KeyOrderUuid,
        algorithm: KeyAlgorithm,
    ) -> Result<Option<GeneratedKey>, KeyError> {
        self.keys.find(order, algorithm).await
    }

    async fn adopt(
        &self,
        key: &KeyName,
        algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError> {
        self.keys.adopt(key, algorithm).await
    }

    async fn sign(
        &self,
        key: &KeyLocation,
        algorithm: KeyAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        if self.fails.swap(false, Ordering::SeqCst) || self.lost.as_ref() == Some(key) {
            return Err(KeyError::Unavailable {
                operation: "signing",
                source: "a test asked for this".into(),
            });
        }
        (self.witness)(message);
        self.signed.lock().unwrap().insert(message.to_vec());
        self.keys.sign(key, algorithm, message).await
    }
}
