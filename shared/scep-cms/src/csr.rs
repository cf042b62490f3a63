//! PKCS #10 certification request, RFC 2986, as devices write it.

use der::Decode;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use crate::ber::{first_inside, first_to_der};
use crate::challenge::ChallengePassword;
use crate::csr_fault::CsrFault;
use crate::requested::{Requested, RequestedExtension};
use crate::tlv::{self, Element};
use crate::{PublicKey, PublicKeyError, SignatureAlgorithm, UnsupportedAlgorithm, csr_content};

/// A certification request, read but not verified.
#[derive(Clone)]
pub struct CertificationRequest {
    ber: Zeroizing<Vec<u8>>,
    signed: Zeroizing<Vec<u8>>,
    signature_algorithm: Result<SignatureAlgorithm, UnsupportedAlgorithm>,
    signature: Vec<u8>,
    subject: Vec<u8>,
    subject_public_key_info: Vec<u8>,
    requested: Requested,
    fault: Option<CsrFault>,
}

impl CertificationRequest {
    /// Reads the messageData of a PKCSReq or RenewalReq. It is BER or DER, or PEM or base64 of
    /// that; zeros and line ends may follow it; the `[0]` may be missing; attributes come in any
    /// order. What is needed to verify its signature must be there; what its attributes ask for may
    /// be in disorder, which [`Self::fault`] then tells.
    ///
    /// # Errors
    /// When `content` is no request, with the place where it ceases to be one.
    pub fn from_message_data(content: &[u8]) -> Result<Self, CsrFault> {
        Self::from_ber(&csr_content::binary(content)?)
    }

    /// Reads one PEM request, RFC 7468 §7; text before it is passed over.
    ///
    /// # Errors
    /// When `pem` is not one request, or what its attributes ask for is in disorder.
    pub fn from_pem(pem: &str) -> Result<Self, CsrFault> {
        let text = pem.find("-----BEGIN ").and_then(|begin| pem.get(begin..));
        let request = Self::from_message_data(text.unwrap_or(pem).as_bytes())?;
        match request.fault.or(request.challenge_fault()) {
            Some(fault) => Err(fault),
            None => Ok(request),
        }
    }

    fn from_ber(octets: &[u8]) -> Result<Self, CsrFault> {
        let (der, behind) = first_to_der(octets).map_err(CsrFault::Ber)?;
        let der = Zeroizing::new(der);
        if !behind
            .iter()
            .all(|octet| matches!(octet, 0 | b'\r' | b'\n'))
        {
            return Err(CsrFault::Trailing);
        }
        let (ber, _) = octets.split_at(octets.len() - behind.len());
        let outline = Outline::of(&der)?;
        let (requested, fault) = match outline.attributes.map(Requested::read).transpose() {
            Ok(requested) => (requested.unwrap_or_default(), None),
            Err(fault) => (Requested::default(), Some(fault)),
        };
        Ok(Self {
            signed: Zeroizing::new(first_inside(ber).map_err(CsrFault::Ber)?.to_vec()),
            ber: Zeroizing::new(ber.to_vec()),
            signature_algorithm: outline.signature_algorithm,
            signature: outline.signature.to_vec(),
            subject: outline.subject.to_vec(),
            subject_public_key_info: outline.subject_public_key_info.to_vec(),
            requested,
            fault,
        })
    }

    /// What is wrong with its attributes, if anything is: they cannot be read, or contradict each
    /// other. A request with a fault asks for nothing; whoever verified it may tell its sender.
    #[must_use]
    pub const fn fault(&self) -> Option<CsrFault> {
        self.fault
    }

    /// Why it has no [`Self::challenge_password`] although it carries one: several that differ, or one that is no text.
    #[must_use]
    pub fn challenge_fault(&self) -> Option<CsrFault> {
        self.requested.challenge_fault.map(CsrFault::Challenge)
    }

    /// Verifies that the request is signed with the key that it asks a certificate for, over the bytes as they came.
    ///
    /// Of a request that came in an envelope, [`VerifiedPkiMessage::verify_possession`] does this
    /// without telling an attacker what the envelope opened to.
    ///
    /// [`VerifiedPkiMessage::verify_possession`]: crate::VerifiedPkiMessage::verify_possession
    ///
    /// # Errors
    /// As [`PublicKey::verify`], or [`PublicKeyError::Unsupported`] for a signature algorithm that is not on the list.
    pub fn verify(&self) -> Result<PublicKey, PublicKeyError> {
        let key = self.public_key()?;
        let algorithm = self
            .signature_algorithm
            .map_err(|_| PublicKeyError::Unsupported)?;
        self.verify_with(&key, algorithm)?;
        Ok(key)
    }

    /// The key that it asks a certificate for.
    ///
    /// # Errors
    /// As [`PublicKey::from_der`].
    pub fn public_key(&self) -> Result<PublicKey, PublicKeyError> {
        PublicKey::from_der(&self.subject_public_key_info)
    }

