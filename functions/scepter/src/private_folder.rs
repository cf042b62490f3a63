//! Makes a folder readable by its owner only, regardless of the umask and its earlier permissions.

use std::fs::{DirBuilder, Metadata, Permissions};
use std::io::Error;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::{geteuid, umask};

/// The permission bits of users other than the owner.
const OTHERS: u32 = 0o077;

/// The files of a data folder. The keys are in a folder of their own.
const FILES: [&str; 16] = [
    "demo-made",
    "lock",
    "scepter.db-shm",
    "scepter.db-wal",
    "scepter.new",
    "store.db-shm",
    "store.db-wal",
    "store.new-shm",
    "store.new-wal",
    CONVERTED_DATABASE,
    DATABASE,
    FORMER_DATABASE,
    IMPORTED_DATABASE,
    UNFINISHED_DATABASE,
    "tokens.json",
    "tokens.lock",
];

/// The name of the database.
pub(crate) const DATABASE: &str = "store.db";

/// The name of the database of earlier versions.
pub(crate) const FORMER_DATABASE: &str = "scepter.db";

/// The name that a database of an earlier version has after it was converted.
pub(crate) const CONVERTED_DATABASE: &str = "scepter.db.converted";

/// The name of a database into which another one is being converted.
pub(crate) const UNFINISHED_DATABASE: &str = "store.new";

/// The name of a database that is complete, and about to become the database.
pub(crate) const IMPORTED_DATABASE: &str = "store.ready";

/// The beginning of the name of a file that is to replace one of them. A crash may leave such
/// files.
pub(crate) const TEMPORARY_PREFIX: &str = "tokens.new";

/// The name of the folder that holds the keys.
pub(crate) const KEYS: &str = "keys";

/// The folder cannot be made private.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrivateFolderError {
    #[error("opening the data folder {path}")]
    Io { path: PathBuf, source: Error },
    #[error("the data folder {0} belongs to another user, who could read the keys")]
    OtherOwner(PathBuf),
    #[error(
        "the data folder {0} is open to other users and contains files that are not Scepter's; \
         choose a folder that does not exist yet, or make this one private (chmod 700)"
    )]
    Shared(PathBuf),
}

/// Sets the umask, so that files created by this process from now on are private to their owner.
pub(crate) fn keep_new_files_private() {
    umask(Mode::from_raw_mode(OTHERS));
}

/// Creates the folder, or makes an existing one private together with its files.
///
/// # Errors
/// When the folder belongs to another user, or is open to other users and contains foreign files.
pub(crate) fn open_private(path: &Path) -> Result<(), PrivateFolderError> {
    let io = |source| PrivateFolderError::Io {
        path: path.to_owned(),
        source,
    };
    let mut builder = DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(io)?;
    let folder = std::fs::metadata(path).map_err(io)?;
    if folder.uid() != geteuid().as_raw() {
        return Err(PrivateFolderError::OtherOwner(path.to_owned()));
    }
    if is_open_to_others(&folder) {
        // Closing a folder that serves another purpose, such as /tmp, would break other programs.
        if !is_data_folder(path).map_err(io)? {
            return Err(PrivateFolderError::Shared(path.to_owned()));
        }
        make_private(path, 0o700).map_err(io)?;
    }
    for file in FILES.map(|name| path.join(name)) {
        // Links are not followed, since changing their target could affect another program.
        match std::fs::symlink_metadata(&file) {
            Ok(found) if found.is_file() && is_open_to_others(&found) => {
                make_private(&file, 0o600).map_err(io)?;
            }
            // A file that is missing or is not a regular file is handled where it is opened.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

fn is_open_to_others(found: &Metadata) -> bool {
    found.permissions().mode() & OTHERS != 0
}

/// Whether the folder contains nothing but the files of a data folder, or is empty.
fn is_data_folder(path: &Path) -> Result<bool, Error> {
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name();
        let is_temporary = name
            .as_encoded_bytes()
            .starts_with(TEMPORARY_PREFIX.as_bytes());
        let is_known = FILES.iter().chain([&KEYS]).any(|known| *known == name);
        if !is_known && !is_temporary {
            return Ok(false);
        }
    }
    Ok(true)
}

fn make_private(path: &Path, mode: u32) -> Result<(), Error> {
    std::fs::set_permissions(path, Permissions::from_mode(mode))?;
    let (path, mode) = (path.display(), format!("{mode:o}"));
    tracing::warn!(%path, mode, "other users could read this; it is closed to them now");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    /// A folder of mode 0755 with one file of mode 0644.
    fn folder_with(file: &str) -> (tempfile::TempDir, PathBuf) {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("data");
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        std::fs::write(path.join(file), "").unwrap();
        let open = Permissions::from_mode(0o644);
        std::fs::set_permissions(path.join(file), open).unwrap();
        (outer, path)
    }

    #[test]
    fn a_data_folder_that_others_may_read_is_closed_with_its_files() {
        let (_outer, path) = folder_with("scepter.db");
        // As a crash leaves it.
        std::fs::write(path.join("tokens.newA1b2C3"), "").unwrap();
        open_private(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join("scepter.db")), 0o600);
    }

    #[test]
    fn a_folder_of_something_else_is_refused_and_left_as_it_is() {
        let (_outer, path) = folder_with("letters.txt");
        let refused = open_private(&path).unwrap_err();
        assert!(matches!(refused, PrivateFolderError::Shared(_)));
        assert_eq!(mode(&path), 0o755);
        assert_eq!(mode(&path.join("letters.txt")), 0o644);
        // Foreign files do no harm in a folder that other users cannot read.
        std::fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        open_private(&path).unwrap();
        assert_eq!(mode(&path.join("letters.txt")), 0o644);
    }

    #[test]
    fn a_new_folder_is_private() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("a/b");
        open_private(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
    }
}
