//! Manual approval and CertPoll, RFC 8894 §3.3.2.3 and §3.3.3: pending requests, who may poll, and
//! the outcome.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use scep_cms::algorithm::DigestAlgorithm;
use scep_cms::attribute::{FailInfo, PkiStatus};
use scep_protocol::id::TransactionUuid;
use scep_protocol::profile::ScepProfile;
use scep_service::admin::{AdminError, Administration};
use scepter_tests::admin::{Admin, text};
use scepter_tests::assert::{assert_pending, assert_refusal};
use scepter_tests::device::{Device, Request};
use scepter_tests::world::{CHALLENGE, Unmeasured, World};
use serde_json::{Value, json};

use crate::crash::failing::WatchedKeys;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A world whose profile requires approval, its administrator, a device with a pending request, and
/// that request.
async fn begin_pending() -> (World, Admin, Device, Request) {
    let world = World::new().await;
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = true)
        .await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let reply = world.ask(&device, &request).await;
    assert_pending(&reply);
    let admin = Admin::of(&world);
    (world, admin, device, request)
}

/// Approves or rejects the only pending transaction and returns the status.
async fn decide_pending(admin: &Admin, act: &str, body: Value) -> u16 {
    let uuid = text(&admin.find_transaction("PENDING").await["uuid"]);
    if act == "approve" {
        return admin.approve(&uuid).await.status.as_u16();
    }
    let path = format!("/scepTransactions/{uuid}/{act}");
    admin.post(&path, body).await.status.as_u16()
}

#[tokio::test]
async fn what_is_approved_is_issued_and_polled_for() {
    let (world, admin, device, request) = begin_pending().await;
    let poll = device.poll(&request);
    let pending = admin.find_transaction("PENDING").await;
    assert_eq!(pending["subject"], "CN=device-1,O=Corp");
    // A poll or a repeated request leaves the transaction pending.
    for again in [&poll, &request] {
        let reply = world.ask(&device, again).await;
        assert_pending(&reply);
    }
    assert_eq!(admin.count_certificates().await, 0);
    world.clock.advance(3 * DAY);
    assert_eq!(decide_pending(&admin, "approve", Value::Null).await, 204);
    // The approval issues the certificate at once, valid from the time of approval.
    assert_eq!(admin.count_certificates().await, 1);
    let leaf = world.ask(&device, &poll).await.leaf();
    let validity = leaf.validity().unwrap();
    let now = scep_service::ports::Clock::now(&*world.clock);
    assert_eq!(validity.not_before, now - time::Duration::HOUR);
    assert_eq!(validity.not_after, now + time::Duration::days(365));
    // Days later the device still gets it, by a poll or by the same request.
    world.clock.advance(6 * DAY);
    assert_eq!(world.ask(&device, &poll).await.leaf(), leaf);
    assert_eq!(world.ask(&device, &request).await.leaf(), leaf);
    assert_eq!(admin.count_certificates().await, 1);
    let issued = admin.find_transaction("ISSUED").await;
    assert_eq!(issued["uuid"], pending["uuid"]);
}

