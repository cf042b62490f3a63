//! Reads profiles for the request path from the objects that administration writes.

use std::sync::Arc;

use async_trait::async_trait;
use scep_protocol::availability::Configuration;
use scep_protocol::profile::{EndpointName, RaProfile, ScepProfile};
use uuid::Uuid;

use crate::error::StoreError;
use crate::object::{Object, find, read};
use crate::ports::{Objects, Profiles};

/// An implementation of [`Profiles`] on top of [`Objects`].
pub struct StoredProfiles(pub Arc<dyn Objects>);

#[async_trait]
impl Profiles for StoredProfiles {
    async fn configuration(&self, endpoint: &EndpointName) -> Result<Configuration, StoreError> {
        let (scep_profile, ra_profile) = self.linked(endpoint).await?;
        let ra_certificate = scep_profile.as_ref().map(|profile| profile.ra_certificate);
        let authority = ra_profile.as_ref().map(|profile| profile.authority);
        Ok(Configuration {
            ra_certificate: self.object(ra_certificate).await?,
            authority: self.object(authority).await?,
            scep_profile,
            ra_profile,
        })
    }

    async fn ra_profile(&self, uuid: Uuid) -> Result<Option<RaProfile>, StoreError> {
        self.object(Some(uuid)).await
    }
}

impl StoredProfiles {
    /// Reads the profile that the endpoint names and the one that it links to.
    async fn linked(
        &self,
        endpoint: &EndpointName,
    ) -> Result<(Option<ScepProfile>, Option<RaProfile>), StoreError> {
        match endpoint {
            EndpointName::ScepProfile(name) => {
                let scep_profile = find::<ScepProfile>(&*self.0, name)
                    .await?
                    .map(|found| found.object);
                let ra_profile = scep_profile.as_ref().and_then(|profile| profile.ra_profile);
                Ok((scep_profile, self.object(ra_profile).await?))
            }
            EndpointName::RaProfile(name) => {
                let ra_profile = find::<RaProfile>(&*self.0, name)
                    .await?
                    .map(|found| found.object);
                let scep_profile = ra_profile
                    .as_ref()
                    .and_then(|profile| profile.scep.as_ref())
                    .map(|scep| scep.scep_profile);
                Ok((self.object(scep_profile).await?, ra_profile))
            }
        }
    }

    async fn object<T: Object>(&self, uuid: Option<Uuid>) -> Result<Option<T>, StoreError> {
        let Some(uuid) = uuid else {
            return Ok(None);
        };
        Ok(read(&*self.0, uuid).await?.map(|found| found.object))
    }
}
