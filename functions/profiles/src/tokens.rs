//! Verification of tokens that API Gateway has not seen, as its JWT authorizer verifies others.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use authorise_http::HttpClient;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use management_api::CallersUnknown;
use scep_protocol::service_url::ServiceUrl;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use crate::issuer::Issuer;

/// How long the issuer's keys are used before they are read again.
const KEYS_AGE: Duration = Duration::from_secs(3_600);

/// The time between two readings of the keys for tokens that name an unknown one, which anybody
/// can send.
const KEYS_PAUSE: Duration = Duration::from_secs(60);

/// How long the issuer may take.
pub(crate) const ISSUER_TIMEOUT: Duration = Duration::from_secs(5);

/// The algorithms that API Gateway supports.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512];

/// Verifies tokens of the issuer of the stack.
pub(crate) struct TokenVerifier {
    issuer: Issuer,
    /// The values of which `aud`, or `client_id` in its place, must contain one.
    audience: HashSet<String>,
    http: HttpClient,
    keys: Mutex<Keys>,
}

/// The issuer's keys, and when they were read last.
#[derive(Default)]
struct Keys {
    set: Option<JwkSet>,
    read_at: Option<Instant>,
}

#[derive(Deserialize)]
struct Discovery {
    jwks_uri: String,
}

impl TokenVerifier {
    pub(crate) fn new(issuer: Issuer, audience: HashSet<String>, http: HttpClient) -> Self {
        Self {
            issuer,
            audience,
            http,
            keys: Mutex::default(),
        }
    }

    /// The claims of an access token; `None` if it is not valid here and now.
    ///
    /// # Errors
    /// [`CallersUnknown`] when the issuer's keys cannot be read.
    pub(crate) async fn verify(
        &self,
        token: &str,
    ) -> Result<Option<Map<String, Value>>, CallersUnknown> {
        let Some(kid) = decode_header(token).ok().and_then(|header| header.kid) else {
            return Ok(None);
        };
        let key = self.find_key(&kid).await?;
        Ok(key.and_then(|key| self.check_token(token, &key)))
    }

    fn check_token(&self, token: &str, key: &Jwk) -> Option<Map<String, Value>> {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.algorithms = ALGORITHMS.to_vec();
        validation.set_issuer(&[self.issuer.name()]);
        validation.set_required_spec_claims(&["exp", "iss"]);
        validation.validate_nbf = true;
        // Cognito's access tokens have `client_id` in place of `aud`.
        validation.validate_aud = false;
        let key = DecodingKey::from_jwk(key).ok()?;
        let claims = decode::<Map<String, Value>>(token, &key, &validation).ok()?;
        self.is_for_us(&claims.claims).then_some(claims.claims)
    }

    fn is_for_us(&self, claims: &Map<String, Value>) -> bool {
        let is_ours = |value: &Value| {
            let name = value.as_str();
            name.is_some_and(|name| self.audience.contains(name))
        };
        let is_access = claims.get("token_use").is_none_or(|used| used == "access");
        let audience = claims.get("aud").or_else(|| claims.get("client_id"));
        is_access
            && audience.is_some_and(|audience| match audience.as_array() {
                Some(several) => several.iter().any(is_ours),
                None => is_ours(audience),
            })
    }

    async fn find_key(&self, kid: &str) -> Result<Option<Jwk>, CallersUnknown> {
        let mut keys = self.keys.lock().await;
        let age = keys.read_at.map(|read_at| read_at.elapsed());
        let known = keys.set.as_ref().and_then(|set| set.find(kid)).cloned();
        let may_wait = match (&known, &keys.set) {
            (Some(_), _) => KEYS_AGE,
            (None, Some(_)) => KEYS_PAUSE,
            // A failure to read them is repeated by the next request.
            (None, None) => Duration::ZERO,
        };
        if age.is_some_and(|age| age < may_wait) {
            return Ok(known);
        }
        match self.read_keys().await {
            Some(set) => {
                let found = set.find(kid).cloned();
                *keys = Keys {
                    set: Some(set),
                    read_at: Some(Instant::now()),
                };
                Ok(found)
            }
            // Keys that were read before outlast a failure of the issuer.
            None => match known {
                Some(known) => Ok(Some(known)),
                None => Err(CallersUnknown),
            },
        }
    }

    /// Reads the issuer's keys, where its discovery document says; logs a failure.
    async fn read_keys(&self) -> Option<JwkSet> {
        let discovery: Discovery = self.get_json(self.issuer.discovery_url().ok()?).await?;
        let url = self.issuer.locate(&discovery.jwks_uri).ok()?;
        self.get_json(url).await
    }

    async fn get_json<T: for<'a> Deserialize<'a>>(&self, url: ServiceUrl) -> Option<T> {
        let sent = self.http.send(
            Method::GET,
            &url,
            HeaderMap::new(),
            Bytes::new(),
            ISSUER_TIMEOUT,
        );
        let parsed = match sent.await {
            Ok(response) if response.status == StatusCode::OK => {
                serde_json::from_slice(&response.body).map_err(|error| error.to_string())
            }
            Ok(response) => Err(format!("status {}", response.status)),
            Err(error) => Err(error.to_string()),
        };
        parsed
            .inspect_err(|error| tracing::error!(%url, error, "reading the issuer's keys failed"))
            .ok()
    }
}
