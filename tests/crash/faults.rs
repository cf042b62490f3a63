//! Each call of the store and of each key fails, alone and in pairs, in every possible way.
//! Afterwards every client has one certificate or one refusal, every signature is recorded, and no
//! transaction is stuck.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ca::authority::Authority;
use ca::key_algorithm::KeyAlgorithm;
use ca::template::Period;
use scep_cms::attribute::PkiStatus;
use scep_cms::transaction_id::TransactionId;
use scep_protocol::profile::ScepProfile;
use scep_protocol::transaction::TransactionKey;
use scep_service::admin::NextKey;
use scep_service::object::list;
use scepter_tests::assert::assert_status;
use scepter_tests::databases::{AnyWorld, DatabaseKind};
use scepter_tests::device::Device;
use scepter_tests::world::{CHALLENGE, authority};
use serde_json::{Value, json};

use crate::crash::failing::WatchedKeys;
use crate::crash::faulty::{Call, Fault, Kind, Side};
use crate::crash::scenario::{Act, Message, Post, Run, Scenario, Start};

/// Everything that can happen to a call.
const KINDS: [Kind; 12] = [
    Kind::Fails,
    Kind::Throttled,
    Kind::ItemThrottled(1),
    Kind::ItemThrottled(5),
    Kind::Lost,
    Kind::AskedAgain,
    Kind::Late(Side::Before, 6),
    Kind::Late(Side::After, 600),
    Kind::Ends(Side::Before),
    Kind::Ends(Side::After),
    Kind::Overtaken(Side::Before),
    Kind::Overtaken(Side::After),
];

/// The kinds that pairs are made of, because they leave different states behind.
const OF_PAIRS: [Kind; 3] = [Kind::Fails, Kind::Lost, Kind::Ends(Side::After)];

/// The maximum number of pairs in a scenario that hit the same call twice, and of all other pairs;
/// they are spread evenly over all pairs.
const MAX_PAIRS: [usize; 2] = [32, 8];

/// Builds a scenario on each kind of database, and runs it there.
fn check_scenario(builder: impl AsyncFn(DatabaseKind) -> (AnyWorld, Scenario)) {
    for kind in [DatabaseKind::DynamoDb, DatabaseKind::Sqlite] {
        // The scenario is built in a runtime of its own, separate from the one in which it runs.
        let building = tokio::runtime::Runtime::new().unwrap();
        let (world, scenario) = building.block_on(builder(kind));
        check_runs(kind, world, &scenario);
    }
}

/// Runs a scenario without faults, with each fault at each call, and with pairs of faults. A
/// failure lists the runs that failed: the panic, and the faults with their calls.
fn check_runs(database: DatabaseKind, world: AnyWorld, scenario: &Scenario) {
    let folder = tempfile::tempdir().unwrap();
    world.database.save_as(&folder.path().join("saved"));
    let start = Start {
        world,
        folder,
        ra_keys: Arc::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let mut failed = Vec::new();
    let mut perform = |planned: &[Fault], upkeep: bool| {
        let run = Run::new(scenario, &start, planned, upkeep);
        let ended = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run.perform_all())));
        let calls = run.faults.state.lock().unwrap().calls.clone();
        if let Err(panic) = ended {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            failed.push(format!(
                "{} in {database:?}: {}",
                scenario.name,
                said.unwrap_or_default()
            ));
            let numbered = calls.iter().zip(1..);
            failed.extend(numbered.filter_map(|((call, kind), number)| {
                Some(format!("  {:?} at call {number}, {}", (*kind)?, call.name))
            }));
        }
        calls
    };
    let begun = Instant::now();
    let calls = perform(&[], false);
    let mut singles = 0;
    let mut pairs = Vec::new();
    for (place, (call, _)) in calls.iter().enumerate() {
        let at = place + 1;
        for kind in KINDS.into_iter().filter(|kind| call.admits(*kind)) {
            let first = Fault { at, kind };
            // A read has no lasting effect that could interact with a second fault.
            let is_met = call.writes && OF_PAIRS.contains(&kind);
            for upkeep in [false, true].into_iter().take(1 + usize::from(is_met)) {
                let after = perform(&[first], upkeep);
                singles += 1;
                if is_met {
                    pairs.extend(pair_faults(first, upkeep, &after[place..]));
                }
            }
        }
    }
    let all = pairs.len();
    let (twice, others): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|pair| pair.is_same_call);
    let mut chosen = 0;
    for (pairs, most) in [twice, others].into_iter().zip(MAX_PAIRS) {
        let step = pairs.len().div_ceil(most).max(1);
        for pair in pairs.into_iter().step_by(step) {
            perform(&pair.faults, pair.upkeep);
            chosen += 1;
        }
    }
    eprintln!(
        "{} in {database:?}: {} calls, {singles} single faults, {chosen} of {all} pairs, {:?}",
        scenario.name,
        calls.len(),
        begun.elapsed()
    );
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

