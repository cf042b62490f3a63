//! The use cases of the server, and the ports through which they reach stores, keys and clocks.
//!
//! A use case is a method of the service that holds the ports that it may use: [`ProfileService`]
//! for GetCACaps and GetCACert, [`Enrolment`] for PKIOperation and GetNextCACert,
//! [`Administration`] for administration and maintenance.

mod audit;
mod ca_information;
mod causes;
mod crl;
mod crl_cache;
mod deployment;
mod edit;
mod entropy;
mod error;
mod fault_point;
mod inventory;
mod issue;
mod manage;
mod metrics;
mod next_ca;
mod object;
mod pki_operation;
mod ports;
mod profile_cache;
mod ra_key;
mod reply;
mod signing;
mod stored_profiles;
mod subject_search;
mod upkeep;

pub use audit::{Actor, AuditAction, AuditRecord};
pub use causes::ErrorChain;
pub use crl::PublishedCrl;
pub use crl_cache::CachedCrls;
pub use deployment::{DEFAULT_DAYS, Deployment, InvalidSetting, parse_days, parse_public_url};
pub use edit::Edit;
pub use entropy::{EntropyError, Random, SystemRandom};
pub use error::{Failure, KeyError, StoreError};
pub use inventory::{
    AuditFilter, CertificateFilter, CertificateRecord, CertificateStatus, CertificateSummary,
    Inventory, Page, PageRequest, TransactionRecord, TransactionStatus, TransactionSummary,
};
pub use issue::GrantedCertificate;
pub use manage::{
    Administration, AuthorityKind, Dependents, Field, Invalid, MAX_CHALLENGE_CHARACTERS,
    MAX_REASON_CHARACTERS, ManageError, NewAuthority, NewRaCertificate, NextKey, RaProfileEdit,
    Reach, Review, ScepProfileEdit, ValidCertificates,
};
pub use metrics::{KeyCallOutcome, Measurement, Metrics, RequestMeasurement, ServerCertificate};
pub use object::{Object, ObjectKind, Reference, StoredObject, Versioned, find, list, read};
pub use pki_operation::{Outcome, PkiOperationReply};
pub use ports::{
    Bar, CaKeys, Certificates, Change, Claim, ClaimKind, ClaimOutcome, Clock, CrlHead, CrlStore,
    Crls, Enrolment, GeneratedKey, GuardedOutcome, MAX_SUCCESSORS, ObjectStore, Objects,
    ProfileService, Profiles, RaKeys, Renewal, Secrets, StoredCrl, SystemClock, Transactions,
};
pub use profile_cache::{CachedProfiles, WatchedObjects};
pub use ra_key::RaKey;
pub use stored_profiles::StoredProfiles;
pub use subject_search::SubjectSearch;
