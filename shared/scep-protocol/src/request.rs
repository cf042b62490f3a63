//! A request on its way through the checks: each type here is proof that the one before it was checked.

use scep_cms::{
    CertificationRequest, ChallengePassword, ContentEncryption, ContentKey, IssuerAndSerialNumber,
    MessageType, PkcsPkiEnvelope, PublicKey, PublicKeyError,
};
use time::OffsetDateTime;

use crate::holder::renewable_from;
use crate::{
    AvailableProfile, CertificateTemplate, Fingerprint, Holder, KnownCertificate, Refusal,
    RequestFingerprint, RuleViolation, SignedRequest, SignerClass, WrappedKey,
};

/// A request that is encrypted to us, as far as can be seen from outside.
pub struct AddressedRequest {
    pub(crate) request: SignedRequest,
    pub(crate) envelope: PkcsPkiEnvelope,
    pub(crate) wrapped: WrappedKey,
}

impl AddressedRequest {
    fn read(&self, key: &ContentKey) -> Option<CertificationRequest> {
        let content = self.envelope.open(key).ok()?;
        CertificationRequest::from_der(&content).ok()
    }

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

    /// The second half of step 7, and step 8: opens the envelope, reads the PKCS #10 request in it, verifies that
    /// request's own signature and applies the RA Profile's rules for keys.
    ///
    /// Who copies a captured envelope, changes blocks of its CBC ciphertext and signs that with a key of his own must not
    /// learn what became of it: padding, structure and signature would tell him the plaintext octet by octet. So all
    /// that is told of a request by another key than the message's signer is whether it is intact, self-signature and all.
    ///
    /// # Errors
    /// [`Refusal::Envelope`] for whatever is not an intact request, without saying why; the failed check for a request
    /// of the signer's own key, which a stranger has only if he can change a captured key into one that he can factor.
    pub fn open(
        self,
        key: &ContentKey,
        profile: &AvailableProfile,
    ) -> Result<EnrolmentRequest, Refusal> {
        let Some(csr) = self.read(key) else {
            // The work that a request of the same key which could be read would take: time is not to tell what went wrong.
            self.request.verify_again();
            return Err(Refusal::Envelope);
        };
        if !csr_is_of(&csr, self.request.signer_public_key()) && csr.verify().is_err() {
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
            csr,
            key,
        })
    }

    /// The same for a GetCert or GetCRL: opens the envelope and reads which certificate is meant, RFC 8894 §3.3.4.
    ///
    /// # Errors
    /// [`Refusal::UnknownCertificate`] for whatever is none, as for a certificate that is not known: a changed ciphertext that happens
    /// to open would be told from one that does not.
    pub fn open_query(&self, key: &ContentKey) -> Result<IssuerAndSerialNumber, Refusal> {
        let content = self.envelope.open(key);
        let content = content.map_err(|_| Refusal::UnknownCertificate)?;
        IssuerAndSerialNumber::from_der(&content).map_err(|_| Refusal::UnknownCertificate)
    }

    /// The message.
    #[must_use]
    pub const fn message(&self) -> &SignedRequest {
        &self.request
    }
}

/// On whose word a certificate is issued.
#[derive(Clone, Debug)]
enum Basis {
    /// The holder of this certificate renews it.
    Renewal(Box<KnownCertificate>),
    /// Whoever knows the challengePassword, or is approved, enrols.
    Enrolment,
}

/// A request whose PKCS #10 request was read, and is signed with its own key.
pub struct EnrolmentRequest {
    request: SignedRequest,
    csr: CertificationRequest,
    key: PublicKey,
}

impl EnrolmentRequest {
    /// The message.
    #[must_use]
    pub const fn message(&self) -> &SignedRequest {
        &self.request
    }

