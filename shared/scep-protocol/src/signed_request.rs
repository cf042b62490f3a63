//! A message whose signature verifies: whose it is, to whom it is encrypted, and how its reply is.

use scep_cms::{
    AttributeError, Certificate, ChallengePassword, ContentEncryption, DigestAlgorithm,
    EnvelopeError, KeyTransRecipient, KeyTransport, MessageType, PasswordRecipient,
    PkcsPkiEnvelope, PkiMessage, PublicKey, Recipient, SenderNonce, TransactionId,
    UnsupportedAlgorithm, VerifiedPkiMessage, VerifyError,
};

use time::OffsetDateTime;

use crate::{
    AddressedRequest, AlgorithmPolicy, AvailableProfile, EnvelopeFault, Fingerprint,
    KnownCertificate, Refusal, Signer,
};

/// Longest PKCS #10 request that is opened, in octets: a certificate that was claimed must also fit
/// into its record, and an RSA-8192 key with a hundred names fits in here.
pub(crate) const MAX_CSR_BYTES: usize = 16 * 1024;

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
    /// Steps 3 to 5 of the order of checks: attributes, algorithms, signature.
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
        let digest = message.digest_algorithm().map_err(Refusal::Digest)?;
        if !algorithms.allows_digest(digest) {
            return Err(Refusal::Digest(UnsupportedAlgorithm::new(digest.oid())));
        }
        let verified = message.verify().map_err(|error| match error {
            VerifyError::Algorithm(algorithm) => Refusal::SignerAlgorithm(algorithm),
            VerifyError::Key => Refusal::SignerKey,
            VerifyError::Digest | VerifyError::NoSigner | VerifyError::Signature => {
                Refusal::Signature
            }
        })?;
        Ok(Self {
            verified,
            message_type,
            transaction_id,
        })
    }

    /// The messageType.
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        self.message_type
    }

    /// The transactionID.
    #[must_use]
    pub const fn transaction_id(&self) -> &TransactionId {
        &self.transaction_id
    }

    /// The certificate whose key signed.
    #[must_use]
    pub const fn signer(&self) -> &Certificate {
        self.verified.signer()
    }

    /// The key that signed.
    pub(crate) const fn signer_public_key(&self) -> &PublicKey {
        self.verified.signer_key()
    }

    /// The verified message.
    pub(crate) const fn verified(&self) -> &VerifiedPkiMessage {
        &self.verified
    }

    /// Of the key that signed.
    #[must_use]
    pub fn signer_key(&self) -> Fingerprint {
        Fingerprint::of_key(self.signer_public_key())
    }

    /// The serial number under which the inventory knows the signer's certificate, upper-case hexadecimal, if it says that it
    /// is one of this authority's.
    #[must_use]
    pub fn signer_serial_number(&self, profile: &AvailableProfile) -> Option<String> {
        let name = self.signer().issuer_and_serial_number();
        profile
            .is_issuer(name.issuer())
            .then(|| name.serial_number_hex())
    }

    /// The cipher of its reply: its own, if it has one that is taken.
    #[must_use]
    pub fn reply_cipher(&self, algorithms: AlgorithmPolicy) -> ContentEncryption {
        let cipher = self.verified.envelope().map(|envelope| envelope.cipher());
        let taken = cipher
            .ok()
            .filter(|cipher| algorithms.allows_cipher(*cipher));
        taken.unwrap_or(ContentEncryption::Aes128Cbc)
    }

    /// By which key its reply is encrypted. `challenge` is the profile's, opened.
    ///
    /// # Errors
    /// [`Refusal::SignerCannotDecrypt`] when the signer's key cannot decrypt and there is no challengePassword in its place.
    pub fn reply_key(&self, challenge: Option<&ChallengePassword>) -> Result<ReplyKey, Refusal> {
        match self.verified.signer_key() {
            PublicKey::Rsa { .. } => Ok(ReplyKey::Certificate(self.signer().clone())),
            PublicKey::Ec { .. } => challenge
                .cloned()
                .map(ReplyKey::Password)
                .ok_or(Refusal::SignerCannotDecrypt),
        }
    }

    /// Steps 7 and 8, all that can be seen from outside: who signed, cipher, recipient, key transport, lengths.
    /// `known` is what the inventory has under the serial number of the signer's certificate, if
    /// that names this authority as its issuer.
    ///
    /// # Errors
    /// The refusal of the first check that fails.
    pub fn addressed_to(
        self,
        profile: &AvailableProfile,
        known: Option<KnownCertificate>,
        now: OffsetDateTime,
    ) -> Result<AddressedRequest, Refusal> {
        let signer = Signer::of(self.signer(), known, now)?;
        signer.may_send(self.message_type)?;
        let envelope = self.verified.envelope().map_err(|error| match error {
            EnvelopeError::Algorithm(algorithm) => Refusal::ContentEncryption(algorithm),
            EnvelopeError::Missing => Refusal::NoEnvelope,
            EnvelopeError::Decode(_)
            | EnvelopeError::Encrypt(_)
            | EnvelopeError::Malformed
            | EnvelopeError::Open => Refusal::Envelope(EnvelopeFault::Outline(error)),
        })?;
        let cipher = envelope.cipher();
        if !profile.algorithms().allows_cipher(cipher) {
            let algorithm = UnsupportedAlgorithm::new(cipher.oid());
            return Err(Refusal::ContentEncryption(algorithm));
        }
        if envelope.ciphertext().len() > MAX_CSR_BYTES + cipher.block_bytes() {
            return Err(Refusal::RequestTooLarge);
        }
        let wrapped = wrapped_key(&envelope, profile)?;
        Ok(AddressedRequest {
            request: self,
            signer,
            wrapped,
            envelope,
        })
    }
}

