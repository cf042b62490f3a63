//! The names of a subjectAltName as text, RFC 5280 §4.2.1.6.

use std::fmt::{Display, Formatter};

use const_oid::db::rfc5280;
use der::asn1::AnyRef;
use scep_cms::asn1::directory_string;
use scep_cms::certificate::Certificate;
use scep_cms::error::DecodeError;
use x509_cert::ext::pkix::name::{GeneralName, GeneralNames, OtherName};

use crate::alt_names::general_name::{address_text, to_hexadecimal};
use crate::alt_names::other_name::pattern_text;
use crate::tbs_certificate::decode_extension;
use crate::template::{SubjectAltNameType, UPN};

/// A name of a subjectAltName, as text. Displayed with its type, as in `DNS:router.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedName {
    /// The type as openssl writes it: `DNS`, `email`, `URI`, `IP`, `UPN`, or `otherName` with its
    /// OID after a space.
    pub kind: String,
    /// The name; empty for a type that no rule allows. A value without text form is in hexadecimal.
    pub text: String,
}

impl CertifiedName {
    /// The text form of a name.
    pub(crate) fn of(name: &GeneralName) -> Self {
        let (kind, text) = match name {
            GeneralName::DnsName(name) => ("DNS", name.to_string()),
            GeneralName::Rfc822Name(name) => ("email", name.to_string()),
            GeneralName::UniformResourceIdentifier(name) => ("URI", name.to_string()),
            GeneralName::IpAddress(octets) => {
                let octets = octets.as_bytes();
                let text = address_text(octets).unwrap_or_else(|| to_hexadecimal(octets));
                ("IP", text)
            }
            GeneralName::OtherName(other) => return Self::of_other_name(other),
            // No rule allows these types, so no certificate has them.
            GeneralName::DirectoryName(_)
            | GeneralName::EdiPartyName(_)
            | GeneralName::RegisteredId(_) => ("other", String::new()),
        };
        Self {
            kind: kind.to_owned(),
            text,
        }
    }

    fn of_other_name(other: &OtherName) -> Self {
        let value = AnyRef::from(&other.value);
        let text = match SubjectAltNameType::of_other_name(other.type_id) {
            Ok(SubjectAltNameType::OtherName(kind)) => pattern_text(kind, value),
            Ok(_) | Err(_) => directory_string(value),
        };
        let kind = match other.type_id {
            UPN => "UPN".to_owned(),
            type_id => format!("otherName {type_id}"),
        };
        Self {
            kind,
            text: text.unwrap_or_else(|| to_hexadecimal(value.value())),
        }
    }
}

impl Display for CertifiedName {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { kind, text } = self;
        match text.as_str() {
            "" => f.write_str(kind),
            text => write!(f, "{kind}:{text}"),
        }
    }
}

/// Reads the names of a certificate's subjectAltName, in its order; none without that extension.
///
/// # Errors
/// When the certificate or the extension cannot be decoded.
pub fn read_certified_names(certificate: &Certificate) -> Result<Vec<CertifiedName>, DecodeError> {
    let names: Option<GeneralNames> = decode_extension(
        certificate,
        rfc5280::ID_CE_SUBJECT_ALT_NAME,
        "SubjectAltName",
    )?;
    let names = names.unwrap_or_default();
    Ok(names.iter().map(CertifiedName::of).collect())
}

#[cfg(test)]
mod tests {
    use der::Tag;
    use der::asn1::{Any, Ia5String, ObjectIdentifier, OctetString};

    use super::*;

    #[track_caller]
    fn check(name: &GeneralName, expected: &str) {
        assert_eq!(CertifiedName::of(name).to_string(), expected);
    }

    fn other_name(type_id: ObjectIdentifier, tag: Tag, octets: &[u8]) -> GeneralName {
        let value = Any::new(tag, octets).unwrap();
        GeneralName::OtherName(OtherName { type_id, value })
    }

    fn address(octets: &[u8]) -> GeneralName {
        GeneralName::IpAddress(OctetString::new(octets).unwrap())
    }

    #[test]
    fn a_name_is_shown_with_its_type_even_if_malformed() {
        let text = |text| Ia5String::new(text).unwrap();
        check(&GeneralName::DnsName(text("a.example")), "DNS:a.example");
        check(&GeneralName::Rfc822Name(text("a@b")), "email:a@b");
        check(
            &GeneralName::UniformResourceIdentifier(text("a b")),
            "URI:a b",
        );
        check(&address(&[10, 0, 0, 1]), "IP:10.0.0.1");
        check(&address(&[10, 0]), "IP:0a00");
        check(&other_name(UPN, Tag::Utf8String, b"a\0@b@c"), "UPN:a\0@b@c");
        let kerberos = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.2");
        let name = other_name(kerberos, Tag::OctetString, &[1, 2]);
        check(&name, "otherName 1.3.6.1.5.2.2:0102");
        check(&GeneralName::RegisteredId(kerberos), "other");
    }
}
