//! Every signed refusal: a FAILURE with HTTP 200, its failInfo and its text.

use scep_cms::algorithm::{ContentEncryption, DigestAlgorithm};
use scep_cms::attribute::FailInfo;
use scep_cms::content_key::ContentKey;
use scep_cms::envelope::{PkcsPkiEnvelope, SealTo};
use scep_cms::message_type::MessageType;
use scepter_tests::asn1::{oid, replace_element};
use scepter_tests::assert::assert_refusal;
use scepter_tests::device::Device;
use scepter_tests::world::{CHALLENGE, World};

/// Replaces the only occurrence of `from` by octets of the same length.
#[track_caller]
pub(crate) fn replace_octets(message: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<_> = message
        .windows(from.len())
        .enumerate()
        .filter(|(_, w)| *w == from)
        .collect();
    assert_eq!(places.len(), 1, "{from:02x?}");
    let mut spoilt = message.to_vec();
    spoilt[places[0].0..places[0].0 + to.len()].copy_from_slice(to);
    spoilt
}

const SENDER_NONCE: &str = "2.16.840.1.113733.1.9.5";
const TRANSACTION_ID: &str = "2.16.840.1.113733.1.9.7";
const MESSAGE_TYPE: &str = "2.16.840.1.113733.1.9.2";
/// An unknown attribute whose OID is as long as those of the SCEP attributes.
const UNKNOWN: &str = "2.16.840.1.113733.1.9.99";

const SPOILT: &str = "the message signature does not verify";
pub(crate) const CLOSED: &str = "the content cannot be decrypted";

#[tokio::test]
async fn a_wrong_or_missing_challenge_is_bad_request() {
    let (world, device) = (World::new().await, Device::rsa());
    let text = "the challengePassword is missing or wrong";
    for challenge in [Some("S3cret"), Some("s3cre"), Some(""), None] {
        let request = device.request(device.csr("device-1", challenge, &[]));
        let message = device.message(&request, &world.ra_certificate);
        assert_refusal(
            &world.exchange(&device, message).await,
            FailInfo::BadRequest,
            text,
        );
    }
    world
        .edit_scep_profile(|profile| profile.challenge = None)
        .await;
    let message = device.message(
        &device.enrolment("device-1", CHALLENGE),
        &world.ra_certificate,
    );
    let text = "the profile has no challengePassword to authorise enrolments";
    assert_refusal(
        &world.exchange(&device, message).await,
        FailInfo::BadRequest,
        text,
    );
}

#[tokio::test]
async fn changed_content_attributes_or_signature_are_bad_message_check() {
    let (world, device) = (World::new().await, Device::rsa());
    let request = device.enrolment("device-1", CHALLENGE);
    let message = device.message(&request, &world.ra_certificate);
    let last = message.len() - 1;
    let mut signature = message.clone();
    signature[last] ^= 1;
    assert_refusal(
        &world.exchange(&device, signature).await,
        FailInfo::BadMessageCheck,
        SPOILT,
    );
    let nonce = replace_octets(&message, &request.sender_nonce, &[8; 16]);
    assert_refusal(
        &world.exchange(&device, nonce).await,
        FailInfo::BadMessageCheck,
        SPOILT,
    );
    // The IV occurs only in the envelope, so this changes the signed content.
    let content = replace_octets(&message, &[6; 16], &[9; 16]);
    assert_refusal(
        &world.exchange(&device, content).await,
        FailInfo::BadMessageCheck,
        SPOILT,
    );
    // Change the serial number in the first of its two places only, so that the SignerInfo names a
    // certificate that the message does not contain.
    let serial = device
        .certificate
        .issuer_and_serial_number()
        .serial_number()
        .to_vec();
    let place = message
        .windows(serial.len())
        .position(|window| window == serial)
        .unwrap();
    let mut other = message;
    other[place + serial.len() - 1] ^= 1;
    assert_refusal(
        &world.exchange(&device, other).await,
        FailInfo::BadMessageCheck,
        SPOILT,
    );
}

