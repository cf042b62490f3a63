//! A certificate in two phases, RFC 5280 §4.1: what is to be signed, then the certificate around the signature.

use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5280, rfc5912};
use der::asn1::{AnyRef, BitStringRef, Ia5String, OctetString, Uint};
use der::{Decode, Encode, Sequence};
use scep_cms::{Certificate, DigestAlgorithm, PublicKey, SignatureAlgorithm, Validity};
use scep_protocol::{IssuingAuthority, KeyAlgorithm, Period};
use sha1::{Digest, Sha1};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use time::OffsetDateTime;
use uuid::Uuid;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CrlDistributionPoints, KeyUsage, KeyUsages,
    SubjectKeyIdentifier,
};
use x509_cert::name::Name;
use x509_cert::time::Time;

use crate::subject::common_name;

/// A value could not be encoded: a fault of ours or of what an administrator set up, never of a client.
#[derive(Debug, thiserror::Error)]
#[error("encoding a certificate")]
pub struct EncodeError(#[from] der::Error);

/// A certificate's serial number, RFC 5280 §4.1.2.2: 128 random bits, positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SerialNumber([u8; 16]);

impl SerialNumber {
    /// The serial number made of these random octets. Zero, which is not positive, becomes one.
    #[must_use]
    pub const fn from_random(octets: [u8; 16]) -> Self {
        match u128::from_be_bytes(octets) {
            0 => Self(1_u128.to_be_bytes()),
            _ => Self(octets),
        }
    }

    /// The identity of its certificate.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        Uuid::from_bytes(self.0)
    }

    /// The serial number of the certificate of this identity.
    #[must_use]
    pub const fn of_uuid(uuid: Uuid) -> Self {
        Self(uuid.into_bytes())
    }

    /// The serial number of these big-endian octets, of which no more than 16 count.
    pub(crate) fn of_integer(octets: &[u8]) -> Self {
        let mut number = [0; 16];
        for (place, octet) in number.iter_mut().rev().zip(octets.iter().rev()) {
            *place = *octet;
        }
        Self(number)
    }

    /// Upper-case hexadecimal, two digits an octet, as an inventory has it.
    #[must_use]
    pub fn hex(self) -> String {
        let octets = self.0.iter().skip_while(|octet| **octet == 0);
        octets.map(|octet| format!("{octet:02X}")).collect()
    }
}

/// Everything that stands in a TBSCertificate.
pub(crate) struct Contents<'a> {
    pub(crate) serial_number: SerialNumber,
    pub(crate) issuer: &'a [u8],
    pub(crate) issuer_key: KeyAlgorithm,
    pub(crate) validity: Validity,
    pub(crate) subject: &'a [u8],
    pub(crate) subject_public_key_info: &'a [u8],
    pub(crate) extensions: Vec<Extension>,
}

/// As in RFC 5280 §4.1; names and keys are spliced in as they are.
#[derive(Sequence)]
pub(crate) struct TbsCertificate<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(crate) version: u8,
    pub(crate) serial_number: Uint,
    pub(crate) signature: AlgorithmIdentifierRef<'a>,
    pub(crate) issuer: AnyRef<'a>,
    pub(crate) validity: TbsValidity,
    pub(crate) subject: AnyRef<'a>,
    pub(crate) subject_public_key_info: AnyRef<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    pub(crate) extensions: Vec<Extension>,
}

#[derive(Sequence)]
pub(crate) struct TbsValidity {
    not_before: Time,
    not_after: Time,
}

impl TryFrom<Validity> for TbsValidity {
    type Error = EncodeError;

    fn try_from(validity: Validity) -> Result<Self, EncodeError> {
        Ok(Self {
            not_before: time(validity.not_before)?,
            not_after: time(validity.not_after)?,
        })
    }
}

impl From<TbsValidity> for Validity {
    fn from(validity: TbsValidity) -> Self {
        Self {
            not_before: validity.not_before.to_system_time().into(),
            not_after: validity.not_after.to_system_time().into(),
        }
    }
}

