//! Warnings about unwise settings of profiles. Administrators see them; no request is refused
//! because of them.

use std::collections::BTreeSet;
use std::fmt;
use std::fmt::{Display, Formatter};

use ca::key_algorithm::KeyAlgorithm;
use ca::template::{CertificateTemplate, ExtendedKeyUsage, SubjectAltNameType, SubjectAttribute};

use crate::challenge_traits::MIN_CHALLENGE_CHARACTERS;
use crate::profile::{CaCertificateForm, RaProfile, ScepProfile};
use crate::vouching::ChallengeSourceKind;

/// A setting that is allowed but unwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// The challengePassword has characters that Windows cannot send.
    ChallengeCharacters,
    /// The challengePassword is short enough to be guessed.
    ChallengeShort,
    /// The challengePassword was set before its traits were noted.
    ChallengeUnjudged,
    /// GetCACert returns a certificate with an EC key, to which nothing can be encrypted.
    /// micromdm's scepclient tries to.
    EcAuthority,
    /// Every holder of the challengePassword may choose the identity in its certificate.
    Identities {
        /// The name of the RA Profile that allows it.
        ra_profile: String,
        /// Whether clients may choose the CN.
        common_name: bool,
        /// The types of names that clients may choose.
        types: Vec<SubjectAltNameType>,
    },
    /// Types of names that are allowed but never accepted, because they lack the pattern that they
    /// need.
    UnboundTypes(Vec<SubjectAltNameType>),
    /// The shared challengePassword authorises enrolments beside the one-time challenges.
    SharedBesideOneTime,
    /// A device can choose the purpose of its certificate by its URL. Holds the names of the RA
    /// Profiles, each with its extendedKeyUsage.
    Usages(Vec<(String, BTreeSet<String>)>),
    /// Purposes by which a device speaks for the authority or for others, in a template of an
    /// earlier version.
    UnfitUsages(Vec<ExtendedKeyUsage>),
    /// Intune is asked before the webhook, and its no is final.
    WebhookBehindIntune,
    /// The webhook is asked about nothing and told of nothing.
    WebhookIdle,
}

impl Display for Warning {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChallengeCharacters => f.write_str(
                "challengePassword: it holds characters that Windows cannot send: any but letters, digits, space and those of \
                 '()+,-./:=? (a PrintableString).",
            ),
            Self::ChallengeShort => write!(
                f,
                "challengePassword: it has fewer than {MIN_CHALLENGE_CHARACTERS} characters, and can be guessed."
            ),
            Self::ChallengeUnjudged => f.write_str(
                "challengePassword: it was set before its length was noted; set it again to have it checked.",
            ),
            Self::EcAuthority => f.write_str(
                "caCertificateForm: the authority has an EC key, and some clients encrypt to every certificate that GetCACert shows; \
                 raOnly leaves it out.",
            ),
            Self::Identities {
                ra_profile,
                common_name,
                types,
            } => {
                let mut free = Vec::new();
                if *common_name {
                    free.push("the CN (subject.commonNamePattern)".to_owned());
                }
                if !types.is_empty() {
                    free.push(format!("names of type {} (subjectAltName.patterns)", join_names(types)));
                }
                write!(
                    f,
                    "RA Profile {ra_profile}: every holder of the shared challengePassword may choose {}, and so impersonate anyone; \
                     set patterns, or requireManualApproval.",
                    free.join(" and ")
                )
            }
            Self::SharedBesideOneTime => f.write_str(
                "challengeSources: the shared challengePassword also authorises enrolments, whatever their names; leave STATIC out once \
                 every device has a one-time challenge.",
            ),
            Self::UnboundTypes(types) => write!(
                f,
                "subjectAltName.types: {} has no pattern in subjectAltName.patterns, so no such name is issued.",
                join_names(types)
            ),
            Self::UnfitUsages(usages) => write!(
                f,
                "extendedKeyUsage: {} makes a device speak for the authority or for others; leave it out.",
                join_names(usages)
            ),
            Self::WebhookBehindIntune => f.write_str(
                "challengeSources: Intune's no is final, so WEBHOOK is not asked after it; set webhook.gate to have it asked too.",
            ),
            Self::WebhookIdle => f.write_str(
                "webhook: it is neither asked nor told anything; add WEBHOOK to challengeSources, or set webhook.gate or webhook.notify.",
            ),
            Self::Usages(usages) => {
                f.write_str("The SCEP Profile leads to RA Profiles with different extendedKeyUsage, between which a device chooses by its URL:")?;
                for (at, (name, usages)) in usages.iter().enumerate() {
                    let names: Vec<_> = usages.iter().map(String::as_str).collect();
                    let purposes = if names.is_empty() { "none".to_owned() } else { names.join(" ") };
                    write!(f, "{} {name} ({purposes})", if at == 0 { "" } else { "," })?;
                }
                f.write_str(".")
            }
        }
    }
}

fn join_names(items: &[impl Display]) -> String {
    let names: Vec<_> = items.iter().map(ToString::to_string).collect();
    names.join(", ")
}

