//! Enrolment by one-time challenges: how often, by whom and for what they are good, and what wrong
//! ones cost.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use scep_cms::attribute::{FailInfo, PkiStatus};
use scep_protocol::profile::EndpointName;
use scepter_tests::admin::{Admin, one_time_world, text};
use scepter_tests::device::{Device, Request};
use scepter_tests::world::{CHALLENGE, World, name};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const HOUR: Duration = Duration::from_secs(60 * 60);

const USED: &str = "the challengePassword has been used";

const WRONG: &str = "the challengePassword is missing or wrong";

const NOT_VALID: &str = "the challengePassword is no longer valid";

/// A world, its administrator, its profile, and a challenge with these fields.
async fn world_with_challenge(fields: Value) -> (World, Admin, String, Value) {
    let (world, admin, profile) = one_time_world().await;
    let made = admin.challenge(&profile, fields).await;
    (world, admin, profile, made)
}

/// A new device and its request by this challenge.
fn new_device(made: &Value) -> (Device, Request) {
    let device = Device::rsa();
    let request = device.enrolment("device-1", &text(&made["challengePassword"]));
    (device, request)
}

/// The challenge as it is now.
async fn read_challenge(admin: &Admin, profile: &str, made: &Value) -> Value {
    let path = format!("/scepProfiles/{profile}/challenges/{}", text(&made["uuid"]));
    admin.get(&path).await.expect(200)
}

/// Checks that a new device is refused with this text.
async fn check_refused(world: &World, made: &Value, expected: &str) {
    let (device, request) = new_device(made);
    let refused = world.ask(&device, &request).await.failure();
    assert_eq!(refused, (FailInfo::BadRequest, expected.to_owned()));
}

#[tokio::test]
async fn a_challenge_is_good_once() {
    let (world, admin, profile, made) = world_with_challenge(json!({ "note": "asset 4711" })).await;
    let (device, request) = new_device(&made);
    let leaf = world.ask(&device, &request).await.leaf();
    check_refused(&world, &made, USED).await;
    let shown = read_challenge(&admin, &profile, &made).await;
    assert_eq!(
        (&shown["state"], &shown["usesLeft"]),
        (&json!("USED"), &json!(0))
    );
    let certificate = format!("/certificates/{}", text(&shown["certificateUuid"]));
    let record = admin.get(&certificate).await.expect(200);
    assert_eq!(record["challengeSource"], "ONE_TIME");
    assert_eq!(record["challengeUuid"], made["uuid"]);
    assert_eq!(record["annotations"], json!({ "note": "asset 4711" }));
    // The same request gets its certificate again, also after the challenge has expired or is
    // deleted.
    assert_eq!(world.ask(&device, &request).await.leaf(), leaf);
    world.clock.advance(2 * HOUR);
    assert_eq!(world.ask(&device, &request).await.leaf(), leaf);
    let path = format!("/scepProfiles/{profile}/challenges/{}", text(&made["uuid"]));
    admin.delete(&path).await.expect(204);
    assert_eq!(world.ask(&device, &request).await.leaf(), leaf);
    assert_eq!(admin.count_certificates().await, 1);
    // A renewal needs no challenge, and takes over what vouched but not the challenge.
    let renewing = device.holding(leaf.clone());
    world.make_renewable(&leaf);
    let renewed = world
        .ask(&renewing, &Device::rsa().renewal("device-1"))
        .await
        .leaf();
    let page = format!(
        "/certificates?serialNumber={}",
        renewed.issuer_and_serial_number().serial_number_hex()
    );
    let page = admin.get(&page).await.expect(200);
    let record = format!("/certificates/{}", text(&page["items"][0]["uuid"]));
    let record = admin.get(&record).await.expect(200);
    assert_eq!(record["challengeSource"], "ONE_TIME");
    assert_eq!(record["challengeUuid"], Value::Null);
    assert_eq!(record["annotations"], json!({ "note": "asset 4711" }));
}

