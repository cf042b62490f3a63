//! Revocation, CRLs, GetCRL and GetCert: what openssl finds in them, who gets them, and that no
//! revocation is lost.

use std::time::Duration;

use bytes::Bytes;
use ca::revocation::{Revocation, RevocationReason};
use http::{Request, Response, StatusCode};
use scep_cms::attribute::FailInfo;
use scep_cms::certificate::Certificate;
use scep_cms::message_type::MessageType;
use scep_http::{CrlService, respond_crl};
use scep_service::object::Reference;
use scep_service::ports::{Clock, WriteOutcome};
use scepter_tests::admin::{Admin, administered, text};
use scepter_tests::assert::assert_status;
use scepter_tests::device::Device;
use scepter_tests::objects::audit;
use scepter_tests::openssl;
use scepter_tests::world::World;
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Fetches a CRL as anyone can.
async fn fetch_crl(world: &World, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
    let published = CrlService {
        crls: std::sync::Arc::new(world.store.clone()),
        clock: world.clock.clone(),
    };
    let mut request = Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    respond_crl(&published, &head).await
}

const URL: &str = "/crl/test-ca.crl";

/// The CRL as printed by openssl, after openssl has verified it with the authority's certificate.
async fn print_crl(world: &World) -> String {
    let response = fetch_crl(world, URL, &[]).await;
    assert_status(&response, 200);
    openssl::print_crl(response.body(), &world.authority)
}

/// The number of a CRL that openssl has printed: in decimal, or with 0x in hexadecimal.
fn read_number(text: &str) -> u64 {
    let after = text.split("X509v3 CRL Number:").nth(1).unwrap();
    let number = after.split_whitespace().next().unwrap();
    match number.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).unwrap(),
        None => number.parse().unwrap(),
    }
}

#[tokio::test]
async fn an_authority_has_an_empty_crl_from_the_first() {
    let world = World::new().await;
    let text = print_crl(&world).await;
    for part in [
        "Version 2",
        "X509v3 CRL Number",
        "X509v3 Authority Key Identifier",
        "No Revoked Certificates",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn what_is_revoked_is_on_the_next_crl_with_its_reason() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let good = world.enrolled("good").await.certificate;
    let reasons = [
        ("unspecified", ""),
        ("keyCompromise", "Key Compromise"),
        ("cACompromise", "CA Compromise"),
        ("affiliationChanged", "Affiliation Changed"),
        ("superseded", "Superseded"),
        ("cessationOfOperation", "Cessation Of Operation"),
        ("certificateHold", "Certificate Hold"),
        ("privilegeWithdrawn", "Privilege Withdrawn"),
        ("aACompromise", "AA Compromise"),
    ];
    let mut revoked = Vec::new();
    // A store that is restored from a backup must not publish numbers that were used before.
    let mut last = read_number(&print_crl(&world).await);
    assert!(last.abs_diff(world.clock.now().unix_timestamp().unsigned_abs()) < 60);
    for (reason, shown) in reasons {
        let certificate = world.enrolled("bad").await.certificate;
        let answer = admin
            .revoke(&certificate, json!({ "reason": reason }))
            .await;
        answer.expect(204);
        let text = print_crl(&world).await;
        let number = read_number(&text);
        assert!(number > last, "{number} after {last}");
        last = number;
        assert!(
            text.contains(&certificate.issuer_and_serial_number().serial_number_hex()),
            "{text}"
        );
        assert!(text.contains(shown), "{text}");
        revoked.push(certificate);
    }
    let response = fetch_crl(&world, URL, &[]).await;
    let is_accepted = |certificate: &Certificate| {
        let folder = tempfile::tempdir().unwrap();
        let pem = |name: &str, der: &[u8], kind: &str| {
            let pem = openssl::run(&[kind, "-inform", "DER"], der);
            openssl::write(folder.path(), name, &pem)
        };
        let ca = pem("ca.pem", world.authority.der(), "x509");
        let leaf = pem("leaf.pem", certificate.der(), "x509");
        let crl = pem("crl.pem", response.body(), "crl");
        let now = world.clock.now().unix_timestamp();
        let output = std::process::Command::new("openssl")
            .args(["verify", "-x509_strict", "-crl_check", "-attime"])
            .args([&now.to_string(), "-CAfile", &ca, "-CRLfile", &crl, &leaf])
            .output()
            .unwrap();
        output.status.success()
    };
    assert!(is_accepted(&good));
    assert!(!revoked.iter().any(is_accepted));
    // The record contains the revocation, and the list finds it.
    let page = admin.get("/certificates?status=REVOKED").await.expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), reasons.len());
    let page = admin.get("/certificates?status=VALID").await.expect(200);
    let valid = page["items"].as_array().unwrap();
    assert_eq!(valid.len(), 1);
    assert_eq!(valid[0]["revokedAt"], Value::Null);
}

