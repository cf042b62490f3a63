//! Public keys of clients: verifying their signatures and encrypting replies to them.

use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912;
use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Encode};
use rand::rngs::SysRng;
use rsa::Pkcs1v15Encrypt;
use rsa::traits::PaddingScheme;
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use crate::algorithm::{DigestAlgorithm, EcCurve, SignatureAlgorithm};
use crate::error::PublicKeyError;
use crate::verification::{
    AWS_LC_MIN_RSA_BITS, MAX_RSA_BITS, MIN_RSA_BITS, Pkcs1PublicKey, aws_lc_rsa_algorithm,
    ecdsa_algorithm, is_ecdsa_signature, restore_zeros, rsa_crate_key, verify_with_aws_lc,
    verify_with_rsa_crate,
};
use crate::weakness::Weakness;

/// A supported public key: RSA of 1,024 to 8,192 bits, or EC on P-256, P-384 or P-521.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// An RSA key.
    Rsa {
        /// The length of the modulus, in bits.
        modulus_bits: usize,
        /// The modulus, big-endian.
        modulus: Vec<u8>,
        /// The public exponent.
        exponent: u32,
        /// The SubjectPublicKeyInfo, in canonical DER.
        spki: Vec<u8>,
        /// The RSAPublicKey of PKCS #1, in canonical DER.
        pkcs1: Vec<u8>,
    },
    /// A key on an elliptic curve.
    Ec {
        /// The curve.
        curve: EcCurve,
        /// The uncompressed point, SEC 1 §2.3.3.
        point: Vec<u8>,
        /// The SubjectPublicKeyInfo, in canonical DER.
        spki: Vec<u8>,
    },
}

