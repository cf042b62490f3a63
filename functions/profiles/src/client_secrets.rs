//! Client credentials of the user pool as Basic authentication, for MDMs that keep a password for
//! longer than a token is valid.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use authorise_http::HttpClient;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use management_api::CallersUnknown;
use scep_protocol::service_url::ServiceUrl;
use secrecy::SecretString;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::tokens::ISSUER_TIMEOUT;

/// The time before its expiry at which a token is replaced.
const MARGIN: Duration = Duration::from_secs(60);

/// The period in which failures are counted.
const FAILURE_PERIOD: Duration = Duration::from_secs(60);

/// The failures of one client in a period after which no other secret of it is tried. An attacker
/// who guesses does not keep other clients out, nor use up the requests that the pool allows.
const MAX_FAILURES: usize = 10;

/// The most tokens that are kept, which is more than a stack has clients.
const MAX_KEPT: usize = 100;

/// Exchanges client credentials for access tokens, RFC 6749 §4.4.
pub(crate) struct ClientSecrets {
    /// The token endpoint.
    token_url: ServiceUrl,
    /// The scope that tokens are requested with.
    scope: String,
    /// The ids of the clients whose tokens are accepted.
    clients: HashSet<String>,
    http: HttpClient,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Tokens by the hash of the credentials.
    tokens: HashMap<[u8; 32], Token>,
    /// Whose credentials were wrong, and when.
    failures: Vec<(String, Instant)>,
}

impl State {
    /// Whether so many credentials of this client were wrong lately that no more are tried.
    fn has_failed_often(&mut self, client: &str) -> bool {
        self.failures
            .retain(|(_, failed_at)| failed_at.elapsed() < FAILURE_PERIOD);
        let of_client = self.failures.iter().filter(|(failed, _)| failed == client);
        of_client.count() >= MAX_FAILURES
    }
}

struct Token {
    token: SecretString,
    until: Instant,
}

#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    expires_in: u64,
}

/// What the token endpoint answers.
enum Exchanged {
    Granted(Granted),
    Refused,
}

impl ClientSecrets {
    pub(crate) fn new(
        token_url: ServiceUrl,
        scope: String,
        clients: HashSet<String>,
        http: HttpClient,
    ) -> Self {
        Self {
            token_url,
            scope,
            clients,
            http,
            state: Mutex::default(),
        }
    }

    /// A token of the client with this id and secret, from the cache or the token endpoint; `None`
    /// if they are wrong, or may not have the scope.
    ///
    /// # Errors
    /// [`CallersUnknown`] when the endpoint does not answer, or after many failures.
    pub(crate) async fn token_of(
        &self,
        client: &str,
        secret: &str,
    ) -> Result<Option<SecretString>, CallersUnknown> {
        // The token of another client would be rejected, so its secret is not tried: nobody can
        // have requests sent for clients that they have invented.
        if !self.clients.contains(client) {
            return Ok(None);
        }
        let hash = hash_credentials(client, secret);
        let mut state = self.state.lock().await;
        let now = Instant::now();
        state.tokens.retain(|_, token| now < token.until);
        if let Some(known) = state.tokens.get(&hash) {
            return Ok(Some(known.token.clone()));
        }
        if state.has_failed_often(client) {
            tracing::warn!(
                client,
                "too many wrong client secrets; none is tried for a minute"
            );
            return Err(CallersUnknown);
        }
        match self.exchange(client, secret).await? {
            Exchanged::Granted(granted) => {
                let lasts = Duration::from_secs(granted.expires_in).saturating_sub(MARGIN);
                if let Some(until) = now.checked_add(lasts)
                    && state.tokens.len() < MAX_KEPT
                {
                    let token = granted.access_token.clone();
                    state.tokens.insert(hash, Token { token, until });
                }
                Ok(Some(granted.access_token))
            }
            Exchanged::Refused => {
                state.failures.push((client.to_owned(), now));
                Ok(None)
            }
        }
    }

