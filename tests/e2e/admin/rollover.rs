//! Rollover, RFC 8894 §4.7 and §5.1: an authority's next key, from its announcement to the expiry
//! of the old one.

use std::sync::Arc;
use std::time::Duration;

use ca::authority::Authority;
use ca::generation::Generation;
use ca::template::Period;
use scep_cms::certificate::Certificate;
use scep_cms::degenerate::DegenerateSignedData;
use scep_cms::message_type::MessageType;
use scep_protocol::profile::ScepProfile;
use scep_protocol::ra_certificate::RaCertificate;
use scep_service::admin::NextKey;
use scep_service::object::Versioned;
use scep_service::ports::ProfileReader;
use scepter_tests::admin::{Admin, text};
use scepter_tests::device::Device;
use scepter_tests::openssl;
use scepter_tests::world::{CHALLENGE, PATH, Unmeasured, World};
use serde_json::{Value, json};

use crate::admin::subordinate::{CA, MONTH, Outside};
use crate::crash::failing::WatchedKeys;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A world, its administrator, and the path of its authority's rollover.
async fn build_world() -> (World, Admin, String) {
    let world = World::new().await;
    let admin = Admin::of(&world);
    let authority = admin.find("/authorities", "test-ca").await;
    (world, admin, format!("/authorities/{authority}/rollover"))
}

async fn begin_rollover(admin: &Admin, rollover: &str) -> Certificate {
    let begun = admin.post(rollover, Value::Null).await.expect(200);
    parse_certificate(&begun["next"])
}

async fn activate_rollover(admin: &Admin, rollover: &str) -> Certificate {
    let path = format!("{rollover}/activate");
    let activated = admin.post(&path, Value::Null).await.expect(200);
    assert_eq!(activated["next"], Value::Null);
    parse_certificate(&activated["certificate"])
}

fn parse_certificate(certificate: &Value) -> Certificate {
    Certificate::from_pem(&text(&certificate["pem"])).unwrap()
}

async fn get_operation(world: &World, operation: &str) -> (u16, String, Vec<u8>) {
    let response = world.get(&format!("{PATH}?operation={operation}")).await;
    let kind = response.headers()["content-type"].to_str().unwrap();
    let kind = kind.to_owned();
    (response.status().as_u16(), kind, response.body().to_vec())
}

/// The RA certificate in the GetCACert response.
async fn read_ra_certificate(world: &World) -> Certificate {
    let (_, _, chain) = get_operation(world, "GetCACert").await;
    let chain = DegenerateSignedData::from_ber(&chain).unwrap();
    Certificate::from_der(&chain.certificates[0]).unwrap()
}

/// The RA certificate that GetNextCACert announces together with this next CA certificate.
async fn read_next_ra(world: &World, next: &Certificate) -> Certificate {
    let (status, kind, message) = get_operation(world, "GetNextCACert").await;
    assert_eq!(
        (status, kind.as_str()),
        (200, "application/x-x509-next-ca-cert")
    );
    let outer = DegenerateSignedData::from_ber(&message).unwrap();
    assert_eq!(outer.certificates[0], next.der());
    Certificate::from_der(&outer.certificates[1]).unwrap()
}

#[tokio::test]
async fn without_a_next_certificate_nothing_is_announced() {
    let (world, admin, rollover) = build_world().await;
    assert!(
        !String::from_utf8_lossy(&get_operation(&world, "GetCACaps").await.2)
            .contains("GetNextCACert")
    );
    assert_eq!(get_operation(&world, "GetNextCACert").await.0, 400);
    let path = format!("{rollover}/activate");
    let reasons = admin.post(&path, Value::Null).await.reasons();
    assert!(reasons[0].starts_with("the authority has no next certificate"));
}

