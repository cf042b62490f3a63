//! The subject attributes that have a name, and the form of their values.

use const_oid::ObjectIdentifier;

use crate::bounded_text::is_visible;

/// The set of valid values of an attribute, and the string type in which a fixed value is encoded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Visible ASCII without spaces, encoded as IA5String.
    Ascii,
    /// Two letters, encoded as PrintableString.
    Country,
    /// The characters of PrintableString.
    Printable,
    /// Any visible characters, encoded as UTF8String.
    Text,
}

/// An attribute with a name.
pub(crate) struct NamedAttribute {
    pub(crate) oid: ObjectIdentifier,
    /// The canonical name.
    pub(crate) name: &'static str,
    /// Other names that are accepted on input.
    pub(crate) aliases: &'static [&'static str],
    /// The form of values that an administrator fixes.
    pub(crate) fixed: Form,
    /// The form of requested values, often laxer: earlier versions accepted any text from devices.
    pub(crate) requested: Form,
}

/// An attribute whose requested values may be any text.
const fn lax_attribute(
    oid: &str,
    name: &'static str,
    aliases: &'static [&'static str],
    fixed: Form,
) -> NamedAttribute {
    NamedAttribute {
        oid: ObjectIdentifier::new_unwrap(oid),
        name,
        aliases,
        fixed,
        requested: Form::Text,
    }
}

/// An attribute whose requested values must have the same form as fixed ones.
const fn strict_attribute(
    oid: &str,
    name: &'static str,
    aliases: &'static [&'static str],
    form: Form,
) -> NamedAttribute {
    NamedAttribute {
        requested: form,
        ..lax_attribute(oid, name, aliases, form)
    }
}

/// The textual attributes of RFC 4519 §2 and RFC 2985 §5, and organizationIdentifier of X.520, in
/// the order of a Name.
// The order decides where a fixed value is inserted into a requested subject.
pub(crate) static NAMED: [NamedAttribute; 36] = [
    strict_attribute(
        "0.9.2342.19200300.100.1.25",
        "DC",
        &["domainComponent"],
        Form::Ascii,
    ),
    strict_attribute("2.5.4.6", "C", &["countryName"], Form::Country),
    lax_attribute(
        "2.5.4.8",
        "ST",
        &["S", "stateOrProvinceName", "state"],
        Form::Text,
    ),
    lax_attribute("2.5.4.7", "L", &["localityName", "locality"], Form::Text),
    lax_attribute("2.5.4.17", "postalCode", &[], Form::Text),
    lax_attribute("2.5.4.9", "street", &["streetAddress"], Form::Text),
    lax_attribute("2.5.4.18", "postOfficeBox", &[], Form::Text),
    lax_attribute("2.5.4.19", "physicalDeliveryOfficeName", &[], Form::Text),
    lax_attribute("2.5.4.51", "houseIdentifier", &[], Form::Text),
    lax_attribute(
        "2.5.4.10",
        "O",
        &["organizationName", "organization"],
        Form::Text,
    ),
    lax_attribute("2.5.4.97", "organizationIdentifier", &[], Form::Text),
    lax_attribute("2.5.4.15", "businessCategory", &[], Form::Text),
    lax_attribute(
        "2.5.4.11",
        "OU",
        &["organizationalUnitName", "organizationalUnit"],
        Form::Text,
    ),
    lax_attribute("2.5.4.3", "CN", &["commonName"], Form::Text),
    lax_attribute("2.5.4.41", "name", &[], Form::Text),
    lax_attribute("2.5.4.4", "SN", &["surname"], Form::Text),
    lax_attribute("2.5.4.42", "GN", &["givenName"], Form::Text),
    lax_attribute("2.5.4.43", "initials", &[], Form::Text),
    lax_attribute("2.5.4.44", "generationQualifier", &[], Form::Text),
    lax_attribute("2.5.4.12", "title", &[], Form::Text),
    lax_attribute("2.5.4.65", "pseudonym", &[], Form::Text),
    lax_attribute("2.5.4.13", "description", &[], Form::Text),
    lax_attribute("2.5.4.46", "dnQualifier", &[], Form::Printable),
    lax_attribute("2.5.4.20", "telephoneNumber", &[], Form::Printable),
    lax_attribute("2.5.4.27", "destinationIndicator", &[], Form::Printable),
    lax_attribute("2.5.4.24", "x121Address", &[], Form::Printable),
    lax_attribute("2.5.4.25", "internationalISDNNumber", &[], Form::Printable),
    strict_attribute("2.5.4.5", "serialNumber", &[], Form::Printable),
    lax_attribute("0.9.2342.19200300.100.1.1", "UID", &["userId"], Form::Text),
    strict_attribute(
        "1.2.840.113549.1.9.1",
        "emailAddress",
        &["E", "email"],
        Form::Ascii,
    ),
    lax_attribute("1.2.840.113549.1.9.2", "unstructuredName", &[], Form::Ascii),
    lax_attribute(
        "1.2.840.113549.1.9.8",
        "unstructuredAddress",
        &[],
        Form::Text,
    ),
    lax_attribute("1.3.6.1.5.5.7.9.2", "placeOfBirth", &[], Form::Text),
    lax_attribute("1.3.6.1.5.5.7.9.3", "gender", &[], Form::Printable),
    lax_attribute(
        "1.3.6.1.5.5.7.9.4",
        "countryOfCitizenship",
        &[],
        Form::Country,
    ),
    lax_attribute(
        "1.3.6.1.5.5.7.9.5",
        "countryOfResidence",
        &[],
        Form::Country,
    ),
];

impl Form {
    /// Whether a value has this form.
    pub(crate) fn matches(self, value: &str) -> bool {
        // X.680 §41.4.
        let printable = |c: char| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c);
        match self {
            Self::Country => value.len() == 2 && value.chars().all(|c| c.is_ascii_alphabetic()),
            Self::Ascii => value.chars().all(|c| c.is_ascii_graphic()),
            Self::Printable => value.chars().all(printable),
            Self::Text => value.chars().all(is_visible),
        }
    }
}
