//! Signature verification: by aws-lc wherever it supports the key, else by the `rsa` crate.

use std::borrow::Cow;

use aws_lc_rs::signature;
use aws_lc_rs::signature::{UnparsedPublicKey, VerificationAlgorithm};
use crypto_bigint::BoxedUint;
use der::asn1::UintRef;
use der::{Decode, Sequence};
use rsa::{Pkcs1v15Sign, Pss, RsaPublicKey};

use crate::algorithm::{DigestAlgorithm, EcCurve, SignatureAlgorithm};
use crate::error::PublicKeyError;

/// The minimum length of an RSA modulus, in bits.
// Old devices have keys this short.
pub(crate) const MIN_RSA_BITS: usize = 1024;

/// The maximum length of an RSA modulus, in bits.
// With a longer one, a verification costs the server more than a message costs an attacker.
pub(crate) const MAX_RSA_BITS: usize = 8192;

/// The minimum length of an RSA modulus for aws-lc, in bits.
// With a shorter one, aws-lc does not encrypt, nor verify SHA-384. The `rsa` crate does so for old
// devices.
pub(crate) const AWS_LC_MIN_RSA_BITS: usize = 2048;

/// ```asn1
/// RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }
/// ```
#[derive(Sequence)]
pub(crate) struct Pkcs1PublicKey<'a> {
    pub(crate) modulus: UintRef<'a>,
    pub(crate) exponent: UintRef<'a>,
}

/// Restores the leading zeros of an RSA signature or ciphertext, up to the length of the modulus.
/// `None` if it is longer than the modulus.
pub(crate) fn restore_zeros(octets: &[u8], modulus_bytes: usize) -> Option<Cow<'_, [u8]>> {
    // RFC 8017 §8.2.1 demands the full length; some clients write the signature as an integer.
    let zeros = modulus_bytes.checked_sub(octets.len())?;
    if zeros == 0 {
        return Some(Cow::Borrowed(octets));
    }
    let mut whole = vec![0; zeros];
    whole.extend_from_slice(octets);
    Some(Cow::Owned(whole))
}

/// ```asn1
/// ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }
/// ```
#[derive(Sequence)]
struct EcdsaSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// Whether this is the DER of two integers that may be the halves of a signature on a curve with
/// coordinates of this length.
pub(crate) fn is_ecdsa_signature(signature: &[u8], coordinate_bytes: usize) -> bool {
    EcdsaSignature::from_der(signature).is_ok_and(|signature| {
        [signature.r, signature.s].iter().all(|part| {
            let octets = part.as_bytes();
            octets.len() <= coordinate_bytes && octets.iter().any(|octet| *octet != 0)
        })
    })
}

pub(crate) fn verify_with_aws_lc(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), PublicKeyError> {
    UnparsedPublicKey::new(algorithm, key)
        .verify(message, signature)
        .map_err(|_| PublicKeyError::BadSignature)
}

pub(crate) fn aws_lc_rsa_algorithm(
    modulus_bits: usize,
    algorithm: SignatureAlgorithm,
) -> Option<&'static dyn VerificationAlgorithm> {
    if modulus_bits < AWS_LC_MIN_RSA_BITS {
        return None;
    }
    // The key is of at most 8,192 bits, so each of these algorithms accepts its length.
    Some(match algorithm {
        SignatureAlgorithm::RsaPkcs1(digest) => match digest {
            DigestAlgorithm::Sha1 => &signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            DigestAlgorithm::Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            DigestAlgorithm::Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            DigestAlgorithm::Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        },
        // aws-lc-rs verifies PSS only with a salt as long as the digest. Other lengths, such as all
        // that fits the modulus, are left to the `rsa` crate.
        SignatureAlgorithm::RsaPss { digest, salt_bytes } => match (digest, salt_bytes) {
            (DigestAlgorithm::Sha256, 32) => &signature::RSA_PSS_2048_8192_SHA256,
            (DigestAlgorithm::Sha384, 48) => &signature::RSA_PSS_2048_8192_SHA384,
            (DigestAlgorithm::Sha512, 64) => &signature::RSA_PSS_2048_8192_SHA512,
            (
                DigestAlgorithm::Sha1
                | DigestAlgorithm::Sha256
                | DigestAlgorithm::Sha384
                | DigestAlgorithm::Sha512,
                _,
            ) => return None,
        },
        SignatureAlgorithm::Ecdsa(_) => return None,
    })
}

