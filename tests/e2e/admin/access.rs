//! The management API: who has access, what answers contain, and what they never contain.

use scepter_tests::admin::{administered, text};
use serde_json::{Value, json};

#[tokio::test]
async fn secrets_are_in_no_answer_no_record_and_not_as_they_are_in_the_store() {
    let (world, admin, _, uuid, ra_certificate) = administered().await;
    const WEBHOOK: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let secrets = ["Tr0ub4dor", "Sw0rdfish", WEBHOOK];
    let webhook = json!({ "url": "https://hooks.example/", "secret": format!("whsec_{WEBHOOK}") });
    let body = json!({
        "name": "routers", "caCertificateUuid": ra_certificate, "webhook": webhook,
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
    for odd in [json!([WEBHOOK]), json!(format!("{WEBHOOK}="))] {
        let odd = json!({ "webhook": { "url": "https://hooks.example/", "secret": odd } });
        let path = format!("/scepProfiles/{uuid}");
        seen.push(admin.put(&path, odd).await.expect(422));
    }
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
            let alternatives = operation["security"].as_array().unwrap().iter();
            let scopes: Vec<_> = alternatives
                .map(|needed| text(&needed["bearer"][0]))
                .collect();
            let others: Vec<_> = ["read", "write", "approve", "challenge"]
                .into_iter()
                .filter(|other| !scopes.iter().any(|scope| scope == other))
                .collect();
            // Every scope admits to the route that tells a caller which it has.
            if others.is_empty() {
                assert_eq!(path, "/caller");
            } else {
                let token = format!("Bearer {}", others.join(","));
                let answer = admin
                    .send(&method, &path, &[("authorization", &token)], String::new())
                    .await;
                assert!(
                    answer.headers["www-authenticate"]
                        .to_str()
                        .unwrap()
                        .contains(&format!("scope=\"{}\"", scopes[0]))
                );
                assert_eq!(
                    answer.expect(403)["message"],
                    format!("the token lacks the scope {}", scopes.join(" or "))
                );
            }
            for scope in scopes {
                let token = format!("Bearer {scope}");
                let answer = admin
                    .send(&method, &path, &[("authorization", &token)], String::new())
                    .await;
                assert!(
                    answer.status != 401 && answer.status != 403,
                    "{method} {path}"
                );
            }
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
    // The limit also applies to requests that take no body.
    let headers = [("authorization", "Bearer write")];
    let large = " ".repeat(64 * 1024 + 1);
    let enable = format!("{path}/enable");
    let answer = admin.send("PATCH", &enable, &headers, large).await;
    answer.expect(413);
    let answer = admin.call("POST", &path, Value::Null).await;
    assert_eq!(answer.headers["allow"], "GET,HEAD,PUT,DELETE");
    answer.expect(405);
}

#[tokio::test]
async fn filters_are_checked() {
    let (_world, admin, _, _, _) = administered().await;
    for (query, reason) in [
        (
            "certificates?status=GONE",
            "status: VALID, EXPIRED or REVOKED",
        ),
        ("certificates?limit=0", "limit: 1 to 500"),
        ("certificates?limit=501", "limit: 1 to 500"),
        (
            "certificates?serialNumber=xyz",
            "serialNumber: hexadecimal, at most 64 characters",
        ),
        ("certificates?raProfileUuid=x", "raProfileUuid: not a uuid"),
        (
            "certificates?expiringBefore=soon",
            "expiringBefore: not a time like 2030-01-31T12:00:00Z, or a day like 2030-01-31",
        ),
        ("certificates?cursor=x", "cursor: invalid for this list"),
        (
            "scepTransactions?status=x",
            "status: ISSUING, PENDING, ISSUED or REJECTED",
        ),
        ("scepTransactions?cursor=x", "cursor: invalid for this list"),
        (
            "auditRecords?since=2030-01-02&until=2030-01-01",
            "until: not before since",
        ),
        ("auditRecords?cursor=x", "cursor: invalid for this list"),
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
async fn acts_on_what_is_not_there_are_404() {
    let (_world, admin, _, _, _) = administered().await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (method, path, message) in [
        (
            "POST",
            format!("/certificates/{nobody}/revoke"),
            "no such certificate",
        ),
        (
            "POST",
            format!("/scepTransactions/{nobody}/approve"),
            "no such transaction",
        ),
        (
            "POST",
            format!("/scepTransactions/{nobody}/reject"),
            "no such transaction",
        ),
        (
            "GET",
            format!("/authorities/{nobody}/crl"),
            "no such authority",
        ),
        (
            "POST",
            format!("/authorities/{nobody}/rollover"),
            "no such authority",
        ),
        (
            "POST",
            format!("/authorities/{nobody}/rollover/activate"),
            "no such authority",
        ),
    ] {
        let answer = admin.call(method, &path, Value::Null).await.expect(404);
        assert_eq!(answer["message"], message);
    }
}