/// An administrator sees what the device asked for beside what the rules make of it.
#[tokio::test]
async fn what_was_asked_is_shown_beside_what_would_be_certified() {
    let world = World::new().await;
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = true)
        .await;
    world
        .edit_template(|template| {
            template.subject_alt_name.types = Vec::new();
            template.subject_alt_name.ignore_others = true;
        })
        .await;
    let device = Device::rsa();
    let csr = device.csr("device-1", Some(CHALLENGE), &["device-1.corp.example"]);
    assert_pending(&world.ask(&device, &device.request(csr)).await);
    let admin = Admin::of(&world);
    let path = format!(
        "/scepTransactions/{}",
        text(&admin.find_transaction("PENDING").await["uuid"])
    );
    let shown = admin.get(&path).await.expect(200);
    assert_eq!(shown["subjectAltNames"], json!([]));
    let requested = json!({
        "subject": "CN=device-1,O=Corp", "subjectAltNames": ["DNS:device-1.corp.example"],
        "sid": null, "extendedKeyUsage": [],
    });
    assert_eq!(shown["requested"], requested);
    // It stays when the request is decided; a request that never waited has none.
    assert_eq!(decide_pending(&admin, "approve", Value::Null).await, 204);
    assert_eq!(admin.get(&path).await.expect(200)["requested"], requested);
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = false)
        .await;
    let other = Device::rsa();
    world
        .ask(&other, &other.enrolment("device-2", CHALLENGE))
        .await
        .leaf();
    let issued = admin
        .get("/scepTransactions?status=ISSUED")
        .await
        .expect(200);
    let issued = issued["items"].as_array().unwrap();
    let granted = issued
        .iter()
        .find(|one| one["subject"] == "CN=device-2,O=Corp");
    let path = format!("/scepTransactions/{}", text(&granted.unwrap()["uuid"]));
    assert_eq!(admin.get(&path).await.expect(200)["requested"], Value::Null);
}

#[tokio::test]
async fn what_is_rejected_is_told_why_and_may_be_asked_anew() {
    let (world, admin, device, request) = begin_pending().await;
    let reason = json!({ "reason": "not one of our devices" });
    let uuid = text(&admin.find_transaction("PENDING").await["uuid"]);
    let path = format!("/scepTransactions/{uuid}");
    let told = async || admin.get(&path).await.expect(200)["rejectionReason"].clone();
    assert_eq!(told().await, Value::Null);
    assert_eq!(decide_pending(&admin, "reject", reason).await, 204);
    let reply = world.ask(&device, &device.poll(&request)).await;
    let refused = "an administrator rejected the request: not one of our devices";
    assert_refusal(&reply, FailInfo::BadRequest, refused);
    // Administrators read it too, with the transaction and among the requests.
    assert_eq!(told().await, "not one of our devices");
    let listed = admin
        .get("/scepRequests?outcome=REJECTED")
        .await
        .expect(200);
    assert_eq!(listed["items"][0]["message"], refused);
    let reply = world.ask(&device, &request).await;
    assert_pending(&reply);
    assert_eq!(told().await, Value::Null);
    assert_eq!(decide_pending(&admin, "reject", Value::Null).await, 204);
    assert_eq!(told().await, "");
    let reply = world.ask(&device, &device.poll(&request)).await;
    let text = "an administrator rejected the request";
    assert_refusal(&reply, FailInfo::BadRequest, text);
    assert_eq!(admin.count_certificates().await, 0);
}

#[tokio::test]
async fn what_nobody_decides_over_expires() {
    let (world, admin, device, request) = begin_pending().await;
    // A pending request expires after a week in the deployment of the tests.
    world.clock.advance(7 * DAY + Duration::from_secs(2));
    let reply = world.ask(&device, &device.poll(&request)).await;
    let nothing = "no request under this transactionID is pending";
    assert_refusal(&reply, FailInfo::BadCertId, nothing);
    let page = admin.get("/scepTransactions").await.expect(200);
    assert_eq!(page["items"], json!([]));
}

#[tokio::test]
async fn only_the_requesters_key_may_poll() {
    let (world, admin, device, request) = begin_pending().await;
    let other = Device::rsa();
    let text = "the poll is not signed with the key of the request";
    let refused = (FailInfo::BadRequest, text.to_owned());
    let poll = other.poll(&request);
    assert_eq!(world.ask(&other, &poll).await.failure(), refused);
    assert_eq!(decide_pending(&admin, "approve", Value::Null).await, 204);
    assert_eq!(world.ask(&other, &poll).await.failure(), refused);
    world.ask(&device, &device.poll(&request)).await.leaf();
    let mut unknown = device.poll(&request);
    unknown.transaction_id = "unknown".to_owned();
    let nothing = "no request under this transactionID is pending";
    let reply = world.ask(&device, &unknown).await;
    assert_refusal(&reply, FailInfo::BadCertId, nothing);
}

