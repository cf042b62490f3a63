//! Properties of keys in KMS alone: adoption, and a binding encryption context.

use ca::generation::Generation;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::{KeyLocation, KeyName};
use newtype_uuid::TypedUuid;
use scep_protocol::ra_certificate::RaKeyPair;
use scep_service::error::KeyError;
use scepter_tests::device::Device;
use scepter_tests::world::name;
use uuid::Uuid;

use crate::adapters::Keys;

#[tokio::test]
async fn a_key_is_adopted_if_it_is_what_the_authority_says() {
    let keys = Keys::new();
    let ca_keys = keys.open_ports().ca_keys;
    let made = ca_keys
        .generate(TypedUuid::new_v4(), &name(), KeyAlgorithm::EcP384)
        .await
        .unwrap();
    let name_of = |location: &KeyLocation| KeyName::new(location.to_stored());
    let adopted = ca_keys
        .adopt(&name_of(&made.location), KeyAlgorithm::EcP384)
        .await
        .unwrap();
    assert_eq!(
        adopted.subject_public_key_info,
        made.subject_public_key_info
    );
    assert_eq!(adopted.location, made.location);
    let other = ca_keys
        .adopt(&name_of(&made.location), KeyAlgorithm::EcP256)
        .await;
    assert!(matches!(other, Err(KeyError::NotAdoptable { .. })));
    let mut gone = made.location.to_stored();
    let uuid = gone.len() - 36..;
    gone.replace_range(uuid, &Uuid::new_v4().to_string());
    let gone = ca_keys
        .adopt(&KeyName::new(gone), KeyAlgorithm::EcP384)
        .await;
    assert!(matches!(gone, Err(KeyError::NotAdoptable { .. })));
}

#[tokio::test]
async fn an_ra_key_opens_for_its_own_ra_certificate_and_no_other() {
    let keys = Keys::new();
    let (uuid, key_algorithm) = (TypedUuid::new_v4(), KeyAlgorithm::Rsa2048);
    let made = keys
        .open_ports()
        .ra_keys
        .generate(uuid, key_algorithm)
        .await
        .unwrap();
    let of = |uuid| RaKeyPair {
        uuid,
        generation: Generation::FIRST,
        key_algorithm,
        key: made.location.clone(),
        certificate: Device::ec().certificate,
    };
    keys.open_ports().ra_keys.load(&of(uuid)).await.unwrap();
    let other = keys
        .open_ports()
        .ra_keys
        .load(&of(TypedUuid::new_v4()))
        .await;
    assert!(matches!(other, Err(KeyError::Broken { .. })));
}
