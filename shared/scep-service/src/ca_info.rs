//! GetCACaps and GetCACert, RFC 8894 §3.5 and §4.2.

use std::sync::Arc;

use scep_protocol::algorithms::Capability;
use scep_protocol::availability::{AvailableProfile, check_availability};
use scep_protocol::ca_info::CaCertificates;
use scep_protocol::profile::EndpointName;
use scep_protocol::refusal::HttpRejection;

use crate::error::Failure;
use crate::ports::{Clock, Metrics, ProfileReader};

/// The ports that GetCACaps and GetCACert need: read access to profiles.
#[derive(Clone)]
pub struct ProfileService {
    /// Profiles and the objects that they link to.
    pub profiles: Arc<dyn ProfileReader>,
    /// The current time.
    pub clock: Arc<dyn Clock>,
    /// The sink for measurements.
    pub metrics: Arc<dyn Metrics>,
}

impl ProfileService {
    /// Returns the capabilities of the endpoint, in the order in which GetCACaps lists them.
    ///
    /// # Errors
    /// Returns [`Failure::Rejected`] when the endpoint is not available, and [`Failure::Store`]
    /// when the store fails.
    pub async fn ca_capabilities(
        &self,
        endpoint: &EndpointName,
    ) -> Result<Vec<Capability>, Failure> {
        let profile = self.read_available_profile(endpoint).await?;
        Ok(profile.capabilities())
    }

    /// Returns the certificates that clients of the endpoint encrypt to and trust.
    ///
    /// # Errors
    /// Returns the same errors as [`Self::ca_capabilities`].
    pub async fn ca_certificates(
        &self,
        endpoint: &EndpointName,
    ) -> Result<CaCertificates, Failure> {
        let profile = self.read_available_profile(endpoint).await?;
        Ok(scep_protocol::ca_info::ca_certificates(&profile))
    }

    /// Reads the profiles behind an endpoint and checks that they are available now.
    pub(crate) async fn read_available_profile(
        &self,
        endpoint: &EndpointName,
    ) -> Result<AvailableProfile, Failure> {
        let configuration = self.profiles.configuration(endpoint).await?;
        check_availability(endpoint, configuration, self.clock.now())
            .map_err(|unavailable| Failure::Rejected(HttpRejection::Unavailable(unavailable)))
    }
}