#[tokio::test]
async fn a_key_may_wait_under_two_transaction_ids() {
    let (world, admin, device, first) = begin_pending().await;
    let mut second = device.enrolment("device-2", CHALLENGE);
    second.transaction_id = "second".to_owned();
    let reply = world.ask(&device, &second).await;
    assert_pending(&reply);
    let waiting = admin
        .get("/scepTransactions?status=PENDING")
        .await
        .expect(200);
    let waiting = waiting["items"].as_array().unwrap();
    assert_eq!(waiting.len(), 2);
    let of_second = waiting
        .iter()
        .find(|transaction| transaction["transactionId"] == "second");
    let uuid = text(&of_second.unwrap()["uuid"]);
    admin.approve(&uuid).await.expect(204);
    world.ask(&device, &device.poll(&second)).await.leaf();
    let reply = world.ask(&device, &device.poll(&first)).await;
    assert_pending(&reply);
}

/// An administrator sees the whole request and approves exactly that one: if the device replaces it
/// meanwhile, the approval is rejected.
#[tokio::test]
async fn what_was_looked_at_is_what_is_approved() {
    let (world, admin, device, first) = begin_pending().await;
    let uuid = text(&admin.find_transaction("PENDING").await["uuid"]);
    let path = format!("/scepTransactions/{uuid}");
    let seen = admin.get(&path).await;
    let tag = seen.headers["etag"].to_str().unwrap().to_owned();
    let seen = seen.expect(200);
    assert_eq!(seen["subject"], "CN=device-1,O=Corp");
    assert_eq!(seen["subjectAltNames"], json!([]));
    let key = device.certificate.subject_public_key_info();
    let fingerprint = DigestAlgorithm::Sha256.fingerprint(key);
    assert_eq!(seen["publicKeySha256"], fingerprint);
    let names = &["dc1.corp.example", "192.0.2.1"];
    let mut other = first.clone();
    other.content = Some(device.csr("domain-controller", Some(CHALLENGE), names));
    let reply = world.ask(&device, &other).await;
    assert_pending(&reply);
    let headers = [
        ("authorization", "Bearer read,write,approve"),
        ("if-match", &tag),
    ];
    for act in ["approve", "reject"] {
        let path = format!("{path}/{act}");
        let decided = admin.send("POST", &path, &headers, String::new()).await;
        decided.expect(409);
    }
    let seen = admin.get(&path).await;
    let tag = seen.headers["etag"].to_str().unwrap().to_owned();
    let seen = seen.expect(200);
    assert_eq!(seen["subject"], "CN=domain-controller,O=Corp");
    assert_eq!(
        seen["subjectAltNames"],
        json!(["DNS:dc1.corp.example", "IP:192.0.2.1"])
    );
    let headers = [headers[0], ("if-match", &tag)];
    let approve = format!("{path}/approve");
    let approved = admin.send("POST", &approve, &headers, String::new()).await;
    approved.expect(204);
    let issued = admin.get(&path).await.expect(200);
    assert_eq!(issued["subjectAltNames"], Value::Null);
    assert!(issued["certificateUuid"].is_string());
    let nobody = "/scepTransactions/00000000-0000-4000-8000-000000000000";
    admin.get(nobody).await.expect(404);
}

#[tokio::test]
async fn nothing_is_approved_under_a_profile_that_does_not_serve() {
    let (world, admin, ..) = begin_pending().await;
    let reason = ["the SCEP Profile or the RA Profile of the transaction is disabled or deleted"];
    let uuid = text(&admin.find_transaction("PENDING").await["uuid"]);
    world
        .edit_scep_profile(|profile| profile.enabled = false)
        .await;
    let reasons = admin.approve(&uuid).await.reasons();
    assert_eq!(reasons, reason);
    world
        .edit_scep_profile(|profile| profile.enabled = true)
        .await;
    world
        .edit_ra_profile(|profile| profile.enabled = false)
        .await;
    let reasons = admin.approve(&uuid).await.reasons();
    assert_eq!(reasons, reason);
    world
        .edit_ra_profile(|profile| profile.enabled = true)
        .await;
    admin.approve(&uuid).await.expect(204);
}

