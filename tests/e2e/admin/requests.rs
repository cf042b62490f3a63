//! What came in, as administrators see it: refused requests beside transactions, and statistics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scep_cms::message_type::MessageType;
use scep_protocol::profile::EndpointName;
use scep_service::error::Failure;
use scep_service::ports::Clock;
use scepter_tests::admin::{Admin, certificate_uuid, text};
use scepter_tests::device::{Device, Request};
use scepter_tests::server::{ADMIN_TOKEN, Build, Server, binary};
use scepter_tests::world::{CHALLENGE, World, name};
use serde_json::{Value, json};

/// An enrolment with this challenge, for which the client has no right.
pub(crate) fn wrong_challenge(device: &Device) -> Request {
    device.enrolment("device-1", "guessed")
}

/// Sends a message from this address, and writes what is to be recorded.
pub(crate) async fn send_message(world: &World, message: &[u8]) {
    let endpoint = EndpointName::ScepProfile(name());
    let address = "192.0.2.1".parse().unwrap();
    let answer = world.enrolment.answer(&endpoint, message, Some(address));
    match answer.await {
        Ok(_) | Err(Failure::Rejected(_)) => {}
        Err(error) => panic!("{error}"),
    }
    write_records(world).await;
}

async fn write_records(world: &World) {
    let now = world.clock.now();
    world.enrolment.refusals.write_due(now).await;
}

/// The items of a list.
pub(crate) async fn list_requests(admin: &Admin, query: &str) -> Vec<Value> {
    let page = admin
        .get(&format!("/scepRequests{query}"))
        .await
        .expect(200);
    page["items"].as_array().unwrap().clone()
}

/// Pages through a list, and returns its items.
async fn page_through(admin: &Admin, query: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/scepRequests?{query}&cursor={cursor}");
        let page = admin.get(&path).await.expect(200);
        items.extend(page["items"].as_array().unwrap().clone());
        match page["cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return items,
        }
        assert!(items.len() < 1_000, "the list does not end");
    }
}

/// The checks with this outcome, by name.
fn checks_with(item: &Value, outcome: &str) -> Vec<String> {
    let checks = item["checks"].as_array().unwrap();
    let found = checks.iter().filter(|check| check["outcome"] == outcome);
    found.map(|check| text(&check["check"])).collect()
}

/// Checks the latest request: where it stopped, and why.
#[track_caller]
fn check_refused(item: &Value, failed: &str, reason: &str, fail_info: &Value, message: &str) {
    assert_eq!(item["outcome"], "REFUSED", "{item}");
    assert_eq!(checks_with(item, "FAILED"), [failed], "{item}");
    assert_eq!(item["reason"], reason, "{item}");
    assert_eq!(item["failInfo"], *fail_info, "{item}");
    let said = text(&item["message"]);
    assert!(said.contains(message), "{said}");
}

