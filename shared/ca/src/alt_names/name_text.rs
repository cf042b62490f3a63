//! The text form of a name in subjectAltName, in which those who vouch for it write it.

use std::net::IpAddr;

use der::asn1::{Any, AnyRef, Ia5String, OctetString};
use der::{Decode, Encode, Tag, Tagged};
use scep_cms::asn1::StringError;
use x509_cert::ext::pkix::name::{GeneralName, OtherName};

use crate::alt_names::general_name::read_name;
use crate::template::{OtherNameType, SubjectAltNameType, UPN, ValueFault};

/// Why a text is not a name of its type. Its text is a predicate that follows the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameTextFault {
    /// The text is blank.
    #[error("is blank")]
    Blank,
    /// The text holds a Microsoft security identifier.
    #[error("holds a security identifier, which has a field of its own: sid")]
    SecurityIdentifier,
    /// The text does not have the form that its type requires.
    #[error(transparent)]
    Value(#[from] ValueFault),
}

/// Begins an otherName that is written as DER in hexadecimal, as in RFC 4514 §2.4.
const HEXADECIMAL: char = '#';

/// Reads a name from its text: a DNS name, an address, an e-mail address, a URI or a UPN as it is
/// usually written. An otherName is either `#` and its value's DER in hexadecimal, or the text of a
/// UTF8String.
///
/// # Errors
/// [`NameTextFault`]. A name that a request could not have, whatever the rules, is rejected here
/// too.
pub(crate) fn parse_name(
    kind: SubjectAltNameType,
    text: &str,
) -> Result<GeneralName, NameTextFault> {
    if text.trim().is_empty() {
        return Err(NameTextFault::Blank);
    }
    let encoded = encode_name(kind, text)?
        .to_der()
        .map_err(|_| ValueFault::Encoding)?;
    let element = AnyRef::from_der(&encoded).map_err(|_| ValueFault::Encoding)?;
    // The name passes the checks of one in a request, so that both have the same form.
    match read_name(0, element) {
        Ok(Some(found)) => Ok(found.name?),
        Ok(None) => Err(NameTextFault::Blank),
        Err(_) => Err(NameTextFault::SecurityIdentifier),
    }
}

fn encode_name(kind: SubjectAltNameType, text: &str) -> Result<GeneralName, ValueFault> {
    let ascii = || Ia5String::new(text).map_err(|_| StringError::Alphabet);
    let utf8 = || Any::new(Tag::Utf8String, text.as_bytes()).map_err(|_| ValueFault::Encoding);
    Ok(match kind {
        SubjectAltNameType::Dns => GeneralName::DnsName(ascii()?),
        SubjectAltNameType::Email => GeneralName::Rfc822Name(ascii()?),
        SubjectAltNameType::Uri => GeneralName::UniformResourceIdentifier(ascii()?),
        SubjectAltNameType::Ip => {
            let octets = match text.parse() {
                Ok(IpAddr::V4(address)) => address.octets().to_vec(),
                Ok(IpAddr::V6(address)) => address.octets().to_vec(),
                Err(_) => return Err(ValueFault::Form("an IP address")),
            };
            GeneralName::IpAddress(OctetString::new(octets).map_err(|_| ValueFault::Encoding)?)
        }
        SubjectAltNameType::Upn => GeneralName::OtherName(OtherName {
            type_id: UPN,
            value: utf8()?,
        }),
        SubjectAltNameType::OtherName(other) => GeneralName::OtherName(OtherName {
            type_id: other.oid(),
            value: match text.strip_prefix(HEXADECIMAL) {
                Some(digits) => decode_hexadecimal(digits)
                    .and_then(|der| Any::from_der(&der).ok())
                    .ok_or(ValueFault::Form("# and DER in hexadecimal"))?,
                // Its value is a SEQUENCE, which a text does not determine.
                None if other == OtherNameType::KERBEROS_PRINCIPAL => {
                    return Err(ValueFault::Form("# and DER in hexadecimal"));
                }
                None => utf8()?,
            },
        }),
    })
}

