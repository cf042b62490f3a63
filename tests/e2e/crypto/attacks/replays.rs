//! Recordings that an attacker replays, and requests with revoked keys.

use std::sync::Arc;
use std::time::Duration;

use scep_cms::attribute::FailInfo;
use scep_cms::message_type::MessageType;
use scep_protocol::profile::ScepProfile;
use scep_protocol::transaction::TransactionState;
use scepter_tests::admin::{Admin, text};
use scepter_tests::assert::{assert_refusal, assert_status};
use scepter_tests::device::{Device, Request};
use scepter_tests::world::{CHALLENGE, World};
use serde_json::{Value, json};

use super::{DAY, KEY_REVOKED, REVOKED, SIGNER_REVOKED, list_certificates};

/// Once its key is revoked, a recording is worthless, even after the server has forgotten its
/// transactionID: replayed at any time, signed again under another transactionID, or with another
/// request.
#[tokio::test]
async fn a_revoked_key_gets_no_certificate_by_any_replay() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let recording = device.message(&request, &world.ra_certificate);
    let post = async |message: Vec<u8>| world.exchange(&device, message).await;
    let leaf = post(recording.clone()).await.leaf();
    let body = json!({ "reason": "keyCompromise" });
    admin.revoke(&leaf, body).await.expect(204);
    let resigned = |transaction_id: &str, content: Vec<u8>| {
        let mut request = device.request(content);
        request.transaction_id = transaction_id.to_owned();
        device.message(&request, &world.ra_certificate)
    };
    let same = request.content.clone().unwrap();
    let other = device.csr("device-2", Some(CHALLENGE), &[]);
    for wait in [0, 1, 25 * 3600, 200 * 24 * 3600, 400 * 24 * 3600] {
        world.clock.advance(Duration::from_secs(wait));
        // The same request is refused for its certificate while the server remembers the
        // transaction, and for its key afterwards. Another request is always refused for the key.
        let (same_reason, reason) = match wait < 200 * 24 * 3600 {
            true => (REVOKED, KEY_REVOKED),
            false => (KEY_REVOKED, KEY_REVOKED),
        };
        assert_refusal(
            &post(recording.clone()).await,
            FailInfo::BadRequest,
            same_reason,
        );
        assert_refusal(
            &post(resigned("another", same.clone())).await,
            FailInfo::BadRequest,
            same_reason,
        );
        assert_refusal(
            &post(resigned("another", other.clone())).await,
            FailInfo::BadRequest,
            reason,
        );
        assert_refusal(
            &post(resigned(&request.transaction_id, other.clone())).await,
            FailInfo::BadRequest,
            reason,
        );
    }
    let all = list_certificates(&admin, "").await;
    assert_eq!(all.len(), 1, "{all:?}");
}

/// The holder of another certificate cannot have a revoked key certified by a renewal either.
#[tokio::test]
async fn a_revoked_key_is_not_what_another_device_renews_to() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let thief = world.enrolled("device-1").await;
    let victim = Device::rsa();
    let request = victim.enrolment("device-1", CHALLENGE);
    let revoked = world.ask(&victim, &request).await.leaf();
    admin.revoke(&revoked, Value::Null).await.expect(204);
    world.make_renewable(&thief.certificate);
    for message_type in [MessageType::RenewalReq, MessageType::PkcsReq] {
        let request = Request {
            message_type,
            ..victim.renewal("device-1")
        };
        assert_refusal(
            &world.ask(&thief, &request).await,
            FailInfo::BadRequest,
            KEY_REVOKED,
        );
    }
}

/// Once any certificate of a key is revoked, no signature of that key is accepted, whichever
/// certificate it comes with.
#[tokio::test]
async fn a_revoked_key_signs_nothing() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = world.enrolled("device-1").await;
    let again = device.enrolment("device-2", CHALLENGE);
    let other = world.ask(&device, &again).await.leaf();
    admin.revoke(&other, Value::Null).await.expect(204);
    world.make_renewable(&device.certificate);
    let next = Device::rsa();
    assert_refusal(
        &world.ask(&device, &next.renewal("device-1")).await,
        FailInfo::BadRequest,
        SIGNER_REVOKED,
    );
    let enrolment = next.enrolment("device-1", CHALLENGE);
    assert_refusal(
        &world.ask(&device, &enrolment).await,
        FailInfo::BadRequest,
        SIGNER_REVOKED,
    );
    let query = device.query(MessageType::GetCrl, &device.certificate);
    assert_refusal(
        &world.ask(&device, &query).await,
        FailInfo::BadRequest,
        SIGNER_REVOKED,
    );
}