#[tokio::test]
async fn each_kind_of_refusal_appears_with_its_checks_and_its_true_reason() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let latest = async || {
        let newest = list_requests(&admin, "?limit=1").await;
        world.clock.advance(Duration::from_secs(1));
        newest.into_iter().next().unwrap()
    };
    let device = Device::rsa();
    let message = device.message(&wrong_challenge(&device), &world.ra_certificate);
    send_message(&world, &message).await;
    let item = latest().await;
    let bad_request = json!("badRequest");
    check_refused(
        &item,
        "authorisation",
        "challenge",
        &bad_request,
        "missing or wrong",
    );
    assert_eq!(item["subject"], "CN=device-1,O=Corp");
    assert_eq!(item["key"]["algorithm"], "RSA 2048");
    assert_eq!(item["clientAddress"], "192.0.2.1");
    assert_eq!(item["messageType"], "19");
    assert_eq!(item["scepProfile"]["name"], "default");
    assert_eq!(item["raProfile"]["name"], "default");
    assert!(item["transactionId"].is_string());
    let passed = [
        "availability",
        "format",
        "attributes",
        "algorithms",
        "signature",
        "replyEncryption",
        "signer",
        "encryption",
        "content",
        "request",
    ];
    assert_eq!(checks_with(&item, "PASSED"), passed);
    let not_reached = ["key", "transaction", "approval", "rules"];
    assert_eq!(checks_with(&item, "NOT_REACHED"), not_reached);
    let path = format!("/scepRequests/{}", text(&item["uuid"]));
    assert_eq!(admin.get(&path).await.expect(200), item);

    // A message that was never authentic, with a byte of its signature changed.
    let mut forged = message.clone();
    *forged.last_mut().unwrap() ^= 1;
    send_message(&world, &forged).await;
    let item = latest().await;
    let bad_check = json!("badMessageCheck");
    check_refused(&item, "signature", "signature", &bad_check, "signature");
    assert_eq!(
        (&item["subject"], &item["key"]),
        (&Value::Null, &Value::Null)
    );

    send_message(&world, b"no message").await;
    let item = latest().await;
    check_refused(
        &item,
        "format",
        "unreadableMessage",
        &Value::Null,
        "SignedData",
    );
    assert_eq!(item["messageType"], Value::Null);

    // Encrypted to the device itself instead of the RA certificate.
    let astray = device.message(&wrong_challenge(&device), &device.certificate);
    send_message(&world, &astray).await;
    check_refused(
        &latest().await,
        "encryption",
        "recipient",
        &bad_check,
        "not encrypted to",
    );

    let forbidden = device.enrolment("device-1", CHALLENGE);
    world.edit_template(|rules| rules.rsa_min_bits = 4096).await;
    send_message(&world, &device.message(&forbidden, &world.ra_certificate)).await;
    check_refused(
        &latest().await,
        "key",
        "rule",
        &json!("badAlg"),
        "rsaMinBits",
    );

    world
        .edit_scep_profile(|profile| profile.enabled = false)
        .await;
    send_message(&world, &message).await;
    let item = latest().await;
    check_refused(
        &item,
        "availability",
        "scepProfileDisabled",
        &Value::Null,
        "is disabled",
    );
    assert_eq!(list_requests(&admin, "").await.len(), 6);

    // Names that match no profile are not recorded: anyone can invent them.
    let unknown = world
        .send(
            "POST",
            "/api/v1/protocols/scep/other/pkiclient.exe",
            message,
        )
        .await;
    assert_eq!(unknown.status(), 404);
    write_records(&world).await;
    assert_eq!(list_requests(&admin, "").await.len(), 6);
}

#[tokio::test]
async fn polls_and_queries_have_checks_of_their_own() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = Device::rsa();
    let poll = Request {
        message_type: MessageType::CertPoll,
        ..device.enrolment("device-1", CHALLENGE)
    };
    send_message(&world, &device.message(&poll, &world.ra_certificate)).await;
    world.clock.advance(Duration::from_secs(1));
    let query = Request {
        message_type: MessageType::GetCert,
        ..device.enrolment("device-1", CHALLENGE)
    };
    send_message(&world, &device.message(&query, &world.ra_certificate)).await;
    let items = list_requests(&admin, "").await;
    let [query, poll] = &items[..] else {
        panic!("{items:?}");
    };
    let unknown = json!("badCertId");
    check_refused(poll, "transaction", "nothingPending", &unknown, "pending");
    assert_eq!(checks_with(poll, "NOT_REACHED"), ["approval"]);
    assert_eq!(checks_with(poll, "PASSED").len(), 6);
    let not_ours = json!("badRequest");
    check_refused(query, "signer", "signerUnknown", &not_ours, "not issued by");
    let not_reached = ["encryption", "content", "query"];
    assert_eq!(checks_with(query, "NOT_REACHED"), not_reached);
}

#[tokio::test]
async fn a_locked_out_client_is_told_less_than_the_administrator() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = Device::rsa();
    for _ in 0..11 {
        let message = device.message(&wrong_challenge(&device), &world.ra_certificate);
        send_message(&world, &message).await;
    }
    let locked = list_requests(&admin, "?reason=lockedOut").await;
    assert_eq!(locked.len(), 1);
    let said = "locked out after too many wrong challenges";
    check_refused(
        &locked[0],
        "authorisation",
        "lockedOut",
        &json!("badRequest"),
        said,
    );
    let wrong = list_requests(&admin, "?reason=challenge").await;
    assert_eq!(wrong.len(), 10);
}

