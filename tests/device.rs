//! A SCEP client: keys, PKCS #10 requests and certificates by `rcgen`, messages by the client's side of `scep-cms`.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{Pkcs1PrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{self, RsaEncoding, RsaKeyPair};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, RsaKeySize};
use scep_cms::{
    Attributes, CertRepAttributes, Certificate, ContentEncryption, ContentKey, Degenerate,
    DigestAlgorithm, FailInfo, MessageType, PkcsPkiEnvelope, PkiMessage, PkiMessageBuilder,
    PkiStatus, Recipient, SenderNonce, TransactionId,
};
use sha2::{Digest, Sha256};

/// A device with a key and a self-signed certificate.
pub struct Device {
    key: KeyPair,
    /// What it signs its messages with.
    pub certificate: Certificate,
}

/// A request in the making; its parts are there to be spoilt.
#[derive(Clone)]
pub struct Request {
    pub message_type: MessageType,
    pub transaction_id: String,
    pub sender_nonce: Vec<u8>,
    pub digest: DigestAlgorithm,
    pub cipher: ContentEncryption,
    /// What the envelope holds; `None` for no envelope.
    pub content: Option<Vec<u8>>,
}

/// A CertRep as the device reads it.
pub struct CertRep {
    pub transaction_id: Option<TransactionId>,
    pub attributes: CertRepAttributes,
    pub digest: DigestAlgorithm,
    /// The certificates inside, leaf first; empty but for SUCCESS.
    pub certificates: Vec<Vec<u8>>,
}

impl CertRep {
    /// The issued certificate of a SUCCESS.
    #[track_caller]
    pub fn leaf(&self) -> Certificate {
        assert_eq!(
            self.attributes.pki_status,
            PkiStatus::Success,
            "{:?}",
            self.attributes
        );
        Certificate::from_der(&self.certificates[0]).unwrap()
    }

    /// The reason of a FAILURE.
    #[track_caller]
    pub fn failure(&self) -> (FailInfo, String) {
        assert_eq!(self.attributes.pki_status, PkiStatus::Failure);
        assert!(self.certificates.is_empty());
        let attributes = self.attributes.clone();
        (
            attributes.fail_info.unwrap(),
            attributes.fail_info_text.unwrap(),
        )
    }
}

/// DER of a challengePassword's attribute value: a SET OF one UTF8String.
fn challenge_values(challenge: &str) -> Vec<u8> {
    use der::Encode;
    let text = der::asn1::Utf8StringRef::new(challenge).unwrap();
    let mut set = der::asn1::SetOfVec::new();
    set.insert(text).unwrap();
    set.to_der().unwrap()
}

const CHALLENGE_PASSWORD: &[u64] = &[1, 2, 840, 113549, 1, 9, 7];

impl Device {
    /// A device with an RSA-2048 key.
    pub fn rsa() -> Self {
        Self::with(KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap())
    }

    /// A device with a P-256 key.
    pub fn ec() -> Self {
        Self::with(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap())
    }

    fn with(key: KeyPair) -> Self {
        let certificate = params("self-signed", &[]).self_signed(&key).unwrap();
        Self {
            certificate: Certificate::from_der(certificate.der()).unwrap(),
            key,
        }
    }

    /// Its private key, PKCS #8.
    pub fn pkcs8(&self) -> Vec<u8> {
        self.key.serialize_der()
    }

    /// A PKCS #10 request of `CN=common_name, O=Corp`.
    pub fn csr(&self, common_name: &str, challenge: Option<&str>, names: &[&str]) -> Vec<u8> {
        let attributes = challenge.map(|challenge| rcgen::Attribute {
            oid: CHALLENGE_PASSWORD,
            values: challenge_values(challenge),
        });
        params(common_name, names)
            .serialize_request_with_attributes(&self.key, attributes.into_iter().collect())
            .unwrap()
            .der()
            .to_vec()
    }

    /// A PKCSReq for `CN=common_name`, with the transactionID derived from the key as most clients do.
    pub fn enrolment(&self, common_name: &str, challenge: &str) -> Request {
        self.request(self.csr(common_name, Some(challenge), &[]))
    }

    /// A PKCSReq of this content.
    pub fn request(&self, content: Vec<u8>) -> Request {
        let digest = Sha256::digest(self.certificate.subject_public_key_info());
        Request {
            message_type: MessageType::PkcsReq,
            transaction_id: digest.iter().map(|octet| format!("{octet:02x}")).collect(),
            sender_nonce: vec![7; 16],
            digest: DigestAlgorithm::Sha256,
            cipher: ContentEncryption::Aes128Cbc,
            content: Some(content),
        }
    }

