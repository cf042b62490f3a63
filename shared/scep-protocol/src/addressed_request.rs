//! A request whose signer may send it and which is encrypted to this profile, and its decryption.

use std::ops::Deref;

use scep_cms::algorithm::ContentEncryption;
use scep_cms::algorithm_name::UnsupportedAlgorithm;
use scep_cms::certificate::IssuerAndSerialNumber;
use scep_cms::content_key::ContentKey;
use scep_cms::csr::CertificationRequest;
use scep_cms::envelope::{EnvelopeError, PkcsPkiEnvelope};
use scep_cms::message_type::MessageType;
use scep_cms::pki_message::CertifiableKeys;
use scep_cms::public_key::PublicKey;
use time::OffsetDateTime;

use crate::availability::AvailableProfile;
use crate::envelope_fault::EnvelopeFault;
use crate::refusal::Refusal;
use crate::renewal_signer::{KnownCertificate, Signer};
use crate::request::EnrolmentRequest;
use crate::signed_request::{MAX_CSR_BYTES, SignedRequest};
use crate::transaction::Fingerprint;
use crate::wrapped_key::{WrappedKey, find_wrapped_key};

/// A request whose signer may send it and whose envelope names a recipient of this profile. The
/// envelope is not decrypted yet.
pub struct AddressedRequest {
    pub(crate) request: SignedRequest,
    pub(crate) signer: Signer,
    pub(crate) envelope: PkcsPkiEnvelope,
    pub(crate) wrapped: WrappedKey,
}

impl SignedRequest {
    /// Makes the checks that need no decryption, in this order: signer, cipher, length, recipient,
    /// and the wrapped content key. `known` is the inventory's record for the signer's serial
    /// number, if the signer's certificate names this authority as its issuer.
    ///
    /// # Errors
    /// The refusal of the first check that fails.
    pub fn into_addressed(
        self,
        profile: &AvailableProfile,
        known: Option<KnownCertificate>,
        now: OffsetDateTime,
    ) -> Result<AddressedRequest, Refusal> {
        // The signer comes first: renewals and queries of a client without a valid certificate are
        // never decrypted, so they reveal nothing about a captured envelope.
        let signer = Signer::of(self.signer(), known, now)?;
        signer.may_send(self.message_type())?;
        let envelope = self.verified().envelope().map_err(|error| match error {
            EnvelopeError::Algorithm(algorithm) => Refusal::ContentEncryption(*algorithm),
            EnvelopeError::Missing => Refusal::NoEnvelope,
            EnvelopeError::Decode(_) | EnvelopeError::Malformed | EnvelopeError::Open => {
                Refusal::Envelope(EnvelopeFault::Outline(error.clone()))
            }
        })?;
        let cipher = envelope.cipher();
        if !profile.algorithms().allows_cipher(cipher) {
            let algorithm = UnsupportedAlgorithm::new(cipher.oid());
            return Err(Refusal::ContentEncryption(algorithm));
        }
        // Padding adds at most one block.
        if envelope.ciphertext().len() > MAX_CSR_BYTES + cipher.block_bytes() {
            return Err(Refusal::RequestTooLarge);
        }
        let wrapped = find_wrapped_key(envelope, profile)?;
        Ok(AddressedRequest {
            signer,
            wrapped,
            envelope: envelope.clone(),
            request: self,
        })
    }
}

impl AddressedRequest {
    /// The wrapped content key.
    #[must_use]
    pub const fn wrapped(&self) -> &WrappedKey {
        &self.wrapped
    }

    /// The cipher of the envelope's content.
    #[must_use]
    pub const fn cipher(&self) -> ContentEncryption {
        self.envelope.cipher()
    }

    /// The fingerprint of the encrypted content key, without its leading zeros.
    #[must_use]
    pub fn encrypted_key(&self) -> Fingerprint {
        let octets = match &self.wrapped {
            WrappedKey::KeyTransport { encrypted_key, .. } => encrypted_key,
            WrappedKey::Password(recipient) => recipient.encrypted_key(),
        };
        // RSA ignores leading zeros. Counting them would let an attacker present one encrypted key
        // under many fingerprints, each with another ciphertext.
        let zeros = octets.iter().take_while(|octet| **octet == 0).count();
        Fingerprint::of(octets.get(zeros..).unwrap_or_default())
    }

    /// The fingerprint of everything that the content key is applied to: cipher, initialization
    /// vector and ciphertext.
    #[must_use]
    pub fn ciphertext(&self) -> Fingerprint {
        let name = self.cipher().oid();
        let parts = [
            name.as_bytes(),
            self.envelope.initialization_vector(),
            self.envelope.ciphertext(),
        ];
        Fingerprint::of(&parts.concat())
    }

