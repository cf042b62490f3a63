//! Least privilege: each function fails without any one of its permissions, and a deployer can do
//! nothing beyond deploying.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ca::id::CertificateUuid;
use scep_cms::attribute::PkiStatus;
use scepter_tests::assert::expect_status;
use scepter_tests::device::{Device, Request};
use scepter_tests::webhook::SECRET;
use serde_json::{Value, json};

use crate::challenges::{find_profile, make_challenge, make_one_time_endpoint};
use crate::federation::{INTUNE_PROFILE, enrol_by_intune, ensure_intune_endpoint};
use crate::services::SERVICES;
use crate::stack::{ALONE, Api, STACK};

const CHALLENGE: &str = "s3cret";

/// How long the process that wrote a notice has to deliver it before maintenance may.
const HEAD_START: Duration = Duration::from_secs(16);

/// Permissions whose absence these tests cannot detect: role, action, and why.
const NOT_MISSED: &[(&str, &str, &str)] = &[
    (
        "MaintenanceRole",
        "dynamodb:DeleteItem",
        "a part of a CRL that nothing refers to any more stays, and only the debug log mentions it",
    ),
    (
        "MaintenanceRole",
        "kms:ListKeys",
        "only what follows a crash looks for a key",
    ),
    (
        "ProfilesRole",
        "kms:CreateAlias",
        "a key works without its alias, and the log warns about its absence",
    ),
    (
        "ProfilesRole",
        "kms:ListKeys",
        "only what follows a crash looks for a key",
    ),
    (
        "ProfilesRole",
        "kms:TagResource",
        "AWS requires it to create a key with tags; the emulator does not",
    ),
];

/// Removes each permission of a role in turn and expects `works` to fail. `works` returns the
/// status of the request that failed.
fn check_role(name: &str, works: impl Fn() -> Result<(), u16>) {
    let role = &STACK.resources[name];
    let policy = STACK.ask(&["policy", role], "");
    let put = |policy: &Value| {
        STACK.ask(&["policy", role, "put"], &policy.to_string());
    };
    works().unwrap_or_else(|status| panic!("{role} with every permission: {status}"));
    let mut permissions = Vec::new();
    for (index, statement) in policy["Statement"].as_array().unwrap().iter().enumerate() {
        let actions = match &statement["Action"] {
            Value::Array(actions) => actions.clone(),
            action => vec![action.clone()],
        };
        let actions = actions
            .iter()
            .map(|action| action.as_str().unwrap().to_owned());
        let actions = actions.filter(|action| !action.starts_with("logs:"));
        permissions.extend(actions.map(|action| (index, action)));
    }
    for permission in permissions {
        let mut reduced = policy.clone();
        match &mut reduced["Statement"][permission.0]["Action"] {
            Value::Array(actions) if actions.len() > 1 => {
                actions.retain(|other| *other != permission.1);
            }
            // A statement must have an action, so leave a harmless one.
            other => *other = json!("dynamodb:DescribeLimits"),
        }
        put(&reduced);
        let worked = works();
        put(&policy);
        let action = &permission.1;
        let is_not_missed =
            |(role, known, _): &(&str, &str, &str)| *role == name && known == action;
        if NOT_MISSED.iter().any(is_not_missed) {
            continue;
        }
        // A key that cannot be read cannot be adopted.
        let is_expected = match action.as_str() {
            "kms:GetPublicKey" => matches!(worked, Err(422 | 500 | 503)),
            _ => matches!(worked, Err(500 | 503)),
        };
        assert!(is_expected, "{role} without {permission:?}: {worked:?}");
    }
    works().unwrap_or_else(|status| panic!("{role} with every permission again: {status}"));
}

