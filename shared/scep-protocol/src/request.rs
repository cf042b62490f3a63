//! The types of a request as it passes the checks: each one proves that its predecessor's check
//! succeeded.

use ca::template::{check_key, check_key_size};
use ca::vouched_names::VouchedNames;
use scep_cms::csr::CertificationRequest;
use scep_cms::message_type::MessageType;
use scep_cms::public_key::PublicKey;
use time::OffsetDateTime;

use crate::availability::AvailableProfile;
use crate::one_time_challenge::OneTimeChallenge;
use crate::refusal::Refusal;
use crate::renewal_signer::{KnownCertificate, Signer, renewable_from};
use crate::signed_request::SignedRequest;
use crate::transaction::{Fingerprint, RequestFingerprint, SignerClass};
use crate::vouched::Vouched;
use crate::vouching::Vouching;

/// What authorises a certificate.
#[derive(Clone, Debug)]
enum Authorisation {
    /// A renewal, signed by the holder of this certificate.
    Renewal(Box<KnownCertificate>),
    /// An enrolment that a challenge source vouches for.
    Vouched(Box<Vouched>),
    /// An enrolment without a credential, which an administrator has to approve.
    Approval,
    /// An enrolment that a challenge source vouched for when it was first received. It gets what
    /// was decided then, and claims nothing.
    Repeat,
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

    /// The PKCS #10 request.
    #[must_use]
    pub const fn csr(&self) -> &CertificationRequest {
        &self.csr
    }

    /// The key to be certified.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The fingerprint by which a repetition of this request is recognised after a challenge source
    /// vouched for it.
    #[must_use]
    pub fn fingerprint(&self, profile: &AvailableProfile) -> RequestFingerprint {
        RequestFingerprint {
            ra_profile: profile.ra_profile().uuid,
            csr: Fingerprint::of(self.csr.der()),
            signer_class: SignerClass::Challenge,
        }
    }

    /// Decides whether the request is a renewal or an enrolment.
    ///
    /// A request is a renewal if the holder of a certificate under this RA Profile signed it and
    /// the certificate may be renewed; a challengePassword in it is ignored. Otherwise it is an
    /// enrolment, which a challenge source or later an administrator has to authorise.
    ///
    /// # Errors
    /// [`Refusal::SignerUnknown`] or [`Refusal::RenewalTooEarly`] for a renewal that cannot be an
    /// enrolment; [`Refusal::Rule`] for the key of a renewal.
    pub fn classify(
        self,
        profile: &AvailableProfile,
        now: OffsetDateTime,
    ) -> Result<ClassifiedRequest, Refusal> {
        let message_type = self.request.message_type();
        let otherwise = match (message_type, &self.signer) {
            (MessageType::RenewalReq, Signer::Holder(predecessor)) => {
                let authorisation = authorise_renewal(predecessor, profile, now)?;
                return self.into_renewal(authorisation, profile);
            }
            // certmonger, sscep and Cisco renew by a PKCSReq that the old certificate signs.
            // Devices that were reset sign with the certificate that they still have, so a PKCSReq
            // that is no valid renewal may be an enrolment.
            (MessageType::PkcsReq, Signer::Holder(predecessor)) => {
                match authorise_renewal(predecessor, profile, now) {
                    Ok(authorisation) => return self.into_renewal(authorisation, profile),
                    Err(refusal) => Some(refusal),
                }
            }
            (MessageType::PkcsReq, Signer::Former) => Some(Refusal::SignerExpired),
            (MessageType::PkcsReq, Signer::Unknown) => None,
            (
                MessageType::RenewalReq
                | MessageType::CertRep
                | MessageType::CertPoll
                | MessageType::GetCert
                | MessageType::GetCrl,
                _,
            ) => return Err(Refusal::MessageType),
        };
        Ok(ClassifiedRequest::Enrolment(UnvouchedRequest {
            request: self,
            otherwise,
        }))
    }

    fn into_renewal(
        self,
        authorisation: Authorisation,
        profile: &AvailableProfile,
    ) -> Result<ClassifiedRequest, Refusal> {
        AuthorisedRequest::new(self, authorisation, profile).map(ClassifiedRequest::Renewal)
    }
}

