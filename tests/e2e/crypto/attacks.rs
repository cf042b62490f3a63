//! Attacks on issuance and revocation, each carried out as an attacker would, and the defence that
//! stops it. Attacks on encryption are in `oracles`, attacks on the contents of certificates in
//! `content`.

use std::sync::Arc;
use std::time::Duration;

use scep_cms::attribute::{FailInfo, PkiStatus};
use scep_cms::message_type::MessageType;
use scep_protocol::profile::ScepProfile;
use scep_protocol::transaction::TransactionState;
use scep_service::ports::{Claim, ClaimKind, GuardedOutcome, MAX_SUCCESSORS, Transactions};
use scepter_tests::admin::{Admin, text};
use scepter_tests::device::{Device, Request};
use scepter_tests::openssl;
use scepter_tests::samples;
use scepter_tests::world::{CHALLENGE, Unmeasured, World};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::crash::failing::WatchedKeys;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const REVOKED: &str = "the certificate of this transaction is revoked";
const KEY_REVOKED: &str = "the key belongs to a revoked certificate";
const SIGNER_REVOKED: &str = "the signer's certificate is revoked";

fn uuid_of(certificate: &scep_cms::certificate::Certificate) -> Uuid {
    let number = certificate.issuer_and_serial_number().serial_number_hex();
    Uuid::from_u128(u128::from_str_radix(&number, 16).unwrap())
}

/// The certificates that an API query finds: uuid and status.
async fn list_certificates(admin: &Admin, query: &str) -> Vec<(Uuid, String)> {
    let page = admin.get(&format!("/certificates{query}")).await;
    let page = page.expect(200);
    let items = page["items"].as_array().unwrap().iter();
    let shown = items.map(|item| (text(&item["uuid"]).parse().unwrap(), text(&item["status"])));
    shown.collect()
}

/// Once its key is revoked, a recording is worthless, even after the server has forgotten its
/// transactionID: replayed at any time, signed again under another transactionID, or with another
/// request.
#[tokio::test]
async fn a_revoked_key_gets_no_certificate_by_any_replay() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let recording = device.message(&request, &world.ra_certificate);
    let post = async |message: Vec<u8>| world.exchange(&device, message).await;
    let leaf = post(recording.clone()).await.leaf();
    let body = json!({ "reason": "keyCompromise" });
    admin.revoke(&leaf, body).await.expect(204);
    let resigned = |transaction_id: &str, content: Vec<u8>| {
        let mut request = device.request(content);
        request.transaction_id = transaction_id.to_owned();
        device.message(&request, &world.ra_certificate)
    };
    let same = request.content.clone().unwrap();
    let other = device.csr("device-2", Some(CHALLENGE), &[]);
    for wait in [0, 1, 25 * 3600, 200 * 24 * 3600, 400 * 24 * 3600] {
        world.clock.advance(Duration::from_secs(wait));
        // The same request is refused for its certificate while the server remembers the
        // transaction, and for its key afterwards. Another request is always refused for the key.
        let (same_reason, reason) = match wait < 200 * 24 * 3600 {
            true => (REVOKED, KEY_REVOKED),
            false => (KEY_REVOKED, KEY_REVOKED),
        };
        assert_eq!(
            post(recording.clone()).await.failure(),
            (FailInfo::BadRequest, same_reason.to_owned())
        );
        assert_eq!(
            post(resigned("another", same.clone())).await.failure(),
            (FailInfo::BadRequest, same_reason.to_owned())
        );
        assert_eq!(
            post(resigned("another", other.clone())).await.failure(),
            (FailInfo::BadRequest, reason.to_owned())
        );
        assert_eq!(
            post(resigned(&request.transaction_id, other.clone()))
                .await
                .failure(),
            (FailInfo::BadRequest, reason.to_owned())
        );
    }
    let all = list_certificates(&admin, "").await;
    assert_eq!(all.len(), 1, "{all:?}");
}