#[tokio::test]
async fn a_challenge_is_good_for_as_many_certificates_as_it_says() {
    let (world, admin, profile, made) = world_with_challenge(json!({ "uses": 3 })).await;
    for left in [2, 1, 0] {
        let (device, request) = new_device(&made);
        world.ask(&device, &request).await.leaf();
        let shown = read_challenge(&admin, &profile, &made).await;
        assert_eq!(shown["usesLeft"], left);
    }
    check_refused(&world, &made, USED).await;
    let path = format!("/certificates?challengeUuid={}", text(&made["uuid"]));
    let page = admin.get(&path).await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_is_over_or_for_others_is_refused() {
    let (world, admin, profile, made) = world_with_challenge(json!({})).await;
    let authority = admin.get("/authorities").await.expect(200);
    let other = admin
        .ra_profile(&text(&authority[0]["uuid"]), "other")
        .await;
    let bound = admin
        .challenge(&profile, json!({ "raProfileUuid": other }))
        .await;
    check_refused(
        &world,
        &bound,
        "the challengePassword is for another RA Profile",
    )
    .await;
    let bound = admin
        .challenge(&profile, json!({ "transactionId": "t 1" }))
        .await;
    check_refused(
        &world,
        &bound,
        "the challengePassword is for another transactionID",
    )
    .await;
    let (device, mut request) = new_device(&bound);
    request.transaction_id = "t 1".to_owned();
    world.ask(&device, &request).await.leaf();
    let deleted = admin.challenge(&profile, json!({})).await;
    let path = format!(
        "/scepProfiles/{profile}/challenges/{}",
        text(&deleted["uuid"])
    );
    admin.delete(&path).await.expect(204);
    check_refused(&world, &deleted, NOT_VALID).await;
    world.clock.advance(HOUR);
    let late = admin
        .challenge(&profile, json!({ "validity": "PT1S" }))
        .await;
    world.clock.advance(Duration::from_secs(2));
    check_refused(&world, &late, NOT_VALID).await;
    check_refused(&world, &made, NOT_VALID).await;
    // Nor is the profile's own challenge good, which is not among its sources.
    check_refused(&world, &json!({ "challengePassword": CHALLENGE }), WRONG).await;
    // The digits and letters are compared as they are.
    let good = admin.challenge(&profile, json!({})).await;
    let lower = text(&good["challengePassword"]).to_lowercase();
    check_refused(&world, &json!({ "challengePassword": lower }), WRONG).await;
    assert_eq!(admin.count_certificates().await, 1);
}

#[tokio::test]
async fn a_challenge_of_another_profile_is_wrong() {
    let (world, admin, profile, _) = world_with_challenge(json!({})).await;
    let shown = admin
        .get(&format!("/scepProfiles/{profile}"))
        .await
        .expect(200);
    let body = json!({
        "name": "other", "caCertificateUuid": shown["caCertificate"]["uuid"],
        "raProfileUuid": shown["raProfile"]["uuid"]
    });
    let other = admin.post("/scepProfiles", body).await.uuid();
    let here: scep_service::object::Versioned<scep_protocol::profile::ScepProfile> =
        world.find().await;
    // Even if both profiles had the same key of digests.
    let secrets = &world.administration.secrets;
    let owner = scep_service::ports::SecretOwner::ChallengeKey;
    let sealed = here.object.challenge_key.unwrap();
    let key = secrets
        .open(owner(here.object.uuid), &sealed)
        .await
        .unwrap();
    let uuid = other.parse().unwrap();
    let sealed = secrets.seal(owner(uuid), &key).await.unwrap();
    world
        .edit(uuid, |profile: &mut scep_protocol::profile::ScepProfile| {
            profile.challenge_key = Some(sealed);
            profile.chosen_sources = here.object.chosen_sources;
        })
        .await;
    let made = admin.challenge(&other, json!({})).await;
    check_refused(&world, &made, WRONG).await;
}

#[tokio::test]
async fn a_request_that_waits_gives_its_use_back_when_it_is_rejected_or_expires() {
    let (world, admin, profile, made) = world_with_challenge(json!({ "hold": true })).await;
    let pending = async || {
        let (device, request) = new_device(&made);
        let reply = world.ask(&device, &request).await;
        assert_eq!(reply.attributes.pki_status, PkiStatus::Pending);
        let shown = read_challenge(&admin, &profile, &made).await;
        assert_eq!(shown["state"], "USED");
        (
            device,
            request,
            text(&admin.find_transaction("PENDING").await["uuid"]),
        )
    };
    let (device, request, transaction) = pending().await;
    check_refused(&world, &made, USED).await;
    // The device may correct its request meanwhile, which takes no further use.
    let secret = text(&made["challengePassword"]);
    let corrected = device.enrolment("device-one", &secret);
    let reply = world.ask(&device, &corrected).await;
    assert_eq!(reply.attributes.pki_status, PkiStatus::Pending);
    let reject = format!("/scepTransactions/{transaction}/reject");
    admin
        .post(&reject, json!({ "reason": "who?" }))
        .await
        .expect(204);
    let reply = world.ask(&device, &device.poll(&request)).await;
    assert_eq!(reply.attributes.pki_status, PkiStatus::Failure);
    let shown = read_challenge(&admin, &profile, &made).await;
    assert_eq!(
        (&shown["state"], &shown["certificateUuid"]),
        (&json!("UNUSED"), &Value::Null)
    );

    let (device, request, transaction) = pending().await;
    assert_eq!(admin.approve(&transaction).await.status, 204);
    world.ask(&device, &device.poll(&request)).await.leaf();
    world.clock.advance(Duration::from_secs(30 * 60));
    let shown = read_challenge(&admin, &profile, &made).await;
    assert_eq!(shown["state"], "USED");
    check_refused(&world, &made, USED).await;
    assert_eq!(admin.count_certificates().await, 1);
}

#[tokio::test]
async fn a_request_that_nobody_decides_over_gives_its_use_back() {
    let fields = json!({ "hold": true, "validity": "P30D" });
    let (world, admin, profile, made) = world_with_challenge(fields).await;
    let (device, request) = new_device(&made);
    let reply = world.ask(&device, &request).await;
    assert_eq!(reply.attributes.pki_status, PkiStatus::Pending);
    // A request waits for a week in the deployment of the tests.
    world.clock.advance(7 * 24 * HOUR + Duration::from_secs(2));
    let shown = read_challenge(&admin, &profile, &made).await;
    assert_eq!(shown["state"], "UNUSED");
    let (device, request) = new_device(&made);
    let reply = world.ask(&device, &request).await;
    assert_eq!(reply.attributes.pki_status, PkiStatus::Pending);
}

#[tokio::test]
async fn of_twenty_devices_at_once_one_gets_a_certificate() {
    let (world, admin, profile, made) = world_with_challenge(json!({})).await;
    let world = Arc::new(world);
    let mut asked = JoinSet::new();
    for _ in 0..20 {
        let (device, request) = new_device(&made);
        let world = Arc::clone(&world);
        asked.spawn(async move {
            let reply = world.ask(&device, &request).await;
            if reply.attributes.pki_status == PkiStatus::Success {
                return 1;
            }
            assert_eq!(reply.failure(), (FailInfo::BadRequest, USED.to_owned()));
            0
        });
    }
    let issued: Vec<u32> = asked.join_all().await;
    assert_eq!(issued.iter().sum::<u32>(), 1);
    assert_eq!(admin.count_certificates().await, 1);
    let shown = read_challenge(&admin, &profile, &made).await;
    assert_eq!(shown["usesLeft"], 0);
}

#[tokio::test]
async fn of_one_request_sent_twenty_times_at_once_all_get_the_same_certificate() {
    let (world, admin, profile, made) = world_with_challenge(json!({ "uses": 20 })).await;
    let (device, request) = new_device(&made);
    let message = device.message(&request, &world.ra_certificate);
    let world = Arc::new(world);
    let mut asked = JoinSet::new();
    for _ in 0..20 {
        let (world, device) = (Arc::clone(&world), device.clone());
        let message = message.clone();
        asked.spawn(async move { world.exchange(&device, message).await.leaf() });
    }
    let leaves = asked.join_all().await;
    let leaves: BTreeSet<_> = leaves.iter().map(|leaf| leaf.der().to_vec()).collect();
    assert_eq!(leaves.len(), 1);
    assert_eq!(admin.count_certificates().await, 1);
    let shown = read_challenge(&admin, &profile, &made).await;
    assert_eq!(shown["usesLeft"], 19);
}

#[tokio::test]
async fn an_ec_device_enrols_under_a_challenge_with_its_transaction_id() {
    let (world, admin, profile, unbound) = world_with_challenge(json!({})).await;
    let device = Device::ec();
    let transaction_id = device.enrolment("device-1", "").transaction_id;
    // EC signatures are random, so the same request is built once.
    let request_by = |made: &Value| {
        let secret = text(&made["challengePassword"]);
        let request = device.enrolment("device-1", &secret);
        (device.message_by_password(&request, &secret), secret)
    };
    let ask = async |(message, secret): (Vec<u8>, String)| {
        let response = world.post(message).await;
        assert_eq!(response.status(), 200);
        device.read_with(response.body(), &world.ra_certificate, Some(&secret))
    };
    // Without the transactionID, nothing says which challenge the message is encrypted under.
    assert_eq!(
        ask(request_by(&unbound)).await.failure().0,
        FailInfo::BadAlg
    );
    let fields = json!({ "transactionId": transaction_id });
    let bound = admin.challenge(&profile, fields.clone()).await;
    let request = request_by(&bound);
    let leaf = ask(request.clone()).await.leaf();
    assert_eq!(ask(request.clone()).await.leaf(), leaf);
    let shown = read_challenge(&admin, &profile, &bound).await;
    assert_eq!(shown["state"], "USED");
    // The transactionID of a used challenge is free for another one.
    let again = admin.challenge(&profile, fields).await;
    let reply = ask(request).await;
    assert_eq!(reply.failure().0, FailInfo::BadMessageCheck);
    let shown = read_challenge(&admin, &profile, &again).await;
    assert_eq!(shown["state"], "UNUSED");
    // Nor does a secret that is stored sealed appear in any record.
    let items = world.database.items("test-transactions").unwrap();
    assert!(!format!("{items:?}").contains(&text(&again["challengePassword"])));
}

/// Asks as the client at this address, and returns the name of the pkiStatus.
async fn ask_from(
    world: &World,
    address: &str,
    device: &Device,
    request: &Request,
) -> &'static str {
    let address: IpAddr = address.parse().unwrap();
    let endpoint = EndpointName::ScepProfile(name());
    let message = device.message(request, &world.ra_certificate);
    let reply = world
        .enrolment
        .answer(&endpoint, &message, Some(address))
        .await;
    reply.unwrap().outcome.pki_status()
}

