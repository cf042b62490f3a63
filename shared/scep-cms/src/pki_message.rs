//! Decoding and verification of a pkiMessage, RFC 8894 §3.2.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911;
use der::{Decode, Encode, Tag, Tagged};
use subtle::ConstantTimeEq;

use crate::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use crate::algorithm_name::UnsupportedAlgorithm;
use crate::asn1::{ContentInfo, SetOf, SignedData, SignerInfo};
use crate::attribute::{CertRepAttributes, SenderNonce, SignedAttributes};
use crate::ber::first_to_der;
use crate::certificate::Certificate;
use crate::csr::CertificationRequest;
use crate::envelope::{CertificateIdentifier, EnvelopeError, PkcsPkiEnvelope};
use crate::error::{AttributeError, DecodeError, PublicKeyError};
use crate::public_key::PublicKey;
use crate::tlv::Element;
use crate::transaction_id::TransactionId;

/// A decoded SignedData with one signer. Its signature is not verified: do not trust its content.
#[derive(Clone)]
pub struct PkiMessage {
    content_type: ObjectIdentifier,
    content: Option<Content>,
    envelope: Result<PkcsPkiEnvelope, EnvelopeError>,
    certificates: Vec<Vec<u8>>,
    signer: CertificateIdentifier,
    digest_algorithm: Result<DigestAlgorithm, UnsupportedAlgorithm>,
    signature_algorithm: Result<SignatureAlgorithm, UnsupportedAlgorithm>,
    signed_attributes: Vec<u8>,
    signature: Vec<u8>,
}

/// The eContent of a message, in DER.
#[derive(Clone)]
enum Content {
    /// The octets of an OCTET STRING.
    Octets(Vec<u8>),
    /// Any other element, whole, as in PKCS #7 version 1.5.
    Any(Vec<u8>),
}

impl Content {
    /// The encoding of the structure inside.
    fn structure(&self) -> &[u8] {
        match self {
            Self::Octets(octets) | Self::Any(octets) => octets,
        }
    }

    /// The octets that messageDigest covers.
    fn digest_input(&self) -> &[u8] {
        match self {
            Self::Octets(octets) => octets,
            // In PKCS #7 the digest covers the contents without tag and length, RFC 5652 §5.2.1.
            Self::Any(whole) => Element::only(whole).map_or(&[], |element| element.contents),
        }
    }
}

/// Why the verification of a message failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The digest or signature algorithm is not supported.
    #[error("the message is signed with an algorithm that is not supported")]
    Algorithm(#[source] UnsupportedAlgorithm),
    /// messageDigest or contentType is missing, or does not match the content.
    #[error("the message digest does not match the content")]
    Digest,
    /// The signer's key is not supported, or does not fit the signature algorithm.
    #[error("the signer's key is not supported")]
    Key,
    /// No readable certificate in the message is the one that the SignerInfo names.
    #[error("the signer's certificate is not in the message")]
    NoSigner,
    /// The signature over the attributes does not verify with the signer's key.
    #[error("the message's signature does not verify")]
    Signature,
}

impl PkiMessage {
    /// Decodes a pkiMessage, BER or DER. Ignores octets after it.
    ///
    /// # Errors
    /// When `ber` does not begin with a SignedData with exactly one SignerInfo.
    pub fn from_ber(ber: &[u8]) -> Result<Self, DecodeError> {
        // Some clients append line ends or zeros. No signature covers them, but nothing depends on
        // them either.
        let (der, _) = first_to_der(ber)?;
        let signed_data = parse_signed_data(&der)?;
        let signer_info = signed_data
            .signer_infos
            .single()
            .ok_or(DecodeError::Unexpected(
                "a SignedData with other than one signer",
            ))?;
        let signer_info =
            SignerInfo::from_der(signer_info).map_err(DecodeError::of("SignerInfo"))?;
        let digest_algorithm = DigestAlgorithm::of_signer_info(&signer_info.digest_algorithm);
        let content = parse_content(&signed_data.encap_content_info)?;
        Ok(Self {
            content_type: signed_data.encap_content_info.content_type,
            envelope: parse_envelope(content.as_ref()),
            content,
            certificates: copy_elements(signed_data.certificates)?,
            signer: CertificateIdentifier::from_any(signer_info.sid)?,
            digest_algorithm,
            signature_algorithm: digest_algorithm.and_then(|digest| {
                SignatureAlgorithm::of_signer_info(&signer_info.signature_algorithm, digest)
            }),
            signed_attributes: signer_info.signed_attrs.unwrap_or_default().0.to_vec(),
            signature: signer_info.signature.as_bytes().to_vec(),
        })
    }