/// The key in the form of the `rsa` crate.
pub(crate) fn rsa_crate_key(pkcs1: &[u8]) -> Result<RsaPublicKey, PublicKeyError> {
    let key = Pkcs1PublicKey::from_der(pkcs1).map_err(|_| PublicKeyError::Malformed)?;
    let modulus = BoxedUint::from_be_slice_vartime(key.modulus.as_bytes());
    let exponent = BoxedUint::from_be_slice_vartime(key.exponent.as_bytes());
    // The limits are stated here, because another version of the `rsa` crate may have other
    // defaults.
    let sizes = MIN_RSA_BITS..=MAX_RSA_BITS;
    RsaPublicKey::new_with_size_limits(modulus, exponent, sizes)
        .map_err(|_| PublicKeyError::Malformed)
}

/// Verifies what aws-lc does not support: short keys, and PSS with a salt of another length.
pub(crate) fn verify_with_rsa_crate(
    pkcs1: &[u8],
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<(), PublicKeyError> {
    let key = rsa_crate_key(pkcs1)?;
    let hashed = algorithm.digest().digest(message);
    match algorithm {
        SignatureAlgorithm::RsaPkcs1(digest) => {
            let scheme = match digest {
                DigestAlgorithm::Sha1 => Pkcs1v15Sign::new::<sha1::Sha1>(),
                DigestAlgorithm::Sha256 => Pkcs1v15Sign::new::<sha2::Sha256>(),
                DigestAlgorithm::Sha384 => Pkcs1v15Sign::new::<sha2::Sha384>(),
                DigestAlgorithm::Sha512 => Pkcs1v15Sign::new::<sha2::Sha512>(),
            };
            key.verify(scheme, &hashed, signature)
        }
        SignatureAlgorithm::RsaPss { digest, salt_bytes } => {
            let salt = usize::from(salt_bytes);
            match digest {
                // `SignatureAlgorithm::from_identifier` rejects PSS with SHA-1.
                DigestAlgorithm::Sha1 => return Err(PublicKeyError::Unsupported),
                DigestAlgorithm::Sha256 => {
                    key.verify(Pss::<sha2::Sha256>::new_with_salt(salt), &hashed, signature)
                }
                DigestAlgorithm::Sha384 => {
                    key.verify(Pss::<sha2::Sha384>::new_with_salt(salt), &hashed, signature)
                }
                DigestAlgorithm::Sha512 => {
                    key.verify(Pss::<sha2::Sha512>::new_with_salt(salt), &hashed, signature)
                }
            }
        }
        SignatureAlgorithm::Ecdsa(_) => return Err(PublicKeyError::Unsupported),
    }
    .map_err(|_| PublicKeyError::BadSignature)
}

pub(crate) fn ecdsa_algorithm(
    curve: EcCurve,
    algorithm: SignatureAlgorithm,
) -> Option<&'static dyn VerificationAlgorithm> {
    let SignatureAlgorithm::Ecdsa(digest) = algorithm else {
        return None;
    };
    Some(match (curve, digest) {
        (EcCurve::P256, DigestAlgorithm::Sha1) => &signature::ECDSA_P256_SHA1_ASN1,
        (EcCurve::P256, DigestAlgorithm::Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
        (EcCurve::P256, DigestAlgorithm::Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
        (EcCurve::P256, DigestAlgorithm::Sha512) => &signature::ECDSA_P256_SHA512_ASN1,
        // aws-lc-rs lacks this combination, and no client is known to use it.
        (EcCurve::P384, DigestAlgorithm::Sha1) => return None,
        (EcCurve::P384, DigestAlgorithm::Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
        (EcCurve::P384, DigestAlgorithm::Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
        (EcCurve::P384, DigestAlgorithm::Sha512) => &signature::ECDSA_P384_SHA512_ASN1,
        (EcCurve::P521, DigestAlgorithm::Sha1) => &signature::ECDSA_P521_SHA1_ASN1,
        (EcCurve::P521, DigestAlgorithm::Sha256) => &signature::ECDSA_P521_SHA256_ASN1,
        (EcCurve::P521, DigestAlgorithm::Sha384) => &signature::ECDSA_P521_SHA384_ASN1,
        (EcCurve::P521, DigestAlgorithm::Sha512) => &signature::ECDSA_P521_SHA512_ASN1,
    })
}
