//! The management API: links, deletions, and concurrent edits.

use std::sync::Arc;

use scepter_tests::admin::{administered, text};
use serde_json::{Value, json};
use tokio::task::JoinSet;

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
        edit(&format!("W/{tag}"), "weak").await.expect(409);
        assert_eq!(admin.get(&path).await.expect(200)["description"], "first");
        edit("*", "fourth").await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_at_the_same_moment_are_all_done_or_told_off() {
    let (_world, admin, _, uuid, _) = administered().await;
    let admin = Arc::new(admin);
    let mut edits = JoinSet::new();
    for number in 1..=40 {
        let (admin, path) = (Arc::clone(&admin), format!("/scepProfiles/{uuid}"));
        edits.spawn(async move {
            admin
                .put(&path, json!({ "renewalThreshold": number }))
                .await
                .status
        });
    }
    let mut done = 0;
    while let Some(status) = edits.join_next().await {
        let status = status.unwrap();
        assert!(status == 200 || status == 409, "{status}");
        done += u64::from(status == 200);
    }
    let shown = admin.get(&format!("/scepProfiles/{uuid}")).await;
    let path = format!("/auditRecords?objectUuid={uuid}");
    let records = admin.get(&path).await.expect(200);
    let records = records["items"].as_array().unwrap();
    let edits = records
        .iter()
        .filter(|record| !record["after"]["renewalThresholdDays"].is_null());
    // Each successful edit leaves one audit record and increments the version.
    assert_eq!(edits.count(), usize::try_from(done).unwrap());
    assert_eq!(shown.headers["etag"], format!("\"{}\"", 3 + done));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_is_deleted_while_it_is_activated_leaves_no_link_to_nothing() {
    let (_world, admin, ra_profile, _, ra_certificate) = administered().await;
    let admin = Arc::new(admin);
    for number in 0..20 {
        let body = json!({ "name": format!("p-{number}"), "caCertificateUuid": ra_certificate });
        let uuid = admin.post("/scepProfiles", body).await.uuid();
        let mut both = JoinSet::new();
        for (method, path) in [
            ("DELETE", format!("/scepProfiles/{uuid}")),
            (
                "PATCH",
                format!("/raProfiles/{ra_profile}/protocols/scep/activate/{uuid}"),
            ),
        ] {
            let admin = Arc::clone(&admin);
            both.spawn(async move { admin.call(method, &path, Value::Null).await.status });
        }
        while let Some(status) = both.join_next().await {
            assert!(status.unwrap().as_u16() < 500);
        }
        let there = admin.get(&format!("/scepProfiles/{uuid}")).await.status == 200;
        let linked = admin
            .get(&format!("/raProfiles/{ra_profile}"))
            .await
            .expect(200);
        assert_eq!(linked["scepProfileUuid"] == json!(uuid), there, "{number}");
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
    // No dependent objects remain, so the rest can be deleted.
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
        // Enabling an enabled profile changes nothing and leaves no audit record.
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
async fn bulk_operations_take_at_most_500_objects() {
    let (_world, admin, _, _, _) = administered().await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    for (method, path) in [
        ("PATCH", "/raProfiles/enable"),
        ("DELETE", "/raProfiles/delete"),
        ("PATCH", "/scepProfiles/disable"),
        ("DELETE", "/scepProfiles/delete/force"),
    ] {
        let too_many = admin.call(method, path, json!(vec![nobody; 501])).await;
        assert_eq!(too_many.reasons(), ["at most 500 objects"], "{path}");
        let one = admin.call(method, path, json!([nobody])).await.expect(200);
        let uuid = &one[0]["uuid"];
        assert_eq!((uuid, &one[0]["name"]), (&json!(nobody), &json!("")));
    }
}
