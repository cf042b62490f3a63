//! May this pair of profiles serve? One answer for every operation.

use scep_cms::{
    Certificate, CertificateIdentifier, IssuerAndSerialNumber, PkcsPkiEnvelope, PublicKey,
    Recipient, is_same_issuer,
};
use time::OffsetDateTime;

use crate::{
    AlgorithmPolicy, Annotations, Authority, Capability, CertificatePath, EndpointName,
    IssuingAuthority, NextCaAnnouncement, RaCertificate, RaKeyPair, RaProfile, ScepProfile,
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
    served: Served,
    /// Older keys, and those of the next generation.
    others: Vec<Served>,
    /// The certificate of each of the authority's generations.
    issuers: Vec<(u32, CertificatePath)>,
    announcement: Option<NextCaAnnouncement>,
    annotations: Annotations,
}

/// A key that requests are encrypted to, and who issues for those that are.
#[derive(Clone)]
struct Served {
    ra_key: RaKeyPair,
    authority: IssuingAuthority,
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
        .ok_or(Unavailable::AuthorityMissing)?;
    let served = served(&authority, &ra_certificate, now)?;
    let next = next(&authority, &ra_certificate, now);
    let announced = ra_certificate.announcement.as_ref();
    let announced = announced.filter(|announcement| {
        let next = next.as_ref().map(|next| next.authority.generation);
        next == Some(announcement.generation)
    });
    Ok(AvailableProfile {
        annotations: annotations(endpoint, &scep_profile, &ra_profile),
        announcement: announced.cloned(),
        issuers: issuers(&authority),
        others: older(&served, &ra_certificate, now).chain(next).collect(),
        scep_profile,
        ra_profile,
        served,
    })
}

/// The key that serves now, and the generation that issues.
fn served(
    authority: &Authority,
    ra_certificate: &RaCertificate,
    now: OffsetDateTime,
) -> Result<Served, Unavailable> {
    let issuing = authority.issuing().ok_or(Unavailable::AuthorityNotActive)?;
    let ra_key = ra_certificate
        .key_of(issuing.generation)
        .filter(|key| matches!(key.certificate.public_key(), Ok(PublicKey::Rsa { .. })));
    let Some(ra_key) = ra_key.filter(|_| ra_certificate.authority == authority.uuid) else {
        return Err(Unavailable::RaCertificateUnfit);
    };
    if !ra_key.certificate.is_valid_at(now) {
        return Err(Unavailable::RaCertificateExpired);
    }
    if !issuing.certificate.is_valid_at(now) {
        return Err(Unavailable::AuthorityExpired);
    }
    Ok(Served {
        ra_key: ra_key.clone(),
        authority: issuing,
    })
}

/// The key of the next generation: who encrypts to it has a certificate of that generation.
fn next(
    authority: &Authority,
    ra_certificate: &RaCertificate,
    now: OffsetDateTime,
) -> Option<Served> {
    let next = authority.issuing_by(authority.next.as_ref()?)?;
    let ra_key = ra_certificate.key_of(next.generation)?.clone();
    let valid = next.certificate.is_valid_at(now) && ra_key.certificate.is_valid_at(now);
    valid.then_some(Served {
        ra_key,
        authority: next,
    })
}

/// Keys that served before: clients may go on with them until their certificates end.
fn older(
    served: &Served,
    ra_certificate: &RaCertificate,
    now: OffsetDateTime,
) -> impl Iterator<Item = Served> {
    let Served { ra_key, authority } = served;
    let before = ra_certificate.keys.iter().filter(move |key| {
        let earlier = key.generation <= authority.generation && key.uuid != ra_key.uuid;
        earlier && key.certificate.is_valid_at(now)
    });
    before.map(|key| Served {
        ra_key: key.clone(),
        authority: authority.clone(),
    })
}

