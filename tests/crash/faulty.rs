//! A store that fails at a chosen call, below the SDK's client. No list of calls is needed: every
//! call is counted.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use scep_service::error::KeyError;
use scepter_tests::clock::TestClock;
use serde_json::{Value, json};
use tokio::sync::Notify;

/// Whether something happens before or after a call is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    After,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The call is not carried out, however often the SDK retries.
    Fails,
    /// The call is throttled, however often the SDK retries.
    Throttled,
    /// One item of a transaction is throttled for this many attempts.
    ItemThrottled(u32),
    /// The call is not carried out, because a transaction is writing the item. It happens only to
    /// items that transactions write.
    Conflicts,
    /// The call is carried out, but its answer is lost.
    Lost,
    /// The call is carried out, its answer is lost, and the SDK retries.
    AskedAgain,
    /// This many seconds pass during the call.
    Late(Side, u64),
    /// The process ends.
    Ends(Side),
    /// The process stalls until another one has completed the work.
    Overtaken(Side),
}

/// A call of the store or of a key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    /// The operation and what it acts on.
    pub(crate) name: String,
    /// Whether the call has a lasting effect; losing the answer to a read is the same as not
    /// reading.
    pub(crate) writes: bool,
    is_of_sdk: bool,
    /// The number of items in a transaction; 0 for any other call.
    transact_items: usize,
    /// The client request token of a transaction.
    token: Option<String>,
}

impl Call {
    /// The call of a method of a port.
    pub(crate) fn of_port(name: &str, writes: bool) -> Self {
        Self {
            name: name.to_owned(),
            writes,
            ..Self::default()
        }
    }

    /// The call that an SDK request makes.
    fn of_store(request: &HttpRequest) -> Self {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        // The table and the key or index of a request.
        let name_item = |body: &Value| {
            let key = [
                &body["Key"]["id"]["S"],
                &body["Item"]["id"]["S"],
                &body["IndexName"],
            ];
            let key = key.into_iter().find_map(Value::as_str).unwrap_or_default();
            // Audit records have random keys, so a repeated call would not have the same name.
            let key = match key.split_once('/') {
                Some((record @ "auditRecord", _)) => record,
                _ => key,
            };
            format!("{}:{key}", body["TableName"].as_str().unwrap_or_default())
        };
        let writes = body["TransactItems"].as_array();
        let items = match writes {
            None => vec![name_item(&body)],
            Some(writes) => {
                let writes = writes.iter().flat_map(|write| write.as_object().unwrap());
                writes
                    .map(|(verb, body)| format!("{verb} {}", name_item(body)))
                    .collect()
            }
        };
        Self {
            name: format!("{operation} {}", items.join(", ")),
            writes: !["BatchGetItem", "GetItem", "Query"].contains(&operation),
            is_of_sdk: true,
            transact_items: writes.map_or(0, Vec::len),
            token: body["ClientRequestToken"].as_str().map(str::to_owned),
        }
    }

    /// Whether this kind of fault has an effect at this call that no other kind has. A read has no
    /// lasting effect, but its result may be outdated if others act before it is used.
    pub(crate) const fn admits(&self, kind: Kind) -> bool {
        match kind {
            Kind::Fails | Kind::Ends(Side::Before) => true,
            Kind::Late(Side::After, _) | Kind::Overtaken(Side::After) => true,
            Kind::Throttled => self.is_of_sdk,
            Kind::Conflicts => self.writes && self.is_of_sdk && self.transact_items == 0,
            Kind::ItemThrottled(_) => self.transact_items > 0,
            Kind::Lost | Kind::Ends(Side::After) => self.writes,
            Kind::AskedAgain => self.writes && self.is_of_sdk,
            Kind::Late(Side::Before, _) | Kind::Overtaken(Side::Before) => self.writes,
        }
    }

    /// DynamoDB's answer when it throttles this call or, in a transaction, one item of it, or when
    /// another transaction is writing the item.
    fn refuse(&self, kind: Kind) -> Result<HttpResponse, ConnectorError> {
        let mut body = json!({});
        let code = match kind {
            Kind::ItemThrottled(_) => {
                let mut reasons = vec![json!({ "Code": "None" }); self.transact_items];
                *reasons.last_mut().unwrap() =
                    json!({ "Code": "ThrottlingError", "Message": "too many" });
                body["CancellationReasons"] = json!(reasons);
                "TransactionCanceledException"
            }
            Kind::Conflicts => "TransactionConflictException",
            // DynamoDB uses both names, one for a table's limit and one for the account's.
            _ if self.writes => "ThrottlingException",
            _ => "ProvisionedThroughputExceededException",
        };
        body["__type"] = json!(format!("com.amazonaws.dynamodb.v20120810#{code}"));
        build_response(400, body.to_string())
    }
}