/// An interrupted approval still leads to a certificate, even if the device does not return.
#[tokio::test]
async fn what_a_crash_left_is_finished_by_upkeep() {
    let (world, admin, device, request) = begin_pending().await;
    let uuid = text(&admin.find_transaction("PENDING").await["uuid"]);
    let mut administration = world.administration.clone();
    administration.ca_keys = Arc::new(WatchedKeys::failing(administration.ca_keys));
    let approved = approve_now(&administration, uuid.parse().unwrap()).await;
    assert!(approved.is_err());
    admin.find_transaction("ISSUING").await;
    world.run_maintenance().await.unwrap();
    admin.find_transaction("ISSUING").await;
    // The lease of a claim is five seconds; until it expires, no other request may finish it.
    world.clock.advance(Duration::from_secs(6));
    world.run_maintenance().await.unwrap();
    admin.find_transaction("ISSUED").await;
    assert_eq!(admin.count_certificates().await, 1);
    world.ask(&device, &device.poll(&request)).await.leaf();
}

/// Approves a pending transaction in its present state.
async fn approve_now(
    administration: &Administration,
    uuid: TransactionUuid,
) -> Result<(), AdminError> {
    let transaction = administration
        .transactions
        .transaction(uuid)
        .await?
        .unwrap();
    let seen = administration.review_transaction(&transaction).await?;
    administration
        .approve_transaction(uuid, Some(seen.version))
        .await
}

/// A transaction that cannot be completed does not prevent the others from completion.
#[tokio::test]
async fn what_cannot_be_finished_keeps_nothing_else_from_it() {
    let (world, admin, ..) = begin_pending().await;
    let other = Device::rsa();
    let reply = world
        .ask(&other, &other.enrolment("device-2", CHALLENGE))
        .await;
    assert_pending(&reply);
    let keys = Arc::new(WatchedKeys::failing(world.administration.ca_keys.clone()));
    let mut administration = world.administration.clone();
    administration.ca_keys = keys.clone();
    let page = admin
        .get("/scepTransactions?status=PENDING")
        .await
        .expect(200);
    for item in page["items"].as_array().unwrap() {
        keys.fails.store(true, Ordering::SeqCst);
        let uuid = text(&item["uuid"]).parse().unwrap();
        assert!(approve_now(&administration, uuid).await.is_err());
    }
    world.clock.advance(Duration::from_secs(6));
    keys.fails.store(true, Ordering::SeqCst);
    assert!(administration.run_maintenance(&Unmeasured).await.is_err());
    assert_eq!(admin.count_certificates().await, 1);
    world.clock.advance(Duration::from_secs(6));
    administration.run_maintenance(&Unmeasured).await.unwrap();
    assert_eq!(admin.count_certificates().await, 2);
}

/// A transactionID derives from a public key, so an attacker can use it for a pending request. That
/// must not block the renewal of the key's holder.
#[tokio::test]
async fn an_attacker_who_waits_keeps_no_holder_from_renewing() {
    let world = World::new().await;
    let device = world.enrol_renewable("device-1").await;
    let manual = |profile: &mut ScepProfile| {
        profile.settings.require_manual_approval = true;
        profile.challenge = None;
    };
    world.edit_scep_profile(manual).await;
    let renewal = device.renewal("device-1");
    let attacker = Device::rsa();
    let mut taken = attacker.enrolment("attacker", CHALLENGE);
    taken.transaction_id = renewal.transaction_id.clone();
    let reply = world.ask(&attacker, &taken).await;
    assert_pending(&reply);
    world.ask(&device, &renewal).await.leaf();
}

