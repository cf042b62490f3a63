//! The wire of administration: JSON over HTTP below `/api/v1`. Every route declares its scope; the
//! OpenAPI document is generated from the handlers.

mod access;
mod attribute;
mod audit_records;
mod authorities;
mod bulk;
mod caller;
mod caller_view;
mod certificate;
mod certificates;
mod certificates_query;
mod challenges;
mod credentials;
mod document;
mod field;
mod jamf_event;
mod json_body;
mod lockouts;
mod mdm;
mod mdm_url;
mod ndes_page;
mod openapi_enums;
mod openapi_responses;
mod ra_certificates;
mod ra_profile_path;
mod ra_profiles;
mod request;
mod response;
mod rollover;
mod scep_profile_request;
mod scep_profile_settings;
mod scep_profiles;
mod scep_requests;
mod settings;
mod source_tests;
mod statistics;
mod status;
mod template;
mod template_field;
mod toggleable;
mod token_store;
mod tokens;
mod transactions;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Extension, Json, Router, middleware};
use http::StatusCode;
use http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use scep_http::BodyError;
use scep_protocol::profile::EndpointName;
use scep_service::admin::Administration;
use scep_service::audit::Actor;
use scep_service::ports::SourceProbe;

use crate::access::authenticate_request;
use crate::response::ApiError;
use ca::profile_name::ProfileName;

pub use caller::{Authenticate, Caller, CallersUnknown, Scope, bearer_token};
pub use credentials::Credentials;
pub use mdm::MAX_EVENT_BYTES;
pub use mdm_url::MdmUrl;
pub use response::{MAX_BODY_BYTES, body_error_response, max_body_bytes, timed_out_response};
pub use settings::Platform;
pub use token_store::{
    CreatedToken, InvalidTokenName, TokenId, TokenName, TokenRecord, TokenStore, TokensUnavailable,
};

/// The prefix of every path.
pub const PREFIX: &str = "/api/v1";

/// The services that the handlers use.
pub struct Api {
    /// The use cases of administration. The actor is replaced by the caller of each request.
    pub administration: Administration,
    /// Identifies the caller of a request.
    pub authenticate: Arc<dyn Authenticate>,
    /// The SCEP Profile at the fixed path of NDES's page; `None` for none.
    pub default_scep_profile: Option<ProfileName>,
    /// What the server runs on.
    pub platform: Platform,
    /// How long requests may be answered by profiles that were edited meanwhile.
    pub profiles_max_age: Duration,
    /// The tokens of callers; `None` where an identity provider issues them.
    pub tokens: Option<Arc<dyn TokenStore>>,
    /// Tests of the services that vouch for enrolments.
    pub probes: Probes,
}

/// Tests of the services that vouch for enrolments.
pub struct Probes {
    /// Tests Microsoft Intune.
    pub intune: Arc<dyn SourceProbe>,
    /// Tests the webhook of a SCEP Profile.
    pub webhook: Arc<dyn SourceProbe>,
}

impl Api {
    /// The SCEP URL of an endpoint.
    fn scep_url(&self, endpoint: &EndpointName) -> String {
        let base = &self.administration.deployment.public_url;
        let name = match endpoint {
            EndpointName::ScepProfile(name) => name.to_string(),
            EndpointName::RaProfile(name) => format!("raProfile/{name}"),
        };
        format!("{base}{PREFIX}/protocols/scep/{name}/pkiclient.exe")
    }
}

type State = axum::extract::State<Arc<Api>>;

/// [`Administration`] on behalf of the authenticated caller.
struct Admin(Administration);

impl FromRequestParts<Arc<Api>> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        let caller = Extension::<Caller>::from_request_parts(parts, api).await;
        // The guard inserts the caller, or rejects the request before it gets here.
        let Extension(caller) = caller.map_err(|_| ApiError::Unauthenticated)?;
        Ok(Self(Administration {
            actor: Actor::new(caller.name),
            ..api.administration.clone()
        }))
    }
}

/// The management API and the URLs of MDMs as a tower service, which answers requests for all other
/// paths with 404.
pub fn router(api: impl Into<Arc<Api>>) -> Router {
    let api = api.into();
    let rest = Router::new().fallback(nothing_here);
    routes(Arc::clone(&api))
        .merge(rest.layer(middleware::map_response(secure_response)))
        .layer(middleware::from_fn_with_state(api, answer_mdm_first))
}

/// Responds to a request to a URL of MDMs, and passes every other on.
async fn answer_mdm_first(state: State, request: Request, next: Next) -> Response {
    let axum::extract::State(api) = state;
    let default = api.default_scep_profile.as_ref();
    let Some(url) = MdmUrl::of(request.method(), request.uri().path(), default) else {
        return next.run(request).await;
    };
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_EVENT_BYTES);
    let body = match body.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
        Err(_) => Err(BodyError::Unreadable),
    };
    api.respond_to_mdm(&url, &head, body).await.map(Body::from)
}

/// The routes of the management API, which answer every path below [`PREFIX`] and no other.
pub fn routes(api: impl Into<Arc<Api>>) -> Router {
    let api = api.into();
    let (routes, document) = document::routes().into_parts();
    let document = Arc::new(document::build_document(document));
    // A route layer runs once a route has matched, so the log can name the route.
    let guarded = routes.route_layer(middleware::from_fn_with_state(
        Arc::clone(&api),
        authenticate_request,
    ));
    // The document contains nothing secret, and tools fetch it without a token.
    let open = Router::new().route(
        "/openapi.json",
        get(move || {
            let document = Arc::clone(&document);
            async move { Json(&*document).into_response() }
        }),
    );
    Router::new()
        .nest(PREFIX, guarded.merge(open).fallback(nothing_here))
        // The fallback of a nested router does not match its prefix with a slash and nothing after.
        .route(&format!("{PREFIX}/"), any(nothing_here))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::map_response(secure_response))
        .with_state(api)
}

/// The OpenAPI 3.1 document.
#[must_use]
pub fn openapi() -> serde_json::Value {
    let (_, document) = document::routes().into_parts();
    // Serialisation cannot fail: every key in the document is a string.
    serde_json::to_value(document::build_document(document)).unwrap_or_default()
}

async fn nothing_here() -> ApiError {
    ApiError::NotFound("there is nothing at this URL".to_owned())
}

async fn method_not_allowed() -> Response {
    response::error_response(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
}

async fn secure_response(response: Response) -> Response {
    response::add_security_headers(response)
}