#[tokio::test]
async fn the_next_certificate_is_announced_by_the_present_one() {
    for key in ["EC_P256", "RSA_2048", "RSA_3072"] {
        let plan = scepter_tests::world::Plan {
            key_algorithm: key.parse().unwrap(),
            ..Default::default()
        };
        let world = World::planned(plan).await;
        let admin = Admin::of(&world);
        let authority = admin.find("/authorities", "test-ca").await;
        let next = begin_rollover(&admin, &format!("/authorities/{authority}/rollover")).await;
        let lines = String::from_utf8(get_operation(&world, "GetCACaps").await.2).unwrap();
        assert!(
            lines.ends_with("\nSCEPStandard\nGetNextCACert\n"),
            "{lines}"
        );
        read_next_ra(&world, &next).await;
        // openssl verifies the CA's and the RA's signature and finds the certificates inside.
        let (_, _, message) = get_operation(&world, "GetNextCACert").await;
        let folder = tempfile::tempdir().unwrap();
        let ca = openssl::write_pem(folder.path(), "ca.pem", &world.authority);
        let ra = openssl::write_pem(folder.path(), "ra.pem", &world.ra_certificate);
        let message = openssl::write(folder.path(), "next.der", &message);
        let arguments = [
            "cms",
            "-verify",
            "-inform",
            "DER",
            "-in",
            &message,
            "-CAfile",
            &ca,
            "-certfile",
            &ra,
            "-binary",
            "-purpose",
            "any",
        ];
        let content = openssl::run(&arguments, &[]);
        let inner = DegenerateSignedData::from_ber(&content).unwrap();
        assert_eq!(inner.certificates[0], next.der());
        assert_eq!(inner.certificates.len(), 2);
        // The next certificate has the same subject and another key.
        assert_eq!(next.subject(), world.authority.subject());
        let key = world.authority.subject_public_key_info();
        assert_ne!(next.subject_public_key_info(), key);
    }
}

#[tokio::test]
async fn who_encrypts_to_the_next_ra_certificate_gets_a_certificate_of_the_next_authority() {
    let (world, admin, rollover) = build_world().await;
    let next = begin_rollover(&admin, &rollover).await;
    let next_ra = read_next_ra(&world, &next).await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let response = world.post(device.message(&request, &next_ra)).await;
    // The reply is signed by the key that the request was encrypted to.
    let leaf = device.read(response.body(), &next_ra).leaf();
    leaf.verify(next.public_key().unwrap()).unwrap();
    // All other clients continue with the current generation.
    let other = world.enrolled("device-2").await.certificate;
    other.verify(world.authority.public_key().unwrap()).unwrap();
    assert_eq!(read_ra_certificate(&world).await, world.ra_certificate);
    // Each generation has its own CRL, and a certificate names the CRL of the generation that
    // issued it.
    let text = openssl::run(&["x509", "-inform", "DER", "-noout", "-text"], leaf.der());
    let text = String::from_utf8(text).unwrap();
    let url = "http://scep.example/crl/test-ca/2.crl";
    assert!(text.contains(&format!("URI:{url}")));
    let shown = async || admin.get("/authorities").await.expect(200)[0]["crlUrl"].clone();
    assert_eq!(shown().await, "http://scep.example/crl/test-ca.crl");
    activate_rollover(&admin, &rollover).await;
    assert_eq!(shown().await, url);
}

#[tokio::test]
async fn after_activation_the_next_authority_issues_and_the_old_certificates_stay_good() {
    let (world, admin, rollover) = build_world().await;
    let old = world.enrolled("device-1").await;
    let next = begin_rollover(&admin, &rollover).await;
    let next_ra = read_next_ra(&world, &next).await;
    assert_eq!(activate_rollover(&admin, &rollover).await, next);
    assert!(
        !String::from_utf8_lossy(&get_operation(&world, "GetCACaps").await.2)
            .contains("GetNextCACert")
    );
    assert_eq!(read_ra_certificate(&world).await, next_ra);
    let issued_by_next = |certificate: &Certificate| {
        certificate.verify(next.public_key().unwrap()).unwrap();
    };
    // Old RA keys still decrypt, and the reply is signed by the key that the request was encrypted
    // to.
    let late = world.enrolled("device-2").await;
    issued_by_next(&late.certificate);
    let device = Device::rsa();
    let request = device.enrolment("device-3", CHALLENGE);
    let response = world.post(device.message(&request, &next_ra)).await;
    issued_by_next(&device.read(response.body(), &next_ra).leaf());
    // The new generation renews the certificates of the old one.
    world.make_renewable(&old.certificate);
    let renewal = Device::rsa().renewal("device-1");
    issued_by_next(&world.ask(&old, &renewal).await.leaf());
    // A revoked certificate is listed on the CRL of the generation that issued it.
    let alone = json!({ "successors": false });
    admin.revoke(&old.certificate, alone).await.expect(204);
    let query = late.query(MessageType::GetCrl, &old.certificate);
    let crl = world.ask(&late, &query).await.crls.remove(0);
    let text = openssl::print_crl(&crl, &world.authority);
    let number = old.certificate.issuer_and_serial_number();
    assert!(text.contains(&number.serial_number_hex()), "{text}");
    // GetCert finds certificates of every generation.
    let query = late.query(MessageType::GetCert, &old.certificate);
    let got = world.ask(&late, &query).await.certificates;
    assert_eq!(got, [old.certificate.der()]);
}

