//! May this pair of profiles serve? One answer for every operation.

use scep_cms::PublicKey;
use time::OffsetDateTime;

use crate::{
    AlgorithmPolicy, Annotations, Authority, EndpointName, IssuingAuthority, RaCertificate,
    RaProfile, ScepProfile,
};

/// What a store found behind an endpoint, whole or not.
#[derive(Clone, Default)]
pub struct Configuration {
    /// The SCEP Profile: named, or activated on the RA Profile.
    pub scep_profile: Option<ScepProfile>,
    /// The RA Profile: named, or the SCEP Profile's default.
    pub ra_profile: Option<RaProfile>,
    /// The SCEP Profile's RA certificate.
    pub ra_certificate: Option<RaCertificate>,
    /// The RA Profile's authority.
    pub authority: Option<Authority>,
}

/// Why an endpoint does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The authority's certificate is not valid now.
    #[error("the authority's certificate is not valid now")]
    AuthorityExpired,
    /// The RA Profile's authority is gone.
    #[error("the RA Profile has no authority")]
    AuthorityMissing,
    /// The authority awaits its certificate.
    #[error("the authority is not active: it awaits its certificate")]
    AuthorityNotActive,
    /// The RA certificate is not valid now.
    #[error("the RA certificate is not valid now")]
    RaCertificateExpired,
    /// The SCEP Profile's RA certificate is gone.
    #[error("the SCEP Profile has no RA certificate")]
    RaCertificateMissing,
    /// The RA certificate was issued by another authority, or its key is not RSA.
    #[error("the RA certificate does not fit the authority")]
    RaCertificateUnfit,
    /// The RA Profile is disabled.
    #[error("the RA Profile is disabled")]
    RaProfileDisabled,
    /// No RA Profile has this name.
    #[error("no such RA Profile")]
    RaProfileUnknown,
    /// The SCEP Profile is disabled.
    #[error("the SCEP Profile is disabled")]
    ScepProfileDisabled,
    /// No SCEP Profile has this name.
    #[error("no such SCEP Profile")]
    ScepProfileUnknown,
    /// SCEP is not activated on the RA Profile.
    #[error("SCEP is not activated on the RA Profile")]
    ScepNotActivated,
    /// The SCEP Profile has no default RA Profile.
    #[error("the SCEP Profile has no default RA Profile")]
    WithoutDefaultRaProfile,
}

/// A pair of profiles that may serve, with everything it needs. Made by [`available`] alone.
#[derive(Clone)]
pub struct AvailableProfile {
    scep_profile: ScepProfile,
    ra_profile: RaProfile,
    ra_certificate: RaCertificate,
    authority: IssuingAuthority,
    annotations: Annotations,
}

/// May what stands behind this endpoint serve now?
///
/// # Errors
/// The first thing that is missing or wrong: the named profile, the linked one, the RA certificate, the authority.
pub fn available(
    endpoint: &EndpointName,
    configuration: Configuration,
    now: OffsetDateTime,
) -> Result<AvailableProfile, Unavailable> {
    let (scep_profile, ra_profile) = linked(
        endpoint,
        configuration.scep_profile,
        configuration.ra_profile,
    )?;
    if !scep_profile.enabled {
        return Err(Unavailable::ScepProfileDisabled);
    }
    if !ra_profile.enabled {
        return Err(Unavailable::RaProfileDisabled);
    }
    let ra_certificate = configuration
        .ra_certificate
        .filter(|certificate| certificate.uuid == scep_profile.ra_certificate)
        .ok_or(Unavailable::RaCertificateMissing)?;
    let authority = configuration
        .authority
        .filter(|authority| authority.uuid == ra_profile.authority)
        .ok_or(Unavailable::AuthorityMissing)?
        .issuing()
        .ok_or(Unavailable::AuthorityNotActive)?;
    if ra_certificate.authority != authority.uuid
        || !matches!(
            ra_certificate.certificate.public_key(),
            Ok(PublicKey::Rsa { .. })
        )
    {
        return Err(Unavailable::RaCertificateUnfit);
    }
    if !ra_certificate.certificate.is_valid_at(now) {
        return Err(Unavailable::RaCertificateExpired);
    }
    if !authority.certificate.is_valid_at(now) {
        return Err(Unavailable::AuthorityExpired);
    }
    Ok(AvailableProfile {
        annotations: annotations(endpoint, &scep_profile, &ra_profile),
        scep_profile,
        ra_profile,
        ra_certificate,
        authority,
    })
}

/// The two profiles, if both exist and the named one leads to the other.
fn linked(
    endpoint: &EndpointName,
    scep_profile: Option<ScepProfile>,
    ra_profile: Option<RaProfile>,
) -> Result<(ScepProfile, RaProfile), Unavailable> {
    match endpoint {
        EndpointName::ScepProfile(_) => {
            let scep_profile = scep_profile.ok_or(Unavailable::ScepProfileUnknown)?;
            let ra_profile = ra_profile
                .filter(|ra_profile| scep_profile.ra_profile == Some(ra_profile.uuid))
                .ok_or(Unavailable::WithoutDefaultRaProfile)?;
            Ok((scep_profile, ra_profile))
        }
        EndpointName::RaProfile(_) => {
            let ra_profile = ra_profile.ok_or(Unavailable::RaProfileUnknown)?;
            let scep_profile = scep_profile
                .filter(|scep_profile| {
                    let activated = ra_profile.scep.as_ref().map(|scep| scep.scep_profile);
                    activated == Some(scep_profile.uuid)
                })
                .ok_or(Unavailable::ScepNotActivated)?;
            Ok((scep_profile, ra_profile))
        }
    }
}

/// The SCEP Profile's, but for the attributes of the issuance at the RA Profile's own endpoint: those are its activation's.
fn annotations(
    endpoint: &EndpointName,
    scep_profile: &ScepProfile,
    ra_profile: &RaProfile,
) -> Annotations {
    let mut annotations = scep_profile.annotations.clone();
    match (endpoint, &ra_profile.scep) {
        (EndpointName::RaProfile(_), Some(scep)) => {
            annotations.issue_certificate_attributes = scep.issue_certificate_attributes.clone();
        }
        (EndpointName::RaProfile(_), None) | (EndpointName::ScepProfile(_), _) => {}
    }
    annotations
}

impl AvailableProfile {
    /// The SCEP Profile.
    #[must_use]
    pub const fn scep_profile(&self) -> &ScepProfile {
        &self.scep_profile
    }

    /// The RA Profile.
    #[must_use]
    pub const fn ra_profile(&self) -> &RaProfile {
        &self.ra_profile
    }

    /// The RA certificate.
    #[must_use]
    pub const fn ra_certificate(&self) -> &RaCertificate {
        &self.ra_certificate
    }

    /// The authority.
    #[must_use]
    pub const fn authority(&self) -> &IssuingAuthority {
        &self.authority
    }

    /// What is put on the record of each certificate.
    #[must_use]
    pub const fn annotations(&self) -> &Annotations {
        &self.annotations
    }

    /// The algorithms that it takes.
    #[must_use]
    pub const fn algorithms(&self) -> AlgorithmPolicy {
        AlgorithmPolicy::of(&self.scep_profile)
    }
}
