//! The reasons that the client and the log get for requests that cannot be read: a common question
//! in every project's issue tracker.

use scep_protocol::profile::EndpointName;
use scep_protocol::refusal::Refusal;
use scep_service::enrol::Outcome;
use scepter_tests::asn1::{NULL, SHA256_WITH_RSA, at, bits, contents, element, oid, with};
use scepter_tests::device::Device;
use scepter_tests::world::{CHALLENGE, World, name};

use crate::enrol::habits::requests::{
    EXTENSION_REQUEST, Hand, asking, attribute, challenge, name_extension, pem,
};
use crate::enrol::refusals::CLOSED;

#[tokio::test]
async fn what_cannot_be_read_after_decryption_is_named_in_the_log_alone() {
    let hand = Hand::new().await;
    let good = hand.request(&[challenge()]);
    let closed = async |content: Vec<u8>, reason: &str| {
        let (text, log) = hand.told(content).await;
        assert_eq!((&*text, &*log), (CLOSED, reason));
    };
    let unreadable = "the envelope holds no readable request: ";
    for (content, reason) in [
        (
            Vec::new(),
            "the content is not a PKCS #10 request: it is empty",
        ),
        (
            b"no request".to_vec(),
            "the content is not a PKCS #10 request: it is text, but not base64 of one",
        ),
        (
            pem("CERTIFICATE", &good),
            "the content is not a PKCS #10 request: it is PEM of something else",
        ),
        (
            vec![4, 0],
            "the content is not a PKCS #10 request: it begins with octet 0x04",
        ),
        (
            [good.as_slice(), b"x"].concat(),
            "octets follow the PKCS #10 request",
        ),
        (
            good[..good.len() - 1].to_vec(),
            "certificationRequest: a truncated message",
        ),
        (
            with(&good, &[0, 1], &[0x31, 0]),
            "certificationRequestInfo.subject: not a SEQUENCE",
        ),
        (
            with(&good, &[0, 0], &[0x04, 0]),
            "certificationRequestInfo.version: not an INTEGER",
        ),
        (
            with(&good, &[2], &[0x04, 0]),
            "certificationRequest.signature: not a BIT STRING of whole octets",
        ),
    ] {
        closed(content, &format!("{unreadable}{reason}")).await;
    }
    let md5 = element(0x30, &[&oid("1.2.840.113549.1.1.4"), NULL]);
    let reason = "the PKCS #10 request is signed with md5WithRSAEncryption (1.2.840.113549.1.1.4), which is not supported";
    closed(with(&good, &[1], &md5), reason).await;
    let other = Device::rsa().csr("device-1", Some(CHALLENGE), &[]);
    closed(
        other,
        "the PKCS #10 request is not for the key that signed the message",
    )
    .await;
    let algorithm = element(0x30, &[&oid(SHA256_WITH_RSA), NULL]);
    let forged = element(0x30, &[&at(&good, &[0]), &algorithm, &bits(&[7; 256])]);
    closed(
        forged,
        "the signature of the PKCS #10 request does not verify",
    )
    .await;
}

/// Once the request's own signature has been verified, a detailed reason reveals nothing to an
/// attacker, so the client gets it.
#[tokio::test]
async fn what_is_wrong_with_a_signed_request_is_told_with_its_place() {
    let hand = Hand::new().await;
    let bare = element(0x30, &[&oid("1.2.3"), &element(0x0c, &[b"bare"])]);
    let no_extensions = attribute(EXTENSION_REQUEST, &[element(0x0c, &[b"text"])]);
    let no_octets = element(0x30, &[&oid("2.5.29.17"), &element(0x03, &[&[0]])]);
    for (attributes, text) in [
        (
            vec![challenge(), bare],
            "certificationRequestInfo.attributes[1]: the value is not in a SET",
        ),
        (
            vec![vec![5, 0]],
            "certificationRequestInfo.attributes[0]: not a sequence of a type and its values",
        ),
        (
            vec![challenge(), no_extensions],
            "certificationRequestInfo.attributes[1]: the value is not a sequence of extensions",
        ),
        (
            vec![
                challenge(),
                asking(EXTENSION_REQUEST, &[name_extension("a"), no_octets]),
            ],
            "certificationRequestInfo.attributes[1].extensions[1]: extnValue is not in an OCTET STRING",
        ),
    ] {
        let (told, log) = hand.told(hand.request(&attributes)).await;
        assert_eq!((&*told, &*log), (text, text));
    }
}

#[tokio::test]
async fn a_key_that_does_not_decrypt_is_named_in_the_log_alone() {
    let hand = Hand::new().await;
    let request = hand.device.enrolment("device-1", CHALLENGE);
    // The envelope names the RA certificate but is encrypted to another key, as from a client that
    // has mistaken another certificate for the RA's.
    let elsewhere = World::new().await;
    let message = hand.device.message(&request, &elsewhere.ra_certificate);
    let envelope = contents(&at(&message, &[1, 0, 2, 1, 0]));
    let recipient = hand.world.ra_certificate.issuer_and_serial_number();
    let envelope = with(&envelope, &[1, 0, 1, 0, 1], &recipient.encode().unwrap());
    let message = hand.device.signed(&request, Some(envelope));
    let endpoint = EndpointName::ScepProfile(name());
    let reply = hand
        .world
        .enrolment
        .answer(&endpoint, &message)
        .await
        .unwrap();
    let Outcome::Refused(refusal) = reply.outcome else {
        panic!("the request was not refused");
    };
    assert!(matches!(refusal, Refusal::Envelope(_)));
    assert_eq!(refusal.text(), CLOSED);
    assert!(
        refusal
            .log_reason()
            .starts_with("the content key does not decrypt")
    );
}
