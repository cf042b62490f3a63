//! The server as a process that asks Intune: its settings, what a kill leaves, and what its log
//! shows.

use std::time::Duration;

use scepter_tests::assert::expect_status;
use scepter_tests::device::Device;
use scepter_tests::intune::{APPLICATION_ID, APPLICATION_KEY, IntuneDouble, TENANT};
use scepter_tests::server::{Build, Server, binary, http};
use serde_json::{Value, json};

const TOKEN: &str = "0123456789abcdef";

/// Starts the server with the double in place of Microsoft, and these variables besides.
fn start_beside(
    double: &IntuneDouble,
    data: &std::path::Path,
    variables: &[(&str, &str)],
) -> Server {
    let (login, graph) = (double.login_url(), double.graph_url());
    let ours = [
        ("SCEPTER_ADMIN_TOKEN", TOKEN),
        ("SCEPTER_INTUNE_LOGIN_URL", &login),
        ("SCEPTER_INTUNE_GRAPH_URL", &graph),
        ("SCEPTER_LOG", "debug"),
    ];
    let variables = [&ours[..], variables].concat();
    Server::start(&binary(Build::FaultPoints), data, &variables)
}

/// Calls the management API and returns the JSON of its answer.
fn call_api(server: &Server, method: &str, path: &str, body: &Value) -> Value {
    let url = format!("{}{path}", server.printed("API URL"));
    let authorization = format!("Authorization: Bearer {TOKEN}");
    let body = body.to_string();
    let arguments = [
        "-X",
        method,
        "-H",
        &authorization,
        "-H",
        "Content-Type: application/json",
        "--data-binary",
        "@-",
        &url,
    ];
    let answer = expect_status(http(&arguments, body.as_bytes()), 200);
    serde_json::from_slice(&answer).unwrap()
}

/// Edits the only SCEP Profile and returns its uuid.
fn edit_profile(server: &Server, edit: &Value) -> String {
    let profiles = call_api(server, "GET", "/scepProfiles", &json!({}));
    let uuid = profiles[0]["uuid"].as_str().unwrap().to_owned();
    call_api(server, "PUT", &format!("/scepProfiles/{uuid}"), edit);
    uuid
}

fn secret_settings() -> Value {
    json!({
        "challengeSources": ["INTUNE"], "intuneTenant": TENANT,
        "intuneApplicationId": APPLICATION_ID, "intuneApplicationKey": APPLICATION_KEY,
    })
}

/// Enrols a new device for which Intune made a challenge, which is returned.
fn assert_enrols(server: &Server, double: &IntuneDouble, common_name: &str) -> String {
    let device = Device::rsa();
    let challenge = double.make_challenge(common_name);
    let ra_certificate = server.ra_certificate();
    let request = device.enrolment(common_name, &challenge);
    let message = device.message(&request, &ra_certificate);
    let reply = expect_status(server.post(&message), 200);
    device.read(&reply, &ra_certificate).leaf();
    challenge
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_record_and_notification_loses_neither() {
    let double = IntuneDouble::start().await;
    let data = tempfile::tempdir().unwrap();
    let server = start_beside(&double, data.path(), &[]);
    edit_profile(&server, &secret_settings());
    server.kill();
    let fault = [("SCEPTER_FAULT_POINT", "recorded")];
    let server = start_beside(&double, data.path(), &fault);
    let device = Device::rsa();
    let challenge = double.make_challenge("phone-1");
    let ra_certificate = server.ra_certificate();
    let request = device.enrolment("phone-1", &challenge);
    let message = device.message(&request, &ra_certificate);
    let posted = {
        let (url, message) = (server.scep_url.clone(), message.clone());
        std::thread::spawn(move || http(&["--data-binary", "@-", &url], &message))
    };
    server.wait_for_log("fault point reached");
    server.kill();
    posted.join().unwrap();
    assert_eq!(double.successes().len(), 0);
    let server = start_beside(&double, data.path(), &[]);
    let reply = expect_status(server.post(&message), 200);
    let leaf = device.read(&reply, &ra_certificate).leaf();
    // The timer delivers what the killed process did not.
    for _ in 0..600 {
        if !double.successes().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let told = double.successes();
    assert_eq!(told.len(), 1);
    let serial_number = leaf.issuer_and_serial_number().serial_number_hex();
    assert_eq!(told[0]["certificateSerialNumber"], serial_number);
    double.assert_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_federated_credential_takes_the_place_of_the_secret() {
    let double = IntuneDouble::start().await;
    let data = tempfile::tempdir().unwrap();
    let server = start_beside(&double, data.path(), &[]);
    let uuid = edit_profile(&server, &secret_settings());
    assert_enrols(&server, &double, "phone-1");
    let issuer = format!("http://{}", server.address);
    double.federate(&issuer, &uuid);
    double.forget_tokens();
    let federated = json!({ "intuneApplicationKey": null, "intuneCredential": "FEDERATED" });
    edit_profile(&server, &federated);
    assert_enrols(&server, &double, "phone-2");
    double.assert_content();
    // Only a public key is published.
    let (status, keys) = http(&[&format!("{issuer}/.well-known/jwks.json")], &[]);
    assert_eq!(status, 200);
    let keys: Value = serde_json::from_slice(&keys).unwrap();
    let members: Vec<_> = keys["keys"][0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["alg", "e", "kid", "kty", "n", "use"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_shows_neither_secrets_nor_tokens_nor_challenges() {
    let double = IntuneDouble::start().await;
    let data = tempfile::tempdir().unwrap();
    let server = start_beside(&double, data.path(), &[]);
    edit_profile(&server, &secret_settings());
    let challenge = assert_enrols(&server, &double, "phone-1");
    double.refuse_next("ChallengeExpired");
    let device = Device::rsa();
    let ra_certificate = server.ra_certificate();
    let refused = double.make_challenge("phone-2");
    let request = device.enrolment("phone-2", &refused);
    server.post(&device.message(&request, &ra_certificate));
    let line = server.wait_for_log("Intune refused");
    assert!(line.contains("ChallengeExpired"), "{line}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let log = server.read_log().join("\n");
    assert!(log.contains("refused"), "{log}");
    for secret in [APPLICATION_KEY, "token-", &challenge[..32], &refused[..32]] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    double.assert_content();
}
