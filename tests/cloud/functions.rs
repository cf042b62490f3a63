//! Functions as processes: their error messages at start-up, their logs, and termination.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use scepter_tests::assert::expect_status;
use scepter_tests::device::Device;
use scepter_tests::runtime_api::{answer_event, event};
use serde_json::{Value, json};

use crate::stack::{ALONE, FUNCTIONS, STACK};

const CHALLENGE: &str = "s3cret";

#[test]
fn a_function_that_lacks_a_setting_names_it_and_ends() {
    // The console needs none: without settings, people sign in with a token.
    for function in FUNCTIONS.into_iter().filter(|name| *name != "console") {
        let environment = [
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ];
        let output = Command::new(STACK.binary(function))
            .env_clear()
            .envs(environment)
            .output()
            .unwrap();
        assert!(!output.status.success(), "{function}");
        let line = String::from_utf8(output.stdout).unwrap();
        let line: Value = serde_json::from_str(line.trim()).unwrap();
        assert_eq!(line["level"], "ERROR");
        let expected = "the environment variable SCEPTER_PROFILES_TABLE is not set";
        assert_eq!(line["error"], expected, "{function}");
    }
}

/// The lines that a function itself has logged to this group since then.
fn read_log(group: &str, since: SystemTime) -> Vec<String> {
    let of_lambda = ["START ", "END ", "REPORT ", "INIT_START "];
    let since = since.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let lines = STACK.ask(&["logs", group, &since.as_millis().to_string()], "");
    let mut lines: Vec<String> = serde_json::from_value(lines).unwrap();
    lines.retain(|line| !of_lambda.iter().any(|begin| line.starts_with(begin)));
    lines
}

/// Every line of `pki-operation` since then, once each of the awaited pairs of texts is in one
/// line. The log may deliver a line only with the next request of the same process, so this sends
/// requests to several processes.
fn await_log(awaited: &[[&str; 2]], url: &str, since: SystemTime) -> Vec<Value> {
    for _ in 0..30 {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| STACK.post(url, b"no message"));
            }
        });
        let lines = read_log("/scepter/scepter/pki-operation", since);
        let is_there = |texts: &[&str; 2]| {
            let holds = |line: &String| texts.iter().all(|text| line.contains(text));
            lines.iter().any(holds)
        };
        if !awaited.iter().all(is_there) {
            continue;
        }
        let secretless = |line: &String| {
            assert!(
                !line.contains(CHALLENGE) && !line.contains("guessed"),
                "{line}"
            );
            serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))
        };
        return lines.iter().map(secretless).collect();
    }
    panic!("not all of {awaited:?} was logged");
}

