//! Devices with fixed keys, which sign any octets.

use std::path::PathBuf;
use std::sync::LazyLock;

use scep_cms::algorithm::DigestAlgorithm;
use scep_cms::certificate::Certificate;
use scep_cms::public_key::PublicKey;
use scep_service::ra_key::RaKey;
use scepter_tests::device::Device;

use crate::asn1;
use crate::asn1::{encode_element, oid};

/// The directory with captured messages of real clients.
pub fn vectors_folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors"))
}

/// The PKCS #8 key of the RA certificate that those messages are encrypted to.
pub static VECTORS_RA_KEY: LazyLock<Vec<u8>> =
    LazyLock::new(|| std::fs::read(vectors_folder().join("ra-key.der")).unwrap());

/// The RA certificate that those messages are encrypted to, with its key.
pub static VECTORS_RA: LazyLock<(Certificate, RaKey)> = LazyLock::new(|| {
    let pem = std::fs::read_to_string(vectors_folder().join("ra.pem")).unwrap();
    let key = RaKey::from_pkcs8("vectors".to_owned(), &VECTORS_RA_KEY.clone().into());
    (Certificate::from_pem(&pem).unwrap(), key.unwrap())
});

/// A device with an RSA key of 2,048 bits.
pub static RSA: LazyLock<Device> = LazyLock::new(|| Device::from_pkcs8(&VECTORS_RA_KEY));

/// A device with a P-256 key.
// Fixed like the other, so that an input means the same in every run.
pub static EC: LazyLock<Device> =
    LazyLock::new(|| Device::from_pkcs8(include_bytes!("../keys/ec-p256.pk8")));

/// Whether the device has an EC key, which signs but cannot decrypt.
pub fn is_ec(device: &Device) -> bool {
    matches!(device.certificate.public_key(), Ok(PublicKey::Ec { .. }))
}

/// Builds a PKCS #10 request with any octets as CertificationRequestInfo, signed by the device.
pub fn sign_request(device: &Device, info: &[u8]) -> Vec<u8> {
    let signature = device.sign(DigestAlgorithm::Sha256, info);
    encode_element(
        asn1::SEQUENCE,
        &[
            info,
            &signature_algorithm(device),
            &encode_element(asn1::BIT_STRING, &[&[0], &signature]),
        ],
    )
}

/// Builds a pkiMessage with any octets as content and any octets in the SET of signed attributes,
/// after a valid contentType and messageDigest, signed by the device.
pub fn sign_message(device: &Device, attributes: &[u8], content: &[u8]) -> Vec<u8> {
    // Without the two, verification would fail before it reads the others.
    let digest = DigestAlgorithm::Sha256;
    let attribute = |kind: &[u8], value: &[u8]| {
        let values = encode_element(asn1::SET, &[value]);
        encode_element(asn1::SEQUENCE, &[kind, &values])
    };
    let content_digest = encode_element(asn1::OCTET_STRING, &[&digest.digest(content)]);
    let attributes = [
        &attribute(oid::CONTENT_TYPE, oid::DATA),
        &attribute(oid::MESSAGE_DIGEST, &content_digest),
        attributes,
    ]
    .concat();
    let signature = device.sign(digest, &encode_element(asn1::SET, &[&attributes]));
    let version = encode_element(asn1::INTEGER, &[&[1]]);
    let sha256 = encode_element(asn1::SEQUENCE, &[oid::SHA256]);
    let signer = device.certificate.issuer_and_serial_number();
    let signer_info = encode_element(
        asn1::SEQUENCE,
        &[
            &version,
            &signer.encode().unwrap(),
            &sha256,
            &encode_element(asn1::CONTEXT_0, &[&attributes]),
            &signature_algorithm(device),
            &encode_element(asn1::OCTET_STRING, &[&signature]),
        ],
    );
    let octets = encode_element(asn1::OCTET_STRING, &[content]);
    let explicit_content = encode_element(asn1::CONTEXT_0, &[&octets]);
    let signed_data = encode_element(
        asn1::SEQUENCE,
        &[
            &version,
            &encode_element(asn1::SET, &[&sha256]),
            &encode_element(asn1::SEQUENCE, &[oid::DATA, &explicit_content]),
            &encode_element(asn1::CONTEXT_0, &[device.certificate.der()]),
            &encode_element(asn1::SET, &[&signer_info]),
        ],
    );
    let explicit_signed_data = encode_element(asn1::CONTEXT_0, &[&signed_data]);
    encode_element(asn1::SEQUENCE, &[oid::SIGNED_DATA, &explicit_signed_data])
}

fn signature_algorithm(device: &Device) -> Vec<u8> {
    match device.certificate.public_key().unwrap() {
        PublicKey::Rsa { .. } => {
            encode_element(asn1::SEQUENCE, &[oid::SHA256_WITH_RSA, asn1::NULL])
        }
        PublicKey::Ec { .. } => encode_element(asn1::SEQUENCE, &[oid::ECDSA_WITH_SHA256]),
    }
}
