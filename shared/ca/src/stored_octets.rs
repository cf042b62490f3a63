//! Octets in stored documents.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// Octets. Serialised as base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StoredOctets(Vec<u8>);

impl StoredOctets {
    /// Wraps these octets.
    #[must_use]
    pub const fn new(octets: Vec<u8>) -> Self {
        Self(octets)
    }

    /// Returns the octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<StoredOctets> for String {
    fn from(octets: StoredOctets) -> Self {
        STANDARD.encode(octets.0)
    }
}

impl TryFrom<String> for StoredOctets {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        STANDARD.decode(text).map(Self)
    }
}
