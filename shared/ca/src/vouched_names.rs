//! Names that somebody other than the requester vouches for: a one-time challenge, Intune, a
//! webhook, or an administrator.

use std::collections::BTreeMap;
use std::ops::Deref;

use der::{Decode, Encode};
use scep_cms::requested::RequestedExtension;
use serde::{Deserialize, Deserializer, Serialize};
use x509_cert::ext::pkix::name::{GeneralName, GeneralNames};
use x509_cert::name::Name;

pub use crate::alt_names::name_text::NameTextFault;
pub use crate::alt_names::security_identifier::{InvalidSecurityIdentifier, SecurityIdentifier};

use crate::alt_names::general_name::read_name;
use crate::alt_names::name_text::{name_text, parse_name};
use crate::alt_names::requested_names;
use crate::alt_names::requested_names::parse_requested_names;
use crate::bounded_text::quote_excerpt;
use crate::subject;
use crate::subject::encode_attributes;
use crate::subject::name_part::attribute_values;
use crate::template::{RuleViolation, SubjectAltNameType, SubjectAttribute, ValueFault};
use crate::unique_map::UniqueMap;

/// Names to vouch for, which may be invalid. Reads and writes JSON:
///
/// ```json
/// { "subject": { "CN": "device-7" },
///   "subjectAltNames": { "dns": ["device-7.corp.example"], "upn": [], "sid": null } }
/// ```
///
/// The keys are those of [`SubjectAttribute`] and [`SubjectAltNameType`], in any spelling. What is
/// null counts as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VouchedNamesSpec {
    /// The value of each subject attribute.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        deserialize_with = "read_subject"
    )]
    pub subject: BTreeMap<SubjectAttribute, String>,
    /// The names in subjectAltName.
    #[serde(default, deserialize_with = "read_or_default")]
    pub subject_alt_names: VouchedAltNames,
}

/// The names in subjectAltName that are vouched for, and the security identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VouchedAltNames {
    /// The account's security identifier; `None` leaves it to the rules, which accept none from a
    /// request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<SecurityIdentifier>,
    /// The names of each type in their text form: an otherName as the text of its UTF8String, or as
    /// `#` and the DER of its value in hexadecimal. An empty list means that the certificate has no
    /// name of this type; a null or absent one leaves the type to the rules.
    #[serde(flatten, deserialize_with = "read_types")]
    pub by_type: BTreeMap<SubjectAltNameType, Option<Vec<String>>>,
}

fn read_or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn read_subject<'de, D>(deserializer: D) -> Result<BTreeMap<SubjectAttribute, String>, D::Error>
where
    D: Deserializer<'de>,
{
    let UniqueMap(read): UniqueMap<_, Option<String>> = read_or_default(deserializer)?;
    Ok(read
        .into_iter()
        .filter_map(|(attribute, value)| Some((attribute, value?)))
        .collect())
}

type TextsByType = BTreeMap<SubjectAltNameType, Option<Vec<String>>>;

fn read_types<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TextsByType, D::Error> {
    UniqueMap::deserialize(deserializer).map(|UniqueMap(read)| read)
}

/// The names that a certificate gets because they are vouched for, whether or not the request asks
/// for them and whether or not the rules would take them from a request. They are well formed, and
/// cannot be changed; they read as a [`VouchedNamesSpec`].
///
/// A kind of name that is present binds: a request that asks for another name of this kind is
/// rejected. A kind that is absent is left to the rules.
// Stored ones are checked again when they are read, as only checked ones can be encoded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "VouchedNamesSpec", into = "VouchedNamesSpec")]
pub struct VouchedNames {
    spec: VouchedNamesSpec,
    alt_names: Vec<(SubjectAltNameType, GeneralName)>,
}

/// Why somebody cannot vouch for names. The text begins with the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVouchedNames {
    /// A name is not one of its type.
    #[error("subjectAltNames.{kind}: {} {fault}", quote_excerpt(.value))]
    AltName {
        /// The type.
        kind: SubjectAltNameType,
        /// The text, not escaped yet.
        value: String,
        /// What is wrong with it.
        fault: NameTextFault,
    },
    /// The value of a subject attribute is blank.
    #[error("subject.{0}: is blank")]
    AttributeBlank(SubjectAttribute),
    /// The value of a subject attribute is not one that it can have.
    #[error("subject.{attribute}: {} {fault}", quote_excerpt(.value))]
    Attribute {
        /// The attribute.
        attribute: SubjectAttribute,
        /// The value, not escaped yet.
        value: String,
        /// What is wrong with it.
        fault: ValueFault,
    },
    /// There are more names than a certificate can have.
    #[error("subjectAltNames: {0} names, at most {max} are allowed", max = requested_names::MAX_NAMES)]
    Count(usize),
    /// The subject is longer than that of a request can be.
    #[error("subject: {0} octets, at most {max} are allowed", max = subject::MAX_BYTES)]
    SubjectTooLong(usize),
    /// The names are longer than those of a request can be.
    #[error("subjectAltNames: {0} octets, at most {max} are allowed", max = requested_names::MAX_BYTES)]
    TooLong(usize),
}

