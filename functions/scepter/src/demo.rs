//! What makes an empty data folder useful: an authority and a pair of profiles, enabled and linked both ways.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ca_issuer::{CaSubject, EncodeError};
use rand::TryRng;
use rand::rngs::{SysError, SysRng};
use scep_cms::ChallengePassword;
use scep_protocol::{
    Authority, CertificateTemplate, NameError, ProfileName, RaProfile, ScepProfile,
};
use scep_service::{
    Failure, Managing, Object, ProfileStore, StoreError, Versioned, activate_scep,
    create_ra_certificate, create_ra_profile, create_root_authority, create_scep_profile,
    enable_ra_profile, enable_scep_profile, set_challenge,
};

use crate::settings::DemoSettings;

const AUTHORITY: &str = "demo-ca";
const PROFILE: &str = "default";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The demo could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error("making the demo's certificates")]
    Encode(#[from] EncodeError),
    #[error("making the demo")]
    Failure(#[from] Failure),
    #[error("naming the demo")]
    Name(#[from] NameError),
    #[error("making the demo's challengePassword")]
    Random(#[from] SysError),
    #[error("storing the demo")]
    Store(#[from] StoreError),
    #[error("the demo profile is gone, or has no challengePassword")]
    Undone,
}

/// What there is to show of the demo.
pub(crate) struct Demo {
    pub(crate) authority: Authority,
    pub(crate) scep_profile: ScepProfile,
    pub(crate) challenge: ChallengePassword,
}

/// Finds the demo, or makes as much of it as is not there: a crash in between is mended by the next start.
pub(crate) async fn demo<S: ProfileStore>(
    managing: &Managing<S>,
    settings: &DemoSettings,
) -> Result<Demo, DemoError> {
    let authority = authority(managing, settings).await?;
    let name = ProfileName::new(PROFILE)?;
    if find::<RaProfile, _>(managing, &name).await?.is_none() {
        let template = CertificateTemplate::default();
        create_ra_profile(managing, name.clone(), authority.uuid, template).await?;
    }
    if find::<ScepProfile, _>(managing, &name).await?.is_none() {
        make_scep_profile(managing, settings, &authority, &name).await?;
    }
    link_and_enable(managing, &name).await?;
    let (_, scep_profile) = profiles(managing, &name).await?;
    if let Some(challenge) = &settings.challenge {
        set_challenge(managing, scep_profile, challenge).await?;
    }
    let (_, scep_profile) = profiles(managing, &name).await?;
    let scep_profile = scep_profile.object;
    let sealed = scep_profile.challenge.as_ref().ok_or(DemoError::Undone)?;
    let challenge = managing.secrets.open(scep_profile.uuid, sealed).await;
    Ok(Demo {
        authority,
        challenge: challenge.map_err(Failure::Key)?,
        scep_profile,
    })
}

async fn authority<S: ProfileStore>(
    managing: &Managing<S>,
    settings: &DemoSettings,
) -> Result<Authority, DemoError> {
    let name = ProfileName::new(AUTHORITY)?;
    if let Some(authority) = find::<Authority, _>(managing, &name).await? {
        return Ok(authority.object);
    }
    let subject = CaSubject::new("CN=Scepter Demo CA,O=Scepter")?;
    let key = settings.ca_key_algorithm;
    Ok(create_root_authority(managing, name, key, &subject, 3650 * DAY).await?)
}

async fn make_scep_profile<S: ProfileStore>(
    managing: &Managing<S>,
    settings: &DemoSettings,
    authority: &Authority,
    name: &ProfileName,
) -> Result<(), DemoError> {
    let challenge = match &settings.challenge {
        Some(challenge) => challenge.clone(),
        None => random_challenge()?,
    };
    let subject = CaSubject::new("CN=Scepter Demo RA,O=Scepter")?;
    let ra_certificate = create_ra_certificate(managing, authority, &subject, 730 * DAY).await?;
    let ra_profile = find::<RaProfile, _>(managing, name)
        .await?
        .ok_or(DemoError::Undone)?;
    create_scep_profile(
        managing,
        name.clone(),
        ra_certificate.uuid,
        Some(ra_profile.object.uuid),
        Some(&challenge),
    )
    .await?;
    Ok(())
}

/// The version of an RA Profile that was created, linked and enabled. From then on it is the administrator's.
const FINISHED: u64 = 3;

/// Lets the profiles serve, unless an earlier start did: what an administrator disabled since stays so.
async fn link_and_enable<S: ProfileStore>(
    managing: &Managing<S>,
    name: &ProfileName,
) -> Result<(), DemoError> {
    let (ra_profile, scep_profile) = profiles(managing, name).await?;
    if ra_profile.version >= FINISHED {
        return Ok(());
    }
    if ra_profile.object.scep_profile.is_none() {
        activate_scep(managing, ra_profile, scep_profile.object.uuid).await?;
    }
    enable_scep_profile(managing, scep_profile).await?;
    let (ra_profile, _) = profiles(managing, name).await?;
    Ok(enable_ra_profile(managing, ra_profile).await?)
}

async fn profiles<S: ProfileStore>(
    managing: &Managing<S>,
    name: &ProfileName,
) -> Result<(Versioned<RaProfile>, Versioned<ScepProfile>), DemoError> {
    let ra_profile = find(managing, name).await?.ok_or(DemoError::Undone)?;
    let scep_profile = find(managing, name).await?.ok_or(DemoError::Undone)?;
    Ok((ra_profile, scep_profile))
}

async fn find<T: Object, S: ProfileStore>(
    managing: &Managing<S>,
    name: &ProfileName,
) -> Result<Option<Versioned<T>>, StoreError> {
    managing.profiles.find(name).await
}

/// 128 random bits in characters that need no quoting anywhere.
fn random_challenge() -> Result<ChallengePassword, SysError> {
    let mut octets = [0; 16];
    SysRng.try_fill_bytes(&mut octets)?;
    Ok(ChallengePassword::new(&URL_SAFE_NO_PAD.encode(octets)))
}
