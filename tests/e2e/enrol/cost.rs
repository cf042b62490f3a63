//! The cost of an enrolment: the calls of the database, of the authority's key, and of sealed
//! secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use scepter_tests::admin::{one_time_world, text};
use scepter_tests::device::Device;
use scepter_tests::world::{CHALLENGE, World};
use serde_json::json;

use crate::crash::faulty::{Faults, Faulty, client};

/// What the count of the items that transactions write or check is listed under.
const ITEMS: &str = "items of TransactWriteItems";

/// Enrols a device with these alternative names by this challenge, and returns how often each
/// operation was called, and the items of transactions.
async fn enrol_counted(world: &World, secret: &str, names: &[&str]) -> BTreeMap<String, usize> {
    let faults = Faults::new(&[], Arc::clone(&world.clock));
    let client = client(&world.database.client(), &faults);
    let mut counted = world.over(world.database.clone(), client, Arc::clone(&world.clock));
    let enrolment = &mut counted.enrolment;
    enrolment.ca_keys = Arc::new(Faulty {
        inner: Arc::clone(&enrolment.ca_keys),
        faults: Arc::clone(&faults),
    });
    enrolment.secrets = Arc::new(Faulty {
        inner: Arc::clone(&enrolment.secrets),
        faults: Arc::clone(&faults),
    });
    let device = Device::rsa();
    let request = device.request(device.csr("device-1", Some(secret), names));
    counted.ask(&device, &request).await.leaf();
    let mut calls = BTreeMap::new();
    for (call, _) in &faults.state.lock().unwrap().calls {
        let operation = call.name.split(' ').next().unwrap();
        *calls.entry(operation.to_owned()).or_default() += 1;
        if operation == "TransactWriteItems" {
            *calls.entry(ITEMS.to_owned()).or_default() += call.name.split(", ").count();
        }
    }
    calls
}

/// Checks the calls of an enrolment: the profile and the lock-outs are read, the envelope is put,
/// and two transactions claim and record the certificate.
#[track_caller]
fn check_calls(
    calls: &BTreeMap<String, usize>,
    lockouts_read: usize,
    items_read: usize,
    items: usize,
) {
    let expected = [
        ("BatchGetItem", lockouts_read),
        ("CaKeys::sign", 1),
        ("GetItem", items_read),
        ("PutItem", 1),
        ("Secrets::open", 1),
        ("TransactWriteItems", 2),
        (ITEMS, items),
    ];
    let expected = expected.map(|(operation, count)| (operation.to_owned(), count));
    assert_eq!(*calls, BTreeMap::from(expected));
}

/// The lock-outs are read before and after the shared secret is compared.
#[tokio::test]
async fn a_static_challenge_costs_five_items_read_three_writes_and_one_signature() {
    let world = World::new().await;
    check_calls(&enrol_counted(&world, CHALLENGE, &[]).await, 2, 5, 6);
}

/// The claim takes a use of the challenge in the same transaction.
#[tokio::test]
async fn a_one_time_challenge_costs_one_item_read_more_and_no_write_or_signature() {
    let (world, admin, profile) = one_time_world().await;
    let fields = json!({ "note": "asset 4711", "subject": { "CN": "device-1" } });
    let made = admin.challenge(&profile, fields).await;
    let secret = text(&made["challengePassword"]);
    check_calls(&enrol_counted(&world, &secret, &[]).await, 1, 6, 7);
}

/// Searches find the certificate by these items.
#[tokio::test]
async fn each_alternative_name_costs_one_item_and_no_call_more() {
    let world = World::new().await;
    // The second name is the first one in another case.
    let names = ["a.example", "A.example", "b.example", "192.0.2.1"];
    check_calls(&enrol_counted(&world, CHALLENGE, &names).await, 2, 5, 9);
}

/// A transaction holds at most a hundred items, and a request at most a hundred names.
#[tokio::test]
async fn no_more_than_twenty_alternative_names_cost_an_item() {
    let world = World::new().await;
    let names: Vec<_> = (0..100)
        .map(|number| format!("n{number}.example"))
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    check_calls(&enrol_counted(&world, CHALLENGE, &names).await, 2, 5, 26);
}
