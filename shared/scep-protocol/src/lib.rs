//! SCEP decisions: which profiles may serve, which requests get a certificate, and which answer
//! each client gets. The crate is pure: time and randomness are arguments, and nothing is async.
//!
//! A request passes through a series of types, each constructed only by the check before it:
//! [`PkiMessage`] → [`SignedRequest`] → [`AddressedRequest`] → [`EnrolmentRequest`] →
//! [`AuthorisedRequest`] → [`Decision`].
//!
//! [`PkiMessage`]: scep_cms::pki_message::PkiMessage
//! [`SignedRequest`]: signed_request::SignedRequest
//! [`AddressedRequest`]: addressed_request::AddressedRequest
//! [`EnrolmentRequest`]: request::EnrolmentRequest
//! [`AuthorisedRequest`]: request::AuthorisedRequest
//! [`Decision`]: decide::Decision

pub mod addressed_request;
pub mod algorithms;
pub mod annotations;
pub mod availability;
pub mod ca_info;
pub mod challenge_traits;
pub mod check;
pub mod decide;
pub mod envelope_fault;
pub mod id;
pub mod lockout;
pub mod notice;
pub mod one_time_challenge;
pub mod poll;
pub mod profile;
pub mod ra_certificate;
pub mod refusal;
pub mod refusal_record;
pub mod renewal_signer;
pub mod reported_csr;
pub mod request;
pub mod sealed_secret;
pub mod service_url;
pub mod signed_request;
pub mod transaction;
pub mod vouched;
pub mod vouching;
pub mod warning;
pub mod webhook_secret;
pub mod wrapped_key;