#[tokio::test]
async fn decisions_are_made_once() {
    let (world, admin, device, request) = begin_pending().await;
    let uuid = text(&admin.find_transaction("PENDING").await["uuid"]);
    let reject = format!("/scepTransactions/{uuid}/reject");
    let answers = tokio::join!(
        admin.approve(&uuid),
        admin.approve(&uuid),
        admin.post(&reject, json!({ "reason": "no" })),
    );
    let statuses = [answers.0.status, answers.1.status, answers.2.status];
    let done = statuses.iter().filter(|status| **status == 204).count();
    assert_eq!(done, 1, "{statuses:?}");
    let again = admin.approve(&uuid).await;
    assert_eq!(again.reasons(), ["the transaction is not pending"]);
    let reply = world.ask(&device, &device.poll(&request)).await;
    let issued = reply.attributes.pki_status == PkiStatus::Success;
    assert_eq!(admin.count_certificates().await, usize::from(issued));
    // Exactly one decision is recorded.
    let path = format!("/auditRecords?objectUuid={uuid}");
    let records = admin.get(&path).await.expect(200);
    let records = records["items"].as_array().unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["objectKind"], "transaction");
    let long = json!({ "reason": "x".repeat(201) });
    let reasons = admin.post(&reject, long).await.reasons();
    let text = "reason: at most 200 characters, none of them a control character";
    assert_eq!(reasons, [text]);
}

#[tokio::test]
async fn a_corrected_request_takes_the_place_of_the_one_that_waits() {
    let (world, admin, device, request) = begin_pending().await;
    let corrected = device.enrolment("device-2", CHALLENGE);
    assert_eq!(corrected.transaction_id, request.transaction_id);
    let reply = world.ask(&device, &corrected).await;
    assert_pending(&reply);
    let pending = admin.find_transaction("PENDING").await;
    assert_eq!(pending["subject"], "CN=device-2,O=Corp");
    assert_eq!(decide_pending(&admin, "approve", Value::Null).await, 204);
    let leaf = world.ask(&device, &device.poll(&request)).await.leaf();
    let subject = ca::subject::name_text(leaf.subject()).unwrap();
    assert_eq!(subject, "CN=device-2,O=Corp");
}

#[tokio::test]
async fn approval_does_not_stand_for_a_wrong_challenge() {
    let (world, admin, ..) = begin_pending().await;
    let device = Device::rsa();
    let request = device.enrolment("device-2", "guessed");
    let text = "the challengePassword is missing or wrong";
    let refused = (FailInfo::BadRequest, text.to_owned());
    assert_eq!(world.ask(&device, &request).await.failure(), refused);
    // Without a challenge in the profile, the administrator's approval suffices.
    world
        .edit_scep_profile(|profile| profile.challenge = None)
        .await;
    let reply = world.ask(&device, &request).await;
    assert_pending(&reply);
    let page = admin.get("/scepTransactions?status=PENDING").await;
    let page = page.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_was_approved_before_a_rollover_is_issued_by_the_generation_of_today() {
    let (world, admin, device, request) = begin_pending().await;
    let authority = admin.find("/authorities", "test-ca").await;
    let path = format!("/authorities/{authority}/rollover");
    admin.post(&path, Value::Null).await.expect(200);
    let activated = admin.post(&format!("{path}/activate"), Value::Null).await;
    let activated = activated.expect(200);
    assert_eq!(decide_pending(&admin, "approve", Value::Null).await, 204);
    // The poll is encrypted to the previous RA key, and the reply is signed by it.
    let leaf = world.ask(&device, &device.poll(&request)).await.leaf();
    let pem = text(&activated["certificate"]["pem"]);
    let issuer = scep_cms::certificate::Certificate::from_pem(&pem).unwrap();
    leaf.verify(issuer.public_key().unwrap()).unwrap();
}
