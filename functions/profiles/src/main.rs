//! Lambda function for the management API and, on a schedule, maintenance.

mod authorizer;
mod compose;

use std::process::ExitCode;
use std::sync::Arc;

use management_api::Api;
use scep_service::run_maintenance;

use authorizer::{JwtAuthorizer, answer, reject};

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let (managing, metrics) = &compose::managing(&environment)?;
        let scope_prefix = environment.optional("SCEPTER_SCOPE_PREFIX");
        let router = &management_api::router(Api {
            managing: managing.clone(),
            authenticate: Arc::new(JwtAuthorizer {
                scope_prefix: scope_prefix.unwrap_or_default(),
            }),
        });
        lambda_host::serve_with_schedule(
            async |head, body| answer(router, head, body).await,
            reject,
            async || run_maintenance(managing, &**metrics).await,
        )
        .await
    })
}
