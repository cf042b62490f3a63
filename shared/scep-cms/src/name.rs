//! Comparison of distinguished names, RFC 5280 §7.1.

use crate::asn1::decode_string;
use crate::error::DecodeError;
use crate::tlv;
use crate::tlv::Element;

/// A Name in a form for comparison, RFC 5280 §7.1. Two are equal if they have the same RDNs in the
/// same order, each RDN has the same attributes in any order, and the values have the same
/// [`comparable_text`], regardless of the string type: any DirectoryString, IA5String,
/// NumericString or VisibleString. A value of another type, or one that is not valid text, equals
/// only the same octets with the same tag.
///
/// Only for comparison: certificates and messages carry the original encoding of a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComparableName(Vec<Vec<Part>>);

/// An attribute of an RDN: the contents of its type's OBJECT IDENTIFIER, and its value.
type Part = (Vec<u8>, Value);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Value {
    Text(String),
    /// The whole element of a value that is not text.
    Octets(Vec<u8>),
}

impl ComparableName {
    /// Decodes a DER Name.
    ///
    /// # Errors
    /// When `name` is not a Name.
    pub fn from_der(name: &[u8]) -> Result<Self, DecodeError> {
        Self::read(name).ok_or(DecodeError::Unexpected(
            "a name that is not a sequence of RDNs",
        ))
    }

    fn read(name: &[u8]) -> Option<Self> {
        Element::only(name)?
            .tagged(tlv::SEQUENCE)?
            .children()?
            .into_iter()
            .map(parse_rdn)
            .collect::<Option<_>>()
            .map(Self)
    }

    /// Whether both name the same subject: the same RDNs in any order, because clients reverse it.
    /// For checking that a renewal keeps the subject.
    #[must_use]
    pub fn is_same_subject(&self, other: &Self) -> bool {
        let sorted = |name: &Self| {
            let mut rdns = name.0.clone();
            rdns.sort();
            rdns
        };
        self == other || sorted(self) == sorted(other)
    }

    /// Whether both name the same issuer: equal, or equal with the RDNs of one reversed, because
    /// Java encodes them in the order in which RFC 2253 prints them. For finding the certificate
    /// that a client identifies by issuer and serial number; never for comparing subjects.
    #[must_use]
    pub fn is_same_issuer(&self, other: &Self) -> bool {
        self == other || self.0.iter().rev().eq(&other.0)
    }
}

fn parse_rdn(element: Element<'_>) -> Option<Vec<Part>> {
    let mut parts = element
        .tagged(tlv::SET)?
        .children()?
        .into_iter()
        .map(parse_part)
        .collect::<Option<Vec<_>>>()?;
    // An RDN is a SET OF: the order of its attributes has no meaning.
    parts.sort();
    Some(parts)
}

fn parse_part(part: Element<'_>) -> Option<Part> {
    let parts = part.tagged(tlv::SEQUENCE)?.children()?;
    let [kind, value] = parts.as_slice() else {
        return None;
    };
    let identifier = kind.tagged(tlv::OBJECT_IDENTIFIER)?;
    let comparable = match decode_string(value.tag, value.contents) {
        Some(text) => Value::Text(comparable_text(&text)),
        None => Value::Octets(value.whole.to_vec()),
    };
    Some((identifier.contents.to_vec(), comparable))
}

/// Whether two DER Names are the same subject by [`ComparableName::is_same_subject`]. Octets that
/// are not a Name equal only the same octets.
#[must_use]
pub fn is_same_subject(one: &[u8], other: &[u8]) -> bool {
    one == other || compare_with(one, other, ComparableName::is_same_subject)
}

/// Whether two DER Names are the same issuer by [`ComparableName::is_same_issuer`]. Octets that
/// are not a Name equal only the same octets.
#[must_use]
pub fn is_same_issuer(one: &[u8], other: &[u8]) -> bool {
    one == other || compare_with(one, other, ComparableName::is_same_issuer)
}

/// The longest name that is compared other than octet by octet. A comparison looks at every
/// character, and an unauthenticated message can carry hundreds of certificates to compare with.
const MAX_COMPARED_BYTES: usize = 4 * 1024;

