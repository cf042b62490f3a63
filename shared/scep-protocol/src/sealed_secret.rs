//! Secrets of profiles as they are stored.

use ca::key_location::REDACTED;
use serde::{Deserialize, Serialize};

/// A secret as encrypted by a secret store, bound to its profile. Base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSecret(String);

impl SealedSecret {
    /// A secret that a secret store has encrypted.
    #[must_use]
    pub const fn new(base64: String) -> Self {
        Self(base64)
    }

    /// What an audit record shows in place of any secret.
    #[must_use]
    pub fn redacted() -> Self {
        Self(REDACTED.to_owned())
    }

    /// Returns the encrypted secret, base64.
    #[must_use]
    pub fn as_base64(&self) -> &str {
        &self.0
    }
}
