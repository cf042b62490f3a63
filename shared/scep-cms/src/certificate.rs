//! A certificate as SCEP needs it: its key, and the exact octets of its names.

use std::fmt::Write;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use const_oid::db::rfc5280;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Encode, Tag};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use x509_cert::time::Time;

use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::asn1;
use crate::asn1::{Signed, TbsCertificate, decode_pem, encode_tagged};
use crate::ber::to_der;
use crate::error::{DecodeError, EncodeError, PublicKeyError};
use crate::name::is_same_issuer;
use crate::public_key::PublicKey;

/// An X.509 certificate of any version, with its original encoding.
///
/// Decoding checks only its outline: clients sign with version 1 certificates, with serial numbers
/// of 33 octets and with validity periods that ended hours ago. Serialised as padded base64 of its
/// DER. A clone shares what was decoded.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Certificate {
    parts: Arc<Parts>,
}

#[derive(Debug)]
struct Parts {
    der: Vec<u8>,
    issuer_and_serial_number: IssuerAndSerialNumber,
    subject: Vec<u8>,
    validity: Vec<u8>,
    subject_public_key_info: Vec<u8>,
    subject_key_identifier: Option<Vec<u8>>,
    /// Decoded when it is first needed, since most certificates are only passed on.
    public_key: OnceLock<Result<PublicKey, PublicKeyError>>,
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Certificate {}

/// The PEM label of a certificate, RFC 7468 §5.
const PEM_LABEL: &str = "CERTIFICATE";

/// The validity period of a certificate, both ends inclusive, RFC 5280 §4.1.2.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// notBefore.
    pub not_before: OffsetDateTime,
    /// notAfter.
    pub not_after: OffsetDateTime,
}

