//! Requests that wait for approval: what an administrator approves, and how many wait.

use scep_cms::attribute::FailInfo;
use scep_protocol::profile::ScepProfile;
use scep_service::ports::{Claim, ClaimKind, GuardedOutcome, Transactions};
use scepter_tests::admin::{Admin, text};
use scepter_tests::assert::{assert_pending, assert_refusal};
use scepter_tests::device::Device;
use scepter_tests::openssl;
use scepter_tests::samples;
use scepter_tests::world::{CHALLENGE, World};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::DAY;

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
    assert_pending(&waits);
    let full = "too many requests wait for approval under this SCEP Profile; try again later";
    assert_refusal(&ask("device-2").await, FailInfo::BadRequest, full);
    // A decision makes room, and so does expiry.
    let admin = Admin::of(&world);
    let page = admin.get("/scepTransactions?status=PENDING&limit=1").await;
    let uuid = text(&page.expect(200)["items"][0]["uuid"]);
    let reject = format!("/scepTransactions/{uuid}/reject");
    admin.post(&reject, Value::Null).await.expect(204);
    let waits = ask("device-2").await;
    assert_pending(&waits);
    assert_refusal(&ask("device-3").await, FailInfo::BadRequest, full);
    world.clock.advance(DAY * 8);
    let waits = ask("device-3").await;
    assert_pending(&waits);
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
    let holder = world.enrol_renewable("device-1").await;
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = true)
        .await;
    let victim = Device::rsa();
    let waiting = victim.enrolment("device-2", CHALLENGE);
    let reply = world.ask(&victim, &waiting).await;
    assert_pending(&reply);
    let mut renewal = Device::rsa().renewal("device-1");
    renewal.transaction_id = waiting.transaction_id.clone();
    let taken = "the transactionID belongs to another request";
    assert_refusal(
        &world.ask(&holder, &renewal).await,
        FailInfo::BadRequest,
        taken,
    );
    let reply = world.ask(&victim, &victim.poll(&waiting)).await;
    assert_pending(&reply);
}