    /// Step 9: is this request authorised? A renewal by the certificate that signed it, which the inventory must know as good; an
    /// enrolment by a challengePassword that equals the profile's, or by an administrator later.
    ///
    /// `challenge` is the profile's, opened. `known` is what the inventory says of the signer's certificate, if that names
    /// this authority as its issuer.
    ///
    /// # Errors
    /// [`Refusal::SignerIsNotSubject`], [`Refusal::EnrolmentNotAuthorised`], [`Refusal::Challenge`];
    /// of renewals [`Refusal::RenewalTooEarly`] and those of [`Holder::of`].
    pub fn authorise(
        self,
        profile: &AvailableProfile,
        challenge: Option<&ChallengePassword>,
        known: Option<KnownCertificate>,
        now: OffsetDateTime,
    ) -> Result<AuthorisedRequest, Refusal> {
        let names_us = self.request.signer_serial_number(profile).is_some();
        let basis = match self.request.message_type() {
            // certmonger, sscep and Cisco renew by a PKCSReq that the old certificate signs.
            MessageType::RenewalReq => self.renewal(profile, challenge, known, now)?,
            MessageType::PkcsReq if !names_us => self.enrolment(profile, challenge)?,
            MessageType::PkcsReq => self.renewal(profile, challenge, known, now)?,
            MessageType::CertRep
            | MessageType::CertPoll
            | MessageType::GetCert
            | MessageType::GetCrl => return Err(Refusal::MessageType),
        };
        Ok(AuthorisedRequest {
            request: self,
            basis,
        })
    }

    fn renewal(
        &self,
        profile: &AvailableProfile,
        challenge: Option<&ChallengePassword>,
        known: Option<KnownCertificate>,
        now: OffsetDateTime,
    ) -> Result<Basis, Refusal> {
        let predecessor = Holder::of(self.request.signer(), known, now)?.certificate();
        if predecessor.ra_profile != profile.ra_profile().uuid {
            return Err(Refusal::SignerNotOurs);
        }
        let validity = predecessor.certificate.validity();
        let validity = validity.map_err(|_| Refusal::SignerNotOurs)?;
        let threshold = profile.scep_profile().renewal_threshold_days;
        let from = renewable_from(validity, threshold);
        if now < from {
            return Err(Refusal::RenewalTooEarly(from.date()));
        }
        // Not needed; but who sends one must know it.
        if let (Some(challenge), Some(sent)) = (challenge, self.csr.challenge_password())
            && !sent.matches(challenge)
        {
            return Err(Refusal::Challenge);
        }
        Ok(Basis::Renewal(Box::new(predecessor)))
    }

    fn enrolment(
        &self,
        profile: &AvailableProfile,
        challenge: Option<&ChallengePassword>,
    ) -> Result<Basis, Refusal> {
        if *self.request.signer_public_key() != self.key {
            return Err(Refusal::SignerIsNotSubject);
        }
        match (challenge, self.csr.challenge_password()) {
            (None, _) if !profile.scep_profile().require_manual_approval => {
                Err(Refusal::EnrolmentNotAuthorised)
            }
            (Some(challenge), Some(sent)) if sent.matches(challenge) => Ok(Basis::Enrolment),
            (Some(_), _) => Err(Refusal::Challenge),
            (None, _) => Ok(Basis::Enrolment),
        }
    }
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
            Basis::Enrolment => None,
        }
    }

    /// Step 10: must an administrator approve it? Whoever renews was approved once.
    #[must_use]
    pub const fn needs_approval(&self, profile: &AvailableProfile) -> bool {
        match &self.basis {
            Basis::Renewal(_) => false,
            Basis::Enrolment => profile.scep_profile().require_manual_approval,
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
                Basis::Enrolment => SignerClass::OwnKey,
            },
        }
    }
}

/// Is it this key that the request asks a certificate for?
fn csr_is_of(csr: &CertificationRequest, signer: &PublicKey) -> bool {
    PublicKey::from_der(csr.subject_public_key_info()).is_ok_and(|key| key == *signer)
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
