//! Variations of the message around a request: names, signatures, identifiers, transactionIDs.

use scep_cms::algorithm::{ContentEncryption, DigestAlgorithm};
use scep_cms::attribute::{FailInfo, PkiStatus};
use scep_cms::certificate::Certificate;
use scep_cms::content_key::ContentKey;
use scep_cms::envelope::{PkcsPkiEnvelope, SealTo};
use scep_cms::message_type::MessageType;
use scepter_tests::asn1::{NULL, at, children, contents, element, oid, replace_element, with};
use scepter_tests::assert::assert_pending;
use scepter_tests::device::{Device, Request};
use scepter_tests::world::{CHALLENGE, World};

/// The paths to the parts of a SignedData in a device's message.
pub(crate) const DIGEST_ALGORITHM: [usize; 5] = [1, 0, 4, 0, 2];
pub(crate) const SIGNED_ATTRIBUTES: [usize; 5] = [1, 0, 4, 0, 3];
pub(crate) const SIGNATURE_ALGORITHM: [usize; 5] = [1, 0, 4, 0, 4];
pub(crate) const SIGNATURE: [usize; 5] = [1, 0, 4, 0, 5];
pub(crate) const CONTENT: [usize; 5] = [1, 0, 2, 1, 0];
/// The paths in an envelope to its only recipient's issuer, identifier, algorithm and encrypted
/// key.
const RECIPIENT: [usize; 6] = [1, 0, 1, 0, 1, 0];
const RECIPIENT_IDENTIFIER: [usize; 5] = [1, 0, 1, 0, 1];
const KEY_ENCRYPTION: [usize; 5] = [1, 0, 1, 0, 2];
pub(crate) const ENCRYPTED_KEY: [usize; 5] = [1, 0, 1, 0, 3];

const TRANSACTION_ID: &str = "2.16.840.1.113733.1.9.7";

/// Builds the envelope of a request, encrypted to a certificate with a content key that no other
/// test uses.
pub(crate) fn seal(request: &Request, recipient: &Certificate) -> Vec<u8> {
    let key = uuid::Uuid::new_v4().into_bytes();
    let key = ContentKey::new(ContentEncryption::Aes128Cbc, &key).unwrap();
    let to = SealTo::Certificate(recipient);
    let content = request.content.as_ref().unwrap();
    PkcsPkiEnvelope::seal(content, ContentEncryption::Aes128Cbc, &key, &[6; 16], to).unwrap()
}

/// Builds a message that carries the signed attributes as in `sent` and is signed over them as in
/// `signed`.
pub(crate) fn sign_over(
    device: &Device,
    message: &[u8],
    sent: &[Vec<u8>],
    signed: &[Vec<u8>],
) -> Vec<u8> {
    let signature = device.sign(DigestAlgorithm::Sha256, &element(0x31, &[&signed.concat()]));
    let message = with(
        message,
        &SIGNED_ATTRIBUTES,
        &element(0xa0, &[&sent.concat()]),
    );
    with(&message, &SIGNATURE, &element(0x04, &[&signature]))
}

/// Builds a message with the value of one attribute replaced, and signs it again.
pub(crate) fn replace_attribute(
    device: &Device,
    message: &[u8],
    kind: &str,
    value: &[u8],
) -> Vec<u8> {
    let attributes = children(&at(message, &SIGNED_ATTRIBUTES));
    let attributes = attributes.into_iter().map(|attribute| {
        if at(&attribute, &[0]) == oid(kind) {
            return with(&attribute, &[1, 0], value);
        }
        attribute
    });
    let mut attributes: Vec<_> = attributes.collect();
    attributes.sort();
    sign_over(device, message, &attributes, &attributes)
}

