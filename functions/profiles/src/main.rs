//! Lambda function for the management API.

mod authorizer;
mod gateway;

use std::process::ExitCode;
use std::sync::Arc;

use lambda_host::{Adapters, FrontDoors};
use management_api::Api;
use scep_service::audit::Actor;

use crate::authorizer::JwtAuthorizer;

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let adapters = Adapters::of(&environment)?;
        let scope_prefix = environment.optional("SCEPTER_SCOPE_PREFIX");
        let router = management_api::router(Api {
            // The API replaces the actor by the caller of each request.
            administration: adapters.administration(Actor::new("management".to_owned()))?,
            authenticate: Arc::new(JwtAuthorizer {
                scope_prefix: scope_prefix.unwrap_or_default(),
            }),
        });
        gateway::serve(router, &FrontDoors::of(&environment)).await
    })
}
