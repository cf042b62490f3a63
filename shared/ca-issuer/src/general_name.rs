//! The forms of names beside the subject that a rule can allow, RFC 5280 §4.2.1.6.

use std::net::IpAddr;

use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use der::{Tag, Tagged};
use percent_encoding::percent_decode_str;
use scep_cms::directory_string;
use scep_protocol::{RuleViolation, SubjectAltNameType, ValueFault, check_text, is_visible};
use x509_cert::ext::pkix::name::GeneralName;

use crate::security_identifier::{holds_security_identifier, is_security_identifier};

/// userPrincipalName, [MS-WCCE] §2.2.2.7.7.4.
pub(crate) const UPN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");

/// The type and text of a name that is what its type demands, and no SID.
pub(crate) fn well_formed(
    name: &GeneralName,
) -> Result<(SubjectAltNameType, String), RuleViolation> {
    if let GeneralName::OtherName(other) = name
        && is_security_identifier(other.type_id)
    {
        let place = format!("otherName {}", other.type_id);
        return Err(RuleViolation::SecurityIdentifier(place));
    }
    let (kind, text) = text_of(name)?;
    if holds_security_identifier(&text) {
        let place = format!("{} {text}", kind.name());
        return Err(RuleViolation::SecurityIdentifier(place));
    }
    match check_form(kind, &text) {
        Ok(()) => Ok((kind, text)),
        Err(fault) => Err(RuleViolation::SubjectAltNameValue {
            kind,
            value: text,
            fault,
        }),
    }
}

/// The type and text of a name of a type that a rule can allow.
fn text_of(name: &GeneralName) -> Result<(SubjectAltNameType, String), RuleViolation> {
    let unreadable = RuleViolation::SubjectAltNameUnreadable;
    Ok(match name {
        GeneralName::DnsName(name) => (SubjectAltNameType::Dns, name.as_str().to_owned()),
        GeneralName::IpAddress(octets) => {
            let address = ip_address(octets.as_bytes()).ok_or(unreadable)?;
            (SubjectAltNameType::Ip, address.to_string())
        }
        GeneralName::Rfc822Name(address) => {
            (SubjectAltNameType::Email, address.as_str().to_owned())
        }
        GeneralName::UniformResourceIdentifier(uri) => {
            (SubjectAltNameType::Uri, uri.as_str().to_owned())
        }
        GeneralName::OtherName(other) if other.type_id == UPN => {
            let text = directory_string(AnyRef::from(&other.value));
            let text = text.filter(|_| other.value.tag() == Tag::Utf8String);
            (SubjectAltNameType::Upn, text.ok_or(unreadable)?)
        }
        GeneralName::OtherName(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::RegisteredId(_) => return Err(RuleViolation::SubjectAltNameType),
    })
}

fn check_form(kind: SubjectAltNameType, text: &str) -> Result<(), ValueFault> {
    if !text.chars().all(is_visible) {
        return Err(ValueFault::Hidden);
    }
    let (fits, form) = match kind {
        SubjectAltNameType::Dns => (is_dns_name(text), "a DNS name"),
        // Made of octets.
        SubjectAltNameType::Ip => return Ok(()),
        SubjectAltNameType::Email => (is_email_address(text), "an e-mail address"),
        SubjectAltNameType::Uri => return check_uri(text),
        SubjectAltNameType::Upn => {
            check_text(text)?;
            let fits = is_user_principal_name(text);
            (fits, "a user and a domain around one @, without spaces")
        }
    };
    if fits {
        return Ok(());
    }
    Err(ValueFault::Form(form))
}

/// A name of ours behind its type, like `DNS:router.example`.
pub(crate) fn name_with_type(name: &GeneralName) -> String {
    match text_of(name) {
        Ok((kind, text)) => {
            let kind = match kind {
                SubjectAltNameType::Dns => "DNS",
                SubjectAltNameType::Ip => "IP",
                SubjectAltNameType::Email => "email",
                SubjectAltNameType::Uri => "URI",
                SubjectAltNameType::Upn => "UPN",
            };
            format!("{kind}:{text}")
        }
        // Nothing that we issue.
        Err(_) => "other".to_owned(),
    }
}

fn ip_address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4().or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
        .ok()
}

/// Letters, digits, hyphens and underscores in labels of 1 to 63 octets; the first label may be
/// `*`.
pub(crate) fn is_dns_name(name: &str) -> bool {
    let host = name.strip_prefix("*.").unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
    };
    name.len() <= 253 && host.split('.').all(label)
}

/// A Mailbox of RFC 5321 §4.1.2 whose local part is a Dot-string.
fn is_email_address(text: &str) -> bool {
    let Some((local, host)) = text.split_once('@') else {
        return false;
    };
    let atom = |atom: &str| {
        let atext = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&c);
        !atom.is_empty() && atom.bytes().all(atext)
    };
    local.len() <= 64 && local.split('.').all(atom) && !host.contains('*') && is_dns_name(host)
}

/// Of the characters of RFC 3986 §2, behind a scheme (§3.1), and nothing percent-encoded that
/// cannot be seen.
fn check_uri(text: &str) -> Result<(), ValueFault> {
    let (scheme, rest) = text.split_once(':').unwrap_or_default();
    let in_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let in_uri = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    let fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(in_scheme)
        && !rest.is_empty()
        && text.chars().all(in_uri)
        && text.split('%').skip(1).all(is_encoded_octet);
    if !fits {
        return Err(ValueFault::Form("a URI"));
    }
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    if decoded.chars().all(is_visible) {
        return Ok(());
    }
    Err(ValueFault::Hidden)
}