    fn attributes(&self) -> SignedAttributes<'_> {
        SignedAttributes(SetOf(&self.signed_attributes))
    }

    /// The transactionID.
    ///
    /// # Errors
    /// When it does not occur exactly once, well-formed.
    pub fn transaction_id(&self) -> Result<TransactionId, AttributeError> {
        self.attributes().transaction_id()
    }

    /// The text of messageType, which [`crate::message_type::MessageType::from_digits`] interprets.
    ///
    /// # Errors
    /// When it does not occur exactly once, well-formed.
    pub fn message_type(&self) -> Result<&str, AttributeError> {
        self.attributes().message_type()
    }

    /// The senderNonce.
    ///
    /// # Errors
    /// When it does not occur exactly once, well-formed.
    pub fn sender_nonce(&self) -> Result<SenderNonce, AttributeError> {
        self.attributes().sender_nonce()
    }

    /// The attributes that only a CertRep has.
    ///
    /// # Errors
    /// When pkiStatus does not occur exactly once, well-formed.
    pub fn cert_rep(&self) -> Result<CertRepAttributes, AttributeError> {
        self.attributes().cert_rep()
    }

    /// The SignerInfo's digestAlgorithm.
    ///
    /// # Errors
    /// When the algorithm is not supported.
    pub const fn digest_algorithm(&self) -> Result<DigestAlgorithm, UnsupportedAlgorithm> {
        self.digest_algorithm
    }

    /// The SignerInfo's signatureAlgorithm.
    ///
    /// # Errors
    /// When the algorithm is not supported.
    pub const fn signature_algorithm(&self) -> Result<SignatureAlgorithm, UnsupportedAlgorithm> {
        self.signature_algorithm
    }

    /// The certificates in the message, in DER, in their original order.
    #[must_use]
    pub fn certificates(&self) -> &[Vec<u8>] {
        &self.certificates
    }

    /// The pkcsPKIEnvelope in the content, whose signer is not verified.
    ///
    /// # Errors
    /// When it is missing or malformed, or its cipher is not supported.
    pub const fn envelope(&self) -> Result<&PkcsPkiEnvelope, &EnvelopeError> {
        self.envelope.as_ref()
    }

    /// Verifies digest and signature with the signer's certificate, RFC 5652 §5.6. Does not check
    /// that certificate: the caller decides whether to trust it.
    ///
    /// Verifies the attributes in their original order and, if that fails, in DER order.
    ///
    /// # Errors
    /// The first of [`VerifyError::Algorithm`], [`VerifyError::NoSigner`], [`VerifyError::Key`],
    /// [`VerifyError::Digest`] and [`VerifyError::Signature`] that applies.
    pub fn verify(self) -> Result<VerifiedPkiMessage, VerifyError> {
        let algorithm = self.signature_algorithm.map_err(VerifyError::Algorithm)?;
        let signer = self.signer_certificate().ok_or(VerifyError::NoSigner)?;
        let signer_key = signer.public_key().map_err(|_| VerifyError::Key)?.clone();
        let digest = algorithm
            .digest()
            .digest(self.content.as_ref().map_or(&[], Content::digest_input));
        // The digest before the signature: the attributes' signature says nothing about the content
        // unless they hold its digest.
        let claimed = self.attributes().message_digest().unwrap_or_default();
        if !bool::from(claimed.ct_eq(&digest))
            || self.content_type != rfc5911::ID_DATA
            || self.attributes().content_type() != Some(rfc5911::ID_DATA)
        {
            return Err(VerifyError::Digest);
        }
        self.verify_attributes(&signer_key, algorithm)?;
        Ok(VerifiedPkiMessage {
            message: self,
            signer,
            signer_key,
        })
    }

    fn verify_attributes(
        &self,
        key: &PublicKey,
        algorithm: SignatureAlgorithm,
    ) -> Result<(), VerifyError> {
        // The signature covers a SET OF, not the tag [0] that the message carries, RFC 5652 §5.4.
        let verify = |attributes: &[u8]| {
            let signed = SetOf(attributes)
                .to_der()
                .map_err(|_| PublicKeyError::Malformed)?;
            key.verify(algorithm, &signed, &self.signature)
        };
        verify(&self.signed_attributes)
            // RFC 5652 §5.4 demands a signature over the DER order, but some clients sign their own
            // order. So the original order comes first, and unsorted attributes get a second try.
            .or_else(|error| {
                let sorted = self.attributes_in_der_order().ok_or(error)?;
                verify(&sorted)
            })
            .map_err(|error| match error {
                PublicKeyError::Unsupported => VerifyError::Key,
                PublicKeyError::BadSignature
                | PublicKeyError::CannotEncrypt
                | PublicKeyError::Malformed => VerifyError::Signature,
            })
    }

    /// The attributes sorted as in DER, X.690 §11.6; `None` if they already are.
    fn attributes_in_der_order(&self) -> Option<Vec<u8>> {
        let mut attributes: Vec<_> = SetOf(&self.signed_attributes)
            .elements()
            .collect::<der::Result<_>>()
            .ok()?;
        attributes.sort_unstable();
        let sorted = attributes.concat();
        (sorted != self.signed_attributes).then_some(sorted)
    }

    fn signer_certificate(&self) -> Option<Certificate> {
        let mut named: Vec<_> = self
            .certificates
            .iter()
            .take(MAX_CERTIFICATES)
            .filter_map(|der| Certificate::from_der(der).ok())
            .filter(|certificate| self.signer.names(certificate))
            .collect();
        // Of several matches, prefer the exact one: names that differ only in case, string type or
        // order of RDNs match too.
        let exact = named.iter().position(|certificate| {
            matches!(&self.signer, CertificateIdentifier::IssuerAndSerialNumber(name)
                if name == certificate.issuer_and_serial_number())
        });
        (!named.is_empty()).then(|| named.swap_remove(exact.unwrap_or_default()))
    }
}

