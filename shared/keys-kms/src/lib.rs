//! ADAPTER: keys in AWS KMS. CA keys never leave it; RA keys and secrets of profiles are wrapped by a symmetric key there.
//!
//! KMS cannot open a SCEP envelope: its RSA decryption is OAEP alone, and clients use PKCS #1 v1.5. So KMS makes the RA key
//! pair and wraps the private key, and the one function that opens envelopes has it unwrapped, once, and keeps it in memory.

mod ca_keys;
mod call;
mod ra_keys;
mod secrets;
mod symmetric_key;

pub use ca_keys::KmsCaKeys;
pub use ra_keys::KmsRaKeys;
pub use secrets::KmsSecrets;

use std::sync::Arc;

use aws_sdk_kms::Client;
use scep_service::Metrics;

/// A way to KMS, and where calls of it are measured.
#[derive(Clone)]
pub struct Kms {
    client: Client,
    metrics: Arc<dyn Metrics>,
}

impl Kms {
    /// KMS through this client.
    #[must_use]
    pub const fn new(client: Client, metrics: Arc<dyn Metrics>) -> Self {
        Self { client, metrics }
    }
}
