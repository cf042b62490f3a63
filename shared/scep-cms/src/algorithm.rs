//! The algorithms of SCEP messages, one enum for each kind, and their AlgorithmIdentifiers.

use aes::cipher::block_padding::{NoPadding, Padding, Pkcs7};
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5911, rfc5912};
use der::Sequence;
use der::asn1::{AnyRef, OctetStringRef};
use serde::{Deserialize, Serialize};
use sha2::Digest;
use spki::AlgorithmIdentifierRef;

use crate::algorithm_name::UnsupportedAlgorithm;
use crate::oid;

/// A message digest, RFC 8894 §3.5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// SHA-1, for old devices only, RFC 8894 §7.9.
    Sha1,
    /// SHA-256, mandatory to implement, RFC 8894 §2.9.
    Sha256,
    /// SHA-384, which has no keyword in RFC 8894, but strongSwan looks for one.
    Sha384,
    /// SHA-512, optional.
    Sha512,
}

impl DigestAlgorithm {
    /// Every supported digest.
    pub const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// The digest with this identifier. Ignores the parameters, which may be NULL or absent.
    ///
    /// # Errors
    /// When the digest is not supported.
    pub fn from_identifier(
        identifier: &AlgorithmIdentifierRef<'_>,
    ) -> Result<Self, UnsupportedAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|digest| digest.oid() == identifier.oid)
            .ok_or(UnsupportedAlgorithm::new(identifier.oid))
    }

    /// The digest in a SignerInfo's digestAlgorithm. Old toolkits put the identifier of a signature
    /// algorithm there, which stands for the digest of that algorithm.
    ///
    /// # Errors
    /// When the digest is not supported.
    pub fn of_signer_info(
        identifier: &AlgorithmIdentifierRef<'_>,
    ) -> Result<Self, UnsupportedAlgorithm> {
        match (
            SignatureAlgorithm::from_identifier(identifier),
            identifier.oid,
        ) {
            (Ok(_), rfc5912::ID_RSASSA_PSS) | (Err(_), _) => Self::from_identifier(identifier),
            (Ok(signature), _) => Ok(signature.digest()),
        }
    }

    /// The object identifier of the digest.
    #[must_use]
    pub const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha1 => rfc5912::ID_SHA_1,
            Self::Sha256 => rfc5912::ID_SHA_256,
            Self::Sha384 => rfc5912::ID_SHA_384,
            Self::Sha512 => rfc5912::ID_SHA_512,
        }
    }

    /// Computes the digest of `content`, 20 to 64 octets.
    #[must_use]
    pub fn digest(self, content: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => sha1::Sha1::digest(content).to_vec(),
            Self::Sha256 => sha2::Sha256::digest(content).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(content).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(content).to_vec(),
        }
    }

    /// Formats the digest of `content` as openssl prints fingerprints: `AA:15:9E:…`.
    #[must_use]
    pub fn fingerprint(self, content: &[u8]) -> String {
        let octets: Vec<_> = self
            .digest(content)
            .iter()
            .map(|octet| format!("{octet:02X}"))
            .collect();
        octets.join(":")
    }
}

/// A signature scheme with its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5, RFC 8017 §8.2.
    RsaPkcs1(DigestAlgorithm),
    /// RSASSA-PSS with MGF1 over the same digest, RFC 8017 §8.1.
    RsaPss {
        /// The digest of the message and of MGF1.
        digest: DigestAlgorithm,
        /// The length of the salt in octets, usually that of the digest or the longest that fits
        /// the modulus.
        salt_bytes: u16,
    },
    /// ECDSA with a DER-encoded signature, RFC 5753 §2.1.
    Ecdsa(DigestAlgorithm),
}

impl SignatureAlgorithm {
    /// The signature algorithm of a SignerInfo with this digest.
    ///
    /// # Errors
    /// When the algorithm is not supported, or has another digest.
    pub fn of_signer_info(
        identifier: &AlgorithmIdentifierRef<'_>,
        digest: DigestAlgorithm,
    ) -> Result<Self, UnsupportedAlgorithm> {
        match identifier.oid {
            // sscep, certmonger and jscep name only the algorithm of the key.
            rfc5912::RSA_ENCRYPTION => Ok(Self::RsaPkcs1(digest)),
            rfc5912::ID_EC_PUBLIC_KEY => Ok(Self::Ecdsa(digest)),
            // With two different digests, nothing says which of them the attributes are signed
            // with.
            _ => Self::from_identifier(identifier)
                .ok()
                .filter(|algorithm| algorithm.digest() == digest)
                .ok_or(UnsupportedAlgorithm::new(identifier.oid).with_digest(digest.oid())),
        }
    }

