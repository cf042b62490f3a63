//! The contract of administrators' decisions: approval, rejection, revocation, and CRLs.

use ca::generation::Generation;
use ca::revocation::{Revocation, RevocationReason};
use newtype_uuid::{GenericUuid, TypedUuid};
use scep_protocol::transaction::{Transaction, TransactionState};
use scep_service::object::Reference;
use scep_service::ports::{
    Approval, ClaimKind, GuardedOutcome, ProfileReader, Store, StoredCrl, Transactions,
    WriteOutcome,
};
use scepter_tests::device::Device;
use scepter_tests::objects::audit;
use scepter_tests::samples;
use scepter_tests::samples::key;
use time::OffsetDateTime;

use super::count_records;

use super::adapters::{Adapter, store};

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const MINUTE: time::Duration = time::Duration::MINUTE;

/// Claims a transaction that waits for approval, and reads it back.
async fn pending_transaction(store: &Adapter) -> Transaction {
    let mut pending_claim = samples::claim(key("t 1"), None, NOW);
    pending_claim.stage = ClaimKind::Hold(NOW + MINUTE);
    assert_eq!(
        store.claim(&pending_claim).await.unwrap(),
        GuardedOutcome::Won
    );
    let known = store
        .transaction(pending_claim.key.uuid())
        .await
        .unwrap()
        .unwrap();
    let TransactionState::Pending { issuance, until } = &known.state else {
        panic!("{known:?}");
    };
    assert_eq!(*issuance, pending_claim.issuance);
    assert!(*until >= NOW + MINUTE);
    known
}

#[tokio::test]
async fn a_pending_transaction_is_approved_once_and_only_as_it_was_read() {
    let (_guard, store) = store().await;
    let pending = pending_transaction(&store).await;
    let uuid = pending.key.uuid();
    let TransactionState::Pending { mut issuance, .. } = pending.state.clone() else {
        panic!("{pending:?}");
    };
    (issuance.to_be_signed, issuance.generation) = (vec![9; 600], Generation::FIRST.next());
    let approve = async |claim| {
        let lease = NOW + MINUTE;
        store
            .approve(
                &pending,
                &Approval {
                    claim,
                    issuance: issuance.clone(),
                    lease_until: lease,
                    request_until: lease,
                    challenge: None,
                },
                &audit(Reference {
                    kind: scep_service::object::ObjectKind::Transaction,
                    uuid: uuid.into_untyped_uuid(),
                }),
            )
            .await
            .unwrap()
    };
    let first = TypedUuid::new_v4();
    assert_eq!(approve(first).await, GuardedOutcome::Won);
    assert_eq!(approve(TypedUuid::new_v4()).await, GuardedOutcome::Lost);
    assert_eq!(
        count_records(&store, Some(uuid.into_untyped_uuid())).await,
        1
    );
    let known = store.transaction(uuid).await.unwrap().unwrap();
    assert_eq!(known.claim, first);
    let TransactionState::Issuing {
        issuance: stored, ..
    } = &known.state
    else {
        panic!("{known:?}");
    };
    assert_eq!(*stored, issuance);
    // An approved transaction is completed like any other.
    let mut issued = samples::record(key("t 1"), 0x0A, &Device::ec().certificate, NOW);
    issued.generation = Generation::FIRST.next();
    let completed = store.complete(first, &issued, NOW + MINUTE, &[]).await;
    assert_eq!(completed.unwrap(), GuardedOutcome::Won);
    let found = store.certificate(TypedUuid::nil(), "0A").await.unwrap();
    assert_eq!(found, Some(issued));
}

#[tokio::test]
async fn a_pending_transaction_is_rejected_once_with_its_reason() {
    let (_guard, store) = store().await;
    let pending = pending_transaction(&store).await;
    let uuid = pending.key.uuid();
    let reject = async || {
        store
            .reject(
                &pending,
                "unknown device",
                NOW + MINUTE,
                None,
                &[],
                &audit(Reference {
                    kind: scep_service::object::ObjectKind::Transaction,
                    uuid: uuid.into_untyped_uuid(),
                }),
            )
            .await
            .unwrap()
    };
    assert_eq!(reject().await, WriteOutcome::Won);
    assert_eq!(reject().await, WriteOutcome::Lost);
    assert_eq!(
        count_records(&store, Some(uuid.into_untyped_uuid())).await,
        1
    );
    let known = store.transaction(uuid).await.unwrap().unwrap();
    let TransactionState::Rejected { reason, .. } = known.state else {
        panic!("{known:?}");
    };
    assert_eq!(reason, "unknown device");
    // A new claim may replace a rejected transaction.
    let next_claim = samples::claim(key("t 1"), Some(known.claim), NOW);
    assert_eq!(store.claim(&next_claim).await.unwrap(), GuardedOutcome::Won);
}

