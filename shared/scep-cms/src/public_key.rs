//! Public keys: what clients sign with, and what replies are encrypted to.

use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::{Decode, Encode, Sequence};
use rand::rngs::SysRng;
use rsa::Pkcs1v15Encrypt;
use rsa::traits::PaddingScheme;
use serde::{Deserialize, Serialize};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use crate::verification::{
    aws_lc_rsa, aws_lc_verify, ecdsa, is_ecdsa_signature, padded, rsa_key, verify_by_rsa,
};
use crate::{DigestAlgorithm, SignatureAlgorithm, Weakness, oid};

/// Shortest RSA modulus that is taken from a client, in bits.
pub(crate) const MIN_RSA_BITS: usize = 1024;

/// Longest RSA modulus, in bits: beyond it, one verification costs a server more than a message costs an attacker.
pub(crate) const MAX_RSA_BITS: usize = 8192;

/// Below this length aws-lc neither encrypts nor, with SHA-384, verifies; the `rsa` crate does these old devices.
pub(crate) const AWS_LC_MIN_RSA_BITS: usize = 2048;

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
        /// The modulus, big-endian.
        modulus: Vec<u8>,
        /// The public exponent.
        exponent: u32,
        /// SubjectPublicKeyInfo, canonical DER.
        spki: Vec<u8>,
        /// RSAPublicKey of PKCS #1, canonical DER.
        pkcs1: Vec<u8>,
    },
    /// Elliptic curve.
    Ec {
        /// Its curve.
        curve: EcCurve,
        /// The point, uncompressed, SEC 1 §2.3.3.
        point: Vec<u8>,
        /// SubjectPublicKeyInfo, canonical DER.
        spki: Vec<u8>,
    },
}

/// ```asn1
/// RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }
/// ```
#[derive(Sequence)]
pub(crate) struct Pkcs1PublicKey<'a> {
    pub(crate) modulus: UintRef<'a>,
    pub(crate) exponent: UintRef<'a>,
}

