//! The profiles that administrators create: RA Profiles say what may be issued, SCEP Profiles how
//! SCEP is spoken.

use std::collections::BTreeSet;

use ca::bounded_text::Description;
use ca::id::AuthorityUuid;
use ca::profile_name::ProfileName;
use ca::template::CertificateTemplate;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use crate::annotations::{Annotations, Attributes};
use crate::challenge_traits::ChallengeTraits;
use crate::id::{RaCertificateUuid, RaProfileUuid, ScepProfileUuid};
use crate::sealed_secret::SealedSecret;
use crate::vouching::ChallengeSourceKind;

/// The SCEP endpoint that received a request, of one of two kinds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EndpointName {
    /// `/scep/{scepProfileName}`: the SCEP Profile of this name with its default RA Profile.
    ScepProfile(ProfileName),
    /// `/scep/raProfile/{raProfileName}`: the RA Profile of this name with the SCEP Profile that is
    /// activated on it.
    RaProfile(ProfileName),
}

/// The policy for issuing certificates: an authority and a certificate template.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RaProfile {
    /// The profile's identity in links.
    pub uuid: RaProfileUuid,
    /// The profile's name, unique among RA Profiles.
    pub name: ProfileName,
    /// An administrator's notes.
    pub description: Description,
    /// Whether the profile serves clients.
    pub enabled: bool,
    /// The authority that issues the profile's certificates.
    pub authority: AuthorityUuid,
    /// The SCEP Profile that is activated on the profile.
    pub scep: Option<ScepActivation>,
    /// The rules for the profile's certificates.
    pub template: CertificateTemplate,
}

/// The activation of SCEP on an RA Profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScepActivation {
    /// The SCEP Profile.
    pub scep_profile: ScepProfileUuid,
    /// Attributes for the record of each certificate issued at the RA Profile's own endpoint.
    pub issue_certificate_attributes: Attributes,
}

/// The settings of the SCEP protocol: credentials, algorithms and forms of replies.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScepProfile {
    /// The profile's identity in links.
    pub uuid: ScepProfileUuid,
    /// The profile's name, unique among SCEP Profiles.
    pub name: ProfileName,
    /// An administrator's notes.
    pub description: Description,
    /// Whether the profile serves clients.
    pub enabled: bool,
    /// The default RA Profile.
    pub ra_profile: Option<RaProfileUuid>,
    /// The RA certificate that GetCACert returns and whose key the profile uses.
    pub ra_certificate: RaCertificateUuid,
    /// The challengePassword that authorises enrolments.
    pub challenge: Option<SealedSecret>,
    /// The traits of the challengePassword, noted when it is set; `None` without one, or if an
    /// earlier version set it, which did not note them.
    #[serde(default)]
    pub challenge_traits: Option<ChallengeTraits>,
    /// The key of the digests of the profile's one-time challenges, made when that source is first
    /// chosen.
    #[serde(default)]
    pub challenge_key: Option<SealedSecret>,
    /// The sources that vouch for enrolments, as an administrator chose them; `None` for the
    /// challengePassword alone. [`Self::challenge_sources`] has what serves.
    #[serde(default)]
    pub chosen_sources: Option<BTreeSet<ChallengeSourceKind>>,
    /// The settings that do not depend on other objects.
    #[serde(flatten)]
    pub settings: ScepSettings,
    /// Settings for Intune's validation of challenges.
    pub intune: IntuneSettings,
    /// The administrator's service that vouches for enrolments and hears of what became of them.
    #[serde(default)]
    pub webhook: Option<WebhookSettings>,
    /// The annotations to write to the record of each certificate.
    pub annotations: Annotations,
}

impl ScepProfile {
    /// The sources that vouch for enrolments, in the order in which they are asked.
    #[must_use]
    pub fn challenge_sources(&self) -> BTreeSet<ChallengeSourceKind> {
        let default = || self.challenge.as_ref().map(|_| ChallengeSourceKind::Static);
        match &self.chosen_sources {
            Some(chosen) => chosen.clone(),
            None => default().into_iter().collect(),
        }
    }

    /// Whether a service is asked about enrolments.
    #[must_use]
    pub fn asks_services(&self) -> bool {
        let has_gate = self.webhook.as_ref().is_some_and(|webhook| webhook.gate);
        let services = [ChallengeSourceKind::Intune, ChallengeSourceKind::Webhook];
        has_gate || !self.challenge_sources().is_disjoint(&services.into())
    }
}