/// The holder of another certificate cannot have a revoked key certified by a renewal either.
#[tokio::test]
async fn a_revoked_key_is_not_what_another_device_renews_to() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let thief = world.enrolled("device-1").await;
    let victim = Device::rsa();
    let request = victim.enrolment("device-1", CHALLENGE);
    let revoked = world.ask(&victim, &request).await.leaf();
    admin.revoke(&revoked, Value::Null).await.expect(204);
    world.make_renewable(&thief.certificate);
    for message_type in [MessageType::RenewalReq, MessageType::PkcsReq] {
        let request = Request {
            message_type,
            ..victim.renewal("device-1")
        };
        assert_eq!(
            world.ask(&thief, &request).await.failure(),
            (FailInfo::BadRequest, KEY_REVOKED.to_owned())
        );
    }
}

/// Once any certificate of a key is revoked, no signature of that key is accepted, whichever
/// certificate it comes with.
#[tokio::test]
async fn a_revoked_key_signs_nothing() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = world.enrolled("device-1").await;
    let again = device.enrolment("device-2", CHALLENGE);
    let other = world.ask(&device, &again).await.leaf();
    admin.revoke(&other, Value::Null).await.expect(204);
    world.make_renewable(&device.certificate);
    let next = Device::rsa();
    assert_eq!(
        world
            .ask(&device, &next.renewal("device-1"))
            .await
            .failure(),
        (FailInfo::BadRequest, SIGNER_REVOKED.to_owned())
    );
    let enrolment = next.enrolment("device-1", CHALLENGE);
    assert_eq!(
        world.ask(&device, &enrolment).await.failure(),
        (FailInfo::BadRequest, SIGNER_REVOKED.to_owned())
    );
    let query = device.query(MessageType::GetCrl, &device.certificate);
    assert_eq!(
        world.ask(&device, &query).await.failure(),
        (FailInfo::BadRequest, SIGNER_REVOKED.to_owned())
    );
}

/// Replaying a recording without the key only returns the same certificate until that may be
/// renewed, and issues nothing.
#[tokio::test]
async fn a_replayed_recording_costs_no_certificate() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let recording = device.message(&request, &world.ra_certificate);
    let leaf = world.ask(&device, &request).await.leaf();
    for days in [0, 2, 100] {
        world.clock.advance(DAY * days);
        let reply = world.exchange(&device, recording.clone()).await;
        assert_eq!(reply.leaf(), leaf);
        for transaction_id in ["1", "2"] {
            let mut again = request.clone();
            again.transaction_id = transaction_id.to_owned();
            assert_eq!(world.ask(&device, &again).await.leaf(), leaf);
        }
    }
    assert_eq!(admin.count_certificates().await, 1);
    // From then on the request is an ordinary enrolment.
    world.make_renewable(&leaf);
    assert_ne!(world.ask(&device, &request).await.leaf(), leaf);
}

/// Devices derive the transactionID from their key, so the next request uses the same one. The
/// earlier request keeps its certificate until that may be renewed.
#[tokio::test]
async fn a_recording_costs_no_certificate_when_its_device_has_gone_on_to_another_request() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = Device::rsa();
    let first = device.enrolment("device-1", CHALLENGE);
    let leaf = world.ask(&device, &first).await.leaf();
    let next = device.enrolment("device-2", CHALLENGE);
    assert_eq!(next.transaction_id, first.transaction_id);
    let next_leaf = world.ask(&device, &next).await.leaf();
    for _ in 0..2 {
        let mut elsewhere = first.clone();
        elsewhere.transaction_id = "1".to_owned();
        for replayed in [&first, &elsewhere] {
            assert_eq!(world.ask(&device, replayed).await.leaf(), leaf);
        }
        assert_eq!(world.ask(&device, &next).await.leaf(), next_leaf);
        world.clock.advance(DAY * 80);
    }
    assert_eq!(admin.count_certificates().await, 2);
    world.make_renewable(&leaf);
    assert_ne!(world.ask(&device, &first).await.leaf(), leaf);
}

