//! The contract of the store of notices: written with their event, and delivered until settled.

use std::collections::BTreeSet;

use ca::revocation::{Revocation, RevocationReason};
use newtype_uuid::TypedUuid;
use scep_protocol::id::NoticeUuid;
use scep_protocol::notice::{IssuedCertificate, Notice, NoticeEvent, NoticeReceiver};
use scep_protocol::reported_csr::ReportedCsr;
use scep_protocol::transaction::Fingerprint;
use scep_service::audit::{Actor, AuditAction, AuditRecord, AuditRecordUuid};
use scep_service::object::Reference;
use scep_service::ports::{ClaimKind, GuardedOutcome, Store, Transactions, WriteOutcome};
use scepter_tests::device::Device;
use scepter_tests::samples;
use scepter_tests::samples::key;
use time::OffsetDateTime;

use super::adapters::store;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const MINUTE: time::Duration = time::Duration::MINUTE;

fn new_notice() -> Notice {
    let event = NoticeEvent::Issued(IssuedCertificate {
        authority: TypedUuid::nil(),
        certificate: TypedUuid::from_u128(0x0A),
        csr: Some(ReportedCsr::of(&[0; 3])),
    });
    let uuid = TypedUuid::new_v4();
    Notice::new(uuid, TypedUuid::nil(), NoticeReceiver::Webhook, event, NOW)
}

async fn due_uuids(store: &impl Transactions, at: OffsetDateTime) -> BTreeSet<NoticeUuid> {
    let due = store.due_notices(at, 100).await.unwrap();
    due.into_iter().map(|notice| notice.uuid).collect()
}

#[tokio::test]
async fn a_certificate_is_recorded_with_its_notices_or_not_at_all() {
    let (_guard, store) = store().await;
    let claim = samples::claim(key("t 1"), None, NOW);
    store.claim(&claim).await.unwrap();
    let record = samples::record(key("t 1"), 0x0A, &Device::ec().certificate, NOW);
    let (first, second, lost) = (new_notice(), new_notice(), new_notice());
    let complete = async |claim, notices: &[Notice]| {
        let completed = store.complete(claim, &record, NOW + MINUTE, notices).await;
        completed.unwrap()
    };
    let other = TypedUuid::new_v4();
    assert_eq!(complete(other, &[lost]).await, GuardedOutcome::Lost);
    let late = NOW + MINUTE;
    assert_eq!(due_uuids(&store, late).await, BTreeSet::new());
    let notices = [first.clone(), second.clone()];
    assert_eq!(complete(claim.claim, &notices).await, GuardedOutcome::Won);
    let both = BTreeSet::from([first.uuid, second.uuid]);
    assert_eq!(due_uuids(&store, late).await, both);
    let read = store.due_notices(late, 100).await.unwrap();
    assert!(read.contains(&first) && read.contains(&second), "{read:?}");
    assert_eq!(store.due_notices(late, 1).await.unwrap().len(), 1);
    // The process that wrote them is the first to deliver them.
    let early = first.due_at - time::Duration::MILLISECOND;
    assert_eq!(due_uuids(&store, early).await, BTreeSet::new());
}

#[tokio::test]
async fn a_notice_is_postponed_once_and_settled() {
    let (_guard, store) = store().await;
    let notice = new_notice();
    store.put_notice(&notice).await.unwrap();
    let postponed = notice.postponed(NOW + MINUTE).unwrap();
    let postpone = async || store.postpone_notice(&postponed).await.unwrap();
    assert_eq!(postpone().await, WriteOutcome::Won);
    assert_eq!(postpone().await, WriteOutcome::Lost);
    assert_eq!(due_uuids(&store, NOW + MINUTE).await, BTreeSet::new());
    let read = store.due_notices(postponed.due_at, 100).await.unwrap();
    assert_eq!(read, std::slice::from_ref(&postponed));
    for _ in 0..2 {
        store.settle_notice(notice.uuid).await.unwrap();
        assert_eq!(due_uuids(&store, postponed.due_at).await, BTreeSet::new());
    }
    // A notice that is settled does not come back.
    let again = postponed.postponed(postponed.due_at).unwrap();
    let outcome = store.postpone_notice(&again).await.unwrap();
    assert_eq!(outcome, WriteOutcome::Lost);
    assert_eq!(due_uuids(&store, again.due_at).await, BTreeSet::new());
}

#[tokio::test]
async fn a_revocation_and_a_rejection_are_written_with_their_notices() {
    let (_guard, store) = store().await;
    let late = NOW + MINUTE;
    let audit = |uuid: TypedUuid<_>| AuditRecord {
        uuid: AuditRecordUuid::new_v4(),
        at: NOW,
        actor: Actor::new("alice".to_owned()),
        action: AuditAction::Revoke,
        object: Reference::to_certificate(uuid),
        name: None,
        before: None,
        after: None,
    };
    let claim = samples::claim(key("t 1"), None, NOW);
    store.claim(&claim).await.unwrap();
    let record = samples::record(key("t 1"), 0x0A, &Device::ec().certificate, NOW);
    store
        .complete(claim.claim, &record, late, &[])
        .await
        .unwrap();
    let revocation = Revocation {
        at: NOW,
        reason: RevocationReason::KeyCompromise,
    };
    let revoked = new_notice();
    for outcome in [WriteOutcome::Won, WriteOutcome::Lost] {
        let audit = audit(record.summary.uuid);
        let notice = match outcome {
            WriteOutcome::Won => revoked.clone(),
            WriteOutcome::Lost => new_notice(),
        };
        let written = store.revoke(&record, revocation, &[notice], &audit).await;
        assert_eq!(written.unwrap(), outcome);
    }
    assert_eq!(
        due_uuids(&store, late).await,
        BTreeSet::from([revoked.uuid])
    );
    let mut held = samples::claim(key("t 2"), None, NOW);
    held.stage = ClaimKind::Hold(late);
    // Another request, for a key that is not revoked.
    held.request.csr = Fingerprint([9; 32]);
    held.issuance.subject_key = Fingerprint([9; 32]);
    store.claim(&held).await.unwrap();
    let pending = store.transaction(key("t 2").uuid()).await.unwrap().unwrap();
    let rejected = new_notice();
    let audit = audit(record.summary.uuid);
    let written = store
        .reject(
            &pending,
            "no",
            late,
            None,
            std::slice::from_ref(&rejected),
            &audit,
        )
        .await;
    assert_eq!(written.unwrap(), WriteOutcome::Won);
    let both = BTreeSet::from([revoked.uuid, rejected.uuid]);
    assert_eq!(due_uuids(&store, late).await, both);
}
