//! The names beside the subject: of what a request asks for, what the rules allow, RFC 5280 §4.2.1.6.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280;
use der::{Decode, Tag, Tagged};
use scep_cms::RequestedExtension;
use scep_protocol::{RuleViolation, SubjectAltNameRule, SubjectAltNameType};
use x509_cert::ext::pkix::name::{GeneralName, GeneralNames};

/// Longest extension that is issued, in octets.
const MAX_BYTES: usize = 8 * 1024;

/// Most names in one certificate.
const MAX_NAMES: usize = 100;

/// userPrincipalName, [MS-WCCE] §2.2.2.7.7.4.
const UPN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");

/// The names to certify; `None` when the request asks for none.
///
/// # Errors
/// When a name is malformed, or of a type that the rule does not allow.
pub(crate) fn subject_alt_name(
    extensions: &[RequestedExtension],
    rule: &SubjectAltNameRule,
) -> Result<Option<GeneralNames>, RuleViolation> {
    let mut requested = extensions
        .iter()
        .filter(|extension| extension.id == rfc5280::ID_CE_SUBJECT_ALT_NAME);
    let Some(extension) = requested.next() else {
        return Ok(None);
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
        let kind = well_formed(name)?;
        if !rule.types.contains(&kind) {
            return Err(RuleViolation::SubjectAltName(kind));
        }
    }
    Ok(Some(names))
}

/// The type of a name that is what its type demands.
fn well_formed(name: &GeneralName) -> Result<SubjectAltNameType, RuleViolation> {
    let (kind, fits) = match name {
        GeneralName::DnsName(name) => (SubjectAltNameType::Dns, is_dns_name(name.as_str())),
        GeneralName::IpAddress(octets) => {
            let length = octets.as_bytes().len();
            (SubjectAltNameType::Ip, length == 4 || length == 16)
        }
        GeneralName::Rfc822Name(address) => {
            let text = address.as_str();
            let parts = text.rsplit_once('@');
            let fits = parts.is_some_and(|(local, host)| !local.is_empty() && is_dns_name(host));
            (SubjectAltNameType::Email, fits && is_printable(text))
        }
        GeneralName::UniformResourceIdentifier(uri) => {
            let text = uri.as_str();
            let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
            let fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
            (SubjectAltNameType::Uri, fits && is_printable(text))
        }
        GeneralName::OtherName(other) if other.type_id == UPN => (
            SubjectAltNameType::Upn,
            other.value.tag() == Tag::Utf8String && !other.value.value().is_empty(),
        ),
        GeneralName::OtherName(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::RegisteredId(_) => return Err(RuleViolation::SubjectAltNameType),
    };
    if fits {
        return Ok(kind);
    }
    Err(RuleViolation::SubjectAltNameUnreadable)
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
    use der::asn1::{Any, Ia5String, OctetString};
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
        let rule = SubjectAltNameRule {
            types: allowed.to_vec(),
        };
        let names = subject_alt_name(&[extension], &rule);
        assert_eq!(names, expected.map(|()| Some(vec![name])));
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
        check(GeneralName::Rfc822Name(text("nobody")), ALL, MALFORMED);
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
