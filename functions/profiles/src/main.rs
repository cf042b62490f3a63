//! Lambda function: the management API.

mod authorizer;

use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use keys_kms::{Kms, KmsCaKeys, KmsRaKeys, KmsSecrets};
use lambda_host::{EmbeddedMetrics, Environment, SettingError, sdk_config};
use management_api::Api;
use scep_service::{Actor, Managing, SystemClock};
use store_dynamodb::{DynamoDbStore, Tables};

use authorizer::{JwtAuthorizer, answer, reject};

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let router = &router(&environment)?;
        lambda_host::serve(async |head, body| answer(router, head, body).await, reject).await
    })
}

fn router(environment: &Environment) -> Result<Router, SettingError> {
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
    let metrics = EmbeddedMetrics::new(environment.text("SCEPTER_METRICS_NAMESPACE")?);
    let kms = Kms::new(aws_sdk_kms::Client::new(&aws), Arc::new(metrics));
    let symmetric_key = environment.key_arn("SCEPTER_SYMMETRIC_KEY")?;
    let stack = environment.stack("SCEPTER_STACK")?;
    Ok(management_api::router(Api {
        managing: Managing {
            // Each request's caller takes its place.
            actor: Actor("profiles".to_owned()),
            objects: store.clone(),
            ca_keys: Arc::new(KmsCaKeys::new(kms.clone(), stack)),
            ra_keys: Arc::new(KmsRaKeys::new(kms.clone(), symmetric_key.clone())),
            secrets: Arc::new(KmsSecrets::new(kms, symmetric_key)),
            clock: Arc::new(SystemClock),
        },
        inventory: store,
        authenticate: Arc::new(JwtAuthorizer {
            scope_prefix: environment
                .optional("SCEPTER_SCOPE_PREFIX")
                .unwrap_or_default(),
        }),
        public_url: environment.base_url("SCEPTER_PUBLIC_URL")?,
    }))
}
