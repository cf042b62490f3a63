//! Keys that fail at a chosen call, around their ports.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use ca::id::KeyOrderUuid;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::{KeyLocation, KeyName};
use ca::profile_name::ProfileName;
use scep_protocol::id::RaKeyUuid;
use scep_protocol::ra_certificate::RaKeyPair;
use scep_protocol::sealed_secret::SealedSecret;
use scep_service::error::KeyError;
use scep_service::ports::{CaKeys, GeneratedKey, RaKeys, SecretOwner, Secrets};
use scep_service::ra_key::RaKey;
use secrecy::SecretString;

use crate::crash::faulty::{Call, Faults};

/// A port of keys whose calls fail when planned.
pub(crate) struct Faulty<Port: ?Sized> {
    pub(crate) inner: Arc<Port>,
    pub(crate) faults: Arc<Faults>,
}

/// Implements a port of keys for [`Faulty`]. Each row is a method of the port, preceded by whether
/// it `writes`, which means that it has a lasting effect, or only `reads`.
macro_rules! inject_faults {
    ($port:ident { $(
        $effect:ident $operation:ident($($argument:ident: $kind:ty),*) -> $answer:ty;
    )* }) => {
        #[async_trait]
        impl $port for Faulty<dyn $port> { $(
            async fn $operation(&self, $($argument: $kind),*) -> Result<$answer, KeyError> {
                let name = concat!(stringify!($port), "::", stringify!($operation));
                let call = Call::of_port(name, stringify!($effect) == "writes");
                let carried_out = self.inner.$operation($($argument),*);
                self.faults.carry_out(call, carried_out).await
            }
        )* }
    };
}

inject_faults!(CaKeys {
    writes generate(order: KeyOrderUuid, authority: &ProfileName, algorithm: KeyAlgorithm)
        -> GeneratedKey;
    reads find(order: KeyOrderUuid, algorithm: KeyAlgorithm) -> Option<GeneratedKey>;
    reads adopt(key: &KeyName, algorithm: KeyAlgorithm) -> GeneratedKey;
    writes sign(key: &KeyLocation, algorithm: KeyAlgorithm, message: &[u8]) -> Vec<u8>;
});

inject_faults!(RaKeys {
    writes generate(uuid: RaKeyUuid, algorithm: KeyAlgorithm) -> GeneratedKey;
    reads load(key: &RaKeyPair) -> Arc<RaKey>;
});

inject_faults!(Secrets {
    writes seal(owner: SecretOwner, secret: &SecretString) -> SealedSecret;
    reads open(owner: SecretOwner, sealed: &SealedSecret) -> SecretString;
});

/// RA keys that worlds share, because RSA keys take long to generate; no world uses one twice.
pub(crate) struct SharedRaKeys {
    pub(crate) keys: Arc<dyn RaKeys>,
    pub(crate) generated: Arc<tokio::sync::Mutex<Vec<GeneratedKey>>>,
    /// The number of keys that this world has taken.
    pub(crate) taken: AtomicUsize,
}

#[async_trait]
impl RaKeys for SharedRaKeys {
    async fn generate(
        &self,
        uuid: RaKeyUuid,
        algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError> {
        let mut generated = self.generated.lock().await;
        let taken = self.taken.fetch_add(1, Ordering::SeqCst);
        if let Some(key) = generated.get(taken) {
            return Ok(key.clone());
        }
        let key = self.keys.generate(uuid, algorithm).await?;
        generated.push(key.clone());
        Ok(key)
    }

    async fn load(&self, key: &RaKeyPair) -> Result<Arc<RaKey>, KeyError> {
        self.keys.load(key).await
    }
}
