//! Attributes of the platform's kind, which are kept and shown and otherwise mean nothing.

use scep_protocol::{Attributes, CertificateAssociations};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::ApiError;
use crate::request::JsonObject;

/// A named value, kept for those who read records of certificates.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Attribute {
    /// Identity of its definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "1b6c48ad-c1c7-4c82-91ef-3b61bc9f52ac")]
    uuid: Option<Uuid>,
    /// Its name.
    #[schema(max_length = 255, example = "department")]
    name: String,
    /// The kind of its content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, example = "string")]
    content_type: Option<String>,
    /// Its values.
    #[serde(default)]
    #[schema(value_type = Vec<AttributeContent>, max_items = 100)]
    content: Vec<JsonObject<AttributeContent>>,
}

/// One value of an attribute.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AttributeContent {
    /// A name for the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 255, example = "Network")]
    reference: Option<String>,
    /// The value, any JSON.
    #[schema(example = "network")]
    data: serde_json::Value,
}

/// Longest attributes, as JSON, in octets.
const MAX_BYTES: usize = 16 * 1024;

/// Attributes as they are kept.
pub(crate) fn kept(
    name: &str,
    attributes: &[JsonObject<Attribute>],
) -> Result<Attributes, ApiError> {
    let unreadable = |_| ApiError::reason(format!("{name}: cannot be kept"));
    let json = serde_json::to_string(attributes).map_err(unreadable)?;
    if json.len() > MAX_BYTES {
        return Err(ApiError::reason(format!("{name}: larger than 16 KiB")));
    }
    Ok(Attributes(json))
}

/// Attributes as they are shown. What was kept was made of [`Attribute`]s.
pub(crate) fn shown(attributes: &Attributes) -> Vec<JsonObject<Attribute>> {
    serde_json::from_str(&attributes.0).unwrap_or_default()
}

/// Whose the certificates of a profile are.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Associations {
    /// The owner.
    #[schema(max_length = 255, example = "network-team")]
    owner: Option<String>,
    /// Groups.
    #[schema(max_items = 100, example = json!(["routers"]))]
    groups: Vec<String>,
    /// Attributes of the certificates.
    #[schema(value_type = Vec<Attribute>, max_items = 100)]
    custom_attributes: Vec<JsonObject<Attribute>>,
}

impl Associations {
    pub(crate) fn kept(&self) -> Result<CertificateAssociations, ApiError> {
        let custom_attributes = kept(
            "certificateAssociations.customAttributes",
            &self.custom_attributes,
        )?;
        let texts = self.owner.iter().chain(&self.groups);
        if self.groups.len() > 100 || texts.into_iter().any(|text| text.chars().count() > 255) {
            return Err(ApiError::reason(
                "certificateAssociations: names of at most 255 characters, 100 groups",
            ));
        }
        Ok(CertificateAssociations {
            owner: self.owner.clone(),
            groups: self.groups.clone(),
            custom_attributes,
        })
    }

    pub(crate) fn shown(kept: &CertificateAssociations) -> Self {
        Self {
            owner: kept.owner.clone(),
            groups: kept.groups.clone(),
            custom_attributes: shown(&kept.custom_attributes),
        }
    }
}
