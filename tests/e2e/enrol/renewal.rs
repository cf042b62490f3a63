//! Renewal, RFC 8894 §2.5: who may renew, from when on, and what must stay the same.

use std::time::Duration;

use scep_cms::attribute::FailInfo;
use scep_cms::message_type::MessageType;
use scepter_tests::admin::{Admin, text};
use scepter_tests::assert::assert_refusal;
use scepter_tests::device::{Device, Request};
use scepter_tests::world::{CHALLENGE, Plan, World};
use serde_json::json;
use time::macros::{date, datetime};
use time::{Date, OffsetDateTime};

const NOT_OURS: &str =
    "the signer's certificate was not issued by this authority under this RA Profile";

#[tokio::test]
async fn a_certificate_is_renewed_for_a_new_key_by_either_kind_of_message() {
    let world = World::new().await;
    let device = world.enrol_renewable("device-1").await;
    // strongSwan sends a RenewalReq; certmonger, sscep, jscep and Cisco send a PKCSReq.
    for message_type in [MessageType::RenewalReq, MessageType::PkcsReq] {
        let next = Device::rsa();
        let request = Request {
            message_type,
            ..next.renewal("device-1")
        };
        let leaf = world.ask(&device, &request).await.leaf();
        assert_eq!(leaf.subject(), device.certificate.subject());
        let key = next.certificate.subject_public_key_info();
        assert_eq!(leaf.subject_public_key_info(), key);
        // The same request gets the same certificate again.
        assert_eq!(world.ask(&device, &request).await.leaf(), leaf);
        // The record names the certificate that was renewed.
        let admin = Admin::of(&world);
        let number = leaf.issuer_and_serial_number().serial_number_hex();
        let path = format!("/certificates?serialNumber={number}");
        let page = admin.get(&path).await.expect(200);
        let record = format!("/certificates/{}", text(&page["items"][0]["uuid"]));
        let record = admin.get(&record).await.expect(200);
        let renewed = text(&record["predecessorUuid"]).replace('-', "");
        let before = device.certificate.issuer_and_serial_number();
        let before = before.serial_number_hex().to_lowercase();
        assert_eq!(renewed, format!("{before:0>32}"));
    }
}

#[tokio::test]
async fn a_certificate_is_renewed_for_the_same_key() {
    let world = World::new().await;
    let device = world.enrol_renewable("device-1").await;
    let leaf = world.ask(&device, &device.renewal("device-1")).await.leaf();
    assert_ne!(leaf, device.certificate);
    let key = device.certificate.subject_public_key_info();
    assert_eq!(leaf.subject_public_key_info(), key);
}

/// Checks, in a world that begins at `now`, the first day of renewal: by half of a validity of 365
/// days and an hour, and by a threshold of 30 days.
async fn check_first_days(now: OffsetDateTime, half: Date, threshold: Date) {
    let plan = Plan {
        now,
        ..Plan::default()
    };
    let world = World::planned(plan).await;
    let device = world.enrolled("device-1").await;
    let assert_early = async |day: Date| {
        let text = format!("the certificate cannot be renewed before {day}");
        assert_refusal(
            &world.ask(&device, &Device::rsa().renewal("device-1")).await,
            FailInfo::BadRequest,
            &text,
        );
    };
    assert_early(half).await;
    world
        .edit_scep_profile(|profile| profile.settings.renewal_threshold_days = Some(30))
        .await;
    world.clock.advance(Duration::from_secs(330 * 24 * 60 * 60));
    assert_early(threshold).await;
    world.clock.advance(Duration::from_secs(6 * 24 * 60 * 60));
    world
        .ask(&device, &Device::rsa().renewal("device-1"))
        .await
        .leaf();
    // A threshold longer than the validity allows renewal at any time.
    world
        .edit_scep_profile(|profile| profile.settings.renewal_threshold_days = Some(400))
        .await;
    let young = world.enrolled("device-1").await;
    world
        .ask(&young, &Device::rsa().renewal("device-1"))
        .await
        .leaf();
}

/// The refusal names the first day of renewal, which depends on the hour and on leap days.
#[tokio::test]
async fn renewal_waits_for_the_second_half_or_for_the_threshold() {
    for (now, half, threshold) in [
        (
            datetime!(2026-06-15 11:59 UTC),
            date!(2026 - 12 - 14),
            date!(2027 - 05 - 16),
        ),
        (
            datetime!(2026-06-15 13:00 UTC),
            date!(2026 - 12 - 15),
            date!(2027 - 05 - 16),
        ),
        (
            datetime!(2026-12-31 23:58 UTC),
            date!(2027 - 07 - 02),
            date!(2027 - 12 - 01),
        ),
        (
            datetime!(2028-02-28 23:58 UTC),
            date!(2028 - 08 - 29),
            date!(2029 - 01 - 28),
        ),
        (
            datetime!(2028-02-29 12:00 UTC),
            date!(2028 - 08 - 29),
            date!(2029 - 01 - 29),
        ),
    ] {
        check_first_days(now, half, threshold).await;
    }
}

