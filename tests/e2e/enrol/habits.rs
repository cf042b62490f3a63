//! Variations in what real clients send, one test each, named after the client: promises that a
//! change must not break unnoticed. Captured messages are in `tests/vectors`; `clients.rs` runs the
//! clients themselves.

mod challenges;
mod csr_shapes;
mod messages;
pub(crate) mod names;
mod old_http;
mod paths;
mod proxies;
mod reasons;
mod renewals;
mod requests;
mod rules;
mod signatures;
mod subjects;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use der::asn1::AnyRef;
use der::{Decode, Encode, Tag};
use http::Response;
use scep_cms::algorithm::{ContentEncryption, DigestAlgorithm};
use scep_cms::attribute::{FailInfo, PkiStatus};
use scep_cms::certificate::Certificate;
use scep_cms::degenerate::DegenerateSignedData;
use scep_cms::envelope::Recipient;
use scep_cms::message_type::MessageType;
use scep_cms::pki_message::PkiMessage;
use scep_protocol::profile::CaCertificateForm;
use scepter_tests::asn1::{contents, replace_element};
use scepter_tests::assert::assert_status;
use scepter_tests::device::{Device, Request};
use scepter_tests::openssl;
use scepter_tests::world::{CHALLENGE, PATH, World};

use crate::crypto::vectors;
use crate::crypto::vectors::read_octets;

/// The answer to a request that is granted.
const GRANTED: (u16, PkiStatus, Option<FailInfo>) = (200, PkiStatus::Success, None);

/// The answer to a captured message, from a server that holds the key that the message was
/// encrypted to.
async fn send_capture(file: &str) -> (u16, PkiStatus, Option<FailInfo>) {
    let world = vectors::build_world().await;
    let response = world.post(read_octets(file)).await;
    let status = response.status().as_u16();
    let reply = PkiMessage::from_ber(response.body()).unwrap();
    let said = reply.verify().unwrap().message().cert_rep().unwrap();
    (status, said.pki_status, said.fail_info)
}

/// The first element with this tag, outermost first and then from left to right.
fn find_element(der: &[u8], tag: u8) -> Option<Vec<u8>> {
    let (any, _) = AnyRef::from_der_partial(der).ok()?;
    let whole = any.to_der().ok()?;
    if der[0] == tag {
        return Some(whole);
    }
    if der[0] & 0x20 != 0 {
        let mut rest = any.value();
        while !rest.is_empty() {
            if let Some(found) = find_element(rest, tag) {
                return Some(found);
            }
            rest = AnyRef::from_der_partial(rest).ok()?.1;
        }
    }
    None
}

#[tokio::test]
async fn apple_jscep_sscep_strongswan_and_cisco_write_base64_in_their_own_ways() {
    let world = World::new().await;
    let device = Device::rsa();
    // Find a request whose base64 contains a plus and a slash, which clients encode differently.
    let mut request = device.enrolment("device-1", CHALLENGE);
    let plus = (0..=255_u8).find_map(|nonce| {
        request.sender_nonce = vec![nonce; 16];
        let message = device.message(&request, &world.ra_certificate);
        let base64 = STANDARD.encode(message);
        (base64.contains('+') && base64.contains('/')).then_some(base64)
    });
    let plus = plus.unwrap();
    for written in [
        plus.clone(),
        plus.replace('+', "%20"),
        plus.replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D"),
        plus.replace('+', "-").replace('/', "_"),
        plus.replace('=', ""),
        format!("{}%0A{}", &plus[..64], &plus[64..]),
    ] {
        let query = format!("operation=PKIOperation&message={written}");
        let response = world.get_scep(&query).await;
        device.read(response.body(), &world.ra_certificate).leaf();
    }
}