    /// The algorithm with this identifier, as in certificates and PKCS #10 requests.
    ///
    /// # Errors
    /// When the algorithm is not supported.
    pub fn from_identifier(
        identifier: &AlgorithmIdentifierRef<'_>,
    ) -> Result<Self, UnsupportedAlgorithm> {
        Ok(match identifier.oid {
            rfc5912::SHA_1_WITH_RSA_ENCRYPTION | oid::OIW_SHA1_WITH_RSA => {
                Self::RsaPkcs1(DigestAlgorithm::Sha1)
            }
            rfc5912::SHA_256_WITH_RSA_ENCRYPTION => Self::RsaPkcs1(DigestAlgorithm::Sha256),
            rfc5912::SHA_384_WITH_RSA_ENCRYPTION => Self::RsaPkcs1(DigestAlgorithm::Sha384),
            rfc5912::SHA_512_WITH_RSA_ENCRYPTION => Self::RsaPkcs1(DigestAlgorithm::Sha512),
            rfc5912::ID_RSASSA_PSS => parse_pss(identifier)?,
            oid::ECDSA_WITH_SHA1 => Self::Ecdsa(DigestAlgorithm::Sha1),
            rfc5912::ECDSA_WITH_SHA_256 => Self::Ecdsa(DigestAlgorithm::Sha256),
            rfc5912::ECDSA_WITH_SHA_384 => Self::Ecdsa(DigestAlgorithm::Sha384),
            rfc5912::ECDSA_WITH_SHA_512 => Self::Ecdsa(DigestAlgorithm::Sha512),
            other => return Err(UnsupportedAlgorithm::new(other)),
        })
    }

    /// The digest that the signature covers.
    #[must_use]
    pub const fn digest(self) -> DigestAlgorithm {
        match self {
            Self::RsaPkcs1(digest) | Self::RsaPss { digest, .. } | Self::Ecdsa(digest) => digest,
        }
    }
}

/// ```asn1
/// RSASSA-PSS-params ::= SEQUENCE {
///     hashAlgorithm    [0] HashAlgorithm    DEFAULT sha1,
///     maskGenAlgorithm [1] MaskGenAlgorithm DEFAULT mgf1SHA1,
///     saltLength       [2] INTEGER          DEFAULT 20,
///     trailerField     [3] TrailerField     DEFAULT trailerFieldBC }
/// ```
/// RSAES-OAEP-params begins with the same two fields. Its third is the AlgorithmIdentifier
/// pSourceAlgorithm.
#[derive(Sequence)]
struct MaskedPaddingParameters<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    digest: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    mask: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    third: Option<AnyRef<'a>>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    trailer: Option<AnyRef<'a>>,
}

impl<'a> MaskedPaddingParameters<'a> {
    fn of(identifier: &AlgorithmIdentifierRef<'a>) -> Option<Self> {
        identifier.parameters?.decode_as().ok()
    }

    /// The digest, which must be that of MGF1 too.
    // aws-lc-rs supports no other combination. Java's default, SHA-256 with MGF1 over SHA-1, is
    // therefore refused, with both digests named so that an administrator can find the setting.
    fn digest(
        &self,
        unsupported: UnsupportedAlgorithm,
    ) -> Result<DigestAlgorithm, UnsupportedAlgorithm> {
        let digest = self.digest.map_or(rfc5912::ID_SHA_1, |digest| digest.oid);
        let mask_digest = match &self.mask {
            None => Some(rfc5912::ID_SHA_1),
            Some(mask) if mask.oid == rfc5912::ID_MGF_1 => mask
                .parameters
                .and_then(|digest| digest.decode_as::<AlgorithmIdentifierRef<'_>>().ok())
                .map(|digest| digest.oid),
            Some(_) => None,
        };
        let with_digest = unsupported.with_digest(digest);
        let mask_digest = mask_digest.ok_or(with_digest)?;
        DigestAlgorithm::ALL
            .into_iter()
            .find(|known| known.oid() == digest && mask_digest == digest)
            .ok_or(with_digest.with_mask(mask_digest))
    }
}

fn parse_pss(
    identifier: &AlgorithmIdentifierRef<'_>,
) -> Result<SignatureAlgorithm, UnsupportedAlgorithm> {
    let without_digest = UnsupportedAlgorithm::new(identifier.oid);
    let parameters = MaskedPaddingParameters::of(identifier).ok_or(without_digest)?;
    let digest = parameters.digest(without_digest)?;
    let unsupported = without_digest.with_digest(digest.oid());
    let usual_trailer = parameters
        .trailer
        .is_none_or(|trailer| trailer.value() == [1]);
    // RFC 4055 §3.1 allows only trailer 1. aws-lc-rs has no PSS with SHA-1, and SHA-1 is supported
    // only for devices that are older than PSS.
    if digest == DigestAlgorithm::Sha1 || !usual_trailer {
        return Err(unsupported);
    }
    let salt = parameters
        .third
        .map_or(Ok(DEFAULT_SALT_BYTES), |salt| salt.decode_as());
    Ok(SignatureAlgorithm::RsaPss {
        digest,
        salt_bytes: salt.map_err(|_| unsupported)?,
    })
}

/// The default salt length in RSASSA-PSS-params, for any digest.
const DEFAULT_SALT_BYTES: u16 = 20;

/// The curve of a [`PublicKey::Ec`](crate::public_key::PublicKey::Ec).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::VariantArray,
)]
pub enum EcCurve {
    /// secp256r1.
    P256,
    /// secp384r1.
    P384,
    /// secp521r1.
    P521,
}

