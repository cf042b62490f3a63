//! A folder of key files that only their owner reads.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{Error, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use scep_protocol::KeyReference;
use scep_service::KeyError;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Permissions of anyone but the owner.
const OTHERS: u32 = 0o077;

/// Longest key file: an RSA-4096 key takes 2.4 KB.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// A folder of mode 0700 with key files of mode 0600.
#[derive(Clone, Debug)]
pub struct KeyFolder(PathBuf);

impl KeyFolder {
    /// Opens a folder, or makes it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(path: &Path) -> Result<Self, Error> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        std::fs::set_permissions(path, Permissions::from_mode(0o700))?;
        Ok(Self(path.to_owned()))
    }

    /// Stores a new key under a fresh name; whole or not at all.
    pub(crate) fn store(&self, key: &[u8]) -> Result<KeyReference, KeyError> {
        let reference = KeyReference(Uuid::new_v4().to_string());
        self.write(&reference.0, key)
            .map_err(broken("storing", &reference))?;
        Ok(reference)
    }

    /// Reads a key.
    pub(crate) fn read(&self, reference: &KeyReference) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let name: Uuid = reference.0.parse().map_err(broken("finding", reference))?;
        self.read_file(&name.to_string())
            .map_err(broken("reading", reference))
    }

    /// Reads the file of this name; makes it of `new` where there is none.
    pub(crate) fn read_or_create(
        &self,
        name: &str,
        new: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, Error>,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        if !self.path(name).exists() {
            self.write(name, &new()?)?;
        }
        self.read_file(name)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.key"))
    }

    fn write(&self, name: &str, key: &[u8]) -> Result<(), Error> {
        let unfinished = self.0.join(format!("{name}.new"));
        // What a crash left there may be of any mode.
        match std::fs::remove_file(&unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(key)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, self.path(name))?;
        File::open(&self.0)?.sync_all()
    }

    fn read_file(&self, name: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let path = self.path(name);
        let file = File::open(&path)?;
        if file.metadata()?.permissions().mode() & OTHERS != 0 {
            return Err(Error::other(format!(
                "{} is open to others than its owner; chmod 600 it",
                path.display()
            )));
        }
        let mut key = Zeroizing::new(Vec::new());
        file.take(MAX_KEY_BYTES).read_to_end(&mut key)?;
        Ok(key)
    }
}

/// The error of a key that does not do.
pub(crate) fn broken<E>(operation: &'static str, key: &KeyReference) -> impl Fn(E) -> KeyError
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    move |source| KeyError::Broken {
        operation,
        reference: key.0.clone(),
        source: source.into(),
    }
}