    /// Decrypts the envelope and verifies the signature of the PKCS #10 request in it.
    ///
    /// CBC has no integrity: an attacker may capture an envelope, modify its ciphertext and send it
    /// in a message signed with their own key. The response must not reveal why opening it failed:
    /// distinguishing padding, structure, key and signature errors would leak the plaintext octet
    /// by octet. So all of these get one refusal, after the same number of public-key operations.
    ///
    /// # Errors
    /// [`Refusal::Envelope`] for anything but an intact request, with a reason that is only logged;
    /// [`Refusal::Csr`] for an intact request whose attributes contradict each other.
    pub fn open(
        self,
        key: &ContentKey,
        profile: &AvailableProfile,
    ) -> Result<EnrolmentRequest, Refusal> {
        let opened = self.decrypt_csr(key);
        // The reply to a signer with an EC key is encrypted under the challengePassword. An
        // attacker who signs a captured request with a new EC key would get a reply to guess the
        // password from.
        let is_rsa = matches!(self.request.signer_public_key(), PublicKey::Rsa { .. });
        let allow_proxy_signer = is_rsa && profile.scep_profile().settings.allow_proxy_signer;
        let keys = self.signer.certifiable_keys(allow_proxy_signer);
        // Runs even if the envelope did not open: an early return would be faster, and its timing
        // would tell a padding error from a signature error.
        let proven = self.request.verified().verify_possession(
            opened.as_ref().ok(),
            keys,
            self.envelope.ciphertext(),
        );
        let csr = opened.map_err(Refusal::Envelope)?;
        let key = proven.ok_or_else(|| Refusal::Envelope(self.possession_fault(&csr, keys)))?;
        // The profile's digest policy does not apply to the PKCS #10 signature: it only proves
        // possession, inside a signed message, and older iOS signs with SHA-1 whatever is
        // announced.
        //
        // Faults of the challengePassword count only for enrolments: a renewal's is ignored.
        let challenge_fault = match self.signer {
            Signer::Unknown => csr.challenge_fault(),
            Signer::Holder(_) | Signer::Former => None,
        };
        if let Some(fault) = csr.fault().or(challenge_fault) {
            return Err(Refusal::Csr(fault));
        }
        Ok(EnrolmentRequest {
            request: self.request,
            signer: self.signer,
            csr,
            key,
        })
    }

    fn decrypt_csr(&self, key: &ContentKey) -> Result<CertificationRequest, EnvelopeFault> {
        let message_data = self.decrypt_content(key)?;
        CertificationRequest::from_message_data(&message_data)
            .map_err(|fault| fault_to_log(key, EnvelopeFault::Structure(fault)))
    }

    fn decrypt_content(
        &self,
        key: &ContentKey,
    ) -> Result<impl Deref<Target = Vec<u8>>, EnvelopeFault> {
        self.envelope
            .open(key)
            .map_err(|_| fault_to_log(key, EnvelopeFault::Padding))
    }

    /// Why a readable request does not prove possession of its key.
    fn possession_fault(&self, csr: &CertificationRequest, keys: CertifiableKeys) -> EnvelopeFault {
        if let Err(algorithm) = csr.signature_algorithm() {
            return EnvelopeFault::CsrAlgorithm(algorithm);
        }
        match (csr.public_key(), keys) {
            (Err(_), _) => EnvelopeFault::CsrKey,
            (Ok(key), CertifiableKeys::SignersOwn) if key != *self.request.signer_public_key() => {
                EnvelopeFault::ForeignKey
            }
            (Ok(_), _) => EnvelopeFault::CsrSignature,
        }
    }

    /// Decrypts the envelope of a GetCert or GetCRL and reads the name of the certificate that is
    /// asked for, RFC 8894 §3.3.4.
    ///
    /// # Errors
    /// [`Refusal::QueryEnvelope`] if the envelope holds no such name. It is answered like an
    /// unknown certificate, because a modified ciphertext that happens to decrypt must not be
    /// distinguishable from one that does not.
    pub fn open_query(&self, key: &ContentKey) -> Result<IssuerAndSerialNumber, Refusal> {
        self.decrypt_content(key)
            .and_then(|content| {
                IssuerAndSerialNumber::from_ber(&content)
                    .map_err(|error| fault_to_log(key, EnvelopeFault::Query(error)))
            })
            .map_err(Refusal::QueryEnvelope)
    }

    /// Whether opening the envelope tries a guess of the challengePassword: it is encrypted under
    /// one, by a client without a valid certificate.
    // A holder whose key cannot decrypt gets replies under the password. It can try guesses on
    // those, so counting the others would stop nothing.
    #[must_use]
    pub const fn may_guess_password(&self) -> bool {
        matches!(
            (&self.wrapped, &self.signer),
            (WrappedKey::Password(_), Signer::Former | Signer::Unknown)
        )
    }

    /// The refusal of a message whose envelope stays unopened: it is the same as for one that does
    /// not open.
    #[must_use]
    pub fn refuse_unopened(&self, fault: EnvelopeFault) -> Refusal {
        match self.request.message_type() {
            MessageType::GetCert | MessageType::GetCrl => Refusal::QueryEnvelope(fault),
            MessageType::CertPoll
            | MessageType::CertRep
            | MessageType::PkcsReq
            | MessageType::RenewalReq => Refusal::Envelope(fault),
        }
    }

    /// The message.
    #[must_use]
    pub const fn message(&self) -> &SignedRequest {
        &self.request
    }
}

/// The fault to log: that of the content key, if there is one, since it explains any other.
fn fault_to_log(key: &ContentKey, fault: EnvelopeFault) -> EnvelopeFault {
    EnvelopeFault::of_key(key.unwrap_outcome()).unwrap_or(fault)
}
