//! PasswordRecipientInfo, RFC 5652 §6.2.4: a content key wrapped with the challengePassword, for
//! clients whose keys cannot decrypt.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5753, rfc5911};
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, DecodeValue, Encode, Tag};
use spki::AlgorithmIdentifierRef;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::algorithm::{ContentEncryption, DigestAlgorithm};
use crate::algorithm_name::UnsupportedAlgorithm;
use crate::asn1::{PasswordRecipientInfo, Pbkdf2Parameters};
use crate::challenge::ChallengePassword;
use crate::content_key::ContentKey;
use crate::error::{CipherLengthError, DecodeError, EncodeCause};
use crate::oid;

/// The maximum number of PBKDF2 iterations.
// An attacker chooses the number and the server pays: 10,000 cost some milliseconds. OpenSSL uses
// 2,048, Bouncy Castle 1,024.
const MAX_ITERATIONS: u32 = 10_000;

/// The maximum length of a wrapped key, in octets: 4 of check, 32 of key, and padding to whole
/// blocks.
const MAX_WRAPPED_BYTES: usize = 64;

/// The length of the check before the key: the key's length and the complement of its first three
/// octets, RFC 3211 §2.3.1.
const CHECK_BYTES: usize = 4;

/// Why a PasswordRecipientInfo cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRecipientError {
    /// The key derivation, the key wrap or the cipher of the key wrap is not supported.
    #[error("an algorithm of the PasswordRecipientInfo is not supported")]
    Algorithm(#[from] UnsupportedAlgorithm),
    /// The structure is malformed, or exceeds the limits.
    #[error("decoding the PasswordRecipientInfo")]
    Malformed(#[from] DecodeError),
}

/// A content key wrapped with the challengePassword: PBKDF2, RFC 8018 §5.2, and the key wrap of RFC
/// 3211 §2.3.
#[derive(Clone, Debug)]
pub struct PasswordRecipient {
    prf: DigestAlgorithm,
    salt: Vec<u8>,
    iterations: NonZeroU32,
    cipher: ContentEncryption,
    iv: Vec<u8>,
    wrapped: Vec<u8>,
}

/// The random parts of a new [`PasswordRecipient`], and its number of iterations.
pub struct PasswordWrapping {
    /// A fresh random salt.
    pub salt: [u8; 16],
    /// A fresh random IV, cut to the length of the cipher's block.
    pub iv: [u8; 16],
    /// Fresh random octets that fill the last block.
    pub padding: [u8; 16],
    /// The number of iterations of PBKDF2 with HMAC-SHA-256.
    pub iterations: NonZeroU32,
}

impl PasswordRecipient {
    /// Decodes a PasswordRecipientInfo with its tag `[3]`.
    pub(crate) fn from_any(info: AnyRef<'_>) -> Result<Self, PasswordRecipientError> {
        let info: PasswordRecipientInfo<'_> = AnyRef::new(Tag::Sequence, info.value())
            .and_then(|sequence| sequence.decode_as())
            .map_err(DecodeError::of("PasswordRecipientInfo"))?;
        let encryption = info.key_encryption_algorithm;
        // Without keyDerivationAlgorithm, the key-encryption key comes from outside the message.
        // SCEP has no such key.
        let derivation = info
            .key_derivation_algorithm
            .ok_or(UnsupportedAlgorithm::new(encryption.oid))?;
        let parameters: Pbkdf2Parameters<'_> =
            decode_parameters(&derivation, rfc5911::ID_PBKDF_2, "PBKDF2-params")?;
        let inner: AlgorithmIdentifierRef<'_> =
            decode_parameters(&encryption, oid::PWRI_KEK, "KeyWrapAlgorithm")?;
        let cipher = ContentEncryption::from_identifier(&inner)?;
        let iv: &OctetStringRef = inner
            .parameters
            .ok_or(DecodeError::Unexpected("a key wrap without an IV"))?
            .decode_as()
            .map_err(DecodeError::of("IV"))?;
        let recipient = Self {
            prf: parameters
                .prf
                .map_or(Ok(DigestAlgorithm::Sha1), |prf| parse_prf(&prf))?,
            salt: parameters.salt.as_bytes().to_vec(),
            iterations: NonZeroU32::new(parameters.iteration_count)
                .filter(|iterations| iterations.get() <= MAX_ITERATIONS)
                .ok_or(BAD_ITERATIONS)?,
            cipher,
            iv: iv.as_bytes().to_vec(),
            wrapped: info.encrypted_key.as_bytes().to_vec(),
        };
        // Unwrapping relies on whole blocks, at least two of them, RFC 3211 §2.3.1. A keyLength, if
        // present, must be that of the cipher.
        let length = parameters.key_length.map(usize::from);
        let fits = length.is_none_or(|length| length == cipher.key_bytes())
            && recipient.iv.len() == cipher.block_bytes()
            && recipient.wrapped.len() <= MAX_WRAPPED_BYTES
            && recipient.wrapped.len() >= 2 * cipher.block_bytes()
            && recipient.wrapped.len().is_multiple_of(cipher.block_bytes());
        if !fits {
            return Err(BAD_LENGTH.into());
        }
        Ok(recipient)
    }

    /// The wrapped content key.
    #[must_use]
    pub fn encrypted_key(&self) -> &[u8] {
        &self.wrapped
    }

    /// Unwraps the content key for `content_cipher`. Returns `rejection_key`, the
    /// implicit-rejection key, instead of an error, so that a wrong password fails later, like any
    /// other wrong content.
    ///
    /// Costs as many iterations of PBKDF2 as the sender chose, 10,000 at most.
    #[must_use]
    pub fn content_key(
        &self,
        password: &ChallengePassword,
        content_cipher: ContentEncryption,
        rejection_key: &Zeroizing<[u8; ContentKey::MAX_BYTES]>,
    ) -> ContentKey {
        let kek = derive_key(
            self.prf,
            self.iterations,
            &self.salt,
            password,
            self.cipher.key_bytes(),
        );
        let octets = self.unwrap_key(&kek).unwrap_or_default();
        let key = octets
            .get(CHECK_BYTES..CHECK_BYTES + content_cipher.key_bytes())
            .filter(|key| bool::from(check_matches(&octets, key)))
            .unwrap_or_default();
        ContentKey::unwrapped_or_rejection_key(content_cipher, key, rejection_key)
    }

    /// Decrypts the length, check, key and padding, RFC 3211 §2.3.2.
    fn unwrap_key(&self, kek: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let block = self.cipher.block_bytes();
        // The wrap encrypts twice, the second time with the last block of the first as IV. That
        // block comes first here, from the last two blocks, and undoes the second encryption.
        let last_two = self
            .wrapped
            .get(self.wrapped.len().checked_sub(2 * block)?..)?;
        let (before_last, last) = last_two.split_at_checked(block)?;
        let iv = self.cipher.decrypt_blocks(kek, before_last, last)?;
        let once = self.cipher.decrypt_blocks(kek, &iv, &self.wrapped)?;
        self.cipher
            .decrypt_blocks(kek, &self.iv, &once)
            .map(Zeroizing::new)
    }
}

/// Encodes a PasswordRecipientInfo with its tag `[3]`, in DER.
pub(crate) fn wrap_key(
    key: &ContentKey,
    cipher: ContentEncryption,
    password: &ChallengePassword,
    wrapping: &PasswordWrapping,
) -> Result<Vec<u8>, EncodeCause> {
    let iv = wrapping
        .iv
        .get(..cipher.block_bytes())
        .ok_or(CipherLengthError)?;
    let kek = derive_key(
        DigestAlgorithm::Sha256,
        wrapping.iterations,
        &wrapping.salt,
        password,
        cipher.key_bytes(),
    );
    let wrapped = pad_key(key.as_bytes(), cipher.block_bytes(), &wrapping.padding)
        .and_then(|padded| encrypt_twice(cipher, &kek, iv, &padded))
        .ok_or(CipherLengthError)?;
    Ok(encode_recipient(cipher, iv, wrapping, &wrapped)?)
}

/// Encrypts the padded key twice, RFC 3211 §2.3.1, the second time with the last block of the
/// first as IV. `None` if a length does not fit the cipher.
fn encrypt_twice(
    cipher: ContentEncryption,
    kek: &[u8],
    iv: &[u8],
    padded: &[u8],
) -> Option<Vec<u8>> {
    let once = cipher.encrypt_blocks(kek, iv, padded)?;
    let last = once.get(once.len().checked_sub(cipher.block_bytes())?..)?;
    cipher.encrypt_blocks(kek, last, &once)
}

fn encode_recipient(
    cipher: ContentEncryption,
    iv: &[u8],
    wrapping: &PasswordWrapping,
    wrapped: &[u8],
) -> der::Result<Vec<u8>> {
    let derivation = Pbkdf2Parameters {
        salt: OctetStringRef::new(&wrapping.salt)?,
        iteration_count: wrapping.iterations.get(),
        key_length: None,
        prf: Some(AlgorithmIdentifierRef {
            oid: rfc5753::ID_HMAC_WITH_SHA_256,
            parameters: Some(AnyRef::NULL),
        }),
    }
    .to_der()?;
    let inner = AlgorithmIdentifierRef {
        oid: cipher.oid(),
        parameters: Some(AnyRef::new(Tag::OctetString, iv)?),
    }
    .to_der()?;
    let info = PasswordRecipientInfo {
        version: 0,
        key_derivation_algorithm: Some(AlgorithmIdentifierRef {
            oid: rfc5911::ID_PBKDF_2,
            parameters: Some(AnyRef::from_der(&derivation)?),
        }),
        key_encryption_algorithm: AlgorithmIdentifierRef {
            oid: oid::PWRI_KEK,
            parameters: Some(AnyRef::from_der(&inner)?),
        },
        encrypted_key: OctetStringRef::new(wrapped)?,
    }
    .to_der()?;
    let sequence = AnyRef::from_der(&info)?;
    AnyRef::new(PASSWORD_RECIPIENT_TAG, sequence.value())?.to_der()
}

/// Derives the key-encryption key.
fn derive_key(
    prf: DigestAlgorithm,
    iterations: NonZeroU32,
    salt: &[u8],
    password: &ChallengePassword,
    length: usize,
) -> Zeroizing<Vec<u8>> {
    let algorithm = match prf {
        DigestAlgorithm::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
        DigestAlgorithm::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        DigestAlgorithm::Sha384 => pbkdf2::PBKDF2_HMAC_SHA384,
        DigestAlgorithm::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
    };
    let mut key = Zeroizing::new(vec![0; length]);
    pbkdf2::derive(
        algorithm,
        iterations,
        salt,
        password.reveal().as_bytes(),
        &mut key,
    );
    key
}

/// Concatenates length, check, key and padding to at least two whole blocks, RFC 3211 §2.3.1.
fn pad_key(key: &[u8], block: usize, padding: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut octets = Zeroizing::new(vec![u8::try_from(key.len()).ok()?]);
    octets.extend(key.get(..3)?.iter().map(|octet| !octet));
    octets.extend_from_slice(key);
    let whole = octets.len().next_multiple_of(block).max(2 * block);
    let missing = whole.checked_sub(octets.len())?;
    octets.extend_from_slice(padding.get(..missing)?);
    Some(octets)
}

/// Whether length and check match the key, RFC 3211 §2.3.2.
fn check_matches(unwrapped: &[u8], key: &[u8]) -> Choice {
    let length = u8::try_from(key.len()).unwrap_or(0);
    let check = key.iter().take(3).map(|octet| !octet);
    let expected: Vec<u8> = std::iter::once(length).chain(check).collect();
    let found = unwrapped.get(..CHECK_BYTES).unwrap_or_default();
    found.ct_eq(&expected)
}

/// Decodes the parameters of an identifier, which must be of this algorithm.
fn decode_parameters<'a, T>(
    identifier: &AlgorithmIdentifierRef<'a>,
    algorithm: ObjectIdentifier,
    what: &'static str,
) -> Result<T, PasswordRecipientError>
where
    T: der::Choice<'a> + DecodeValue<'a, Error = der::Error>,
{
    if identifier.oid != algorithm {
        return Err(UnsupportedAlgorithm::new(identifier.oid).into());
    }
    let parameters = identifier
        .parameters
        .ok_or(DecodeError::Unexpected("an algorithm without parameters"))?;
    Ok(parameters.decode_as().map_err(DecodeError::of(what))?)
}

