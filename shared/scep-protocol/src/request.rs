//! A request on its way through the checks: each type here is proof that the one before it was checked.

use scep_cms::{
    AttributeError, Certificate, CertificationRequest, ChallengePassword, ContentEncryption,
    ContentKey, DigestAlgorithm, EnvelopeError, KeyTransport, MessageType, PkcsPkiEnvelope,
    PkiMessage, PublicKey, PublicKeyError, Recipient, SenderNonce, TransactionId,
    VerifiedPkiMessage, VerifyError,
};

use crate::{
    AlgorithmPolicy, AvailableProfile, CertificateTemplate, Fingerprint, RaCertificate, Refusal,
    RequestFingerprint, RuleViolation, SignerClass,
};

/// What of a request its reply must repeat; as much of it as could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    /// Echoed.
    pub transaction_id: Option<TransactionId>,
    /// Echoed as recipientNonce.
    pub sender_nonce: Option<SenderNonce>,
    /// Signs the reply: the request's, or SHA-256 where that one is not taken.
    pub digest: DigestAlgorithm,
}

impl ReplyTo {
    /// How to answer this message, whatever is wrong with it.
    #[must_use]
    pub fn of(message: &PkiMessage, algorithms: AlgorithmPolicy) -> Self {
        Self {
            transaction_id: message.transaction_id().ok(),
            sender_nonce: message.sender_nonce().ok(),
            digest: message
                .digest_algorithm()
                .ok()
                .filter(|digest| algorithms.allows_digest(*digest))
                .unwrap_or(DigestAlgorithm::Sha256),
        }
    }
}

/// A message of a client whose attributes are complete and whose signature verifies. Who the signer is, is open.
pub struct SignedRequest {
    verified: VerifiedPkiMessage,
    message_type: MessageType,
    transaction_id: TransactionId,
}

impl SignedRequest {
    /// Steps 3 to 5 of the order of checks: attributes, algorithms, signature; then whether this type is served.
    ///
    /// # Errors
    /// The refusal of the first check that fails.
    pub fn verify(message: PkiMessage, algorithms: AlgorithmPolicy) -> Result<Self, Refusal> {
        let message_type = MessageType::from_digits(attribute(message.message_type())?.as_bytes())
            .ok_or(Refusal::MessageType)?;
        if message_type == MessageType::CertRep {
            return Err(Refusal::MessageType);
        }
        let transaction_id = attribute(message.transaction_id())?;
        attribute(message.sender_nonce())?;
        let digest = message.digest_algorithm().map_err(|_| Refusal::Digest)?;
        if !algorithms.allows_digest(digest) {
            return Err(Refusal::Digest);
        }
        let verified = message.verify().map_err(|error| match error {
            VerifyError::Algorithm => Refusal::SignerAlgorithm,
            VerifyError::Digest | VerifyError::NoSigner | VerifyError::Signature => {
                Refusal::Signature
            }
        })?;
        match message_type {
            MessageType::PkcsReq => Ok(Self {
                verified,
                message_type,
                transaction_id,
            }),
            MessageType::CertPoll => Err(Refusal::NothingPending),
            MessageType::CertRep
            | MessageType::GetCert
            | MessageType::GetCrl
            | MessageType::RenewalReq => Err(Refusal::NotServed(message_type)),
        }
    }