/// A request that is known to be a renewal or an enrolment.
pub enum ClassifiedRequest {
    /// The request renews a certificate.
    Renewal(AuthorisedRequest),
    /// The request enrols.
    Enrolment(UnvouchedRequest),
}

/// An enrolment that nobody has vouched for yet.
pub struct UnvouchedRequest {
    request: EnrolmentRequest,
    /// The refusal of the renewal that the request could have been instead.
    otherwise: Option<Refusal>,
}

impl UnvouchedRequest {
    /// The request to show to the challenge sources; `None` when nobody is to be asked, because an
    /// administrator alone decides.
    ///
    /// # Errors
    /// [`Refusal::EnrolmentNotAuthorised`] if the profile has nothing that authorises an enrolment,
    /// or the refusal of the renewal that the request could have been.
    pub fn to_be_vouched(
        &self,
        profile: &AvailableProfile,
    ) -> Result<Option<&EnrolmentRequest>, Refusal> {
        let has_challenge = self.request.csr.challenge_password().is_some();
        if let Some(refusal) = self.otherwise.as_ref().filter(|_| !has_challenge) {
            return Err(refusal.clone());
        }
        let scep_profile = profile.scep_profile();
        if !scep_profile.challenge_sources().is_empty() {
            return Ok(Some(&self.request));
        }
        // Where the profile has a source, manual approval comes in addition to it and never
        // instead of it.
        match (
            &self.otherwise,
            scep_profile.settings.require_manual_approval,
        ) {
            (Some(refusal), _) => Err(refusal.clone()),
            (None, true) => Ok(None),
            (None, false) => Err(Refusal::EnrolmentNotAuthorised),
        }
    }

    /// The request.
    #[must_use]
    pub const fn request(&self) -> &EnrolmentRequest {
        &self.request
    }

    /// Authorises the request by a challenge source, or by an administrator's approval to come.
    ///
    /// # Errors
    /// [`Refusal::Rule`] for the key.
    pub fn authorise(
        self,
        vouched: Option<Vouched>,
        profile: &AvailableProfile,
    ) -> Result<AuthorisedRequest, Refusal> {
        let authorisation = vouched.map_or(Authorisation::Approval, |vouched| {
            Authorisation::Vouched(Box::new(vouched))
        });
        AuthorisedRequest::new(self.request, authorisation, profile)
    }

    /// Turns the request into a repetition of one that was decided before.
    ///
    /// # Errors
    /// [`Refusal::Rule`] for the key.
    pub fn into_repeat(self, profile: &AvailableProfile) -> Result<AuthorisedRequest, Refusal> {
        AuthorisedRequest::new(self.request, Authorisation::Repeat, profile)
    }

