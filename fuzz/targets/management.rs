//! The management API: any body and query of every route. The response is never a 5xx, and a
//! refusal gives its reasons. Without a token, every request is denied. No response contains a
//! secret. After each change, every list can still be read, and the server still answers clients.

#![no_main]

use std::sync::LazyLock;

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use libfuzzer_sys::{Corpus, fuzz_target};
use scepter_fuzz::input::Input;
use scepter_fuzz::management::{PLACEHOLDERS, ROUTES, fill_path};
use scepter_fuzz::server::{Server, retire_server, with_server};
use scepter_tests::world::PATH;
use serde_json::Value;

const ALL_SCOPES: &str = "Bearer read,write,approve";

fuzz_target!(|data: &[u8]| -> Corpus {
    let (head, body) = data.split_at(data.len().min(64));
    // Generating such a key takes a second, and the code is the same for every size.
    let slow = |octets: &[u8]| octets.windows(5).any(|w| w == b"_3072" || w == b"_4096");
    if slow(head) || slow(body) {
        return Corpus::Reject;
    }
    let mut gone = false;
    with_server(|server| {
        let outcome = send_input(server, Input::new(data));
        gone = outcome.is_some_and(|outcome| !still_serves(server, outcome));
    });
    if gone {
        retire_server();
    }
    Corpus::Keep
});

struct Outcome {
    changes: bool,
    status: StatusCode,
}

fn send_input(server: &Server, mut input: Input<'_>) -> Option<Outcome> {
    let route = &ROUTES[usize::from(input.octet()) % ROUTES.len()];
    let token = input.pick(&[
        ALL_SCOPES,
        ALL_SCOPES,
        ALL_SCOPES,
        "Bearer read",
        "Bearer x",
        "",
    ]);
    let if_match = input.pick(&["", "", "\"1\"", "\"2\"", "*", "\"18446744073709551616\""]);
    let mut uri = fill_path(&route.path);
    let query = std::str::from_utf8(input.chunk()).ok()?;
    if !query.is_empty() {
        uri = format!("{uri}?{query}");
    }
    let body = with_uuids(server, input.rest());
    let uri = String::from_utf8(with_uuids(server, uri.as_bytes())).ok()?;
    let mut builder = Request::builder().method(route.method.as_str()).uri(uri);
    for (name, value) in [("authorization", token), ("if-match", if_match)] {
        if !value.is_empty() {
            builder = builder.header(name, value);
        }
    }
    let secret = find_secret(&body);
    let request = builder.body(Body::from(body)).ok()?;
    let (status, answer) = send_request(server, request);
    let changes = route.method != "GET" && status.is_success();
    check_response(status, &answer);
    match token {
        ALL_SCOPES => {}
        "Bearer read" => assert!(
            !changes,
            "read is enough for {} {}",
            route.method, route.path
        ),
        _ => assert_eq!(status, 401),
    }
    if let Some(secret) = secret {
        let found = answer
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!found, "the response contains a secret");
    }
    Some(Outcome { changes, status })
}

fn send_request(server: &Server, request: Request<Body>) -> (StatusCode, Vec<u8>) {
    server.runtime.block_on(async {
        let answer = server.admin.answer(request).await;
        let (head, body) = answer.into_parts();
        (
            head.status,
            to_bytes(body, usize::MAX).await.unwrap().to_vec(),
        )
    })
}

/// Checks the status and the form of a response.
fn check_response(status: StatusCode, answer: &[u8]) {
    let said: Value = serde_json::from_slice(answer).unwrap_or_default();
    match status.as_u16() {
        200 | 201 | 204 | 304 => {}
        400 | 401 | 403 | 404 | 405 | 409 | 412 | 413 | 415 | 428 => {
            assert!(said["message"].is_string(), "{status} without a message");
        }
        422 => {
            let reasons = said.as_array().expect("422 without reasons");
            assert!(!reasons.is_empty() && reasons.iter().all(Value::is_string));
        }
        other => panic!("{other}: {said}"),
    }
}

/// Replaces placeholders by the uuids of this server.
fn with_uuids(server: &Server, octets: &[u8]) -> Vec<u8> {
    let mut replaced = octets.to_vec();
    for (kind, placeholder) in PLACEHOLDERS {
        let uuid = server.uuids[kind].as_bytes();
        let mut from = 0;
        while let Some(at) = replaced[from..]
            .windows(36)
            .position(|w| w == placeholder.as_bytes())
        {
            replaced[from + at..from + at + 36].copy_from_slice(uuid);
            from += at + 36;
        }
    }
    replaced
}

/// The challengePassword in a body, if it is long and occurs only once.
fn find_secret(body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    let json: Value = serde_json::from_str(body).ok()?;
    let secret = json.get("challengePassword")?.as_str()?;
    // A short one, or one that is also in another field, may be in the response for another reason.
    let alone = body.matches(secret).count() == 1;
    (secret.len() >= 8 && alone).then(|| secret.to_owned())
}

static LISTS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    ROUTES
        .iter()
        .filter(|route| route.method == "GET" && !route.path.contains('{'))
        // The server in this process has no tokens.
        .filter(|route| !route.path.ends_with("/tokens"))
        .map(|route| route.path.as_str())
        .collect()
});

/// Reads every list after a change. Returns whether the objects of the placeholders still exist.
fn still_serves(server: &Server, outcome: Outcome) -> bool {
    if !outcome.changes {
        return true;
    }
    for list in LISTS.iter() {
        let request = Request::get(*list)
            .header("authorization", ALL_SCOPES)
            .body(Body::empty())
            .unwrap();
        let (status, _) = send_request(server, request);
        assert_eq!(status, 200, "{list} after {}", outcome.status);
    }
    for operation in ["GetCACaps", "GetCACert", "GetNextCACert"] {
        let uri = format!("{PATH}?operation={operation}");
        let status = server.runtime.block_on(server.world.get(&uri)).status();
        assert!(status.as_u16() < 500, "{operation}: {status}");
    }
    let still_there = |(kind, _): &(&str, &str)| {
        let uuid = &server.uuids[kind];
        let route = match *kind {
            "raCertificates" => {
                format!("authorities/{}/{kind}", server.uuids["authorities"])
            }
            kind => kind.to_owned(),
        };
        let request = Request::get(format!("{}/{route}/{uuid}", management_api::PREFIX))
            .header("authorization", ALL_SCOPES)
            .body(Body::empty())
            .unwrap();
        send_request(server, request).0 == 200
    };
    PLACEHOLDERS.iter().all(still_there)
}
