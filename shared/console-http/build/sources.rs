//! The files that the console is built from, and the hash of their contents.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::BuildError;

/// What commands of npm write into the folder of the sources.
const WRITTEN: [&str; 3] = ["dist", "node_modules", "src/api/schema.ts"];

/// The sources, in alphabetical order.
pub(crate) struct Sources {
    console: PathBuf,
    /// Relative to the console's folder.
    files: Vec<PathBuf>,
    /// Folders into which nothing is written, relative to the console's folder.
    folders: Vec<PathBuf>,
}

impl Sources {
    /// Finds every file that is not hidden and that no command writes.
    // What Vite reads is not listed by hand: a file that the list lacks would leave an old console
    // in new servers.
    pub(crate) fn list(console: &Path) -> Result<Self, BuildError> {
        let mut sources = Self {
            console: console.to_owned(),
            files: Vec::new(),
            folders: Vec::new(),
        };
        sources.add_folder(Path::new(""))?;
        sources.files.sort();
        Ok(sources)
    }

    fn add_folder(&mut self, folder: &Path) -> Result<(), BuildError> {
        for path in list_folder(&self.console.join(folder))? {
            let name = path.file_name().unwrap_or_default();
            let relative = folder.join(name);
            let is_hidden = name.to_string_lossy().starts_with('.');
            if is_hidden || WRITTEN.iter().any(|written| relative == Path::new(written)) {
                continue;
            }
            if path.is_dir() {
                self.add_folder(&relative)?;
                self.folders.push(relative);
            } else {
                self.files.push(relative);
            }
        }
        Ok(())
    }

    /// What cargo should watch: every file, and the folders that nothing is written into.
    // Cargo compares the times of everything in a folder: a file that the build writes would make
    // it run again every time.
    pub(crate) fn watched(&self) -> impl Iterator<Item = PathBuf> {
        let is_written_into = |folder: &&PathBuf| {
            WRITTEN
                .iter()
                .any(|written| Path::new(written).starts_with(folder))
        };
        self.folders
            .iter()
            .filter(move |folder| !is_written_into(folder))
            .chain(&self.files)
            .map(|path| self.console.join(path))
    }

    /// The SHA-256 of names and contents, in hexadecimal digits.
    pub(crate) fn hash(&self) -> Result<String, BuildError> {
        let mut hash = Sha256::new();
        for file in &self.files {
            hash.update(Sha256::digest(file.as_os_str().as_encoded_bytes()));
            hash.update(Sha256::digest(read_file(&self.console.join(file))?));
        }
        Ok(hexadecimal(&hash.finalize()))
    }
}

/// The SHA-256 of a file, in hexadecimal digits.
pub(crate) fn hash_file(path: &Path) -> Result<String, BuildError> {
    Ok(hexadecimal(&Sha256::digest(read_file(path)?)))
}

pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, BuildError> {
    fs::read(path).map_err(|error| BuildError::Io(path.to_owned(), error))
}

/// The paths of everything in a folder.
pub(crate) fn list_folder(folder: &Path) -> Result<Vec<PathBuf>, BuildError> {
    fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(|error| BuildError::Io(folder.to_owned(), error))
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
