//! A Name and its attributes: their text, and which values may be signed, for a device or for an
//! administrator.

use std::collections::BTreeSet;

use der::Decode;
use der::asn1::AnyRef;
use scep_cms::asn1::{directory_string, strict_directory_string};
use scep_cms::error::DecodeError;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::Name;

use crate::template::{
    RuleViolation, SubjectAttribute, SubjectPart, UPN, ValueFault, is_security_identifier,
};

/// Writes a DER Name as an RFC 4514 string.
///
/// # Errors
/// When `name` is not a Name.
pub fn name_text(name: &[u8]) -> Result<String, DecodeError> {
    Ok(decode_name(name)?.to_string())
}

pub(crate) fn decode_name(name: &[u8]) -> Result<Name, DecodeError> {
    Name::from_der(name).map_err(DecodeError::of("Name"))
}

/// Reads the first CN of a DER Name; `None` if there is no CN or its value is not text.
pub(crate) fn first_common_name(name: &[u8]) -> Result<Option<String>, DecodeError> {
    let name = decode_name(name)?;
    Ok(attribute_values(&name, SubjectAttribute::COMMON_NAME)
        .next()
        .flatten())
}

/// The text of each value of an attribute; `None` for a value that is not text.
pub(crate) fn attribute_values(
    name: &Name,
    attribute: SubjectAttribute,
) -> impl Iterator<Item = Option<String>> {
    name.iter()
        .filter(move |part| part.oid == attribute.oid())
        .map(|part| directory_string(AnyRef::from(&part.value)))
}

/// Checks that no RDN is empty or repeats an attribute (X.501 §9.3), and that every value is text
/// that may be signed, in the form that its attribute requires.
///
/// # Errors
/// The [`RuleViolation`] of the first RDN or value that fails.
pub(crate) fn check_parts(name: &Name) -> Result<(), RuleViolation> {
    // The decoder accepts RDNs that X.501 forbids.
    for (at, rdn) in name.iter_rdn().enumerate() {
        if rdn.is_empty() {
            return Err(RuleViolation::SubjectPartEmpty(at));
        }
        let mut kinds = BTreeSet::new();
        if let Some(twice) = rdn.iter().find(|part| !kinds.insert(part.oid)) {
            return Err(RuleViolation::SubjectPartTwice {
                rdn: at,
                attribute: SubjectAttribute::of(twice.oid),
            });
        }
    }
    list_parts(name).try_for_each(|(at, part)| check_part(at, part))
}

/// Iterates over the attributes of a Name, each with the index of its RDN.
pub(crate) fn list_parts(name: &Name) -> impl Iterator<Item = (usize, &AttributeTypeAndValue)> {
    name.iter_rdn()
        .enumerate()
        .flat_map(|(at, rdn)| rdn.iter().map(move |part| (at, part)))
}

/// Describes an attribute for a refusal.
pub(crate) fn describe_part(at: usize, part: &AttributeTypeAndValue) -> SubjectPart {
    let value = AnyRef::from(&part.value);
    SubjectPart {
        rdn: at,
        attribute: SubjectAttribute::of(part.oid),
        // A value that is not text is shown too, so that it can be found in the device's settings.
        value: directory_string(value)
            .unwrap_or_else(|| String::from_utf8_lossy(value.value()).into_owned()),
    }
}

fn check_part(at: usize, part: &AttributeTypeAndValue) -> Result<(), RuleViolation> {
    if is_security_identifier(part.oid) {
        let place = format!("subject[{at}] {}", part.oid);
        return Err(RuleViolation::SecurityIdentifier(place));
    }
    // A UPN names an Active Directory account. It belongs in subjectAltName, where it is accepted
    // only if it matches a pattern.
    if part.oid == UPN {
        return Err(RuleViolation::SubjectAttribute(describe_part(at, part)));
    }
    // Strict, unlike the text that is shown: verifiers may read a value outside the alphabet of its
    // string type in different ways.
    strict_directory_string(AnyRef::from(&part.value))
        .map_err(ValueFault::from)
        .and_then(|text| SubjectAttribute::of(part.oid).check_requested(&text))
        .map_err(|fault| RuleViolation::SubjectValue {
            part: describe_part(at, part),
            fault,
        })
}

