//! Administration: authorities, RA certificates, profiles and the links between them.

use std::sync::Arc;
use std::time::Duration;

use ca_issuer::{CaSubject, Keypair, SerialNumber, assemble};
use scep_cms::{Certificate, ChallengePassword};
use scep_protocol::{
    Authority, CaCertificateForm, CertificateTemplate, KeyAlgorithm, KeyReference, ProfileName,
    RaCertificate, RaProfile, ScepProfile,
};
use uuid::Uuid;

use crate::entropy::random;
use crate::{CaKeys, Clock, Failure, ProfileStore, RaKeys, Secrets, StoreError, Versioned};

/// What administration may reach.
#[derive(Clone)]
pub struct Managing<S> {
    /// Profiles, to be written.
    pub profiles: S,
    /// Keys that sign certificates.
    pub ca_keys: Arc<dyn CaKeys>,
    /// Keys that open requests and sign replies.
    pub ra_keys: Arc<dyn RaKeys>,
    /// Secrets of profiles.
    pub secrets: Arc<dyn Secrets>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Makes a root authority: its key, its self-signed certificate, its record.
///
/// # Errors
/// [`StoreError::NameTaken`]; our own failures.
pub async fn create_root_authority<S: ProfileStore>(
    managing: &Managing<S>,
    name: ProfileName,
    key_algorithm: KeyAlgorithm,
    subject: &CaSubject,
    validity: Duration,
) -> Result<Authority, Failure> {
    let key = managing.ca_keys.generate(key_algorithm).await?;
    let to_be_signed = ca_issuer::root_authority(
        subject,
        &Keypair {
            algorithm: key_algorithm,
            subject_public_key_info: &key.subject_public_key_info,
        },
        SerialNumber::from_random(random()?),
        validity,
        managing.clock.now(),
    )
    .map_err(Failure::encode)?;
    let certificate = sign(managing, &key.reference, key_algorithm, &to_be_signed).await?;
    let authority = Authority {
        uuid: Uuid::new_v4(),
        name,
        key_algorithm,
        key: key.reference,
        certificate,
        chain: Vec::new(),
    };
    managing.profiles.create(&authority).await?;
    Ok(authority)
}

/// Makes an RA certificate under an authority: its RSA key, the certificate, its record.
///
/// # Errors
/// Our own failures.
pub async fn create_ra_certificate<S: ProfileStore>(
    managing: &Managing<S>,
    authority: &Authority,
    subject: &CaSubject,
    validity: Duration,
) -> Result<RaCertificate, Failure> {
    let uuid = Uuid::new_v4();
    let key = managing.ra_keys.generate(uuid).await?;
    let to_be_signed = ca_issuer::ra_certificate(
        authority,
        subject,
        &key.subject_public_key_info,
        SerialNumber::from_random(random()?),
        validity,
        managing.clock.now(),
    )
    .map_err(Failure::encode)?;
    let certificate = sign(
        managing,
        &authority.key,
        authority.key_algorithm,
        &to_be_signed,
    )
    .await?;
    let ra_certificate = RaCertificate {
        uuid,
        authority: authority.uuid,
        key: key.reference,
        certificate,
    };
    managing.profiles.create(&ra_certificate).await?;
    Ok(ra_certificate)
}

async fn sign<S>(
    managing: &Managing<S>,
    key: &KeyReference,
    algorithm: KeyAlgorithm,
    to_be_signed: &[u8],
) -> Result<Certificate, Failure> {
    tracing::info!(key = key.0, "signing a certificate of the server");
    let signature = managing.ca_keys.sign(key, algorithm, to_be_signed).await?;
    let issued = assemble(to_be_signed, algorithm, &signature).map_err(Failure::encode)?;
    let (serial_number, subject) = (&issued.serial_number, &issued.subject);
    tracing::info!(
        key = key.0,
        serial_number,
        subject,
        "signed a certificate of the server"
    );
    Ok(issued.certificate)
}

/// Makes an RA Profile, disabled and without SCEP.
///
/// # Errors
/// [`StoreError::NameTaken`]; our own failures.
pub async fn create_ra_profile<S: ProfileStore>(
    managing: &Managing<S>,
    name: ProfileName,
    authority: Uuid,
    template: CertificateTemplate,
) -> Result<RaProfile, Failure> {
    let ra_profile = RaProfile {
        uuid: Uuid::new_v4(),
        name,
        enabled: false,
        authority,
        scep_profile: None,
        template,
    };
    managing.profiles.create(&ra_profile).await?;
    Ok(ra_profile)
}

/// Makes a SCEP Profile, disabled, with everything else at its default.
///
/// # Errors
/// [`StoreError::NameTaken`]; our own failures.
pub async fn create_scep_profile<S: ProfileStore>(
    managing: &Managing<S>,
    name: ProfileName,
    ra_certificate: Uuid,
    ra_profile: Option<Uuid>,
    challenge: Option<&ChallengePassword>,
) -> Result<ScepProfile, Failure> {
    let uuid = Uuid::new_v4();
    let challenge = match challenge {
        Some(challenge) => Some(managing.secrets.seal(uuid, challenge).await?),
        None => None,
    };
    let scep_profile = ScepProfile {
        uuid,
        name,
        enabled: false,
        ra_profile,
        ra_certificate,
        challenge,
        include_ca_certificate: false,
        include_ca_certificate_chain: false,
        ca_certificate_form: CaCertificateForm::default(),
        legacy_algorithms: true,
    };
    managing.profiles.create(&scep_profile).await?;
    Ok(scep_profile)
}

/// Activates a SCEP Profile on an RA Profile.
///
/// # Errors
/// [`StoreError::Conflict`]; our own failures.
pub async fn activate_scep<S: ProfileStore>(
    managing: &Managing<S>,
    mut ra_profile: Versioned<RaProfile>,
    scep_profile: Uuid,
) -> Result<(), StoreError> {
    ra_profile.object.scep_profile = Some(scep_profile);
    managing.profiles.replace(&ra_profile).await
}

/// Lets an RA Profile serve.
///
/// # Errors
/// [`StoreError::Conflict`]; our own failures.
pub async fn enable_ra_profile<S: ProfileStore>(
    managing: &Managing<S>,
    mut ra_profile: Versioned<RaProfile>,
) -> Result<(), StoreError> {
    ra_profile.object.enabled = true;
    managing.profiles.replace(&ra_profile).await
}

/// Lets a SCEP Profile serve.
///
/// # Errors
/// [`StoreError::Conflict`]; our own failures.
pub async fn enable_scep_profile<S: ProfileStore>(
    managing: &Managing<S>,
    mut scep_profile: Versioned<ScepProfile>,
) -> Result<(), StoreError> {
    scep_profile.object.enabled = true;
    managing.profiles.replace(&scep_profile).await
}

/// Gives a SCEP Profile another challengePassword.
///
/// # Errors
/// [`StoreError::Conflict`]; our own failures.
pub async fn set_challenge<S: ProfileStore>(
    managing: &Managing<S>,
    mut scep_profile: Versioned<ScepProfile>,
    challenge: &ChallengePassword,
) -> Result<(), Failure> {
    let profile = &mut scep_profile.object;
    profile.challenge = Some(managing.secrets.seal(profile.uuid, challenge).await?);
    Ok(managing.profiles.replace(&scep_profile).await?)
}
