//! The server supports exactly what GetCACaps announces.

use scep_cms::algorithm::ContentEncryption::{self, Aes128Cbc, Aes192Cbc, Aes256Cbc, DesEde3Cbc};
use scep_cms::algorithm::DigestAlgorithm::{self, Sha1, Sha256, Sha384, Sha512};
use scep_cms::attribute::PkiStatus;
use scepter_tests::admin::Admin;
use scepter_tests::device::{Device, Request};
use scepter_tests::world::{CHALLENGE, World};
use serde_json::Value;

/// Every keyword of RFC 8894 §3.5.2 that this server may announce, and SHA-384, with the algorithms
/// of the enrolments that it promises. Enrolments are sent by POST.
const KEYWORDS: [(&str, &[(DigestAlgorithm, ContentEncryption)]); 10] = [
    ("POSTPKIOperation", &[(Sha256, Aes128Cbc)]),
    ("SHA-1", &[(Sha1, Aes128Cbc)]),
    ("SHA-256", &[(Sha256, Aes128Cbc)]),
    ("SHA-384", &[(Sha384, Aes128Cbc)]),
    ("SHA-512", &[(Sha512, Aes128Cbc)]),
    ("DES3", &[(Sha256, DesEde3Cbc)]),
    (
        "AES",
        &[
            (Sha256, Aes128Cbc),
            (Sha256, Aes192Cbc),
            (Sha256, Aes256Cbc),
        ],
    ),
    ("Renewal", &[]),
    // It means AES-128, SHA-256 and POST.
    ("SCEPStandard", &[(Sha256, Aes128Cbc)]),
    ("GetNextCACert", &[]),
];

/// Whether a new device gets a certificate with each of these algorithms, or, for a keyword that
/// promises no enrolment, whether its operation succeeds.
async fn does_work(
    world: &World,
    keyword: &str,
    enrolments: &[(DigestAlgorithm, ContentEncryption)],
) -> bool {
    let is_issued = async |device: &Device, request: &Request| {
        world.ask(device, request).await.attributes.pki_status == PkiStatus::Success
    };
    if keyword == "Renewal" {
        let device = world.enrolled("device-1").await;
        return is_issued(&device, &Device::rsa().renewal("device-1")).await;
    }
    if keyword == "GetNextCACert" {
        let response = world.get_scep("operation=GetNextCACert").await;
        return response.status() == 200;
    }
    for (digest, cipher) in enrolments {
        let device = Device::rsa();
        let request = Request {
            digest: *digest,
            cipher: *cipher,
            ..device.enrolment("device-1", CHALLENGE)
        };
        if !is_issued(&device, &request).await {
            return false;
        }
    }
    true
}

#[tokio::test]
async fn what_is_announced_works_and_what_is_not_does_not() {
    for legacy in [true, false] {
        for rollover in [false, true] {
            let world = World::new().await;
            world
                .edit_scep_profile(|profile| {
                    profile.settings.legacy_algorithms = legacy;
                    profile.settings.renewal_threshold_days = Some(400);
                })
                .await;
            if rollover {
                let admin = Admin::of(&world);
                let authority = admin.find("/authorities", "test-ca").await;
                let path = format!("/authorities/{authority}/rollover");
                admin.post(&path, Value::Null).await.expect(200);
            }
            let response = world.get_scep("operation=GetCACaps").await;
            let announced = String::from_utf8(response.body().to_vec()).unwrap();
            let announced: Vec<_> = announced.lines().collect();
            for (keyword, enrolments) in KEYWORDS {
                let said = announced.contains(&keyword);
                let works = does_work(&world, keyword, enrolments).await;
                assert_eq!(said, works, "{keyword}");
            }
            let known = KEYWORDS.map(|(keyword, _)| keyword);
            assert!(announced.iter().all(|line| known.contains(line)));
            let expected = 8 - 2 * usize::from(!legacy) + 1 + usize::from(rollover);
            assert_eq!(announced.len(), expected);
        }
    }
}
