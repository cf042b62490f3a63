//! Builds a pkiMessage in two steps: first the octets to sign, then the message with the signature.

use const_oid::db::{rfc5911, rfc5912, rfc8894};
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Encode};
use spki::AlgorithmIdentifierRef;

use crate::algorithm::DigestAlgorithm;
use crate::asn1::{ContentInfo, SetOf, SignedData, SignerInfo};
use crate::attribute::{AttributeWriter, FailInfo, PkiStatus, SenderNonce};
use crate::certificate::Certificate;
use crate::degenerate::DegenerateSignedData;
use crate::error::EncodeError;
use crate::message_type::MessageType;
use crate::oid;
use crate::public_key::PublicKey;
use crate::transaction_id::TransactionId;

/// The signed attributes of a new message, RFC 8894 §3.2.1.
#[derive(Clone, Debug)]
pub enum Attributes {
    /// The attributes of a client's message.
    Request {
        /// A type that a client sends.
        message_type: MessageType,
        /// The identifier of the transaction.
        transaction_id: TransactionId,
        /// A fresh random nonce.
        sender_nonce: SenderNonce,
    },
    /// The attributes of the CA's reply.
    CertRep {
        /// Whether the request is granted, rejected or pending.
        status: ReplyStatus,
        /// The request's transactionID; `None` if it was unreadable, which is sent as empty.
        transaction_id: Option<TransactionId>,
        /// A fresh random nonce.
        sender_nonce: SenderNonce,
        /// The request's senderNonce; `None` if it was unreadable.
        recipient_nonce: Option<SenderNonce>,
    },
}

/// pkiStatus with the attributes that it requires, RFC 8894 §3.2.1.3 and §3.2.1.4.
#[derive(Clone, Debug)]
pub enum ReplyStatus {
    /// SUCCESS.
    Success,
    /// PENDING.
    Pending,
    /// FAILURE.
    Failure {
        /// The reason.
        fail_info: FailInfo,
        /// The reason in human-readable form: failInfoText.
        text: String,
    },
}

/// The parts of a new pkiMessage.
#[derive(Clone, Debug)]
pub struct PkiMessageBuilder {
    /// The signed attributes.
    pub attributes: Attributes,
    /// The pkcsPKIEnvelope, in DER; `None` yields an eContent of length zero.
    ///
    /// RFC 8894 §3.2.2 forbids an envelope in FAILURE and PENDING. Without any eContent, certmonger
    /// reports the CA as unreachable; strongSwan, sscep, micromdm and jscep accept either form.
    pub envelope: Option<Vec<u8>>,
    /// The digest algorithm for the content and the attributes.
    pub digest: DigestAlgorithm,
    /// The signer's certificate, which the message includes.
    pub signer: Certificate,
}

impl PkiMessageBuilder {
    /// Encodes the attributes, which the signer's key then signs with this builder's digest.
    ///
    /// # Errors
    /// When an attribute cannot be encoded.
    pub fn to_be_signed(self) -> Result<ToBeSigned, EncodeError> {
        let attributes = self
            .signed_attributes()
            .map_err(EncodeError::of("signedAttrs"))?;
        let certificates = vec![self.signer.der().to_vec()];
        let content = self.envelope.unwrap_or_default();
        ToBeSigned::new(attributes, content, certificates, self.digest, self.signer)
    }

    fn signed_attributes(&self) -> der::Result<Vec<u8>> {
        let content = self.envelope.as_deref().unwrap_or_default();
        let mut writer = AttributeWriter::new(&self.digest.digest(content))?;
        match &self.attributes {
            Attributes::Request {
                message_type,
                transaction_id,
                sender_nonce,
            } => {
                writer.message_type(*message_type)?;
                writer.transaction_id(transaction_id)?;
                writer.octets(rfc8894::ID_SENDER_NONCE, sender_nonce.as_bytes())?;
            }
            Attributes::CertRep {
                status,
                transaction_id,
                sender_nonce,
                recipient_nonce,
            } => {
                writer.message_type(MessageType::CertRep)?;
                match transaction_id {
                    // The attribute is mandatory in every message, RFC 8894 §3.2.1, even if there
                    // is nothing to echo.
                    Some(transaction_id) => writer.transaction_id(transaction_id)?,
                    None => writer.printable(rfc8894::ID_TRANSACTION_ID, "")?,
                }
                writer.octets(rfc8894::ID_SENDER_NONCE, sender_nonce.as_bytes())?;
                if let Some(nonce) = recipient_nonce {
                    writer.octets(rfc8894::ID_RECIPIENT_NONCE, nonce.as_bytes())?;
                }
                match status {
                    ReplyStatus::Success => writer.pki_status(PkiStatus::Success)?,
                    ReplyStatus::Pending => writer.pki_status(PkiStatus::Pending)?,
                    ReplyStatus::Failure { fail_info, text } => {
                        writer.pki_status(PkiStatus::Failure)?;
                        writer.fail_info(*fail_info, text)?;
                    }
                }
            }
        }
        Ok(writer.finish())
    }
}

