//! An authority under another CA: the PKCS #10 request that it makes, and whether it can issue with
//! the certificates that it gets in return.

use der::asn1::{AnyRef, SetOfVec};
use der::pem::{LineEnding, encode_string};
use der::{Decode, Encode, Sequence};
use scep_cms::certificate::Certificate;
use scep_cms::error::{EncodeError, PublicKeyError};
use time::OffsetDateTime;
use x509_cert::attr::Attribute;
use x509_cert::ext::Extensions;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages};
use x509_cert::request::ExtensionReq;

use crate::authority::CertificatePath;
use crate::key_algorithm::KeyAlgorithm;
use crate::server_certificate::{AUTHORITY_USAGE, CaSubject, SubjectKey};
use crate::tbs_certificate::{build_constraints, encode_signed, key_identifier};

/// CertificationRequestInfo, RFC 2986 §4.1.
// Not x509-cert's: decoding the subject would sort its attributes, and another CA may have chosen
// their order.
#[derive(Sequence)]
struct CertificationRequestInfo<'a> {
    version: u8,
    subject: AnyRef<'a>,
    subject_public_key_info: AnyRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    attributes: SetOfVec<Attribute>,
}

/// Builds the CertificationRequestInfo, DER, with which an authority requests a CA certificate from
/// another CA. The authority's own key signs it.
///
/// # Errors
/// When the key is not a SubjectPublicKeyInfo.
pub fn build_certification_request(
    subject: &CaSubject,
    key: &SubjectKey<'_>,
) -> Result<Vec<u8>, EncodeError> {
    let extensions = build_constraints(true, AUTHORITY_USAGE)?;
    encode_request_info(subject, key, extensions)
        .map_err(EncodeError::of("CertificationRequestInfo"))
}

fn encode_request_info(
    subject: &CaSubject,
    key: &SubjectKey<'_>,
    extensions: Extensions,
) -> der::Result<Vec<u8>> {
    let extensions = ExtensionReq(extensions);
    CertificationRequestInfo {
        // v1, the only version that RFC 2986 defines.
        version: 0,
        subject: AnyRef::from_der(&subject.0)?,
        subject_public_key_info: AnyRef::from_der(key.subject_public_key_info)?,
        attributes: SetOfVec::try_from(vec![extensions.try_into()?])?,
    }
    .to_der()
}

/// Assembles a PKCS #10 request, PEM, from a CertificationRequestInfo and the signature over it.
///
/// # Errors
/// When `to_be_signed` is not DER.
pub fn assemble_request(
    to_be_signed: &[u8],
    key: KeyAlgorithm,
    signature: &[u8],
) -> Result<String, EncodeError> {
    encode_signed(to_be_signed, key, signature)
        .and_then(|der| Ok(encode_string("CERTIFICATE REQUEST", LineEnding::LF, &der)?))
        .map_err(EncodeError::of("CertificationRequest"))
}

/// Why an authority cannot issue with a certificate or its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitCertificate {
    /// A certificate of the chain did not issue the one below it: the issuer's name does not match,
    /// or the signature does not verify.
    #[error("chain: certificate {0} did not issue the one below it")]
    Chain(usize),
    /// A signature uses an algorithm that is not supported, such as one with SHA-1.
    #[error("chain: certificate {0} signed the one below it in a way that is not supported")]
    ChainAlgorithm(usize),
    /// The chain is empty; it must contain at least the issuer's certificate.
    #[error("chain: the issuer's certificate is missing")]
    ChainMissing,
    /// A certificate of the chain does not belong to a CA, or allows no further CA below it.
    #[error(
        "chain: certificate {0} is not a CA's (basicConstraints CA:TRUE, keyUsage keyCertSign), or its pathLenConstraint allows no further CA"
    )]
    ChainNotCa(usize),
    /// A certificate of the chain has expired or is not valid yet.
    #[error("chain: certificate {0} is not valid now")]
    ChainNotValid(usize),
    /// The certificate is for a different key.
    #[error("certificate: the key is not the authority's")]
    Key,
    /// The subject is empty, which RFC 5280 §4.1.2.6 forbids for a CA.
    #[error("certificate: the subject is empty")]
    Nameless,
    /// basicConstraints is not CA:TRUE.
    #[error("certificate: basicConstraints is not CA:TRUE")]
    NotCa,
    /// keyUsage does not include keyCertSign.
    #[error("certificate: keyUsage does not include keyCertSign")]
    NotKeyCertSign,
    /// The certificate has expired or is not valid yet.
    #[error("certificate: not valid now")]
    NotValid,
    /// The certificate has a different subject or key identifier from the one that it replaces.
    /// Certificates issued under the old one would no longer chain to it.
    #[error(
        "certificate: subject or subjectKeyIdentifier is not that of the certificate it replaces"
    )]
    Subject,
    /// A certificate has an extension that cannot be read. The number is its place in the path.
    #[error("certificate {0} cannot be read")]
    Unreadable(usize),
}

/// The properties of an authority that its new certificate must match.
pub struct ExpectedAuthority<'a> {
    /// The SubjectPublicKeyInfo of the authority's key, DER.
    pub subject_public_key_info: &'a [u8],
    /// The certificate that the new one replaces; `None` if it is the authority's first.
    pub replaced: Option<&'a Certificate>,
}

/// The DER of a Name without RDNs.
const EMPTY_NAME: [u8; 2] = [0x30, 0];