#[tokio::test]
async fn missing_or_repeated_attributes_are_bad_request() {
    let (world, device) = (World::new().await, Device::rsa());
    let message = device.message(
        &device.enrolment("device-1", CHALLENGE),
        &world.ra_certificate,
    );
    for (attribute, name) in [
        (SENDER_NONCE, "senderNonce"),
        (TRANSACTION_ID, "transactionID"),
        (MESSAGE_TYPE, "messageType"),
    ] {
        let text = format!("the attribute {name} is missing, repeated or malformed");
        let missing = replace_octets(&message, &oid(attribute), &oid(UNKNOWN));
        assert_refusal(
            &world.exchange(&device, missing.clone()).await,
            FailInfo::BadRequest,
            &text,
        );
        // An attribute that cannot be read is not echoed.
        let reply = world.exchange(&device, missing).await;
        assert_eq!(reply.transaction_id.is_none(), attribute == TRANSACTION_ID);
        let nonce = reply.attributes.recipient_nonce;
        assert_eq!(nonce.is_none(), attribute == SENDER_NONCE);
    }
    // With senderNonce renamed to messageType, messageType occurs twice and senderNonce is missing.
    let repeated = replace_octets(&message, &oid(SENDER_NONCE), &oid(MESSAGE_TYPE));
    let text = "the attribute messageType is missing, repeated or malformed";
    assert_refusal(
        &world.exchange(&device, repeated).await,
        FailInfo::BadRequest,
        text,
    );
}

#[tokio::test]
async fn message_types_that_are_none_or_do_not_fit_are_refused() {
    let (world, device) = (World::new().await, Device::rsa());
    let message = device.message(
        &device.enrolment("device-1", CHALLENGE),
        &world.ra_certificate,
    );
    for digits in [b"18", b"23", b"00", b"1x"] {
        let mut value = vec![0x13, 2];
        value.extend(digits);
        let unknown = replace_octets(&message, &[0x13, 2, b'1', b'9'], &value);
        assert_refusal(
            &world.exchange(&device, unknown).await,
            FailInfo::BadRequest,
            "the messageType is unknown",
        );
    }
    for (kind, reason, text) in [
        (
            MessageType::CertRep,
            FailInfo::BadRequest,
            "the messageType is unknown",
        ),
        (
            MessageType::RenewalReq,
            FailInfo::BadRequest,
            "the signer's certificate was not issued by this authority under this RA Profile",
        ),
        (
            MessageType::GetCert,
            FailInfo::BadRequest,
            "the signer's certificate was not issued by this authority under this RA Profile",
        ),
        (
            MessageType::GetCrl,
            FailInfo::BadRequest,
            "the signer's certificate was not issued by this authority under this RA Profile",
        ),
        (
            MessageType::CertPoll,
            FailInfo::BadCertId,
            "no request under this transactionID is pending",
        ),
    ] {
        let mut request = device.enrolment("device-1", CHALLENGE);
        request.message_type = kind;
        let message = device.message(&request, &world.ra_certificate);
        assert_refusal(&world.exchange(&device, message).await, reason, text);
    }
}

