//! An authority under another CA: what it asks for, and whether the answer is what it can issue with.

use const_oid::db::rfc5912;
use der::asn1::{Any, AnyRef, SetOfVec};
use der::{Decode, Encode, Sequence};
use scep_cms::{Certificate, PublicKeyError};
use scep_protocol::{CertificatePath, KeyAlgorithm};
use time::OffsetDateTime;
use x509_cert::attr::Attribute;
use x509_cert::ext::Extensions;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages};

use crate::authority::AUTHORITY_USAGE;
use crate::certificate::{constraints, key_identifier, signed};
use crate::{CaSubject, EncodeError, Keypair};

/// As in RFC 2986 §4.1.
#[derive(Sequence)]
struct CertificationRequestInfo<'a> {
    version: u8,
    subject: AnyRef<'a>,
    subject_public_key_info: AnyRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    attributes: SetOfVec<Attribute>,
}

/// The CertificationRequestInfo, DER, by which an authority asks another CA for CA:TRUE; to be signed by its own key.
///
/// # Errors
/// When the key is no SubjectPublicKeyInfo.
pub fn certification_request(
    subject: &CaSubject,
    key: &Keypair<'_>,
) -> Result<Vec<u8>, EncodeError> {
    let extensions: Extensions = constraints(true, AUTHORITY_USAGE)?;
    let attribute = Attribute {
        oid: rfc5912::ID_EXTENSION_REQ,
        values: SetOfVec::try_from(vec![Any::encode_from(&extensions)?])?,
    };
    let request = CertificationRequestInfo {
        version: 0,
        subject: AnyRef::from_der(&subject.0)?,
        subject_public_key_info: AnyRef::from_der(key.subject_public_key_info)?,
        attributes: SetOfVec::try_from(vec![attribute])?,
    };
    Ok(request.to_der()?)
}

/// The PKCS #10 request, PEM, around the signature that a key of this algorithm made over `to_be_signed`.
///
/// # Errors
/// When `to_be_signed` is no CertificationRequestInfo.
pub fn assemble_request(
    to_be_signed: &[u8],
    key: KeyAlgorithm,
    signature: &[u8],
) -> Result<String, EncodeError> {
    let der = signed(to_be_signed, key, signature)?;
    let pem = der::pem::encode_string("CERTIFICATE REQUEST", der::pem::LineEnding::LF, &der);
    Ok(pem.map_err(der::Error::from)?)
}

/// Why a certificate is of no use to an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitCertificate {
    /// A certificate of the chain did not issue the one below it: another name, or another key.
    #[error("chain: certificate {0} did not issue the one below it")]
    Chain(usize),
    /// A signature is of a kind that is not taken: SHA-1 is not, for one.
    #[error("chain: certificate {0} signed the one below it in a way that is not supported")]
    ChainAlgorithm(usize),
    /// The chain does not even hold the issuer.
    #[error("chain: the issuer's certificate is missing")]
    ChainMissing,
    /// A certificate of the chain is no CA's, or may not have a CA below it.
    #[error(
        "chain: certificate {0} is not a CA's (basicConstraints CA:TRUE, keyUsage keyCertSign), or its pathLenConstraint allows no further CA"
    )]
    ChainNotCa(usize),
    /// A certificate of the chain is not valid now.
    #[error("chain: certificate {0} is not valid now")]
    ChainNotValid(usize),
    /// The certificate is for another key.
    #[error("certificate: the key is not the authority's")]
    Key,
    /// The subject is empty, RFC 5280 §4.1.2.6.
    #[error("certificate: the subject is empty")]
    Nameless,
    /// basicConstraints is not CA:TRUE.
    #[error("certificate: basicConstraints is not CA:TRUE")]
    NotCa,
    /// keyUsage is not keyCertSign.
    #[error("certificate: keyUsage does not hold keyCertSign")]
    NotKeyCertSign,
    /// The certificate is not valid now.
    #[error("certificate: not valid now")]
    NotValid,
    /// The certificate names another subject, or gives the key another identifier, than the one before it, under which
    /// certificates were issued.
    #[error(
        "certificate: subject or subjectKeyIdentifier is not that of the certificate it replaces"
    )]
    Subject,
    /// The certificate, or one above it, is not one that RFC 5280 describes.
    #[error("certificate {0} cannot be read")]
    Unreadable(usize),
}

