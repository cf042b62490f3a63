//! The socket layer in front of `scep-http`: limits, old HTTP, shutdown.

use std::io::Write;
use std::net::TcpStream;

use scepter_tests::assert::expect_status;
use scepter_tests::device::Device;
use scepter_tests::server::{ADMIN_TOKEN, Build, Server, binary, http};
use scepter_tests::world::{CHALLENGE, PATH};

#[test]
fn get_ca_caps_is_the_exact_list_as_plain_text_without_charset() {
    let (_data, server) = Server::start_demo();
    let request =
        format!("GET {PATH}?operation=GetCACaps HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let answer = server.exchange_text(request.as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(head.contains("Content-Type: text/plain\r\n"), "{head}");
    let expected =
        "POSTPKIOperation\nSHA-1\nSHA-256\nSHA-384\nSHA-512\nDES3\nAES\nRenewal\nSCEPStandard\n";
    assert_eq!(body, expected);
}

#[test]
fn http_1_0_without_host_or_accept_is_served() {
    let (_data, server) = Server::start_demo();
    let request = format!("GET {PATH}?operation=GetCACaps&message=0 HTTP/1.0\r\n\r\n");
    assert!(server.exchange_text(request.as_bytes()).contains("200 OK"));
}

#[test]
fn head_of_a_crl_announces_no_length_that_get_does_not_have() {
    let (_data, server) = Server::start_demo();
    let request = b"HEAD /crl/demo-ca.crl HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = server.exchange_text(request);
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(!answer.contains("Content-Length"), "{answer}");
}

#[test]
fn a_post_without_operation_and_content_type_is_served_by_http_1_0() {
    let (_data, server) = Server::start_demo();
    let ra_certificate = server.ra_certificate();
    let device = Device::rsa();
    let message = device.message(&device.enrolment("device-1", CHALLENGE), &ra_certificate);
    let head = format!(
        "POST {PATH} HTTP/1.0\r\nContent-Length: {}\r\n\r\n",
        message.len()
    );
    let answer = server.exchange_text(&[head.as_bytes(), &message].concat());
    assert!(
        answer.contains("200 OK") && answer.contains("application/x-pki-message"),
        "{answer}"
    );
}

#[test]
fn a_body_of_300_kib_is_413_with_and_without_its_length() {
    let (_data, server) = Server::start_demo();
    let url = &server.scep_url;
    let body = vec![0x30; 300 * 1024];
    let plain = ["--data-binary", "@-", "-H", "Expect:", url];
    expect_status(http(&plain, &body), 413);
    let chunked = [
        "--data-binary",
        "@-",
        "-H",
        "Expect:",
        "-H",
        "Transfer-Encoding: chunked",
        url,
    ];
    expect_status(http(&chunked, &body), 413);
}

#[test]
fn a_long_body_is_read_from_who_has_a_token_and_others_get_401() {
    let data = tempfile::tempdir().unwrap();
    let environment = [("SCEPTER_ADMIN_TOKEN", ADMIN_TOKEN)];
    let server = Server::start(&binary(Build::Debug), data.path(), &environment);
    let send = |path: &str, token: &str, octets: usize| {
        let url = format!("http://{}/api/v1{path}", server.address);
        let token = format!("Authorization: Bearer {token}");
        let arguments = ["--data-binary", "@-", "-H", "Expect:", "-H", &token, &url];
        http(&arguments, &vec![b' '; octets]).0
    };
    let uuid = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11";
    let challenges = format!("/scepProfiles/{uuid}/challenges");
    for octets in [1024, 300 * 1024, 1024 * 1024, 1024 * 1024 + 1] {
        assert_eq!(send(&challenges, "unknown", octets), 401, "{octets}");
        assert_eq!(send("/scepProfiles", "unknown", octets), 401, "{octets}");
    }
    // An empty document is none.
    assert_eq!(send(&challenges, ADMIN_TOKEN, 1024 * 1024), 400);
    assert_eq!(send(&challenges, ADMIN_TOKEN, 1024 * 1024 + 1), 413);
    assert_eq!(send("/scepProfiles", ADMIN_TOKEN, 64 * 1024), 400);
    assert_eq!(send("/scepProfiles", ADMIN_TOKEN, 64 * 1024 + 1), 413);
}

#[test]
fn what_is_not_http_is_dropped_and_others_are_served_meanwhile() {
    let (_data, server) = Server::start_demo();
    let mut idle = TcpStream::connect(&server.address).unwrap();
    idle.write_all(b"GET / HT").unwrap();
    server.exchange_text(&[0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]);
    server.exchange_text(&vec![b'A'; 1_000_000]);
    let (status, body) = http(&[&format!("http://{}/health", server.address)], &[]);
    assert_eq!((status, body.as_slice()), (200, b"ok\n".as_slice()));
}

#[test]
fn one_line_is_logged_for_a_request_and_no_secret_in_any() {
    let data = tempfile::tempdir().unwrap();
    let environment = [("SCEPTER_LOG", "debug"), ("SCEPTER_LOG_FORMAT", "json")];
    let server = Server::start(&binary(Build::Debug), data.path(), &environment);
    let ra_certificate = server.ra_certificate();
    let device = Device::rsa();
    let message = device.message(&device.enrolment("device-1", CHALLENGE), &ra_certificate);
    server.post(&message);
    http(
        &["--data-binary", "@-", "-H", "Expect:", &server.scep_url],
        &vec![0; 300 * 1024],
    );
    let mut lines = vec![server.wait_for_log("listening")];
    while !lines.last().unwrap().contains("larger than 256 KiB") {
        lines.push(server.wait_for_log(""));
    }
    let requests: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("\"message\":\"request\""))
        .collect();
    let [shown, logged, too_large] = requests.as_slice() else {
        panic!("three requests, but {requests:?}");
    };
    assert!(shown.contains("GetCACert") && too_large.contains("\"status\":413"));
    let logged: serde_json::Value = serde_json::from_str(logged).unwrap();
    for (field, value) in [
        ("profile", "default"),
        ("message_type", "19"),
        ("outcome", "issued"),
    ] {
        assert_eq!(logged[field], value, "{logged}");
    }
    for field in ["transaction_id", "serial_number", "milliseconds", "status"] {
        assert!(!logged[field].is_null(), "{field} in {logged}");
    }
    assert!(
        lines.iter().all(|line| !line.contains(CHALLENGE)),
        "{lines:?}"
    );
}