#[tokio::test]
async fn a_key_that_guesses_is_locked_out_and_others_go_on() {
    let (world, admin, profile, made) = world_with_challenge(json!({ "uses": 9 })).await;
    let (guesser, good) = new_device(&made);
    let guess = |number: u32| {
        let mut request = guesser.enrolment("device-1", &format!("guess {number}"));
        request.transaction_id = number.to_string();
        request
    };
    for number in 0..10 {
        let address = format!("192.0.2.{number}");
        assert_eq!(
            ask_from(&world, &address, &guesser, &guess(number)).await,
            "FAILURE"
        );
    }
    // Whoever is locked out is refused with the same words, whatever the challenge is.
    let refused = world.ask(&guesser, &good).await.failure();
    assert_eq!(refused, (FailInfo::BadRequest, WRONG.to_owned()));
    let (other, request) = new_device(&made);
    assert_eq!(
        ask_from(&world, "192.0.2.1", &other, &request).await,
        "SUCCESS"
    );
    let lockouts = format!("/scepProfiles/{profile}/lockouts");
    let listed = admin.get(&lockouts).await.expect(200);
    assert_eq!(
        (&listed[0]["by"], &listed[0]["failures"]),
        (&json!("KEY"), &json!(10))
    );
    assert_eq!(listed.as_array().unwrap().len(), 1);
    // An administrator frees it.
    let uuid = text(&listed[0]["uuid"]);
    admin
        .delete(&format!("{lockouts}/{uuid}"))
        .await
        .expect(204);
    world.ask(&guesser, &good).await.leaf();
}

