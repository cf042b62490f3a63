//! Reads what is behind an endpoint from the objects that administration writes.

use newtype_uuid::TypedUuid;
use scep_protocol::availability::Configuration;
use scep_protocol::profile::{EndpointName, RaProfile, ScepProfile};

use crate::error::StoreError;
use crate::object::{Object, find, read};
use crate::ports::ProfileReader;

/// Reads the profiles, the RA certificate and the authority behind an endpoint.
pub(crate) async fn read_configuration(
    reader: &(impl ProfileReader + ?Sized),
    endpoint: &EndpointName,
) -> Result<Configuration, StoreError> {
    let (scep_profile, ra_profile) = read_profiles(reader, endpoint).await?;
    let ra_certificate = scep_profile.as_ref().map(|profile| profile.ra_certificate);
    let authority = ra_profile.as_ref().map(|profile| profile.authority);
    Ok(Configuration {
        ra_certificate: read_object(reader, ra_certificate).await?,
        authority: read_object(reader, authority).await?,
        scep_profile,
        ra_profile,
    })
}

/// Reads the profile that the endpoint names and the one that it links to.
async fn read_profiles(
    reader: &(impl ProfileReader + ?Sized),
    endpoint: &EndpointName,
) -> Result<(Option<ScepProfile>, Option<RaProfile>), StoreError> {
    match endpoint {
        EndpointName::ScepProfile(name) => {
            let scep_profile = find::<ScepProfile>(reader, name)
                .await?
                .map(|found| found.object);
            let ra_profile = scep_profile.as_ref().and_then(|profile| profile.ra_profile);
            Ok((scep_profile, read_object(reader, ra_profile).await?))
        }
        EndpointName::RaProfile(name) => {
            let ra_profile = find::<RaProfile>(reader, name)
                .await?
                .map(|found| found.object);
            let scep_profile = ra_profile
                .as_ref()
                .and_then(|profile| profile.scep.as_ref())
                .map(|scep| scep.scep_profile);
            Ok((read_object(reader, scep_profile).await?, ra_profile))
        }
    }
}

async fn read_object<T: Object>(
    reader: &(impl ProfileReader + ?Sized),
    uuid: Option<TypedUuid<T::IdKind>>,
) -> Result<Option<T>, StoreError> {
    let Some(uuid) = uuid else {
        return Ok(None);
    };
    Ok(read(reader, uuid).await?.map(|found| found.object))
}