#[test]
fn what_a_client_chooses_makes_no_long_line_in_the_log() {
    let (_data, server) = Server::start_demo();
    server.wait_for_log("listening");
    let long = "A".repeat(8 * 1024);
    let requests = [
        format!("GET /crl/{long}.crl HTTP/1.1\r\n"),
        format!("GET /crl/demo-ca.crl?{long} HTTP/1.1\r\n"),
        format!("{long} /crl/demo-ca.crl HTTP/1.1\r\n"),
        format!("GET /api/v1/protocols/scep/{long}?operation=GetCACaps HTTP/1.1\r\n"),
        format!("GET {PATH}?operation={long} HTTP/1.1\r\n"),
        format!("GET {PATH}?operation=PKIOperation&message={long} HTTP/1.1\r\n"),
        format!("{long} {PATH} HTTP/1.1\r\n"),
        format!("GET /api/v1/{long} HTTP/1.1\r\n"),
        format!("GET /api/v1/authorities/{long} HTTP/1.1\r\nAuthorization: Bearer {long}\r\n"),
        format!("{long} /api/v1/authorities HTTP/1.1\r\n"),
        format!("GET /health HTTP/1.1\r\nUser-Agent: {long}\r\n"),
    ];
    for request in &requests {
        let answer = server.exchange_text(format!("{request}Host: {long}\r\n\r\n").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    }
    http(&[&format!("http://{}/crl/last.crl", server.address)], &[]);
    let mut lines = vec![String::new()];
    while !lines.last().unwrap().contains("last") {
        lines.push(server.wait_for_log(""));
    }
    assert!(lines.len() > 8, "{lines:?}");
    for line in lines {
        assert!(line.len() < 1_024 && !line.contains(&long[..100]), "{line}");
    }
}

#[test]
fn sigterm_ends_the_server_well_even_with_an_idle_connection() {
    let (_data, server) = Server::start_demo();
    let _idle = TcpStream::connect(&server.address).unwrap();
    assert!(server.terminate());
}

#[test]
fn help_and_version_are_told_and_wrong_settings_are_named() {
    let binary = binary(Build::Debug);
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(&binary)
            .args(arguments)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let (ended_well, help) = run(&["serve", "--help"]);
    assert!(ended_well);
    for setting in [
        "--listen",
        "--data",
        "--public-url",
        "--no-demo",
        "SCEPTER_CHALLENGE",
        "SCEPTER_CA_KEY_ALGORITHM",
    ] {
        assert!(help.contains(setting), "{setting} in {help}");
    }
    assert!(run(&["--version"]).1.starts_with("scepter "));
    let (ended_well, said) = run(&["--listen", "nowhere"]);
    assert!(!ended_well && said.contains("--listen"), "{said}");
    let (ended_well, said) = run(&["--listen", "127.0.0.1:0", "--data", "/proc/nowhere"]);
    assert!(
        !ended_well && said.contains("opening the data folder /proc/nowhere"),
        "{said}"
    );
}

#[test]
fn without_the_demo_there_is_no_profile() {
    let data = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(binary(Build::Debug))
        .args(["--no-demo", "--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let log = std::io::BufReader::new(child.stderr.take().unwrap());
    let listening = std::io::BufRead::lines(log)
        .map_while(Result::ok)
        .find(|line| line.contains("listening"));
    let listening = listening.unwrap();
    let address = listening.split("address=").nth(1).unwrap();
    let (status, _) = http(
        &[&format!("http://{address}{PATH}?operation=GetCACaps")],
        &[],
    );
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(status, 404);
}