#[test]
fn every_log_line_is_json_without_secrets_and_enrolments_are_metrics() {
    let _alone = ALONE.write();
    let admin = STACK.admin();
    let begun = SystemTime::now();
    admin.endpoint("logged", CHALLENGE).unwrap();
    let url = STACK.scep_url("ScepUrl", "logged");
    let ra_certificate = STACK.ra_certificate(&url);
    let device = Device::rsa();
    for challenge in [CHALLENGE, "guessed-wrongly"] {
        let message = device.message(&device.enrolment("device", challenge), &ra_certificate);
        assert_eq!(STACK.post(&url, &message).0, 200);
    }
    let awaited = [
        [r#""PkiStatus":"SUCCESS""#, r#""Profile":"logged""#],
        [r#""PkiStatus":"FAILURE""#, r#""Profile":"logged""#],
        [r#""outcome":"refused""#, r#""profile":"logged""#],
    ];
    let lines = await_log(&awaited, &url, begun);
    let enrolments = |status: &str| {
        let of = lines.iter().filter(|line| line["Profile"] == "logged");
        of.filter(|line| line["PkiStatus"] == status && line["Enrolments"] == 1.0)
            .count()
    };
    assert_eq!((enrolments("SUCCESS"), enrolments("FAILURE")), (1, 1));
    let signed = lines.iter().find(|line| line["KmsOperation"] == "Sign");
    assert_eq!(
        signed.unwrap()["_aws"]["CloudWatchMetrics"][0]["Namespace"],
        "Scepter/scepter"
    );
    let refused = |line: &&Value| line["profile"] == "logged" && line["outcome"] == "refused";
    let request = lines.iter().find(refused);
    assert_eq!(request.unwrap()["status"], 200);
}

#[test]
fn maintenance_measures_what_remains_of_the_certificates_of_the_server() {
    let _shared = ALONE.read();
    STACK.admin().endpoint("measured", CHALLENGE).unwrap();
    let begun = SystemTime::now();
    // Invoke it twice: the emulator may deliver the last lines of one invocation with the next.
    for _ in 0..2 {
        STACK.maintain().unwrap();
    }
    let lines = read_log("/scepter/scepter/maintenance", begun);
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let authority = lines
        .iter()
        .find(|line| line["Name"] == "measured")
        .unwrap();
    assert!(authority["DaysRemaining"].as_f64().unwrap() > 3_600.0);
    assert!(lines.iter().any(|line| line["Certificate"] == "ra"));
    let mut crls = lines.iter().filter(|line| line["Authority"] == "measured");
    let hours = crls.find_map(|line| line["CrlHoursRemaining"].as_f64());
    assert!(hours.unwrap() > 160.0);
}

/// Anyone may send a query to a function, and a panic would end its process.
#[test]
fn no_query_and_no_header_fails_a_function() {
    for (function, operation) in [("get-ca-caps", "GetCACaps"), ("profiles", "")] {
        for (query, protocol) in [("a=<b>", "https"), ("a=b", "a b"), ("a b", "[")] {
            let mut event = event(operation);
            event["rawQueryString"] = json!(query);
            event["headers"] = json!({ "host": "x", "x-forwarded-proto": protocol });
            let first = answer_event(&STACK.binary(function), &event, &[]);
            assert!(
                first.answer.unwrap()["statusCode"].is_number(),
                "{function}"
            );
        }
    }
}

/// Lambda counts a failed invocation among the errors of the function, which the alarm watches.
#[test]
fn maintenance_that_fails_fails_its_invocation() {
    let _alone = ALONE.write();
    STACK.faults(&json!({ "Query": "ThrottlingException" }));
    let failed = STACK.maintain();
    STACK.faults(&json!({}));
    assert!(failed.is_err());
    STACK.maintain().unwrap();
}

/// The data that `openssl s_server` receives from a function that takes it for AWS and trusts this
/// file of roots.
fn record_handshake(folder: &Path, roots: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    drop(listener);
    let mut server = Command::new("openssl")
        .args([
            "s_server",
            "-quiet",
            "-tls1_3",
            "-accept",
            &port,
            "-cert",
            "server.pem",
            "-key",
            "server.key",
        ])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let endpoint = format!("https://localhost:{port}");
    let roots = folder.join(roots);
    let variables = [
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("SSL_CERT_FILE", roots.to_str().unwrap()),
    ];
    // The server never answers, so this waits until the function gives up.
    let _ = answer_event(
        &STACK.binary("get-ca-caps"),
        &event("GetCACaps"),
        &variables,
    );
    server.kill().unwrap();
    String::from_utf8(server.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn a_function_speaks_tls_to_whom_it_trusts_and_to_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["server", "other"] {
        let (key, pem) = (format!("{name}.key"), format!("{name}.pem"));
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-noenc",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
            ])
            .args([
                "-addext",
                "subjectAltName=DNS:localhost",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ])
            .args(["-keyout", &key, "-out", &pem])
            .current_dir(folder.path())
            .stderr(Stdio::null())
            .status();
        assert!(made.unwrap().success());
    }
    assert!(record_handshake(folder.path(), "server.pem").contains("DynamoDB_20120810.GetItem"));
    assert_eq!(record_handshake(folder.path(), "other.pem"), "");
}

/// SIGTERM is a crash at that moment and loses nothing: the next attempt succeeds, with one
/// certificate.
#[test]
fn a_function_that_is_terminated_while_it_signs_loses_nothing() {
    let _alone = ALONE.write();
    let admin = STACK.admin();
    admin.endpoint("ended", CHALLENGE).unwrap();
    let url = STACK.scep_url("ScepUrl", "ended");
    let ra_certificate = STACK.ra_certificate(&url);
    let device = Device::rsa();
    let message = device.message(&device.enrolment("ended-1", CHALLENGE), &ra_certificate);
    STACK.calls();
    STACK.faults(&json!({ "Sign": "delay" }));
    let first = std::thread::scope(|scope| {
        let first = scope.spawn(|| STACK.post(&url, &message));
        // Terminate the function only once it has asked KMS to sign, the moment at which most could
        // be lost.
        while !STACK
            .calls()
            .iter()
            .any(|(operation, _)| operation == "Sign")
        {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        assert!(STACK.terminate("PkiOperation") > 0);
        first.join().unwrap()
    });
    STACK.faults(&json!({}));
    assert_ne!(first.0, 200);
    let reply = expect_status(STACK.post(&url, &message), 200);
    let leaf = device.read(&reply, &ra_certificate).leaf();
    admin.has_issued_only("ended-1", &leaf);
}
