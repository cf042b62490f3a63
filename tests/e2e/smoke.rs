//! The smoke test that operators run after a deployment, against the real server: directly, and
//! through a gateway that does to requests what API Gateway does, or might do.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use scepter_tests::interop::root;
use scepter_tests::server::{ADMIN_TOKEN, Build, Server, binary};
use serde_json::{Value, json};

/// A double of the AWS CLI for one call, which counts lines of the file `access-log` beside it. It
/// refuses every call but this one.
const AWS: &str = r#"#!/usr/bin/env bash
set -euo pipefail
[ "$1 $2 $3 $4" = "logs filter-log-events --log-group-name /scepter/smoke/api" ]
[ "$5" = --start-time ] && [[ $6 =~ ^[0-9]{13}$ ]]
[ "$7" = --filter-pattern ] && [[ $8 =~ ^\{\ \$\.(requestId|routeKey)\ =\ \"(.*)\"\ \}$ ]]
[ "$9 ${10} ${11} ${12}" = "--query length(events) --output text" ]
[ $# = 12 ]
value=${BASH_REMATCH[2]}
export FIELD=${BASH_REMATCH[1]} BEGINNING=${value//\*/}
jq -n '[inputs | select(.[env.FIELD] | if env.FIELD == "requestId" then . == env.BEGINNING
    else contains(env.BEGINNING) end)] | length' "$(dirname "$0")/access-log"
"#;

/// What a run of the script ended with.
struct Smoke {
    code: Option<i32>,
    output: String,
}

impl Smoke {
    fn run(arguments: &[&str], environment: &[(&str, String)]) -> Self {
        let output = Command::new(root().join("tests/smoke.sh"))
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        Self {
            code: output.status.code(),
            output: String::from_utf8(text).unwrap(),
        }
    }

    /// Asserts the exit code and the checks that failed, by how their lines begin.
    #[track_caller]
    fn check(&self, code: i32, failed: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.output);
        let lines: Vec<_> = self
            .output
            .lines()
            .filter_map(|line| line.strip_prefix("FAILED  "))
            .collect();
        assert_eq!(lines.len(), failed.len(), "{}", self.output);
        for (line, beginning) in lines.iter().zip(failed) {
            assert!(line.starts_with(beginning), "{}", self.output);
        }
    }
}

fn start_server() -> (tempfile::TempDir, Server) {
    let data = tempfile::tempdir().unwrap();
    let environment = [("SCEPTER_ADMIN_TOKEN", ADMIN_TOKEN)];
    let server = Server::start(&binary(Build::Debug), data.path(), &environment);
    (data, server)
}

/// How a gateway writes the query of a request to the server.
#[derive(Clone, Copy)]
enum Query {
    Kept,
    /// Decoded, as a gateway would that builds a request line of what it has decoded.
    LinesDecoded,
}

/// A gateway in front of a server, as far as a client sees API Gateway: it names each request, and
/// writes access-log lines, two for a GET of SCEP, which it sends to itself again.
struct Gateway {
    address: String,
    folder: tempfile::TempDir,
}

impl Gateway {
    fn open(server: &str, query: Query) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (server, log) = (server.to_owned(), folder.path().join("access-log"));
        let aws = folder.path().join("aws");
        fs::write(&aws, AWS).unwrap();
        fs::set_permissions(&aws, fs::Permissions::from_mode(0o755)).unwrap();
        thread::spawn(move || {
            for (number, client) in listener.incoming().map_while(Result::ok).enumerate() {
                // The script sends one request after the other.
                let _ = pass_request(&client, &server, query, &log, number);
            }
        });
        Self { address, folder }
    }

    fn path(&self) -> (&'static str, String) {
        let path = std::env::var("PATH").unwrap();
        ("PATH", format!("{}:{path}", self.folder.path().display()))
    }
}

fn pass_request(
    client: &TcpStream,
    server: &str,
    query: Query,
    log: &Path,
    number: usize,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(client);
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some((name, value)) = line.split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap(),
                "connection" | "expect" => continue,
                _ => {}
            }
        }
        if line == "\r\n" {
            head.push_str("Connection: close\r\n\r\n");
            break;
        }
        head.push_str(&line);
    }
    let is_dispatched = head.starts_with("GET /api/v1/protocols/scep/");
    if let Query::LinesDecoded = query {
        head = head.replace("%0A", "\n");
    }
    let mut upstream = TcpStream::connect(server)?;
    upstream.write_all(head.as_bytes())?;
    std::io::copy(&mut reader.take(length), &mut upstream)?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    let id = format!("Id{number}=");
    let mut lines = vec![json!({ "requestId": id, "routeKey": "ANY /api/v1/{path+}" })];
    if is_dispatched {
        let dispatched = format!("Dispatched{number}=");
        lines.push(json!({ "requestId": dispatched, "routeKey": "ANY /internal/scep/{path+}" }));
    }
    let mut file = fs::OpenOptions::new().append(true).create(true).open(log)?;
    for line in lines {
        writeln!(file, "{line}")?;
    }
    let status_line = answer.iter().position(|octet| *octet == b'\n').unwrap() + 1;
    let mut client = client;
    client.write_all(&answer[..status_line])?;
    write!(client, "Apigw-Requestid: {id}\r\n")?;
    client.write_all(&answer[status_line..])?;
    client.shutdown(Shutdown::Both)
}

