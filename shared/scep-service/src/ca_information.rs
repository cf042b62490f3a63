//! GetCACaps and GetCACert, RFC 8894 §3.5 and §4.2.

use scep_protocol::{
    AvailableProfile, CaCertificates, Capability, EndpointName, Rejection, available,
};

use crate::{Failure, Reading};

/// What the endpoint can do, in the order of announcement.
///
/// # Errors
/// [`Failure::Rejected`] when it does not serve, [`Failure::Store`].
pub async fn ca_capabilities(
    reading: &Reading,
    endpoint: &EndpointName,
) -> Result<Vec<Capability>, Failure> {
    let profile = serving(reading, endpoint).await?;
    Ok(profile.capabilities())
}

/// The certificates that clients of the endpoint encrypt to and trust.
///
/// # Errors
/// As [`ca_capabilities`].
pub async fn ca_certificates(
    reading: &Reading,
    endpoint: &EndpointName,
) -> Result<CaCertificates, Failure> {
    let profile = serving(reading, endpoint).await?;
    Ok(scep_protocol::ca_certificates(&profile))
}

/// The pair of profiles behind an endpoint, if it may serve now.
pub(crate) async fn serving(
    reading: &Reading,
    endpoint: &EndpointName,
) -> Result<AvailableProfile, Failure> {
    let configuration = reading.profiles.configuration(endpoint).await?;
    available(endpoint, configuration, reading.clock.now())
        .map_err(|unavailable| Failure::Rejected(Rejection::Unavailable(unavailable)))
}
