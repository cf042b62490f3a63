//! An attacker who alters captured messages learns nothing from the answers.

use scep_cms::algorithm::ContentEncryption;
use scep_cms::attribute::FailInfo;
use scep_cms::content_key::ContentKey;
use scep_cms::envelope::{PkcsPkiEnvelope, SealTo};
use scep_cms::message_type::MessageType;
use scepter_tests::asn1::{element, oid};
use scepter_tests::assert::{assert_refusal, assert_status};
use scepter_tests::device::Device;
use scepter_tests::server::Server;
use scepter_tests::splice::{GARBAGE, SHAPES, Shape, plaintext, spliced};
use scepter_tests::world::{CHALLENGE, PATH, World};

use crate::enrol::refusals::{CLOSED, replace_octets};

/// All errors inside the envelope have the same answer, so that probing reveals nothing.
#[tokio::test]
async fn wrong_padding_wrong_keys_and_garbage_are_one_and_the_same() {
    let (world, device) = (World::new().await, Device::rsa());
    let request = device.enrolment("device-1", CHALLENGE);
    let cipher = ContentEncryption::Aes128Cbc;
    let content = request.content.clone().unwrap();
    let seal = |content: &[u8], key: &[u8]| {
        let key = ContentKey::new(cipher, key).unwrap();
        PkcsPkiEnvelope::seal(
            content,
            cipher,
            &key,
            &[6; 16],
            SealTo::Certificate(&world.ra_certificate),
        )
        .unwrap()
    };
    let good = seal(&content, &[5; 16]);
    let place = |envelope: &[u8], from_end: usize| envelope.len() - from_end;
    // Alter the padding of the last block.
    let mut padding = good.clone();
    let at = place(&padding, 17);
    padding[at] ^= 1;
    // Alter the wrapped key, so that its PKCS #1 padding is invalid.
    let mut wrapped = good.clone();
    let at = wrapped
        .windows(4)
        .position(|window| window == [0x04, 0x82, 0x01, 0x00])
        .unwrap()
        + 40;
    wrapped[at] ^= 1;
    // Wrap a key whose length does not match the cipher's.
    let aes256 = ContentEncryption::Aes256Cbc;
    let key = ContentKey::new(aes256, &[5; 32]).unwrap();
    let longer = PkcsPkiEnvelope::seal(
        &content,
        aes256,
        &key,
        &[6; 16],
        SealTo::Certificate(&world.ra_certificate),
    )
    .unwrap();
    let longer = replace_octets(
        &longer,
        &oid("2.16.840.1.101.3.4.1.42"),
        &oid("2.16.840.1.101.3.4.1.2"),
    );
    let garbage = seal(b"no request at all", &[5; 16]);
    let other_structure = seal(&[0x30, 3, 2, 1, 5], &[5; 16]);
    let other_string = seal(&[0x04, 3, 2, 1, 5], &[5; 16]);
    for envelope in [
        padding,
        wrapped,
        longer,
        garbage,
        other_structure,
        other_string,
        seal(&[], &[5; 16]),
    ] {
        let message = device.signed(&request, Some(envelope));
        assert_refusal(
            &world.exchange(&device, message).await,
            FailInfo::BadMessageCheck,
            CLOSED,
        );
    }
}