#[tokio::test]
async fn revoking_twice_is_as_once_and_a_hold_may_become_final() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let certificate = world.enrolled("device-1").await.certificate;
    let revoke = async |reason: &str| {
        let body = json!({ "reason": reason });
        admin.revoke(&certificate, body).await
    };
    for reason in [
        "certificateHold",
        "certificateHold",
        "superseded",
        "superseded",
    ] {
        revoke(reason).await.expect(204);
    }
    let reasons = revoke("keyCompromise").await.reasons();
    assert_eq!(reasons, ["the certificate is revoked already"]);
    let reasons = revoke("removeFromCRL").await.reasons();
    assert!(reasons[0].starts_with("reason: one of unspecified, keyCompromise,"));
    let text = print_crl(&world).await;
    assert_eq!(text.matches("Serial Number:").count(), 1);
    assert!(text.contains("Superseded"));
    let records = admin.get("/auditRecords").await.expect(200);
    let records = records["items"].as_array().unwrap().iter();
    let revoked = records.filter(|record| record["action"] == "revoke");
    assert_eq!(revoked.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn revocations_at_the_same_moment_are_all_on_the_crl() {
    let world = World::new().await;
    let mut certificates = Vec::new();
    for _ in 0..8 {
        certificates.push(world.enrolled("device").await.certificate);
    }
    let admin = std::sync::Arc::new(Admin::of(&world));
    let mut tasks = tokio::task::JoinSet::new();
    for certificate in certificates.clone() {
        let admin = std::sync::Arc::clone(&admin);
        tasks.spawn(async move { admin.revoke(&certificate, Value::Null).await.status });
    }
    while let Some(status) = tasks.join_next().await {
        assert_eq!(status.unwrap(), StatusCode::NO_CONTENT);
    }
    let text = print_crl(&world).await;
    for certificate in &certificates {
        assert!(
            text.contains(&certificate.issuer_and_serial_number().serial_number_hex()),
            "{text}"
        );
    }
}

/// A crash came after the revocation was recorded and before the CRL was updated.
#[tokio::test]
async fn a_revocation_that_is_on_no_crl_is_put_there_by_upkeep() {
    let world = World::new().await;
    let certificate = world.enrolled("device-1").await.certificate;
    let number = u128::from_str_radix(
        &certificate.issuer_and_serial_number().serial_number_hex(),
        16,
    )
    .unwrap();
    let uuid = ca::id::CertificateUuid::from_u128(number);
    let certificates = &world.administration.store;
    let record = certificates.certificate_record(uuid).await.unwrap();
    let about = Reference::to_certificate(uuid);
    let revocation = Revocation {
        at: world.clock.now(),
        reason: RevocationReason::Superseded,
    };
    let (record, audit) = (record.unwrap(), audit(about));
    let revoked = certificates.revoke(&record, revocation, &[], &audit).await;
    assert_eq!(revoked.unwrap(), WriteOutcome::Won);
    assert!(!print_crl(&world).await.contains("Superseded"));
    world.run_maintenance().await.unwrap();
    assert!(print_crl(&world).await.contains("Superseded"));
}

#[tokio::test]
async fn a_crl_is_made_anew_before_it_runs_out_and_forgets_what_has_ended() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let certificate = world.enrolled("device-1").await.certificate;
    admin.revoke(&certificate, Value::Null).await.expect(204);
    let number = async || {
        let response = fetch_crl(&world, URL, &[]).await;
        let tag = response.headers()["etag"].to_str().unwrap();
        tag.trim_matches('"').parse::<i64>().unwrap()
    };
    let keep = async || world.run_maintenance().await.unwrap();
    let first = number().await;
    keep().await;
    assert_eq!(number().await, first);
    world.clock.advance(4 * DAY);
    keep().await;
    assert_eq!(number().await, world.clock.now().unix_timestamp());
    // A CRL lists the certificate once more after it has expired, RFC 5280 §3.3, and then drops it.
    world.clock.advance(363 * DAY);
    keep().await;
    assert!(
        print_crl(&world)
            .await
            .contains(&certificate.issuer_and_serial_number().serial_number_hex())
    );
    world.clock.advance(8 * DAY);
    keep().await;
    assert!(print_crl(&world).await.contains("No Revoked Certificates"));
}

#[tokio::test]
async fn certificates_say_where_their_crl_is_unless_the_rules_want_none() {
    let world = World::new().await;
    let shown = |certificate: &Certificate| {
        let text = openssl::run(
            &["x509", "-inform", "DER", "-noout", "-text"],
            certificate.der(),
        );
        String::from_utf8(text).unwrap()
    };
    let url = "URI:http://scep.example/crl/test-ca.crl";
    let certificate = world.enrolled("device-1").await.certificate;
    assert!(shown(&certificate).contains(url));
    world
        .edit_template(|template| template.crl_distribution_point = false)
        .await;
    let certificate = world.enrolled("device-2").await.certificate;
    assert!(!shown(&certificate).contains("URI:"));
}

