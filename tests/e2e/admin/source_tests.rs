//! Tests of the services behind challenge sources, which administrators order.

use std::sync::Arc;
use std::time::Duration;

use authorise_http::{IntuneClient, IntuneUrls};
use scepter_tests::admin::{Admin, administered, text};
use scepter_tests::intune::{APPLICATION_ID, APPLICATION_KEY, Fault, IntuneDouble, Step, TENANT};
use scepter_tests::webhook::{SECRET, WebhookDouble};
use serde_json::{Value, json};

use crate::admin::challenges::list_audits;

/// Orders a test and returns whether the service can be used, and what the report says.
async fn order_test(admin: &Admin, profile: &str, source: &str) -> (bool, String) {
    let path = format!("{profile}/challengeSources/{source}/test");
    let report = admin.post(&path, Value::Null).await.expect(200);
    assert!(report["milliseconds"].as_u64().unwrap() < 20_000);
    (report["ok"].as_bool().unwrap(), text(&report["message"]))
}

#[tokio::test]
async fn a_webhook_is_tested_by_a_signed_event_that_is_no_question() {
    let double = WebhookDouble::start().await;
    let (_world, admin, _, uuid, _) = administered().await;
    let profile = format!("/scepProfiles/{uuid}");
    let path = format!("{profile}/challengeSources/WEBHOOK/test");
    let reasons = admin.post(&path, Value::Null).await.reasons();
    assert!(reasons[0].starts_with("webhook"), "{reasons:?}");
    // The source need not be chosen.
    let webhook = json!({ "url": double.url, "secret": SECRET, "timeoutSeconds": 1 });
    admin
        .put(&profile, json!({ "webhook": webhook }))
        .await
        .expect(200);
    let (ok, message) = order_test(&admin, &profile, "WEBHOOK").await;
    assert_eq!(
        (ok, message.as_str()),
        (true, "The webhook took the signed test, with status 204")
    );
    let [test] = double.received("scep.test").try_into().unwrap();
    let expected = json!({ "scepProfile": { "uuid": uuid, "name": "default" } });
    assert_eq!(test.data, expected);
    let audit = &list_audits(&admin).await[0];
    assert_eq!(audit["action"], "testSource");
    assert_eq!(
        audit["objectUuid"].as_str(),
        Some(uuid.to_string().as_str())
    );
    assert_eq!(audit["after"], json!({ "challengeSource": "WEBHOOK" }));
    assert!(double.questions().is_empty());
    for (status, said) in [
        (200, "with status 200"),
        (302, "redirects are not followed"),
        (403, "another secret"),
        (404, "status 404, where any of 200 to 299"),
        (500, "status 500"),
    ] {
        double.refuse_notifications(&[status]);
        let (ok, message) = order_test(&admin, &profile, "WEBHOOK").await;
        assert_eq!(ok, status == 200);
        assert!(message.contains(said), "{message}");
    }
    double.expect_secret("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let (ok, message) = order_test(&admin, &profile, "WEBHOOK").await;
    assert!(!ok && message.contains("status 401"), "{message}");
    assert_eq!(double.take_objections().len(), 1);
    let url = double.url.clone();
    drop(double);
    let (ok, message) = order_test(&admin, &profile, "WEBHOOK").await;
    // The query of the URL may be a secret.
    let (shown, _) = url.split_once('?').unwrap();
    // A connection of before may be closed only now.
    let expected = ["was refused", "failed"].map(|what| format!("{shown}: the connection {what}"));
    assert!(!ok && expected.contains(&message), "{message}");
}

#[tokio::test]
async fn a_webhook_that_is_silent_is_waited_for_as_its_settings_say() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let (_world, admin, _, uuid, _) = administered().await;
    let profile = format!("/scepProfiles/{uuid}");
    let webhook = json!({ "url": url, "secret": SECRET, "timeoutSeconds": 1 });
    admin
        .put(&profile, json!({ "webhook": webhook }))
        .await
        .expect(200);
    let test = order_test(&admin, &profile, "WEBHOOK");
    let (ok, message) = tokio::time::timeout(Duration::from_secs(10), test)
        .await
        .unwrap();
    assert_eq!(
        (ok, message),
        (false, format!("{url}: the server did not respond in time"))
    );
}

#[tokio::test]
async fn only_services_are_tested_and_only_by_those_who_may_write() {
    let (_world, admin, _, uuid, _) = administered().await;
    let path = |source: &str| format!("/scepProfiles/{uuid}/challengeSources/{source}/test");
    for source in ["STATIC", "ONE_TIME", "webhook", "x"] {
        admin.post(&path(source), Value::Null).await.expect(404);
    }
    let nobody = "/scepProfiles/00000000-0000-4000-8000-000000000000/challengeSources/WEBHOOK/test";
    admin.post(nobody, Value::Null).await.expect(404);
    for scope in ["read", "approve", "challenge"] {
        let token = format!("Bearer {scope}");
        let headers = [("authorization", token.as_str())];
        let answer = admin
            .send("POST", &path("WEBHOOK"), &headers, String::new())
            .await;
        answer.expect(403);
    }
}

#[tokio::test]
async fn intune_is_tested_by_its_login_and_its_location_alone() {
    let double = IntuneDouble::start().await;
    let (world, admin, _, uuid, _) = administered().await;
    let profile = format!("/scepProfiles/{uuid}");
    let path = format!("{profile}/challengeSources/INTUNE/test");
    let expected = [
        "intuneTenant",
        "intuneApplicationId",
        "intuneApplicationKey",
    ]
    .map(|field| format!("{field}: the challenge source INTUNE needs it"));
    assert_eq!(admin.post(&path, Value::Null).await.reasons(), expected);
    let edit = |key: &str| {
        json!({
            "intuneTenant": TENANT, "intuneApplicationId": APPLICATION_ID,
            "intuneApplicationKey": key
        })
    };
    admin.put(&profile, edit(APPLICATION_KEY)).await.expect(200);
    let urls = IntuneUrls {
        login: double.login_url().parse().unwrap(),
        graph: double.graph_url().parse().unwrap(),
    };
    let secrets = world.administration.secrets.clone();
    let client = IntuneClient::new(urls, secrets, None, world.clock.clone());
    let admin = Admin::with_intune(&world, Arc::new(client));
    for times in 1..3 {
        let (ok, message) = order_test(&admin, &profile, "INTUNE").await;
        assert!(
            ok && message.starts_with("Entra issued tokens"),
            "{message}"
        );
        // What is cached proves nothing.
        assert_eq!(double.count_calls(Step::Login), 2 * times);
        assert_eq!(double.count_calls(Step::Graph), times);
    }
    assert_eq!(double.count_calls(Step::Validate), 0);
    double.fail_next(Step::Graph, &[Fault::Status(403)]);
    let (ok, message) = order_test(&admin, &profile, "INTUNE").await;
    assert!(!ok && message.contains("status 403"), "{message}");
    let wrong = "another-secret-of-the-application";
    admin.put(&profile, edit(wrong)).await.expect(200);
    let (ok, message) = order_test(&admin, &profile, "INTUNE").await;
    assert!(!ok && message.contains("invalid_client"), "{message}");
    assert!(!message.contains(wrong), "{message}");
}