/// Other encodings of a Name whose values are UTF8Strings of ASCII characters.
fn rewrite_name(name: &[u8]) -> Vec<Vec<u8>> {
    let rdns = children(name);
    let each = |change: &dyn Fn(&[u8]) -> Vec<u8>| {
        let rdns = rdns
            .iter()
            .map(|rdn| with(rdn, &[0, 1], &change(&at(rdn, &[0, 1]))));
        element(0x30, &[&rdns.collect::<Vec<_>>().concat()])
    };
    let reversed: Vec<_> = rdns.iter().rev().cloned().collect();
    let ways = vec![
        element(0x30, &[&reversed.concat()]),
        each(&|value| element(0x13, &[&contents(value)])),
        each(&|value| element(0x0c, &[&contents(value).to_ascii_uppercase()])),
        each(&|value| element(0x16, &[&contents(value).to_ascii_lowercase()])),
        each(&|value| {
            let text = String::from_utf8(contents(value))
                .unwrap()
                .replace(' ', "  ");
            element(0x0c, &[format!(" {text} ").as_bytes()])
        }),
    ];
    assert!(ways.iter().all(|way| way != name));
    ways
}

#[tokio::test]
async fn java_and_go_write_the_recipients_issuer_anew() {
    let world = World::new().await;
    let issuer = world.ra_certificate.issuer_and_serial_number().issuer();
    for way in rewrite_name(issuer) {
        let device = Device::rsa();
        let request = device.enrolment("device-1", CHALLENGE);
        let envelope = seal(&request, &world.ra_certificate);
        assert_eq!(at(&envelope, &RECIPIENT), issuer);
        let envelope = with(&envelope, &RECIPIENT, &way);
        let message = device.signed(&request, Some(envelope));
        world.exchange(&device, message).await.leaf();
    }
    // A redundant leading zero in the serial number.
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let serial_number = world
        .ra_certificate
        .issuer_and_serial_number()
        .serial_number();
    let longer = element(0x02, &[&[0], &contents(serial_number)]);
    let envelope = replace_element(
        &seal(&request, &world.ra_certificate),
        serial_number,
        &longer,
    );
    world
        .exchange(&device, device.signed(&request, Some(envelope)))
        .await
        .leaf();
}

#[tokio::test]
async fn a_recipient_with_another_serial_number_or_name_is_another() {
    let world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let name = world.ra_certificate.issuer_and_serial_number();
    let elsewhere = scepter_tests::asn1::common_name("Test CA");
    for (part, other) in [
        (name.serial_number(), element(0x02, &[&[1]])),
        (name.issuer(), elsewhere),
    ] {
        let envelope = replace_element(&seal(&request, &world.ra_certificate), part, &other);
        let message = device.signed(&request, Some(envelope));
        let (reason, text) = world.exchange(&device, message).await.failure();
        assert_eq!(reason, FailInfo::BadMessageCheck);
        assert_eq!(text, "the content is not encrypted to this RA certificate");
    }
}

#[tokio::test]
async fn jscep_and_sscep_ask_with_the_issuer_written_otherwise() {
    let world = World::new().await;
    let holder = world.enrolled("device-1").await;
    let issuer = world.authority.subject();
    for message_type in [MessageType::GetCert, MessageType::GetCrl] {
        for way in rewrite_name(issuer) {
            let mut query = holder.query(message_type, &holder.certificate);
            query.content = Some(with(&query.content.unwrap(), &[0], &way));
            let reply = world.ask(&holder, &query).await;
            assert_eq!(reply.attributes.pki_status, PkiStatus::Success);
            match message_type {
                MessageType::GetCert => assert_eq!(reply.leaf(), holder.certificate),
                _ => assert_eq!(reply.crls.len(), 1),
            }
        }
        let mut query = holder.query(message_type, &holder.certificate);
        let elsewhere = scepter_tests::asn1::common_name("Another CA");
        query.content = Some(with(&query.content.unwrap(), &[0], &elsewhere));
        let (reason, _) = world.ask(&holder, &query).await.failure();
        assert_eq!(reason, FailInfo::BadCertId);
    }
}

#[tokio::test]
async fn users_of_sscep_give_it_the_authoritys_certificate() {
    // The authority needs an RSA key to encrypt to.
    let world = World::planned(scepter_tests::world::Plan {
        key_algorithm: ca::key_algorithm::KeyAlgorithm::Rsa2048,
        ..Default::default()
    })
    .await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let message = device.message(&request, &world.authority);
    let (reason, text) = world.exchange(&device, message).await.failure();
    assert_eq!(reason, FailInfo::BadMessageCheck);
    let expected = "the content is encrypted to the authority's certificate, not to the RA certificate, the first of GetCACert";
    assert_eq!(text, expected);
}

