//! The embedded files, each compressed by gzip.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Read;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::HeaderValue;
use rust_embed::RustEmbed;

use crate::media_type::find_media_type;

// `Embedded`, which build/site.rs writes: its attribute takes no path that only the build knows.
include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// A file of the console.
pub(crate) struct File {
    compressed: Cow<'static, [u8]>,
    /// The SHA-256 of the compressed content.
    hash: [u8; 32],
    /// The media type of the content.
    pub(crate) media_type: HeaderValue,
}

impl File {
    /// Finds a file by its path below the prefix.
    pub(crate) fn find(path: &str) -> Option<Self> {
        let file = Embedded::get(path)?;
        Some(Self {
            compressed: file.data,
            hash: file.metadata.sha256_hash(),
            // The build embeds no file without a media type.
            media_type: HeaderValue::from_static(find_media_type(path)?),
        })
    }

    /// The entity tag. It is weak, because it stands for the compressed content and the plain one
    /// (RFC 9110 §8.8.1).
    pub(crate) fn entity_tag(&self) -> String {
        let mut tag = "W/\"".to_owned();
        for octet in self.hash.iter().take(16) {
            // Writing to a string does not fail.
            let _ = write!(tag, "{octet:02x}");
        }
        tag + "\""
    }

    /// The content as gzip compressed it.
    pub(crate) fn compressed(self) -> Bytes {
        match self.compressed {
            Cow::Borrowed(octets) => Bytes::from_static(octets),
            Cow::Owned(octets) => Bytes::from(octets),
        }
    }

    /// The content.
    ///
    /// # Errors
    /// If it is not what gzip made.
    pub(crate) fn decompress(&self) -> Result<Bytes, std::io::Error> {
        let mut content = Vec::new();
        GzDecoder::new(&*self.compressed).read_to_end(&mut content)?;
        Ok(Bytes::from(content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths of all files.
    fn embedded_paths() -> Vec<String> {
        Embedded::iter().map(Cow::into_owned).collect()
    }

    #[test]
    fn every_file_has_a_media_type_and_content() {
        let paths = embedded_paths();
        assert!(paths.iter().any(|path| path == "index.html"), "{paths:?}");
        for path in paths {
            let file = File::find(&path).expect(&path);
            let content = file.decompress().expect(&path);
            assert!(!content.is_empty(), "{path}");
            let compressed = file.compressed();
            assert!(compressed.starts_with(&[0x1f, 0x8b]), "{path}");
        }
    }
}
