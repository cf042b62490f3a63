//! The management API: who vouches for the enrolments of a SCEP Profile.

use scepter_tests::admin::{Admin, administered};
use serde_json::{Value, json};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Edits a SCEP Profile and returns its challengeSources, enableChallengePassword and enableIntune,
/// or the reasons against the edit.
async fn sources_after(admin: &Admin, path: &str, edit: Value) -> Value {
    let answer = admin.put(path, edit).await;
    if answer.status == 422 {
        return answer.reasons().into();
    }
    let shown = answer.expect(200);
    json!([
        shown["challengeSources"],
        shown["enableChallengePassword"],
        shown["enableIntune"]
    ])
}

#[tokio::test]
async fn sources_are_chosen_and_their_fields_agree() {
    let (_world, admin, _, uuid, _) = administered().await;
    let path = format!("/scepProfiles/{uuid}");
    let intune = json!({ "enableIntune": true });
    let application = json!({ "intuneTenant": "corp", "intuneApplicationId": "app", "intuneApplicationKey": "k", "enableIntune": true });
    let missing = json!([
        "intuneTenant: the challenge source INTUNE needs it",
        "intuneApplicationId: the challenge source INTUNE needs it",
        "intuneApplicationKey: the challenge source INTUNE needs it"
    ]);
    let webhook_missing = json!([
        "webhook.url: the challenge source WEBHOOK needs it",
        "webhook.secret: the challenge source WEBHOOK needs it"
    ]);
    // Each row is an edit of what the rows before it left.
    let rows = [
        (json!({}), json!([["STATIC"], true, false])),
        (intune, missing),
        (application, json!([["STATIC", "INTUNE"], true, true])),
        (
            json!({ "intuneApplicationKey": null }),
            json!(["intuneApplicationKey: the challenge source INTUNE needs it"]),
        ),
        (
            json!({ "intuneApplicationKey": null, "intuneCredential": "FEDERATED" }),
            json!([["STATIC", "INTUNE"], true, true]),
        ),
        (
            json!({ "enableChallengePassword": false }),
            json!([["INTUNE"], false, true]),
        ),
        (
            json!({ "challengeSources": ["STATIC"], "enableIntune": true }),
            json!(["enableIntune: it contradicts the challenge sources in the same request"]),
        ),
        (
            json!({ "challengeSources": ["STATIC", "ONE_TIME"] }),
            json!(["challengePassword: the challenge source STATIC needs it"]),
        ),
        (
            json!({ "challengeSources": ["ONE_TIME"], "challengePassword": "x" }),
            json!([["ONE_TIME"], false, false]),
        ),
        (
            json!({ "challengePassword": "y" }),
            json!([["ONE_TIME", "STATIC"], true, false]),
        ),
        (
            json!({ "challengeSources": ["WEBHOOK"] }),
            webhook_missing.clone(),
        ),
        (
            json!({ "challengeSources": ["WEBHOOK"], "webhook": { "url": "http://[::1]:1/", "secret": SECRET } }),
            json!([["WEBHOOK"], false, false]),
        ),
        (json!({ "webhook": null }), webhook_missing),
        (
            json!({ "challengeSources": [], "webhook": null }),
            json!([[], false, false]),
        ),
        (
            json!({ "challengeSources": null }),
            json!([["STATIC"], true, false]),
        ),
        (
            json!({ "challengeSources": ["OTHER"] }),
            json!(["challengeSources[0]: one of ONE_TIME, STATIC, INTUNE, WEBHOOK"]),
        ),
    ];
    for (edit, expected) in rows {
        let said = sources_after(&admin, &path, edit.clone()).await;
        assert_eq!(said, expected, "{edit}");
    }
}

#[tokio::test]
async fn a_webhook_is_set_edited_and_removed() {
    let (_world, admin, _, uuid, _) = administered().await;
    let path = format!("/scepProfiles/{uuid}");
    let url = "https://hooks.example/scep?x=1";
    let reasons = async |webhook: Value| {
        let answer = admin.put(&path, json!({ "webhook": webhook })).await;
        answer.reasons().join("|")
    };
    assert_eq!(
        reasons(json!({ "gate": true })).await,
        "webhook.url: missing|webhook.secret: missing"
    );
    for (webhook, reason) in [
        (
            json!({ "url": "http://hooks.example/", "secret": SECRET }),
            "webhook.url: not an https:// URL",
        ),
        (
            json!({ "url": "https://a:b@hooks.example/", "secret": SECRET }),
            "webhook.url: not an https:// URL",
        ),
        (
            json!({ "url": url, "secret": "correct horse battery staple" }),
            "webhook.secret: not whsec_ followed by the base64",
        ),
        (
            json!({ "url": url, "secret": SECRET, "timeoutSeconds": 0 }),
            "webhook.timeoutSeconds: 1 to 10 seconds",
        ),
        (
            json!({ "url": url, "secret": SECRET, "timeoutSeconds": 11 }),
            "webhook.timeoutSeconds: 1 to 10 seconds",
        ),
        (
            json!({ "url": url, "secret": SECRET, "notify": ["renewed"] }),
            "webhook.notify[0]: one of ",
        ),
    ] {
        let said = reasons(webhook.clone()).await;
        assert!(said.starts_with(reason), "{webhook}: {said}");
    }
    let shown = async |webhook: Value| {
        let answer = admin.put(&path, json!({ "webhook": webhook })).await;
        answer.expect(200)["webhook"].clone()
    };
    let expected = json!({ "url": url, "timeoutSeconds": 3, "gate": false, "notify": [] });
    assert_eq!(
        shown(json!({ "url": url, "secret": SECRET })).await,
        expected
    );
    let changed = json!({ "timeoutSeconds": 10, "gate": true, "notify": ["revoked", "issued"] });
    let expected =
        json!({ "url": url, "timeoutSeconds": 10, "gate": true, "notify": ["issued", "revoked"] });
    assert_eq!(shown(changed).await, expected);
    assert_eq!(shown(json!({})).await, expected);
    let reset = json!({ "timeoutSeconds": null, "gate": null, "notify": null });
    let expected = json!({ "url": url, "timeoutSeconds": 3, "gate": false, "notify": [] });
    assert_eq!(shown(reset).await, expected);
    assert_eq!(shown(Value::Null).await, Value::Null);
    // The secret went with the webhook.
    assert_eq!(
        reasons(json!({ "url": url })).await,
        "webhook.secret: missing"
    );
}
