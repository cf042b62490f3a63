//! After a SIGKILL the next request completes the transaction: always exactly one certificate per
//! transaction.

use scep_service::inventory::{CertificateFilter, PageRequest};
use scep_service::ports::Store;
use scepter_tests::assert::expect_status;
use scepter_tests::device::Device;
use scepter_tests::openssl;
use scepter_tests::server::{ADMIN_TOKEN, Build, Server, binary, http};
use scepter_tests::world::CHALLENGE;
use serde_json::{Value, json};
use store_sqlite::SqliteStore;
use time::OffsetDateTime;

/// Counts the certificates and the transactions of a stopped server.
async fn count_records(data: &std::path::Path) -> (usize, usize) {
    let store = SqliteStore::open(&data.join("store.db")).unwrap();
    let page = PageRequest {
        limit: 500,
        cursor: None,
    };
    let filter = CertificateFilter::default();
    let certificates = store.certificates(&filter, &page).await.unwrap();
    let now = OffsetDateTime::now_utc();
    let transactions = store.transactions(None, &page, now).await.unwrap();
    (certificates.items.len(), transactions.items.len())
}

/// Kills the server at this fault point, then checks what the client's retry gets.
async fn check_after_kill(place: &str) {
    let binary = binary(Build::FaultPoints);
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&binary, data.path(), &[("SCEPTER_FAULT_POINT", place)]);
    let device = Device::rsa();
    let ra_certificate = server.ra_certificate();
    let message = device.message(&device.enrolment("device-1", CHALLENGE), &ra_certificate);
    let posted = {
        let (url, message) = (server.scep_url.clone(), message.clone());
        std::thread::spawn(move || http(&["--data-binary", "@-", &url], &message))
    };
    server.wait_for_log("fault point reached");
    server.kill();
    let (status, _) = posted.join().unwrap();
    assert_eq!(status, 0, "the client got no answer");
    assert_eq!(count_records(data.path()).await, (0, 1));

    let server = Server::start(&binary, data.path(), &[]);
    let leaves: Vec<_> = (0..2)
        .map(|_| {
            let reply = expect_status(server.post(&message), 200);
            device.read(&reply, &ra_certificate).leaf()
        })
        .collect();
    assert_eq!(leaves[0], leaves[1]);
    assert!(openssl::print(&leaves[0], &["-subject"]).contains("device-1"));
    assert!(server.terminate());
    assert_eq!(count_records(data.path()).await, (1, 1));
}

#[tokio::test]
async fn killed_between_claim_and_sign() {
    check_after_kill("claimed").await;
}

#[tokio::test]
async fn killed_between_sign_and_store() {
    check_after_kill("signed").await;
}

/// Kills the server at this fault point while a device enrols by a one-time challenge, then checks
/// that its use is neither lost nor doubled.
async fn check_challenge(place: &str) {
    let binary = binary(Build::FaultPoints);
    let data = tempfile::tempdir().unwrap();
    let environment = [
        ("SCEPTER_ADMIN_TOKEN", ADMIN_TOKEN),
        ("SCEPTER_FAULT_POINT", place),
    ];
    let server = Server::start(&binary, data.path(), &environment);
    let profile = server.choose_one_time();
    let path = format!("/scepProfiles/{profile}/challenges");
    let made = server.administer("POST", &path, &json!({ "validity": "PT1H" }));
    let secret = made["challengePassword"].as_str().unwrap().to_owned();
    let ra_certificate = server.ra_certificate();
    let (device, other) = (Device::rsa(), Device::rsa());
    let message = device.message(&device.enrolment("device-1", &secret), &ra_certificate);
    let posted = {
        let (url, message) = (server.scep_url.clone(), message.clone());
        std::thread::spawn(move || http(&["--data-binary", "@-", &url], &message))
    };
    server.wait_for_log("fault point reached");
    server.kill();
    assert_eq!(posted.join().unwrap().0, 0, "the client got no answer");

    let server = Server::start(&binary, data.path(), &environment[..1]);
    // The use is taken, so another device gets nothing even before the first one asks again.
    let request = other.enrolment("device-2", &secret);
    let (_, reply) = server.post(&other.message(&request, &ra_certificate));
    let refused = other.read(&reply, &ra_certificate).failure();
    assert_eq!(refused.1, "the challengePassword has been used");
    let (_, reply) = server.post(&message);
    let leaf = device.read(&reply, &ra_certificate).leaf();
    let uuid = made["uuid"].as_str().unwrap();
    let shown = server.administer("GET", &format!("{path}/{uuid}"), &Value::Null);
    assert_eq!(
        (&shown["state"], &shown["usesLeft"]),
        (&json!("USED"), &json!(0))
    );
    let serial = leaf.issuer_and_serial_number().serial_number_hex();
    let listed = format!("/certificates?challengeUuid={uuid}");
    let listed = server.administer("GET", &listed, &Value::Null);
    assert_eq!(listed["items"][0]["serialNumber"], serial);
    assert!(server.terminate());
    assert_eq!(count_records(data.path()).await.0, 1);
}

