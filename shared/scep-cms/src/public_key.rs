//! Public keys: what clients sign with, and what replies are encrypted to.

use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::{Decode, Encode, Sequence};
use rand::rngs::SysRng;
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::traits::PaddingScheme;
use rsa::{Pkcs1v15Encrypt, Pkcs1v15Sign, Pss, RsaPublicKey};
use serde::{Deserialize, Serialize};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use crate::{DigestAlgorithm, SignatureAlgorithm, oid};

/// Shortest RSA modulus that is taken from a client, in bits.
const MIN_RSA_BITS: usize = 1024;

/// Longest RSA modulus, in bits: beyond it, one verification costs a server more than a message costs an attacker.
const MAX_RSA_BITS: usize = 8192;

/// Below this length aws-lc neither encrypts nor, with SHA-384, verifies; the `rsa` crate does these old devices.
const AWS_LC_MIN_RSA_BITS: usize = 2048;

/// Why a public key is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// The key cannot be encrypted to: only RSA keys can.
    #[error("the key cannot be encrypted to")]
    CannotEncrypt,
    /// The signature is not this key's signature of these bytes.
    #[error("the signature does not verify")]
    BadSignature,
    /// Not a SubjectPublicKeyInfo, or its key is not on the curve or no RSA key.
    #[error("the public key cannot be read")]
    Malformed,
    /// An algorithm, curve, size or combination that is not on the list.
    #[error("the key or its signature is of a kind that is not supported")]
    Unsupported,
}

/// A curve of [`PublicKey::Ec`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EcCurve {
    /// secp256r1.
    P256,
    /// secp384r1.
    P384,
    /// secp521r1.
    P521,
}

/// A public key of a kind that we take: RSA of 1024 to 8192 bits, EC on P-256, P-384 or P-521.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// RSA.
    Rsa {
        /// Length of the modulus.
        modulus_bits: usize,
        /// SubjectPublicKeyInfo, DER, with NULL parameters whatever came.
        spki: Vec<u8>,
        /// RSAPublicKey of PKCS #1, DER.
        pkcs1: Vec<u8>,
    },
    /// Elliptic curve.
    Ec {
        /// Its curve.
        curve: EcCurve,
        /// The point, uncompressed, SEC 1 §2.3.3.
        point: Vec<u8>,
    },
}

/// ```asn1
/// RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }
/// ```
#[derive(Sequence)]
struct Pkcs1PublicKey<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

impl PublicKey {
    /// Reads a DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// [`PublicKeyError::Malformed`] or [`PublicKeyError::Unsupported`].
    pub fn from_der(spki: &[u8]) -> Result<Self, PublicKeyError> {
        let parsed =
            SubjectPublicKeyInfoRef::from_der(spki).map_err(|_| PublicKeyError::Malformed)?;
        let key = parsed
            .subject_public_key
            .as_bytes()
            .ok_or(PublicKeyError::Malformed)?;
        match parsed.algorithm.oid {
            // Keys that are bound to RSASSA-PSS are refused: nothing can be encrypted to them.
            oid::RSA_ENCRYPTION => Self::rsa(key),
            oid::EC_PUBLIC_KEY => {
                let curve = parsed
                    .algorithm
                    .parameters_oid()
                    .map_err(|_| PublicKeyError::Unsupported)?;
                Self::ec(curve, key)
            }
            _ => Err(PublicKeyError::Unsupported),
        }
    }

