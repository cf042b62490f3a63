//! A double of Entra's login, Microsoft Graph and Intune's services, written from Microsoft's
//! library `Intune-Resource-Access`. It answers whatever that library would not send with an error,
//! and remembers its objection.

mod actions;
mod login;
mod protocol;
mod revocations;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State as Shared;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::asn1::element;
use crate::intune::protocol::{Audience, Objection, answer, find_step};
pub use crate::intune::protocol::{Fault, Step};

/// The tenant that the double knows.
pub const TENANT: &str = "contoso.onmicrosoft.com";

/// The id of the application that the double knows.
pub const APPLICATION_ID: &str = "8ec31a45-65bb-4c5a-a5bd-8c8f6a4b5b0a";

/// The secret of that application, with characters that a form has to escape.
pub const APPLICATION_KEY: &str = "Xy8~Q+secret/of=the&application%";

/// A running double; it stops when it is dropped.
pub struct IntuneDouble {
    base: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

/// What the double knows and has seen.
#[derive(Default)]
pub(crate) struct State {
    /// The base URL of the double, with which Microsoft Graph's answer begins.
    pub(crate) base: String,
    /// The part of the services' URLs that changes when they move.
    pub(crate) shard: u32,
    pub(crate) tokens: HashMap<String, Audience>,
    pub(crate) challenges: HashMap<String, Expected>,
    /// Codes that the next validations get, whatever they ask.
    pub(crate) codes: VecDeque<String>,
    /// The requests that were validated, by transactionId.
    pub(crate) validated: HashMap<String, String>,
    pub(crate) faults: Vec<(Step, Fault)>,
    pub(crate) calls: Vec<Step>,
    pub(crate) objections: Vec<String>,
    pub(crate) successes: Vec<Value>,
    pub(crate) failures: Vec<Value>,
    pub(crate) revocations: Vec<Value>,
    pub(crate) results: Vec<Value>,
    /// The base URL of the issuer whose assertions the double accepts in place of the secret, and
    /// the subject that they must have.
    pub(crate) federated: Option<(String, String)>,
    /// The keys of that issuer; `None` to fetch them.
    pub(crate) federated_keys: Option<Value>,
    /// The `jti` of the assertions that were seen.
    pub(crate) assertions: Vec<String>,
}

/// What Intune wrote into a challenge.
#[derive(Clone)]
pub(crate) struct Expected {
    pub(crate) common_name: String,
    /// The value of subjectAltName in DER.
    pub(crate) alt_names: Option<Vec<u8>>,
    pub(crate) is_expired: bool,
}

impl IntuneDouble {
    /// Starts a double on a free port of the loopback interface.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            base: base.clone(),
            ..State::default()
        }));
        let router = Router::new()
            .fallback(respond)
            .with_state(Arc::clone(&state));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, state, task }
    }

    /// The URL in place of `https://login.microsoftonline.com`.
    pub fn login_url(&self) -> String {
        format!("{}/login", self.base)
    }

    /// The URL in place of `https://graph.microsoft.com`.
    pub fn graph_url(&self) -> String {
        format!("{}/graph", self.base)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Makes a challenge for a device that is to ask for this CN and no other names: long base64,
    /// which only Intune understands.
    pub fn make_challenge(&self, common_name: &str) -> String {
        self.make_challenge_for(common_name, None)
    }

    /// The same for a device that is to ask for these names in subjectAltName, too.
    pub fn make_challenge_with_names(&self, common_name: &str, names: &[Vec<u8>]) -> String {
        let names = element(0x30, &[&names.concat()]);
        self.make_challenge_for(common_name, Some(names))
    }

    fn make_challenge_for(&self, common_name: &str, alt_names: Option<Vec<u8>>) -> String {
        let sealed = [uuid::Uuid::new_v4().as_bytes().as_slice(), &[0x5a; 2_200]].concat();
        let challenge = STANDARD.encode(sealed);
        let expected = Expected {
            common_name: common_name.to_owned(),
            alt_names,
            is_expired: false,
        };
        let known = challenge.clone();
        self.state().challenges.insert(known, expected);
        challenge
    }

    /// Makes every challenge expire.
    pub fn expire_challenges(&self) {
        for expected in self.state().challenges.values_mut() {
            expected.is_expired = true;
        }
    }

    /// Answers the next validation with this code.
    pub fn refuse_next(&self, code: &str) {
        self.state().codes.push_back(code.to_owned());
    }

    /// Makes the next calls of this step fail, one for each fault.
    pub fn fail_next(&self, step: Step, faults: &[Fault]) {
        let faults = faults.iter().map(|fault| (step, fault.clone()));
        self.state().faults.extend(faults);
    }

    /// Makes the calls of this step work again.
    pub fn heal(&self, step: Step) {
        self.state().faults.retain(|(failing, _)| *failing != step);
    }

    /// Withdraws every token.
    pub fn forget_tokens(&self) {
        self.state().tokens.clear();
    }

    /// Moves the services to other URLs.
    pub fn move_services(&self) {
        self.state().shard += 1;
    }

    /// How often a step was called.
    pub fn count_calls(&self, step: Step) -> usize {
        let calls = &self.state().calls;
        calls.iter().filter(|call| **call == step).count()
    }

    /// The notifications of issued certificates.
    pub fn successes(&self) -> Vec<Value> {
        self.state().successes.clone()
    }

    /// The notifications of failures.
    pub fn failures(&self) -> Vec<Value> {
        self.state().failures.clone()
    }

    /// Wants the certificate with this serial number revoked.
    pub fn order_revocation(&self, serial_number: &str, issuer: &str) {
        let mut state = self.state();
        let context = format!("context-{}", state.revocations.len());
        state.revocations.push(json!({
            "requestContext": context, "serialNumber": serial_number,
            "issuerName": issuer, "caConfiguration": null,
        }));
    }

    /// The results of revocations.
    pub fn results(&self) -> Vec<Value> {
        self.state().results.clone()
    }

    /// Trusts assertions of this issuer and subject, and no secret any more.
    pub fn federate(&self, issuer: &str, subject: &str) {
        self.state().federated = Some((issuer.to_owned(), subject.to_owned()));
    }

    /// Does the same for an issuer whose URL cannot be reached from here, and these keys of it: a
    /// JSON Web Key Set.
    pub fn federate_with_keys(&self, issuer: &str, subject: &str, keys: Value) {
        self.federate(issuer, subject);
        self.state().federated_keys = Some(keys);
    }

    /// Asserts that the double had nothing to object to.
    #[track_caller]
    pub fn assert_content(&self) {
        assert_eq!(self.state().objections, Vec::<String>::new());
    }
}

