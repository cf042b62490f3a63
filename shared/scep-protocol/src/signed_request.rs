//! A message whose signature verifies: its signer, its recipient, and how to encrypt the reply.

use scep_cms::algorithm::{ContentEncryption, DigestAlgorithm};
use scep_cms::algorithm_name::UnsupportedAlgorithm;
use scep_cms::attribute::SenderNonce;
use scep_cms::certificate::Certificate;
use scep_cms::challenge::ChallengePassword;
use scep_cms::envelope::Recipient;
use scep_cms::error::AttributeError;
use scep_cms::message_type::MessageType;
use scep_cms::pki_message::{PkiMessage, VerifiedPkiMessage, VerifyError};
use scep_cms::public_key::PublicKey;
use scep_cms::transaction_id::TransactionId;

use crate::algorithms::AlgorithmPolicy;
use crate::availability::AvailableProfile;
use crate::refusal::Refusal;
use crate::transaction::Fingerprint;

/// Longest PKCS #10 request that is decrypted, in octets.
// A request with an RSA-8192 key and a hundred names is shorter, and the certificate for a longer
// one might not fit into its record in the store.
pub(crate) const MAX_CSR_BYTES: usize = 16 * 1024;

/// The properties of a request that its reply repeats, as far as they are readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    /// The transactionID, echoed.
    pub transaction_id: Option<TransactionId>,
    /// The senderNonce, echoed as recipientNonce.
    pub sender_nonce: Option<SenderNonce>,
    /// The digest of the reply's signature: the request's if the profile allows it, else SHA-256.
    pub digest: DigestAlgorithm,
}

impl ReplyTo {
    /// How to reply to this message. Never fails: refusals of malformed messages need a reply too.
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

/// A client's message whose attributes are complete and whose signature verifies. The signer's
/// identity is not checked yet.
pub struct SignedRequest {
    verified: VerifiedPkiMessage,
    message_type: MessageType,
    transaction_id: TransactionId,
}

impl SignedRequest {
    /// Checks, in this order, the attributes, the algorithms and the signature of a message.
    ///
    /// # Errors
    /// The refusal of the first check that fails.
    pub fn verify(message: PkiMessage, algorithms: AlgorithmPolicy) -> Result<Self, Refusal> {
        let message_type =
            MessageType::from_digits(require_attribute(message.message_type())?.as_bytes())
                .ok_or(Refusal::MessageType)?;
        // CertRep is what a server sends.
        if message_type == MessageType::CertRep {
            return Err(Refusal::MessageType);
        }
        let transaction_id = require_attribute(message.transaction_id())?;
        require_attribute(message.sender_nonce())?;
        let digest = message.digest_algorithm().map_err(Refusal::Digest)?;
        // This comes before the signature is verified, so that a digest which is switched off is
        // never relied on.
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

    /// The certificate whose key signed the message.
    #[must_use]
    pub const fn signer(&self) -> &Certificate {
        self.verified.signer()
    }

    /// The key that signed the message.
    pub(crate) const fn signer_public_key(&self) -> &PublicKey {
        self.verified.signer_key()
    }

    /// The verified message.
    pub(crate) const fn verified(&self) -> &VerifiedPkiMessage {
        &self.verified
    }

    /// The fingerprint of the key that signed the message.
    #[must_use]
    pub fn signer_key(&self) -> Fingerprint {
        Fingerprint::of_key(self.signer_public_key())
    }

    /// The serial number of the signer's certificate, in upper-case hexadecimal as the inventory
    /// has it; `None` unless the certificate names this authority as its issuer.
    #[must_use]
    pub fn signer_serial_number(&self, profile: &AvailableProfile) -> Option<String> {
        let name = self.signer().issuer_and_serial_number();
        profile
            .is_own_issuer(name.issuer())
            .then(|| name.serial_number_hex())
    }

    /// The cipher of the reply: the request's if the profile allows it, else AES-128-CBC.
    #[must_use]
    pub fn reply_cipher(&self, algorithms: AlgorithmPolicy) -> ContentEncryption {
        // A client can decrypt what it encrypts itself. AES-128-CBC is what RFC 8894 §2.9 has every
        // client implement.
        self.verified
            .envelope()
            .ok()
            .map(|envelope| envelope.cipher())
            .filter(|cipher| algorithms.allows_cipher(*cipher))
            .unwrap_or(ContentEncryption::Aes128Cbc)
    }

    /// Whether the envelope of the message or of its reply is encrypted under a challengePassword,
    /// because a key on either side cannot decrypt.
    #[must_use]
    pub fn needs_password(&self) -> bool {
        let has_ec_signer = matches!(self.signer_public_key(), PublicKey::Ec { .. });
        has_ec_signer
            || self.verified.envelope().is_ok_and(|envelope| {
                let mut recipients = envelope.recipients().iter();
                recipients.any(|recipient| matches!(recipient, Recipient::Password(_)))
            })
    }

    /// The key that the reply is encrypted to. `challenge` is the challengePassword that opens the
    /// envelope of the message, if there is one.
    ///
    /// # Errors
    /// [`Refusal::SignerCannotDecrypt`] if the signer's key cannot decrypt and there is no
    /// challengePassword to use instead.
    pub fn reply_key(&self, challenge: Option<&ChallengePassword>) -> Result<ReplyKey, Refusal> {
        match self.verified.signer_key() {
            PublicKey::Rsa { .. } => Ok(ReplyKey::Certificate(self.signer().clone())),
            PublicKey::Ec { .. } => challenge
                .cloned()
                .map(ReplyKey::Password)
                .ok_or(Refusal::SignerCannotDecrypt),
        }
    }
}

/// The key that a reply is encrypted to, RFC 8894 §3.1.
pub enum ReplyKey {
    /// The RSA key of the signer's certificate.
    Certificate(Certificate),
    /// The challengePassword, for a signer whose key cannot decrypt.
    Password(ChallengePassword),
}

fn require_attribute<T>(read: Result<T, AttributeError>) -> Result<T, Refusal> {
    read.map_err(Refusal::Attribute)
}
