//! The reasons that the client and the log get for requests that cannot be read: a common question
//! in every project's issue tracker.

use scep_protocol::profile::EndpointName;
use scep_protocol::refusal::Refusal;
use scep_service::enrol::Outcome;
use scepter_tests::asn1::{
    EXTENSION_REQUEST, NULL, SHA256_WITH_RSA, at, attribute, bits, challenge, contents, dns,
    element, oid, request_extensions, subject_alt_name, with,
};
use scepter_tests::device::Device;
use scepter_tests::world::{CHALLENGE, World, name};

use crate::enrol::habits::requests::{Hand, pem};
use crate::enrol::refusals::CLOSED;

/// The refusal of a message: the reasons that the client and the log get.
async fn find_refusal(hand: &Hand, message: &[u8]) -> Refusal {
    let endpoint = EndpointName::ScepProfile(name());
    let reply = hand.world.enrolment.answer(&endpoint, message, None).await;
    match reply.unwrap().outcome {
        Outcome::Refused(refusal) => refusal,
        _ => panic!("the request was not refused"),
    }
}

#[tokio::test]
async fn what_cannot_be_read_after_decryption_is_named_in_the_log_alone() {
    let hand = Hand::new().await;
    let good = hand.request(&[challenge()]);
    let assert_closed = async |content: Vec<u8>, reason: &str| {
        let request = hand.device.request(content);
        let message = hand.device.message(&request, &hand.world.ra_certificate);
        let refusal = find_refusal(&hand, &message).await;
        assert_eq!((&*refusal.text(), &*refusal.log_reason()), (CLOSED, reason));
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
        assert_closed(content, &format!("{unreadable}{reason}")).await;
    }
    let md5 = element(0x30, &[&oid("1.2.840.113549.1.1.4"), NULL]);
    let reason = "the PKCS #10 request is signed with md5WithRSAEncryption (1.2.840.113549.1.1.4), which is not supported";
    assert_closed(with(&good, &[1], &md5), reason).await;
    let other = Device::rsa().csr("device-1", Some(CHALLENGE), &[]);
    assert_closed(
        other,
        "the PKCS #10 request is not for the key that signed the message",
    )
    .await;
    let algorithm = element(0x30, &[&oid(SHA256_WITH_RSA), NULL]);
    let forged = element(0x30, &[&at(&good, &[0]), &algorithm, &bits(&[7; 256])]);
    assert_closed(
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
                request_extensions(
                    EXTENSION_REQUEST,
                    &[subject_alt_name(&[dns("a")]), no_octets],
                ),
            ],
            "certificationRequestInfo.attributes[1].extensions[1]: extnValue is not in an OCTET STRING",
        ),
    ] {
        let request = hand.device.request(hand.request(&attributes));
        let message = hand.device.message(&request, &hand.world.ra_certificate);
        let refusal = find_refusal(&hand, &message).await;
        assert_eq!((&*refusal.text(), &*refusal.log_reason()), (text, text));
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
    let refusal = find_refusal(&hand, &message).await;
    assert!(matches!(refusal, Refusal::Envelope(_)));
    assert_eq!(refusal.text(), CLOSED);
    assert!(
        refusal
            .log_reason()
            .starts_with("the content key does not decrypt")
    );
}
