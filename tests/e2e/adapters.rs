//! The adapters that the contract tests run on here: the embedded engine, and keys in files.

use std::sync::Arc;

use keys_file::{FileCaKeys, FileRaKeys, FileSecrets, KeyFolder};
use scep_service::ports::{CaKeys, RaKeys, Secrets};

pub(crate) use scepter_tests::world::store;

/// A key folder whose adapters are constructed again on every call, as after a restart.
pub(crate) struct Keys {
    _folder: tempfile::TempDir,
    keys: KeyFolder,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFolder::open(&folder.path().join("keys")).unwrap();
        Self {
            _folder: folder,
            keys,
        }
    }

    pub(crate) fn ca_keys(&self) -> Arc<dyn CaKeys> {
        Arc::new(FileCaKeys::new(self.keys.clone()))
    }

    pub(crate) fn ra_keys(&self) -> Arc<dyn RaKeys> {
        Arc::new(FileRaKeys::new(self.keys.clone()))
    }

    pub(crate) fn secrets(&self) -> Arc<dyn Secrets> {
        Arc::new(FileSecrets::open(&self.keys).unwrap())
    }
}
