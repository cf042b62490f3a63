//! Attributes that callers attach to profiles and certificates. They are stored and returned
//! without being interpreted.

use ca::bounded_text::is_visible;
use scep_protocol::annotations::{Attributes, CertificateAssociations};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::request::JsonObject;
use crate::response::ApiError;

/// A named list of values, stored for the readers of certificate records.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Attribute {
    /// UUID of the attribute's definition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "1b6c48ad-c1c7-4c82-91ef-3b61bc9f52ac")]
    uuid: Option<Uuid>,
    /// The attribute's name.
    #[schema(min_length = 1, max_length = 255, example = "department")]
    name: String,
    /// The type of the attribute's content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 255, example = "string")]
    content_type: Option<String>,
    /// The attribute's values.
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
    /// The value: any JSON.
    #[schema(example = "network")]
    data: serde_json::Value,
}

/// The most attributes, values per attribute, and groups.
const MAX_ITEMS: usize = 100;

/// The longest name, in characters.
const MAX_NAME_CHARACTERS: usize = 255;

/// The longest list of attributes as JSON, in octets. It is copied into every certificate's record,
/// so it must stay small.
const MAX_BYTES: usize = 16 * 1024;

/// Checks a list of attributes, and converts it to its stored form.
pub(crate) fn parse_attributes(
    name: &str,
    attributes: &[JsonObject<Attribute>],
) -> Result<Attributes, ApiError> {
    let fits = |JsonObject(attribute): &JsonObject<Attribute>| {
        let characters = attribute.name.chars().count();
        let kind = attribute.content_type.as_deref().unwrap_or_default();
        (1..=MAX_NAME_CHARACTERS).contains(&characters)
            // Characters that hide or reorder text could make one attribute look like another.
            && attribute.name.chars().chain(kind.chars()).all(is_visible)
            && kind.chars().count() <= MAX_NAME_CHARACTERS
            && attribute.content.len() <= MAX_ITEMS
    };
    if attributes.len() > MAX_ITEMS || !attributes.iter().all(fits) {
        return Err(ApiError::reason(format!(
            "{name}: at most {MAX_ITEMS} attributes with as many values each, names of 1 to {MAX_NAME_CHARACTERS} characters, none that hides or reorders text"
        )));
    }
    let unreadable = |_| ApiError::reason(format!("{name}: cannot be stored"));
    let json = serde_json::to_string(attributes).map_err(unreadable)?;
    if json.len() > MAX_BYTES {
        return Err(ApiError::reason(format!("{name}: larger than 16 KiB")));
    }
    Ok(Attributes::from_json(json))
}

/// Converts stored attributes to their API form. The stored text was written from [`Attribute`]s,
/// so it always parses.
pub(crate) fn to_view(attributes: &Attributes) -> Vec<JsonObject<Attribute>> {
    serde_json::from_str(attributes.as_json()).unwrap_or_default()
}

/// The owner and groups of a profile's certificates.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Associations {
    /// Owner of the certificates.
    #[schema(max_length = 255, example = "network-team")]
    owner: Option<String>,
    /// Groups that the certificates belong to.
    #[schema(max_items = 100, example = json!(["routers"]))]
    groups: Vec<String>,
    /// Custom attributes of the certificates.
    #[schema(value_type = Vec<Attribute>, max_items = 100)]
    custom_attributes: Vec<JsonObject<Attribute>>,
}

impl Associations {
    /// Checks the associations, and converts them to their stored form.
    pub(crate) fn to_stored(&self) -> Result<CertificateAssociations, ApiError> {
        let custom_attributes = parse_attributes(
            "certificateAssociations.customAttributes",
            &self.custom_attributes,
        )?;
        let texts = self.owner.iter().chain(&self.groups);
        let is_unfit = |text: &String| {
            text.chars().count() > MAX_NAME_CHARACTERS || !text.chars().all(is_visible)
        };
        if self.groups.len() > MAX_ITEMS || texts.into_iter().any(is_unfit) {
            return Err(ApiError::reason(
                "certificateAssociations: names of at most 255 characters, none that hides or reorders text; 100 groups",
            ));
        }
        Ok(CertificateAssociations {
            owner: self.owner.clone(),
            groups: self.groups.clone(),
            custom_attributes,
        })
    }

    /// The API form of stored associations.
    pub(crate) fn of(stored: &CertificateAssociations) -> Self {
        Self {
            owner: stored.owner.clone(),
            groups: stored.groups.clone(),
            custom_attributes: to_view(&stored.custom_attributes),
        }
    }
}
