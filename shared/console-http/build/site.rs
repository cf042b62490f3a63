//! Compresses the files of a folder into the folder that the library embeds.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::error::{Absence, BuildError};
use super::media_type::find_media_type;
use super::sources::{list_folder, read_file};

/// Where the page that replaces the console names reason and remedy.
const REASON: &str = "{reason}";
const REMEDY: &str = "{remedy}";

/// Fills the embedded folder with the files of another, compressed by gzip under the same names.
/// Hidden files are left out.
pub(crate) fn embed_folder(
    folder: &Path,
    embedded: &Path,
    absence: Option<&Absence>,
) -> Result<(), BuildError> {
    // Files of an earlier build would be embedded too.
    if embedded.exists() {
        fs::remove_dir_all(embedded).map_err(|error| BuildError::Io(embedded.to_owned(), error))?;
    }
    embed_files(folder, embedded, absence)?;
    write_type(embedded)
}

/// Writes the type by which the library reads the embedded folder.
fn write_type(embedded: &Path) -> Result<(), BuildError> {
    let file = embedded.with_file_name("embedded.rs");
    let text = format!(
        "/// The files that the build compressed.\n\
         #[derive(RustEmbed)]\n\
         #[folder = {embedded:?}]\n\
         struct Embedded;\n"
    );
    fs::write(&file, text).map_err(|error| BuildError::Io(file, error))
}

fn embed_files(
    folder: &Path,
    embedded: &Path,
    absence: Option<&Absence>,
) -> Result<(), BuildError> {
    fs::create_dir_all(embedded).map_err(|error| BuildError::Io(embedded.to_owned(), error))?;
    for path in list_folder(folder)? {
        let name = path.file_name().unwrap_or_default();
        let target = embedded.join(name);
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            embed_files(&path, &target, absence)?;
            continue;
        }
        if find_media_type(&name.to_string_lossy()).is_none() {
            return Err(BuildError::Extension(path));
        }
        let mut contents = read_file(&path)?;
        if let Some(absence) = absence {
            contents = explain_absence(&contents, absence);
        }
        write_compressed(&contents, target)?;
    }
    Ok(())
}

/// Writes reason and remedy into a page.
fn explain_absence(page: &[u8], absence: &Absence) -> Vec<u8> {
    String::from_utf8_lossy(page)
        .replace(REASON, &to_html(&absence.to_string()))
        .replace(REMEDY, &to_html(absence.remedy()))
        .into_bytes()
}

/// Escapes a text, because it may contain what programs print, and marks what stands in backticks.
fn to_html(text: &str) -> String {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let mut html = String::new();
    for (number, part) in escaped.split('`').enumerate() {
        match number % 2 {
            0 => html += part,
            _ => html += &format!("<code>{part}</code>"),
        }
    }
    html
}

// The header of gzip gets no time, so that the same sources make the same binary.
fn write_compressed(contents: &[u8], target: PathBuf) -> Result<(), BuildError> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let compressed = encoder
        .write_all(contents)
        .and_then(|()| encoder.finish())
        .and_then(|compressed| fs::write(&target, compressed));
    compressed.map_err(|error| BuildError::Io(target, error))
}
