//! Lambda function for GetCACaps. Its role may read profiles and nothing else.

use std::process::ExitCode;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use lambda_host::{EmbeddedMetrics, Environment, SettingError, sdk_config};
use scep_http::{GetCaCaps, rejection_response, respond_scep};
use scep_service::{CachedProfiles, ProfileService, StoredProfiles, SystemClock};
use store_dynamodb::ProfilesTable;

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let operations = &GetCaCaps(build_reading(&environment)?);
        lambda_host::serve(
            async |head, body| respond_scep(operations, &head, body).await,
            async |rejection| rejection_response(rejection),
        )
        .await
    })
}

fn build_reading(environment: &Environment) -> Result<ProfileService, SettingError> {
    let name = environment.table("SCEPTER_PROFILES_TABLE")?;
    let table = ProfilesTable::new(Client::new(&sdk_config(environment)?), name);
    let profiles = StoredProfiles(Arc::new(table));
    // Devices ask often and edits are rare: an edit may take this long to be seen.
    let max_age = environment.seconds("SCEPTER_PROFILES_MAX_AGE_SECONDS", 5, 60)?;
    let namespace = environment.text("SCEPTER_METRICS_NAMESPACE")?;
    Ok(ProfileService {
        profiles: Arc::new(CachedProfiles::new(Arc::new(profiles), max_age)),
        clock: Arc::new(SystemClock),
        metrics: Arc::new(EmbeddedMetrics::new(namespace)),
    })
}
