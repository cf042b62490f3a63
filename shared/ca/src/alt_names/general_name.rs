//! Reading one name of a request's subjectAltName, RFC 5280 §4.2.1.6, before any rule applies.

use std::net::IpAddr;

use der::asn1::{Any, AnyRef, Ia5String, ObjectIdentifier, OctetString};
use der::{Decode, Encode, Tag, TagNumber, Tagged};
use scep_cms::asn1::{StringError, directory_string, strict_directory_string};
use x509_cert::ext::pkix::name::{GeneralName, OtherName};
use x509_cert::name::Name;

use crate::alt_names::dns_name::without_final_dot;
use crate::alt_names::name_form::check_form;
use crate::alt_names::other_name;
use crate::alt_names::security_identifier::holds_security_identifier;
use crate::template::{
    NamePlace, RequestedName, RuleViolation, SubjectAltNameType, UPN, ValueFault,
};

/// One name of a request, valid or not.
#[derive(Clone, Debug)]
pub(crate) struct FoundName {
    /// The type, by which a rule can allow the name; `None` for types that no rule can allow.
    pub(crate) kind: Option<SubjectAltNameType>,
    /// The name as refusals and logs show it.
    pub(crate) shown: RequestedName,
    /// The text that a pattern matches; `None` if the name has no text form.
    pub(crate) text: Option<String>,
    /// The name to certify, or what is wrong with it.
    pub(crate) name: Result<GeneralName, ValueFault>,
}

/// Reads the name at `index` of the extension.
///
/// Returns `None` for an empty name, which asks for nothing: device management systems send one
/// when a variable of their profile has no value.
///
/// # Errors
/// [`RuleViolation::SecurityIdentifier`] or [`RuleViolation::SecurityIdentifierName`], whatever the
/// type of the name.
pub(crate) fn read_name(
    index: usize,
    element: AnyRef<'_>,
) -> Result<Option<FoundName>, RuleViolation> {
    let Some(found) = parse_name(index, element)? else {
        return Ok(None);
    };
    // The raw octets are searched too: a verifier may read text where this server reads octets. An
    // address is exempt, as its octets are never text.
    let octets = String::from_utf8_lossy(element.value());
    let is_octets = found.shown.kind == "iPAddress";
    if holds_security_identifier(&found.shown.value)
        || (!is_octets && holds_security_identifier(&octets))
    {
        return Err(RuleViolation::SecurityIdentifierName(found.shown));
    }
    Ok(Some(found))
}

fn parse_name(index: usize, element: AnyRef<'_>) -> Result<Option<FoundName>, RuleViolation> {
    let place = NamePlace::SubjectAltName(index);
    let tag = element.tag();
    let number = tag.is_context_specific().then(|| tag.number());
    let constructed = tag.is_constructed();
    let octets = element.value();
    // The numbers are the tags of GeneralName, RFC 5280 §4.2.1.6. A name whose encoding is
    // constructed where its type is primitive, or the reverse, is not of that type.
    let found = match (number, constructed) {
        (Some(TagNumber(0)), true) => return parse_other_name(place, element),
        (Some(TagNumber(1)), false) => parse_ascii_name(place, AsciiType::Email, octets),
        (Some(TagNumber(2)), false) => parse_ascii_name(place, AsciiType::Dns, octets),
        (Some(TagNumber(6)), false) => parse_ascii_name(place, AsciiType::Uri, octets),
        (Some(TagNumber(7)), false) => parse_ip_address(place, octets),
        (Some(TagNumber(4)), true) => parse_directory_name(place, octets),
        (Some(TagNumber(8)), false) => {
            let value = ObjectIdentifier::from_bytes(octets)
                .map_or_else(|_| to_hexadecimal(octets), |oid| oid.to_string());
            (!octets.is_empty()).then(|| unsupported_name(place, "registeredID", value))
        }
        (Some(TagNumber(3)), _) => Some(unsupported_name(
            place,
            "x400Address",
            to_hexadecimal(octets),
        )),
        (Some(TagNumber(5)), _) => Some(unsupported_name(
            place,
            "ediPartyName",
            to_hexadecimal(octets),
        )),
        (Some(_), _) | (None, _) => {
            let kind = format!("of type {}", element.tag());
            Some(unsupported_name(place, &kind, to_hexadecimal(octets)))
        }
    };
    Ok(found)
}