/// The encryption of the content key to an RSA recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTransport {
    /// RSAES-PKCS1-v1_5, which every client sends.
    RsaPkcs1,
    /// RSAES-OAEP with SHA-1 for hash and mask, and no label.
    RsaOaepSha1,
    /// RSAES-OAEP with SHA-256 for hash and mask, and no label.
    RsaOaepSha256,
}

impl KeyTransport {
    /// The key transport with this identifier.
    ///
    /// # Errors
    /// When the key transport is not supported.
    pub fn from_identifier(
        identifier: &AlgorithmIdentifierRef<'_>,
    ) -> Result<Self, UnsupportedAlgorithm> {
        let unsupported = UnsupportedAlgorithm::new(identifier.oid);
        match identifier.oid {
            rfc5912::RSA_ENCRYPTION => Ok(Self::RsaPkcs1),
            rfc5912::ID_RSAES_OAEP => parse_oaep(identifier),
            _ => Err(unsupported),
        }
    }
}

fn parse_oaep(
    identifier: &AlgorithmIdentifierRef<'_>,
) -> Result<KeyTransport, UnsupportedAlgorithm> {
    let unsupported = UnsupportedAlgorithm::new(identifier.oid);
    let parameters = MaskedPaddingParameters::of(identifier).ok_or(unsupported)?;
    // CMS has no use for a label, RFC 4055 §4.1.
    if let Some(label) = parameters.third
        && !is_empty_label(label)
    {
        return Err(unsupported);
    }
    match parameters.digest(unsupported)? {
        DigestAlgorithm::Sha1 => Ok(KeyTransport::RsaOaepSha1),
        DigestAlgorithm::Sha256 => Ok(KeyTransport::RsaOaepSha256),
        digest @ (DigestAlgorithm::Sha384 | DigestAlgorithm::Sha512) => {
            Err(unsupported.with_digest(digest.oid()))
        }
    }
}

fn is_empty_label(source: AnyRef<'_>) -> bool {
    source
        .decode_as::<AlgorithmIdentifierRef<'_>>()
        .ok()
        .and_then(|identifier| identifier.parameters?.decode_as::<&OctetStringRef>().ok())
        .is_some_and(|label| label.as_bytes().is_empty())
}

/// The encryption of messageData, RFC 8894 §3.5.2: a block cipher in CBC mode with PKCS #7 padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentEncryption {
    /// AES-128, mandatory to implement, RFC 8894 §2.9.
    Aes128Cbc,
    /// AES-192, optional.
    Aes192Cbc,
    /// AES-256, optional.
    Aes256Cbc,
    /// Triple DES, for old devices only.
    DesEde3Cbc,
}

impl ContentEncryption {
    /// Every supported cipher.
    pub const ALL: [Self; 4] = [
        Self::DesEde3Cbc,
        Self::Aes128Cbc,
        Self::Aes192Cbc,
        Self::Aes256Cbc,
    ];