/// The content key as it is wrapped for us.
fn wrapped_key(
    envelope: &PkcsPkiEnvelope,
    profile: &AvailableProfile,
) -> Result<WrappedKey, Refusal> {
    let ra_certificate = &profile.ra_key().certificate;
    let mut by_password = None;
    let mut refusal = Refusal::Recipient;
    // micromdm names every certificate of GetCACert, the authority's too: ours is found by name, not by place.
    for recipient in envelope.recipients() {
        match recipient {
            Recipient::KeyTrans(recipient) if recipient.id().names(ra_certificate) => {
                return key_transport(recipient, ra_certificate);
            }
            Recipient::KeyTrans(recipient) if profile.is_authority(recipient.id()) => {
                refusal = Refusal::RecipientAuthority;
            }
            Recipient::Password(recipient) => by_password = Some(recipient),
            Recipient::KeyTrans(_) | Recipient::Other => {}
        }
    }
    match by_password {
        Some(Ok(recipient)) => Ok(WrappedKey::Password(recipient.clone())),
        Some(Err(algorithm)) => Err(Refusal::KeyTransport(*algorithm)),
        None => Err(refusal),
    }
}

fn key_transport(
    recipient: &KeyTransRecipient,
    ra_certificate: &Certificate,
) -> Result<WrappedKey, Refusal> {
    let transport = recipient.transport().map_err(Refusal::KeyTransport)?;
    let encrypted_key = recipient.encrypted_key();
    let modulus_bytes = match ra_certificate.public_key() {
        Ok(PublicKey::Rsa { modulus_bits, .. }) => modulus_bits.div_ceil(8),
        Ok(PublicKey::Ec { .. }) | Err(_) => 0,
    };
    let fault = EnvelopeFault::WrappedKeyLength {
        bytes: encrypted_key.len(),
        modulus_bytes,
    };
    // An encrypted key is a number; one in some hundreds is shorter than the modulus, and not every client fills it up.
    let zeros = modulus_bytes.checked_sub(encrypted_key.len());
    let zeros = zeros.filter(|_| !encrypted_key.is_empty());
    let mut whole = vec![0; zeros.ok_or(Refusal::Envelope(fault))?];
    whole.extend_from_slice(encrypted_key);
    Ok(WrappedKey::KeyTransport {
        transport,
        encrypted_key: whole,
    })
}

/// How the content key is wrapped for us.
pub enum WrappedKey {
    /// To the RA key.
    KeyTransport {
        /// By which padding.
        transport: KeyTransport,
        /// As long as the RA key's modulus.
        encrypted_key: Vec<u8>,
    },
    /// Under the profile's challengePassword, RFC 8894 §3.1.
    Password(PasswordRecipient),
}

/// By which key a reply is encrypted, RFC 8894 §3.1.
pub enum ReplyKey {
    /// The RSA key of the signer's certificate.
    Certificate(Certificate),
    /// The challengePassword, for a signer whose key cannot decrypt.
    Password(ChallengePassword),
}

fn attribute<T>(read: Result<T, AttributeError>) -> Result<T, Refusal> {
    read.map_err(Refusal::Attribute)
}
