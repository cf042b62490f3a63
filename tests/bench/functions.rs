//! What a released function weighs, and how soon it answers: `cargo bench -p scepter-tests --bench functions`.
//!
//! Each function is built alone, as SAM does it: built together, Cargo would give each what any of them needs. Then it is
//! started ten times against a Runtime API and a DynamoDB that answer at once, and timed from its start to its first answer,
//! which takes a read of DynamoDB. Beside it stands what starting any process costs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use serde_json::json;

/// Functions with the size that they may have, in MB, and the time that their first answer may take, in milliseconds.
const FUNCTIONS: [(&str, &str, f64, f64); 4] = [
    ("get-ca-caps", "GetCACaps", 2.0, 10.0),
    ("get-ca-cert", "GetCACert", 8.0, 30.0),
    ("pki-operation", "PKIOperation", 8.0, 30.0),
    ("profiles", "", 16.0, 60.0),
];

const STARTS: usize = 10;

fn main() {
    let baseline = median(|| {
        let begun = Instant::now();
        Command::new("true").status().unwrap();
        begun.elapsed()
    });
    println!("function          MB    limit   first answer, ms   limit   × any process");
    for (function, operation, megabytes, milliseconds) in FUNCTIONS {
        let binary = build(function);
        let size = std::fs::metadata(&binary).unwrap().len() as f64 / 1e6;
        let first = median(|| first_answer(&binary, operation));
        let within = |value: f64, limit: f64| if value <= limit { ' ' } else { '!' };
        println!(
            "{function:<15} {size:>5.2}{} {megabytes:>6.1}   {:>14.1}{} {milliseconds:>7.1}   {:>13.1}",
            within(size, megabytes),
            first.as_secs_f64() * 1e3,
            within(first.as_secs_f64() * 1e3, milliseconds),
            first.as_secs_f64() / baseline.as_secs_f64()
        );
    }
}

fn median(mut measure: impl FnMut() -> Duration) -> Duration {
    let mut all: Vec<_> = (0..STARTS).map(|_| measure()).collect();
    all.sort();
    all[STARTS / 2]
}

/// Builds a function by itself.
fn build(function: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let built = Command::new(env!("CARGO"))
        .current_dir(root)
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "--package",
            function,
        ])
        .status();
    assert!(built.unwrap().success());
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("release").join(function)
}

/// From the start of a process to its first answer.
fn first_answer(binary: &Path, operation: &str) -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (answered, answers): (Sender<Instant>, Receiver<Instant>) = channel();
    let event = event(operation);
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let (event, answered) = (event.clone(), answered.clone());
            std::thread::spawn(move || serve(connection, &event, &answered));
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
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let first = answers.recv_timeout(Duration::from_secs(30)).unwrap();
    function.kill().unwrap();
    function.wait().unwrap();
    first - begun
}

fn event(operation: &str) -> String {
    let path = if operation.is_empty() {
        "/api/v1/authorities"
    } else {
        "/api/v1/protocols/scep/default"
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
    .to_string()
}

/// The Runtime API and DynamoDB on one connection: the first event, then none; tables without items.
fn serve(mut connection: TcpStream, event: &str, answered: &Sender<Instant>) {
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
                let headers = "Lambda-Runtime-Aws-Request-Id: 1\r\nLambda-Runtime-Deadline-Ms: 4102444800000\r\n\
                               Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:1:function:f\r\n";
                ("200 OK", headers, event)
            }
            path if path.contains("/invocation/") => {
                // Whoever waits may be gone after the first.
                let _ = answered.send(Instant::now());
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
