//! The contract of the store's ports, run over the adapter and the embedded engine.

use scep_protocol::{
    Fingerprint, Issuance, KeyAlgorithm, KeyReference, ProfileName, RaProfile, RequestFingerprint,
    SignerClass, TransactionKey, TransactionState,
};
use scep_service::{
    CertificateRecord, Claim, ClaimOutcome, ProfileStore, StoreError, Transactions, Versioned,
};
use scepter_tests::device::Device;
use scepter_tests::world::store;
use store_dynamodb::{DynamoDbStore, Tables, create_tables};
use store_embedded::EmbeddedDynamoDb;
use time::OffsetDateTime;
use uuid::Uuid;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const MINUTE: time::Duration = time::Duration::MINUTE;

fn ra_profile(name: &str) -> RaProfile {
    RaProfile {
        uuid: Uuid::new_v4(),
        name: ProfileName::new(name).unwrap(),
        enabled: false,
        authority: Uuid::new_v4(),
        scep_profile: None,
        template: Default::default(),
    }
}

fn key(transaction_id: &str) -> TransactionKey {
    TransactionKey {
        scep_profile: Uuid::nil(),
        transaction_id: scep_cms::TransactionId::new(transaction_id).unwrap(),
    }
}

fn claim(replacing: Option<Uuid>) -> Claim {
    Claim {
        key: key("t 1"),
        replacing,
        claim: Uuid::new_v4(),
        request: RequestFingerprint {
            ra_profile: Uuid::nil(),
            csr: Fingerprint([1; 32]),
            signer_class: SignerClass::OwnKey,
        },
        signer_key: Fingerprint([2; 32]),
        issuance: Issuance {
            to_be_signed: vec![3; 700],
            authority: Uuid::nil(),
            key: KeyReference("key".to_owned()),
            key_algorithm: KeyAlgorithm::EcP256,
            ra_profile: Uuid::nil(),
        },
        lease_until: NOW + MINUTE,
    }
}

fn record(serial_number: &str) -> CertificateRecord {
    CertificateRecord {
        uuid: Uuid::new_v4(),
        authority: Uuid::nil(),
        ra_profile: Uuid::nil(),
        transaction: key("t 1"),
        serial_number: serial_number.to_owned(),
        subject: "CN=device-1".to_owned(),
        certificate: Device::ec().certificate,
        not_before: NOW,
        not_after: NOW + MINUTE,
        issued_at: NOW,
    }
}

#[tokio::test]
async fn an_object_is_read_as_it_was_created_by_uuid_and_by_name() {
    let (_database, store) = store().await;
    let profile = ra_profile("routers");
    store.create(&profile).await.unwrap();
    let read: Versioned<RaProfile> = store.read(profile.uuid).await.unwrap().unwrap();
    assert_eq!((read.object.name.as_str(), read.version), ("routers", 1));
    assert_eq!(read.object.template, profile.template);
    let found: Versioned<RaProfile> = store.find(&profile.name).await.unwrap().unwrap();
    assert_eq!(found.object.uuid, profile.uuid);
    let nobody = store.read::<RaProfile>(Uuid::new_v4()).await.unwrap();
    assert!(nobody.is_none());
}

