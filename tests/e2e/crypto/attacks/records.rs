//! What the server records before it signs, and what it can record.

use std::sync::Arc;
use std::time::Duration;

use scep_cms::attribute::FailInfo;
use scepter_tests::admin::{Admin, certificate_uuid, text};
use scepter_tests::assert::{assert_refusal, assert_status};
use scepter_tests::device::Device;
use scepter_tests::world::{CHALLENGE, World};
use serde_json::json;

use crate::crash::failing::WatchedKeys;

use super::list_certificates;

/// An RA Profile that was disabled in the meantime prevents issuance in the same way.
#[tokio::test]
async fn upkeep_issues_nothing_under_a_profile_that_was_disabled() {
    let mut world = World::new().await;
    let admin = Admin::of(&world);
    let keys = Arc::new(WatchedKeys::failing(world.enrolment.ca_keys.clone()));
    world.enrolment.ca_keys = keys;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let message = device.message(&request, &world.ra_certificate);
    assert_status(&world.post(message).await, 503);
    world
        .edit_ra_profile(|profile| profile.enabled = false)
        .await;
    world.clock.advance(Duration::from_secs(6));
    world.run_maintenance().await.unwrap();
    let all = list_certificates(&admin, "").await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].1, "REVOKED");
    // The transactionID can be used again.
    world
        .edit_ra_profile(|profile| profile.enabled = true)
        .await;
    let other = Device::rsa();
    let mut request = other.enrolment("device-1", CHALLENGE);
    request.transaction_id = device.enrolment("", "").transaction_id;
    world.ask(&other, &request).await.leaf();
}

/// A PKCS #10 request longer than any that could be certified and recorded is not parsed.
#[tokio::test]
async fn an_endless_request_is_not_opened() {
    let world = World::new().await;
    let device = Device::rsa();
    let mut request = device.enrolment("device-1", CHALLENGE);
    request.content = Some(vec![0x30; 17 * 1024]);
    let reply = world.ask(&device, &request).await;
    assert_refusal(
        &reply,
        FailInfo::BadRequest,
        "the PKCS #10 request is larger than 16 KiB",
    );
}

/// Serial numbers have 128 random bits, without the version bits of a UUID.
#[tokio::test]
async fn serial_numbers_have_no_pattern() {
    let world = World::new().await;
    let mut versions = std::collections::HashSet::new();
    for number in 0..12 {
        let device = world.enrolled(&format!("device-{number}")).await;
        let octets = certificate_uuid(&device.certificate).into_bytes();
        versions.insert((octets[6] >> 4, octets[8] >> 6));
    }
    // Twelve draws of six bits are all equal with probability 2^-66.
    assert!(versions.len() > 1);
}

/// The certificates that an authority signs for the server itself, roots and RA certificates, are
/// recorded before they are signed.
#[tokio::test]
async fn certificates_of_the_server_are_recorded_before_they_are_signed() {
    let mut world = World::new().await;
    let keys = Arc::new(WatchedKeys::failing(world.administration.ca_keys.clone()));
    world.administration.ca_keys = keys.clone();
    let admin = Admin::of(&world);
    let body = json!({ "name": "lost-ca", "subject": "CN=Lost CA", "keyAlgorithm": "EC_P256" });
    admin.post("/authorities", body).await.expect(503);
    let records = admin.get("/auditRecords?limit=5").await.expect(200);
    let mut records = records["items"].as_array().unwrap().iter();
    // The order of the key has records, too.
    let record = records.find(|record| record["action"] == "sign").unwrap();
    assert_eq!(record["after"]["subject"], "CN=Lost CA");
    assert!(text(&record["after"]["serialNumber"]).len() > 20);
    // The serial number of the RA certificate is the recorded one.
    let authority = admin.find("/authorities", "test-ca").await;
    let path = format!("/authorities/{authority}/raCertificates");
    let made = admin
        .post(&path, json!({ "commonName": "RA" }))
        .await
        .expect(201);
    let number = &made["certificate"]["serialNumber"];
    let records = admin.get("/auditRecords?limit=20").await.expect(200);
    let records = records["items"].as_array().unwrap().iter();
    let mut signed = records.filter(|record| record["action"] == "sign");
    assert!(signed.any(|record| record["after"]["serialNumber"] == *number));
}

/// The largest possible request, under a profile with the largest annotations, can be recorded once
/// it is claimed: a DynamoDB item holds at most 400 KiB.
#[tokio::test]
async fn the_largest_of_everything_is_recorded() {
    use scepter_tests::asn1::{
        CN, bits, dns, element, name, oid, rdn, request_info, subject_alt_name,
    };
    let world = World::new().await;
    world
        .edit_scep_profile(|profile| {
            let most = || scep_protocol::annotations::Attributes::from_json("\"".repeat(16 * 1024));
            profile.annotations.issue_certificate_attributes = most();
            profile.annotations.custom_attributes = most();
            profile.annotations.associations.custom_attributes = most();
            profile.annotations.associations.groups = vec!["\u{10FFFF}".repeat(255); 100];
        })
        .await;
    let device = Device::rsa();
    let text = |octet: char| {
        rdn(
            CN,
            der::Tag::Utf8String,
            octet.to_string().repeat(250).as_bytes(),
        )
    };
    // Commas are the worst case: each one is escaped and takes two characters in the text of the
    // subject.
    let subject = name(&(0..15).map(|_| text(',')).collect::<Vec<_>>());
    let names: Vec<_> = (0..100)
        .map(|number| dns(&format!("{number:03}.{}.example", "a".repeat(60))))
        .collect();
    let spki = device.certificate.subject_public_key_info();
    let info = request_info(&subject, spki, &[subject_alt_name(&names)]);
    let signature = device.sign(scep_cms::algorithm::DigestAlgorithm::Sha256, &info);
    let algorithm = element(0x30, &[&oid("1.2.840.113549.1.1.11"), &[5, 0]]);
    let csr = element(0x30, &[&info, &algorithm, &bits(&signature)]);
    assert!((12_000..16 * 1024).contains(&csr.len()), "{}", csr.len());
    let leaf = world.ask(&device, &device.request(csr)).await.leaf();
    let admin = Admin::of(&world);
    let shown = admin
        .get(&format!("/certificates/{}", certificate_uuid(&leaf)))
        .await;
    assert_eq!(shown.expect(200)["status"], "VALID");
}
