//! Properties of keys in KMS alone: adoption, and a binding encryption context.

use scep_protocol::{KeyAlgorithm, RaKeyPair};
use scep_service::KeyError;
use scepter_tests::device::Device;
use scepter_tests::world::name;
use uuid::Uuid;

use crate::adapters::Keys;

#[tokio::test]
async fn a_key_is_adopted_if_it_is_what_the_authority_says() {
    let keys = Keys::new();
    let ca_keys = keys.ca_keys();
    let made = ca_keys
        .generate(&name(), KeyAlgorithm::EcP384)
        .await
        .unwrap();
    let adopted = ca_keys
        .adopt(&made.reference, KeyAlgorithm::EcP384)
        .await
        .unwrap();
    assert_eq!(
        adopted.subject_public_key_info,
        made.subject_public_key_info
    );
    assert_eq!(adopted.reference, made.reference);
    let other = ca_keys.adopt(&made.reference, KeyAlgorithm::EcP256).await;
    assert!(matches!(other, Err(KeyError::NotAdoptable { .. })));
    let mut gone = made.reference.clone();
    let uuid = gone.0.len() - 36..;
    gone.0.replace_range(uuid, &Uuid::new_v4().to_string());
    let gone = ca_keys.adopt(&gone, KeyAlgorithm::EcP384).await;
    assert!(matches!(gone, Err(KeyError::NotAdoptable { .. })));
}

#[tokio::test]
async fn an_ra_key_opens_for_its_own_ra_certificate_and_no_other() {
    let keys = Keys::new();
    let (uuid, key_algorithm) = (Uuid::new_v4(), KeyAlgorithm::Rsa2048);
    let made = keys.ra_keys().generate(uuid, key_algorithm).await.unwrap();
    let of = |uuid| RaKeyPair {
        uuid,
        generation: 1,
        key_algorithm,
        key: made.reference.clone(),
        certificate: Device::ec().certificate,
    };
    keys.ra_keys().load(&of(uuid)).await.unwrap();
    let other = keys.ra_keys().load(&of(Uuid::new_v4())).await;
    assert!(matches!(other, Err(KeyError::Broken { .. })));
}