impl ScepProfile {
    /// The warnings about the profile, given the RA Profiles that it [leads to](Self::leads_to) and
    /// the key of the authority that issued its RA certificate.
    #[must_use]
    pub fn warnings(
        &self,
        ra_profiles: &[&RaProfile],
        authority_key: Option<KeyAlgorithm>,
    ) -> Vec<Warning> {
        let mut warnings = self.source_warnings();
        if self
            .challenge_sources()
            .contains(&ChallengeSourceKind::Static)
        {
            match self.challenge_traits {
                None => warnings.push(Warning::ChallengeUnjudged),
                Some(traits) => {
                    if traits.is_short {
                        warnings.push(Warning::ChallengeShort);
                    }
                    if traits.is_unfit_for_windows {
                        warnings.push(Warning::ChallengeCharacters);
                    }
                }
            }
        }
        let is_ec = authority_key.is_some_and(KeyAlgorithm::is_ec);
        // With `RaOnly` clients see no certificate but the RA's, whose key is always RSA.
        if is_ec && self.settings.ca_certificate_form != CaCertificateForm::RaOnly {
            warnings.push(Warning::EcAuthority);
        }
        if self.lets_in_by_challenge_alone() {
            warnings.extend(
                ra_profiles
                    .iter()
                    .filter_map(|found| found.identity_warning()),
            );
        }
        warnings.extend(usage_warning(ra_profiles));
        warnings
    }

    /// Whether devices can reach this RA Profile through this SCEP Profile: as its default, or
    /// because it is activated on the RA Profile.
    #[must_use]
    pub fn leads_to(&self, ra_profile: &RaProfile) -> bool {
        let activated = ra_profile.scep.as_ref().map(|scep| scep.scep_profile);
        self.ra_profile == Some(ra_profile.uuid) || activated == Some(self.uuid)
    }

    /// Whether the challengePassword alone is enough to enrol.
    fn lets_in_by_challenge_alone(&self) -> bool {
        let is_gated = self.webhook.as_ref().is_some_and(|webhook| webhook.gate);
        self.challenge_sources()
            .contains(&ChallengeSourceKind::Static)
            && !self.settings.require_manual_approval
            && !is_gated
    }

    /// The warnings about who vouches for enrolments.
    fn source_warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let sources = self.challenge_sources();
        let has = |kind| sources.contains(&kind);
        if has(ChallengeSourceKind::OneTime) && has(ChallengeSourceKind::Static) {
            warnings.push(Warning::SharedBesideOneTime);
        }
        if let Some(webhook) = &self.webhook
            && !webhook.gate
        {
            if has(ChallengeSourceKind::Webhook) && has(ChallengeSourceKind::Intune) {
                warnings.push(Warning::WebhookBehindIntune);
            }
            if !has(ChallengeSourceKind::Webhook) && webhook.notify.is_empty() {
                warnings.push(Warning::WebhookIdle);
            }
        }
        warnings
    }
}

impl RaProfile {
    /// The warnings about the profile, given the SCEP Profiles that [lead
    /// to](ScepProfile::leads_to) it. Without any, the profile is judged as if one with a
    /// challengePassword led to it.
    #[must_use]
    pub fn warnings(&self, scep_profiles: &[&ScepProfile]) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let unbound: Vec<_> = self.template.subject_alt_name.unbound_types().collect();
        if !unbound.is_empty() {
            warnings.push(Warning::UnboundTypes(unbound));
        }
        let unfit: Vec<_> = self.template.unfit_usages().collect();
        if !unfit.is_empty() {
            warnings.push(Warning::UnfitUsages(unfit));
        }
        // An RA Profile is usually created before SCEP is activated on it, and should not lose its
        // warning by that.
        let mut by_challenge = scep_profiles.iter();
        if scep_profiles.is_empty() || by_challenge.any(|found| found.lets_in_by_challenge_alone())
        {
            warnings.extend(self.identity_warning());
        }
        warnings
    }

    /// Warns if the template lets clients choose the identity that they log on with.
    fn identity_warning(&self) -> Option<Warning> {
        let template = &self.template;
        let common_name = is_common_name_free(template);
        let types = unrestricted_types(template);
        (is_for_clients(template) && (common_name || !types.is_empty())).then(|| {
            Warning::Identities {
                ra_profile: self.name.to_string(),
                common_name,
                types,
            }
        })
    }
}

/// Whether a certificate of this template can log its holder on. Without extendedKeyUsage, a
/// certificate is valid for every purpose.
fn is_for_clients(template: &CertificateTemplate) -> bool {
    let usages = &template.extended_key_usage;
    usages.is_empty() || usages.iter().any(|usage| usage.may_log_on())
}

/// Whether clients may choose any CN.
fn is_common_name_free(template: &CertificateTemplate) -> bool {
    let kind = SubjectAttribute::COMMON_NAME;
    let rule = &template.subject;
    let is_allowed = |allowed: &Vec<_>| allowed.contains(&kind);
    rule.common_name_pattern.is_none()
        && !rule.fixed.contains_key(&kind)
        && rule.allowed.as_ref().is_none_or(is_allowed)
}

/// The types of names that clients may choose without restriction.
fn unrestricted_types(template: &CertificateTemplate) -> Vec<SubjectAltNameType> {
    let rule = &template.subject_alt_name;
    // Types that need a pattern are not issued without one, so they are no risk.
    let is_free =
        |kind: &SubjectAltNameType| !rule.patterns.contains_key(kind) && !kind.needs_pattern();
    rule.types.iter().copied().filter(is_free).collect()
}

/// Warns if the RA Profiles differ in extendedKeyUsage.
fn usage_warning(ra_profiles: &[&RaProfile]) -> Option<Warning> {
    let usages = |found: &&RaProfile| -> BTreeSet<_> {
        found
            .template
            .extended_key_usage
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    // The usages are compared as sets, because their order in a template has no meaning.
    let different: BTreeSet<_> = ra_profiles.iter().map(usages).collect();
    let mut named: Vec<_> = ra_profiles
        .iter()
        .map(|found| (found.name.to_string(), usages(found)))
        .collect();
    named.sort();
    (different.len() > 1).then_some(Warning::Usages(named))
}

#[cfg(test)]
mod tests;
