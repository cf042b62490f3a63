//! Repeated requests: for how long they get the same certificate, and what happens if a crash
//! interrupted the first one.

use std::sync::Arc;
use std::time::Duration;

use ca::template::{Period, SubjectRule};
use scep_cms::attribute::FailInfo;
use scep_cms::certificate::Certificate;
use scep_cms::transaction_id::TransactionId;
use scep_protocol::profile::{EndpointName, RaProfile, ScepProfile};
use scep_protocol::transaction::{TransactionKey, TransactionState};
use scep_service::admin::RaProfileEdit;
use scep_service::enrol::{GrantedCertificate, Outcome};
use scep_service::ports::{Clock, Transactions};
use scepter_tests::admin::{Admin, text};
use scepter_tests::assert::assert_status;
use scepter_tests::device::{Device, Request};
use scepter_tests::world::{CHALLENGE, World, name};
use serde_json::json;

use crate::crash::failing::WatchedKeys;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The certificate granted to a device with an RSA key.
async fn enrol_granted(world: &World, device: &Device, request: &Request) -> GrantedCertificate {
    let message = device.message(request, &world.ra_certificate);
    let endpoint = EndpointName::ScepProfile(name());
    let reply = world.enrolment.answer(&endpoint, &message, None).await;
    match reply.unwrap().outcome {
        Outcome::Granted(granted) => granted,
        other => panic!("{other:?}"),
    }
}

/// Leaves a claim whose lease has expired, as after a crash while the certificate was signed.
async fn crash_while_signing(world: &mut World, device: &Device, request: &Request) {
    let keys = Arc::new(WatchedKeys::failing(world.enrolment.ca_keys.clone()));
    let whole = std::mem::replace(&mut world.enrolment.ca_keys, keys);
    let message = device.message(request, &world.ra_certificate);
    assert_status(&world.post(message).await, 503);
    world.enrolment.ca_keys = whole;
    // The lease of a claim is five seconds; until it expires, no other request may finish it.
    world.clock.advance(Duration::from_secs(6));
}

/// A certificate that may be renewed after a few hours is sent again for a whole day.
#[tokio::test]
async fn a_short_lived_certificate_is_sent_again_for_a_day() {
    let world = World::new().await;
    world
        .edit_template(|template| template.validity = Period::hours(30))
        .await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let certificate: Certificate = enrol_granted(&world, &device, &request).await.certificate;
    world.clock.advance(20 * HOUR);
    let again = enrol_granted(&world, &device, &request).await;
    assert_eq!(again.certificate, certificate);
    world.clock.advance(5 * HOUR);
    let anew = enrol_granted(&world, &device, &request).await;
    assert_ne!(anew.certificate, certificate);
}

/// A device whose reply was lost gets its certificate again, even if the rules have become stricter
/// and under another transactionID.
#[tokio::test]
async fn what_was_granted_is_sent_again_under_another_transaction_id_whatever_the_rules() {
    let world = World::new().await;
    let device = Device::rsa();
    let mut request = device.enrolment("device-1", CHALLENGE);
    let certificate = enrol_granted(&world, &device, &request).await.certificate;
    world
        .edit_template(|template| {
            template.subject = SubjectRule {
                allowed: Some(Vec::new()),
                ..template.subject.clone()
            };
        })
        .await;
    request.transaction_id = "another".to_owned();
    let again = enrol_granted(&world, &device, &request).await;
    assert_eq!(again.certificate, certificate);
    // A request that violates the rules under another request's transactionID is refused for the
    // transactionID.
    let other = Device::rsa();
    let mut taken = other.enrolment("device-2", CHALLENGE);
    taken.transaction_id = device.enrolment("", "").transaction_id;
    let (_, refusal) = world.ask(&other, &taken).await.failure();
    assert_eq!(refusal, "the transactionID belongs to another request");
}

#[tokio::test]
async fn a_certificate_counts_as_sent_again_if_the_request_had_got_it_before() {
    let mut world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    assert!(!enrol_granted(&world, &device, &request).await.resent);
    assert!(enrol_granted(&world, &device, &request).await.resent);
    let other = Device::rsa();
    let request = other.enrolment("device-2", CHALLENGE);
    crash_while_signing(&mut world, &other, &request).await;
    assert!(!enrol_granted(&world, &other, &request).await.resent);
    assert!(enrol_granted(&world, &other, &request).await.resent);
}

/// A process that completes an interrupted issuance holds a lease as long as that of the first
/// claim.
#[tokio::test]
async fn what_a_crash_left_is_claimed_for_a_lease_by_whoever_finishes_it() {
    let mut world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    crash_while_signing(&mut world, &device, &request).await;
    let resumed = Clock::now(&*world.clock);
    crash_while_signing(&mut world, &device, &request).await;
    let key = TransactionKey {
        scep_profile: world.find::<ScepProfile>().await.object.uuid,
        transaction_id: TransactionId::new(&request.transaction_id).unwrap(),
    };
    let known = world.store.transaction(key.uuid()).await.unwrap();
    let TransactionState::Issuing { lease_until, .. } = known.unwrap().state else {
        panic!("claimed");
    };
    assert_eq!(lease_until - resumed, Duration::from_secs(5));
    enrol_granted(&world, &device, &request).await;
}

/// A request that a crash interrupted under one RA Profile is completed after the SCEP Profile
/// moved to another one; the certificate is valid only if the first RA Profile is still enabled.
#[tokio::test]
async fn what_a_crash_left_under_another_ra_profile_is_issued_if_that_still_serves() {
    for (enabled, finished) in [(true, "VALID"), (false, "REVOKED")] {
        let mut world = World::new().await;
        let device = Device::rsa();
        let request = device.enrolment("device-1", CHALLENGE);
        crash_while_signing(&mut world, &device, &request).await;
        let default = world.find::<RaProfile>().await;
        let edit = RaProfileEdit {
            name: Some("other".to_owned()),
            ..RaProfileEdit::default()
        };
        let other = world
            .administration
            .create_ra_profile(edit, default.object.authority)
            .await;
        let other = other.unwrap().object.uuid;
        world.administration.enable_ra_profile(other).await.unwrap();
        world
            .edit_scep_profile(|profile| profile.ra_profile = Some(other))
            .await;
        world
            .edit_ra_profile(|profile| profile.enabled = enabled)
            .await;
        enrol_granted(&world, &device, &request).await;
        let page = Admin::of(&world).get("/certificates").await.expect(200);
        let mut states: Vec<_> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|certificate| text(&certificate["status"]))
            .collect();
        states.sort();
        let mut expected = [finished, "VALID"];
        expected.sort_unstable();
        assert_eq!(states, expected);
    }
}

/// An attacker who has a compromised key has the requests that it signed, too.
#[tokio::test]
async fn a_key_with_a_revoked_certificate_is_sent_none_of_its_others() {
    let world = World::new().await;
    let device = Device::rsa();
    let first = device.enrolment("device-1", CHALLENGE);
    let first = device.message(&first, &world.ra_certificate);
    world.exchange(&device, first.clone()).await.leaf();
    let mut second = device.enrolment("device-2", CHALLENGE);
    second.transaction_id = "another".to_owned();
    let revoked = world.ask(&device, &second).await.leaf();
    let body = json!({ "reason": "keyCompromise" });
    Admin::of(&world).revoke(&revoked, body).await.expect(204);
    let (fail_info, text) = world.exchange(&device, first).await.failure();
    assert_eq!(fail_info, FailInfo::BadRequest);
    assert_eq!(text, "the key belongs to a revoked certificate");
}
