//! A folder of key files that only their owner can read.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{Error, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ca::key_location::KeyLocation;
use scep_service::error::KeyError;
use tempfile::Builder;
use uuid::Uuid;
use zeroize::Zeroizing;

/// The extension of a key file that is being written.
const TEMPORARY: &str = "new";

/// The permission bits of the group and of all other users.
const GROUP_AND_OTHERS: u32 = 0o077;

/// The longest key file to read, in octets.
// An RSA key of 4,096 bits takes 2.4 KB.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// A folder of mode 0700 with key files of mode 0600.
#[derive(Clone, Debug)]
pub struct KeyFolder(PathBuf);

impl KeyFolder {
    /// Opens a folder, or creates it. No other process may be using it.
    ///
    /// # Errors
    /// If the folder cannot be created or read, or its permissions cannot be set.
    pub fn open(path: &Path) -> Result<Self, Error> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        // The mode given above does not apply to a folder that exists.
        std::fs::set_permissions(path, Permissions::from_mode(0o700))?;
        // A crash may leave a key that never got its name. Nothing refers to it.
        for entry in std::fs::read_dir(path)? {
            let leftover = entry?.path();
            if leftover
                .extension()
                .is_some_and(|suffix| suffix == TEMPORARY)
            {
                std::fs::remove_file(leftover)?;
            }
        }
        Ok(Self(path.to_owned()))
    }

    /// Stores a key under a new name, completely or not at all.
    pub(crate) fn store(&self, key: &[u8]) -> Result<KeyLocation, KeyError> {
        self.store_as(Uuid::new_v4(), key)
    }

    /// Stores a key under this name, completely or not at all. Fails if there is one already.
    pub(crate) fn store_as(&self, uuid: Uuid, key: &[u8]) -> Result<KeyLocation, KeyError> {
        let name = uuid.to_string();
        self.write(&name, key)
            .map_err(KeyError::broken("storing", &name))?;
        Ok(KeyLocation::File(uuid))
    }

    /// Reads the key with this name, which as a UUID cannot lead out of the folder.
    pub(crate) fn read(&self, uuid: Uuid) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let name = uuid.to_string();
        self.read_file(&name).map_err(|error| {
            if error.kind() == ErrorKind::NotFound {
                return KeyError::gone("reading", &name)(error);
            }
            KeyError::broken("reading", &name)(error)
        })
    }

    /// Reads the file with this name, and creates it from `new` if it does not exist.
    pub(crate) fn read_or_create(
        &self,
        name: &str,
        new: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, Error>,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        if !self.holds(name) {
            match self.write(name, &new()?) {
                // Another thread has created it in the meantime.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                written => written?,
            }
        }
        self.read_file(name)
    }

    /// Whether there is a file with this name.
    pub(crate) fn holds(&self, name: &str) -> bool {
        self.key_path(name).exists()
    }

    fn key_path(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.key"))
    }

    fn write(&self, name: &str, key: &[u8]) -> Result<(), Error> {
        // The file is created with mode 0600, and removed if it does not become the key's file.
        let mut file = Builder::new()
            .suffix(&format!(".{TEMPORARY}"))
            .tempfile_in(&self.0)?;
        file.write_all(key)?;
        // A key must be on disk before a certificate for it is: file, then name, then folder.
        file.as_file().sync_all()?;
        file.persist_noclobber(self.key_path(name))?;
        File::open(&self.0)?.sync_all()
    }

    fn read_file(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let path = self.key_path(name);
        let file = File::open(&path)?;
        // The mode is that of the open file, which cannot be swapped between the check and the
        // read.
        if file.metadata()?.permissions().mode() & GROUP_AND_OTHERS != 0 {
            return Err(Error::other(format!(
                "other users have access to {}: run chmod 600 on it",
                path.display()
            )));
        }
        let mut key = Zeroizing::new(Vec::new());
        file.take(MAX_KEY_BYTES).read_to_end(&mut key)?;
        Ok(key)
    }
}

/// Returns the name of the file at a location.
pub(crate) fn file_name(location: &KeyLocation) -> Result<Uuid, KeyError> {
    match location {
        KeyLocation::File(name) => Ok(*name),
        KeyLocation::Kms(_) | KeyLocation::Wrapped(_) | KeyLocation::Redacted => {
            Err(KeyError::Foreign {
                location: location.clone(),
                kept: "files",
            })
        }
    }
}
