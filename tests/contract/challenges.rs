//! The contract of one-time challenges.

use std::slice::from_ref;

use newtype_uuid::TypedUuid;
use scep_cms::transaction_id::TransactionId;
use scep_protocol::id::ScepProfileUuid;
use scep_protocol::one_time_challenge::{ChallengeState, ChallengeUse, OneTimeChallenge};
use scep_protocol::profile::ScepProfile;
use scep_protocol::sealed_secret::SealedSecret;
use scep_protocol::transaction::TransactionState;
use scep_service::audit::AuditRecord;
use scep_service::error::StoreError;
use scep_service::inventory::{AuditFilter, CertificateFilter, PageRequest};
use scep_service::object::Reference;
use scep_service::ports::{
    Approval, Claim, ClaimKind, CreationOutcome, GuardedOutcome, Store, Transactions, WriteOutcome,
};
use scepter_tests::device::Device;
use scepter_tests::objects::audit;
use scepter_tests::samples::{claim, key, one_time_challenge, record};
use time::{Duration, OffsetDateTime};

use super::adapters::{Adapter, store};

/// Items of challenges expire, so they must be of this time.
pub(crate) fn current_time() -> OffsetDateTime {
    // DynamoDB keeps milliseconds.
    OffsetDateTime::now_utc().replace_nanosecond(0).unwrap()
}

pub(crate) const fn profile() -> ScepProfileUuid {
    ScepProfileUuid::nil()
}

pub(crate) fn audit_record() -> AuditRecord {
    audit(Reference::to::<ScepProfile>(profile()))
}

/// The number of audit records.
pub(crate) async fn count_audits(store: &Adapter) -> usize {
    let page = page_request(500, None);
    let found = store.audit_records(&AuditFilter::default(), &page).await;
    found.unwrap().items.len()
}

fn page_request(limit: u16, cursor: Option<String>) -> PageRequest {
    PageRequest { limit, cursor }
}

/// Stores these challenges.
async fn create_all(store: &Adapter, challenges: &[OneTimeChallenge]) -> CreationOutcome {
    let record = audit_record();
    let created = store.create_challenges(challenges, current_time(), &record);
    created.await.unwrap()
}

/// Stores a challenge and reads it again.
async fn stored_challenge(store: &Adapter, challenge: OneTimeChallenge) -> OneTimeChallenge {
    let uuid = challenge.uuid;
    let outcome = create_all(store, &[challenge]).await;
    assert_eq!(outcome, CreationOutcome::Created);
    store.challenge(uuid).await.unwrap().unwrap()
}

fn bound_to(transaction_id: &str) -> OneTimeChallenge {
    let mut challenge = one_time_challenge(1, current_time());
    challenge.terms.transaction_id = Some(TransactionId::new(transaction_id).unwrap());
    challenge.secret = Some(SealedSecret::new("sealed".to_owned()));
    challenge
}

/// A claim of this transaction that takes a use of the challenge.
fn claim_by(challenge: &OneTimeChallenge, transaction_id: &str, stage: ClaimKind) -> Claim {
    let mut new = claim(key(transaction_id), None, current_time());
    new.stage = stage;
    let taken = ChallengeUse {
        claim: new.claim,
        certificate: new.certificate,
        csr: new.request.csr,
        requester_key: new.requester_key,
        held_until: match stage {
            ClaimKind::Sign(_) => None,
            ClaimKind::Hold(until) => Some(until),
        },
    };
    let update = challenge.take(taken, None, current_time()).unwrap();
    new.challenge = Some(update);
    new
}

fn signed_now() -> ClaimKind {
    ClaimKind::Sign(current_time() + Duration::MINUTE)
}

fn held() -> ClaimKind {
    ClaimKind::Hold(current_time() + Duration::DAY)
}