/// Replaying a recording without the key only returns the same certificate until that may be
/// renewed, and issues nothing.
#[tokio::test]
async fn a_replayed_recording_costs_no_certificate() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let recording = device.message(&request, &world.ra_certificate);
    let leaf = world.ask(&device, &request).await.leaf();
    for days in [0, 2, 100] {
        world.clock.advance(DAY * days);
        let reply = world.exchange(&device, recording.clone()).await;
        assert_eq!(reply.leaf(), leaf);
        for transaction_id in ["1", "2"] {
            let mut again = request.clone();
            again.transaction_id = transaction_id.to_owned();
            assert_eq!(world.ask(&device, &again).await.leaf(), leaf);
        }
    }
    assert_eq!(admin.count_certificates().await, 1);
    // From then on the request is an ordinary enrolment.
    world.make_renewable(&leaf);
    assert_ne!(world.ask(&device, &request).await.leaf(), leaf);
}

/// Devices derive the transactionID from their key, so the next request uses the same one. The
/// earlier request keeps its certificate until that may be renewed.
#[tokio::test]
async fn a_recording_costs_no_certificate_when_its_device_has_gone_on_to_another_request() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = Device::rsa();
    let first = device.enrolment("device-1", CHALLENGE);
    let leaf = world.ask(&device, &first).await.leaf();
    let next = device.enrolment("device-2", CHALLENGE);
    assert_eq!(next.transaction_id, first.transaction_id);
    let next_leaf = world.ask(&device, &next).await.leaf();
    for _ in 0..2 {
        let mut elsewhere = first.clone();
        elsewhere.transaction_id = "1".to_owned();
        for replayed in [&first, &elsewhere] {
            assert_eq!(world.ask(&device, replayed).await.leaf(), leaf);
        }
        assert_eq!(world.ask(&device, &next).await.leaf(), next_leaf);
        world.clock.advance(DAY * 80);
    }
    assert_eq!(admin.count_certificates().await, 2);
    world.make_renewable(&leaf);
    assert_ne!(world.ask(&device, &first).await.leaf(), leaf);
}

/// The same holds for a request that an administrator approved.
#[tokio::test]
async fn an_approved_request_keeps_its_certificate_when_its_device_goes_on_to_another() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let hold =
        |wanted| move |profile: &mut ScepProfile| profile.settings.require_manual_approval = wanted;
    world.edit_scep_profile(hold(true)).await;
    let device = Device::rsa();
    let first = device.enrolment("device-1", CHALLENGE);
    world.ask(&device, &first).await;
    let pending = admin.find_transaction("PENDING").await;
    admin.approve(&text(&pending["uuid"])).await.expect(204);
    let leaf = world.ask(&device, &first).await.leaf();
    world.edit_scep_profile(hold(false)).await;
    let next = device.enrolment("device-2", CHALLENGE);
    assert_ne!(world.ask(&device, &next).await.leaf(), leaf);
    assert_eq!(world.ask(&device, &first).await.leaf(), leaf);
    assert_eq!(admin.count_certificates().await, 2);
}

/// Twenty simultaneous replays under twenty transactionIDs get one certificate.
#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_is_replayed_twenty_times_at_once_gets_one_certificate() {
    let world = Arc::new(World::new().await);
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let asked: Vec<_> = (0..20)
        .map(|number| {
            let (world, device) = (world.clone(), device.clone());
            let mut request = request.clone();
            request.transaction_id = format!("replay {number}");
            tokio::spawn(async move {
                // A request that meets another one in progress is answered 503, to be retried.
                loop {
                    let message = device.message(&request, &world.ra_certificate);
                    let response = world.post(message).await;
                    if response.status() == 200 {
                        return device.read(response.body(), &world.ra_certificate).leaf();
                    }
                    assert_status(&response, 503);
                }
            })
        })
        .collect();
    let mut leaves = Vec::new();
    for asked in asked {
        leaves.push(asked.await.unwrap());
    }
    assert!(leaves.iter().all(|leaf| *leaf == leaves[0]));
    assert_eq!(Admin::of(&world).count_certificates().await, 1);
}

/// An issued certificate is looked up under the authority that issued it; without a valid record
/// there the server does not send it again.
#[tokio::test]
async fn a_certificate_is_handed_out_again_by_its_own_authoritys_record() {
    let world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let leaf = world.ask(&device, &request).await.leaf();
    let other = scepter_tests::world::authority(
        &world.administration,
        "other-ca",
        ca::key_algorithm::KeyAlgorithm::EcP256,
    );
    let other = other.await.uuid;
    let admin = Admin::of(&world);
    admin.revoke(&leaf, Value::Null).await.expect(204);
    let transactions = &world.enrolment.transactions;
    let key = scep_protocol::transaction::TransactionKey {
        scep_profile: world.find::<ScepProfile>().await.object.uuid,
        transaction_id: scep_cms::transaction_id::TransactionId::new(&request.transaction_id)
            .unwrap(),
    };
    let known = transactions.transaction(key.uuid()).await.unwrap().unwrap();
    let TransactionState::Issued { authority, .. } = known.state else {
        panic!("{known:?}");
    };
    assert_ne!(authority, other);
    assert_refusal(
        &world.ask(&device, &request).await,
        FailInfo::BadRequest,
        REVOKED,
    );
}
