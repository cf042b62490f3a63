//! The subjectAltName extension of a request, as a list of names, RFC 5280 §4.2.1.6.

use const_oid::db::rfc5280;
use der::asn1::AnyRef;
use der::{Decode, Tag, Tagged};
use scep_cms::requested::RequestedExtension;

use crate::alt_names::general_name::to_hexadecimal;
use crate::alt_names::other_name::parse_elements;
use crate::template::RuleViolation;

/// The maximum length of the extension, in octets: every verifier of the certificate receives it.
pub(crate) const MAX_BYTES: usize = 8 * 1024;

/// The maximum number of names in one certificate. It also bounds the work of comparing each name
/// with all others.
pub(crate) const MAX_NAMES: usize = 100;

/// Reads the names that a request asks for, still encoded. An extension without names, which
/// Apple's devices send, asks for nothing.
///
/// # Errors
/// When the extension is too long, has too many names or is not a SEQUENCE, or when the request
/// has several that differ.
pub(crate) fn parse_requested_names(
    extensions: &[RequestedExtension],
) -> Result<Vec<AnyRef<'_>>, RuleViolation> {
    let values: Vec<_> = extensions
        .iter()
        .filter(|extension| extension.id == rfc5280::ID_CE_SUBJECT_ALT_NAME)
        .map(|extension| &extension.value)
        .collect();
    let Some(value) = values.first() else {
        return Ok(Vec::new());
    };
    // Some clients repeat the extension. If the copies differ, neither can be preferred.
    if values.iter().any(|other| other != value) {
        return Err(RuleViolation::SubjectAltNamesDiffer(values.len()));
    }
    if value.len() > MAX_BYTES {
        return Err(RuleViolation::SubjectAltNameTooLong {
            bytes: value.len(),
            max_bytes: MAX_BYTES,
        });
    }
    // The list is split by hand instead of decoded as GeneralNames: one malformed name would make
    // the whole list unreadable, and the client is told which name is at fault.
    let names = AnyRef::from_der(value)
        .ok()
        .filter(|names| names.tag() == Tag::Sequence)
        .and_then(|names| parse_elements(names.value()).collect::<Option<Vec<_>>>())
        .ok_or_else(|| RuleViolation::SubjectAltNameUnreadable(to_hexadecimal(value)))?;
    if names.len() > MAX_NAMES {
        return Err(RuleViolation::SubjectAltNameCount {
            names: names.len(),
            max_names: MAX_NAMES,
        });
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(value: &[u8]) -> RequestedExtension {
        RequestedExtension {
            id: rfc5280::ID_CE_SUBJECT_ALT_NAME,
            value: value.to_vec(),
        }
    }

    /// A list of `count` dNSNames of ten letters.
    fn names(count: usize) -> Vec<u8> {
        let length = u16::try_from(count * 12).unwrap().to_be_bytes();
        let mut list = vec![0x30, 0x82, length[0], length[1]];
        (0..count).for_each(|_| list.extend(b"\x82\x0aabcdefghij"));
        list
    }

    #[track_caller]
    fn check(values: &[&[u8]], expected: Result<usize, &str>) {
        let extensions: Vec<_> = values.iter().map(|value| extension(value)).collect();
        let found = parse_requested_names(&extensions).map(|names| names.len());
        let found = found.map_err(|violation| violation.to_string());
        let begin = "rule subjectAltName: ";
        assert_eq!(found, expected.map_err(|text| format!("{begin}{text}")));
    }

    #[test]
    fn lists_with_and_without_names_are_accepted() {
        check(&[], Ok(0));
        check(&[&[0x30, 0]], Ok(0));
        check(&[&names(100)], Ok(100));
        check(&[&names(22), &names(22)], Ok(22));
    }

    #[test]
    fn unreadable_or_oversized_lists_are_rejected_with_a_reason() {
        check(&[&names(101)], Err("101 names, at most 100 are allowed"));
        let text = "9604 octets, at most 8192 are allowed";
        check(&[&names(800)], Err(text));
        let differ = "the request has 2 of them, and they differ";
        check(&[&names(22), &names(23)], Err(differ));
        for (octets, digits) in [
            (&[0x31, 0][..], "3100"),
            (&[0x30, 2, 0x82, 5], "30028205"),
            (&[0x30, 1], "3001"),
            (&[], ""),
            (&[0x30, 0, 0], "300000"),
        ] {
            let text = format!("not a SEQUENCE of names: \"{digits}\"");
            check(&[octets], Err(&text));
        }
    }
}
