//! PKCS #10 requests that are kept for those who want to hear what became of them.

use std::fmt::{Debug, Formatter};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// A PKCS #10 request as a receiver of notices knows it: DER, base64, padded. `Debug` does not show
/// it, because there is a challengePassword in it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReportedCsr(String);

impl ReportedCsr {
    /// Keeps this request, DER.
    #[must_use]
    pub fn of(der: &[u8]) -> Self {
        Self(STANDARD.encode(der))
    }

    /// Returns the request in base64.
    #[must_use]
    pub fn as_base64(&self) -> &str {
        &self.0
    }
}

impl Debug for ReportedCsr {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReportedCsr")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_stored_as_base64_and_never_shown() {
        let csr = ReportedCsr::of(&[0, 1, 2, 3]);
        assert_eq!(serde_json::to_string(&csr).unwrap(), "\"AAECAw==\"");
        assert_eq!(csr.as_base64(), "AAECAw==");
        assert_eq!(format!("{csr:?}"), "ReportedCsr");
    }
}
