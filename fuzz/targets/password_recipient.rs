//! PasswordRecipientInfo: any octets as a recipient, unwrapped with a challengePassword; any key,
//! wrapped, decoded and unwrapped again.

#![no_main]

use std::num::NonZeroU32;

use libfuzzer_sys::fuzz_target;
use scep_cms::algorithm::ContentEncryption;
use scep_cms::challenge::ChallengePassword;
use scep_cms::content_key::ContentKey;
use scep_cms::envelope::{PkcsPkiEnvelope, Recipient, SealTo};
use scep_cms::password_recipient::PasswordWrapping;
use scepter_fuzz::asn1::{encode_element, oid};
use scepter_fuzz::input::Input;
use scepter_fuzz::{asn1, check_allocations};
use zeroize::Zeroizing;

const REJECTION_KEY: [u8; ContentKey::MAX_BYTES] = [9; ContentKey::MAX_BYTES];

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    if input.octet() & 1 == 1 {
        round_trip(input);
        return;
    }
    let der = build_envelope(input.rest());
    let Ok(envelope) = check_allocations(&der, 128, PkcsPkiEnvelope::from_ber) else {
        return;
    };
    // Unwrap only the first: each costs up to 10,000 iterations.
    let recipient = envelope
        .recipients()
        .iter()
        .find_map(|recipient| match recipient {
            Recipient::Password(Ok(recipient)) => Some(recipient),
            Recipient::Password(Err(_)) | Recipient::KeyTrans(_) | Recipient::Other => None,
        });
    if let Some(recipient) = recipient {
        let password = ChallengePassword::new("s3cret");
        let rejection_key = Zeroizing::new(REJECTION_KEY);
        let cipher = ContentEncryption::Aes128Cbc;
        let key = recipient.content_key(&password, cipher, &rejection_key);
        assert_eq!(key.as_bytes().len(), cipher.key_bytes());
    }
});

/// Builds an envelope with any octets as RecipientInfos.
fn build_envelope(recipients: &[u8]) -> Vec<u8> {
    let iv = encode_element(asn1::OCTET_STRING, &[&[6; 16]]);
    let cipher = encode_element(asn1::SEQUENCE, &[oid::AES128_CBC, &iv]);
    // [0] IMPLICIT OCTET STRING.
    let ciphertext = encode_element(0x80, &[&[7; 32]]);
    let content = encode_element(asn1::SEQUENCE, &[oid::DATA, &cipher, &ciphertext]);
    let version = encode_element(asn1::INTEGER, &[&[3]]);
    let recipient_infos = encode_element(asn1::SET, &[recipients]);
    let enveloped_data = encode_element(asn1::SEQUENCE, &[&version, &recipient_infos, &content]);
    let explicit_content = encode_element(asn1::CONTEXT_0, &[&enveloped_data]);
    encode_element(asn1::SEQUENCE, &[oid::ENVELOPED_DATA, &explicit_content])
}

fn round_trip(mut input: Input<'_>) {
    let cipher = input.pick(&ContentEncryption::ALL);
    let key = ContentKey::new(cipher, &[input.octet(); 32][..cipher.key_bytes()]).unwrap();
    let wrapping = PasswordWrapping {
        salt: [input.octet(); 16],
        iv: [input.octet(); 16],
        padding: [input.octet(); 16],
        iterations: NonZeroU32::new(1 + u32::from(input.octet())).unwrap(),
    };
    let text = String::from_utf8_lossy(input.rest());
    let password = ChallengePassword::new(&text);
    let to = SealTo::Password {
        password: &password,
        wrapping: &wrapping,
    };
    let iv = &[6; 16][..cipher.block_bytes()];
    let sealed = PkcsPkiEnvelope::seal(b"content", cipher, &key, iv, to).unwrap();
    let envelope = PkcsPkiEnvelope::from_ber(&sealed).unwrap();
    let [Recipient::Password(Ok(recipient))] = envelope.recipients() else {
        panic!("another recipient");
    };
    let rejection_key = Zeroizing::new(REJECTION_KEY);
    let unwrapped = recipient.content_key(&password, cipher, &rejection_key);
    assert_eq!(unwrapped.as_bytes(), key.as_bytes());
    assert_eq!(envelope.open(&unwrapped).unwrap().as_slice(), b"content");
    let other = ChallengePassword::new(&format!("{text}x"));
    let unwrapped = recipient.content_key(&other, cipher, &rejection_key);
    assert_eq!(unwrapped.as_bytes(), &REJECTION_KEY[..cipher.key_bytes()]);
}
