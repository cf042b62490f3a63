//! Whether the profiles behind an endpoint may serve. Every operation asks this first.

use ca::authority::{Authority, CertificatePath, IssuingAuthority};
use ca::generation::Generation;
use scep_cms::certificate::{Certificate, IssuerAndSerialNumber};
use scep_cms::envelope::{CertificateIdentifier, PkcsPkiEnvelope, Recipient};
use scep_cms::name::is_same_issuer;
use scep_cms::public_key::PublicKey;
use strum::{EnumString, IntoStaticStr, VariantArray};
use time::OffsetDateTime;

use crate::algorithms::{AlgorithmPolicy, Capability};
use crate::annotations::Annotations;
use crate::profile::{EndpointName, RaProfile, ScepProfile};
use crate::ra_certificate::{NextCaAnnouncement, RaCertificate, RaKeyPair};

/// The objects that a store found for an endpoint. Any of them may be missing.
#[derive(Clone, Default)]
pub struct Configuration {
    /// The SCEP Profile that the endpoint names, or that is activated on the RA Profile it names.
    pub scep_profile: Option<ScepProfile>,
    /// The RA Profile that the endpoint names, or that is the default of the SCEP Profile it names.
    pub ra_profile: Option<RaProfile>,
    /// The SCEP Profile's RA certificate.
    pub ra_certificate: Option<RaCertificate>,
    /// The RA Profile's authority.
    pub authority: Option<Authority>,
}

