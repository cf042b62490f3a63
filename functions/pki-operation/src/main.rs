//! Lambda function for PKIOperation and GetNextCACert. Its role is the only one that may unwrap RA
//! keys.
//!
//! The function may also read what the others read. Therefore it answers the other operations as
//! well, where no route leads to their functions: by POST and HEAD, in another spelling, and at the
//! fixed paths of devices whose path cannot be configured.

use std::process::ExitCode;
use std::sync::Arc;

use keys_kms::{Kms, KmsCaKeys, KmsRaKeys, KmsSecrets};
use lambda_host::{EmbeddedMetrics, Environment, SettingError, sdk_config};
use scep_http::{EveryOperation, at_fixed_path, rejection_response, respond_scep};
use scep_service::{
    CachedCrls, CachedProfiles, EnrolmentService, Metrics, ProfileService, StoredProfiles,
    SystemClock,
};
use store_dynamodb::{DynamoDbStore, Tables};

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let operations = &EveryOperation::new(build_issuing(&environment)?);
        let default = &environment.profile("SCEPTER_DEFAULT_SCEP_PROFILE")?;
        lambda_host::serve(
            async |head, body| {
                let profile_head = match default {
                    Some(profile) => at_fixed_path(head, profile),
                    None => head,
                };
                respond_scep(operations, &profile_head, body).await
            },
            async |rejection| rejection_response(rejection),
        )
        .await
    })
}

fn build_issuing(environment: &Environment) -> Result<EnrolmentService, SettingError> {
    let aws = sdk_config(environment)?;
    let tables = Tables {
        profiles: environment.table("SCEPTER_PROFILES_TABLE")?,
        transactions: environment.table("SCEPTER_TRANSACTIONS_TABLE")?,
        certificates: environment.table("SCEPTER_CERTIFICATES_TABLE")?,
    };
    let store = Arc::new(DynamoDbStore::new(
        aws_sdk_dynamodb::Client::new(&aws),
        tables,
    ));
    let profiles = Arc::new(StoredProfiles(store.clone()));
    // Devices ask often and edits are rare: an edit may take this long to be seen.
    let max_age = environment.seconds("SCEPTER_PROFILES_MAX_AGE_SECONDS", 5, 60)?;
    let namespace = environment.text("SCEPTER_METRICS_NAMESPACE")?;
    let metrics: Arc<dyn Metrics> = Arc::new(EmbeddedMetrics::new(namespace));
    let kms = Kms::new(aws_sdk_kms::Client::new(&aws), metrics.clone());
    let symmetric_key = environment.key_arn("SCEPTER_SYMMETRIC_KEY")?;
    let stack = environment.stack("SCEPTER_STACK")?;
    Ok(EnrolmentService {
        reading: ProfileService {
            profiles: Arc::new(CachedProfiles::new(profiles, max_age)),
            clock: Arc::new(SystemClock),
            metrics,
        },
        transactions: store.clone(),
        crls: Arc::new(CachedCrls::new(store)),
        ca_keys: Arc::new(KmsCaKeys::new(kms.clone(), stack)),
        ra_keys: Arc::new(KmsRaKeys::new(kms.clone(), symmetric_key.clone())),
        secrets: Arc::new(KmsSecrets::new(kms, symmetric_key)),
        deployment: environment.deployment()?,
    })
}