#[test]
fn a_server_passes_the_smoke_test_and_keeps_nothing_of_it() {
    let (_data, server) = start_server();
    let url = format!("http://{}/api/v1", server.address);
    let body = json!({ "name": "reader", "scopes": ["read"] });
    let reader = server.administer("POST", "/tokens", &body);
    let reader = reader["token"].as_str().unwrap();
    let options = ["--settle", "0", "--reader", reader, "--edge", &url];
    let smoke = Smoke::run(&[&options[..], &[&url, ADMIN_TOKEN]].concat(), &[]);
    smoke.check(0, &[]);
    for shown in [
        "does not write: 403",
        "GET over http",
        "checks passed, 0 failed",
    ] {
        assert!(smoke.output.contains(shown), "{}", smoke.output);
    }
    for secret in [ADMIN_TOKEN, reader] {
        assert!(!smoke.output.contains(secret), "{}", smoke.output);
    }
    let names = |path: &str| {
        let objects = server.administer("GET", path, &Value::Null);
        let objects = objects.as_array().unwrap().iter();
        objects
            .map(|object| object["name"].to_string())
            .collect::<String>()
    };
    for path in ["/authorities", "/scepProfiles"] {
        assert!(!names(path).contains("smoke"), "{path}: {}", names(path));
    }
}

#[test]
fn the_smoke_test_uses_an_authority_that_exists_and_finds_each_request_in_the_log() {
    let (_data, server) = start_server();
    let gateway = Gateway::open(&server.address, Query::Kept);
    let authorities = server.administer("GET", "/authorities", &Value::Null);
    let authority = authorities[0]["name"].as_str().unwrap();
    let url = format!("http://{}", gateway.address);
    let log = ["--access-log", "/scepter/smoke/api"];
    let options = [&["--settle", "0", "--authority", authority], &log[..]].concat();
    let arguments = [&options[..], &[&url, ADMIN_TOKEN]].concat();
    let smoke = Smoke::run(&arguments, &[gateway.path()]);
    smoke.check(0, &[]);
    assert!(smoke.output.contains("requests, a line each"));
    let left = server.administer("GET", "/authorities", &Value::Null);
    assert_eq!(left.as_array().unwrap().len(), 1);
}

#[test]
fn the_smoke_test_shows_a_gateway_that_decodes_the_query() {
    let (_data, server) = start_server();
    let gateway = Gateway::open(&server.address, Query::LinesDecoded);
    let url = format!("http://{}/api/v1", gateway.address);
    let smoke = Smoke::run(&["--settle", "0", &url, ADMIN_TOKEN], &[]);
    smoke.check(1, &["GET with %0A"]);
}

#[test]
fn the_smoke_test_ends_early_without_a_server_a_token_or_a_known_option() {
    let (_data, server) = start_server();
    let url = format!("http://{}/api/v1", server.address);
    let wrong = Smoke::run(&[&url, "a-wrong-token"], &[]);
    wrong.check(1, &["the token: 401", "the token is not accepted"]);
    let unknown = ["--settle", "0", "--authority", "none", &url, ADMIN_TOKEN];
    Smoke::run(&unknown, &[]).check(1, &["there is no authority none"]);
    for arguments in [
        &["--unknown", &url, ADMIN_TOKEN][..],
        &["--settle", "soon", &url, ADMIN_TOKEN],
        &["ftp://x/api/v1", ADMIN_TOKEN],
        &[&url],
    ] {
        Smoke::run(arguments, &[]).check(2, &[]);
    }
    let help = Smoke::run(&["--help"], &[]);
    help.check(0, &[]);
    let script = fs::read_to_string(root().join("tests/smoke.sh")).unwrap();
    let (_, options) = script.split_once("while [ $# -gt 0 ]").unwrap();
    let (options, _) = options.split_once("done").unwrap();
    let words = options.split([' ', ')']);
    let options: Vec<_> = words.filter(|word| word.starts_with("--")).collect();
    assert!(options.len() > 6, "{options:?}");
    for option in options {
        let is_pattern = option == "--*";
        assert!(is_pattern || help.output.contains(option), "{option}");
    }
}
