//! pkcsPKIEnvelope: any octets, decrypted with a key of the right length and with the RA key of the
//! captured messages; any content, encrypted and decrypted again. The plaintext is decoded as every
//! structure that a server expects in an envelope.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scep_cms::algorithm::ContentEncryption;
use scep_cms::ber::to_der;
use scep_cms::certificate::IssuerAndSerialNumber;
use scep_cms::content_key::ContentKey;
use scep_cms::csr::CertificationRequest;
use scep_cms::degenerate::DegenerateSignedData;
use scep_cms::envelope::{PkcsPkiEnvelope, Recipient, SealTo};
use scepter_fuzz::check_allocations;
use scepter_fuzz::device::{RSA, VECTORS_RA};
use scepter_fuzz::input::Input;
use zeroize::Zeroizing;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    if input.octet() & 1 == 1 {
        round_trip(input);
        return;
    }
    let ber = input.rest();
    let envelope = check_allocations(ber, 128, PkcsPkiEnvelope::from_ber);
    if let Ok(der) = to_der(ber) {
        let again = PkcsPkiEnvelope::from_ber(&der);
        assert_eq!(format!("{envelope:?}"), format!("{again:?}"));
    }
    let Ok(envelope) = envelope else {
        return;
    };
    let (ra_certificate, ra_key) = &*VECTORS_RA;
    for recipient in envelope.recipients() {
        match recipient {
            Recipient::KeyTrans(recipient) => {
                let is_ours = recipient.id().names(ra_certificate);
                if let (true, Ok(transport)) = (is_ours, recipient.transport()) {
                    let wrapped = recipient.encrypted_key();
                    open_envelope(
                        &envelope,
                        &ra_key.content_key(transport, wrapped, envelope.cipher()),
                    );
                }
            }
            // The target `password_recipient` covers these.
            Recipient::Password(_) | Recipient::Other => {}
        }
    }
    let key = ContentKey::new(envelope.cipher(), &[5; 32][..envelope.cipher().key_bytes()]);
    open_envelope(&envelope, &key.unwrap());
});

/// Decrypts an envelope and decodes its content.
fn open_envelope(envelope: &PkcsPkiEnvelope, key: &ContentKey) {
    if let Ok(content) = envelope.open(key) {
        decode_content(&content);
    }
}

/// Decodes a content as each of the structures that an envelope may hold.
fn decode_content(content: &Zeroizing<Vec<u8>>) {
    let _ = check_allocations(content, 24, CertificationRequest::from_message_data);
    if let Ok(name) = check_allocations(content, 16, IssuerAndSerialNumber::from_ber) {
        assert_eq!(name.encode().ok(), scep_cms::ber::to_der(content).ok());
    }
    let _ = check_allocations(content, 128, DegenerateSignedData::from_ber);
}

fn round_trip(mut input: Input<'_>) {
    let cipher = input.pick(&ContentEncryption::ALL);
    let key = ContentKey::new(cipher, &[input.octet(); 32][..cipher.key_bytes()]).unwrap();
    let iv = &[input.octet(); 16][..cipher.block_bytes()];
    let content = Zeroizing::new(input.rest().to_vec());
    let to = SealTo::Certificate(&RSA.certificate);
    let sealed = PkcsPkiEnvelope::seal(&content, cipher, &key, iv, to).unwrap();
    let envelope = PkcsPkiEnvelope::from_ber(&sealed).unwrap();
    assert_eq!(envelope.cipher(), cipher);
    assert_eq!(envelope.open(&key).unwrap(), content);
    let [Recipient::KeyTrans(recipient)] = envelope.recipients() else {
        panic!("another recipient");
    };
    assert!(recipient.id().names(&RSA.certificate));
    decode_content(&content);
}