/// What an authority is, that a certificate for it must fit.
pub struct Certified<'a> {
    /// SubjectPublicKeyInfo, DER.
    pub subject_public_key_info: &'a [u8],
    /// The certificate that the new one replaces, if there is one.
    pub replaced: Option<&'a Certificate>,
}

/// A Name without parts, DER.
const EMPTY_NAME: [u8; 2] = [0x30, 0];

/// May this authority issue with these certificates? The first is 0, its issuer 1, and so on.
///
/// # Errors
/// Why not.
pub fn check_path(
    authority: &Certified<'_>,
    path: &CertificatePath,
    now: OffsetDateTime,
) -> Result<(), UnfitCertificate> {
    let certificate = &path.certificate;
    let own = Constraints::of(certificate).ok_or(UnfitCertificate::Unreadable(0))?;
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
    if let Some(replaced) = authority.replaced {
        let same_identifier = identifier(replaced) == identifier(certificate);
        if replaced.subject() != certificate.subject() || !same_identifier {
            return Err(UnfitCertificate::Subject);
        }
    }
    if path.chain.is_empty() {
        return Err(UnfitCertificate::ChainMissing);
    }
    let mut below = certificate;
    for (depth, issuer) in (1..).zip(&path.chain) {
        check_issuer(issuer, below, depth, now)?;
        below = issuer;
    }
    Ok(())
}

/// How certificates under this one name its key.
fn identifier(certificate: &Certificate) -> Option<Vec<u8>> {
    let own = certificate.subject_key_identifier().map(<[u8]>::to_vec);
    own.or_else(|| key_identifier(certificate.subject_public_key_info()).ok())
}

/// Did `issuer`, which stands `depth` above the authority, issue the certificate below it, and might it?
fn check_issuer(
    issuer: &Certificate,
    below: &Certificate,
    depth: usize,
    now: OffsetDateTime,
) -> Result<(), UnfitCertificate> {
    let constraints = Constraints::of(issuer).ok_or(UnfitCertificate::Unreadable(depth))?;
    // RFC 5280 §4.2.1.9: as many CAs as follow it on the way down to the authority.
    let deep_enough = constraints
        .path_length
        .is_none_or(|length| usize::from(length) >= depth);
    if !constraints.ca || !constraints.key_cert_sign || !deep_enough {
        return Err(UnfitCertificate::ChainNotCa(depth));
    }
    if !issuer.is_valid_at(now) {
        return Err(UnfitCertificate::ChainNotValid(depth));
    }
    let verified = || -> Result<(), PublicKeyError> { below.verify(&issuer.public_key()?) };
    if below.issuer_and_serial_number().issuer() != issuer.subject() {
        return Err(UnfitCertificate::Chain(depth));
    }
    verified().map_err(|error| match error {
        PublicKeyError::Unsupported => UnfitCertificate::ChainAlgorithm(depth),
        PublicKeyError::BadSignature
        | PublicKeyError::CannotEncrypt
        | PublicKeyError::Malformed => UnfitCertificate::Chain(depth),
    })
}

/// What a certificate allows its key.
struct Constraints {
    ca: bool,
    key_cert_sign: bool,
    path_length: Option<u8>,
}

impl Constraints {
    fn of(certificate: &Certificate) -> Option<Self> {
        let certificate = x509_cert::Certificate::from_der(certificate.der()).ok()?;
        let certificate = certificate.tbs_certificate();
        let basic = certificate.get_extension::<BasicConstraints>().ok()?;
        let usage = certificate.get_extension::<KeyUsage>().ok()?;
        Some(Self {
            ca: basic.as_ref().is_some_and(|(_, basic)| basic.ca),
            key_cert_sign: usage.is_some_and(|(_, usage)| usage.0.contains(KeyUsages::KeyCertSign)),
            path_length: basic.and_then(|(_, basic)| basic.path_len_constraint),
        })
    }
}
