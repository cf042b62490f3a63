//! The server supports exactly what GetCACaps announces.

use scep_cms::algorithm::{ContentEncryption, DigestAlgorithm};
use scep_cms::attribute::PkiStatus;
use scepter_tests::admin::Admin;
use scepter_tests::device::{Device, Request};
use scepter_tests::world::{CHALLENGE, World};
use serde_json::Value;

/// Every keyword of RFC 8894 §3.5.2 that this server may announce, and SHA-384.
const KEYWORDS: [&str; 10] = [
    "POSTPKIOperation",
    "SHA-1",
    "SHA-256",
    "SHA-384",
    "SHA-512",
    "DES3",
    "AES",
    "Renewal",
    "SCEPStandard",
    "GetNextCACert",
];

/// Whether a new device gets a certificate with such a request.
async fn can_enrol(world: &World, edit: impl FnOnce(&mut Request)) -> bool {
    let device = Device::rsa();
    let mut request = device.enrolment("device-1", CHALLENGE);
    edit(&mut request);
    let reply = world.ask(&device, &request).await;
    reply.attributes.pki_status == PkiStatus::Success
}

async fn does_work(world: &World, keyword: &str) -> bool {
    let digest = |digest| move |request: &mut Request| request.digest = digest;
    let cipher = |cipher| move |request: &mut Request| request.cipher = cipher;
    match keyword {
        // `World::ask` sends by POST. SCEPStandard means AES-128, SHA-256 and POST, which devices
        // use by default.
        "POSTPKIOperation" | "SCEPStandard" => can_enrol(world, |_| {}).await,
        "SHA-1" => can_enrol(world, digest(DigestAlgorithm::Sha1)).await,
        "SHA-256" => can_enrol(world, digest(DigestAlgorithm::Sha256)).await,
        "SHA-384" => can_enrol(world, digest(DigestAlgorithm::Sha384)).await,
        "SHA-512" => can_enrol(world, digest(DigestAlgorithm::Sha512)).await,
        "DES3" => can_enrol(world, cipher(ContentEncryption::DesEde3Cbc)).await,
        "AES" => {
            can_enrol(world, cipher(ContentEncryption::Aes128Cbc)).await
                && can_enrol(world, cipher(ContentEncryption::Aes192Cbc)).await
                && can_enrol(world, cipher(ContentEncryption::Aes256Cbc)).await
        }
        "Renewal" => {
            let device = world.enrolled("device-1").await;
            let renewal = Device::rsa().renewal("device-1");
            let reply = world.ask(&device, &renewal).await;
            reply.attributes.pki_status == PkiStatus::Success
        }
        "GetNextCACert" => {
            let response = world.get_scep("operation=GetNextCACert").await;
            response.status() == 200
        }
        other => panic!("{other}"),
    }
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
            for keyword in KEYWORDS {
                let said = announced.contains(&keyword);
                assert_eq!(said, does_work(&world, keyword).await, "{keyword}");
            }
            assert!(announced.iter().all(|line| KEYWORDS.contains(line)));
            let expected = 8 - 2 * usize::from(!legacy) + 1 + usize::from(rollover);
            assert_eq!(announced.len(), expected);
        }
    }
}
