//! A client's certificate: the rules of the RA Profile applied to a PKCS #10 request.

use std::slice;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280;
use der::Decode;
use scep_cms::{Certificate, PublicKey, RequestedExtension, Validity};
use scep_protocol::{
    AuthorisedRequest, AvailableProfile, CertificateTemplate, ExtendedKeyUsage, IssuingAuthority,
    Refusal, RuleViolation,
};
use time::OffsetDateTime;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::KeyUsages;

use crate::certificate::{
    Contents, authority_key_identifier, authority_validity, begin_of, crl_at, end_of, extension,
    fits, name_text, usual_extensions,
};
use crate::renewal::{kept_names, refuse_other_names};
use crate::security_identifier::refuse_security_identifier;
use crate::subject::{Subject, subject};
use crate::subject_alt_name::{SubjectAltNames, asks_for_names, subject_alt_name};
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
    /// When it is valid.
    pub validity: Validity,
    /// What the request asked for and the certificate is without, though nothing is wrong with either:
    /// for the log.
    pub left_out: Vec<String>,
}

/// The certificate for an authorised request. The key comes from the request, in its canonical
/// form, subject and subjectAltName as far as the rules allow, everything else from the rules.
///
/// `crl_url` is where the CRL of the authority will be, if there is a place that verifiers can reach.
///
/// # Errors
/// [`IssueError::Refused`] with the first rule that the request breaks.
pub fn leaf(
    profile: &AvailableProfile,
    request: &AuthorisedRequest,
    serial_number: SerialNumber,
    crl_url: Option<&str>,
    now: OffsetDateTime,
) -> Result<Leaf, IssueError> {
    let template = &profile.ra_profile().template;
    Asked::by(request, serial_number).leaf(template, profile.authority(), crl_url, now)
}

/// Does a request ask for no other subject and no other names than the certificate has that it renews? Also true of a
/// request that renews nothing, and of one that the rules forbid anyway.
///
/// # Errors
/// When the certificate that is renewed cannot be read.
pub fn keeps_names(
    profile: &AvailableProfile,
    request: &AuthorisedRequest,
) -> Result<bool, EncodeError> {
    if request.predecessor().is_none() {
        return Ok(true);
    }
    // Nothing is made of it: any serial number will do.
    let asked = Asked::by(request, SerialNumber::of_integer(&[]));
    match asked.names(&profile.ra_profile().template) {
        Err(IssueError::Refused(Refusal::RenewalNames | Refusal::RenewalSubject)) => Ok(false),
        Err(IssueError::Encode(error)) => Err(error),
        Err(IssueError::Refused(_)) | Ok(_) => Ok(true),
    }
}

/// What a request asks to be certified, now or when an administrator has approved it.
pub(crate) struct Asked<'a> {
    pub(crate) serial_number: SerialNumber,
    /// Name, DER.
    pub(crate) subject: &'a [u8],
    pub(crate) extensions: &'a [RequestedExtension],
    pub(crate) key: &'a PublicKey,
    /// The certificate that is renewed.
    pub(crate) predecessor: Option<&'a Certificate>,
}

impl<'a> Asked<'a> {
    fn by(request: &'a AuthorisedRequest, serial_number: SerialNumber) -> Self {
        let csr = request.csr();
        Self {
            serial_number,
            subject: csr.subject(),
            extensions: csr.extensions(),
            key: request.key(),
            predecessor: request.predecessor().map(|known| &known.certificate),
        }
    }
}

/// Who is certified.
struct Names {
    subject: Subject,
    /// The names beside the subject.
    names: SubjectAltNames,
}