/// An attacker who alters the ciphertext of a captured envelope learns nothing from the answers:
/// valid and invalid padding have the same answer.
#[tokio::test]
async fn a_captured_envelope_is_no_padding_oracle() {
    let (world, device, attacker) = (World::new().await, Device::rsa(), Device::rsa());
    let request = device.enrolment("device-1", CHALLENGE);
    let content = request.content.clone().unwrap();
    let cipher = ContentEncryption::Aes128Cbc;
    let key = ContentKey::new(cipher, &[5; 16]).unwrap();
    let captured = PkcsPkiEnvelope::seal(
        &content,
        cipher,
        &key,
        &[6; 16],
        SealTo::Certificate(&world.ra_certificate),
    )
    .unwrap();
    let intact = attacker.signed(&request, Some(captured.clone()));
    assert_refusal(
        &world.exchange(&attacker, intact).await,
        FailInfo::BadMessageCheck,
        CLOSED,
    );
    // In CBC, altering the last octet of the block before alters the last octet of the plaintext:
    // the padding length.
    let place = captured.len() - 17;
    for change in 1..=255 {
        let mut spliced = captured.clone();
        spliced[place] ^= change;
        let message = attacker.signed(&request, Some(spliced));
        assert_refusal(
            &world.exchange(&attacker, message).await,
            FailInfo::BadMessageCheck,
            CLOSED,
        );
    }
    // Altering the request's own signature keeps its structure and its padding valid.
    let mut spliced = captured;
    let place = spliced.len() - 60;
    spliced[place] ^= 1;
    let message = attacker.signed(&request, Some(spliced));
    assert_refusal(
        &world.exchange(&attacker, message).await,
        FailInfo::BadMessageCheck,
        CLOSED,
    );
}

/// The same holds for GetCert and GetCRL, where nearly any plaintext is a possible query. Neither
/// an attacker nor the holder of a certificate can distinguish a failed decryption, an invalid
/// query and a query for an unknown certificate.
#[tokio::test]
async fn a_captured_envelope_is_no_padding_oracle_by_queries() {
    let world = World::new().await;
    let (holder, attacker) = (world.enrolled("device-1").await, Device::rsa());
    let cipher = ContentEncryption::Aes128Cbc;
    let key = ContentKey::new(cipher, &[5; 16]).unwrap();
    let to = || SealTo::Certificate(&world.ra_certificate);
    let seal =
        |content: &[u8]| PkcsPkiEnvelope::seal(content, cipher, &key, &[6; 16], to()).unwrap();
    let about_nobody = attacker.query(MessageType::GetCert, &attacker.certificate);
    let query = seal(&about_nobody.content.unwrap());
    let mut padding = query.clone();
    let at = padding.len() - 17;
    padding[at] ^= 1;
    let unknown = "no certificate has this issuer and serial number";
    let not_ours =
        "the signer's certificate was not issued by this authority under this RA Profile";
    for message_type in [MessageType::GetCert, MessageType::GetCrl] {
        for envelope in [&query, &padding, &seal(b"no query at all"), &seal(&[])] {
            for (device, reason, text) in [
                (&holder, FailInfo::BadCertId, unknown),
                (&attacker, FailInfo::BadRequest, not_ours),
            ] {
                let request = device.query(message_type, &world.authority);
                let message = device.signed(&request, Some(envelope.clone()));
                assert_refusal(&world.exchange(device, message).await, reason, text);
            }
        }
    }
}

/// What an attacker sees of an answer, and the number of public-key operations that it took.
async fn observe_refusal(
    world: &World,
    device: &Device,
    message: Vec<u8>,
) -> (FailInfo, String, usize, u64) {
    let before = scep_cms::operations::total();
    let response = world.post(message).await;
    let operations = scep_cms::operations::total() - before;
    assert_status(&response, 200);
    let (reason, text) = device
        .read(response.body(), &world.ra_certificate)
        .failure();
    (reason, text, response.body().len(), operations)
}

