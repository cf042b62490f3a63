//! The management API: what profiles hold, and each rule with its reason.

use scepter_tests::admin::{administered, text};
use serde_json::{Value, json};

#[tokio::test]
async fn a_scep_profile_is_made_disabled_with_every_default_and_shown_whole() {
    let (_world, admin, ra_profile, _, ra_certificate) = administered().await;
    // What is read-only may be sent, and means nothing.
    let body = json!({ "name": "routers", "caCertificateUuid": ra_certificate, "enabled": true, "scepUrl": "x" });
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
            vec![not_issued],
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