/// The same holds for a request that an administrator approved.
#[tokio::test]
async fn an_approved_request_keeps_its_certificate_when_its_device_goes_on_to_another() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let hold =
        |wanted| move |profile: &mut ScepProfile| profile.settings.require_manual_approval = wanted;
    world.edit_scep_profile(hold(true)).await;
    let device = Device::rsa();
    let first = device.enrolment("device-1", CHALLENGE);
    world.ask(&device, &first).await;
    let pending = admin.find_transaction("PENDING").await;
    admin.approve(&text(&pending["uuid"])).await.expect(204);
    let leaf = world.ask(&device, &first).await.leaf();
    world.edit_scep_profile(hold(false)).await;
    let next = device.enrolment("device-2", CHALLENGE);
    assert_ne!(world.ask(&device, &next).await.leaf(), leaf);
    assert_eq!(world.ask(&device, &first).await.leaf(), leaf);
    assert_eq!(admin.count_certificates().await, 2);
}

/// Twenty simultaneous replays under twenty transactionIDs get one certificate.
#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_is_replayed_twenty_times_at_once_gets_one_certificate() {
    let world = Arc::new(World::new().await);
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let asked: Vec<_> = (0..20)
        .map(|number| {
            let (world, device) = (world.clone(), device.clone());
            let mut request = request.clone();
            request.transaction_id = format!("replay {number}");
            tokio::spawn(async move {
                // A request that meets another one in progress is answered 503, to be retried.
                loop {
                    let message = device.message(&request, &world.ra_certificate);
                    let response = world.post(message).await;
                    if response.status() == 200 {
                        return device.read(response.body(), &world.ra_certificate).leaf();
                    }
                    assert_eq!(response.status(), 503);
                }
            })
        })
        .collect();
    let mut leaves = Vec::new();
    for asked in asked {
        leaves.push(asked.await.unwrap());
    }
    assert!(leaves.iter().all(|leaf| *leaf == leaves[0]));
    assert_eq!(Admin::of(&world).count_certificates().await, 1);
}

/// A device whose certificate may be renewed, and its administrator.
async fn enrol_renewable() -> (World, Admin, Device) {
    let world = World::new().await;
    let device = world.enrolled("device-1").await;
    world.make_renewable(&device.certificate);
    let admin = Admin::of(&world);
    (world, admin, device)
}

/// A device with a new key whose certificate `holder` obtained by a renewal.
async fn renew(world: &World, holder: &Device) -> Device {
    let next = Device::rsa();
    let leaf = world.ask(holder, &next.renewal("device-1")).await.leaf();
    next.holding(leaf)
}

/// A stolen key can obtain at most five valid successors; revoked ones make room for others.
#[tokio::test]
async fn a_certificate_has_at_most_five_living_successors() {
    let (world, admin, device) = enrol_renewable().await;
    let mut successors = Vec::new();
    for _ in 0..MAX_SUCCESSORS {
        successors.push(renew(&world, &device).await);
    }
    let next = Device::rsa().renewal("device-1");
    let full =
        "the certificate was renewed too often; ask an administrator to revoke its successors";
    assert_eq!(
        world.ask(&device, &next).await.failure(),
        (FailInfo::BadRequest, full.to_owned())
    );
    let uuid = uuid_of(&device.certificate);
    let query = format!("?predecessorUuid={uuid}");
    assert_eq!(
        list_certificates(&admin, &query).await.len(),
        MAX_SUCCESSORS
    );
    let first = &successors[0].certificate;
    admin.revoke(first, Value::Null).await.expect(204);
    world.ask(&device, &next).await.leaf();
    let another = Device::rsa().renewal("device-1");
    assert_eq!(
        world.ask(&device, &another).await.failure(),
        (FailInfo::BadRequest, full.to_owned())
    );
}

