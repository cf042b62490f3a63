//! Lambda function, by schedule: measures how long the certificates of the server itself last.

use std::process::ExitCode;

use aws_sdk_dynamodb::Client;
use lambda_host::{EmbeddedMetrics, sdk_config};
use scep_service::{SystemClock, measure_remaining};
use store_dynamodb::ProfilesTable;

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let client = Client::new(&sdk_config(&environment)?);
        let table = &ProfilesTable::new(client, environment.table("SCEPTER_PROFILES_TABLE")?);
        let metrics = &EmbeddedMetrics::new(environment.text("SCEPTER_METRICS_NAMESPACE")?);
        lambda_host::serve_schedule(async || measure_remaining(table, &SystemClock, metrics).await)
            .await
    })
}
