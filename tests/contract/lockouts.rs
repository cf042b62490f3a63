//! The contract of the counts of wrong challenges.

use std::net::IpAddr;
use std::slice::from_ref;

use newtype_uuid::TypedUuid;
use scep_protocol::lockout::{Lockout, LockoutSubject};
use scep_protocol::transaction::Fingerprint;
use scep_service::ports::{Store, Transactions, WriteOutcome};
use time::Duration;

use super::challenges::{audit_record, count_audits, current_time, profile};

use super::adapters::{Adapter, store};

fn address(last: u8) -> LockoutSubject {
    LockoutSubject::of_address(IpAddr::from([192, 0, 2, last]))
}

/// Counts this many failures of a subject, a second apart.
async fn count_failures(store: &Adapter, subject: LockoutSubject, failures: u32) -> Lockout {
    for second in 0..failures {
        let known = store.lockouts(profile(), &[subject]).await.unwrap();
        let now = current_time() + Duration::seconds(second.into());
        let known = known
            .into_iter()
            .next()
            .unwrap_or_else(|| Lockout::none(profile(), subject, now));
        let counted = store.count_failure(&known.with_failure(now)).await;
        assert_eq!(counted.unwrap(), WriteOutcome::Won);
    }
    let known = store.lockouts(profile(), &[subject]).await.unwrap();
    known.into_iter().next().unwrap()
}

#[tokio::test]
async fn of_two_counts_at_once_one_counts_anew() {
    let (_guard, store) = store().await;
    let first = Lockout::none(profile(), address(1), current_time()).with_failure(current_time());
    let count = async |lockout: &Lockout| store.count_failure(lockout).await.unwrap();
    assert_eq!(count(&first).await, WriteOutcome::Won);
    assert_eq!(count(&first).await, WriteOutcome::Lost);
    let known = store.lockouts(profile(), &[address(1), address(2)]).await;
    let known = known.unwrap();
    assert_eq!(known.len(), 1);
    let second = known[0].with_failure(current_time());
    assert_eq!(count(&second).await, WriteOutcome::Won);
    assert_eq!(count(&second).await, WriteOutcome::Lost);
    let known = store.lockout(second.uuid()).await.unwrap().unwrap();
    assert_eq!((known.failures, known.version), (2, 2));
    assert_eq!(store.lockout(TypedUuid::nil()).await.unwrap(), None);
}

#[tokio::test]
async fn who_is_locked_out_is_listed_and_freed() {
    let (_guard, store) = store().await;
    let key = LockoutSubject::Key(Fingerprint([5; 32]));
    let first = count_failures(&store, address(1), 10).await;
    let second = count_failures(&store, key, 10).await;
    // Nine failures lock nobody out.
    let third = count_failures(&store, address(3), 9).await;
    let listed = async || {
        let listed = store.locked_out(profile()).await.unwrap();
        let mut uuids: Vec<_> = listed.iter().map(Lockout::uuid).collect();
        uuids.sort();
        uuids
    };
    let mut expected = vec![first.uuid(), second.uuid()];
    expected.sort();
    assert_eq!(listed().await, expected);
    let other = store.locked_out(TypedUuid::from_u128(7)).await.unwrap();
    assert_eq!(other, []);
    let before = count_audits(&store).await;
    store.free(from_ref(&first), &audit_record()).await.unwrap();
    assert_eq!(listed().await, [second.uuid()]);
    assert_eq!(store.lockout(first.uuid()).await.unwrap(), None);
    // Freed again while nobody is locked out, as two administrators may do at once.
    store.free(from_ref(&first), &audit_record()).await.unwrap();
    assert_eq!(count_audits(&store).await, before + 2);
    // A count that was computed before the deletion is lost, and begins anew.
    let late = store
        .count_failure(&first.with_failure(current_time()))
        .await;
    assert_eq!(late.unwrap(), WriteOutcome::Lost);
    assert_eq!(count_failures(&store, address(1), 1).await.failures, 1);
    assert_eq!(store.lockout(third.uuid()).await.unwrap(), Some(third));
}

#[tokio::test]
async fn more_lock_outs_than_a_transaction_holds_are_freed() {
    let (_guard, store) = store().await;
    let mut lockouts = Vec::new();
    for last in 0..120 {
        let mut lockout = Lockout::none(profile(), address(last), current_time());
        lockout.failures = 9;
        let locked = lockout.with_failure(current_time());
        store.count_failure(&locked).await.unwrap();
        lockouts.push(locked);
    }
    let listed = store.locked_out(profile()).await.unwrap();
    assert_eq!(listed.len(), 120);
    store.free(&listed, &audit_record()).await.unwrap();
    assert_eq!(store.locked_out(profile()).await.unwrap(), []);
}
