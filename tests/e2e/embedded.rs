//! Properties of the embedded engine alone: files, tables that it creates, and the removal of
//! expired items.

use aws_sdk_dynamodb::types::AttributeValue;
use ca::key_algorithm::KeyAlgorithm;
use newtype_uuid::TypedUuid;
use scep_protocol::notice::{IssuedCertificate, Notice, NoticeEvent, NoticeReceiver};
use scep_protocol::profile::{RaProfile, ScepProfile};
use scep_service::audit::AuditRecord;
use scep_service::error::StoreError;
use scep_service::inventory::{AuditFilter, PageRequest};
use scep_service::object::{Reference, read};
use scep_service::ports::{Change, CreationOutcome, Store, Transactions};
use scepter_tests::device::Device;
use scepter_tests::objects::{audit, create, stored};
use scepter_tests::samples::{claim, key, one_time_challenge, ra_profile, record};
use scepter_tests::world::store;
use store_dynamodb::{DynamoDbStore, Tables, check_tables, create_tables};
use store_embedded::EmbeddedDynamoDb;
use strum::VariantArray;
use time::OffsetDateTime;

use crate::contract::alternative_names::record_many_names;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const MINUTE: time::Duration = time::Duration::MINUTE;

#[tokio::test]
async fn issued_transactions_expire_and_issuing_ones_do_not() {
    let (database, store) = store().await;
    let mut first = claim(key("t 1"), None, NOW);
    first.request_until = OffsetDateTime::now_utc() + MINUTE;
    store.claim(&first).await.unwrap();
    assert_eq!(database.remove_expired().unwrap(), 0);
    store
        .complete(
            first.claim,
            &record(key("t 1"), 0x0A, &Device::ec().certificate, NOW),
            NOW + MINUTE,
            &[],
        )
        .await
        .unwrap();
    assert_eq!(database.remove_expired().unwrap(), 1);
    assert!(store.transaction(first.key.uuid()).await.unwrap().is_none());
    assert!(
        store
            .certificate(TypedUuid::nil(), "0A")
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_page_reads_a_bounded_number_of_certificates() {
    let (_database, store) = store().await;
    let last = record_many_names(&store).await;
    let request = PageRequest {
        limit: 1,
        cursor: None,
    };
    let first = store.certificates(&last, &request).await.unwrap();
    assert!(first.items.is_empty() && first.cursor.is_some());
}

/// A Lambda function cannot answer with more than 6 MB.
#[tokio::test]
async fn pages_of_large_records_are_short_and_lead_to_every_record() {
    let (_database, store) = store().await;
    let profile = ra_profile("routers");
    create(&store, &profile).await.unwrap();
    for version in 1..20 {
        let change = Change::Replace {
            object: stored(&profile, version + 1),
            read: version,
            added: Vec::new(),
            removed: Vec::new(),
        };
        let record = AuditRecord {
            before: Some("x".repeat(300_000)),
            ..audit(Reference::to::<RaProfile>(profile.uuid))
        };
        store.apply(&change, &record).await.unwrap();
    }
    let (mut cursor, mut found, mut pages) = (None, 0, 0);
    loop {
        let request = PageRequest { limit: 500, cursor };
        let filter = AuditFilter::default();
        let page = store.audit_records(&filter, &request).await.unwrap();
        let octets: usize = page
            .items
            .iter()
            .filter_map(|record| Some(record.before.as_ref()?.len()))
            .sum();
        assert!(octets < 1_400_000, "{octets}");
        found += page.items.len();
        pages += 1;
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    // The first record is that of the creation.
    assert_eq!((found, pages), (20, 5));
}

#[tokio::test]
async fn a_page_of_large_challenges_is_short() {
    let (_database, store) = store().await;
    let now = OffsetDateTime::now_utc();
    let challenges: Vec<_> = std::iter::repeat_with(|| one_time_challenge(1, now))
        .map(|mut challenge| {
            let annotation = ("note".to_owned(), "x".repeat(15_000));
            challenge.terms.annotations.extend([annotation]);
            challenge
        })
        .take(120)
        .collect();
    let profile = challenges[0].scep_profile;
    let record = audit(Reference::to::<ScepProfile>(profile));
    let created = store.create_challenges(&challenges, now, &record).await;
    assert_eq!(created.unwrap(), CreationOutcome::Created);
    let read = async |cursor| {
        let request = PageRequest { limit: 500, cursor };
        let page = store.challenges(profile, None, &request, now).await;
        page.unwrap()
    };
    let first = read(None).await;
    assert_eq!((first.items.len(), first.cursor.is_some()), (100, true));
    let rest = read(first.cursor).await;
    assert_eq!((rest.items.len(), rest.cursor), (20, None));
}

#[tokio::test]
async fn notices_that_cannot_be_read_do_not_hide_what_follows() {
    let (database, store) = store().await;
    for number in 0..150 {
        let notice = database
            .client()
            .put_item()
            .table_name("test-transactions")
            .item("id", AttributeValue::S(format!("notice/{number}")))
            .item("state", AttributeValue::S("notice".to_owned()))
            .item("createdAt", AttributeValue::N("0".to_owned()));
        notice.send().await.unwrap();
    }
    let event = NoticeEvent::Issued(IssuedCertificate {
        authority: TypedUuid::nil(),
        certificate: TypedUuid::nil(),
        csr: None,
    });
    let (receiver, at) = (NoticeReceiver::Webhook, NOW + MINUTE);
    let notice = Notice::new(TypedUuid::nil(), TypedUuid::nil(), receiver, event, at);
    store.put_notice(&notice).await.unwrap();
    let due = store.due_notices(notice.due_at, 100).await.unwrap();
    assert_eq!(due, [notice]);
}

#[tokio::test]
async fn what_is_in_a_file_is_there_after_it_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    let open = || EmbeddedDynamoDb::open(&folder.path().join("test.db")).unwrap();
    let tables = Tables::prefixed("test");
    let profile = ra_profile("routers");
    for round in 0..2 {
        let client = open().client();
        create_tables(&client, &tables).await.unwrap();
        check_tables(&client, &tables).await.unwrap();
        let store = DynamoDbStore::new(client, tables.clone());
        if round == 0 {
            create(&store, &profile).await.unwrap();
        }
        let found = read::<RaProfile>(&store, profile.uuid).await.unwrap();
        assert!(found.is_some());
    }
}

#[tokio::test]
async fn tables_without_their_indexes_are_found_out() {
    let client = EmbeddedDynamoDb::in_memory().unwrap().client();
    let tables = Tables::prefixed("test");
    assert!(check_tables(&client, &tables).await.is_err());
    create_tables(&client, &tables).await.unwrap();
    check_tables(&client, &tables).await.unwrap();
    // All tables exist, but none has the indexes that its new role requires.
    let turned = Tables {
        profiles: tables.transactions,
        transactions: tables.certificates,
        certificates: tables.profiles,
    };
    let refused = check_tables(&client, &turned).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })));
}

#[test]
fn a_key_algorithm_has_one_name_in_documents_attributes_and_settings() {
    for &algorithm in KeyAlgorithm::VARIANTS {
        assert_eq!(serde_json::to_value(algorithm).unwrap(), algorithm.name());
        assert_eq!(algorithm.name().parse(), Ok(algorithm));
        let document = serde_json::json!(algorithm.name());
        assert_eq!(serde_json::from_value(document).ok(), Some(algorithm));
    }
    let names = KeyAlgorithm::VARIANTS.iter().map(|known| known.name());
    let expected = [
        "RSA_2048", "RSA_3072", "RSA_4096", "EC_P256", "EC_P384", "EC_P521",
    ];
    assert!(names.eq(expected));
}
