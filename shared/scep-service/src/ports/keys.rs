//! The ports to private keys: CA keys sign certificates, RA keys decrypt requests and sign replies.

use std::sync::Arc;

use async_trait::async_trait;
use ca::id::KeyOrderUuid;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::{KeyLocation, KeyName};
use ca::profile_name::ProfileName;
use scep_protocol::id::RaKeyUuid;
use scep_protocol::ra_certificate::RaKeyPair;

use crate::error::KeyError;
use crate::ra_key::RaKey;

/// A key that was just generated or adopted.
#[derive(Clone, Debug)]
pub struct GeneratedKey {
    /// The location of the private key.
    pub location: KeyLocation,
    /// The SubjectPublicKeyInfo, DER.
    pub subject_public_key_info: Vec<u8>,
}

/// Keys that sign certificates.
///
/// # Errors
/// Each operation fails with [`KeyError::Unavailable`] when the key store does not answer, and with
/// [`KeyError::Broken`], [`KeyError::Foreign`] or [`KeyError::Gone`] when the key cannot be used.
#[async_trait]
pub trait CaKeys: Send + Sync {
    /// Generates the key of an order, for the authority with this name. At most one call with the
    /// same order may succeed. No operation of this port deletes a key.
    async fn generate(
        &self,
        order: KeyOrderUuid,
        authority: &ProfileName,
        algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError>;

    /// Finds the key that was generated for an order, also by a call whose answer was lost; `None`
    /// if it does not exist, or is to be deleted. The cost may grow with the number of keys in the
    /// key store.
    async fn find(
        &self,
        order: KeyOrderUuid,
        algorithm: KeyAlgorithm,
    ) -> Result<Option<GeneratedKey>, KeyError>;

    /// Adopts an existing key. Fails with [`KeyError::NotAdoptable`] when this key store adopts no
    /// keys, or cannot adopt this one.
    async fn adopt(&self, key: &KeyName, algorithm: KeyAlgorithm)
    -> Result<GeneratedKey, KeyError>;

    /// Signs with the algorithm of [`ca::tbs_certificate::signature_algorithm`]. ECDSA signatures
    /// are DER.
    async fn sign(
        &self,
        key: &KeyLocation,
        algorithm: KeyAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError>;
}

/// RSA keys that decrypt requests and sign replies.
///
/// # Errors
/// Each operation fails with [`KeyError::Unavailable`] when the key store does not answer, and with
/// [`KeyError::Broken`], [`KeyError::Foreign`] or [`KeyError::Gone`] when the key cannot be used.
#[async_trait]
pub trait RaKeys: Send + Sync {
    /// Generates an RSA key with this identity.
    async fn generate(
        &self,
        uuid: RaKeyUuid,
        algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError>;

    /// Loads a key. Later calls return the copy in memory.
    async fn load(&self, key: &RaKeyPair) -> Result<Arc<RaKey>, KeyError>;
}
