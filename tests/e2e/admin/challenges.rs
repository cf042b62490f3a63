//! One-time challenges as administrators see them.

use std::time::Duration;

use scepter_tests::admin::{Admin, Answer, administered, one_time_world, text};
use scepter_tests::device::Device;
use serde_json::{Value, json};

/// The text that every value in the world of a test is compared with, so that nothing leaks.
async fn everything_stored(world: &scepter_tests::world::World) -> String {
    let tables = ["test-profiles", "test-transactions", "test-certificates"];
    let items = tables.map(|table| world.database.items(table).unwrap());
    format!("{items:?}")
}

/// The audit records, newest first.
pub(crate) async fn list_audits(admin: &Admin) -> Vec<Value> {
    let page = admin.get("/auditRecords").await.expect(200);
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_challenge_is_made_shown_and_deleted() {
    let (world, admin, profile) = one_time_world().await;
    let path = format!("/scepProfiles/{profile}/challenges");
    let body = json!({
        "validity": "PT1H", "uses": 1, "raProfileUuid": null, "transactionId": null,
        "subject": { "CN": "device-7" },
        "subjectAltNames": { "dns": ["device-7.corp.example"], "upn": [], "sid": null },
        "hold": false, "note": "asset 4711"
    });
    let answer = admin.post(&path, body).await;
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let made = answer.expect(201);
    let secret = text(&made["challengePassword"]);
    assert_eq!(secret.len(), 26);
    assert!(
        secret
            .bytes()
            .all(|c| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&c))
    );
    let uuid = text(&made["uuid"]);
    assert_eq!(location, format!("/api/v1{path}/{uuid}"));
    for (name, expected) in [
        ("state", json!("UNUSED")),
        ("uses", json!(1)),
        ("usesLeft", json!(1)),
        ("certificateUuid", Value::Null),
        ("raProfileUuid", Value::Null),
        ("transactionId", Value::Null),
        ("subject", json!({ "CN": "device-7" })),
        ("hold", json!(false)),
        ("note", json!("asset 4711")),
    ] {
        assert_eq!(made[name], expected, "{name}");
    }
    assert_eq!(
        made["subjectAltNames"]["dns"],
        json!(["device-7.corp.example"])
    );
    assert_eq!(made["subjectAltNames"]["upn"], json!([]));

    let shown = admin.get(&format!("{path}/{uuid}")).await.expect(200);
    let mut expected = made.clone();
    expected
        .as_object_mut()
        .unwrap()
        .remove("challengePassword");
    assert_eq!(shown, expected);
    let listed = admin.get(&path).await.expect(200);
    assert_eq!(listed, json!({ "items": [expected], "cursor": null }));
    // Nothing that is stored, listed or recorded contains the secret.
    assert!(!everything_stored(&world).await.contains(&secret));
    assert!(!format!("{listed}{:?}", list_audits(&admin).await).contains(&secret));

    admin.delete(&format!("{path}/{uuid}")).await.expect(204);
    admin.delete(&format!("{path}/{uuid}")).await.expect(204);
    let shown = admin.get(&format!("{path}/{uuid}")).await.expect(200);
    assert_eq!(shown["state"], "DELETED");
    let audits = list_audits(&admin).await;
    assert_eq!(audits[0]["action"], "deleteChallenge");
    assert_eq!(audits[1]["action"], "createChallenges");
    for audit in &audits[..2] {
        assert_eq!(audit["who"], "admin");
        assert_eq!(text(&audit["objectUuid"]), profile);
        assert!(audit.to_string().contains(&uuid));
    }
}

