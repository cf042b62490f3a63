//! The port to tests of the services that vouch for enrolments.

use async_trait::async_trait;
use scep_protocol::profile::ScepProfile;
use time::OffsetDateTime;

use crate::error::Failure;

/// A test whether a service that vouches for enrolments can be reached and accepts the credentials
/// of a SCEP Profile. It asks about no enrolment.
#[async_trait]
pub trait SourceProbe: Send + Sync {
    /// Tests the service, and says in a sentence what it answered. Caches are not used.
    ///
    /// # Errors
    /// See [`ProbeError`].
    async fn probe(&self, profile: &ScepProfile, now: OffsetDateTime)
    -> Result<String, ProbeError>;
}

/// A test did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The server failed before the service could be tested.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The service cannot be reached, or did not do what was asked. The text is a sentence for
    /// administrators; it has no secret, and nothing of a response but its status.
    #[error("{0}")]
    Unfit(String),
}
