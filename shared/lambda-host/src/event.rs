//! Conversions from API Gateway's events (payload format 2.0) to HTTP requests, and from HTTP
//! responses to the responses that API Gateway expects.

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Request, Response};
use scep_http::BodyError;
use scep_protocol::refusal::HttpRejection;

use crate::{FrontDoors, public_url};

/// The longest body to decode, in octets before decoding.
// The limits of SCEP and of the management API are smaller; this one bounds the work for an event
// before it is known which of them applies.
pub const MAX_EVENT_BODY_BYTES: usize = 1024 * 1024;

/// Converts an event to the head of a request, with the address of its client and the name that API
/// Gateway gave to it as extensions, and its body or the reason why it cannot be read.
///
/// # Errors
/// [`HttpRejection::NotFound`] if the URL is not valid, or the front door is closed.
pub(crate) fn parse_request(
    event: ApiGatewayV2httpRequest,
    doors: &FrontDoors,
) -> Result<(Parts, Result<Bytes, BodyError>), HttpRejection> {
    if !doors.admit(&event.headers) {
        return Err(HttpRejection::NotFound);
    }
    // The raw query keeps the client's encoding: parsed by API Gateway, a `+` in a base64 message
    // would have become a space.
    let uri = public_url(
        &event.raw_path.unwrap_or_default(),
        &event.raw_query_string.unwrap_or_default(),
    );
    let mut request_builder = Request::builder()
        .method(event.request_context.http.method)
        .uri(uri);
    let source_ip = event.request_context.http.source_ip.as_deref();
    if let Some(client) = doors.find_client(source_ip, &event.headers) {
        request_builder = request_builder.extension(client);
    }
    let own_id = event.request_context.request_id.as_deref();
    if let Some(id) = doors.find_request_id(own_id, &event.headers) {
        request_builder = request_builder.extension(id);
    }
    if let Some(headers) = request_builder.headers_mut() {
        *headers = event.headers;
    }
    let request = request_builder
        .body(())
        .map_err(|_| HttpRejection::NotFound)?;
    Ok((
        request.into_parts().0,
        decode_body(event.body.unwrap_or_default(), event.is_base64_encoded),
    ))
}

/// Decodes the body of an event.
fn decode_body(body: String, is_base64: bool) -> Result<Bytes, BodyError> {
    if body.len() > MAX_EVENT_BODY_BYTES {
        return Err(BodyError::TooLarge);
    }
    if is_base64 {
        return STANDARD
            .decode(body)
            .map(Bytes::from)
            .map_err(|_| BodyError::Unreadable);
    }
    // API Gateway treats a body with a textual Content-Type as UTF-8 and replaces what is not with
    // U+FFFD. Such a message cannot be restored, so the client learns that its type is wrong.
    if body.contains(char::REPLACEMENT_CHARACTER) {
        return Err(BodyError::Damaged);
    }
    Ok(Bytes::from(body))
}

