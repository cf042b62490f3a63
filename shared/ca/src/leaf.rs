//! A client's certificate: the rules of the RA Profile, applied to a PKCS #10 request.

mod renewal;

use std::slice;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280;
use der::Decode;
use scep_cms::certificate::{Certificate, Validity};
use scep_cms::error::EncodeError;
use scep_cms::public_key::PublicKey;
use scep_cms::requested::RequestedExtension;
use time::OffsetDateTime;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::KeyUsages;

use crate::alt_names::security_identifier::check_security_extension;
use crate::alt_names::{SubjectAltNames, asks_for_names, select_alt_names};
use crate::authority::IssuingAuthority;
use crate::error::{BuildError, IssueError, VouchedKind};
use crate::leaf::renewal::{check_renewal_names, predecessor_names};
use crate::serial_number::SerialNumber;
use crate::subject::{Subject, build_subject, name_text};
use crate::tbs_certificate::{
    Contents, authority_key_identifier, build_common_extensions, build_crl_distribution_points,
    encode_extension, key_usage_bit, period_end, period_start,
};
use crate::template::{
    CertificateTemplate, ExtendedKeyUsage, RuleViolation, SECURITY_EXTENSION, SidForm,
};
use crate::vouched_names::VouchedNames;

/// A client's certificate that is not signed yet.
#[derive(Clone, Debug)]
pub struct TbsLeaf {
    /// The TBSCertificate, DER.
    pub to_be_signed: Vec<u8>,
    /// The subject as an RFC 4514 string.
    pub subject: String,
    /// The validity period.
    pub validity: Validity,
    /// Names and purposes that the request asks for and the rules leave out, for the log. Leaving
    /// them out is no error.
    pub left_out: Vec<String>,
}

/// What a request asks to have certified, at once or after an administrator's approval.
#[derive(Clone, Copy, Debug)]
pub struct IssuanceRequest<'a> {
    /// The subject, a Name in DER.
    pub subject: &'a [u8],
    /// The extensions that the PKCS #10 request asks for. Only the names in subjectAltName may
    /// reach the certificate.
    pub extensions: &'a [RequestedExtension],
    /// The key to certify, which the template's rules for keys have accepted.
    pub key: &'a PublicKey,
    /// The certificate to renew; `None` for an enrolment.
    pub predecessor: Option<&'a Certificate>,
    /// The names that somebody vouches for; `None` if nobody does.
    pub vouched: Option<&'a VouchedNames>,
}

/// The subject and the subjectAltName of a certificate.
struct Names {
    subject: Subject,
    names: SubjectAltNames,
}

