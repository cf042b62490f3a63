//! THE DECISIONS: which profile may serve, who may have a certificate, and what a client is told. Pure: time and
//! chance come in as values, nothing waits.
//!
//! A request walks through types, each made only by the check before it: [`scep_cms::PkiMessage`] →
//! [`SignedRequest`] → [`AddressedRequest`] → [`EnrolmentRequest`] → [`AuthorisedRequest`] → [`Decision`].

mod algorithms;
mod available;
mod ca_certificates;
mod decide;
mod profile;
mod refusal;
mod request;
mod template;
mod transaction;

pub use algorithms::{AlgorithmPolicy, Capability};
pub use available::{AvailableProfile, Configuration, Unavailable, available};
pub use ca_certificates::{CaCertificates, ca_certificates, cert_rep_certificates};
pub use decide::{Decision, decide};
pub use profile::{
    Authority, CaCertificateForm, EndpointName, KeyAlgorithm, KeyReference, NameError, ProfileName,
    RaCertificate, RaProfile, ScepProfile, SealedSecret,
};
pub use refusal::{Refusal, Rejection, RuleViolation};
pub use request::{AddressedRequest, AuthorisedRequest, EnrolmentRequest, ReplyTo, SignedRequest};
pub use template::{
    CertificateTemplate, ExtendedKeyUsage, KeyUsage, SubjectAltNameRule, SubjectAltNameType,
    SubjectRule,
};
pub use transaction::{
    Fingerprint, Issuance, RequestFingerprint, SignerClass, Transaction, TransactionKey,
    TransactionState,
};
