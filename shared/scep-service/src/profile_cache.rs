//! Profiles kept for a few seconds, so that a busy function does not read them for each request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use scep_protocol::{Configuration, EndpointName};

use crate::{Profiles, StoreError};

/// Most endpoints that are kept. Endpoints that do not exist are not kept, so strangers cannot fill it.
const MAX_ENDPOINTS: usize = 1_000;

/// A [`Profiles`] that remembers.
pub struct CachedProfiles {
    profiles: Arc<dyn Profiles>,
    max_age: Duration,
    kept: Mutex<HashMap<EndpointName, (Instant, Configuration)>>,
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

    fn kept(&self, endpoint: &EndpointName) -> Option<Configuration> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(endpoint)
            .filter(|(read_at, _)| read_at.elapsed() < self.max_age)
            .map(|(_, configuration)| configuration.clone())
    }
}

#[async_trait]
impl Profiles for CachedProfiles {
    async fn configuration(&self, endpoint: &EndpointName) -> Result<Configuration, StoreError> {
        if let Some(configuration) = self.kept(endpoint) {
            return Ok(configuration);
        }
        let configuration = self.profiles.configuration(endpoint).await?;
        if configuration.scep_profile.is_some() && configuration.ra_profile.is_some() {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= MAX_ENDPOINTS {
                kept.clear();
            }
            kept.insert(endpoint.clone(), (Instant::now(), configuration.clone()));
        }
        Ok(configuration)
    }
}
