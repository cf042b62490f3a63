//! Requests through proxies: the message is signed with another key than that of the request
//! inside.

use scep_cms::attribute::{FailInfo, PkiStatus};
use scepter_tests::admin::{Admin, text};
use scepter_tests::assert::assert_pending;
use scepter_tests::device::{Device, Request};
use scepter_tests::world::{CHALLENGE, World};

/// A world whose SCEP Profile allows or forbids proxies to sign.
async fn build_world(allow_proxy_signer: bool) -> World {
    let world = World::new().await;
    world
        .edit_scep_profile(|profile| profile.settings.allow_proxy_signer = allow_proxy_signer)
        .await;
    world
}

/// SimpleSCEP's authors report a throw-away signer `CN=SCEP Protocol Certificate`. In
/// seize-the-dave/jscep#276, EPMM enrols for its phones. In certnanny/sscep#12, the key is in a TPM
/// that cannot sign messages. Cisco ISE and ChromeOS enrol through a connector.
#[tokio::test]
async fn windows_mdm_ise_and_devices_with_a_tpm_have_another_key_sign() {
    let world = build_world(true).await;
    for (device, proxy) in [
        (
            Device::rsa(),
            Device::named("SCEP Protocol Certificate", &[1]),
        ),
        (Device::ec(), Device::rsa()),
    ] {
        let asked = device.enrolment("device-1", CHALLENGE);
        // The reply is encrypted to the signer.
        let leaf = world.ask(&proxy, &asked).await.leaf();
        let key = device.certificate.subject_public_key_info();
        assert_eq!(leaf.subject_public_key_info(), key);
        // The same request with a second throw-away signer gets the same certificate.
        let again = Device::rsa();
        assert_eq!(world.ask(&again, &asked).await.leaf(), leaf);
    }
}

#[tokio::test]
async fn a_proxy_with_a_certificate_of_a_foreign_ca_signs_for_its_devices() {
    let world = build_world(true).await;
    let foreign = World::new().await.enrolled("proxy").await;
    let device = Device::rsa();
    let asked = device.enrolment("device-1", CHALLENGE);
    world.ask(&foreign, &asked).await.leaf();
}

#[tokio::test]
async fn a_proxy_needs_the_challenge_of_the_device() {
    let world = build_world(true).await;
    let device = Device::rsa();
    for challenge in [Some("guessed"), Some(""), None] {
        let reply = world
            .ask(
                &Device::rsa(),
                &device.request(device.csr("device-1", challenge, &[])),
            )
            .await;
        assert_eq!(reply.failure().0, FailInfo::BadRequest, "{challenge:?}");
    }
}

/// By default a message must be signed with the request's own key.
#[tokio::test]
async fn without_the_setting_no_other_key_signs() {
    let world = build_world(false).await;
    for device in [Device::rsa(), Device::ec()] {
        let reply = world
            .ask(&Device::rsa(), &device.enrolment("device-1", CHALLENGE))
            .await;
        assert_eq!(reply.failure().0, FailInfo::BadMessageCheck);
    }
    // A signer that looks like the throw-away one but has the request's key is accepted.
    let device = Device::named("SCEP Protocol Certificate", &[1]);
    world
        .ask(&device, &device.enrolment("device-1", CHALLENGE))
        .await
        .leaf();
}

/// The reply to an EC key is encrypted under the challenge, and a captured request that an attacker
/// signs with one would yield something to guess the challenge from.
#[tokio::test]
async fn no_ec_key_signs_for_another() {
    let world = build_world(true).await;
    for device in [Device::rsa(), Device::ec()] {
        let captured = device.enrolment("device-1", CHALLENGE);
        let reply = world.ask(&Device::ec(), &captured).await;
        assert_eq!(reply.failure().0, FailInfo::BadMessageCheck);
    }
}

/// An attacker signs a captured envelope with their own key. They get a certificate for a key that
/// they do not have, and the device gets the same certificate, regardless of the order and the
/// transactionID.
#[tokio::test]
async fn an_attacker_who_signs_a_captured_request_anew_gains_nothing_and_blocks_nobody() {
    for attacker_first in [false, true] {
        for transaction_id in [None, Some("attacker")] {
            let world = build_world(true).await;
            let (device, attacker) = (Device::rsa(), Device::rsa());
            let asked = device.enrolment("device-1", CHALLENGE);
            let mut captured = asked.clone();
            if let Some(transaction_id) = transaction_id {
                captured.transaction_id = transaction_id.to_owned();
            }
            let mut leaves = Vec::new();
            for of_attacker in [attacker_first, !attacker_first, attacker_first] {
                let (signer, request) = match of_attacker {
                    true => (&attacker, &captured),
                    false => (&device, &asked),
                };
                leaves.push(world.ask(signer, request).await.leaf());
            }
            let key = device.certificate.subject_public_key_info();
            assert_eq!(leaves[0].subject_public_key_info(), key);
            assert!(leaves.iter().all(|leaf| *leaf == leaves[0]));
        }
    }
}

/// An attacker cannot replace a device's pending request, and the administrator approves the
/// device's own request.
#[tokio::test]
async fn an_attacker_does_not_displace_a_device_that_waits() {
    let world = build_world(true).await;
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = true)
        .await;
    let (device, attacker) = (Device::rsa(), Device::rsa());
    let asked = device.enrolment("device-1", CHALLENGE);
    let mut captured = asked.clone();
    captured.transaction_id = "attacker".to_owned();
    // The attacker sends the captured request first, and again under the device's transactionID. A
    // request for the attacker's own key is not granted.
    let own = Request {
        transaction_id: asked.transaction_id.clone(),
        ..attacker.enrolment("device-1", CHALLENGE)
    };
    for (signer, asked, expected) in [
        (&attacker, &captured, PkiStatus::Pending),
        (&device, &asked, PkiStatus::Pending),
        (&attacker, &asked, PkiStatus::Pending),
    ] {
        let reply = world.ask(signer, asked).await;
        assert_eq!(reply.attributes.pki_status, expected);
    }
    let admin = Admin::of(&world);
    let waiting = admin.get("/scepTransactions?status=PENDING").await;
    let waiting = waiting.expect(200);
    assert_eq!(waiting["items"].as_array().unwrap().len(), 1);
    let uuid = text(&waiting["items"][0]["uuid"]);
    admin.approve(&uuid).await.expect(204);
    let leaf = world.ask(&device, &asked).await.leaf();
    let key = device.certificate.subject_public_key_info();
    assert_eq!(leaf.subject_public_key_info(), key);
    let reply = world.ask(&attacker, &own).await;
    assert_ne!(reply.attributes.pki_status, PkiStatus::Success);
}

/// A pending request may be polled for with the key that signed it or with the key in the request.
#[tokio::test]
async fn a_proxy_or_its_device_polls_and_nobody_else() {
    let world = build_world(true).await;
    world
        .edit_scep_profile(|profile| profile.settings.require_manual_approval = true)
        .await;
    let (device, proxy) = (Device::rsa(), Device::rsa());
    let asked = device.enrolment("device-1", CHALLENGE);
    world.ask(&proxy, &asked).await;
    for poller in [&proxy, &device] {
        let reply = world.ask(poller, &poller.poll(&asked)).await;
        assert_pending(&reply);
    }
    let other = Device::rsa();
    let reply = world.ask(&other, &other.poll(&asked)).await;
    assert_eq!(reply.failure().0, FailInfo::BadRequest);
}
