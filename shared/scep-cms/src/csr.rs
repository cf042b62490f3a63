//! The PKCS #10 certification request, RFC 2986, as devices encode it.

use der::Decode;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use crate::algorithm::SignatureAlgorithm;
use crate::algorithm_name::UnsupportedAlgorithm;
use crate::ber::{first_inside, first_to_der};
use crate::challenge::ChallengePassword;
use crate::csr_fault::CsrFault;
use crate::error::PublicKeyError;
use crate::public_key::PublicKey;
use crate::requested::{RequestAttributes, RequestedExtension};
use crate::tlv::Element;
use crate::{csr_content, tlv};

/// The label of a PKCS #10 request, RFC 7468 §7.
const PEM_LABEL: &str = "CERTIFICATE REQUEST";

/// A decoded certification request. Its signature is not verified yet.
#[derive(Clone)]
pub struct CertificationRequest {
    ber: Zeroizing<Vec<u8>>,
    signed: Zeroizing<Vec<u8>>,
    signature_algorithm: Result<SignatureAlgorithm, UnsupportedAlgorithm>,
    signature: Vec<u8>,
    subject: Vec<u8>,
    subject_public_key_info: Vec<u8>,
    requested: RequestAttributes,
    fault: Option<CsrFault>,
}

impl CertificationRequest {
    /// Decodes the messageData of a PKCSReq or RenewalReq: BER or DER, or PEM or base64 of that.
    /// Zeros and line ends may follow it, `[0]` may be missing, and attributes may have any order.
    /// The parts needed to verify the signature must be well-formed; a fault in the attributes is
    /// reported by [`Self::fault`] instead.
    ///
    /// # Errors
    /// When `content` is not a request, with the place of the fault.
    pub fn from_message_data(content: &[u8]) -> Result<Self, CsrFault> {
        Self::from_ber(&csr_content::decode_content(content)?)
    }

    /// Decodes one PEM request, RFC 7468 §7, and skips text before it.
    ///
    /// # Errors
    /// When `pem` is not one request, or its attributes have a fault.
    pub fn from_pem(pem: &str) -> Result<Self, CsrFault> {
        // RFC 7468 §2 allows explanatory text there, and `openssl req -text` writes it.
        let text = pem
            .find("-----BEGIN ")
            .and_then(|begin| pem.get(begin..))
            .unwrap_or(pem);
        let request = Self::from_message_data(text.as_bytes())?;
        match request.fault.or(request.challenge_fault()) {
            Some(fault) => Err(fault),
            None => Ok(request),
        }
    }

