//! The contract of the object store, run over the DynamoDB adapter on the embedded engine and on
//! emulated AWS.

use ca::authority::{Authority, AuthorityKind, CaGeneration, Certification};
use ca::bounded_text::Description;
use ca::generation::Generation;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use ca::key_order::{FirstGeneration, KeyOrder, MadeKey};
use ca::profile_name::ProfileName;
use ca::stored_octets::StoredOctets;
use ca::template::Period;
use newtype_uuid::TypedUuid;
use scep_protocol::profile::RaProfile;
use scep_service::error::StoreError;
use scep_service::object::{Object, Reference, Versioned, find, list, read};
use scep_service::ports::{Change, Store};
use scepter_tests::device::Device;
use scepter_tests::objects::{audit, create, replace, stored};
use scepter_tests::samples::ra_profile;
use uuid::Uuid;

use super::count_records;

use super::adapters::store;

fn sample_authority(name: &str) -> Authority {
    Authority {
        uuid: TypedUuid::new_v4(),
        name: ProfileName::new(name).unwrap(),
        description: Description::default(),
        current: CaGeneration {
            number: Generation::FIRST,
            key_algorithm: KeyAlgorithm::EcP256,
            key: KeyLocation::File(Uuid::nil()),
            certification: Certification::Root {
                certificate: Device::ec().certificate,
            },
        },
        next: None,
        previous: Vec::new(),
    }
}

#[tokio::test]
async fn an_object_is_read_as_it_was_created_by_uuid_and_by_name() {
    let (_guard, store) = store().await;
    let profile = ra_profile("routers");
    create(&store, &profile).await.unwrap();
    let found: Versioned<RaProfile> = read(&store, profile.uuid).await.unwrap().unwrap();
    assert_eq!((found.object.name.as_str(), found.version), ("routers", 1));
    assert_eq!(found.object.template, profile.template);
    let found: Versioned<RaProfile> = find(&store, &profile.name).await.unwrap().unwrap();
    assert_eq!(found.object.uuid, profile.uuid);
    let missing = read::<RaProfile>(&store, TypedUuid::new_v4())
        .await
        .unwrap();
    assert!(missing.is_none());
}

#[tokio::test]
async fn an_authority_has_one_order_of_a_key_which_ends_with_its_use() {
    let (_guard, store) = store().await;
    let build_order = || KeyOrder {
        uuid: TypedUuid::new_v4(),
        authority: TypedUuid::new_v4(),
        name: ProfileName::new("root").unwrap(),
        generation: Generation::FIRST,
        key_algorithm: KeyAlgorithm::EcP256,
        validity: Period::years(10),
        first: Some(FirstGeneration {
            description: Description::default(),
            kind: AuthorityKind::Root,
            subject: "CN=Root".to_owned(),
        }),
        held_until: Some(1_800_000_000),
        key: None,
    };
    let order = build_order();
    create(&store, &order).await.unwrap();
    let second = create(&store, &build_order()).await;
    assert!(matches!(second, Err(StoreError::NameTaken)));
    let mut found: Versioned<KeyOrder> = find(&store, &order.name).await.unwrap().unwrap();
    assert_eq!(found.object.held_until, order.held_until);
    found.object.key = Some(MadeKey {
        location: KeyLocation::File(Uuid::nil()),
        subject_public_key_info: StoredOctets::new(vec![1, 2, 3]),
    });
    replace(&store, &found).await.unwrap();
    let listed = list::<KeyOrder>(&store).await.unwrap();
    let key = listed[0].object.key.as_ref().unwrap();
    assert_eq!(key.subject_public_key_info.as_bytes(), [1, 2, 3]);
    let change = Change::Delete {
        object: stored(&listed[0].object, listed[0].version),
        references: Vec::new(),
    };
    store
        .apply(&change, &audit(Reference::to::<KeyOrder>(order.uuid)))
        .await
        .unwrap();
    assert!(list::<KeyOrder>(&store).await.unwrap().is_empty());
    create(&store, &build_order()).await.unwrap();
}