#[tokio::test]
async fn killed_between_claim_and_sign_no_use_of_a_challenge_is_lost_or_doubled() {
    check_challenge("claimed").await;
}

#[tokio::test]
async fn killed_between_sign_and_store_no_use_of_a_challenge_is_lost_or_doubled() {
    check_challenge("signed").await;
}

#[tokio::test]
async fn killed_between_claim_and_sign_it_completes_what_nobody_asks_for_again() {
    let binary = binary(Build::FaultPoints);
    let data = tempfile::tempdir().unwrap();
    let fault = [("SCEPTER_FAULT_POINT", "claimed")];
    let server = Server::start(&binary, data.path(), &fault);
    let (device, ra_certificate) = (Device::rsa(), server.ra_certificate());
    let message = device.message(&device.enrolment("device-1", CHALLENGE), &ra_certificate);
    let url = server.scep_url.clone();
    let posted = std::thread::spawn(move || http(&["--data-binary", "@-", &url], &message));
    server.wait_for_log("fault point reached");
    server.kill();
    assert_eq!(posted.join().unwrap().0, 0, "the client got no answer");
    let server = Server::start(&binary, data.path(), &[]);
    // Maintenance signs once the lease of the killed server has expired.
    server.wait_for_log(" signed ");
    assert!(server.terminate());
    assert_eq!(count_records(data.path()).await, (1, 1));
}

#[test]
fn killed_while_idle_and_restarted_it_is_the_same_server() {
    let binary = binary(Build::Debug);
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(&binary, data.path(), &[]);
    let device = Device::rsa();
    let before = server.ra_certificate();
    let message = device.message(&device.enrolment("device-1", CHALLENGE), &before);
    let first = device.read(&server.post(&message).1, &before).leaf();
    let fingerprint = server.printed("CA fingerprint");
    server.kill();
    let server = Server::start(&binary, data.path(), &[]);
    assert_eq!(server.printed("CA fingerprint"), fingerprint);
    assert_eq!(server.ra_certificate(), before);
    let second = device.read(&server.post(&message).1, &before).leaf();
    assert_eq!(first, second);
}

#[test]
fn a_first_start_that_is_killed_is_mended_by_the_next() {
    let binary = binary(Build::Debug);
    let data = tempfile::tempdir().unwrap();
    // The server creates its tables, keys and profiles during these times.
    for milliseconds in [5, 20, 40, 80, 160] {
        let mut child = std::process::Command::new(&binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let server = Server::start(&binary, data.path(), &[]);
    let device = Device::rsa();
    let ra_certificate = server.ra_certificate();
    let message = device.message(&device.enrolment("device-1", CHALLENGE), &ra_certificate);
    let reply = expect_status(server.post(&message), 200);
    device.read(&reply, &ra_certificate).leaf();
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let binary = binary(Build::Debug);
    let data = tempfile::tempdir().unwrap();
    let _server = Server::start(&binary, data.path(), &[]);
    let second = std::process::Command::new(&binary)
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("is in use by another scepter"), "{said}");
}