/// The settings of a SCEP Profile whose values are independent of other settings and objects.
///
/// In stored form they are fields of the profile.
// A setting that this struct gains needs `#[serde(default)]`, because an earlier version wrote the
// profile. The others have none: a profile that lost one is corrupt, and must not be read with less
// security than it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScepSettings {
    /// How many days before its expiry a certificate may be renewed. With `None` or 0, it may be
    /// renewed in the second half of its validity.
    pub renewal_threshold_days: Option<u32>,
    /// Whether every enrolment waits for an administrator.
    pub require_manual_approval: bool,
    /// Whether a message may be signed by a key other than that of the request in it. For devices
    /// that enrol through a proxy, or whose key cannot sign messages.
    #[serde(default)]
    pub allow_proxy_signer: bool,
    /// Whether a CertRep carries the issuer's certificate after the leaf.
    pub include_ca_certificate: bool,
    /// Whether a CertRep carries the issuer's certificate and its whole chain after the leaf.
    pub include_ca_certificate_chain: bool,
    /// The certificates that GetCACert returns.
    pub ca_certificate_form: CaCertificateForm,
    /// Whether SHA-1 and triple DES are allowed and announced.
    pub legacy_algorithms: bool,
}

impl ScepSettings {
    /// The settings of a new profile.
    #[must_use]
    pub fn initial() -> Self {
        Self {
            // Many devices in the field support nothing newer.
            legacy_algorithms: true,
            ..Self::default()
        }
    }
}

/// The application by which Microsoft Intune validates challenges.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IntuneSettings {
    /// The Entra tenant.
    pub tenant: Option<String>,
    /// The id of the application.
    pub application_id: Option<String>,
    /// The secret of the application.
    pub application_key: Option<SealedSecret>,
    /// How the application proves its identity to Entra.
    #[serde(default)]
    pub credential: IntuneCredential,
}

/// How the application that asks Intune proves its identity to Entra.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IntuneCredential {
    /// By its secret.
    #[default]
    Secret,
    /// By an assertion that a key of this deployment signs, as a federated credential.
    Federated,
}

/// A service of the administrator's that is asked about enrolments, or told what became of them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookSettings {
    /// The URL, which begins with `https:`, or with `http:` and a host of the loopback interface.
    pub url: String,
    /// The secret that signs requests, by the Standard Webhooks specification.
    pub secret: SealedSecret,
    /// How long the service may take to answer, in seconds.
    pub timeout_seconds: u8,
    /// Whether the service is asked about every enrolment, also if another source vouches for it.
    pub gate: bool,
    /// The events that the service is told of.
    pub notify: BTreeSet<NotificationKind>,
}

/// An event that a webhook can be told of.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, VariantArray,
)]
#[serde(rename_all = "camelCase")]
pub enum NotificationKind {
    /// A certificate was issued.
    Issued,
    /// An enrolment or renewal was refused.
    Refused,
    /// A certificate was revoked.
    Revoked,
}

/// The certificates that GetCACert returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "camelCase")]
pub enum CaCertificateForm {
    /// The RA certificate, then the authority's, then its chain.
    #[default]
    Chain,
    /// The RA certificate alone.
    RaOnly,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::availability::tests::build_configuration;

    #[test]
    fn settings_are_stored_among_the_fields_of_the_profile() {
        let mut profile = build_configuration().scep_profile.unwrap();
        profile.settings.allow_proxy_signer = true;
        profile.settings.renewal_threshold_days = Some(30);
        profile.settings.ca_certificate_form = CaCertificateForm::RaOnly;
        let mut stored = serde_json::to_value(&profile).unwrap();
        assert_eq!(stored["allowProxySigner"], true);
        assert_eq!(stored["renewalThresholdDays"], 30);
        assert_eq!(stored["caCertificateForm"], "raOnly");
        let read: ScepProfile = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(read.settings, profile.settings);
        stored.as_object_mut().unwrap().remove("allowProxySigner");
        let read: ScepProfile = serde_json::from_value(stored.clone()).unwrap();
        assert!(!read.settings.allow_proxy_signer);
        // A profile that lost a setting is not read with less security than it was given.
        stored
            .as_object_mut()
            .unwrap()
            .remove("requireManualApproval");
        assert!(serde_json::from_value::<ScepProfile>(stored).is_err());
    }
}
