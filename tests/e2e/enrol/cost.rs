//! The cost of an enrolment: the calls of the database, of the authority's key, and of sealed
//! secrets; and what DynamoDB charges for them.

mod meter;

use std::collections::BTreeMap;
use std::sync::Arc;

use scepter_tests::admin::{one_time_world, text};
use scepter_tests::device::{Device, Request};
use scepter_tests::world::{CHALLENGE, World};
use serde_json::json;
use store_dynamodb::{ProfilesTable, Tables};

use self::meter::{Consumed, Units, metered_client};
use crate::crash::faulty::{Faults, client};
use crate::crash::faulty_keys::Faulty;

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

/// How often an enrolment calls what its circumstances decide about.
struct Expected {
    /// Reads of the counts of wrong challenges.
    lockouts_read: usize,
    items_read: usize,
    /// The items that the claim writes in a transaction.
    claimed: usize,
    /// The items that are put, without those of alternative names.
    items_put: usize,
    /// The items of alternative names.
    names: usize,
}

/// Checks the calls of an enrolment: the profile and the lock-outs are read, the envelope is put, a
/// transaction or two puts claim; then the certificate and its names are put, and the transaction
/// is updated.
#[track_caller]
fn check_calls(calls: &BTreeMap<String, usize>, expected: &Expected) {
    let expected = [
        ("BatchGetItem", expected.lockouts_read),
        ("CaKeys::sign", 1),
        ("GetItem", expected.items_read),
        ("PutItem", expected.items_put + expected.names),
        ("Secrets::open", 1),
        ("TransactWriteItems", usize::from(expected.claimed > 0)),
        (ITEMS, expected.claimed),
        ("UpdateItem", 1),
    ];
    let expected = expected.into_iter().filter(|(_, count)| *count > 0);
    let expected = expected.map(|(operation, count)| (operation.to_owned(), count));
    assert_eq!(*calls, expected.collect());
}

/// The calls of an enrolment by a static challenge, whose lock-outs are read before and after the
/// shared secret is compared.
const STATIC: Expected = Expected {
    lockouts_read: 2,
    items_read: 10,
    claimed: 0,
    items_put: 4,
    names: 0,
};

#[tokio::test]
async fn a_static_challenge_costs_ten_items_read_four_put_and_one_signature() {
    let world = World::new().await;
    check_calls(&enrol_counted(&world, CHALLENGE, &[]).await, &STATIC);
}

/// The claim takes a use of the challenge in the same transaction.
#[tokio::test]
async fn a_one_time_challenge_is_claimed_in_one_transaction_with_its_use() {
    let (world, admin, profile) = one_time_world().await;
    let fields = json!({ "note": "asset 4711", "subject": { "CN": "device-1" } });
    let made = admin.challenge(&profile, fields).await;
    let secret = text(&made["challengePassword"]);
    let expected = Expected {
        lockouts_read: 1,
        items_read: 9,
        claimed: 3,
        items_put: 2,
        names: 0,
    };
    check_calls(&enrol_counted(&world, &secret, &[]).await, &expected);
}

/// Searches find the certificate by these items.
#[tokio::test]
async fn each_alternative_name_costs_one_item() {
    let world = World::new().await;
    // The second name is the first one in another case.
    let names = ["a.example", "A.example", "b.example", "192.0.2.1"];
    let calls = enrol_counted(&world, CHALLENGE, &names).await;
    check_calls(&calls, &Expected { names: 3, ..STATIC });
}

/// A request has at most a hundred names.
#[tokio::test]
async fn no_more_than_twenty_alternative_names_cost_an_item() {
    let world = World::new().await;
    let names: Vec<_> = (0..100)
        .map(|number| format!("n{number}.example"))
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let calls = enrol_counted(&world, CHALLENGE, &names).await;
    check_calls(
        &calls,
        &Expected {
            names: 20,
            ..STATIC
        },
    );
}

/// Enrols a device with these alternative names, and returns the units that this consumed.
async fn enrol_metered(world: &World, names: &[&str]) -> Consumed {
    let device = Device::rsa();
    let request = device.request(device.csr("device-1", Some(CHALLENGE), names));
    ask_metered(world, &device, &request).await
}

/// Sends a request that is granted, and returns the units that this consumed. As in AWS, profiles
/// are read from their table alone.
async fn ask_metered(world: &World, device: &Device, request: &Request) -> Consumed {
    let (metered, consumed) = metered_client(&world.database.client());
    let profiles = ProfilesTable::new(metered.clone(), Tables::prefixed("test").profiles);
    let mut measured = world.over(world.database.clone(), metered, Arc::clone(&world.clock));
    measured.enrolment.profile_service.profiles = Arc::new(profiles);
    measured.ask(device, request).await.leaf();
    std::mem::take(&mut *consumed.lock().unwrap())
}

#[track_caller]
fn check_units(units: &Units, expected: &[(&str, f64)], sum: f64) {
    let expected = expected
        .iter()
        .map(|(name, units)| ((*name).to_owned(), *units));
    assert_eq!(*units, expected.collect());
    assert_eq!(units.values().sum::<f64>(), sum);
}

/// docs/deploy.md says what each unit is for.
#[tokio::test]
async fn an_enrolment_costs_thirteen_units_written_and_less_than_ten_read() {
    let world = World::new().await;
    let consumed = enrol_metered(&world, &[]).await;
    let written = [
        ("test-certificates", 2.0),
        ("test-certificates.byCommonName", 1.0),
        ("test-certificates.byExpiry", 1.0),
        ("test-certificates.byKey", 1.0),
        ("test-certificates.byRaProfile", 1.0),
        ("test-transactions", 4.0),
        ("test-transactions.byState", 3.0),
    ];
    check_units(&consumed.written, &written, 13.0);
    let read = [
        ("test-certificates", 2.0),
        ("test-profiles", 2.5),
        ("test-transactions", 5.0),
    ];
    check_units(&consumed.read, &read, 9.5);
}

#[tokio::test]
async fn each_alternative_name_costs_two_units_more() {
    let world = World::new().await;
    let consumed = enrol_metered(&world, &["a.example", "b.example"]).await;
    assert_eq!(consumed.written.values().sum::<f64>(), 17.0);
}

/// The successors of the predecessor, in a transaction with the claim, and an entry of the index of
/// predecessors.
#[tokio::test]
async fn a_renewal_costs_five_units_more() {
    let world = World::new().await;
    let device = world.enrol_renewable("device-1").await;
    let request = Device::rsa().renewal("device-1");
    let consumed = ask_metered(&world, &device, &request).await;
    let written = [
        ("test-certificates", 2.0),
        ("test-certificates.byCommonName", 1.0),
        ("test-certificates.byExpiry", 1.0),
        ("test-certificates.byKey", 1.0),
        ("test-certificates.byPredecessor", 1.0),
        ("test-certificates.byRaProfile", 1.0),
        ("test-transactions", 8.0),
        ("test-transactions.byState", 3.0),
    ];
    check_units(&consumed.written, &written, 18.0);
}
