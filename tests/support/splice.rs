//! Splices: captured envelopes whose ciphertext an attacker has rearranged, so that the plaintext
//! is a valid PKCS #10 request only if the attacker has guessed one octet.

use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeEncrypt, KeyIvInit};
use scep_cms::algorithm::ContentEncryption;
use scep_cms::certificate::Certificate;
use scep_cms::content_key::ContentKey;
use scep_cms::envelope::{PkcsPkiEnvelope, SealTo};

use crate::asn1::{element, oid};

/// Where a splice puts its block of garbage, which CBC always yields before a block of the
/// attacker's choice.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// In the text of the challengePassword.
    ChallengeText,
    /// In the parameters of the signature algorithm.
    AlgorithmParameters,
    /// In the value of an extension.
    ExtensionValue,
    /// In the signature.
    Signature,
}

/// Every shape.
pub const SHAPES: [Shape; 4] = [
    Shape::ChallengeText,
    Shape::AlgorithmParameters,
    Shape::ExtensionValue,
    Shape::Signature,
];

/// A block that the attacker cannot choose.
pub const GARBAGE: [u8; 16] = [0xA7; 16];

/// The plaintext of a spliced ciphertext: a PKCS #10 request for this key in whole blocks, with the
/// guess as the last octet. With the guess 1 that octet is the padding and the request is intact;
/// with any other guess the content is invalid.
pub fn plaintext(shape: Shape, key: &[u8], guess: u8) -> Vec<u8> {
    let build = |filler: usize| {
        let in_shape = |wanted: bool| if wanted { &GARBAGE[..] } else { &[][..] };
        let challenge = in_shape(matches!(shape, Shape::ChallengeText));
        let value = in_shape(matches!(shape, Shape::ExtensionValue));
        let parameters = in_shape(matches!(shape, Shape::AlgorithmParameters));
        let set = |value: Vec<u8>| element(0x31, &[&value]);
        let attribute = |arcs: &str, value: Vec<u8>| element(0x30, &[&oid(arcs), &set(value)]);
        let challenge = attribute("1.2.840.113549.1.9.7", element(0x0c, &[challenge]));
        let extension = element(0x30, &[&oid("2.5.29.17"), &element(0x04, &[value])]);
        let extensions = element(0x30, &[&extension]);
        let extensions = attribute("1.2.840.113549.1.9.14", extensions);
        let attributes = element(0xa0, &[&challenge, &extensions]);
        let name = element(0x30, &[]);
        let info = element(0x30, &[&[2, 1, 0], &name, key, &attributes]);
        let parameters = element(0x04, &[parameters]);
        let algorithm = element(0x30, &[&oid("1.2.840.113549.1.1.11"), &parameters]);
        let signature = element(0x03, &[&[0], &GARBAGE, &vec![0x55; 240 + filler]]);
        element(0x30, &[&info, &algorithm, &signature])
    };
    let request = (0..16)
        .map(build)
        .find(|request| request.len() % 16 == 15)
        .unwrap();
    [request, vec![guess]].concat()
}

/// An envelope whose ciphertext decrypts to exactly these blocks, with its key wrapped afresh each
/// time.
pub fn spliced(recipient: &Certificate, blocks: &[u8]) -> Vec<u8> {
    let cipher = ContentEncryption::Aes128Cbc;
    let key = ContentKey::new(cipher, &[5; 16]).unwrap();
    let to = SealTo::Certificate(recipient);
    let room = vec![0; blocks.len() - 1];
    let mut envelope = PkcsPkiEnvelope::seal(&room, cipher, &key, &[6; 16], to).unwrap();
    let encryptor = cbc::Encryptor::<aes::Aes128>::new(&[5; 16].into(), &[6; 16].into());
    let ciphertext = encryptor.encrypt_padded_vec::<NoPadding>(blocks);
    let place = envelope.len() - ciphertext.len();
    envelope[place..].copy_from_slice(&ciphertext);
    envelope
}
