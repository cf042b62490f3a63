//! The management API: each rule with its answer, who may, and what is never told.

use scepter_tests::admin::{Admin, text};
use scepter_tests::world::World;
use serde_json::{Value, json};

/// A world, its administrator, and the uuids of its RA Profile, SCEP Profile and RA certificate.
async fn administered() -> (World, Admin, String, String, String) {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let ra_profile = admin.find("/raProfiles", "default").await;
    let scep_profile = admin.find("/scepProfiles", "default").await;
    let shown = admin
        .get(&format!("/scepProfiles/{scep_profile}"))
        .await
        .expect(200);
    let ra_certificate = text(&shown["caCertificate"]["uuid"]);
    (world, admin, ra_profile, scep_profile, ra_certificate)
}

#[tokio::test]
async fn a_scep_profile_is_made_disabled_with_every_default_and_shown_whole() {
    let (_world, admin, ra_profile, _, ra_certificate) = administered().await;
    let body = json!({ "name": "routers", "caCertificateUuid": ra_certificate });
    let made = admin.post("/scepProfiles", body).await;
    let uuid = text(&made.body["uuid"]);
    assert_eq!(
        made.headers["location"],
        format!("/api/v1/scepProfiles/{uuid}")
    );
    assert_eq!(made.headers["etag"], "\"1\"");
    let body = made.expect(201);
    let certificate = body["caCertificate"].clone();
    assert_eq!(certificate["certificate"]["subject"], "CN=Test RA");
    let expected = json!({
        "uuid": uuid, "name": "routers", "description": "", "enabled": false, "raProfile": null,
        "caCertificate": certificate, "renewThreshold": null,
        "includeCaCertificate": false, "includeCaCertificateChain": false,
        "enableChallengePassword": false, "requireManualApproval": false,
        "caCertificateForm": "chain", "legacyAlgorithms": true,
        "enableIntune": false, "intuneTenant": null, "intuneApplicationId": null,
        "issueCertificateAttributes": [], "customAttributes": [],
        "certificateAssociations": { "owner": null, "groups": [], "customAttributes": [] },
    });
    assert_eq!(body, expected);
    let path = format!("/scepProfiles/{uuid}");
    assert_eq!(admin.get(&path).await.expect(200), expected);
    let link = format!("{path}/raProfiles/{ra_profile}");
    assert!(admin.patch(&link).await.expect(204).is_null());
    let shown = admin.get(&path).await.expect(200);
    assert_eq!(
        shown["scepUrl"],
        "http://scep.example/api/v1/protocols/scep/routers/pkiclient.exe"
    );
    assert_eq!(shown["raProfile"]["name"], "default");
    assert_eq!(shown["raProfile"]["enabled"], true);
    let listed = admin.get("/scepProfiles").await.expect(200);
    assert!(listed.as_array().unwrap().contains(&shown));
}

#[tokio::test]
async fn every_part_of_a_scep_profile_is_edited_kept_and_reset() {
    let (_world, admin, ra_profile, uuid, ra_certificate) = administered().await;
    let path = format!("/scepProfiles/{uuid}");
    let attribute =
        json!([{ "name": "site", "contentType": "string", "content": [{ "data": "hq" }] }]);
    let edit = json!({
        "name": "default", "description": "ü", "raProfileUuid": ra_profile, "caCertificateUuid": ra_certificate,
        "renewalThreshold": 30, "includeCaCertificate": true, "includeCaCertificateChain": true,
        "requireManualApproval": true, "caCertificateForm": "raOnly", "legacyAlgorithms": false,
        "enableIntune": false, "intuneTenant": "corp", "intuneApplicationId": "app", "intuneApplicationKey": "k",
        "issueCertificateAttributes": attribute, "customAttributes": attribute,
        "certificateAssociations": { "owner": "o", "groups": ["g"], "customAttributes": attribute }
    });
    let edited = admin.put(&path, edit).await.expect(200);
    let kept = admin.put(&path, json!({})).await.expect(200);
    assert_eq!(kept, edited);
    let expected = [
        ("description", json!("ü")),
        ("renewThreshold", json!(30)),
        ("includeCaCertificate", json!(true)),
        ("includeCaCertificateChain", json!(true)),
        ("requireManualApproval", json!(true)),
        ("caCertificateForm", json!("raOnly")),
        ("legacyAlgorithms", json!(false)),
        ("intuneTenant", json!("corp")),
        ("intuneApplicationId", json!("app")),
        ("issueCertificateAttributes", attribute.clone()),
        ("customAttributes", attribute.clone()),
        (
            "certificateAssociations",
            json!({ "owner": "o", "groups": ["g"], "customAttributes": attribute }),
        ),
    ];
    for (field, value) in &expected {
        assert_eq!(edited[field], *value, "{field}");
    }
    let nulls: serde_json::Map<_, _> = expected
        .iter()
        .map(|(field, _)| {
            if *field == "renewThreshold" {
                "renewalThreshold"
            } else {
                field
            }
        })
        .chain(["raProfileUuid", "intuneApplicationKey"])
        .map(|field| (field.to_owned(), Value::Null))
        .collect();
    let reset = admin.put(&path, nulls.into()).await.expect(200);
    let body = json!({ "name": "new", "caCertificateUuid": ra_certificate });
    let new = admin.post("/scepProfiles", body).await.expect(201);
    for (field, value) in new.as_object().unwrap() {
        if !["uuid", "name", "enabled", "enableChallengePassword"].contains(&field.as_str()) {
            assert_eq!(reset[field], *value, "{field}");
        }
    }
    assert_eq!(reset["enableChallengePassword"], true);
    assert_eq!(reset.get("scepUrl"), None);
}