/// Revocation includes all certificates that were renewed from the revoked one, directly or
/// indirectly, unless the administrator excludes them.
#[tokio::test]
async fn revocation_takes_successors_along() {
    let (world, admin, device) = enrol_renewable().await;
    let left = renew(&world, &device).await;
    let right = renew(&world, &device).await;
    world.make_renewable(&left.certificate);
    let grandchild = renew(&world, &left).await;
    let bystander = world.enrolled("device-2").await;
    let body = json!({ "reason": "keyCompromise", "successors": false });
    let root = uuid_of(&device.certificate);
    admin.revoke(&device.certificate, body).await.expect(204);
    assert_eq!(list_certificates(&admin, "?status=REVOKED").await.len(), 1);
    let body = json!({ "reason": "keyCompromise" });
    let answer = admin
        .revoke(&device.certificate, body.clone())
        .await
        .expect(200);
    let mut told: Vec<Uuid> = answer["successors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|uuid| text(uuid).parse().unwrap())
        .collect();
    let mut expected = [&left, &right, &grandchild].map(|device| uuid_of(&device.certificate));
    told.sort();
    expected.sort();
    assert_eq!(told, expected);
    let revoked = list_certificates(&admin, "?status=REVOKED").await;
    assert_eq!(revoked.len(), 4);
    assert!(revoked.iter().any(|(uuid, _)| *uuid == root));
    for device in [&left, &right, &grandchild] {
        let reply = world.ask(device, &Device::rsa().renewal("device-1")).await;
        assert_eq!(
            reply.failure(),
            (FailInfo::BadRequest, SIGNER_REVOKED.to_owned())
        );
    }
    // A repeated revocation revokes nothing further, and an unrelated certificate stays valid.
    admin.revoke(&device.certificate, body).await.expect(204);
    let shown = format!("/certificates/{}", uuid_of(&bystander.certificate));
    let shown = admin.get(&shown).await.expect(200);
    assert_eq!(shown["status"], "VALID");
}

/// A renewal was claimed before its certificate was revoked and would be signed afterwards: by a
/// repeated request, by a poll or by maintenance. The certificate that may have been signed is
/// recorded and revoked.
#[tokio::test]
async fn revocation_overtakes_a_renewal_that_is_being_issued() {
    for finish in ["again", "poll", "upkeep"] {
        let (mut world, admin, device) = enrol_renewable().await;
        let keys = Arc::new(WatchedKeys::failing(world.enrolment.ca_keys.clone()));
        let whole = std::mem::replace(&mut world.enrolment.ca_keys, keys.clone());
        let next = Device::rsa();
        let renewal = next.renewal("device-1");
        let message = device.message(&renewal, &world.ra_certificate);
        assert_eq!(world.post(message).await.status(), 503);
        admin
            .revoke(&device.certificate, json!({ "reason": "keyCompromise" }))
            .await
            .expect(204);
        world.enrolment.ca_keys = whole;
        // The lease of a claim is five seconds; until it expires, no other request may finish it.
        world.clock.advance(Duration::from_secs(6));
        match finish {
            "again" => assert_eq!(
                world.ask(&device, &renewal).await.failure(),
                (FailInfo::BadRequest, SIGNER_REVOKED.to_owned())
            ),
            "poll" => {
                let reply = world.ask(&device, &device.poll(&renewal)).await;
                let text = "an administrator rejected the request: the certificate that it renews is revoked";
                assert_eq!(reply.failure(), (FailInfo::BadRequest, text.to_owned()));
            }
            _ => world
                .administration
                .run_maintenance(&Unmeasured)
                .await
                .unwrap(),
        }
        world
            .administration
            .run_maintenance(&Unmeasured)
            .await
            .unwrap();
        let all = list_certificates(&admin, "").await;
        assert_eq!(all.len(), 2, "{finish}: {all:?}");
        assert!(all.iter().all(|(_, status)| status == "REVOKED"), "{all:?}");
        let stuck = admin.get("/scepTransactions?status=ISSUING").await;
        assert_eq!(stuck.expect(200)["items"], json!([]));
    }
}

/// An RA Profile that was disabled in the meantime prevents issuance in the same way.
#[tokio::test]
async fn upkeep_issues_nothing_under_a_profile_that_was_disabled() {
    let mut world = World::new().await;
    let admin = Admin::of(&world);
    let keys = Arc::new(WatchedKeys::failing(world.enrolment.ca_keys.clone()));
    world.enrolment.ca_keys = keys;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let message = device.message(&request, &world.ra_certificate);
    assert_eq!(world.post(message).await.status(), 503);
    world
        .edit_ra_profile(|profile| profile.enabled = false)
        .await;
    world.clock.advance(Duration::from_secs(6));
    world
        .administration
        .run_maintenance(&Unmeasured)
        .await
        .unwrap();
    let all = list_certificates(&admin, "").await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].1, "REVOKED");
    // The transactionID can be used again.
    world
        .edit_ra_profile(|profile| profile.enabled = true)
        .await;
    let other = Device::rsa();
    let mut request = other.enrolment("device-1", CHALLENGE);
    request.transaction_id = device.enrolment("", "").transaction_id;
    world.ask(&other, &request).await.leaf();
}

