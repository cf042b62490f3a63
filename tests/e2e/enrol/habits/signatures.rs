//! Variations of signatures and of what they cover.

use scep_cms::algorithm::DigestAlgorithm;
use scep_cms::attribute::FailInfo;
use scepter_tests::asn1::{
    NULL, SHA256_WITH_RSA, at, children, contents, element, integer, oid, with,
};
use scepter_tests::device::Device;
use scepter_tests::openssl;
use scepter_tests::world::{CHALLENGE, World};

use crate::enrol::habits::messages::{
    CONTENT, DIGEST_ALGORITHM, ENCRYPTED_KEY, SIGNATURE, SIGNATURE_ALGORITHM, SIGNED_ATTRIBUTES,
    replace_attribute, seal, sign_over,
};

const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";

#[tokio::test]
async fn openssl_once_took_the_longest_salt_and_others_take_20_octets() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    // RSASSA-PSS-params with SHA-256 for both digests and this salt length.
    let pss = |salt: u8| {
        let sha256 = element(0x30, &[&oid("2.16.840.1.101.3.4.2.1"), NULL]);
        let mask = element(0x30, &[&oid("1.2.840.113549.1.1.8"), &sha256]);
        let parameters = [
            element(0xa0, &[&sha256]),
            element(0xa1, &[&mask]),
            element(0xa2, &[&integer(&[salt])]),
        ];
        let parameters = element(0x30, &[&parameters.concat()]);
        element(0x30, &[&oid("1.2.840.113549.1.1.10"), &parameters])
    };
    for (said, taken, issued) in [
        (222, "222", true),
        (20, "20", true),
        (32, "32", true),
        (20, "32", false),
    ] {
        let device = Device::rsa();
        let key = openssl::write(folder.path(), "key.der", &device.key.serialize_der());
        let request = device.enrolment("device-1", CHALLENGE);
        let message = device.message(&request, &world.ra_certificate);
        let message = with(&message, &SIGNATURE_ALGORITHM, &pss(said));
        let attributes = element(0x31, &[&contents(&at(&message, &SIGNED_ATTRIBUTES))]);
        let salt = format!("rsa_pss_saltlen:{taken}");
        let arguments = [
            "dgst",
            "-sha256",
            "-sign",
            &key,
            "-sigopt",
            "rsa_padding_mode:pss",
            "-sigopt",
            &salt,
        ];
        let signature = openssl::run(&arguments, &attributes);
        let message = with(&message, &SIGNATURE, &element(0x04, &[&signature]));
        let reply = world.exchange(&device, message).await;
        match issued {
            true => drop(reply.leaf()),
            false => assert_eq!(reply.failure().0, FailInfo::BadMessageCheck),
        }
    }
}

#[tokio::test]
async fn old_toolkits_name_the_signature_where_the_digest_belongs() {
    let world = World::new().await;
    for (digest, arcs) in [
        (DigestAlgorithm::Sha256, SHA256_WITH_RSA),
        (DigestAlgorithm::Sha1, "1.2.840.113549.1.1.5"),
        (DigestAlgorithm::Sha1, "1.3.14.3.2.29"),
        (DigestAlgorithm::Sha512, "1.2.840.113549.1.1.13"),
    ] {
        let device = Device::rsa();
        let mut request = device.enrolment("device-1", CHALLENGE);
        request.digest = digest;
        let message = device.message(&request, &world.ra_certificate);
        let algorithm = element(0x30, &[&oid(arcs), NULL]);
        let reply = world
            .exchange(&device, with(&message, &DIGEST_ALGORITHM, &algorithm))
            .await;
        assert_eq!(reply.digest, digest);
        reply.leaf();
    }
}

