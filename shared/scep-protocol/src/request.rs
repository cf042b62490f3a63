//! The types of a request as it passes the checks: each one proves that its predecessor's check
//! succeeded.

use std::ops::Deref;

use ca::template::check_key;
use scep_cms::algorithm::ContentEncryption;
use scep_cms::certificate::IssuerAndSerialNumber;
use scep_cms::challenge::ChallengePassword;
use scep_cms::content_key::ContentKey;
use scep_cms::csr::CertificationRequest;
use scep_cms::envelope::PkcsPkiEnvelope;
use scep_cms::message_type::MessageType;
use scep_cms::pki_message::CertifiableKeys;
use scep_cms::public_key::PublicKey;
use time::OffsetDateTime;

use crate::availability::AvailableProfile;
use crate::envelope_fault::EnvelopeFault;
use crate::refusal::Refusal;
use crate::renewal_signer::{KnownCertificate, Signer, renewable_from};
use crate::signed_request::{SignedRequest, WrappedKey};
use crate::transaction::{Fingerprint, RequestFingerprint, SignerClass};

/// A request whose signer may send it and whose envelope names a recipient of this profile. The
/// envelope is not decrypted yet.
pub struct AddressedRequest {
    pub(crate) request: SignedRequest,
    pub(crate) signer: Signer,
    pub(crate) envelope: PkcsPkiEnvelope,
    pub(crate) wrapped: WrappedKey,
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

    /// Step 9: decrypts the envelope and verifies the signature of the PKCS #10 request in it.
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
        let allow_proxy_signer = is_rsa && profile.scep_profile().allow_proxy_signer;
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

