//! An administrator's webhook: a double that accepts only what the Standard Webhooks specification
//! and the documented bodies allow, and remembers what it objects to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State as Shared;
use axum::response::Response;
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The secret that the double shares with the server.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A running double; it stops when it is dropped.
pub struct WebhookDouble {
    /// Where it listens.
    pub url: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

/// What the double answers to a question.
#[derive(Clone)]
pub struct Reply {
    pub status: u16,
    pub body: String,
    pub delay: Duration,
    pub location: Option<String>,
}

impl Reply {
    /// An answer with this body.
    pub fn of(body: &Value) -> Self {
        Self::with_status(200, &body.to_string())
    }

    /// A response with this status and body.
    pub fn with_status(status: u16, body: &str) -> Self {
        Self {
            status,
            body: body.to_owned(),
            delay: Duration::ZERO,
            location: None,
        }
    }
}

/// A request that the double accepted.
#[derive(Clone, Debug)]
pub struct Received {
    /// The value of webhook-id.
    pub id: String,
    /// The type of the event.
    pub kind: String,
    /// The content of the event.
    pub data: Value,
}

struct State {
    secret: String,
    reply: Reply,
    /// The statuses of the next notifications and tests; 204 for the rest.
    statuses: VecDeque<u16>,
    received: Vec<Received>,
    objections: Vec<String>,
}

impl WebhookDouble {
    /// Starts a double that allows every enrolment, on a free port of the loopback interface.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?x=1", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            secret: SECRET.to_owned(),
            reply: Reply::of(&json!({ "decision": "ALLOW" })),
            statuses: VecDeque::new(),
            received: Vec::new(),
            objections: Vec::new(),
        }));
        let router = Router::new()
            .fallback(respond)
            .with_state(Arc::clone(&state));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, state, task }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers questions like this from now on.
    pub fn reply_with(&self, reply: Reply) {
        self.lock().reply = reply;
    }

    /// Answers questions with this decision from now on.
    pub fn decide(&self, answer: Value) {
        self.reply_with(Reply::of(&answer));
    }

    /// Answers the next notifications and tests with these statuses.
    pub fn refuse_notifications(&self, statuses: &[u16]) {
        self.lock().statuses.extend(statuses);
    }

    /// Expects another secret from now on.
    pub fn expect_secret(&self, secret: &str) {
        self.lock().secret = secret.to_owned();
    }

    /// What was received of this type.
    pub fn received(&self, kind: &str) -> Vec<Received> {
        let state = self.lock();
        let of_kind = state.received.iter().filter(|found| found.kind == kind);
        of_kind.cloned().collect()
    }

    /// The questions that were asked.
    pub fn questions(&self) -> Vec<Received> {
        self.received("scep.enrolment")
    }

    /// What the double objected to, which is forgotten.
    pub fn take_objections(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().objections)
    }
}

impl Drop for WebhookDouble {
    fn drop(&mut self) {
        self.task.abort();
        let objections = self.take_objections();
        assert!(
            objections.is_empty() || std::thread::panicking(),
            "{objections:#?}"
        );
    }
}

async fn respond(Shared(state): Shared<Arc<Mutex<State>>>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let (reply, delay) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let target = (head.method.clone(), head.uri.to_string());
        match read_request(&target, &head.headers, &body, &state.secret) {
            Err(objection) => {
                state.objections.push(objection);
                (Reply::with_status(401, ""), Duration::ZERO)
            }
            Ok(received) => {
                let is_question = received.kind == "scep.enrolment";
                state.received.push(received);
                match is_question {
                    true => (state.reply.clone(), state.reply.delay),
                    false => {
                        let status = state.statuses.pop_front().unwrap_or(204);
                        (Reply::with_status(status, ""), Duration::ZERO)
                    }
                }
            }
        }
    };
    tokio::time::sleep(delay).await;
    let mut response = Response::builder().status(StatusCode::from_u16(reply.status).unwrap());
    if let Some(location) = reply.location {
        response = response.header("location", location);
    }
    response.body(Body::from(reply.body)).unwrap()
}

/// Reads a request as strictly as a careful receiver would.
fn read_request(
    target: &(Method, String),
    headers: &HeaderMap,
    body: &[u8],
    secret: &str,
) -> Result<Received, String> {
    let objection = |what: &str| format!("{what}: {target:?} {headers:?}");
    if *target != (Method::POST, "/hook?x=1".to_owned()) {
        return Err(objection("method or URL"));
    }
    if headers.get("content-type").map(|value| value.as_bytes()) != Some(b"application/json") {
        return Err(objection("content-type"));
    }
    let webhook = Webhook::new(secret).unwrap();
    webhook
        .verify(body, headers)
        .map_err(|error| objection(&error.to_string()))?;
    let event: Value = serde_json::from_slice(body).map_err(|_| objection("body"))?;
    let fields = |value: &Value| -> Vec<String> {
        let object = value.as_object().into_iter().flatten();
        object.map(|(name, _)| name.clone()).collect()
    };
    let kind = event["type"].as_str().unwrap_or_default();
    // A test is about no RA Profile.
    let profiles: &[&str] = match kind {
        "scep.test" => &["scepProfile"],
        _ => &["raProfile", "scepProfile"],
    };
    let expected: &[&str] = match kind {
        "scep.enrolment" => &[
            "challengePassword",
            "clientAddress",
            "csr",
            "keyAlgorithm",
            "keySha256",
            "messageType",
            "subject",
            "subjectAltNames",
            "transactionId",
        ],
        "scep.test" => &[],
        "scep.certificate.issued" => ISSUED,
        "scep.certificate.revoked" => REVOKED,
        "scep.request.refused" => &[
            "clientAddress",
            "failInfo",
            "keySha256",
            "reason",
            "subject",
            "transactionId",
        ],
        _ => return Err(objection("type")),
    };
    let mut expected: Vec<&str> = expected.iter().chain(profiles).copied().collect();
    expected.sort_unstable();
    let mut found = fields(&event["data"]);
    found.sort_unstable();
    if found != expected || fields(&event) != ["data", "timestamp", "type"] {
        return Err(objection(&format!("fields of {event}")));
    }
    let mut names = profiles
        .iter()
        .map(|profile| fields(&event["data"][*profile]));
    if names.any(|names| names != ["name", "uuid"]) {
        return Err(objection("fields of a profile"));
    }
    Ok(Received {
        id: headers["webhook-id"].to_str().unwrap().to_owned(),
        kind: kind.to_owned(),
        data: event["data"].clone(),
    })
}

const ISSUED: &[&str] = &[
    "certificate",
    "keySha256",
    "notAfter",
    "notBefore",
    "predecessorUuid",
    "serialNumber",
    "subject",
    "transactionId",
    "uuid",
];

const REVOKED: &[&str] = &[
    "certificate",
    "keySha256",
    "notAfter",
    "notBefore",
    "predecessorUuid",
    "reason",
    "revokedAt",
    "serialNumber",
    "subject",
    "transactionId",
    "uuid",
];