/// Checks that an authority can issue with a certificate and its chain.
///
/// # Errors
/// The first fault found. Errors number the certificates from 0, which is the authority's own; its
/// issuer is 1.
pub fn check_path(
    authority: &ExpectedAuthority<'_>,
    path: &CertificatePath,
    now: OffsetDateTime,
) -> Result<(), UnfitCertificate> {
    let certificate = &path.certificate;
    let own = Constraints::of(certificate).ok_or(UnfitCertificate::Unreadable(0))?;
    // The key is checked first: with another key it is simply the wrong file, and nothing else
    // matters.
    if certificate.subject_public_key_info() != authority.subject_public_key_info {
        return Err(UnfitCertificate::Key);
    }
    if !own.ca {
        return Err(UnfitCertificate::NotCa);
    }
    if !own.key_cert_sign {
        return Err(UnfitCertificate::NotKeyCertSign);
    }
    if !certificate.is_valid_at(now) {
        return Err(UnfitCertificate::NotValid);
    }
    if certificate.subject() == EMPTY_NAME {
        return Err(UnfitCertificate::Nameless);
    }
    // Certificates issued so far name the authority by this subject and this key identifier.
    if let Some(replaced) = authority.replaced {
        let same_identifier = authority_identifier(replaced) == authority_identifier(certificate);
        if replaced.subject() != certificate.subject() || !same_identifier {
            return Err(UnfitCertificate::Subject);
        }
    }
    if path.chain.is_empty() {
        return Err(UnfitCertificate::ChainMissing);
    }
    // Only the links are checked, not that the chain ends at a root: which certificate of it a
    // client trusts is the client's choice.
    let mut below = certificate;
    for (depth, issuer) in (1..).zip(&path.chain) {
        check_issuer(issuer, below, depth, now)?;
        below = issuer;
    }
    Ok(())
}

/// The key identifier by which certificates issued under this one refer to it.
fn authority_identifier(certificate: &Certificate) -> Option<Vec<u8>> {
    // Without the extension, certificates under it get the SHA-1 hash of its key.
    certificate
        .subject_key_identifier()
        .map(<[u8]>::to_vec)
        .or_else(|| key_identifier(certificate.subject_public_key_info()).ok())
}

/// Checks that `issuer`, `depth` certificates above the authority's, is a valid CA and issued the
/// certificate `below`.
fn check_issuer(
    issuer: &Certificate,
    below: &Certificate,
    depth: usize,
    now: OffsetDateTime,
) -> Result<(), UnfitCertificate> {
    let constraints = Constraints::of(issuer).ok_or(UnfitCertificate::Unreadable(depth))?;
    // RFC 5280 §4.2.1.9 counts the intermediate CAs that may follow this one in a path; the
    // authority is the last of them.
    let deep_enough = constraints
        .path_length
        .is_none_or(|length| usize::from(length) >= depth);
    if !constraints.ca || !constraints.key_cert_sign || !deep_enough {
        return Err(UnfitCertificate::ChainNotCa(depth));
    }
    if !issuer.is_valid_at(now) {
        return Err(UnfitCertificate::ChainNotValid(depth));
    }
    // Names are compared before signatures are verified, which is the expensive part.
    if below.issuer_and_serial_number().issuer() != issuer.subject() {
        return Err(UnfitCertificate::Chain(depth));
    }
    issuer
        .public_key()
        .and_then(|key| below.verify(key))
        .map_err(|error| match error {
            PublicKeyError::Unsupported => UnfitCertificate::ChainAlgorithm(depth),
            PublicKeyError::BadSignature
            | PublicKeyError::CannotEncrypt
            | PublicKeyError::Malformed => UnfitCertificate::Chain(depth),
        })
}

/// What a certificate allows its key to do, as far as a CA is concerned.
struct Constraints {
    ca: bool,
    key_cert_sign: bool,
    path_length: Option<u8>,
}

impl Constraints {
    fn of(certificate: &Certificate) -> Option<Self> {
        let parsed = x509_cert::Certificate::from_der(certificate.der()).ok()?;
        let tbs = parsed.tbs_certificate();
        let basic = tbs.get_extension::<BasicConstraints>().ok()?;
        let usage = tbs.get_extension::<KeyUsage>().ok()?;
        Some(Self {
            ca: basic.as_ref().is_some_and(|(_, basic)| basic.ca),
            key_cert_sign: usage.is_some_and(|(_, usage)| usage.0.contains(KeyUsages::KeyCertSign)),
            path_length: basic.and_then(|(_, basic)| basic.path_len_constraint),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_subject_octet_by_octet() {
        // An RDN whose attributes are not in the order of DER: OU before CN.
        let attributes = [
            &b"\x30\x08\x06\x03\x55\x04\x0b\x0c\x01b"[..],
            b"\x30\x08\x06\x03\x55\x04\x03\x0c\x01a",
        ]
        .concat();
        let subject = [&b"\x30\x16\x31\x14"[..], &attributes].concat();
        let key = SubjectKey {
            algorithm: KeyAlgorithm::EcP256,
            subject_public_key_info: b"\x30\x00",
        };
        let request = build_certification_request(&CaSubject(subject.clone()), &key).unwrap();
        assert!(
            request
                .windows(subject.len())
                .any(|octets| octets == subject)
        );
    }
}