impl Drop for IntuneDouble {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn respond(Shared(state): Shared<Arc<Mutex<State>>>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let fault = match find_step(&head) {
        None => None,
        Some(step) => {
            let mut state = lock(&state);
            state.calls.push(step);
            let next = state
                .faults
                .iter()
                .position(|(failing, _)| *failing == step);
            next.map(|index| match &state.faults[index].1 {
                lasting @ Fault::Outage => lasting.clone(),
                _ => state.faults.remove(index).1,
            })
        }
    };
    match fault {
        None => {}
        Some(Fault::Outage) => return answer(StatusCode::SERVICE_UNAVAILABLE, ""),
        Some(Fault::Status(status)) => return answer(status.try_into().unwrap(), ""),
        Some(Fault::Throttled(seconds)) => {
            let mut response = answer(StatusCode::TOO_MANY_REQUESTS, "");
            response.headers_mut().insert("retry-after", seconds.into());
            return response;
        }
        Some(Fault::Answer(body)) => return answer(StatusCode::OK, &body),
        Some(Fault::Silence) => tokio::time::sleep(Duration::from_secs(60)).await,
    }
    match handle(&state, &head, &body).await {
        Ok(response) => response,
        Err(objection) => {
            lock(&state)
                .objections
                .push(format!("{} {}: {}", head.method, head.uri, objection.text));
            answer(objection.status, &objection.body())
        }
    }
}

async fn handle(
    state: &Arc<Mutex<State>>,
    head: &Parts,
    body: &[u8],
) -> Result<Response, Objection> {
    match find_step(head) {
        Some(Step::Login) => {
            let (trusted, known) = {
                let state = lock(state);
                (state.federated.clone(), state.federated_keys.clone())
            };
            let keys = match (&trusted, known) {
                (Some(_), Some(keys)) => Some(keys),
                (Some((issuer, _)), None) => Some(login::fetch_keys(issuer).await?),
                (None, _) => None,
            };
            login::issue_token(&mut lock(state), head, body, keys.as_ref())
        }
        Some(Step::Graph) => login::list_endpoints(&mut lock(state), head),
        Some(Step::Validate) => actions::validate(&mut lock(state), head, body),
        Some(Step::Success) => actions::notify_success(&mut lock(state), head, body),
        Some(Step::Failure) => actions::notify_failure(&mut lock(state), head, body),
        Some(Step::Download) => revocations::download(&mut lock(state), head, body),
        Some(Step::Upload) => revocations::upload(&mut lock(state), head, body),
        None => Err(Objection::new(404, "there is nothing at this URL")),
    }
}
