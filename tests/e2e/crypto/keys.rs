//! Properties of software keys alone: file permissions, RA keys in memory, and secrets that cannot
//! be altered.

use std::os::unix::fs::PermissionsExt;

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey,
};
use ca::generation::Generation;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use keys_file::{FileCaKeys, FileRaKeys, FileSecrets};
use newtype_uuid::TypedUuid;
use scep_cms::algorithm::{ContentEncryption, DigestAlgorithm, KeyTransport, SignatureAlgorithm};
use scep_protocol::ra_certificate::RaKeyPair;
use scep_protocol::sealed_secret::SealedSecret;
use scep_service::error::KeyError;
use scep_service::ports::{CaKeys, RaKeys, SecretOwner, Secrets};
use scep_service::ra_key::RaKey;
use scepter_tests::device::Device;
use scepter_tests::world::name;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::adapters::Keys;

fn ra_key(device: &Device) -> RaKey {
    RaKey::from_pkcs8("ra".to_owned(), &device.key.serialize_der().into()).unwrap()
}

#[tokio::test]
async fn key_files_are_their_owners_and_others_are_refused() {
    let Keys { folder, keys } = Keys::new();
    let ca_keys = FileCaKeys::new(keys.clone());
    let key = ca_keys
        .generate(TypedUuid::new_v4(), &name(), KeyAlgorithm::EcP256)
        .await
        .unwrap();
    let file = folder.path().join(format!("keys/{}.key", key.location));
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(&file), mode(&folder.path().join("keys"))),
        (0o600, 0o700)
    );
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = FileCaKeys::new(keys)
        .sign(&key.location, KeyAlgorithm::EcP256, b"")
        .await;
    assert!(matches!(refused, Err(KeyError::Broken { .. })));
}

#[tokio::test]
async fn a_reference_that_is_none_or_leads_elsewhere_is_refused() {
    let Keys {
        folder: _folder,
        keys,
    } = Keys::new();
    let ca_keys = FileCaKeys::new(keys);
    let missing = KeyLocation::File(Uuid::new_v4());
    let refused = ca_keys.sign(&missing, KeyAlgorithm::EcP256, b"").await;
    assert!(matches!(refused, Err(KeyError::Gone { .. })));
    for elsewhere in ["../secrets", ""] {
        assert!(KeyLocation::try_from(elsewhere.to_owned()).is_err());
    }
}

#[tokio::test]
async fn a_key_of_another_key_store_is_refused_and_not_shown() {
    let Keys {
        folder: _folder,
        keys,
    } = Keys::new();
    let (ca_keys, ra_keys) = (FileCaKeys::new(keys.clone()), FileRaKeys::new(keys));
    let arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    for stored in [arn, "c2VjcmV0"] {
        let location = KeyLocation::try_from(stored.to_owned()).unwrap();
        let refused = ca_keys.sign(&location, KeyAlgorithm::EcP256, b"").await;
        assert!(matches!(refused, Err(KeyError::Foreign { .. })));
        let pair = RaKeyPair {
            uuid: TypedUuid::new_v4(),
            generation: Generation::FIRST,
            key_algorithm: KeyAlgorithm::Rsa2048,
            key: location,
            certificate: Device::ec().certificate,
        };
        let refused = ra_keys.load(&pair).await.err().unwrap();
        assert!(matches!(refused, KeyError::Foreign { .. }));
        assert!(!format!("{refused} {refused:?}").contains("c2VjcmV0"));
    }
}

#[test]
fn an_ra_key_signs_with_every_digest() {
    let device = Device::rsa();
    let public = device.certificate.public_key().unwrap();
    for digest in DigestAlgorithm::ALL {
        let signature = ra_key(&device).sign(digest, b"message").unwrap();
        public
            .verify(SignatureAlgorithm::RsaPkcs1(digest), b"message", &signature)
            .unwrap();
    }
}