#[cfg(test)]
mod tests {
    use const_oid::ObjectIdentifier;
    use der::asn1::Any;
    use der::{Encode, Tag, TagNumber};
    use scep_cms::asn1::StringError;

    use super::*;

    /// The DER of a Name with these RDNs, each a list of attributes and values.
    fn name(rdns: &[&[(&str, Tag, &[u8])]]) -> Vec<u8> {
        let part = |(oid, tag, octets): &(&str, Tag, &[u8])| {
            let oid = ObjectIdentifier::new_unwrap(oid);
            let value = Any::new(*tag, *octets).unwrap();
            AttributeTypeAndValue { oid, value }.to_der().unwrap()
        };
        let rdn = |parts: &&[(&str, Tag, &[u8])]| {
            let mut parts: Vec<_> = parts.iter().map(part).collect();
            parts.sort();
            Any::new(Tag::Set, parts.concat())
                .unwrap()
                .to_der()
                .unwrap()
        };
        let rdns: Vec<_> = rdns.iter().flat_map(rdn).collect();
        Any::new(Tag::Sequence, rdns).unwrap().to_der().unwrap()
    }

    #[track_caller]
    fn check_name(rdns: &[&[(&str, Tag, &[u8])]], expected: Result<(), RuleViolation>) {
        let name = Name::from_der(&name(rdns)).unwrap();
        assert_eq!(check_parts(&name), expected);
    }

    const CN: &str = "2.5.4.3";

    #[test]
    fn values_of_every_string_type_are_accepted() {
        for (oid, tag, octets) in [
            (CN, Tag::Utf8String, "Gerät ж".as_bytes()),
            (CN, Tag::PrintableString, b"router-1 (a)"),
            (CN, Tag::Ia5String, b"a_b@c"),
            (CN, Tag::TeletexString, b"Ger\xe4t"),
            (CN, Tag::BmpString, &[0, 0x61, 4, 0x30]),
            (CN, Tag::NumericString, b"17 4"),
            ("2.5.4.5", Tag::PrintableString, b"FTX1234"),
            // unstructuredName, which Cisco's devices send.
            (
                "1.2.840.113549.1.9.2",
                Tag::Ia5String,
                b"router.corp.example",
            ),
        ] {
            check_name(&[&[(oid, tag, octets)]], Ok(()));
        }
    }

