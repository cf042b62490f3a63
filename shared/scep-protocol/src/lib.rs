//! SCEP decisions: which profiles may serve, which requests get a certificate, and what each client
//! is answered. Pure: time and randomness are arguments, and nothing is async.
//!
//! A request passes through a series of types, each constructed only by the check before it:
//! [`scep_cms::PkiMessage`] → [`SignedRequest`] → [`AddressedRequest`] → [`EnrolmentRequest`] →
//! [`AuthorisedRequest`] → [`Decision`].

mod algorithms;
mod attribute_names;
mod available;
mod ca_certificates;
mod decide;
mod envelope_fault;
mod extended_key_usage;
mod holder;
mod key_location;
mod key_rules;
mod object_identifier;
mod period;
mod poll;
mod profile;
mod refusal;
mod request;
mod revocation;
mod rule_violation;
mod sealed_secret;
mod signed_request;
mod subject_alt_name_type;
mod subject_attribute;
mod template;
mod text;
mod transaction;
mod warning;

pub use algorithms::{AlgorithmPolicy, Capability};
pub use available::{AvailableProfile, Configuration, Unavailable, check_availability};
pub use ca_certificates::{CaCertificates, ca_certificates, cert_rep_certificates};
pub use decide::{
    ClaimPurpose, Decision, InterruptedIssuance, ReplacedClaims, ResendableCertificate, decide,
};
pub use envelope_fault::EnvelopeFault;
pub use extended_key_usage::{ExtendedKeyUsage, UnknownUsage};
pub use holder::{KnownCertificate, RESEND_WINDOW, Signer, renewable_from, resend_until};
pub use key_location::{KeyArn, KeyArnError, KeyLocation, KeyLocationError, KeyName, REDACTED};
pub use key_rules::check_key;
pub use object_identifier::{UPN, is_security_identifier};
pub use period::{Period, PeriodError};
pub use poll::{PollDecision, decide_poll};
pub use profile::{
    Annotations, Attributes, Authority, CaCertificateForm, CaGeneration, CertificateAssociations,
    CertificatePath, Certification, EndpointName, IntuneSettings, IssuingAuthority, KeyAlgorithm,
    NameError, NextCaAnnouncement, ProfileName, RaCertificate, RaKeyPair, RaProfile,
    ScepActivation, ScepProfile, Signature,
};
pub use refusal::{HttpRejection, Refusal};
pub use request::{AddressedRequest, AuthorisedRequest, EnrolmentRequest};
pub use revocation::{Revocation, RevocationReason, RevokedCertificate};
pub use rule_violation::{NamePlace, RequestedName, RuleViolation, SubjectPart, ValueFault};
pub use sealed_secret::SealedSecret;
pub use signed_request::{ReplyKey, ReplyTo, SignedRequest, WrappedKey};
pub use subject_alt_name_type::{OtherNameType, SubjectAltNameType, UnfitNameType};
pub use subject_attribute::{StringType, SubjectAttribute, UnfitAttribute, check_text};
pub use template::{
    CertificateTemplate, KeyUsage, SubjectAltNameRule, SubjectRule, TemplateError, TemplateField,
    TemplateSpec,
};
pub use text::{Description, DescriptionError, Pattern, PatternError, is_visible};
pub use transaction::{
    Fingerprint, Issuance, KnownTransactions, PastCertificate, RequestFingerprint, RequestOutcome,
    SameRequest, SignerClass, Transaction, TransactionKey, TransactionState,
};
pub use warning::{ChallengeTraits, Warning};