fn issuers(authority: &Authority) -> Vec<(u32, CertificatePath)> {
    let generations = authority.generations();
    generations
        .filter_map(|of| Some((of.number, of.path()?)))
        .collect()
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

    /// The RA key that opens the request and signs the reply.
    #[must_use]
    pub const fn ra_key(&self) -> &RaKeyPair {
        &self.served.ra_key
    }

    /// The authority, as the generation that issues.
    #[must_use]
    pub const fn authority(&self) -> &IssuingAuthority {
        &self.served.authority
    }

    /// The authority's certificate of a generation, and those above it.
    pub(crate) fn path_of(&self, generation: u32) -> impl Iterator<Item = &Certificate> {
        let issuers = self.issuers.iter();
        let mut paths = issuers.filter(move |(number, _)| *number == generation);
        let path = paths.next().map(|(_, path)| path);
        path.into_iter()
            .flat_map(|path| std::iter::once(&path.certificate).chain(&path.chain))
    }

    /// The profile as it serves a request in this envelope: with the key that it is encrypted to, be it an older one or the next
    /// generation's, which then issues. With the key that serves now where it is encrypted to none.
    #[must_use]
    pub fn addressed_by(mut self, envelope: &PkcsPkiEnvelope) -> Self {
        let is_recipient = |served: &Served| {
            let certificate = &served.ra_key.certificate;
            envelope
                .recipients()
                .iter()
                .any(|recipient| match recipient {
                    Recipient::KeyTrans(recipient) => recipient.id().names(certificate),
                    Recipient::Password(_) | Recipient::Other => false,
                })
        };
        if !is_recipient(&self.served)
            && let Some(other) = self.others.iter_mut().find(|other| is_recipient(other))
        {
            std::mem::swap(&mut self.served, other);
        }
        self
    }

    /// Is it a certificate of the authority itself, of any generation, or of one above it, that is named?
    pub(crate) fn is_authority(&self, name: &CertificateIdentifier) -> bool {
        let issuers = self.issuers.iter();
        let mut path =
            issuers.flat_map(|(_, path)| std::iter::once(&path.certificate).chain(&path.chain));
        path.any(|certificate| name.names(certificate))
    }

    /// Was a certificate with this issuer, a DER Name, issued by the authority, as far as its name says? As
    /// [`scep_cms::is_same_issuer`] compares.
    #[must_use]
    pub fn is_issuer(&self, name: &[u8]) -> bool {
        let mut issuers = self.issuers.iter();
        issuers.any(|(_, path)| is_same_issuer(path.certificate.subject(), name))
    }

    /// The certificate of the server itself that has this name, an RA's or the authority's, and the generation that issued it: clients
    /// look for those on CRLs too. A subordinate's was issued by none of ours.
    #[must_use]
    pub fn own_certificate(
        &self,
        name: &IssuerAndSerialNumber,
    ) -> Option<(&Certificate, Option<u32>)> {
        let served = std::iter::once(&self.served).chain(&self.others);
        let of_ra =
            served.map(|served| (&served.ra_key.certificate, Some(served.ra_key.generation)));
        let issuers = self.issuers.iter();
        let of_authority = issuers.map(|(generation, path)| {
            let issuer = &path.certificate;
            let is_root = issuer.issuer_and_serial_number().issuer() == issuer.subject();
            (issuer, is_root.then_some(*generation))
        });
        let mut own = of_ra.chain(of_authority);
        own.find(|(certificate, _)| certificate.issuer_and_serial_number().is_same(name))
    }

    /// What the answer to GetNextCACert is made of, while there is a next generation.
    #[must_use]
    pub const fn next_ca_announcement(&self) -> Option<&NextCaAnnouncement> {
        self.announcement.as_ref()
    }

    /// What GetCACaps announces, in its order.
    #[must_use]
    pub fn capabilities(&self) -> Vec<Capability> {
        let mut capabilities = self.algorithms().capabilities();
        if self.announcement.is_some() {
            capabilities.push(Capability::GetNextCaCert);
        }
        capabilities
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

#[cfg(test)]
pub(crate) mod tests;