impl InvalidVouchedNames {
    /// The rule that a request with these names breaks.
    fn into_violation(self) -> RuleViolation {
        match self {
            Self::Count(names) => RuleViolation::SubjectAltNameCount {
                names,
                max_names: requested_names::MAX_NAMES,
            },
            Self::TooLong(bytes) => RuleViolation::SubjectAltNameTooLong {
                bytes,
                max_bytes: requested_names::MAX_BYTES,
            },
            Self::SubjectTooLong(bytes) => RuleViolation::SubjectTooLong {
                bytes,
                max_bytes: subject::MAX_BYTES,
            },
            Self::AltName { value, .. } => RuleViolation::SubjectAltNameUnreadable(value),
            Self::Attribute { value, .. } => RuleViolation::SubjectUnreadable(value),
            Self::AttributeBlank(attribute) => RuleViolation::SubjectLacks(attribute),
        }
    }
}

impl VouchedNames {
    /// The names of a request that somebody has validated: its subject and all its names in
    /// subjectAltName, among them its security identifier.
    ///
    /// Microsoft's extension counts for nothing, because Intune does not look at it: a device would
    /// choose its own security identifier. Attributes of which the subject has several are left to
    /// the rules, and so is whatever cannot be read, which they reject. `subject` is a Name in DER.
    ///
    /// # Errors
    /// The violation of the limits, if somebody could not vouch for as many or as long names. The
    /// rules might accept them as they are, so whoever validates the request has to refuse it:
    /// otherwise names would be certified that nobody was shown.
    pub fn of_request(
        subject: &[u8],
        extensions: &[RequestedExtension],
    ) -> Result<Self, RuleViolation> {
        let spec = VouchedNamesSpec {
            subject: read_single_attributes(subject),
            subject_alt_names: VouchedAltNames {
                sid: read_single(read_sids_in_names(extensions)),
                by_type: read_names_by_type(extensions),
            },
        };
        Self::try_from(spec).map_err(InvalidVouchedNames::into_violation)
    }

    /// The same names and, if there is no security identifier among them, that of a request, be it
    /// in Microsoft's extension: for somebody to vouch for who sees it.
    #[must_use]
    pub fn with_sid_of_request(&self, extensions: &[RequestedExtension]) -> Self {
        let mut spec = self.spec.clone();
        let sid = &mut spec.subject_alt_names.sid;
        *sid = sid.take().or_else(|| read_requested_sid(extensions));
        // One name too many is left to the rules, which reject it.
        Self::try_from(spec).unwrap_or_else(|_| self.clone())
    }

    /// Whether nothing is vouched for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let alt_names = &self.subject_alt_names;
        self.subject.is_empty()
            && alt_names.sid.is_none()
            && alt_names.by_type.values().all(Option::is_none)
    }

    /// Whether names of this type are vouched for, an empty list included.
    pub(crate) fn binds(&self, kind: SubjectAltNameType) -> bool {
        let by_type = &self.subject_alt_names.by_type;
        by_type.get(&kind).is_some_and(Option::is_some)
    }

    /// Whether this name of a certificate is there because it is vouched for.
    pub(crate) fn holds(&self, name: &GeneralName) -> bool {
        let sid = self.subject_alt_names.sid.as_ref();
        self.alt_names.iter().any(|(_, vouched)| vouched == name)
            || sid.and_then(SecurityIdentifier::build_uri).as_ref() == Some(name)
    }

    /// The names in subjectAltName, each with its type.
    pub(crate) fn alt_names(&self) -> &[(SubjectAltNameType, GeneralName)] {
        &self.alt_names
    }
}

impl Deref for VouchedNames {
    type Target = VouchedNamesSpec;

    fn deref(&self) -> &VouchedNamesSpec {
        &self.spec
    }
}

impl From<VouchedNames> for VouchedNamesSpec {
    fn from(names: VouchedNames) -> Self {
        names.spec
    }
}

impl TryFrom<VouchedNamesSpec> for VouchedNames {
    type Error = InvalidVouchedNames;

