//! The path of a single RA Profile, by itself or below its authority.

use ca::id::AuthorityUuid;
use scep_protocol::id::RaProfileUuid;
use scep_protocol::profile::RaProfile;
use scep_service::admin::{AdminError, Administration};
use scep_service::object::{Object, Versioned};
use serde::Deserialize;
use utoipa::IntoParams;

/// The path parameters of an RA Profile, with its authority below `/authorities`.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub(crate) struct RaProfilePath {
    // `ra_profiles::single_routes_of_authority` describes it for the routes that have it.
    #[param(ignore)]
    authority_uuid: Option<AuthorityUuid>,
    /// UUID of the RA Profile.
    #[param(value_type = Uuid, example = "6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11")]
    pub(crate) uuid: RaProfileUuid,
}

impl RaProfilePath {
    pub(crate) async fn find(
        &self,
        administration: &Administration,
    ) -> Result<Versioned<RaProfile>, AdminError> {
        let found: Versioned<RaProfile> = administration.get(self.uuid).await?;
        let authority = self.authority_uuid.unwrap_or(found.object.authority);
        if found.object.authority != authority {
            return Err(AdminError::NotFound(RaProfile::KIND));
        }
        Ok(found)
    }

    /// Checks that the RA Profile belongs to the authority in the path, if there is one. The use
    /// case checks whether the RA Profile exists.
    pub(crate) async fn check(&self, administration: &Administration) -> Result<(), AdminError> {
        if self.authority_uuid.is_some() {
            self.find(administration).await?;
        }
        Ok(())
    }
}