/// The answers to every padding, for each shape of splice, type of message and signer, are
/// identical and take the same work.
#[tokio::test]
async fn splices_of_every_shape_have_one_answer_and_one_amount_of_work() {
    let world = World::new().await;
    let holder = world.enrol_renewable("device-1").await;
    let (attacker, victim) = (Device::rsa(), Device::rsa());
    let own = |device: &Device| device.certificate.subject_public_key_info().to_vec();
    // The signers: an attacker with a request for their own key or for another key; the holder of a
    // certificate with a request for their own key, for another key, and for an invalid key.
    let cases = [
        (&attacker, MessageType::PkcsReq, own(&attacker)),
        (&attacker, MessageType::PkcsReq, own(&victim)),
        (&holder, MessageType::PkcsReq, own(&holder)),
        (&holder, MessageType::RenewalReq, own(&holder)),
        (&holder, MessageType::RenewalReq, own(&victim)),
        (&holder, MessageType::RenewalReq, element(0x30, &[&GARBAGE])),
    ];
    for (case, (device, message_type, key)) in cases.into_iter().enumerate() {
        let mut answers = std::collections::BTreeSet::new();
        for shape in SHAPES {
            // Try every padding for the signer that anyone can be, and a sample that contains valid
            // and invalid padding for the others.
            let step = if case == 0 { 1 } else { 15 };
            for guess in (1..=255).step_by(step).chain([0]) {
                let mut request = device.request(Vec::new());
                request.message_type = message_type;
                let envelope = spliced(&world.ra_certificate, &plaintext(shape, &key, guess));
                let message = device.signed(&request, Some(envelope));
                let (reason, text, length, operations) =
                    observe_refusal(&world, device, message).await;
                assert_eq!((reason, &*text), (FailInfo::BadMessageCheck, CLOSED));
                answers.insert((length, operations));
            }
        }
        assert_eq!(answers.len(), 1, "{message_type:?}: {answers:?}");
    }
}

/// A RenewalReq, GetCert or GetCRL from an unknown signer is not decrypted, whatever it contains.
#[tokio::test]
async fn what_nobody_may_send_is_not_opened() {
    let (world, attacker) = (World::new().await, Device::rsa());
    let key = attacker.certificate.subject_public_key_info().to_vec();
    for message_type in [
        MessageType::RenewalReq,
        MessageType::GetCert,
        MessageType::GetCrl,
    ] {
        for guess in [1, 2, 255] {
            let mut request = attacker.request(Vec::new());
            request.message_type = message_type;
            let envelope = spliced(
                &world.ra_certificate,
                &plaintext(Shape::Signature, &key, guess),
            );
            let message = attacker.signed(&request, Some(envelope));
            let (reason, text, _, operations) = observe_refusal(&world, &attacker, message).await;
            assert_eq!((reason, &*text), (FailInfo::BadRequest, NOT_OURS));
            // The only operation verifies the message's signature.
            assert_eq!(operations, 1);
        }
    }
}

const NOT_OURS: &str =
    "the signer's certificate was not issued by this authority under this RA Profile";

/// An encrypted content key is accepted with the first ciphertext that it came with and no other,
/// regardless of the signer and the type of message, until the server forgets it.
#[tokio::test]
async fn an_encrypted_key_serves_one_ciphertext() {
    let world = World::new().await;
    let device = Device::rsa();
    let request = device.enrolment("device-1", CHALLENGE);
    let cipher = ContentEncryption::Aes128Cbc;
    let key = ContentKey::new(cipher, &[5; 16]).unwrap();
    let to = SealTo::Certificate(&world.ra_certificate);
    let captured = PkcsPkiEnvelope::seal(
        request.content.as_ref().unwrap(),
        cipher,
        &key,
        &[6; 16],
        to,
    );
    let captured = captured.unwrap();
    let send = |envelope: &[u8]| device.signed(&request, Some(envelope.to_vec()));
    let ask = async |message: Vec<u8>| world.exchange(&device, message).await;
    ask(send(&captured)).await.leaf();
    // The same ciphertext with another initialization vector: a plaintext with an altered first
    // block.
    let other = replace_octets(&captured, &[6; 16], &[9; 16]);
    let closed = (FailInfo::BadMessageCheck, CLOSED.to_owned());
    assert_eq!(ask(send(&other)).await.failure(), closed);
    // The first ciphertext is still accepted, and so is a message with another key.
    ask(send(&captured)).await.leaf();
    ask(device.message(&request, &world.ra_certificate))
        .await
        .leaf();
    // The first ciphertext is also accepted in the query of a certificate's holder.
    let holder = world.enrolled("device-2").await;
    let query = holder.query(MessageType::GetCert, &holder.certificate);
    let message = holder.signed(&query, Some(captured.clone()));
    let reply = world.exchange(&holder, message).await;
    let unknown = "no certificate has this issuer and serial number";
    assert_refusal(&reply, FailInfo::BadCertId, unknown);
    // The server forgets the ciphertext after a day, which is no weakness: one attempt per day
    // reveals nothing.
    world
        .clock
        .advance(std::time::Duration::from_secs(25 * 3600));
    let text = ask(send(&other)).await;
    assert_eq!(
        text.attributes.pki_status,
        scep_cms::attribute::PkiStatus::Failure
    );
    assert_eq!(ask(send(&captured)).await.failure(), closed);
}

