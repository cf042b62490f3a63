//! Access control: every route declares the scope that its callers need.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::Method;
use scep_http::ClientAddress;
use utoipa::IntoResponses;
use utoipa::openapi::path::{Operation, PathItem, Paths};
use utoipa::openapi::{OpenApi, SecurityRequirement};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::openapi_responses::CommonErrors;
use crate::response::ApiError;
use crate::{Api, Caller, CallersUnknown, MAX_BODY_BYTES, PREFIX, Scope};

/// The name of the security scheme in the OpenAPI document.
pub(crate) const SECURITY_SCHEME: &str = "bearer";

/// Declares the scope of routes.
pub(crate) trait RequireScope<S> {
    /// The routes, for callers with this scope alone.
    fn require(self, scope: Scope) -> ScopedRoutes<S>;

    /// The routes, for callers with one of these scopes.
    fn require_any(self, scopes: &'static [Scope]) -> ScopedRoutes<S>;
}

impl<S: Clone + Send + Sync + 'static> RequireScope<S> for UtoipaMethodRouter<S> {
    fn require(self, scope: Scope) -> ScopedRoutes<S> {
        self.require_any(scope.alone())
    }

    fn require_any(self, scopes: &'static [Scope]) -> ScopedRoutes<S> {
        let (schemas, mut paths, methods) = self;
        for operation in operations_of(&mut paths) {
            let requirements = scopes
                .iter()
                .map(|scope| SecurityRequirement::new(SECURITY_SCHEME, [scope.name()]));
            operation.security = Some(requirements.collect());
            for (status, response) in CommonErrors::responses() {
                let responses = &mut operation.responses.responses;
                responses.entry(status).or_insert(response);
            }
        }
        ScopedRoutes {
            routes: (schemas, paths, methods),
            guard: Guard {
                scopes,
                max_body_bytes: MAX_BODY_BYTES,
            },
        }
    }
}

/// Routes that reject callers without their scope. Only [`RequireScope`] makes them.
pub(crate) struct ScopedRoutes<S> {
    routes: UtoipaMethodRouter<S>,
    guard: Guard,
}

impl<S> ScopedRoutes<S> {
    /// The same routes, with bodies of up to this number of octets.
    pub(crate) fn limit_body(mut self, max_body_bytes: usize) -> Self {
        self.guard.max_body_bytes = max_body_bytes;
        self
    }
}

/// What a request needs to be passed on.
#[derive(Clone, Copy)]
struct Guard {
    /// The scopes of which its caller has one.
    scopes: &'static [Scope],
    /// The length of its body, at most.
    max_body_bytes: usize,
}

/// The routes of the API and their part of the OpenAPI document. It takes only [`ScopedRoutes`], so
/// that no route is served to callers without a scope.
pub(crate) struct ApiRouter<S = Arc<Api>>(OpenApiRouter<S>);

impl<S: Clone + Send + Sync + 'static> ApiRouter<S> {
    /// No routes.
    pub(crate) fn new() -> Self {
        Self(OpenApiRouter::default())
    }

    /// Adds routes.
    pub(crate) fn routes(self, ScopedRoutes { routes, guard }: ScopedRoutes<S>) -> Self {
        let (schemas, paths, methods) = routes;
        // A route layer leaves other methods to the router, which answers them with 405.
        let methods = methods
            .route_layer(from_fn_with_state(guard, check_request))
            .layer(DefaultBodyLimit::max(guard.max_body_bytes));
        Self(self.0.routes((schemas, paths, methods)))
    }

    /// Adds the routes of another router.
    pub(crate) fn merge(self, Self(other): Self) -> Self {
        Self(self.0.merge(other))
    }

    /// Adds the routes of another router below a path.
    pub(crate) fn nest(self, path: &str, Self(other): Self) -> Self {
        Self(self.0.nest(path, other))
    }

    /// Changes the description of every route.
    pub(crate) fn map_operations(mut self, change: impl Fn(&mut Operation)) -> Self {
        operations_of(&mut self.0.get_openapi_mut().paths).for_each(change);
        self
    }

    /// The router, and the description of its routes.
    pub(crate) fn into_parts(self) -> (Router<S>, OpenApi) {
        self.0.split_for_parts()
    }
}

