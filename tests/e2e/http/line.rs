//! Requests in line: those for whose answer the server only waits hold up no others.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use scepter_tests::assert::expect_status;
use scepter_tests::device::Device;
use scepter_tests::server::{ADMIN_TOKEN, Build, Server, binary, http};
use scepter_tests::webhook::{Reply, SECRET, WebhookDouble};
use scepter_tests::world::{CHALLENGE, PATH};
use serde_json::{Value, json};

/// More requests than the server computes at a time.
const REFUSED: usize = 120;

/// As many requests as the server sends to services at a time.
const ASKED: usize = 20;

/// The time within which others are answered. It is shorter than those requests wait.
const PROMPT: Duration = Duration::from_secs(3);

/// Creates a SCEP Profile like the demo's, for which a webhook decides, and returns its path.
fn create_profile_with_webhook(server: &Server, url: &str) -> String {
    let profiles = server.administer("GET", "/scepProfiles", &Value::Null);
    let path = format!("/scepProfiles/{}", profiles[0]["uuid"].as_str().unwrap());
    let profile = server.administer("GET", &path, &Value::Null);
    let body = json!({
        "name": "asking",
        "caCertificateUuid": profile["caCertificate"]["uuid"],
        "raProfileUuid": profile["raProfile"]["uuid"],
        "challengeSources": ["WEBHOOK"],
        "webhook": { "url": url, "secret": SECRET },
    });
    let created = server.administer("POST", "/scepProfiles", &body);
    let enabled = json!([created["uuid"]]);
    server.administer("PATCH", "/scepProfiles/enable", &enabled);
    "/api/v1/protocols/scep/asking/pkiclient.exe".to_owned()
}

/// Sends a message without waiting for the answer, which ends with the returned stream.
fn send(server: &Server, path: &str, message: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let length = message.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    stream
        .write_all(&[head.as_bytes(), message].concat())
        .unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_wait_for_time_or_services_hold_up_no_others() {
    let webhook = WebhookDouble::start().await;
    webhook.reply_with(Reply {
        delay: Duration::from_secs(60),
        ..Reply::with_status(200, "{}")
    });
    let data = tempfile::tempdir().unwrap();
    let environment = [
        ("SCEPTER_ADMIN_TOKEN", ADMIN_TOKEN),
        ("SCEPTER_REFUSAL_DELAY", "5000"),
        ("SCEPTER_CONNECTIONS_PER_ADDRESS", "400"),
    ];
    let server = Server::start(&binary(Build::Debug), data.path(), &environment);
    let asking = create_profile_with_webhook(&server, &webhook.url);
    let (device, ra_certificate) = (Device::rsa(), server.ra_certificate());
    let enrolment =
        |name: &str| device.message(&device.enrolment(name, CHALLENGE), &ra_certificate);
    let mut spoilt = device.csr("device-1", Some(CHALLENGE), &[]);
    *spoilt.last_mut().unwrap() ^= 1;
    let unopened = device.message(&device.request(spoilt), &ra_certificate);

    // They are all with the server until the test ends.
    let asked: Vec<_> = (0..ASKED)
        .map(|number| send(&server, &asking, &enrolment(&number.to_string())))
        .collect();
    let all_asked = async {
        while webhook.questions().len() < ASKED {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PROMPT, all_asked).await.unwrap();
    let refused: Vec<_> = (0..REFUSED)
        .map(|_| send(&server, PATH, &unopened))
        .collect();
    let enrolment = enrolment("device-2");
    let check = |what: &str, exchange: &dyn Fn() -> (u16, Vec<u8>)| {
        let begun = Instant::now();
        let answer = expect_status(exchange(), 200);
        let took = begun.elapsed();
        assert!(took < PROMPT, "{what} took {took:?}");
        answer
    };
    let crl = format!("http://{}/crl/demo-ca.crl", server.address);
    check("a CRL", &|| http(&[&crl], &[]));
    let certificates = format!("{}?operation=GetCACert", server.scep_url);
    check("GetCACert", &|| http(&[&certificates], &[]));
    let reply = check("an enrolment", &|| server.post(&enrolment));
    device.read(&reply, &ra_certificate).leaf();
    drop((asked, refused));
}