#[tokio::test]
async fn old_ejbca_clients_wrap_a_key_identifier_twice() {
    let world = World::new().await;
    let identifier = world.ra_certificate.subject_key_identifier().unwrap();
    let octets = element(0x04, &[identifier]);
    for written in [
        element(0x80, &[identifier]),
        element(0x80, &[&octets]),
        element(0xa0, &[&octets]),
        element(
            0xa0,
            &[
                &element(0x04, &[&identifier[..9]]),
                &element(0x04, &[&identifier[9..]]),
            ],
        ),
    ] {
        let device = Device::rsa();
        let request = device.enrolment("device-1", CHALLENGE);
        let envelope = seal(&request, &world.ra_certificate);
        let envelope = with(&envelope, &RECIPIENT_IDENTIFIER, &written);
        let message = device.signed(&request, Some(envelope));
        world.exchange(&device, message).await.leaf();
    }
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let envelope = seal(&request, &world.ra_certificate);
    let envelope = with(
        &envelope,
        &RECIPIENT_IDENTIFIER,
        &element(0x80, &[&octets[..21]]),
    );
    let message = device.signed(&request, Some(envelope));
    let (reason, _) = world.exchange(&device, message).await.failure();
    assert_eq!(reason, FailInfo::BadMessageCheck);
}

#[tokio::test]
async fn java_defaults_to_oaep_with_two_digests_and_is_told_which() {
    let world = World::new().await;
    let device = Device::rsa();
    let digest = |arcs: &str| element(0x30, &[&oid(arcs), NULL]);
    let sha1 = digest("1.3.14.3.2.26");
    for (name, arcs) in [
        ("SHA-256", "2.16.840.1.101.3.4.2.1"),
        ("SHA-512", "2.16.840.1.101.3.4.2.3"),
    ] {
        let mask = element(0x30, &[&oid("1.2.840.113549.1.1.8"), &sha1]);
        let parameters = [element(0xa0, &[&digest(arcs)]), element(0xa1, &[&mask])].concat();
        let algorithm = [oid("1.2.840.113549.1.1.7"), element(0x30, &[&parameters])].concat();
        let request = device.enrolment("device-1", CHALLENGE);
        let envelope = seal(&request, &world.ra_certificate);
        let envelope = with(&envelope, &KEY_ENCRYPTION, &element(0x30, &[&algorithm]));
        let message = device.signed(&request, Some(envelope));
        let (reason, text) = world.exchange(&device, message).await.failure();
        assert_eq!(reason, FailInfo::BadAlg);
        let expected = format!(
            "the key encryption algorithm RSAES-OAEP (1.2.840.113549.1.1.7) with {name} and MGF1 with SHA-1 is not supported"
        );
        assert_eq!(text, expected);
    }
}

#[tokio::test]
async fn micromdm_and_scep_gem_write_transaction_ids_of_their_own() {
    let world = World::new().await;
    for (tag, octets) in [
        (0x13, &b"abc_123"[..]),
        (0x13, b"{0F5E8C8A-1111-4222-8333-444455556666}"),
        (0x0c, b"device-1"),
        (0x16, b"device-2"),
        (0x13, b"a@b*c&d\"e\\f"),
        (0x0c, "ger\u{e4}t".as_bytes()),
        (0x14, &[0xe4, 0, 1, 0x1b]),
        (0x1e, b"\0a\0b"),
        (0x13, &[b'_'; 255]),
    ] {
        let device = Device::rsa();
        let request = device.enrolment("device-1", CHALLENGE);
        let message = device.message(&request, &world.ra_certificate);
        let value = element(tag, &[octets]);
        let message = replace_attribute(&device, &message, TRANSACTION_ID, &value);
        let first = world.post(message.clone()).await;
        let attributes = children(&at(first.body(), &SIGNED_ATTRIBUTES));
        let is_id = |attribute: &&Vec<u8>| at(attribute, &[0]) == oid(TRANSACTION_ID);
        let echoed = attributes.iter().find(is_id).unwrap();
        assert_eq!(at(echoed, &[1, 0]), value);
        let leaf = device.read(first.body(), &world.ra_certificate).leaf();
        // The transactionID still identifies the transaction: the same message gets the same
        // certificate.
        assert_eq!(world.exchange(&device, message).await.leaf(), leaf);
    }
    // Rejected are values that are too long, not a string, or empty.
    for value in [
        element(0x13, &[&[b'_'; 256]]),
        element(0x04, &[b"octets"]),
        element(0x0c, &[]),
    ] {
        let device = Device::rsa();
        let request = device.enrolment("device-1", CHALLENGE);
        let message = device.message(&request, &world.ra_certificate);
        let message = replace_attribute(&device, &message, TRANSACTION_ID, &value);
        let (reason, _) = world.exchange(&device, message).await.failure();
        assert_eq!(reason, FailInfo::BadRequest);
    }
}