#[tokio::test]
async fn md5_and_single_des_are_bad_alg() {
    let (world, device) = (World::new().await, Device::rsa());
    let request = device.enrolment("device-1", CHALLENGE);
    let message = device.message(&request, &world.ra_certificate);
    // MD5's OID is shorter than SHA-256's, so first try an unsupported digest whose OID has the
    // same length.
    let sha256 = oid("2.16.840.1.101.3.4.2.1");
    let md5_like = oid("2.16.840.1.101.3.4.2.9");
    let places = message
        .windows(sha256.len())
        .filter(|window| *window == sha256)
        .count();
    assert_eq!(places, 2);
    let mut other_digest = message.clone();
    let last = message
        .windows(sha256.len())
        .rposition(|window| window == sha256)
        .unwrap();
    other_digest[last..last + sha256.len()].copy_from_slice(&md5_like);
    let text = "the message digest algorithm SHA3-384 (2.16.840.1.101.3.4.2.9) is not supported";
    assert_refusal(
        &world.exchange(&device, other_digest).await,
        FailInfo::BadAlg,
        text,
    );
    // Single DES as micromdm sends it, in a correctly signed message.
    let cipher = ContentEncryption::DesEde3Cbc;
    let key = ContentKey::new(cipher, &[5; 24]).unwrap();
    let to = SealTo::Certificate(&world.ra_certificate);
    let content = request.content.as_ref().unwrap();
    let envelope = PkcsPkiEnvelope::seal(content, cipher, &key, &[6; 8], to).unwrap();
    let (triple, single) = (oid("1.2.840.113549.3.7"), oid("1.3.14.3.2.7"));
    let envelope = replace_element(&envelope, &triple, &single);
    let message = device.signed(&request, Some(envelope));
    let text = "the content encryption algorithm DES-CBC (1.3.14.3.2.7) is not supported";
    assert_refusal(
        &world.exchange(&device, message).await,
        FailInfo::BadAlg,
        text,
    );
    let message = device.signed(&request, Some(vec![0x30, 0]));
    let message = replace_element(&message, &sha256, &oid("1.2.840.113549.2.5"));
    let text = "the message digest algorithm MD5 (1.2.840.113549.2.5) is not supported";
    assert_refusal(
        &world.exchange(&device, message).await,
        FailInfo::BadAlg,
        text,
    );
}

#[tokio::test]
async fn legacy_algorithms_that_are_switched_off_are_neither_taken_nor_announced() {
    let (world, device) = (World::new().await, Device::rsa());
    world
        .edit_scep_profile(|profile| profile.settings.legacy_algorithms = false)
        .await;
    let announced = world.get_scep("operation=GetCACaps").await.into_body();
    assert!(!announced.windows(6).any(|window| window == b"SHA-1\n"));
    assert!(!announced.windows(4).any(|window| window == b"DES3"));
    let mut request = device.enrolment("device-1", CHALLENGE);
    request.digest = DigestAlgorithm::Sha1;
    let message = device.message(&request, &world.ra_certificate);
    let text = "the message digest algorithm SHA-1 (1.3.14.3.2.26) is not supported";
    assert_refusal(
        &world.exchange(&device, message.clone()).await,
        FailInfo::BadAlg,
        text,
    );
    let reply = world.exchange(&device, message).await;
    assert_eq!(reply.digest, DigestAlgorithm::Sha256);
    let mut request = device.enrolment("device-1", CHALLENGE);
    request.cipher = ContentEncryption::DesEde3Cbc;
    let message = device.message(&request, &world.ra_certificate);
    let text =
        "the content encryption algorithm DES-EDE3-CBC (1.2.840.113549.3.7) is not supported";
    assert_refusal(
        &world.exchange(&device, message).await,
        FailInfo::BadAlg,
        text,
    );
}

#[tokio::test]
async fn an_envelope_for_somebody_else_or_none_at_all_is_refused() {
    let (world, device) = (World::new().await, Device::rsa());
    let request = device.enrolment("device-1", CHALLENGE);
    let message = device.message(&request, &Device::rsa().certificate);
    let text = "the content is not encrypted to this RA certificate";
    assert_refusal(
        &world.exchange(&device, message).await,
        FailInfo::BadMessageCheck,
        text,
    );
    let message = device.signed(&request, None);
    let text = "the message carries no pkcsPKIEnvelope";
    assert_refusal(
        &world.exchange(&device, message).await,
        FailInfo::BadRequest,
        text,
    );
    // A bare request instead of an envelope, and a content type other than data.
    let message = device.signed(&request, request.content.clone());
    assert_refusal(
        &world.exchange(&device, message).await,
        FailInfo::BadMessageCheck,
        CLOSED,
    );
    let mut message = device.message(&request, &world.ra_certificate);
    let data = oid("1.2.840.113549.1.7.1");
    let first = message.windows(data.len()).position(|w| w == data);
    let first = first.unwrap();
    message[first..first + data.len()].copy_from_slice(&oid("1.2.840.113549.1.7.3"));
    assert_refusal(
        &world.exchange(&device, message).await,
        FailInfo::BadMessageCheck,
        SPOILT,
    );
}

