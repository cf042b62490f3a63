//! The stored formats: this version reads what the last release has written.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ca::authority::Authority;
use ca::key_order::KeyOrder;
use scep_protocol::profile::{RaProfile, ScepProfile};
use scep_protocol::ra_certificate::RaCertificate;
use scep_service::error_chain::ErrorChain;
use scep_service::object::list;
use scepter_tests::admin::Admin;
use scepter_tests::device::Device;
use scepter_tests::world::World;
use serde_json::{Value, json};
use store_dynamodb::{DynamoDbStore, ExportPosition, FORMAT_VERSION, Tables, create_tables};
use store_embedded::EmbeddedDynamoDb;

const TABLES: [&str; 3] = ["profiles", "certificates", "transactions"];

/// When this is set, the test records the items of this version as those of a release.
const RECORD: &str = "SCEPTER_RECORD_RELEASE";

/// The items of the last release, by table, in DynamoDB's JSON.
fn items_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("last-release/items.json")
}

/// The items of a world in which something of everything has happened.
async fn write_items() -> BTreeMap<&'static str, Vec<Value>> {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let certificate = world.enrolled("good").await.certificate;
    world.enrolled("renewed").await;
    let reason = json!({ "reason": "keyCompromise" });
    admin.revoke(&certificate, reason).await.expect(204);
    let device = Device::ec();
    let guess = device.enrolment("guess", "a wrong challenge");
    let message = device.message(&guess, &world.ra_certificate);
    world.post(message).await;
    world.run_maintenance().await.unwrap();
    TABLES
        .into_iter()
        .map(|table| {
            let items = world.database.items(&format!("test-{table}")).unwrap();
            (table, items)
        })
        .collect()
}

fn to_attribute(json: &Value) -> AttributeValue {
    let (kind, value) = json.as_object().unwrap().iter().next().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = || value.as_array().unwrap().iter();
    match kind.as_str() {
        "S" => AttributeValue::S(text(value)),
        "N" => AttributeValue::N(text(value)),
        "B" => AttributeValue::B(Blob::new(STANDARD.decode(text(value)).unwrap())),
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
        "NULL" => AttributeValue::Null(true),
        "L" => AttributeValue::L(list().map(to_attribute).collect()),
        "SS" => AttributeValue::Ss(list().map(text).collect()),
        "M" => AttributeValue::M(to_item(value)),
        kind => panic!("an attribute of the type {kind}"),
    }
}

fn to_item(json: &Value) -> HashMap<String, AttributeValue> {
    let attributes = json.as_object().unwrap().iter();
    attributes
        .map(|(name, value)| (name.clone(), to_attribute(value)))
        .collect()
}

/// The version of the format of an item.
fn read_format(item: &Value) -> u32 {
    let format = item.get("format");
    format.map_or(1, |format| format["N"].as_str().unwrap().parse().unwrap())
}

/// A store with these items.
async fn fill_store(items: &BTreeMap<String, Vec<Value>>) -> DynamoDbStore {
    let database = EmbeddedDynamoDb::in_memory().unwrap();
    let (client, tables) = (database.client(), Tables::prefixed("release"));
    create_tables(&client, &tables).await.unwrap();
    for (table, items) in items {
        for item in items {
            let put = client
                .put_item()
                .table_name(format!("release-{table}"))
                .set_item(Some(to_item(item)));
            put.send().await.unwrap();
        }
    }
    DynamoDbStore::new(client, tables)
}

fn read_released() -> BTreeMap<String, Vec<Value>> {
    let text = std::fs::read_to_string(items_path()).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn what_the_last_release_has_stored_is_read() {
    let current = write_items().await;
    if std::env::var_os(RECORD).is_some() {
        let text = serde_json::to_string_pretty(&current).unwrap();
        std::fs::write(items_path(), text + "\n").unwrap();
    }
    let formats = |items: &Vec<Value>| items.iter().map(read_format).max();
    assert_eq!(
        current.values().filter_map(formats).max(),
        Some(FORMAT_VERSION)
    );
    let released = read_released();
    assert!(released.values().filter_map(formats).max() <= Some(FORMAT_VERSION));
    let store = fill_store(&released).await;
    let (mut items, mut records) = (0, 0);
    let mut position = Some(ExportPosition::default());
    while let Some(at) = position {
        let page = store.export(at).await.unwrap();
        items += page.items;
        records += page.records.len();
        position = page.next;
    }
    assert_eq!(items, released.values().map(Vec::len).sum::<usize>());
    assert!(records * 2 > items, "{records} records in {items} items");
    // The documents of objects have formats of their own.
    assert!(!list::<Authority>(&store).await.unwrap().is_empty());
    assert!(!list::<RaCertificate>(&store).await.unwrap().is_empty());
    assert!(!list::<RaProfile>(&store).await.unwrap().is_empty());
    assert!(!list::<ScepProfile>(&store).await.unwrap().is_empty());
    list::<KeyOrder>(&store).await.unwrap();
}

#[tokio::test]
async fn an_item_of_a_later_format_fails_what_needs_it_and_nothing_else() {
    let mut items = read_released();
    for item in items.get_mut("profiles").unwrap() {
        if item["kind"]["S"] == "authority" {
            item["format"] = json!({ "N": (FORMAT_VERSION + 1).to_string() });
        }
    }
    let store = fill_store(&items).await;
    let error = list::<Authority>(&store).await.unwrap_err();
    let chain = ErrorChain(&error).to_string();
    assert!(chain.contains("its format is 2"), "{chain}");
    assert!(!list::<RaProfile>(&store).await.unwrap().is_empty());
}
