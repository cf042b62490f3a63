//! Lambda function for the management API and, on a schedule, maintenance.

mod authorizer;

use std::process::ExitCode;
use std::sync::Arc;

use lambda_host::Adapters;
use management_api::Api;
use scep_service::{Actor, run_maintenance};

use authorizer::{JwtAuthorizer, answer_request, reject_request};

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let adapters = Adapters::of(&environment)?;
        // The actor of scheduled maintenance; the management API replaces it by the caller of each
        // request.
        let managing = &adapters.admin_service(Actor("schedule".to_owned()))?;
        let metrics = &adapters.metrics();
        let scope_prefix = environment.optional("SCEPTER_SCOPE_PREFIX");
        let router = &management_api::router(Api {
            managing: managing.clone(),
            authenticate: Arc::new(JwtAuthorizer {
                scope_prefix: scope_prefix.unwrap_or_default(),
            }),
        });
        lambda_host::serve_with_schedule(
            async |head, body| answer_request(router, head, body).await,
            reject_request,
            async || run_maintenance(managing, &**metrics).await,
        )
        .await
    })
}