/// Two faults of one run.
struct Pair {
    faults: [Fault; 2],
    is_same_call: bool,
    upkeep: bool,
}

/// The pairs of this fault, which hit `calls[0]`, with each fault at each later call that writes.
fn pair_faults(first: Fault, upkeep: bool, calls: &[(Call, Option<Kind>)]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (at, (call, _)) in calls.iter().enumerate().skip(1) {
        let kinds = OF_PAIRS.into_iter();
        let kinds = kinds.filter(|kind| call.writes && call.admits(*kind));
        pairs.extend(kinds.map(|kind| Pair {
            faults: [first, Fault { at, kind }],
            is_same_call: call.name == calls[0].0.name,
            upkeep,
        }));
    }
    pairs
}

#[test]
fn an_enrolment_survives_every_fault() {
    check_scenario(async |kind| {
        let world = AnyWorld::new_on(kind).await;
        let device = Device::rsa();
        let request = device.enrolment("device-1", CHALLENGE);
        let scenario = Scenario {
            name: "enrolment",
            messages: vec![Message {
                octets: device.message(&request, &world.ra_certificate),
                device,
                answer: PkiStatus::Success,
            }],
            acts: vec![Act::Ask(0)],
            state: "issued",
            certificates: 1,
            ..Scenario::default()
        };
        (world, scenario)
    });
}

#[test]
fn a_renewal_survives_every_fault() {
    check_scenario(async |kind| {
        let world = AnyWorld::new_on(kind).await;
        let device = world.enrol_renewable("device-1").await;
        world.run_maintenance().await.unwrap();
        let request = Device::rsa().renewal("device-1");
        let scenario = Scenario {
            name: "renewal",
            messages: vec![Message {
                octets: device.message(&request, &world.ra_certificate),
                device,
                answer: PkiStatus::Success,
            }],
            acts: vec![Act::Ask(0)],
            state: "issued",
            certificates: 2,
            ..Scenario::default()
        };
        (world, scenario)
    });
}

/// A scenario in which a request is pending, and an administrator decides on it, if there is a
/// decision: its name, its body, and the status that a poll gets afterwards.
async fn hold_request(
    kind: DatabaseKind,
    decision: Option<(&str, Value, PkiStatus)>,
) -> (AnyWorld, Scenario) {
    let world = AnyWorld::new_on(kind).await;
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = true)
        .await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let message = |request, answer| Message {
        device: device.clone(),
        octets: device.message(request, &world.ra_certificate),
        answer,
    };
    let mut scenario = Scenario {
        messages: vec![message(&request, PkiStatus::Pending)],
        acts: vec![Act::Ask(0)],
        ..Scenario::default()
    };
    if let Some((name, body, answer)) = decision {
        world.ask(&device, &request).await;
        let key = TransactionKey {
            scep_profile: world.find::<ScepProfile>().await.object.uuid,
            transaction_id: TransactionId::new(&request.transaction_id).unwrap(),
        };
        let path = format!("/scepTransactions/{}", key.uuid());
        let decide = Act::Administer(Post {
            path: format!("{path}/{name}"),
            body,
            status: 204,
            look: Some((path, |seen| seen["status"] != "PENDING")),
            quotes: true,
        });
        scenario.acts = vec![decide, Act::Ask(1)];
        let poll = device.poll(&request);
        scenario.messages.push(message(&poll, answer));
    }
    (world, scenario)
}

#[test]
fn a_request_that_waits_for_approval_survives_every_fault() {
    check_scenario(async |kind| {
        let (world, scenario) = hold_request(kind, None).await;
        let scenario = Scenario {
            name: "waiting",
            state: "pending",
            ..scenario
        };
        (world, scenario)
    });
}

#[test]
fn an_approval_survives_every_fault() {
    check_scenario(async |kind| {
        let decision = ("approve", Value::Null, PkiStatus::Success);
        let (world, scenario) = hold_request(kind, Some(decision)).await;
        let scenario = Scenario {
            name: "approval",
            state: "issued",
            certificates: 1,
            records: &[("approve", 1)],
            ..scenario
        };
        (world, scenario)
    });
}

#[test]
fn a_rejection_survives_every_fault() {
    check_scenario(async |kind| {
        let reason = json!({ "reason": "not today" });
        let decision = ("reject", reason, PkiStatus::Failure);
        let (world, scenario) = hold_request(kind, Some(decision)).await;
        let scenario = Scenario {
            name: "rejection",
            state: "rejected",
            records: &[("reject", 1)],
            ..scenario
        };
        (world, scenario)
    });
}

