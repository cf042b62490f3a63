//! Successful PKCSReq: every algorithm, the variations of clients, one certificate per transaction.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ca::authority::{Authority, CertificatePath, Certification};
use ca::key_algorithm::KeyAlgorithm;
use ca::profile_name::ProfileName;
use ca::template::Period;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use scep_cms::algorithm::{ContentEncryption, DigestAlgorithm};
use scep_cms::attribute::FailInfo;
use scep_cms::certificate::Certificate;
use scep_cms::challenge::ChallengePassword;
use scep_cms::degenerate::DegenerateSignedData;
use scep_cms::pki_message::PkiMessage;
use scep_http::EveryOperation;
use scep_protocol::profile::{RaProfile, ScepProfile};
use scep_service::admin::{Edit, ScepProfileEdit};
use scep_service::object::{Versioned, find};
use scepter_tests::assert::assert_status;
use scepter_tests::device::Device;
use scepter_tests::openssl;
use scepter_tests::world::{CHALLENGE, PATH, Plan, World};
use strum::VariantArray;

use crate::crash::failing::WatchedKeys;

#[tokio::test]
async fn every_kind_of_authority_issues_what_openssl_verifies() {
    let device = Device::rsa();
    for &key_algorithm in KeyAlgorithm::VARIANTS {
        let world = World::planned(Plan {
            key_algorithm,
            ..Plan::default()
        })
        .await;
        let reply = world
            .ask(&device, &device.enrolment("device-1", CHALLENGE))
            .await;
        let folder = tempfile::tempdir().unwrap();
        let authority = openssl::write_pem(folder.path(), "ca.pem", &world.authority);
        for (certificate, purpose) in [
            (&reply.leaf(), "sslclient"),
            (&world.ra_certificate, "sslserver"),
        ] {
            let leaf = openssl::write_pem(folder.path(), "leaf.pem", certificate);
            let fixed = ["verify", "-x509_strict", "-purpose", purpose, "-CAfile"];
            openssl::run(&[&fixed[..], &[&authority, &leaf]].concat(), &[]);
        }
        for (certificate, usage) in [
            (&world.ra_certificate, "Digital Signature, Key Encipherment"),
            (
                &world.authority,
                "Digital Signature, Certificate Sign, CRL Sign",
            ),
        ] {
            let text = openssl::print(certificate, &["-ext", "keyUsage"]);
            assert_eq!(text, format!("X509v3 Key Usage: critical\n    {usage}\n"));
        }
    }
}

#[tokio::test]
async fn a_certificate_holds_what_the_rules_name_and_nothing_else() {
    let world = World::new().await;
    let device = Device::rsa();
    let csr = device.csr("device-1", Some(CHALLENGE), &["a.example", "127.0.0.1"]);
    let leaf = world.ask(&device, &device.request(csr)).await.leaf();
    let text = openssl::print(&leaf, &["-subject", "-issuer", "-ext", EXTENSIONS]);
    let identifier = |certificate: &Certificate| {
        let identifier = certificate.subject_key_identifier().unwrap();
        let octets: Vec<_> = identifier
            .iter()
            .map(|octet| format!("{octet:02X}"))
            .collect();
        octets.join(":")
    };
    let (subject_key, authority_key) = (identifier(&leaf), identifier(&world.authority));
    let expected = format!(
        "subject=O = Corp, CN = device-1\n\
         issuer=O = Corp, CN = Test CA\n\
         X509v3 Basic Constraints: critical\n    CA:FALSE\n\
         X509v3 Key Usage: critical\n    Digital Signature, Key Encipherment\n\
         X509v3 Subject Key Identifier: \n    {subject_key}\n\
         X509v3 Authority Key Identifier: \n    {authority_key}\n\
         X509v3 Extended Key Usage: \n    TLS Web Client Authentication\n\
         X509v3 Subject Alternative Name: \n    DNS:a.example, IP Address:127.0.0.1\n"
    );
    assert_eq!(text, expected);
    assert_eq!(
        leaf.subject_public_key_info(),
        device.certificate.subject_public_key_info()
    );
    let validity = leaf.validity().unwrap();
    let now = scep_service::ports::Clock::now(&*world.clock);
    assert_eq!(validity.not_before, now - Duration::from_secs(3600));
    assert_eq!(
        validity.not_after,
        now + Duration::from_secs(365 * 24 * 3600)
    );
    let serial_bytes = leaf.issuer_and_serial_number().serial_number_hex().len() / 2;
    assert!((15..=16).contains(&serial_bytes));
}