#[tokio::test]
async fn pkcs_7_signers_put_a_sequence_where_octets_belong() {
    let world = World::new().await;
    for (over_contents, issued) in [(true, true), (false, false)] {
        let device = Device::rsa();
        let request = device.enrolment("device-1", CHALLENGE);
        let envelope = seal(&request, &world.ra_certificate);
        let message = device.signed(&request, Some(envelope.clone()));
        let message = with(&message, &CONTENT, &envelope);
        let digested = if over_contents {
            contents(&envelope)
        } else {
            envelope
        };
        let digest = element(0x04, &[&DigestAlgorithm::Sha256.digest(&digested)]);
        let message = replace_attribute(&device, &message, MESSAGE_DIGEST, &digest);
        let reply = world.exchange(&device, message).await;
        match issued {
            true => drop(reply.leaf()),
            false => assert_eq!(reply.failure().0, FailInfo::BadMessageCheck),
        }
    }
}

#[tokio::test]
async fn strongswan_and_old_bouncycastle_sign_attributes_in_either_order() {
    let world = World::new().await;
    // Attributes sent in another order than DER's, and signed in DER's order, as sent, or in
    // neither order.
    for (order, issued) in [("sorted", true), ("as sent", true), ("neither", false)] {
        let device = Device::rsa();
        let request = device.enrolment("device-1", CHALLENGE);
        let message = device.message(&request, &world.ra_certificate);
        let sorted = children(&at(&message, &SIGNED_ATTRIBUTES));
        let sent: Vec<_> = sorted.iter().rev().cloned().collect();
        let mut neither = sorted.clone();
        neither.swap(0, 1);
        let signed = match order {
            "sorted" => &sorted,
            "as sent" => &sent,
            _ => &neither,
        };
        let message = sign_over(&device, &message, &sent, signed);
        let before = scep_cms::operations::total();
        let reply = world.exchange(&device, message).await;
        let operations = scep_cms::operations::total() - before;
        match issued {
            true => drop(reply.leaf()),
            false => assert_eq!(reply.failure().0, FailInfo::BadMessageCheck),
        }
        // At most two for the message's signature, one for the request's, and one with which the
        // device verifies the reply.
        assert!(operations <= 4, "{operations}");
    }
}

#[tokio::test]
async fn java_big_integers_drop_leading_zeros() {
    let world = World::new().await;
    let device = Device::rsa();
    let mut request = device.enrolment("device-1", CHALLENGE);
    // Find a ciphertext that begins with a zero, and drop that octet.
    let short = (0..10_000).find_map(|_| {
        let envelope = seal(&request, &world.ra_certificate);
        let encrypted = contents(&at(&envelope, &ENCRYPTED_KEY));
        let rest = encrypted.strip_prefix(&[0])?;
        Some(with(&envelope, &ENCRYPTED_KEY, &element(0x04, &[rest])))
    });
    let short = short.unwrap();
    let message = device.signed(&request, Some(short.clone()));
    world.exchange(&device, message).await.leaf();
    // The same for the message's signature.
    let message = (0..10_000_u32).find_map(|nonce| {
        request.sender_nonce = [[7; 12].as_slice(), &nonce.to_be_bytes()].concat();
        let message = device.signed(&request, Some(short.clone()));
        let signature = contents(&at(&message, &SIGNATURE));
        let rest = signature.strip_prefix(&[0])?;
        Some(with(&message, &SIGNATURE, &element(0x04, &[rest])))
    });
    world.exchange(&device, message.unwrap()).await.leaf();
    // Octets longer than the modulus are rejected: clients only drop zeros and never add them.
    let longer = |der: &[u8], path: &[usize]| {
        let octets = contents(&at(der, path));
        with(der, path, &element(0x04, &[&[0], &octets]))
    };
    let envelope = longer(&seal(&request, &world.ra_certificate), &ENCRYPTED_KEY);
    let message = device.signed(&request, Some(envelope));
    let message = [
        longer(&device.message(&request, &world.ra_certificate), &SIGNATURE),
        message,
    ];
    for message in message {
        let (reason, _) = world.exchange(&device, message).await.failure();
        assert_eq!(reason, FailInfo::BadMessageCheck);
    }
}
