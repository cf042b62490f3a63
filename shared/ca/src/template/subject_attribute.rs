//! The subject attributes that rules can refer to, and the valid values of each.

use std::cmp::Ordering;
use std::fmt;
use std::fmt::{Display, Formatter};
use std::str::FromStr;

use const_oid::ObjectIdentifier;
use serde::{Deserialize, Serialize};

use crate::bounded_text::is_visible;
use crate::template::active_directory::{UPN, is_security_identifier};
use crate::template::attribute_names::{Form, NAMED, NamedAttribute};
use crate::template::value_fault::ValueFault;

/// An attribute of a subject: a textual one of RFC 4519 or PKCS #9, written by its name, or any
/// other, written by its OID.
///
/// Formats as the canonical name or as a dotted OID. Parses case-insensitively, and accepts common
/// aliases. Ordered as in a Name: the most general first, those without a name last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SubjectAttribute(ObjectIdentifier);

/// Why a text is not an attribute that a rule can refer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitAttribute {
    /// The attribute maps its holder to an account of Active Directory.
    #[error("a UPN or SID is not allowed in a subject")]
    Account,
    /// The text is neither a known name nor an OID.
    #[error(
        "neither an attribute of RFC 4519 or PKCS #9 that holds a text, like CN or unstructuredName, nor an OID, like 2.5.4.97"
    )]
    Unknown,
}

/// The string type in which a fixed value is encoded, RFC 5280 appendix A.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringType {
    /// IA5String.
    Ia5String,
    /// PrintableString.
    PrintableString,
    /// UTF8String.
    Utf8String,
}

impl SubjectAttribute {
    /// countryName.
    pub const COUNTRY: Self = Self(ObjectIdentifier::new_unwrap("2.5.4.6"));
    /// organizationName.
    pub const ORGANIZATION: Self = Self(ObjectIdentifier::new_unwrap("2.5.4.10"));
    /// commonName.
    pub const COMMON_NAME: Self = Self(ObjectIdentifier::new_unwrap("2.5.4.3"));
    /// serialNumber: of a device, not of a certificate.
    pub const SERIAL_NUMBER: Self = Self(ObjectIdentifier::new_unwrap("2.5.4.5"));
    /// userId.
    pub const USER_ID: Self = Self(ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1"));

    /// The attribute with this OID. Not restricted to those that rules can refer to.
    #[must_use]
    pub const fn of(oid: ObjectIdentifier) -> Self {
        Self(oid)
    }

    /// The OID of the attribute type.
    #[must_use]
    pub const fn oid(self) -> ObjectIdentifier {
        self.0
    }

    /// The canonical names of all attributes that have one.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|named| named.name)
    }

    /// Whether the attribute has a [name](Self::names).
    #[must_use]
    pub fn has_name(self) -> bool {
        self.find_named().is_some()
    }

    /// Whether the attribute precedes the CN in a Name.
    #[must_use]
    pub fn is_wider_than_common_name(self) -> bool {
        self < Self::COMMON_NAME
    }

    fn find_named(self) -> Option<&'static NamedAttribute> {
        NAMED.iter().find(|named| named.oid == self.0)
    }

    fn fixed_form(self) -> Form {
        self.find_named().map_or(Form::Text, |named| named.fixed)
    }

    /// The sort key: the position in a Name, then the OID.
    fn rank(self) -> (usize, ObjectIdentifier) {
        let place = NAMED.iter().position(|named| named.oid == self.0);
        (place.unwrap_or(NAMED.len()), self.0)
    }

    /// The string type in which a fixed value is encoded.
    #[must_use]
    pub fn string_type(self) -> StringType {
        match self.fixed_form() {
            Form::Ascii => StringType::Ia5String,
            Form::Country | Form::Printable => StringType::PrintableString,
            Form::Text => StringType::Utf8String,
        }
    }

    /// The string type in which this value is encoded: that of a fixed value, or UTF8String for a
    /// value that could only be requested.
    #[must_use]
    pub fn string_type_of(self, value: &str) -> StringType {
        if self.fixed_form().matches(value) {
            return self.string_type();
        }
        StringType::Utf8String
    }

    /// A description of the values that an administrator may fix, RFC 5280 appendix A.1.
    pub(crate) fn form(self) -> &'static str {
        match self.fixed_form() {
            Form::Country => "two letters",
            Form::Ascii => "1 to 64 characters of ASCII",
            Form::Printable => "1 to 64 of A-Z a-z 0-9 space ' ( ) + , - . / : = ?",
            Form::Text => {
                "1 to 64 characters, none of them a control character or one that hides or reorders text"
            }
        }
    }

    /// Whether an administrator may fix the attribute to this value, RFC 5280 appendix A.1.
    #[must_use]
    pub fn can_be(self, value: &str) -> bool {
        let characters = value.chars().count();
        (1..=MAX_FIXED_CHARACTERS).contains(&characters) && self.fixed_form().matches(value)
    }

    /// Checks a requested value. It may be empty, and longer than a fixed value.
    ///
    /// # Errors
    /// [`ValueFault::Hidden`], [`ValueFault::Length`] or [`ValueFault::Form`].
    pub fn check_requested(self, value: &str) -> Result<(), ValueFault> {
        check_text(value)?;
        let form = self
            .find_named()
            .map_or(Form::Text, |named| named.requested);
        if form.matches(value) {
            return Ok(());
        }
        Err(ValueFault::Form(match form {
            Form::Country => "two letters",
            Form::Printable => "of A-Z a-z 0-9 space ' ( ) + , - . / : = ?",
            Form::Ascii | Form::Text => "of visible ASCII",
        }))
    }
}