/// A name that no object has had before.
fn draw_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("p{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Does the same as [`Api::endpoint_with`], under an authority with an adopted key. The policy of
/// such a key names no role of the stack, as that of a key which the stack has made does.
fn make_endpoint_of_adopted_key(admin: &Api<'_>, name: &str, more: &Value) -> Result<(), u16> {
    let key = STACK.ask(&["key", "scepter"], "");
    let subject = format!("CN={name}");
    let authority = json!({
        "name": name, "subject": subject, "keyAlgorithm": "EC_P256", "keyArn": key
    });
    admin.endpoint_under(&authority, CHALLENGE, more)
}

fn check_status(wanted: u16, status: u16) -> Result<(), u16> {
    (status == wanted).then_some(()).ok_or(status)
}

/// The number of notices that wait to be delivered.
fn count_notices() -> Value {
    let table = &STACK.outputs["TransactionsTableName"];
    STACK.ask(&["count", table, "notice/"], "")
}

/// A key belongs to a stack by its tag; the stack cannot adopt a key without it.
#[test]
fn only_keys_with_the_tag_of_the_stack_are_adopted() {
    let _shared = ALONE.read();
    let admin = STACK.admin();
    let adopt = |name: &str, tag: &[&str]| {
        let key = STACK.ask(&[&["key"], tag].concat(), "");
        let authority = json!({
            "name": name, "subject": "CN=Adopted", "keyAlgorithm": "EC_P256", "keyArn": key
        });
        let (status, answer) = admin.call("POST", "/authorities", &authority);
        (status, answer["keyReference"] == key)
    };
    assert_eq!(adopt("adopted", &["scepter"]), (201, true));
    assert_eq!(adopt("foreign", &["another"]), (422, false));
    assert_eq!(adopt("untagged", &[]), (422, false));
}

#[test]
fn every_permission_of_the_readers_is_needed() {
    let _alone = ALONE.write();
    for (role, operation) in [
        ("GetCaCapsRole", "GetCACaps"),
        ("GetCaCertRole", "GetCACert"),
    ] {
        check_role(role, || {
            // A new profile is not in any function's cache.
            let name = draw_name();
            STACK.admin().endpoint(&name, CHALLENGE).unwrap();
            let url = format!("{}?operation={operation}", STACK.scep_url("ScepUrl", &name));
            check_status(200, STACK.http(&[&url], &[]).0)
        });
    }
}

#[test]
fn every_permission_of_pki_operation_is_needed_and_none_missing_is_a_refusal() {
    let _alone = ALONE.write();
    check_role("PkiOperationRole", || {
        let name = draw_name();
        let young = json!({ "renewalThreshold": 400 });
        let admin = STACK.admin();
        make_endpoint_of_adopted_key(&admin, &name, &young).unwrap();
        let url = STACK.scep_url("ScepUrl", &name);
        let ra_certificate = STACK.ra_certificate(&url);
        let device = Device::rsa();
        let ask = |device: &Device, request: &Request| {
            let message = device.message(request, &ra_certificate);
            let (status, reply) = STACK.post(&url, &message);
            check_status(200, status).map(|()| device.read(&reply, &ra_certificate).leaf())
        };
        let request = device.enrolment(&name, CHALLENGE);
        let leaf = ask(&device, &request)?;
        // The repeated request reads the stored certificate, and so does the renewal.
        assert_eq!(ask(&device, &request)?, leaf);
        let renewal = Device::rsa().renewal(&name);
        ask(&device.holding(leaf), &renewal)?;
        // A one-time challenge is read, and a use of it is taken.
        let once = draw_name();
        let profile = make_one_time_endpoint(&admin, &once).unwrap();
        let challenge = make_challenge(&admin, &profile).unwrap();
        let url = STACK.scep_url("ScepUrl", &once);
        let ra_certificate = STACK.ra_certificate(&url);
        let device = Device::rsa();
        let message = device.message(&device.enrolment(&once, &challenge), &ra_certificate);
        check_status(200, STACK.post(&url, &message).0)?;
        // Intune is asked by a federated credential. Once it was told of the certificate, no notice
        // is left that maintenance would deliver again.
        let notices = count_notices();
        enrol_by_intune(&draw_name())?;
        (count_notices() == notices).then_some(()).ok_or(503u16)?;
        // A request that requires approval counts the pending ones first.
        let held = draw_name();
        let approval = json!({ "requireManualApproval": true });
        admin.endpoint_with(&held, CHALLENGE, &approval).unwrap();
        let url = STACK.scep_url("ScepUrl", &held);
        let ra_certificate = STACK.ra_certificate(&url);
        let waiting = Device::rsa();
        let message = waiting.message(&waiting.enrolment(&held, CHALLENGE), &ra_certificate);
        let (status, reply) = STACK.post(&url, &message);
        check_status(200, status)?;
        let status = waiting.read(&reply, &ra_certificate).attributes.pki_status;
        assert_eq!(status, PkiStatus::Pending);
        Ok(())
    });
}

/// Creates a pending request, approves it, searches for the certificate, and revokes it.
fn approve_and_revoke(admin: &Api<'_>) -> Result<(), u16> {
    let name = draw_name();
    let held = json!({ "requireManualApproval": true });
    admin.endpoint_with(&name, CHALLENGE, &held)?;
    let url = STACK.scep_url("ScepUrl", &name);
    let ra_certificate = STACK.ra_certificate(&url);
    let device = Device::rsa();
    let alternative_name = format!("{name}.example");
    let csr = device.csr(&name, Some(CHALLENGE), &[&alternative_name]);
    let request = device.request(csr);
    let ask = |request: &Request| {
        let message = device.message(request, &ra_certificate);
        let reply = expect_status(STACK.post(&url, &message), 200);
        device.read(&reply, &ra_certificate)
    };
    assert_eq!(ask(&request).attributes.pki_status, PkiStatus::Pending);
    let post = |path: &str| check_status(204, admin.call("POST", path, &json!({})).0);
    let (status, page) = admin.call("GET", "/scepTransactions?status=PENDING", &json!(null));
    check_status(200, status)?;
    let items = page["items"].as_array().unwrap().iter();
    let mut mine = items.filter(|item| item["subject"] == format!("CN={name},O=Corp"));
    let uuid = mine.next().unwrap()["uuid"].as_str().unwrap().to_owned();
    check_status(204, admin.approve(&uuid))?;
    let leaf = ask(&device.poll(&request)).leaf();
    let number = leaf.issuer_and_serial_number().serial_number_hex();
    let uuid = CertificateUuid::from_u128(u128::from_str_radix(&number, 16).unwrap());
    let search = format!("/certificates?subjectAltName={alternative_name}");
    let (status, found) = admin.call("GET", &search, &json!(null));
    check_status(200, status)?;
    assert_eq!(found["items"][0]["uuid"], uuid.to_string());
    post(&format!("/certificates/{uuid}/revoke"))?;
    let crl = STACK.outputs["CrlUrl"].replace("{authorityName}", &name);
    let crl = expect_status(STACK.http(&[&crl], &[]), 200);
    let entries = ca::crl::read_crl_entries(&crl).unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].uuid, uuid);
    Ok(())
}