impl Asked<'_> {
    /// Who is certified: as much of what the request asks for as the rules allow, and no more than in the certificate
    /// that it renews. A renewal that asks for no name beside the subject keeps those that there are.
    fn names(&self, template: &CertificateTemplate) -> Result<Names, IssueError> {
        refuse_security_identifier(self.extensions)?;
        let subject = subject(self.subject, &template.subject)?;
        let rule = &template.subject_alt_name;
        let kept = match self.predecessor {
            Some(predecessor) if !asks_for_names(self.extensions) => kept_names(predecessor)?,
            Some(_) | None => None,
        };
        let asked = kept.as_ref().map_or(self.extensions, slice::from_ref);
        let names = subject_alt_name(asked, &subject.common_names, rule)?;
        if subject.is_blank && names.names.is_none() {
            return Err(RuleViolation::Nameless.into());
        }
        if let Some(predecessor) = self.predecessor {
            refuse_other_names(predecessor, &subject, names.names.as_ref(), rule)?;
        }
        Ok(Names { subject, names })
    }

    /// As much of it as the rules allow, and everything that they add.
    pub(crate) fn leaf(
        &self,
        template: &CertificateTemplate,
        authority: &IssuingAuthority,
        crl_url: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<Leaf, IssueError> {
        let Names {
            subject,
            names: SubjectAltNames { names, left_out },
        } = self.names(template)?;
        let mut extensions = usual_extensions(
            false,
            key_usages(template, self.key)?,
            self.key.canonical_spki(),
            &authority_key_identifier(authority)?,
        )?;
        extensions.extend(extended_key_usage(&template.extended_key_usage)?);
        if let Some(url) = crl_url.filter(|_| template.crl_distribution_point) {
            extensions.push(crl_at(url)?);
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
        let validity = validity(template, authority_validity(authority)?, now)?;
        let to_be_signed = Contents {
            serial_number: self.serial_number,
            issuer: authority.certificate.subject(),
            issuer_key: authority.key_algorithm,
            validity,
            subject: &subject.der,
            subject_public_key_info: self.key.canonical_spki(),
            extensions,
        }
        .encode()?;
        Ok(Leaf {
            to_be_signed,
            subject: name_text(&subject.der)?,
            validity,
            left_out: left_out
                .iter()
                .map(ToString::to_string)
                .chain(self.usages_left_out(template))
                .collect(),
        })
    }

    /// The purposes that a request asks for and the rules do not give: where they are missed, the
    /// certificate is found out to be of no use long after.
    fn usages_left_out(&self, template: &CertificateTemplate) -> Vec<String> {
        let usages = &template.extended_key_usage;
        // A certificate without purposes is good for all of them.
        if usages.is_empty() {
            return Vec::new();
        }
        let mut extensions = self.extensions.iter();
        let requested = extensions.find(|asked| asked.id == rfc5280::ID_CE_EXT_KEY_USAGE);
        let Some(requested) = requested else {
            return Vec::new();
        };
        let Ok(purposes) = Vec::<ObjectIdentifier>::from_der(&requested.value) else {
            return vec!["extendedKeyUsage, which cannot be read".to_owned()];
        };
        let purposes = purposes.into_iter().map(ExtendedKeyUsage::of);
        purposes
            .filter(|purpose| !usages.contains(purpose))
            .map(|purpose| format!("extendedKeyUsage {purpose}"))
            .collect()
    }
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
        return Err(RuleViolation::KeyUsage {
            key: match key {
                PublicKey::Rsa { .. } => "RSA",
                PublicKey::Ec { .. } => "EC",
            },
            usages: template.key_usage.clone(),
        });
    }
    Ok(usages)
}

/// From when until when a certificate is valid that these rules and this authority make now.
fn validity(
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

/// extendedKeyUsage, RFC 5280 §4.2.1.12; none without purposes.
pub(crate) fn extended_key_usage(
    usages: &[ExtendedKeyUsage],
) -> Result<Option<Extension>, EncodeError> {
    if usages.is_empty() {
        return Ok(None);
    }
    // An administrator may have written one of them by name and by OID.
    let mut purposes = Vec::new();
    for usage in usages {
        if !purposes.contains(&usage.oid()) {
            purposes.push(usage.oid());
        }
    }
    extension(rfc5280::ID_CE_EXT_KEY_USAGE, false, &purposes).map(Some)
}

#[cfg(test)]
mod tests;