/// A planned fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    /// The call at which it happens, counted from 1 after the start or after the previous fault.
    pub(crate) at: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// Whether calls pass uncounted.
    rests: bool,
    /// The faults that have not happened yet.
    pub(crate) planned: VecDeque<Fault>,
    /// The name of a call whose next instance fails, beside the planned faults.
    doomed: Option<&'static str>,
    /// The number of calls since the last fault.
    since: usize,
    /// Every call so far and what happened to it.
    pub(crate) calls: Vec<(Call, Option<Kind>)>,
    /// The SDK's last call, and what happens to all its attempts.
    invocation: Option<(String, Option<Kind>)>,
    throttled: u32,
    /// The answers of transactions whose answers were lost, by client request token: DynamoDB
    /// repeats such an answer for ten minutes.
    tokens: HashMap<String, Vec<u8>>,
    stalled: Option<Kind>,
}

/// Decides which calls fail.
#[derive(Debug)]
pub(crate) struct Faults {
    pub(crate) state: Mutex<State>,
    clock: Arc<TestClock>,
    stalled: Notify,
    goes_on: Notify,
}

impl Faults {
    pub(crate) fn new(planned: &[Fault], clock: Arc<TestClock>) -> Arc<Self> {
        let state = State {
            planned: planned.iter().copied().collect(),
            ..State::default()
        };
        Arc::new(Self {
            state: Mutex::new(state),
            clock,
            stalled: Notify::new(),
            goes_on: Notify::new(),
        })
    }

    /// Runs `work` without faults.
    pub(crate) async fn pause<T>(&self, work: impl Future<Output = T>) -> T {
        let rested = std::mem::replace(&mut self.state.lock().unwrap().rests, true);
        let done = work.await;
        self.state.lock().unwrap().rests = rested;
        done
    }

    /// Runs `work` and returns its result, or `None` if the process ends. While the process stalls,
    /// another one does `meanwhile`.
    pub(crate) async fn drive<T>(
        &self,
        work: impl Future<Output = T>,
        meanwhile: impl AsyncFn(),
    ) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = self.stalled.notified() => {}
            }
            let stalled = self.state.lock().unwrap().stalled.take();
            match stalled {
                Some(Kind::Overtaken(_)) => {
                    self.pause(meanwhile()).await;
                    self.goes_on.notify_one();
                }
                _ => return None,
            }
        }
    }

    /// Has the next call of this name fail, or none.
    pub(crate) fn doom(&self, name: Option<&'static str>) {
        self.state.lock().unwrap().doomed = name;
    }

    pub(crate) fn strike(&self, call: Call) -> Option<Kind> {
        let mut state = self.state.lock().unwrap();
        if state.rests {
            return None;
        }
        state.since += 1;
        let mut kind = None;
        if call.transact_items > 0 && state.throttled > 0 {
            state.throttled -= 1;
            kind = Some(Kind::ItemThrottled(1));
        }
        if let Some(planned) = state.planned.front().copied()
            && planned.at == state.since
        {
            state.planned.pop_front();
            state.since = 0;
            kind = Some(planned.kind);
            if let Kind::ItemThrottled(tries) = planned.kind {
                state.throttled = tries - 1;
            }
        }
        if state.doomed.is_some_and(|doomed| doomed == call.name) {
            state.doomed = None;
            kind = Some(Kind::Fails);
        }
        state.calls.push((call, kind));
        kind
    }

    /// What happens alike on both sides of every call.
    pub(crate) async fn happen(&self, kind: Option<Kind>, now: Side) {
        match kind {
            Some(Kind::Late(side, seconds)) if side == now => {
                self.clock.advance(Duration::from_secs(seconds));
            }
            Some(kind @ (Kind::Ends(side) | Kind::Overtaken(side))) if side == now => {
                self.state.lock().unwrap().stalled = Some(kind);
                self.stalled.notify_one();
                match kind {
                    Kind::Overtaken(_) => self.goes_on.notified().await,
                    _ => std::future::pending().await,
                }
            }
            _ => {}
        }
    }

    /// Carries out a call of a key with its planned fault.
    pub(crate) async fn carry_out<T>(
        &self,
        call: Call,
        carried_out: impl Future<Output = Result<T, KeyError>>,
    ) -> Result<T, KeyError> {
        let name = call.name.clone();
        let unavailable = || KeyError::Unavailable {
            operation: "calling a key",
            source: name.clone().into(),
        };
        let kind = self.strike(call);
        self.happen(kind, Side::Before).await;
        if kind == Some(Kind::Fails) {
            return Err(unavailable());
        }
        let answer = carried_out.await;
        self.happen(kind, Side::After).await;
        match kind {
            Some(Kind::Lost) => Err(unavailable()),
            _ => answer,
        }
    }
}