/// The refusal of content that cannot be decrypted is sent a fixed time after the end of the
/// request.
#[tokio::test]
async fn what_does_not_open_is_answered_at_a_fixed_time() {
    let mut world = World::new().await;
    let delay = std::time::Duration::from_millis(250);
    world.enrolment.deployment.refusal_delay = delay;
    let device = Device::rsa();
    let key = device.certificate.subject_public_key_info().to_vec();
    for guess in [1, 2] {
        let envelope = spliced(
            &world.ra_certificate,
            &plaintext(Shape::Signature, &key, guess),
        );
        let message = device.signed(&device.request(Vec::new()), Some(envelope));
        let begun = std::time::Instant::now();
        observe_refusal(&world, &device, message).await;
        assert!(begun.elapsed() >= delay);
    }
}

/// The fixed time starts at the end of the request, so an attacker gains nothing by delaying the
/// last octet.
#[test]
fn the_last_octet_sent_late_gains_nothing() {
    use std::io::{Read, Write};
    use std::time::{Duration, Instant};

    let (_data, server) = Server::start_demo();
    let attacker = Device::rsa();
    let key = attacker.certificate.subject_public_key_info();
    let envelope = spliced(
        &server.ra_certificate(),
        &plaintext(Shape::Signature, key, 1),
    );
    let message = attacker.signed(&attacker.request(Vec::new()), Some(envelope));
    let mut stream = std::net::TcpStream::connect(&server.address).unwrap();
    let head = format!(
        "POST {PATH}?operation=PKIOperation HTTP/1.1\r\nHost: scep\r\nContent-Length: {}\r\n\r\n",
        message.len()
    );
    let (last, most) = message.split_last().unwrap();
    stream.write_all(&[head.as_bytes(), most].concat()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    stream.write_all(&[*last]).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    // A timer may fire a millisecond early.
    assert!(begun.elapsed() >= Duration::from_millis(98));
    // Only the log states the reason.
    server.wait_for_log("the signature of the PKCS #10 request does not verify");
}

/// The same holds under the challengePassword, RFC 8894 §3.1: one wrapped key, one ciphertext.
#[tokio::test]
async fn a_key_that_is_wrapped_under_the_challenge_serves_one_ciphertext() {
    let world = World::new().await;
    let device = Device::ec();
    let cipher = ContentEncryption::Aes128Cbc;
    let key = ContentKey::new(cipher, &[5; 16]).unwrap();
    let wrapping = scep_cms::password_recipient::PasswordWrapping {
        salt: [1; 16],
        iv: [2; 16],
        padding: [3; 16],
        iterations: std::num::NonZeroU32::new(1_000).unwrap(),
    };
    let password = scep_cms::challenge::ChallengePassword::new(CHALLENGE);
    let ask = async |name: &str, iv: &[u8; 16]| {
        let request = device.enrolment(name, CHALLENGE);
        let to = SealTo::Password {
            password: &password,
            wrapping: &wrapping,
        };
        let content = request.content.clone().unwrap();
        let envelope = PkcsPkiEnvelope::seal(&content, cipher, &key, iv, to).unwrap();
        world
            .exchange(&device, device.signed(&request, Some(envelope)))
            .await
    };
    ask("device-1", &[6; 16]).await.leaf();
    let (reason, text) = ask("device-2", &[7; 16]).await.failure();
    assert_eq!((reason, &*text), (FailInfo::BadMessageCheck, CLOSED));
}
