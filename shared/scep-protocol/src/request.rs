//! A request on its way through the checks: each type here is proof that the one before it was checked.

use std::ops::Deref;

use scep_cms::{
    CertifiableKeys, CertificationRequest, ChallengePassword, ContentEncryption, ContentKey,
    IssuerAndSerialNumber, MessageType, PkcsPkiEnvelope, PublicKey,
};
use time::OffsetDateTime;

use crate::holder::renewable_from;
use crate::{
    AvailableProfile, CertificateTemplate, EnvelopeFault, Fingerprint, KnownCertificate, Refusal,
    RequestFingerprint, RuleViolation, SignedRequest, Signer, SignerClass, WrappedKey,
};

/// A request that is encrypted to us, as far as can be seen from outside, by a signer who may send it.
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

    /// The cipher that the content key is for.
    #[must_use]
    pub const fn cipher(&self) -> ContentEncryption {
        self.envelope.cipher()
    }

    /// Of the encrypted content key. Leading zeros, which RSA ignores, do not make it another one.
    #[must_use]
    pub fn encrypted_key(&self) -> Fingerprint {
        let octets = match &self.wrapped {
            WrappedKey::KeyTransport { encrypted_key, .. } => encrypted_key,
            WrappedKey::Password(recipient) => recipient.encrypted_key(),
        };
        let zeros = octets.iter().take_while(|octet| **octet == 0).count();
        Fingerprint::of(octets.get(zeros..).unwrap_or_default())
    }

    /// Of everything that the content key decrypts: cipher, initialization vector and ciphertext.
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

    /// Step 9: opens the envelope and verifies the signature of the PKCS #10 request in it.
    ///
    /// CBC has no integrity: an attacker may splice the encrypted key and the ciphertext of a
    /// captured message into a message of his own. Whatever he may learn of what became of it,
    /// padding, structure, key or signature, tells him the plaintext octet by octet. So there is
    /// one refusal for all of it, after the same number of public-key operations.
    ///
    /// # Errors
    /// [`Refusal::Envelope`] for whatever is not an intact request, with a reason for the log
    /// alone; [`Refusal::Csr`] for an intact request whose attributes contradict each other.
    pub fn open(
        self,
        key: &ContentKey,
        profile: &AvailableProfile,
    ) -> Result<EnrolmentRequest, Refusal> {
        let opened = self.read(key);
        let allow_proxy_signer = profile.scep_profile().allow_proxy_signer;
        let keys = self.signer.certifiable_keys(allow_proxy_signer);
        let proven = self.request.verified().verify_possession(
            opened.as_ref().ok(),
            keys,
            self.envelope.ciphertext(),
        );
        let csr = opened.map_err(Refusal::Envelope)?;
        let key = proven.ok_or_else(|| Refusal::Envelope(self.unproven(&csr, keys)))?;
        // Its digest is not the profile's affair: the signature proves possession inside of a signed message, and older
        // iOS signs with SHA-1 whatever is announced. Whoever enrols has one challengePassword; a renewal's is ignored.
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

    fn read(&self, key: &ContentKey) -> Result<CertificationRequest, EnvelopeFault> {
        let content = self.content(key)?;
        CertificationRequest::from_message_data(&content)
            .map_err(|fault| not_opened(key, EnvelopeFault::Structure(fault)))
    }

    fn content(&self, key: &ContentKey) -> Result<impl Deref<Target = Vec<u8>>, EnvelopeFault> {
        let content = self.envelope.open(key);
        content.map_err(|_| not_opened(key, EnvelopeFault::Padding))
    }

    /// Why a request that could be read is not proven to be its key's.
    fn unproven(&self, csr: &CertificationRequest, keys: CertifiableKeys) -> EnvelopeFault {
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

    /// The same for a GetCert or GetCRL: opens the envelope and reads which certificate is meant, RFC 8894 §3.3.4.
    ///
    /// # Errors
    /// [`Refusal::QueryEnvelope`] for whatever is none, which is answered like a certificate that
    /// is not known: a changed ciphertext that happens to open would be told from one that does not.
    pub fn open_query(&self, key: &ContentKey) -> Result<IssuerAndSerialNumber, Refusal> {
        let asked = self.content(key).and_then(|content| {
            IssuerAndSerialNumber::from_ber(&content)
                .map_err(|error| not_opened(key, EnvelopeFault::Query(error)))
        });
        asked.map_err(Refusal::QueryEnvelope)
    }

    /// The refusal of a message whose encrypted key came before with another ciphertext.
    #[must_use]
    pub fn reused(&self) -> Refusal {
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

/// The reason for the log: what is wrong with the key, if that is why nothing fits.
fn not_opened(key: &ContentKey, fault: EnvelopeFault) -> EnvelopeFault {
    EnvelopeFault::of_key(key.unwrap_outcome()).unwrap_or(fault)
}

/// On whose word a certificate is issued.
#[derive(Clone, Debug)]
enum Basis {
    /// The holder of this certificate renews it.
    Renewal(Box<KnownCertificate>),
    /// The challengePassword vouches for an enrolment.
    Challenge,
    /// An administrator is to approve an enrolment that nothing vouches for.
    Approval,
}

/// A request whose PKCS #10 request was read, and is signed with its own key.
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

    /// Steps 10 and 11: is this request authorised, and its key one that the RA Profile takes? It is a renewal
    /// when the holder of a certificate under this RA Profile signed it in time; a challengePassword in it is ignored.
    /// It is an enrolment by a challengePassword that equals the profile's, or by an administrator later.
    ///
    /// `challenge` is the profile's, opened.
    ///
    /// # Errors
    /// [`Refusal::EnrolmentNotAuthorised`], [`Refusal::Challenge`]; of renewals
    /// [`Refusal::SignerNotOurs`] and [`Refusal::RenewalTooEarly`]; [`Refusal::Rule`] for the key.
    pub fn authorise(
        self,
        profile: &AvailableProfile,
        challenge: Option<&ChallengePassword>,
        now: OffsetDateTime,
    ) -> Result<AuthorisedRequest, Refusal> {
        let message_type = self.request.message_type();
        let basis = match (message_type, &self.signer) {
            (MessageType::RenewalReq, Signer::Holder(predecessor)) => {
                renewal(predecessor, profile, now)?
            }
            // certmonger, sscep and Cisco renew by a PKCSReq that the old certificate signs.
            (MessageType::PkcsReq, Signer::Holder(predecessor)) => {
                renewal(predecessor, profile, now)
                    .or_else(|refusal| self.vouched(challenge).ok_or(refusal))?
            }
            (MessageType::PkcsReq, Signer::Former) => {
                self.vouched(challenge).ok_or(Refusal::SignerExpired)?
            }
            (MessageType::PkcsReq, Signer::Unknown) => self.enrolment(profile, challenge)?,
            (
                MessageType::RenewalReq
                | MessageType::CertRep
                | MessageType::CertPoll
                | MessageType::GetCert
                | MessageType::GetCrl,
                _,
            ) => return Err(Refusal::MessageType),
        };
        check_key(&self.key, &profile.ra_profile().template).map_err(Refusal::Rule)?;
        Ok(AuthorisedRequest {
            request: self,
            basis,
        })
    }

    /// An enrolment, if the challengePassword in the request is the profile's.
    fn vouched(&self, challenge: Option<&ChallengePassword>) -> Option<Basis> {
        let sent = self.csr.challenge_password()?;
        sent.matches(challenge?).then_some(Basis::Challenge)
    }

    fn enrolment(
        &self,
        profile: &AvailableProfile,
        challenge: Option<&ChallengePassword>,
    ) -> Result<Basis, Refusal> {
        if challenge.is_some() {
            return self.vouched(challenge).ok_or(Refusal::Challenge);
        }
        if profile.scep_profile().require_manual_approval {
            return Ok(Basis::Approval);
        }
        Err(Refusal::EnrolmentNotAuthorised)
    }
}

fn renewal(
    predecessor: &KnownCertificate,
    profile: &AvailableProfile,
    now: OffsetDateTime,
) -> Result<Basis, Refusal> {
    if predecessor.ra_profile != profile.ra_profile().uuid {
        return Err(Refusal::SignerNotOurs);
    }
    let validity = predecessor.certificate.validity();
    let validity = validity.map_err(|_| Refusal::SignerNotOurs)?;
    let from = renewable_from(validity, profile.scep_profile().renewal_threshold_days);
    if now < from {
        return Err(Refusal::RenewalTooEarly(from.date()));
    }
    Ok(Basis::Renewal(Box::new(predecessor.clone())))
}

/// A request that may have a certificate, if the rules make one and its transactionID is free.
pub struct AuthorisedRequest {
    request: EnrolmentRequest,
    basis: Basis,
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

    /// The certificate that it renews.
    #[must_use]
    pub const fn predecessor(&self) -> Option<&KnownCertificate> {
        match &self.basis {
            Basis::Renewal(predecessor) => Some(predecessor),
            Basis::Challenge | Basis::Approval => None,
        }
    }

    /// The request as the enrolment that a PKCSReq is which a certificate of ours signed for other names than its own, if
    /// the challengePassword in it is the profile's; unchanged otherwise. Devices enrol anew with what they have.
    #[must_use]
    pub fn into_enrolment(self, challenge: Option<&ChallengePassword>) -> Self {
        let is_pkcs_req = self.message().message_type() == MessageType::PkcsReq;
        match self.request.vouched(challenge).filter(|_| is_pkcs_req) {
            Some(basis) => Self { basis, ..self },
            None => self,
        }
    }

    /// Of the key whose request it is: that of the certificate that is renewed, or of an enrolment the key to be certified.
    /// Whoever signs the message of an enrolment, it is the same request.
    #[must_use]
    pub fn requester_key(&self) -> Fingerprint {
        match &self.basis {
            Basis::Renewal(_) => self.message().signer_key(),
            Basis::Challenge | Basis::Approval => Fingerprint::of_key(self.key()),
        }
    }

    /// Step 10: must an administrator approve it? Whoever renews was approved once.
    #[must_use]
    pub const fn needs_approval(&self, profile: &AvailableProfile) -> bool {
        match &self.basis {
            Basis::Renewal(_) => false,
            Basis::Challenge | Basis::Approval => profile.scep_profile().require_manual_approval,
        }
    }

    /// What makes another request under this profile the same one.
    #[must_use]
    pub fn fingerprint(&self, profile: &AvailableProfile) -> RequestFingerprint {
        RequestFingerprint {
            ra_profile: profile.ra_profile().uuid,
            csr: Fingerprint::of(self.csr().der()),
            signer_class: match &self.basis {
                Basis::Renewal(_) => SignerClass::Certificate,
                Basis::Challenge => SignerClass::Challenge,
                Basis::Approval => SignerClass::Nobody,
            },
        }
    }
}

/// Does the RA Profile take this key?
///
/// # Errors
/// The first rule that it breaks.
pub fn check_key(key: &PublicKey, template: &CertificateTemplate) -> Result<(), RuleViolation> {
    match key {
        PublicKey::Rsa { modulus_bits, .. } if *modulus_bits < template.rsa_min_bits => {
            Err(RuleViolation::RsaTooShort {
                bits: *modulus_bits,
                min_bits: template.rsa_min_bits,
            })
        }
        PublicKey::Ec { curve, .. } if !template.ec_curves.contains(curve) => {
            Err(RuleViolation::Curve(*curve))
        }
        PublicKey::Rsa { .. } | PublicKey::Ec { .. } => match key.weakness() {
            Some(weakness) => Err(RuleViolation::WeakKey(weakness)),
            None => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests;
