//! What a revocation takes along: successors, renewals in progress, and authorities.

use std::sync::Arc;
use std::time::Duration;

use scep_cms::attribute::FailInfo;
use scep_service::ports::MAX_SUCCESSORS;
use scepter_tests::admin::{Admin, certificate_uuid, text};
use scepter_tests::assert::{assert_refusal, assert_status};
use scepter_tests::device::Device;
use scepter_tests::world::World;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::crash::failing::WatchedKeys;

use super::{DAY, SIGNER_REVOKED, list_certificates};

/// A device with a new key whose certificate `holder` obtained by a renewal.
async fn renew_certificate(world: &World, holder: &Device) -> Device {
    let next = Device::rsa();
    let leaf = world.ask(holder, &next.renewal("device-1")).await.leaf();
    next.holding(leaf)
}

/// A stolen key can obtain at most five valid successors; revoked ones make room for others.
#[tokio::test]
async fn a_certificate_has_at_most_five_living_successors() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = world.enrol_renewable("device-1").await;
    let mut successors = Vec::new();
    for _ in 0..MAX_SUCCESSORS {
        successors.push(renew_certificate(&world, &device).await);
    }
    let next = Device::rsa().renewal("device-1");
    let full =
        "the certificate was renewed too often; ask an administrator to revoke its successors";
    assert_refusal(&world.ask(&device, &next).await, FailInfo::BadRequest, full);
    let uuid = certificate_uuid(&device.certificate);
    let query = format!("?predecessorUuid={uuid}");
    assert_eq!(
        list_certificates(&admin, &query).await.len(),
        MAX_SUCCESSORS
    );
    let first = &successors[0].certificate;
    admin.revoke(first, Value::Null).await.expect(204);
    world.ask(&device, &next).await.leaf();
    let another = Device::rsa().renewal("device-1");
    assert_refusal(
        &world.ask(&device, &another).await,
        FailInfo::BadRequest,
        full,
    );
}

/// Revocation includes all certificates that were renewed from the revoked one, directly or
/// indirectly, unless the administrator excludes them.
#[tokio::test]
async fn revocation_takes_successors_along() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = world.enrol_renewable("device-1").await;
    let left = renew_certificate(&world, &device).await;
    let right = renew_certificate(&world, &device).await;
    world.make_renewable(&left.certificate);
    let grandchild = renew_certificate(&world, &left).await;
    let bystander = world.enrolled("device-2").await;
    let body = json!({ "reason": "keyCompromise", "successors": false });
    let root = certificate_uuid(&device.certificate);
    admin.revoke(&device.certificate, body).await.expect(204);
    assert_eq!(list_certificates(&admin, "?status=REVOKED").await.len(), 1);
    let body = json!({ "reason": "keyCompromise" });
    let answer = admin
        .revoke(&device.certificate, body.clone())
        .await
        .expect(200);
    let mut told: Vec<Uuid> = answer["successors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|uuid| text(uuid).parse().unwrap())
        .collect();
    let mut expected =
        [&left, &right, &grandchild].map(|device| certificate_uuid(&device.certificate));
    told.sort();
    expected.sort();
    assert_eq!(told, expected);
    let revoked = list_certificates(&admin, "?status=REVOKED").await;
    assert_eq!(revoked.len(), 4);
    assert!(revoked.iter().any(|(uuid, _)| *uuid == root));
    for device in [&left, &right, &grandchild] {
        let reply = world.ask(device, &Device::rsa().renewal("device-1")).await;
        assert_refusal(&reply, FailInfo::BadRequest, SIGNER_REVOKED);
    }
    // A repeated revocation revokes nothing further, and an unrelated certificate stays valid.
    admin.revoke(&device.certificate, body).await.expect(204);
    let shown = format!("/certificates/{}", certificate_uuid(&bystander.certificate));
    let shown = admin.get(&shown).await.expect(200);
    assert_eq!(shown["status"], "VALID");
}