/// A client of this database whose requests pass through the faults.
pub(crate) fn client(
    client: &aws_sdk_dynamodb::Client,
    faults: &Arc<Faults>,
) -> aws_sdk_dynamodb::Client {
    let config = client.config();
    let faulty = FaultyClient {
        http: config.http_client().unwrap(),
        faults: Arc::clone(faults),
    };
    // The SDK retries as in AWS. Its retry quota is large, so that one case does not exhaust it for
    // the next.
    let retries = RetryConfig::standard()
        .with_max_attempts(2)
        .with_initial_backoff(Duration::from_millis(1));
    let partition = RetryPartition::custom("faults").token_bucket(TokenBucket::new(1_000));
    let config = config
        .to_builder()
        .http_client(faulty)
        .retry_config(retries)
        .retry_partition(partition.build());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

#[derive(Clone, Debug)]
struct FaultyClient {
    http: SharedHttpClient,
    faults: Arc<Faults>,
}

impl HttpClient for FaultyClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(FaultyConnector {
            connector: self.http.http_connector(settings, components),
            faults: Arc::clone(&self.faults),
        })
    }
}

#[derive(Clone, Debug)]
struct FaultyConnector {
    connector: SharedHttpConnector,
    faults: Arc<Faults>,
}

impl HttpConnector for FaultyConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move { this.answer(request).await })
    }
}

impl FaultyConnector {
    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let faults = &self.faults;
        let invocation = request.headers().get("amz-sdk-invocation-id");
        let invocation = invocation.unwrap().to_owned();
        let known = faults.state.lock().unwrap().invocation.clone();
        let again = known.filter(|(known, _)| *known == invocation);
        let call = Call::of_store(&request);
        if let Some((_, kind)) = again {
            // DynamoDB answers a retry with a known token as before; the embedded engine does not.
            let token = call.token.as_ref();
            let before =
                token.and_then(|token| faults.state.lock().unwrap().tokens.get(token).cloned());
            return match (kind, before) {
                (Some(kind @ Kind::Throttled), _) => call.refuse(kind),
                (Some(Kind::AskedAgain), Some(body)) => build_response(200, body),
                (Some(Kind::AskedAgain), None) => self.connector.call(request).await,
                _ => Err(ConnectorError::io("no answer".into())),
            };
        }
        let kind = faults.strike(call.clone());
        faults.state.lock().unwrap().invocation = Some((invocation, kind));
        faults.happen(kind, Side::Before).await;
        match kind {
            Some(Kind::Fails) => return Err(ConnectorError::io("no answer".into())),
            Some(kind @ (Kind::Conflicts | Kind::Throttled | Kind::ItemThrottled(_))) => {
                return call.refuse(kind);
            }
            _ => {}
        }
        let answer = self.connector.call(request).await;
        faults.happen(kind, Side::After).await;
        if let Some(Kind::Lost | Kind::AskedAgain) = kind {
            let answer = answer?;
            if let Some(token) = call.token
                && answer.status().is_success()
            {
                let body = answer.body().bytes().unwrap().to_vec();
                faults.state.lock().unwrap().tokens.insert(token, body);
            }
            return Err(ConnectorError::timeout("the answer was lost".into()));
        }
        answer
    }
}

fn build_response(status: u16, body: impl Into<SdkBody>) -> Result<HttpResponse, ConnectorError> {
    let response = http::Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0")
        .body(body.into())
        .unwrap();
    Ok(HttpResponse::try_from(response).unwrap())
}
