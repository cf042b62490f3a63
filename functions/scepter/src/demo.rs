//! Creates a demo in an empty data folder: an authority and two profiles, enabled and linked to
//! each other.

use ca::authority::Authority;
use ca::id::AuthorityUuid;
use ca::key_algorithm::KeyAlgorithm;
use ca::profile_name::{NameError, ProfileName};
use ca::template::{ExtendedKeyUsage, Period};
use rand::rngs::SysError;
use scep_cms::certificate::Certificate;
use scep_cms::challenge::ChallengePassword;
use scep_protocol::annotations::Attributes;
use scep_protocol::id::{RaProfileUuid, ScepProfileUuid};
use scep_protocol::profile::{RaProfile, ScepProfile};
use scep_service::admin::{
    AdminError, Administration, AuthorityKind, Edit, NewAuthority, NewRaCertificate, RaProfileEdit,
    ScepProfileEdit,
};
use scep_service::error::{Failure, StoreError};
use scep_service::object::find;
use scep_service::ports::SecretOwner;
use secrecy::ExposeSecret;

use crate::folder::{DataFolder, FolderError};
use crate::random::random_text;
use crate::settings::DemoSettings;

const AUTHORITY: &str = "demo-ca";

// This is also the default of --default-scep-profile, so that the fixed paths lead to the demo.
const PROFILE: &str = "default";