/// Converts a response: text stays text, and everything else becomes base64.
pub(crate) fn build_response(response: Response<Bytes>) -> ApiGatewayV2httpResponse {
    let (head, body) = response.into_parts();
    // DER may happen to be valid UTF-8, so the type must say that it is text, too.
    let is_text = head
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/") || kind.starts_with("application/json"));
    let text = std::str::from_utf8(&body)
        .ok()
        .filter(|text| is_text || text.is_empty());
    let mut gateway_response = ApiGatewayV2httpResponse::default();
    gateway_response.status_code = i64::from(head.status.as_u16());
    gateway_response.headers = head.headers;
    gateway_response.is_base64_encoded = text.is_none();
    gateway_response.body = Some(match text {
        Some(text) => Body::Text(text.to_owned()),
        None => Body::Binary(body.to_vec()),
    });
    gateway_response
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::{Value, json};

    use scep_http::{ClientAddress, GatewayRequestId};

    use super::*;
    use crate::Environment;

    fn no_secret() -> FrontDoors {
        FrontDoors::default()
    }

    fn new_event(path: &str, query: &str, body: Value, is_base64: bool) -> ApiGatewayV2httpRequest {
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": {"content-type": "application/x-pki-message"},
            "requestContext": {"requestId": "JKJaXmPLvHcESHA=", "http": {
                "method": "POST", "path": path, "sourceIp": "198.51.100.7"
            }},
            "body": body, "isBase64Encoded": is_base64
        });
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn an_event_becomes_the_request_that_was_sent() {
        let event = new_event(
            "/internal/scep/PKIOperation/default",
            "operation=PKIOperation&message=a+b%2B",
            json!("AAEC"),
            true,
        );
        let (head, body) = parse_request(event, &no_secret()).unwrap();
        assert_eq!(
            (head.method.as_str(), head.uri.to_string().as_str()),
            (
                "POST",
                "/api/v1/protocols/scep/default?operation=PKIOperation&message=a+b%2B"
            )
        );
        assert_eq!(head.headers["content-type"], "application/x-pki-message");
        assert_eq!(
            ClientAddress::of(&head),
            Some("198.51.100.7".parse().unwrap())
        );
        assert_eq!(GatewayRequestId::of(&head), Some("JKJaXmPLvHcESHA="));
        assert_eq!(body.unwrap().as_ref(), [0, 1, 2]);
    }

    #[track_caller]
    fn check(body: Value, is_base64: bool, expected: Result<&[u8], BodyError>) {
        let (_, body) = parse_request(new_event("/", "", body, is_base64), &no_secret()).unwrap();
        assert_eq!(body, expected.map(Bytes::copy_from_slice));
    }

    #[test]
    fn each_kind_of_body_is_recognised() {
        check(json!(null), false, Ok(b""));
        check(json!("{}"), false, Ok(b"{}"));
        check(json!("0\u{fffd}\u{0}"), false, Err(BodyError::Damaged));
        check(json!("?"), true, Err(BodyError::Unreadable));
        let large = "A".repeat(MAX_EVENT_BODY_BYTES + 1);
        check(json!(large), true, Err(BodyError::TooLarge));
    }

    #[test]
    fn nothing_is_found_behind_a_closed_door() {
        let environment = Environment::of(|name| match name {
            "SCEPTER_FRONT_DOOR_SECRET" => Some("secret".to_owned()),
            "SCEPTER_EDGE_ALONE" => Some("true".to_owned()),
            _ => None,
        });
        let doors = FrontDoors::of(&environment).unwrap();
        let mut event = new_event("/a", "", json!(null), false);
        let refused = parse_request(event.clone(), &doors).err();
        assert_eq!(refused, Some(HttpRejection::NotFound));
        let proof = HeaderValue::from_static("secret");
        event.headers.insert("scepter-edge", proof);
        assert!(parse_request(event, &doors).is_ok());
    }

    #[test]
    fn an_invalid_url_is_rejected_without_a_panic() {
        for query in ["a=<b>", "a=\"b\"", "a b"] {
            let event = new_event("/a", query, json!(null), false);
            assert_eq!(
                parse_request(event, &no_secret()).err(),
                Some(HttpRejection::NotFound),
                "{query}"
            );
        }
    }

    #[test]
    fn a_response_is_text_or_base64() {
        let converted = |kind: &'static str, body: &'static [u8]| {
            let mut response = Response::new(Bytes::from_static(body));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            let json = serde_json::to_value(build_response(response)).unwrap();
            (json["body"].clone(), json["isBase64Encoded"].clone())
        };
        assert_eq!(
            converted("text/plain", b"AES\n"),
            (json!("AES\n"), json!(false))
        );
        assert_eq!(
            converted("application/x-pki-message", &[0, 1, 2]),
            (json!("AAEC"), json!(true))
        );
        assert_eq!(
            converted("text/plain", &[0xff]),
            (json!("/w=="), json!(true))
        );
    }
}
