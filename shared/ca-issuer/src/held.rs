//! A certificate that waits for an administrator: the rules, the dates and the issuer are those of the day of approval.

use const_oid::db::rfc5280;
use der::{Decode, Encode};
use scep_cms::{DigestAlgorithm, PublicKey, RequestedExtension, Validity};
use scep_protocol::{CertificateTemplate, IssuingAuthority, check_key};
use time::OffsetDateTime;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralNames;
use x509_cert::ext::pkix::{ExtendedKeyUsage, KeyUsage, KeyUsages};

use crate::certificate::{TbsCertificate, not_a_certificate};
use crate::general_name::name_with_type;
use crate::leaf::{Asked, IssueError, Leaf};
use crate::{EncodeError, SerialNumber};

/// What would be certified, besides the subject: for the administrator who decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requested {
    /// The names beside the subject, each behind its type, as openssl writes them.
    pub subject_alt_names: Vec<String>,
    /// SHA-256 over the key's SubjectPublicKeyInfo, as openssl writes fingerprints.
    pub public_key_sha256: String,
    /// keyUsage, RFC 5280's names.
    pub key_usage: Vec<&'static str>,
    /// extendedKeyUsage, RFC 5280's names; an OID for any other.
    pub extended_key_usage: Vec<String>,
    /// From when until when it would be valid.
    pub validity: Validity,
}

impl Requested {
    /// Reads it from a TBSCertificate, DER.
    ///
    /// # Errors
    /// When `to_be_signed` is none.
    pub fn of(to_be_signed: &[u8]) -> Result<Self, EncodeError> {
        let tbs = TbsCertificate::from_der(to_be_signed)?;
        let value = |id| {
            let mut extensions = tbs.extensions.iter();
            let found = extensions.find(|extension: &&Extension| extension.extn_id == id);
            found.map(|extension| extension.extn_value.as_bytes())
        };
        let names = value(rfc5280::ID_CE_SUBJECT_ALT_NAME).map(GeneralNames::from_der);
        let usages = value(rfc5280::ID_CE_KEY_USAGE).map(KeyUsage::from_der);
        let purposes = value(rfc5280::ID_CE_EXT_KEY_USAGE).map(ExtendedKeyUsage::from_der);
        let names = names.transpose()?.unwrap_or_default();
        let purposes = purposes.transpose()?.map(|purposes| purposes.0);
        Ok(Self {
            subject_alt_names: names.iter().map(name_with_type).collect(),
            public_key_sha256: DigestAlgorithm::Sha256
                .fingerprint(&tbs.subject_public_key_info.to_der()?),
            key_usage: usages.transpose()?.map(usage_names).unwrap_or_default(),
            extended_key_usage: purposes
                .unwrap_or_default()
                .iter()
                .map(|purpose| scep_protocol::ExtendedKeyUsage::of(*purpose).to_string())
                .collect(),
            validity: tbs.validity.into(),
        })
    }
}

fn usage_names(usage: KeyUsage) -> Vec<&'static str> {
    let names = usage.0.into_iter().map(|usage| match usage {
        KeyUsages::DigitalSignature => "digitalSignature",
        KeyUsages::NonRepudiation => "contentCommitment",
        KeyUsages::KeyEncipherment => "keyEncipherment",
        KeyUsages::DataEncipherment => "dataEncipherment",
        KeyUsages::KeyAgreement => "keyAgreement",
        KeyUsages::KeyCertSign => "keyCertSign",
        KeyUsages::CRLSign => "cRLSign",
        KeyUsages::EncipherOnly => "encipherOnly",
        KeyUsages::DecipherOnly => "decipherOnly",
    });
    names.collect()
}

/// The certificate of a held request, to be signed now by this generation of the authority: the names and the key stay
/// as they were shown to the administrator, and everything else is what the rules say today.
///
/// `crl_url` is the generation's, for a certificate that names one, if there is one.
///
/// # Errors
/// [`IssueError::Refused`] when the rules of today do not allow what is held, or the authority's certificate is about to
/// expire; [`IssueError::Encode`].
pub fn released(
    to_be_signed: &[u8],
    authority: &IssuingAuthority,
    template: &CertificateTemplate,
    crl_url: Option<&str>,
    now: OffsetDateTime,
) -> Result<Leaf, IssueError> {
    let held = TbsCertificate::from_der(to_be_signed).map_err(EncodeError::from)?;
    let subject = held.subject.to_der().map_err(EncodeError::from)?;
    let spki = held.subject_public_key_info.to_der();
    let key = PublicKey::from_der(&spki.map_err(EncodeError::from)?);
    let key = key.map_err(|_| not_a_certificate())?;
    check_key(&key, template)?;
    let names = held.extensions.iter();
    let names = names.filter(|held| held.extn_id == rfc5280::ID_CE_SUBJECT_ALT_NAME);
    let names: Vec<_> = names
        .map(|names| RequestedExtension {
            id: names.extn_id,
            value: names.extn_value.as_bytes().to_vec(),
        })
        .collect();
    let asked = Asked {
        serial_number: SerialNumber::of_integer(held.serial_number.as_bytes()),
        subject: &subject,
        extensions: &names,
        key: &key,
        predecessor: None,
    };
    asked.leaf(template, authority, crl_url, now)
}