const EXTENSIONS: &str = "basicConstraints,keyUsage,subjectKeyIdentifier,authorityKeyIdentifier,\
                          extendedKeyUsage,subjectAltName";

#[tokio::test]
async fn every_digest_and_every_cipher_comes_back_as_it_came() {
    let world = World::new().await;
    let device = Device::rsa();
    for digest in DigestAlgorithm::ALL {
        for cipher in ContentEncryption::ALL {
            let mut request = device.enrolment("device-1", CHALLENGE);
            request.transaction_id = format!("{digest:?} {cipher:?}");
            (request.digest, request.cipher) = (digest, cipher);
            let message = device.message(&request, &world.ra_certificate);
            let response = world.post(message).await;
            let reply = device.read(response.body(), &world.ra_certificate);
            reply.leaf();
            assert_eq!(reply.digest, digest);
            let message = scep_cms::pki_message::PkiMessage::from_ber(response.body()).unwrap();
            let verified = message.verify().unwrap();
            assert_eq!(verified.envelope().unwrap().cipher(), cipher);
        }
    }
}

#[tokio::test]
async fn a_reply_echoes_the_transaction_and_its_nonce() {
    let world = World::new().await;
    let device = Device::rsa();
    for (transaction_id, nonce) in [("SSCEP transactionId", 8), ("a=/+'(),-.:?", 16), ("0", 64)] {
        let mut request = device.enrolment("device-1", CHALLENGE);
        request.transaction_id = transaction_id.to_owned();
        request.sender_nonce = vec![nonce; usize::from(nonce)];
        let reply = world.ask(&device, &request).await;
        assert_eq!(
            reply.transaction_id.as_ref().unwrap().as_str(),
            transaction_id
        );
        assert_eq!(reply.attributes.recipient_nonce, Some(request.sender_nonce));
        reply.leaf();
    }
}

#[tokio::test]
async fn a_get_is_answered_like_a_post() {
    let world = World::new().await;
    let device = Device::rsa();
    let message = device.message(
        &device.enrolment("device-1", CHALLENGE),
        &world.ra_certificate,
    );
    let base64 = STANDARD.encode(message);
    let escaped = utf8_percent_encode(&base64, NON_ALPHANUMERIC).to_string();
    let lines: Vec<_> = base64
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let mut serials = BTreeSet::new();
    for written in [
        escaped,
        base64.clone(),
        base64.replace('+', "%20"),
        base64.replace('+', "-").replace('/', "_").replace('=', ""),
        lines.join("%0D%0A"),
    ] {
        let response = world
            .get(&format!("{PATH}?operation=PKIOperation&message={written}"))
            .await;
        assert_status(&response, 200);
        let leaf = device.read(response.body(), &world.ra_certificate).leaf();
        serials.insert(leaf.issuer_and_serial_number().serial_number_hex());
    }
    assert_eq!(serials.len(), 1);
}

