//! Lock-outs as administrators see and end them.

use std::time::Duration;

use scep_protocol::profile::EndpointName;
use scepter_tests::admin::{one_time_world, text};
use scepter_tests::device::Device;
use scepter_tests::world::{World, name};
use serde_json::{Value, json};

use crate::admin::challenges::list_audits;

/// Has the client at this address show ten wrong challenges.
pub(crate) async fn lock_out(world: &World, address: &str) {
    let endpoint = EndpointName::ScepProfile(name());
    for _ in 0..10 {
        // Each time with another key, so that only the address is locked out.
        let device = Device::rsa();
        let request = device.enrolment("device-1", "guessed");
        let message = device.message(&request, &world.ra_certificate);
        let address = address.parse().unwrap();
        let reply = world
            .enrolment
            .answer(&endpoint, &message, Some(address))
            .await;
        assert_eq!(reply.unwrap().outcome.label(), "refused");
    }
}

#[tokio::test]
async fn who_is_locked_out_is_listed_and_freed() {
    let (world, admin, profile) = one_time_world().await;
    let path = format!("/scepProfiles/{profile}/lockouts");
    assert_eq!(admin.get(&path).await.expect(200), json!([]));
    lock_out(&world, "192.0.2.1").await;
    lock_out(&world, "2001:db8::1").await;
    let listed = admin.get(&path).await.expect(200);
    let listed = listed.as_array().unwrap();
    let mut values: Vec<_> = listed
        .iter()
        .map(|lockout| {
            (
                text(&lockout["by"]),
                text(&lockout["value"]),
                lockout["failures"].clone(),
            )
        })
        .collect();
    values.sort_by_key(|(_, value, _)| value.clone());
    let expected = [("192.0.2.1", 10), ("2001:db8::/64", 10)]
        .map(|(value, failures)| ("ADDRESS".to_owned(), value.to_owned(), json!(failures)));
    assert_eq!(values, expected);
    assert!(listed.iter().all(|lockout| lockout["until"].is_string()));
    let uuid = text(&listed[0]["uuid"]);
    admin.delete(&format!("{path}/{uuid}")).await.expect(204);
    admin.delete(&format!("{path}/{uuid}")).await.expect(404);
    assert_eq!(
        admin.get(&path).await.expect(200).as_array().unwrap().len(),
        1
    );
    let freed = &list_audits(&admin).await[0];
    assert_eq!(freed["action"], "freeLockouts");
    assert!(freed.to_string().contains(&text(&listed[0]["value"])));
    // A lock-out that has ended is not listed, and one failure would still begin another.
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(admin.get(&path).await.expect(200), json!([]));
    admin.delete(&path).await.expect(204);
    let before = list_audits(&admin).await.len();
    admin.delete(&path).await.expect(204);
    assert_eq!(list_audits(&admin).await.len(), before);
}

#[tokio::test]
async fn what_is_not_in_the_profile_of_the_path_is_not_freed() {
    let (world, admin, profile) = one_time_world().await;
    let path = format!("/scepProfiles/{profile}");
    let shown = admin.get(&path).await.expect(200);
    let body = json!({ "name": "other", "caCertificateUuid": shown["caCertificate"]["uuid"] });
    let other = admin.post("/scepProfiles", body).await.uuid();
    lock_out(&world, "192.0.2.1").await;
    let lockouts = format!("{path}/lockouts");
    let listed = admin.get(&lockouts).await.expect(200);
    let uuid = text(&listed[0]["uuid"]);
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (method, path, message) in [
        (
            "GET",
            format!("/scepProfiles/{nobody}/lockouts"),
            "no such SCEP Profile",
        ),
        (
            "DELETE",
            format!("/scepProfiles/{nobody}/lockouts"),
            "no such SCEP Profile",
        ),
        ("DELETE", format!("{lockouts}/{nobody}"), "no such lock-out"),
        (
            "DELETE",
            format!("/scepProfiles/{other}/lockouts/{uuid}"),
            "no such lock-out",
        ),
    ] {
        let answer = admin.call(method, &path, Value::Null).await.expect(404);
        assert_eq!(answer["message"], message, "{method} {path}");
    }
    let path = format!("/scepProfiles/{other}/lockouts");
    admin.delete(&path).await.expect(204);
    assert_eq!(admin.get(&lockouts).await.expect(200), listed);
}