impl Ord for SubjectAttribute {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for SubjectAttribute {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Display for SubjectAttribute {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.find_named() {
            Some(named) => f.write_str(named.name),
            None => self.0.fmt(f),
        }
    }
}

impl FromStr for SubjectAttribute {
    type Err = UnfitAttribute;

    fn from_str(text: &str) -> Result<Self, UnfitAttribute> {
        let is_called = |named: &&NamedAttribute| {
            std::iter::once(&named.name)
                .chain(named.aliases)
                .any(|name| name.eq_ignore_ascii_case(text))
        };
        if let Some(named) = NAMED.iter().find(is_called) {
            return Ok(Self(named.oid));
        }
        let oid = ObjectIdentifier::new(text).map_err(|_| UnfitAttribute::Unknown)?;
        // Active Directory may trust these wherever they appear in a certificate.
        if oid == UPN || is_security_identifier(oid) {
            return Err(UnfitAttribute::Account);
        }
        Ok(Self(oid))
    }
}

impl TryFrom<String> for SubjectAttribute {
    type Error = UnfitAttribute;

    fn try_from(text: String) -> Result<Self, UnfitAttribute> {
        text.parse()
    }
}

impl From<SubjectAttribute> for String {
    fn from(attribute: SubjectAttribute) -> Self {
        attribute.to_string()
    }
}

/// Checks a requested text, whatever attribute or name it is for.
///
/// # Errors
/// [`ValueFault::Hidden`] or [`ValueFault::Length`].
pub fn check_text(value: &str) -> Result<(), ValueFault> {
    if !value.chars().all(is_visible) {
        return Err(ValueFault::Hidden);
    }
    if value.chars().count() > MAX_REQUESTED_CHARACTERS {
        return Err(ValueFault::Length);
    }
    Ok(())
}

/// Longest fixed value, in characters: the upper bound of X.520 for O and CN.
const MAX_FIXED_CHARACTERS: usize = 64;

/// Longest requested value, in characters: the largest of the upper bounds of X.520, RFC 4524 and
/// PKCS #9.
// A CN is often a DNS name of up to 253 characters, although X.520 limits it to 64.
const MAX_REQUESTED_CHARACTERS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_attribute(text: &str) -> SubjectAttribute {
        text.parse().unwrap()
    }

    #[test]
    fn an_attribute_is_read_by_name_in_any_case_or_by_oid_and_shown_by_name() {
        for (read, shown) in [
            ("CN", "CN"),
            ("cn", "CN"),
            ("commonName", "CN"),
            ("2.5.4.3", "CN"),
            ("GN", "GN"),
            ("givenname", "GN"),
            ("sn", "SN"),
            ("TITLE", "title"),
            ("streetAddress", "street"),
            ("postalcode", "postalCode"),
            ("organizationIdentifier", "organizationIdentifier"),
            ("2.5.4.97", "organizationIdentifier"),
            ("unstructuredname", "unstructuredName"),
            ("1.2.840.113549.1.9.2", "unstructuredName"),
            ("unstructuredAddress", "unstructuredAddress"),
            ("1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.1"),
        ] {
            assert_eq!(parse_attribute(read).to_string(), shown, "{read}");
        }
        for unknown in ["", "x", "C N", "2.5.4.", "9.9.9", "1", "userPassword"] {
            let read = unknown.parse::<SubjectAttribute>();
            assert_eq!(read, Err(UnfitAttribute::Unknown), "{unknown}");
        }
        for account in [
            "1.3.6.1.4.1.311.20.2.3",
            "1.3.6.1.4.1.311.25.2",
            "1.3.6.1.4.1.311.25.2.1",
        ] {
            let read = account.parse::<SubjectAttribute>();
            assert_eq!(read, Err(UnfitAttribute::Account), "{account}");
        }
    }

