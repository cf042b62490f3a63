//! Certificates from a message or an administrator: every accessor, every stored form, and the
//! operations with their key.

#![no_main]

use ca::authority::CertificatePath;
use ca::subordinate::{ExpectedAuthority, check_path};
use libfuzzer_sys::fuzz_target;
use scep_cms::certificate::{Certificate, IssuerAndSerialNumber};
use scep_cms::public_key::PublicKey;
use scepter_fuzz::check_allocations;
use time::OffsetDateTime;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(certificate) = Certificate::from_pem(text) {
            check_certificate(&certificate);
        }
        let _ = Certificate::try_from(text.to_owned());
        let _ = scep_cms::csr::CertificationRequest::from_pem(text);
    }
    if let Ok(key) = check_allocations(data, 16, PublicKey::from_der) {
        check_key(&key);
    }
    if let Ok(certificate) = check_allocations(data, 16, Certificate::from_der) {
        assert_eq!(certificate.der(), data);
        check_certificate(&certificate);
    }
});

fn check_certificate(certificate: &Certificate) {
    assert_eq!(
        Certificate::from_pem(&certificate.to_pem()).unwrap(),
        *certificate
    );
    let stored = serde_json::to_string(certificate).unwrap();
    assert_eq!(
        serde_json::from_str::<Certificate>(&stored).unwrap(),
        *certificate
    );
    let name = certificate.issuer_and_serial_number();
    let encoded = name.encode().unwrap();
    // Decoding a certificate does not look into the issuer, which may hold octets that are not BER.
    match IssuerAndSerialNumber::from_ber(&encoded) {
        Ok(read) => {
            assert!(read.is_same(name) || scep_cms::ber::to_der(&encoded).unwrap() != encoded)
        }
        Err(_) => assert!(scep_cms::ber::to_der(&encoded).is_err()),
    }
    assert!(name.is_same(name));
    let digits = name.serial_number_hex();
    assert!(digits.len() <= 2 * name.serial_number().len());
    assert!(digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let _ = (
        certificate.subject_key_identifier(),
        certificate.fingerprint_sha256(),
    );
    let _ = (
        ca::subject::name_text(certificate.subject()),
        ca::subject::name_text(name.issuer()),
    );
    if let Ok(validity) = certificate.validity() {
        let ordered = validity.not_before <= validity.not_after;
        assert_eq!(certificate.is_valid_at(validity.not_before), ordered);
        assert_eq!(certificate.is_valid_at(validity.not_after), ordered);
    }
    if let Ok(key) = certificate.public_key() {
        let _ = certificate.verify(key);
        check_key(key);
    }
    let authority = ExpectedAuthority {
        subject_public_key_info: certificate.subject_public_key_info(),
        replaced: Some(certificate),
    };
    let path = CertificatePath {
        certificate: certificate.clone(),
        chain: vec![certificate.clone()],
    };
    let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    let _ = check_path(&authority, &path, now);
}

fn check_key(key: &PublicKey) {
    let encrypted = key.encrypt(&[5; 32]);
    match key {
        PublicKey::Rsa { modulus_bits, .. } => {
            if let Ok(encrypted) = encrypted {
                assert_eq!(encrypted.len(), modulus_bits.div_ceil(8));
            }
        }
        PublicKey::Ec { .. } => assert!(encrypted.is_err()),
    }
}
