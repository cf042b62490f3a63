//! The management API: the contents of profiles, and each rule with its reason.

use scepter_tests::admin::{Admin, administered, text};
use serde_json::{Value, json};

#[tokio::test]
async fn a_scep_profile_is_made_disabled_with_every_default_and_shown_whole() {
    let (_world, admin, ra_profile, _, ra_certificate) = administered().await;
    // Read-only fields are accepted and ignored.
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
        "enableChallengePassword": false, "requireManualApproval": false, "allowProxySigner": false,
        "caCertificateForm": "chain", "legacyAlgorithms": true,
        "enableIntune": false, "intuneTenant": null, "intuneApplicationId": null, "intuneCredential": "SECRET",
        "challengeSources": [], "webhook": null,
        "issueCertificateAttributes": [], "customAttributes": [],
        "certificateAssociations": { "owner": null, "groups": [], "customAttributes": [] },
        "warnings": ["caCertificateForm: the authority has an EC key, and some clients encrypt to every certificate that GetCACert \
                      shows; raOnly leaves it out."],
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
        "requireManualApproval": true, "allowProxySigner": true, "caCertificateForm": "raOnly", "legacyAlgorithms": false,
        "enableIntune": false, "intuneTenant": "corp", "intuneApplicationId": "app", "intuneApplicationKey": "k",
        "intuneCredential": "FEDERATED",
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
        ("allowProxySigner", json!(true)),
        ("caCertificateForm", json!("raOnly")),
        ("legacyAlgorithms", json!(false)),
        ("intuneTenant", json!("corp")),
        ("intuneApplicationId", json!("app")),
        ("intuneCredential", json!("FEDERATED")),
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
        let own = [
            "uuid",
            "name",
            "enabled",
            "enableChallengePassword",
            "challengeSources",
            "warnings",
        ];
        if !own.contains(&field.as_str()) {
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

/// Checks rows of a body and the reasons for which it is rejected.
async fn assert_reasons(admin: &Admin, method: &str, path: &str, rows: &[(Value, &[&str])]) {
    for (body, reasons) in rows {
        let answer = admin.call(method, path, body.clone()).await;
        assert_eq!(answer.reasons(), *reasons, "{method} {path} {body}");
    }
}

#[tokio::test]
async fn each_rule_of_a_scep_profile_has_its_reason() {
    const NAME: &str = "name: a name is 1 to 64 of the characters A-Z a-z 0-9 - . _ ~ and not \"raProfile\", \".\" or \"..\"";
    let (_world, admin, ra_profile, uuid, own) = administered().await;
    let other = admin.authority("other-ca").await;
    let foreign = admin
        .post(
            &format!("/authorities/{other}/raCertificates"),
            json!({ "commonName": "RA" }),
        )
        .await
        .uuid();
    let nobody = "00000000-0000-4000-8000-000000000000";
    let not_issued = "the RA certificate was not issued by the authority of RA Profile default";
    let new = |name: &str, certificate: &str, ra_profile: Option<&str>| json!({ "name": name, "caCertificateUuid": certificate, "raProfileUuid": ra_profile });
    let rows = [
        (
            json!({}),
            &["name: missing", "caCertificateUuid: missing"][..],
        ),
        (new("raProfile", &own, None), &[NAME]),
        (new("a/b", &own, None), &[NAME]),
        (
            new("a", nobody, None),
            &["caCertificateUuid: no such RA certificate"],
        ),
        (
            new("a", &own, Some(nobody)),
            &["raProfileUuid: no such RA Profile"],
        ),
        (new("a", &foreign, Some(&ra_profile)), &[not_issued]),
    ];
    assert_reasons(&admin, "POST", "/scepProfiles", &rows).await;
    let rows = [
        (
            json!({ "enabled": false }),
            &["enabled: read-only; PATCH …/enable or …/disable changes it"][..],
        ),
        (
            json!({ "name": "other" }),
            &["name: a name cannot be changed"][..],
        ),
        (
            json!({ "description": "d".repeat(301) }),
            &["a description has at most 300 characters, and none that hides or reorders text"],
        ),
        (
            json!({ "description": "sretuor\u{202e}" }),
            &["a description has at most 300 characters, and none that hides or reorders text"],
        ),
        (
            json!({ "renewalThreshold": 36501 }),
            &["renewalThreshold: 0 to 36500 days"],
        ),
        (json!({ "caCertificateUuid": foreign }), &[not_issued]),
    ];
    assert_reasons(&admin, "PUT", &format!("/scepProfiles/{uuid}"), &rows).await;
}

#[tokio::test]
async fn profiles_of_different_authorities_are_not_linked() {
    let (_world, admin, _, scep_profile, _) = administered().await;
    let other = admin.authority("other-ca").await;
    let foreign = admin.ra_profile(&other, "foreign").await;
    let rows: [(Value, &[&str]); 1] = [(
        Value::Null,
        &["the RA certificate was not issued by the authority of RA Profile foreign"],
    )];
    let link = format!("/scepProfiles/{scep_profile}/raProfiles/{foreign}");
    assert_reasons(&admin, "PATCH", &link, &rows).await;
    let activate = format!("/raProfiles/{foreign}/protocols/scep/activate/{scep_profile}");
    assert_reasons(&admin, "PATCH", &activate, &rows).await;
}

#[tokio::test]
async fn each_rule_of_an_authority_has_its_reason() {
    let (world, admin, _, _, _) = administered().await;
    let authority = text(&admin.get("/authorities").await.expect(200)[0]["uuid"]);
    let new = |subject: &str, validity: &str, arn: Option<&str>| json!({ "name": "x", "subject": subject, "validity": validity, "keyArn": arn });
    let subject = "subject: not a name in the form of RFC 4514, like CN=Corp CA,O=Corp";
    let rows = [
        (new("nonsense", "P1Y", None), &[subject][..]),
        (new("C=Germany", "P1Y", None), &[subject]),
        (new("CN=Corp CA\0", "P1Y", None), &[subject]),
        (new("CN=AC proC\u{202e}", "P1Y", None), &[subject]),
        (new("CN=x,2.5.4.12=#3000", "P1Y", None), &[subject]),
        (
            new("CN=x", "PT0S", None),
            &["validity: must be greater than zero and end before the year 10000"],
        ),
        (
            new("CN=x", "P1Y", Some("arn:aws:kms:x")),
            &["keyArn: only AWS KMS keys can be adopted, and keys are files here"],
        ),
    ];
    assert_reasons(&admin, "POST", "/authorities", &rows).await;
    let rows = [(
        json!({ "certificate": "x" }),
        &["certificate: not one certificate in PEM"][..],
    )];
    assert_reasons(
        &admin,
        "POST",
        &format!("/authorities/{authority}/certificate"),
        &rows,
    )
    .await;
    let ra = format!("/authorities/{authority}/raCertificates");
    let rows = [
        (
            json!({ "commonName": "" }),
            &["commonName: 1 to 64 characters, none of them a control character"][..],
        ),
        (
            json!({ "commonName": "RA\0" }),
            &["commonName: 1 to 64 characters, none of them a control character"],
        ),
        (
            json!({ "commonName": "nimda\u{202e}" }),
            &["commonName: 1 to 64 characters, none of them a control character"],
        ),
        (
            json!({ "commonName": "a", "keyAlgorithm": "EC_P256" }),
            &["keyAlgorithm: an RA key is RSA_2048, RSA_3072 or RSA_4096"],
        ),
    ];
    assert_reasons(&admin, "POST", &ra, &rows).await;
    world
        .clock
        .advance(std::time::Duration::from_secs(11 * 365 * 24 * 3600));
    let rows = [(
        json!({ "commonName": "a" }),
        &["the authority's certificate is not valid now"][..],
    )];
    assert_reasons(&admin, "POST", &ra, &rows).await;
}

#[tokio::test]
async fn each_rule_of_a_template_has_its_reason() {
    let (_world, admin, ra_profile, _, _) = administered().await;
    let path = format!("/raProfiles/{ra_profile}");
    let template = |template: Value| json!({ "certificateTemplate": template });
    let rows = [
        (
            template(json!({ "rsaMinBits": 512 })),
            &["certificateTemplate.rsaMinBits: 1024 to 8192"][..],
        ),
        (
            template(json!({ "validity": "PT0S" })),
            &["certificateTemplate.validity: must be greater than zero"],
        ),
        (
            template(json!({ "backdate": "P60D" })),
            &["certificateTemplate.backdate: at most P31D"],
        ),
        (
            template(json!({ "subject": { "required": ["CN"], "allowed": ["O"] } })),
            &["certificateTemplate.subject: CN is required but not allowed"],
        ),
        (
            template(json!({ "subject": { "fixed": { "C": "Germany" } } })),
            &["certificateTemplate.subject.fixed: not a valid value for C: must be two letters"],
        ),
        (
            template(json!({ "subject": { "fixed": { "O": "proC\u{202e}" } } })),
            &[
                "certificateTemplate.subject.fixed: not a valid value for O: must be 1 to 64 characters, none of \
                 them a control character or one that hides or reorders text",
            ],
        ),
        (
            template(
                json!({ "subjectAltName": { "types": ["dns", "upn", "email"], "patterns": { "email": ".*@corp" } } }),
            ),
            &[
                "certificateTemplate.subjectAltName.patterns.upn: required, since types has upn: without it, \
                 every holder of a challenge could impersonate anyone",
            ],
        ),
    ];
    assert_reasons(&admin, "PUT", &path, &rows).await;
    // A value of a wrong type or form is a 422 as well, and its reason names the field.
    for (wrong, beginning) in [
        (
            json!({ "validity": "1 year" }),
            "certificateTemplate.validity: a period is",
        ),
        (
            json!({ "ecCurves": ["P224"] }),
            "certificateTemplate.ecCurves[0]: one of ",
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
        let reasons = admin.put(&path, template(wrong)).await.reasons();
        assert!(reasons[0].starts_with(beginning), "{reasons:?}");
    }
    // Null restores the default.
    let set = admin
        .put(&path, template(json!({ "validity": "P1D" })))
        .await
        .expect(200);
    assert_eq!(set["certificateTemplate"]["validity"], "P1D");
    let reset = admin.put(&path, template(Value::Null)).await.expect(200);
    assert_eq!(reset["certificateTemplate"]["validity"], "P365D");
}
