//! Comparison of names in subjectAltName, RFC 5280 §7.

use der::Encode;
use der::asn1::AnyRef;
use scep_cms::asn1::directory_string;
use scep_cms::name::{comparable_text, is_same_subject};
use x509_cert::ext::pkix::name::{GeneralName, OtherName};

/// Compares two names as RFC 5280 §7 does: DNS names (§7.2), mail addresses (§7.5) and the scheme
/// and host of a URI (§7.4) without regard to case, directory names and texts in an otherName by
/// §7.1, everything else octet by octet.
pub(crate) fn is_same_general_name(one: &GeneralName, other: &GeneralName) -> bool {
    match (one, other) {
        (GeneralName::DnsName(one), GeneralName::DnsName(other))
        | (GeneralName::Rfc822Name(one), GeneralName::Rfc822Name(other)) => {
            one.as_str().eq_ignore_ascii_case(other.as_str())
        }
        (
            GeneralName::UniformResourceIdentifier(one),
            GeneralName::UniformResourceIdentifier(other),
        ) => {
            let (one, other) = (split_uri(one.as_str()), split_uri(other.as_str()));
            one.0.eq_ignore_ascii_case(other.0) && one.1 == other.1
        }
        (GeneralName::OtherName(one), GeneralName::OtherName(other)) => {
            // Clients write the same text in different string types.
            let text = |name: &OtherName| {
                directory_string(AnyRef::from(&name.value)).map(|text| comparable_text(&text))
            };
            let same_value =
                one.value == other.value || text(one).is_some_and(|one| text(other) == Some(one));
            one.type_id == other.type_id && same_value
        }
        (GeneralName::DirectoryName(one), GeneralName::DirectoryName(other)) => {
            match (one.to_der(), other.to_der()) {
                (Ok(one), Ok(other)) => is_same_subject(&one, &other),
                (Err(_), _) | (_, Err(_)) => false,
            }
        }
        (one, other) => one == other,
    }
}

/// Splits a URI into scheme and authority, whose case does not matter, and the rest.
fn split_uri(uri: &str) -> (&str, &str) {
    let scheme_end = uri.find(':').map_or(0, |colon| colon.saturating_add(1));
    let (scheme, rest) = uri.split_at(scheme_end);
    let Some(authority) = rest.strip_prefix("//") else {
        return (scheme, rest);
    };
    let path = authority.find(['/', '?', '#']).unwrap_or(authority.len());
    let end = uri
        .len()
        .saturating_sub(authority.len())
        .saturating_add(path);
    uri.split_at(end)
}

#[cfg(test)]
mod tests {
    use crate::template::UPN;
    use const_oid::ObjectIdentifier;
    use der::Tag;
    use der::asn1::{Any, Ia5String, OctetString};

    use super::*;

    fn ia5(text: &str) -> Ia5String {
        Ia5String::new(text).unwrap()
    }

    fn other(type_id: ObjectIdentifier, tag: Tag, text: &str) -> GeneralName {
        let value = Any::new(tag, text.as_bytes()).unwrap();
        GeneralName::OtherName(OtherName { type_id, value })
    }

    #[track_caller]
    fn check(one: &GeneralName, other: &GeneralName, same: bool) {
        assert_eq!(is_same_general_name(one, other), same);
        assert_eq!(is_same_general_name(other, one), same);
    }

    #[test]
    fn names_of_hosts_and_mailboxes_are_the_same_in_any_case() {
        let dns = |text| GeneralName::DnsName(ia5(text));
        check(&dns("a.example"), &dns("A.Example"), true);
        check(&dns("a.example"), &dns("b.example"), false);
        let email = |text| GeneralName::Rfc822Name(ia5(text));
        check(&email("a@example"), &email("A@Example"), true);
        check(&email("a@example"), &email("b@example"), false);
        // The same text in another type is another name.
        check(&dns("a.example"), &email("a.example"), false);
    }

    #[test]
    fn a_uri_is_the_same_in_any_case_up_to_its_path() {
        let uri = |text| GeneralName::UniformResourceIdentifier(ia5(text));
        for (one, other, same) in [
            ("https://a.example/x", "HTTPS://A.Example/x", true),
            ("https://a.example/x", "https://a.example/X", false),
            ("https://a.example?x", "https://A.example?x", true),
            ("https://a.example#x", "https://a.example#X", false),
            ("https://a.example", "https://A.example", true),
            ("urn:uuid:a", "URN:uuid:a", true),
            ("urn:uuid:a", "urn:uuid:A", false),
            ("no scheme", "No scheme", false),
        ] {
            check(&uri(one), &uri(other), same);
        }
    }

    #[test]
    fn the_text_of_an_other_name_is_the_same_in_any_string_type() {
        let upn = |tag, text| other(UPN, tag, text);
        let known = upn(Tag::Utf8String, "a@corp.example");
        check(&known, &upn(Tag::Ia5String, "A@corp.example"), true);
        check(&known, &upn(Tag::Utf8String, "b@corp.example"), false);
        // A value that is not text is compared octet by octet; another OID is another name.
        check(&known, &upn(Tag::OctetString, "a@corp.example"), false);
        let elsewhere = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.2");
        let text = "a@corp.example";
        check(&known, &other(elsewhere, Tag::Utf8String, text), false);
        check(
            &upn(Tag::OctetString, "a"),
            &upn(Tag::OctetString, "A"),
            false,
        );
    }

    #[test]
    fn values_that_are_not_text_are_compared_octet_by_octet() {
        let ip = |octets: &[u8]| GeneralName::IpAddress(OctetString::new(octets).unwrap());
        check(&ip(&[192, 0, 2, 1]), &ip(&[192, 0, 2, 1]), true);
        check(&ip(&[192, 0, 2, 1]), &ip(&[192, 0, 2, 2]), false);
        let unread = |text| other(UPN, Tag::OctetString, text);
        check(&unread("a"), &unread("a"), true);
    }

    #[test]
    fn a_directory_name_is_the_same_as_subjects_are() {
        let directory = |name: &str| GeneralName::DirectoryName(name.parse().unwrap());
        check(&directory("CN=a"), &directory("CN=A"), true);
        check(&directory("CN=a"), &directory("CN=b"), false);
    }
}
