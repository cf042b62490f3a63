//! SCEP Profiles: the settings of a SCEP endpoint, and the RA Profile that it issues under.

use std::collections::BTreeSet;

use ca::bounded_text::Description;
use ca::id::AuthorityUuid;
use ca::profile_name::ProfileName;
use scep_cms::challenge::ChallengePassword;
use scep_protocol::annotations::{Attributes, CertificateAssociations};
use scep_protocol::challenge_traits::ChallengeTraits;
use scep_protocol::id::{RaCertificateUuid, RaProfileUuid, ScepProfileUuid};
use scep_protocol::profile::{
    IntuneCredential, IntuneSettings, RaProfile, ScepProfile, ScepSettings,
};
use scep_protocol::ra_certificate::RaCertificate;
use scep_protocol::vouching::ChallengeSourceKind;
use secrecy::SecretString;

use crate::admin::challenge_sources::{SourceSecrets, SourcesEdit, WebhookEdit, check_sources};
use crate::admin::edit::Edit;
use crate::admin::field::Field;
use crate::admin::invalid::{AdminError, Invalid};
use crate::admin::limits::MAX_CHALLENGE_CHARACTERS;
use crate::admin::ra_certificate::is_usable;
use crate::admin::validation::{Validation, check_name_unchanged, parse_description, parse_name};
use crate::admin::{Administration, Dependents};
use crate::audit::AuditAction;
use crate::object::{Versioned, read};
use crate::ports::SecretOwner;

/// The edit of settings of which every value is valid.
// A function, so that use cases need not list the settings that they do not check.
pub type SettingsEdit = Box<dyn FnOnce(&mut ScepSettings) + Send>;

/// The fields of a new SCEP Profile, or an edit of an existing one.
#[derive(Default)]
pub struct ScepProfileEdit {
    /// The name, which a new profile must have and an edit must not change.
    pub name: Option<String>,
    /// Whether the profile is enabled, which an edit may repeat but not change.
    pub enabled: Option<bool>,
    /// The administrator's notes.
    pub description: Edit<String>,
    /// The default RA Profile.
    pub ra_profile: Edit<RaProfileUuid>,
    /// The RA certificate, which a new profile must have.
    pub ra_certificate: Option<RaCertificateUuid>,
    /// How long before its expiry a certificate may be renewed, in days.
    pub renewal_threshold_days: Edit<u32>,
    /// The edit of the other settings, or `None` to keep them.
    pub settings: Option<SettingsEdit>,
    /// Whether a challengePassword is required. `Some(true)` needs one that is given here or was
    /// set before, `Some(false)` removes it, and `None` changes nothing unless one is given.
    pub enable_challenge: Option<bool>,
    /// The new challengePassword.
    pub challenge: Option<ChallengePassword>,
    /// The sources that vouch for enrolments. By default the challengePassword, if there is one.
    pub challenge_sources: Edit<BTreeSet<ChallengeSourceKind>>,
    /// The service that vouches for enrolments and hears of certificates.
    pub webhook: Edit<WebhookEdit>,
    /// Whether Intune validates challenges: whether it is among the sources.
    pub enable_intune: Option<bool>,
    /// The Entra tenant.
    pub intune_tenant: Edit<String>,
    /// The application's id.
    pub intune_application_id: Edit<String>,
    /// The application's secret.
    pub intune_application_key: Edit<SecretString>,
    /// How the application proves its identity.
    pub intune_credential: Edit<IntuneCredential>,
    /// The attributes of an issuance.
    pub issue_certificate_attributes: Edit<Attributes>,
    /// The attributes of the profile.
    pub custom_attributes: Edit<Attributes>,
    /// The owner of the certificates.
    pub certificate_associations: Edit<CertificateAssociations>,
}

impl Administration {
    /// Creates a SCEP Profile, which is disabled at first.
    ///
    /// # Errors
    /// Returns [`AdminError::NameTaken`] or [`AdminError::Invalid`], and [`AdminError::Failed`]
    /// for failures of the server.
    pub async fn create_scep_profile(
        &self,
        edit: ScepProfileEdit,
    ) -> Result<Versioned<ScepProfile>, AdminError> {
        let mut errors = Validation::default();
        let name = errors.check(parse_name(edit.name.as_deref()));
        let ra_certificate = errors.check(
            edit.ra_certificate
                .ok_or(Invalid::Missing(Field::RaCertificate)),
        );
        let (name, ra_certificate) = errors.finish(name.zip(ra_certificate))?;
        let mut scep_profile = new_scep_profile(self.random.uuid()?, name, ra_certificate);
        self.apply_edit(edit, &mut scep_profile).await?;
        let linked_profiles = scep_profile.ra_profile.into_iter().collect();
        self.check_links(&scep_profile, linked_profiles).await?;
        self.create(scep_profile).await
    }

