//! The routes of the local server. Every path that is not another's is SCEP's.

use std::sync::Arc;
use std::time::Duration;

use authorise_http::{AssertionIssuer, DISCOVERY_PATH, KEY_SET_PATH};
use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::any;
use bytes::{Bytes, BytesMut};
use ca::profile_name::ProfileName;
use console_http::Console;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Uri};
use http_body_util::{BodyExt, Full};
use management_api::{Api, MdmUrl};
use scep_http::{
    BodyError, CRL_PREFIX, CrlService, EveryOperation, MAX_BODY_BYTES, at_fixed_path,
    names_operation, read_options, rejection_response, respond_crl, respond_scep,
};
use scep_protocol::refusal::HttpRejection;
use scep_service::error_chain::ErrorChain;
use tokio::task::JoinHandle;

use crate::connections::Place;
use crate::prometheus::PrometheusMetrics;

/// How long a client may take to send a request's body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of an oversized body is read before the client is disconnected.
const MAX_DISCARDED_BYTES: usize = 16 * MAX_BODY_BYTES;

/// The services that requests are routed to, besides the management API.
pub(crate) struct Services {
    pub(crate) scep: EveryOperation,
    pub(crate) crls: CrlService,
    pub(crate) metrics: Arc<PrometheusMetrics>,
    /// Publishes the key by which Entra knows this server.
    pub(crate) assertions: Arc<AssertionIssuer>,
    pub(crate) console: Console,
    /// Responds to MDMs that ask for challenges.
    pub(crate) api: Arc<Api>,
    /// The SCEP Profile at the fixed paths of devices whose path cannot be configured.
    pub(crate) default_scep_profile: ProfileName,
}

/// Builds the router. Each request must have the [`Place`] of its connection as an extension.
pub(crate) fn router(services: Services, management: Router) -> Router {
    let management = management.layer(from_fn_with_state(
        Arc::clone(&services.api),
        read_body_first,
    ));
    // Unknown paths go to SCEP, which answers in text; a fixed path is one of them.
    Router::new()
        .route("/", any(answer_root))
        .route(
            console_http::PREFIX.trim_end_matches('/'),
            any(answer_console),
        )
        .route(console_http::PREFIX, any(answer_console))
        .route(
            &format!("{}{{*rest}}", console_http::PREFIX),
            any(answer_console),
        )
        .route("/health", any(answer_health))
        .route("/metrics", any(answer_metrics))
        .route(DISCOVERY_PATH, any(answer_well_known))
        .route(KEY_SET_PATH, any(answer_well_known))
        .route(CRL_PREFIX, any(answer_crl))
        .route(&format!("{CRL_PREFIX}{{*file}}"), any(answer_crl))
        // SCEP's prefix lies below that of management.
        .route(scep_http::PREFIX, any(answer_scep))
        .route(&format!("{}{{*rest}}", scep_http::PREFIX), any(answer_scep))
        .fallback(answer_scep)
        .with_state(Arc::new(services))
        .merge(management)
}

// Health and metrics do not wait in line: monitoring must work while the server is busy.
async fn answer_health(Extension(place): Extension<Arc<Place>>, method: Method) -> Response {
    place.mark_answering();
    read_only(&method, || Response::new(Body::from("ok\n")))
}

async fn answer_metrics(
    State(services): State<Arc<Services>>,
    Extension(place): Extension<Arc<Place>>,
    method: Method,
) -> Response {
    place.mark_answering();
    read_only(&method, || services.metrics.response())
}

// Nor does the console: it is how people find out why the server is busy.
async fn answer_console(
    State(services): State<Arc<Services>>,
    Extension(place): Extension<Arc<Place>>,
    request: Request,
) -> Response {
    place.mark_answering();
    let (head, _) = request.into_parts();
    services.console.respond(&head).map(Body::from)
}

/// Leads people to the console. What names an operation, or sends a message, is SCEP's.
async fn answer_root(
    services: State<Arc<Services>>,
    place: Extension<Arc<Place>>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let is_read = [Method::GET, Method::HEAD].contains(&head.method);
    if !is_read || names_operation(&head) {
        return answer_scep(services, place, Request::from_parts(head, body)).await;
    }
    answer_console(services, place, Request::from_parts(head, body)).await
}

/// Answers Entra, which reads the key of federated credentials.
async fn answer_well_known(
    State(services): State<Arc<Services>>,
    Extension(place): Extension<Arc<Place>>,
    method: Method,
    uri: Uri,
) -> Response {
    let _permit = place.wait_in_published_line().await;
    match services.assertions.find_document(uri.path()).await {
        Ok(Some(json)) => read_only(&method, || {
            let mut response = Response::new(Body::from(json));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        }),
        Ok(None) => rejection_response(HttpRejection::NotFound).map(Body::from),
        Err(error) => {
            let error = ErrorChain(&error);
            tracing::error!(%error, "could not read the key of federated credentials");
            rejection_response(HttpRejection::TryLater).map(Body::from)
        }
    }
}