    fn try_from(spec: VouchedNamesSpec) -> Result<Self, InvalidVouchedNames> {
        check_subject(&spec.subject)?;
        let texts: Vec<_> = list_texts(&spec.subject_alt_names).collect();
        // The limits come first, so that a long list costs nothing.
        let count = texts
            .len()
            .saturating_add(spec.subject_alt_names.sid.iter().len());
        if count > requested_names::MAX_NAMES {
            return Err(InvalidVouchedNames::Count(count));
        }
        let mut alt_names = Vec::new();
        for (kind, text) in texts {
            let name = parse_name(kind, text).map_err(|fault| InvalidVouchedNames::AltName {
                kind,
                value: text.to_owned(),
                fault,
            })?;
            if !alt_names.contains(&(kind, name.clone())) {
                alt_names.push((kind, name));
            }
        }
        let mut names: GeneralNames = alt_names.iter().map(|(_, name)| name.clone()).collect();
        // It counts as a name, because the rules may put it among the names.
        names.extend(
            spec.subject_alt_names
                .sid
                .as_ref()
                .and_then(SecurityIdentifier::build_uri),
        );
        let bytes = names.to_der().map_or(usize::MAX, |der| der.len());
        if bytes > requested_names::MAX_BYTES {
            return Err(InvalidVouchedNames::TooLong(bytes));
        }
        Ok(Self { spec, alt_names })
    }
}

fn list_texts(names: &VouchedAltNames) -> impl Iterator<Item = (SubjectAltNameType, &str)> {
    names.by_type.iter().flat_map(|(kind, texts)| {
        let given = texts.iter().flatten();
        given.map(|text| (*kind, text.as_str()))
    })
}

fn check_subject(subject: &BTreeMap<SubjectAttribute, String>) -> Result<(), InvalidVouchedNames> {
    for (attribute, value) in subject {
        if value.trim().is_empty() {
            return Err(InvalidVouchedNames::AttributeBlank(*attribute));
        }
        if let Err(fault) = attribute.check_requested(value) {
            return Err(InvalidVouchedNames::Attribute {
                attribute: *attribute,
                value: value.clone(),
                fault,
            });
        }
    }
    let bytes = encode_attributes(subject).map_or(usize::MAX, |der| der.len());
    if bytes > subject::MAX_BYTES {
        return Err(InvalidVouchedNames::SubjectTooLong(bytes));
    }
    Ok(())
}

/// Reads the attributes of which a Name has exactly one value that can be vouched for.
fn read_single_attributes(subject: &[u8]) -> BTreeMap<SubjectAttribute, String> {
    let Ok(name) = Name::from_der(subject) else {
        return BTreeMap::new();
    };
    name.iter()
        .filter_map(|part| {
            // The type is parsed again, as a UPN and a SID are no attributes to vouch for.
            let attribute: SubjectAttribute = part.oid.to_string().parse().ok()?;
            let values: Vec<_> = attribute_values(&name, attribute).collect();
            let [Some(value)] = values.as_slice() else {
                return None;
            };
            let one = BTreeMap::from([(attribute, value.clone())]);
            check_subject(&one).ok()?;
            Some((attribute, value.clone()))
        })
        .collect()
}

/// Reads the security identifier of a request from the extension or from the URI in subjectAltName,
/// each in its one spelling. `None` without one, or if there are several that differ.
fn read_requested_sid(extensions: &[RequestedExtension]) -> Option<SecurityIdentifier> {
    let in_extension = extensions
        .iter()
        .filter_map(|extension| SecurityIdentifier::of_extension(extension.id, &extension.value));
    read_single(in_extension.chain(read_sids_in_names(extensions)))
}

fn read_sids_in_names(
    extensions: &[RequestedExtension],
) -> impl Iterator<Item = SecurityIdentifier> {
    let names = parse_requested_names(extensions).unwrap_or_default();
    names.into_iter().filter_map(SecurityIdentifier::of_name)
}

/// The one that all are; `None` without one, or if they differ.
fn read_single(mut found: impl Iterator<Item = SecurityIdentifier>) -> Option<SecurityIdentifier> {
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

fn read_names_by_type(extensions: &[RequestedExtension]) -> TextsByType {
    let mut by_type = BTreeMap::new();
    let elements = parse_requested_names(extensions).unwrap_or_default();
    for (index, element) in elements.into_iter().enumerate() {
        if let Ok(Some(found)) = read_name(index, element)
            && let (Some(kind), Ok(name)) = (found.kind, found.name)
            && let Some(text) = name_text(&name)
        {
            let texts = by_type.entry(kind).or_insert_with(|| Some(Vec::new()));
            texts.get_or_insert_default().push(text);
        }
    }
    by_type
}

#[cfg(test)]
mod tests;
