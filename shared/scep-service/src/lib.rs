//! THE STORY: one async function a use case, and the ports through which it reaches the world.
//!
//! What a use case may reach is its first argument: [`Reading`] for what GetCACaps and GetCACert need, [`Issuing`] for
//! PKIOperation, [`Managing`] for administration.

mod ca_information;
mod entropy;
mod error;
mod fault_point;
mod issue;
mod manage;
mod pki_operation;
mod ports;
mod profile_cache;
mod reply;

pub use ca_information::{ca_capabilities, ca_certificates};
pub use error::{Failure, KeyError, StoreError};
pub use issue::Granted;
pub use manage::{
    Managing, activate_scep, create_ra_certificate, create_ra_profile, create_root_authority,
    create_scep_profile, enable_ra_profile, enable_scep_profile, set_challenge,
};
pub use pki_operation::{Outcome, PkiOperationReply, pki_operation};
pub use ports::{
    CaKeys, CertificateRecord, Claim, ClaimOutcome, Clock, GeneratedKey, Issuing, Object,
    ObjectKind, ProfileStore, Profiles, RaKey, RaKeys, Reading, Secrets, Transactions, Versioned,
};
pub use profile_cache::CachedProfiles;