#[tokio::test]
async fn the_challenge_has_three_states() {
    let (_world, admin, _, uuid, _) = administered().await;
    let path = format!("/scepProfiles/{uuid}");
    let enabled = async |edit: Value| {
        let answer = admin.put(&path, edit).await;
        assert!(answer.status.is_success(), "{}", answer.body);
        answer.body["enableChallengePassword"].as_bool().unwrap()
    };
    assert!(enabled(json!({})).await);
    assert!(enabled(json!({ "enableChallengePassword": null })).await);
    assert!(enabled(json!({ "enableChallengePassword": true })).await);
    assert!(!enabled(json!({ "enableChallengePassword": false })).await);
    assert!(!enabled(json!({ "enableChallengePassword": null })).await);
    let refused = admin
        .put(&path, json!({ "enableChallengePassword": true }))
        .await;
    assert_eq!(
        refused.reasons(),
        ["enableChallengePassword: there is no challengePassword"]
    );
    assert!(enabled(json!({ "enableChallengePassword": true, "challengePassword": "x" })).await);
    assert!(!enabled(json!({ "enableChallengePassword": false, "challengePassword": "x" })).await);
    assert!(enabled(json!({ "challengePassword": "x" })).await);
    for wrong in [String::new(), "x".repeat(256)] {
        let refused = admin
            .put(&path, json!({ "challengePassword": wrong }))
            .await;
        assert_eq!(
            refused.reasons(),
            ["challengePassword: 1 to 255 characters"]
        );
    }
}