#[tokio::test]
async fn a_rollover_that_has_begun_is_not_begun_again_and_may_be_followed_by_another() {
    let (world, admin, rollover) = build_world().await;
    let next = begin_rollover(&admin, &rollover).await;
    assert_eq!(begin_rollover(&admin, &rollover).await, next);
    assert_eq!(activate_rollover(&admin, &rollover).await, next);
    let body = json!({ "keyAlgorithm": "EC_P384", "validity": "P1Y" });
    let begun = admin.post(&rollover, body).await.expect(200);
    let third = parse_certificate(&begun["next"]);
    assert_eq!(begun["previous"].as_array().unwrap().len(), 1);
    read_next_ra(&world, &third).await;
    assert_eq!(activate_rollover(&admin, &rollover).await, third);
    let device = world.enrolled("device-1").await;
    device
        .certificate
        .verify(third.public_key().unwrap())
        .unwrap();
}

#[tokio::test]
async fn an_ra_certificate_that_is_made_during_a_rollover_has_both_keys() {
    let (world, admin, rollover) = build_world().await;
    begin_rollover(&admin, &rollover).await;
    let authority = admin.find("/authorities", "test-ca").await;
    let path = format!("/authorities/{authority}/raCertificates");
    let made = admin.post(&path, json!({ "commonName": "RA 2" })).await;
    let made = made.expect(201);
    let next = parse_certificate(&made["next"]);
    activate_rollover(&admin, &rollover).await;
    let path = format!("{path}/{}", text(&made["uuid"]));
    let found = admin.get(&path).await.expect(200);
    assert_eq!(parse_certificate(&found["certificate"]), next);
    assert_eq!(found["next"], Value::Null);
    let before = parse_certificate(&made["certificate"]);
    assert_eq!(parse_certificate(&found["previous"][0]), before);
    drop(world);
}

/// A failing key of an earlier generation does not prevent the CRL of the current one.
#[tokio::test]
async fn a_generation_that_fails_stands_in_no_others_way() {
    let (world, admin, rollover) = build_world().await;
    begin_rollover(&admin, &rollover).await;
    activate_rollover(&admin, &rollover).await;
    let uuid = admin.find("/authorities", "test-ca").await;
    let uuid = uuid.parse().unwrap();
    let made = async |generation| {
        let crl = ProfileReader::crl(&world.store, uuid, generation)
            .await
            .unwrap();
        crl.unwrap().number
    };
    let first = Generation::FIRST;
    let second = first.next();
    let before = (made(first).await, made(second).await);
    world.clock.advance(4 * DAY);
    let mut administration = world.administration.clone();
    // Maintenance starts with the oldest generation, whose key fails here.
    administration.ca_keys = Arc::new(WatchedKeys::failing(administration.ca_keys));
    assert!(administration.run_maintenance(&Unmeasured).await.is_err());
    let after = (made(first).await, made(second).await);
    assert_eq!(after.0, before.0);
    assert!(after.1 > before.1, "{before:?} {after:?}");
}

/// An authority that has lost its key needs a rollover most. Its next certificate cannot be
/// announced, because only the lost key could sign that; everything else works.
#[tokio::test]
async fn an_authority_whose_key_is_lost_rolls_over() {
    let (world, admin, _) = build_world().await;
    let uuid = admin.find("/authorities", "test-ca").await;
    let uuid = uuid.parse().unwrap();
    world
        .edit_scep_profile(|profile| profile.settings.include_ca_certificate = true)
        .await;
    let before: Versioned<Authority> = world.administration.get(uuid).await.unwrap();
    let mut administration = world.administration.clone();
    administration.ca_keys = Arc::new(WatchedKeys {
        lost: Some(before.object.current.key.clone()),
        ..WatchedKeys::over(administration.ca_keys)
    });
    let next = NextKey {
        algorithm: None,
        key: None,
        validity: Period::years(10),
    };
    assert!(administration.begin_rollover(uuid, next).await.is_err());
    let activated = administration.activate_next(uuid).await.unwrap();
    assert_eq!(activated.object.current.number.get(), 2);
    let seen = read_ra_certificate(&world).await;
    assert_ne!(seen, world.ra_certificate);
    let device = Device::rsa();
    let message = device.message(&device.enrolment("device-1", CHALLENGE), &seen);
    let reply = device.read(world.post(message).await.body(), &seen);
    let authority = activated.object.current.path().unwrap().certificate;
    assert_eq!(
        reply.leaf().issuer_and_serial_number().issuer(),
        authority.subject()
    );
    assert_eq!(reply.certificates[1], authority.der());
}