/// The demo could not be created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error("reading the demo")]
    Failure(#[from] Failure),
    #[error("recording that the demo was created")]
    Folder(#[from] FolderError),
    #[error("creating the demo")]
    Manage(#[from] AdminError),
    #[error("naming the demo")]
    Name(#[from] NameError),
    #[error("generating the demo's challengePassword")]
    Random(#[from] SysError),
    #[error("reading the demo")]
    Store(#[from] StoreError),
}

/// The parts of the demo that are printed at the start.
pub(crate) struct Demo {
    pub(crate) certificate: Certificate,
    pub(crate) profile: ProfileName,
    pub(crate) challenge: ChallengePassword,
}

/// Creates the demo once, in an empty data folder, and returns what an administrator has kept of
/// it.
pub(crate) async fn create_or_find_demo(
    data: &DataFolder,
    settings: &DemoSettings,
) -> Result<Option<Demo>, DemoError> {
    let administration = data.administration();
    if !data.was_demo_created() {
        create_demo(&administration, settings).await?;
        data.mark_demo_created()?;
    }
    find_demo(&administration, settings).await
}

/// Creates the missing parts of the demo, so that the next start repairs what a crash left
/// incomplete.
async fn create_demo(
    administration: &Administration,
    settings: &DemoSettings,
) -> Result<(), DemoError> {
    let authority = ensure_authority(administration, settings.ca_key_algorithm).await?;
    let ra_profile = ensure_ra_profile(administration, authority).await?;
    let scep_profile = ensure_scep_profile(administration, settings, authority, ra_profile).await?;
    // The profiles are enabled last, so that one that serves is complete, whenever a crash happens.
    administration
        .activate_scep(ra_profile, scep_profile, Attributes::default())
        .await?;
    administration.enable_scep_profile(scep_profile).await?;
    administration.enable_ra_profile(ra_profile).await?;
    Ok(())
}

async fn ensure_authority(
    administration: &Administration,
    key: KeyAlgorithm,
) -> Result<AuthorityUuid, DemoError> {
    let name = ProfileName::new(AUTHORITY)?;
    if let Some(found) = find::<Authority>(&*administration.store, &name).await? {
        return Ok(found.object.uuid);
    }
    let new = NewAuthority {
        name: AUTHORITY.to_owned(),
        description: Edit::Keep,
        kind: AuthorityKind::Root,
        key_algorithm: key,
        key: None,
        subject: "CN=Scepter Demo CA,O=Scepter".to_owned(),
        validity: Period::years(10),
    };
    Ok(administration.create_authority(new).await?.object.uuid)
}

async fn ensure_ra_profile(
    administration: &Administration,
    authority: AuthorityUuid,
) -> Result<RaProfileUuid, DemoError> {
    let name = ProfileName::new(PROFILE)?;
    if let Some(found) = find::<RaProfile>(&*administration.store, &name).await? {
        return Ok(found.object.uuid);
    }
    let edit = RaProfileEdit {
        name: Some(PROFILE.to_owned()),
        ..RaProfileEdit::default()
    };
    let made = administration.create_ra_profile(edit, authority).await?;
    Ok(made.object.uuid)
}

async fn ensure_scep_profile(
    administration: &Administration,
    settings: &DemoSettings,
    authority: AuthorityUuid,
    ra_profile: RaProfileUuid,
) -> Result<ScepProfileUuid, DemoError> {
    let name = ProfileName::new(PROFILE)?;
    if let Some(found) = find::<ScepProfile>(&*administration.store, &name).await? {
        return Ok(found.object.uuid);
    }
    let new = NewRaCertificate {
        common_name: "Scepter Demo RA".to_owned(),
        // Clients encrypt to the RA certificate, which requires RSA, and Windows requires
        // serverAuth.
        key_algorithm: KeyAlgorithm::Rsa2048,
        extended_key_usage: vec![ExtendedKeyUsage::SERVER_AUTH],
        validity: Period::years(2),
    };
    let ra_certificate = administration.create_ra_certificate(new, authority).await?;
    let challenge = match &settings.challenge {
        Some(challenge) => challenge.clone(),
        // 26 characters of five bits each: 130 bits, which cannot be guessed.
        None => ChallengePassword::new(&random_text::<26>()?),
    };
    let edit = ScepProfileEdit {
        name: Some(PROFILE.to_owned()),
        ra_profile: Edit::Set(ra_profile),
        ra_certificate: Some(ra_certificate.object.uuid),
        enable_challenge: Some(true),
        challenge: Some(challenge),
        ..ScepProfileEdit::default()
    };
    Ok(administration.create_scep_profile(edit).await?.object.uuid)
}

/// Finds the demo, unless an administrator has deleted it, and applies the challengePassword of the
/// settings.
async fn find_demo(
    administration: &Administration,
    settings: &DemoSettings,
) -> Result<Option<Demo>, DemoError> {
    let authority_name = ProfileName::new(AUTHORITY)?;
    let profile_name = ProfileName::new(PROFILE)?;
    let authority = find::<Authority>(&*administration.store, &authority_name).await?;
    let found_profile = find::<ScepProfile>(&*administration.store, &profile_name).await?;
    let (Some(authority), Some(found_profile)) = (authority, found_profile) else {
        return Ok(None);
    };
    let scep_profile = found_profile.object;
    let stored = match &scep_profile.challenge {
        Some(sealed) => {
            let opened = administration
                .secrets
                .open(SecretOwner::ScepProfile(scep_profile.uuid), sealed)
                .await;
            Some(opened.map(|secret| ChallengePassword::new(secret.expose_secret())))
        }
        None => None,
    };
    let challenge = match (&settings.challenge, stored) {
        (Some(given), Some(Ok(stored))) if stored.matches(given) => stored,
        // This also replaces a stored challenge that can no longer be decrypted, but adds none
        // where an administrator has removed it.
        (Some(given), Some(_)) => {
            let edit = ScepProfileEdit {
                challenge: Some(given.clone()),
                ..ScepProfileEdit::default()
            };
            administration
                .edit_scep_profile(scep_profile.uuid, None, edit)
                .await?;
            given.clone()
        }
        (None, Some(stored)) => stored.map_err(Failure::Key)?,
        (_, None) => return Ok(None),
    };
    Ok(authority.object.current.path().map(|path| Demo {
        certificate: path.certificate,
        profile: scep_profile.name,
        challenge,
    }))
}