/// A renewal was claimed before its certificate was revoked and would be signed afterwards: by a
/// repeated request, by a poll or by maintenance. The certificate that may have been signed is
/// recorded and revoked.
#[tokio::test]
async fn revocation_overtakes_a_renewal_that_is_being_issued() {
    for finish in ["again", "poll", "upkeep"] {
        let mut world = World::new().await;
        let admin = Admin::of(&world);
        let device = world.enrol_renewable("device-1").await;
        let keys = Arc::new(WatchedKeys::failing(world.enrolment.ca_keys.clone()));
        let whole = std::mem::replace(&mut world.enrolment.ca_keys, keys.clone());
        let next = Device::rsa();
        let renewal = next.renewal("device-1");
        let message = device.message(&renewal, &world.ra_certificate);
        assert_status(&world.post(message).await, 503);
        admin
            .revoke(&device.certificate, json!({ "reason": "keyCompromise" }))
            .await
            .expect(204);
        world.enrolment.ca_keys = whole;
        // The lease of a claim is five seconds; until it expires, no other request may finish it.
        world.clock.advance(Duration::from_secs(6));
        match finish {
            "again" => assert_refusal(
                &world.ask(&device, &renewal).await,
                FailInfo::BadRequest,
                SIGNER_REVOKED,
            ),
            "poll" => {
                let reply = world.ask(&device, &device.poll(&renewal)).await;
                let text = "an administrator rejected the request: the certificate that it renews is revoked";
                assert_refusal(&reply, FailInfo::BadRequest, text);
            }
            _ => world.run_maintenance().await.unwrap(),
        }
        world.run_maintenance().await.unwrap();
        let all = list_certificates(&admin, "").await;
        assert_eq!(all.len(), 2, "{finish}: {all:?}");
        assert!(all.iter().all(|(_, status)| status == "REVOKED"), "{all:?}");
        let stuck = admin.get("/scepTransactions?status=ISSUING").await;
        assert_eq!(stuck.expect(200)["items"], json!([]));
    }
}

/// A certificate on hold is already revoked, so a later change of the reason keeps the date.
#[tokio::test]
async fn a_hold_keeps_its_date() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = world.enrolled("device-1").await;
    let hold = json!({ "reason": "certificateHold" });
    admin.revoke(&device.certificate, hold).await.expect(204);
    let path = format!("/certificates/{}", certificate_uuid(&device.certificate));
    let held = admin.get(&path).await.expect(200);
    world.clock.advance(DAY);
    let last = json!({ "reason": "keyCompromise" });
    admin.revoke(&device.certificate, last).await.expect(204);
    let revoked = admin.get(&path).await.expect(200);
    assert_eq!(revoked["revokedAt"], held["revokedAt"]);
    assert_eq!(revoked["revocationReason"], "keyCompromise");
}

/// Deleting an authority that has valid certificates requires force, because they would vanish from
/// every CRL.
#[tokio::test]
async fn an_authority_with_living_certificates_is_not_deleted_unless_forced() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = world.enrolled("device-1").await;
    let authority = admin.find("/authorities", "test-ca").await;
    // Remove everything else that would prevent the deletion.
    let profiles = [("/scepProfiles", "default"), ("/raProfiles", "default")];
    let [scep, ra] = profiles.map(|(list, name)| async { admin.find(list, name).await });
    let (scep, ra) = (scep.await, ra.await);
    let shown = admin
        .get(&format!("/scepProfiles/{scep}"))
        .await
        .expect(200);
    let ra_certificate = text(&shown["caCertificate"]["uuid"]);
    let clear = json!({ "raProfileUuid": null });
    admin
        .put(&format!("/scepProfiles/{scep}"), clear)
        .await
        .expect(200);
    let body = json!([scep]);
    admin
        .call("DELETE", "/scepProfiles/delete/force", body)
        .await
        .expect(200);
    admin
        .delete(&format!("/authorities/{authority}/raProfiles/{ra}"))
        .await
        .expect(204);
    let path = format!("/authorities/{authority}/raCertificates/{ra_certificate}");
    admin.delete(&path).await.expect(204);
    let path = format!("/authorities/{authority}");
    let reasons = admin.delete(&path).await.reasons();
    assert!(reasons[0].starts_with("force: "), "{reasons:?}");
    assert!(reasons[0].contains("valid and not revoked"), "{reasons:?}");
    admin
        .revoke(&device.certificate, Value::Null)
        .await
        .expect(204);
    admin.delete(&path).await.expect(204);
    // The same with force.
    let other = admin.authority("other-ca").await;
    admin
        .delete(&format!("/authorities/{other}?force=true"))
        .await
        .expect(204);
}