#[tokio::test]
async fn caches_are_told_how_long_a_crl_is_good() {
    let world = World::new().await;
    let response = fetch_crl(&world, URL, &[]).await;
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/pkix-crl");
    assert_eq!(header("cache-control"), "public, max-age=3600");
    assert!(header("expires").ends_with(" GMT") && header("last-modified").ends_with(" GMT"));
    let known = fetch_crl(&world, URL, &[("if-none-match", &header("etag"))]).await;
    assert_eq!(
        (known.status(), known.body().len()),
        (StatusCode::NOT_MODIFIED, 0)
    );
    world.clock.advance(7 * DAY - Duration::from_secs(60));
    let old = fetch_crl(&world, URL, &[]).await;
    assert_eq!(old.headers()["cache-control"], "public, max-age=60");
    for path in ["/crl/unknown.crl", "/crl/test-ca/2.crl", "/crl/test-ca"] {
        assert_eq!(fetch_crl(&world, path, &[]).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn holders_of_our_certificates_get_certificates_and_crls() {
    let world = World::new().await;
    let device = world.enrolled("device-1").await;
    let other = world.enrolled("device-2").await.certificate;
    let ask = async |message_type, about: &Certificate| {
        world.ask(&device, &device.query(message_type, about)).await
    };
    let got = ask(MessageType::GetCert, &other).await;
    assert_eq!(got.certificates, [other.der()]);
    assert!(got.crls.is_empty());
    let got = ask(MessageType::GetCrl, &device.certificate).await;
    let published = fetch_crl(&world, URL, &[]).await;
    assert_eq!(got.crls, [published.body().as_ref()]);
    assert!(got.certificates.is_empty());
    // Queries about the server's own certificates.
    for own in [&world.ra_certificate, &world.authority] {
        assert_eq!(ask(MessageType::GetCrl, own).await.crls, got.crls);
        let got = ask(MessageType::GetCert, own).await;
        assert_eq!(got.certificates, [own.der()]);
    }
    // Queries about an unknown certificate.
    let refused = (
        FailInfo::BadCertId,
        "no certificate has this issuer and serial number".to_owned(),
    );
    for kind in [MessageType::GetCert, MessageType::GetCrl] {
        let nobodys = Device::ec().certificate;
        assert_eq!(ask(kind, &nobodys).await.failure(), refused);
    }
}

#[tokio::test]
async fn unknown_signers_and_bad_holders_get_neither_certificates_nor_crls() {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let device = world.enrolled("device-1").await;
    let expected = async |device: &Device, text: &str| {
        for kind in [MessageType::GetCert, MessageType::GetCrl] {
            let query = device.query(kind, &device.certificate);
            let refused = world.ask(device, &query).await.failure();
            assert_eq!(refused, (FailInfo::BadRequest, text.to_owned()));
        }
    };
    let not_ours =
        "the signer's certificate was not issued by this authority under this RA Profile";
    expected(&Device::rsa(), not_ours).await;
    let revoked = world.enrolled("device-2").await;
    let answer = admin.revoke(&revoked.certificate, Value::Null).await;
    answer.expect(204);
    expected(&revoked, "the signer's certificate is revoked").await;
    world.clock.advance(366 * DAY);
    expected(&device, "the signer's certificate is not valid now").await;
}

#[tokio::test]
async fn administrators_read_the_crl_too() {
    let (world, admin, ..) = administered().await;
    let authority = admin.find("/authorities", "test-ca").await;
    let headers = [("authorization", "Bearer read")];
    let path = format!("/authorities/{authority}/crl");
    let answer = admin.send("GET", &path, &headers, String::new()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/pkix-crl");
    // A subordinate without a certificate has no CRL.
    let body = json!({ "name": "sub", "subject": "CN=sub", "kind": "SUBORDINATE" });
    let sub = admin.post("/authorities", body).await.uuid();
    let path = format!("/authorities/{sub}/crl");
    admin.get(&path).await.expect(404);
    assert_eq!(fetch_crl(&world, "/crl/sub.crl", &[]).await.status(), 404);
    let shown = admin.get(&format!("/authorities/{sub}")).await.expect(200);
    assert_eq!(shown["crlUrl"], Value::Null);
    // The URL of the other one leads to its CRL.
    let shown = admin.get(&format!("/authorities/{authority}")).await;
    let url = text(&shown.expect(200)["crlUrl"]);
    let path = url.strip_prefix("http://scep.example").unwrap();
    assert_eq!(fetch_crl(&world, path, &[]).await.status(), 200);
}
