//! Profiles kept for a few seconds, so that a busy function does not read them for each request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use scep_protocol::{Configuration, EndpointName, ProfileName, RaProfile};
use uuid::Uuid;

use crate::{
    AuditRecord, Change, ObjectKind, ObjectStore, Objects, Profiles, Reference, StoreError,
    StoredObject,
};

/// Most endpoints that are kept. Endpoints that do not exist are not kept, so strangers cannot fill it.
const MAX_ENDPOINTS: usize = 1_000;

/// A [`Profiles`] that remembers.
pub struct CachedProfiles {
    profiles: Arc<dyn Profiles>,
    max_age: Duration,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    endpoints: HashMap<EndpointName, (Instant, Configuration)>,
    /// Counts how often everything was forgotten: what was read before is not kept after.
    forgotten: u64,
}

impl CachedProfiles {
    /// Remembers what `profiles` gives for `max_age`: for so long an administrator's edit may go unnoticed.
    #[must_use]
    pub fn new(profiles: Arc<dyn Profiles>, max_age: Duration) -> Self {
        Self {
            profiles,
            max_age,
            kept: Mutex::default(),
        }
    }

    /// Forgets everything, because something was written.
    pub fn forget(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.endpoints.clear();
        kept.forgotten = kept.forgotten.wrapping_add(1);
    }

    /// What is known of an endpoint, and how often everything was forgotten until now.
    fn known(&self, endpoint: &EndpointName) -> (Option<Configuration>, u64) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.endpoints.get(endpoint);
        let young = known.filter(|(read_at, _)| read_at.elapsed() < self.max_age);
        let configuration = young.map(|(_, configuration)| configuration.clone());
        (configuration, kept.forgotten)
    }
}

#[async_trait]
impl Profiles for CachedProfiles {
    async fn configuration(&self, endpoint: &EndpointName) -> Result<Configuration, StoreError> {
        let (known, forgotten) = self.known(endpoint);
        if let Some(configuration) = known {
            return Ok(configuration);
        }
        let read_at = Instant::now();
        let configuration = self.profiles.configuration(endpoint).await?;
        if configuration.scep_profile.is_some() && configuration.ra_profile.is_some() {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.endpoints.len() >= MAX_ENDPOINTS {
                kept.endpoints.clear();
            }
            if kept.forgotten == forgotten {
                let known = (read_at, configuration.clone());
                kept.endpoints.insert(endpoint.clone(), known);
            }
        }
        Ok(configuration)
    }

    async fn ra_profile(&self, uuid: Uuid) -> Result<Option<RaProfile>, StoreError> {
        self.profiles.ra_profile(uuid).await
    }
}

/// An [`ObjectStore`] that lets a cache in the same process forget what is written over.
pub struct WatchedObjects {
    /// Where objects are.
    pub objects: Arc<dyn ObjectStore>,
    /// Who remembers them.
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
        let applied = self.objects.apply(change, audit).await;
        self.cache.forget();
        applied
    }

    async fn record(&self, audit: &AuditRecord) -> Result<(), StoreError> {
        self.objects.record(audit).await
    }
}