/// Builds the response to GetNextCACert, RFC 8894 §4.7.1: the next CA's certificates in a
/// degenerate SignedData, to be signed by the current CA.
///
/// # Errors
/// When the certificates cannot be encoded.
pub fn build_next_ca_message(
    next: &DegenerateSignedData,
    signer: Certificate,
    digest: DigestAlgorithm,
) -> Result<ToBeSigned, EncodeError> {
    let content = next.to_der()?;
    let attributes = AttributeWriter::new(&digest.digest(&content))
        .map_err(EncodeError::of("signedAttrs"))?
        .finish();
    // jscep and sscep look for the next certificates in the outer SignedData, so put them there
    // too, before the signer's.
    let mut certificates = next.certificates.clone();
    certificates.push(signer.der().to_vec());
    ToBeSigned::new(attributes, content, certificates, digest, signer)
}

/// A message without its signature.
#[derive(Clone, Debug)]
pub struct ToBeSigned {
    bytes: Vec<u8>,
    attributes: Vec<u8>,
    content: Vec<u8>,
    certificates: Vec<Vec<u8>>,
    digest: DigestAlgorithm,
    signer: Certificate,
}

impl ToBeSigned {
    fn new(
        attributes: Vec<u8>,
        content: Vec<u8>,
        certificates: Vec<Vec<u8>>,
        digest: DigestAlgorithm,
        signer: Certificate,
    ) -> Result<Self, EncodeError> {
        Ok(Self {
            bytes: SetOf(&attributes)
                .to_der()
                .map_err(EncodeError::of("signedAttrs"))?,
            attributes,
            content,
            certificates,
            digest,
            signer,
        })
    }

    /// The octets to sign: the attributes as a DER SET OF, RFC 5652 §5.4. The signer digests them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest algorithm that the signer must use.
    #[must_use]
    pub const fn digest(&self) -> DigestAlgorithm {
        self.digest
    }

    /// Encodes the message with its signature: PKCS #1 v1.5 of an RSA key, or DER ECDSA.
    ///
    /// # Errors
    /// When the signer's key is not supported.
    pub fn assemble(&self, signature: &[u8]) -> Result<Vec<u8>, EncodeError> {
        self.assemble_with(signature, &[])
    }

    /// Encodes the message with additional signatures over the same octets.
    ///
    /// # Errors
    /// As [`Self::assemble`].
    pub fn assemble_with(
        &self,
        signature: &[u8],
        others: &[(&Certificate, &[u8])],
    ) -> Result<Vec<u8>, EncodeError> {
        let mut signer_infos = self.signer_info(&self.signer, signature)?;
        for (signer, signature) in others {
            signer_infos.extend(self.signer_info(signer, signature)?);
        }
        self.encode(&signer_infos)
            .map_err(EncodeError::of("SignedData"))
    }