    /// Stored templates refer to attributes by these names, so they must not change.
    #[test]
    fn names_are_unique_and_stored_ones_stay() {
        let mut names: Vec<_> = NAMED
            .iter()
            .flat_map(|named| std::iter::once(&named.name).chain(named.aliases))
            .map(|name| name.to_lowercase())
            .collect();
        let oids: std::collections::BTreeSet<_> = NAMED.iter().map(|named| named.oid).collect();
        assert_eq!(oids.len(), NAMED.len());
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
        let stored = [
            "DC",
            "C",
            "ST",
            "L",
            "O",
            "OU",
            "CN",
            "serialNumber",
            "UID",
            "emailAddress",
        ];
        let read = stored.map(parse_attribute);
        assert_eq!(read.map(|read| read.to_string()), stored);
        assert!(read.is_sorted(), "in the order of a Name");
        let others = [
            parse_attribute("OU"),
            parse_attribute("title"),
            parse_attribute("1.2.3.4"),
        ];
        assert!(others.is_sorted());
        assert!(parse_attribute("street").is_wider_than_common_name());
        assert!(!parse_attribute("1.2.3.4").is_wider_than_common_name());
    }

    #[test]
    fn a_fixed_value_is_of_the_string_type_of_its_attribute() {
        for (name, written, value, other) in [
            ("C", StringType::PrintableString, "DE", "D1"),
            ("DC", StringType::Ia5String, "example", "ü"),
            ("serialNumber", StringType::PrintableString, "17", "a_b"),
            ("dnQualifier", StringType::PrintableString, "17", "a_b"),
            ("unstructuredName", StringType::Ia5String, "r.example", "ü"),
            ("organizationIdentifier", StringType::Utf8String, "ü", "a\0"),
            ("1.2.3.4", StringType::Utf8String, "ü", "a\u{202e}"),
        ] {
            let attribute = parse_attribute(name);
            assert_eq!(attribute.string_type(), written, "{name}");
            assert!(attribute.can_be(value), "{name}");
            assert!(!attribute.can_be(other), "{name}");
        }
    }

    #[test]
    fn a_requested_value_has_the_form_of_its_attribute() {
        for (name, value, expected) in [
            ("CN", "", Ok(())),
            ("CN", "Gerät 7 (א)", Ok(())),
            ("CN", "*.corp.example", Ok(())),
            ("CN", "admin.corp\0.evil.example", Err(ValueFault::Hidden)),
            ("CN", "a\r\n\x1b[31mroot", Err(ValueFault::Hidden)),
            ("CN", "nimda\u{202e}", Err(ValueFault::Hidden)),
            ("UID", "a\u{2066}b", Err(ValueFault::Hidden)),
            ("C", "DE", Ok(())),
            ("C", "D1", Err(ValueFault::Form("two letters"))),
            ("C", "Germany", Err(ValueFault::Form("two letters"))),
            ("serialNumber", "FTX-17", Ok(())),
            ("emailAddress", "a@b.example", Ok(())),
            (
                "emailAddress",
                "ä@b.example",
                Err(ValueFault::Form("of visible ASCII")),
            ),
            ("DC", "a b", Err(ValueFault::Form("of visible ASCII"))),
            ("dnQualifier", "a_b", Ok(())),
            ("unstructuredName", "Gerät", Ok(())),
            ("1.2.3.4", "a\0", Err(ValueFault::Hidden)),
        ] {
            let checked = parse_attribute(name).check_requested(value);
            assert_eq!(checked, expected, "{name} {value:?}");
        }
        let common_name = SubjectAttribute::COMMON_NAME;
        assert_eq!(common_name.check_requested(&"ü".repeat(256)), Ok(()));
        let length = Err(ValueFault::Length);
        assert_eq!(common_name.check_requested(&"ü".repeat(257)), length);
        let form = SubjectAttribute::SERIAL_NUMBER.check_requested("a_b");
        assert!(matches!(form, Err(ValueFault::Form(_))), "{form:?}");
    }
}