#[test]
fn an_ra_key_unwraps_what_is_wrapped_for_it() {
    let device = Device::rsa();
    let cipher = ContentEncryption::Aes256Cbc;
    let content_key = [9; 32];
    let wrapped = device
        .certificate
        .public_key()
        .unwrap()
        .encrypt(&content_key)
        .unwrap();
    let unwrapped = ra_key(&device).content_key(KeyTransport::RsaPkcs1, &wrapped, cipher);
    assert_eq!(unwrapped.as_bytes(), content_key);
    for (transport, algorithm) in [
        (KeyTransport::RsaOaepSha1, &OAEP_SHA1_MGF1SHA1),
        (KeyTransport::RsaOaepSha256, &OAEP_SHA256_MGF1SHA256),
    ] {
        let public =
            PublicEncryptingKey::from_der(device.certificate.subject_public_key_info()).unwrap();
        let public = OaepPublicEncryptingKey::new(public).unwrap();
        let mut wrapped = vec![0; public.ciphertext_size()];
        public
            .encrypt(algorithm, &content_key, &mut wrapped, None)
            .unwrap();
        let unwrapped = ra_key(&device).content_key(transport, &wrapped, cipher);
        assert_eq!(unwrapped.as_bytes(), content_key);
    }
}

#[test]
fn what_does_not_unwrap_gives_the_same_rejection_key_each_time() {
    let device = Device::rsa();
    let key = ra_key(&device);
    let too_short = device
        .certificate
        .public_key()
        .unwrap()
        .encrypt(&[9; 16])
        .unwrap();
    for cipher in ContentEncryption::ALL {
        for wrapped in [vec![1; 256], vec![0xff; 256], too_short.clone()] {
            let rejection_key = || key.content_key(KeyTransport::RsaPkcs1, &wrapped, cipher);
            let first = rejection_key();
            assert_eq!(first.as_bytes().len(), cipher.key_bytes());
            if cipher != ContentEncryption::Aes128Cbc {
                assert_eq!(first.as_bytes(), rejection_key().as_bytes());
                assert!(first.as_bytes().iter().any(|octet| *octet != 9));
            }
        }
    }
    let other = ra_key(&Device::rsa());
    let cipher = ContentEncryption::Aes256Cbc;
    let [mine, theirs] =
        [&key, &other].map(|key| key.content_key(KeyTransport::RsaPkcs1, &[1; 256], cipher));
    assert_ne!(mine.as_bytes(), theirs.as_bytes());
}

#[tokio::test]
async fn a_secret_opens_for_its_own_profile_and_after_a_restart() {
    let Keys {
        folder: _folder,
        keys,
    } = Keys::new();
    let profile = TypedUuid::new_v4();
    let owner = SecretOwner::ScepProfile(profile);
    let sealed = FileSecrets::open(&keys)
        .unwrap()
        .seal(owner, &SecretString::from("s3cret"))
        .await
        .unwrap();
    assert!(!sealed.as_base64().contains("s3cret"));
    let restarted = FileSecrets::open(&keys).unwrap();
    assert_eq!(
        restarted
            .open(owner, &sealed)
            .await
            .unwrap()
            .expose_secret(),
        "s3cret"
    );
    for other in [
        SecretOwner::ScepProfile(TypedUuid::new_v4()),
        SecretOwner::ChallengeKey(profile),
        SecretOwner::ServiceCredentials(TypedUuid::new_v4()),
    ] {
        assert!(restarted.open(other, &sealed).await.is_err(), "{other:?}");
    }
    let mut spoilt = sealed.as_base64().to_owned();
    let other = if spoilt.starts_with('A') { "B" } else { "A" };
    spoilt.replace_range(0..1, other);
    for spoilt in [spoilt.as_str(), &spoilt[..8]] {
        let spoilt = SealedSecret::new(spoilt.to_owned());
        assert!(restarted.open(owner, &spoilt).await.is_err());
    }
    // An earlier version sealed credentials at other services for the profile as a whole.
    let credentials = SecretOwner::ServiceCredentials(profile);
    let opened = restarted.open(credentials, &sealed).await.unwrap();
    assert_eq!(opened.expose_secret(), "s3cret");
    let secret = SecretString::from("s3cret");
    let sealed = restarted.seal(credentials, &secret).await.unwrap();
    assert!(restarted.open(owner, &sealed).await.is_err());
}
