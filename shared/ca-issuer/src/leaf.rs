//! A client's certificate: the rules of the RA Profile applied to a PKCS #10 request.

use const_oid::db::rfc5280;
use scep_cms::{PublicKey, Validity};
use scep_protocol::{
    AuthorisedRequest, AvailableProfile, CertificateTemplate, ExtendedKeyUsage, Refusal,
    RuleViolation,
};
use time::OffsetDateTime;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::KeyUsages;

use crate::certificate::{
    Contents, authority_key_identifier, authority_validity, begin_of, crl_at, end_of, extension,
    fits, name_text, usual_extensions,
};
use crate::renewal::keeps_names;
use crate::security_identifier::refuse_security_identifier;
use crate::subject::subject;
use crate::subject_alt_name::subject_alt_name;
use crate::{EncodeError, SerialNumber};

/// Why no certificate came of a request.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// A fault of ours.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The request breaks a rule, or is no renewal of what it says that it renews.
    #[error("refused: {0:?}")]
    Refused(Refusal),
}

impl From<RuleViolation> for IssueError {
    fn from(violation: RuleViolation) -> Self {
        Self::Refused(Refusal::Rule(violation))
    }
}

/// A certificate on its way to its signature.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// TBSCertificate, DER.
    pub to_be_signed: Vec<u8>,
    /// RFC 4514's text.
    pub subject: String,
}

/// The certificate for an authorised request. The key comes from the request, in its canonical form, subject and subjectAltName
/// as far as the rules allow, everything else from the rules.
///
/// `crl_url` is where the CRL of the authority will be.
///
/// # Errors
/// [`IssueError::Refused`] with the first rule that the request breaks.
pub fn leaf(
    profile: &AvailableProfile,
    request: &AuthorisedRequest,
    serial_number: SerialNumber,
    crl_url: &str,
    now: OffsetDateTime,
) -> Result<Leaf, IssueError> {
    let template = &profile.ra_profile().template;
    let authority = profile.authority();
    let csr = request.csr();
    refuse_security_identifier(csr.extensions())?;
    let subject = subject(csr.subject(), &template.subject)?;
    let names = subject_alt_name(
        csr.extensions(),
        &subject.common_names,
        &template.subject_alt_name,
    )?;
    if subject.is_blank && names.is_none() {
        return Err(RuleViolation::Nameless.into());
    }
    if let Some(predecessor) = request.predecessor() {
        let rule = &template.subject_alt_name;
        keeps_names(&predecessor.certificate, &subject, names.as_ref(), rule)?;
    }
    let mut extensions = usual_extensions(
        false,
        key_usages(template, request.key())?,
        request.key().canonical_spki(),
        &authority_key_identifier(authority)?,
    )?;
    extensions.extend(extended_key_usage(template)?);
    if template.crl_distribution_point {
        extensions.push(crl_at(crl_url)?);
    }
    if let Some(names) = names {
        // Critical where it is the only name, RFC 5280 §4.2.1.6.
        let critical = subject.is_empty;
        extensions.push(extension(
            rfc5280::ID_CE_SUBJECT_ALT_NAME,
            critical,
            &names,
        )?);
    }
    let to_be_signed = Contents {
        serial_number,
        issuer: authority.certificate.subject(),
        issuer_key: authority.key_algorithm,
        validity: validity(template, authority_validity(authority)?, now)?,
        subject: &subject.der,
        subject_public_key_info: request.key().canonical_spki(),
        extensions,
    }
    .encode()?;
    Ok(Leaf {
        to_be_signed,
        subject: name_text(&subject.der)?,
    })
}

/// What the rules allow of what the key can do.
fn key_usages(
    template: &CertificateTemplate,
    key: &PublicKey,
) -> Result<Vec<KeyUsages>, RuleViolation> {
    let usages = template.key_usage.iter();
    let usages: Vec<_> = usages.filter_map(|usage| fits(*usage, key)).collect();
    // Without the extension the key could be used for anything.
    if usages.is_empty() && !template.key_usage.is_empty() {
        return Err(RuleViolation::KeyUsage);
    }
    Ok(usages)
}

/// From when until when a certificate is valid that these rules and this authority make now.
pub(crate) fn validity(
    template: &CertificateTemplate,
    authority: Validity,
    now: OffsetDateTime,
) -> Result<Validity, IssueError> {
    let not_after = end_of(now, template.validity)?.min(authority.not_after);
    if not_after <= now {
        return Err(RuleViolation::Validity.into());
    }
    Ok(Validity {
        not_before: begin_of(now, template.backdate)?.max(authority.not_before),
        not_after,
    })
}

fn extended_key_usage(template: &CertificateTemplate) -> Result<Option<Extension>, EncodeError> {
    if template.extended_key_usage.is_empty() {
        return Ok(None);
    }
    let purposes: Vec<_> = template
        .extended_key_usage
        .iter()
        .map(|purpose| match purpose {
            ExtendedKeyUsage::ClientAuth => rfc5280::ID_KP_CLIENT_AUTH,
            ExtendedKeyUsage::ServerAuth => rfc5280::ID_KP_SERVER_AUTH,
            ExtendedKeyUsage::CodeSigning => rfc5280::ID_KP_CODE_SIGNING,
            ExtendedKeyUsage::EmailProtection => rfc5280::ID_KP_EMAIL_PROTECTION,
            ExtendedKeyUsage::TimeStamping => rfc5280::ID_KP_TIME_STAMPING,
            ExtendedKeyUsage::OcspSigning => rfc5280::ID_KP_OCSP_SIGNING,
        })
        .collect();
    extension(rfc5280::ID_CE_EXT_KEY_USAGE, false, &purposes).map(Some)
}
