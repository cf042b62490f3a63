//! What the authorizer is told of the issuer of tokens.

use std::collections::HashSet;
use std::error::Error;

use authorise_http::HttpClient;
use lambda_host::{Environment, SettingError};
use management_api::Scope;

use crate::authorizer::JwtAuthorizer;
use crate::client_secrets::ClientSecrets;
use crate::issuer::Issuer;
use crate::people::People;
use crate::tokens::TokenVerifier;

/// The longest document of an issuer, in octets: Entra's keys are about 16 KiB.
const MAX_KEYS_BYTES: usize = 128 * 1024;

/// The issuer of tokens, and what its tokens look like.
pub struct JwtSettings {
    /// The URL that tokens have as `iss`.
    pub issuer: String,
    /// The values of which `aud`, or `client_id` in its place, must contain one.
    pub audience: HashSet<String>,
    /// The prefix of the API's scopes in a token: `scepter/` for `scepter/read`.
    pub scope_prefix: String,
    /// The ids of the clients by which people sign in. Their tokens give what groups give.
    pub people_clients: HashSet<String>,
    /// The token endpoint at which the secrets of clients are tried; `None` tries none.
    pub token_url: Option<String>,
    /// The URL of the emulator of AWS that answers in the issuer's place.
    pub emulator: Option<String>,
}

impl JwtSettings {
    /// Reads the settings from environment variables.
    ///
    /// # Errors
    /// If the issuer or the audience is missing.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        let people = environment.optional("SCEPTER_PEOPLE_CLIENTS");
        Ok(Self {
            issuer: environment.text("SCEPTER_JWT_ISSUER")?,
            audience: split_list(&environment.text("SCEPTER_JWT_AUDIENCE")?),
            scope_prefix: environment
                .optional("SCEPTER_SCOPE_PREFIX")
                .unwrap_or_default(),
            people_clients: people.as_deref().map(split_list).unwrap_or_default(),
            token_url: environment.optional("SCEPTER_TOKEN_URL"),
            emulator: environment.optional("AWS_ENDPOINT_URL"),
        })
    }

    /// The authorizer with these settings.
    ///
    /// # Errors
    /// If the URL of the token endpoint is not one of HTTPS, or the system's root certificates
    /// cannot be read.
    pub fn into_authorizer(self) -> Result<JwtAuthorizer, Box<dyn Error + Send + Sync>> {
        let http = HttpClient::new()?;
        let issuer = Issuer::new(self.issuer, self.emulator);
        let token_url = self
            .token_url
            .map(|url| issuer.locate(&url))
            .transpose()
            .map_err(|_| SettingError::Variable {
                name: "SCEPTER_TOKEN_URL",
                problem: "is not a URL of HTTPS",
            })?;
        let scope = format!("{}{}", self.scope_prefix, Scope::Challenge.name());
        let keys_http = http.clone().with_response_limit(MAX_KEYS_BYTES);
        Ok(JwtAuthorizer {
            scope_prefix: self.scope_prefix,
            client_secrets: token_url
                .map(|url| ClientSecrets::new(url, scope, self.audience.clone(), http)),
            verifier: TokenVerifier::new(issuer, self.audience, keys_http),
            people: People::new(self.people_clients),
        })
    }
}

/// The items of a list with commas. An empty item is none: it would match an empty claim.
fn split_list(text: &str) -> HashSet<String> {
    text.split(',')
        .map(|item| item.trim().to_owned())
        .filter(|item| !item.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_no_empty_items() {
        assert_eq!(split_list(""), HashSet::new());
        assert_eq!(split_list(" , "), HashSet::new());
        let two = HashSet::from(["a".to_owned(), "b".to_owned()]);
        assert_eq!(split_list("a, b,"), two);
    }
}
