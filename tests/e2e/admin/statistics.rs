//! Statistics of requests: what is counted, when, and at what cost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use scep_cms::message_type::MessageType;
use scep_service::ports::Clock;
use scepter_tests::admin::{Admin, text};
use scepter_tests::device::{Device, Request};
use scepter_tests::world::{CHALLENGE, World};
use serde_json::{Value, json};

use crate::admin::requests::{list_requests, send_message, wrong_challenge};
use crate::crash::faulty::{Faults, client};

/// Enrolments, renewals and refusals of the last day.
async fn sum_statistics(admin: &Admin) -> (u64, u64, Value) {
    let statistics = admin.get("/statistics?by=day").await.expect(200);
    let (mut enrolments, mut renewals, mut refusals) = (0, 0, BTreeMap::<_, u64>::new());
    for item in statistics["items"].as_array().unwrap() {
        enrolments += item["enrolments"].as_u64().unwrap();
        renewals += item["renewals"].as_u64().unwrap();
        for (reason, count) in item["refusals"].as_object().unwrap() {
            *refusals.entry(reason.clone()).or_default() += count.as_u64().unwrap();
        }
    }
    (enrolments, renewals, json!(refusals))
}

#[tokio::test]
async fn statistics_count_what_was_done_once() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    assert_eq!(sum_statistics(&admin).await, (0, 0, json!({})));
    let (first, _) = (
        world.enrolled("first").await,
        world.enrolled("second").await,
    );
    let device = Device::rsa();
    let wrong = device.message(&wrong_challenge(&device), &world.ra_certificate);
    for _ in 0..3 {
        send_message(&world, &wrong).await;
    }
    world.enrolment.refusals.write_all(world.clock.now()).await;
    let refusals = json!({ "challenge": 3 });
    // What is younger than two minutes is not settled, and counted all the same.
    assert_eq!(sum_statistics(&admin).await, (2, 0, refusals.clone()));
    world.clock.advance(Duration::from_secs(180));
    for _ in 0..2 {
        world.run_maintenance().await.unwrap();
        assert_eq!(sum_statistics(&admin).await, (2, 0, refusals.clone()));
    }
    // Most clients renew by a PKCSReq that their certificate signs.
    world.make_renewable(&first.certificate);
    for message_type in [MessageType::PkcsReq, MessageType::RenewalReq] {
        let renewal = Request {
            message_type,
            ..Device::rsa().renewal("first")
        };
        world.ask(&first, &renewal).await.leaf();
    }
    for minutes in [0, 3, 3] {
        world.clock.advance(Duration::from_secs(60 * minutes));
        let (enrolments, renewals, _) = sum_statistics(&admin).await;
        assert_eq!(
            (enrolments, renewals),
            (0, 2),
            "the enrolments are older than 30 days"
        );
    }
}

#[tokio::test]
async fn a_request_that_is_approved_late_counts_when_it_is_approved() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = true)
        .await;
    let device = Device::rsa();
    let request = device.enrolment("late", CHALLENGE);
    send_message(&world, &device.message(&request, &world.ra_certificate)).await;
    let pending = list_requests(&admin, "?outcome=PENDING").await;
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = false)
        .await;
    world.clock.advance(Duration::from_secs(60));
    world.enrolled("other").await;
    world.clock.advance(Duration::from_secs(2 * 60 * 60));
    // From here on, the hour of the request is counted.
    assert_eq!(sum_statistics(&admin).await.0, 1);
    let uuid = text(&pending[0]["transactionUuid"]);
    admin.approve(&uuid).await.expect(204);
    let statistics = admin.get("/statistics").await.expect(200);
    let items = statistics["items"].as_array().unwrap();
    let counts: Vec<_> = items
        .iter()
        .map(|item| item["enrolments"].clone())
        .collect();
    assert_eq!(items.len(), 25);
    assert_eq!(counts[24], 1, "{counts:?}");
    assert_eq!(sum_statistics(&admin).await.0, 2);
    world.clock.advance(Duration::from_secs(60 * 60));
    assert_eq!(sum_statistics(&admin).await.0, 2);
}

/// The calls of a chart after all certificates are counted.
#[tokio::test]
async fn a_chart_reads_no_certificate_twice() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    for number in 0..3 {
        world.enrolled(&format!("device-{number}")).await;
    }
    world.clock.advance(Duration::from_secs(180));
    assert_eq!(sum_statistics(&admin).await.0, 3);
    world.clock.advance(Duration::from_secs(1));
    let faults = Faults::new(&[], Arc::clone(&world.clock));
    let counting = client(&world.database.client(), &faults);
    let counted = world.over(world.database.clone(), counting, Arc::clone(&world.clock));
    let statistics = Admin::of(&counted)
        .get("/statistics?by=day")
        .await
        .expect(200);
    assert_eq!(statistics["items"].as_array().unwrap().len(), 31);
    let calls = &faults.state.lock().unwrap().calls;
    let calls: Vec<_> = calls.iter().map(|(call, _)| call.name.as_str()).collect();
    let rest = "Query test-transactions:byState";
    let mark = "GetItem test-transactions:countedUntil";
    // What has settled since, the counts of 31 days, and what has not settled yet.
    assert_eq!(calls, [mark, rest, "BatchGetItem :", rest]);
}

/// How often the store was written to, by operation.
fn count_writes(faults: &Arc<Faults>) -> BTreeMap<String, usize> {
    let mut writes = BTreeMap::new();
    for (call, _) in &faults.state.lock().unwrap().calls {
        let operation = call.name.split(' ').next().unwrap();
        if ["PutItem", "UpdateItem", "TransactWriteItems"].contains(&operation) {
            *writes.entry(operation.to_owned()).or_default() += 1;
        }
    }
    writes
}

#[tokio::test]
async fn a_flood_of_refused_requests_is_counted_and_written_ten_times() {
    let world = World::new().await;
    // Each hour has counts of its own, so the minutes of the test must be of one.
    let past = world.clock.now().unix_timestamp().unsigned_abs() % 3_600;
    world.clock.advance(Duration::from_secs(3_600 - past));
    let admin = Admin::of(&world);
    let faults = Faults::new(&[], Arc::clone(&world.clock));
    let counting = client(&world.database.client(), &faults);
    let flooded = world.over(world.database.clone(), counting, Arc::clone(&world.clock));
    for _ in 0..1_000 {
        send_message(&flooded, b"no message").await;
    }
    let expected = |puts, updates| {
        BTreeMap::from([
            ("PutItem".to_owned(), puts),
            ("UpdateItem".to_owned(), updates),
        ])
    };
    assert_eq!(count_writes(&faults), expected(10, 1));
    assert_eq!(list_requests(&admin, "").await.len(), 10);
    // The rest of the counts is written a minute later, and another ten records.
    world.clock.advance(Duration::from_secs(60));
    for _ in 0..50 {
        send_message(&flooded, b"no message").await;
    }
    assert_eq!(count_writes(&faults), expected(20, 2));
    assert_eq!(list_requests(&admin, "").await.len(), 20);
    // Another process finds the ten places of this minute taken.
    let other = world.over(
        world.database.clone(),
        world.database.client(),
        Arc::clone(&world.clock),
    );
    send_message(&other, b"no message").await;
    assert_eq!(list_requests(&admin, "").await.len(), 20);
    for process in [&flooded, &other] {
        process
            .enrolment
            .refusals
            .write_all(world.clock.now())
            .await;
    }
    let counted = sum_statistics(&admin).await;
    assert_eq!(counted.2, json!({ "unreadableMessage": 1_051 }));
}
