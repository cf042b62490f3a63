//! A certificate in two phases, RFC 5280 §4.1: first the TBSCertificate, then the certificate
//! around its signature.

use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5280, rfc5912};
use der::asn1::{AnyRef, BitStringRef, Ia5String, OctetString, Uint};
use der::{Decode, Encode};
use scep_cms::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use scep_cms::asn1::{Signed, TbsCertificate};
use scep_cms::certificate::{Certificate, Validity};
use scep_cms::error::{DecodeError, EncodeError};
use scep_cms::public_key::PublicKey;
use sha1::{Digest, Sha1};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use time::OffsetDateTime;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CrlDistributionPoints, KeyUsage, KeyUsages,
    SubjectKeyIdentifier,
};
use x509_cert::name::Name;
use x509_cert::time::Time;

use crate::authority::IssuingAuthority;
use crate::error::BuildError;
use crate::key_algorithm::KeyAlgorithm;
use crate::serial_number::SerialNumber;
use crate::subject::name_part::first_common_name;
use crate::subject::name_text;
use crate::template::Period;

/// The fields of a TBSCertificate that differ between certificates.
pub(crate) struct Contents<'a> {
    pub(crate) serial_number: SerialNumber,
    pub(crate) issuer: &'a [u8],
    pub(crate) issuer_key: KeyAlgorithm,
    pub(crate) validity: Validity,
    pub(crate) subject: &'a [u8],
    pub(crate) subject_public_key_info: &'a [u8],
    pub(crate) extensions: Vec<Extension>,
}

/// X.509 version 3, which extensions require; versions are counted from 0.
const VERSION_3: u8 = 2;

impl Contents<'_> {
    /// Encodes the TBSCertificate as DER. Exactly these bytes are signed.
    pub(crate) fn encode(self) -> Result<Vec<u8>, EncodeError> {
        let validity = x509_cert::time::Validity::new(
            encode_time(self.validity.not_before)?,
            encode_time(self.validity.not_after)?,
        );
        self.encode_with(&validity)
            .map_err(EncodeError::of("TBSCertificate"))
    }

    fn encode_with(self, validity: &x509_cert::time::Validity) -> der::Result<Vec<u8>> {
        let serial_number = Uint::new(&self.serial_number.0)?.to_der()?;
        let signature = algorithm_identifier(self.issuer_key).to_der()?;
        let validity = validity.to_der()?;
        TbsCertificate {
            version: Some(VERSION_3),
            serial_number: AnyRef::from_der(&serial_number)?,
            signature: AnyRef::from_der(&signature)?,
            issuer: AnyRef::from_der(self.issuer)?,
            validity: AnyRef::from_der(&validity)?,
            subject: AnyRef::from_der(self.subject)?,
            subject_public_key_info: AnyRef::from_der(self.subject_public_key_info)?,
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: Some(self.extensions),
        }
        .to_der()
    }
}

/// A signed certificate, with the values by which the inventory lists it.
#[derive(Clone, Debug)]
pub struct IssuedCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// The serial number.
    pub serial_number: SerialNumber,
    /// The subject as an RFC 4514 string.
    pub subject: String,
    /// The first CN; `None` if there is no CN or its value is not text.
    pub common_name: Option<String>,
    /// The validity period.
    pub validity: Validity,
}

/// Assembles a certificate from a TBSCertificate and the signature over it.
///
/// `issuer_key` must be the algorithm for which `to_be_signed` was made.
///
/// # Errors
/// When `to_be_signed` is not a TBSCertificate.
pub fn assemble_certificate(
    to_be_signed: &[u8],
    issuer_key: KeyAlgorithm,
    signature: &[u8],
) -> Result<IssuedCertificate, BuildError> {
    let der = encode_signed(to_be_signed, issuer_key, signature)
        .map_err(EncodeError::of("Certificate"))?;
    // The values are read back from the DER, so that the inventory lists what the client receives.
    let certificate = Certificate::from_der(&der)?;
    Ok(IssuedCertificate {
        serial_number: read_serial_number(&decode_tbs_certificate(to_be_signed)?),
        subject: name_text(certificate.subject())?,
        common_name: first_common_name(certificate.subject())?,
        validity: certificate.validity()?,
        certificate,
    })
}

/// Wraps signed content, its signature algorithm and its signature into one SEQUENCE.
pub(crate) fn encode_signed(
    to_be_signed: &[u8],
    key: KeyAlgorithm,
    signature: &[u8],
) -> der::Result<Vec<u8>> {
    Signed {
        to_be_signed: AnyRef::from_der(to_be_signed)?,
        algorithm: algorithm_identifier(key),
        signature: BitStringRef::from_bytes(signature)?,
    }
    .to_der()
}