    pub(crate) fn verify_with(
        &self,
        key: &PublicKey,
        algorithm: SignatureAlgorithm,
    ) -> Result<(), PublicKeyError> {
        key.verify(algorithm, &self.signed, &self.signature)
    }

    /// The algorithm of its signature, if verifying that takes `key` a whole public-key operation.
    pub(crate) fn plausible_algorithm(&self, key: &PublicKey) -> Option<SignatureAlgorithm> {
        let algorithm = self.signature_algorithm.ok()?;
        key.is_plausible(algorithm, &self.signature)
            .then_some(algorithm)
    }

    /// The whole request as it came, DER or what its client took for DER, without what followed it. Holds the
    /// challengePassword: not for logs, not for storage.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.ber
    }

    /// The algorithm of its own signature.
    ///
    /// # Errors
    /// When it is not on the list.
    pub const fn signature_algorithm(&self) -> Result<SignatureAlgorithm, UnsupportedAlgorithm> {
        self.signature_algorithm
    }

    /// Its subject, a DER Name.
    #[must_use]
    pub fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// Its SubjectPublicKeyInfo, DER.
    #[must_use]
    pub fn subject_public_key_info(&self) -> &[u8] {
        &self.subject_public_key_info
    }

    /// Its challengePassword: an attribute's, or that of an extension, where .NET puts it. `None`
    /// for none, an empty one, several that differ, or one that is no text.
    #[must_use]
    pub fn challenge_password(&self) -> Option<&ChallengePassword> {
        let requested = &self.requested;
        let challenge = requested.challenge.as_ref();
        challenge.filter(|_| requested.challenge_fault.is_none())
    }

    /// The extensions that it asks for, by PKCS #9's attribute or Microsoft's, each kind once.
    #[must_use]
    pub fn extensions(&self) -> &[RequestedExtension] {
        &self.requested.extensions
    }
}

/// ```asn1
/// CertificationRequest ::= SEQUENCE {
///     certificationRequestInfo SEQUENCE {
///         version       INTEGER,
///         subject       Name,
///         subjectPKInfo SubjectPublicKeyInfo,
///         attributes    [0] IMPLICIT SET OF Attribute },
///     signatureAlgorithm       AlgorithmIdentifier,
///     signature                BIT STRING }
/// ```
/// The attributes are mandatory in PKCS #10; some clients leave the empty set out.
struct Outline<'a> {
    subject: &'a [u8],
    subject_public_key_info: &'a [u8],
    attributes: Option<Element<'a>>,
    signature_algorithm: Result<SignatureAlgorithm, UnsupportedAlgorithm>,
    signature: &'a [u8],
}

impl<'a> Outline<'a> {
    fn of(der: &'a [u8]) -> Result<Self, CsrFault> {
        let request = Element::only(der);
        let request = sequence(request, "certificationRequest")?;
        let [info, algorithm, signature] = request.as_slice() else {
            let place = "certificationRequest";
            return Err(part(place, "not a sequence of three elements"));
        };
        let info = sequence(Some(*info), "certificationRequestInfo")?;
        let (version, subject, key, attributes) = match info.as_slice() {
            [version, subject, key] => (version, subject, key, None),
            [version, subject, key, attributes] if attributes.tag == tlv::ATTRIBUTES => {
                (version, subject, key, Some(*attributes))
            }
            _ => {
                let fault = "not a sequence of version, subject, subjectPKInfo and attributes [0]";
                return Err(part("certificationRequestInfo", fault));
            }
        };
        if version.tag != tlv::INTEGER {
            let place = "certificationRequestInfo.version";
            return Err(part(place, "not an INTEGER"));
        }
        for (element, place) in [
            (subject, "certificationRequestInfo.subject"),
            (key, "certificationRequestInfo.subjectPKInfo"),
        ] {
            element
                .tagged(tlv::SEQUENCE)
                .ok_or(part(place, "not a SEQUENCE"))?;
        }
        let place = "certificationRequest.signatureAlgorithm";
        let algorithm = AlgorithmIdentifierRef::from_der(algorithm.whole)
            .map_err(|_| part(place, "not an AlgorithmIdentifier"))?;
        let place = "certificationRequest.signature";
        let signature = signature.tagged(tlv::BIT_STRING);
        // No signature ends inside an octet.
        let signature = signature.and_then(|signature| signature.contents.strip_prefix(&[0]));
        Ok(Self {
            subject: subject.whole,
            subject_public_key_info: key.whole,
            attributes,
            signature_algorithm: SignatureAlgorithm::from_identifier(&algorithm),
            signature: signature.ok_or(part(place, "not a BIT STRING of whole octets"))?,
        })
    }
}

/// The parts of a SEQUENCE.
fn sequence<'a>(
    element: Option<Element<'a>>,
    place: &'static str,
) -> Result<Vec<Element<'a>>, CsrFault> {
    let element = element.and_then(|element| element.tagged(tlv::SEQUENCE));
    let parts = element.and_then(Element::parts);
    parts.ok_or(part(place, "not a SEQUENCE of so few elements"))
}

const fn part(place: &'static str, fault: &'static str) -> CsrFault {
    CsrFault::Part { place, fault }
}