    /// The refusal of a message whose encrypted key was seen before with another ciphertext.
    #[must_use]
    pub fn reuse_refusal(&self) -> Refusal {
        match self.request.message_type() {
            MessageType::GetCert | MessageType::GetCrl => {
                Refusal::QueryEnvelope(EnvelopeFault::Reused)
            }
            MessageType::CertPoll
            | MessageType::CertRep
            | MessageType::PkcsReq
            | MessageType::RenewalReq => Refusal::Envelope(EnvelopeFault::Reused),
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

/// What authorises a certificate.
#[derive(Clone, Debug)]
enum Authorisation {
    /// A renewal, signed by the holder of this certificate.
    Renewal(Box<KnownCertificate>),
    /// An enrolment with the profile's challengePassword.
    Challenge,
    /// An enrolment without a credential, which an administrator has to approve.
    Approval,
}

/// A request whose PKCS #10 request is readable and signed with its own key.
pub struct EnrolmentRequest {
    request: SignedRequest,
    signer: Signer,
    csr: CertificationRequest,
    key: PublicKey,
}

impl EnrolmentRequest {
    /// The message.
    #[must_use]
    pub const fn message(&self) -> &SignedRequest {
        &self.request
    }

    /// Steps 10 and 11: checks that the request is authorised and that the RA Profile accepts its
    /// key.
    ///
    /// A request is a renewal if the holder of a certificate under this RA Profile signed it and
    /// the certificate may be renewed; a challengePassword in it is ignored. Otherwise it is an
    /// enrolment, authorised by the profile's challengePassword or later by an administrator.
    ///
    /// `challenge` is the profile's decrypted challengePassword.
    ///
    /// # Errors
    /// [`Refusal::EnrolmentNotAuthorised`] or [`Refusal::Challenge`] for an enrolment;
    /// [`Refusal::SignerNotOurs`] or [`Refusal::RenewalTooEarly`] for a renewal; [`Refusal::Rule`]
    /// for the key.
    pub fn authorise(
        self,
        profile: &AvailableProfile,
        challenge: Option<&ChallengePassword>,
        now: OffsetDateTime,
    ) -> Result<AuthorisedRequest, Refusal> {
        let message_type = self.request.message_type();
        let authorisation = match (message_type, &self.signer) {
            (MessageType::RenewalReq, Signer::Holder(predecessor)) => {
                authorise_renewal(predecessor, profile, now)?
            }
            // certmonger, sscep and Cisco renew by a PKCSReq that the old certificate signs.
            // Devices that were reset sign with the certificate that they still have, so a PKCSReq
            // that is no valid renewal may be an enrolment.
            (MessageType::PkcsReq, Signer::Holder(predecessor)) => {
                authorise_renewal(predecessor, profile, now)
                    .or_else(|refusal| self.authorise_by_challenge(challenge).ok_or(refusal))?
            }
            (MessageType::PkcsReq, Signer::Former) => self
                .authorise_by_challenge(challenge)
                .ok_or(Refusal::SignerExpired)?,
            (MessageType::PkcsReq, Signer::Unknown) => {
                self.authorise_enrolment(profile, challenge)?
            }
            (
                MessageType::RenewalReq
                | MessageType::CertRep
                | MessageType::CertPoll
                | MessageType::GetCert
                | MessageType::GetCrl,
                _,
            ) => return Err(Refusal::MessageType),
        };
        // Last, since checking an RSA key for weaknesses is costly: only authorised clients can ask
        // for it.
        check_key(&self.key, &profile.ra_profile().template).map_err(Refusal::Rule)?;
        Ok(AuthorisedRequest {
            request: self,
            authorisation,
        })
    }

    /// An enrolment's authorisation, if the challengePassword in the request equals the profile's.
    fn authorise_by_challenge(
        &self,
        challenge: Option<&ChallengePassword>,
    ) -> Option<Authorisation> {
        self.csr
            .challenge_password()?
            .matches(challenge?)
            .then_some(Authorisation::Challenge)
    }

    fn authorise_enrolment(
        &self,
        profile: &AvailableProfile,
        challenge: Option<&ChallengePassword>,
    ) -> Result<Authorisation, Refusal> {
        // Where the profile has a challengePassword, manual approval comes in addition to it and
        // never instead of it.
        if challenge.is_some() {
            return self
                .authorise_by_challenge(challenge)
                .ok_or(Refusal::Challenge);
        }
        if profile.scep_profile().require_manual_approval {
            return Ok(Authorisation::Approval);
        }
        Err(Refusal::EnrolmentNotAuthorised)
    }
}

fn authorise_renewal(
    predecessor: &KnownCertificate,
    profile: &AvailableProfile,
    now: OffsetDateTime,
) -> Result<Authorisation, Refusal> {
    if predecessor.ra_profile != profile.ra_profile().uuid {
        return Err(Refusal::SignerNotOurs);
    }
    let validity = predecessor
        .certificate
        .validity()
        .map_err(|_| Refusal::SignerNotOurs)?;
    let from = renewable_from(validity, profile.scep_profile().renewal_threshold_days);
    if now < from {
        return Err(Refusal::RenewalTooEarly(from.date()));
    }
    Ok(Authorisation::Renewal(Box::new(predecessor.clone())))
}

/// A request that may get a certificate, provided that the template allows its contents and its
/// transactionID is free.
pub struct AuthorisedRequest {
    request: EnrolmentRequest,
    authorisation: Authorisation,
}

impl AuthorisedRequest {
    /// The message.
    #[must_use]
    pub const fn message(&self) -> &SignedRequest {
        &self.request.request
    }

    /// The PKCS #10 request.
    #[must_use]
    pub const fn csr(&self) -> &CertificationRequest {
        &self.request.csr
    }

    /// The key to be certified.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.request.key
    }

    /// The certificate that this request renews; `None` for an enrolment.
    #[must_use]
    pub const fn predecessor(&self) -> Option<&KnownCertificate> {
        match &self.authorisation {
            Authorisation::Renewal(predecessor) => Some(predecessor),
            Authorisation::Challenge | Authorisation::Approval => None,
        }
    }

    /// Turns a renewal by PKCSReq into an enrolment if its challengePassword equals the profile's;
    /// returns it unchanged otherwise. For requests whose names differ from those of the
    /// certificate that signed them: a device that is reset enrols again and signs with the
    /// certificate that it still has.
    #[must_use]
    pub fn into_enrolment(self, challenge: Option<&ChallengePassword>) -> Self {
        let is_pkcs_req = self.message().message_type() == MessageType::PkcsReq;
        let by_challenge = self
            .request
            .authorise_by_challenge(challenge)
            .filter(|_| is_pkcs_req);
        match by_challenge {
            Some(authorisation) => Self {
                authorisation,
                ..self
            },
            None => self,
        }
    }

    /// The fingerprint of the requester's key: for a renewal the key of the renewed certificate,
    /// for an enrolment the key to be certified. An enrolment stays the same request whichever key
    /// signs its message.
    #[must_use]
    pub fn requester_key(&self) -> Fingerprint {
        match &self.authorisation {
            Authorisation::Renewal(_) => self.message().signer_key(),
            Authorisation::Challenge | Authorisation::Approval => Fingerprint::of_key(self.key()),
        }
    }

    /// Step 10: whether an administrator has to approve the request. Renewals need no approval: the
    /// certificate that signs them was approved once.
    #[must_use]
    pub const fn needs_approval(&self, profile: &AvailableProfile) -> bool {
        match &self.authorisation {
            Authorisation::Renewal(_) => false,
            Authorisation::Challenge | Authorisation::Approval => {
                profile.scep_profile().require_manual_approval
            }
        }
    }

    /// The fingerprint by which a repetition of this request under the same profile is recognised.
    #[must_use]
    pub fn fingerprint(&self, profile: &AvailableProfile) -> RequestFingerprint {
        RequestFingerprint {
            ra_profile: profile.ra_profile().uuid,
            csr: Fingerprint::of(self.csr().der()),
            signer_class: match &self.authorisation {
                Authorisation::Renewal(_) => SignerClass::Certificate,
                Authorisation::Challenge => SignerClass::Challenge,
                Authorisation::Approval => SignerClass::Nobody,
            },
        }
    }
}

#[cfg(test)]
mod tests;