impl PublicKey {
    /// Decodes a DER SubjectPublicKeyInfo. The parameters of `rsaEncryption` must be NULL, RFC 3279
    /// §2.3.1, or absent, as some clients send them; those of an EC key must be a named curve, RFC
    /// 5480 §2.1.1, with an uncompressed point.
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
            // Keys restricted to RSASSA-PSS are rejected: replies cannot be encrypted to them.
            rfc5912::RSA_ENCRYPTION => {
                // No other parameters have a meaning here. Ignored, they would let a request carry
                // octets that no one reads.
                let parameters = parsed.algorithm.parameters;
                if parameters.is_some_and(|parameters| parameters != AnyRef::NULL) {
                    return Err(PublicKeyError::Unsupported);
                }
                Self::parse_rsa(key)
            }
            rfc5912::ID_EC_PUBLIC_KEY => {
                let curve = parsed
                    .algorithm
                    .parameters_oid()
                    .map_err(|_| PublicKeyError::Unsupported)?;
                Self::parse_ec(curve, key)
            }
            _ => Err(PublicKeyError::Unsupported),
        }
    }

    fn parse_rsa(key: &[u8]) -> Result<Self, PublicKeyError> {
        let parsed = Pkcs1PublicKey::from_der(key).map_err(|_| PublicKeyError::Malformed)?;
        let modulus = parsed.modulus.as_bytes();
        let modulus_bits = modulus.first().map_or(0, |first| {
            modulus.len() * 8 - usize::from(u8::try_from(first.leading_zeros()).unwrap_or(0))
        });
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&modulus_bits) {
            return Err(PublicKeyError::Unsupported);
        }
        // A longer exponent makes each verification slower; aws-lc limits it to 33 bits for this
        // reason.
        let exponent = parse_exponent(&parsed).ok_or(PublicKeyError::Unsupported)?;
        let pkcs1 = parsed.to_der().map_err(|_| PublicKeyError::Malformed)?;
        Ok(Self::Rsa {
            modulus_bits,
            modulus: modulus.to_vec(),
            exponent,
            spki: encode_rsa_spki(&pkcs1).map_err(|_| PublicKeyError::Malformed)?,
            pkcs1,
        })
    }

    fn parse_ec(curve: ObjectIdentifier, point: &[u8]) -> Result<Self, PublicKeyError> {
        let (name, coordinate_bytes) = match curve {
            rfc5912::SECP_256_R_1 => (EcCurve::P256, 32),
            rfc5912::SECP_384_R_1 => (EcCurve::P384, 48),
            rfc5912::SECP_521_R_1 => (EcCurve::P521, 66),
            _ => return Err(PublicKeyError::Unsupported),
        };
        // RFC 5480 §2.2 makes only the uncompressed form, 0x04, mandatory, and with a second form a
        // key would have two encodings.
        if point.first() != Some(&0x04) || point.len() != 1 + 2 * coordinate_bytes {
            return Err(PublicKeyError::Unsupported);
        }
        Ok(Self::Ec {
            curve: name,
            point: point.to_vec(),
            spki: encode_ec_spki(&curve, point).map_err(|_| PublicKeyError::Malformed)?,
        })
    }

    /// The canonical SubjectPublicKeyInfo of this key, in DER: `rsaEncryption` with NULL parameters
    /// and the shortest encoding of modulus and exponent, RFC 3279 §2.3.1, or the named curve with
    /// the uncompressed point, RFC 5480 §2. Two keys are the same exactly when these octets are, so
    /// use them in certificates and fingerprints.
    #[must_use]
    pub fn canonical_spki(&self) -> &[u8] {
        match self {
            Self::Rsa { spki, .. } | Self::Ec { spki, .. } => spki,
        }
    }

    /// The weakness of the key, as far as the public key shows it. EC keys show none.
    ///
    /// For a key that was not seen lately, it costs an exponentiation with an exponent as long as
    /// the modulus: 4 ms for 2,048 bits, 38 ms for 4,096, 290 ms for 8,192, on one core of a small
    /// server. Call it only for an authorised request.
    #[must_use]
    pub fn weakness(&self) -> Option<Weakness> {
        match self {
            Self::Rsa {
                modulus, exponent, ..
            } => Weakness::of_rsa(modulus, *exponent),
            Self::Ec { .. } => None,
        }
    }

    /// Verifies this key's `signature` over `message`.
    ///
    /// # Errors
    /// [`PublicKeyError::BadSignature`], or [`PublicKeyError::Unsupported`] when the algorithm does
    /// not fit the key.
    pub fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), PublicKeyError> {
        #[cfg(feature = "count-operations")]
        operations::increment();
        match self {
            Self::Ec { curve, point, .. } => {
                let algorithm =
                    ecdsa_algorithm(*curve, algorithm).ok_or(PublicKeyError::Unsupported)?;
                verify_with_aws_lc(algorithm, point, message, signature)
            }
            Self::Rsa {
                modulus_bits,
                modulus,
                pkcs1,
                ..
            } => {
                let full_length =
                    restore_zeros(signature, modulus.len()).ok_or(PublicKeyError::BadSignature)?;
                match aws_lc_rsa_algorithm(*modulus_bits, algorithm) {
                    Some(algorithm) => verify_with_aws_lc(algorithm, pkcs1, message, &full_length),
                    None => verify_with_rsa_crate(pkcs1, algorithm, message, &full_length),
                }
            }
        }
    }

    /// Whether verifying `signature` costs a whole public-key operation. [`Self::verify`] rejects a
    /// signature with an invalid length or range, or with an algorithm that does not fit the key,
    /// before that operation, and an attacker could measure the difference.
    #[must_use]
    pub fn is_plausible(&self, algorithm: SignatureAlgorithm, signature: &[u8]) -> bool {
        match self {
            Self::Ec { curve, point, .. } => {
                let coordinate_bytes = point.len() / 2;
                ecdsa_algorithm(*curve, algorithm).is_some()
                    && is_ecdsa_signature(signature, coordinate_bytes)
            }
            Self::Rsa { modulus, .. } => {
                let is_rsa = match algorithm {
                    SignatureAlgorithm::RsaPkcs1(_) => true,
                    SignatureAlgorithm::RsaPss { digest, .. } => digest != DigestAlgorithm::Sha1,
                    SignatureAlgorithm::Ecdsa(_) => false,
                };
                // With equal lengths, the order of the octets is the order of the numbers.
                is_rsa
                    && restore_zeros(signature, modulus.len())
                        .is_some_and(|full_length| *full_length < **modulus)
            }
        }
    }

    /// Encrypts a content key with RSAES-PKCS1-v1_5, the one padding that every client supports.
    ///
    /// # Errors
    /// [`PublicKeyError::CannotEncrypt`] for an EC key; [`PublicKeyError::Malformed`] for an
    /// invalid RSA key.
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
                .encrypt(&mut SysRng, &rsa_crate_key(pkcs1)?, content_key)
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

/// The public exponent; `None` if it is longer than 32 bits.
fn parse_exponent(key: &Pkcs1PublicKey<'_>) -> Option<u32> {
    let octets = key.exponent.as_bytes();
    let mut exponent = [0; 4];
    let start = exponent.len().checked_sub(octets.len())?;
    exponent.get_mut(start..)?.copy_from_slice(octets);
    Some(u32::from_be_bytes(exponent))
}

fn encode_rsa_spki(pkcs1: &[u8]) -> der::Result<Vec<u8>> {
    SubjectPublicKeyInfoRef {
        algorithm: AlgorithmIdentifierRef {
            oid: rfc5912::RSA_ENCRYPTION,
            parameters: Some(AnyRef::NULL),
        },
        subject_public_key: BitStringRef::from_bytes(pkcs1)?,
    }
    .to_der()
}

fn encode_ec_spki(curve: &ObjectIdentifier, point: &[u8]) -> der::Result<Vec<u8>> {
    SubjectPublicKeyInfoRef {
        algorithm: AlgorithmIdentifierRef {
            oid: rfc5912::ID_EC_PUBLIC_KEY,
            parameters: Some(curve.into()),
        },
        subject_public_key: BitStringRef::from_bytes(point)?,
    }
    .to_der()
}

