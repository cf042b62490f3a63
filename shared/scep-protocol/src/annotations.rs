//! Metadata that a profile adds to the record of each certificate.

use serde::{Deserialize, Serialize};

/// Attributes in the format of the surrounding platform: a JSON array that is stored unchanged and
/// has no meaning to Scepter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes(String);

impl Attributes {
    /// Attributes in this JSON array.
    #[must_use]
    pub const fn from_json(array: String) -> Self {
        Self(array)
    }

    /// Returns the JSON array.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl Default for Attributes {
    fn default() -> Self {
        Self("[]".to_owned())
    }
}

/// Metadata that a profile adds to the record of each of its certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// Attributes of the issuance.
    pub issue_certificate_attributes: Attributes,
    /// Attributes of the profile.
    pub custom_attributes: Attributes,
    /// The owner and groups of the certificates.
    pub associations: CertificateAssociations,
}

/// The owner and groups of a profile's certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateAssociations {
    /// The owner's name.
    pub owner: Option<String>,
    /// The names of the groups.
    pub groups: Vec<String>,
    /// Attributes of the certificates.
    pub custom_attributes: Attributes,
}
