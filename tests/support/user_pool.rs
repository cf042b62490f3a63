//! A user pool at which people sign in: a double of Cognito's that accepts only what the protocol
//! allows, and remembers what it objects to. RFC 6749, RFC 7636, OpenID Connect Core 1.0.
//!
//! Tests in another process control it by these URLs:
//!
//! ```text
//! GET    /_tests/objections   what the pool objected to, as a list of texts
//! PUT    /_tests/access       the body is how many seconds access tokens are valid from now on
//! DELETE /_tests/sessions     ends every session
//! ```

mod forms;
mod sign_in;
mod tokens;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::State as Shared;
use axum::response::Response;
use axum::routing::{get, post, put};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::user_pool::tokens::SigningKey;

/// The client by which people sign in. It has no secret.
pub const CLIENT_ID: &str = "5k2pe0pleclient";

/// What the client may ask for.
pub const SCOPES: [&str; 5] = [
    "openid",
    "scepter/read",
    "scepter/write",
    "scepter/approve",
    "scepter/challenge",
];

/// A running double; it stops when it is dropped.
pub struct UserPoolDouble {
    pool: Pool,
    task: JoinHandle<()>,
}

/// A person of the pool.
#[derive(Clone, Copy)]
pub struct Person<'a> {
    pub name: &'a str,
    pub password: &'a str,
    pub groups: &'a [&'a str],
}

/// An error code, RFC 6749 §4.1.2.1 and §5.2, and the reason, which the client does not learn.
type Objection = (&'static str, String);

/// What every handler sees of the double.
#[derive(Clone)]
struct Pool {
    /// The URL of everything that it answers.
    url: String,
    key: Arc<SigningKey>,
    state: Arc<Mutex<State>>,
}

struct State {
    users: BTreeMap<String, User>,
    callback_urls: HashSet<String>,
    logout_urls: HashSet<String>,
    /// Codes that were not used yet.
    codes: HashMap<String, Grant>,
    refresh_tokens: HashMap<String, Grant>,
    /// The claims of the access tokens that were issued.
    access_tokens: HashMap<String, Map<String, Value>>,
    /// How long an access token is valid.
    access_seconds: u64,
    objections: Vec<String>,
}

#[derive(Clone)]
struct User {
    subject: String,
    password: String,
    groups: Vec<String>,
}

/// What a person was asked to sign in for.
#[derive(Clone)]
struct Grant {
    user: String,
    scope: String,
    redirect_uri: String,
    code_challenge: String,
    /// When the person typed the password, in seconds since 1970.
    authenticated_at: u64,
}

impl UserPoolDouble {
    /// Starts a pool without people on a free port of the loopback interface.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = Pool {
            url: format!("http://{}", listener.local_addr().unwrap()),
            key: Arc::new(SigningKey::generate()),
            state: Arc::new(Mutex::new(State {
                users: BTreeMap::new(),
                callback_urls: HashSet::new(),
                logout_urls: HashSet::new(),
                codes: HashMap::new(),
                refresh_tokens: HashMap::new(),
                access_tokens: HashMap::new(),
                access_seconds: 900,
                objections: Vec::new(),
            })),
        };
        let router = Router::new()
            .route("/pool/.well-known/openid-configuration", get(discover))
            .route("/pool/.well-known/jwks.json", get(tokens::show_keys))
            .route("/oauth2/authorize", get(sign_in::authorize))
            .route("/login", get(sign_in::show_login).post(sign_in::log_in))
            .route("/oauth2/token", post(tokens::grant_tokens))
            .route("/oauth2/revoke", post(tokens::revoke_token))
            .route("/logout", get(sign_in::log_out))
            .route("/_tests/objections", get(show_objections))
            .route("/_tests/access", put(limit_access))
            .route(
                "/_tests/sessions",
                get(count_sessions).delete(revoke_sessions),
            )
            .with_state(pool.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { pool, task }
    }

    /// Adds a person, or replaces their password and groups.
    pub fn add(&self, person: &Person<'_>) {
        let user = User {
            subject: Uuid::new_v4().to_string(),
            password: person.password.to_owned(),
            groups: person
                .groups
                .iter()
                .map(|&group| group.to_owned())
                .collect(),
        };
        let mut state = self.pool.lock();
        state.users.insert(person.name.to_owned(), user);
    }

    /// Lets the console at this origin have people sign in and out.
    pub fn allow_console(&self, origin: &str) {
        let mut state = self.pool.lock();
        state
            .callback_urls
            .insert(format!("{origin}/console/signed-in"));
        state.logout_urls.insert(format!("{origin}/console/"));
    }

    /// Has access tokens be valid for so many seconds from now on.
    pub fn limit_access(&self, seconds: u64) {
        self.pool.lock().access_seconds = seconds;
    }

    /// Ends every session: refresh tokens are worthless from now on.
    pub fn revoke_sessions(&self) {
        self.pool.lock().refresh_tokens.clear();
    }

    /// The URL that tokens have as `iss`.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.pool.issuer()
    }

    /// The URL of a path of the pool.
    #[must_use]
    pub fn locate(&self, path: &str) -> String {
        format!("{}{path}", self.pool.url)
    }

    /// The subject of a person.
    ///
    /// # Panics
    /// If nobody has this name.
    #[must_use]
    pub fn subject_of(&self, name: &str) -> String {
        self.pool.lock().users[name].subject.clone()
    }

    /// The claims of an access token that was issued here and is still valid.
    #[must_use]
    pub fn read_access_token(&self, token: &str) -> Option<Map<String, Value>> {
        let claims = self.pool.lock().access_tokens.get(token).cloned()?;
        (claims["exp"].as_u64()? > seconds_since_1970()).then_some(claims)
    }

    /// What the pool objected to.
    #[must_use]
    pub fn objections(&self) -> Vec<String> {
        self.pool.lock().objections.clone()
    }
}

impl Drop for UserPoolDouble {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn issuer(&self) -> String {
        format!("{}/pool", self.url)
    }

    /// Remembers an objection, and answers with it.
    fn object(&self, (error, reason): Objection) -> Response {
        self.lock().objections.push(format!("{error}: {reason}"));
        answer_json(400, &json!({ "error": error }))
    }
}

async fn show_objections(Shared(pool): Shared<Pool>) -> Response {
    answer_json(200, &json!(pool.lock().objections))
}

async fn limit_access(Shared(pool): Shared<Pool>, seconds: String) {
    pool.lock().access_seconds = seconds.parse().unwrap();
}

async fn count_sessions(Shared(pool): Shared<Pool>) -> Response {
    answer_json(200, &json!(pool.lock().refresh_tokens.len()))
}

async fn revoke_sessions(Shared(pool): Shared<Pool>) {
    pool.lock().refresh_tokens.clear();
}

async fn discover(Shared(pool): Shared<Pool>) -> Response {
    let url = &pool.url;
    answer_json(
        200,
        &json!({
            "issuer": pool.issuer(),
            "authorization_endpoint": format!("{url}/oauth2/authorize"),
            "token_endpoint": format!("{url}/oauth2/token"),
            "end_session_endpoint": format!("{url}/logout"),
            "jwks_uri": format!("{}/.well-known/jwks.json", pool.issuer()),
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
        }),
    )
}

fn answer_json(status: u16, body: &Value) -> Response {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json")
        .header(CACHE_CONTROL, "no-store")
        .body(Body::from(body.to_string()))
        .unwrap()
}

fn seconds_since_1970() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}