/// Describes a name whose type no rule can allow.
fn unsupported_name(place: NamePlace, kind: &str, value: String) -> FoundName {
    FoundName {
        kind: None,
        shown: RequestedName {
            place,
            kind: kind.to_owned(),
            value,
        },
        text: None,
        name: Err(ValueFault::Encoding),
    }
}

/// A type of name whose value is an IA5String.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AsciiType {
    Dns,
    Email,
    Uri,
}

impl AsciiType {
    const fn kind(self) -> SubjectAltNameType {
        match self {
            Self::Dns => SubjectAltNameType::Dns,
            Self::Email => SubjectAltNameType::Email,
            Self::Uri => SubjectAltNameType::Uri,
        }
    }
}

fn parse_ascii_name(place: NamePlace, kind: AsciiType, octets: &[u8]) -> Option<FoundName> {
    // Lossy, as the text is shown even if it is not ASCII; `check_ascii_name` then rejects it.
    let text = String::from_utf8_lossy(octets).into_owned();
    if text.trim().is_empty() {
        return None;
    }
    Some(check_ascii_name(place, kind, text))
}

/// Reads a CN as a DNS name.
pub(crate) fn common_name_as_dns(common_name: &str) -> FoundName {
    check_ascii_name(
        NamePlace::CommonName,
        AsciiType::Dns,
        common_name.to_owned(),
    )
}

fn check_ascii_name(place: NamePlace, kind: AsciiType, text: String) -> FoundName {
    let issued = match kind {
        AsciiType::Dns => without_final_dot(&text),
        AsciiType::Email | AsciiType::Uri => &text,
    };
    let name = check_form(kind.kind(), issued).and_then(|()| {
        let text = Ia5String::new(issued).map_err(|_| StringError::Alphabet)?;
        Ok(match kind {
            AsciiType::Dns => GeneralName::DnsName(text),
            AsciiType::Email => GeneralName::Rfc822Name(text),
            AsciiType::Uri => GeneralName::UniformResourceIdentifier(text),
        })
    });
    FoundName {
        kind: Some(kind.kind()),
        text: Some(issued.to_owned()),
        shown: RequestedName {
            place,
            kind: type_label(kind.kind()),
            value: text,
        },
        name,
    }
}

fn parse_ip_address(place: NamePlace, octets: &[u8]) -> Option<FoundName> {
    if octets.is_empty() {
        return None;
    }
    let address = address_text(octets);
    let name = match &address {
        Some(_) => OctetString::new(octets)
            .map(GeneralName::IpAddress)
            .map_err(|_| ValueFault::Encoding),
        None => Err(ValueFault::Form("4 or 16 octets")),
    };
    Some(FoundName {
        kind: Some(SubjectAltNameType::Ip),
        shown: RequestedName {
            place,
            kind: type_label(SubjectAltNameType::Ip),
            value: address.clone().unwrap_or_else(|| to_hexadecimal(octets)),
        },
        text: address,
        name,
    })
}

/// Writes the octets of an address; `None` if they are those of none.
pub(crate) fn address_text(octets: &[u8]) -> Option<String> {
    <[u8; 4]>::try_from(octets)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
        .ok()
        .map(|address| address.to_string())
}

fn parse_directory_name(place: NamePlace, octets: &[u8]) -> Option<FoundName> {
    let name = Name::from_der(octets);
    // Like other empty names, this one asks for nothing.
    if name.as_ref().is_ok_and(Name::is_empty) {
        return None;
    }
    let value = name.map_or_else(|_| to_hexadecimal(octets), |name| name.to_string());
    Some(unsupported_name(place, "directoryName", value))
}

fn parse_other_name(
    place: NamePlace,
    element: AnyRef<'_>,
) -> Result<Option<FoundName>, RuleViolation> {
    let other = element.to_der().and_then(|der| GeneralName::from_der(&der));
    let Ok(GeneralName::OtherName(other)) = other else {
        let value = to_hexadecimal(element.value());
        return Ok(Some(unsupported_name(place, "otherName", value)));
    };
    // Only the OID of a SID is rejected here; a rule may allow any other.
    let kind = SubjectAltNameType::of_other_name(other.type_id).map_err(|_| {
        let text = format!("{place} otherName {}", other.type_id);
        RuleViolation::SecurityIdentifier(text)
    })?;
    let value = AnyRef::from(&other.value);
    let text = match kind {
        SubjectAltNameType::OtherName(kind) => other_name::pattern_text(kind, value),
        SubjectAltNameType::Dns
        | SubjectAltNameType::Ip
        | SubjectAltNameType::Email
        | SubjectAltNameType::Uri
        | SubjectAltNameType::Upn => directory_string(value),
    };
    if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
        return Ok(None);
    }
    let shown = RequestedName {
        place,
        kind: type_label(kind),
        value: text
            .clone()
            .or_else(|| directory_string(value))
            .unwrap_or_else(|| to_hexadecimal(value.value())),
    };
    let name = match kind {
        SubjectAltNameType::Upn => parse_user_principal_name(value),
        SubjectAltNameType::Dns
        | SubjectAltNameType::Ip
        | SubjectAltNameType::Email
        | SubjectAltNameType::Uri
        | SubjectAltNameType::OtherName(_) => {
            other_name::check_value(value).map(|()| GeneralName::OtherName(other))
        }
    };
    Ok(Some(FoundName {
        kind: Some(kind),
        shown,
        text,
        name,
    }))
}