#[tokio::test]
async fn a_challenge_is_read_as_it_was_written() {
    let (_guard, store) = store().await;
    let mut challenge = bound_to("t 1");
    challenge.terms.names =
        serde_json::from_str(r#"{"subject":{"CN":"a"},"subjectAltNames":{"dns":[]}}"#).unwrap();
    challenge.terms.hold = true;
    let read = stored_challenge(&store, challenge.clone()).await;
    assert_eq!(read, challenge);
    let by_transaction = store.challenge_of(&key("t 1")).await.unwrap();
    assert_eq!(by_transaction, Some(challenge));
    assert_eq!(store.challenge_of(&key("t 2")).await.unwrap(), None);
    assert_eq!(store.challenge(TypedUuid::nil()).await.unwrap(), None);
    assert_eq!(count_audits(&store).await, 1);
}

#[tokio::test]
async fn a_claim_and_its_use_are_one_write() {
    let (_guard, store) = store().await;
    let challenge = stored_challenge(&store, one_time_challenge(2, current_time())).await;
    let first = claim_by(&challenge, "t 1", signed_now());
    let stale = claim_by(&challenge, "t 2", signed_now());
    assert_eq!(store.claim(&first).await.unwrap(), GuardedOutcome::Won);
    // The second claim was decided on the challenge as it was before.
    assert_eq!(store.claim(&stale).await.unwrap(), GuardedOutcome::Lost);
    let unclaimed = store.transaction(stale.key.uuid()).await.unwrap();
    assert!(unclaimed.is_none());
    let read = store.challenge(challenge.uuid).await.unwrap().unwrap();
    assert_eq!(read.uses_left(current_time()), 1);
    assert_eq!(
        read.last_certificate(current_time()),
        Some(first.certificate)
    );
    assert_eq!(read.version, challenge.version + 1);
    let second = claim_by(&read, "t 2", signed_now());
    assert_eq!(store.claim(&second).await.unwrap(), GuardedOutcome::Won);
    let read = store.challenge(challenge.uuid).await.unwrap().unwrap();
    assert_eq!(read.state(current_time()), ChallengeState::Used);
}

#[tokio::test]
async fn a_claim_that_is_lost_takes_no_use() {
    let (_guard, store) = store().await;
    let challenge = stored_challenge(&store, one_time_challenge(1, current_time())).await;
    let other = claim(key("t 1"), None, current_time());
    store.claim(&other).await.unwrap();
    let late = claim_by(&challenge, "t 1", signed_now());
    assert_eq!(store.claim(&late).await.unwrap(), GuardedOutcome::Lost);
    let read = store.challenge(challenge.uuid).await.unwrap().unwrap();
    assert_eq!(read, challenge);
}

#[tokio::test]
async fn of_many_claims_at_once_one_takes_the_use() {
    let (_guard, store) = store().await;
    let challenge = stored_challenge(&store, one_time_challenge(1, current_time())).await;
    let claims = (0..20).map(|number| {
        let (store, challenge) = (store.clone(), challenge.clone());
        let new = claim_by(&challenge, &format!("t {number}"), signed_now());
        tokio::spawn(async move { store.claim(&new).await.unwrap() })
    });
    let claims: Vec<_> = claims.collect();
    let mut won = 0;
    for claimed in claims {
        won += usize::from(claimed.await.unwrap() == GuardedOutcome::Won);
    }
    assert_eq!(won, 1);
    let read = store.challenge(challenge.uuid).await.unwrap().unwrap();
    assert_eq!(read.taken.len(), 1);
}

#[tokio::test]
async fn approval_keeps_a_use_and_rejection_gives_it_back() {
    let (_guard, store) = store().await;
    let challenge = stored_challenge(&store, one_time_challenge(1, current_time())).await;
    let waiting = claim_by(&challenge, "t 1", held());
    store.claim(&waiting).await.unwrap();
    let pending = store
        .transaction(waiting.key.uuid())
        .await
        .unwrap()
        .unwrap();
    let read = store.challenge(challenge.uuid).await.unwrap().unwrap();
    let later = current_time() + Duration::days(2);
    // The use of a request that waited in vain is free again.
    assert_eq!(
        (read.uses_left(current_time()), read.uses_left(later)),
        (0, 1)
    );

    let give_back = read.give_back(waiting.claim).unwrap();
    let until = current_time() + Duration::DAY;
    let rejected = store
        .reject(
            &pending,
            "no",
            until,
            Some(&give_back),
            &[],
            &audit_record(),
        )
        .await
        .unwrap();
    assert_eq!(rejected, WriteOutcome::Won);
    let free = store.challenge(challenge.uuid).await.unwrap().unwrap();
    assert_eq!(free.state(current_time()), ChallengeState::Unused);

    let waiting = claim_by(&free, "t 2", held());
    store.claim(&waiting).await.unwrap();
    let pending = store
        .transaction(waiting.key.uuid())
        .await
        .unwrap()
        .unwrap();
    let TransactionState::Pending { issuance, .. } = &pending.state else {
        panic!("{pending:?}");
    };
    let read = store.challenge(challenge.uuid).await.unwrap().unwrap();
    let confirm = read.confirm(waiting.claim).unwrap();
    let approve = |update| {
        let (store, pending, issuance) = (store.clone(), pending.clone(), issuance.clone());
        async move {
            store
                .approve(
                    &pending,
                    &Approval {
                        claim: TypedUuid::new_v4(),
                        issuance,
                        lease_until: until,
                        request_until: until,
                        challenge: Some(update),
                    },
                    &audit_record(),
                )
                .await
                .unwrap()
        }
    };
    let mut stale = confirm.clone();
    stale.version -= 1;
    assert_eq!(approve(stale).await, GuardedOutcome::Lost);
    assert_eq!(approve(confirm).await, GuardedOutcome::Won);
    let read = store.challenge(challenge.uuid).await.unwrap().unwrap();
    assert_eq!(read.uses_left(later), 0);
}

#[tokio::test]
async fn challenges_are_listed_newest_first_by_state_and_in_pages() {
    let (_guard, store) = store().await;
    let now = current_time();
    let mut challenges = Vec::new();
    for age in 0..5 {
        let mut challenge = one_time_challenge(1, now - Duration::minutes(age));
        challenge.expires_at = now + Duration::HOUR;
        challenges.push(challenge);
    }
    challenges[1].expires_at = now - Duration::SECOND;
    challenges[3].deleted = true;
    let mut other = one_time_challenge(1, now);
    other.scep_profile = TypedUuid::from_u128(7);
    create_all(&store, &challenges).await;
    create_all(&store, &[other.clone()]).await;
    let expected: Vec<_> = challenges.iter().map(|challenge| challenge.uuid).collect();

    let list = async |profile, state, limit| {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = page_request(limit, cursor);
            let page = store.challenges(profile, state, &page, now).await.unwrap();
            assert!(page.items.len() <= usize::from(limit));
            found.extend(page.items.into_iter().map(|challenge| challenge.uuid));
            cursor = page.cursor;
            if cursor.is_none() {
                return found;
            }
        }
    };
    assert_eq!(list(profile(), None, 100).await, expected);
    assert_eq!(list(profile(), None, 2).await, expected);
    assert_eq!(list(other.scep_profile, None, 2).await, [other.uuid]);
    let unused = [expected[0], expected[2], expected[4]];
    for (state, expected) in [
        (ChallengeState::Unused, &unused[..]),
        (ChallengeState::Expired, &expected[1..2]),
        (ChallengeState::Deleted, &expected[3..4]),
        (ChallengeState::Used, &[]),
    ] {
        assert_eq!(list(profile(), Some(state), 2).await, expected, "{state:?}");
    }
    let page = page_request(2, Some("nonsense".to_owned()));
    let listed = store.challenges(profile(), None, &page, now).await;
    assert!(matches!(listed, Err(StoreError::Cursor)));
}

