//! Answers events of API Gateway with the router, by lambda_http.
//!
//! To convert an event to a request, lambda_http 1.3 builds a URL from the query, Host and
//! X-Forwarded-Proto, all of which a client chooses, and decodes the body. It panics where that
//! fails, and a panic ends the process. [`disarm`] therefore leaves it nothing that can fail.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, Uri};
use http_body_util::{BodyExt, Collected};
use lambda_host::{FrontDoors, MAX_EVENT_BODY_BYTES, answer_in_time, public_url};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_http::request::{LambdaRequest, RequestContext};
use lambda_http::{Adapter, IntoResponse, LambdaEvent, RequestExt, lambda_runtime, service_fn};
use management_api::{body_error_response, timed_out_response};
use scep_http::BodyError;
use tower::ServiceExt;

/// The longest body in base64 that is decoded: one of [`MAX_EVENT_BODY_BYTES`].
// API Gateway sends a body whose Content-Type is not that of a text in base64: `curl --data` sends
// that of a form.
const MAX_ENCODED_BYTES: usize = MAX_EVENT_BODY_BYTES.div_ceil(3) * 4;

/// Answers events with the router until Lambda ends the function.
///
/// # Errors
/// If the Runtime API fails.
pub(crate) async fn serve(
    router: Router,
    doors: &FrontDoors,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let service = service_fn(move |request| answer_request(router.clone(), doors, request));
    lambda_runtime::run(Adapter::from(service).map_request(disarm)).await
}

/// Makes an event one that lambda_http converts without a panic.
fn disarm(event: LambdaEvent<ApiGatewayV2httpRequest>) -> LambdaEvent<LambdaRequest> {
    let LambdaEvent {
        payload: mut request,
        context,
    } = event;
    let url = public_url(
        &request.raw_path.unwrap_or_default(),
        &request.raw_query_string.unwrap_or_default(),
    );
    // `answer_request` takes the URL from here. The conversion would also resolve `..` in it, so
    // that API Gateway and the router would see different URLs.
    request.request_context.http.path = Some(url);
    request.raw_path = Some("/".to_owned());
    request.raw_query_string = None;
    request.request_context.domain_name = None;
    request.headers.remove(HOST);
    // Too long a body stays as it is, so that nobody makes the function decode it: `check_body`
    // rejects it.
    let max_bytes = match request.is_base64_encoded {
        true => MAX_ENCODED_BYTES,
        false => MAX_EVENT_BODY_BYTES,
    };
    let is_too_long = |body: &String| body.len() > max_bytes;
    let is_base64 = |body: &String| STANDARD.decode(body).is_ok();
    if request.body.as_ref().is_some_and(is_too_long) {
        request.is_base64_encoded = false;
    } else if request.is_base64_encoded && !request.body.as_ref().is_none_or(is_base64) {
        request.is_base64_encoded = false;
        request.body = Some(char::REPLACEMENT_CHARACTER.to_string());
    }
    LambdaEvent::new(LambdaRequest::ApiGatewayV2(request), context)
}

async fn answer_request(
    router: Router,
    doors: &FrontDoors,
    request: lambda_http::Request,
) -> Result<GatewayResponse, Infallible> {
    // There is nothing at `/`, to which a URL that is not valid and a closed front door lead.
    let is_admitted = doors.admit(request.headers());
    let url = requested_url(&request).filter(|_| is_admitted);
    if is_admitted && let Err(error) = check_body(request.body()) {
        let path = url.as_ref().map_or("/", Uri::path);
        return Ok(GatewayResponse(body_error_response(error, path)));
    }
    let context = request.lambda_context();
    let client = doors.find_client(source_ip(&request), request.headers());
    let (mut head, body) = request.into_parts();
    head.uri = url.unwrap_or_else(|| Uri::from_static("/"));
    if let Some(client) = client {
        head.extensions.insert(client);
    }
    let answer = router.oneshot(Request::from_parts(head, Body::new(body)));
    let response = match answer_in_time(&context, answer).await {
        Some(Ok(response)) => response,
        Some(Err(never)) => match never {},
        None => timed_out_response(),
    };
    Ok(GatewayResponse(response))
}