/// A certificate or PKCS #10 request around its signature.
#[derive(Sequence)]
struct Signed<'a> {
    to_be_signed: AnyRef<'a>,
    algorithm: AlgorithmIdentifierRef<'a>,
    signature: BitStringRef<'a>,
}

/// X.509 version 3.
const VERSION_3: u8 = 2;

impl Contents<'_> {
    /// DER: these bytes and no others are signed.
    pub(crate) fn encode(self) -> Result<Vec<u8>, EncodeError> {
        let tbs = TbsCertificate {
            version: VERSION_3,
            serial_number: Uint::new(&self.serial_number.0)?,
            signature: algorithm_identifier(self.issuer_key),
            issuer: AnyRef::from_der(self.issuer)?,
            validity: self.validity.try_into()?,
            subject: AnyRef::from_der(self.subject)?,
            subject_public_key_info: AnyRef::from_der(self.subject_public_key_info)?,
            extensions: self.extensions,
        };
        Ok(tbs.to_der()?)
    }
}

/// A signed certificate, with what an inventory says about it.
#[derive(Clone, Debug)]
pub struct IssuedCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// Upper-case hexadecimal.
    pub serial_number: String,
    /// RFC 4514's text.
    pub subject: String,
    /// The first CN, if there is one that is text.
    pub common_name: Option<String>,
    /// Its period of validity.
    pub validity: Validity,
}

/// The certificate around the signature that a key of this algorithm made over `to_be_signed`.
///
/// # Errors
/// When `to_be_signed` is no TBSCertificate.
pub fn assemble(
    to_be_signed: &[u8],
    issuer_key: KeyAlgorithm,
    signature: &[u8],
) -> Result<IssuedCertificate, EncodeError> {
    let der = signed(to_be_signed, issuer_key, signature)?;
    let certificate = Certificate::from_der(&der).map_err(|_| not_a_certificate())?;
    Ok(IssuedCertificate {
        serial_number: certificate.issuer_and_serial_number().serial_number_hex(),
        subject: name_text(certificate.subject())?,
        common_name: common_name(certificate.subject())?,
        validity: certificate.validity().map_err(|_| not_a_certificate())?,
        certificate,
    })
}

/// What a key of this algorithm signed, with its signature, DER.
pub(crate) fn signed(
    to_be_signed: &[u8],
    key: KeyAlgorithm,
    signature: &[u8],
) -> Result<Vec<u8>, EncodeError> {
    let signed = Signed {
        to_be_signed: AnyRef::from_der(to_be_signed)?,
        algorithm: algorithm_identifier(key),
        signature: BitStringRef::from_bytes(signature)?,
    };
    Ok(signed.to_der()?)
}

/// What a certificate will be known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToBeSignedNames {
    /// Upper-case hexadecimal.
    pub serial_number: String,
    /// RFC 4514's text.
    pub subject: String,
}

/// What a TBSCertificate, DER, will be known by when it is signed.
///
/// # Errors
/// When `to_be_signed` is none.
pub fn to_be_signed_names(to_be_signed: &[u8]) -> Result<ToBeSignedNames, EncodeError> {
    let tbs = TbsCertificate::from_der(to_be_signed)?;
    Ok(ToBeSignedNames {
        serial_number: SerialNumber::of_integer(tbs.serial_number.as_bytes()).hex(),
        subject: name_text(&tbs.subject.to_der()?)?,
    })
}

/// A DER Name as RFC 4514 writes it.
///
/// # Errors
/// When it is no Name.
pub fn name_text(name: &[u8]) -> Result<String, EncodeError> {
    Ok(Name::from_der(name)?.to_string())
}

pub(crate) fn not_a_certificate() -> EncodeError {
    EncodeError(der::ErrorKind::Failed.into())
}