fn compare_with(
    one: &[u8],
    other: &[u8],
    are_same: fn(&ComparableName, &ComparableName) -> bool,
) -> bool {
    if one.len().max(other.len()) > MAX_COMPARED_BYTES {
        return false;
    }
    match (ComparableName::read(one), ComparableName::read(other)) {
        (Some(one), Some(other)) => are_same(&one, &other),
        (None, _) | (_, None) => false,
    }
}

/// Normalises text for comparison, RFC 5280 §7.1: maps each character to lower case, trims white
/// space, and replaces each run of white space with one space. Does not apply a Unicode
/// normalisation form: a composed letter differs from its decomposed form.
#[must_use]
pub fn comparable_text(text: &str) -> String {
    // Each character is mapped alone: str::to_lowercase maps a final sigma differently, so that
    // equal names could differ.
    let lower_case = |word: &str| word.chars().flat_map(char::to_lowercase).collect();
    text.split_whitespace()
        .map(lower_case)
        .collect::<Vec<String>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const UTF8: u8 = 0x0c;
    const PRINTABLE: u8 = 0x13;
    const T61: u8 = 0x14;
    const IA5: u8 = 0x16;
    const VISIBLE: u8 = 0x1a;
    const UNIVERSAL: u8 = 0x1c;
    const BMP: u8 = 0x1e;
    const BIT: u8 = 0x03;

    fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(contents.len()).unwrap()], contents].concat()
    }

    /// Encodes a Name of RDNs with X.520 attributes, given by their last arc.
    fn name(rdns: &[&[(u8, u8, &[u8])]]) -> Vec<u8> {
        let rdns: Vec<_> = rdns
            .iter()
            .flat_map(|rdn| {
                let parts: Vec<_> = rdn
                    .iter()
                    .flat_map(|(arc, tag, value)| {
                        let kind = element(tlv::OBJECT_IDENTIFIER, &[0x55, 4, *arc]);
                        element(tlv::SEQUENCE, &[kind, element(*tag, value)].concat())
                    })
                    .collect();
                element(tlv::SET, &parts)
            })
            .collect();
        element(tlv::SEQUENCE, &rdns)
    }

    /// Checks in both directions whether two names are the same subject, and the same issuer.
    #[track_caller]
    fn check(one: &[u8], other: &[u8], expected: (bool, bool)) {
        let same = (is_same_subject(one, other), is_same_issuer(one, other));
        assert_eq!(same, expected);
        let same = (is_same_subject(other, one), is_same_issuer(other, one));
        assert_eq!(same, expected);
    }

    const CN: u8 = 3;
    const O: u8 = 10;
    const OU: u8 = 11;
    const SAME: (bool, bool) = (true, true);
    const OTHER: (bool, bool) = (false, false);

    #[test]
    fn string_types_case_and_white_space_do_not_matter() {
        let came = name(&[&[(CN, UTF8, "Ger\u{e4}t a 1".as_bytes())]]);
        for (tag, octets) in [
            (UTF8, "  GER\u{c4}T\u{a0} A\t\r\n1 ".as_bytes()),
            (T61, b"Ger\xe4t a 1"),
            (BMP, b"\0G\0e\0r\0\xe4\0t\0 \0a\0 \x001"),
            (
                UNIVERSAL,
                b"\0\0\0g\0\0\0e\0\0\0r\0\0\0\xe4\0\0\0t\0\0\0 \0\0\0a\0\0\0 \0\0\x001",
            ),
        ] {
            check(&came, &name(&[&[(CN, tag, octets)]]), SAME);
        }
        let ascii = name(&[&[(CN, PRINTABLE, b"router 1")]]);
        for (tag, octets) in [
            (UTF8, &b"ROUTER 1"[..]),
            (IA5, b"Router   1"),
            (VISIBLE, b"router 1"),
            (T61, b" router 1"),
        ] {
            check(&ascii, &name(&[&[(CN, tag, octets)]]), SAME);
        }
        for octets in [&b"router1"[..], b"router 2", b"router 1\0", b""] {
            check(&ascii, &name(&[&[(CN, UTF8, octets)]]), OTHER);
        }
    }

    #[test]
    fn a_letter_folds_alike_wherever_it_stands() {
        assert_eq!(comparable_text("\u{3a3}\u{3a3}"), "\u{3c3}\u{3c3}");
        assert_eq!(comparable_text(" \t "), "");
        assert_eq!(comparable_text("\u{2003}A \u{3000}b"), "a b");
    }

    #[test]
    fn rdns_are_a_subject_in_any_order_and_an_issuer_in_two() {
        let (cn, o) = ((CN, UTF8, &b"x"[..]), (O, UTF8, &b"y"[..]));
        check(&name(&[&[cn, o]]), &name(&[&[o, cn]]), SAME);
        check(&name(&[&[cn], &[o]]), &name(&[&[o], &[cn]]), SAME);
        let ou = (OU, UTF8, &b"z"[..]);
        let (turned, came) = (name(&[&[o], &[ou], &[cn]]), name(&[&[cn], &[o], &[ou]]));
        check(&came, &turned, (true, false));
        check(&name(&[&[cn], &[o]]), &name(&[&[cn, o]]), OTHER);
        check(&name(&[&[cn]]), &name(&[&[cn], &[cn]]), OTHER);
        check(&name(&[&[cn]]), &name(&[&[cn, cn]]), OTHER);
        check(&name(&[&[cn], &[o]]), &name(&[&[cn]]), OTHER);
        // The order of the types is the same in both directions, but the values are swapped.
        let swapped = name(&[&[(CN, UTF8, b"y")], &[(O, UTF8, b"x")]]);
        check(&name(&[&[cn], &[o]]), &swapped, OTHER);
        check(&name(&[]), &name(&[]), SAME);
        check(&name(&[]), &name(&[&[cn]]), OTHER);
    }

    #[test]
    fn what_is_no_text_is_compared_by_its_octets() {
        let bits = name(&[&[(CN, BIT, b"\0AB")]]);
        check(&bits, &bits, SAME);
        check(&bits, &name(&[&[(CN, BIT, b"\0ab")]]), OTHER);
        // Invalid UTF-8 and UTF-16.
        let broken = name(&[&[(CN, UTF8, b"\xff")]]);
        check(&broken, &name(&[&[(CN, UTF8, b"\xff")]]), SAME);
        check(&broken, &name(&[&[(CN, T61, b"\xff")]]), OTHER);
        check(&name(&[&[(CN, BMP, b"\0a\0")]]), &broken, OTHER);
    }

    #[test]
    fn a_name_that_is_too_long_to_compare_is_the_same_as_itself_alone() {
        let of = |length: usize, letter: &str| {
            let value = element_of(UTF8, letter.repeat(length).as_bytes());
            let kind = element(tlv::OBJECT_IDENTIFIER, &[0x55, 4, CN]);
            let part = element_of(tlv::SEQUENCE, &[kind, value].concat());
            element_of(tlv::SEQUENCE, &element_of(tlv::SET, &part))
        };
        let longest = MAX_COMPARED_BYTES - 21;
        assert_eq!(of(longest, "a").len(), MAX_COMPARED_BYTES);
        check(&of(longest, "a"), &of(longest, "A"), SAME);
        check(&of(longest + 1, "a"), &of(longest + 1, "A"), OTHER);
        check(&of(longest + 1, "a"), &of(longest + 1, "a"), SAME);
    }

    /// An element of more than 255 octets.
    fn element_of(tag: u8, contents: &[u8]) -> Vec<u8> {
        let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], &length[..], contents].concat()
    }

    #[test]
    fn what_is_no_name_is_the_same_as_itself_alone() {
        for broken in [
            &b""[..],
            &[0x30],
            &[0x31, 0],
            &[0x30, 2, 5, 0],
            &[0x30, 0, 0],
        ] {
            assert!(ComparableName::from_der(broken).is_err());
            check(broken, broken, SAME);
            check(broken, &name(&[]), OTHER);
            check(broken, &[0x30, 2, 0x31, 1], OTHER);
        }
    }
}
