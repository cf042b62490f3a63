//! The names beside the subject: of what a request asks for, what the rules allow, RFC 5280 §4.2.1.6.

use const_oid::db::rfc5280;
use der::Decode;
use der::asn1::Ia5String;
use scep_cms::RequestedExtension;
use scep_protocol::{RuleViolation, SubjectAltNameRule, SubjectAltNameType};
use x509_cert::ext::pkix::name::{GeneralName, GeneralNames};

use crate::general_name::{is_dns_name, well_formed};

/// Longest extension that is issued, in octets.
const MAX_BYTES: usize = 8 * 1024;

/// Most names in one certificate.
const MAX_NAMES: usize = 100;

/// The names to certify: those that the request asks for and, if the rule says so, the CNs; `None`
/// when there are none.
///
/// # Errors
/// When a name is malformed, of a type that the rule does not allow, or is not admitted by the
/// pattern of its type.
pub(crate) fn subject_alt_name(
    extensions: &[RequestedExtension],
    common_names: &[String],
    rule: &SubjectAltNameRule,
) -> Result<Option<GeneralNames>, RuleViolation> {
    let mut names = requested(extensions, rule)?;
    if rule.common_name_as_dns {
        for common_name in common_names {
            let name = dns_name(common_name);
            let name = name.ok_or_else(|| RuleViolation::CommonNameAsDns(common_name.clone()))?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    for name in &names {
        let (kind, text) = well_formed(name)?;
        admitted(kind, text, rule)?;
    }
    Ok((!names.is_empty()).then_some(names))
}

/// Does a request ask for any name beside its subject? What cannot be read asks for something.
pub(crate) fn asks_for_names(extensions: &[RequestedExtension]) -> bool {
    extensions
        .iter()
        .filter(|extension| extension.id == rfc5280::ID_CE_SUBJECT_ALT_NAME)
        .any(|extension| {
            GeneralNames::from_der(&extension.value).map_or(true, |names| !names.is_empty())
        })
}

fn dns_name(text: &str) -> Option<GeneralName> {
    let name = Ia5String::new(text).ok().filter(|_| is_dns_name(text))?;
    Some(GeneralName::DnsName(name))
}

/// Does the pattern of its type admit this name? Without one a wildcard is not taken, nor a name
/// that says who someone is.
fn admitted(
    kind: SubjectAltNameType,
    text: String,
    rule: &SubjectAltNameRule,
) -> Result<(), RuleViolation> {
    match rule.patterns.get(&kind) {
        Some(pattern) if pattern.matches(&text) => Ok(()),
        Some(_) => Err(RuleViolation::SubjectAltNamePattern(kind, text)),
        None if kind.needs_pattern() => Err(RuleViolation::SubjectAltNameUnbound(kind, text)),
        None if kind == SubjectAltNameType::Dns && text.contains('*') => {
            Err(RuleViolation::SubjectAltNameWildcard(text))
        }
        None => Ok(()),
    }
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
        let (kind, text) = well_formed(name)?;
        if !rule.types.contains(&kind) {
            return Err(RuleViolation::SubjectAltName(kind, text));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use const_oid::ObjectIdentifier;
    use der::asn1::Any;
    use der::{Encode, Tag};
    use scep_protocol::{CertificateTemplate, Pattern};
    use x509_cert::ext::pkix::name::OtherName;

    use super::*;
    use crate::general_name::UPN;

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
        let any = Pattern::new(".*").unwrap();
        rule.patterns = allowed.iter().map(|kind| (*kind, any.clone())).collect();
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
        check_rule(
            "device 1",
            as_dns,
            Err(RuleViolation::CommonNameAsDns("device 1".to_owned())),
        );
    }

    #[test]
    fn names_match_the_pattern_of_their_type() {
        let pattern = |kind, pattern| {
            move |rule: &mut SubjectAltNameRule| {
                rule.common_name_as_dns = true;
                rule.patterns.insert(kind, Pattern::new(pattern).unwrap());
            }
        };
        let refused = |name: &str| {
            Err(RuleViolation::SubjectAltNamePattern(
                SubjectAltNameType::Dns,
                name.to_owned(),
            ))
        };
        let dns = SubjectAltNameType::Dns;
        check_rule(
            "b.example",
            pattern(dns, r".*\.example"),
            Ok(&["a.example", "b.example"]),
        );
        check_rule("b.example", pattern(dns, "b.*"), refused("a.example"));
        check_rule("b.example", pattern(dns, "a.*"), refused("b.example"));
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

    fn upn(octets: &[u8]) -> GeneralName {
        GeneralName::OtherName(OtherName {
            type_id: UPN,
            value: Any::new(Tag::Utf8String, octets).unwrap(),
        })
    }

    fn uri(uri: &str) -> GeneralName {
        GeneralName::UniformResourceIdentifier(text(uri))
    }

    #[test]
    fn names_of_other_types_are_refused() {
        let dns = GeneralName::DnsName(text("a.example"));
        let refused =
            RuleViolation::SubjectAltName(SubjectAltNameType::Dns, "a.example".to_owned());
        check(dns, &[SubjectAltNameType::Ip], Err(refused));
        let directory = GeneralName::DirectoryName("CN=a".parse().unwrap());
        check(directory, ALL, Err(RuleViolation::SubjectAltNameType));
        let other = OtherName {
            type_id: ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.8.5"),
            value: Any::new(Tag::Utf8String, b"a@b".as_slice()).unwrap(),
        };
        check(
            GeneralName::OtherName(other),
            ALL,
            Err(RuleViolation::SubjectAltNameType),
        );
    }

    #[test]
    fn without_a_pattern_nobody_says_who_he_is() {
        use SubjectAltNameType::{Dns, Email, Upn, Uri};
        let unbound =
            |kind, text: &str| RuleViolation::SubjectAltNameUnbound(kind, text.to_owned());
        let wildcard = |text: &str| RuleViolation::SubjectAltNameWildcard(text.to_owned());
        let email = GeneralName::Rfc822Name(text("a@b.example"));
        let dns = GeneralName::DnsName(text("*.example"));
        for (name, kind, refused) in [
            (
                upn(b"administrator@corp.example"),
                Upn,
                unbound(Upn, "administrator@corp.example"),
            ),
            (uri("spiffe://a/b"), Uri, unbound(Uri, "spiffe://a/b")),
            (email, Email, unbound(Email, "a@b.example")),
            (dns, Dns, wildcard("*.example")),
        ] {
            let extension = RequestedExtension {
                id: rfc5280::ID_CE_SUBJECT_ALT_NAME,
                value: vec![name].to_der().unwrap(),
            };
            let mut rule = CertificateTemplate::default().subject_alt_name;
            rule.types = ALL.to_vec();
            let requested = std::slice::from_ref(&extension);
            assert_eq!(subject_alt_name(requested, &[], &rule), Err(refused));
            // The pattern of another type is none of this one.
            for other in SubjectAltNameType::ALL
                .into_iter()
                .filter(|other| *other != kind)
            {
                rule.patterns.insert(other, Pattern::new(".*").unwrap());
            }
            assert!(subject_alt_name(requested, &[], &rule).is_err());
            rule.patterns.insert(kind, Pattern::new(".*").unwrap());
            assert!(subject_alt_name(requested, &[], &rule).is_ok());
        }
    }

    #[test]
    fn a_wildcard_is_admitted_as_it_is_written() {
        let as_dns = |pattern: Option<&str>| {
            let pattern = pattern.map(|pattern| Pattern::new(pattern).unwrap());
            move |rule: &mut SubjectAltNameRule| {
                rule.common_name_as_dns = true;
                rule.patterns = pattern
                    .map(|pattern| (SubjectAltNameType::Dns, pattern))
                    .into_iter()
                    .collect();
            }
        };
        let name = "*.b.example".to_owned();
        let refused = Err(RuleViolation::SubjectAltNameWildcard(name.clone()));
        check_rule(&name, as_dns(None), refused);
        let dns = SubjectAltNameType::Dns;
        let refused = Err(RuleViolation::SubjectAltNamePattern(dns, name.clone()));
        check_rule(&name, as_dns(Some("[a-z.]+")), refused);
        let both = Ok(&["a.example", "*.b.example"][..]);
        check_rule(&name, as_dns(Some(r"(\*\.)?[a-z.]+")), both);
    }
}