impl PublicKey {
    /// Reads a DER SubjectPublicKeyInfo. The parameters of `rsaEncryption` are NULL, RFC 3279
    /// §2.3.1, or left out as some clients do; those of an EC key are a named curve, RFC 5480
    /// §2.1.1, and its point is uncompressed.
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
            oid::RSA_ENCRYPTION => {
                let parameters = parsed.algorithm.parameters;
                if parameters.is_some_and(|parameters| parameters != AnyRef::NULL) {
                    return Err(PublicKeyError::Unsupported);
                }
                Self::rsa(key)
            }
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
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&modulus_bits) {
            return Err(PublicKeyError::Unsupported);
        }
        // aws-lc takes public exponents of at most 33 bits too; a longer one makes each verification slower.
        let exponent = exponent(&parsed).ok_or(PublicKeyError::Unsupported)?;
        let pkcs1 = parsed.to_der().map_err(|_| PublicKeyError::Malformed)?;
        Ok(Self::Rsa {
            modulus_bits,
            modulus: modulus.to_vec(),
            exponent,
            spki: rsa_spki(&pkcs1).map_err(|_| PublicKeyError::Malformed)?,
            pkcs1,
        })
    }

    fn ec(curve: ObjectIdentifier, point: &[u8]) -> Result<Self, PublicKeyError> {
        let (name, coordinate_bytes) = match curve {
            oid::P256 => (EcCurve::P256, 32),
            oid::P384 => (EcCurve::P384, 48),
            oid::P521 => (EcCurve::P521, 66),
            _ => return Err(PublicKeyError::Unsupported),
        };
        if point.first() != Some(&0x04) || point.len() != 1 + 2 * coordinate_bytes {
            return Err(PublicKeyError::Unsupported);
        }
        Ok(Self::Ec {
            curve: name,
            point: point.to_vec(),
            spki: ec_spki(&curve, point).map_err(|_| PublicKeyError::Malformed)?,
        })
    }

    /// The one DER SubjectPublicKeyInfo of this key, whatever came: `rsaEncryption` with NULL
    /// parameters and the shortest encoding of modulus and exponent, RFC 3279 §2.3.1, or the named
    /// curve with the uncompressed point, RFC 5480 §2. Two keys are the same exactly when these
    /// octets are: certify and fingerprint these.
    #[must_use]
    pub fn canonical_spki(&self) -> &[u8] {
        match self {
            Self::Rsa { spki, .. } | Self::Ec { spki, .. } => spki,
        }
    }

    /// Why the key protects nothing, as far as can be seen from outside; of EC keys nothing can.
    /// Costs an exponentiation with an exponent as long as the modulus: 6 ms for 2048 bits, 38 ms
    /// for 4096, 290 ms for 8192, on one core of a small server. Only for a request that has been
    /// authorised.
    #[must_use]
    pub fn weakness(&self) -> Option<Weakness> {
        match self {
            Self::Rsa {
                modulus, exponent, ..
            } => Weakness::of_rsa(modulus, *exponent),
            Self::Ec { .. } => None,
        }
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
            Self::Ec { curve, point, .. } => {
                let algorithm = ecdsa(*curve, algorithm).ok_or(PublicKeyError::Unsupported)?;
                aws_lc_verify(algorithm, point, message, signature)
            }
            Self::Rsa {
                modulus_bits,
                modulus,
                pkcs1,
                ..
            } => {
                let signature = padded(signature, modulus.len());
                let signature = signature.ok_or(PublicKeyError::BadSignature)?;
                match aws_lc_rsa(*modulus_bits, algorithm) {
                    Some(algorithm) => aws_lc_verify(algorithm, pkcs1, message, &signature),
                    None => verify_by_rsa(pkcs1, algorithm, message, &signature),
                }
            }
        }
    }

    /// Whether verifying `signature` takes this key a whole public-key operation. A signature of
    /// another length or range, or of an algorithm that this key does not go with, is rejected
    /// before any arithmetic, which an attacker could measure.
    #[must_use]
    pub fn is_plausible(&self, algorithm: SignatureAlgorithm, signature: &[u8]) -> bool {
        match self {
            Self::Ec { curve, point, .. } => {
                let coordinate_bytes = point.len() / 2;
                ecdsa(*curve, algorithm).is_some()
                    && is_ecdsa_signature(signature, coordinate_bytes)
            }
            Self::Rsa { modulus, .. } => {
                let is_rsa = match algorithm {
                    SignatureAlgorithm::RsaPkcs1(_) => true,
                    SignatureAlgorithm::RsaPss { digest, .. } => digest != DigestAlgorithm::Sha1,
                    SignatureAlgorithm::Ecdsa(_) => false,
                };
                // Of equal lengths, so that the order of octets is the order of numbers.
                let signature = padded(signature, modulus.len());
                is_rsa && signature.is_some_and(|signature| *signature < **modulus)
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
            ..
        } = self
        else {
            return Err(PublicKeyError::CannotEncrypt);
        };
        if *modulus_bits < AWS_LC_MIN_RSA_BITS {
            return Pkcs1v15Encrypt
                .encrypt(&mut SysRng, &rsa_key(pkcs1)?, content_key)
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

/// The public exponent, if it has at most 32 bits.
fn exponent(key: &Pkcs1PublicKey<'_>) -> Option<u32> {
    let octets = key.exponent.as_bytes();
    let mut exponent = [0; 4];
    let start = exponent.len().checked_sub(octets.len())?;
    exponent.get_mut(start..)?.copy_from_slice(octets);
    Some(u32::from_be_bytes(exponent))
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

fn ec_spki(curve: &ObjectIdentifier, point: &[u8]) -> der::Result<Vec<u8>> {
    SubjectPublicKeyInfoRef {
        algorithm: AlgorithmIdentifierRef {
            oid: oid::EC_PUBLIC_KEY,
            parameters: Some(curve.into()),
        },
        subject_public_key: BitStringRef::from_bytes(point)?,
    }
    .to_der()
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

#[cfg(test)]
mod tests {
    use der::Tag;
    use der::asn1::{Any, BitString};
    use spki::AlgorithmIdentifierOwned;

    use super::*;

    /// SubjectPublicKeyInfo of these parts.
    fn spki(oid: ObjectIdentifier, parameters: Option<Any>, key: &[u8]) -> Vec<u8> {
        let algorithm = AlgorithmIdentifierOwned { oid, parameters };
        let subject_public_key = BitString::from_bytes(key).unwrap();
        let spki = spki::SubjectPublicKeyInfo {
            algorithm,
            subject_public_key,
        };
        spki.to_der().unwrap()
    }

    /// RSAPublicKey with an odd modulus of 2048 bits and the exponent 65537.
    fn rsa_key() -> Vec<u8> {
        let key = Pkcs1PublicKey {
            modulus: UintRef::new(&[0xff; 256]).unwrap(),
            exponent: UintRef::new(&[1, 0, 1]).unwrap(),
        };
        key.to_der().unwrap()
    }

    fn point() -> Vec<u8> {
        let mut point = vec![0x04];
        point.extend([0x17; 64]);
        point
    }

    #[track_caller]
    fn check(came: &[u8], canonical: Result<&[u8], PublicKeyError>) {
        let key = PublicKey::from_der(came);
        assert_eq!(
            key.as_ref().map(PublicKey::canonical_spki),
            canonical.as_ref().map(|spki| *spki)
        );
    }

    #[test]
    fn a_key_has_one_canonical_subject_public_key_info() {
        let canonical = spki(oid::RSA_ENCRYPTION, Some(Any::null()), &rsa_key());
        check(&canonical, Ok(&canonical));
        check(&spki(oid::RSA_ENCRYPTION, None, &rsa_key()), Ok(&canonical));
        let canonical = spki(oid::EC_PUBLIC_KEY, Some(Any::from(oid::P256)), &point());
        check(&canonical, Ok(&canonical));
    }

    #[test]
    fn parameters_that_nobody_needs_are_refused() {
        let unsupported = Err(PublicKeyError::Unsupported);
        for parameters in [
            Any::new(Tag::OctetString, b"smuggled".repeat(25_000)).unwrap(),
            Any::new(Tag::Sequence, Vec::new()).unwrap(),
            // NULL with contents.
            Any::new(Tag::Null, b"\0".to_vec()).unwrap(),
        ] {
            check(
                &spki(oid::RSA_ENCRYPTION, Some(parameters.clone()), &rsa_key()),
                unsupported,
            );
            // specifiedCurve and implicitCurve, RFC 5480 §2.1.1.
            check(
                &spki(oid::EC_PUBLIC_KEY, Some(parameters), &point()),
                unsupported,
            );
        }
        check(
            &spki(oid::EC_PUBLIC_KEY, Some(Any::null()), &point()),
            unsupported,
        );
        check(&spki(oid::EC_PUBLIC_KEY, None, &point()), unsupported);
    }

    #[test]
    fn a_key_in_another_form_is_refused() {
        let rsa = |key: &[u8]| spki(oid::RSA_ENCRYPTION, Some(Any::null()), key);
        let with = |octets: &[u8]| [&rsa_key(), octets].concat();
        let malformed = Err(PublicKeyError::Malformed);
        check(&rsa(&with(b"trailing")), malformed);
        let mut unused_bits = rsa(&rsa_key());
        let at = unused_bits.len() - rsa_key().len() - 1;
        unused_bits[at] = 1;
        check(&unused_bits, malformed);
        // A modulus that begins with a needless zero, and a negative one.
        for modulus in [[&[0, 0][..], &[0xff; 256]].concat(), vec![0xff; 256]] {
            let modulus = Any::new(Tag::Integer, modulus).unwrap().to_der().unwrap();
            let parts = [modulus, vec![2, 1, 3]].concat();
            let key = Any::new(Tag::Sequence, parts).unwrap().to_der().unwrap();
            check(&rsa(&key), malformed);
        }
        let ec = |point: &[u8]| spki(oid::EC_PUBLIC_KEY, Some(Any::from(oid::P256)), point);
        let compressed = [&[2], &point()[1..33]].concat();
        check(&ec(&compressed), Err(PublicKeyError::Unsupported));
        // The hybrid form.
        let hybrid = [&[6], &point()[1..]].concat();
        check(&ec(&hybrid), Err(PublicKeyError::Unsupported));
        check(&[&ec(&point())[..], b"x"].concat(), malformed);
    }

    #[test]
    fn a_key_tells_its_weakness() {
        let key = PublicKey::from_der(&spki(oid::RSA_ENCRYPTION, None, &rsa_key())).unwrap();
        // 2^2048 - 1 is divisible by 3.
        assert_eq!(key.weakness(), Some(Weakness::SmallFactor));
    }
}
