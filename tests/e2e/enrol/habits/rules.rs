//! The rules that administrators set for their clients, and the certificates that clients check,
//! each test named after the clients.

use der::Tag;
use scep_cms::algorithm::EcCurve;
use scep_cms::attribute::{FailInfo, PkiStatus};
use scep_cms::pki_message::PkiMessage;
use scepter_tests::asn1::{CN, common_name, element, extension, name, oid, rdn};
use scepter_tests::device::Device;
use scepter_tests::openssl;
use scepter_tests::world::{CHALLENGE, Plan, World};
use serde_json::{Value, json};

use crate::crypto::weak_keys::OddKey;
use crate::enrol::habits::names::Asking;

#[tokio::test]
async fn routers_and_people_have_attributes_besides_those_of_a_web_server() {
    let asking = Asking::new().await;
    let cn = rdn(CN, Tag::Utf8String, b"a");
    let unstructured = rdn("1.2.840.113549.1.9.2", Tag::Ia5String, b"router.example");
    let with = |part: &Vec<u8>| name(&[cn.clone(), part.clone()]);
    let given = rdn("2.5.4.42", Tag::Utf8String, b"Jane");
    let postal = rdn("2.5.4.17", Tag::Utf8String, b"10115");
    let private = rdn("1.3.6.1.4.1.99999.1", Tag::Utf8String, b"a");
    for (attribute, part) in [
        ("unstructuredName", &unstructured),
        ("UNSTRUCTUREDNAME", &unstructured),
        ("1.2.840.113549.1.9.2", &unstructured),
        ("GN", &given),
        ("givenName", &given),
        ("2.5.4.42", &given),
        ("postalCode", &postal),
        ("1.3.6.1.4.1.99999.1", &private),
    ] {
        asking
            .put_rules(json!({ "subject": { "allowed": ["CN", "O", attribute] } }))
            .await
            .expect(200);
        let subject = with(part);
        let certificate = asking.ask(&subject, &[]).await.unwrap();
        assert_eq!(certificate.subject(), subject, "{attribute}");
    }
    asking
        .put_rules(json!({ "subject": { "allowed": ["CN", "O", "OU", "serialNumber"] } }))
        .await
        .expect(200);
    let (fail_info, text) = asking.ask(&with(&unstructured), &[]).await.unwrap_err();
    assert_eq!(fail_info, FailInfo::BadRequest);
    let told = r#"subject[1] unstructuredName "router.example": unstructuredName is not allowed"#;
    assert_eq!(text, format!("rule subject.allowed: {told}"));
}

#[tokio::test]
async fn any_attribute_can_be_fixed_or_required() {
    let asking = Asking::new().await;
    asking.put_rules(json!({ "subject": {
            "required": ["organizationIdentifier"],
            "fixed": { "postalCode": "10115", "2.5.4.97": "VATDE-123", "unstructuredAddress": "10.0.0.1", "title": "Dr" }
        } }))
        .await.expect(200);
    let certificate = asking.ask(&common_name("a"), &[]).await.unwrap();
    let printed = openssl::print(&certificate, &["-subject", "-nameopt", "RFC2253,sname"]);
    for part in [
        "postalCode=10115",
        "VATDE-123",
        "unstructuredAddress=10.0.0.1",
        "title=Dr",
    ] {
        assert!(printed.contains(part), "{printed}");
    }
    asking
        .put_rules(json!({ "subject": { "required": ["SN"] } }))
        .await
        .expect(200);
    let (_, text) = asking.ask(&common_name("a"), &[]).await.unwrap_err();
    assert_eq!(text, "rule subject.required: the subject has no SN");
    for (subject, reason) in [
        (
            json!({ "required": ["nonsense"] }),
            "subject.required[0]: neither an attribute",
        ),
        (
            json!({ "allowed": ["CN"], "required": ["1.2.3.4"] }),
            "1.2.3.4 is required but not allowed",
        ),
        (
            json!({ "fixed": { "unstructuredName": "\u{fc}" } }),
            "not a valid value for unstructuredName",
        ),
        (
            json!({ "fixed": { "CN": "a", "2.5.4.3": "b" } }),
            "CN appears more than once",
        ),
    ] {
        let reasons = asking
            .put_rules(json!({ "subject": subject }))
            .await
            .reasons()
            .join("; ");
        assert!(reasons.contains(reason), "{reasons}");
    }
}

