//! An RA key in memory, which decrypts requests and signs replies.

use aws_lc_rs::digest;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey,
    Pkcs1PrivateDecryptingKey, PrivateDecryptingKey,
};
use aws_lc_rs::signature::RsaKeyPair;
use rand::rngs::SysRng;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::SignatureScheme;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use scep_cms::{ContentEncryption, ContentKey, DigestAlgorithm, KeyTransport};
use scep_protocol::KeyReference;
use scep_service::{KeyError, RaKey};
use zeroize::Zeroizing;

use crate::ca_keys::{rsa_encoding, sign_rsa};
use crate::key_folder::broken_key;

/// An RSA key of 2048 bits or more. aws-lc performs all private-key operations except SHA-1
/// signatures, for which it has no interface.
pub struct SoftwareRaKey {
    reference: KeyReference,
    signing: RsaKeyPair,
    // Parsed once, rather than for each reply to an old client.
    legacy: RsaPrivateKey,
    pkcs1: Pkcs1PrivateDecryptingKey,
    oaep: OaepPrivateDecryptingKey,
    rejection_secret: hmac::Key,
}

impl SoftwareRaKey {
    /// Reads a private key in PKCS #8, DER. `reference` names it in errors.
    ///
    /// # Errors
    /// [`KeyError::Broken`] if it is not an RSA key of 2048 bits or more.
    pub fn from_pkcs8(
        reference: KeyReference,
        pkcs8: Zeroizing<Vec<u8>>,
    ) -> Result<Self, KeyError> {
        let decrypting =
            PrivateDecryptingKey::from_pkcs8(&pkcs8).map_err(broken_key("reading", &reference))?;
        Ok(Self {
            signing: RsaKeyPair::from_pkcs8(&pkcs8).map_err(broken_key("reading", &reference))?,
            pkcs1: Pkcs1PrivateDecryptingKey::new(decrypting.clone())
                .map_err(broken_key("preparing", &reference))?,
            oaep: OaepPrivateDecryptingKey::new(decrypting)
                .map_err(broken_key("preparing", &reference))?,
            rejection_secret: derive_rejection_secret(&pkcs8),
            legacy: RsaPrivateKey::from_pkcs8_der(&pkcs8)
                .map_err(broken_key("reading", &reference))?,
            reference,
        })
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

    fn sign_sha1(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        Pkcs1v15Sign::new::<sha1::Sha1>()
            .sign(
                // Blinding hides the private key from an attacker who measures the time of replies.
                Some(&mut SysRng),
                &self.legacy,
                &DigestAlgorithm::Sha1.digest(message),
            )
            .map_err(broken_key("signing", &self.reference))
    }
}

impl RaKey for SoftwareRaKey {
    fn content_key(
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

    fn sign(&self, digest: DigestAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match rsa_encoding(digest) {
            Some(encoding) => sign_rsa(&self.signing, encoding, message)
                .map_err(broken_key("signing", &self.reference)),
            None => self.sign_sha1(message),
        }
    }
}

/// Derives the secret for implicit-rejection keys from the private key.
fn derive_rejection_secret(pkcs8: &[u8]) -> hmac::Key {
    // Derived rather than random, so that every process rejects a ciphertext in the same way.
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"scepter stand-in key");
    context.update(pkcs8);
    hmac::Key::new(hmac::HMAC_SHA256, context.finish().as_ref())
}