#[tokio::test]
async fn a_name_is_unique_within_a_kind_and_nothing_is_half_written() {
    let (_guard, store) = store().await;
    create(&store, &ra_profile("routers")).await.unwrap();
    let second = ra_profile("routers");
    assert!(matches!(
        create(&store, &second).await,
        Err(StoreError::NameTaken)
    ));
    assert!(
        read::<RaProfile>(&store, second.uuid)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_concurrent_edit_is_a_conflict_and_loses_nothing() {
    let (_guard, store) = store().await;
    let profile = ra_profile("routers");
    create(&store, &profile).await.unwrap();
    let mut first: Versioned<RaProfile> = read(&store, profile.uuid).await.unwrap().unwrap();
    let second = first.clone();
    first.object.enabled = true;
    replace(&store, &first).await.unwrap();
    assert!(matches!(
        replace(&store, &second).await,
        Err(StoreError::Conflict)
    ));
    let found: Versioned<RaProfile> = read(&store, profile.uuid).await.unwrap().unwrap();
    assert_eq!((found.object.enabled, found.version), (true, 2));
    let missing = Versioned {
        object: ra_profile("phones"),
        version: 1,
        dependents: Vec::new(),
    };
    assert!(matches!(
        replace(&store, &missing).await,
        Err(StoreError::Conflict)
    ));
}

#[tokio::test]
async fn a_change_and_its_audit_record_are_written_both_or_neither() {
    let (_guard, store) = store().await;
    create(&store, &ra_profile("routers")).await.unwrap();
    assert_eq!(count_records(&store, None).await, 1);
    assert!(create(&store, &ra_profile("routers")).await.is_err());
    assert_eq!(count_records(&store, None).await, 1);
    let found: Versioned<RaProfile> = find(&store, &ProfileName::new("routers").unwrap())
        .await
        .unwrap()
        .unwrap();
    replace(&store, &found).await.unwrap();
    assert!(replace(&store, &found).await.is_err());
    assert_eq!(count_records(&store, None).await, 2);
}

#[tokio::test]
async fn an_object_with_dependents_knows_them_and_is_not_deleted() {
    let (_guard, store) = store().await;
    let needed = sample_authority("corp");
    create(&store, &needed).await.unwrap();
    let reference = Reference::to::<Authority>(needed.uuid);
    let profiles = [ra_profile("a"), ra_profile("b")];
    for profile in &profiles {
        let object = stored(profile, 1);
        let record = audit(object.reference);
        let references = vec![reference];
        store
            .apply(&Change::Create { object, references }, &record)
            .await
            .unwrap();
    }
    let found = || async {
        read::<Authority>(&store, needed.uuid)
            .await
            .unwrap()
            .unwrap()
    };
    let mut dependents = found().await.dependents;
    dependents.sort();
    let mut expected = profiles
        .each_ref()
        .map(|profile| Reference::to::<RaProfile>(profile.uuid));
    expected.sort();
    assert_eq!(dependents, expected);
    let delete = |object, references| async {
        let record = audit(reference);
        store
            .apply(&Change::Delete { object, references }, &record)
            .await
    };
    let refused = delete(stored(&needed, 1), Vec::new()).await;
    assert!(matches!(refused, Err(StoreError::Conflict)));
    // An edit keeps the dependents.
    replace(&store, &found().await).await.unwrap();
    assert_eq!(found().await.dependents.len(), 2);
    for profile in &profiles {
        delete(stored(profile, 1), vec![reference]).await.unwrap();
    }
    assert_eq!(found().await.dependents, []);
    delete(stored(&needed, 2), Vec::new()).await.unwrap();
    assert!(
        read::<Authority>(&store, needed.uuid)
            .await
            .unwrap()
            .is_none()
    );
    // The name is free again.
    create(&store, &sample_authority("corp")).await.unwrap();
}

#[tokio::test]
async fn a_link_to_a_deleted_object_is_a_conflict() {
    let (_guard, store) = store().await;
    let profile = ra_profile("routers");
    let object = stored(&profile, 1);
    let record = audit(object.reference);
    let references = profile.references();
    let refused = store
        .apply(&Change::Create { object, references }, &record)
        .await;
    assert!(matches!(refused, Err(StoreError::Conflict)));
    assert!(
        read::<RaProfile>(&store, profile.uuid)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn objects_of_a_kind_are_listed_by_name() {
    let (_guard, store) = store().await;
    for name in ["b", "a", "c"] {
        create(&store, &ra_profile(name)).await.unwrap();
        create(&store, &sample_authority(name)).await.unwrap();
    }
    let names: Vec<_> = list::<RaProfile>(&store)
        .await
        .unwrap()
        .into_iter()
        .map(|found| found.object.name.to_string())
        .collect();
    assert_eq!(names, ["a", "b", "c"]);
}
