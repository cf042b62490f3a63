//! A cache of profiles for a few seconds, so that a busy function does not read them for each
//! request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ca::generation::Generation;
use ca::id::AuthorityUuid;
use ca::profile_name::ProfileName;
use scep_protocol::availability::Configuration;
use scep_protocol::profile::EndpointName;
use uuid::Uuid;

use crate::error::StoreError;
use crate::object::{ObjectKind, Reference, StoredObject};
use crate::ports::{Clock, CrlHead, ProfileReader, StoredCrl};

/// The maximum number of endpoints in the cache.
const MAX_ENDPOINTS: usize = 1_000;

/// A [`ProfileReader`] that caches the configuration of endpoints.
pub struct CachedProfiles {
    reader: Arc<dyn ProfileReader>,
    max_age: Duration,
    clock: Arc<dyn Clock>,
    cached: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    endpoints: HashMap<EndpointName, (Instant, Configuration)>,
    /// The number of times the cache was cleared. A configuration that was read before the cache
    /// was cleared is not stored after.
    cleared: u64,
}

impl CachedProfiles {
    /// Caches what `reader` returns for `max_age`. For so long an administrator's edit in another
    /// process may go unnoticed.
    #[must_use]
    pub fn new(reader: Arc<dyn ProfileReader>, max_age: Duration, clock: Arc<dyn Clock>) -> Self {
        Self {
            reader,
            max_age,
            clock,
            cached: Mutex::default(),
        }
    }

    /// Clears the cache. Called after each write.
    pub fn forget(&self) {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        // An object may belong to many endpoints, and edits are rare: clear everything.
        cached.endpoints.clear();
        cached.cleared = cached.cleared.wrapping_add(1);
    }

    /// Returns the cached configuration of an endpoint, and the number of times the cache was
    /// cleared so far.
    fn lookup(&self, endpoint: &EndpointName) -> (Option<Configuration>, u64) {
        let now = self.clock.instant();
        let cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        let configuration = cached
            .endpoints
            .get(endpoint)
            .filter(|(read_at, _)| now.saturating_duration_since(*read_at) < self.max_age)
            .map(|(_, configuration)| configuration.clone());
        (configuration, cached.cleared)
    }
}

#[async_trait]
impl ProfileReader for CachedProfiles {
    async fn read(&self, reference: Reference) -> Result<Option<StoredObject>, StoreError> {
        self.reader.read(reference).await
    }

    async fn uuid_of(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<Uuid>, StoreError> {
        self.reader.uuid_of(kind, name).await
    }

    async fn crl_head(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
    ) -> Result<Option<CrlHead>, StoreError> {
        self.reader.crl_head(authority, generation).await
    }

    async fn crl(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
    ) -> Result<Option<StoredCrl>, StoreError> {
        self.reader.crl(authority, generation).await
    }

    async fn configuration(&self, endpoint: &EndpointName) -> Result<Configuration, StoreError> {
        let (known, cleared) = self.lookup(endpoint);
        if let Some(configuration) = known {
            return Ok(configuration);
        }
        // The time is taken before the read: an edit during the read must not go unnoticed for
        // longer than `max_age`.
        let read_at = self.clock.instant();
        let configuration = self.reader.configuration(endpoint).await?;
        // Endpoints that do not exist are not cached, so that an attacker cannot fill the cache.
        if configuration.scep_profile.is_some() && configuration.ra_profile.is_some() {
            let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
            if cached.endpoints.len() >= MAX_ENDPOINTS {
                cached.endpoints.clear();
            }
            // A write during the read cleared the cache, and the read may have missed that write.
            if cached.cleared == cleared {
                let known = (read_at, configuration.clone());
                cached.endpoints.insert(endpoint.clone(), known);
            }
        }
        Ok(configuration)
    }
}