/// A response, whose body is text if it says so and is.
// lambda_http would read any `text/html` as UTF-8 and replace what is not, and NDES's page is
// UTF-16.
struct GatewayResponse(Response);

impl IntoResponse for GatewayResponse {
    fn into_response(
        self,
    ) -> Pin<Box<dyn Future<Output = http::Response<lambda_http::Body>> + Send>> {
        Box::pin(async move {
            let (head, body) = self.0.into_parts();
            // The router's bodies are in memory, and cannot fail.
            let collected = body.collect().await.map(Collected::to_bytes);
            let body = collected.unwrap_or_default();
            let is_text = head
                .headers
                .get(CONTENT_TYPE)
                .and_then(|value| value.to_str().ok())
                .is_some_and(|kind| {
                    kind.starts_with("text/") || kind.starts_with("application/json")
                });
            let text = std::str::from_utf8(&body).ok().filter(|_| is_text);
            let body = match text {
                _ if body.is_empty() => lambda_http::Body::Empty,
                Some(text) => lambda_http::Body::Text(text.to_owned()),
                None => lambda_http::Body::Binary(body.to_vec()),
            };
            http::Response::from_parts(head, body)
        })
    }
}

/// The address that API Gateway was asked from.
fn source_ip(request: &lambda_http::Request) -> Option<&str> {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
        return None;
    };
    context.http.source_ip.as_deref()
}

/// The URL that [`disarm`] put into the context; `None` if it is not valid.
fn requested_url(request: &lambda_http::Request) -> Option<Uri> {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
        return None;
    };
    context.http.path.as_ref()?.parse().ok()
}