fn parse_prf(
    identifier: &AlgorithmIdentifierRef<'_>,
) -> Result<DigestAlgorithm, UnsupportedAlgorithm> {
    match identifier.oid {
        oid::HMAC_WITH_SHA1 => Ok(DigestAlgorithm::Sha1),
        rfc5753::ID_HMAC_WITH_SHA_256 => Ok(DigestAlgorithm::Sha256),
        rfc5753::ID_HMAC_WITH_SHA_384 => Ok(DigestAlgorithm::Sha384),
        rfc5753::ID_HMAC_WITH_SHA_512 => Ok(DigestAlgorithm::Sha512),
        other => Err(UnsupportedAlgorithm::new(other)),
    }
}

const BAD_ITERATIONS: DecodeError =
    DecodeError::Unexpected("a number of PBKDF2 iterations outside 1 to 10000");
const BAD_LENGTH: DecodeError =
    DecodeError::Unexpected("a wrapped key, key length or IV that does not fit the cipher");

/// The tag of `pwri [3]` in RecipientInfo, RFC 5652 §6.2.
pub(crate) const PASSWORD_RECIPIENT_TAG: Tag = Tag::ContextSpecific {
    constructed: true,
    number: der::TagNumber(3),
};

#[cfg(test)]
mod tests {
    use super::*;