#[tokio::test]
async fn secrets_are_in_no_answer_no_record_and_not_as_they_are_in_the_store() {
    let (world, admin, _, uuid, ra_certificate) = administered().await;
    let secrets = ["Tr0ub4dor", "Sw0rdfish"];
    let body = json!({
        "name": "routers", "caCertificateUuid": ra_certificate,
        "challengePassword": secrets[0], "intuneApplicationKey": secrets[1],
    });
    let mut seen = Vec::new();
    let made = admin.post("/scepProfiles", body).await;
    let made = made.expect(201);
    let path = format!("/scepProfiles/{}", text(&made["uuid"]));
    seen.push(made);
    let body = json!({ "challengePassword": secrets[1], "intuneApplicationKey": secrets[0] });
    seen.push(
        admin
            .put(&format!("/scepProfiles/{uuid}"), body)
            .await
            .expect(200),
    );
    seen.push(admin.get("/scepProfiles").await.expect(200));
    seen.push(admin.delete(&path).await.expect(204));
    let records = admin.get("/auditRecords").await.expect(200);
    assert!(records.to_string().contains("(set)"));
    seen.push(records);
    let long = format!("{}{}", secrets[0], "x".repeat(300));
    seen.push(
        admin
            .put(&path, json!({ "challengePassword": long }))
            .await
            .body,
    );
    let odd = json!({ "challengePassword": [secrets[0]], "intuneApplicationKey": secrets[1] });
    seen.push(admin.put(&path, odd).await.expect(422));
    seen.extend(world.database.items("test-profiles").unwrap());
    for answer in seen {
        let answer = answer.to_string();
        assert!(
            !secrets.iter().any(|secret| answer.contains(secret)),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn an_edit_of_an_older_version_is_409_and_loses_nothing() {
    let (_world, admin, ra_profile, scep_profile, _) = administered().await;
    let authority = text(&admin.get("/authorities").await.expect(200)[0]["uuid"]);
    for path in [
        format!("/scepProfiles/{scep_profile}"),
        format!("/raProfiles/{ra_profile}"),
        format!("/authorities/{authority}"),
    ] {
        let shown = admin.get(&path).await;
        let tag = shown.headers["etag"].to_str().unwrap().to_owned();
        let edit = async |tag: &str, description: &str| {
            let headers = [("authorization", "Bearer write"), ("if-match", tag)];
            let body = json!({ "description": description }).to_string();
            admin.send("PUT", &path, &headers, body).await
        };
        let first = edit(&tag, "first").await;
        assert_ne!(first.headers["etag"].to_str().unwrap(), tag);
        first.expect(200);
        let second = edit(&tag, "second").await.expect(409);
        assert!(text(&second["message"]).contains("changed"));
        edit("\"other\"", "third").await.expect(409);
        assert_eq!(admin.get(&path).await.expect(200)["description"], "first");
        edit("*", "fourth").await.expect(200);
    }
}

#[tokio::test]
async fn edits_at_the_same_moment_are_all_done_or_told_off() {
    let (_world, admin, _, uuid, _) = administered().await;
    let path = format!("/scepProfiles/{uuid}");
    let edits = (0..20).map(|number| {
        let (admin, path) = (&admin, &path);
        async move {
            admin
                .put(path, json!({ "renewalThreshold": number }))
                .await
                .status
        }
    });
    let mut done = 0;
    for status in join_all(edits).await {
        assert!(status == 200 || status == 409, "{status}");
        done += u32::from(status == 200);
    }
    let records = admin
        .get(&format!("/auditRecords?objectUuid={uuid}"))
        .await
        .expect(200);
    let edits = records["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|record| record["action"] == "edit");
    // One record is that of the world itself.
    assert_eq!(edits.count(), usize::try_from(done).unwrap() + 1);
}

async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    let mut outputs = Vec::new();
    while !futures.is_empty() {
        let (output, place) = std::future::poll_fn(|context| {
            for (place, future) in futures.iter_mut().enumerate() {
                if let std::task::Poll::Ready(output) = future.as_mut().poll(context) {
                    return std::task::Poll::Ready((output, place));
                }
            }
            std::task::Poll::Pending
        })
        .await;
        outputs.push(output);
        drop(futures.swap_remove(place));
    }
    outputs
}

/// A request of an administrator, and the reasons why not.
struct Rule {
    method: &'static str,
    path: String,
    body: Value,
    reasons: Vec<&'static str>,
}

#[tokio::test]
async fn every_rule_has_its_reason() {
    let (_world, admin, ra_profile, scep_profile, ra_certificate) = administered().await;
    let authority = text(&admin.get("/authorities").await.expect(200)[0]["uuid"]);
    let other = admin.authority("other-ca").await;
    let foreign = admin.ra_certificate(&other).await;
    let foreign_profile = admin.ra_profile(&other, "foreign").await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    let scep = |body: Value| (format!("/scepProfiles/{scep_profile}"), body);
    let put = |(path, body), reasons| Rule {
        method: "PUT",
        path,
        body,
        reasons,
    };
    let post = |path: &str, body, reasons| Rule {
        method: "POST",
        path: path.to_owned(),
        body,
        reasons,
    };
    let template = |template: Value, reasons| {
        let path = format!("/raProfiles/{ra_profile}");
        put((path, json!({ "certificateTemplate": template })), reasons)
    };
    let ra = format!("/authorities/{authority}/raCertificates");
    let name = "name: a name is 1 to 64 of the characters A-Z a-z 0-9 - . _ ~ and not \"raProfile\", \".\" or \"..\"";
    let long = "d".repeat(301);
    let not_issued = "the RA certificate was not issued by the authority of RA Profile default";
    let rules = [
        post(
            "/scepProfiles",
            json!({}),
            vec!["name: missing", "caCertificateUuid: missing"],
        ),
        post(
            "/scepProfiles",
            json!({ "name": "raProfile", "caCertificateUuid": ra_certificate }),
            vec![name],
        ),
        post(
            "/scepProfiles",
            json!({ "name": "a/b", "caCertificateUuid": ra_certificate }),
            vec![name],
        ),
        post(
            "/scepProfiles",
            json!({ "name": "a", "caCertificateUuid": nobody }),
            vec!["caCertificateUuid: no such RA certificate"],
        ),
        post(
            "/scepProfiles",
            json!({ "name": "a", "caCertificateUuid": ra_certificate, "raProfileUuid": nobody }),
            vec!["raProfileUuid: no such RA Profile"],
        ),
        post(
            "/scepProfiles",
            json!({ "name": "a", "caCertificateUuid": foreign, "raProfileUuid": ra_profile }),
            vec!["the RA certificate was not issued by the authority of RA Profile default"],
        ),
        put(
            scep(json!({ "name": "other" })),
            vec!["name: a name cannot be changed"],
        ),
        put(
            scep(json!({ "description": long })),
            vec!["a description has at most 300 characters"],
        ),
        put(
            scep(json!({ "enableIntune": true })),
            vec!["enableIntune: validation by Intune is not supported yet"],
        ),
        put(
            scep(json!({ "renewalThreshold": 36501 })),
            vec!["renewalThreshold: 0 to 36500 days"],
        ),
        put(
            scep(json!({ "caCertificateUuid": foreign })),
            vec![not_issued, not_issued],
        ),
        Rule {
            method: "PATCH",
            path: format!("/scepProfiles/{scep_profile}/raProfiles/{foreign_profile}"),
            body: Value::Null,
            reasons: vec![
                "the RA certificate was not issued by the authority of RA Profile foreign",
            ],
        },
        Rule {
            method: "PATCH",
            path: format!("/raProfiles/{foreign_profile}/protocols/scep/activate/{scep_profile}"),
            body: Value::Null,
            reasons: vec![
                "the RA certificate was not issued by the authority of RA Profile foreign",
            ],
        },
        template(
            json!({ "rsaMinBits": 512 }),
            vec!["certificateTemplate.rsaMinBits: 1024 to 8192"],
        ),
        template(
            json!({ "validity": "PT0S" }),
            vec!["certificateTemplate.validity: longer than no time"],
        ),
        template(
            json!({ "backdate": "P60D" }),
            vec!["certificateTemplate.backdate: at most P31D"],
        ),
        template(
            json!({ "subject": { "allowed": ["O"] } }),
            vec!["certificateTemplate.subject: CN is required but not allowed"],
        ),
        template(
            json!({ "subject": { "fixed": { "C": "Germany" } } }),
            vec!["certificateTemplate.subject.fixed: C cannot be this: two letters"],
        ),
        post(
            "/authorities",
            json!({ "name": "x", "subject": "nonsense" }),
            vec!["subject: not a name in the form of RFC 4514, like CN=Corp CA,O=Corp"],
        ),
        post(
            "/authorities",
            json!({ "name": "x", "subject": "CN=x", "validity": "PT0S" }),
            vec!["validity: longer than no time, and ending before the year 10000"],
        ),
        post(
            "/authorities",
            json!({ "name": "x", "subject": "CN=x", "keyArn": "arn:aws:kms:x" }),
            vec!["keyArn: only AWS KMS has keys to adopt, and keys are files here"],
        ),
        post(
            &ra,
            json!({ "commonName": "" }),
            vec!["commonName: 1 to 64 characters"],
        ),
        post(
            &ra,
            json!({ "commonName": "a", "keyAlgorithm": "EC_P256" }),
            vec!["keyAlgorithm: an RA key is RSA_2048, RSA_3072 or RSA_4096"],
        ),
        post(
            &format!("/authorities/{authority}/certificate"),
            json!({ "certificate": "x" }),
            vec!["certificate: not one certificate in PEM"],
        ),
    ];
    for rule in rules {
        let answer = admin.call(rule.method, &rule.path, rule.body.clone()).await;
        assert_eq!(
            answer.reasons(),
            rule.reasons,
            "{} {} {}",
            rule.method,
            rule.path,
            rule.body
        );
    }
    // Values of a wrong type or form are 422 too, with the name of the field.
    for (template, beginning) in [
        (
            json!({ "validity": "1 year" }),
            "certificateTemplate.validity: a period is",
        ),
        (
            json!({ "ecCurves": ["P224"] }),
            "certificateTemplate.ecCurves[0]: unknown variant",
        ),
        (
            json!({ "subject": { "commonNamePattern": "(" } }),
            "certificateTemplate.subject.commonNamePattern: a pattern is",
        ),
        (
            json!({ "subjectAltName": { "patterns": { "dns": "(" } } }),
            "certificateTemplate.subjectAltName.patterns",
        ),
    ] {
        let body = json!({ "certificateTemplate": template });
        let reasons = admin
            .put(&format!("/raProfiles/{ra_profile}"), body)
            .await
            .reasons();
        assert!(reasons[0].starts_with(beginning), "{reasons:?}");
    }
}

#[tokio::test]
async fn names_are_taken_once_and_unknown_objects_are_404() {
    let (_world, admin, _, _, ra_certificate) = administered().await;
    let authority = text(&admin.get("/authorities").await.expect(200)[0]["uuid"]);
    let body = json!({ "name": "default", "caCertificateUuid": ra_certificate });
    let taken = admin.post("/scepProfiles", body).await.expect(409);
    assert_eq!(taken["message"], "another SCEP Profile has this name");
    let path = format!("/authorities/{authority}/raProfiles");
    admin
        .post(&path, json!({ "name": "default" }))
        .await
        .expect(409);
    let body = json!({ "name": "test-ca", "subject": "CN=a" });
    admin.post("/authorities", body).await.expect(409);
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (path, kind) in [
        (format!("/scepProfiles/{nobody}"), "no such SCEP Profile"),
        (format!("/raProfiles/{nobody}"), "no such RA Profile"),
        (format!("/authorities/{nobody}"), "no such authority"),
        (
            format!("/authorities/{nobody}/raProfiles"),
            "no such authority",
        ),
        (
            format!("/authorities/{authority}/raCertificates/{nobody}"),
            "no such RA certificate",
        ),
        (format!("/certificates/{nobody}"), "no such certificate"),
        (
            "/scepProfiles/nonsense".to_owned(),
            "there is nothing at this URL",
        ),
        ("/nonsense".to_owned(), "there is nothing at this URL"),
    ] {
        assert_eq!(
            admin.get(&path).await.expect(404)["message"],
            kind,
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_ra_profile_is_under_its_own_authority_alone() {
    let (_world, admin, ra_profile, _, _) = administered().await;
    let authority = text(&admin.get("/authorities").await.expect(200)[0]["uuid"]);
    let other = admin.authority("other-ca").await;
    let under = |authority: &str, rest: &str| {
        format!("/authorities/{authority}/raProfiles/{ra_profile}{rest}")
    };
    let shown = admin.get(&under(&authority, "")).await.expect(200);
    assert_eq!(
        shown,
        admin
            .get(&format!("/raProfiles/{ra_profile}"))
            .await
            .expect(200)
    );
    for (method, rest) in [
        ("GET", ""),
        ("DELETE", ""),
        ("PATCH", "/enable"),
        ("PATCH", "/disable"),
        ("GET", "/protocols/scep"),
        ("PATCH", "/protocols/scep/deactivate"),
    ] {
        admin
            .call(method, &under(&other, rest), Value::Null)
            .await
            .expect(404);
    }
    admin.put(&under(&other, ""), json!({})).await.expect(404);
    assert_eq!(
        admin
            .get(&format!("/authorities/{other}/raProfiles"))
            .await
            .expect(200),
        json!([])
    );
}

#[tokio::test]
async fn scep_is_activated_and_deactivated_with_its_url() {
    let (_world, admin, ra_profile, scep_profile, _) = administered().await;
    let path = format!("/raProfiles/{ra_profile}/protocols/scep");
    let attributes = json!([{ "name": "site", "content": [{ "data": { "any": ["json"] } }] }]);
    let body = json!({ "issueCertificateAttributes": attributes });
    let activated = admin
        .call("PATCH", &format!("{path}/activate/{scep_profile}"), body)
        .await
        .expect(200);
    let expected = json!({
        "uuid": scep_profile, "name": "default", "scepAvailable": true,
        "url": "http://scep.example/api/v1/protocols/scep/raProfile/default/pkiclient.exe",
        "issueCertificateAttributes": attributes
    });
    assert_eq!(activated, expected);
    assert_eq!(admin.get(&path).await.expect(200), expected);
    admin.patch(&format!("{path}/deactivate")).await.expect(204);
    let none = json!({
        "uuid": null, "name": null, "scepAvailable": false, "url": null, "issueCertificateAttributes": []
    });
    assert_eq!(admin.get(&path).await.expect(200), none);
    admin.patch(&format!("{path}/deactivate")).await.expect(204);
}

#[tokio::test]
async fn what_is_needed_is_not_deleted_and_force_unlinks_first() {
    let (_world, admin, ra_profile, scep_profile, ra_certificate) = administered().await;
    let authority = text(&admin.get("/authorities").await.expect(200)[0]["uuid"]);
    let second = admin.ra_profile(&authority, "a").await;
    admin
        .patch(&format!(
            "/raProfiles/{second}/protocols/scep/activate/{scep_profile}"
        ))
        .await
        .expect(200);
    let refused = async |path: String| admin.delete(&path).await.reasons();
    let scep_path = format!("/scepProfiles/{scep_profile}");
    assert_eq!(
        refused(scep_path.clone()).await,
        ["Dependent RA Profiles (2): a,default"]
    );
    let ra_path = format!("/raProfiles/{ra_profile}");
    assert_eq!(
        refused(ra_path.clone()).await,
        ["Dependent SCEP Profiles (1): default"]
    );
    let certificate_path = format!("/authorities/{authority}/raCertificates/{ra_certificate}");
    assert_eq!(
        refused(certificate_path.clone()).await,
        ["Dependent SCEP Profiles (1): default"]
    );
    let reasons = refused(format!("/authorities/{authority}")).await;
    assert_eq!(
        reasons,
        [
            format!("Dependent RA certificates (1): {ra_certificate}"),
            "Dependent RA Profiles (2): a,default".to_owned()
        ]
    );
    let bulk = json!([scep_profile, "00000000-0000-4000-8000-000000000000"]);
    let told = admin
        .call("DELETE", "/scepProfiles/delete", bulk.clone())
        .await
        .expect(200);
    assert_eq!(
        told,
        json!([
            { "uuid": scep_profile, "name": "default", "message": "Dependent RA Profiles (2): a,default" },
            { "uuid": bulk[1], "name": "", "message": "no such SCEP Profile" },
        ])
    );
    let told = admin
        .call(
            "DELETE",
            "/scepProfiles/delete/force",
            json!([scep_profile]),
        )
        .await
        .expect(200);
    assert_eq!(told, json!([]));
    admin.get(&scep_path).await.expect(404);
    let shown = admin.get(&ra_path).await.expect(200);
    assert_eq!(shown["scepProfileUuid"], Value::Null);
    // Now nothing needs the rest.
    for path in [
        ra_path,
        format!("/raProfiles/{second}"),
        certificate_path,
        format!("/authorities/{authority}"),
    ] {
        admin.delete(&path).await.expect(204);
    }
    assert_eq!(admin.get("/authorities").await.expect(200), json!([]));
}

#[tokio::test]
async fn a_default_ra_profile_is_deleted_by_force_alone() {
    let (_world, admin, ra_profile, scep_profile, _) = administered().await;
    let told = admin
        .call("DELETE", "/raProfiles/delete", json!([ra_profile]))
        .await
        .expect(200);
    assert_eq!(told[0]["message"], "Dependent SCEP Profiles (1): default");
    let told = admin
        .call("DELETE", "/raProfiles/delete/force", json!([ra_profile]))
        .await
        .expect(200);
    assert_eq!(told, json!([]));
    let shown = admin
        .get(&format!("/scepProfiles/{scep_profile}"))
        .await
        .expect(200);
    assert_eq!(shown["raProfile"], Value::Null);
}

#[tokio::test]
async fn profiles_are_enabled_and_disabled_one_by_one_and_in_bulk() {
    let (_world, admin, ra_profile, scep_profile, _) = administered().await;
    for (list, uuid) in [
        ("/scepProfiles", &scep_profile),
        ("/raProfiles", &ra_profile),
    ] {
        let enabled =
            async || admin.get(&format!("{list}/{uuid}")).await.expect(200)["enabled"].clone();
        admin
            .patch(&format!("{list}/{uuid}/disable"))
            .await
            .expect(204);
        assert_eq!(enabled().await, false);
        admin
            .patch(&format!("{list}/{uuid}/enable"))
            .await
            .expect(204);
        assert_eq!(enabled().await, true);
        let bulk = json!([uuid, "00000000-0000-4000-8000-000000000000"]);
        let told = admin
            .call("PATCH", &format!("{list}/disable"), bulk.clone())
            .await
            .expect(200);
        assert_eq!(told.as_array().unwrap().len(), 1);
        assert_eq!(enabled().await, false);
        admin
            .call("PATCH", &format!("{list}/enable"), bulk)
            .await
            .expect(200);
        assert_eq!(enabled().await, true);
        // Enabling what is enabled changes nothing, and leaves no record.
        let records = async || {
            let found = admin
                .get(&format!("/auditRecords?objectUuid={uuid}"))
                .await
                .expect(200);
            found["items"].as_array().unwrap().len()
        };
        let before = records().await;
        admin
            .patch(&format!("{list}/{uuid}/enable"))
            .await
            .expect(204);
        assert_eq!(records().await, before);
    }
}

#[tokio::test]
async fn every_route_asks_for_a_token_and_its_scope() {
    let (_world, admin, _, _, _) = administered().await;
    let document = admin
        .send("GET", "/openapi.json", &[], String::new())
        .await
        .expect(200);
    let nobody = "00000000-0000-4000-8000-000000000000";
    let mut routes = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let path: Vec<_> = path
                .strip_prefix("/api/v1")
                .unwrap()
                .split('/')
                .map(|part| if part.starts_with('{') { nobody } else { part })
                .collect();
            let (path, method) = (path.join("/"), method.to_uppercase());
            for headers in [
                &[][..],
                &[("authorization", "Bearer nonsense")],
                &[("authorization", "Basic cmVhZA==")],
            ] {
                let answer = admin.send(&method, &path, headers, String::new()).await;
                assert_eq!(
                    answer.headers["www-authenticate"],
                    "Bearer realm=\"scepter\""
                );
                answer.expect(401);
            }
            let scope = text(&operation["security"][0]["bearer"][0]);
            let others: Vec<_> = ["read", "write", "approve"]
                .into_iter()
                .filter(|other| *other != scope)
                .collect();
            let token = format!("Bearer {}", others.join(","));
            let answer = admin
                .send(&method, &path, &[("authorization", &token)], String::new())
                .await;
            assert!(
                answer.headers["www-authenticate"]
                    .to_str()
                    .unwrap()
                    .contains(&format!("scope=\"{scope}\""))
            );
            assert_eq!(
                answer.expect(403)["message"],
                format!("the token lacks the scope {scope}")
            );
            let token = format!("Bearer {scope}");
            let answer = admin
                .send(&method, &path, &[("authorization", &token)], String::new())
                .await;
            assert!(
                answer.status != 401 && answer.status != 403,
                "{method} {path}"
            );
            routes += 1;
        }
    }
    assert!(routes > 50);
}

#[tokio::test]
async fn bodies_are_bounded_and_strict() {
    let (_world, admin, _, uuid, _) = administered().await;
    let path = format!("/scepProfiles/{uuid}");
    let send = async |body: String| {
        admin
            .send("PUT", &path, &[("authorization", "Bearer write")], body)
            .await
    };
    send("{\"description\": \"a\"}".to_owned())
        .await
        .expect(200);
    assert_eq!(
        text(&send("{\"x\": 1}".to_owned()).await.expect(400)["message"])
            .split(',')
            .next(),
        Some("x: unknown field `x`")
    );
    send("{".to_owned()).await.expect(400);
    send(String::new()).await.expect(400);
    send(" ".repeat(64 * 1024 - 2) + "{}").await.expect(200);
    assert_eq!(
        send(" ".repeat(64 * 1024 - 1) + "{}").await.expect(413)["message"],
        "the body is larger than 64 KiB"
    );
    let nested = format!(
        "{{\"customAttributes\":[{{\"name\":\"a\",\"content\":[{{\"data\":{}",
        "[".repeat(10_000)
    );
    send(nested).await.expect(400);
    let answer = admin.call("POST", &path, Value::Null).await;
    assert_eq!(answer.headers["allow"], "GET,HEAD,PUT,DELETE");
    answer.expect(405);
}

#[tokio::test]
async fn filters_are_checked() {
    let (_world, admin, _, _, _) = administered().await;
    for (query, reason) in [
        ("certificates?status=GONE", "status: VALID or EXPIRED"),
        ("certificates?limit=0", "limit: 1 to 500"),
        ("certificates?limit=501", "limit: 1 to 500"),
        (
            "certificates?serialNumber=xyz",
            "serialNumber: hexadecimal, of at most 16 octets",
        ),
        ("certificates?raProfileUuid=x", "raProfileUuid: not a uuid"),
        (
            "certificates?expiringBefore=soon",
            "expiringBefore: not a time like 2030-01-31T12:00:00Z, or a day like 2030-01-31",
        ),
        (
            "certificates?cursor=x",
            "cursor: not one that a page of this list gave",
        ),
        (
            "scepTransactions?status=x",
            "status: ISSUING, PENDING, ISSUED or REJECTED",
        ),
        (
            "scepTransactions?cursor=x",
            "cursor: not one that a page of this list gave",
        ),
        (
            "auditRecords?since=2030-01-02&until=2030-01-01",
            "until: not before since",
        ),
        (
            "auditRecords?cursor=x",
            "cursor: not one that a page of this list gave",
        ),
        (
            "scepProfiles/caCertificates?intuneEnabled=x",
            "intuneEnabled: true or false",
        ),
    ] {
        assert_eq!(
            admin.get(&format!("/{query}")).await.reasons(),
            [reason],
            "{query}"
        );
    }
    admin.get("/certificates?statsu=VALID").await.expect(400);
    let empty = "subject=&serialNumber=&raProfileUuid=&scepProfileUuid=&status=&expiringBefore=&limit=&cursor=";
    let found = admin
        .get(&format!("/certificates?{empty}"))
        .await
        .expect(200);
    assert_eq!(found, json!({ "items": [], "cursor": null }));
}

#[tokio::test]
async fn every_change_leaves_a_record_of_who_what_before_and_after() {
    let (_world, admin, _, _, ra_certificate) = administered().await;
    let body = json!({ "name": "routers", "caCertificateUuid": ra_certificate });
    let uuid = admin.post("/scepProfiles", body).await.uuid();
    let path = format!("/scepProfiles/{uuid}");
    admin
        .put(&path, json!({ "description": "new" }))
        .await
        .expect(200);
    admin.patch(&format!("{path}/enable")).await.expect(204);
    admin.patch(&format!("{path}/disable")).await.expect(204);
    admin.put(&path, json!({ "name": "no" })).await.expect(422);
    admin.delete(&path).await.expect(204);
    let found = admin
        .get(&format!("/auditRecords?objectUuid={uuid}"))
        .await
        .expect(200);
    let records = found["items"].as_array().unwrap();
    let actions: Vec<_> = records
        .iter()
        .map(|record| text(&record["action"]))
        .collect();
    assert_eq!(actions, ["delete", "disable", "enable", "edit", "create"]);
    for record in records {
        assert_eq!(
            (&record["who"], &record["objectKind"], &record["objectName"]),
            (&json!("admin"), &json!("scepProfile"), &json!("routers"))
        );
    }
    assert_eq!(
        (&records[4]["before"], &records[0]["after"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (
            &records[3]["before"]["description"],
            &records[3]["after"]["description"]
        ),
        (&json!(""), &json!("new"))
    );
    let page = admin
        .get(&format!("/auditRecords?objectUuid={uuid}&limit=2"))
        .await
        .expect(200);
    assert_eq!(page["items"].as_array().unwrap()[..], records[..2]);
    let next = format!(
        "/auditRecords?objectUuid={uuid}&limit=3&cursor={}",
        text(&page["cursor"])
    );
    assert_eq!(
        admin.get(&next).await.expect(200)["items"]
            .as_array()
            .unwrap()[..],
        records[2..]
    );
}

#[tokio::test]
async fn what_does_not_act_yet_says_so() {
    let (_world, admin, _, _, _) = administered().await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (method, path, message) in [
        (
            "POST",
            format!("/certificates/{nobody}/revoke"),
            "revocation is not supported yet",
        ),
        (
            "POST",
            format!("/scepTransactions/{nobody}/approve"),
            "manual approval is not supported yet",
        ),
        (
            "POST",
            format!("/scepTransactions/{nobody}/reject"),
            "manual approval is not supported yet",
        ),
        (
            "GET",
            format!("/authorities/{nobody}/crl"),
            "CRLs are not supported yet",
        ),
        (
            "POST",
            format!("/authorities/{nobody}/rollover"),
            "rollover is not supported yet",
        ),
        (
            "POST",
            format!("/authorities/{nobody}/rollover/activate"),
            "rollover is not supported yet",
        ),
    ] {
        assert_eq!(
            admin.call(method, &path, Value::Null).await.expect(501)["message"],
            message
        );
    }
}
