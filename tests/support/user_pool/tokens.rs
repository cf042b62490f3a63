//! The token endpoint of the pool, and its keys.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::extract::State;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::forms::Parameters;
use super::{CLIENT_ID, Grant, Objection, Pool, answer_json, seconds_since_1970};

const KID: &str = "pool-key-1";

/// How long a code may be used, in seconds: Cognito's five minutes.
const CODE_SECONDS: u64 = 300;

/// The key that tokens are signed with.
pub(super) struct SigningKey(KeyPair);

impl SigningKey {
    pub(super) fn generate() -> Self {
        Self(KeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    /// A token with these claims, signed by RS256.
    fn sign(&self, claims: &Map<String, Value>) -> String {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let header = encode(&json!({ "alg": "RS256", "kid": KID }));
        let signed = format!("{header}.{}", encode(&json!(claims)));
        let mut signature = vec![0; self.0.public_modulus_len()];
        let random = SystemRandom::new();
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                signed.as_bytes(),
                &mut signature,
            )
            .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

pub(super) async fn show_keys(State(pool): State<Pool>) -> Response {
    // RSAPublicKey, RFC 8017 §A.1.1: nine octets precede a modulus of 2048 bits.
    let modulus = URL_SAFE_NO_PAD.encode(&pool.key.0.public_key().as_ref()[9..][..256]);
    let key = json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KID, "n": modulus, "e": "AQAB",
    });
    answer_json(200, &json!({ "keys": [key] }))
}

/// RFC 6749 §4.1.3 and §6, for a public client. Browsers may read the answer from any origin, as
/// Cognito's: there is neither cookie nor secret in the request.
pub(super) async fn grant_tokens(
    State(pool): State<Pool>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let granted = read_grant(&pool, &headers, &body);
    let mut response = match granted {
        Ok((grant, is_new)) => issue_tokens(&pool, grant, is_new),
        Err(objection) => pool.object(objection),
    };
    let everybody = HeaderValue::from_static("*");
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, everybody);
    response
}

/// RFC 7009 §2.1, for a public client: ends the session of a refresh token. The answer has no
/// headers by which browsers may read it.
pub(super) async fn revoke_token(
    State(pool): State<Pool>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let form = match read_form(&headers, &body) {
        Ok(form) => form,
        Err(objection) => return pool.object(objection),
    };
    if form.names() != ["client_id", "token"] || form.get("client_id") != CLIENT_ID {
        let reason = format!("parameters {:?}", form.names());
        return pool.object(("invalid_request", reason));
    }
    // RFC 7009 §2.2: an unknown token is as good as a revoked one.
    pool.lock().refresh_tokens.remove(form.get("token"));
    answer_json(200, &json!({}))
}

/// The form of a request by a client that has no secret.
fn read_form(headers: &HeaderMap, body: &str) -> Result<Parameters, Objection> {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let kind = String::from_utf8_lossy(kind.unwrap_or_default()).to_lowercase();
    if kind.split(';').next() != Some("application/x-www-form-urlencoded") {
        return Err(("invalid_request", format!("the Content-Type is {kind:?}")));
    }
    if headers.contains_key(AUTHORIZATION) {
        return Err(("invalid_client", "the client has no secret".to_owned()));
    }
    Parameters::parse(body).map_err(|reason| ("invalid_request", reason))
}

/// What the request gets tokens for, and whether it is a new session.
fn read_grant(pool: &Pool, headers: &HeaderMap, body: &str) -> Result<(Grant, bool), Objection> {
    let form = read_form(headers, body)?;
    let expected: &[&str] = match form.get("grant_type") {
        "authorization_code" => &[
            "client_id",
            "code",
            "code_verifier",
            "grant_type",
            "redirect_uri",
        ],
        "refresh_token" => &["client_id", "grant_type", "refresh_token"],
        other => return Err(("unsupported_grant_type", other.to_owned())),
    };
    if form.names() != expected {
        return Err(("invalid_request", format!("parameters {:?}", form.names())));
    }
    if form.get("client_id") != CLIENT_ID {
        return Err(("invalid_client", "another client".to_owned()));
    }
    if form.get("grant_type") == "refresh_token" {
        let grant = pool
            .lock()
            .refresh_tokens
            .get(form.get("refresh_token"))
            .cloned();
        let grant = grant.ok_or(("invalid_grant", "unknown refresh token".to_owned()))?;
        return Ok((grant, false));
    }
    // A code is used up by a wrong attempt, too.
    let grant = pool.lock().codes.remove(form.get("code"));
    let grant = grant.ok_or(("invalid_grant", "unknown or used code".to_owned()))?;
    check_code(&grant, &form).map_err(|reason| ("invalid_grant", reason.to_owned()))?;
    Ok((grant, true))
}

/// RFC 6749 §4.1.3 and RFC 7636 §4.6.
fn check_code(grant: &Grant, form: &Parameters) -> Result<(), &'static str> {
    let verifier = form.get("code_verifier");
    let is_unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    if !(43..=128).contains(&verifier.len()) || !verifier.chars().all(is_unreserved) {
        return Err("not a code verifier");
    }
    if URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes())) != grant.code_challenge {
        return Err("the verifier of another challenge");
    }
    if form.get("redirect_uri") != grant.redirect_uri {
        return Err("another redirect URI");
    }
    if seconds_since_1970() > grant.authenticated_at + CODE_SECONDS {
        return Err("the code has expired");
    }
    Ok(())
}

fn issue_tokens(pool: &Pool, grant: Grant, is_new: bool) -> Response {
    let mut state = pool.lock();
    let Some(user) = state.users.get(&grant.user).cloned() else {
        drop(state);
        return pool.object(("invalid_grant", "the person is gone".to_owned()));
    };
    let (now, seconds) = (seconds_since_1970(), state.access_seconds);
    let mut shared = json!({
        "iss": pool.issuer(), "sub": user.subject, "iat": now, "exp": now + seconds,
        "auth_time": grant.authenticated_at, "jti": Uuid::new_v4().to_string(),
    });
    // Cognito leaves the claim out for somebody in no group.
    if !user.groups.is_empty() {
        shared["cognito:groups"] = json!(user.groups);
    }
    let with = |more: Value| -> Map<String, Value> {
        let claims = [&shared, &more].into_iter().filter_map(Value::as_object);
        claims
            .flatten()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    let access = with(json!({
        "token_use": "access", "client_id": CLIENT_ID, "version": 2, "scope": grant.scope,
        "username": grant.user,
    }));
    let identity = with(json!({
        "token_use": "id", "aud": CLIENT_ID, "cognito:username": grant.user,
    }));
    let access_token = pool.key.sign(&access);
    let mut answer = json!({
        "access_token": access_token, "token_type": "Bearer", "expires_in": seconds,
    });
    if grant.scope.split(' ').any(|scope| scope == "openid") {
        answer["id_token"] = json!(pool.key.sign(&identity));
    }
    state.access_tokens.insert(access_token, access);
    // The refresh token of a session stays the same, since the client does not rotate it.
    if is_new {
        let refresh_token = Uuid::new_v4().to_string();
        answer["refresh_token"] = json!(refresh_token);
        state.refresh_tokens.insert(refresh_token, grant);
    }
    answer_json(200, &answer)
}