    fn rsa(key: &[u8]) -> Result<Self, PublicKeyError> {
        let parsed = Pkcs1PublicKey::from_der(key).map_err(|_| PublicKeyError::Malformed)?;
        let modulus = parsed.modulus.as_bytes();
        let modulus_bits = modulus.first().map_or(0, |first| {
            modulus.len() * 8 - usize::from(u8::try_from(first.leading_zeros()).unwrap_or(0))
        });
        // aws-lc takes public exponents of at most 33 bits too; a longer one makes each verification slower.
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&modulus_bits)
            || parsed.exponent.as_bytes().len() > 4
        {
            return Err(PublicKeyError::Unsupported);
        }
        Ok(Self::Rsa {
            modulus_bits,
            spki: rsa_spki(key).map_err(|_| PublicKeyError::Malformed)?,
            pkcs1: key.to_vec(),
        })
    }

    fn ec(curve: ObjectIdentifier, point: &[u8]) -> Result<Self, PublicKeyError> {
        let (curve, coordinate_bytes) = match curve {
            oid::P256 => (EcCurve::P256, 32),
            oid::P384 => (EcCurve::P384, 48),
            oid::P521 => (EcCurve::P521, 66),
            _ => return Err(PublicKeyError::Unsupported),
        };
        if point.first() != Some(&0x04) || point.len() != 1 + 2 * coordinate_bytes {
            return Err(PublicKeyError::Unsupported);
        }
        Ok(Self::Ec {
            curve,
            point: point.to_vec(),
        })
    }

    /// Verifies that `signature` is this key's over `message`.
    ///
    /// # Errors
    /// [`PublicKeyError::BadSignature`], or [`PublicKeyError::Unsupported`] when key and algorithm do not go together.
    pub fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), PublicKeyError> {
        #[cfg(feature = "count-operations")]
        operations::count();
        match self {
            Self::Ec { curve, point } => {
                let algorithm = ecdsa(*curve, algorithm).ok_or(PublicKeyError::Unsupported)?;
                aws_lc_verify(algorithm, point, message, signature)
            }
            Self::Rsa {
                modulus_bits,
                pkcs1,
                ..
            } => match aws_lc_rsa(*modulus_bits, algorithm) {
                Some(algorithm) => aws_lc_verify(algorithm, pkcs1, message, signature),
                None => verify_short_rsa(pkcs1, algorithm, message, signature),
            },
        }
    }

    /// Whether verifying `signature` takes this key a whole public-key operation. A signature of
    /// another length or range, or of an algorithm that this key does not go with, is rejected
    /// before any arithmetic, which an attacker could measure.
    #[must_use]
    pub fn is_plausible(&self, algorithm: SignatureAlgorithm, signature: &[u8]) -> bool {
        match self {
            Self::Ec { curve, point } => {
                let coordinate_bytes = point.len() / 2;
                ecdsa(*curve, algorithm).is_some()
                    && is_ecdsa_signature(signature, coordinate_bytes)
            }
            Self::Rsa { pkcs1, .. } => {
                let is_rsa = match algorithm {
                    SignatureAlgorithm::RsaPkcs1(_) => true,
                    SignatureAlgorithm::RsaPss(digest) => digest != DigestAlgorithm::Sha1,
                    SignatureAlgorithm::Ecdsa(_) => false,
                };
                // Of equal lengths, so that the order of octets is the order of numbers.
                is_rsa
                    && Pkcs1PublicKey::from_der(pkcs1).is_ok_and(|key| {
                        let modulus = key.modulus.as_bytes();
                        signature.len() == modulus.len() && signature < modulus
                    })
            }
        }
    }

    /// Encrypts a content key to this key, RSAES-PKCS1-v1_5, which is the one padding that every client opens.
    ///
    /// # Errors
    /// [`PublicKeyError::CannotEncrypt`] for EC keys; [`PublicKeyError::Malformed`] for what is no RSA key.
    pub fn encrypt(&self, content_key: &[u8]) -> Result<Vec<u8>, PublicKeyError> {
        let Self::Rsa {
            modulus_bits,
            spki,
            pkcs1,
        } = self
        else {
            return Err(PublicKeyError::CannotEncrypt);
        };
        if *modulus_bits < AWS_LC_MIN_RSA_BITS {
            return Pkcs1v15Encrypt
                .encrypt(&mut SysRng, &short_rsa(pkcs1)?, content_key)
                .map_err(|_| PublicKeyError::Malformed);
        }
        let key = PublicEncryptingKey::from_der(spki)
            .and_then(|key| Ok(Pkcs1PublicEncryptingKey::new(key)?))
            .map_err(|_| PublicKeyError::Malformed)?;
        let mut encrypted = vec![0; key.ciphertext_size()];
        let length = key
            .encrypt(content_key, &mut encrypted)
            .map_err(|_| PublicKeyError::Malformed)?
            .len();
        encrypted.truncate(length);
        Ok(encrypted)
    }
}

