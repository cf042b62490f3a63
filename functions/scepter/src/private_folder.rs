//! A folder that its owner alone reads, whatever the umask and whatever it was before.

use std::fs::{DirBuilder, Metadata, Permissions};
use std::io::Error;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::{geteuid, umask};

/// Permissions of anyone but the owner.
const OTHERS: u32 = 0o077;

/// Every file of a data folder; the keys are in a folder of their own.
const FILES: [&str; 9] = [
    "demo-made",
    "lock",
    "scepter.db",
    "scepter.db-shm",
    "scepter.db-wal",
    "scepter.new",
    "tokens.json",
    "tokens.lock",
    "tokens.new",
];

/// The folder of keys.
pub(crate) const KEYS: &str = "keys";

/// The folder cannot be kept from others.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PrivateFolderError {
    #[error("opening the data folder {path}")]
    Io { path: PathBuf, source: Error },
    #[error("the data folder {0} belongs to another user, who could read the keys")]
    OfAnother(PathBuf),
    #[error(
        "the data folder {0} is open to other users and has files of something else; \
         name a folder that is not there yet, or close it (chmod 700)"
    )]
    Shared(PathBuf),
}

/// Lets every file that this process makes from now on be read by its owner alone.
pub(crate) fn keep_new_files_private() {
    umask(Mode::from_raw_mode(OTHERS));
}

/// Makes the folder, or closes one that is there, with the files of a data folder in it.
///
/// # Errors
/// When it belongs to another user; when it is open to others and was not made for this.
pub(crate) fn open(path: &Path) -> Result<(), PrivateFolderError> {
    let io = |source| PrivateFolderError::Io {
        path: path.to_owned(),
        source,
    };
    let mut new = DirBuilder::new();
    new.recursive(true).mode(0o700).create(path).map_err(io)?;
    let folder = std::fs::metadata(path).map_err(io)?;
    if folder.uid() != geteuid().as_raw() {
        return Err(PrivateFolderError::OfAnother(path.to_owned()));
    }
    if is_open_to_others(&folder) {
        if !is_data_folder(path).map_err(io)? {
            return Err(PrivateFolderError::Shared(path.to_owned()));
        }
        close(path, 0o700).map_err(io)?;
    }
    for file in FILES.map(|name| path.join(name)) {
        match std::fs::symlink_metadata(&file) {
            Ok(found) if found.is_file() && is_open_to_others(&found) => {
                close(&file, 0o600).map_err(io)?;
            }
            // A file that is missing, or is no regular file, fails where it is opened.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

fn is_open_to_others(found: &Metadata) -> bool {
    found.permissions().mode() & OTHERS != 0
}

/// Is it empty, or does it have nothing but what a data folder has?
fn is_data_folder(path: &Path) -> Result<bool, Error> {
    for entry in std::fs::read_dir(path)? {
        let name = entry?.file_name();
        let is_known = FILES.iter().chain([&KEYS]).any(|known| *known == name);
        if !is_known {
            return Ok(false);
        }
    }
    Ok(true)
}

fn close(path: &Path, mode: u32) -> Result<(), Error> {
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
        open(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join("scepter.db")), 0o600);
    }

    #[test]
    fn a_folder_of_something_else_is_refused_and_left_as_it_is() {
        let (_outer, path) = folder_with("letters.txt");
        let refused = open(&path).unwrap_err();
        assert!(matches!(refused, PrivateFolderError::Shared(_)));
        assert_eq!(mode(&path), 0o755);
        assert_eq!(mode(&path.join("letters.txt")), 0o644);
        // In a folder that others cannot read, other files do no harm.
        std::fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        open(&path).unwrap();
        assert_eq!(mode(&path.join("letters.txt")), 0o644);
    }

    #[test]
    fn a_new_folder_is_private() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("a/b");
        open(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
    }
}