#[tokio::test]
async fn a_deletion_fails_if_a_use_was_taken_since() {
    let (_guard, store) = store().await;
    let challenge = stored_challenge(&store, one_time_challenge(2, current_time())).await;
    store
        .claim(&claim_by(&challenge, "t 1", signed_now()))
        .await
        .unwrap();
    let delete = async |challenge: &OneTimeChallenge| {
        let deleted = store.delete_challenge(challenge, &audit_record()).await;
        deleted.unwrap()
    };
    assert_eq!(delete(&challenge).await, WriteOutcome::Lost);
    assert_eq!(count_audits(&store).await, 1);
    let read = store.challenge(challenge.uuid).await.unwrap().unwrap();
    assert_eq!(delete(&read).await, WriteOutcome::Won);
    assert_eq!(count_audits(&store).await, 2);
    let deleted = store.challenge(challenge.uuid).await.unwrap().unwrap();
    assert_eq!(deleted.state(current_time()), ChallengeState::Deleted);
    assert_eq!(deleted.taken, read.taken);
    // An enrolment that read the challenge before the deletion takes no use.
    let late = claim_by(&read, "t 2", signed_now());
    assert_eq!(store.claim(&late).await.unwrap(), GuardedOutcome::Lost);
}

#[tokio::test]
async fn five_hundred_challenges_are_written_all_or_none() {
    let (_guard, store) = store().await;
    let holder = stored_challenge(&store, bound_to("t 499")).await;
    let mut challenges: Vec<_> = (0..500)
        .map(|number| bound_to(&format!("t {number}")))
        .collect();
    let outcome = create_all(&store, &challenges).await;
    assert_eq!(outcome, CreationOutcome::TransactionIdTaken(499));
    for challenge in [&challenges[0], &challenges[499]] {
        assert_eq!(store.challenge(challenge.uuid).await.unwrap(), None);
    }
    assert_eq!(store.challenge_of(&key("t 0")).await.unwrap(), None);
    assert_eq!(count_audits(&store).await, 1);
    let listed = async || {
        let page = page_request(500, None);
        let now = current_time();
        let listed = store.challenges(profile(), None, &page, now).await;
        listed.unwrap().items.len()
    };
    assert_eq!(listed().await, 1);
    challenges[499] = bound_to("t 500");
    let outcome = create_all(&store, &challenges).await;
    assert_eq!(outcome, CreationOutcome::Created);
    assert_eq!(listed().await, 500);
    for (transaction_id, challenge) in [("t 0", &challenges[0]), ("t 499", &holder)] {
        let found = store.challenge_of(&key(transaction_id)).await.unwrap();
        assert_eq!(found.as_ref(), Some(challenge));
    }
    assert_eq!(count_audits(&store).await, 2);
}

