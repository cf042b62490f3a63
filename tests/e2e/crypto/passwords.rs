//! Keys that cannot decrypt, RFC 8894 §3.1: EC clients encrypt their messages, and get their
//! replies encrypted, under the challengePassword.

use scep_cms::algorithm::{ContentEncryption, DigestAlgorithm, EcCurve};
use scep_cms::attribute::FailInfo;
use scep_cms::message_type::MessageType;
use scepter_tests::device::{Device, Request};
use scepter_tests::openssl;
use scepter_tests::world::{CHALLENGE, World};

const CURVES: [(EcCurve, DigestAlgorithm); 3] = [
    (EcCurve::P256, DigestAlgorithm::Sha256),
    (EcCurve::P384, DigestAlgorithm::Sha384),
    (EcCurve::P521, DigestAlgorithm::Sha512),
];

fn build_enrolment(device: &Device, digest: DigestAlgorithm) -> Request {
    Request {
        digest,
        ..device.enrolment("device-1", CHALLENGE)
    }
}

#[tokio::test]
async fn an_ec_device_enrols_renews_and_asks_on_every_curve() {
    let world = World::new().await;
    for (curve, digest) in CURVES {
        let device = Device::ec_on(curve);
        // An EC client may encrypt its request under the password or to the RA key; the reply is
        // always under the password, because its own key cannot decrypt.
        let request = build_enrolment(&device, digest);
        let by_password = device.message_by_password(&request, CHALLENGE);
        let leaf = world.exchange(&device, by_password).await.leaf();
        let to_the_ra = device.message(&request, &world.ra_certificate);
        assert_eq!(world.exchange(&device, to_the_ra).await.leaf(), leaf);
        let poll = device.message_by_password(&device.poll(&request), CHALLENGE);
        assert_eq!(world.exchange(&device, poll).await.leaf(), leaf);
        let device = device.holding(leaf);
        world.make_renewable(&device.certificate);
        let renewal = Request {
            digest,
            ..Device::ec_on(curve).renewal("device-1")
        };
        let renewal = device.message_by_password(&renewal, CHALLENGE);
        world.exchange(&device, renewal).await.leaf();
        let query = Request {
            digest,
            ..device.query(MessageType::GetCrl, &device.certificate)
        };
        let query = device.message_by_password(&query, CHALLENGE);
        assert_eq!(world.exchange(&device, query).await.crls.len(), 1);
        // The certificates of the following curves may be renewed at any time: the threshold
        // exceeds their validity.
        if curve != EcCurve::P521 {
            world
                .edit_scep_profile(|profile| profile.settings.renewal_threshold_days = Some(400))
                .await;
        }
    }
}

#[tokio::test]
async fn every_cipher_wraps_the_key() {
    let world = World::new().await;
    for (place, cipher) in ContentEncryption::ALL.into_iter().enumerate() {
        let device = Device::ec();
        let mut request = build_enrolment(&device, DigestAlgorithm::Sha256);
        request.transaction_id = place.to_string();
        request.cipher = cipher;
        let message = device.message_by_password(&request, CHALLENGE);
        world.exchange(&device, message).await.leaf();
    }
}

#[tokio::test]
async fn a_wrong_password_opens_nothing() {
    let world = World::new().await;
    let device = Device::ec();
    let request = build_enrolment(&device, DigestAlgorithm::Sha256);
    let message = device.message_by_password(&request, "guessed");
    let refused = world.exchange(&device, message).await.failure();
    let text = "the content cannot be decrypted";
    assert_eq!(refused, (FailInfo::BadMessageCheck, text.to_owned()));
}

#[tokio::test]
async fn without_a_challenge_a_password_is_bad_alg() {
    let world = World::new().await;
    world
        .edit_scep_profile(|profile| {
            profile.challenge = None;
            profile.settings.require_manual_approval = true;
        })
        .await;
    // The RSA device is rejected for encrypting under a password; the EC device because the reply
    // could only be encrypted under one.
    let (rsa, ec) = (Device::rsa(), Device::ec());
    let request = rsa.enrolment("device-1", CHALLENGE);
    let message = rsa.message_by_password(&request, CHALLENGE);
    let text = "the profile has no challengePassword to decrypt with";
    let refused = world.exchange(&rsa, message).await.failure();
    assert_eq!(refused, (FailInfo::BadAlg, text.to_owned()));
    let request = build_enrolment(&ec, DigestAlgorithm::Sha256);
    let message = ec.message_by_password(&request, CHALLENGE);
    let text = "the reply cannot be encrypted to the signer's key";
    let refused = world.exchange(&ec, message).await.failure();
    assert_eq!(refused, (FailInfo::BadAlg, text.to_owned()));
}

/// The server decrypts openssl's PasswordRecipientInfo, and openssl decrypts the server's.
#[tokio::test]
async fn openssl_and_we_open_each_others_envelopes() {
    let world = World::new().await;
    let device = Device::ec();
    let folder = tempfile::tempdir().unwrap();
    let csr = device.csr("device-1", Some(CHALLENGE), &[]);
    for cipher in ["-aes-128-cbc", "-aes-256-cbc", "-des3"] {
        let csr = openssl::write(folder.path(), "csr.der", &csr);
        let arguments = [
            "cms",
            "-encrypt",
            "-binary",
            "-outform",
            "DER",
            "-in",
            &csr,
            cipher,
            "-pwri_password",
            CHALLENGE,
        ];
        let envelope = openssl::run(&arguments, &[]);
        let request = build_enrolment(&device, DigestAlgorithm::Sha256);
        let response = world.post(device.signed(&request, Some(envelope))).await;
        let password = Some(CHALLENGE);
        let reply = device.read_with(response.body(), &world.ra_certificate, password);
        let leaf = reply.leaf();
        let reply = scep_cms::pki_message::PkiMessage::from_ber(response.body()).unwrap();
        let ca = openssl::write_pem(folder.path(), "ca.pem", &world.authority);
        let message = openssl::write(folder.path(), "reply.der", response.body());
        let arguments = [
            "cms", "-verify", "-inform", "DER", "-in", &message, "-CAfile", &ca, "-binary",
            "-purpose", "any",
        ];
        let envelope = openssl::run(&arguments, &[]);
        let envelope = openssl::write(folder.path(), "envelope.der", &envelope);
        let arguments = [
            "cms",
            "-decrypt",
            "-inform",
            "DER",
            "-in",
            &envelope,
            "-pwri_password",
            CHALLENGE,
            "-binary",
        ];
        let content = openssl::run(&arguments, &[]);
        let degenerate = scep_cms::degenerate::DegenerateSignedData::from_ber(&content).unwrap();
        assert_eq!(degenerate.certificates[0], leaf.der());
        assert_eq!(reply.message_type(), Ok("3"));
    }
}