/// Under a profile that requires approval without a challenge, no attacker can fill the list of
/// pending requests without limit.
#[tokio::test]
async fn at_most_a_thousand_requests_of_a_profile_wait() {
    let world = World::new().await;
    let manual = |profile: &mut ScepProfile| {
        profile.settings.require_manual_approval = true;
        profile.challenge = None;
    };
    world.edit_scep_profile(manual).await;
    let profile = world.find::<ScepProfile>().await.object.uuid;
    let now = scep_service::ports::Clock::now(&*world.clock);
    let held = |number: usize, until: OffsetDateTime| {
        let mut key = samples::key(&format!("waiting {number}"));
        key.scep_profile = profile;
        Claim {
            stage: ClaimKind::Hold(until),
            ..samples::claim(key, None, now)
        }
    };
    // One of the requests has expired, so it does not count.
    for number in 0..1_000 {
        let until = now + time::Duration::days(if number == 0 { -1 } else { 7 });
        let claimed = world.store.claim(&held(number, until)).await.unwrap();
        assert_eq!(claimed, GuardedOutcome::Won);
    }
    let ask = async |name: &str| {
        let device = Device::rsa();
        let request = device.enrolment(name, CHALLENGE);
        world.ask(&device, &request).await
    };
    let waits = ask("device-1").await;
    assert_eq!(waits.attributes.pki_status, PkiStatus::Pending);
    let full = "too many requests wait for approval under this SCEP Profile; try again later";
    assert_eq!(
        ask("device-2").await.failure(),
        (FailInfo::BadRequest, full.to_owned())
    );
    // A decision makes room, and so does expiry.
    let admin = Admin::of(&world);
    let page = admin.get("/scepTransactions?status=PENDING&limit=1").await;
    let uuid = text(&page.expect(200)["items"][0]["uuid"]);
    let reject = format!("/scepTransactions/{uuid}/reject");
    admin.post(&reject, Value::Null).await.expect(204);
    let waits = ask("device-2").await;
    assert_eq!(waits.attributes.pki_status, PkiStatus::Pending);
    assert_eq!(
        ask("device-3").await.failure(),
        (FailInfo::BadRequest, full.to_owned())
    );
    world.clock.advance(DAY * 8);
    let waits = ask("device-3").await;
    assert_eq!(waits.attributes.pki_status, PkiStatus::Pending);
}

/// A PKCS #10 request longer than any that could be certified and recorded is not parsed.
#[tokio::test]
async fn an_endless_request_is_not_opened() {
    let world = World::new().await;
    let device = Device::rsa();
    let mut request = device.enrolment("device-1", CHALLENGE);
    request.content = Some(vec![0x30; 17 * 1024]);
    let reply = world.ask(&device, &request).await;
    assert_eq!(
        reply.failure(),
        (
            FailInfo::BadRequest,
            "the PKCS #10 request is larger than 16 KiB".to_owned()
        )
    );
}