    /// Edits a SCEP Profile.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`], [`AdminError::Conflict`] or [`AdminError::Invalid`],
    /// and [`AdminError::Failed`] for failures of the server.
    pub async fn edit_scep_profile(
        &self,
        uuid: ScepProfileUuid,
        version: Option<u64>,
        edit: ScepProfileEdit,
    ) -> Result<Versioned<ScepProfile>, AdminError> {
        let before: Versioned<ScepProfile> = self.read_version(uuid, version).await?;
        if edit
            .enabled
            .is_some_and(|enabled| enabled != before.object.enabled)
        {
            return Err(Invalid::EnabledChanged.into());
        }
        let mut after = before.object.clone();
        self.apply_edit(edit, &mut after).await?;
        // Links are checked only when they change: an RA certificate that has expired must not
        // block an edit of another field.
        if after.ra_certificate != before.object.ra_certificate {
            let activated_on = before.dependents_of::<RaProfile>();
            let linked_profiles = activated_on.chain(after.ra_profile).collect();
            self.check_links(&after, linked_profiles).await?;
        } else if let Some(linked) = after.ra_profile
            && after.ra_profile != before.object.ra_profile
        {
            self.check_links(&after, BTreeSet::from([linked])).await?;
        }
        self.replace(before, after, AuditAction::Edit).await
    }

    /// Applies an edit to a profile, or reports every reason why it is invalid.
    async fn apply_edit(
        &self,
        edit: ScepProfileEdit,
        profile: &mut ScepProfile,
    ) -> Result<(), AdminError> {
        let mut errors = Validation::default();
        errors.check(check_name_unchanged(edit.name.as_deref(), &profile.name));
        let description = errors.check(parse_description(edit.description));
        let challenge = errors.check(parse_challenge(
            edit.enable_challenge,
            edit.challenge,
            profile.challenge.is_some(),
        ));
        if let Edit::Set(webhook) = &edit.webhook {
            webhook.check(profile.webhook.as_ref(), &mut errors);
        }
        let (description, challenge) = errors.finish(description.zip(challenge))?;
        description.apply(&mut profile.description);
        edit.ra_profile.apply_optional(&mut profile.ra_profile);
        profile.ra_certificate = edit.ra_certificate.unwrap_or(profile.ra_certificate);
        edit.renewal_threshold_days
            .apply_optional(&mut profile.settings.renewal_threshold_days);
        if let Some(edit_settings) = edit.settings {
            edit_settings(&mut profile.settings);
        }
        let annotations = &mut profile.annotations;
        edit.issue_certificate_attributes
            .apply(&mut annotations.issue_certificate_attributes);
        edit.custom_attributes
            .apply(&mut annotations.custom_attributes);
        edit.certificate_associations
            .apply(&mut annotations.associations);
        edit.intune_tenant
            .apply_optional(&mut profile.intune.tenant);
        edit.intune_application_id
            .apply_optional(&mut profile.intune.application_id);
        edit.intune_credential.apply(&mut profile.intune.credential);
        let sources = SourcesEdit {
            all: edit.challenge_sources,
            intune: edit.enable_intune,
            challenge: edit.enable_challenge,
            sets_challenge: matches!(challenge, Edit::Set(_)),
        };
        let secrets = SecretsEdit {
            challenge,
            intune_application_key: edit.intune_application_key,
            webhook: edit.webhook,
        };
        apply_sources(&sources, &secrets, profile)?;
        // Sealed only once everything is valid: sealing may be a call to KMS.
        self.edit_secrets(secrets, profile).await
    }

