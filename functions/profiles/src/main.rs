//! Lambda function for the management API, and for MDMs that ask for challenges.

mod gateway;

use std::process::ExitCode;
use std::sync::Arc;

use lambda_host::{Adapters, FrontDoors};
use management_api::{Api, Platform, Probes};
use profiles::JwtSettings;
use scep_service::audit::Actor;

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let adapters = Adapters::of(&environment)?;
        let authorizer = JwtSettings::read(&environment)?.into_authorizer()?;
        let router = management_api::router(Api {
            // The API replaces the actor by the caller of each request.
            administration: adapters.administration(Actor::new("management".to_owned()))?,
            authenticate: Arc::new(authorizer),
            default_scep_profile: environment.profile("SCEPTER_DEFAULT_SCEP_PROFILE")?,
            platform: Platform::Aws,
            profiles_max_age: environment.profiles_max_age()?,
            tokens: None,
            probes: Probes {
                intune: adapters.intune()?,
                webhook: adapters.webhook()?,
            },
        });
        gateway::serve(router, &FrontDoors::of(&environment)?).await
    })
}
