//! The health of a deployment: what has expired or will, and which endpoints do not serve and why.

use ca::authority::Authority;
use ca::id::AuthorityUuid;
use ca::profile_name::ProfileName;
use scep_protocol::availability::{Configuration, Unavailable, check_availability};
use scep_protocol::id::{RaProfileUuid, ScepProfileUuid};
use scep_protocol::profile::{EndpointName, RaProfile, ScepProfile};
use scep_protocol::ra_certificate::{RaCertificate, RaKeyPair};
use time::OffsetDateTime;

use crate::admin::Administration;
use crate::error::StoreError;
use crate::object::{Object, list};
use crate::ports::CrlHead;

/// The health of a deployment.
pub struct Health {
    /// Every authority, sorted by name.
    pub authorities: Vec<AuthorityHealth>,
    /// Every RA certificate that has a key, in no particular order.
    pub ra_certificates: Vec<RaCertificateHealth>,
    /// The endpoints of SCEP Profiles, then those of RA Profiles, each sorted by name.
    pub endpoints: Vec<EndpointHealth>,
}

/// An authority and the CRL of its current generation.
pub struct AuthorityHealth {
    /// The authority.
    pub authority: Authority,
    /// The latest CRL of the current generation; `None` until one is published.
    pub crl: Option<CrlHead>,
}

/// An RA certificate and the key that serves.
pub struct RaCertificateHealth {
    /// The RA certificate.
    pub ra_certificate: RaCertificate,
    /// The key that serves while the authority's current generation issues.
    pub serving_key: RaKeyPair,
}

/// The profile whose endpoint it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointOwner {
    /// A SCEP Profile.
    ScepProfile(ScepProfileUuid),
    /// An RA Profile.
    RaProfile(RaProfileUuid),
}

/// An endpoint, and why it does not serve.
pub struct EndpointHealth {
    /// The profile whose endpoint it is.
    pub owner: EndpointOwner,
    /// The name of that profile, in the form in which the endpoint has it.
    pub endpoint: EndpointName,
    /// Why the endpoint does not serve; `None` if it does.
    pub unavailable: Option<Unavailable>,
}

impl Administration {
    /// Checks every authority, RA certificate and endpoint. The cost is one list for each kind of
    /// object, and one read of a small item for each authority. On AWS the lists may lag behind
    /// recent writes.
    ///
    /// # Errors
    /// Fails when the store fails.
    pub async fn check_health(&self) -> Result<Health, StoreError> {
        let inventory = Inventory {
            scep_profiles: self.list_objects().await?,
            ra_profiles: self.list_objects().await?,
            ra_certificates: self.list_objects().await?,
            authorities: self.list_objects().await?,
        };
        let mut authorities = Vec::new();
        for authority in &inventory.authorities {
            let generation = authority.current.number;
            authorities.push(AuthorityHealth {
                authority: authority.clone(),
                crl: self.store.crl_head(authority.uuid, generation).await?,
            });
        }
        Ok(Health {
            authorities,
            ra_certificates: inventory.list_ra_certificates(),
            endpoints: inventory.check_endpoints(self.clock.now()),
        })
    }

    async fn list_objects<T: Object>(&self) -> Result<Vec<T>, StoreError> {
        let found = list::<T>(&*self.store).await?;
        Ok(found.into_iter().map(|found| found.object).collect())
    }
}

/// Every object that an endpoint may need.
struct Inventory {
    scep_profiles: Vec<ScepProfile>,
    ra_profiles: Vec<RaProfile>,
    ra_certificates: Vec<RaCertificate>,
    authorities: Vec<Authority>,
}

impl Inventory {
    fn find_authority(&self, uuid: AuthorityUuid) -> Option<&Authority> {
        self.authorities.iter().find(|found| found.uuid == uuid)
    }

    fn list_ra_certificates(&self) -> Vec<RaCertificateHealth> {
        let health = |ra_certificate: &RaCertificate| {
            let authority = self.find_authority(ra_certificate.authority);
            let serving_key = authority
                .and_then(|authority| ra_certificate.key_of(authority.current.number))
                .or_else(|| ra_certificate.serving_key())?;
            Some(RaCertificateHealth {
                serving_key: serving_key.clone(),
                ra_certificate: ra_certificate.clone(),
            })
        };
        self.ra_certificates.iter().filter_map(health).collect()
    }

    fn check_endpoints(&self, now: OffsetDateTime) -> Vec<EndpointHealth> {
        let of_scep_profiles = self.scep_profiles.iter().map(|scep_profile| {
            let ra_profile = scep_profile.ra_profile.and_then(|uuid| {
                let mut all = self.ra_profiles.iter();
                all.find(|found| found.uuid == uuid)
            });
            let owner = EndpointOwner::ScepProfile(scep_profile.uuid);
            let endpoint = EndpointName::ScepProfile(scep_profile.name.clone());
            self.check_endpoint(owner, endpoint, Some(scep_profile), ra_profile, now)
        });
        let of_ra_profiles = self.ra_profiles.iter().map(|ra_profile| {
            let scep_profile = ra_profile.scep.as_ref().and_then(|scep| {
                let mut all = self.scep_profiles.iter();
                all.find(|found| found.uuid == scep.scep_profile)
            });
            let owner = EndpointOwner::RaProfile(ra_profile.uuid);
            let endpoint = EndpointName::RaProfile(ra_profile.name.clone());
            self.check_endpoint(owner, endpoint, scep_profile, Some(ra_profile), now)
        });
        of_scep_profiles.chain(of_ra_profiles).collect()
    }

    /// Decides as a request to the endpoint would.
    fn check_endpoint(
        &self,
        owner: EndpointOwner,
        endpoint: EndpointName,
        scep_profile: Option<&ScepProfile>,
        ra_profile: Option<&RaProfile>,
        now: OffsetDateTime,
    ) -> EndpointHealth {
        let ra_certificate = scep_profile.and_then(|profile| {
            let mut all = self.ra_certificates.iter();
            all.find(|found| found.uuid == profile.ra_certificate)
        });
        let authority = ra_profile.and_then(|profile| self.find_authority(profile.authority));
        let configuration = Configuration {
            scep_profile: scep_profile.cloned(),
            ra_profile: ra_profile.cloned(),
            ra_certificate: ra_certificate.cloned(),
            authority: authority.cloned(),
        };
        EndpointHealth {
            unavailable: check_availability(&endpoint, configuration, now).err(),
            owner,
            endpoint,
        }
    }
}

impl EndpointHealth {
    /// The name of the profile whose endpoint it is.
    #[must_use]
    pub const fn name(&self) -> &ProfileName {
        match &self.endpoint {
            EndpointName::ScepProfile(name) | EndpointName::RaProfile(name) => name,
        }
    }
}
