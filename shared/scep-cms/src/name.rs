//! Distinguished names, compared as RFC 5280 §7.1 compares them.

use crate::DecodeError;
use crate::asn1::string_of;
use crate::tlv::{self, Element};

/// A Name in the form in which names are compared, RFC 5280 §7.1. Two are equal exactly when they
/// have the same RDNs in the same order, each of the same attributes in whatever order, and each
/// value is the same text under [`comparable_text`], in whatever type of string it is written: any
/// DirectoryString, IA5String, NumericString or VisibleString. A value of another type, or that is
/// no text, equals only the same octets under the same tag.
///
/// For comparing alone: what is put into a certificate or a message is the name as it came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComparableName(Vec<Vec<Part>>);

/// An attribute of an RDN: its type, as the contents of an OBJECT IDENTIFIER, and its value.
type Part = (Vec<u8>, Value);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Value {
    Text(String),
    /// The whole element.
    Octets(Vec<u8>),
}

impl ComparableName {
    /// Reads a DER Name.
    ///
    /// # Errors
    /// When `name` is no Name.
    pub fn from_der(name: &[u8]) -> Result<Self, DecodeError> {
        Self::read(name).ok_or(DecodeError::Unexpected(
            "a name that is no sequence of RDNs",
        ))
    }

    fn read(name: &[u8]) -> Option<Self> {
        let rdns = Element::only(name)?.tagged(tlv::SEQUENCE)?.children()?;
        let rdns = rdns.into_iter().map(|rdn| {
            let parts = rdn.tagged(tlv::SET)?.children()?;
            let parts = parts.into_iter().map(part).collect::<Option<Vec<_>>>();
            parts.map(|mut parts| {
                parts.sort();
                parts
            })
        });
        rdns.collect::<Option<_>>().map(Self)
    }

    /// Is it the same subject? Equal but for the order of the RDNs, which clients turn round. For deciding that a renewal
    /// names no one else.
    #[must_use]
    pub fn is_same_subject(&self, other: &Self) -> bool {
        let sorted = |name: &Self| {
            let mut rdns = name.0.clone();
            rdns.sort();
            rdns
        };
        self == other || sorted(self) == sorted(other)
    }

    /// Is it the same issuer? Equal, or equal with the RDNs of one in reverse order: Java writes
    /// them as RFC 2253 prints them. For finding a certificate of ours that a client names, which
    /// also needs the serial number; never for deciding that a subject stays the same.
    #[must_use]
    pub fn is_same_issuer(&self, other: &Self) -> bool {
        self == other || self.0.iter().rev().eq(&other.0)
    }
}

fn part(part: Element<'_>) -> Option<Part> {
    let parts = part.tagged(tlv::SEQUENCE)?.children()?;
    let [kind, value] = parts.as_slice() else {
        return None;
    };
    let kind = kind.tagged(tlv::OBJECT_IDENTIFIER)?.contents.to_vec();
    let value = match string_of(value.tag, value.contents) {
        Some(text) => Value::Text(comparable_text(&text)),
        None => Value::Octets(value.whole.to_vec()),
    };
    Some((kind, value))
}

/// Are two DER Names the same subject, RDNs in any order? As [`ComparableName::is_same_subject`]; what is no Name is the
/// same as the same octets.
#[must_use]
pub fn is_same_subject(one: &[u8], other: &[u8]) -> bool {
    one == other || compared(one, other, ComparableName::is_same_subject)
}

/// Are two DER Names the same issuer, RDNs in either order? As [`ComparableName::is_same_issuer`];
/// what is no Name is the same as the same octets.
#[must_use]
pub fn is_same_issuer(one: &[u8], other: &[u8]) -> bool {
    one == other || compared(one, other, ComparableName::is_same_issuer)
}

fn compared(
    one: &[u8],
    other: &[u8],
    are_same: fn(&ComparableName, &ComparableName) -> bool,
) -> bool {
    match (ComparableName::read(one), ComparableName::read(other)) {
        (Some(one), Some(other)) => are_same(&one, &other),
        (None, _) | (_, None) => false,
    }
}

/// A text without what RFC 5280 §7.1 has comparisons ignore: each character in lower case, by
/// Unicode's mapping and wherever it stands; white space at both ends left out, and each run of it
/// within made one space. Not normalised: a composed letter is not its decomposed form.
#[must_use]
pub fn comparable_text(text: &str) -> String {
    let words = text.split_whitespace();
    // Of each character by itself: str::to_lowercase looks at a sigma's neighbours.
    let words = words.map(|word| {
        word.chars()
            .flat_map(char::to_lowercase)
            .collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ")
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

    /// A Name of RDNs, each of attributes of X.520 with their last arc.
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

    /// Is it the same subject, and the same issuer?
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
        // One that is the same both ways, whose attributes change their values.
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
        // UTF-8 and UTF-16 that are none.
        let broken = name(&[&[(CN, UTF8, b"\xff")]]);
        check(&broken, &name(&[&[(CN, UTF8, b"\xff")]]), SAME);
        check(&broken, &name(&[&[(CN, T61, b"\xff")]]), OTHER);
        check(&name(&[&[(CN, BMP, b"\0a\0")]]), &broken, OTHER);
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