/// Why an endpoint does not serve.
#[derive(
    Clone,
    Copy,
    Debug,
    EnumString,
    Eq,
    Hash,
    IntoStaticStr,
    Ord,
    PartialEq,
    PartialOrd,
    VariantArray,
    thiserror::Error,
)]
#[strum(serialize_all = "camelCase")]
pub enum Unavailable {
    /// The authority's certificate is not valid now.
    #[error("the authority's certificate is not valid now")]
    AuthorityExpired,
    /// The RA Profile's authority does not exist.
    #[error("the RA Profile has no authority")]
    AuthorityMissing,
    /// The authority has no certificate yet.
    #[error("the authority is not active: it awaits its certificate")]
    AuthorityNotActive,
    /// The RA certificate is not valid now.
    #[error("the RA certificate is not valid now")]
    RaCertificateExpired,
    /// The SCEP Profile's RA certificate does not exist.
    #[error("the SCEP Profile has no RA certificate")]
    RaCertificateMissing,
    /// The RA certificate was issued by another authority, has no key for the generation that
    /// issues, or its key is not RSA.
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

/// A pair of profiles that may serve, with everything that serving needs. Constructed only by
/// [`check_availability`].
#[derive(Clone)]
pub struct AvailableProfile {
    scep_profile: ScepProfile,
    ra_profile: RaProfile,
    current_key: RaIdentity,
    /// Previous keys and the next generation's, to which clients may also encrypt.
    other_keys: Vec<RaIdentity>,
    /// The certificate of each of the authority's generations.
    issuer_paths: Vec<(Generation, CertificatePath)>,
    announcement: Option<NextCaAnnouncement>,
    annotations: Annotations,
}

/// An RA key that requests may be encrypted to, and the authority that issues for those requests.
#[derive(Clone)]
struct RaIdentity {
    ra_key: RaKeyPair,
    authority: IssuingAuthority,
}

/// Checks that the profiles behind an endpoint may serve now.
///
/// # Errors
/// The first object that is missing or invalid, in this order: the named profile, the linked
/// profile, the RA certificate, the authority.
pub fn check_availability(
    endpoint: &EndpointName,
    configuration: Configuration,
    now: OffsetDateTime,
) -> Result<AvailableProfile, Unavailable> {
    let (scep_profile, ra_profile) = resolve_profiles(
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
    // The store reads these objects separately, so an edit in between may have changed the links.
    let ra_certificate = configuration
        .ra_certificate
        .filter(|certificate| certificate.uuid == scep_profile.ra_certificate)
        .ok_or(Unavailable::RaCertificateMissing)?;
    let authority = configuration
        .authority
        .filter(|authority| authority.uuid == ra_profile.authority)
        .ok_or(Unavailable::AuthorityMissing)?;
    let current_key = find_current_key(&authority, &ra_certificate, now)?;
    let next_key = find_next_key(&authority, &ra_certificate, now);
    let announcement = next_key
        .as_ref()
        .and_then(|key| ra_certificate.announcement_for(key.authority.generation))
        .cloned();
    Ok(AvailableProfile {
        annotations: build_annotations(endpoint, &scep_profile, &ra_profile),
        announcement,
        issuer_paths: collect_issuer_paths(&authority),
        other_keys: find_previous_keys(&current_key, &ra_certificate, now)
            .chain(next_key)
            .collect(),
        scep_profile,
        ra_profile,
        current_key,
    })
}

/// The key that serves now, and the authority's current generation.
fn find_current_key(
    authority: &Authority,
    ra_certificate: &RaCertificate,
    now: OffsetDateTime,
) -> Result<RaIdentity, Unavailable> {
    let issuer = authority
        .issuing_authority()
        .ok_or(Unavailable::AuthorityNotActive)?;
    // Requests are encrypted by RSA key transport, so an EC key could not open them.
    let ra_key = ra_certificate
        .key_of(issuer.generation)
        .filter(|key| matches!(key.certificate.public_key(), Ok(PublicKey::Rsa { .. })))
        .filter(|_| ra_certificate.authority == authority.uuid)
        .ok_or(Unavailable::RaCertificateUnfit)?;
    if !ra_key.certificate.is_valid_at(now) {
        return Err(Unavailable::RaCertificateExpired);
    }
    if !issuer.certificate.is_valid_at(now) {
        return Err(Unavailable::AuthorityExpired);
    }
    Ok(RaIdentity {
        ra_key: ra_key.clone(),
        authority: issuer,
    })
}

/// The key of the next generation. A request that is encrypted to it gets a certificate of that
/// generation.
fn find_next_key(
    authority: &Authority,
    ra_certificate: &RaCertificate,
    now: OffsetDateTime,
) -> Option<RaIdentity> {
    let issuer = authority.issuing_authority_of(authority.next.as_ref()?)?;
    let ra_key = ra_certificate.key_of(issuer.generation)?.clone();
    let is_valid = issuer.certificate.is_valid_at(now) && ra_key.certificate.is_valid_at(now);
    is_valid.then_some(RaIdentity {
        ra_key,
        authority: issuer,
    })
}

/// The keys that served before. Clients may have cached their certificates, so they are accepted
/// until those expire.
fn find_previous_keys(
    current: &RaIdentity,
    ra_certificate: &RaCertificate,
    now: OffsetDateTime,
) -> impl Iterator<Item = RaIdentity> {
    let RaIdentity { ra_key, authority } = current;
    ra_certificate
        .keys
        .iter()
        .filter(move |key| {
            let is_earlier = key.generation <= authority.generation && key.uuid != ra_key.uuid;
            is_earlier && key.certificate.is_valid_at(now)
        })
        .map(|key| RaIdentity {
            ra_key: key.clone(),
            authority: authority.clone(),
        })
}

fn collect_issuer_paths(authority: &Authority) -> Vec<(Generation, CertificatePath)> {
    authority
        .generations()
        .filter_map(|generation| Some((generation.number, generation.path()?)))
        .collect()
}

/// The two profiles of an endpoint, provided that both exist and the named one links to the other.
fn resolve_profiles(
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

/// The SCEP Profile's annotations. At an RA Profile's endpoint, the issuance attributes are those
/// of its activation instead.
fn build_annotations(
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

    /// The RA key that decrypts the request and signs the reply.
    #[must_use]
    pub const fn ra_key(&self) -> &RaKeyPair {
        &self.current_key.ra_key
    }

    /// The generation of the authority that issues.
    #[must_use]
    pub const fn authority(&self) -> &IssuingAuthority {
        &self.current_key.authority
    }

    /// The certificate of a generation of the authority, followed by its chain.
    pub(crate) fn path_of(&self, generation: Generation) -> impl Iterator<Item = &Certificate> {
        self.issuer_paths
            .iter()
            .find(|(number, _)| *number == generation)
            .into_iter()
            .flat_map(|(_, path)| std::iter::once(&path.certificate).chain(&path.chain))
    }

    /// Selects the RA key that this envelope is encrypted to: the current one, a previous one, or
    /// the next generation's, which then issues. Keeps the current key if no recipient matches.
    #[must_use]
    pub fn select_ra_key(mut self, envelope: &PkcsPkiEnvelope) -> Self {
        let is_recipient = |identity: &RaIdentity| {
            let certificate = &identity.ra_key.certificate;
            envelope
                .recipients()
                .iter()
                .any(|recipient| match recipient {
                    Recipient::KeyTrans(recipient) => recipient.id().names(certificate),
                    Recipient::Password(_) | Recipient::Other => false,
                })
        };
        if !is_recipient(&self.current_key)
            && let Some(other) = self.other_keys.iter_mut().find(|other| is_recipient(other))
        {
            std::mem::swap(&mut self.current_key, other);
        }
        self
    }

    /// Whether this names a certificate of the authority, of any generation, or one in its chain.
    pub(crate) fn is_authority(&self, name: &CertificateIdentifier) -> bool {
        self.issuer_paths
            .iter()
            .flat_map(|(_, path)| std::iter::once(&path.certificate).chain(&path.chain))
            .any(|certificate| name.names(certificate))
    }

    /// Whether this issuer, a DER Name, is the authority's name, compared by
    /// [`scep_cms::name::is_same_issuer`]. It proves nothing about a certificate that carries the
    /// name.
    #[must_use]
    pub fn is_own_issuer(&self, name: &[u8]) -> bool {
        self.issuer_paths
            .iter()
            .any(|(_, path)| is_same_issuer(path.certificate.subject(), name))
    }

    /// The server's own certificate of this name, an RA's or the authority's, with the generation
    /// that issued it. Clients check those against CRLs too. The generation is `None` for a
    /// subordinate CA's certificate, which another CA issued.
    #[must_use]
    pub fn own_certificate(
        &self,
        name: &IssuerAndSerialNumber,
    ) -> Option<(&Certificate, Option<Generation>)> {
        let ra_certificates = std::iter::once(&self.current_key)
            .chain(&self.other_keys)
            .map(|identity| {
                (
                    &identity.ra_key.certificate,
                    Some(identity.ra_key.generation),
                )
            });
        let ca_certificates = self.issuer_paths.iter().map(|(generation, path)| {
            let issuer = &path.certificate;
            let is_root = issuer.issuer_and_serial_number().issuer() == issuer.subject();
            (issuer, is_root.then_some(*generation))
        });
        ra_certificates
            .chain(ca_certificates)
            .find(|(certificate, _)| certificate.issuer_and_serial_number().is_same(name))
    }

    /// The content of the answer to GetNextCACert; `None` unless there is a next generation.
    #[must_use]
    pub const fn next_ca_announcement(&self) -> Option<&NextCaAnnouncement> {
        self.announcement.as_ref()
    }

    /// The capabilities that GetCACaps announces, in order.
    #[must_use]
    pub fn capabilities(&self) -> Vec<Capability> {
        let mut capabilities = self.algorithms().capabilities();
        // GetNextCACert is announced only while there is a next CA certificate to fetch.
        if self.announcement.is_some() {
            capabilities.push(Capability::GetNextCaCert);
        }
        capabilities
    }

    /// The annotations to write to the record of each certificate.
    #[must_use]
    pub const fn annotations(&self) -> &Annotations {
        &self.annotations
    }

    /// The algorithms that the profile allows.
    #[must_use]
    pub const fn algorithms(&self) -> AlgorithmPolicy {
        AlgorithmPolicy::of(&self.scep_profile)
    }
}

#[cfg(test)]
pub(crate) mod tests;