#[tokio::test]
async fn challenges_of_which_one_loses_a_race_are_removed_again() {
    let (_guard, store) = store().await;
    // Both read that nobody holds the transactionID, and one writes it first.
    let create = |bound: OneTimeChallenge| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut challenges: Vec<_> = (0..60)
                .map(|_| one_time_challenge(1, current_time()))
                .collect();
            challenges.push(bound);
            (create_all(&store, &challenges).await, challenges)
        })
    };
    let both = [create(bound_to("t 1")), create(bound_to("t 1"))];
    let mut created = 0;
    for one in both {
        let (outcome, challenges) = one.await.unwrap();
        let remains = store.challenge(challenges[0].uuid).await.unwrap().is_some();
        assert_eq!(remains, outcome == CreationOutcome::Created);
        created += usize::from(remains);
    }
    assert_eq!(created, 1);
}

#[tokio::test]
async fn a_transaction_id_is_free_once_its_challenge_is_spent() {
    let (_guard, store) = store().await;
    let first = stored_challenge(&store, bound_to("t 1")).await;
    let second = bound_to("t 1");
    let taken = CreationOutcome::TransactionIdTaken(0);
    assert_eq!(create_all(&store, from_ref(&second)).await, taken);
    // A request that waits needs the challenge for its reply, even after a deletion.
    let waiting = claim_by(&first, "t 1", held());
    store.claim(&waiting).await.unwrap();
    let read = store.challenge(first.uuid).await.unwrap().unwrap();
    store
        .delete_challenge(&read, &audit_record())
        .await
        .unwrap();
    assert_eq!(create_all(&store, from_ref(&second)).await, taken);
    let pending = store
        .transaction(waiting.key.uuid())
        .await
        .unwrap()
        .unwrap();
    let read = store.challenge(first.uuid).await.unwrap().unwrap();
    let give_back = read.give_back(waiting.claim).unwrap();
    store
        .reject(
            &pending,
            "no",
            current_time(),
            Some(&give_back),
            &[],
            &audit_record(),
        )
        .await
        .unwrap();
    assert_eq!(
        create_all(&store, from_ref(&second)).await,
        CreationOutcome::Created
    );
    let bound = store.challenge_of(&key("t 1")).await.unwrap();
    assert_eq!(bound, Some(second));
}

#[tokio::test]
async fn certificates_are_listed_by_the_uses_of_their_challenge() {
    let (_guard, store) = store().await;
    let mut challenge = stored_challenge(&store, one_time_challenge(5, current_time())).await;
    let certificate = Device::ec().certificate;
    let mut serials = Vec::new();
    for number in 1..=3_u128 {
        let mut new = claim_by(&challenge, &format!("t {number}"), signed_now());
        let issued = record(new.key.clone(), number, &certificate, current_time());
        // The claim names the certificate that it leads to.
        new.certificate = issued.summary.uuid;
        if let Some(update) = &mut new.challenge {
            update.taken.last_mut().unwrap().certificate = issued.summary.uuid;
        }
        store.claim(&new).await.unwrap();
        let until = current_time() + Duration::DAY;
        store
            .complete(new.claim, &issued, until, &[])
            .await
            .unwrap();
        serials.insert(0, issued.summary.serial_number);
        challenge = store.challenge(challenge.uuid).await.unwrap().unwrap();
    }
    // This one is still being issued.
    let unfinished = claim_by(&challenge, "t 4", signed_now());
    store.claim(&unfinished).await.unwrap();
    let list = async |filter: &CertificateFilter, limit| {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = page_request(limit, cursor);
            let page = store.certificates(filter, &page).await.unwrap();
            found.extend(page.items.into_iter().map(|found| found.serial_number));
            cursor = page.cursor;
            if cursor.is_none() {
                return found;
            }
        }
    };
    let mut filter = CertificateFilter {
        challenge: Some(challenge.uuid),
        ..CertificateFilter::default()
    };
    assert_eq!(list(&filter, 100).await, serials);
    assert_eq!(list(&filter, 1).await, serials);
    filter.revoked = Some(true);
    assert_eq!(list(&filter, 1).await, [""; 0]);
    filter.revoked = None;
    filter.subject = Some("another".to_owned());
    assert_eq!(list(&filter, 1).await, [""; 0]);
    filter.challenge = Some(TypedUuid::nil());
    assert_eq!(list(&filter, 1).await, [""; 0]);
    let page = page_request(1, Some("nonsense".to_owned()));
    let listed = store.certificates(&filter, &page).await;
    assert!(matches!(listed, Err(StoreError::Cursor)));
}