#[tokio::test]
async fn the_same_request_twice_gets_one_certificate_in_a_fresh_reply() {
    let world = World::new().await;
    let device = Device::rsa();
    let message = device.message(
        &device.enrolment("device-1", CHALLENGE),
        &world.ra_certificate,
    );
    let first = world.post(message.clone()).await.into_body();
    let second = world.post(message).await.into_body();
    let [first, second] = [first, second].map(|body| {
        let message = PkiMessage::from_ber(&body).unwrap();
        (
            message.sender_nonce().unwrap(),
            device.read(&body, &world.ra_certificate).leaf(),
        )
    });
    let [(first_nonce, first), (second_nonce, second)] = [first, second];
    assert_eq!(first_nonce.as_bytes().len(), 16);
    assert_ne!(first_nonce, second_nonce);
    assert_eq!(first, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_get_one_certificate() {
    let world = std::sync::Arc::new(World::new().await);
    let device = Device::rsa();
    let message = device.message(
        &device.enrolment("device-1", CHALLENGE),
        &world.ra_certificate,
    );
    let requests: Vec<_> = (0..20)
        .map(|_| {
            let (world, message) = (world.clone(), message.clone());
            tokio::spawn(async move { world.post(message).await })
        })
        .collect();
    let mut leaves = Vec::new();
    for request in requests {
        let response = request.await.unwrap();
        leaves.push(device.read(response.body(), &world.ra_certificate).leaf());
    }
    assert!(leaves.iter().all(|leaf| *leaf == leaves[0]));
    assert_eq!(world.database.items("test-certificates").unwrap().len(), 1);
    assert_eq!(world.count_transactions(), 1);
}

#[tokio::test]
async fn a_corrected_request_of_the_same_key_gets_a_new_certificate() {
    let world = World::new().await;
    let device = Device::rsa();
    let first = world
        .ask(&device, &device.enrolment("device-1", CHALLENGE))
        .await
        .leaf();
    let second = world
        .ask(&device, &device.enrolment("device-2", CHALLENGE))
        .await
        .leaf();
    assert_ne!(first, second);
    assert!(openssl::print(&second, &["-subject"]).contains("device-2"));
}

#[tokio::test]
async fn another_key_cannot_take_over_a_transaction_until_its_window_ends() {
    let world = World::new().await;
    let (device, other) = (Device::rsa(), Device::rsa());
    let request = device.enrolment("device-1", CHALLENGE);
    let leaf = world.ask(&device, &request).await.leaf();
    let mut foreign = other.enrolment("device-1", CHALLENGE);
    foreign.transaction_id = request.transaction_id;
    let (reason, text) = world.ask(&other, &foreign).await.failure();
    assert_eq!(reason, FailInfo::BadRequest);
    assert_eq!(text, "the transactionID belongs to another request");
    // A request gets its certificate again for at least a day.
    world.clock.advance(Duration::from_secs(25 * 3600));
    let (reason, _) = world.ask(&other, &foreign).await.failure();
    assert_eq!(reason, FailInfo::BadRequest);
    // The transactionID is free once the certificate may be renewed.
    world.make_renewable(&leaf);
    world.ask(&other, &foreign).await.leaf();
}

#[tokio::test]
async fn the_same_request_under_another_scep_profile_is_another_transaction() {
    let world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let first = world.ask(&device, &request).await.leaf();
    let known: Versioned<ScepProfile> = world.find().await;
    let administration = &world.administration;
    let edit = ScepProfileEdit {
        name: Some("other".to_owned()),
        ra_certificate: Some(known.object.ra_certificate),
        ra_profile: known.object.ra_profile.map_or(Edit::Keep, Edit::Set),
        challenge: Some(ChallengePassword::new(CHALLENGE)),
        ..ScepProfileEdit::default()
    };
    let other = administration.create_scep_profile(edit).await.unwrap();
    administration
        .enable_scep_profile(other.object.uuid)
        .await
        .unwrap();
    let message = device.message(&request, &world.ra_certificate);
    let response = world
        .send("POST", &PATH.replace("default", "other"), message)
        .await;
    let second = device.read(response.body(), &world.ra_certificate).leaf();
    assert_ne!(first, second);
    assert_eq!(world.ask(&device, &request).await.leaf(), first);
}

#[tokio::test]
async fn the_same_request_under_another_ra_profile_gets_a_certificate_of_its_own() {
    let world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let first = world.ask(&device, &request).await.leaf();
    let known: Versioned<RaProfile> = world.find().await;
    let other = RaProfile {
        uuid: newtype_uuid::TypedUuid::new_v4(),
        name: ProfileName::new("other").unwrap(),
        ..known.object
    };
    scepter_tests::objects::create(&world.store, &other)
        .await
        .unwrap();
    let message = device.message(&request, &world.ra_certificate);
    let path = PATH.replace("default", "raProfile/other");
    let response = world.send("POST", &path, message).await;
    let second = device.read(response.body(), &world.ra_certificate).leaf();
    assert_ne!(first, second);
}

#[tokio::test]
async fn an_expired_certificate_is_not_sent_again() {
    let world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let hour = Duration::from_secs(3600);
    world
        .edit_template(|template| template.validity = Period::hours(1))
        .await;
    let first = world.ask(&device, &request).await.leaf();
    assert_eq!(world.ask(&device, &request).await.leaf(), first);
    world.clock.advance(2 * hour);
    assert_ne!(world.ask(&device, &request).await.leaf(), first);
}

#[tokio::test]
async fn a_reply_carries_as_much_of_the_chain_as_the_profile_says() {
    let world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let root = Device::ec().certificate;
    let name = ProfileName::new("test-ca").unwrap();
    let authority: Versioned<Authority> = find(&world.store, &name).await.unwrap().unwrap();
    let under_a_root = |authority: &mut Authority| {
        let path = CertificatePath {
            certificate: authority.current.path().unwrap().certificate,
            chain: vec![root.clone()],
        };
        authority.current.certification = Certification::Subordinate {
            request: String::new(),
            installed: Some(path),
        };
    };
    world.edit(authority.object.uuid, under_a_root).await;
    let above = [world.authority.der().to_vec(), root.der().to_vec()];
    for (issuer, chain, expected) in [
        (false, false, 0),
        (true, false, 1),
        (false, true, 2),
        (true, true, 2),
    ] {
        world
            .edit_scep_profile(|profile| {
                profile.settings.include_ca_certificate = issuer;
                profile.settings.include_ca_certificate_chain = chain;
            })
            .await;
        let reply = world.ask(&device, &request).await;
        reply.leaf();
        assert_eq!(reply.certificates[1..], above[..expected]);
    }
    let response = world.get(&format!("{PATH}?operation=GetCACert")).await;
    let shown = DegenerateSignedData::from_ber(response.body())
        .unwrap()
        .certificates;
    assert_eq!(shown[0], world.ra_certificate.der());
    assert_eq!(shown[1..], above);
}

#[tokio::test]
async fn get_ca_cert_answers_the_ra_certificate_alone_where_the_profile_says_so() {
    let world = World::new().await;
    let uri = format!("{PATH}?operation=GetCACert&message=0");
    let response = world.get(&uri).await;
    assert_eq!(
        response.headers()["content-type"],
        "application/x-x509-ca-ra-cert"
    );
    let form = scep_protocol::profile::CaCertificateForm::RaOnly;
    world
        .edit_scep_profile(|profile| profile.settings.ca_certificate_form = form)
        .await;
    let response = world.get(&uri).await;
    assert_eq!(
        response.headers()["content-type"],
        "application/x-x509-ca-cert"
    );
    assert_eq!(response.body(), world.ra_certificate.der());
}

/// The clock stands still, so the lease of a crashed request never expires by itself.
#[tokio::test]
async fn a_transaction_that_stays_claimed_is_503_with_retry_after_and_finished_once_its_lease_is_over()
 {
    let world = World::new().await;
    world.clock.skip_waits();
    let device = Device::rsa();
    let message = device.message(
        &device.enrolment("device-1", CHALLENGE),
        &world.ra_certificate,
    );
    let mut enrolment = world.enrolment.clone();
    enrolment.ca_keys = Arc::new(WatchedKeys::failing(enrolment.ca_keys));
    let (head, body) = http::Request::post(PATH)
        .body(message.clone().into())
        .unwrap()
        .into_parts();
    let operations = EveryOperation::new(enrolment);
    let response = scep_http::respond_scep(&operations, &head, Ok(body)).await;
    assert_status(&response, 503);
    let response = world.post(message.clone()).await;
    assert_status(&response, 503);
    assert_eq!(response.headers()["retry-after"], "5");
    // The first round claims and does not wait; each of the other 139 waits.
    let waited = 139 * Duration::from_millis(50);
    assert_eq!(*world.clock.skipped.lock().unwrap(), Some(waited));
    assert_eq!(world.database.items("test-certificates").unwrap().len(), 0);
    // The lease of a claim is five seconds; until it expires, no other request may finish it.
    world.clock.advance(Duration::from_secs(6));
    let response = world.post(message).await;
    device.read(response.body(), &world.ra_certificate).leaf();
    assert_eq!(world.database.items("test-certificates").unwrap().len(), 1);
}