#[tokio::test]
async fn challenges_are_listed_by_state_and_in_pages() {
    let (world, admin, profile) = one_time_world().await;
    let path = format!("/scepProfiles/{profile}/challenges");
    let short = admin
        .challenge(&profile, json!({ "validity": "PT1M" }))
        .await;
    world.clock.advance(Duration::from_secs(61));
    let used = admin.challenge(&profile, json!({})).await;
    let device = Device::rsa();
    let secret = text(&used["challengePassword"]);
    let leaf = world
        .ask(&device, &device.enrolment("device-1", &secret))
        .await
        .leaf();
    world.clock.advance(Duration::from_secs(1));
    let unused = admin.challenge(&profile, json!({ "uses": 3 })).await;
    let list = async |query: &str| -> Vec<String> {
        let page = admin.get(&format!("{path}?{query}")).await.expect(200);
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| text(&item["uuid"])).collect()
    };
    let uuids = [&unused, &used, &short].map(|made| text(&made["uuid"]));
    assert_eq!(list("").await, uuids);
    assert_eq!(list("state=UNUSED").await, uuids[..1]);
    assert_eq!(list("state=USED").await, uuids[1..2]);
    assert_eq!(list("state=EXPIRED").await, uuids[2..]);
    assert_eq!(list("state=DELETED").await, [""; 0]);
    let page = admin.get(&format!("{path}?limit=2")).await.expect(200);
    let cursor = text(&page["cursor"]);
    assert_eq!(list(&format!("limit=2&cursor={cursor}")).await, uuids[2..]);
    for (query, reason) in [
        ("state=NEW", "state: UNUSED, USED, EXPIRED or DELETED"),
        ("limit=501", "limit: 1 to 500"),
        ("cursor=!", "cursor: invalid for this list"),
    ] {
        let answer = admin.get(&format!("{path}?{query}")).await;
        assert_eq!(answer.reasons(), [reason]);
    }
    admin.get(&format!("{path}?stat=USED")).await.expect(400);

    let shown = admin.get(&format!("{path}/{}", uuids[1])).await.expect(200);
    let serial = leaf.issuer_and_serial_number().serial_number_hex();
    let certificate = uuid::Uuid::from_u128(u128::from_str_radix(&serial, 16).unwrap());
    assert_eq!(text(&shown["certificateUuid"]), certificate.to_string());
    let of_challenge = format!("/certificates?challengeUuid={}", uuids[1]);
    let listed = admin.get(&of_challenge).await.expect(200);
    assert_eq!(listed["items"][0]["serialNumber"], serial);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let listed = admin
        .get(&format!("{of_challenge}&status=REVOKED"))
        .await
        .expect(200);
    assert_eq!(listed["items"], json!([]));
    let listed = format!("/certificates?challengeUuid={}", uuids[0]);
    assert_eq!(admin.get(&listed).await.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn an_array_is_made_whole_or_not_at_all() {
    let (_world, admin, profile) = one_time_world().await;
    let path = format!("/scepProfiles/{profile}/challenges");
    let requests = |count: usize| -> Vec<Value> {
        let request =
            |number| json!({ "validity": "P30D", "transactionId": format!("t {number}") });
        (0..count).map(request).collect()
    };
    let count = async || {
        let page = admin.get(&format!("{path}?limit=500")).await.expect(200);
        page["items"].as_array().unwrap().len()
    };
    let made = admin.post(&path, json!(requests(500))).await.expect(201);
    let made = made.as_array().unwrap();
    for (number, made) in made.iter().enumerate() {
        assert_eq!(made["transactionId"], format!("t {number}"));
    }
    let mut secrets: Vec<_> = made
        .iter()
        .map(|made| text(&made["challengePassword"]))
        .collect();
    secrets.sort();
    secrets.dedup();
    assert_eq!((secrets.len(), count().await), (500, 500));
    // One of them is bound to a transactionID that is taken.
    let mut again = vec![json!({ "validity": "PT1H" }); 99];
    again.push(json!({ "validity": "PT1H", "transactionId": "t 7" }));
    let taken = "transactionId: another challenge that can still be used is bound to it";
    let reasons = admin.post(&path, json!(again)).await.reasons();
    assert_eq!(reasons, [format!("[99].{taken}")]);
    let reasons = admin.post(&path, again[99].clone()).await.reasons();
    assert_eq!(reasons, [taken]);
    assert_eq!(count().await, 500);
    // Every broken rule of every request is reported.
    let invalid = json!([
        { "validity": "PT1H" },
        { "uses": 0, "note": "a\u{202e}b" },
        { "validity": "P91D", "transactionId": "t" },
        { "validity": "P90D", "transactionId": "t" },
    ]);
    assert_eq!(
        admin.post(&path, invalid).await.reasons(),
        [
            "[1].validity: missing",
            "[1].uses: 1 to 100",
            "[1].note: at most 300 characters, and none that hides or reorders text",
            "[2].validity: must be greater than zero and at most P90D",
            &format!("[3].{taken}"),
        ]
    );
    for count in [0, 501] {
        let reasons = admin.post(&path, json!(requests(count))).await.reasons();
        assert_eq!(reasons, ["1 to 500 challenges at once"]);
    }
    assert_eq!(count().await, 500);
    assert_eq!(list_audits(&admin).await[0]["action"], "createChallenges");
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_makes_nothing() {
    let (_world, admin, profile) = one_time_world().await;
    let path = format!("/scepProfiles/{profile}/challenges");
    let nobody = "00000000-0000-4000-8000-000000000000";
    let other_authority = admin.authority("other-ca").await;
    let other_profile = admin.ra_profile(&other_authority, "other").await;
    for (fields, reason) in [
        (json!({ "validity": null }), "validity: missing"),
        (
            json!({ "validity": "PT0S" }),
            "validity: must be greater than zero and at most P90D",
        ),
        (
            json!({ "validity": "P3M1D" }),
            "validity: must be greater than zero and at most P90D",
        ),
        (
            json!({ "validity": "an hour" }),
            "validity: a period is an ISO 8601 duration",
        ),
        (json!({ "uses": 101 }), "uses: 1 to 100"),
        (
            json!({ "uses": -1 }),
            "uses: not a whole number in its range",
        ),
        (
            json!({ "raProfileUuid": nobody }),
            "raProfileUuid: no such RA Profile",
        ),
        (
            json!({ "raProfileUuid": other_profile }),
            "the RA certificate was not issued by the authority of RA Profile other",
        ),
        (
            json!({ "transactionId": "" }),
            "transactionId: 1 to 255 octets of text",
        ),
        (
            json!({ "transactionId": "t".repeat(256) }),
            "transactionId: 1 to 255 octets of text",
        ),
        (
            json!({ "note": "n".repeat(301) }),
            "note: at most 300 characters",
        ),
        (
            json!({ "subjectAltNames": { "sid": "S-1" } }),
            "subjectAltNames",
        ),
        (json!({ "subject": { "nonsense": "x" } }), "subject"),
    ] {
        let mut body = json!({ "validity": "PT1H" });
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        let reasons = admin.post(&path, body).await.reasons();
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        assert!(reasons[0].starts_with(reason), "{reasons:?}");
    }
    let unknown_field = json!({ "validity": "PT1H", "challengePassword": "mine" });
    admin.post(&path, unknown_field).await.expect(400);
    admin.post(&path, json!([[]])).await.expect(422);
    admin.post(&path, json!("x")).await.expect(422);
    let listed = admin.get(&path).await.expect(200);
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test]
async fn bodies_of_a_megabyte_are_taken_for_challenges_alone() {
    let (_world, admin, profile) = one_time_world().await;
    let path = format!("/scepProfiles/{profile}/challenges");
    let send = async |method: &str, path: &str, token: &str, length: usize| -> Answer {
        let mut body = json!({ "validity": "PT1H" }).to_string();
        body.push_str(&" ".repeat(length - body.len()));
        let token = format!("Bearer {token}");
        let headers = [("authorization", token.as_str())];
        admin.send(method, path, &headers, body).await
    };
    let longest = 1024 * 1024;
    send("POST", &path, "challenge", longest).await.expect(201);
    let refused = send("POST", &path, "challenge", longest + 1)
        .await
        .expect(413);
    assert_eq!(refused["message"], "the body is larger than 1024 KiB");
    send("POST", &path, "read", longest + 1).await.expect(403);
    let elsewhere = format!("/scepProfiles/{profile}");
    let refused = send("PUT", &elsewhere, "write", 64 * 1024 + 1)
        .await
        .expect(413);
    assert_eq!(refused["message"], "the body is larger than 64 KiB");
}

#[tokio::test]
async fn a_profile_without_one_time_challenges_makes_none() {
    let (_world, admin, _, profile, _) = administered().await;
    let path = format!("/scepProfiles/{profile}/challenges");
    let reasons = admin
        .post(&path, json!({ "validity": "PT1H" }))
        .await
        .reasons();
    let expected = "the SCEP Profile does not have ONE_TIME among its challengeSources";
    assert_eq!(reasons, [expected]);
}

#[tokio::test]
async fn what_is_not_in_the_profile_of_the_path_is_not_found() {
    let (_world, admin, profile) = one_time_world().await;
    let made = admin.challenge(&profile, json!({})).await;
    let uuid = text(&made["uuid"]);
    let ra = admin
        .get(&format!("/scepProfiles/{profile}"))
        .await
        .expect(200);
    let body = json!({ "name": "other", "caCertificateUuid": ra["caCertificate"]["uuid"] });
    let other = admin.post("/scepProfiles", body).await.uuid();
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (method, path, message) in [
        (
            "GET",
            format!("/scepProfiles/{nobody}/challenges"),
            "no such SCEP Profile",
        ),
        (
            "POST",
            format!("/scepProfiles/{nobody}/challenges"),
            "no such SCEP Profile",
        ),
        (
            "GET",
            format!("/scepProfiles/{nobody}/challenges/{uuid}"),
            "no such SCEP Profile",
        ),
        (
            "GET",
            format!("/scepProfiles/{profile}/challenges/{nobody}"),
            "no such challenge",
        ),
        (
            "DELETE",
            format!("/scepProfiles/{profile}/challenges/{nobody}"),
            "no such challenge",
        ),
        (
            "GET",
            format!("/scepProfiles/{other}/challenges/{uuid}"),
            "no such challenge",
        ),
        (
            "DELETE",
            format!("/scepProfiles/{other}/challenges/{uuid}"),
            "no such challenge",
        ),
    ] {
        let body = match method {
            "POST" => json!({ "validity": "PT1H" }),
            _ => Value::Null,
        };
        let answer = admin.call(method, &path, body).await.expect(404);
        assert_eq!(answer["message"], message, "{method} {path}");
    }
    let shown = admin
        .get(&format!("/scepProfiles/{profile}/challenges/{uuid}"))
        .await;
    assert_eq!(shown.expect(200)["state"], "UNUSED");
}

#[tokio::test]
async fn a_token_for_challenges_does_nothing_else() {
    let (_world, admin, profile) = one_time_world().await;
    let path = format!("/scepProfiles/{profile}/challenges");
    let send = async |scope: &str, method: &str, path: &str| -> Answer {
        let body = match method {
            "POST" => json!({ "validity": "PT1H" }).to_string(),
            _ => String::new(),
        };
        let token = format!("Bearer {scope}");
        let headers = [("authorization", token.as_str())];
        admin.send(method, path, &headers, body).await
    };
    for scope in ["challenge", "write"] {
        let uuid = text(&send(scope, "POST", &path).await.expect(201)["uuid"]);
        let one = format!("{path}/{uuid}");
        send(scope, "GET", &path).await.expect(200);
        send(scope, "GET", &one).await.expect(200);
        send(scope, "DELETE", &one).await.expect(204);
    }
    send("read", "GET", &path).await.expect(200);
    let refused = send("read", "POST", &path).await.expect(403);
    assert_eq!(
        refused["message"],
        "the token lacks the scope challenge or write"
    );
    send("approve", "GET", &path).await.expect(403);
    let lockouts = format!("/scepProfiles/{profile}/lockouts");
    for (scope, method, status) in [
        ("challenge", "GET", 403),
        ("challenge", "DELETE", 403),
        ("read", "GET", 200),
        ("read", "DELETE", 403),
        ("write", "DELETE", 204),
    ] {
        send(scope, method, &lockouts).await.expect(status);
    }
    for (method, path) in [
        ("GET", "/scepProfiles"),
        ("GET", "/certificates"),
        ("GET", "/auditRecords"),
        ("POST", "/scepProfiles"),
        ("DELETE", "/scepProfiles/delete"),
    ] {
        send("challenge", method, path).await.expect(403);
    }
}
