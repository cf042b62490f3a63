//! Adapter: keys in AWS KMS. CA keys never leave KMS; RA keys and secrets of profiles are wrapped
//! by a symmetric key in KMS.
//!
//! KMS cannot decrypt a SCEP envelope: it supports RSA decryption only with OAEP, and clients
//! encrypt with PKCS #1 v1.5. Therefore KMS generates the RA key pair and wraps the private key,
//! and the one function that decrypts envelopes has it unwrapped once and keeps it in memory.

mod alias;
mod assertion_key;
mod ca_keys;
mod call;
mod key_access;
#[cfg(test)]
mod kms_double;
mod ra_keys;
mod secrets;
mod symmetric_key;

pub use assertion_key::KmsAssertionKey;
pub use ca_keys::KmsCaKeys;
pub use key_access::{KeyAccess, KeyAccessError};
pub use ra_keys::KmsRaKeys;
pub use secrets::KmsSecrets;

use std::sync::Arc;

use aws_sdk_kms::Client;
use scep_service::ports::Metrics;

/// A client of KMS that measures its calls.
#[derive(Clone)]
pub struct Kms {
    client: Client,
    metrics: Arc<dyn Metrics>,
}

impl Kms {
    /// Creates a client that reports its calls to `metrics`.
    #[must_use]
    pub const fn new(client: Client, metrics: Arc<dyn Metrics>) -> Self {
        Self { client, metrics }
    }
}
