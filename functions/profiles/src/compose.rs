//! Composition of the management use cases with DynamoDB and KMS.

use std::sync::Arc;

use keys_kms::{Kms, KmsCaKeys, KmsRaKeys, KmsSecrets};
use lambda_host::{EmbeddedMetrics, Environment, SettingError, sdk_config};
use scep_service::{Actor, AdminService, Metrics, SystemClock};
use store_dynamodb::{DynamoDbStore, Tables};

/// Builds administration from the settings in this environment, and the metrics that it reports to.
pub(crate) fn build_managing(
    environment: &Environment,
) -> Result<(AdminService, Arc<dyn Metrics>), SettingError> {
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
    let namespace = environment.text("SCEPTER_METRICS_NAMESPACE")?;
    let metrics: Arc<dyn Metrics> = Arc::new(EmbeddedMetrics::new(namespace));
    let kms = Kms::new(aws_sdk_kms::Client::new(&aws), metrics.clone());
    let symmetric_key = environment.key_arn("SCEPTER_SYMMETRIC_KEY")?;
    let stack = environment.stack("SCEPTER_STACK")?;
    let managing = AdminService {
        // The actor of scheduled maintenance; the management API replaces it by the caller of each
        // request.
        actor: Actor::new("schedule".to_owned()),
        objects: store.clone(),
        ca_keys: Arc::new(KmsCaKeys::new(kms.clone(), stack)),
        ra_keys: Arc::new(KmsRaKeys::new(kms.clone(), symmetric_key.clone())),
        secrets: Arc::new(KmsSecrets::new(kms, symmetric_key)),
        certificates: store.clone(),
        transactions: store.clone(),
        crls: store,
        clock: Arc::new(SystemClock),
        deployment: environment.deployment()?,
    };
    Ok((managing, metrics))
}