#[tokio::test]
async fn several_clients_append_pkiclient_exe_and_others_leave_it_out() {
    let world = World::new().await;
    for path in [
        "default",
        "default/",
        "default/pkiclient.exe",
        "default/pkiclient.exe/",
    ] {
        let path = format!("/api/v1/protocols/scep/{path}?operation=GetCACaps");
        assert_eq!(world.get(&path).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn sscep_certmonger_and_cisco_send_a_message_with_every_operation() {
    let world = World::new().await;
    for message in [
        "",
        "&message=",
        "&message=0",
        "&message=1",
        "&message=CAIdentifier",
    ] {
        for operation in ["GetCACaps", "GetCACert"] {
            let query = format!("operation={operation}{message}");
            assert_eq!(world.get_scep(&query).await.status(), 200, "{query}");
        }
    }
}

#[tokio::test]
async fn sscep_strongswan_and_cisco_post_without_operation_or_content_type() {
    let world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let message = device.message(&request, &world.ra_certificate);
    let response = world.send("POST", PATH, message).await;
    device.read(response.body(), &world.ra_certificate).leaf();
}

#[tokio::test]
async fn ios_and_old_sscep_compare_media_types_as_whole_strings() {
    let world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let message = device.message(&request, &world.ra_certificate);
    let caps = world.get_scep("operation=GetCACaps").await;
    assert_eq!(caps.headers()["content-type"], "text/plain");
    let chain = world.get_scep("operation=GetCACert").await;
    assert_eq!(
        chain.headers()["content-type"],
        "application/x-x509-ca-ra-cert"
    );
    let reply = world.post(message).await;
    assert_eq!(reply.headers()["content-type"], "application/x-pki-message");
    let one = |profile: &mut scep_protocol::profile::ScepProfile| {
        profile.settings.ca_certificate_form = CaCertificateForm::RaOnly;
    };
    world.edit_scep_profile(one).await;
    let single = world.get_scep("operation=GetCACert").await;
    assert_eq!(
        single.headers()["content-type"],
        "application/x-x509-ca-cert"
    );
}

#[tokio::test]
async fn jscep_loses_a_cert_rep_with_any_status_but_200() {
    let world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", "guessed");
    let message = device.message(&request, &world.ra_certificate);
    let response = world.post(message).await;
    assert_status(&response, 200);
    device
        .read(response.body(), &world.ra_certificate)
        .failure();
}

#[tokio::test]
async fn jscep_and_apple_send_ber() {
    assert_eq!(send_capture("jscep-new.der").await, GRANTED);
    assert_eq!(send_capture("jscep-des3-sha1.der").await, GRANTED);
}

#[tokio::test]
async fn micromdm_constructs_encrypted_content_with_a_definite_length() {
    // The capture encrypts with single DES and is rejected for that, but it shows the form:
    // encryptedContent as a constructed `[0]` of definite length.
    let capture = PkiMessage::from_ber(&read_octets("scepclient-new.der")).unwrap();
    assert!(capture.envelope().is_err());
    let refused = (200, PkiStatus::Failure, Some(FailInfo::BadAlg));
    assert_eq!(send_capture("scepclient-new.der").await, refused);
    // The same form with AES is decrypted.
    let world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let message = device.message(&request, &world.ra_certificate);
    // The first OCTET STRING in a SignedData is its eContent.
    let content = find_element(&message, 0x04).unwrap();
    let envelope = contents(&content);
    let primitive = find_element(&envelope, 0x80).unwrap();
    let octets = contents(&primitive);
    let octets = AnyRef::new(Tag::OctetString, &octets).unwrap().to_der();
    let mut constructed = AnyRef::new(Tag::OctetString, &octets.unwrap())
        .unwrap()
        .to_der()
        .unwrap();
    constructed[0] = 0xA0;
    let envelope = replace_element(&envelope, &primitive, &constructed);
    let message = device.signed(&request, Some(envelope));
    world.exchange(&device, message).await.leaf();
}

#[tokio::test]
async fn certmonger_and_sscep_sign_with_certificates_of_version_1_and_long_serial_numbers() {
    assert_eq!(send_capture("certmonger-new.der").await, GRANTED);
    assert_eq!(send_capture("sscep-aes256-sha256.der").await, GRANTED);
}

#[tokio::test]
async fn devices_whose_clocks_are_hours_off_sign_with_certificates_that_are_not_valid_now() {
    let world = World::new().await;
    // The device's self-signed certificate is valid from 1975 to 4096, so only the server's clock
    // is wrong here; it issues with an earlier notBefore.
    let device = Device::rsa();
    world
        .clock
        .advance(std::time::Duration::from_secs(9 * 60 * 60));
    let leaf = world
        .ask(&device, &device.enrolment("device-1", CHALLENGE))
        .await
        .leaf();
    let now = scep_service::ports::Clock::now(&*world.clock);
    assert!(leaf.validity().unwrap().not_before < now);
}

#[tokio::test]
async fn strongswan_takes_nothing_but_rsa_encryption_as_signature_algorithm() {
    let world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let message = device.message(&request, &world.ra_certificate);
    let reply = world.post(message).await;
    let printed = openssl::run(
        &["cms", "-cmsout", "-print", "-noout", "-inform", "DER"],
        reply.body(),
    );
    let printed = String::from_utf8(printed).unwrap();
    let algorithm = printed.split("signatureAlgorithm:").last().unwrap();
    assert!(algorithm.contains("rsaEncryption"), "{algorithm}");
}

#[tokio::test]
async fn sscep_certmonger_strongswan_and_bouncycastle_name_their_signatures_in_their_own_ways() {
    // In this order: rsaEncryption with a separate digest; RSASSA-PSS; a signature algorithm that
    // includes its digest, with the cmsAlgorithmProtection attribute.
    assert_eq!(send_capture("sscep-aes192-sha384.der").await, GRANTED);
    assert_eq!(send_capture("pki-pss-sha512.der").await, GRANTED);
    assert_eq!(send_capture("jscep-new.der").await, GRANTED);
}

#[tokio::test]
async fn everyone_has_another_form_of_transaction_id() {
    let world = World::new().await;
    let device = Device::rsa();
    for id in [
        "CB1FF0B9D51214BAABB7E858D6749F04C30AB466",
        "103725728474190005424679417048938250897222858927176949270498631264128199002694",
        "rJ5+Zk0v/Q==",
        "SSCEP transactionId",
    ] {
        let request = Request {
            transaction_id: id.to_owned(),
            ..device.enrolment("device-1", CHALLENGE)
        };
        let reply = world.ask(&device, &request).await;
        assert_eq!(reply.transaction_id.unwrap().as_str(), id);
    }
}

#[tokio::test]
async fn sscep_strongswan_micromdm_and_certmonger_use_the_transaction_id_of_their_key_again() {
    let world = World::new().await;
    let device = Device::rsa();
    let first = device.enrolment("device-1", CHALLENGE);
    let leaf = world.ask(&device, &first).await.leaf();
    // A retry, a corrected request and a renewal all use the same transactionID.
    assert_eq!(world.ask(&device, &first).await.leaf(), leaf);
    let corrected = device.enrolment("device-2", CHALLENGE);
    assert_eq!(corrected.transaction_id, first.transaction_id);
    let leaf = world.ask(&device, &corrected).await.leaf();
    let device = device.holding(leaf);
    world.make_renewable(&device.certificate);
    let renewal = device.renewal("device-2");
    assert_eq!(renewal.transaction_id, first.transaction_id);
    world.ask(&device, &renewal).await.leaf();
}

#[tokio::test]
async fn certmonger_sscep_cisco_and_macos_renew_by_pkcs_req_and_strongswan_by_renewal_req() {
    // The capture of sscep requests another subject and contains the challenge, so it is an
    // enrolment.
    for file in [
        "certmonger-rekey.der",
        "jscep-renew.der",
        "pki-renew.der",
        "sscep-renew.der",
    ] {
        assert_eq!(send_capture(file).await, GRANTED, "{}", file);
    }
}

#[tokio::test]
async fn sscep_asks_for_certificates_and_crls() {
    assert_eq!(send_capture("sscep-getcert.der").await, GRANTED);
    assert_eq!(send_capture("sscep-getcrl.der").await, GRANTED);
}

#[tokio::test]
async fn micromdm_renews_with_the_challenge() {
    let world = World::new().await;
    let device = world.enrol_renewable("device-1").await;
    let next = Device::rsa();
    let request = Request {
        content: Some(next.csr("device-1", Some(CHALLENGE), &[])),
        ..next.renewal("device-1")
    };
    world.ask(&device, &request).await.leaf();
}

#[tokio::test]
async fn micromdm_encrypts_to_every_certificate_of_get_ca_cert() {
    let capture = PkiMessage::from_ber(&read_octets("pki-aes-sha256.der")).unwrap();
    let envelope = capture.envelope().unwrap();
    assert!(matches!(envelope.recipients(), [Recipient::KeyTrans(_)]));
    // openssl lists the authority as the first recipient and the RA as the second.
    let world = World::planned(scepter_tests::world::Plan {
        key_algorithm: ca::key_algorithm::KeyAlgorithm::Rsa2048,
        ..Default::default()
    })
    .await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let folder = tempfile::tempdir().unwrap();
    let ca = openssl::write_pem(folder.path(), "ca.pem", &world.authority);
    let ra = openssl::write_pem(folder.path(), "ra.pem", &world.ra_certificate);
    let arguments = [
        "cms", "-encrypt", "-binary", "-outform", "DER", "-aes128", &ca, &ra,
    ];
    let content = request.content.as_ref().unwrap();
    let envelope = openssl::run(&arguments, content);
    world
        .exchange(&device, device.signed(&request, Some(envelope)))
        .await
        .leaf();
}

#[tokio::test]
async fn micromdm_2_1_0_and_sscep_send_single_des_and_md5_whatever_is_announced() {
    let refused = (200, PkiStatus::Failure, Some(FailInfo::BadAlg));
    assert_eq!(send_capture("scepclient-new.der").await, refused);
}

#[tokio::test]
async fn strongswan_5_9_8_asks_for_aes_only_where_sha_384_is_announced() {
    let world = World::new().await;
    let announced = world.get_scep("operation=GetCACaps").await;
    let lines = String::from_utf8(announced.body().to_vec()).unwrap();
    assert!(lines.lines().any(|line| line == "SHA-384"));
}

#[tokio::test]
async fn apple_takes_the_first_certificate_that_signs_and_encrypts_for_the_ra() {
    let world = World::new().await;
    let chain = world.get_scep("operation=GetCACert").await;
    let chain = DegenerateSignedData::from_ber(chain.body()).unwrap();
    assert_eq!(chain.certificates[0], world.ra_certificate.der());
    assert_eq!(chain.certificates[1], world.authority.der());
    // `World::ask` verifies that this certificate's key signs the replies.
    world.enrolled("device-1").await;
}

#[tokio::test]
async fn cisco_wants_the_issuer_in_a_cert_rep_and_juniper_does_not() {
    let world = World::new().await;
    let device = Device::rsa();
    for (wanted, certificates) in [(false, 1), (true, 2)] {
        let edit = |profile: &mut scep_protocol::profile::ScepProfile| {
            profile.settings.include_ca_certificate = wanted;
        };
        world.edit_scep_profile(edit).await;
        let reply = world
            .ask(&device, &device.enrolment("device-1", CHALLENGE))
            .await;
        assert_eq!(reply.certificates.len(), certificates);
    }
}

#[tokio::test]
async fn jscep_and_sscep_read_the_outer_certificates_of_get_next_ca_cert() {
    let world = World::new().await;
    let admin = scepter_tests::admin::Admin::of(&world);
    let authority = admin.find("/authorities", "test-ca").await;
    let path = format!("/authorities/{authority}/rollover");
    let begun = admin.post(&path, serde_json::Value::Null).await.expect(200);
    let pem = scepter_tests::admin::text(&begun["next"]["pem"]);
    let next = Certificate::from_pem(&pem).unwrap();
    let message = world.get_scep("operation=GetNextCACert").await;
    let outer = DegenerateSignedData::from_ber(message.body()).unwrap();
    assert!(outer.certificates.iter().any(|der| der == next.der()));
    // jscep verifies the RA's signature and the RFC requires the CA's; `rollover.rs` has openssl
    // verify both.
}

#[tokio::test(flavor = "multi_thread")]
async fn several_clients_post_twice_at_the_same_moment() {
    let world = std::sync::Arc::new(World::new().await);
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let message = device.message(&request, &world.ra_certificate);
    let post = || {
        let (world, message) = (std::sync::Arc::clone(&world), message.clone());
        tokio::spawn(async move { world.post(message).await })
    };
    let (first, second) = tokio::join!(post(), post());
    let leaf = |response: Response<bytes::Bytes>| {
        device.read(response.body(), &world.ra_certificate).leaf()
    };
    assert_eq!(leaf(first.unwrap()), leaf(second.unwrap()));
}

#[tokio::test]
async fn old_devices_send_nonces_of_8_octets_sha_1_and_triple_des() {
    let world = World::new().await;
    let device = Device::rsa();
    let request = Request {
        message_type: MessageType::PkcsReq,
        sender_nonce: vec![9; 8],
        digest: DigestAlgorithm::Sha1,
        cipher: ContentEncryption::DesEde3Cbc,
        ..device.enrolment("device-1", CHALLENGE)
    };
    let reply = world.ask(&device, &request).await;
    assert_eq!(reply.attributes.recipient_nonce, Some(vec![9; 8]));
    assert_eq!(reply.digest, DigestAlgorithm::Sha1);
    reply.leaf();
}
