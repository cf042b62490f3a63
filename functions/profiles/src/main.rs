//! Lambda function for the management API, and for MDMs that ask for challenges.

mod authorizer;
mod client_secrets;
mod gateway;
mod issuer;
#[cfg(test)]
mod issuer_double;
mod tokens;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use authorise_http::HttpClient;
use lambda_host::{Adapters, Environment, FrontDoors, SettingError};
use management_api::{Api, Platform, Scope};
use scep_service::audit::Actor;

use crate::authorizer::JwtAuthorizer;
use crate::client_secrets::ClientSecrets;
use crate::issuer::Issuer;
use crate::tokens::TokenVerifier;

/// The longest document of an issuer, in octets: Entra's keys are about 16 KiB.
const MAX_KEYS_BYTES: usize = 128 * 1024;

fn main() -> ExitCode {
    lambda_host::main(|environment| async move {
        let adapters = Adapters::of(&environment)?;
        let router = management_api::router(Api {
            // The API replaces the actor by the caller of each request.
            administration: adapters.administration(Actor::new("management".to_owned()))?,
            authenticate: Arc::new(open_authorizer(&environment)?),
            default_scep_profile: environment.profile("SCEPTER_DEFAULT_SCEP_PROFILE")?,
            platform: Platform::Aws,
            profiles_max_age: environment.profiles_max_age()?,
            tokens: None,
        });
        gateway::serve(router, &FrontDoors::of(&environment)).await
    })
}

fn open_authorizer(
    environment: &Environment,
) -> Result<JwtAuthorizer, Box<dyn Error + Send + Sync>> {
    let http = HttpClient::new()?;
    let scope_prefix = environment
        .optional("SCEPTER_SCOPE_PREFIX")
        .unwrap_or_default();
    let issuer = Issuer::new(
        environment.text("SCEPTER_JWT_ISSUER")?,
        environment.optional("AWS_ENDPOINT_URL"),
    );
    let token_url = environment
        .optional("SCEPTER_TOKEN_URL")
        .map(|url| issuer.locate(&url))
        .transpose()
        .map_err(|_| SettingError::Variable {
            name: "SCEPTER_TOKEN_URL",
            problem: "is not a URL of HTTPS",
        })?;
    let clients = environment.text("SCEPTER_JWT_AUDIENCE")?;
    let audience = clients.split(',').map(|one| one.trim().to_owned());
    let scope = format!("{scope_prefix}{}", Scope::Challenge.name());
    let keys_http = http.clone().with_response_limit(MAX_KEYS_BYTES);
    Ok(JwtAuthorizer {
        verifier: TokenVerifier::new(issuer, audience.collect(), keys_http),
        client_secrets: token_url.map(|url| ClientSecrets::new(url, scope, http)),
        scope_prefix,
    })
}