#[tokio::test]
async fn a_name_is_taken_once_for_a_kind_and_nothing_is_half_written() {
    let (_database, store) = store().await;
    store.create(&ra_profile("routers")).await.unwrap();
    let second = ra_profile("routers");
    assert!(matches!(
        store.create(&second).await,
        Err(StoreError::NameTaken)
    ));
    assert!(
        store
            .read::<RaProfile>(second.uuid)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_concurrent_edit_is_a_conflict_and_loses_nothing() {
    let (_database, store) = store().await;
    let profile = ra_profile("routers");
    store.create(&profile).await.unwrap();
    let mut first: Versioned<RaProfile> = store.read(profile.uuid).await.unwrap().unwrap();
    let second = first.clone();
    first.object.enabled = true;
    store.replace(&first).await.unwrap();
    assert!(matches!(
        store.replace(&second).await,
        Err(StoreError::Conflict)
    ));
    let read: Versioned<RaProfile> = store.read(profile.uuid).await.unwrap().unwrap();
    assert_eq!((read.object.enabled, read.version), (true, 2));
    let missing = Versioned {
        object: ra_profile("phones"),
        version: 1,
    };
    assert!(matches!(
        store.replace(&missing).await,
        Err(StoreError::Conflict)
    ));
}

#[tokio::test]
async fn a_transaction_is_claimed_once() {
    let (_database, store) = store().await;
    assert!(store.transaction(&key("t 1")).await.unwrap().is_none());
    let (first, second) = (claim(None), claim(None));
    assert_eq!(store.claim(&first).await.unwrap(), ClaimOutcome::Won);
    assert_eq!(store.claim(&second).await.unwrap(), ClaimOutcome::Lost);
    let known = store.transaction(&key("t 1")).await.unwrap().unwrap();
    assert_eq!(
        (known.claim, known.request, known.signer_key),
        (first.claim, first.request, first.signer_key)
    );
    let TransactionState::Issuing {
        issuance,
        lease_until,
    } = known.state
    else {
        panic!("{known:?}");
    };
    assert_eq!((issuance, lease_until), (first.issuance, first.lease_until));
    assert!(store.transaction(&key("t 2")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_repeated_claim_of_the_same_claimant_is_won() {
    let (_database, store) = store().await;
    let first = claim(None);
    assert_eq!(store.claim(&first).await.unwrap(), ClaimOutcome::Won);
    assert_eq!(store.claim(&first).await.unwrap(), ClaimOutcome::Won);
}

#[tokio::test]
async fn a_claim_replaces_only_what_it_read() {
    let (_database, store) = store().await;
    let first = claim(None);
    store.claim(&first).await.unwrap();
    let second = claim(Some(first.claim));
    assert_eq!(store.claim(&second).await.unwrap(), ClaimOutcome::Won);
    assert_eq!(
        store.claim(&claim(Some(first.claim))).await.unwrap(),
        ClaimOutcome::Lost
    );
}

#[tokio::test]
async fn an_expired_claim_is_taken_over_once() {
    let (_database, store) = store().await;
    let first = claim(None);
    store.claim(&first).await.unwrap();
    let (second, third) = (Uuid::new_v4(), Uuid::new_v4());
    let until = NOW + 2 * MINUTE;
    let taken = |claim| store.take_over(&first.key, first.claim, claim, until);
    assert_eq!(taken(second).await.unwrap(), ClaimOutcome::Won);
    assert_eq!(taken(third).await.unwrap(), ClaimOutcome::Lost);
    assert_eq!(taken(second).await.unwrap(), ClaimOutcome::Won);
    let known = store.transaction(&first.key).await.unwrap().unwrap();
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
    let (_database, store) = store().await;
    let first = claim(None);
    store.claim(&first).await.unwrap();
    let (mine, theirs) = (record("0A"), record("0B"));
    let complete = |claim, record| {
        let store = store.clone();
        async move { store.complete(claim, record, NOW + MINUTE).await.unwrap() }
    };
    assert_eq!(complete(Uuid::new_v4(), &theirs).await, ClaimOutcome::Lost);
    assert_eq!(complete(first.claim, &mine).await, ClaimOutcome::Won);
    assert_eq!(complete(first.claim, &theirs).await, ClaimOutcome::Lost);
    assert_eq!(
        store.certificate(Uuid::nil(), "0A").await.unwrap().as_ref(),
        Some(&mine)
    );
    assert!(
        store
            .certificate(Uuid::nil(), "0B")
            .await
            .unwrap()
            .is_none()
    );
    let known = store.transaction(&first.key).await.unwrap().unwrap();
    let TransactionState::Issued { certificate, .. } = known.state else {
        panic!("{known:?}");
    };
    assert_eq!(certificate, mine.certificate);
    let later = store
        .take_over(&first.key, first.claim, Uuid::new_v4(), NOW)
        .await
        .unwrap();
    assert_eq!(later, ClaimOutcome::Lost);
}

#[tokio::test]
async fn a_serial_number_is_recorded_once_for_an_authority() {
    let (_database, store) = store().await;
    let first = claim(None);
    store.claim(&first).await.unwrap();
    store
        .complete(first.claim, &record("0A"), NOW + MINUTE)
        .await
        .unwrap();
    let second = claim(Some(first.claim));
    store.claim(&second).await.unwrap();
    let outcome = store
        .complete(second.claim, &record("0A"), NOW + MINUTE)
        .await;
    assert!(matches!(outcome, Err(StoreError::Unavailable { .. })));
}

#[tokio::test]
async fn issued_transactions_expire_and_issuing_ones_do_not() {
    let (database, store) = store().await;
    let first = claim(None);
    store.claim(&first).await.unwrap();
    assert_eq!(database.remove_expired().unwrap(), 0);
    store
        .complete(first.claim, &record("0A"), NOW + MINUTE)
        .await
        .unwrap();
    assert_eq!(database.remove_expired().unwrap(), 1);
    assert!(store.transaction(&first.key).await.unwrap().is_none());
    assert!(
        store
            .certificate(Uuid::nil(), "0A")
            .await
            .unwrap()
            .is_some()
    );
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
        let store = DynamoDbStore::new(client, tables.clone());
        if round == 0 {
            store.create(&profile).await.unwrap();
        }
        assert!(
            store
                .read::<RaProfile>(profile.uuid)
                .await
                .unwrap()
                .is_some()
        );
    }
}

#[test]
fn a_key_algorithm_has_one_name_in_documents_attributes_and_settings() {
    for algorithm in KeyAlgorithm::ALL {
        assert_eq!(serde_json::to_value(algorithm).unwrap(), algorithm.name());
        assert_eq!(KeyAlgorithm::from_name(algorithm.name()), Some(algorithm));
    }
}
