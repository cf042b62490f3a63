//! The ports: the traits through which use cases reach stores, keys and clocks. Adapter crates
//! implement them, and the binaries in `functions/` choose the adapters.

mod assertion_key;
mod challenge_source;
mod clock;
mod keys;
mod metrics;
mod notifier;
mod random;
mod request_log;
mod revocation_orders;
mod secrets;
mod source_probe;
mod store;
mod transactions;

pub use assertion_key::AssertionKey;
pub use challenge_source::{ChallengeSource, VouchContext, VouchError};
pub use clock::{Clock, SystemClock};
pub use keys::{CaKeys, GeneratedKey, RaKeys};
pub use metrics::{KeyCallOutcome, Measurement, Metrics, RequestMeasurement, ServerCertificate};
pub use notifier::{Announcement, Notifier, NotifyError};
pub use random::{EntropyError, Random, SystemRandom};
pub use request_log::RequestLog;
pub use revocation_orders::{OrderOutcome, RevocationOrder, RevocationOrders};
pub use secrets::{SecretOwner, Secrets};
pub use source_probe::{ProbeError, SourceProbe};
pub use store::{Change, CreationOutcome, CrlHead, MAX_LOCKOUTS, ProfileReader, Store, StoredCrl};
pub use transactions::{
    Approval, Bar, Claim, ClaimKind, EnvelopeSighting, GuardedOutcome, MAX_SUCCESSORS, Renewal,
    Transactions, WriteOutcome,
};