impl IssuanceRequest<'_> {
    /// Returns whether a renewal keeps to the subject and the names of the certificate that it
    /// renews, and the rules accept them.
    ///
    /// Also true of a request that renews nothing.
    ///
    /// # Errors
    /// When the certificate that is renewed cannot be read.
    pub fn keeps_names(&self, template: &CertificateTemplate) -> Result<bool, BuildError> {
        if self.predecessor.is_none() {
            return Ok(true);
        }
        match self.select_names(template) {
            Ok(_) => Ok(true),
            Err(IssueError::Build(error)) => Err(error),
            // The rules may reject a name, such as a SID, that a source vouches for in an
            // enrolment.
            Err(
                IssueError::Misbound(_)
                | IssueError::RenewalNames
                | IssueError::RenewalSubject
                | IssueError::Rule(_),
            ) => Ok(false),
        }
    }

    /// The names to certify: those that are vouched for, and those that the request asks for as far
    /// as the rules allow, and no others than those of the certificate that it renews.
    fn select_names(&self, template: &CertificateTemplate) -> Result<Names, IssueError> {
        let selected = self.select_bound_names(template);
        // What was vouched for a certificate is among its names, so a renewal that asks for another
        // changes them.
        selected.map_err(|error| match (error, self.predecessor) {
            (IssueError::Misbound(VouchedKind::Subject), Some(_)) => IssueError::RenewalSubject,
            (IssueError::Misbound(VouchedKind::Sid | VouchedKind::SubjectAltName), Some(_)) => {
                IssueError::RenewalNames
            }
            (error, _) => error,
        })
    }

    fn select_bound_names(&self, template: &CertificateTemplate) -> Result<Names, IssueError> {
        let none = VouchedNames::default();
        let vouched = self.vouched.unwrap_or(&none);
        // This check comes first: no rule can allow a SID, so no other rule should be named as the
        // reason.
        check_security_extension(self.extensions, vouched.subject_alt_names.sid.as_ref())?;
        let subject = build_subject(self.subject, &template.subject, &vouched.subject)?;
        let rule = &template.subject_alt_name;
        // Some clients renew with a request that has no extensions. Their certificate must not lose
        // the names that it is used under.
        let inherited = match self.predecessor {
            Some(predecessor) if !asks_for_names(self.extensions) => {
                predecessor_names(predecessor)?
            }
            Some(_) | None => None,
        };
        let extensions = inherited.as_ref().map_or(self.extensions, slice::from_ref);
        let names = select_alt_names(extensions, &subject.common_names, rule, vouched)?;
        // RFC 5280 §4.1.2.6: a subject may be empty only beside a subjectAltName.
        if subject.is_blank && names.names.is_none() {
            return Err(RuleViolation::Nameless.into());
        }
        // The names are compared last, because the rules add names and fixed attributes.
        if let Some(predecessor) = self.predecessor {
            let selected = names.names.iter().flatten();
            let unvouched: Vec<_> = selected.filter(|name| !vouched.holds(name)).collect();
            check_renewal_names(predecessor, &subject, &unvouched, rule)?;
        }
        Ok(Names { subject, names })
    }

    /// The extension that holds the security identifier that is vouched for.
    fn build_security_extension(
        &self,
        template: &CertificateTemplate,
    ) -> Result<Option<Extension>, EncodeError> {
        let vouched = self.vouched.map(|vouched| &vouched.subject_alt_names);
        let sid = vouched.and_then(|names| names.sid.as_ref());
        match template.subject_alt_name.sid_form {
            // Windows does not mark it critical either.
            SidForm::Extension => sid
                .map(|sid| {
                    let value = sid.build_extension_value()?;
                    encode_extension(SECURITY_EXTENSION, false, &value)
                })
                .transpose(),
            // `select_alt_names` has put it among the names.
            SidForm::Uri => Ok(None),
        }
    }

    /// Builds the certificate that the rules and this authority give to the request.
    ///
    /// The key comes from the request, in its canonical form. Subject and subjectAltName come from
    /// the source that vouches for them and from the request as far as the rules allow; everything
    /// else comes from the rules. `crl_url` is the URL of the authority's CRL, if verifiers can
    /// reach one.
    ///
    /// # Errors
    /// [`IssueError::Misbound`], [`IssueError::Rule`] with the first rule that the request breaks,
    /// the errors of a renewal that changes its names, and [`IssueError::Build`].
    pub fn build_tbs(
        &self,
        template: &CertificateTemplate,
        authority: &IssuingAuthority,
        serial_number: SerialNumber,
        crl_url: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<TbsLeaf, IssueError> {
        let Names {
            subject,
            names: SubjectAltNames { names, left_out },
        } = self.select_names(template)?;
        let mut extensions = build_common_extensions(
            false,
            select_key_usages(template, self.key)?,
            self.key.canonical_spki(),
            &authority_key_identifier(authority)?,
        )?;
        extensions.extend(build_extended_key_usage(&template.extended_key_usage)?);
        if let Some(url) = crl_url.filter(|_| template.crl_distribution_point) {
            extensions.push(build_crl_distribution_points(url)?);
        }
        if let Some(names) = names {
            // RFC 5280 §4.2.1.6: the extension is critical when the subject is empty.
            let critical = subject.is_empty;
            extensions.push(encode_extension(
                rfc5280::ID_CE_SUBJECT_ALT_NAME,
                critical,
                &names,
            )?);
        }
        extensions.extend(self.build_security_extension(template)?);
        let validity = validity_period(template, authority.certificate.validity()?, now)?;
        let to_be_signed = Contents {
            serial_number,
            issuer: authority.certificate.subject(),
            issuer_key: authority.key_algorithm,
            validity,
            subject: &subject.der,
            subject_public_key_info: self.key.canonical_spki(),
            extensions,
        }
        .encode()?;
        Ok(TbsLeaf {
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

    /// The purposes that the request asks for and the rules do not give. They go to the log: a
    /// certificate that lacks a purpose otherwise fails in use, long after it was issued.
    fn usages_left_out(&self, template: &CertificateTemplate) -> Vec<String> {
        let usages = &template.extended_key_usage;
        // A certificate without extendedKeyUsage serves every purpose.
        if usages.is_empty() {
            return Vec::new();
        }
        let Some(requested) = self
            .extensions
            .iter()
            .find(|extension| extension.id == rfc5280::ID_CE_EXT_KEY_USAGE)
        else {
            return Vec::new();
        };
        // An unreadable one is not an error: the extension comes from the rules, so the request's
        // is never issued.
        let Ok(purposes) = Vec::<ObjectIdentifier>::from_der(&requested.value) else {
            return vec!["extendedKeyUsage, which cannot be read".to_owned()];
        };
        purposes
            .into_iter()
            .map(ExtendedKeyUsage::of)
            .filter(|purpose| !usages.contains(purpose))
            .map(|purpose| format!("extendedKeyUsage {purpose}"))
            .collect()
    }
}

/// The usages that the rules list and the key is capable of.
fn select_key_usages(
    template: &CertificateTemplate,
    key: &PublicKey,
) -> Result<Vec<KeyUsages>, RuleViolation> {
    let usages: Vec<_> = template
        .key_usage
        .iter()
        .filter_map(|usage| key_usage_bit(*usage, key))
        .collect();
    // An empty list would omit the extension, and the key could then be used for anything.
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

/// The validity period of a certificate that is issued now.
fn validity_period(
    template: &CertificateTemplate,
    authority: Validity,
    now: OffsetDateTime,
) -> Result<Validity, IssueError> {
    // A certificate never outlives its authority: verifiers reject it from then on.
    let not_after = period_end(now, template.validity)?.min(authority.not_after);
    if not_after <= now {
        return Err(RuleViolation::Validity.into());
    }
    Ok(Validity {
        not_before: period_start(now, template.backdate)?.max(authority.not_before),
        not_after,
    })
}

/// Builds extendedKeyUsage, RFC 5280 §4.2.1.12; `None` without purposes.
pub(crate) fn build_extended_key_usage(
    usages: &[ExtendedKeyUsage],
) -> Result<Option<Extension>, EncodeError> {
    // The extension is a SEQUENCE SIZE (1..MAX) and cannot be empty.
    if usages.is_empty() {
        return Ok(None);
    }
    // An administrator may list a purpose twice, by name and by OID.
    let mut purposes = Vec::new();
    for usage in usages {
        if !purposes.contains(&usage.oid()) {
            purposes.push(usage.oid());
        }
    }
    encode_extension(rfc5280::ID_CE_EXT_KEY_USAGE, false, &purposes).map(Some)
}

#[cfg(test)]
pub(crate) mod tests;
