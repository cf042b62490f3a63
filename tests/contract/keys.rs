//! The contract of the ports of keys: CA keys, RA keys and secrets.

use std::sync::Arc;

use ca::generation::Generation;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use newtype_uuid::TypedUuid;
use scep_cms::algorithm::{ContentEncryption, DigestAlgorithm, KeyTransport, SignatureAlgorithm};
use scep_cms::public_key::PublicKey;
use scep_protocol::ra_certificate::RaKeyPair;
use scep_protocol::sealed_secret::SealedSecret;
use scep_service::ports::{CaKeys, RaKeys, SecretOwner, Secrets};
use scepter_tests::device::Device;
use scepter_tests::world::name;
use secrecy::{ExposeSecret, SecretString};
use strum::VariantArray;
use uuid::Uuid;

use crate::adapters::Keys;

/// The ports of keys over one set of adapters.
pub(crate) struct KeyPorts {
    pub(crate) ca_keys: Arc<dyn CaKeys>,
    pub(crate) ra_keys: Arc<dyn RaKeys>,
    pub(crate) secrets: Arc<dyn Secrets>,
}

#[tokio::test]
async fn every_ca_key_signs_for_its_public_key_even_after_a_restart() {
    let keys = Keys::new();
    for &algorithm in KeyAlgorithm::VARIANTS {
        let key = keys
            .open_ports()
            .ca_keys
            .generate(TypedUuid::new_v4(), &name(), algorithm)
            .await
            .unwrap();
        let restarted = keys.open_ports().ca_keys;
        let signature = restarted
            .sign(&key.location, algorithm, b"message")
            .await
            .unwrap();
        let public = PublicKey::from_der(&key.subject_public_key_info).unwrap();
        let algorithm_used = ca::tbs_certificate::signature_algorithm(algorithm);
        public
            .verify(algorithm_used, b"message", &signature)
            .unwrap();
    }
}

#[tokio::test]
async fn a_ca_key_is_found_by_its_order_even_after_a_restart() {
    let keys = Keys::new();
    let order = TypedUuid::new_v4();
    for algorithm in [KeyAlgorithm::EcP384, KeyAlgorithm::Rsa2048] {
        let order = TypedUuid::new_v4();
        let ca_keys = keys.open_ports().ca_keys;
        assert!(ca_keys.find(order, algorithm).await.unwrap().is_none());
        let made = ca_keys.generate(order, &name(), algorithm).await.unwrap();
        let restarted = keys.open_ports().ca_keys;
        let found = restarted.find(order, algorithm).await.unwrap().unwrap();
        assert_eq!(found.location, made.location);
        assert_eq!(found.subject_public_key_info, made.subject_public_key_info);
    }
    let ca_keys = keys.open_ports().ca_keys;
    let other = ca_keys.find(order, KeyAlgorithm::EcP384).await.unwrap();
    assert!(other.is_none());
}

#[tokio::test]
async fn a_missing_ca_key_signs_nothing() {
    let keys = Keys::new();
    let mut stored = keys
        .open_ports()
        .ca_keys
        .generate(TypedUuid::new_v4(), &name(), KeyAlgorithm::EcP256)
        .await
        .unwrap()
        .location
        .to_stored();
    // In files, the location is a UUID; in KMS, an ARN that ends in one.
    let uuid = stored.len() - 36..;
    stored.replace_range(uuid, &Uuid::new_v4().to_string());
    let location = KeyLocation::try_from(stored).unwrap();
    let ca_keys = keys.open_ports().ca_keys;
    let refused = ca_keys.sign(&location, KeyAlgorithm::EcP256, b"").await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn an_ra_key_decrypts_and_signs_even_after_a_restart() {
    let keys = Keys::new();
    let (uuid, key_algorithm) = (TypedUuid::new_v4(), KeyAlgorithm::Rsa2048);
    let generated = keys
        .open_ports()
        .ra_keys
        .generate(uuid, key_algorithm)
        .await
        .unwrap();
    let public = PublicKey::from_der(&generated.subject_public_key_info).unwrap();
    let pair = RaKeyPair {
        uuid,
        generation: Generation::FIRST,
        key_algorithm,
        key: generated.location,
        certificate: Device::ec().certificate,
    };
    for _ in 0..2 {
        let key = keys.open_ports().ra_keys.load(&pair).await.unwrap();
        let wrapped = public.encrypt(&[9; 32]).unwrap();
        let cipher = ContentEncryption::Aes256Cbc;
        let unwrapped = key.content_key(KeyTransport::RsaPkcs1, &wrapped, cipher);
        assert_eq!(unwrapped.as_bytes(), [9; 32]);
        for digest in DigestAlgorithm::ALL {
            let signature = key.sign(digest, b"message").unwrap();
            let algorithm_used = SignatureAlgorithm::RsaPkcs1(digest);
            public
                .verify(algorithm_used, b"message", &signature)
                .unwrap();
        }
    }
}

#[tokio::test]
async fn a_secret_opens_only_for_its_own_owner_even_after_a_restart() {
    let keys = Keys::new();
    let profile = TypedUuid::new_v4();
    let owner = SecretOwner::ServiceCredentials(profile);
    let secret = SecretString::from("s3cret");
    let sealed = keys
        .open_ports()
        .secrets
        .seal(owner, &secret)
        .await
        .unwrap();
    assert!(!sealed.as_base64().contains("s3cret"));
    let restarted = keys.open_ports().secrets;
    for _ in 0..2 {
        let opened = restarted.open(owner, &sealed).await.unwrap();
        assert_eq!(opened.expose_secret(), "s3cret");
    }
    for other in [
        SecretOwner::ServiceCredentials(TypedUuid::new_v4()),
        // Who may open the credentials at other services may not open a challengePassword.
        SecretOwner::ScepProfile(profile),
        SecretOwner::ChallengeKey(profile),
    ] {
        assert!(restarted.open(other, &sealed).await.is_err(), "{other:?}");
    }
    let spoilt = SealedSecret::new(sealed.as_base64()[..8].to_owned());
    assert!(restarted.open(owner, &spoilt).await.is_err());
}