    /// The first half of step 7, all that can be seen from outside: cipher, recipient, key transport, lengths.
    ///
    /// # Errors
    /// The refusal of the first check that fails.
    pub fn addressed_to(
        self,
        ra_certificate: &RaCertificate,
        algorithms: AlgorithmPolicy,
    ) -> Result<AddressedRequest, Refusal> {
        let envelope = self.verified.envelope().map_err(|error| match error {
            EnvelopeError::Algorithm(_) => Refusal::ContentEncryption,
            EnvelopeError::Missing => Refusal::NoEnvelope,
            EnvelopeError::Decode(_)
            | EnvelopeError::Encrypt(_)
            | EnvelopeError::Malformed
            | EnvelopeError::Open => Refusal::Envelope,
        })?;
        if !algorithms.allows_cipher(envelope.cipher()) {
            return Err(Refusal::ContentEncryption);
        }
        let certificate = &ra_certificate.certificate;
        // micromdm names every certificate of GetCACert, the authority's too: ours is found by name, not by place.
        let recipient = envelope
            .recipients()
            .iter()
            .find_map(|recipient| match recipient {
                Recipient::KeyTrans(recipient) if recipient.id().names(certificate) => {
                    Some(recipient)
                }
                Recipient::KeyTrans(_) | Recipient::Password | Recipient::Other => None,
            });
        let Some(recipient) = recipient else {
            let by_password = |recipient: &Recipient| matches!(recipient, Recipient::Password);
            return Err(if envelope.recipients().iter().any(by_password) {
                Refusal::KeyTransport
            } else {
                Refusal::Recipient
            });
        };
        let transport = recipient.transport().map_err(|_| Refusal::KeyTransport)?;
        let encrypted_key = recipient.encrypted_key().to_vec();
        match certificate.public_key() {
            Ok(PublicKey::Rsa { modulus_bits, .. })
                if modulus_bits.div_ceil(8) == encrypted_key.len() => {}
            Ok(PublicKey::Rsa { .. } | PublicKey::Ec { .. }) | Err(_) => {
                return Err(Refusal::Envelope);
            }
        }
        Ok(AddressedRequest {
            request: self,
            transport,
            encrypted_key,
            envelope,
        })
    }
}

/// A request that is encrypted to our RA certificate, as far as can be seen from outside.
pub struct AddressedRequest {
    request: SignedRequest,
    envelope: PkcsPkiEnvelope,
    transport: KeyTransport,
    encrypted_key: Vec<u8>,
}

impl AddressedRequest {
    fn read(&self, key: &ContentKey) -> Option<CertificationRequest> {
        let content = self.envelope.open(key).ok()?;
        CertificationRequest::from_der(&content).ok()
    }

    /// How the content key is wrapped.
    #[must_use]
    pub const fn transport(&self) -> KeyTransport {
        self.transport
    }

    /// The wrapped content key, as long as the RA key's modulus.
    #[must_use]
    pub fn encrypted_key(&self) -> &[u8] {
        &self.encrypted_key
    }

    /// The cipher that the content key is for.
    #[must_use]
    pub const fn cipher(&self) -> ContentEncryption {
        self.envelope.cipher()
    }

    /// The second half of step 7, and step 8: opens the envelope, reads the PKCS #10 request in it, verifies that
    /// request's own signature and applies the RA Profile's rules for keys.
    ///
    /// Who copies a captured envelope, changes blocks of its CBC ciphertext and signs that with a key of his own must not
    /// learn what became of it: padding, structure and signature would tell him the plaintext octet by octet. So all
    /// that is told of a request by another key than the message's signer is whether it is intact, self-signature and all.
    ///
    /// # Errors
    /// [`Refusal::Envelope`] for whatever is not an intact request, without saying why; the failed check for a request
    /// of the signer's own key, which no change to a ciphertext can make of a stranger's.
    pub fn open(
        self,
        key: &ContentKey,
        profile: &AvailableProfile,
    ) -> Result<EnrolmentRequest, Refusal> {
        let Some(csr) = self.read(key) else {
            // The work that a request which could be read would take: time is not to tell what went wrong.
            self.request.verified.verify_again();
            return Err(Refusal::Envelope);
        };
        if !csr_is_of(&csr, self.request.verified.signer_key()) && csr.verify().is_err() {
            return Err(Refusal::Envelope);
        }
        let legacy_digest = |algorithm: scep_cms::SignatureAlgorithm| {
            !profile.algorithms().allows_digest(algorithm.digest())
        };
        if csr.signature_algorithm().map_or(true, legacy_digest) {
            return Err(Refusal::CsrAlgorithm);
        }
        let key = csr.verify().map_err(|error| match error {
            PublicKeyError::Unsupported => Refusal::CsrAlgorithm,
            PublicKeyError::BadSignature
            | PublicKeyError::CannotEncrypt
            | PublicKeyError::Malformed => Refusal::CsrSignature,
        })?;
        key_rules(&key, &profile.ra_profile().template).map_err(Refusal::Rule)?;
        Ok(EnrolmentRequest {
            request: self.request,
            cipher: self.envelope.cipher(),
            csr,
            key,
        })
    }
}

