//! Orders of keys: what a failed attempt leaves, and how the next one and maintenance use it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use scepter_tests::admin::{Admin, text};
use scepter_tests::world::World;
use serde_json::{Value, json};

use crate::crash::failing::WatchedKeys;

/// A world whose CA keys are counted, and whose next signature fails.
async fn build_failing_world() -> (World, Admin, Arc<WatchedKeys>) {
    let mut world = World::new().await;
    let keys = Arc::new(WatchedKeys::failing(world.administration.ca_keys.clone()));
    world.administration.ca_keys = keys.clone();
    let admin = Admin::of(&world);
    (world, admin, keys)
}

fn build_request(key_algorithm: &str) -> Value {
    json!({ "name": "second", "subject": "CN=Second", "keyAlgorithm": key_algorithm })
}

#[tokio::test]
async fn a_failed_attempt_names_its_key_and_the_next_one_uses_it() {
    let (_world, admin, keys) = build_failing_world().await;
    let failed = admin.post("/authorities", build_request("EC_P256")).await;
    assert_eq!(failed.status.as_u16(), 503, "{}", failed.body);
    let message = text(&failed.body["message"]);
    let key = message.split_whitespace().nth(2).unwrap();
    assert_eq!(keys.generated.load(Ordering::SeqCst), 1);
    // Nobody gets a key of another kind than they asked for.
    let other = admin.post("/authorities", build_request("EC_P384")).await;
    assert_eq!(other.status.as_u16(), 422, "{}", other.body);
    assert!(text(&other.body[0]).contains("EC_P256"), "{}", other.body);
    let created = admin.post("/authorities", build_request("EC_P256")).await;
    assert_eq!(created.status.as_u16(), 201, "{}", created.body);
    assert_eq!(created.body["keyReference"], key);
    assert_eq!(keys.generated.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn maintenance_finishes_what_an_attempt_has_left() {
    let (world, admin, keys) = build_failing_world().await;
    let failed = admin.post("/authorities", build_request("EC_P256")).await;
    assert_eq!(failed.status.as_u16(), 503, "{}", failed.body);
    world.run_maintenance().await.unwrap();
    let found = admin.find("/authorities", "second").await;
    let authority = admin.get(&format!("/authorities/{found}")).await.body;
    assert_eq!(authority["state"], "ACTIVE", "{authority}");
    assert_eq!(keys.generated.load(Ordering::SeqCst), 1);
    let again = admin.post("/authorities", build_request("EC_P256")).await;
    assert_eq!(again.status.as_u16(), 409, "{}", again.body);
}

#[tokio::test]
async fn a_key_that_was_deleted_is_given_up_and_the_name_is_free() {
    let (world, admin, keys) = build_failing_world().await;
    let failed = admin.post("/authorities", build_request("EC_P256")).await;
    assert_eq!(failed.status.as_u16(), 503, "{}", failed.body);
    let message = text(&failed.body["message"]);
    let key = message.split_whitespace().nth(2).unwrap();
    std::fs::remove_file(world.key_folder().join(format!("{key}.key"))).unwrap();
    // This run says that it failed; the order does not make the next one fail.
    assert!(world.run_maintenance().await.is_err());
    world.run_maintenance().await.unwrap();
    let created = admin.post("/authorities", build_request("EC_P256")).await;
    assert_eq!(created.status.as_u16(), 201, "{}", created.body);
    assert_ne!(created.body["keyReference"], key);
    assert_eq!(keys.generated.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_rollover_continues_with_the_key_of_a_failed_attempt() {
    let (world, admin, keys) = build_failing_world().await;
    let uuid = admin.find("/authorities", "test-ca").await;
    let rollover = format!("/authorities/{uuid}/rollover");
    let failed = admin.post(&rollover, json!({})).await;
    assert_eq!(failed.status.as_u16(), 503, "{}", failed.body);
    let begun = admin.post(&rollover, json!({})).await;
    assert_eq!(begun.status.as_u16(), 200, "{}", begun.body);
    world.clock.advance(Duration::from_secs(31));
    world.run_maintenance().await.unwrap();
    assert_eq!(keys.generated.load(Ordering::SeqCst), 1);
}
