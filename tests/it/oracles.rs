//! What a stranger who changes captured messages learns from the answers: nothing.

use scep_cms::{ContentEncryption, ContentKey, FailInfo, MessageType, PkcsPkiEnvelope, SealTo};
use scepter_tests::device::Device;
use scepter_tests::world::World;

use crate::refusals::{CLOSED, check, enrolment, oid, replaced};

/// Everything that is wrong inside the envelope has one answer, so that probing tells nothing.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_padding_wrong_keys_and_garbage_are_one_and_the_same() {
    let (world, device) = (World::new().await, Device::rsa());
    let request = enrolment(&device);
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
    // The last block's padding.
    let mut padding = good.clone();
    let at = place(&padding, 17);
    padding[at] ^= 1;
    // The wrapped key: another number, so that its PKCS #1 padding is wrong.
    let mut wrapped = good.clone();
    let at = wrapped
        .windows(4)
        .position(|window| window == [0x04, 0x82, 0x01, 0x00])
        .unwrap()
        + 40;
    wrapped[at] ^= 1;
    // A wrapped key of another length than the cipher's.
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
    let longer = replaced(
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
        check(&device, &world, message, FailInfo::BadMessageCheck, CLOSED);
    }
}

/// Who copies a captured envelope and changes its ciphertext learns nothing from the answers: whatever the last octets
/// become, right padding and wrong are told alike, unless the request is intact.
#[tokio::test(flavor = "multi_thread")]
async fn a_captured_envelope_is_no_padding_oracle() {
    let (world, device, attacker) = (World::new().await, Device::rsa(), Device::rsa());
    let request = enrolment(&device);
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
    check(&attacker, &world, intact, FailInfo::BadMessageCheck, CLOSED);
    // The octet before the last block decides over the last octet of the plaintext: its padding.
    let place = captured.len() - 17;
    for change in 1..=255 {
        let mut spliced = captured.clone();
        spliced[place] ^= change;
        let message = attacker.signed(&request, Some(spliced));
        check(
            &attacker,
            &world,
            message,
            FailInfo::BadMessageCheck,
            CLOSED,
        );
    }
    // A change of the request's own signature leaves its structure and its padding as they were.
    let mut spliced = captured;
    let place = spliced.len() - 60;
    spliced[place] ^= 1;
    let message = attacker.signed(&request, Some(spliced));
    check(
        &attacker,
        &world,
        message,
        FailInfo::BadMessageCheck,
        CLOSED,
    );
}

/// The same for GetCert and GetCRL, whose contents nearly any plaintext may be: neither a stranger nor a holder is told whether a
/// ciphertext opened, was a query, or was about a certificate that is not there.
#[tokio::test(flavor = "multi_thread")]
async fn a_captured_envelope_is_no_padding_oracle_by_queries() {
    let world = World::new().await;
    let (holder, stranger) = (world.enrolled("device-1").await, Device::rsa());
    let cipher = ContentEncryption::Aes128Cbc;
    let key = ContentKey::new(cipher, &[5; 16]).unwrap();
    let to = || SealTo::Certificate(&world.ra_certificate);
    let seal =
        |content: &[u8]| PkcsPkiEnvelope::seal(content, cipher, &key, &[6; 16], to()).unwrap();
    let about_nobody = stranger.query(MessageType::GetCert, &stranger.certificate);
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
                (&stranger, FailInfo::BadRequest, not_ours),
            ] {
                let request = device.query(message_type, &world.authority);
                let message = device.signed(&request, Some(envelope.clone()));
                check(device, &world, message, reason, text);
            }
        }
    }
}