/// A request whose PKCS #10 request was read, and is signed with its own key.
pub struct EnrolmentRequest {
    request: SignedRequest,
    cipher: ContentEncryption,
    csr: CertificationRequest,
    key: PublicKey,
}

impl EnrolmentRequest {
    /// Steps 9 and 10: is this enrolment authorised? By a challengePassword that equals the profile's. Where the profile wants
    /// an administrator's approval too, nothing is, as long as approval is not served.
    ///
    /// `challenge` is the profile's, opened.
    ///
    /// # Errors
    /// [`Refusal::SignerIsNotSubject`], [`Refusal::SignerCannotDecrypt`], [`Refusal::EnrolmentNotAuthorised`],
    /// [`Refusal::Challenge`] or [`Refusal::Approval`].
    pub fn authorise(
        self,
        profile: &AvailableProfile,
        challenge: Option<&ChallengePassword>,
    ) -> Result<AuthorisedRequest, Refusal> {
        let approval = profile.scep_profile().require_manual_approval;
        if *self.request.verified.signer_key() != self.key {
            return Err(Refusal::SignerIsNotSubject);
        }
        if !matches!(self.key, PublicKey::Rsa { .. }) {
            return Err(Refusal::SignerCannotDecrypt);
        }
        match (challenge, self.csr.challenge_password()) {
            (None, _) if !approval => return Err(Refusal::EnrolmentNotAuthorised),
            (Some(challenge), Some(sent)) if sent.matches(challenge) => {}
            (Some(_), _) => return Err(Refusal::Challenge),
            (None, _) => {}
        }
        if approval {
            return Err(Refusal::Approval);
        }
        Ok(AuthorisedRequest(self))
    }
}

/// A request that may have a certificate, if the rules make one and its transactionID is free.
pub struct AuthorisedRequest(EnrolmentRequest);

impl AuthorisedRequest {
    /// The PKCS #10 request.
    #[must_use]
    pub const fn csr(&self) -> &CertificationRequest {
        &self.0.csr
    }

    /// The key to be certified.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.0.key
    }

    /// The certificate that the reply is encrypted to.
    #[must_use]
    pub const fn signer(&self) -> &Certificate {
        self.0.request.verified.signer()
    }

    /// The cipher of the request, which its reply uses too.
    #[must_use]
    pub const fn cipher(&self) -> ContentEncryption {
        self.0.cipher
    }

    /// The messageType.
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        self.0.request.message_type
    }

    /// The transactionID.
    #[must_use]
    pub const fn transaction_id(&self) -> &TransactionId {
        &self.0.request.transaction_id
    }

    /// What makes another request under this profile the same one.
    #[must_use]
    pub fn fingerprint(&self, profile: &AvailableProfile) -> RequestFingerprint {
        RequestFingerprint {
            ra_profile: profile.ra_profile().uuid,
            csr: Fingerprint::of(self.0.csr.der()),
            signer_class: SignerClass::OwnKey,
        }
    }

    /// Of the key that signed.
    #[must_use]
    pub fn signer_key(&self) -> Fingerprint {
        Fingerprint::of(self.signer().subject_public_key_info())
    }
}

/// Is it this key that the request asks a certificate for?
fn csr_is_of(csr: &CertificationRequest, signer: &PublicKey) -> bool {
    PublicKey::from_der(csr.subject_public_key_info()).is_ok_and(|key| key == *signer)
}

fn attribute<T>(read: Result<T, AttributeError>) -> Result<T, Refusal> {
    read.map_err(Refusal::Attribute)
}

fn key_rules(key: &PublicKey, template: &CertificateTemplate) -> Result<(), RuleViolation> {
    match key {
        PublicKey::Rsa { modulus_bits, .. } if *modulus_bits < template.rsa_min_bits => {
            Err(RuleViolation::RsaTooShort {
                bits: *modulus_bits,
                min_bits: template.rsa_min_bits,
            })
        }
        PublicKey::Ec { curve, .. } if !template.ec_curves.contains(curve) => {
            Err(RuleViolation::Curve)
        }
        PublicKey::Rsa { .. } | PublicKey::Ec { .. } => Ok(()),
    }
}