/// The serial number and subject of a certificate that is not signed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToBeSignedNames {
    /// The serial number.
    pub serial_number: SerialNumber,
    /// The subject as an RFC 4514 string.
    pub subject: String,
}

/// Reads the serial number and the subject of a TBSCertificate.
///
/// # Errors
/// When `to_be_signed` is not a TBSCertificate.
pub fn read_tbs_names(to_be_signed: &[u8]) -> Result<ToBeSignedNames, DecodeError> {
    let tbs = decode_tbs_certificate(to_be_signed)?;
    let subject: Name = tbs.subject.decode_as().map_err(DecodeError::of("Name"))?;
    Ok(ToBeSignedNames {
        serial_number: read_serial_number(&tbs),
        subject: subject.to_string(),
    })
}

fn read_serial_number(tbs: &TbsCertificate<'_>) -> SerialNumber {
    SerialNumber::of_integer(tbs.serial_number.value())
}

pub(crate) fn decode_tbs_certificate(
    to_be_signed: &[u8],
) -> Result<TbsCertificate<'_>, DecodeError> {
    TbsCertificate::from_der(to_be_signed).map_err(DecodeError::of("TBSCertificate"))
}

/// Decodes an extension of a certificate; `None` when the certificate does not have it.
pub(crate) fn decode_extension<T>(
    certificate: &Certificate,
    id: ObjectIdentifier,
    what: &'static str,
) -> Result<Option<T>, DecodeError>
where
    T: for<'a> Decode<'a, Error = der::Error>,
{
    let parsed: x509_cert::Certificate = x509_cert::Certificate::from_der(certificate.der())
        .map_err(DecodeError::of("Certificate"))?;
    parsed
        .tbs_certificate()
        .extensions()
        .into_iter()
        .flatten()
        .find(|extension| extension.extn_id == id)
        .map(|extension| T::from_der(extension.extn_value.as_bytes()))
        .transpose()
        .map_err(DecodeError::of(what))
}

/// The algorithm with which an authority that has such a key signs.
#[must_use]
pub const fn signature_algorithm(key: KeyAlgorithm) -> SignatureAlgorithm {
    // The digest grows with the key, so that neither is the weak half of the signature.
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
    // RFC 4055 §5 requires NULL parameters for RSA; RFC 5758 §3.2 requires that ECDSA omits them.
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

/// Encodes a time as RFC 5280 §4.1.2.5 requires: UTCTime through 2049, GeneralizedTime from 2050.
pub(crate) fn encode_time(at: OffsetDateTime) -> Result<Time, EncodeError> {
    // RFC 5280 §4.1.2.5.2 forbids fractions of a second.
    let seconds = at.replace_nanosecond(0).unwrap_or(at);
    Time::try_from(std::time::SystemTime::from(seconds)).map_err(EncodeError::of("Time"))
}

pub(crate) fn encode_extension(
    id: ObjectIdentifier,
    critical: bool,
    value: &impl Encode,
) -> Result<Extension, EncodeError> {
    let extn_value = value
        .to_der()
        .and_then(OctetString::new)
        .map_err(EncodeError::of("Extension"))?;
    Ok(Extension {
        extn_id: id,
        critical,
        extn_value,
    })
}

/// Builds basicConstraints and, unless there is no usage, keyUsage.
pub(crate) fn build_constraints(
    ca: bool,
    key_usage: impl IntoIterator<Item = KeyUsages>,
) -> Result<Vec<Extension>, EncodeError> {
    let basic_constraints = BasicConstraints {
        ca,
        path_len_constraint: None,
    };
    let mut usages = KeyUsage(Default::default()).0;
    key_usage.into_iter().for_each(|usage| usages |= usage);
    // Both are critical: RFC 5280 §4.2.1.9 requires it of a CA, §4.2.1.3 recommends it.
    let mut extensions = vec![encode_extension(
        rfc5280::ID_CE_BASIC_CONSTRAINTS,
        true,
        &basic_constraints,
    )?];
    // RFC 5280 §4.2.1.3: keyUsage, when present, has at least one bit set.
    if !usages.is_empty() {
        extensions.push(encode_extension(
            rfc5280::ID_CE_KEY_USAGE,
            true,
            &KeyUsage(usages),
        )?);
    }
    Ok(extensions)
}

/// Builds the extensions that every certificate has: basicConstraints, keyUsage and the two key
/// identifiers.
pub(crate) fn build_common_extensions(
    ca: bool,
    key_usage: impl IntoIterator<Item = KeyUsages>,
    subject_public_key_info: &[u8],
    authority_key_identifier: &[u8],
) -> Result<Vec<Extension>, BuildError> {
    let identifier = OctetString::new(key_identifier(subject_public_key_info)?)
        .map_err(EncodeError::of("SubjectKeyIdentifier"))?;
    let subject_key = SubjectKeyIdentifier(identifier);
    let mut extensions = build_constraints(ca, key_usage)?;
    extensions.push(encode_extension(
        rfc5280::ID_CE_SUBJECT_KEY_IDENTIFIER,
        false,
        &subject_key,
    )?);
    extensions.push(build_authority_key_identifier(authority_key_identifier)?);
    Ok(extensions)
}

/// Builds authorityKeyIdentifier, RFC 5280 §4.2.1.1.
pub(crate) fn build_authority_key_identifier(
    authority_key_identifier: &[u8],
) -> Result<Extension, EncodeError> {
    // The issuer's name and serial number are left out: they stop matching once the authority's
    // certificate is replaced, while its key identifier stays.
    let key_identifier = OctetString::new(authority_key_identifier)
        .map_err(EncodeError::of("AuthorityKeyIdentifier"))?;
    let authority_key = AuthorityKeyIdentifier {
        key_identifier: Some(key_identifier),
        ..AuthorityKeyIdentifier::default()
    };
    encode_extension(
        rfc5280::ID_CE_AUTHORITY_KEY_IDENTIFIER,
        false,
        &authority_key,
    )
}

/// Builds cRLDistributionPoints with one URL, RFC 5280 §4.2.1.13.
pub(crate) fn build_crl_distribution_points(url: &str) -> Result<Extension, EncodeError> {
    let url = Ia5String::new(url).map_err(EncodeError::of("CRLDistributionPoints"))?;
    let name = GeneralName::UniformResourceIdentifier(url);
    let points = CrlDistributionPoints(vec![DistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(vec![name])),
        reasons: None,
        crl_issuer: None,
    }]);
    encode_extension(rfc5280::ID_CE_CRL_DISTRIBUTION_POINTS, false, &points)
}