    const fn digest_algorithm(&self) -> AlgorithmIdentifierRef<'static> {
        AlgorithmIdentifierRef {
            oid: self.digest.oid(),
            parameters: Some(AnyRef::NULL),
        }
    }

    fn signer_info(&self, signer: &Certificate, signature: &[u8]) -> Result<Vec<u8>, EncodeError> {
        let key = signer.public_key().map_err(EncodeError::of("SignerInfo"))?;
        self.encode_signer_info(signer, key, signature)
            .map_err(EncodeError::of("SignerInfo"))
    }

    fn encode_signer_info(
        &self,
        signer: &Certificate,
        key: &PublicKey,
        signature: &[u8],
    ) -> der::Result<Vec<u8>> {
        let sid = signer.issuer_and_serial_number().to_der()?;
        SignerInfo {
            version: 1,
            sid: AnyRef::from_der(&sid)?,
            digest_algorithm: self.digest_algorithm(),
            signed_attrs: Some(SetOf(&self.attributes)),
            signature_algorithm: signature_algorithm(key, self.digest),
            signature: OctetStringRef::new(signature)?,
            unsigned_attrs: None,
        }
        .to_der()
    }

    fn encode(&self, signer_infos: &[u8]) -> der::Result<Vec<u8>> {
        let certificates = self.certificates.concat();
        let signed_data = SignedData {
            version: 1,
            // Additional signers use the same digest, so one entry covers them all.
            digest_algorithms: SetOf(&self.digest_algorithm().to_der()?),
            encap_content_info: ContentInfo {
                content_type: rfc5911::ID_DATA,
                content: Some(AnyRef::new(der::Tag::OctetString, &self.content)?),
            },
            certificates: Some(SetOf(&certificates)),
            crls: None,
            signer_infos: SetOf(signer_infos),
        }
        .to_der()?;
        ContentInfo {
            content_type: rfc5911::ID_SIGNED_DATA,
            content: Some(AnyRef::from_der(&signed_data)?),
        }
        .to_der()
    }
}

fn signature_algorithm(
    key: &PublicKey,
    digest: DigestAlgorithm,
) -> AlgorithmIdentifierRef<'static> {
    match key {
        // strongSwan 5.9.8 accepts only rsaEncryption in a CertRep, with the digest named by
        // digestAlgorithm.
        PublicKey::Rsa { .. } => AlgorithmIdentifierRef {
            oid: rfc5912::RSA_ENCRYPTION,
            parameters: Some(AnyRef::NULL),
        },
        PublicKey::Ec { .. } => AlgorithmIdentifierRef {
            oid: match digest {
                DigestAlgorithm::Sha1 => oid::ECDSA_WITH_SHA1,
                DigestAlgorithm::Sha256 => rfc5912::ECDSA_WITH_SHA_256,
                DigestAlgorithm::Sha384 => rfc5912::ECDSA_WITH_SHA_384,
                DigestAlgorithm::Sha512 => rfc5912::ECDSA_WITH_SHA_512,
            },
            // RFC 5758 §3.2: the parameters of ECDSA are absent, not NULL.
            parameters: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki_message::{PkiMessage, VerifyError};

    fn certificate() -> Certificate {
        Certificate::from_pem(include_str!("../../../tests/vectors/ra.pem")).unwrap()
    }

    /// Builds a CertRep with a signature that does not verify, and decodes it.
    fn build_cert_rep(status: ReplyStatus, transaction_id: Option<TransactionId>) -> PkiMessage {
        let nonce = SenderNonce::new(&[1; 16]).unwrap();
        let message = PkiMessageBuilder {
            attributes: Attributes::CertRep {
                status,
                transaction_id,
                sender_nonce: nonce.clone(),
                recipient_nonce: Some(nonce),
            },
            envelope: None,
            digest: DigestAlgorithm::Sha256,
            signer: certificate(),
        };
        let to_be_signed = message.to_be_signed().unwrap();
        PkiMessage::from_ber(&to_be_signed.assemble(&[1; 256]).unwrap()).unwrap()
    }

    #[test]
    fn a_message_has_the_attributes_that_it_was_built_from() {
        let id = TransactionId::new("a 1").unwrap();
        let message = build_cert_rep(ReplyStatus::Pending, Some(id.clone()));
        assert_eq!(message.transaction_id(), Ok(id));
        assert_eq!(message.message_type(), Ok(MessageType::CertRep.digits()));
        assert_eq!(message.certificates(), [certificate().der()]);
        let attributes = message.cert_rep().unwrap();
        assert_eq!(attributes.pki_status, PkiStatus::Pending);
        assert_eq!(attributes.recipient_nonce, Some(vec![1; 16]));
        // The digest of the absent envelope matches, so that only the signature is wrong.
        assert_eq!(message.verify().err(), Some(VerifyError::Signature));
    }

    #[test]
    fn a_failure_says_why_and_an_unreadable_transaction_id_is_sent_as_empty() {
        let status = ReplyStatus::Failure {
            fail_info: FailInfo::BadTime,
            text: "the clock is wrong".to_owned(),
        };
        let message = build_cert_rep(status, None);
        assert!(message.transaction_id().is_err());
        let attributes = message.cert_rep().unwrap();
        assert_eq!(attributes.fail_info, Some(FailInfo::BadTime));
        let text = attributes.fail_info_text;
        assert_eq!(text.as_deref(), Some("the clock is wrong"));
    }
}