/// Builds a UPN, which is a UTF8String, [MS-WCCE] §2.2.2.7.7.4.
fn parse_user_principal_name(value: AnyRef<'_>) -> Result<GeneralName, ValueFault> {
    // Some clients write an IA5String; the certificate gets the same text as a UTF8String.
    if ![Tag::Utf8String, Tag::Ia5String].contains(&value.tag()) {
        return Err(ValueFault::Form("a UTF8String"));
    }
    let text = strict_directory_string(value)?;
    check_form(SubjectAltNameType::Upn, &text)?;
    let value = Any::new(Tag::Utf8String, text.as_bytes()).map_err(|_| ValueFault::Encoding)?;
    Ok(GeneralName::OtherName(OtherName {
        type_id: UPN,
        value,
    }))
}

/// The RFC 5280 name of a type; for an otherName, its OID too.
fn type_label(kind: SubjectAltNameType) -> String {
    match kind {
        SubjectAltNameType::Dns => "dNSName".to_owned(),
        SubjectAltNameType::Ip => "iPAddress".to_owned(),
        SubjectAltNameType::Email => "rfc822Name".to_owned(),
        SubjectAltNameType::Uri => "uniformResourceIdentifier".to_owned(),
        SubjectAltNameType::Upn => "otherName userPrincipalName".to_owned(),
        SubjectAltNameType::OtherName(_) => format!("otherName {kind}"),
    }
}

/// Writes the first octets of a value in hexadecimal, as refusals show them.
pub(crate) fn to_hexadecimal(octets: &[u8]) -> String {
    let mut text: String = octets
        .iter()
        .take(MAX_SHOWN_OCTETS)
        .map(|octet| format!("{octet:02x}"))
        .collect();
    if octets.len() > MAX_SHOWN_OCTETS {
        text.push('…');
    }
    text
}