#[tokio::test]
async fn who_is_no_good_holder_of_ours_renews_nothing() {
    let world = World::new().await;
    let device = world.enrol_renewable("device-1").await;
    // A self-signed certificate.
    assert_refusal(
        &world
            .ask(&Device::rsa(), &Device::rsa().renewal("device-1"))
            .await,
        FailInfo::BadRequest,
        NOT_OURS,
    );
    // A certificate of another authority with the same name.
    let foreign = World::new().await.enrolled("device-1").await;
    assert_refusal(
        &world
            .ask(&foreign, &Device::rsa().renewal("device-1"))
            .await,
        FailInfo::BadRequest,
        NOT_OURS,
    );
    // A certificate of another RA Profile under the same authority.
    let admin = Admin::of(&world);
    let authority = admin.find("/authorities", "test-ca").await;
    let other = admin.ra_profile(&authority, "other").await;
    let scep = admin.find("/scepProfiles", "default").await;
    let path = format!("/scepProfiles/{scep}/raProfiles/{other}");
    admin.patch(&path).await.expect(204);
    admin
        .patch(&format!("/raProfiles/{other}/enable"))
        .await
        .expect(204);
    assert_refusal(
        &world.ask(&device, &Device::rsa().renewal("device-1")).await,
        FailInfo::BadRequest,
        NOT_OURS,
    );
    // An expired certificate.
    world.clock.advance(Duration::from_secs(366 * 24 * 60 * 60));
    assert_refusal(
        &world.ask(&device, &Device::rsa().renewal("device-1")).await,
        FailInfo::BadRequest,
        "the signer's certificate is not valid now",
    );
}

#[tokio::test]
async fn a_revoked_certificate_is_not_renewed() {
    let world = World::new().await;
    let device = world.enrol_renewable("device-1").await;
    let admin = Admin::of(&world);
    admin
        .revoke(&device.certificate, json!({ "reason": "keyCompromise" }))
        .await
        .expect(204);
    assert_refusal(
        &world.ask(&device, &Device::rsa().renewal("device-1")).await,
        FailInfo::BadRequest,
        "the signer's certificate is revoked",
    );
}

#[tokio::test]
async fn a_renewal_keeps_the_subject_and_adds_no_name() {
    let world = World::new().await;
    let device = Device::rsa();
    let csr = device.csr("device-1", Some(CHALLENGE), &["a.example.com"]);
    let leaf = world.ask(&device, &device.request(csr)).await.leaf();
    let device = device.holding(leaf);
    world.make_renewable(&device.certificate);
    let next = Device::rsa();
    let ask = async |name: &str, names: &[&str]| {
        let request = Request {
            content: Some(next.csr(name, None, names)),
            ..next.renewal("device-1")
        };
        world.ask(&device, &request).await
    };
    assert_refusal(
        &ask("device-2", &[]).await,
        FailInfo::BadRequest,
        "a renewal keeps the subject of the certificate",
    );
    // Not even the certificate's own CN may be added, unless a rule requires it.
    assert_refusal(
        &ask("device-1", &["device-1"]).await,
        FailInfo::BadRequest,
        "a renewal cannot add names to the certificate's",
    );
    let more = &["a.example.com", "b.example.com"];
    assert_refusal(
        &ask("device-1", more).await,
        FailInfo::BadRequest,
        "a renewal cannot add names to the certificate's",
    );
    ask("device-1", &["a.example.com"]).await.leaf();
    ask("device-1", &[]).await.leaf();
}

/// A rule may be newer than the certificate: names that the rule adds do not block the renewal.
#[tokio::test]
async fn the_common_name_may_come_to_stand_beside_the_subject() {
    let world = World::new().await;
    let device = Device::rsa();
    let csr = device.csr("a.example.com", Some(CHALLENGE), &[]);
    let leaf = world.ask(&device, &device.request(csr)).await.leaf();
    let device = device.holding(leaf);
    world.make_renewable(&device.certificate);
    world
        .edit_template(|template| template.subject_alt_name.common_name_as_dns = true)
        .await;
    let request = device.renewal("a.example.com");
    world.ask(&device, &request).await.leaf();
}

#[tokio::test]
async fn a_challenge_in_a_renewal_is_ignored() {
    let world = World::new().await;
    let device = world.enrol_renewable("device-1").await;
    let next = Device::rsa();
    for challenge in [CHALLENGE, "", "the one of last year"] {
        let request = Request {
            content: Some(next.csr("device-1", Some(challenge), &[])),
            ..next.renewal("device-1")
        };
        let reply = world.ask(&device, &request).await;
        assert_eq!(reply.leaf().subject(), device.certificate.subject());
    }
}

#[tokio::test]
async fn a_profile_that_wants_approval_renews_without() {
    let world = World::new().await;
    let device = world.enrol_renewable("device-1").await;
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = true)
        .await;
    world
        .ask(&device, &Device::rsa().renewal("device-1"))
        .await
        .leaf();
}