    /// Seals the secrets that an edit sets, and removes those that it resets.
    async fn edit_secrets(
        &self,
        edit: SecretsEdit,
        profile: &mut ScepProfile,
    ) -> Result<(), AdminError> {
        match edit.intune_application_key {
            Edit::Keep => {}
            Edit::Reset => profile.intune.application_key = None,
            Edit::Set(key) => {
                let owner = SecretOwner::ServiceCredentials(profile.uuid);
                profile.intune.application_key = Some(self.secrets.seal(owner, &key).await?);
            }
        }
        match edit.challenge {
            Edit::Keep => {}
            Edit::Reset => {
                profile.challenge = None;
                profile.challenge_traits = None;
            }
            Edit::Set(challenge) => {
                let secret = SecretString::from(challenge.reveal());
                let owner = SecretOwner::ScepProfile(profile.uuid);
                profile.challenge = Some(self.secrets.seal(owner, &secret).await?);
                profile.challenge_traits = Some(ChallengeTraits::of(&challenge));
            }
        }
        let sources = profile.challenge_sources();
        if sources.contains(&ChallengeSourceKind::OneTime) {
            self.ensure_challenge_key(profile).await?;
        }
        self.edit_webhook(edit.webhook, profile).await
    }

    /// Checks that the profile's RA certificate is usable and was issued by the authority of each
    /// of these RA Profiles.
    async fn check_links(
        &self,
        profile: &ScepProfile,
        ra_profiles: BTreeSet<RaProfileUuid>,
    ) -> Result<(), AdminError> {
        let objects = &*self.store;
        let Some(ra_certificate) = read::<RaCertificate>(objects, profile.ra_certificate).await?
        else {
            return Err(Invalid::RaCertificateUnknown.into());
        };
        if !is_usable(&ra_certificate.object, self.clock.now()) {
            return Err(Invalid::RaCertificateUnusable.into());
        }
        let mut errors = Validation::default();
        for uuid in ra_profiles {
            let found: Option<Versioned<RaProfile>> = read(objects, uuid).await?;
            errors.check(check_authority(
                found.as_ref().map(|found| &found.object),
                ra_certificate.object.authority,
            ));
        }
        errors.finish(Some(()))
    }

    /// Sets the default RA Profile of a SCEP Profile.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`], also when the RA Profile does not exist;
    /// [`AdminError::Conflict`]; [`AdminError::Invalid`]; and [`AdminError::Failed`] for
    /// failures of the server.
    pub async fn set_default_ra_profile(
        &self,
        uuid: ScepProfileUuid,
        ra_profile: RaProfileUuid,
    ) -> Result<(), AdminError> {
        self.get::<RaProfile>(ra_profile).await?;
        let edit = ScepProfileEdit {
            ra_profile: Edit::Set(ra_profile),
            ..ScepProfileEdit::default()
        };
        self.edit_scep_profile(uuid, None, edit).await?;
        Ok(())
    }

    /// Enables a SCEP Profile, so that it accepts requests.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`] or [`AdminError::Conflict`], and [`AdminError::Failed`]
    /// for failures of the server.
    pub async fn enable_scep_profile(&self, uuid: ScepProfileUuid) -> Result<(), AdminError> {
        let before: Versioned<ScepProfile> = self.get(uuid).await?;
        let after = ScepProfile {
            enabled: true,
            ..before.object.clone()
        };
        self.replace(before, after, AuditAction::Enable).await?;
        Ok(())
    }

    /// Disables a SCEP Profile, so that it rejects requests.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`] or [`AdminError::Conflict`], and [`AdminError::Failed`]
    /// for failures of the server.
    pub async fn disable_scep_profile(&self, uuid: ScepProfileUuid) -> Result<(), AdminError> {
        let before: Versioned<ScepProfile> = self.get(uuid).await?;
        let after = ScepProfile {
            enabled: false,
            ..before.object.clone()
        };
        self.replace(before, after, AuditAction::Disable).await?;
        Ok(())
    }

    /// Deletes a SCEP Profile. Depending on `dependents`, RA Profiles that it is activated on
    /// prevent the deletion or have SCEP deactivated.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`]; [`AdminError::Conflict`]; [`AdminError::Invalid`] while
    /// the profile is activated; and [`AdminError::Failed`] for failures of the server.
    pub async fn delete_scep_profile(
        &self,
        uuid: ScepProfileUuid,
        dependents: Dependents,
    ) -> Result<(), AdminError> {
        let mut scep_profile: Versioned<ScepProfile> = self.get(uuid).await?;
        if dependents == Dependents::Unlink {
            for ra_profile in scep_profile.dependents_of::<RaProfile>() {
                self.deactivate_profile(ra_profile, uuid).await?;
            }
            // Read again: unlinking changed its dependents.
            scep_profile = self.get(uuid).await?;
        }
        self.delete(scep_profile).await
    }
}