/// How many octets are shown in hexadecimal: enough to recognise the value, and short enough that
/// the client's failInfoText stays readable.
const MAX_SHOWN_OCTETS: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Ia5String {
        Ia5String::new(text).unwrap()
    }

    fn dns(name: &str) -> GeneralName {
        GeneralName::DnsName(text(name))
    }

    fn email(address: &str) -> GeneralName {
        GeneralName::Rfc822Name(text(address))
    }

    fn ip(octets: &[u8]) -> GeneralName {
        GeneralName::IpAddress(OctetString::new(octets).unwrap())
    }

    fn uri(uri: &str) -> GeneralName {
        GeneralName::UniformResourceIdentifier(text(uri))
    }

    fn other(kind: &str, tag: Tag, octets: &[u8]) -> GeneralName {
        GeneralName::OtherName(OtherName {
            type_id: ObjectIdentifier::new_unwrap(kind),
            value: Any::new(tag, octets).unwrap(),
        })
    }

    fn upn(octets: &[u8]) -> GeneralName {
        other(&UPN.to_string(), Tag::Utf8String, octets)
    }

    fn read(name: &GeneralName) -> Result<Option<FoundName>, RuleViolation> {
        let der = name.to_der().unwrap();
        read_name(3, AnyRef::from_der(&der).unwrap())
    }

    #[track_caller]
    fn check(name: &GeneralName, expected: SubjectAltNameType) {
        let found = read(name).unwrap().unwrap();
        assert_eq!(found.kind, Some(expected), "{name:?}");
        assert_eq!(found.name.as_ref(), Ok(name));
    }

    #[track_caller]
    fn check_fault(name: &GeneralName, expected: &str) {
        let found = read(name).unwrap().unwrap();
        let fault = found.name.unwrap_err().to_string();
        assert!(fault.contains(expected), "{name:?}: {fault}");
    }

    #[test]
    fn well_formed_names_are_accepted() {
        use SubjectAltNameType::{Dns, Email, Ip, Upn, Uri};
        check(&dns("*.a-1.example"), Dns);
        for address in ["a@b.example", "a.b+c@b.example", "{a}@b.example"] {
            check(&email(address), Email);
        }
        for text in [
            "spiffe://a/b",
            "urn:uuid:0f0f0f0f-0000-4000-8000-000000000001",
            "https://[2001:db8::1]:443/a%20b?c=%C3%BC#d",
            "IntuneDeviceId://0f0f0f0f-0000-4000-8000-000000000001",
        ] {
            check(&uri(text), Uri);
        }
        check(&ip(&[127, 0, 0, 1]), Ip);
        check(&ip(&[0; 16]), Ip);
        check(&upn(b"a@b"), Upn);
        check(&upn("j\u{fc}rgen.m@corp.example".as_bytes()), Upn);
    }

    #[test]
    fn a_sid_is_refused_in_a_name_of_any_type() {
        let refused = |name: &GeneralName| read(name).unwrap_err().to_string();
        for kind in ["1.3.6.1.4.1.311.25.2", "1.3.6.1.4.1.311.25.2.1"] {
            let text = refused(&other(kind, Tag::OctetString, b"S-1-5"));
            assert!(text.contains(&format!("otherName {kind}")), "{text}");
        }
        let tag = "tag:microsoft.com,2022-09-14:sid:S-1-5";
        let encoded = "HTTPS://a/?TAG%3amicrosoft.com%2C2022-09-14%253Asid%3AS-1-5";
        // Also in malformed names.
        let spaced = format!(" {tag}\0");
        let address = format!("{tag}@a.example");
        for name in [
            uri(tag),
            uri(encoded),
            uri(&spaced),
            email(&address),
            upn(address.as_bytes()),
            GeneralName::DirectoryName(format!("CN={}", tag.replace(',', "\\,")).parse().unwrap()),
            other("1.3.6.1.5.2.2", Tag::OctetString, tag.as_bytes()),
        ] {
            let text = refused(&name);
            assert!(text.starts_with("rule sid: "), "{text}");
            assert!(text.contains("subjectAltName[3] "), "{text}");
        }
    }

    #[test]
    fn malformed_names_are_refused() {
        check_fault(&dns("a..example"), "is not a DNS name: ");
        check_fault(&email("nobody"), "is not an e-mail address");
        check_fault(&uri("a b"), "is not a URI: ");
        check_fault(&upn(b"a"), "is not a user and a domain");
        check_fault(&upn(&[0xff]), "is not of the alphabet");
        check_fault(&upn(b"a\0@b"), "holds a control character");
        let upn = |tag| other(&UPN.to_string(), tag, b"a@b");
        check_fault(&upn(Tag::PrintableString), "is not a UTF8String");
        check_fault(&upn(Tag::OctetString), "is not a UTF8String");
        for octets in [&[127][..], &[0; 5], &[0; 8], &[0; 32]] {
            check_fault(&ip(octets), "is not 4 or 16 octets");
        }
    }

    /// A name that cannot be decoded has no type that a rule could allow, and is shown in
    /// hexadecimal.
    #[test]
    fn undecodable_names_are_shown_in_hexadecimal() {
        for (der, kind, value) in [
            (&[0xa0, 2, 5, 0][..], "otherName", "0500"),
            (&[0xa3, 2, 0x30, 0], "x400Address", "3000"),
            (&[0xa5, 2, 0x81, 0], "ediPartyName", "8100"),
            (&[0x88, 1, 0x80], "registeredID", "80"),
            (&[0xa4, 2, 5, 0], "directoryName", "0500"),
            (&[0x0c, 1, 0x61], "of type UTF8String", "61"),
            (
                &[0xa2, 3, 0x16, 1, 0x61],
                "of type CONTEXT-SPECIFIC [2] (constructed)",
                "160161",
            ),
        ] {
            let found = read_name(0, AnyRef::from_der(der).unwrap())
                .unwrap()
                .unwrap();
            assert_eq!(found.kind, None);
            assert!(found.name.is_err());
            let shown = (found.shown.kind.as_str(), found.shown.value.as_str());
            assert_eq!(shown, (kind, value));
        }
        assert_eq!(to_hexadecimal(&[7; 25]), format!("{}…", "07".repeat(24)));
    }
}