    /// The pkiMessage of a request, encrypted to `recipient`.
    pub fn message(&self, request: &Request, recipient: &Certificate) -> Vec<u8> {
        let key = ContentKey::new(request.cipher, &[5; 32][..request.cipher.key_bytes()]).unwrap();
        let iv = &[6; 16][..request.cipher.block_bytes()];
        let envelope = request.content.as_ref().map(|content| {
            PkcsPkiEnvelope::seal(content, request.cipher, &key, iv, recipient).unwrap()
        });
        self.signed(request, envelope)
    }

    /// The pkiMessage of a request around any octets as its envelope.
    pub fn signed(&self, request: &Request, envelope: Option<Vec<u8>>) -> Vec<u8> {
        let to_be_signed = PkiMessageBuilder {
            attributes: Attributes::Request {
                message_type: request.message_type,
                transaction_id: TransactionId::new(&request.transaction_id).unwrap(),
                sender_nonce: SenderNonce::new(&request.sender_nonce).unwrap(),
            },
            envelope,
            digest: request.digest,
            signer: self.certificate.clone(),
        }
        .to_be_signed()
        .unwrap();
        let signature = self.sign(request.digest, to_be_signed.bytes());
        to_be_signed.assemble(&signature).unwrap()
    }

    /// Signs like a client: RSASSA-PKCS1-v1_5, or ECDSA on P-256.
    pub fn sign(&self, digest: DigestAlgorithm, message: &[u8]) -> Vec<u8> {
        if let Ok(key) = RsaKeyPair::from_pkcs8(&self.pkcs8()) {
            let encoding: &dyn RsaEncoding = match digest {
                DigestAlgorithm::Sha1 => return self.sign_sha1(message),
                DigestAlgorithm::Sha256 => &signature::RSA_PKCS1_SHA256,
                DigestAlgorithm::Sha384 => &signature::RSA_PKCS1_SHA384,
                DigestAlgorithm::Sha512 => &signature::RSA_PKCS1_SHA512,
            };
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(encoding, &SystemRandom::new(), message, &mut signature)
                .unwrap();
            return signature;
        }
        let algorithm = &signature::ECDSA_P256_SHA256_ASN1_SIGNING;
        let key = signature::EcdsaKeyPair::from_pkcs8(algorithm, &self.pkcs8()).unwrap();
        let signature = key.sign(&SystemRandom::new(), message).unwrap();
        signature.as_ref().to_vec()
    }

    fn sign_sha1(&self, message: &[u8]) -> Vec<u8> {
        use scep_service::RaKey;
        let reference = scep_protocol::KeyReference("device".to_owned());
        keys_software::SoftwareRaKey::from_pkcs8(reference, self.pkcs8().into())
            .unwrap()
            .sign(DigestAlgorithm::Sha1, message)
            .unwrap()
    }

    /// Reads a CertRep, verified with the RA certificate and opened with this device's key.
    #[track_caller]
    pub fn read(&self, cert_rep: &[u8], ra_certificate: &Certificate) -> CertRep {
        let message = PkiMessage::from_ber(cert_rep).unwrap();
        assert_eq!(message.message_type(), Ok("3"));
        let verified = message.verify().unwrap();
        assert_eq!(verified.signer(), ra_certificate);
        let message = verified.message();
        let attributes = message.cert_rep().unwrap();
        let certificates = match attributes.pki_status {
            PkiStatus::Success => {
                let content = self.open(&verified.envelope().unwrap());
                Degenerate::from_ber(&content).unwrap().certificates
            }
            PkiStatus::Failure | PkiStatus::Pending => {
                assert!(verified.envelope().is_err());
                Vec::new()
            }
        };
        CertRep {
            transaction_id: message.transaction_id().ok(),
            digest: message.digest_algorithm().unwrap(),
            attributes,
            certificates,
        }
    }

    fn open(&self, envelope: &PkcsPkiEnvelope) -> Vec<u8> {
        let [Recipient::KeyTrans(recipient)] = envelope.recipients() else {
            panic!("a reply has one recipient");
        };
        assert!(recipient.id().names(&self.certificate));
        let key = PrivateDecryptingKey::from_pkcs8(&self.pkcs8()).unwrap();
        let key = Pkcs1PrivateDecryptingKey::new(key).unwrap();
        let mut output = vec![0; key.min_output_size()];
        let content_key = key.decrypt(recipient.encrypted_key(), &mut output).unwrap();
        let content_key = ContentKey::new(envelope.cipher(), content_key).unwrap();
        envelope.open(&content_key).unwrap().to_vec()
    }
}

fn params(common_name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Corp");
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params
}
