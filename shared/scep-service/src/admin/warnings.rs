//! Warnings about unwise settings of a profile and the objects that it is linked to.

use ca::authority::Authority;
use scep_protocol::profile::{RaProfile, ScepProfile};
use scep_protocol::ra_certificate::RaCertificate;
use scep_protocol::warning::Warning;

use crate::admin::Administration;
use crate::error::StoreError;
use crate::object::{Object, Versioned, read};

impl Administration {
    /// Returns the warnings about a SCEP Profile.
    ///
    /// # Errors
    /// Fails when the store fails.
    pub async fn scep_profile_warnings(
        &self,
        profile: &Versioned<ScepProfile>,
    ) -> Result<Vec<Warning>, StoreError> {
        let mut ra_profiles = self.read_dependents::<_, RaProfile>(profile).await?;
        // The default RA Profile is a link from this side, so it need not be among the dependents.
        if let Some(uuid) = profile.object.ra_profile
            && ra_profiles.iter().all(|found| found.uuid != uuid)
        {
            let default: Option<Versioned<RaProfile>> = read(&*self.store, uuid).await?;
            ra_profiles.extend(default.map(|found| found.object));
        }
        let ra_certificate: Option<Versioned<RaCertificate>> =
            read(&*self.store, profile.object.ra_certificate).await?;
        let authority: Option<Versioned<Authority>> = match ra_certificate {
            Some(found) => read(&*self.store, found.object.authority).await?,
            None => None,
        };
        let authority_key = authority.map(|found| found.object.current.key_algorithm);
        let linked: Vec<_> = ra_profiles.iter().collect();
        Ok(profile.object.warnings(&linked, authority_key))
    }

    /// Returns the warnings about an RA Profile.
    ///
    /// # Errors
    /// Fails when the store fails.
    pub async fn ra_profile_warnings(
        &self,
        profile: &Versioned<RaProfile>,
    ) -> Result<Vec<Warning>, StoreError> {
        let mut scep_profiles = self.read_dependents::<_, ScepProfile>(profile).await?;
        // The activated SCEP Profile is a link from this side, so it need not be among the
        // dependents.
        if let Some(scep) = &profile.object.scep
            && scep_profiles
                .iter()
                .all(|found| found.uuid != scep.scep_profile)
        {
            let activated: Option<Versioned<ScepProfile>> =
                read(&*self.store, scep.scep_profile).await?;
            scep_profiles.extend(activated.map(|found| found.object));
        }
        let linked: Vec<_> = scep_profiles.iter().collect();
        Ok(profile.object.warnings(&linked))
    }

    /// Reads the objects of a kind that need this one.
    async fn read_dependents<T, D: Object>(
        &self,
        object: &Versioned<T>,
    ) -> Result<Vec<D>, StoreError> {
        let mut found = Vec::new();
        for dependent in object.dependents_of::<D>() {
            let stored: Option<Versioned<D>> = read(&*self.store, dependent).await?;
            found.extend(stored.map(|stored| stored.object));
        }
        Ok(found)
    }
}
