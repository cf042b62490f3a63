//! What a webhook is told of enrolments: at once, again after a failure, and after a restart.

use std::collections::BTreeSet;
use std::time::Duration;

use scepter_tests::device::Device;
use scepter_tests::server::{Build, Server, binary, http};
use scepter_tests::webhook::{SECRET, WebhookDouble};
use scepter_tests::world::CHALLENGE;
use serde_json::{Value, json};

use super::WebhookWorld;

#[tokio::test]
async fn a_webhook_is_told_what_was_issued_refused_and_revoked() {
    let notify = json!({ "notify": ["issued", "refused", "revoked"] });
    let told = WebhookWorld::new(&["STATIC"], notify).await;
    let device = told.world.enrolled("phone-1").await;
    let [issued] = told
        .double
        .received("scep.certificate.issued")
        .try_into()
        .unwrap();
    let serial_number = device
        .certificate
        .issuer_and_serial_number()
        .serial_number_hex();
    assert_eq!(issued.data["serialNumber"], serial_number);
    assert_eq!(issued.data["subject"], "CN=phone-1,O=Corp");
    assert_eq!(issued.data["certificate"], device.certificate.to_pem());
    assert_eq!(issued.data["raProfile"]["name"], "default");
    let guesser = Device::rsa();
    let wrong = guesser.enrolment("phone-2", "wrong");
    let message = guesser.message(&wrong, &told.world.ra_certificate);
    // Of a message that is repeated, it is told once.
    for _ in 0..3 {
        let reply = told.world.exchange(&guesser, message.clone()).await;
        reply.failure();
    }
    let [refused] = told
        .double
        .received("scep.request.refused")
        .try_into()
        .unwrap();
    assert_eq!(refused.data["failInfo"], "badRequest");
    assert_eq!(refused.data["transactionId"], wrong.transaction_id);
    assert_eq!(refused.data["subject"], "CN=phone-2,O=Corp");
    // Of requests without a challenge, which anybody can send without end, it is not told. Nor of a
    // renewal that comes too early.
    told.refusal("phone-3").await;
    told.world.ask(&device, &wrong).await.failure();
    assert_eq!(told.double.received("scep.request.refused").len(), 1);
    let body = json!({ "reason": "keyCompromise" });
    told.admin
        .revoke(&device.certificate, body)
        .await
        .expect(204);
    told.world.clock.advance(Duration::from_secs(20));
    told.deliver().await;
    let [revoked] = told
        .double
        .received("scep.certificate.revoked")
        .try_into()
        .unwrap();
    assert_eq!(revoked.data["reason"], "keyCompromise");
    assert_eq!(revoked.data["serialNumber"], serial_number);
    let ids = BTreeSet::from([&issued.id, &refused.id, &revoked.id]);
    assert_eq!(ids.len(), 3);
    assert_eq!(told.waiting(), 0);
    assert_eq!(told.double.questions().len(), 0);
}

#[tokio::test]
async fn a_rejection_and_an_approval_are_told_by_maintenance() {
    let told = WebhookWorld::new(&["STATIC"], json!({ "notify": ["issued", "refused"] })).await;
    let manual = json!({ "requireManualApproval": true });
    told.admin.put(&told.profile, manual).await.expect(200);
    let device = Device::rsa();
    for act in ["approve", "reject"] {
        let request = device.enrolment(act, CHALLENGE);
        told.world.ask(&device, &request).await;
        let pending = told.admin.find_transaction("PENDING").await;
        let uuid = pending["uuid"].as_str().unwrap();
        match act {
            "approve" => told.admin.approve(uuid).await.expect(204),
            _ => {
                let path = format!("/scepTransactions/{uuid}/reject");
                let body = json!({ "reason": "unknown" });
                told.admin.post(&path, body).await.expect(204)
            }
        };
    }
    told.deliver().await;
    assert_eq!(told.waiting(), 2);
    told.world.clock.advance(Duration::from_secs(20));
    told.deliver().await;
    assert_eq!(told.waiting(), 0);
    assert_eq!(told.double.received("scep.certificate.issued").len(), 1);
    let [refused] = told
        .double
        .received("scep.request.refused")
        .try_into()
        .unwrap();
    assert_eq!(refused.data["subject"], "CN=reject,O=Corp");
    assert_eq!(
        refused.data["reason"],
        "an administrator rejected the request: unknown"
    );
}