/// A count of this thread's public-key operations, for tests that timing reveals nothing.
#[cfg(feature = "count-operations")]
pub mod operations {
    use std::cell::Cell;

    thread_local! {
        static COUNT: Cell<u64> = const { Cell::new(0) };
    }

    pub(super) fn increment() {
        COUNT.set(COUNT.get().wrapping_add(1));
    }

    /// The number of signatures that this thread has tried to verify.
    #[must_use]
    pub fn total() -> u64 {
        COUNT.get()
    }
}

#[cfg(test)]
mod tests {
    use der::Tag;
    use der::asn1::{Any, BitString, UintRef};
    use spki::AlgorithmIdentifierOwned;
    use strum::VariantArray;

    use super::*;

    #[test]
    fn a_curve_is_shown_by_the_name_that_rules_store() {
        let names = EcCurve::VARIANTS.iter().map(ToString::to_string);
        assert!(names.eq(["P256", "P384", "P521"]));
    }

    /// Encodes a SubjectPublicKeyInfo with these parts.
    fn spki(oid: ObjectIdentifier, parameters: Option<Any>, key: &[u8]) -> Vec<u8> {
        let algorithm = AlgorithmIdentifierOwned { oid, parameters };
        let subject_public_key = BitString::from_bytes(key).unwrap();
        let spki = spki::SubjectPublicKeyInfo {
            algorithm,
            subject_public_key,
        };
        spki.to_der().unwrap()
    }

    /// An RSAPublicKey with an odd modulus of 2,048 bits and the exponent 65,537.
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
        let canonical = spki(rfc5912::RSA_ENCRYPTION, Some(Any::null()), &rsa_key());
        check(&canonical, Ok(&canonical));
        check(
            &spki(rfc5912::RSA_ENCRYPTION, None, &rsa_key()),
            Ok(&canonical),
        );
        let canonical = spki(
            rfc5912::ID_EC_PUBLIC_KEY,
            Some(Any::from(rfc5912::SECP_256_R_1)),
            &point(),
        );
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
                &spki(
                    rfc5912::RSA_ENCRYPTION,
                    Some(parameters.clone()),
                    &rsa_key(),
                ),
                unsupported,
            );
            // specifiedCurve and implicitCurve, RFC 5480 §2.1.1.
            check(
                &spki(rfc5912::ID_EC_PUBLIC_KEY, Some(parameters), &point()),
                unsupported,
            );
        }
        check(
            &spki(rfc5912::ID_EC_PUBLIC_KEY, Some(Any::null()), &point()),
            unsupported,
        );
        check(
            &spki(rfc5912::ID_EC_PUBLIC_KEY, None, &point()),
            unsupported,
        );
    }

    #[test]
    fn a_key_in_another_form_is_refused() {
        let rsa = |key: &[u8]| spki(rfc5912::RSA_ENCRYPTION, Some(Any::null()), key);
        let with = |octets: &[u8]| [&rsa_key(), octets].concat();
        let malformed = Err(PublicKeyError::Malformed);
        check(&rsa(&with(b"trailing")), malformed);
        let mut unused_bits = rsa(&rsa_key());
        let at = unused_bits.len() - rsa_key().len() - 1;
        unused_bits[at] = 1;
        check(&unused_bits, malformed);
        // A modulus with a redundant leading zero, and a negative one.
        for modulus in [[&[0, 0][..], &[0xff; 256]].concat(), vec![0xff; 256]] {
            let modulus = Any::new(Tag::Integer, modulus).unwrap().to_der().unwrap();
            let parts = [modulus, vec![2, 1, 3]].concat();
            let key = Any::new(Tag::Sequence, parts).unwrap().to_der().unwrap();
            check(&rsa(&key), malformed);
        }
        let ec = |point: &[u8]| {
            spki(
                rfc5912::ID_EC_PUBLIC_KEY,
                Some(Any::from(rfc5912::SECP_256_R_1)),
                point,
            )
        };
        let compressed = [&[2], &point()[1..33]].concat();
        check(&ec(&compressed), Err(PublicKeyError::Unsupported));
        // The hybrid form.
        let hybrid = [&[6], &point()[1..]].concat();
        check(&ec(&hybrid), Err(PublicKeyError::Unsupported));
        check(&[&ec(&point())[..], b"x"].concat(), malformed);
    }

    #[test]
    fn a_key_tells_its_weakness() {
        let key = PublicKey::from_der(&spki(rfc5912::RSA_ENCRYPTION, None, &rsa_key())).unwrap();
        // 2^2048 - 1 is divisible by 3.
        assert_eq!(key.weakness(), Some(Weakness::SmallFactor));
    }
}