/// The parts of an edit that hold secrets.
struct SecretsEdit {
    challenge: Edit<ChallengePassword>,
    intune_application_key: Edit<SecretString>,
    webhook: Edit<WebhookEdit>,
}

/// Applies the edit of the challenge sources, and checks that each has what it needs once the
/// secrets are set.
fn apply_sources(
    sources: &SourcesEdit,
    secrets: &SecretsEdit,
    profile: &mut ScepProfile,
) -> Result<(), AdminError> {
    let has_challenge = secrets.challenge.leaves_value(profile.challenge.is_some());
    let by_default = has_challenge
        .then_some(ChallengeSourceKind::Static)
        .into_iter()
        .collect();
    profile.chosen_sources = sources
        .apply(profile.chosen_sources.take(), &by_default)
        .map_err(AdminError::Invalid)?;
    let mut errors = Validation::default();
    let kept = SourceSecrets {
        challenge: has_challenge,
        application_key: secrets
            .intune_application_key
            .leaves_value(profile.intune.application_key.is_some()),
        webhook: secrets.webhook.leaves_value(profile.webhook.is_some()),
    };
    let serving = profile.chosen_sources.as_ref().unwrap_or(&by_default);
    check_sources(serving, &profile.intune, &kept, &mut errors);
    errors.finish(Some(()))
}

fn new_scep_profile(
    uuid: ScepProfileUuid,
    name: ProfileName,
    ra_certificate: RaCertificateUuid,
) -> ScepProfile {
    ScepProfile {
        uuid,
        name,
        description: Description::default(),
        enabled: false,
        ra_profile: None,
        ra_certificate,
        challenge: None,
        challenge_traits: None,
        challenge_key: None,
        chosen_sources: None,
        settings: ScepSettings::initial(),
        intune: IntuneSettings::default(),
        webhook: None,
        annotations: Default::default(),
    }
}

/// Decides whether an edit sets, removes or keeps the challengePassword.
fn parse_challenge(
    enable: Option<bool>,
    given: Option<ChallengePassword>,
    has_challenge: bool,
) -> Result<Edit<ChallengePassword>, Invalid> {
    let has_valid_length = |given: &ChallengePassword| {
        (1..=MAX_CHALLENGE_CHARACTERS).contains(&given.reveal().chars().count())
    };
    match (enable, given) {
        (Some(false), _) => Ok(Edit::Reset),
        (Some(true), None) if !has_challenge => Err(Invalid::ChallengeMissing),
        (Some(true) | None, None) => Ok(Edit::Keep),
        (Some(true) | None, Some(given)) if has_valid_length(&given) => Ok(Edit::Set(given)),
        (Some(true) | None, Some(_)) => Err(Invalid::Challenge),
    }
}

/// Checks that this RA Profile, which a SCEP Profile is linked to, exists and is of the authority
/// that issued the SCEP Profile's RA certificate.
pub(super) fn check_authority(
    ra_profile: Option<&RaProfile>,
    authority: AuthorityUuid,
) -> Result<(), Invalid> {
    let ra_profile = ra_profile.ok_or(Invalid::RaProfileUnknown)?;
    if ra_profile.authority != authority {
        return Err(Invalid::OtherAuthority(ra_profile.name.to_string()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks whether an edit sets, removes or keeps a challengePassword of this length.
    #[track_caller]
    fn check(
        enable: Option<bool>,
        length: Option<usize>,
        has_challenge: bool,
        expected: Result<&str, Invalid>,
    ) {
        let given = length.map(|length| ChallengePassword::new(&"é".repeat(length)));
        let parsed = parse_challenge(enable, given, has_challenge).map(|edit| match edit {
            Edit::Keep => "kept",
            Edit::Reset => "removed",
            Edit::Set(_) => "set",
        });
        assert_eq!(parsed, expected);
    }

    #[test]
    fn challenge_is_set_removed_or_kept() {
        check(None, None, false, Ok("kept"));
        check(None, Some(1), true, Ok("set"));
        check(Some(true), None, true, Ok("kept"));
        check(Some(true), None, false, Err(Invalid::ChallengeMissing));
        check(Some(true), Some(255), false, Ok("set"));
        check(Some(false), None, true, Ok("removed"));
        // A challengePassword that is not to be required needs no valid length.
        check(Some(false), Some(256), true, Ok("removed"));
    }

    #[test]
    fn challenge_has_1_to_255_characters() {
        check(None, Some(0), false, Err(Invalid::Challenge));
        check(None, Some(256), true, Err(Invalid::Challenge));
    }
}
