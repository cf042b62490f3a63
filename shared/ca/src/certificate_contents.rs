//! What a certificate says, decoded for people.

use const_oid::db::{DB, rfc5280};
use der::oid::AssociatedOid;
use der::{Decode, Encode};
use scep_cms::certificate::Certificate;
use scep_cms::error::DecodeError;
use scep_cms::public_key::PublicKey;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, SubjectKeyIdentifier};

use crate::pending::RequestSummary;
use crate::server_certificate::crl_urls_of;
use crate::tbs_certificate::decode_extension;

/// What a certificate says, apart from its names, dates and serial number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateContents {
    /// The names of subjectAltName, each prefixed with its type as openssl writes it.
    pub subject_alt_names: Vec<String>,
    /// The bits of keyUsage, by their RFC 5280 names.
    pub key_usage: Vec<&'static str>,
    /// The purposes of extendedKeyUsage, by their RFC 5280 names or else by OID.
    pub extended_key_usage: Vec<String>,
    /// The algorithm and the length or curve of the key, as in `RSA_2048` and `EC_P256`; `None` for
    /// a key of an algorithm that is not supported.
    pub key_algorithm: Option<String>,
    /// The algorithm of the issuer's signature, by its name or else by OID.
    pub signature_algorithm: String,
    /// keyIdentifier of authorityKeyIdentifier.
    pub authority_key_identifier: Option<Vec<u8>>,
    /// subjectKeyIdentifier.
    pub subject_key_identifier: Option<Vec<u8>>,
    /// The URLs of cRLDistributionPoints.
    pub crl_distribution_points: Vec<String>,
    /// cA of basicConstraints; false without that extension.
    pub is_ca: bool,
    /// pathLenConstraint of basicConstraints.
    pub path_length: Option<u8>,
}

impl CertificateContents {
    /// Decodes a certificate.
    ///
    /// # Errors
    /// When the certificate, or one of the extensions named above, cannot be decoded.
    pub fn of(certificate: &Certificate) -> Result<Self, DecodeError> {
        let parsed = x509_cert::Certificate::from_der(certificate.der())
            .map_err(DecodeError::of("Certificate"))?;
        let to_be_signed = parsed
            .tbs_certificate()
            .to_der()
            .map_err(DecodeError::of("TBSCertificate"))?;
        let summary = RequestSummary::of(&to_be_signed)?;
        let authority_key: Option<AuthorityKeyIdentifier> = decode_extension(
            certificate,
            AuthorityKeyIdentifier::OID,
            "AuthorityKeyIdentifier",
        )?;
        let subject_key: Option<SubjectKeyIdentifier> = decode_extension(
            certificate,
            SubjectKeyIdentifier::OID,
            "SubjectKeyIdentifier",
        )?;
        let constraints: Option<BasicConstraints> = decode_extension(
            certificate,
            rfc5280::ID_CE_BASIC_CONSTRAINTS,
            "BasicConstraints",
        )?;
        let algorithm = parsed.signature_algorithm().oid;
        Ok(Self {
            subject_alt_names: summary.subject_alt_names,
            key_usage: summary.key_usage,
            extended_key_usage: summary.extended_key_usage,
            key_algorithm: certificate.public_key().ok().map(describe_key),
            signature_algorithm: DB
                .by_oid(&algorithm)
                .map_or_else(|| algorithm.to_string(), str::to_owned),
            authority_key_identifier: authority_key
                .and_then(|identifier| identifier.key_identifier)
                .map(|identifier| identifier.as_bytes().to_vec()),
            subject_key_identifier: subject_key.map(|identifier| identifier.0.as_bytes().to_vec()),
            crl_distribution_points: crl_urls_of(certificate)?,
            is_ca: constraints.as_ref().is_some_and(|found| found.ca),
            path_length: constraints.and_then(|found| found.path_len_constraint),
        })
    }
}

/// The algorithm of a key, in the form of [`KeyAlgorithm`](crate::key_algorithm::KeyAlgorithm), but
/// of any length.
#[must_use]
pub fn describe_key(key: &PublicKey) -> String {
    match key {
        PublicKey::Rsa { modulus_bits, .. } => format!("RSA_{modulus_bits}"),
        PublicKey::Ec { curve, .. } => format!("EC_{curve}"),
    }
}