/// An approval quotes what the administrator saw: the request and the rules that apply to it.
#[tokio::test]
async fn an_approval_is_of_what_was_seen() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = true)
        .await;
    let device = Device::rsa();
    let request = device.enrolment("printer-3", CHALLENGE);
    world.ask(&device, &request).await;
    let uuid = text(&admin.find_transaction("PENDING").await["uuid"]);
    let path = format!("/scepTransactions/{uuid}");
    let approve = async |tag: Option<&str>| {
        let mut headers = vec![("authorization", "Bearer read,write,approve")];
        headers.extend(tag.map(|tag| ("if-match", tag)));
        let path = format!("{path}/approve");
        admin.send("POST", &path, &headers, String::new()).await
    };
    for none in [None, Some("*")] {
        let reason =
            "If-Match is required: read the transaction, and send the ETag of what you approve";
        assert_eq!(
            approve(none).await.expect(428),
            json!({ "message": reason })
        );
    }
    let seen = async || {
        let shown = admin.get(&path).await;
        let tag = shown.headers["etag"].to_str().unwrap().to_owned();
        (tag, shown.expect(200))
    };
    let (before, shown) = seen().await;
    assert_eq!(
        shown["keyUsage"],
        json!(["digitalSignature", "keyEncipherment"])
    );
    assert_eq!(shown["extendedKeyUsage"], json!(["clientAuth"]));
    let year = |shown: &Value, part: &str| text(&shown[part])[..4].parse::<i32>().unwrap();
    assert_eq!(year(&shown, "notAfter") - year(&shown, "notBefore"), 1);
    // The rules change, so the server would sign something else than the administrator saw.
    world
        .edit_template(|template| {
            use ca::template::{ExtendedKeyUsage, KeyUsage};
            template.key_usage = vec![KeyUsage::DigitalSignature];
            template.extended_key_usage = vec![ExtendedKeyUsage::SERVER_AUTH];
        })
        .await;
    approve(Some(&before)).await.expect(409);
    let (now, shown) = seen().await;
    assert_eq!(shown["keyUsage"], json!(["digitalSignature"]));
    assert_eq!(shown["extendedKeyUsage"], json!(["serverAuth"]));
    // The client replaces the pending request.
    let other = device.enrolment("vpn-admin", CHALLENGE);
    world.ask(&device, &other).await;
    approve(Some(&now)).await.expect(409);
    world.ask(&device, &request).await;
    approve(Some(&now)).await.expect(409);
    let (now, _) = seen().await;
    approve(Some(&now)).await.expect(204);
    let leaf = world.ask(&device, &device.poll(&request)).await.leaf();
    let text = openssl::print(&leaf, &["-text"]);
    assert!(text.contains("TLS Web Server Authentication"), "{text}");
    assert!(
        !text.contains("Key Encipherment") && !text.contains("Client Auth"),
        "{text}"
    );
}

/// A request that violates the present rules cannot be approved.
#[tokio::test]
async fn an_approval_is_by_the_rules_of_today() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = true)
        .await;
    let device = Device::rsa();
    let content = device.csr("printer-3", Some(CHALLENGE), &["printer-3.corp.example"]);
    world.ask(&device, &device.request(content)).await;
    let uuid = text(&admin.find_transaction("PENDING").await["uuid"]);
    world
        .edit_template(|template| template.subject_alt_name.types.clear())
        .await;
    let reasons = admin.approve(&uuid).await.reasons();
    assert!(reasons[0].contains("subjectAltName.types"), "{reasons:?}");
    world
        .edit_template(|template| {
            *template = Default::default();
            template.rsa_min_bits = 3072;
        })
        .await;
    let reasons = admin.approve(&uuid).await.reasons();
    assert!(reasons[0].contains("rsaMinBits"), "{reasons:?}");
    // A key whose certificate was revoked while the request was pending cannot be approved either.
    world
        .edit_template(|template| *template = Default::default())
        .await;
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = false)
        .await;
    let mut other = device.enrolment("printer-4", CHALLENGE);
    other.transaction_id = "another".to_owned();
    let leaf = world.ask(&device, &other).await.leaf();
    admin.revoke(&leaf, Value::Null).await.expect(204);
    let reasons = admin.approve(&uuid).await.reasons();
    assert_eq!(
        reasons,
        ["the key of the request belongs to a revoked certificate"]
    );
}

/// A pending request with a challenge can only be replaced by its own key, not by the holder of a
/// certificate who knows its transactionID.
#[tokio::test]
async fn a_holder_displaces_nobody_who_waits() {
    let world = World::new().await;
    let holder = world.enrolled("device-1").await;
    world.make_renewable(&holder.certificate);
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = true)
        .await;
    let victim = Device::rsa();
    let waiting = victim.enrolment("device-2", CHALLENGE);
    let reply = world.ask(&victim, &waiting).await;
    assert_eq!(reply.attributes.pki_status, PkiStatus::Pending);
    let mut renewal = Device::rsa().renewal("device-1");
    renewal.transaction_id = waiting.transaction_id.clone();
    let taken = "the transactionID belongs to another request";
    assert_eq!(
        world.ask(&holder, &renewal).await.failure(),
        (FailInfo::BadRequest, taken.to_owned())
    );
    let reply = world.ask(&victim, &victim.poll(&waiting)).await;
    assert_eq!(reply.attributes.pki_status, PkiStatus::Pending);
}

