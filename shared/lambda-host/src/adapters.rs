//! Composition of the use cases with DynamoDB, KMS and CloudWatch, by the settings of a function.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_types::SdkConfig;
use scep_service::ca_info::ProfileService;
use scep_service::ports::{Metrics, ProfileReader, SystemClock};
use scep_service::profile_cache::CachedProfiles;
use store_dynamodb::ProfilesTable;

use crate::embedded_metrics::{EmbeddedMetrics, MetricsSelection};
use crate::{Environment, SettingError, sdk_config};

/// The ports of the use cases as AWS implements them.
pub struct Adapters<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) aws: SdkConfig,
    pub(crate) profiles_table: String,
    metrics: Arc<dyn Metrics>,
}

impl<'a> Adapters<'a> {
    /// Reads the settings that every function has.
    ///
    /// # Errors
    /// If a setting is missing or has an invalid value.
    pub fn of(environment: &'a Environment) -> Result<Self, SettingError> {
        let aws = sdk_config(environment)?;
        let profiles_table = environment.table("SCEPTER_PROFILES_TABLE")?;
        let namespace = environment.text("SCEPTER_METRICS_NAMESPACE")?;
        let selection = MetricsSelection::of(environment)?;
        Ok(Self {
            environment,
            aws,
            profiles_table,
            metrics: Arc::new(EmbeddedMetrics::new(namespace, selection)),
        })
    }

    /// The metrics that the function reports to.
    #[must_use]
    pub fn metrics(&self) -> Arc<dyn Metrics> {
        Arc::clone(&self.metrics)
    }

    /// The table of profiles and CRLs, to be read.
    #[must_use]
    pub fn profiles(&self) -> Arc<ProfilesTable> {
        let name = self.profiles_table.clone();
        Arc::new(ProfilesTable::new(self.dynamodb(), name))
    }

    /// The use cases that only read profiles, from `reader` through a cache.
    ///
    /// # Errors
    /// If the maximum age of the cache is not a valid setting.
    pub fn profile_service(
        &self,
        reader: Arc<dyn ProfileReader>,
    ) -> Result<ProfileService, SettingError> {
        let max_age = self.environment.profiles_max_age()?;
        let clock = Arc::new(SystemClock);
        Ok(ProfileService {
            profiles: Arc::new(CachedProfiles::new(reader, max_age, clock.clone())),
            clock,
            metrics: self.metrics(),
        })
    }

    pub(crate) fn dynamodb(&self) -> Client {
        Client::new(&self.aws)
    }
}