    const REJECTION_KEY: [u8; 32] = [0xaa; 32];

    #[track_caller]
    fn check(cipher: ContentEncryption, password: &str, opens: bool) {
        let key = ContentKey::new(cipher, &[7; 32][..cipher.key_bytes()]).unwrap();
        let wrapping = PasswordWrapping {
            salt: [1; 16],
            iv: [2; 16],
            padding: [3; 16],
            iterations: NonZeroU32::new(100).unwrap(),
        };
        let sealed = wrap_key(&key, cipher, &ChallengePassword::new("s3cret"), &wrapping).unwrap();
        let recipient = PasswordRecipient::from_any(AnyRef::from_der(&sealed).unwrap()).unwrap();
        let password = ChallengePassword::new(password);
        let opened = recipient.content_key(&password, cipher, &Zeroizing::new(REJECTION_KEY));
        let expected = if opens {
            key.as_bytes()
        } else {
            &REJECTION_KEY[..cipher.key_bytes()]
        };
        assert_eq!(opened.as_bytes(), expected);
    }

    #[test]
    fn the_password_opens_and_another_gives_the_rejection_key() {
        for cipher in ContentEncryption::ALL {
            check(cipher, "s3cret", true);
            check(cipher, "S3cret", false);
            check(cipher, "", false);
        }
    }

