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

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::time::SystemTime;

    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;
    use crate::issuer_double::{IssuerDouble, KID};

    fn new_verifier(issuer: &IssuerDouble) -> TokenVerifier {
        let audience = HashSet::from(["mdm".to_owned(), "api".to_owned()]);
        let issuer = Issuer::new(issuer.name.clone(), None);
        TokenVerifier::new(issuer, audience, HttpClient::new().unwrap())
    }

    /// Seconds since 1970, this long from now.
    fn seconds_from_now(seconds: i64) -> i64 {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        i64::try_from(now).unwrap() + seconds
    }

    /// The claims of a valid token, with these changes; null leaves a claim out.
    fn change_claims(issuer: &IssuerDouble, changes: Value) -> Value {
        let mut claims = json!({
            "iss": issuer.name, "exp": seconds_from_now(600), "token_use": "access",
            "client_id": "mdm", "scope": "scepter/challenge",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        claims
    }

    fn valid_header() -> Value {
        json!({ "alg": "RS256", "typ": "JWT", "kid": KID })
    }

    #[tokio::test]
    async fn a_token_is_valid_for_its_issuer_its_audience_and_its_time() {
        let issuer = IssuerDouble::start().await;
        let verifier = new_verifier(&issuer);
        for (changes, is_valid) in [
            (json!({}), true),
            (json!({ "aud": "api", "client_id": "robot" }), true),
            (json!({ "aud": ["other", "api"], "token_use": null }), true),
            (json!({ "iss": "https://id.example" }), false),
            (json!({ "iss": null }), false),
            (json!({ "iss": format!("{}/", issuer.name) }), false),
            (json!({ "exp": seconds_from_now(-600) }), false),
            (json!({ "exp": null }), false),
            (json!({ "nbf": seconds_from_now(600) }), false),
            (json!({ "client_id": "other" }), false),
            (json!({ "client_id": null }), false),
            (json!({ "aud": "other" }), false),
            (json!({ "aud": [] }), false),
            (json!({ "token_use": "id" }), false),
        ] {
            let claims = change_claims(&issuer, changes);
            let token = issuer.sign(&valid_header(), &claims);
            let verified = verifier.verify(&token).await.unwrap();
            assert_eq!(verified.is_some(), is_valid, "{claims}");
        }
        // The discovery document and the keys are read once.
        assert_eq!(issuer.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_token_needs_the_signature_of_the_issuers_key() {
        let (issuer, other) = (IssuerDouble::start().await, IssuerDouble::start().await);
        let verifier = new_verifier(&issuer);
        let claims = change_claims(&issuer, json!({}));
        let valid = issuer.sign(&valid_header(), &claims);
        let (signed, _) = valid.rsplit_once('.').unwrap();
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let unsigned = part(json!({ "alg": "none", "kid": KID }));
        // The key that everybody may read, as the secret of an HMAC.
        let confused = Header {
            kid: Some(KID.to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        let secret = EncodingKey::from_secret(issuer.public_key());
        for forged in [
            other.sign(&valid_header(), &claims),
            format!("{signed}."),
            format!("{unsigned}.{}.", part(claims.clone())),
            encode(&confused, &claims, &secret).unwrap(),
            issuer.sign(&json!({ "alg": "PS256", "kid": KID }), &claims),
            issuer.sign(&json!({ "alg": "RS256" }), &claims),
            valid.replacen('.', "", 1),
            String::new(),
        ] {
            assert_eq!(verifier.verify(&forged).await, Ok(None), "{forged}");
        }
        assert!(verifier.verify(&valid).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn unknown_keys_do_not_have_the_issuer_asked_again_and_again() {
        let issuer = IssuerDouble::start().await;
        let verifier = new_verifier(&issuer);
        let claims = change_claims(&issuer, json!({}));
        for kid in ["key-2", "key-3", "key-2"] {
            let token = issuer.sign(&json!({ "alg": "RS256", "kid": kid }), &claims);
            assert_eq!(verifier.verify(&token).await, Ok(None));
        }
        assert_eq!(issuer.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn an_issuer_that_fails_makes_no_token_invalid() {
        let issuer = IssuerDouble::start().await;
        let verifier = new_verifier(&issuer);
        let token = issuer.sign(&valid_header(), &change_claims(&issuer, json!({})));
        for status in [302, 401, 404, 500, 503] {
            issuer.status.store(status, Ordering::SeqCst);
            assert_eq!(
                verifier.verify(&token).await,
                Err(CallersUnknown),
                "{status}"
            );
        }
        issuer.status.store(200, Ordering::SeqCst);
        assert!(verifier.verify(&token).await.unwrap().is_some());
        // Keys that were read outlast a failure.
        issuer.status.store(503, Ordering::SeqCst);
        verifier.keys.lock().await.read_at = Instant::now().checked_sub(2 * KEYS_AGE);
        assert!(verifier.verify(&token).await.unwrap().is_some());
    }
}
