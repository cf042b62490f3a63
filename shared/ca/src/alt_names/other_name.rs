//! The value of an otherName that a rule allows by its OID, RFC 5280 §4.2.1.6. This server does not
//! know the value's type, so it checks what all types have in common.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef, GeneralizedTime, IntRef, OctetStringRef, UtcTime};
use der::{Decode, Encode, Tag, TagNumber, Tagged};
use scep_cms::asn1::strict_directory_string;

use crate::template::{OtherNameType, ValueFault, check_text};

/// The maximum length of a value, in octets: ample for a name, and few enough to check in full.
const MAX_BYTES: usize = 1024;

/// How deep elements may be nested. It bounds the recursion; a KRB5PrincipalName needs five levels.
const MAX_DEPTH: usize = 8;

/// Checks that a value is valid DER of at most 1,024 octets and of types whose contents this server
/// can check, and that no text in it has invisible characters or leaves the alphabet of its type.
pub(crate) fn check_value(value: AnyRef<'_>) -> Result<(), ValueFault> {
    if value.value().len() > MAX_BYTES {
        return Err(ValueFault::Length);
    }
    check_element(value, MAX_DEPTH)
}

fn check_element(element: AnyRef<'_>, depth: usize) -> Result<(), ValueFault> {
    let tag = element.tag();
    let is_explicit = tag.is_context_specific() && tag.is_constructed();
    if ![Tag::Sequence, Tag::Set].contains(&tag) && !is_explicit {
        return check_primitive(element);
    }
    let depth_inside = depth.checked_sub(1).ok_or(ValueFault::Encoding)?;
    let mut parts = Vec::new();
    for item in parse_elements(element.value()) {
        let part = item.ok_or(ValueFault::Encoding)?;
        check_element(part, depth_inside)?;
        parts.push(part.to_der().map_err(|_| ValueFault::Encoding)?);
    }
    // X.690 §11.6: DER orders the elements of a SET OF by their encodings.
    if tag == Tag::Set && !parts.is_sorted() {
        return Err(ValueFault::Encoding);
    }
    Ok(())
}