    fn from_ber(octets: &[u8]) -> Result<Self, CsrFault> {
        let (der, behind) = first_to_der(octets).map_err(CsrFault::Ber)?;
        let der = Zeroizing::new(der);
        // Some clients pad the request with zeros or end it with a line feed. Anything else would
        // be unverified content that no one reads.
        if !behind
            .iter()
            .all(|octet| matches!(octet, 0 | b'\r' | b'\n'))
        {
            return Err(CsrFault::Trailing);
        }
        let (ber, _) = octets.split_at(octets.len() - behind.len());
        let outline = Outline::of(&der)?;
        let (requested, fault) = match outline.attributes.map(RequestAttributes::read).transpose() {
            Ok(requested) => (requested.unwrap_or_default(), None),
            Err(fault) => (RequestAttributes::default(), Some(fault)),
        };
        Ok(Self {
            // The signature covers the original octets, which may be BER.
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

    /// The fault of the attributes, if they are unreadable or contradict each other. A request with
    /// a fault has no extensions and no challengePassword. Reveal the fault to the client only once
    /// the request's signature is verified.
    #[must_use]
    pub const fn fault(&self) -> Option<CsrFault> {
        self.fault
    }

    /// Why [`Self::challenge_password`] is `None` although the request holds one: there are several
    /// that differ, or it is not text.
    #[must_use]
    pub fn challenge_fault(&self) -> Option<CsrFault> {
        self.requested.challenge_fault.map(CsrFault::Challenge)
    }

    /// Verifies that the request's original octets are signed with the key in the request.
    ///
    /// For a request from an envelope use `VerifiedPkiMessage::verify_possession`, which does not
    /// reveal by its timing what the envelope contained.
    ///
    /// # Errors
    /// As [`PublicKey::verify`], or [`PublicKeyError::Unsupported`] for a signature algorithm that
    /// is not supported.
    pub fn verify(&self) -> Result<PublicKey, PublicKeyError> {
        let key = self.public_key()?;
        let algorithm = self
            .signature_algorithm
            .map_err(|_| PublicKeyError::Unsupported)?;
        self.verify_with(&key, algorithm)?;
        Ok(key)
    }

    /// The key that the certificate is requested for.
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

    /// The signature algorithm, if verification costs a whole public-key operation with `key`.
    pub(crate) fn plausible_algorithm(&self, key: &PublicKey) -> Option<SignatureAlgorithm> {
        let algorithm = self.signature_algorithm.ok()?;
        key.is_plausible(algorithm, &self.signature)
            .then_some(algorithm)
    }

    /// The original octets of the request, DER or BER, without what followed it. They contain the
    /// challengePassword: do not log or store them.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.ber
    }

    /// The original octets as PEM, with a line feed at the end. They contain the challengePassword.
    #[must_use]
    pub fn to_pem(&self) -> String {
        // Encoding fails only for lengths far beyond those of a request that was decoded.
        der::pem::encode_string(PEM_LABEL, der::pem::LineEnding::LF, &self.ber).unwrap_or_default()
    }

    /// The algorithm of the request's own signature.
    ///
    /// # Errors
    /// When the algorithm is not supported.
    pub const fn signature_algorithm(&self) -> Result<SignatureAlgorithm, UnsupportedAlgorithm> {
        self.signature_algorithm
    }

    /// The subject, a DER Name.
    #[must_use]
    pub fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// The SubjectPublicKeyInfo, in DER.
    #[must_use]
    pub fn subject_public_key_info(&self) -> &[u8] {
        &self.subject_public_key_info
    }

    /// The challengePassword, from an attribute or, where .NET puts it, from an extension. `None`
    /// if it is missing, empty or not text, or if there are several that differ.
    #[must_use]
    pub fn challenge_password(&self) -> Option<&ChallengePassword> {
        match self.requested.challenge_fault {
            Some(_) => None,
            None => self.requested.challenge.as_ref(),
        }
    }

    /// The requested extensions, from PKCS #9's attribute and Microsoft's, each kind once.
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
/// PKCS #10 requires the attributes; some clients omit an empty set.
struct Outline<'a> {
    subject: &'a [u8],
    subject_public_key_info: &'a [u8],
    attributes: Option<Element<'a>>,
    signature_algorithm: Result<SignatureAlgorithm, UnsupportedAlgorithm>,
    signature: &'a [u8],
}

impl<'a> Outline<'a> {
    fn of(der: &'a [u8]) -> Result<Self, CsrFault> {
        let request = parse_sequence(Element::only(der), "certificationRequest")?;
        let [info, algorithm, signature] = request.as_slice() else {
            let place = "certificationRequest";
            return Err(part_fault(place, "not a sequence of three elements"));
        };
        let info = parse_sequence(Some(*info), "certificationRequestInfo")?;
        let (version, subject, key, attributes) = match info.as_slice() {
            [version, subject, key] => (version, subject, key, None),
            [version, subject, key, attributes] if attributes.tag == tlv::ATTRIBUTES => {
                (version, subject, key, Some(*attributes))
            }
            _ => {
                let fault = "not a sequence of version, subject, subjectPKInfo and attributes [0]";
                return Err(part_fault("certificationRequestInfo", fault));
            }
        };
        if version.tag != tlv::INTEGER {
            let place = "certificationRequestInfo.version";
            return Err(part_fault(place, "not an INTEGER"));
        }
        for (element, place) in [
            (subject, "certificationRequestInfo.subject"),
            (key, "certificationRequestInfo.subjectPKInfo"),
        ] {
            element
                .tagged(tlv::SEQUENCE)
                .ok_or(part_fault(place, "not a SEQUENCE"))?;
        }
        let place = "certificationRequest.signatureAlgorithm";
        let algorithm = AlgorithmIdentifierRef::from_der(algorithm.whole)
            .map_err(|_| part_fault(place, "not an AlgorithmIdentifier"))?;
        let place = "certificationRequest.signature";
        // The first octet of a BIT STRING counts unused bits. A signature has whole octets.
        let signature_octets = signature
            .tagged(tlv::BIT_STRING)
            .and_then(|bits| bits.contents.strip_prefix(&[0]))
            .ok_or(part_fault(place, "not a BIT STRING of whole octets"))?;
        Ok(Self {
            subject: subject.whole,
            subject_public_key_info: key.whole,
            attributes,
            signature_algorithm: SignatureAlgorithm::from_identifier(&algorithm),
            signature: signature_octets,
        })
    }
}

/// The elements of a SEQUENCE, at most four.
fn parse_sequence<'a>(
    element: Option<Element<'a>>,
    place: &'static str,
) -> Result<Vec<Element<'a>>, CsrFault> {
    element
        .and_then(|element| element.tagged(tlv::SEQUENCE))
        .and_then(Element::parts)
        .ok_or(part_fault(place, "not a SEQUENCE of at most four elements"))
}

const fn part_fault(place: &'static str, fault: &'static str) -> CsrFault {
    CsrFault::Part { place, fault }
}
