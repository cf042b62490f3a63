//! Third-party clients, unchanged, against the real binary. Their scripts are in `tests/interop`,
//! and its `install.sh` installs the tools.

use std::process::Command;
use std::time::Duration;

use scepter_tests::interop;
use scepter_tests::interop::tools;
use scepter_tests::server::{ADMIN_TOKEN, Build, Server, binary};
use scepter_tests::world::CHALLENGE;
use serde_json::json;

/// Runs a client's script against a server whose authority has a key of this algorithm.
fn enrol_by(script: &str, key_algorithm: &str) {
    let data = tempfile::tempdir().unwrap();
    let environment = [("SCEPTER_CA_KEY_ALGORITHM", key_algorithm)];
    let server = Server::start(&binary(Build::Debug), data.path(), &environment);
    let tools = tools();
    let arguments = [&server.scep_url, CHALLENGE, tools.to_str().unwrap()];
    interop::run(script, &arguments, &[]);
}

#[test]
fn strongswan_enrols_with_an_rsa_authority() {
    enrol_by("strongswan.sh", "RSA_2048");
}

#[test]
fn strongswan_enrols_with_an_ec_authority() {
    enrol_by("strongswan.sh", "EC_P256");
}

#[test]
fn strongswan_enrols_once_with_a_one_time_challenge() {
    let data = tempfile::tempdir().unwrap();
    let environment = [("SCEPTER_ADMIN_TOKEN", ADMIN_TOKEN)];
    let server = Server::start(&binary(Build::Debug), data.path(), &environment);
    let profile = server.choose_one_time();
    let path = format!("/scepProfiles/{profile}/challenges");
    let made = server.administer("POST", &path, &json!({ "validity": "PT1H" }));
    let secret = made["challengePassword"].as_str().unwrap();
    let arguments = [&server.scep_url, secret];
    interop::run("strongswan-once.sh", &arguments, &[]);
    // The log says that somebody showed the challenge again, and never which it was.
    let reuse = "a used challenge was shown again by another key";
    loop {
        let line = server.log.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(!line.contains(secret), "{line}");
        if line.contains(reuse) {
            break;
        }
    }
}

#[test]
fn certmonger_enrols_by_get_with_an_rsa_authority() {
    enrol_by("certmonger.sh", "RSA_3072");
}

#[test]
fn certmonger_enrols_by_get_with_an_ec_authority() {
    enrol_by("certmonger.sh", "EC_P384");
}

#[test]
fn micromdm_enrols_with_aes_and_is_refused_with_single_des() {
    enrol_by("micromdm.sh", "RSA_2048");
    enrol_by("micromdm.sh", "EC_P256");
}

#[test]
fn jscep_enrols() {
    enrol_by("jscep.sh", "RSA_2048");
    enrol_by("jscep.sh", "EC_P521");
}

/// Runs an administrator's script against a new server.
fn administer_by(script: &str) {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&binary(Build::Debug), data.path(), &[]);
    let token = server.printed("API token");
    let token = token.split(' ').next().unwrap();
    let tools = tools();
    let arguments = [&server.printed("API URL"), token, tools.to_str().unwrap()];
    interop::run(script, &arguments, &[]);
}

#[test]
fn an_administrator_makes_everything_and_a_device_enrols() {
    administer_by("administer.sh");
}

#[test]
fn certificates_are_renewed_waited_for_revoked_and_carried_over() {
    administer_by("lifecycle.sh");
}

#[test]
fn certmonger_is_held_by_a_webhook_and_renews_without_it() {
    administer_by("certmonger-webhook.sh");
}

#[test]
fn the_management_api_keeps_to_its_openapi_document() {
    administer_by("schemathesis.sh");
}

/// Pastes the command that the server prints into a shell, as a reader would.
#[test]
fn the_printed_command_works_when_pasted() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&binary(Build::Debug), data.path(), &[]);
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("bash")
        .args([
            "-c",
            &server
                .printed("  pki")
                .replacen("--scepca", "pki --scepca", 1),
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("device.crt: OK"));
}
