//! The contract of the transaction store: claims, takeovers and completion.

use newtype_uuid::TypedUuid;
use scep_protocol::id::ClaimUuid;
use scep_protocol::transaction::TransactionState;
use scep_service::error::StoreError;
use scep_service::inventory::CertificateRecord;
use scep_service::ports::{Claim, ClaimKind, GuardedOutcome, Transactions, WriteOutcome};
use scepter_tests::device::Device;
use scepter_tests::samples;
use scepter_tests::samples::key;
use time::OffsetDateTime;

use super::adapters::store;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const MINUTE: time::Duration = time::Duration::MINUTE;

fn new_claim(replacing: Option<ClaimUuid>) -> Claim {
    samples::claim(key("t 1"), replacing, NOW)
}

fn new_record(serial_number: u128) -> CertificateRecord {
    samples::record(key("t 1"), serial_number, &Device::ec().certificate, NOW)
}

#[tokio::test]
async fn a_transaction_is_claimed_once() {
    let (_guard, store) = store().await;
    assert!(
        store
            .transaction(key("t 1").uuid())
            .await
            .unwrap()
            .is_none()
    );
    let (first, second) = (new_claim(None), new_claim(None));
    assert_eq!(store.claim(&first).await.unwrap(), GuardedOutcome::Won);
    assert_eq!(store.claim(&second).await.unwrap(), GuardedOutcome::Lost);
    let known = store.transaction(key("t 1").uuid()).await.unwrap().unwrap();
    assert_eq!(
        (
            known.claim,
            known.request,
            known.signer_key,
            known.requester_key
        ),
        (
            first.claim,
            first.request,
            first.signer_key,
            first.requester_key
        )
    );
    let TransactionState::Issuing {
        issuance,
        lease_until,
    } = known.state
    else {
        panic!("{known:?}");
    };
    assert_eq!(
        (issuance, ClaimKind::Sign(lease_until)),
        (first.issuance, first.stage)
    );
    assert!(
        store
            .transaction(key("t 2").uuid())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_repeated_claim_of_the_same_claimant_is_won() {
    let (_guard, store) = store().await;
    let first = new_claim(None);
    assert_eq!(store.claim(&first).await.unwrap(), GuardedOutcome::Won);
    // As the SDK repeats it when the response was lost.
    assert_eq!(store.claim(&first).await.unwrap(), GuardedOutcome::Won);
}

#[tokio::test]
async fn a_claim_replaces_only_what_it_read() {
    let (_guard, store) = store().await;
    let first = new_claim(None);
    store.claim(&first).await.unwrap();
    let second = new_claim(Some(first.claim));
    assert_eq!(store.claim(&second).await.unwrap(), GuardedOutcome::Won);
    assert_eq!(
        store.claim(&new_claim(Some(first.claim))).await.unwrap(),
        GuardedOutcome::Lost
    );
}

#[tokio::test]
async fn an_expired_claim_is_taken_over_once() {
    let (_guard, store) = store().await;
    let first = new_claim(None);
    store.claim(&first).await.unwrap();
    let (second, third) = (TypedUuid::new_v4(), TypedUuid::new_v4());
    let until = NOW + 2 * MINUTE;
    let taken = |claim| store.take_over(&first.key, first.claim, claim, until);
    assert_eq!(taken(second).await.unwrap(), WriteOutcome::Won);
    assert_eq!(taken(third).await.unwrap(), WriteOutcome::Lost);
    assert_eq!(taken(second).await.unwrap(), WriteOutcome::Won);
    let known = store.transaction(first.key.uuid()).await.unwrap().unwrap();
    assert_eq!(known.claim, second);
    let TransactionState::Issuing {
        issuance,
        lease_until,
    } = known.state
    else {
        panic!("{known:?}");
    };
    assert_eq!((issuance, lease_until), (first.issuance, until));
}

#[tokio::test]
async fn only_the_holder_of_the_claim_records_a_certificate() {
    let (_guard, store) = store().await;
    let first = new_claim(None);
    store.claim(&first).await.unwrap();
    let (mine, theirs) = (new_record(0x0A), new_record(0x0B));
    let complete = |claim, record| {
        let store = store.clone();
        async move {
            store
                .complete(claim, record, NOW + MINUTE, &[])
                .await
                .unwrap()
        }
    };
    assert_eq!(
        complete(TypedUuid::new_v4(), &theirs).await,
        GuardedOutcome::Lost
    );
    assert_eq!(complete(first.claim, &mine).await, GuardedOutcome::Won);
    assert_eq!(complete(first.claim, &theirs).await, GuardedOutcome::Lost);
    assert_eq!(
        store
            .certificate(TypedUuid::nil(), "0A")
            .await
            .unwrap()
            .as_ref(),
        Some(&mine)
    );
    assert!(
        store
            .certificate(TypedUuid::nil(), "0B")
            .await
            .unwrap()
            .is_none()
    );
    let known = store.transaction(first.key.uuid()).await.unwrap().unwrap();
    let TransactionState::Issued { certificate, .. } = known.state else {
        panic!("{known:?}");
    };
    assert_eq!(certificate, mine.certificate);
    let later = store
        .take_over(&first.key, first.claim, TypedUuid::new_v4(), NOW)
        .await
        .unwrap();
    assert_eq!(later, WriteOutcome::Lost);
}

#[tokio::test]
async fn a_serial_number_is_recorded_once_for_an_authority() {
    let (_guard, store) = store().await;
    let first = new_claim(None);
    store.claim(&first).await.unwrap();
    store
        .complete(first.claim, &new_record(0x0A), NOW + MINUTE, &[])
        .await
        .unwrap();
    let second = new_claim(Some(first.claim));
    store.claim(&second).await.unwrap();
    let outcome = store
        .complete(second.claim, &new_record(0x0A), NOW + MINUTE, &[])
        .await;
    assert!(matches!(outcome, Err(StoreError::Unavailable { .. })));
}