    #[test]
    fn values_that_must_not_be_signed_are_rejected() {
        use StringError::{Alphabet, NotText};
        use ValueFault::{Form, Hidden, Length, String as NoString};
        let long = "a".repeat(257);
        for (oid, tag, octets, name, value, fault) in [
            (
                CN,
                Tag::Utf8String,
                &b"admin.corp\0.evil.example"[..],
                "CN",
                "admin.corp\0.evil.example",
                Hidden,
            ),
            (
                CN,
                Tag::Utf8String,
                b"a\r\n\x1b[31mroot",
                "CN",
                "a\r\n\x1b[31mroot",
                Hidden,
            ),
            (
                CN,
                Tag::Utf8String,
                "nimda\u{202e}".as_bytes(),
                "CN",
                "nimda\u{202e}",
                Hidden,
            ),
            (CN, Tag::BmpString, &[0x20, 0x2e], "CN", "\u{202e}", Hidden),
            (CN, Tag::BmpString, &[0, 0], "CN", "\0", Hidden),
            (CN, Tag::TeletexString, b"a\x9bb", "CN", "a\u{9b}b", Hidden),
            (CN, Tag::Ia5String, b"a\x7fb", "CN", "a\x7fb", Hidden),
            (
                CN,
                Tag::PrintableString,
                b"admin\0*@_",
                "CN",
                "admin\0*@_",
                NoString(Alphabet),
            ),
            (
                CN,
                Tag::Ia5String,
                "\u{430}dmin".as_bytes(),
                "CN",
                "\u{430}dmin",
                NoString(Alphabet),
            ),
            (
                CN,
                Tag::Utf8String,
                b"a\xff",
                "CN",
                "a\u{fffd}",
                NoString(Alphabet),
            ),
            (CN, Tag::Utf8String, long.as_bytes(), "CN", &long, Length),
            (CN, Tag::OctetString, b"a", "CN", "a", NoString(NotText)),
            (CN, Tag::VisibleString, b"a", "CN", "a", NoString(NotText)),
            (
                "2.5.4.6",
                Tag::Utf8String,
                b"Germany",
                "C",
                "Germany",
                Form("two letters"),
            ),
            (
                "2.5.4.12",
                Tag::Utf8String,
                b"a\0b",
                "title",
                "a\0b",
                Hidden,
            ),
            (
                "2.5.4.12",
                Tag::Utf8String,
                long.as_bytes(),
                "title",
                &long,
                Length,
            ),
            (
                "2.5.4.12",
                Tag::Sequence,
                &[4, 1, 0x53],
                "title",
                "\u{4}\u{1}S",
                NoString(NotText),
            ),
            // Found by fuzzing: constructed, but without valid elements inside. A CertRep with such
            // a certificate could not be parsed.
            (
                CN,
                Tag::Application {
                    constructed: true,
                    number: TagNumber(11),
                },
                b"S\x13iepOrg",
                "CN",
                "S\u{13}iepOrg",
                NoString(NotText),
            ),
            (
                "2.5.4.45",
                Tag::BitString,
                &[0, 1],
                "2.5.4.45",
                "\0\u{1}",
                NoString(NotText),
            ),
        ] {
            let refused = |rdn| {
                let attribute = SubjectAttribute::of(ObjectIdentifier::new_unwrap(oid));
                assert_eq!(attribute.to_string(), name);
                let value = value.to_owned();
                Err(RuleViolation::SubjectValue {
                    part: SubjectPart {
                        rdn,
                        attribute,
                        value,
                    },
                    fault: fault.clone(),
                })
            };
            check_name(&[&[(oid, tag, octets)]], refused(0));
            // After other RDNs, and next to another attribute in the same RDN.
            let other = ("2.5.4.10", Tag::Utf8String, &b"Corp"[..]);
            check_name(
                &[&[other], &[other], &[(oid, tag, octets), other]],
                refused(2),
            );
        }
    }

    #[test]
    fn every_rdn_has_attributes_and_none_twice() {
        let (a, b) = (
            (CN, Tag::Utf8String, &b"a"[..]),
            (CN, Tag::Utf8String, &b"b"[..]),
        );
        let uid = ("0.9.2342.19200300.100.1.1", Tag::Utf8String, &b"u"[..]);
        let twice = Err(RuleViolation::SubjectPartTwice {
            rdn: 0,
            attribute: SubjectAttribute::COMMON_NAME,
        });
        let empty = |rdn| Err(RuleViolation::SubjectPartEmpty(rdn));
        check_name(&[&[a], &[b]], Ok(()));
        check_name(&[&[a, uid]], Ok(()));
        check_name(&[&[a, b]], twice);
        check_name(&[&[]], empty(0));
        check_name(&[&[a], &[]], empty(1));
    }

    #[test]
    fn an_active_directory_account_is_rejected_in_a_subject() {
        let sid = "1.3.6.1.4.1.311.25.2";
        let text = (sid, Tag::Utf8String, &b"S-1-5-21"[..]);
        let refused = || {
            Err(RuleViolation::SecurityIdentifier(format!(
                "subject[0] {sid}"
            )))
        };
        check_name(&[&[text]], refused());
        check_name(&[&[(sid, Tag::Sequence, b"\x04\x08S-1-5-21")]], refused());
        let upn = "1.3.6.1.4.1.311.20.2.3";
        let refused = RuleViolation::SubjectAttribute(SubjectPart {
            rdn: 0,
            attribute: SubjectAttribute::of(ObjectIdentifier::new_unwrap(upn)),
            value: "a@b".to_owned(),
        });
        check_name(&[&[(upn, Tag::Utf8String, b"a@b")]], Err(refused));
    }
}