/// Hashes the key's bits with SHA-1, RFC 5280 §4.2.1.2 method (1).
pub(crate) fn key_identifier(subject_public_key_info: &[u8]) -> Result<Vec<u8>, DecodeError> {
    // SHA-1 is good enough here: the identifier finds certificates, and nothing trusts it.
    let key = SubjectPublicKeyInfoRef::from_der(subject_public_key_info)
        .map_err(DecodeError::of("SubjectPublicKeyInfo"))?;
    Ok(Sha1::digest(key.subject_public_key.raw_bytes()).to_vec())
}

/// The identifier of an authority's key, as certificates and CRLs under it name it.
pub(crate) fn authority_key_identifier(
    authority: &IssuingAuthority,
) -> Result<Vec<u8>, DecodeError> {
    // RFC 5280 §4.2.1.1: it must be the subjectKeyIdentifier of the authority's certificate, which
    // another CA may have computed in another way.
    match authority.certificate.subject_key_identifier() {
        Some(identifier) => Ok(identifier.to_vec()),
        None => key_identifier(authority.certificate.subject_public_key_info()),
    }
}

/// The start of a period that ends now.
pub(crate) fn period_start(
    now: OffsetDateTime,
    period: Period,
) -> Result<OffsetDateTime, EncodeError> {
    period.before(now).ok_or_else(out_of_calendar)
}

/// The end of a period that starts now.
pub(crate) fn period_end(
    now: OffsetDateTime,
    period: Period,
) -> Result<OffsetDateTime, EncodeError> {
    period.after(now).ok_or_else(out_of_calendar)
}

fn out_of_calendar() -> EncodeError {
    EncodeError::of("Validity")(der::Error::from(der::ErrorKind::DateTime))
}

/// The keyUsage bit for a usage, or `None` if a key of this kind cannot be used that way, RFC 5280
/// §4.2.1.3 and RFC 8813 §3.
pub(crate) const fn key_usage_bit(
    usage: crate::template::KeyUsage,
    key: &PublicKey,
) -> Option<KeyUsages> {
    use crate::template::KeyUsage as Rule;
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

    #[test]
    fn serial_numbers_are_read_from_hexadecimal() {
        let number = |digits: &str| SerialNumber::from_hex(digits).map(SerialNumber::to_hex);
        assert_eq!(number("0aF0"), Some("0AF0".to_owned()));
        let longest = "F".repeat(32);
        assert_eq!(number(&longest), Some(longest.clone()));
        assert_eq!(number(&format!("00{longest}")), Some(longest.clone()));
        for none in ["", "+1", "-1", "0x1", "1G", &format!("1{longest}")] {
            assert_eq!(number(none), None);
        }
    }
}