    /// The refusal of the request when its sources refuse it: that of the renewal that it could
    /// have been, if there is one.
    #[must_use]
    pub fn refuse(self, refusal: Refusal) -> Refusal {
        self.otherwise.unwrap_or(refusal)
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
    fn new(
        request: EnrolmentRequest,
        authorisation: Authorisation,
        profile: &AvailableProfile,
    ) -> Result<Self, Refusal> {
        let template = &profile.ra_profile().template;
        // This check comes last: to look for weaknesses of an RSA key is costly, and only
        // authorised clients can ask for it.
        match authorisation {
            // Anybody can send such a request. Its key is checked once an administrator approves.
            Authorisation::Approval => check_key_size(&request.key, template),
            Authorisation::Renewal(_) | Authorisation::Vouched(_) | Authorisation::Repeat => {
                check_key(&request.key, template)
            }
        }
        .map_err(Refusal::Rule)?;
        Ok(Self {
            request,
            authorisation,
        })
    }

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
            Authorisation::Vouched(_) | Authorisation::Approval | Authorisation::Repeat => None,
        }
    }

    /// The names that a challenge source vouches for, or vouched for when it was asked about the
    /// certificate to be renewed.
    #[must_use]
    pub fn vouched_names(&self) -> Option<&VouchedNames> {
        match &self.authorisation {
            Authorisation::Renewal(predecessor) => predecessor
                .vouching
                .as_ref()
                .map(|vouching| &vouching.names),
            Authorisation::Vouched(vouched) => Some(&vouched.names),
            Authorisation::Approval | Authorisation::Repeat => None,
        }
    }

    /// What an administrator who approves the request vouches for: the names that a source vouches
    /// for, and the security identifier of the request unless the source names one. `None` if that
    /// is nothing.
    #[must_use]
    pub fn vouching_by_approval(&self) -> Option<Vouching> {
        let vouching = self.vouching();
        let by_source = vouching.clone().unwrap_or_default();
        let names = by_source.names.with_sid_of_request(self.csr().extensions());
        if names == by_source.names {
            return vouching;
        }
        Some(Vouching { names, ..by_source })
    }

    /// What the record of the certificate keeps of the source that vouched.
    #[must_use]
    pub fn vouching(&self) -> Option<Vouching> {
        match &self.authorisation {
            Authorisation::Renewal(predecessor) => {
                predecessor.vouching.as_ref().map(Vouching::of_renewal)
            }
            Authorisation::Vouched(vouched) => Some(Vouching::from(&**vouched)),
            Authorisation::Approval | Authorisation::Repeat => None,
        }
    }

    /// The one-time challenge, a use of which the claim takes.
    #[must_use]
    pub fn one_time_challenge(&self) -> Option<&OneTimeChallenge> {
        match &self.authorisation {
            Authorisation::Vouched(vouched) => vouched.challenge.as_deref(),
            Authorisation::Renewal(_) | Authorisation::Approval | Authorisation::Repeat => None,
        }
    }

    /// Whether the request only gets what was decided about it before.
    #[must_use]
    pub const fn is_repeat(&self) -> bool {
        matches!(self.authorisation, Authorisation::Repeat)
    }

    /// The request that this renewal could be as an enrolment: one by PKCSReq that has a
    /// challengePassword. For requests whose names differ from those of the certificate that signed
    /// them: a device that is reset enrols again and signs with the certificate that it still has.
    #[must_use]
    pub fn as_enrolment(&self) -> Option<&EnrolmentRequest> {
        let is_pkcs_req = self.message().message_type() == MessageType::PkcsReq;
        let has_challenge = self.csr().challenge_password().is_some();
        (is_pkcs_req && has_challenge).then_some(&self.request)
    }

    /// Turns a renewal into an enrolment that a source vouches for.
    #[must_use]
    pub fn into_enrolment(self, vouched: Vouched) -> Self {
        Self {
            authorisation: Authorisation::Vouched(Box::new(vouched)),
            ..self
        }
    }

    /// The fingerprint of the requester's key: for a renewal the key of the renewed certificate,
    /// for an enrolment the key to be certified. An enrolment stays the same request whichever key
    /// signs its message.
    #[must_use]
    pub fn requester_key(&self) -> Fingerprint {
        match &self.authorisation {
            Authorisation::Renewal(_) => self.message().signer_key(),
            Authorisation::Vouched(_) | Authorisation::Approval | Authorisation::Repeat => {
                Fingerprint::of_key(self.key())
            }
        }
    }

    /// Whether an administrator has to approve the request. Renewals need no approval: the
    /// certificate that signs them was approved once.
    #[must_use]
    pub const fn needs_approval(&self, profile: &AvailableProfile) -> bool {
        let is_required = profile.scep_profile().settings.require_manual_approval;
        match &self.authorisation {
            Authorisation::Renewal(_) => false,
            Authorisation::Vouched(vouched) => is_required || vouched.hold,
            Authorisation::Approval => is_required,
            // Whether the first one waits is in its transaction.
            Authorisation::Repeat => true,
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
                Authorisation::Vouched(_) | Authorisation::Repeat => SignerClass::Challenge,
                Authorisation::Approval => SignerClass::Nobody,
            },
        }
    }
}

#[cfg(test)]
mod tests;
