//! A SCEP client: `rcgen` makes its keys, PKCS #10 requests and certificates, and the client's side
//! of `scep-cms` its messages.

use std::num::NonZeroU32;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{Pkcs1PrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature;
use aws_lc_rs::signature::{RsaEncoding, RsaKeyPair};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, RsaKeySize};
use scep_cms::algorithm::{ContentEncryption, DigestAlgorithm, EcCurve};
use scep_cms::attribute::{CertRepAttributes, FailInfo, PkiStatus, SenderNonce};
use scep_cms::builder::{Attributes, PkiMessageBuilder};
use scep_cms::certificate::Certificate;
use scep_cms::challenge::ChallengePassword;
use scep_cms::content_key::ContentKey;
use scep_cms::degenerate::DegenerateSignedData;
use scep_cms::envelope::{PkcsPkiEnvelope, Recipient, SealTo};
use scep_cms::message_type::MessageType;
use scep_cms::password_recipient::PasswordWrapping;
use scep_cms::pki_message::PkiMessage;
use scep_cms::transaction_id::TransactionId;
use scep_service::ra_key::RaKey;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::asn1;

/// A device with a key and a certificate, which is self-signed until the device enrols.
#[derive(Clone)]
pub struct Device {
    pub key: Arc<KeyPair>,
    /// The certificate that the device signs its messages with.
    pub certificate: Certificate,
}

/// A request under construction; tests corrupt its parts.
#[derive(Clone)]
pub struct Request {
    pub message_type: MessageType,
    pub transaction_id: String,
    pub sender_nonce: Vec<u8>,
    pub digest: DigestAlgorithm,
    pub cipher: ContentEncryption,
    /// The content of the envelope; `None` for a message without an envelope.
    pub content: Option<Vec<u8>>,
}

/// A CertRep as the device decodes it.
pub struct CertRep {
    pub transaction_id: Option<TransactionId>,
    pub attributes: CertRepAttributes,
    pub digest: DigestAlgorithm,
    /// The certificates in the reply, leaf first; empty unless the status is SUCCESS.
    pub certificates: Vec<Vec<u8>>,
    /// The CRLs in the reply.
    pub crls: Vec<Vec<u8>>,
}

impl CertRep {
    /// Asserts SUCCESS and returns the issued certificate.
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

    /// Asserts FAILURE and returns its failInfo and failInfoText.
    #[track_caller]
    pub fn failure(&self) -> (FailInfo, String) {
        let status = self.attributes.pki_status;
        assert_eq!(status, PkiStatus::Failure, "{:?}", self.attributes);
        assert!(self.certificates.is_empty());
        let attributes = self.attributes.clone();
        (
            attributes.fail_info.unwrap(),
            attributes.fail_info_text.unwrap(),
        )
    }
}

const CHALLENGE_PASSWORD: &[u64] = &[1, 2, 840, 113549, 1, 9, 7];

impl Device {
    /// Creates a device with an RSA-2048 key.
    pub fn rsa() -> Self {
        Self::with(KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap())
    }

    /// Creates a device with this PKCS #8 key in PEM, for sizes that take long to generate.
    pub fn from_pem(pem: &[u8]) -> Self {
        Self::with(KeyPair::from_pem(str::from_utf8(pem).unwrap()).unwrap())
    }

    /// Creates a device with a P-256 key.
    pub fn ec() -> Self {
        Self::ec_on(EcCurve::P256)
    }

    /// Creates a device with an EC key on this curve.
    pub fn ec_on(curve: EcCurve) -> Self {
        let algorithm = match curve {
            EcCurve::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            EcCurve::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            EcCurve::P521 => &rcgen::PKCS_ECDSA_P521_SHA512,
        };
        Self::with(KeyPair::generate_for(algorithm).unwrap())
    }

    /// The same device, signing with this certificate of its key from now on.
    pub fn holding(&self, certificate: Certificate) -> Self {
        Self {
            key: Arc::clone(&self.key),
            certificate,
        }
    }

