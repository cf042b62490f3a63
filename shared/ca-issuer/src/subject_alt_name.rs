//! The names beside the subject: of what a request asks for, what the rules allow, RFC 5280 §4.2.1.6.

use std::net::IpAddr;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280;
use der::asn1::{AnyRef, Ia5String};
use der::{Decode, Tag, Tagged};
use scep_cms::{RequestedExtension, directory_string};
use scep_protocol::{RuleViolation, SubjectAltNameRule, SubjectAltNameType};
use x509_cert::ext::pkix::name::{GeneralName, GeneralNames};

/// Longest extension that is issued, in octets.
const MAX_BYTES: usize = 8 * 1024;

/// Most names in one certificate.
const MAX_NAMES: usize = 100;

/// userPrincipalName, [MS-WCCE] §2.2.2.7.7.4.
const UPN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");

/// The names to certify: those that the request asks for and, if the rule says so, the CNs; `None` when there are none.
///
/// # Errors
/// When a name is malformed, of a type that the rule does not allow, or does not match its pattern.
pub(crate) fn subject_alt_name(
    extensions: &[RequestedExtension],
    common_names: &[String],
    rule: &SubjectAltNameRule,
) -> Result<Option<GeneralNames>, RuleViolation> {
    let mut names = requested(extensions, rule)?;
    if rule.common_name_as_dns {
        for common_name in common_names {
            let name = dns_name(common_name).ok_or(RuleViolation::CommonNameAsDns)?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    for name in &names {
        let (kind, text) = well_formed(name)?;
        let pattern = rule.patterns.get(&kind);
        if !pattern.is_none_or(|pattern| pattern.matches(&text)) {
            return Err(RuleViolation::SubjectAltNamePattern(kind));
        }
    }
    Ok((!names.is_empty()).then_some(names))
}

fn dns_name(text: &str) -> Option<GeneralName> {
    let name = Ia5String::new(text).ok().filter(|_| is_dns_name(text))?;
    Some(GeneralName::DnsName(name))
}

/// The names that a request asks for, of types that the rule allows.
fn requested(
    extensions: &[RequestedExtension],
    rule: &SubjectAltNameRule,
) -> Result<GeneralNames, RuleViolation> {
    let mut requested = extensions
        .iter()
        .filter(|extension| extension.id == rfc5280::ID_CE_SUBJECT_ALT_NAME);
    let Some(extension) = requested.next() else {
        return Ok(Vec::new());
    };
    if extension.value.len() > MAX_BYTES {
        return Err(RuleViolation::SubjectAltNameTooLong);
    }
    let names = GeneralNames::from_der(&extension.value)
        .map_err(|_| RuleViolation::SubjectAltNameUnreadable)?;
    if requested.next().is_some() || names.is_empty() || names.len() > MAX_NAMES {
        return Err(RuleViolation::SubjectAltNameUnreadable);
    }
    for name in &names {
        let (kind, _) = well_formed(name)?;
        if !rule.types.contains(&kind) {
            return Err(RuleViolation::SubjectAltName(kind));
        }
    }
    Ok(names)
}

/// The type and text of a name that is what its type demands.
fn well_formed(name: &GeneralName) -> Result<(SubjectAltNameType, String), RuleViolation> {
    let (kind, fits, text) = match name {
        GeneralName::DnsName(name) => {
            let text = name.as_str();
            (SubjectAltNameType::Dns, is_dns_name(text), text.to_owned())
        }
        GeneralName::IpAddress(octets) => {
            let address = ip_address(octets.as_bytes());
            let text = address.map(|address| address.to_string());
            (
                SubjectAltNameType::Ip,
                text.is_some(),
                text.unwrap_or_default(),
            )
        }
        GeneralName::Rfc822Name(address) => {
            let text = address.as_str();
            let parts = text.split_once('@');
            let fits = parts.is_some_and(|(local, host)| {
                !local.is_empty() && !host.starts_with('*') && is_dns_name(host)
            });
            (
                SubjectAltNameType::Email,
                fits && is_printable(text),
                text.to_owned(),
            )
        }
        GeneralName::UniformResourceIdentifier(uri) => {
            let text = uri.as_str();
            let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
            let fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
            (
                SubjectAltNameType::Uri,
                fits && is_printable(text),
                text.to_owned(),
            )
        }
        GeneralName::OtherName(other) if other.type_id == UPN => {
            let text = directory_string(AnyRef::from(&other.value)).unwrap_or_default();
            let fits = other.value.tag() == Tag::Utf8String && !text.is_empty();
            (SubjectAltNameType::Upn, fits, text)
        }
        GeneralName::OtherName(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::RegisteredId(_) => return Err(RuleViolation::SubjectAltNameType),
    };
    if fits {
        return Ok((kind, text));
    }
    Err(RuleViolation::SubjectAltNameUnreadable)
}

/// A name of ours behind its type, like `DNS:router.example`.
pub(crate) fn name_with_type(name: &GeneralName) -> String {
    match well_formed(name) {
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

/// Letters, digits, hyphens and underscores in labels of 1 to 63 octets; the first label may be `*`.
fn is_dns_name(name: &str) -> bool {
    let host = name.strip_prefix("*.").unwrap_or(name);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
    };
    name.len() <= 253 && host.split('.').all(label)
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use der::Encode;
    use der::asn1::{Any, OctetString};
    use scep_protocol::{CertificateTemplate, Pattern};
    use x509_cert::ext::pkix::name::OtherName;

    use super::*;

    #[track_caller]
    fn check(
        name: GeneralName,
        allowed: &[SubjectAltNameType],
        expected: Result<(), RuleViolation>,
    ) {
        let extension = RequestedExtension {
            id: rfc5280::ID_CE_SUBJECT_ALT_NAME,
            value: vec![name.clone()].to_der().unwrap(),
        };
        let mut rule = CertificateTemplate::default().subject_alt_name;
        rule.types = allowed.to_vec();
        let names = subject_alt_name(&[extension], &[], &rule);
        assert_eq!(names, expected.map(|()| Some(vec![name])));
    }

    /// A rule over a request for `a.example` by a device called `common_name`.
    #[track_caller]
    fn check_rule(
        common_name: &str,
        edit: impl FnOnce(&mut SubjectAltNameRule),
        expected: Result<&[&str], RuleViolation>,
    ) {
        let requested = vec![GeneralName::DnsName(text("a.example"))];
        let extension = RequestedExtension {
            id: rfc5280::ID_CE_SUBJECT_ALT_NAME,
            value: requested.to_der().unwrap(),
        };
        let mut rule = CertificateTemplate::default().subject_alt_name;
        edit(&mut rule);
        let names = subject_alt_name(&[extension], &[common_name.to_owned()], &rule);
        let expected = expected.map(|names| {
            let names = names.iter().map(|name| GeneralName::DnsName(text(name)));
            Some(names.collect())
        });
        assert_eq!(names, expected);
    }

    #[test]
    fn the_cn_is_a_dns_name_where_the_rule_says_so() {
        let as_dns = |rule: &mut SubjectAltNameRule| rule.common_name_as_dns = true;
        check_rule("b.example", |_| {}, Ok(&["a.example"]));
        check_rule("b.example", as_dns, Ok(&["a.example", "b.example"]));
        check_rule("a.example", as_dns, Ok(&["a.example"]));
        check_rule("device 1", as_dns, Err(RuleViolation::CommonNameAsDns));
    }

    #[test]
    fn names_match_the_pattern_of_their_type() {
        let pattern = |kind, pattern| {
            move |rule: &mut SubjectAltNameRule| {
                rule.common_name_as_dns = true;
                rule.patterns.insert(kind, Pattern::new(pattern).unwrap());
            }
        };
        let refused = || {
            Err(RuleViolation::SubjectAltNamePattern(
                SubjectAltNameType::Dns,
            ))
        };
        let dns = SubjectAltNameType::Dns;
        check_rule(
            "b.example",
            pattern(dns, r".*\.example"),
            Ok(&["a.example", "b.example"]),
        );
        check_rule("b.example", pattern(dns, "b.*"), refused());
        check_rule("b.example", pattern(dns, "a.*"), refused());
        check_rule(
            "b.example",
            pattern(SubjectAltNameType::Ip, "none"),
            Ok(&["a.example", "b.example"]),
        );
    }

    fn text(text: &str) -> Ia5String {
        Ia5String::new(text).unwrap()
    }

    const ALL: &[SubjectAltNameType] = &SubjectAltNameType::ALL;
    const MALFORMED: Result<(), RuleViolation> = Err(RuleViolation::SubjectAltNameUnreadable);

    #[test]
    fn names_of_allowed_types_are_taken() {
        check(GeneralName::DnsName(text("*.a-1.example")), ALL, Ok(()));
        check(GeneralName::Rfc822Name(text("a@b.example")), ALL, Ok(()));
        check(
            GeneralName::UniformResourceIdentifier(text("spiffe://a/b")),
            ALL,
            Ok(()),
        );
        check(
            GeneralName::IpAddress(OctetString::new([127, 0, 0, 1]).unwrap()),
            ALL,
            Ok(()),
        );
        let upn = OtherName {
            type_id: UPN,
            value: Any::new(Tag::Utf8String, b"a@b".as_slice()).unwrap(),
        };
        check(GeneralName::OtherName(upn), ALL, Ok(()));
    }

    #[test]
    fn names_of_other_types_are_refused() {
        let dns = GeneralName::DnsName(text("a.example"));
        let refused = Err(RuleViolation::SubjectAltName(SubjectAltNameType::Dns));
        check(dns, &[SubjectAltNameType::Ip], refused);
        let directory = GeneralName::DirectoryName("CN=a".parse().unwrap());
        check(directory, ALL, Err(RuleViolation::SubjectAltNameType));
        // The SID that maps a certificate to an account of Active Directory, KB5014754.
        let sid = OtherName {
            type_id: ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.25.2.1"),
            value: Any::new(Tag::OctetString, b"S-1-5".as_slice()).unwrap(),
        };
        check(
            GeneralName::OtherName(sid),
            ALL,
            Err(RuleViolation::SubjectAltNameType),
        );
    }

    #[test]
    fn malformed_names_are_refused() {
        check(GeneralName::DnsName(text("a\0.example")), ALL, MALFORMED);
        check(GeneralName::DnsName(text("a..example")), ALL, MALFORMED);
        check(GeneralName::DnsName(text("a.*.example")), ALL, MALFORMED);
        check(GeneralName::DnsName(text("")), ALL, MALFORMED);
        for address in ["nobody", "@a.example", "a@b@c.example", "a@*.example"] {
            check(GeneralName::Rfc822Name(text(address)), ALL, MALFORMED);
        }
        check(
            GeneralName::UniformResourceIdentifier(text("//a b")),
            ALL,
            MALFORMED,
        );
        check(
            GeneralName::IpAddress(OctetString::new([127]).unwrap()),
            ALL,
            MALFORMED,
        );
    }
}