/// How many certificates of a message are searched for the signer's. Clients send theirs first, and
/// some send their chain. Nothing is verified yet, and an attacker could have hundreds compared.
const MAX_CERTIFICATES: usize = 32;

/// The keys that the PKCS #10 request in a message may request a certificate for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertifiableKeys {
    /// Only the key that signed the message, as in an enrolment, RFC 8894 §2.3.
    SignersOwn,
    /// Any key that signed the request, as in a renewal, which the old certificate authorises.
    Any,
}

/// A message whose signature covers its attributes and content and is verified.
#[derive(Clone)]
pub struct VerifiedPkiMessage {
    message: PkiMessage,
    signer: Certificate,
    signer_key: PublicKey,
}

impl VerifiedPkiMessage {
    /// The message, for its attributes.
    #[must_use]
    pub const fn message(&self) -> &PkiMessage {
        &self.message
    }

    /// The certificate whose key signed the message.
    #[must_use]
    pub const fn signer(&self) -> &Certificate {
        &self.signer
    }

    /// The key that signed the message.
    #[must_use]
    pub const fn signer_key(&self) -> &PublicKey {
        &self.signer_key
    }

    /// Verifies that the PKCS #10 request from the envelope, if there is one, is signed with the
    /// key that it requests a certificate for. Returns that key, or `None` if it is not.
    ///
    /// An attacker who puts a captured ciphertext into a message of their own must not learn from
    /// the timing what it decrypts to. The number of public-key operations therefore depends on
    /// `keys` alone: one with the signer's key, and one more where another key may be certified. An
    /// operation without anything to verify runs on `decoy`, which should be as long as a request.
    #[must_use]
    pub fn verify_possession(
        &self,
        csr: Option<&CertificationRequest>,
        keys: CertifiableKeys,
        decoy: &[u8],
    ) -> Option<PublicKey> {
        let certified = csr.and_then(|csr| Some((csr, csr.public_key().ok()?)));
        let is_signers = |(_, key): &(_, PublicKey)| *key == self.signer_key;
        let own = certified.clone().filter(is_signers);
        let proven = self.verify_or_spend(own, decoy);
        match keys {
            CertifiableKeys::SignersOwn => proven,
            CertifiableKeys::Any => {
                let other = certified.filter(|certified| !is_signers(certified));
                self.verify_or_spend(other, decoy).or(proven)
            }
        }
    }

