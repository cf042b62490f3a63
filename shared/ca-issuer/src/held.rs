//! A certificate that waited for an administrator: its dates and issuer are those of the day of approval.

use const_oid::db::rfc5280;
use der::asn1::AnyRef;
use der::{Decode, Encode};
use scep_cms::DigestAlgorithm;
use scep_protocol::{CertificateTemplate, IssuingAuthority};
use time::OffsetDateTime;
use x509_cert::ext::pkix::name::GeneralNames;

use crate::EncodeError;
use crate::certificate::{
    TbsCertificate, algorithm_identifier, authority_key_identifier, authority_validity, crl_at,
    issued_by,
};
use crate::general_name::name_with_type;
use crate::leaf::{IssueError, validity};

/// What a request would have certified, besides its subject: for the administrator who decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requested {
    /// The names beside the subject, each behind its type, as openssl writes them.
    pub subject_alt_names: Vec<String>,
    /// SHA-256 over the key's SubjectPublicKeyInfo, as openssl writes fingerprints.
    pub public_key_sha256: String,
}

impl Requested {
    /// Reads it from the TBSCertificate that is held.
    ///
    /// # Errors
    /// When `to_be_signed` is none.
    pub fn of(to_be_signed: &[u8]) -> Result<Self, EncodeError> {
        let held = TbsCertificate::from_der(to_be_signed)?;
        let mut extensions = held.extensions.iter();
        let names = extensions.find(|held| held.extn_id == rfc5280::ID_CE_SUBJECT_ALT_NAME);
        let names = names.map(|names| GeneralNames::from_der(names.extn_value.as_bytes()));
        let names = names.transpose()?.unwrap_or_default();
        Ok(Self {
            subject_alt_names: names.iter().map(name_with_type).collect(),
            public_key_sha256: DigestAlgorithm::Sha256
                .fingerprint(&held.subject_public_key_info.to_der()?),
        })
    }
}

/// The TBSCertificate of a held request, to be signed now by this generation of the authority: what the request asked for stays
/// as it was shown to the administrator.
///
/// `crl_url` is the generation's, for a certificate that names one.
///
/// # Errors
/// [`IssueError::Refused`] when the authority's certificate is about to end; [`IssueError::Encode`].
pub fn released(
    to_be_signed: &[u8],
    authority: &IssuingAuthority,
    template: &CertificateTemplate,
    crl_url: &str,
    now: OffsetDateTime,
) -> Result<Vec<u8>, IssueError> {
    let held = TbsCertificate::from_der(to_be_signed).map_err(EncodeError::from)?;
    let mut extensions = held.extensions;
    for extension in &mut extensions {
        if extension.extn_id == rfc5280::ID_CE_AUTHORITY_KEY_IDENTIFIER {
            *extension = issued_by(&authority_key_identifier(authority)?)?;
        } else if extension.extn_id == rfc5280::ID_CE_CRL_DISTRIBUTION_POINTS {
            *extension = crl_at(crl_url)?;
        }
    }
    let issuer = AnyRef::from_der(authority.certificate.subject()).map_err(EncodeError::from)?;
    let validity = validity(template, authority_validity(authority)?, now)?;
    let released = TbsCertificate {
        signature: algorithm_identifier(authority.key_algorithm),
        issuer,
        validity: validity.try_into()?,
        extensions,
        ..held
    };
    Ok(released.to_der().map_err(EncodeError::from)?)
}
