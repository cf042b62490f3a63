//! RA Profiles: the rules for the certificates of an authority, and the SCEP Profile that serves
//! them.

use ca::authority::Authority;
use ca::bounded_text::Description;
use ca::id::AuthorityUuid;
use ca::template::{CertificateTemplate, TemplateSpec};
use scep_protocol::annotations::Attributes;
use scep_protocol::id::{RaProfileUuid, ScepProfileUuid};
use scep_protocol::profile::{RaProfile, ScepActivation, ScepProfile};
use scep_protocol::ra_certificate::RaCertificate;

use crate::admin::edit::Edit;
use crate::admin::invalid::{AdminError, Invalid};
use crate::admin::validation::{Validation, check_name_unchanged, parse_description, parse_name};
use crate::admin::{Administration, Dependents};
use crate::audit::AuditAction;
use crate::object::{Versioned, read};

/// The fields of a new RA Profile, or an edit of an existing one.
#[derive(Clone, Debug, Default)]
pub struct RaProfileEdit {
    /// The name, which a new profile must have and an edit must not change.
    pub name: Option<String>,
    /// The administrator's notes.
    pub description: Edit<String>,
    /// Whether the profile is enabled.
    pub enabled: Option<bool>,
    /// The complete rules for certificates.
    pub template: Edit<TemplateSpec>,
}

impl Administration {
    /// Creates an RA Profile under an authority, without SCEP.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`] when the authority does not exist;
    /// [`AdminError::NameTaken`]; [`AdminError::Invalid`]; and [`AdminError::Failed`] for
    /// failures of the server.
    pub async fn create_ra_profile(
        &self,
        edit: RaProfileEdit,
        authority: AuthorityUuid,
    ) -> Result<Versioned<RaProfile>, AdminError> {
        let authority: Versioned<Authority> = self.get(authority).await?;
        let mut ra_profile = RaProfile {
            uuid: self.random.uuid()?,
            name: parse_name(edit.name.as_deref())?,
            description: Description::default(),
            enabled: false,
            authority: authority.object.uuid,
            scep: None,
            template: CertificateTemplate::default(),
        };
        apply_edit(edit, &mut ra_profile)?;
        self.create(ra_profile).await
    }

    /// Edits an RA Profile.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`], [`AdminError::Conflict`] or [`AdminError::Invalid`],
    /// and [`AdminError::Failed`] for failures of the server.
    pub async fn edit_ra_profile(
        &self,
        uuid: RaProfileUuid,
        version: Option<u64>,
        edit: RaProfileEdit,
    ) -> Result<Versioned<RaProfile>, AdminError> {
        let before: Versioned<RaProfile> = self.read_version(uuid, version).await?;
        let mut after = before.object.clone();
        apply_edit(edit, &mut after)?;
        self.replace(before, after, AuditAction::Edit).await
    }

    /// Enables an RA Profile, so that it accepts requests.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`] or [`AdminError::Conflict`], and [`AdminError::Failed`]
    /// for failures of the server.
    pub async fn enable_ra_profile(&self, uuid: RaProfileUuid) -> Result<(), AdminError> {
        let before: Versioned<RaProfile> = self.get(uuid).await?;
        let after = RaProfile {
            enabled: true,
            ..before.object.clone()
        };
        self.replace(before, after, AuditAction::Enable).await?;
        Ok(())
    }

    /// Disables an RA Profile, so that it rejects requests.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`] or [`AdminError::Conflict`], and [`AdminError::Failed`]
    /// for failures of the server.
    pub async fn disable_ra_profile(&self, uuid: RaProfileUuid) -> Result<(), AdminError> {
        let before: Versioned<RaProfile> = self.get(uuid).await?;
        let after = RaProfile {
            enabled: false,
            ..before.object.clone()
        };
        self.replace(before, after, AuditAction::Disable).await?;
        Ok(())
    }