async fn answer_crl(
    State(services): State<Arc<Services>>,
    Extension(place): Extension<Arc<Place>>,
    request: Request,
) -> Response {
    let (head, _) = request.into_parts();
    let _permit = place.wait_in_published_line().await;
    let response = respond_crl(&services.crls, &head).await;
    if head.method == Method::HEAD {
        // The length of GET's body is unknown. The router would announce the empty body's, so
        // `map_frame` hides it.
        return response.map(|empty| Body::new(Full::new(empty).map_frame(|frame| frame)));
    }
    response.map(Body::from)
}

async fn answer_scep(
    State(services): State<Arc<Services>>,
    Extension(place): Extension<Arc<Place>>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    // A SCEP endpoint ignores what follows its name, so URLs of MDMs are looked for first.
    let default = Some(&services.default_scep_profile);
    if let Some(url) = MdmUrl::of(&head.method, head.uri.path(), default) {
        let body = read_body(body, MAX_BODY_BYTES).await;
        place.mark_answering();
        let answer = async move { services.api.respond_to_mdm(&url, &head, body).await };
        return join_answer(place.begin_answer(answer)).await;
    }
    let head = at_fixed_path(head, &services.default_scep_profile);
    // The body is read before the request lines up, so that slow senders hold no permit.
    let body = read_body(body, MAX_BODY_BYTES).await;
    let permit = place.wait_in_scep_line().await;
    let answer = async move { respond_scep(&services.scep, &head, body).await };
    join_answer(place.begin_answer(permit.answer(answer))).await
}

/// Waits for an answer that has begun. If it panics, the response says that the server failed.
async fn join_answer<B: Into<Body>>(answer: JoinHandle<http::Response<B>>) -> Response {
    match answer.await {
        Ok(response) => response.map(Into::into),
        Err(error) => {
            tracing::error!(%error, "an answer did not end");
            rejection_response(HttpRejection::InternalFailure).map(Body::from)
        }
    }
}

/// Reads the body before the management API sees the request, whose extractors have no time limit.
/// Only a caller with a token may send a longer one than usual.
async fn read_body_first(
    State(api): State<Arc<Api>>,
    Extension(place): Extension<Arc<Place>>,
    request: Request,
    next: Next,
) -> Response {
    let (head, body) = request.into_parts();
    let is_known = async || matches!(api.authenticate.caller(&head).await, Ok(Some(_)));
    // The API looks the caller up as well, so that this is left to the few requests that need it.
    let (usual, longest) = (
        management_api::MAX_BODY_BYTES,
        management_api::max_body_bytes(head.uri.path()),
    );
    let max_bytes = match longest > usual && is_known().await {
        true => longest,
        false => usual,
    };
    let body = match read_body(body, max_bytes).await {
        Ok(body) => body.into(),
        // The API answers that the caller needs a token, which matters more than the length.
        Err(BodyError::TooLarge) if !is_known().await => Body::empty(),
        Err(error) => {
            place.mark_answering();
            return management_api::body_error_response(error, head.uri.path());
        }
    };
    place.mark_answering();
    let answer = next.run(Request::from_parts(head, body));
    join_answer(place.begin_answer(answer)).await
}

/// The response of a read-only resource. Load balancers probe with HEAD and OPTIONS; the router
/// omits the body of a response to HEAD.
fn read_only(method: &Method, read: impl FnOnce() -> Response) -> Response {
    match *method {
        Method::GET | Method::HEAD => read(),
        Method::OPTIONS => read_options().map(Body::from),
        _ => rejection_response(HttpRejection::ReadOnly).map(Body::from),
    }
}

async fn read_body(body: Body, max_bytes: usize) -> Result<Bytes, BodyError> {
    tokio::time::timeout(BODY_TIMEOUT, collect_body(body, max_bytes))
        .await
        .unwrap_or(Err(BodyError::TimedOut))
}

/// Reads the whole body. An oversized one is read further, up to [`MAX_DISCARDED_BYTES`], because a
/// client that is disconnected while it sends may never see the response.
// tower-http's limit answers at once, and its timeout with 408 and without a line in the log.
async fn collect_body(mut body: Body, max_bytes: usize) -> Result<Bytes, BodyError> {
    let mut collected = BytesMut::new();
    let mut bytes: usize = 0;
    while let Some(frame) = body.frame().await {
        // Trailers carry nothing that SCEP or the management API uses.
        let Ok(data) = frame.map_err(|_| BodyError::Unreadable)?.into_data() else {
            continue;
        };
        bytes = bytes.saturating_add(data.len());
        if bytes <= max_bytes {
            collected.extend_from_slice(&data);
        }
        if bytes > MAX_DISCARDED_BYTES {
            break;
        }
    }
    if bytes > max_bytes {
        return Err(BodyError::TooLarge);
    }
    Ok(collected.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_that_panics_is_a_500() {
        let answer = tokio::spawn(async { panic!("in the answer") });
        let response = join_answer::<Bytes>(answer).await;
        assert_eq!(response.status(), 500);
    }
}
