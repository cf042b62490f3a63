//! Reads from the settings how people sign in.

use console_http::{OpenIdProvider, ProviderUrl, SignIn};
use lambda_host::{Environment, SettingError};

/// The client of the console at the identity provider. Without one, people sign in with a token.
const CLIENT_ID: &str = "SCEPTER_SIGN_IN_CLIENT_ID";

/// Reads how people sign in.
///
/// # Errors
/// If there is a client, and another variable is missing or has an invalid value.
pub(crate) fn read_sign_in(environment: &Environment) -> Result<SignIn, SettingError> {
    let Some(client_id) = environment.optional(CLIENT_ID) else {
        return Ok(SignIn::Token);
    };
    let required = |name| parse_url(name, &environment.text(name)?);
    let optional = |name| {
        let text = environment.optional(name);
        text.map(|text| parse_url(name, &text)).transpose()
    };
    Ok(SignIn::OpenId(Box::new(OpenIdProvider {
        issuer: required("SCEPTER_SIGN_IN_ISSUER")?,
        authorization_endpoint: required("SCEPTER_SIGN_IN_AUTHORIZATION_URL")?,
        token_endpoint: required("SCEPTER_SIGN_IN_TOKEN_URL")?,
        end_session_endpoint: optional("SCEPTER_SIGN_IN_LOGOUT_URL")?,
        revocation_endpoint: optional("SCEPTER_SIGN_IN_REVOCATION_URL")?,
        client_id,
        scope: environment.text("SCEPTER_SIGN_IN_SCOPE")?,
    })))
}

fn parse_url(name: &'static str, text: &str) -> Result<ProviderUrl, SettingError> {
    text.parse().map_err(|_| SettingError::Variable {
        name,
        problem: "is not a URL that begins with https://",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample_setting(name: &'static str) -> Option<String> {
        let value = match name {
            "SCEPTER_SIGN_IN_ISSUER" => "https://idp.example",
            "SCEPTER_SIGN_IN_AUTHORIZATION_URL" => "https://login.example/authorize",
            "SCEPTER_SIGN_IN_TOKEN_URL" => "https://login.example/token",
            "SCEPTER_SIGN_IN_CLIENT_ID" => "console",
            "SCEPTER_SIGN_IN_SCOPE" => "openid scepter/read",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn without_a_client_people_sign_in_with_tokens() {
        let environment = Environment::of(|name| match name {
            CLIENT_ID => Some(String::new()),
            other => sample_setting(other),
        });
        let sign_in = read_sign_in(&environment);
        assert!(matches!(sign_in, Ok(SignIn::Token)));
    }

    #[test]
    fn a_client_needs_all_but_what_it_signs_out_by() {
        let sign_in = read_sign_in(&Environment::of(sample_setting)).unwrap();
        let SignIn::OpenId(provider) = sign_in else {
            panic!("{sign_in:?}");
        };
        assert_eq!(provider.client_id, "console");
        assert!(provider.end_session_endpoint.is_none());
        assert!(provider.revocation_endpoint.is_none());
        let check = |environment, variable: &str| {
            let error = read_sign_in(&environment).unwrap_err().to_string();
            assert!(error.contains(variable), "{error}");
        };
        check(
            Environment::of(|name| sample_setting(name).filter(|_| !name.ends_with("ISSUER"))),
            "SCEPTER_SIGN_IN_ISSUER is not set",
        );
        check(
            Environment::of(|name| sample_setting(name).filter(|_| !name.ends_with("SCOPE"))),
            "SCEPTER_SIGN_IN_SCOPE is not set",
        );
        check(
            Environment::of(|name| match name.ends_with("LOGOUT_URL") {
                true => Some("javascript:alert(1)".to_owned()),
                false => sample_setting(name),
            }),
            "SCEPTER_SIGN_IN_LOGOUT_URL is not a URL",
        );
        check(
            Environment::of(|name| match name.ends_with("TOKEN_URL") {
                true => Some("http://login.example/token".to_owned()),
                false => sample_setting(name),
            }),
            "SCEPTER_SIGN_IN_TOKEN_URL is not a URL",
        );
    }
}
