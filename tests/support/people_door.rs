//! The front door that people use in AWS, on the loopback interface: the console and the
//! management API at one origin, with tokens of the user pool's double.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use console_http::{Console, OpenIdProvider, SignIn};
use http::{Request, StatusCode};
use lambda_http::request::RequestContext;
use management_api::{Api, PREFIX, Platform, bearer_token};
use profiles::JwtSettings;
use scep_service::admin::Administration;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::admin::new_probes;
use crate::user_pool::{CLIENT_ID, SCOPES, UserPoolDouble};

/// A running front door; it stops when it is dropped.
pub struct PeopleDoor {
    /// The origin of the console and the API.
    pub url: String,
    task: JoinHandle<()>,
}

impl PeopleDoor {
    /// Opens a front door on a free port, and lets the pool lead people back to it.
    pub async fn open(administration: Administration, pool: &Arc<UserPoolDouble>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        pool.allow_console(&url);
        let api = new_api(administration, pool);
        let console = Arc::new(new_console(pool));
        let pool = Arc::clone(pool);
        let router = Router::new().fallback(move |request: Request<Body>| {
            let (api, console, pool) = (api.clone(), Arc::clone(&console), Arc::clone(&pool));
            async move {
                if !request.uri().path().starts_with(&format!("{PREFIX}/")) {
                    let (head, _) = request.into_parts();
                    return console.respond(&head).map(Body::from);
                }
                let Some(request) = authorize_request(request, &pool) else {
                    return refuse();
                };
                let answered = api.oneshot(request).await;
                answered.unwrap_or_else(|never| match never {})
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, task }
    }
}

impl Drop for PeopleDoor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The management API as the function serves it.
fn new_api(administration: Administration, pool: &UserPoolDouble) -> Router {
    let settings = JwtSettings {
        issuer: pool.issuer(),
        audience: HashSet::from([CLIENT_ID.to_owned()]),
        scope_prefix: "scepter/".to_owned(),
        people_clients: HashSet::from([CLIENT_ID.to_owned()]),
        token_url: None,
        emulator: None,
    };
    management_api::router(Api {
        probes: new_probes(&administration),
        administration,
        authenticate: Arc::new(settings.into_authorizer().unwrap()),
        default_scep_profile: None,
        platform: Platform::Aws,
        profiles_max_age: Duration::ZERO,
        tokens: None,
    })
}

fn new_console(pool: &UserPoolDouble) -> Console {
    let locate = |path: &str| pool.locate(path).parse().unwrap();
    let provider = OpenIdProvider {
        issuer: pool.issuer().parse().unwrap(),
        authorization_endpoint: locate("/oauth2/authorize"),
        token_endpoint: locate("/oauth2/token"),
        end_session_endpoint: Some(locate("/logout")),
        revocation_endpoint: Some(locate("/oauth2/revoke")),
        client_id: CLIENT_ID.to_owned(),
        scope: SCOPES.join(" "),
    };
    let public_url = "http://127.0.0.1";
    Console::new(&SignIn::OpenId(Box::new(provider)), public_url).unwrap()
}

/// Does what API Gateway's JWT authorizer does: passes the claims of a valid token on, each as a
/// text, and a request without one not at all.
fn authorize_request(mut request: Request<Body>, pool: &UserPoolDouble) -> Option<Request<Body>> {
    // API Gateway has no authorizer at the document's route.
    if request.uri().path() == format!("{PREFIX}/openapi.json") {
        return Some(request);
    }
    let claims = pool.read_access_token(bearer_token(request.headers())?)?;
    let scopes: Vec<_> = claims["scope"].as_str().unwrap().split(' ').collect();
    let context = json!({
        "http": { "method": request.method().as_str() },
        "authorizer": { "jwt": { "claims": flatten_claims(&claims), "scopes": scopes } },
    });
    let context = RequestContext::ApiGatewayV2(serde_json::from_value(context).unwrap());
    request.extensions_mut().insert(context);
    Some(request)
}

/// API Gateway's answer to a request without a valid token.
fn refuse() -> Response {
    Response::builder()
        .status(StatusCode::UNAUTHORIZED)
        .header("content-type", "application/json")
        .header("www-authenticate", "Bearer")
        .body(Body::from(r#"{"message":"Unauthorized"}"#))
        .unwrap()
}

/// Claims as API Gateway passes them on: a list is its items in brackets.
fn flatten_claims(claims: &Map<String, Value>) -> Map<String, Value> {
    let flatten = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
            format!("[{}]", items.join(" "))
        }
        other => other.to_string(),
    };
    claims
        .iter()
        .map(|(name, value)| (name.clone(), json!(flatten(value))))
        .collect()
}
