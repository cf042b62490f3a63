//! Access tokens of Entra, by the OAuth 2.0 client credentials grant, RFC 6749 §4.4.

use std::time::Duration;

use ca::bounded_text::is_visible;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use time::OffsetDateTime;
use url::form_urlencoded;

use crate::http_client::HttpResponse;
use crate::intune::application::Application;
use crate::intune::error::{IntuneError, read_retry_after};
use scep_protocol::service_url::ServiceUrl;

/// How long before its end a token is no longer used, so that it does not end on the way.
const MARGIN: Duration = Duration::from_secs(120);

/// The longest time for which a token is kept. Entra's are good for an hour or so, and longer ones
/// must not outlive a change of the application's permissions for long.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// The longest description of an error that is logged, in characters.
const MAX_REASON_CHARACTERS: usize = 300;

/// What a token gives access to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Audience {
    /// Microsoft Graph.
    Graph,
    /// Intune's services.
    Intune,
}

impl Audience {
    /// The scope to ask for.
    pub(crate) const fn scope(self) -> &'static str {
        match self {
            Self::Graph => "https://graph.microsoft.com/.default",
            // The resource is named `https://api.manage.microsoft.com/`, with the slash.
            Self::Intune => "https://api.manage.microsoft.com//.default",
        }
    }
}

/// The proof that the application gives of its identity.
pub(crate) enum Proof {
    /// Its secret.
    Secret(SecretString),
    /// A JWT that a key of this deployment signed, RFC 7523 §2.2.
    Assertion(SecretString),
}

/// An access token.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) secret: SecretString,
    expires_at: OffsetDateTime,
}

impl Token {
    pub(crate) fn is_good(&self, now: OffsetDateTime) -> bool {
        now < self.expires_at
    }
}

/// Builds the body of a token request, `application/x-www-form-urlencoded`.
pub(crate) fn build_form(application: &Application, audience: Audience, proof: &Proof) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &application.id)
        .append_pair("scope", audience.scope());
    match proof {
        Proof::Secret(secret) => form.append_pair("client_secret", secret.expose_secret()),
        Proof::Assertion(jwt) => form
            .append_pair(
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            )
            .append_pair("client_assertion", jwt.expose_secret()),
    };
    form.finish()
}

#[derive(Deserialize)]
struct TokenAnswer {
    token_type: String,
    access_token: String,
    expires_in: u64,
}

#[derive(Default, Deserialize)]
struct ErrorAnswer {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Reads the response to a token request.
pub(crate) fn read_token(
    url: &ServiceUrl,
    response: &HttpResponse,
    now: OffsetDateTime,
) -> Result<Token, IntuneError> {
    if response.status != StatusCode::OK {
        return Err(describe_refusal(response));
    }
    let unreadable = || IntuneError::Unreadable(url.clone());
    let answer: TokenAnswer = serde_json::from_slice(&response.body).map_err(|_| unreadable())?;
    if !answer.token_type.eq_ignore_ascii_case("Bearer") {
        return Err(unreadable());
    }
    let lifetime = Duration::from_secs(answer.expires_in).min(MAX_AGE);
    Ok(Token {
        secret: answer.access_token.into(),
        expires_at: now + lifetime.saturating_sub(MARGIN),
    })
}

/// Entra says what is wrong with an application in the description of the error, by a number that
/// begins with `AADSTS`.
fn describe_refusal(response: &HttpResponse) -> IntuneError {
    let answer: ErrorAnswer = serde_json::from_slice(&response.body).unwrap_or_default();
    let first_line = answer.error_description.lines().next().unwrap_or_default();
    IntuneError::Login {
        status: response.status.as_u16(),
        reason: printable(&format!("{} {first_line}", answer.error)),
        retry_after: read_retry_after(response),
    }
}

/// The beginning of a text of a service, without what would spoil a log.
pub(crate) fn printable(text: &str) -> String {
    text.trim()
        .chars()
        .filter(|c| is_visible(*c))
        .take(MAX_REASON_CHARACTERS)
        .collect()
}
