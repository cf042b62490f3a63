//! A cache of profiles for a few seconds, so that a busy function does not read them for each
//! request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ca::profile_name::ProfileName;
use scep_protocol::availability::Configuration;
use scep_protocol::profile::{EndpointName, RaProfile};
use uuid::Uuid;

use crate::audit::AuditRecord;
use crate::error::StoreError;
use crate::object::{ObjectKind, Reference, StoredObject};
use crate::ports::{Change, Clock, ObjectStore, Objects, Profiles};

/// The maximum number of endpoints in the cache.
const MAX_ENDPOINTS: usize = 1_000;

/// A [`Profiles`] that caches the configuration of endpoints.
pub struct CachedProfiles {
    profiles: Arc<dyn Profiles>,
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
    /// Caches what `profiles` returns for `max_age`. For so long an administrator's edit in another
    /// process may go unnoticed.
    #[must_use]
    pub fn new(profiles: Arc<dyn Profiles>, max_age: Duration, clock: Arc<dyn Clock>) -> Self {
        Self {
            profiles,
            max_age,
            clock,
            cached: Mutex::default(),
        }
    }

    /// Clears the cache. Called after each write.
    pub fn forget(&self) {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        // An object may stand behind many endpoints, and edits are rare: clear everything.
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
impl Profiles for CachedProfiles {
    async fn configuration(&self, endpoint: &EndpointName) -> Result<Configuration, StoreError> {
        let (known, cleared) = self.lookup(endpoint);
        if let Some(configuration) = known {
            return Ok(configuration);
        }
        // Taken before the read: an edit during the read must not go unnoticed for longer than
        // `max_age`.
        let read_at = self.clock.instant();
        let configuration = self.profiles.configuration(endpoint).await?;
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

    async fn ra_profile(&self, uuid: Uuid) -> Result<Option<RaProfile>, StoreError> {
        self.profiles.ra_profile(uuid).await
    }
}

/// An [`ObjectStore`] that clears a cache in the same process after each write.
pub struct WatchedObjects {
    /// The store.
    pub objects: Arc<dyn ObjectStore>,
    /// The cache to clear.
    pub cache: Arc<CachedProfiles>,
}

#[async_trait]
impl Objects for WatchedObjects {
    async fn read(&self, reference: Reference) -> Result<Option<StoredObject>, StoreError> {
        self.objects.read(reference).await
    }

    async fn uuid_of(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<Uuid>, StoreError> {
        self.objects.uuid_of(kind, name).await
    }

    async fn find(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<StoredObject>, StoreError> {
        self.objects.find(kind, name).await
    }

    async fn list(&self, kind: ObjectKind) -> Result<Vec<StoredObject>, StoreError> {
        self.objects.list(kind).await
    }
}

#[async_trait]
impl ObjectStore for WatchedObjects {
    async fn apply(&self, change: &Change, audit: &AuditRecord) -> Result<(), StoreError> {
        // Clear the cache after a failed write as well: a write whose answer was lost may have
        // succeeded.
        let applied = self.objects.apply(change, audit).await;
        self.cache.forget();
        applied
    }

    async fn record(&self, audit: &AuditRecord) -> Result<(), StoreError> {
        self.objects.record(audit).await
    }
}
