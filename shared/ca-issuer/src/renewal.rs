//! What a renewal may not change: the subject, and the names beside it.

use const_oid::db::rfc5280;
use der::asn1::{AnyRef, Ia5StringRef};
use der::{Decode, Tagged};
use scep_cms::{Certificate, directory_string};
use scep_protocol::{Refusal, SubjectAltNameRule};
use x509_cert::ext::pkix::name::{GeneralName, GeneralNames};
use x509_cert::name::Name;

use crate::EncodeError;
use crate::leaf::IssueError;
use crate::subject::Subject;

/// Does a certificate for this subject and these names say no more than the one that it renews?
///
/// # Errors
/// [`Refusal::RenewalSubject`] or [`Refusal::RenewalNames`].
pub(crate) fn keeps_names(
    predecessor: &Certificate,
    subject: &Subject,
    names: Option<&GeneralNames>,
    rule: &SubjectAltNameRule,
) -> Result<(), IssueError> {
    if !is_same(predecessor.subject(), &subject.der)? {
        return Err(IssueError::Refused(Refusal::RenewalSubject));
    }
    let had = names_of(predecessor)?;
    // A rule may have come to want the CN as a DNS name: who it names is the same.
    let is_common_name = |name: &GeneralName| match name {
        GeneralName::DnsName(name) if rule.common_name_as_dns => {
            let mut common_names = subject.common_names.iter();
            common_names
                .any(|common_name| Ia5StringRef::new(common_name) == Ok(Ia5StringRef::from(name)))
        }
        GeneralName::DnsName(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::IpAddress(_)
        | GeneralName::OtherName(_)
        | GeneralName::RegisteredId(_)
        | GeneralName::Rfc822Name(_)
        | GeneralName::UniformResourceIdentifier(_) => false,
    };
    let mut added = names.into_iter().flatten();
    if added.any(|name| !had.contains(name) && !is_common_name(name)) {
        return Err(IssueError::Refused(Refusal::RenewalNames));
    }
    Ok(())
}

/// Are two DER Names the same texts under the same types? Clients that renew may write another type of string. What is no text is
/// compared as it is.
fn is_same(one: &[u8], other: &[u8]) -> Result<bool, EncodeError> {
    let (one, other) = (Name::from_der(one)?, Name::from_der(other)?);
    let parts = |name: &Name| -> Vec<_> {
        let parts = name.iter_rdn().map(|rdn| {
            let parts = rdn.iter();
            let mut parts: Vec<_> = parts
                .map(|part| {
                    let value = AnyRef::from(&part.value);
                    let text = directory_string(value);
                    let octets = text
                        .is_none()
                        .then(|| (value.tag(), value.value().to_vec()));
                    (part.oid, text, octets)
                })
                .collect();
            parts.sort();
            parts
        });
        parts.collect()
    };
    Ok(parts(&one) == parts(&other))
}

fn names_of(certificate: &Certificate) -> Result<GeneralNames, EncodeError> {
    let certificate: x509_cert::Certificate = x509_cert::Certificate::from_der(certificate.der())?;
    let extensions = certificate.tbs_certificate().extensions();
    let names = extensions.into_iter().flatten();
    let mut names = names.filter(|extension| extension.extn_id == rfc5280::ID_CE_SUBJECT_ALT_NAME);
    let names = names
        .next()
        .map(|names| GeneralNames::from_der(names.extn_value.as_bytes()));
    Ok(names.transpose()?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use const_oid::db::rfc4519;
    use der::asn1::Any;
    use der::{Encode, Tag};
    use x509_cert::attr::AttributeTypeAndValue;
    use x509_cert::name::{RdnSequence, RelativeDistinguishedName};

    use super::*;

    /// A Name of one CN.
    fn name(tag: Tag, octets: &[u8]) -> Vec<u8> {
        let oid = rfc4519::COMMON_NAME;
        let value = Any::new(tag, octets).unwrap();
        let part = AttributeTypeAndValue { oid, value };
        let mut name = RdnSequence::default();
        name.push(RelativeDistinguishedName::try_from(vec![part]).unwrap());
        name.to_der().unwrap()
    }

    /// Certificates of before may hold what is not issued any more: their holders write it in a
    /// type that has a place for it.
    #[test]
    fn a_renewal_may_write_the_same_text_in_another_type_of_string() {
        let is_same = |one: &[u8], other: &[u8]| is_same(one, other).unwrap();
        for (tag, octets) in [
            (Tag::PrintableString, "a*@_".as_bytes()),
            (Tag::Ia5String, "\u{e4}".as_bytes()),
            (Tag::NumericString, b"1-2"),
            (Tag::TeletexString, b"a_b"),
        ] {
            let text = name(Tag::Utf8String, octets);
            assert!(is_same(&name(tag, octets), &text), "{tag}");
            assert!(
                !is_same(&name(tag, octets), &name(Tag::Utf8String, b"other")),
                "{tag}"
            );
        }
        assert!(is_same(
            &name(Tag::OctetString, b"a"),
            &name(Tag::OctetString, b"a")
        ));
        assert!(!is_same(
            &name(Tag::OctetString, b"a"),
            &name(Tag::Utf8String, b"a")
        ));
    }
}
