//! The source of randomness for keys, nonces, serial numbers and identities.

use newtype_uuid::{GenericUuid, TypedUuid, TypedUuidKind};
use rand::TryRng;
use rand::rngs::{SysError, SysRng};

/// The generator of random octets failed.
#[derive(Debug, thiserror::Error)]
#[error("drawing random octets")]
pub struct EntropyError(#[from] SysError);

/// A source of random octets that no one can predict.
pub trait Random: Send + Sync {
    /// Fills all of `octets`.
    ///
    /// # Errors
    /// When the generator fails.
    fn fill(&self, octets: &mut [u8]) -> Result<(), EntropyError>;
}

impl dyn Random + '_ {
    /// Returns fresh random octets.
    ///
    /// # Errors
    /// When the generator fails.
    pub fn octets<const N: usize>(&self) -> Result<[u8; N], EntropyError> {
        let mut octets = [0; N];
        self.fill(&mut octets)?;
        Ok(octets)
    }

    /// Returns a fresh UUID of version 4, RFC 9562 §5.4.
    ///
    /// # Errors
    /// When the generator fails.
    pub fn uuid<K: TypedUuidKind>(&self) -> Result<TypedUuid<K>, EntropyError> {
        let uuid = uuid::Builder::from_random_bytes(self.octets()?).into_uuid();
        Ok(TypedUuid::from_untyped_uuid(uuid))
    }
}

/// A [`Random`] that asks the operating system.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, octets: &mut [u8]) -> Result<(), EntropyError> {
        Ok(SysRng.try_fill_bytes(octets)?)
    }
}
