//! Whatever administrators do, in any order, an endpoint that announces itself as serving does
//! serve.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use scep_cms::attribute::PkiStatus;
use scep_cms::certificate::Certificate;
use scep_cms::degenerate::DegenerateSignedData;
use scepter_tests::admin::Admin;
use scepter_tests::assert::assert_status;
use scepter_tests::device::Device;
use scepter_tests::world::World;
use serde_json::{Value, json};

/// An administrator's action. The numbers choose among the existing objects.
#[derive(Clone, Debug)]
enum Act {
    AddRaCertificate(usize),
    AddRaProfile(usize, usize),
    AddScepProfile(usize, usize),
    EditRaProfile(usize, usize),
    EditScepProfile(usize, usize),
    Link(usize, usize),
    Activate(usize, usize),
    Deactivate(usize),
    Enable(usize, bool),
    Delete(usize, bool),
    Wait(u16),
}

fn any_act() -> impl Strategy<Value = Act> {
    let n = 0..8_usize;
    prop_oneof![
        1 => n.clone().prop_map(Act::AddRaCertificate),
        2 => (n.clone(), n.clone()).prop_map(|(a, b)| Act::AddRaProfile(a, b)),
        2 => (n.clone(), n.clone()).prop_map(|(a, b)| Act::AddScepProfile(a, b)),
        3 => (n.clone(), n.clone()).prop_map(|(a, b)| Act::EditRaProfile(a, b)),
        3 => (n.clone(), n.clone()).prop_map(|(a, b)| Act::EditScepProfile(a, b)),
        3 => (n.clone(), n.clone()).prop_map(|(a, b)| Act::Link(a, b)),
        3 => (n.clone(), n.clone()).prop_map(|(a, b)| Act::Activate(a, b)),
        1 => n.clone().prop_map(Act::Deactivate),
        4 => (n.clone(), any::<bool>()).prop_map(|(a, on)| Act::Enable(a, on)),
        1 => (n, any::<bool>()).prop_map(|(a, force)| Act::Delete(a, force)),
        1 => (1..500_u16).prop_map(Act::Wait),
    ]
}

/// Rules that the device's requests satisfy.
const TEMPLATES: [&str; 8] = [
    r#"{}"#,
    r#"{"validity": "PT1S", "backdate": "PT0S"}"#,
    r#"{"validity": "P100Y"}"#,
    r#"{"subject": {"fixed": {"O": "Corp", "C": "DE"}, "allowed": ["CN"]}}"#,
    r#"{"subject": {"required": [], "commonNamePattern": "device-[0-9]+"}}"#,
    r#"{"subjectAltName": {"commonNameAsDns": true, "types": [], "patterns": {"dns": "device-.*"}}}"#,
    r#"{"keyUsage": [], "extendedKeyUsage": [], "ecCurves": []}"#,
    r#"{"keyUsage": ["keyAgreement", "contentCommitment"], "rsaMinBits": 2048}"#,
];

const EDITS: [&str; 9] = [
    r#"{"enableChallengePassword": false}"#,
    r#"{"challengePassword": "another"}"#,
    r#"{"enableChallengePassword": true}"#,
    r#"{"legacyAlgorithms": false, "caCertificateForm": "raOnly"}"#,
    r#"{"requireManualApproval": true}"#,
    r#"{"allowProxySigner": true}"#,
    r#"{"requireManualApproval": null, "raProfileUuid": null}"#,
    r#"{"includeCaCertificate": true, "includeCaCertificateChain": true, "renewalThreshold": 5}"#,
    r#"{"customAttributes": [{"name": "a", "content": []}], "certificateAssociations": {"owner": "o"}}"#,
];

/// The uuids of the objects in a list.
async fn list_uuids(admin: &Admin, list: &str) -> Vec<String> {
    let all = admin.get(list).await.expect(200);
    let uuids = all.as_array().unwrap().iter();
    uuids
        .map(|object| object["uuid"].as_str().unwrap().to_owned())
        .collect()
}

fn pick_uuid(list: &[String], number: usize) -> String {
    match list {
        [] => "00000000-0000-4000-8000-000000000000".to_owned(),
        list => list[number % list.len()].clone(),
    }
}

