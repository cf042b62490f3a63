//! A server for browsers: the console and the management API, with people of a user pool.
//!
//! Writes one line of JSON to standard output once it answers, and ends when its standard input
//! does. The URLs of the pool below `/_tests/` are in `user_pool.rs`.

use std::io::Read;
use std::sync::Arc;

use scepter_tests::people_door::PeopleDoor;
use scepter_tests::user_pool::{Person, UserPoolDouble};
use scepter_tests::world::World;
use serde_json::json;

/// The password of everybody.
const PASSWORD: &str = "correct horse battery";

/// The people, and the groups of each.
const PEOPLE: [(&str, &[&str]); 6] = [
    (
        "chief",
        &[
            "scepter-readers",
            "scepter-writers",
            "scepter-approvers",
            "scepter-challengers",
        ],
    ),
    ("reader", &["scepter-readers"]),
    ("writer", &["scepter-readers", "scepter-writers"]),
    ("approver", &["scepter-readers", "scepter-approvers"]),
    ("challenger", &["scepter-challengers"]),
    ("outsider", &[]),
];

#[tokio::main]
async fn main() {
    let pool = Arc::new(UserPoolDouble::start().await);
    for (name, groups) in PEOPLE {
        pool.add(&Person {
            name,
            password: PASSWORD,
            groups,
        });
    }
    let world = World::new().await;
    let door = PeopleDoor::open(world.administration.clone(), &pool).await;
    let names: Vec<_> = PEOPLE.iter().map(|(name, _)| name).collect();
    println!(
        "{}",
        json!({
            "url": door.url, "pool": pool.locate(""), "people": names, "password": PASSWORD,
        })
    );
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    let _ = ended.await;
}
