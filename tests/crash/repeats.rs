//! Writes of one item in DynamoDB: one whose answer is lost is repeated by the SDK, and counts
//! once; one that meets a transaction is made all the same.

use std::sync::Arc;

use ca::generation::Generation;
use newtype_uuid::TypedUuid;
use scep_protocol::id::RefusalUuid;
use scep_protocol::lockout::{Lockout, LockoutSubject};
use scep_protocol::refusal::Refusal;
use scep_protocol::refusal_record::{RefusalRecord, RefusalVerdict, RequestOutline};
use scep_protocol::transaction::Fingerprint;
use scep_service::error::StoreError;
use scep_service::ports::{
    EnvelopeSighting, RequestLog, Store, StoredCrl, Transactions, WriteOutcome,
};
use scep_service::statistics::{HourlyCounts, Series};
use scepter_tests::clock::TestClock;
use scepter_tests::world::store;
use store_dynamodb::{DynamoDbStore, Tables};
use store_embedded::EmbeddedDynamoDb;
use time::{Duration, OffsetDateTime};

use crate::crash::faulty::{Fault, Faults, Kind, client};

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

/// A store whose calls have these faults, and what counts them.
async fn build_faulty_store(faults: &[Fault]) -> (EmbeddedDynamoDb, DynamoDbStore, Arc<Faults>) {
    let (database, _) = store().await;
    let faults = Faults::new(faults, Arc::new(TestClock::at(NOW)));
    let tables = Tables::prefixed("test");
    let faulty = DynamoDbStore::new(client(&database.client(), &faults), tables);
    (database, faulty, faults)
}

/// A store whose first call is carried out twice.
async fn build_repeating_store() -> (EmbeddedDynamoDb, DynamoDbStore) {
    let kind = Kind::AskedAgain;
    let (database, store, _) = build_faulty_store(&[Fault { at: 1, kind }]).await;
    (database, store)
}

#[tokio::test]
async fn a_wrong_challenge_is_counted_once() {
    let (_database, store) = build_repeating_store().await;
    let subject = LockoutSubject::Key(Fingerprint([7; 32]));
    let counted = Lockout::none(TypedUuid::nil(), subject, NOW).with_failure(NOW);
    let outcome = store.count_failure(&counted).await.unwrap();
    assert_eq!(outcome, WriteOutcome::Won);
    // The same count by another process comes second.
    let outcome = store.count_failure(&counted).await.unwrap();
    assert_eq!(outcome, WriteOutcome::Lost);
}

#[tokio::test]
async fn an_envelope_is_seen_once() {
    let (_database, store) = build_repeating_store().await;
    let (key, until) = (Fingerprint([7; 32]), NOW + Duration::MINUTE);
    let see = async || store.remember_envelope(key, key, until, NOW).await.unwrap();
    assert_eq!(see().await, EnvelopeSighting::First);
    assert_eq!(see().await, EnvelopeSighting::Repeated);
}

#[tokio::test]
async fn a_refused_request_is_recorded_once() {
    let (_database, store) = build_repeating_store().await;
    let verdict = RefusalVerdict::of_refusal(&Refusal::ChallengeUsed, true);
    let record = RefusalRecord {
        uuid: RefusalUuid::from_u128(1),
        at: NOW,
        until: NOW + Duration::DAY,
        outline: RequestOutline::new(TypedUuid::nil(), None, None),
        reason: verdict.reason,
        failed: verdict.failed,
        message: verdict.message,
        fail_info: verdict.fail_info,
    };
    let put = async || store.put_refusal(&record).await.unwrap();
    assert_eq!(put().await, WriteOutcome::Won);
    assert_eq!(put().await, WriteOutcome::Lost);
}

#[tokio::test]
async fn a_replaced_crl_leaves_no_parts() {
    // The second CRL takes a put of its part, a read of the first head, and a put of its own.
    for at in [4, 5, 6] {
        let kind = Kind::AskedAgain;
        let (database, store, _) = build_faulty_store(&[Fault { at, kind }]).await;
        let authority = TypedUuid::nil();
        let mut last = None;
        for number in 1..=2 {
            let crl = StoredCrl {
                der: vec![1; 3],
                number,
                this_update: NOW,
                next_update: NOW + Duration::DAY,
            };
            let put = store.replace_crl(authority, Generation::FIRST, &crl, last);
            assert_eq!(put.await.unwrap(), WriteOutcome::Won, "{at}");
            last = Some(number);
        }
        // The head and its only part.
        assert_eq!(database.items("test-profiles").unwrap().len(), 2, "{at}");
    }
}

/// Counts a request while other transactions write the same item for this many calls.
async fn count_in_conflict(conflicts: usize) -> (Result<(), StoreError>, HourlyCounts, usize) {
    let fault = Fault {
        at: 1,
        kind: Kind::Conflicts,
    };
    let (_database, store, faults) = build_faulty_store(&vec![fault; conflicts]).await;
    let mut counts = HourlyCounts::default();
    counts.add(NOW, Series::Enrolments, 1);
    let counted = store.add_counts(&counts).await;
    let calls = faults.state.lock().unwrap().calls.len();
    let found = faults.pause(store.counts(NOW, NOW)).await.unwrap();
    (counted, found, calls)
}

#[tokio::test]
async fn a_count_that_meets_a_transaction_is_not_lost() {
    let (counted, found, calls) = count_in_conflict(2).await;
    counted.unwrap();
    assert_eq!((found.is_empty(), calls), (false, 3));
    let (counted, found, _) = count_in_conflict(5).await;
    assert!(matches!(counted, Err(StoreError::Conflict)), "{counted:?}");
    assert!(found.is_empty());
}