/// Performs the action, which may be rejected with a reason but must not fail internally.
async fn act_on(world: &World, admin: &Admin, act: &Act) {
    let authorities = list_uuids(admin, "/authorities").await;
    let ra_profiles = list_uuids(admin, "/raProfiles").await;
    let scep_profiles = list_uuids(admin, "/scepProfiles").await;
    let ra_certificates = list_uuids(admin, "/scepProfiles/caCertificates").await;
    let either = |number: usize| match number % 2 {
        0 => ("scepProfiles", pick_uuid(&scep_profiles, number / 2)),
        _ => ("raProfiles", pick_uuid(&ra_profiles, number / 2)),
    };
    let (method, path, body) = match act {
        Act::AddRaCertificate(a) => {
            let path = format!(
                "/authorities/{}/raCertificates",
                pick_uuid(&authorities, *a)
            );
            (
                "POST",
                path,
                json!({ "commonName": "RA", "validity": "P300D" }),
            )
        }
        Act::AddRaProfile(a, template) => {
            let path = format!("/authorities/{}/raProfiles", pick_uuid(&authorities, *a));
            let name = format!("ra-{}", ra_profiles.len());
            (
                "POST",
                path,
                json!({ "name": name, "enabled": true, "certificateTemplate": serde_json::from_str::<Value>(TEMPLATES[*template]).unwrap() }),
            )
        }
        Act::AddScepProfile(certificate, profile) => {
            let body = json!({
                "name": format!("scep-{}", scep_profiles.len()), "caCertificateUuid": pick_uuid(&ra_certificates, *certificate),
                "raProfileUuid": pick_uuid(&ra_profiles, *profile), "challengePassword": "first"
            });
            ("POST", "/scepProfiles".to_owned(), body)
        }
        Act::EditRaProfile(profile, template) => {
            let path = format!("/raProfiles/{}", pick_uuid(&ra_profiles, *profile));
            (
                "PUT",
                path,
                json!({ "certificateTemplate": serde_json::from_str::<Value>(TEMPLATES[*template]).unwrap() }),
            )
        }
        Act::EditScepProfile(profile, edit) => {
            let mut body = serde_json::from_str::<Value>(EDITS[*edit]).unwrap();
            if edit % 3 == 0 {
                body["caCertificateUuid"] = json!(pick_uuid(&ra_certificates, *edit));
            }
            (
                "PUT",
                format!("/scepProfiles/{}", pick_uuid(&scep_profiles, *profile)),
                body,
            )
        }
        Act::Link(scep, ra) => {
            let (scep, ra) = (
                pick_uuid(&scep_profiles, *scep),
                pick_uuid(&ra_profiles, *ra),
            );
            (
                "PATCH",
                format!("/scepProfiles/{scep}/raProfiles/{ra}"),
                Value::Null,
            )
        }
        Act::Activate(ra, scep) => {
            let (scep, ra) = (
                pick_uuid(&scep_profiles, *scep),
                pick_uuid(&ra_profiles, *ra),
            );
            (
                "PATCH",
                format!("/raProfiles/{ra}/protocols/scep/activate/{scep}"),
                Value::Null,
            )
        }
        Act::Deactivate(ra) => (
            "PATCH",
            format!(
                "/raProfiles/{}/protocols/scep/deactivate",
                pick_uuid(&ra_profiles, *ra)
            ),
            Value::Null,
        ),
        Act::Enable(number, on) => {
            let (list, uuid) = either(*number);
            (
                "PATCH",
                format!("/{list}/{uuid}/{}", if *on { "enable" } else { "disable" }),
                Value::Null,
            )
        }
        Act::Delete(number, force) => {
            let (list, uuid) = either(*number);
            (
                "DELETE",
                format!("/{list}/delete{}", if *force { "/force" } else { "" }),
                json!([uuid]),
            )
        }
        Act::Wait(days) => {
            world
                .clock
                .advance(Duration::from_secs(u64::from(*days) * 24 * 3600));
            return;
        }
    };
    let answer = admin.call(method, &path, body).await;
    assert!(answer.status.as_u16() < 500, "{act:?}: {}", answer.body);
}

/// Checks every endpoint: one that answers GetCACaps also answers GetCACert, and issues a
/// certificate to a device that satisfies the rules, unless the profile has nothing to authorise
/// enrolments with.
async fn count_serving(world: &World, admin: &Admin, device: &Device) -> usize {
    let mut served = 0;
    for (list, prefix) in [("/scepProfiles", ""), ("/raProfiles", "raProfile/")] {
        for object in admin.get(list).await.expect(200).as_array().unwrap() {
            let path = format!(
                "/api/v1/protocols/scep/{prefix}{}",
                object["name"].as_str().unwrap()
            );
            if world
                .get(&format!("{path}?operation=GetCACaps"))
                .await
                .status()
                != 200
            {
                continue;
            }
            let response = world.get(&format!("{path}?operation=GetCACert")).await;
            assert_status(&response, 200);
            let first = DegenerateSignedData::from_ber(response.body()).map_or_else(
                |_| Certificate::from_der(response.body()),
                |chain| Certificate::from_der(&chain.certificates[0]),
            );
            let ra_certificate = first.unwrap();
            // The API never returns the challenge, so try all challenges that actions set; one of
            // them is correct.
            let mut refusals = Vec::new();
            // Wrong ones are counted for ten minutes, and would lock the device out.
            world.clock.advance(Duration::from_secs(11 * 60));
            for challenge in ["s3cret", "first", "another"] {
                let csr = device.csr("device-1", Some(challenge), &[]);
                let message = device.message(&device.request(csr), &ra_certificate);
                let response = world.send("POST", &path, message).await;
                assert_eq!(response.status(), 200, "{path}");
                let reply = device.read(response.body(), &ra_certificate);
                if reply.attributes.pki_status != PkiStatus::Failure {
                    served += 1;
                    break;
                }
                refusals.push(reply.failure().1);
            }
            let unauthorised = "the profile has no challengePassword to authorise enrolments";
            let excused = refusals.iter().any(|text| text == unauthorised);
            assert!(refusals.len() < 3 || excused, "{path}: {refusals:?}");
        }
    }
    served
}

#[test]
fn an_endpoint_that_says_it_serves_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let device = Device::rsa();
    let served = std::cell::Cell::new(0);
    let config = Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&prop::collection::vec(any_act(), 1..16), |acts| {
            let now_served = runtime.block_on(async {
                let world = World::new().await;
                let admin = Admin::of(&world);
                admin.authority("other-ca").await;
                let mut served = count_serving(&world, &admin, &device).await;
                for act in acts {
                    act_on(&world, &admin, &act).await;
                    served += count_serving(&world, &admin, &device).await;
                }
                served
            });
            served.set(served.get() + now_served);
            Ok(())
        })
        .unwrap();
    // Guards against a test in which no endpoint serves.
    assert!(served.get() > 24, "{}", served.get());
}