/// How an authority with such a key signs: a digest as strong as the key.
#[must_use]
pub const fn signature_algorithm(key: KeyAlgorithm) -> SignatureAlgorithm {
    match key {
        KeyAlgorithm::Rsa2048 => SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256),
        KeyAlgorithm::Rsa3072 => SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha384),
        KeyAlgorithm::Rsa4096 => SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha512),
        KeyAlgorithm::EcP256 => SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256),
        KeyAlgorithm::EcP384 => SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha384),
        KeyAlgorithm::EcP521 => SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512),
    }
}

pub(crate) fn algorithm_identifier(key: KeyAlgorithm) -> AlgorithmIdentifierRef<'static> {
    // RFC 4055 §5 wants NULL parameters for RSA, RFC 5758 §3.2 none for ECDSA.
    let (oid, parameters): (ObjectIdentifier, _) = match key {
        KeyAlgorithm::Rsa2048 => (rfc5912::SHA_256_WITH_RSA_ENCRYPTION, Some(AnyRef::NULL)),
        KeyAlgorithm::Rsa3072 => (rfc5912::SHA_384_WITH_RSA_ENCRYPTION, Some(AnyRef::NULL)),
        KeyAlgorithm::Rsa4096 => (rfc5912::SHA_512_WITH_RSA_ENCRYPTION, Some(AnyRef::NULL)),
        KeyAlgorithm::EcP256 => (rfc5912::ECDSA_WITH_SHA_256, None),
        KeyAlgorithm::EcP384 => (rfc5912::ECDSA_WITH_SHA_384, None),
        KeyAlgorithm::EcP521 => (rfc5912::ECDSA_WITH_SHA_512, None),
    };
    AlgorithmIdentifierRef { oid, parameters }
}

/// UTCTime through 2049, GeneralizedTime after, whole seconds, RFC 5280 §4.1.2.5.
pub(crate) fn time(at: OffsetDateTime) -> Result<Time, EncodeError> {
    Ok(Time::try_from(std::time::SystemTime::from(
        at.replace_nanosecond(0).unwrap_or(at),
    ))?)
}

pub(crate) fn extension(
    id: ObjectIdentifier,
    critical: bool,
    value: &impl Encode,
) -> Result<Extension, EncodeError> {
    Ok(Extension {
        extn_id: id,
        critical,
        extn_value: OctetString::new(value.to_der()?)?,
    })
}

/// basicConstraints and, if there is any, keyUsage.
pub(crate) fn constraints(
    ca: bool,
    key_usage: impl IntoIterator<Item = KeyUsages>,
) -> Result<Vec<Extension>, EncodeError> {
    let basic_constraints = BasicConstraints {
        ca,
        path_len_constraint: None,
    };
    let mut usages = KeyUsage(Default::default()).0;
    key_usage.into_iter().for_each(|usage| usages |= usage);
    let mut extensions = vec![extension(
        rfc5280::ID_CE_BASIC_CONSTRAINTS,
        true,
        &basic_constraints,
    )?];
    if !usages.is_empty() {
        extensions.push(extension(
            rfc5280::ID_CE_KEY_USAGE,
            true,
            &KeyUsage(usages),
        )?);
    }
    Ok(extensions)
}

/// basicConstraints, keyUsage and the two key identifiers, which every certificate of ours has.
pub(crate) fn usual_extensions(
    ca: bool,
    key_usage: impl IntoIterator<Item = KeyUsages>,
    subject_public_key_info: &[u8],
    authority_key_identifier: &[u8],
) -> Result<Vec<Extension>, EncodeError> {
    let subject_key =
        SubjectKeyIdentifier(OctetString::new(key_identifier(subject_public_key_info)?)?);
    let mut extensions = constraints(ca, key_usage)?;
    extensions.push(extension(
        rfc5280::ID_CE_SUBJECT_KEY_IDENTIFIER,
        false,
        &subject_key,
    )?);
    extensions.push(issued_by(authority_key_identifier)?);
    Ok(extensions)
}

/// authorityKeyIdentifier, RFC 5280 §4.2.1.1.
pub(crate) fn issued_by(authority_key_identifier: &[u8]) -> Result<Extension, EncodeError> {
    let authority_key = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(authority_key_identifier)?),
        ..AuthorityKeyIdentifier::default()
    };
    extension(
        rfc5280::ID_CE_AUTHORITY_KEY_IDENTIFIER,
        false,
        &authority_key,
    )
}