/// Every operation of these paths.
fn operations_of(paths: &mut Paths) -> impl Iterator<Item = &mut Operation> {
    paths.paths.values_mut().flat_map(|item| {
        let PathItem {
            get,
            put,
            post,
            delete,
            options,
            head,
            patch,
            trace,
            ..
        } = item;
        [get, put, post, delete, options, head, patch, trace]
            .into_iter()
            .flatten()
    })
}

/// Passes a request on if its caller has a scope of the route.
async fn check_request(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>();
    let checked = check_scope(caller, guard.scopes)
        .and_then(|()| check_announced_length(&request, guard.max_body_bytes));
    match checked {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn check_scope(caller: Option<&Caller>, scopes: &'static [Scope]) -> Result<(), ApiError> {
    let caller = caller.ok_or(ApiError::Unauthenticated)?;
    if !scopes.iter().any(|scope| caller.scopes.contains(scope)) {
        return Err(ApiError::Forbidden(scopes));
    }
    Ok(())
}

/// Rejects an oversized body by its announced length, before any of it is read; but only after
/// authentication, so that other callers get 401 or 403.
fn check_announced_length(request: &Request, max_bytes: usize) -> Result<(), ApiError> {
    match usize::try_from(request.body().size_hint().lower()) {
        Ok(bytes) if bytes <= max_bytes => Ok(()),
        Ok(_) | Err(_) => Err(ApiError::TooLarge(max_bytes)),
    }
}

/// The longest caller name in a log line, in octets.
const MAX_LOGGED_NAME_BYTES: usize = 300;

/// Passes a request on if its caller is authenticated, and logs one line about it.
pub(crate) async fn authenticate_request(
    State(api): State<Arc<Api>>,
    matched: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let method = request.method().clone();
    // The route is logged rather than the URL, which the client can make arbitrarily long.
    let route = matched
        .as_str()
        .strip_prefix(PREFIX)
        .unwrap_or_default()
        .to_owned();
    let (head, body) = request.into_parts();
    let client_address = ClientAddress::of(&head);
    let caller = api.authenticate.caller(&head).await;
    let name = caller
        .as_ref()
        .ok()
        .and_then(Option::as_ref)
        .map(|caller| caller.name.clone());
    let response = match caller {
        Ok(Some(caller)) => {
            let mut request = Request::from_parts(head, body);
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(None) => ApiError::Unauthenticated.into_response(),
        Err(CallersUnknown) => ApiError::TryLater.into_response(),
    };
    tracing::info!(
        client_address = client_address.map(tracing::field::display),
        caller = name.as_deref().map(truncate_for_log),
        method = method_name(&method),
        route,
        status = response.status().as_u16(),
        milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        "management request"
    );
    response
}

/// The method as logged. Clients may send any word of any length as a method, so unknown ones are
/// logged as `other`.
fn method_name(method: &Method) -> &str {
    let known = [
        Method::DELETE,
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::PATCH,
        Method::POST,
        Method::PUT,
    ];
    match known.contains(method) {
        true => method.as_str(),
        false => "other",
    }
}

/// Truncates a caller's name for the log. In AWS the name comes from the token issuer, which may
/// let users choose it.
pub(crate) fn truncate_for_log(name: &str) -> &str {
    let end = name.floor_char_boundary(MAX_LOGGED_NAME_BYTES);
    name.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    use Scope::{Approve, Challenge, Read, Write};
    use axum::body::Body;
    use http::StatusCode;
    use strum::VariantArray as _;
    use tower::ServiceExt;
    use utoipa_axum::routes;

    #[utoipa::path(get, path = "/things")]
    async fn list_things() {}

    #[utoipa::path(put, path = "/things")]
    async fn replace_things() {}

    #[utoipa::path(post, path = "/things")]
    async fn make_things(_: axum::body::Bytes) {}

    fn router() -> ApiRouter<()> {
        let make = routes!(make_things).require_any(&[Challenge, Write]);
        ApiRouter::new()
            .routes(make.limit_body(3 * 1024 * 1024))
            .routes(routes!(list_things).require(Read))
            .routes(routes!(replace_things).require(Write))
    }

    /// The status of a request by a caller with these scopes; `None` for a request that passed no
    /// authentication.
    async fn send(method: &str, path: &str, scopes: Option<&[Scope]>, body: &str) -> StatusCode {
        let (router, _) = router().into_parts();
        let mut request = Request::new(Body::from(body.to_owned()));
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = path.parse().unwrap();
        if let Some(scopes) = scopes {
            request.extensions_mut().insert(Caller {
                name: "someone".to_owned(),
                scopes: scopes.to_vec(),
            });
        }
        router.oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn a_scope_admits_to_its_routes_alone() {
        for (method, scopes, status) in [
            ("GET", Some(&[Read][..]), 200),
            ("HEAD", Some(&[Read]), 200),
            ("PUT", Some(&[Read]), 403),
            ("GET", Some(&[Write]), 403),
            ("HEAD", Some(&[Write]), 403),
            ("PUT", Some(&[Read, Write]), 200),
            ("GET", Some(&[Approve]), 403),
            ("POST", Some(&[Challenge]), 200),
            ("POST", Some(&[Write]), 200),
            ("POST", Some(&[Approve, Read]), 403),
            ("GET", Some(&[Challenge]), 403),
            ("PUT", Some(&[Challenge]), 403),
            ("GET", Some(Scope::VARIANTS), 200),
            ("GET", Some(&[]), 403),
            ("GET", None, 401),
            ("PUT", None, 401),
            ("DELETE", Some(Scope::VARIANTS), 405),
        ] {
            let got = send(method, "/things", scopes, "").await;
            assert_eq!(got, status, "{method} {scopes:?}");
        }
        assert_eq!(send("GET", "/", Some(Scope::VARIANTS), "").await, 404);
    }

    #[tokio::test]
    async fn oversized_bodies_are_rejected_after_callers() {
        let longest = " ".repeat(MAX_BODY_BYTES);
        let too_long = " ".repeat(MAX_BODY_BYTES + 1);
        let status = async |scopes, body: &str| send("PUT", "/things", scopes, body).await;
        assert_eq!(status(Some(&[Write][..]), &longest).await, 200);
        assert_eq!(status(Some(&[Write]), &too_long).await, 413);
        assert_eq!(status(Some(&[Read]), &too_long).await, 403);
        assert_eq!(status(None, &too_long).await, 401);
        // A route may have a limit of its own, larger than the router's default of two megabytes.
        let own =
            async |bytes| send("POST", "/things", Some(&[Challenge]), &" ".repeat(bytes)).await;
        assert_eq!(own(3 * 1024 * 1024).await, 200);
        assert_eq!(own(3 * 1024 * 1024 + 1).await, 413);
    }

    #[test]
    fn the_document_names_the_scope_of_each_operation() {
        let (_, document) = router().into_parts();
        let document = serde_json::to_value(document).unwrap();
        let operations = &document["paths"]["/things"];
        let scope_of = |method: &str| operations[method]["security"].clone();
        assert_eq!(scope_of("get"), serde_json::json!([{ "bearer": ["read"] }]));
        assert_eq!(
            scope_of("post"),
            serde_json::json!([{ "bearer": ["challenge"] }, { "bearer": ["write"] }])
        );
        assert_eq!(
            scope_of("put"),
            serde_json::json!([{ "bearer": ["write"] }])
        );
    }
}