#[tokio::test]
async fn no_record_contains_a_challenge() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = Device::rsa();
    let secret = "5uper-secret-guess";
    let wrong = device.enrolment("device-1", secret);
    send_message(&world, &device.message(&wrong, &world.ra_certificate)).await;
    // The right challenge, refused for its key.
    world.edit_template(|rules| rules.rsa_min_bits = 4096).await;
    let right = device.enrolment("device-1", CHALLENGE);
    send_message(&world, &device.message(&right, &world.ra_certificate)).await;
    let items = list_requests(&admin, "").await;
    assert_eq!(items.len(), 2);
    let stored = world.database.items("test-transactions").unwrap();
    for text in [json!(items).to_string(), json!(stored).to_string()] {
        assert!(text.contains("rsaMinBits"), "{text}");
        for secret in [secret, CHALLENGE] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[tokio::test]
async fn two_processes_share_the_ten_places_of_a_minute() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let other = world.over(
        world.database.clone(),
        world.database.client(),
        Arc::clone(&world.clock),
    );
    for process in [&world, &other] {
        for _ in 0..5 {
            send_message(process, b"no message").await;
        }
    }
    assert_eq!(list_requests(&admin, "").await.len(), 10);
}

#[tokio::test]
async fn refused_requests_are_dropped_after_their_days() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    send_message(&world, b"no message").await;
    let item = &list_requests(&admin, "").await[0];
    let path = format!("/scepRequests/{}", text(&item["uuid"]));
    let validity = world.enrolment.deployment.request_validity;
    world.clock.advance(validity - Duration::from_secs(1));
    assert_eq!(list_requests(&admin, "").await.len(), 1);
    admin.get(&path).await.expect(200);
    world.clock.advance(Duration::from_secs(3));
    assert_eq!(list_requests(&admin, "").await.len(), 0);
    let answer = admin.get(&path).await.expect(404);
    assert_eq!(answer["message"], "no such request");
}

#[tokio::test]
async fn requests_of_every_outcome_are_one_list() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let later = || world.clock.advance(Duration::from_secs(1));
    let granted = world.enrolled("granted").await;
    later();
    send_message(&world, b"no message").await;
    later();
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = true)
        .await;
    for name in ["rejected", "pending"] {
        let device = Device::rsa();
        let request = device.enrolment(name, CHALLENGE);
        send_message(&world, &device.message(&request, &world.ra_certificate)).await;
        later();
    }
    let pending = list_requests(&admin, "?outcome=PENDING").await;
    assert_eq!(pending.len(), 2);
    let uuid = text(&pending[1]["transactionUuid"]);
    let path = format!("/scepTransactions/{uuid}/reject");
    let body = json!({ "reason": "not ours" });
    admin.post(&path, body).await.expect(204);
    send_message(&world, b"no message").await;

    let outcomes = ["REFUSED", "PENDING", "REJECTED", "REFUSED", "GRANTED"];
    let items = list_requests(&admin, "").await;
    let listed: Vec<_> = items.iter().map(|item| text(&item["outcome"])).collect();
    assert_eq!(listed, outcomes);
    for limit in 1..=5 {
        assert_eq!(
            page_through(&admin, &format!("limit={limit}")).await,
            items,
            "{limit}"
        );
    }
    for outcome in outcomes {
        let expected: Vec<_> = items
            .iter()
            .filter(|item| item["outcome"] == outcome)
            .collect();
        let query = format!("outcome={outcome}&limit=1");
        let found = page_through(&admin, &query).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{outcome}");
    }
    for item in &items {
        let path = format!("/scepRequests/{}", text(&item["uuid"]));
        assert_eq!(admin.get(&path).await.expect(200), *item);
    }
    let rejected = &items[2];
    assert_eq!(
        (&rejected["reason"], &rejected["checks"]),
        (&json!("rejected"), &json!([]))
    );
    assert!(text(&rejected["message"]).ends_with("not ours"));
    let uuid = json!(certificate_uuid(&granted.certificate));
    assert_eq!(
        (&items[4]["certificateUuid"], &items[4]["subject"]),
        (&uuid, &json!("CN=granted,O=Corp"))
    );

    // Filters by what requests of every outcome have.
    let transaction = text(&items[1]["transactionId"]);
    let found = page_through(&admin, &format!("transactionId={transaction}&limit=1")).await;
    assert_eq!(found, items[1..2]);
    let profile = text(&items[0]["scepProfile"]["uuid"]);
    let by_profile = format!("scepProfileUuid={profile}");
    assert_eq!(page_through(&admin, &by_profile).await, items);
    let nobody = "scepProfileUuid=00000000-0000-4000-8000-000000000000";
    assert_eq!(page_through(&admin, nobody).await, [Value::Null; 0]);
    let (since, until) = (text(&items[3]["at"]), text(&items[1]["at"]));
    let between = format!("since={since}&until={until}&limit=1");
    assert_eq!(page_through(&admin, &between).await, items[2..4]);
    let empty = format!("since={since}&until={since}");
    assert_eq!(page_through(&admin, &empty).await, [Value::Null; 0]);
    assert_eq!(page_through(&admin, "reason=rejected").await, items[2..3]);
    assert_eq!(
        page_through(&admin, "reason=signature").await,
        [Value::Null; 0]
    );
    assert_eq!(
        page_through(&admin, "reason=unreadableMessage").await.len(),
        2
    );
}