/// Checks an element that contains no others.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a type that is not listed here must be a string, which `check_text` checks"
)]
fn check_primitive(element: AnyRef<'_>) -> Result<(), ValueFault> {
    let octets = element.value();
    let is_read = match element.tag() {
        // X.690 §11.1: DER allows no other octet for true.
        Tag::Boolean => matches!(octets, [0 | 0xff]),
        Tag::Integer => element.decode_as::<IntRef<'_>>().is_ok(),
        // Encoded like an INTEGER, X.690 §8.4.
        Tag::Enumerated => AnyRef::new(Tag::Integer, octets)
            .is_ok_and(|value| value.decode_as::<IntRef<'_>>().is_ok()),
        Tag::BitString => element.decode_as::<BitStringRef<'_>>().is_ok(),
        Tag::OctetString => element.decode_as::<&OctetStringRef>().is_ok(),
        Tag::Null => octets.is_empty(),
        Tag::ObjectIdentifier => element.decode_as::<ObjectIdentifier>().is_ok(),
        Tag::UtcTime => element.decode_as::<UtcTime>().is_ok(),
        Tag::GeneralizedTime => element.decode_as::<GeneralizedTime>().is_ok(),
        // RFC 4120 §5.2.1 limits Kerberos's GeneralStrings to ASCII. Control characters are
        // excluded here as in every other text.
        Tag::GeneralString | Tag::VisibleString => octets.iter().all(|c| (0x20..0x7f).contains(c)),
        _ => return check_text(&strict_directory_string(element)?),
    };
    is_read.then_some(()).ok_or(ValueFault::Encoding)
}

/// The text of a value, for a pattern to match: a string itself, or a KRB5PrincipalName in its
/// usual form, as in `host/a.example@EXAMPLE`. `None` for any other value.
pub(crate) fn pattern_text(kind: OtherNameType, value: AnyRef<'_>) -> Option<String> {
    if kind == OtherNameType::KERBEROS_PRINCIPAL {
        return parse_kerberos_principal(value);
    }
    if [Tag::GeneralString, Tag::VisibleString].contains(&value.tag()) {
        return parse_general_string(value);
    }
    strict_directory_string(value).ok()
}

/// Writes a KRB5PrincipalName, RFC 4556 §3.2.2, as text:
///
/// ```asn1
/// KRB5PrincipalName ::= SEQUENCE {
///     realm         [0] Realm,
///     principalName [1] SEQUENCE {
///         name-type   [0] Int32,
///         name-string [1] SEQUENCE OF GeneralString } }
/// ```
fn parse_kerberos_principal(value: AnyRef<'_>) -> Option<String> {
    let [realm, name] = parse_sequence(value)?;
    let realm = parse_general_string(parse_explicit(realm, 0)?)?;
    let [_, name_string] = parse_sequence(parse_explicit(name, 1)?)?;
    let strings = parse_explicit(name_string, 1)?;
    if strings.tag() != Tag::Sequence {
        return None;
    }
    let components = parse_elements(strings.value())
        .map(|string| Some(escape_separators(&parse_general_string(string?)?)))
        .collect::<Option<Vec<_>>>()?;
    if components.is_empty() {
        return None;
    }
    Some(format!(
        "{}@{}",
        components.join("/"),
        escape_separators(&realm)
    ))
}

/// Escapes the separators of a principal's text in one of its components, as Kerberos does.
fn escape_separators(part: &str) -> String {
    // Without the escapes, two principals could have the same text, and a pattern would admit the
    // wrong one.
    let mut text = String::new();
    for c in part.chars() {
        if "\\/@".contains(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

fn parse_general_string(value: AnyRef<'_>) -> Option<String> {
    let text = std::str::from_utf8(value.value()).ok()?;
    let is_string = [Tag::GeneralString, Tag::VisibleString].contains(&value.tag());
    (is_string && text.is_ascii()).then(|| text.to_owned())
}

/// The elements of a SEQUENCE of exactly `N`.
fn parse_sequence<const N: usize>(value: AnyRef<'_>) -> Option<[AnyRef<'_>; N]> {
    if value.tag() != Tag::Sequence {
        return None;
    }
    let parts: Option<Vec<_>> = parse_elements(value.value()).collect();
    parts?.try_into().ok()
}

/// The element inside an explicit context-specific tag.
fn parse_explicit(value: AnyRef<'_>, number: u32) -> Option<AnyRef<'_>> {
    let expected = Tag::ContextSpecific {
        constructed: true,
        number: TagNumber(number),
    };
    (value.tag() == expected)
        .then(|| AnyRef::from_der(value.value()).ok())
        .flatten()
}

/// Iterates over consecutive elements. At the first that cannot be read, it yields `None` and ends.
pub(crate) fn parse_elements(der: &[u8]) -> impl Iterator<Item = Option<AnyRef<'_>>> {
    let mut rest = der;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        match AnyRef::from_der_partial(rest) {
            Ok((element, after)) => {
                rest = after;
                Some(Some(element))
            }
            // Without its length, the start of the next element is unknown.
            Err(_) => {
                rest = &[];
                Some(None)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::template::SubjectAltNameType;
    use der::asn1::Any;
    use scep_cms::asn1::StringError;

    use super::*;

    fn element(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
        let contents = contents.concat();
        let [high, low] = u16::try_from(contents.len()).unwrap().to_be_bytes();
        let mut der = match (high, low) {
            (0, ..0x80) => vec![tag, low],
            (0, _) => vec![tag, 0x81, low],
            _ => vec![tag, 0x82, high, low],
        };
        der.extend(contents);
        der
    }

    /// The DER of a KRB5PrincipalName.
    fn principal(components: &[&str], realm: &str) -> Vec<u8> {
        let string = |text: &str| element(0x1b, &[text.as_bytes()]);
        let components: Vec<_> = components.iter().map(|text| string(text)).collect();
        let components: Vec<_> = components.iter().map(Vec::as_slice).collect();
        let names = element(0xa1, &[&element(0x30, &components)]);
        let name = element(0x30, &[&element(0xa0, &[&[2, 1, 1]]), &names]);
        element(
            0x30,
            &[&element(0xa0, &[&string(realm)]), &element(0xa1, &[&name])],
        )
    }

    #[track_caller]
    fn check(der: &[u8], expected: Result<(), ValueFault>) {
        let value = Any::from_der(der).unwrap();
        assert_eq!(check_value(AnyRef::from(&value)), expected, "{der:02x?}");
    }

    #[test]
    fn values_of_known_types_are_accepted() {
        check(&principal(&["host", "a.example"], "EXAMPLE"), Ok(()));
        for der in [
            // hardwareModuleName, RFC 4108: an OID and an OCTET STRING.
            &element(0x30, &[&[6, 3, 0x2a, 3, 4], &[4, 2, 0xff, 0]])[..],
            &element(0x0c, &["Gerät".as_bytes()]),
            &element(0x16, &[b"_ldap.a.example"]),
            &[4, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
            &[5, 0],
            &[1, 1, 0xff],
            &[10, 1, 3],
            &[3, 2, 4, 0xf0],
            &element(0x17, &[b"260101000000Z"]),
            &element(0x31, &[&[2, 1, 1], &[4, 1, 1]]),
        ] {
            check(der, Ok(()));
        }
    }

    #[test]
    fn invalid_der_and_hidden_text_are_rejected() {
        use ValueFault::{Encoding, Hidden, Length, String};
        for (der, fault) in [
            // Hidden characters, at any depth and in any string type.
            (element(0x0c, &[b"a\0b"]), Hidden),
            (
                element(0x30, &[&element(0x0c, &["a\u{202e}".as_bytes()])]),
                Hidden,
            ),
            (element(0x1b, &[b"a\0b"]), Encoding),
            (element(0x1b, &[b"a\x1b[31m"]), Encoding),
            (element(0x1a, &["ä".as_bytes()]), Encoding),
            (element(0x13, &[b"a@b"]), String(StringError::Alphabet)),
            // Types that cannot be checked: primitive with a context-specific tag, REAL, or of an
            // application.
            (element(0x80, &[b"a"]), String(StringError::NotText)),
            (element(0x09, &[&[]]), String(StringError::NotText)),
            (element(0x61, &[&[5, 0]]), String(StringError::NotText)),
            // Contents that are not valid for their type.
            (element(0x30, &[b"abc"]), Encoding),
            (element(0x30, &[&[4, 5, 0]]), Encoding),
            (element(0xa0, &[&[0x30, 0x80, 0, 0]]), Encoding),
            (element(0x02, &[&[0, 1]]), Encoding),
            (element(0x02, &[&[]]), Encoding),
            (element(0x01, &[&[1]]), Encoding),
            (element(0x05, &[&[0]]), Encoding),
            (element(0x06, &[&[0x80, 1]]), Encoding),
            (element(0x31, &[&[4, 1, 1], &[2, 1, 1]]), Encoding),
            (element(0x04, &[&[7; 1025]]), Length),
        ] {
            check(&der, Err(fault));
        }
        let nested = (0..9).fold(vec![5, 0], |inner, _| element(0x30, &[&inner]));
        check(&nested, Err(Encoding));
        let nested = (0..8).fold(vec![5, 0], |inner, _| element(0x30, &[&inner]));
        check(&nested, Ok(()));
    }

    #[test]
    fn a_principal_and_a_string_are_texts_that_a_pattern_can_match() {
        let text_of = |oid: &str, der: &[u8]| match oid.parse() {
            Ok(SubjectAltNameType::OtherName(kind)) => {
                pattern_text(kind, AnyRef::from_der(der).unwrap())
            }
            kind => panic!("{kind:?}"),
        };
        let kerberos = "1.3.6.1.5.2.2";
        for (components, realm, expected) in [
            (
                &["host", "a.example"][..],
                "EXAMPLE",
                "host/a.example@EXAMPLE",
            ),
            (&["a"], "B", "a@B"),
            // No two principals have the same text.
            (&["a/b"], "C", r"a\/b@C"),
            (&["a@B"], "C", r"a\@B@C"),
            (&["a"], "B@C", r"a@B\@C"),
            (&[r"a\"], "B", r"a\\@B"),
        ] {
            let der = principal(components, realm);
            assert_eq!(text_of(kerberos, &der).as_deref(), Some(expected));
        }
        assert_eq!(text_of(kerberos, &principal(&[], "B")), None);
        assert_eq!(text_of(kerberos, &element(0x0c, &[b"a@B"])), None);
        let other = "1.3.6.1.5.5.7.8.7";
        assert_eq!(
            text_of(other, &element(0x16, &[b"_a.b"])).as_deref(),
            Some("_a.b")
        );
        assert_eq!(text_of(other, &[4, 1, 0x61]), None);
        assert_eq!(text_of(other, &principal(&["a"], "B")), None);
    }
}