    /// Costs one public-key operation: on the request with its key or, without one, on `decoy` with
    /// the signer's key and the message's signature.
    fn verify_or_spend(
        &self,
        certified: Option<(&CertificationRequest, PublicKey)>,
        decoy: &[u8],
    ) -> Option<PublicKey> {
        let certified =
            certified.and_then(|(csr, key)| Some((csr, csr.plausible_algorithm(&key)?, key)));
        let Some((csr, algorithm, key)) = certified else {
            let algorithm = self.message.signature_algorithm.ok()?;
            // The result does not matter: the operation only takes the time that the attacker would
            // otherwise see missing.
            let _ = self
                .signer_key
                .verify(algorithm, decoy, &self.message.signature);
            return None;
        };
        csr.verify_with(&key, algorithm).ok()?;
        Some(key)
    }

    /// The pkcsPKIEnvelope in the signed content.
    ///
    /// # Errors
    /// When it is missing or malformed, or its cipher is not supported.
    pub const fn envelope(&self) -> Result<&PkcsPkiEnvelope, &EnvelopeError> {
        self.message.envelope()
    }
}

/// Decodes the SignedData in a DER ContentInfo.
pub(crate) fn parse_signed_data(der: &[u8]) -> Result<SignedData<'_>, DecodeError> {
    let content_info = ContentInfo::from_der(der).map_err(DecodeError::of("ContentInfo"))?;
    match content_info.content {
        Some(content) if content_info.content_type == rfc5911::ID_SIGNED_DATA => {
            content.decode_as().map_err(DecodeError::of("SignedData"))
        }
        Some(_) | None => Err(DecodeError::Unexpected("content other than SignedData")),
    }
}

/// Copies the whole encoding of each element.
pub(crate) fn copy_elements(set: Option<SetOf<'_>>) -> Result<Vec<Vec<u8>>, DecodeError> {
    set.unwrap_or_default()
        .elements()
        .map(|element| element.map(<[u8]>::to_vec))
        .collect::<der::Result<_>>()
        .map_err(DecodeError::of("SET OF"))
}

/// Decodes the envelope once, since several steps look at it.
fn parse_envelope(content: Option<&Content>) -> Result<PkcsPkiEnvelope, EnvelopeError> {
    match content.map(Content::structure) {
        None | Some([]) => Err(EnvelopeError::Missing),
        Some(content) => PkcsPkiEnvelope::from_ber(content),
    }
}

fn parse_content(content_info: &ContentInfo<'_>) -> Result<Option<Content>, DecodeError> {
    let Some(content) = content_info.content else {
        return Ok(None);
    };
    if content.tag() == Tag::OctetString {
        return Ok(Some(Content::Octets(content.value().to_vec())));
    }
    let whole = content.to_der().map_err(DecodeError::of("eContent"))?;
    Ok(Some(Content::Any(whole)))
}