#[tokio::test]
async fn a_cursor_leads_through_requests_of_the_same_moment() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    for number in 0..5 {
        world.enrolled(&format!("device-{number}")).await;
        send_message(&world, b"no message").await;
    }
    let items = page_through(&admin, "limit=1").await;
    let mut uuids: Vec<_> = items.iter().map(|item| text(&item["uuid"])).collect();
    uuids.sort();
    uuids.dedup();
    assert_eq!((items.len(), uuids.len()), (10, 10));
}

#[tokio::test]
async fn what_is_no_filter_or_range_is_rejected_with_a_reason() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    for (path, expected) in [
        (
            "/scepRequests?outcome=ISSUED",
            "outcome: one of GRANTED, PENDING",
        ),
        ("/scepRequests?reason=Challenge", "reason: no reason"),
        (
            "/scepRequests?scepProfileUuid=x",
            "scepProfileUuid: not a uuid",
        ),
        ("/scepRequests?since=x", "since: not a time"),
        (
            "/scepRequests?since=2026-01-02&until=2026-01-01",
            "until: not before since",
        ),
        ("/scepRequests?limit=501", "limit: 1 to 500"),
        ("/scepRequests?cursor=x", "cursor"),
        ("/scepRequests?cursor=x.-.-.-.-", "cursor"),
        ("/statistics?by=week", "by: hour or day"),
        (
            "/statistics?from=2026-01-02&to=2026-01-02",
            "to: after from",
        ),
        (
            "/statistics?from=2026-01-01&to=2026-02-02",
            "to: at most 31 days after from",
        ),
        (
            "/statistics?by=day&from=2025-01-01&to=2026-01-03",
            "to: at most 366 days after from",
        ),
    ] {
        let reasons = admin.get(path).await.reasons();
        assert!(reasons[0].contains(expected), "{path}: {reasons:?}");
    }
    for path in ["/scepRequests?state=x", "/statistics?until=2026-01-01"] {
        admin.get(path).await.expect(400);
    }
    // The last hour of all has none after it.
    let last = "/statistics?from=9999-12-31T22:30:00Z&to=9999-12-31T23:59:59Z";
    let items = admin.get(last).await.expect(200);
    assert_eq!(items["items"].as_array().unwrap().len(), 2);
}

#[test]
fn the_local_server_records_at_once_and_counts_the_rest_before_it_ends() {
    let data = tempfile::tempdir().unwrap();
    let environment = [
        ("SCEPTER_ADMIN_TOKEN", ADMIN_TOKEN),
        ("SCEPTER_REQUEST_DAYS", "3"),
    ];
    let start = || Server::start(&binary(Build::Debug), data.path(), &environment);
    let server = start();
    for _ in 0..3 {
        assert_eq!(server.post(b"no message").0, 400);
    }
    let read = |server: &Server, path: &str| server.administer("GET", path, &Value::Null);
    let began = Instant::now();
    let items = loop {
        let page = read(&server, "/scepRequests?outcome=REFUSED");
        let items = page["items"].as_array().unwrap().clone();
        if items.len() == 3 {
            break items;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{page}");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(items[0]["clientAddress"], "127.0.0.1");
    assert!(server.terminate());
    let server = start();
    let statistics = read(&server, "/statistics?by=day");
    let days = statistics["items"].as_array().unwrap();
    let sum: u64 = days
        .iter()
        .filter_map(|day| day["refusals"]["unreadableMessage"].as_u64())
        .sum();
    assert_eq!(sum, 3, "{statistics}");
    assert_eq!(read(&server, "/scepRequests")["items"], json!(items));
    assert_eq!(read(&server, "/settings")["requestDays"], 3);
}