#[tokio::test]
async fn what_a_webhook_did_not_take_is_told_again_with_the_same_id() {
    let told = WebhookWorld::new(&["STATIC"], json!({ "notify": ["issued"] })).await;
    told.double.refuse_notifications(&[500, 302]);
    // The device gets its certificate whether or not the webhook takes the notification.
    told.world.enrolled("phone-1").await;
    assert_eq!(told.waiting(), 1);
    told.deliver().await;
    assert_eq!(told.double.received("scep.certificate.issued").len(), 1);
    for (minutes, expected) in [(1, 2), (1, 2), (1, 3), (60, 3)] {
        told.world.clock.advance(Duration::from_secs(minutes * 60));
        told.deliver().await;
        let received = told.double.received("scep.certificate.issued");
        assert_eq!(received.len(), expected, "after {minutes} minutes more");
        assert!(received.iter().all(|found| found.id == received[0].id));
        if expected == 3 {
            break;
        }
    }
    assert_eq!(told.waiting(), 0);
    // Who no longer wants to be told is not.
    told.double.refuse_notifications(&[500]);
    told.world.enrolled("phone-2").await;
    assert_eq!(told.waiting(), 1);
    let edit = json!({ "webhook": { "notify": [] } });
    told.admin.put(&told.profile, edit).await.expect(200);
    told.world.clock.advance(Duration::from_secs(61));
    told.deliver().await;
    assert_eq!(told.waiting(), 0);
    assert_eq!(told.double.received("scep.certificate.issued").len(), 4);
}

#[tokio::test]
async fn a_webhook_that_is_down_for_three_days_is_given_up() {
    let told = WebhookWorld::new(&["STATIC"], json!({ "notify": ["issued"] })).await;
    let nowhere = json!({ "webhook": { "url": "http://127.0.0.1:9/" } });
    told.admin.put(&told.profile, nowhere).await.expect(200);
    told.world.enrolled("phone-1").await;
    for hours in 1..80 {
        told.world.clock.advance(Duration::from_secs(60 * 60));
        told.deliver().await;
        if told.waiting() == 0 {
            assert!((72..=78).contains(&hours), "given up after {hours} hours");
            return;
        }
    }
    panic!("never given up");
}

/// Edits the SCEP Profile of a server's demo.
fn edit_profile(server: &Server, edit: &Value) {
    let url = server.printed("API URL");
    let token = server.printed("API token");
    let token = token.split(' ').next().unwrap();
    let header = format!("Authorization: Bearer {token}");
    let (status, listed) = http(&["-H", &header, &format!("{url}/scepProfiles")], &[]);
    assert_eq!(status, 200);
    let listed: Value = serde_json::from_slice(&listed).unwrap();
    let uuid = listed[0]["uuid"].as_str().unwrap();
    let url = format!("{url}/scepProfiles/{uuid}");
    let arguments = ["-X", "PUT", "-H", &header, "--data-binary", "@-", &url];
    let (status, answer) = http(&arguments, edit.to_string().as_bytes());
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_record_and_delivery_it_tells_after_the_restart() {
    let double = WebhookDouble::start().await;
    let binary = binary(Build::FaultPoints);
    let data = tempfile::tempdir().unwrap();
    let fault = [("SCEPTER_FAULT_POINT", "recorded")];
    let server = Server::start(&binary, data.path(), &fault);
    let webhook = json!({ "url": double.url, "secret": SECRET, "notify": ["issued"] });
    edit_profile(&server, &json!({ "webhook": webhook }));
    let device = Device::rsa();
    let ra_certificate = server.ra_certificate();
    let message = device.message(&device.enrolment("device-1", CHALLENGE), &ra_certificate);
    let posted = {
        let (url, message) = (server.scep_url.clone(), message.clone());
        std::thread::spawn(move || http(&["--data-binary", "@-", &url], &message))
    };
    server.wait_for_log("fault point reached");
    server.kill();
    assert_eq!(posted.join().unwrap().0, 0, "the client got no answer");
    assert_eq!(double.received("scep.certificate.issued").len(), 0);
    let server = Server::start(&binary, data.path(), &[]);
    let (status, reply) = server.post(&message);
    assert_eq!(status, 200);
    let leaf = device.read(&reply, &ra_certificate).leaf();
    for _ in 0..600 {
        if let [issued] = double.received("scep.certificate.issued").as_slice() {
            assert_eq!(issued.data["certificate"], leaf.to_pem());
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the webhook was told nothing");
}