/// Does the text begin with two hexadecimal digits?
fn is_encoded_octet(text: &str) -> bool {
    let digits = text.bytes().take(2);
    digits.filter(u8::is_ascii_hexdigit).count() == 2
}

fn is_user_principal_name(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, domain)| {
        let fits = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
        fits(user) && fits(domain) && !domain.contains('@')
    })
}

#[cfg(test)]
mod tests {
    use der::asn1::{Any, Ia5String, OctetString};
    use x509_cert::ext::pkix::name::OtherName;

    use super::*;

    #[track_caller]
    fn check(name: &GeneralName, expected: Result<SubjectAltNameType, RuleViolation>) {
        let kind = well_formed(name).map(|(kind, _)| kind);
        assert_eq!(kind, expected, "{name:?}");
    }

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

    #[test]
    fn names_of_their_form_are_taken() {
        use SubjectAltNameType::{Dns, Email, Ip, Upn, Uri};
        check(&dns("*.a-1.example"), Ok(Dns));
        for address in ["a@b.example", "a.b+c@b.example"] {
            check(&email(address), Ok(Email));
        }
        for text in [
            "spiffe://a/b",
            "urn:uuid:0f0f0f0f-0000-4000-8000-000000000001",
            "https://[2001:db8::1]:443/a%20b?c=%C3%BC#d",
        ] {
            check(&uri(text), Ok(Uri));
        }
        check(&ip(&[127, 0, 0, 1]), Ok(Ip));
        check(&ip(&[0; 16]), Ok(Ip));
        check(&upn(b"a@b"), Ok(Upn));
        check(&upn("j\u{fc}rgen.m@corp.example".as_bytes()), Ok(Upn));
    }

    #[test]
    fn a_sid_is_refused_in_a_name_of_any_type() {
        let sid = |place: &str| Err(RuleViolation::SecurityIdentifier(place.to_owned()));
        for kind in ["1.3.6.1.4.1.311.25.2", "1.3.6.1.4.1.311.25.2.1"] {
            let name = other(kind, Tag::OctetString, b"S-1-5");
            check(&name, sid(&format!("otherName {kind}")));
        }
        let tag = "tag:microsoft.com,2022-09-14:sid:S-1-5";
        check(&uri(tag), sid(&format!("uri {tag}")));
        let encoded = "HTTPS://a/?TAG%3amicrosoft.com%2C2022-09-14%253Asid%3AS-1-5";
        check(&uri(encoded), sid(&format!("uri {encoded}")));
        // Also where the form is none.
        let spaced = format!(" {tag}\0");
        check(&uri(&spaced), sid(&format!("uri {spaced}")));
        let address = format!("{tag}@a.example");
        check(&email(&address), sid(&format!("email {address}")));
        check(&upn(address.as_bytes()), sid(&format!("upn {address}")));
    }

    /// A name that is not what its type demands.
    #[track_caller]
    fn check_fault(name: &GeneralName, fault: ValueFault) {
        let (kind, value) = text_of(name).unwrap();
        check(
            name,
            Err(RuleViolation::SubjectAltNameValue { kind, value, fault }),
        );
    }

    #[test]
    fn malformed_names_are_refused() {
        for name in [
            "a..example",
            "a.*.example",
            "",
            "**.example",
            "*",
            "a b.example",
            "a@b",
        ] {
            check_fault(&dns(name), ValueFault::Form("a DNS name"));
        }
        for address in [
            "nobody",
            "@a.example",
            "a@b@c.example",
            "a@*.example",
            "a b@c.example",
            ".a@b.example",
            "a..b@c.example",
            "\"a\"@b.example",
            "a@",
            "<a@b.example>",
        ] {
            check_fault(&email(address), ValueFault::Form("an e-mail address"));
        }
        for text in [
            "//a b", "a", ":a", "a:", "1a:b", "a b:c", "a:b c", "a:<b>", "a:%", "a:%4", "a:%4g",
            "a:\"b\"", "a:b\\c",
        ] {
            check_fault(&uri(text), ValueFault::Form("a URI"));
        }
        let form = "a user and a domain around one @, without spaces";
        for text in [
            "",
            "a",
            "@",
            "a@",
            "@b",
            "a@b@c",
            "a b@c",
            " a@b",
            "a@b ",
            "a@b\u{a0}",
        ] {
            check_fault(&upn(text.as_bytes()), ValueFault::Form(form));
        }
        let long = format!("{}@b", "a".repeat(255));
        check_fault(&upn(long.as_bytes()), ValueFault::Length);
        let malformed = || Err(RuleViolation::SubjectAltNameUnreadable);
        check(&upn(&[0xff]), malformed());
        check(
            &other(&UPN.to_string(), Tag::Ia5String, b"a@b"),
            malformed(),
        );
        for octets in [&[127][..], &[], &[0; 5], &[0; 8], &[0; 32]] {
            check(&ip(octets), malformed());
        }
    }

    #[test]
    fn names_that_hide_something_are_refused() {
        for name in [
            dns("a\0.example"),
            email("a\0@b.example"),
            uri("a:b\r\nc"),
            uri("spiffe://a/b%00c"),
            uri("spiffe://a/b%0d%0Ac"),
            uri("spiffe://a/%E2%80%AEb"),
            upn(b"administrator@corp.example\0x"),
            upn("nimda\u{202e}@corp.example".as_bytes()),
            upn("a\u{200b}@corp.example".as_bytes()),
        ] {
            check_fault(&name, ValueFault::Hidden);
        }
    }

    #[test]
    fn a_name_that_waits_is_shown_whatever_it_holds() {
        assert_eq!(name_with_type(&upn(b"a\0@b@c")), "UPN:a\0@b@c");
        assert_eq!(name_with_type(&uri("a b")), "URI:a b");
    }
}