/// A certificate on hold is already revoked, so a later change of the reason keeps the date.
#[tokio::test]
async fn a_hold_keeps_its_date() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = world.enrolled("device-1").await;
    let hold = json!({ "reason": "certificateHold" });
    admin.revoke(&device.certificate, hold).await.expect(204);
    let path = format!("/certificates/{}", uuid_of(&device.certificate));
    let held = admin.get(&path).await.expect(200);
    world.clock.advance(DAY);
    let last = json!({ "reason": "keyCompromise" });
    admin.revoke(&device.certificate, last).await.expect(204);
    let revoked = admin.get(&path).await.expect(200);
    assert_eq!(revoked["revokedAt"], held["revokedAt"]);
    assert_eq!(revoked["revocationReason"], "keyCompromise");
}

/// An issued certificate is looked up under the authority that issued it; without a valid record
/// there the server does not send it again.
#[tokio::test]
async fn a_certificate_is_handed_out_again_by_its_own_authoritys_record() {
    let world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let leaf = world.ask(&device, &request).await.leaf();
    let other = scepter_tests::world::authority(
        &world.administration,
        "other-ca",
        ca::key_algorithm::KeyAlgorithm::EcP256,
    );
    let other = other.await.uuid;
    let admin = Admin::of(&world);
    admin.revoke(&leaf, Value::Null).await.expect(204);
    let transactions = &world.enrolment.transactions;
    let key = scep_protocol::transaction::TransactionKey {
        scep_profile: world.find::<ScepProfile>().await.object.uuid,
        transaction_id: scep_cms::transaction_id::TransactionId::new(&request.transaction_id)
            .unwrap(),
    };
    let known = transactions.transaction(key.uuid()).await.unwrap().unwrap();
    let TransactionState::Issued { authority, .. } = known.state else {
        panic!("{known:?}");
    };
    assert_ne!(authority, other);
    assert_eq!(
        world.ask(&device, &request).await.failure(),
        (FailInfo::BadRequest, REVOKED.to_owned())
    );
}

/// Serial numbers have 128 random bits, without the version bits of a UUID.
#[tokio::test]
async fn serial_numbers_have_no_pattern() {
    let world = World::new().await;
    let mut versions = std::collections::HashSet::new();
    for number in 0..12 {
        let device = world.enrolled(&format!("device-{number}")).await;
        let octets = uuid_of(&device.certificate).into_bytes();
        versions.insert((octets[6] >> 4, octets[8] >> 6));
    }
    // Twelve draws of six bits are all equal with probability 2^-66.
    assert!(versions.len() > 1);
}

/// Deleting an authority that has valid certificates requires force, because they would vanish from
/// every CRL.
#[tokio::test]
async fn an_authority_with_living_certificates_is_not_deleted_unless_forced() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = world.enrolled("device-1").await;
    let authority = admin.find("/authorities", "test-ca").await;
    // Remove everything else that would prevent the deletion.
    let profiles = [("/scepProfiles", "default"), ("/raProfiles", "default")];
    let [scep, ra] = profiles.map(|(list, name)| async { admin.find(list, name).await });
    let (scep, ra) = (scep.await, ra.await);
    let shown = admin
        .get(&format!("/scepProfiles/{scep}"))
        .await
        .expect(200);
    let ra_certificate = text(&shown["caCertificate"]["uuid"]);
    let clear = json!({ "raProfileUuid": null });
    admin
        .put(&format!("/scepProfiles/{scep}"), clear)
        .await
        .expect(200);
    let body = json!([scep]);
    admin
        .call("DELETE", "/scepProfiles/delete/force", body)
        .await
        .expect(200);
    admin
        .delete(&format!("/authorities/{authority}/raProfiles/{ra}"))
        .await
        .expect(204);
    let path = format!("/authorities/{authority}/raCertificates/{ra_certificate}");
    admin.delete(&path).await.expect(204);
    let path = format!("/authorities/{authority}");
    let reasons = admin.delete(&path).await.reasons();
    assert!(reasons[0].contains("valid and not revoked"), "{reasons:?}");
    admin
        .revoke(&device.certificate, Value::Null)
        .await
        .expect(204);
    admin.delete(&path).await.expect(204);
    // The same with force.
    let other = admin.authority("other-ca").await;
    admin
        .delete(&format!("/authorities/{other}?force=true"))
        .await
        .expect(204);
}