/// Makes a one-time challenge, enrols by it, locks out a device that guesses, and frees it.
fn make_challenge_and_free(admin: &Api<'_>) -> Result<(), u16> {
    let name = draw_name();
    let profile = make_one_time_endpoint(admin, &name)?;
    let call = |method: &str, path: &str, body: &Value, wanted: u16| {
        let (status, answer) = admin.call(method, path, body);
        check_status(wanted, status).map(|()| answer)
    };
    let profile = format!("/scepProfiles/{profile}");
    let challenges = format!("{profile}/challenges");
    let made = call("POST", &challenges, &json!({ "validity": "PT1H" }), 201)?;
    let secret = made["challengePassword"].as_str().unwrap();
    let url = STACK.scep_url("ScepUrl", &name);
    let ra_certificate = STACK.ra_certificate(&url);
    let device = Device::rsa();
    let ask = |challenge: &str| {
        let message = device.message(&device.enrolment(&name, challenge), &ra_certificate);
        device.read(
            &expect_status(STACK.post(&url, &message), 200),
            &ra_certificate,
        )
    };
    ask(secret).leaf();
    let page = call("GET", &challenges, &json!(null), 200)?;
    assert_eq!(page["items"][0]["state"], "USED");
    let one = format!("{challenges}/{}", made["uuid"].as_str().unwrap());
    call("DELETE", &one, &json!(null), 204)?;
    for _ in 0..10 {
        ask("guessed").failure();
    }
    let lockouts = format!("{profile}/lockouts");
    let locked_out = call("GET", &lockouts, &json!(null), 200)?;
    assert_ne!(locked_out, json!([]));
    call("DELETE", &lockouts, &json!(null), 204)?;
    assert_eq!(call("GET", &lockouts, &json!(null), 200)?, json!([]));
    Ok(())
}