#[tokio::test]
async fn windows_logs_on_with_smart_cards_and_vpn_gateways_look_for_ipsec() {
    let asking = Asking::new().await;
    let usages = json!(["clientAuth", "1.3.6.1.4.1.311.20.2.2", "1.3.6.1.5.5.7.3.5"]);
    asking
        .put_rules(json!({ "extendedKeyUsage": usages }))
        .await
        .expect(200);
    let certificate = asking.ask(&common_name("a"), &[]).await.unwrap();
    let printed = openssl::print_extension(&certificate, "extendedKeyUsage");
    let expected = "TLS Web Client Authentication, Microsoft Smartcard Login, IPSec End System";
    assert!(printed.contains(expected), "{printed}");
    let path = format!("/raProfiles/{}", asking.ra_profile);
    let shown = asking.admin.get(&path).await.expect(200);
    assert_eq!(shown["certificateTemplate"]["extendedKeyUsage"], usages);
}

/// RFC 6960 §4.2.2.2: a device whose certificate has OCSPSigning could declare revoked certificates
/// good.
#[tokio::test]
async fn no_device_speaks_for_the_authority_or_for_others() {
    let asking = Asking::new().await;
    for usage in [
        "ocspSigning",
        "OCSPSIGNING",
        "1.3.6.1.5.5.7.3.9",
        "anyExtendedKeyUsage",
        "2.5.29.37.0",
        "1.3.6.1.4.1.311.20.2.1",
        "1.3.6.1.5.2.3.5",
    ] {
        let template = json!({ "extendedKeyUsage": ["clientAuth", usage] });
        let reasons = asking.put_rules(template).await.reasons().join("; ");
        assert!(reasons.contains("is not for devices"), "{reasons}");
    }
}

#[tokio::test]
async fn a_client_that_asks_for_a_purpose_of_the_template_gets_it() {
    let asking = Asking::new().await;
    // An administrator may list the same purpose by name and by OID.
    let usages = json!(["clientAuth", "serverAuth", "1.3.6.1.5.5.7.3.1"]);
    asking
        .put_rules(json!({ "extendedKeyUsage": usages }))
        .await
        .expect(200);
    let server_auth = element(0x30, &[&oid("1.3.6.1.5.5.7.3.1")]);
    let asked = extension("2.5.29.37", &server_auth);
    let certificate = asking.ask(&common_name("a"), &[asked]).await.unwrap();
    let printed = openssl::print_extension(&certificate, "extendedKeyUsage");
    let found = printed.matches("TLS Web Server Authentication").count();
    assert_eq!(found, 1, "{printed}");
}

#[tokio::test]
async fn windows_wants_a_purpose_and_dotnet_a_crl_on_the_ra_certificate() {
    let asking = Asking::new().await;
    let device = asking.ask(&common_name("a"), &[]).await.unwrap();
    let crl = openssl::print_extension(&device, "crlDistributionPoints");
    assert!(crl.contains("URI:http"), "{crl}");
    let ra_certificate = &asking.world.ra_certificate;
    assert_eq!(
        openssl::print_extension(ra_certificate, "crlDistributionPoints"),
        crl
    );
    let usages = openssl::print_extension(ra_certificate, "extendedKeyUsage");
    assert!(usages.contains("TLS Web Server Authentication"), "{usages}");
    let usages = openssl::print_extension(ra_certificate, "keyUsage");
    assert!(
        usages.contains("Digital Signature, Key Encipherment"),
        "{usages}"
    );
    let authority = asking.admin.find("/authorities", "test-ca").await;
    let path = format!("/authorities/{authority}/raCertificates");
    for (usages, expected) in [
        (Value::Null, json!(["serverAuth"])),
        (json!([]), json!([])),
        (
            json!(["1.3.6.1.5.5.7.3.1", "1.3.6.1.4.1.311.20.2.1"]),
            json!(["serverAuth", "1.3.6.1.4.1.311.20.2.1"]),
        ),
    ] {
        let body = json!({ "commonName": "RA", "extendedKeyUsage": usages });
        let made = asking.admin.post(&path, body).await.expect(201);
        assert_eq!(made["extendedKeyUsage"], expected);
        let url = made["crlDistributionPoint"].as_str().unwrap();
        assert!(crl.contains(&format!("URI:{url}")), "{url}");
    }
    for usage in ["anyExtendedKeyUsage", "1.3.6.1.5.5.7.3.9", "nonsense"] {
        let body = json!({ "commonName": "RA", "extendedKeyUsage": [usage] });
        let reasons = asking.admin.post(&path, body).await.reasons().join("; ");
        assert!(reasons.contains("extendedKeyUsage"), "{reasons}");
    }
}