impl Certificate {
    /// Decodes one DER certificate.
    ///
    /// # Errors
    /// When `der` does not have the outline of a certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, DecodeError> {
        Self::read(der).map_err(DecodeError::of("Certificate"))
    }

    fn read(der: &[u8]) -> der::Result<Self> {
        let signed = Signed::from_der(der)?;
        let tbs: TbsCertificate<'_> = signed.to_be_signed.decode_as()?;
        let subject_key_identifier = tbs
            .extensions
            .unwrap_or_default()
            .iter()
            .find(|extension| extension.extn_id == rfc5280::ID_CE_SUBJECT_KEY_IDENTIFIER)
            // A malformed identifier must not make the certificate itself unreadable.
            .and_then(|extension| <&OctetStringRef>::from_der(extension.extn_value.as_bytes()).ok())
            .map(|identifier| identifier.as_bytes().to_vec());
        let parts = Parts {
            der: der.to_vec(),
            issuer_and_serial_number: IssuerAndSerialNumber {
                issuer: encode_tagged(tbs.issuer, Tag::Sequence)?,
                serial_number: encode_tagged(tbs.serial_number, Tag::Integer)?,
            },
            subject: encode_tagged(tbs.subject, Tag::Sequence)?,
            validity: encode_tagged(tbs.validity, Tag::Sequence)?,
            subject_public_key_info: encode_tagged(tbs.subject_public_key_info, Tag::Sequence)?,
            subject_key_identifier,
            public_key: OnceLock::new(),
        };
        Ok(Self {
            parts: Arc::new(parts),
        })
    }

    /// Decodes one PEM certificate, RFC 7468 §5, and skips text before it.
    ///
    /// # Errors
    /// When `pem` is not one certificate.
    pub fn from_pem(pem: &str) -> Result<Self, DecodeError> {
        let der = decode_pem(PEM_LABEL, pem)?;
        Self::from_der(&der)
    }

    /// The whole certificate as PEM, with a line feed at the end.
    #[must_use]
    pub fn to_pem(&self) -> String {
        // Encoding fails only for lengths far beyond those of a certificate that was decoded.
        der::pem::encode_string(PEM_LABEL, der::pem::LineEnding::LF, &self.parts.der)
            .unwrap_or_default()
    }

    /// Verifies that `issuer` signed this certificate. Rejects SHA-1.
    ///
    /// # Errors
    /// As [`PublicKey::verify`], or [`PublicKeyError::Unsupported`] for a signature algorithm that
    /// is not supported.
    pub fn verify(&self, issuer: &PublicKey) -> Result<(), PublicKeyError> {
        let signed = Signed::from_der(self.der()).map_err(|_| PublicKeyError::Malformed)?;
        let algorithm = SignatureAlgorithm::from_identifier(&signed.algorithm)
            .map_err(|_| PublicKeyError::Unsupported)?;
        // Anyone who can produce a SHA-1 collision could have one document signed and present the
        // other.
        if algorithm.digest() == DigestAlgorithm::Sha1 {
            return Err(PublicKeyError::Unsupported);
        }
        let to_be_signed = signed
            .to_be_signed
            .to_der()
            .map_err(|_| PublicKeyError::Malformed)?;
        issuer.verify(algorithm, &to_be_signed, signed.signature.raw_bytes())
    }

    /// The whole certificate, in DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.parts.der
    }

    /// The issuer and serial number that identify it in a SignerInfo or RecipientInfo.
    #[must_use]
    pub fn issuer_and_serial_number(&self) -> &IssuerAndSerialNumber {
        &self.parts.issuer_and_serial_number
    }

    /// The subject, a DER Name.
    #[must_use]
    pub fn subject(&self) -> &[u8] {
        &self.parts.subject
    }

    /// The SubjectPublicKeyInfo, in DER.
    #[must_use]
    pub fn subject_public_key_info(&self) -> &[u8] {
        &self.parts.subject_public_key_info
    }

    /// The subjectKeyIdentifier, if the certificate has that extension.
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.parts.subject_key_identifier.as_deref()
    }

    /// The validity period.
    ///
    /// # Errors
    /// When notBefore or notAfter is malformed.
    pub fn validity(&self) -> Result<Validity, DecodeError> {
        Validity::from_der(&self.parts.validity)
    }

    /// Whether the certificate is valid at this time. `false` if its validity is malformed.
    #[must_use]
    pub fn is_valid_at(&self, at: OffsetDateTime) -> bool {
        self.validity()
            .is_ok_and(|validity| (validity.not_before..=validity.not_after).contains(&at))
    }

    /// The SHA-256 digest of the DER as openssl prints it: upper-case hexadecimal octets, separated
    /// by colons.
    #[must_use]
    pub fn fingerprint_sha256(&self) -> String {
        DigestAlgorithm::Sha256.fingerprint(&self.parts.der)
    }

    /// The subject's public key.
    ///
    /// # Errors
    /// When the key is not supported.
    pub fn public_key(&self) -> Result<&PublicKey, PublicKeyError> {
        self.parts
            .public_key
            .get_or_init(|| PublicKey::from_der(self.subject_public_key_info()))
            .as_ref()
            .map_err(|error| *error)
    }
}

impl From<Certificate> for String {
    fn from(certificate: Certificate) -> Self {
        STANDARD.encode(certificate.der())
    }
}

impl TryFrom<String> for Certificate {
    type Error = DecodeError;

    fn try_from(base64: String) -> Result<Self, DecodeError> {
        Self::from_der(&STANDARD.decode(base64)?)
    }
}

impl Validity {
    /// Decodes a DER Validity.
    ///
    /// # Errors
    /// When notBefore or notAfter is malformed.
    pub fn from_der(der: &[u8]) -> Result<Self, DecodeError> {
        let validity: x509_cert::time::Validity =
            x509_cert::time::Validity::from_der(der).map_err(DecodeError::of("Validity"))?;
        Ok(Self {
            not_before: to_date_time(validity.not_before)?,
            not_after: to_date_time(validity.not_after)?,
        })
    }
}

fn to_date_time(time: Time) -> Result<OffsetDateTime, DecodeError> {
    let since_epoch = time.to_unix_duration();
    OffsetDateTime::UNIX_EPOCH
        .checked_add(since_epoch.try_into().map_err(|_| TIME_OUT_OF_RANGE)?)
        .ok_or(TIME_OUT_OF_RANGE)
}

const TIME_OUT_OF_RANGE: DecodeError = DecodeError::Unexpected("a time out of range");

