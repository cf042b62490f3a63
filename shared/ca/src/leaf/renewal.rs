//! What a renewal must not change: the subject and the names of subjectAltName.

use const_oid::db::rfc5280;
use der::Encode;
use scep_cms::certificate::Certificate;
use scep_cms::error::{DecodeError, EncodeError};
use scep_cms::name::is_same_subject;
use scep_cms::requested::RequestedExtension;
use x509_cert::ext::pkix::name::{GeneralName, GeneralNames};

use crate::alt_names::comparison::is_same_general_name;
use crate::error::{BuildError, IssueError};
use crate::subject::Subject;
use crate::tbs_certificate::decode_extension;
use crate::template::SubjectAltNameRule;

/// Rejects a renewal that changes the subject or adds a name. It may leave names out. `names` are
/// those that nobody vouched for: the others belong to the certificate in whatever form.
///
/// # Errors
/// [`IssueError::RenewalSubject`], [`IssueError::RenewalNames`], or [`IssueError::Build`] if the
/// certificate to renew cannot be read.
pub(crate) fn check_renewal_names(
    predecessor: &Certificate,
    subject: &Subject,
    names: &[&GeneralName],
    rule: &SubjectAltNameRule,
) -> Result<(), IssueError> {
    if !is_same_subject(predecessor.subject(), &subject.der) {
        return Err(IssueError::RenewalSubject);
    }
    let certified = names_of(predecessor)?;
    // The rule that adds the CN as a DNS name may be newer than the certificate. The name is not
    // new, as the subject has it already.
    let is_common_name = |name: &GeneralName| match name {
        GeneralName::DnsName(name) if rule.common_name_as_dns => subject
            .common_names
            .iter()
            .any(|common_name| common_name.eq_ignore_ascii_case(name.as_str())),
        GeneralName::DnsName(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::IpAddress(_)
        | GeneralName::OtherName(_)
        | GeneralName::RegisteredId(_)
        | GeneralName::Rfc822Name(_)
        | GeneralName::UniformResourceIdentifier(_) => false,
    };
    let is_certified =
        |name: &GeneralName| certified.iter().any(|old| is_same_general_name(old, name));
    if names
        .iter()
        .any(|name| !is_certified(name) && !is_common_name(name))
    {
        return Err(IssueError::RenewalNames);
    }
    Ok(())
}

/// The subjectAltName of a certificate, as a request for the same names would have it; `None` when
/// the certificate has no names.
///
/// # Errors
/// When the certificate cannot be read.
pub(crate) fn predecessor_names(
    predecessor: &Certificate,
) -> Result<Option<RequestedExtension>, BuildError> {
    let names = names_of(predecessor)?;
    if names.is_empty() {
        return Ok(None);
    }
    Ok(Some(RequestedExtension {
        id: rfc5280::ID_CE_SUBJECT_ALT_NAME,
        value: names.to_der().map_err(EncodeError::of("SubjectAltName"))?,
    }))
}

fn names_of(certificate: &Certificate) -> Result<GeneralNames, DecodeError> {
    let id = rfc5280::ID_CE_SUBJECT_ALT_NAME;
    let names = decode_extension(certificate, id, "SubjectAltName")?;
    Ok(names.unwrap_or_default())
}
