//! Lambda function for GetCACert and the CRLs of authorities. Its role may read profiles and
//! nothing else.

use std::process::ExitCode;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use lambda_host::{EmbeddedMetrics, Environment, SettingError, sdk_config};
use scep_http::{
    CRL_PREFIX, GetCaCert, PublishedCrls, rejection_response, respond_crl, respond_scep,
};
use scep_service::{CachedCrls, CachedProfiles, ProfileService, StoredProfiles, SystemClock};
use store_dynamodb::ProfilesTable;

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let (operations, crls) = &build_operations(&environment)?;
        lambda_host::serve(
            // CRLs are in the table that this function reads anyway.
            async |head, body| match head.uri.path().starts_with(CRL_PREFIX) {
                true => respond_crl(crls, &head).await,
                false => respond_scep(operations, &head, body).await,
            },
            async |rejection| rejection_response(rejection),
        )
        .await
    })
}

fn build_operations(environment: &Environment) -> Result<(GetCaCert, PublishedCrls), SettingError> {
    let name = environment.table("SCEPTER_PROFILES_TABLE")?;
    let table = Arc::new(ProfilesTable::new(
        Client::new(&sdk_config(environment)?),
        name,
    ));
    let profiles = Arc::new(StoredProfiles(table.clone()));
    // Devices ask often and edits are rare: an edit may take this long to be seen.
    let max_age = environment.seconds("SCEPTER_PROFILES_MAX_AGE_SECONDS", 5, 60)?;
    let namespace = environment.text("SCEPTER_METRICS_NAMESPACE")?;
    let reading = ProfileService {
        profiles: Arc::new(CachedProfiles::new(profiles, max_age)),
        clock: Arc::new(SystemClock),
        metrics: Arc::new(EmbeddedMetrics::new(namespace)),
    };
    let crls = PublishedCrls {
        objects: table.clone(),
        crls: Arc::new(CachedCrls::new(table)),
        clock: Arc::new(SystemClock),
    };
    Ok((GetCaCert(reading), crls))
}