#[test]
fn a_revocation_with_a_successor_survives_every_fault() {
    check_scenario(async |kind| {
        let world = AnyWorld::new_on(kind).await;
        let device = world.enrol_renewable("device-1").await;
        world.run_maintenance().await.unwrap();
        let request = Device::rsa().renewal("device-1");
        let successor = world.ask(&device, &request).await.leaf();
        let scenario = Scenario {
            name: "revocation",
            acts: vec![Act::Revoke],
            revoked: vec![device.certificate, successor],
            state: "issued",
            certificates: 2,
            records: &[("revoke", 2)],
            ..Scenario::default()
        };
        (world, scenario)
    });
}

#[test]
fn the_beginning_of_a_rollover_survives_every_fault() {
    check_scenario(async |kind| {
        let world = AnyWorld::new_on(kind).await;
        let authority = list::<Authority>(&*world.store).await.unwrap();
        let begin = Act::Administer(Post {
            path: format!("/authorities/{}/rollover", authority[0].object.uuid),
            status: 200,
            ..Post::default()
        });
        let scenario = Scenario {
            name: "rollover",
            acts: vec![begin],
            ca_keys: 1,
            records: &[("rollover", 1)],
            ..Scenario::default()
        };
        (world, scenario)
    });
}

#[test]
fn the_activation_of_a_rollover_survives_every_fault() {
    check_scenario(async |kind| {
        let world = AnyWorld::new_on(kind).await;
        let authority = list::<Authority>(&*world.store).await.unwrap();
        let authority = authority[0].object.uuid;
        let next = NextKey {
            algorithm: None,
            key: None,
            validity: Period::years(10),
        };
        let begun = world.administration.begin_rollover(authority, next).await;
        begun.unwrap();
        let path = format!("/authorities/{authority}");
        let activate = Act::Administer(Post {
            path: format!("{path}/rollover/activate"),
            status: 200,
            look: Some((path, |seen| seen["next"].is_null())),
            ..Post::default()
        });
        let device = Device::rsa();
        let request = device.enrolment("device-1", CHALLENGE);
        let scenario = Scenario {
            name: "activation",
            messages: vec![Message {
                octets: device.message(&request, &world.ra_certificate),
                device,
                answer: PkiStatus::Success,
            }],
            acts: vec![activate, Act::Ask(0)],
            state: "issued",
            certificates: 1,
            records: &[("rollover", 1)],
            ..Scenario::default()
        };
        (world, scenario)
    });
}

#[test]
fn the_making_of_an_authority_survives_every_fault() {
    check_scenario(async |kind| {
        let make = Act::Administer(Post {
            path: "/authorities".to_owned(),
            body: json!({
                "name": "another-ca", "subject": "CN=Another CA", "keyAlgorithm": "EC_P256"
            }),
            status: 201,
            look: Some(("/authorities".to_owned(), |found| {
                let mut found = found.as_array().unwrap().iter();
                found.any(|found| found["name"] == "another-ca")
            })),
            ..Post::default()
        });
        let scenario = Scenario {
            name: "authority",
            acts: vec![make],
            ca_keys: 1,
            records: &[("create", 1)],
            ..Scenario::default()
        };
        (AnyWorld::new_on(kind).await, scenario)
    });
}

#[test]
fn the_making_of_an_ra_certificate_survives_every_fault() {
    check_scenario(async |kind| {
        let world = AnyWorld::new_on(kind).await;
        let made = authority(&world.administration, "another-ca", KeyAlgorithm::EcP256).await;
        let path = format!("/authorities/{}/raCertificates", made.uuid);
        let make = Act::Administer(Post {
            path: path.clone(),
            body: json!({ "commonName": "RA" }),
            status: 201,
            look: Some((path, |found| !found.as_array().unwrap().is_empty())),
            ..Post::default()
        });
        let scenario = Scenario {
            name: "RA certificate",
            acts: vec![make],
            ..Scenario::default()
        };
        (world, scenario)
    });
}

#[test]
fn upkeep_survives_every_fault() {
    check_scenario(async |kind| {
        let mut world = AnyWorld::new_on(kind).await;
        let keys = world.enrolment.ca_keys.clone();
        world.enrolment.ca_keys = Arc::new(WatchedKeys::failing(keys.clone()));
        let device = Device::rsa();
        let request = device.enrolment("device-1", CHALLENGE);
        let message = device.message(&request, &world.ra_certificate);
        assert_status(&world.post(message).await, 503);
        world.enrolment.ca_keys = keys;
        // The CRL is past half of its validity, and the RA keys are close to expiry.
        world.clock.advance(Duration::from_secs(710 * 24 * 60 * 60));
        let scenario = Scenario {
            name: "upkeep",
            acts: vec![Act::Upkeep],
            state: "issued",
            certificates: 1,
            records: &[("rotate", 1)],
            ..Scenario::default()
        };
        (world, scenario)
    });
}