#[tokio::test]
async fn a_certificate_is_revoked_only_as_it_was_read() {
    let (_guard, store) = store().await;
    let first = samples::claim(key("t 1"), None, NOW);
    store.claim(&first).await.unwrap();
    let issued = samples::record(key("t 1"), 0x0A, &Device::ec().certificate, NOW);
    let completed = store
        .complete(first.claim, &issued, NOW + MINUTE, &[])
        .await;
    assert_eq!(completed.unwrap(), GuardedOutcome::Won);
    let uuid = issued.summary.uuid;
    let revoke = async |record: &_, reason| {
        let revocation = Revocation { at: NOW, reason };
        store
            .revoke(
                record,
                revocation,
                &[],
                &audit(Reference {
                    kind: scep_service::object::ObjectKind::Transaction,
                    uuid: uuid.into_untyped_uuid(),
                }),
            )
            .await
            .unwrap()
    };
    let hold = RevocationReason::CertificateHold;
    assert_eq!(revoke(&issued, hold).await, WriteOutcome::Won);
    assert_eq!(revoke(&issued, hold).await, WriteOutcome::Lost);
    let read = store.certificate_record(uuid).await.unwrap().unwrap();
    let revoked_for = |reason| Some(Revocation { at: NOW, reason });
    assert_eq!(read.summary.revocation, revoked_for(hold));
    let last = RevocationReason::KeyCompromise;
    assert_eq!(revoke(&read, last).await, WriteOutcome::Won);
    assert_eq!(
        count_records(&store, Some(uuid.into_untyped_uuid())).await,
        2
    );
    // The revocation is listed under its generation alone, until the certificate expires.
    let list_revoked = async |generation, from| {
        store
            .revoked(TypedUuid::nil(), generation, from)
            .await
            .unwrap()
            .iter()
            .map(|entry| (entry.uuid, entry.revocation.reason))
            .collect::<Vec<_>>()
    };
    assert_eq!(list_revoked(Generation::FIRST, NOW).await, [(uuid, last)]);
    assert_eq!(list_revoked(Generation::FIRST.next(), NOW).await, []);
    assert_eq!(list_revoked(Generation::FIRST, NOW + 2 * MINUTE).await, []);
}

#[tokio::test]
async fn a_crl_replaces_only_its_predecessor() {
    let (_guard, store) = store().await;
    let (authority, generation) = (TypedUuid::new_v4(), Generation::FIRST);
    let crl = |number: u64, octets: usize, first: usize| StoredCrl {
        der: (first..first + octets).map(|octet| octet as u8).collect(),
        number,
        this_update: NOW,
        next_update: NOW + MINUTE,
    };
    assert_eq!(store.crl(authority, generation).await.unwrap(), None);
    let put = async |crl: &StoredCrl, replaced| {
        store
            .replace_crl(authority, generation, crl, replaced)
            .await
            .unwrap()
    };
    // CRLs of one part, of several, and of one again.
    let mut last = None;
    for (number, octets) in [(1, 100), (20, 900_000), (21, 800_000), (1_800_000_000, 100)] {
        let first = crl(number, octets, 0);
        assert_eq!(put(&first, last).await, WriteOutcome::Won);
        // The writer that came second must not change any part of the CRL.
        assert_eq!(put(&crl(number, octets, 1), last).await, WriteOutcome::Lost);
        assert_eq!(store.crl(authority, generation).await.unwrap(), Some(first));
        last = Some(number);
    }
    for other in [None, Some(21), Some(1_799_999_999)] {
        assert_eq!(
            put(&crl(1_800_000_001, 1, 0), other).await,
            WriteOutcome::Lost
        );
    }
    let other = store.crl(authority, generation.next()).await.unwrap();
    assert_eq!(other, None);
}
