//! The types of a request as it passes the checks: each one proves that its predecessor's check
//! succeeded.

use ca::template::check_key;
use scep_cms::challenge::ChallengePassword;
use scep_cms::csr::CertificationRequest;
use scep_cms::message_type::MessageType;
use scep_cms::public_key::PublicKey;
use time::OffsetDateTime;

use crate::availability::AvailableProfile;
use crate::refusal::Refusal;
use crate::renewal_signer::{KnownCertificate, Signer, renewable_from};
use crate::signed_request::SignedRequest;
use crate::transaction::{Fingerprint, RequestFingerprint, SignerClass};

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
    pub(crate) request: SignedRequest,
    pub(crate) signer: Signer,
    pub(crate) csr: CertificationRequest,
    pub(crate) key: PublicKey,
}

impl EnrolmentRequest {
    /// The message.
    #[must_use]
    pub const fn message(&self) -> &SignedRequest {
        &self.request
    }

    /// Checks that the request is authorised and that the RA Profile accepts its key.
    ///
    /// A request is a renewal if the holder of a certificate under this RA Profile signed it and
    /// the certificate may be renewed; a challengePassword in it is ignored. Otherwise it is an
    /// enrolment, authorised by the profile's challengePassword or later by an administrator.
    ///
    /// `challenge` is the profile's decrypted challengePassword.
    ///
    /// # Errors
    /// [`Refusal::EnrolmentNotAuthorised`] or [`Refusal::Challenge`] for an enrolment;
    /// [`Refusal::SignerUnknown`] or [`Refusal::RenewalTooEarly`] for a renewal; [`Refusal::Rule`]
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
        // This check comes last: to look for weaknesses of an RSA key is costly, and only
        // authorised clients can ask for it.
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
        if profile.scep_profile().settings.require_manual_approval {
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
        return Err(Refusal::SignerUnknown);
    }
    let validity = predecessor
        .certificate
        .validity()
        .map_err(|_| Refusal::SignerUnknown)?;
    let from = renewable_from(
        validity,
        profile.scep_profile().settings.renewal_threshold_days,
    );
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

    /// Whether an administrator has to approve the request. Renewals need no approval: the
    /// certificate that signs them was approved once.
    #[must_use]
    pub const fn needs_approval(&self, profile: &AvailableProfile) -> bool {
        match &self.authorisation {
            Authorisation::Renewal(_) => false,
            Authorisation::Challenge | Authorisation::Approval => {
                profile.scep_profile().settings.require_manual_approval
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
