//! The ports: the traits through which use cases reach stores, keys and clocks. Adapter crates
//! implement them, and the binaries in `functions/` choose the adapters.

mod clock;
mod keys;
mod metrics;
mod random;
mod secrets;
mod store;
mod transactions;

pub use clock::{Clock, SystemClock};
pub use keys::{CaKeys, GeneratedKey, RaKeys};
pub use metrics::{KeyCallOutcome, Measurement, Metrics, RequestMeasurement, ServerCertificate};
pub use random::{EntropyError, Random, SystemRandom};
pub use secrets::Secrets;
pub use store::{Change, CrlHead, ProfileReader, Store, StoredCrl};
pub use transactions::{
    Bar, Claim, ClaimKind, ClaimOutcome, GuardedOutcome, MAX_SUCCESSORS, Renewal, Transactions,
};

use std::sync::Arc;

use crate::deployment::Deployment;

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

/// The ports that PKIOperation needs: [`ProfileService`], keys, and the records of transactions and
/// certificates.
#[derive(Clone)]
pub struct Enrolment {
    /// Profiles, clock and metrics.
    pub profile_service: ProfileService,
    /// Transactions and the certificates that they lead to.
    pub transactions: Arc<dyn Transactions>,
    /// Keys that sign certificates.
    pub ca_keys: Arc<dyn CaKeys>,
    /// Keys that decrypt requests and sign replies.
    pub ra_keys: Arc<dyn RaKeys>,
    /// The sealed secrets of profiles.
    pub secrets: Arc<dyn Secrets>,
    /// CRLs, which GetCRL returns.
    pub crls: Arc<dyn ProfileReader>,
    /// Random octets.
    pub random: Arc<dyn Random>,
    /// The settings of this deployment.
    pub deployment: Deployment,
}