/// The certificates that an authority signs for the server itself, roots and RA certificates, are
/// recorded before they are signed.
#[tokio::test]
async fn certificates_of_the_server_are_recorded_before_they_are_signed() {
    let mut world = World::new().await;
    let keys = Arc::new(WatchedKeys::failing(world.administration.ca_keys.clone()));
    world.administration.ca_keys = keys.clone();
    let admin = Admin::of(&world);
    let body = json!({ "name": "lost-ca", "subject": "CN=Lost CA", "keyAlgorithm": "EC_P256" });
    admin.post("/authorities", body).await.expect(503);
    let records = admin.get("/auditRecords?limit=1").await.expect(200);
    let record = &records["items"][0];
    assert_eq!(record["action"], "sign");
    assert_eq!(record["after"]["subject"], "CN=Lost CA");
    assert!(text(&record["after"]["serialNumber"]).len() > 20);
    // The serial number of the RA certificate is the recorded one.
    let authority = admin.find("/authorities", "test-ca").await;
    let path = format!("/authorities/{authority}/raCertificates");
    let made = admin
        .post(&path, json!({ "commonName": "RA" }))
        .await
        .expect(201);
    let number = &made["certificate"]["serialNumber"];
    let records = admin.get("/auditRecords?limit=20").await.expect(200);
    let records = records["items"].as_array().unwrap().iter();
    let mut signed = records.filter(|record| record["action"] == "sign");
    assert!(signed.any(|record| record["after"]["serialNumber"] == *number));
}

/// The largest possible request, under a profile with the largest annotations, can be recorded once
/// it is claimed: a DynamoDB item holds at most 400 KiB.
#[tokio::test]
async fn the_largest_of_everything_is_recorded() {
    use scepter_tests::asn1::{
        CN, bits, dns, element, name, oid, rdn, request_info, subject_alt_name,
    };
    let world = World::new().await;
    world
        .edit_scep_profile(|profile| {
            let most = || scep_protocol::annotations::Attributes::from_json("\"".repeat(16 * 1024));
            profile.annotations.issue_certificate_attributes = most();
            profile.annotations.custom_attributes = most();
            profile.annotations.associations.custom_attributes = most();
            profile.annotations.associations.groups = vec!["\u{10FFFF}".repeat(255); 100];
        })
        .await;
    let device = Device::rsa();
    let text = |octet: char| {
        rdn(
            CN,
            der::Tag::Utf8String,
            octet.to_string().repeat(250).as_bytes(),
        )
    };
    // Commas are the worst case: each one is escaped and takes two characters in the text of the
    // subject.
    let subject = name(&(0..15).map(|_| text(',')).collect::<Vec<_>>());
    let names: Vec<_> = (0..100)
        .map(|number| dns(&format!("{number:03}.{}.example", "a".repeat(60))))
        .collect();
    let spki = device.certificate.subject_public_key_info();
    let info = request_info(&subject, spki, &[subject_alt_name(&names)]);
    let signature = device.sign(scep_cms::algorithm::DigestAlgorithm::Sha256, &info);
    let algorithm = element(0x30, &[&oid("1.2.840.113549.1.1.11"), &[5, 0]]);
    let csr = element(0x30, &[&info, &algorithm, &bits(&signature)]);
    assert!((12_000..16 * 1024).contains(&csr.len()), "{}", csr.len());
    let leaf = world.ask(&device, &device.request(csr)).await.leaf();
    let admin = Admin::of(&world);
    let shown = admin
        .get(&format!("/certificates/{}", uuid_of(&leaf)))
        .await;
    assert_eq!(shown.expect(200)["status"], "VALID");
}