#[test]
fn every_permission_of_administration_is_needed() {
    let _alone = ALONE.write();
    check_role("ProfilesRole", || {
        let admin = STACK.admin();
        make_endpoint_of_adopted_key(&admin, &draw_name(), &json!({}))?;
        let get = |path: &str| admin.call("GET", path, &json!(null));
        for path in [
            "/scepProfiles",
            "/certificates",
            "/scepTransactions",
            "/auditRecords",
        ] {
            check_status(200, get(path).0)?;
        }
        let (_, authorities) = get("/authorities");
        let authority = authorities[0]["uuid"].as_str().unwrap();
        let path = format!("/authorities/{authority}/raProfiles");
        let deleted = admin.make(&path, &json!({ "name": draw_name() }))?;
        let path = format!("/raProfiles/{deleted}");
        check_status(204, admin.call("DELETE", &path, &json!(null)).0)?;
        let (_, page) = get("/certificates?limit=1");
        // If no other test has issued a certificate before, this read is not tested.
        if let Some(uuid) = page["items"][0]["uuid"].as_str() {
            check_status(200, get(&format!("/certificates/{uuid}")).0)?;
        }
        approve_and_revoke(&admin)?;
        test_sources(&admin)?;
        make_challenge_and_free(&admin)
    });
}

/// Tests a webhook, and Intune by the federated credential of the stack.
fn test_sources(admin: &Api<'_>) -> Result<(), u16> {
    ensure_intune_endpoint();
    SERVICES.intune.forget_tokens();
    let webhook = json!({ "url": SERVICES.webhook.url, "secret": SECRET });
    let settings = json!({ "webhook": webhook });
    let name = draw_name();
    admin.endpoint_with(&name, CHALLENGE, &settings)?;
    for (name, source) in [(name.as_str(), "WEBHOOK"), (INTUNE_PROFILE, "INTUNE")] {
        let uuid = find_profile(admin, name)?;
        let path = format!("/scepProfiles/{uuid}/challengeSources/{source}/test");
        let (status, report) = admin.call("POST", &path, &json!({}));
        check_status(200, status)?;
        assert_eq!(report["ok"], true, "{report}");
    }
    Ok(())
}

/// Leaves an authority whose CRL lacks a revocation, whose RA certificate lacks a key for the next
/// generation, and one of whose issuances was interrupted.
fn leave_work(admin: &Api<'_>) -> Result<(), u16> {
    let name = draw_name();
    make_endpoint_of_adopted_key(admin, &name, &json!({}))?;
    let url = STACK.scep_url("ScepUrl", &name);
    let ra_certificate = STACK.ra_certificate(&url);
    let enrol = |common_name: &str| {
        let device = Device::rsa();
        let request = device.enrolment(common_name, CHALLENGE);
        let (status, reply) = STACK.post(&url, &device.message(&request, &ra_certificate));
        check_status(200, status).map(|()| device.read(&reply, &ra_certificate).leaf())
    };
    let leaf = enrol(&name)?;
    let number = leaf.issuer_and_serial_number().serial_number_hex();
    let uuid = CertificateUuid::from_u128(u128::from_str_radix(&number, 16).unwrap());
    let (_, authorities) = admin.call("GET", "/authorities", &json!(null));
    let mut authorities = authorities.as_array().unwrap().iter();
    let authority = authorities
        .find(|one| one["name"] == name.as_str())
        .unwrap();
    let rollover = format!(
        "/authorities/{}/rollover",
        authority["uuid"].as_str().unwrap()
    );
    // Each failure is left to maintenance.
    let with_fault = |operation: &str, act: &dyn Fn()| {
        STACK.faults(&json!({ operation: "ThrottlingException" }));
        act();
        STACK.faults(&json!({}));
    };
    with_fault("GenerateDataKeyPairWithoutPlaintext", &|| {
        assert_eq!(admin.call("POST", &rollover, &json!({})).0, 503);
    });
    with_fault("Sign", &|| {
        let revoke = format!("/certificates/{uuid}/revoke");
        assert_eq!(admin.call("POST", &revoke, &json!({})).0, 503);
        assert_eq!(enrol(&draw_name()), Err(503));
    });
    // The lease of the interrupted issuance ends.
    std::thread::sleep(Duration::from_secs(6));
    Ok(())
}