/// A signer that names this authority as its issuer, with a serial number longer than the database
/// can store.
#[tokio::test]
async fn an_endless_serial_number_is_nobodys() {
    let world = World::new().await;
    let device = Device::named("Test CA", &[1; 1_100]);
    let text = "the signer's certificate was not issued by this authority under this RA Profile";
    let message = device.message(&device.renewal("device-1"), &world.ra_certificate);
    assert_refusal(
        &world.exchange(&device, message).await,
        FailInfo::BadRequest,
        text,
    );
    let holder = world.enrolled("device-1").await;
    let query = holder.query(MessageType::GetCert, &device.certificate);
    let message = holder.message(&query, &world.ra_certificate);
    let text = "no certificate has this issuer and serial number";
    assert_refusal(
        &world.exchange(&holder, message).await,
        FailInfo::BadCertId,
        text,
    );
}

#[tokio::test]
async fn a_request_that_is_not_its_signers_is_refused() {
    let (world, device) = (World::new().await, Device::rsa());
    let send = |content: Vec<u8>| device.message(&device.request(content), &world.ra_certificate);
    let mut spoilt = device.csr("device-1", Some(CHALLENGE), &[]);
    let last = spoilt.len() - 1;
    spoilt[last] ^= 1;
    let foreign = Device::rsa().csr("device-1", Some(CHALLENGE), &[]);
    for content in [spoilt, foreign] {
        let message = send(content);
        assert_refusal(
            &world.exchange(&device, message).await,
            FailInfo::BadMessageCheck,
            CLOSED,
        );
    }
}

#[tokio::test]
async fn a_key_that_cannot_decrypt_is_bad_alg_before_anything_is_issued() {
    let (world, device) = (World::new().await, Device::ec());
    world
        .edit_scep_profile(|profile| {
            profile.challenge = None;
            profile.settings.require_manual_approval = true;
        })
        .await;
    let message = device.message(
        &device.enrolment("device-1", CHALLENGE),
        &world.ra_certificate,
    );
    let text = "the reply cannot be encrypted to the signer's key";
    assert_refusal(
        &world.exchange(&device, message).await,
        FailInfo::BadAlg,
        text,
    );
}

#[tokio::test]
async fn broken_rules_are_named() {
    let (world, device) = (World::new().await, Device::rsa());
    world
        .edit_template(|template| template.rsa_min_bits = 3072)
        .await;
    let message = device.message(
        &device.enrolment("device-1", CHALLENGE),
        &world.ra_certificate,
    );
    let text = "rule rsaMinBits: 2048 bits, at least 3072 are required";
    assert_refusal(
        &world.exchange(&device, message.clone()).await,
        FailInfo::BadAlg,
        text,
    );
    world
        .edit_template(|template| {
            template.rsa_min_bits = 2048;
            template.subject.required = vec![
                ca::template::SubjectAttribute::COMMON_NAME,
                ca::template::SubjectAttribute::SERIAL_NUMBER,
            ];
        })
        .await;
    let text = "rule subject.required: the subject has no serialNumber";
    assert_refusal(
        &world.exchange(&device, message).await,
        FailInfo::BadRequest,
        text,
    );
    world
        .edit_template(|template| {
            template.subject.required = vec![];
            template.subject_alt_name.types = vec![];
        })
        .await;
    let csr = device.csr("device-1", Some(CHALLENGE), &["a.example"]);
    let message = device.message(&device.request(csr), &world.ra_certificate);
    let text =
        r#"rule subjectAltName.types: subjectAltName[0] dNSName "a.example": dns is not allowed"#;
    assert_refusal(
        &world.exchange(&device, message).await,
        FailInfo::BadRequest,
        text,
    );
}