#[tokio::test]
async fn an_address_that_guesses_is_locked_out_but_renews() {
    let (world, admin, profile, made) = world_with_challenge(json!({ "uses": 9 })).await;
    let (holder, request) = new_device(&made);
    let holder = holder.holding(world.ask(&holder, &request).await.leaf());
    world.make_renewable(&holder.certificate);
    let made = admin.challenge(&profile, json!({ "uses": 9 })).await;
    let wrong = json!({ "challengePassword": "guessed" });
    for _ in 0..10 {
        let (device, request) = new_device(&wrong);
        assert_eq!(
            ask_from(&world, "192.0.2.7", &device, &request).await,
            "FAILURE"
        );
    }
    let (device, good) = new_device(&made);
    assert_eq!(
        ask_from(&world, "192.0.2.7", &device, &good).await,
        "FAILURE"
    );
    // Others go on, and renewals from there too.
    assert_eq!(
        ask_from(&world, "192.0.2.8", &device, &good).await,
        "SUCCESS"
    );
    let renewal = Device::rsa().renewal("device-1");
    assert_eq!(
        ask_from(&world, "192.0.2.7", &holder, &renewal).await,
        "SUCCESS"
    );
    // The lock-out ends by itself.
    world.clock.advance(Duration::from_secs(61));
    let (device, good) = new_device(&made);
    assert_eq!(
        ask_from(&world, "192.0.2.7", &device, &good).await,
        "SUCCESS"
    );
    // The next wrong challenge begins a longer one.
    let (device, request) = new_device(&wrong);
    assert_eq!(
        ask_from(&world, "192.0.2.7", &device, &request).await,
        "FAILURE"
    );
    world.clock.advance(Duration::from_secs(90));
    let (device, good) = new_device(&made);
    assert_eq!(
        ask_from(&world, "192.0.2.7", &device, &good).await,
        "FAILURE"
    );
    let lockouts = format!("/scepProfiles/{profile}/lockouts");
    admin.delete(&lockouts).await.expect(204);
    assert_eq!(
        ask_from(&world, "192.0.2.7", &device, &good).await,
        "SUCCESS"
    );
}

#[tokio::test]
async fn a_missing_challenge_is_not_counted() {
    let (world, admin, profile, made) = world_with_challenge(json!({})).await;
    let (device, good) = new_device(&made);
    for number in 0..12 {
        let mut request = device.request(device.csr("device-1", None, &[]));
        request.transaction_id = number.to_string();
        assert_eq!(
            ask_from(&world, "192.0.2.7", &device, &request).await,
            "FAILURE"
        );
    }
    let listed = admin
        .get(&format!("/scepProfiles/{profile}/lockouts"))
        .await;
    assert_eq!(listed.expect(200), json!([]));
    assert_eq!(
        ask_from(&world, "192.0.2.7", &device, &good).await,
        "SUCCESS"
    );
}