fn check_body(body: &lambda_http::Body) -> Result<(), BodyError> {
    if body.len() > MAX_EVENT_BODY_BYTES {
        return Err(BodyError::TooLarge);
    }
    // API Gateway replaces what is not UTF-8 in a body that it takes for text.
    if let lambda_http::Body::Text(text) = body
        && text.contains(char::REPLACEMENT_CHARACTER)
    {
        return Err(BodyError::Damaged);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::routing::any;
    use http::StatusCode;
    use lambda_host::Environment;
    use lambda_http::Context;
    use serde_json::{Value, json};

    use super::*;

    /// The path and query, and the body, that a request has in the router.
    async fn echo(uri: Uri, body: String) -> String {
        format!("{uri} {body}")
    }

    /// Answers an event, changed by `change`, and returns the status and the body.
    async fn answer(doors: &FrontDoors, change: Value) -> (u64, String) {
        let mut event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/api/v1/x", "rawQueryString": "",
            "headers": {"host": "scep.example", "content-type": "application/json"},
            "requestContext": {
                "stage": "$default", "domainName": "scep.example",
                "http": {"method": "POST", "path": "/api/v1/x"}
            },
            "isBase64Encoded": false
        });
        for (name, value) in change.as_object().unwrap() {
            event[name] = value.clone();
        }
        let router = Router::new()
            .route("/api/v1/{*path}", any(echo))
            .fallback(StatusCode::NOT_FOUND);
        let service = service_fn(|request| answer_request(router.clone(), doors, request));
        let mut context = Context::default();
        context.deadline = 4_102_444_800_000;
        let event = LambdaEvent::new(serde_json::from_value(event).unwrap(), context);
        let response = Adapter::from(service)
            .map_request(disarm)
            .oneshot(event)
            .await;
        let response = serde_json::to_value(response.unwrap()).unwrap();
        let text = response["body"].as_str().unwrap_or_default().to_owned();
        (response["statusCode"].as_u64().unwrap(), text)
    }

    #[track_caller]
    fn check(change: Value, status: u64, text: &str) {
        check_behind(&FrontDoors::default(), change, status, text);
    }

    #[track_caller]
    fn check_behind(doors: &FrontDoors, change: Value, status: u64, text: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (found, body) = runtime.block_on(answer(doors, change.clone()));
        assert_eq!(found, status, "{change}: {body}");
        assert!(body.contains(text), "{change}: {body}");
    }

    #[test]
    fn the_router_sees_the_url_and_the_body_that_the_client_sent() {
        check(
            json!({ "rawQueryString": "a=b+c%2B" }),
            200,
            "/api/v1/x?a=b+c%2B ",
        );
        check(
            json!({ "rawPath": "/api/v1/a b/../c?d\\e" }),
            200,
            "/api/v1/a%20b/../c%3Fd\\e ",
        );
        check(json!({ "body": "{}" }), 200, "/api/v1/x {}");
        check(
            json!({ "body": "e30=", "isBase64Encoded": true }),
            200,
            "/api/v1/x {}",
        );
    }

    #[test]
    fn where_the_edge_alone_is_open_there_is_nothing_else() {
        let environment = Environment::of(|name| match name {
            "SCEPTER_FRONT_DOOR_SECRET" => Some("secret".to_owned()),
            "SCEPTER_EDGE_ALONE" => Some("true".to_owned()),
            _ => None,
        });
        let doors = FrontDoors::of(&environment).unwrap();
        check_behind(&doors, json!({}), 404, "");
        let edge = json!({ "headers": { "scepter-edge": "secret" } });
        check_behind(&doors, edge, 200, "/api/v1/x ");
    }

    /// Once this fails, [`disarm`] may have become needless.
    #[test]
    fn without_this_module_lambda_http_panics() {
        let converts = |query: &str, protocol: &str| {
            let event = json!({
                "rawPath": "/", "rawQueryString": query,
                "headers": {"host": "scep.example", "x-forwarded-proto": protocol},
                "requestContext": {"http": {"method": "GET"}}
            });
            let event = LambdaRequest::ApiGatewayV2(serde_json::from_value(event).unwrap());
            std::panic::catch_unwind(|| lambda_http::Request::from(event)).is_ok()
        };
        assert!(converts("a=b", "https"));
        assert!(!converts("a=<b>", "https"));
        assert!(!converts("a=b", "a b"));
    }

    #[test]
    fn no_url_ends_the_process() {
        for query in ["a=<b>", "a=\"b\"", "a b", "\u{0}"] {
            check(json!({ "rawQueryString": query }), 404, "");
        }
        for path in ["", "x", ":99999999", "@", "//", "\\\\", "/\u{0}", "/../.."] {
            check(json!({ "rawPath": path }), 404, "");
        }
        check(json!({ "rawPath": "/x".repeat(50_000) }), 404, "");
    }

    #[test]
    fn no_header_ends_the_process() {
        for host in ["", " ", "a b", "[", "a:b:c", "%00"] {
            for protocol in ["", "a b", "https,http", "1", "://"] {
                let headers = json!({ "host": host, "x-forwarded-proto": protocol });
                check(json!({ "headers": headers }), 200, "/api/v1/x ");
            }
        }
    }

    #[test]
    fn no_body_ends_the_process() {
        check(json!({ "body": null, "isBase64Encoded": true }), 200, "");
        check(json!({ "body": "?", "isBase64Encoded": true }), 400, "body");
        check(json!({ "body": "0\u{fffd}" }), 400, "body");
        let large = "A".repeat(MAX_EVENT_BODY_BYTES + 1);
        check(json!({ "body": large }), 413, "larger");
        let longest = STANDARD.encode("A".repeat(MAX_EVENT_BODY_BYTES));
        let encoded = |body: &str| json!({ "body": body, "isBase64Encoded": true });
        check(encoded(&longest), 200, "/api/v1/x");
        check(encoded(&format!("{longest}AAAA")), 413, "larger");
    }
}
