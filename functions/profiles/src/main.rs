//! Lambda function for the management API.

mod authorizer;

use std::process::ExitCode;
use std::sync::Arc;

use lambda_host::Adapters;
use management_api::Api;
use scep_service::Actor;

use authorizer::{JwtAuthorizer, answer_request, reject_request};

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let adapters = Adapters::of(&environment)?;
        let scope_prefix = environment.optional("SCEPTER_SCOPE_PREFIX");
        let router = &management_api::router(Api {
            // The API replaces the actor by the caller of each request.
            managing: adapters.admin_service(Actor("management".to_owned()))?,
            authenticate: Arc::new(JwtAuthorizer {
                scope_prefix: scope_prefix.unwrap_or_default(),
            }),
        });
        lambda_host::serve(
            async |head, body| answer_request(router, head, body).await,
            reject_request,
        )
        .await
    })
}