/// Writes a name as text, so that [`parse_name`] reads the same name; `None` for types that no
/// rule can allow.
pub(crate) fn name_text(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(text)
        | GeneralName::Rfc822Name(text)
        | GeneralName::UniformResourceIdentifier(text) => Some(text.as_str().to_owned()),
        GeneralName::IpAddress(octets) => {
            let octets = octets.as_bytes();
            <[u8; 4]>::try_from(octets)
                .map(IpAddr::from)
                .or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
                .ok()
                .map(|address| address.to_string())
        }
        GeneralName::OtherName(other) => {
            let text = str::from_utf8(other.value.value()).ok();
            let is_principal = other.type_id == OtherNameType::KERBEROS_PRINCIPAL.oid();
            let is_text = other.value.tag() == Tag::Utf8String && !is_principal;
            match text.filter(|text| is_text && !text.starts_with(HEXADECIMAL)) {
                Some(text) => Some(text.to_owned()),
                None => other.value.to_der().ok().map(encode_hexadecimal),
            }
        }
        GeneralName::DirectoryName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::RegisteredId(_) => None,
    }
}

fn encode_hexadecimal(octets: Vec<u8>) -> String {
    let digits = octets.iter().map(|octet| format!("{octet:02x}"));
    std::iter::once(HEXADECIMAL.to_string())
        .chain(digits)
        .collect()
}

fn decode_hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let (pairs, []) = digits.as_bytes().as_chunks() else {
        return None;
    };
    let digit = |octet: u8| char::from(octet).to_digit(16);
    pairs
        .iter()
        .map(|[high, low]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(text: &str) -> SubjectAltNameType {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_is_read_from_the_text_that_is_written_for_it() {
        for (kind, text, written) in [
            ("dns", "*.A.example", "*.A.example"),
            ("dns", "a.example.", "a.example"),
            ("ip", "192.0.2.1", "192.0.2.1"),
            ("ip", "2001:DB8:0::1", "2001:db8::1"),
            ("email", "a@b.example", "a@b.example"),
            ("uri", "spiffe://a/b", "spiffe://a/b"),
            ("upn", "jürgen@corp.example", "jürgen@corp.example"),
            ("1.3.6.1.5.5.7.8.7", "#16025f61", "#16025f61"),
            ("1.3.6.1.5.5.7.8.9", "ü@b.example", "ü@b.example"),
            ("1.2.3.4", "#0C0123", "#0c0123"),
            ("1.2.3.4", "#0c0161", "a"),
            ("1.3.6.1.5.2.2", "#0c0161", "#0c0161"),
        ] {
            let name = parse_name(kind_of(kind), text).unwrap();
            assert_eq!(name_text(&name).as_deref(), Some(written), "{text}");
            assert_eq!(parse_name(kind_of(kind), written), Ok(name), "{text}");
        }
    }

    #[test]
    fn a_text_that_no_name_has_is_rejected_with_a_reason() {
        let tag = "tag:microsoft.com,2022-09-14:sid:S-1-5-18";
        for (kind, text, reason) in [
            ("dns", "", "is blank"),
            ("dns", " ", "is blank"),
            ("dns", "a b", "is not a DNS name: it has white space"),
            ("dns", "gerät.example", "alphabet"),
            ("ip", "192.0.2.256", "is not an IP address"),
            ("ip", "192.0.2.0/24", "is not an IP address"),
            ("email", "nobody", "is not an e-mail address"),
            ("uri", "a b", "is not a URI"),
            ("uri", tag, "has a field of its own"),
            (
                "uri",
                &tag.replace("sid", "s%69d"),
                "has a field of its own",
            ),
            ("upn", &format!("{tag}@a"), "has a field of its own"),
            ("upn", "nobody", "is not a user and a domain"),
            ("upn", "a\u{202e}@b", "holds a control character"),
            ("1.2.3.4", "a\0", "holds a control character"),
            ("1.2.3.4", "#", "is not # and DER"),
            ("1.2.3.4", "#0c", "is not # and DER"),
            ("1.2.3.4", "#0c01611", "is not # and DER"),
            ("1.2.3.4", "#xy", "is not # and DER"),
            ("1.2.3.4", "#0c016161", "is not # and DER"),
            ("1.2.3.4", "#0c0100", "holds a control character"),
            ("1.2.3.4", &"a".repeat(257), "is too long"),
            ("1.3.6.1.5.2.2", "host/a@B", "is not # and DER"),
        ] {
            let fault = parse_name(kind_of(kind), text).unwrap_err().to_string();
            assert!(fault.contains(reason), "{text:?}: {fault}");
        }
    }
}