/// IssuerAndSerialNumber, RFC 5652 §10.2.4. Both parts keep their original DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerAndSerialNumber {
    issuer: Vec<u8>,
    serial_number: Vec<u8>,
}

impl IssuerAndSerialNumber {
    pub(crate) fn of(parts: &asn1::IssuerAndSerialNumber<'_>) -> der::Result<Self> {
        Ok(Self {
            issuer: encode_tagged(parts.issuer, Tag::Sequence)?,
            serial_number: encode_tagged(parts.serial_number, Tag::Integer)?,
        })
    }

    /// Decodes the messageData of a GetCert or GetCRL, RFC 8894 §3.3.4, BER or DER.
    ///
    /// # Errors
    /// When `ber` is not an IssuerAndSerialNumber.
    pub fn from_ber(ber: &[u8]) -> Result<Self, DecodeError> {
        let der = to_der(ber)?;
        asn1::IssuerAndSerialNumber::from_der(&der)
            .and_then(|parts| Self::of(&parts))
            .map_err(DecodeError::of("IssuerAndSerialNumber"))
    }

    /// Encodes it in DER.
    ///
    /// # Errors
    /// When the parts are too long for a DER length.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        self.to_der()
            .map_err(EncodeError::of("IssuerAndSerialNumber"))
    }

    /// The issuer, a DER Name.
    #[must_use]
    pub fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    /// The serial number, a DER INTEGER of any length.
    #[must_use]
    pub fn serial_number(&self) -> &[u8] {
        &self.serial_number
    }

    /// Whether both identify the same certificate. Compares issuers with [`is_same_issuer`], and
    /// serial numbers without leading zeros.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        // Some clients re-encode both from their parsed form, with redundant zeros or without the
        // zero that keeps the number positive.
        let is_same_number = self.serial_number_octets() == other.serial_number_octets();
        is_same_number && is_same_issuer(&self.issuer, &other.issuer)
    }

    /// The serial number without leading zeros; a single zero for the number zero.
    fn serial_number_octets(&self) -> &[u8] {
        let value = AnyRef::from_der(&self.serial_number).map_or(&[][..], |any| any.value());
        let zeros = value.iter().take_while(|octet| **octet == 0).count();
        value
            .get(zeros.min(value.len().saturating_sub(1))..)
            .unwrap_or_default()
    }

    /// The serial number in upper-case hexadecimal, two digits per octet, without leading zero
    /// octets, as `openssl x509 -serial` prints positive numbers.
    #[must_use]
    pub fn serial_number_hex(&self) -> String {
        self.serial_number_octets()
            .iter()
            .fold(String::new(), |mut text, octet| {
                // Writing to a String does not fail.
                let _ = write!(text, "{octet:02X}");
                text
            })
    }

    /// Encodes it in DER.
    pub(crate) fn to_der(&self) -> der::Result<Vec<u8>> {
        asn1::IssuerAndSerialNumber {
            issuer: AnyRef::from_der(&self.issuer)?,
            serial_number: AnyRef::from_der(&self.serial_number)?,
        }
        .to_der()
    }
}

#[cfg(test)]
mod tests {
    use der::asn1::Any;

    use super::*;

    fn name(serial_number: &[u8]) -> IssuerAndSerialNumber {
        let serial_number = Any::new(Tag::Integer, serial_number).unwrap();
        IssuerAndSerialNumber {
            issuer: vec![0x30, 0],
            serial_number: serial_number.to_der().unwrap(),
        }
    }

    #[track_caller]
    fn check(serial_number: &[u8], same: &[u8], hex: &str) {
        let (one, other) = (name(serial_number), name(same));
        assert!(one.is_same(&other) && other.is_same(&one));
        assert_eq!(
            (&*one.serial_number_hex(), &*other.serial_number_hex()),
            (hex, hex)
        );
    }

    #[test]
    fn a_serial_number_is_the_same_with_needless_zeros_and_without_its_sign_octet() {
        check(&[0, 0xa1, 0], &[0xa1, 0], "A100");
        check(&[0x11], &[0, 0, 0x11], "11");
        check(&[0], &[0, 0], "00");
        assert!(!name(&[1]).is_same(&name(&[1, 0])));
        assert!(!name(&[0]).is_same(&name(&[1])));
    }
}
