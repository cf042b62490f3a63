//! A plain 4xx where no CertRep is possible; never a 5xx, never a hang.

use rand::TryRng;
use scepter_tests::assert::assert_status;
use scepter_tests::device::Device;
use scepter_tests::world::{CHALLENGE, PATH, World};

use crate::crypto::vectors::{read_octets, read_vectors};

#[tokio::test]
async fn what_cannot_be_read_is_a_plain_400() {
    let world = World::new().await;
    let mut noise = vec![0; 300];
    rand::rngs::SysRng.try_fill_bytes(&mut noise).unwrap();
    for body in [
        vec![],
        vec![0x30],
        noise,
        b"<html>".to_vec(),
        vec![0x30; 5_000],
        [0x30, 0x80].repeat(60_000),
    ] {
        let response = world.post(body).await;
        assert_status(&response, 400);
        assert_eq!(response.headers()["content-type"], "text/plain");
    }
    for query in [
        "operation=PKIOperation",
        "operation=PKIOperation&message=",
        "operation=PKIOperation&message=!",
    ] {
        assert_status(&world.get(&format!("{PATH}?{query}")).await, 400);
    }
}

#[tokio::test]
async fn messages_cut_anywhere_are_answered() {
    let world = World::new().await;
    for vector in read_vectors() {
        let whole = read_octets(&vector.file);
        for length in (0..whole.len()).step_by(64) {
            let response = world.post(whole[..length].to_vec()).await;
            assert_eq!(response.status(), 400, "{} cut at {length}", vector.file);
        }
    }
}

#[tokio::test]
async fn messages_with_any_octet_changed_are_answered() {
    let world = World::new().await;
    let device = Device::rsa();
    let message = device.message(
        &device.enrolment("device-1", CHALLENGE),
        &world.ra_certificate,
    );
    for place in (0..message.len()).step_by(5) {
        let mut changed = message.clone();
        changed[place] ^= 0x21;
        let status = world.post(changed).await.status();
        assert!(
            status == 200 || status == 400,
            "{status} for a change at {place}"
        );
    }
}

#[tokio::test]
async fn too_large_bodies_other_methods_and_unknown_operations_have_their_answers() {
    let world = World::new().await;
    assert_status(&world.post(vec![0; 300 * 1024]).await, 413);
    for method in ["PUT", "DELETE", "PATCH", "TRACE"] {
        let response = world.send(method, PATH, vec![]).await;
        assert_status(&response, 405);
        assert_eq!(response.headers()["allow"], "GET, HEAD, OPTIONS, POST");
    }
    for query in [
        "",
        "?operation=",
        "?operation=GetCRL",
        "?operation=pkioperation",
    ] {
        assert_eq!(
            world.get(&format!("{PATH}{query}")).await.status(),
            400,
            "{query}"
        );
    }
    assert_eq!(
        world
            .get(&format!("{PATH}?operation=GetNextCACert"))
            .await
            .status(),
        400
    );
    assert_status(&world.get("/nowhere").await, 404);
}
