//! RA keys in files, each read once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ca::key_algorithm::KeyAlgorithm;
use scep_protocol::id::RaKeyUuid;
use scep_protocol::ra_certificate::RaKeyPair;
use scep_service::error::KeyError;
use scep_service::ports::{GeneratedKey, RaKeys};
use scep_service::ra_key::RaKey;
use uuid::Uuid;

use crate::KeyFolder;
use crate::ca_keys::generate_key;
use crate::key_folder::file_name;

/// RA keys in a folder. Each key is read once and stays in memory until the process ends.
pub struct FileRaKeys {
    folder: KeyFolder,
    loaded: Mutex<HashMap<Uuid, Arc<RaKey>>>,
}

impl FileRaKeys {
    /// Creates the adapter for the keys in this folder.
    #[must_use]
    pub fn new(folder: KeyFolder) -> Self {
        Self {
            folder,
            loaded: Mutex::default(),
        }
    }
}

#[async_trait]
impl RaKeys for FileRaKeys {
    async fn generate(
        &self,
        _uuid: RaKeyUuid,
        algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError> {
        let new_key = generate_key(algorithm).await?;
        Ok(GeneratedKey {
            location: self.folder.store(&new_key.pkcs8)?,
            subject_public_key_info: new_key.subject_public_key_info,
        })
    }

    async fn load(&self, key: &RaKeyPair) -> Result<Arc<RaKey>, KeyError> {
        let name = file_name(&key.key)?;
        // A panic cannot leave the map half changed, so a poisoned lock is safe to use.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = loaded.get(&name) {
            return Ok(Arc::clone(known));
        }
        let pkcs8 = self.folder.read(name)?;
        let ready = Arc::new(RaKey::from_pkcs8(name.to_string(), &pkcs8)?);
        loaded.insert(name, Arc::clone(&ready));
        Ok(ready)
    }
}
