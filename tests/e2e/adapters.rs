//! The adapters that the contract tests run on here: the embedded engine, and keys in files.

use std::sync::Arc;

use keys_file::{FileCaKeys, FileRaKeys, FileSecrets, KeyFolder};
pub(crate) use scepter_tests::world::store;
pub(crate) use store_dynamodb::DynamoDbStore as Adapter;

use crate::key_contract::KeyPorts;

/// A key folder whose adapters are constructed again on every call, as after a restart.
pub(crate) struct Keys {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) keys: KeyFolder,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFolder::open(&folder.path().join("keys")).unwrap();
        Self { folder, keys }
    }

    pub(crate) fn open_ports(&self) -> KeyPorts {
        KeyPorts {
            ca_keys: Arc::new(FileCaKeys::new(self.keys.clone())),
            ra_keys: Arc::new(FileRaKeys::new(self.keys.clone())),
            secrets: Arc::new(FileSecrets::open(&self.keys).unwrap()),
        }
    }
}
