//! An RA key in memory, which decrypts requests and signs replies.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey,
    Pkcs1PrivateDecryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair,
};
use aws_lc_rs::{digest, hmac};
use rand::rngs::SysRng;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::SignatureScheme;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use scep_cms::algorithm::{ContentEncryption, DigestAlgorithm, KeyTransport};
use scep_cms::content_key::ContentKey;
use zeroize::Zeroizing;

use crate::error::KeyError;

/// The private key of an RA certificate, in memory: an RSA key of 2048 bits or more. aws-lc
/// performs all private-key operations except SHA-1 signatures, for which it has no interface.
pub struct RaKey {
    name: String,
    signing: RsaKeyPair,
    // The key for SHA-1 signatures, parsed once rather than for each reply to an old client.
    legacy: RsaPrivateKey,
    pkcs1: Pkcs1PrivateDecryptingKey,
    oaep: OaepPrivateDecryptingKey,
    rejection_secret: hmac::Key,
}

impl RaKey {
    /// Reads a private key in PKCS #8, DER. Errors refer to it by `name`.
    ///
    /// # Errors
    /// [`KeyError::Broken`] if it is not an RSA key of 2048 bits or more.
    pub fn from_pkcs8(name: String, pkcs8: &Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        let decrypting =
            PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(KeyError::broken("reading", &name))?;
        Ok(Self {
            signing: RsaKeyPair::from_pkcs8(pkcs8).map_err(KeyError::broken("reading", &name))?,
            pkcs1: Pkcs1PrivateDecryptingKey::new(decrypting.clone())
                .map_err(KeyError::broken("preparing", &name))?,
            oaep: OaepPrivateDecryptingKey::new(decrypting)
                .map_err(KeyError::broken("preparing", &name))?,
            rejection_secret: derive_rejection_secret(pkcs8),
            legacy: RsaPrivateKey::from_pkcs8_der(pkcs8)
                .map_err(KeyError::broken("reading", &name))?,
            name,
        })
    }

    /// Unwraps a content key for `cipher`. Never fails: an encrypted key that does not unwrap
    /// yields an implicit-rejection key, which depends only on the input and is selected in
    /// constant time ([`ContentKey::unwrapped_or_rejection_key`]).
    #[must_use]
    pub fn content_key(
        &self,
        transport: KeyTransport,
        encrypted_key: &[u8],
        cipher: ContentEncryption,
    ) -> ContentKey {
        // Implicit rejection: where RSA decryption fails, the message is decrypted with a key that
        // the ciphertext determines. It then fails like a message with the wrong content, and the
        // server is not a Bleichenbacher oracle.
        let tag = hmac::sign(&self.rejection_secret, encrypted_key);
        let mut rejection_key = Zeroizing::new([0; ContentKey::MAX_BYTES]);
        for (octet, tag) in rejection_key.iter_mut().zip(tag.as_ref()) {
            *octet = *tag;
        }
        let mut output = Zeroizing::new(vec![0; self.pkcs1.min_output_size()]);
        let length = self
            .unwrap(transport, encrypted_key, &mut output)
            .unwrap_or(0);
        let unwrapped = output.get(..length).unwrap_or_default();
        ContentKey::unwrapped_or_rejection_key(cipher, unwrapped, &rejection_key)
    }

    /// Signs with RSASSA-PKCS1-v1_5.
    ///
    /// # Errors
    /// [`KeyError::Broken`] if the key cannot sign with this digest.
    pub fn sign(&self, digest: DigestAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match digest {
            DigestAlgorithm::Sha1 => self.sign_sha1(message),
            DigestAlgorithm::Sha256 => self.sign_encoded(&RSA_PKCS1_SHA256, message),
            DigestAlgorithm::Sha384 => self.sign_encoded(&RSA_PKCS1_SHA384, message),
            DigestAlgorithm::Sha512 => self.sign_encoded(&RSA_PKCS1_SHA512, message),
        }
    }

    fn sign_encoded(
        &self,
        encoding: &'static dyn RsaEncoding,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.signing.public_modulus_len()];
        self.signing
            .sign(encoding, &SystemRandom::new(), message, &mut signature)
            .map_err(KeyError::broken("signing", &self.name))?;
        Ok(signature)
    }

    fn sign_sha1(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        Pkcs1v15Sign::new::<sha1::Sha1>()
            .sign(
                // Blinding hides the private key from an attacker who measures the time of replies.
                Some(&mut SysRng),
                &self.legacy,
                &DigestAlgorithm::Sha1.digest(message),
            )
            .map_err(KeyError::broken("signing", &self.name))
    }

    fn unwrap(
        &self,
        transport: KeyTransport,
        encrypted_key: &[u8],
        output: &mut [u8],
    ) -> Result<usize, Unspecified> {
        let unwrapped = match transport {
            KeyTransport::RsaPkcs1 => self.pkcs1.decrypt(encrypted_key, output)?,
            KeyTransport::RsaOaepSha1 => {
                self.oaep
                    .decrypt(&OAEP_SHA1_MGF1SHA1, encrypted_key, output, None)?
            }
            KeyTransport::RsaOaepSha256 => {
                self.oaep
                    .decrypt(&OAEP_SHA256_MGF1SHA256, encrypted_key, output, None)?
            }
        };
        Ok(unwrapped.len())
    }
}

/// Derives the secret for implicit-rejection keys from the private key.
fn derive_rejection_secret(pkcs8: &[u8]) -> hmac::Key {
    // The secret is derived rather than random, so that every process rejects a ciphertext in the
    // same way.
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"scepter stand-in key");
    context.update(pkcs8);
    hmac::Key::new(hmac::HMAC_SHA256, context.finish().as_ref())
}