#[tokio::test]
async fn a_poll_by_another_type_of_string_is_about_the_same_transaction() {
    let world = World::new().await;
    let approval = |profile: &mut scep_protocol::profile::ScepProfile| {
        profile.settings.require_manual_approval = true
    };
    world.edit_scep_profile(approval).await;
    let device = Device::rsa();
    let mut request = device.enrolment("device-1", CHALLENGE);
    for (message_type, tag) in [(MessageType::PkcsReq, 0x0c), (MessageType::CertPoll, 0x16)] {
        request.message_type = message_type;
        let message = device.message(&request, &world.ra_certificate);
        let value = element(tag, &[b"a_b"]);
        let message = replace_attribute(&device, &message, TRANSACTION_ID, &value);
        let reply = world.exchange(&device, message).await;
        assert_pending(&reply);
    }
    assert_eq!(world.count_transactions(), 1);
}

#[tokio::test]
async fn old_cisco_and_scepmans_client_are_told_which_algorithm_is_not_taken() {
    let world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let good = device.message(&request, &world.ra_certificate);
    let told = async |message: Vec<u8>| {
        let (reason, text) = world.exchange(&device, message).await.failure();
        assert_eq!(reason, FailInfo::BadAlg);
        text
    };
    let md5 = element(0x30, &[&oid("1.2.840.113549.2.5"), NULL]);
    let text = told(with(&good, &DIGEST_ALGORITHM, &md5)).await;
    assert_eq!(
        text,
        "the message digest algorithm MD5 (1.2.840.113549.2.5) is not supported"
    );
    let md5 = element(0x30, &[&oid("1.2.840.113549.1.1.4"), NULL]);
    let text = told(with(&good, &SIGNATURE_ALGORITHM, &md5)).await;
    assert!(text.contains("md5WithRSAEncryption"), "{text}");
    for (name, arcs) in [
        ("DES-CBC", "1.3.14.3.2.7"),
        ("RC4", "1.2.840.113549.3.4"),
        ("RC2-CBC", "1.2.840.113549.3.2"),
    ] {
        let envelope = seal(&request, &world.ra_certificate);
        let cipher = oid("2.16.840.1.101.3.4.1.2");
        let envelope = replace_element(&envelope, &cipher, &oid(arcs));
        let text = told(device.signed(&request, Some(envelope))).await;
        let expected = format!("the content encryption algorithm {name} ({arcs}) is not supported");
        assert_eq!(text, expected);
    }
    // The refusal also names an algorithm that the profile disables.
    let strict = |profile: &mut scep_protocol::profile::ScepProfile| {
        profile.settings.legacy_algorithms = false
    };
    world.edit_scep_profile(strict).await;
    let mut old = request.clone();
    old.cipher = ContentEncryption::DesEde3Cbc;
    let text = told(device.message(&old, &world.ra_certificate)).await;
    assert!(text.contains("DES-EDE3-CBC"), "{text}");
    old.digest = DigestAlgorithm::Sha1;
    let text = told(device.message(&old, &world.ra_certificate)).await;
    assert!(text.contains("SHA-1"), "{text}");
}
