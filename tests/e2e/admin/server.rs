//! What the management API tells of the server itself: its caller, its settings and its state.

use scep_service::ports::Clock;
use scepter_tests::admin::{Admin, administered, text};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

#[tokio::test]
async fn every_caller_is_told_its_name_and_its_scopes() {
    let (_world, admin, _, _, _) = administered().await;
    for scopes in ["read", "write", "approve", "challenge", "read,write"] {
        let token = format!("Bearer {scopes}");
        let headers = [("authorization", token.as_str())];
        let answer = admin.send("GET", "/caller", &headers, String::new()).await;
        let expected: Vec<_> = scopes.split(',').collect();
        let expected = json!({ "name": "admin", "scopes": expected });
        assert_eq!(answer.expect(200), expected);
    }
    let answer = admin.send("GET", "/caller", &[], String::new()).await;
    answer.expect(401);
}

#[tokio::test]
async fn the_settings_are_those_of_the_deployment() {
    let (_world, admin, _, _, _) = administered().await;
    let expected = json!({
        "version": env!("CARGO_PKG_VERSION"), "publicUrl": "http://scep.example",
        "platform": "LOCAL", "pendingDays": 7, "crlDays": 7, "requestDays": 30,
        "profilesMaxAgeSeconds": 5, "defaultScepProfile": null, "tokens": false,
    });
    assert_eq!(admin.get("/settings").await.expect(200), expected);
}

/// Asserts why the endpoints of the SCEP Profile and of the RA Profile called `default` do not
/// serve, each by its code and in words; `null` if they do.
#[track_caller]
fn assert_reasons(status: &Value, of_scep_profile: Value, of_ra_profile: Value) {
    let endpoints = status["endpoints"].as_array().unwrap();
    let mut reasons = endpoints.iter().map(|one| match &one["reason"] {
        Value::Null => one["reasonCode"].clone(),
        reason => json!([one["reasonCode"], reason]),
    });
    assert_eq!(reasons.next().unwrap(), of_scep_profile, "{status}");
    assert_eq!(reasons.next().unwrap(), of_ra_profile, "{status}");
    for endpoint in endpoints {
        assert_eq!(endpoint["available"], endpoint["reason"].is_null());
    }
}

#[tokio::test]
async fn the_status_says_why_an_endpoint_does_not_serve_as_the_endpoint_does() {
    let (world, admin, ra_profile, scep_profile, _) = administered().await;
    let status = async || admin.get("/status").await.expect(200);
    let seen = status().await;
    let base = "http://scep.example/api/v1/protocols/scep";
    let url = |name: &str| format!("{base}/{name}/pkiclient.exe");
    let expected = json!([
        { "url": url("default"), "scepProfileUuid": scep_profile, "raProfileUuid": null,
          "name": "default", "available": true, "reason": null, "reasonCode": null },
        { "url": url("raProfile/default"), "scepProfileUuid": null, "raProfileUuid": ra_profile,
          "name": "default", "available": true, "reason": null, "reasonCode": null },
    ]);
    assert_eq!(seen["endpoints"], expected);
    let shown = admin.get(&format!("/scepProfiles/{scep_profile}")).await;
    assert_eq!(shown.expect(200)["scepUrl"], url("default"));

    let deactivate = format!("/raProfiles/{ra_profile}/protocols/scep/deactivate");
    admin.patch(&deactivate).await.expect(204);
    let inactive = json!([
        "scepNotActivated",
        "SCEP is not activated on the RA Profile"
    ]);
    assert_reasons(&status().await, Value::Null, inactive.clone());
    let path = format!("/scepProfiles/{scep_profile}/disable");
    admin.patch(&path).await.expect(204);
    let disabled = json!(["scepProfileDisabled", "the SCEP Profile is disabled"]);
    assert_reasons(&status().await, disabled.clone(), inactive.clone());
    let answer = world.get_scep("operation=GetCACaps").await;
    let said = String::from_utf8(answer.into_body().to_vec()).unwrap();
    assert!(said.contains(disabled[1].as_str().unwrap()), "{said}");
    let body = json!({ "raProfileUuid": null });
    let path = format!("/scepProfiles/{scep_profile}");
    admin.put(&path, body).await.expect(200);
    let unlinked = json!([
        "withoutDefaultRaProfile",
        "the SCEP Profile has no default RA Profile"
    ]);
    assert_reasons(&status().await, unlinked, inactive);
}