/// cRLDistributionPoints with one URL, RFC 5280 §4.2.1.13.
pub(crate) fn crl_at(url: &str) -> Result<Extension, EncodeError> {
    let name = GeneralName::UniformResourceIdentifier(Ia5String::new(url)?);
    let points = CrlDistributionPoints(vec![DistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(vec![name])),
        reasons: None,
        crl_issuer: None,
    }]);
    extension(rfc5280::ID_CE_CRL_DISTRIBUTION_POINTS, false, &points)
}

/// SHA-1 over the key's bits, RFC 5280 §4.2.1.2 method (1). A name, not a protection.
pub(crate) fn key_identifier(subject_public_key_info: &[u8]) -> Result<Vec<u8>, EncodeError> {
    let key = SubjectPublicKeyInfoRef::from_der(subject_public_key_info)
        .map_err(|_| not_a_certificate())?;
    Ok(Sha1::digest(key.subject_public_key.raw_bytes()).to_vec())
}

/// The name that an authority's certificate gives its key.
pub(crate) fn authority_key_identifier(
    authority: &IssuingAuthority,
) -> Result<Vec<u8>, EncodeError> {
    match authority.certificate.subject_key_identifier() {
        Some(identifier) => Ok(identifier.to_vec()),
        None => key_identifier(authority.certificate.subject_public_key_info()),
    }
}

/// When an authority's certificate is valid; nothing under it is valid before or after.
pub(crate) fn authority_validity(authority: &IssuingAuthority) -> Result<Validity, EncodeError> {
    authority
        .certificate
        .validity()
        .map_err(|_| out_of_calendar())
}

/// The beginning of a period that ends now.
pub(crate) fn begin_of(now: OffsetDateTime, period: Period) -> Result<OffsetDateTime, EncodeError> {
    period.before(now).ok_or_else(out_of_calendar)
}

/// The end of a period that begins now.
pub(crate) fn end_of(now: OffsetDateTime, period: Period) -> Result<OffsetDateTime, EncodeError> {
    period.after(now).ok_or_else(out_of_calendar)
}

fn out_of_calendar() -> EncodeError {
    EncodeError(der::ErrorKind::DateTime.into())
}

/// Can a key of this kind be used so? RFC 5280 §4.2.1.3, RFC 8813 §3.
pub(crate) const fn fits(usage: scep_protocol::KeyUsage, key: &PublicKey) -> Option<KeyUsages> {
    use scep_protocol::KeyUsage as Rule;
    match (usage, key) {
        (Rule::DigitalSignature, _) => Some(KeyUsages::DigitalSignature),
        (Rule::ContentCommitment, _) => Some(KeyUsages::NonRepudiation),
        (Rule::KeyEncipherment, PublicKey::Rsa { .. }) => Some(KeyUsages::KeyEncipherment),
        (Rule::DataEncipherment, PublicKey::Rsa { .. }) => Some(KeyUsages::DataEncipherment),
        (Rule::KeyAgreement, PublicKey::Ec { .. }) => Some(KeyUsages::KeyAgreement),
        (Rule::KeyEncipherment | Rule::DataEncipherment, PublicKey::Ec { .. })
        | (Rule::KeyAgreement, PublicKey::Rsa { .. }) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(random: u128, der: &[u8]) {
        let serial = SerialNumber::from_random(random.to_be_bytes());
        assert_eq!(Uint::new(&serial.0).unwrap().to_der().unwrap(), der);
    }

    #[test]
    fn serial_numbers_are_positive_and_short_enough() {
        check(0, &[2, 1, 1]);
        check(0x7f, &[2, 1, 0x7f]);
        check(0x80, &[2, 2, 0, 0x80]);
        let mut longest = vec![2, 17, 0];
        longest.extend([0xff; 16]);
        check(u128::MAX, &longest);
    }
}