/// The automatic renewal of an RA certificate keeps everything that Windows checks.
#[tokio::test]
async fn a_renewed_ra_certificate_has_what_it_had() {
    let asking = Asking::new().await;
    let authority = asking.admin.find("/authorities", "test-ca").await;
    let path = format!("/authorities/{authority}/raCertificates");
    let usages = json!(["serverAuth", "1.3.6.1.4.1.311.20.2.1"]);
    let body = json!({ "commonName": "RA", "validity": "P60D", "extendedKeyUsage": usages });
    let made = asking.admin.post(&path, body).await.expect(201);
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    asking.world.clock.advance(50 * day);
    asking.world.run_maintenance().await.unwrap();
    let path = format!("{path}/{}", made["uuid"].as_str().unwrap());
    let shown = asking.admin.get(&path).await.expect(200);
    assert_ne!(
        shown["certificate"]["serialNumber"],
        made["certificate"]["serialNumber"]
    );
    assert_eq!(shown["extendedKeyUsage"], usages);
    assert_eq!(shown["crlDistributionPoint"], made["crlDistributionPoint"]);
}

#[tokio::test]
async fn windows_asks_for_sha_1_of_the_root_and_old_phones_for_md5() {
    let asking = Asking::new().await;
    let shown = asking.admin.get("/authorities").await.expect(200);
    for (field, digest) in [
        ("fingerprintSha256", "-sha256"),
        ("fingerprintSha1", "-sha1"),
        ("fingerprintMd5", "-md5"),
    ] {
        let printed = openssl::print(&asking.world.authority, &["-fingerprint", digest]);
        let (_, expected) = printed.split_once('=').unwrap();
        let fingerprint = shown[0]["certificate"][field].as_str().unwrap();
        assert_eq!(fingerprint, expected.trim(), "{field}");
    }
}

#[test]
fn who_sets_up_windows_reads_sha_1_in_the_welcome() {
    use scepter_tests::server::{Server, http};
    let (_data, server) = Server::start_demo();
    let printed = server.printed("CA thumbprint");
    assert!(printed.contains("SHA-1") && printed.contains("Windows"));
    let url = format!("{}?operation=GetCACert", server.scep_url);
    let (_, body) = http(&[&url], &[]);
    let certificates = scep_cms::degenerate::DegenerateSignedData::from_ber(&body)
        .unwrap()
        .certificates;
    let authority = scep_cms::certificate::Certificate::from_der(&certificates[1]).unwrap();
    let expected = openssl::print(&authority, &["-fingerprint", "-sha1"]);
    let (_, expected) = expected.trim().split_once('=').unwrap();
    assert!(printed.contains(expected), "{printed}");

    // The log warns about a certificate without the purpose that its device requested.
    let ra_certificate = server.ra_certificate();
    let device = Device::rsa();
    let asked = extension("2.5.29.37", &element(0x30, &[&oid("1.3.6.1.5.5.7.3.5")]));
    let spki = device.certificate.subject_public_key_info();
    let info = scepter_tests::asn1::request_info(&common_name("a"), spki, &[asked]);
    let csr = device.sign_request(&info);
    let message = device.message(&device.request(csr), &ra_certificate);
    let (_, reply) = server.post(&message);
    device.read(&reply, &ra_certificate).leaf();
    let line = server.wait_for_log("without");
    assert!(
        line.contains("extendedKeyUsage 1.3.6.1.5.5.7.3.5"),
        "{line}"
    );
}

#[tokio::test]
async fn go_clients_encrypt_to_every_certificate_so_that_an_ec_authority_is_warned_of() {
    // The authority of the default world has an EC key.
    let asking = Asking::new().await;
    let path = format!("/scepProfiles/{}", asking.scep_profile);
    let shown = asking.admin.get(&path).await.expect(200);
    assert!(shown["warnings"].to_string().contains("raOnly"), "{shown}");
    let body = json!({ "caCertificateForm": "raOnly" });
    let shown = asking.admin.put(&path, body).await.expect(200);
    assert!(!shown["warnings"].to_string().contains("raOnly"), "{shown}");
}