/// The state of the authority with this name.
async fn find_authority(admin: &Admin, name: &str) -> Value {
    let status = admin.get("/status").await.expect(200);
    let mut all = status["authorities"].as_array().unwrap().iter();
    all.find(|one| one["name"] == name).unwrap().clone()
}

#[tokio::test]
async fn the_status_shows_when_certificates_and_crls_end() {
    let (world, admin, _, _, ra_certificate) = administered().await;
    world.run_maintenance().await.unwrap();
    let authority = admin.get("/authorities").await.expect(200)[0].clone();
    let name = text(&authority["name"]);
    let seen = find_authority(&admin, &name).await;
    assert_eq!(seen["uuid"], authority["uuid"]);
    assert_eq!(seen["notAfter"], authority["certificate"]["notAfter"]);
    assert_eq!(
        (&seen["state"], &seen["nextState"]),
        (&json!("ACTIVE"), &Value::Null)
    );
    let path = format!("/authorities/{}/crl", text(&authority["uuid"]));
    let number = seen["crl"]["number"].as_i64().unwrap();
    assert_eq!(number, world.clock.now().unix_timestamp());
    admin.get(&path).await.expect(200);
    let time = |name: &str| OffsetDateTime::parse(&text(&seen["crl"][name]), &Rfc3339).unwrap();
    assert_eq!(time("nextUpdate") - time("thisUpdate"), Duration::WEEK);
    let device = world.enrolled("router-1").await;
    admin
        .revoke(&device.certificate, Value::Null)
        .await
        .expect(204);
    assert_eq!(
        find_authority(&admin, &name).await["crl"]["number"],
        number + 1
    );

    let status = admin.get("/status").await.expect(200);
    let path = format!(
        "/authorities/{}/raCertificates/{ra_certificate}",
        text(&authority["uuid"])
    );
    let shown = admin.get(&path).await.expect(200);
    let expected = json!([{
        "uuid": ra_certificate, "authorityUuid": authority["uuid"],
        "subject": shown["certificate"]["subject"], "notAfter": shown["certificate"]["notAfter"],
    }]);
    assert_eq!(status["raCertificates"], expected);
}

#[tokio::test]
async fn an_authority_without_a_certificate_has_a_status() {
    let (_world, admin, ra_profile, _, _) = administered().await;
    let body = json!({
        "name": "sub-ca", "kind": "SUBORDINATE", "subject": "CN=Sub", "keyAlgorithm": "EC_P256"
    });
    let uuid = admin.post("/authorities", body).await.uuid();
    let seen = find_authority(&admin, "sub-ca").await;
    let expected = json!({
        "uuid": uuid, "name": "sub-ca", "state": "AWAITING_CERTIFICATE", "notAfter": null,
        "nextState": null, "crl": null,
    });
    assert_eq!(seen, expected);
    let path = format!("/authorities/{uuid}/rollover");
    admin.post(&path, Value::Null).await.expect(422);
    // Beginning a rollover of a root makes its next key ready at once.
    let shown = admin.get(&format!("/raProfiles/{ra_profile}")).await;
    let root = text(&shown.expect(200)["authorityInstanceUuid"]);
    let path = format!("/authorities/{root}/rollover");
    let begun = admin.post(&path, Value::Null).await;
    assert!(begun.status.is_success(), "{begun:?}");
    let name = text(&begun.body["name"]);
    assert_eq!(find_authority(&admin, &name).await["nextState"], "ACTIVE");
}
