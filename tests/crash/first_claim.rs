//! A claim that takes several writes, in DynamoDB: whatever happens between them, its claimant
//! signs only what is on record, and the transaction is not stuck.

use std::sync::Arc;

use scep_protocol::transaction::{Transaction, TransactionState};
use scep_service::ports::{Claim, GuardedOutcome, Transactions};
use scepter_tests::clock::TestClock;
use scepter_tests::device::Device;
use scepter_tests::samples::{claim, key, record};
use scepter_tests::world::store;
use store_dynamodb::{DynamoDbStore, Tables, create_tables};
use time::OffsetDateTime;

use crate::crash::faulty::{Fault, Faults, Kind, Side, client};

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

async fn find(store: &DynamoDbStore, claim: &Claim) -> Option<Transaction> {
    store.transaction(claim.key.uuid()).await.unwrap()
}

/// Another request of the same transaction, which replaces what it finds.
async fn claim_again(store: &DynamoDbStore, first: &Claim) -> Claim {
    let known = find(store, first).await.map(|known| known.claim);
    let mut second = claim(key("t 1"), known, NOW);
    let request = store.same_request(first.key.scep_profile, &first.request, first.requester_key);
    second.replaced.request = request.await.unwrap().map(|same| same.claim);
    assert_eq!(store.claim(&second).await.unwrap(), GuardedOutcome::Won);
    second
}

/// Checks that a claim is completed if it was won, and that another one completes the transaction
/// if it was not.
async fn check_outcome(store: &DynamoDbStore, first: &Claim, outcome: Option<GuardedOutcome>) {
    let known = find(store, first).await;
    let state = known.map(|known| known.state);
    if outcome == Some(GuardedOutcome::Won) {
        let Some(TransactionState::Issuing { issuance, .. }) = &state else {
            panic!("won, and {state:?}");
        };
        assert_eq!(*issuance, first.issuance);
    }
    let holder = match state {
        Some(TransactionState::Issuing { .. }) => first.clone(),
        _ => claim_again(store, first).await,
    };
    let certificate = Device::ec().certificate;
    let issued = record(key("t 1"), 0x0A, &certificate, NOW);
    let completed = store.complete(holder.claim, &issued, NOW, &[]).await;
    assert_eq!(completed.unwrap(), GuardedOutcome::Won);
    let known = find(store, first).await;
    assert!(matches!(
        known.map(|known| known.state),
        Some(TransactionState::Issued { .. })
    ));
}

/// Claims with a fault at a call, and returns the outcome; `None` if the process ended. A process
/// that is overtaken meets one that reads the transaction.
async fn claim_with(fault: Fault) -> (DynamoDbStore, Claim, Option<GuardedOutcome>, usize) {
    let (database, store) = store().await;
    let faults = Faults::new(&[fault], Arc::new(TestClock::at(NOW)));
    let tables = Tables::prefixed("test");
    let faulty = DynamoDbStore::new(client(&database.client(), &faults), tables);
    let first = claim(key("t 1"), None, NOW);
    let look = || async {
        find(&store, &first).await;
    };
    let outcome = faults.drive(faulty.claim(&first), look).await;
    let calls = faults.state.lock().unwrap().calls.len();
    (store, first, outcome.and_then(Result::ok), calls)
}

#[tokio::test]
async fn a_claim_that_stops_or_is_seen_between_its_writes_leaves_a_transaction_that_goes_on() {
    let mut lost = 0;
    for at in 1..=5 {
        for kind in [
            Kind::Ends(Side::Before),
            Kind::Ends(Side::After),
            Kind::Fails,
            Kind::Lost,
            Kind::AskedAgain,
            Kind::Overtaken(Side::Before),
            Kind::Overtaken(Side::After),
        ] {
            let (store, first, outcome, _) = claim_with(Fault { at, kind }).await;
            lost += usize::from(outcome == Some(GuardedOutcome::Lost));
            check_outcome(&store, &first, outcome).await;
        }
    }
    // Who looks between the two writes has the claimant give way.
    assert_eq!(lost, 2);
}

#[tokio::test]
async fn a_new_request_is_claimed_in_five_calls() {
    let never = Fault {
        at: 6,
        kind: Kind::Fails,
    };
    let (store, first, outcome, calls) = claim_with(never).await;
    assert_eq!((outcome, calls), (Some(GuardedOutcome::Won), 5));
    check_outcome(&store, &first, outcome).await;
}

/// As after a restore of the inventory alone.
#[tokio::test]
async fn a_transaction_whose_certificate_has_no_record_makes_way_for_the_next_request() {
    let (database, store) = store().await;
    let first = claim(key("t 1"), None, NOW);
    assert_eq!(store.claim(&first).await.unwrap(), GuardedOutcome::Won);
    check_outcome(&store, &first, Some(GuardedOutcome::Won)).await;
    let others = Tables::prefixed("other");
    create_tables(&database.client(), &others).await.unwrap();
    let tables = Tables {
        certificates: others.certificates,
        ..Tables::prefixed("test")
    };
    let without_record = DynamoDbStore::new(database.client(), tables);
    let known = find(&without_record, &first).await.unwrap();
    assert!(matches!(known.state, TransactionState::Rejected { .. }));
    claim_again(&without_record, &first).await;
}