/// ```asn1
/// ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }
/// ```
#[derive(Sequence)]
struct EcdsaSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

fn is_ecdsa_signature(signature: &[u8], coordinate_bytes: usize) -> bool {
    EcdsaSignature::from_der(signature).is_ok_and(|signature| {
        [signature.r, signature.s].iter().all(|part| {
            let octets = part.as_bytes();
            octets.len() <= coordinate_bytes && octets.iter().any(|octet| *octet != 0)
        })
    })
}

fn rsa_spki(pkcs1: &[u8]) -> der::Result<Vec<u8>> {
    SubjectPublicKeyInfoRef {
        algorithm: AlgorithmIdentifierRef {
            oid: oid::RSA_ENCRYPTION,
            parameters: Some(AnyRef::NULL),
        },
        subject_public_key: BitStringRef::from_bytes(pkcs1)?,
    }
    .to_der()
}

fn aws_lc_verify(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), PublicKeyError> {
    UnparsedPublicKey::new(algorithm, key)
        .verify(message, signature)
        .map_err(|_| PublicKeyError::BadSignature)
}

fn aws_lc_rsa(
    modulus_bits: usize,
    algorithm: SignatureAlgorithm,
) -> Option<&'static dyn VerificationAlgorithm> {
    if modulus_bits < AWS_LC_MIN_RSA_BITS {
        return None;
    }
    Some(match algorithm {
        SignatureAlgorithm::RsaPkcs1(digest) => match digest {
            DigestAlgorithm::Sha1 => &signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            DigestAlgorithm::Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            DigestAlgorithm::Sha384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            DigestAlgorithm::Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        },
        SignatureAlgorithm::RsaPss(digest) => match digest {
            DigestAlgorithm::Sha1 => return None,
            DigestAlgorithm::Sha256 => &signature::RSA_PSS_2048_8192_SHA256,
            DigestAlgorithm::Sha384 => &signature::RSA_PSS_2048_8192_SHA384,
            DigestAlgorithm::Sha512 => &signature::RSA_PSS_2048_8192_SHA512,
        },
        SignatureAlgorithm::Ecdsa(_) => return None,
    })
}

fn short_rsa(pkcs1: &[u8]) -> Result<RsaPublicKey, PublicKeyError> {
    RsaPublicKey::from_pkcs1_der(pkcs1).map_err(|_| PublicKeyError::Malformed)
}

fn verify_short_rsa(
    pkcs1: &[u8],
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<(), PublicKeyError> {
    let key = short_rsa(pkcs1)?;
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
        SignatureAlgorithm::RsaPss(digest) => match digest {
            DigestAlgorithm::Sha1 => return Err(PublicKeyError::Unsupported),
            DigestAlgorithm::Sha256 => key.verify(Pss::<sha2::Sha256>::new(), &hashed, signature),
            DigestAlgorithm::Sha384 => key.verify(Pss::<sha2::Sha384>::new(), &hashed, signature),
            DigestAlgorithm::Sha512 => key.verify(Pss::<sha2::Sha512>::new(), &hashed, signature),
        },
        SignatureAlgorithm::Ecdsa(_) => return Err(PublicKeyError::Unsupported),
    }
    .map_err(|_| PublicKeyError::BadSignature)
}

fn ecdsa(
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

/// How many public-key operations this thread has done, for tests of what takes an attacker's time.
#[cfg(feature = "count-operations")]
pub mod operations {
    use std::cell::Cell;

    thread_local! {
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }

    pub(super) fn count() {
        COUNT.set(COUNT.get().wrapping_add(1));
    }

    /// Signatures that this thread has verified, or tried to.
    #[must_use]
    pub fn counted() -> u64 {
        COUNT.get()
    }
}