    /// Activates a SCEP Profile on an RA Profile.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`]; [`AdminError::Conflict`]; [`AdminError::Invalid`] when
    /// another authority issued the SCEP Profile's RA certificate; and [`AdminError::Failed`] for
    /// failures of the server.
    pub async fn activate_scep(
        &self,
        ra_profile: RaProfileUuid,
        scep_profile: ScepProfileUuid,
        issue_certificate_attributes: Attributes,
    ) -> Result<Versioned<RaProfile>, AdminError> {
        let before: Versioned<RaProfile> = self.get(ra_profile).await?;
        let scep_profile: Versioned<ScepProfile> = self.get(scep_profile).await?;
        let ra_certificate: Versioned<RaCertificate> =
            self.get(scep_profile.object.ra_certificate).await?;
        // Clients verify replies by the RA certificate, and trust it by the authority that
        // GetCACert returns with it.
        if ra_certificate.object.authority != before.object.authority {
            let name = before.object.name.to_string();
            return Err(Invalid::OtherAuthority(name).into());
        }
        let mut after = before.object.clone();
        after.scep = Some(ScepActivation {
            scep_profile: scep_profile.object.uuid,
            issue_certificate_attributes,
        });
        self.replace(before, after, AuditAction::Activate).await
    }

    /// Deactivates SCEP on an RA Profile.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`] or [`AdminError::Conflict`], and [`AdminError::Failed`]
    /// for failures of the server.
    pub async fn deactivate_scep(&self, uuid: RaProfileUuid) -> Result<(), AdminError> {
        let before: Versioned<RaProfile> = self.get(uuid).await?;
        self.remove_scep(before).await
    }

    /// Stores an RA Profile without its link to a SCEP Profile.
    async fn remove_scep(&self, before: Versioned<RaProfile>) -> Result<(), AdminError> {
        let mut after = before.object.clone();
        after.scep = None;
        self.replace(before, after, AuditAction::Deactivate).await?;
        Ok(())
    }

    /// Deactivates a SCEP Profile on an RA Profile, if the two are still linked.
    pub(super) async fn deactivate_profile(
        &self,
        ra_profile: RaProfileUuid,
        scep_profile: ScepProfileUuid,
    ) -> Result<(), AdminError> {
        let found: Option<Versioned<RaProfile>> = read(&*self.store, ra_profile).await?;
        let linked = |found: &Versioned<RaProfile>| {
            let scep = found.object.scep.as_ref();
            scep.is_some_and(|scep| scep.scep_profile == scep_profile)
        };
        match found.filter(linked) {
            Some(before) => self.remove_scep(before).await,
            None => Ok(()),
        }
    }

    /// Deletes an RA Profile. Depending on `dependents`, SCEP Profiles that have it as their
    /// default prevent the deletion or lose their default.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`]; [`AdminError::Conflict`]; [`AdminError::Invalid`] while
    /// the profile is a default; and [`AdminError::Failed`] for failures of the server.
    pub async fn delete_ra_profile(
        &self,
        uuid: RaProfileUuid,
        dependents: Dependents,
    ) -> Result<(), AdminError> {
        let mut ra_profile: Versioned<RaProfile> = self.get(uuid).await?;
        if dependents == Dependents::Unlink {
            for scep_profile in ra_profile.dependents_of::<ScepProfile>() {
                self.remove_default(scep_profile, uuid).await?;
            }
            // It is read again, because unlinking changed its dependents.
            ra_profile = self.get(uuid).await?;
        }
        self.delete(ra_profile).await
    }

    /// Removes the default RA Profile of a SCEP Profile, if it still is this one.
    async fn remove_default(
        &self,
        scep_profile: ScepProfileUuid,
        ra_profile: RaProfileUuid,
    ) -> Result<(), AdminError> {
        let found: Option<Versioned<ScepProfile>> = read(&*self.store, scep_profile).await?;
        let Some(before) = found.filter(|found| found.object.ra_profile == Some(ra_profile)) else {
            return Ok(());
        };
        let mut after = before.object.clone();
        after.ra_profile = None;
        self.replace(before, after, AuditAction::Edit).await?;
        Ok(())
    }
}

/// Applies an edit to a profile, or reports every reason why it is invalid.
fn apply_edit(edit: RaProfileEdit, ra_profile: &mut RaProfile) -> Result<(), AdminError> {
    let mut errors = Validation::default();
    errors.check(check_name_unchanged(edit.name.as_deref(), &ra_profile.name));
    let description = errors.check(parse_description(edit.description));
    // Rules are checked only when they are edited. Rules that an earlier release accepted and this
    // one does not must not block an edit of another field; warnings report them.
    match edit.template.try_map(CertificateTemplate::try_from) {
        Ok(template) => template.apply(&mut ra_profile.template),
        Err(invalid) => errors.extend(invalid.into_iter().map(Invalid::Template)),
    }
    errors
        .finish(description)?
        .apply(&mut ra_profile.description);
    ra_profile.enabled = edit.enabled.unwrap_or(ra_profile.enabled);
    Ok(())
}
