//! What Intune hears of the requests that it validated.

use std::time::{Duration, Instant};

use scep_cms::attribute::FailInfo;
use scep_protocol::profile::ScepProfile;
use scepter_tests::admin::{Admin, text};
use scepter_tests::device::Device;
use scepter_tests::intune::{Fault, Step};
use scepter_tests::openssl;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::enrol::intune::IntuneWorld;

#[tokio::test]
async fn intune_hears_of_the_certificate() {
    let asked = IntuneWorld::new().await;
    let (device, request) = asked.plan_enrolment("phone-1");
    let leaf = asked.world.ask(&device, &request).await.leaf();
    let [told] = &asked.double.successes()[..] else {
        panic!("Intune is told once")
    };
    let printed = openssl::print(&leaf, &["-serial", "-fingerprint", "-sha1"]);
    let serial_number = told["certificateSerialNumber"].as_str().unwrap();
    assert!(
        printed.contains(&format!("serial={serial_number}\n")),
        "{printed}"
    );
    let thumbprint = told["certificateThumbprint"].as_str().unwrap();
    assert!(printed.replace(':', "").contains(thumbprint), "{printed}");
    let not_after = leaf.validity().unwrap().not_after;
    let expiry = told["certificateExpirationDateUtc"].as_str().unwrap();
    assert_eq!(OffsetDateTime::parse(expiry, &Rfc3339).unwrap(), not_after);
    assert_eq!(told["issuingCertificateAuthority"], "CN=Test CA,O=Corp");
    assert_eq!(told["transactionId"], request.transaction_id);
    // The same request again makes no second certificate, so there is nothing to tell.
    asked.world.ask(&device, &request).await.leaf();
    assert_eq!(asked.double.successes().len(), 1);
    // A renewal is none of Intune's requests.
    let holder = device.holding(leaf.clone());
    asked.world.make_renewable(&leaf);
    asked
        .world
        .ask(&holder, &Device::rsa().renewal("phone-1"))
        .await;
    assert_eq!(asked.double.successes().len(), 1);
    asked.double.assert_content();
}

#[tokio::test]
async fn a_notification_that_failed_is_repeated_until_intune_takes_it() {
    let asked = IntuneWorld::new().await;
    let world = &asked.world;
    world.clock.skipped.lock().unwrap().get_or_insert_default();
    asked.double.fail_next(Step::Success, &[Fault::Outage]);
    let (device, request) = asked.plan_enrolment("phone-1");
    // The device has its certificate nevertheless.
    let leaf = world.ask(&device, &request).await.leaf();
    let minutes = |minutes: u64| world.clock.advance(Duration::from_secs(60 * minutes));
    minutes(2);
    world.enrolment.deliver_due_notices().await.unwrap();
    assert_eq!(asked.double.successes().len(), 0);
    asked.double.heal(Step::Success);
    // An answer that is no success is no delivery either.
    let refused = [Fault::Answer(r#"{"code":"Unknown"}"#.to_owned())];
    asked.double.fail_next(Step::Success, &refused);
    minutes(10);
    world.enrolment.deliver_due_notices().await.unwrap();
    assert_eq!(asked.double.successes().len(), 0);
    minutes(30);
    world.enrolment.deliver_due_notices().await.unwrap();
    let told = asked.double.successes();
    assert_eq!(told.len(), 1);
    let serial_number = leaf.issuer_and_serial_number().serial_number_hex();
    assert_eq!(told[0]["certificateSerialNumber"], serial_number);
    minutes(600);
    world.enrolment.deliver_due_notices().await.unwrap();
    assert_eq!(asked.double.successes().len(), 1);
    asked.double.assert_content();
}

#[tokio::test]
async fn a_device_does_not_wait_for_a_service_that_takes_long_to_hear() {
    let asked = IntuneWorld::new().await;
    let world = &asked.world;
    let (device, request) = asked.plan_enrolment("phone-1");
    let silent = [Fault::Silence, Fault::Silence, Fault::Silence];
    asked.double.fail_next(Step::Success, &silent);
    let start = Instant::now();
    world.ask(&device, &request).await.leaf();
    // Intune itself is given ten seconds.
    assert!(start.elapsed() < Duration::from_secs(7));
    assert_eq!(asked.double.successes().len(), 0);
    asked.double.heal(Step::Success);
    for _ in 0..2 {
        world.clock.advance(Duration::from_secs(60));
        world.enrolment.deliver_due_notices().await.unwrap();
        assert_eq!(asked.double.successes().len(), 1);
    }
    asked.double.assert_content();
}

#[tokio::test]
async fn intune_hears_of_a_certificate_that_an_administrator_approved() {
    let asked = IntuneWorld::new().await;
    let world = &asked.world;
    let hold = |profile: &mut ScepProfile| profile.settings.require_manual_approval = true;
    world.edit_scep_profile(hold).await;
    let (device, request) = asked.plan_enrolment("phone-1");
    world.ask(&device, &request).await;
    assert_eq!(asked.double.successes().len(), 0);
    let admin = Admin::of(world);
    let uuid = text(&admin.find_transaction("PENDING").await["uuid"]);
    admin.approve(&uuid).await.expect(204);
    world.clock.advance(Duration::from_secs(60));
    world.enrolment.deliver_due_notices().await.unwrap();
    assert_eq!(asked.double.successes().len(), 1);
    asked.double.assert_content();
}

#[tokio::test]
async fn intune_hears_that_a_request_is_refused_although_it_validated_it() {
    let asked = IntuneWorld::new().await;
    let world = &asked.world;
    world
        .edit_template(|template| template.rsa_min_bits = 3_072)
        .await;
    let (device, request) = asked.plan_enrolment("phone-1");
    let (info, text) = world.ask(&device, &request).await.failure();
    assert_eq!(info, FailInfo::BadAlg);
    let [told] = &asked.double.failures()[..] else {
        panic!("Intune is told once")
    };
    assert_eq!(told["errorDescription"], text);
    assert_eq!(told["hResult"], 0xA5CE_0000_u32);
    assert_eq!(told["transactionId"], request.transaction_id);
    // What Intune itself refused, it knows.
    asked.double.refuse_next("ChallengeExpired");
    world.ask(&device, &request).await.failure();
    assert_eq!(asked.double.failures().len(), 1);
    asked.double.assert_content();
}

#[tokio::test]
async fn intune_hears_that_an_administrator_rejected_a_request() {
    let asked = IntuneWorld::new().await;
    let world = &asked.world;
    let hold = |profile: &mut ScepProfile| profile.settings.require_manual_approval = true;
    world.edit_scep_profile(hold).await;
    let (device, request) = asked.plan_enrolment("phone-1");
    world.ask(&device, &request).await;
    let admin = Admin::of(world);
    let uuid = text(&admin.find_transaction("PENDING").await["uuid"]);
    let path = format!("/scepTransactions/{uuid}/reject");
    let reason = "lost device. ".repeat(15);
    let body = json!({ "reason": reason });
    admin.post(&path, body).await.expect(204);
    world.clock.advance(Duration::from_secs(60));
    world.enrolment.deliver_due_notices().await.unwrap();
    let told = asked.double.failures();
    let description = told[0]["errorDescription"].as_str().unwrap();
    assert!(description.contains("lost device"), "{description}");
    asked.double.assert_content();
}