/// Leaves a notice of a revocation for this webhook. Returns the serial number of the certificate.
fn leave_notice(admin: &Api<'_>, url: &str) -> Result<String, u16> {
    let name = draw_name();
    let webhook = json!({ "url": url, "secret": SECRET, "notify": ["revoked"] });
    let settings = json!({ "challengeSources": ["STATIC"], "webhook": webhook });
    admin.endpoint_with(&name, CHALLENGE, &settings)?;
    let url = STACK.scep_url("ScepUrl", &name);
    let ra_certificate = STACK.ra_certificate(&url);
    let device = Device::rsa();
    let message = device.message(&device.enrolment(&name, CHALLENGE), &ra_certificate);
    let (status, reply) = STACK.post(&url, &message);
    check_status(200, status)?;
    let leaf = device.read(&reply, &ra_certificate).leaf();
    let number = leaf.issuer_and_serial_number().serial_number_hex();
    let uuid = CertificateUuid::from_u128(u128::from_str_radix(&number, 16).unwrap());
    let revoke = format!("/certificates/{uuid}/revoke");
    check_status(204, admin.call("POST", &revoke, &json!({})).0)?;
    Ok(number)
}

/// The serial numbers of the revoked certificates that the webhook heard of.
fn list_heard() -> Vec<String> {
    let heard = SERVICES.webhook.received("scep.certificate.revoked");
    let numbers = heard.iter().map(|one| one.data["serialNumber"].as_str());
    numbers.map(|number| number.unwrap().to_owned()).collect()
}

/// Leaves notices for a webhook that does not answer and for one that does, and has them delivered.
fn deliver_notices(admin: &Api<'_>) -> Result<(), u16> {
    // Nobody listens there, so this notice is postponed.
    leave_notice(admin, "http://127.0.0.1:9/")?;
    let notice = leave_notice(admin, &SERVICES.webhook.url)?;
    std::thread::sleep(HEAD_START);
    let delivered = STACK.invoke_maintenance(&json!({ "task": "notices" }));
    delivered.map_err(|_| 500u16)?;
    list_heard().contains(&notice).then_some(()).ok_or(503)
}

/// Has Intune order a revocation, and follows the order.
fn follow_order(admin: &Api<'_>) -> Result<(), u16> {
    let number = enrol_by_intune(&draw_name())?;
    let issuer = format!("CN={INTUNE_PROFILE}");
    SERVICES.intune.order_revocation(&number, &issuer);
    SERVICES.intune.forget_tokens();
    STACK.maintain().map_err(|_| 500u16)?;
    let uuid = CertificateUuid::from_u128(u128::from_str_radix(&number, 16).unwrap());
    let path = format!("/certificates/{uuid}");
    let (status, certificate) = admin.call("GET", &path, &json!(null));
    check_status(200, status)?;
    // An order that could not be followed waits for the next run, and fails no invocation.
    let is_revoked = certificate["revocationReason"] == "cessationOfOperation";
    is_revoked.then_some(()).ok_or(503)
}

#[test]
fn every_permission_of_maintenance_is_needed() {
    let _alone = ALONE.write();
    check_role("MaintenanceRole", || {
        let admin = STACK.admin();
        leave_work(&admin)?;
        follow_order(&admin)?;
        deliver_notices(&admin)
    });
}

/// The second schedule delivers notices, and an event of no schedule does nothing.
#[test]
fn the_schedule_of_notices_delivers_them_and_unknown_events_do_nothing() {
    let _alone = ALONE.write();
    let rule = &STACK.resources["NoticesEveryFiveMinutes"];
    let targets = STACK.ask(&["targets", rule], "");
    let inputs: Vec<_> = targets.as_object().unwrap().values().collect();
    let [input] = inputs[..] else {
        panic!("{targets}");
    };
    let input: Value = serde_json::from_str(input.as_str().unwrap()).unwrap();
    let notice = leave_notice(&STACK.admin(), &SERVICES.webhook.url).unwrap();
    std::thread::sleep(HEAD_START);
    for event in [json!({}), json!({ "task": "crls" }), json!("notices")] {
        STACK.calls();
        assert!(STACK.invoke_maintenance(&event).is_err(), "{event}");
        assert_eq!(STACK.calls(), []);
    }
    assert!(!list_heard().contains(&notice));
    STACK.invoke_maintenance(&input).unwrap();
    assert!(list_heard().contains(&notice));
}

/// A user with only the policy of infra/deployer.yaml has deployed the stack of these tests, and
/// can do nothing beyond that. tests/deployer checks everything else with a policy simulator.
#[test]
fn a_deployer_gets_no_further_than_the_stack() {
    let _shared = ALONE.read();
    let denied = STACK.deployer.escalate(&STACK);
    assert_eq!(denied, json!(vec!["AccessDenied"; 5]));
}
