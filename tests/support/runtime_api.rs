//! A Lambda Runtime API with a single event, and a DynamoDB with empty tables; both answer at once.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long a test waits before it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// The first invocation of a function that was started for it.
pub struct FirstInvocation {
    /// The time from the start of the process until it asked for its first event.
    pub asked: Duration,
    /// The time from the start of the process until it answered.
    pub answered: Duration,
    /// The answer, or the error with which the function failed the invocation.
    pub answer: Result<Value, Value>,
}

/// Starts a function and gives it an event.
///
/// # Panics
/// If the function does not answer.
pub fn answer_event(binary: &Path, event: &Value, variables: &[(&str, &str)]) -> FirstInvocation {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (answered, answers): (Sender<Answer>, Receiver<Answer>) = channel();
    let asked = Arc::new(OnceLock::new());
    let event = event.to_string();
    let first_asked = Arc::clone(&asked);
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let (event, asked, answered) = (event.clone(), Arc::clone(&asked), answered.clone());
            std::thread::spawn(move || serve_connection(connection, &event, &asked, &answered));
        }
    });
    let begun = Instant::now();
    let mut function = Command::new(binary)
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "f"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "l"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "g"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL", &format!("http://{address}")),
            ("SCEPTER_PROFILES_TABLE", "profiles"),
            ("SCEPTER_TRANSACTIONS_TABLE", "transactions"),
            ("SCEPTER_CERTIFICATES_TABLE", "certificates"),
            (
                "SCEPTER_SYMMETRIC_KEY",
                "arn:aws:kms:eu-central-1:111122223333:key/1",
            ),
            ("SCEPTER_STACK", "scepter"),
            ("SCEPTER_METRICS_NAMESPACE", "Scepter/bench"),
            ("SCEPTER_PUBLIC_URL", "https://scep.example"),
            ("SCEPTER_JWT_ISSUER", "https://issuer.example"),
            ("SCEPTER_JWT_AUDIENCE", "scepter"),
        ])
        .envs(variables.iter().copied())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let first = answers.recv_timeout(PATIENCE).unwrap();
    function.kill().unwrap();
    function.wait().unwrap();
    FirstInvocation {
        asked: *first_asked.get().unwrap() - begun,
        answered: first.0 - begun,
        answer: first.1,
    }
}

/// When a function answered, and what.
type Answer = (Instant, Result<Value, Value>);

/// An event of API Gateway for a GET of this operation, of this path if it begins with `/`, or of
/// the management API if `operation` is empty.
pub fn event(operation: &str) -> Value {
    let path = match operation {
        "" => "/api/v1/authorities",
        path if path.starts_with('/') => path,
        _ => "/api/v1/protocols/scep/default",
    };
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path,
        "rawQueryString": format!("operation={operation}&message=MIIB"), "headers": {},
        "requestContext": {
            "stage": "$default", "http": {"method": "GET", "path": path},
            "authorizer": {"jwt": {"claims": {"sub": "bench"}, "scopes": ["read"]}}
        },
        "isBase64Encoded": false
    })
}

/// Serves the Runtime API and DynamoDB on one connection: the first event, then no more; tables
/// without items.
fn serve_connection(
    mut connection: TcpStream,
    event: &str,
    asked: &OnceLock<Instant>,
    answered: &Sender<Answer>,
) {
    connection.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    loop {
        let (mut line, mut request, mut length) = (String::new(), String::new(), 0);
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if request.is_empty() {
                request.clone_from(&line);
            }
            let head = line.to_ascii_lowercase();
            if let Some(value) = head.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let (status, headers, body) = match request.split(' ').nth(1).unwrap_or_default() {
            path if path.ends_with("/next") => {
                asked.get_or_init(Instant::now);
                let headers = "Lambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Deadline-Ms: 4102444800000\r\n\
                               Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:1:function:f\r\n";
                ("200 OK", headers, event)
            }
            path if path.contains("/invocation/") => {
                let now = Instant::now();
                let answer = serde_json::from_slice(&body).unwrap_or(Value::Null);
                let answer = match path.ends_with("/response") {
                    true => Ok(answer),
                    false => Err(answer),
                };
                // The receiver takes only the first answer and may already be gone.
                let _ = answered.send((now, answer));
                ("202 Accepted", "", "{}")
            }
            _ => ("200 OK", "", "{}"),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if connection.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