    /// The cipher with this identifier. Does not read the IV from the parameters.
    ///
    /// # Errors
    /// When the cipher is not supported.
    pub fn from_identifier(
        identifier: &AlgorithmIdentifierRef<'_>,
    ) -> Result<Self, UnsupportedAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|cipher| cipher.oid() == identifier.oid)
            .ok_or(UnsupportedAlgorithm::new(identifier.oid))
    }

    /// The object identifier of the cipher.
    #[must_use]
    pub const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Aes128Cbc => rfc5911::ID_AES_128_CBC,
            Self::Aes192Cbc => rfc5911::ID_AES_192_CBC,
            Self::Aes256Cbc => rfc5911::ID_AES_256_CBC,
            Self::DesEde3Cbc => rfc5911::DES_EDE_3_CBC,
        }
    }

    /// The length of the cipher's key, in octets.
    #[must_use]
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::Aes128Cbc => 16,
            Self::Aes192Cbc | Self::DesEde3Cbc => 24,
            Self::Aes256Cbc => 32,
        }
    }

    /// The length of the cipher's block, and of the IV, in octets.
    #[must_use]
    pub const fn block_bytes(self) -> usize {
        match self {
            Self::Aes128Cbc | Self::Aes192Cbc | Self::Aes256Cbc => 16,
            Self::DesEde3Cbc => 8,
        }
    }

    /// Encrypts `content`. `None` if the key or the IV does not have the cipher's length.
    pub(crate) fn encrypt(self, key: &[u8], iv: &[u8], content: &[u8]) -> Option<Vec<u8>> {
        self.encrypt_padded::<Pkcs7>(key, iv, content)
    }

    /// Encrypts whole blocks, without padding. `None` if a length does not fit the cipher.
    pub(crate) fn encrypt_blocks(self, key: &[u8], iv: &[u8], blocks: &[u8]) -> Option<Vec<u8>> {
        // Without padding, the cipher would panic on a partial block.
        if !blocks.len().is_multiple_of(self.block_bytes()) {
            return None;
        }
        self.encrypt_padded::<NoPadding>(key, iv, blocks)
    }

    fn encrypt_padded<P: Padding>(self, key: &[u8], iv: &[u8], content: &[u8]) -> Option<Vec<u8>> {
        fn run<C: KeyIvInit + BlockModeEncrypt, P: Padding>(
            key: &[u8],
            iv: &[u8],
            content: &[u8],
        ) -> Option<Vec<u8>> {
            let cipher = C::new_from_slices(key, iv).ok()?;
            Some(cipher.encrypt_padded_vec::<P>(content))
        }
        match self {
            Self::Aes128Cbc => run::<cbc::Encryptor<aes::Aes128>, P>(key, iv, content),
            Self::Aes192Cbc => run::<cbc::Encryptor<aes::Aes192>, P>(key, iv, content),
            Self::Aes256Cbc => run::<cbc::Encryptor<aes::Aes256>, P>(key, iv, content),
            Self::DesEde3Cbc => run::<cbc::Encryptor<des::TdesEde3>, P>(key, iv, content),
        }
    }

    /// Decrypts `ciphertext`. `None` for a wrong length as for wrong padding.
    pub(crate) fn decrypt(self, key: &[u8], iv: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
        // The return value does not tell the two apart, so that no caller can reveal it.
        self.decrypt_padded::<Pkcs7>(key, iv, ciphertext)
    }

    /// Decrypts whole blocks, the inverse of [`Self::encrypt_blocks`]. `None` for a wrong length.
    pub(crate) fn decrypt_blocks(self, key: &[u8], iv: &[u8], blocks: &[u8]) -> Option<Vec<u8>> {
        self.decrypt_padded::<NoPadding>(key, iv, blocks)
    }

    fn decrypt_padded<P: Padding>(
        self,
        key: &[u8],
        iv: &[u8],
        ciphertext: &[u8],
    ) -> Option<Vec<u8>> {
        fn run<C: KeyIvInit + BlockModeDecrypt, P: Padding>(
            key: &[u8],
            iv: &[u8],
            ciphertext: &[u8],
        ) -> Option<Vec<u8>> {
            let cipher = C::new_from_slices(key, iv).ok()?;
            cipher.decrypt_padded_vec::<P>(ciphertext).ok()
        }
        match self {
            Self::Aes128Cbc => run::<cbc::Decryptor<aes::Aes128>, P>(key, iv, ciphertext),
            Self::Aes192Cbc => run::<cbc::Decryptor<aes::Aes192>, P>(key, iv, ciphertext),
            Self::Aes256Cbc => run::<cbc::Decryptor<aes::Aes256>, P>(key, iv, ciphertext),
            Self::DesEde3Cbc => run::<cbc::Decryptor<des::TdesEde3>, P>(key, iv, ciphertext),
        }
    }
}