#[tokio::test]
async fn cisco_vpn_wants_the_issuer_in_a_cert_rep_and_juniper_none() {
    let world = World::new().await;
    for (issuer, chain, certificates) in [(false, false, 1), (true, false, 2), (false, true, 2)] {
        world
            .edit_scep_profile(|profile| {
                profile.settings.include_ca_certificate = issuer;
                profile.settings.include_ca_certificate_chain = chain;
            })
            .await;
        let device = Device::rsa();
        let request = device.enrolment("device-1", CHALLENGE);
        let reply = world.ask(&device, &request).await;
        let leaf = reply.leaf();
        assert_eq!(reply.certificates.len(), certificates);
        assert_eq!(reply.certificates[0], leaf.der());
        let issuer = reply.certificates.get(1).map(Vec::as_slice);
        assert_eq!(issuer, (certificates == 2).then(|| world.authority.der()));
    }
}

#[tokio::test]
async fn zebra_and_others_have_keys_on_every_curve() {
    use ca::key_algorithm::KeyAlgorithm;
    let world = World::planned(Plan {
        key_algorithm: KeyAlgorithm::Rsa2048,
        ..Plan::default()
    })
    .await;
    for curve in [EcCurve::P256, EcCurve::P384, EcCurve::P521] {
        let device = Device::ec_on(curve);
        let mut request = device.enrolment("device-1", CHALLENGE);
        request.digest = match curve {
            EcCurve::P256 => scep_cms::algorithm::DigestAlgorithm::Sha256,
            EcCurve::P384 => scep_cms::algorithm::DigestAlgorithm::Sha384,
            EcCurve::P521 => scep_cms::algorithm::DigestAlgorithm::Sha512,
        };
        let message = device.message_by_password(&request, CHALLENGE);
        let response = world.post(message).await;
        let reply = device.read_with(response.body(), &world.ra_certificate, Some(CHALLENGE));
        reply.leaf();
    }
}

/// The status, failInfo and text of the answer. It is not decrypted, since no code here can decrypt
/// with these keys.
async fn answer_to_key(
    world: &World,
    key: &OddKey,
) -> (PkiStatus, Option<FailInfo>, Option<String>) {
    let response = world.post(key.enrolment(world)).await;
    let reply = PkiMessage::from_ber(response.body()).unwrap();
    let said = reply.verify().unwrap().message().cert_rep().unwrap();
    (said.pki_status, said.fail_info, said.fail_info_text)
}

/// MikroTik, Windows' CSP and Apple's payload generate 1,024-bit keys by default.
#[tokio::test]
async fn mikrotik_windows_and_apple_make_short_keys_by_default() {
    let asking = Asking::new().await;
    let short = OddKey::of_bits(1024, 65_537);
    let text = "rule rsaMinBits: 1024 bits, at least 2048 are required".to_owned();
    let refused = (PkiStatus::Failure, Some(FailInfo::BadAlg), Some(text));
    assert_eq!(answer_to_key(&asking.world, &short).await, refused);
    asking
        .put_rules(json!({ "rsaMinBits": 1024 }))
        .await
        .expect(200);
    let issued = (PkiStatus::Success, None, None);
    assert_eq!(answer_to_key(&asking.world, &short).await, issued);
}

#[tokio::test]
async fn devices_have_rsa_keys_of_odd_lengths_and_exponents() {
    let world = World::new().await;
    for (bits, exponent) in [(2048, 3), (2048, 65_539), (2056, 65_537)] {
        let key = OddKey::of_bits(bits, exponent);
        let answer = answer_to_key(&world, &key).await;
        assert_eq!(
            answer,
            (PkiStatus::Success, None, None),
            "{bits} {exponent}"
        );
    }
    let short = OddKey::of_bits(2047, 65_537);
    let (status, fail_info, text) = answer_to_key(&world, &short).await;
    let refused = (PkiStatus::Failure, Some(FailInfo::BadAlg));
    assert_eq!((status, fail_info), refused);
    assert!(text.unwrap().contains("2047 bits"));
}

#[tokio::test]
async fn printers_and_phones_have_long_rsa_keys() {
    let asking = Asking::new().await;
    for bits in ["3072", "4096"] {
        let bits = format!("rsa_keygen_bits:{bits}");
        let arguments = ["genpkey", "-algorithm", "RSA", "-pkeyopt", &bits];
        let device = Device::from_pem(&openssl::run(&arguments, &[]));
        let key = device.certificate.subject_public_key_info();
        let asked = asking.ask_by(&device, &common_name("a"), key, &[]).await;
        asked.unwrap();
    }
}