/// A certificate of an earlier generation is sent together with the CA certificate that issued it.
#[tokio::test]
async fn a_certificate_of_before_is_fetched_with_its_own_issuer() {
    let (world, admin, rollover) = build_world().await;
    world
        .edit_scep_profile(|profile| profile.settings.include_ca_certificate = true)
        .await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let first = world.ask(&device, &request).await;
    begin_rollover(&admin, &rollover).await;
    activate_rollover(&admin, &rollover).await;
    let again = world.ask(&device, &request).await;
    assert_eq!(again.certificates, first.certificates);
    assert_eq!(again.certificates[1], world.authority.der());
}

#[tokio::test]
async fn a_subordinate_rolls_over_with_a_certificate_of_its_root() {
    let (world, admin, _) = build_world().await;
    let outside = Outside(tempfile::tempdir().unwrap());
    outside.make("root", CA);
    let body = json!({
        "name": "sub", "subject": "CN=Sub,O=Corp", "kind": "SUBORDINATE", "keyAlgorithm": "EC_P256"
    });
    let sub = admin.post("/authorities", body).await.uuid();
    let path = format!("/authorities/{sub}");
    let rollover = format!("{path}/rollover");
    let reasons = admin.post(&rollover, Value::Null).await.reasons();
    assert_eq!(
        reasons,
        ["the authority is not active: it awaits its certificate"]
    );
    let install = async || {
        let csr = admin.get(&format!("{path}/csr")).await.expect(200);
        outside.write("sub.csr", &text(&csr));
        let certificate = outside.answer("sub.csr", "root", CA, MONTH);
        let body = json!({ "certificate": certificate, "chain": [outside.pem("root")] });
        let path = format!("{path}/certificate");
        admin.post(&path, body).await.expect(200)
    };
    let first = install().await;
    let ra = admin
        .post(
            &format!("/authorities/{sub}/raCertificates"),
            json!({ "commonName": "RA" }),
        )
        .await
        .uuid();
    let begun = admin.post(&rollover, Value::Null).await.expect(200);
    assert_eq!(begun["nextState"], "AWAITING_CERTIFICATE");
    assert_eq!(begun["next"], Value::Null);
    let reasons = admin
        .post(&format!("{rollover}/activate"), Value::Null)
        .await
        .reasons();
    assert!(reasons[0].starts_with("the authority has no next certificate"));
    let ready = install().await;
    assert_eq!(ready["nextState"], "ACTIVE");
    assert_eq!(ready["certificate"], first["certificate"]);
    let found = admin.get(&format!("{path}/raCertificates/{ra}")).await;
    assert!(found.expect(200)["next"].is_object());
    let activated = activate_rollover(&admin, &rollover).await;
    assert_eq!(activated, parse_certificate(&ready["next"]));
    drop(world);
}

#[tokio::test]
async fn ra_certificates_get_a_new_key_before_they_end() {
    let (world, ..) = build_world().await;
    let profile: Versioned<ScepProfile> = world.find().await;
    let uuid = profile.object.ra_certificate;
    let keys = async || {
        let found: Option<Versioned<RaCertificate>> =
            scep_service::object::read(&world.store, uuid)
                .await
                .unwrap();
        found.unwrap().object.keys.len()
    };
    let keep = async || world.run_maintenance().await.unwrap();
    world.clock.advance(690 * DAY);
    keep().await;
    assert_eq!(keys().await, 1);
    world.clock.advance(20 * DAY);
    keep().await;
    keep().await;
    assert_eq!(keys().await, 2);
    // Clients that know the old RA certificate may use it until it expires; all others see the new
    // one.
    let seen = read_ra_certificate(&world).await;
    assert_ne!(seen, world.ra_certificate);
    world.enrolled("device-1").await;
    let device = Device::rsa();
    let request = device.enrolment("device-2", CHALLENGE);
    let response = world.post(device.message(&request, &seen)).await;
    device.read(response.body(), &seen).leaf();
    world.clock.advance(30 * DAY);
    keep().await;
    assert_eq!(keys().await, 1);
    let response = world.post(device.message(&request, &world.ra_certificate));
    let reply = device.read(response.await.body(), &seen);
    assert_eq!(
        reply.failure().1,
        "the content is not encrypted to this RA certificate"
    );
}
