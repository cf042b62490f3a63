//! The front door that people use in AWS, on the loopback interface: the console and the
//! management API at one origin, with tokens of the user pool's double.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{Request, StatusCode};
use lambda_http::request::RequestContext;
use management_api::{Api, PREFIX, bearer_token};
use profiles::JwtSettings;
use scep_service::admin::Administration;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::user_pool::{CLIENT_ID, UserPoolDouble};

/// A running front door; it stops when it is dropped.
pub struct PeopleDoor {
    /// The origin of the console and the API.
    pub url: String,
    task: JoinHandle<()>,
}

impl PeopleDoor {
    /// Opens a front door on a free port, and lets the pool lead people back to it. The console
    /// answers every path but those of the management API.
    pub async fn open(
        administration: Administration,
        pool: &Arc<UserPoolDouble>,
        console: Router,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        pool.allow_console(&url);
        let authorizer = JwtSettings {
            issuer: pool.issuer(),
            audience: HashSet::from([CLIENT_ID.to_owned()]),
            scope_prefix: "scepter/".to_owned(),
            people_clients: HashSet::from([CLIENT_ID.to_owned()]),
            token_url: None,
            emulator: None,
        };
        let api = management_api::router(Api {
            administration,
            authenticate: Arc::new(authorizer.into_authorizer().unwrap()),
            default_scep_profile: None,
        });
        let pool = Arc::clone(pool);
        let router = Router::new().fallback(move |request: Request<Body>| {
            let (api, console, pool) = (api.clone(), console.clone(), Arc::clone(&pool));
            async move {
                let is_api = request.uri().path().starts_with(&format!("{PREFIX}/"));
                let answered = match is_api {
                    true => match authorize_request(request, &pool) {
                        Ok(request) => api.oneshot(request).await,
                        Err(refusal) => return refusal,
                    },
                    false => console.oneshot(request).await,
                };
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

/// Does what API Gateway's JWT authorizer does: refuses a request without a valid token, and passes
/// the claims of others on, each as a text.
fn authorize_request(
    mut request: Request<Body>,
    pool: &UserPoolDouble,
) -> Result<Request<Body>, Response> {
    // API Gateway has no authorizer at the document's route.
    if request.uri().path() == format!("{PREFIX}/openapi.json") {
        return Ok(request);
    }
    let claims = bearer_token(request.headers()).and_then(|token| pool.read_access_token(token));
    let Some(claims) = claims else {
        return Err(Response::builder()
            .status(StatusCode::UNAUTHORIZED)
            .header("content-type", "application/json")
            .header("www-authenticate", "Bearer")
            .body(Body::from(r#"{"message":"Unauthorized"}"#))
            .unwrap());
    };
    let scopes: Vec<_> = claims["scope"].as_str().unwrap().split(' ').collect();
    let context = json!({
        "http": { "method": request.method().as_str() },
        "authorizer": { "jwt": { "claims": flatten_claims(&claims), "scopes": scopes } },
    });
    let context = RequestContext::ApiGatewayV2(serde_json::from_value(context).unwrap());
    request.extensions_mut().insert(context);
    Ok(request)
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