    async fn exchange(&self, client: &str, secret: &str) -> Result<Exchanged, CallersUnknown> {
        let pair = Zeroizing::new(format!("{client}:{secret}"));
        let basic = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
        let mut basic = HeaderValue::from_str(&basic).map_err(|_| CallersUnknown)?;
        basic.set_sensitive(true);
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, basic), (CONTENT_TYPE, form)]);
        let scope: String = url::form_urlencoded::byte_serialize(self.scope.as_bytes()).collect();
        let body = Bytes::from(format!("grant_type=client_credentials&scope={scope}"));
        let sent = self
            .http
            .send(Method::POST, &self.token_url, headers, body, ISSUER_TIMEOUT)
            .await;
        let response = sent.map_err(|error| {
            tracing::error!(%error, "requesting a token failed");
            CallersUnknown
        })?;
        match response.status {
            StatusCode::OK => serde_json::from_slice(&response.body)
                .map(Exchanged::Granted)
                .map_err(|error| {
                    tracing::error!(%error, "the token endpoint answered no token");
                    CallersUnknown
                }),
            // RFC 6749 §5.2: invalid_client, unauthorized_client, invalid_scope.
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => Ok(Exchanged::Refused),
            status => {
                tracing::error!(%status, "the token endpoint failed");
                Err(CallersUnknown)
            }
        }
    }
}

/// Hashes credentials, so that the cache holds no secrets and no comparison tells one.
fn hash_credentials(client: &str, secret: &str) -> [u8; 32] {
    // The client is a known one, and its id contains no colon, so no two pairs have the same text.
    Sha256::new()
        .chain_update(client)
        .chain_update(":")
        .chain_update(secret)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use secrecy::ExposeSecret;

    use super::*;
    use crate::issuer_double::{CLIENT, IssuerDouble, SECRET};

    /// Another client of the pool.
    const OTHER: &str = "7h3k9";

    fn make_secrets(token_url: &str) -> ClientSecrets {
        let url = token_url.parse().unwrap();
        let clients = HashSet::from([CLIENT.to_owned(), OTHER.to_owned()]);
        let http = HttpClient::new().unwrap();
        ClientSecrets::new(url, "scepter/challenge".to_owned(), clients, http)
    }

    async fn start_issuer() -> (IssuerDouble, ClientSecrets) {
        let double = IssuerDouble::start().await;
        let secrets = make_secrets(&format!("{}/token", double.name));
        (double, secrets)
    }

    /// The token for these credentials, and the number of requests that the endpoint has got.
    async fn ask_token(
        (double, secrets): &(IssuerDouble, ClientSecrets),
        client: &str,
        secret: &str,
    ) -> (Result<Option<String>, CallersUnknown>, usize) {
        let token = secrets.token_of(client, secret).await;
        let token = token.map(|token| token.map(|token| token.expose_secret().to_owned()));
        (token, double.asked.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn the_right_secret_gets_a_token_which_is_kept() {
        let issuer = start_issuer().await;
        let token = Ok(Some("a token".to_owned()));
        assert_eq!(ask_token(&issuer, CLIENT, SECRET).await, (token.clone(), 1));
        assert_eq!(ask_token(&issuer, CLIENT, SECRET).await, (token, 1));
        assert_eq!(ask_token(&issuer, CLIENT, "guess").await, (Ok(None), 2));
    }

    #[tokio::test]
    async fn invented_clients_cost_no_request_and_keep_nobody_out() {
        let issuer = start_issuer().await;
        for number in 0..1_000 {
            let invented = ask_token(&issuer, &format!("a{number}"), SECRET).await;
            assert_eq!(invented, (Ok(None), 0));
        }
        let (token, asked) = ask_token(&issuer, CLIENT, SECRET).await;
        assert_eq!((token.unwrap().is_some(), asked), (true, 1));
    }

    #[tokio::test]
    async fn guesses_are_limited_for_one_client() {
        let issuer = start_issuer().await;
        for tries in 1..=MAX_FAILURES {
            assert_eq!(ask_token(&issuer, OTHER, "guess").await, (Ok(None), tries));
        }
        let tried = ask_token(&issuer, OTHER, "guess").await;
        assert_eq!(tried, (Err(CallersUnknown), MAX_FAILURES));
        // Others are not kept out.
        let (token, _) = ask_token(&issuer, CLIENT, SECRET).await;
        assert!(token.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_failure_of_the_endpoint_is_nobodys_wrong_secret() {
        let issuer = start_issuer().await;
        for status in [302, 403, 404, 429, 500, 503] {
            issuer.0.status.store(status, Ordering::SeqCst);
            let (token, _) = ask_token(&issuer, CLIENT, SECRET).await;
            assert_eq!(token, Err(CallersUnknown), "{status}");
        }
        issuer.0.status.store(200, Ordering::SeqCst);
        assert!(
            ask_token(&issuer, CLIENT, SECRET)
                .await
                .0
                .unwrap()
                .is_some()
        );
        // Nothing listens at a port that was just closed.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        drop(listener);
        let unreachable = ask_token(&(issuer.0, make_secrets(&url)), CLIENT, SECRET).await;
        assert_eq!(unreachable.0, Err(CallersUnknown));
    }
}