    /// Creates a device whose self-signed certificate has the subject `CN=common_name, O=Corp` and
    /// this serial number.
    pub fn named(common_name: &str, serial_number: &[u8]) -> Self {
        let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let mut params = build_params(common_name, &[]);
        params.serial_number = Some(serial_number.to_vec().into());
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificate: Certificate::from_der(certificate.der()).unwrap(),
            key: Arc::new(key),
        }
    }

    /// Creates a device with this PKCS #8 key.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Self {
        Self::with(KeyPair::try_from(pkcs8).unwrap())
    }

    fn with(key: KeyPair) -> Self {
        let certificate = build_params("self-signed", &[]).self_signed(&key).unwrap();
        Self {
            certificate: Certificate::from_der(certificate.der()).unwrap(),
            key: Arc::new(key),
        }
    }

    /// Builds a PKCS #10 request for `CN=common_name, O=Corp`.
    pub fn csr(&self, common_name: &str, challenge: Option<&str>, names: &[&str]) -> Vec<u8> {
        let attributes = challenge.map(|challenge| rcgen::Attribute {
            oid: CHALLENGE_PASSWORD,
            values: asn1::element(0x31, &[&asn1::element(0x0c, &[challenge.as_bytes()])]),
        });
        build_params(common_name, names)
            .serialize_request_with_attributes(&*self.key, attributes.into_iter().collect())
            .unwrap()
            .der()
            .to_vec()
    }

    /// Builds a PKCSReq for `CN=common_name`, with the transactionID derived from the key as most
    /// clients do.
    pub fn enrolment(&self, common_name: &str, challenge: &str) -> Request {
        self.request(self.csr(common_name, Some(challenge), &[]))
    }

    /// Builds a PKCSReq with this content.
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

    /// Builds a RenewalReq for this device's key; the device that holds the certificate to renew
    /// signs it.
    pub fn renewal(&self, common_name: &str) -> Request {
        Request {
            message_type: MessageType::RenewalReq,
            ..self.request(self.csr(common_name, None, &[]))
        }
    }

    /// Builds a CertPoll for this request, RFC 8894 §3.3.3. The server does not read its content.
    pub fn poll(&self, request: &Request) -> Request {
        Request {
            message_type: MessageType::CertPoll,
            content: Some(b"IssuerAndSubject".to_vec()),
            ..request.clone()
        }
    }

    /// Builds a GetCert or GetCRL about this certificate.
    pub fn query(&self, message_type: MessageType, about: &Certificate) -> Request {
        let content = about.issuer_and_serial_number().encode().unwrap();
        Request {
            message_type,
            transaction_id: "0".to_owned(),
            ..self.request(content)
        }
    }

    /// Builds the pkiMessage of a request, encrypted to `recipient`.
    pub fn message(&self, request: &Request, recipient: &Certificate) -> Vec<u8> {
        self.message_to(request, SealTo::Certificate(recipient))
    }

    /// Builds the pkiMessage of a request, encrypted under a challengePassword, RFC 8894 §3.1.
    pub fn message_by_password(&self, request: &Request, password: &str) -> Vec<u8> {
        let random = || uuid::Uuid::new_v4().into_bytes();
        let wrapping = PasswordWrapping {
            salt: random(),
            iv: random(),
            padding: random(),
            iterations: NonZeroU32::new(1_000).unwrap(),
        };
        let to = SealTo::Password {
            password: &ChallengePassword::new(password),
            wrapping: &wrapping,
        };
        self.message_to(request, to)
    }

    fn message_to(&self, request: &Request, to: SealTo<'_>) -> Vec<u8> {
        let key = ContentKey::new(request.cipher, &[5; 32][..request.cipher.key_bytes()]).unwrap();
        let iv = &[6; 16][..request.cipher.block_bytes()];
        let envelope = request
            .content
            .as_ref()
            .map(|content| PkcsPkiEnvelope::seal(content, request.cipher, &key, iv, to).unwrap());
        self.signed(request, envelope)
    }

    /// Builds the pkiMessage of a request with any octets as its envelope.
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

    /// Signs a CertificationRequestInfo and builds the PKCS #10 request.
    pub fn sign_request(&self, info: &[u8]) -> Vec<u8> {
        asn1::signed(info, &self.sign(DigestAlgorithm::Sha256, info))
    }

    /// Signs as clients do: RSASSA-PKCS1-v1_5, or ECDSA with the digest that matches the curve,
    /// which must be the message's digest.
    pub fn sign(&self, digest: DigestAlgorithm, message: &[u8]) -> Vec<u8> {
        if let Ok(key) = RsaKeyPair::from_pkcs8(&self.key.serialize_der()) {
            let encoding: &dyn RsaEncoding = match digest {
                DigestAlgorithm::Sha1 => {
                    let key = self.key.serialize_der().into();
                    let key = RaKey::from_pkcs8("device".to_owned(), &key).unwrap();
                    return key.sign(digest, message).unwrap();
                }
                DigestAlgorithm::Sha256 => &signature::RSA_PKCS1_SHA256,
                DigestAlgorithm::Sha384 => &signature::RSA_PKCS1_SHA384,
                DigestAlgorithm::Sha512 => &signature::RSA_PKCS1_SHA512,
            };
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(encoding, &SystemRandom::new(), message, &mut signature)
                .unwrap();
            return signature;
        }
        let algorithm = match digest {
            DigestAlgorithm::Sha384 => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
            DigestAlgorithm::Sha512 => &signature::ECDSA_P521_SHA512_ASN1_SIGNING,
            DigestAlgorithm::Sha1 | DigestAlgorithm::Sha256 => {
                &signature::ECDSA_P256_SHA256_ASN1_SIGNING
            }
        };
        let key =
            signature::EcdsaKeyPair::from_pkcs8(algorithm, &self.key.serialize_der()).unwrap();
        let signature = key.sign(&SystemRandom::new(), message).unwrap();
        signature.as_ref().to_vec()
    }

    /// Reads a CertRep: verifies it with the RA certificate and decrypts it with this device's key.
    #[track_caller]
    pub fn read(&self, cert_rep: &[u8], ra_certificate: &Certificate) -> CertRep {
        self.read_with(cert_rep, ra_certificate, None)
    }

    /// Reads a CertRep as [`Self::read`] does, but decrypts with the challengePassword where the
    /// reply is encrypted under one.
    #[track_caller]
    pub fn read_with(
        &self,
        cert_rep: &[u8],
        ra_certificate: &Certificate,
        password: Option<&str>,
    ) -> CertRep {
        let message = PkiMessage::from_ber(cert_rep).unwrap();
        assert_eq!(message.message_type(), Ok("3"));
        let verified = message.verify().unwrap();
        assert_eq!(verified.signer(), ra_certificate);
        let message = verified.message();
        let attributes = message.cert_rep().unwrap();
        let content = match attributes.pki_status {
            PkiStatus::Success => {
                let content = self.open(verified.envelope().unwrap(), password);
                DegenerateSignedData::from_ber(&content).unwrap()
            }
            PkiStatus::Failure | PkiStatus::Pending => {
                assert!(verified.envelope().is_err());
                DegenerateSignedData::default()
            }
        };
        CertRep {
            transaction_id: message.transaction_id().ok(),
            digest: message.digest_algorithm().unwrap(),
            attributes,
            certificates: content.certificates,
            crls: content.crls,
        }
    }

    fn open(&self, envelope: &PkcsPkiEnvelope, password: Option<&str>) -> Vec<u8> {
        let recipient = match (envelope.recipients(), password) {
            ([Recipient::KeyTrans(recipient)], None) => recipient,
            ([Recipient::Password(Ok(recipient))], Some(password)) => {
                let password = ChallengePassword::new(password);
                let rejection_key = Zeroizing::new([0; 32]);
                let key = recipient.content_key(&password, envelope.cipher(), &rejection_key);
                return envelope.open(&key).unwrap().to_vec();
            }
            _ => panic!("a reply has exactly one recipient"),
        };
        assert!(recipient.id().names(&self.certificate));
        let key = PrivateDecryptingKey::from_pkcs8(&self.key.serialize_der()).unwrap();
        let key = Pkcs1PrivateDecryptingKey::new(key).unwrap();
        let mut output = vec![0; key.min_output_size()];
        let content_key = key.decrypt(recipient.encrypted_key(), &mut output).unwrap();
        let content_key = ContentKey::new(envelope.cipher(), content_key).unwrap();
        envelope.open(&content_key).unwrap().to_vec()
    }
}

fn build_params(common_name: &str, names: &[&str]) -> CertificateParams {
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