    /// A wrapped key of AES-128 that was derived in so many iterations.
    fn wrapped(iterations: u32) -> Vec<u8> {
        let key = ContentKey::new(ContentEncryption::Aes128Cbc, &[7; 16]).unwrap();
        let wrapping = PasswordWrapping {
            salt: [1; 16],
            iv: [2; 16],
            padding: [3; 16],
            iterations: NonZeroU32::new(iterations).unwrap(),
        };
        let password = ChallengePassword::new("s3cret");
        wrap_key(&key, ContentEncryption::Aes128Cbc, &password, &wrapping).unwrap()
    }

    #[track_caller]
    fn check_error(recipient: &[u8], expected: &PasswordRecipientError) {
        let error = PasswordRecipient::from_any(AnyRef::from_der(recipient).unwrap()).unwrap_err();
        assert_eq!(error, *expected);
    }

    #[test]
    fn iterations_are_bounded() {
        check_error(&wrapped(MAX_ITERATIONS + 1), &BAD_ITERATIONS.into());
    }

    /// Replaces the one occurrence of `from` by `to`, of the same length.
    fn replace(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
        let places: Vec<_> = (0..der.len())
            .filter(|place| der[*place..].starts_with(from))
            .collect();
        let [place] = places[..] else {
            panic!("not once: {places:?}");
        };
        [&der[..place], to, &der[place + from.len()..]].concat()
    }

    #[test]
    fn a_malformed_recipient_is_no_unsupported_algorithm() {
        let recipient = wrapped(1);
        for (algorithm, other) in [
            (rfc5911::ID_PBKDF_2, "1.2.840.113549.1.5.13"),
            (rfc5753::ID_HMAC_WITH_SHA_256, "1.2.840.113549.2.8"),
            (oid::PWRI_KEK, "1.2.840.113549.1.9.16.3.8"),
            (rfc5911::ID_AES_128_CBC, "2.16.840.1.101.3.4.1.3"),
        ] {
            let other = ObjectIdentifier::new_unwrap(other);
            let changed = replace(&recipient, algorithm.as_bytes(), other.as_bytes());
            let expected = UnsupportedAlgorithm::new(other).into();
            check_error(&changed, &expected);
        }
        // The IV under another tag, the salt likewise, and the octets of no structure at all.
        let iv = [&[4, 16][..], &[2; 16]].concat();
        let salt = [&[4, 16][..], &[1; 16]].concat();
        for changed in [
            replace(&recipient, &iv, &[&[5], &iv[1..]].concat()),
            replace(&recipient, &salt, &[&[5], &salt[1..]].concat()),
            vec![0xa3, 2, 5, 0],
        ] {
            let error = PasswordRecipient::from_any(AnyRef::from_der(&changed).unwrap());
            assert!(matches!(error, Err(PasswordRecipientError::Malformed(_))));
        }
    }
}
