//! Secrets of profiles, sealed with AES-256-GCM under a symmetric key in a file.

use std::io::Error;

use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scep_protocol::sealed_secret::SealedSecret;
use scep_service::error::KeyError;
use scep_service::ports::{SecretOwner, Secrets};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::KeyFolder;

/// The name of the key's file, without its extension.
const FILE: &str = "secrets";

/// The length of a key of AES-256, in octets.
const KEY_BYTES: usize = 32;

/// Seals secrets and binds each to its profile. A sealed secret is nonce, ciphertext and tag in
/// base64.
pub struct FileSecrets(RandomizedNonceKey);

impl FileSecrets {
    /// Reads the symmetric key from a folder, and creates it if it does not exist.
    ///
    /// # Errors
    /// If the file cannot be read or created, or does not contain 32 octets.
    pub fn open(folder: &KeyFolder) -> Result<Self, Error> {
        let stored = folder.read_or_create(FILE, || {
            let mut random = Zeroizing::new(vec![0; KEY_BYTES]);
            rand::fill(&mut random).map_err(Error::other)?;
            Ok(random)
        })?;
        RandomizedNonceKey::new(&AES_256_GCM, &stored)
            .map(Self)
            .map_err(Error::other)
    }
}

/// The data that binds a secret to its owner.
fn authenticated_data(owner: SecretOwner) -> Vec<u8> {
    match owner {
        SecretOwner::ScepProfile(profile) => profile.as_bytes().to_vec(),
        SecretOwner::ServiceCredentials(profile) => {
            [&b"serviceCredentials"[..], profile.as_bytes()].concat()
        }
        SecretOwner::ChallengeKey(profile) => [&b"challengeKey"[..], profile.as_bytes()].concat(),
    }
}

/// The owner for which an earlier version sealed the secrets that are this owner's now.
fn former_owner(owner: SecretOwner) -> Option<SecretOwner> {
    match owner {
        SecretOwner::ServiceCredentials(profile) => Some(SecretOwner::ScepProfile(profile)),
        SecretOwner::ScepProfile(_) | SecretOwner::ChallengeKey(_) => None,
    }
}

#[async_trait]
impl Secrets for FileSecrets {
    async fn seal(
        &self,
        owner: SecretOwner,
        secret: &SecretString,
    ) -> Result<SealedSecret, KeyError> {
        let plaintext = secret.expose_secret().as_bytes();
        // With room for the tag, the vector does not grow and leave a copy of the secret behind.
        let mut ciphertext = Vec::with_capacity(plaintext.len() + AES_256_GCM.tag_len());
        ciphertext.extend_from_slice(plaintext);
        // The owner is authenticated data: a sealed secret that is copied to another owner does not
        // open there.
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(authenticated_data(owner)), &mut ciphertext)
            .map_err(KeyError::broken("sealing", FILE))?;
        let sealed = [nonce.as_ref().as_slice(), &ciphertext].concat();
        Ok(SealedSecret::new(STANDARD.encode(sealed)))
    }

    async fn open(
        &self,
        owner: SecretOwner,
        sealed: &SealedSecret,
    ) -> Result<SecretString, KeyError> {
        match (self.open_for(owner, sealed), former_owner(owner)) {
            (Err(_), Some(former)) => self.open_for(former, sealed),
            (opened, _) => opened,
        }
    }
}

impl FileSecrets {
    /// Decrypts a secret that was sealed for this owner.
    fn open_for(
        &self,
        owner: SecretOwner,
        sealed: &SealedSecret,
    ) -> Result<SecretString, KeyError> {
        let mut octets = Zeroizing::new(
            STANDARD
                .decode(sealed.as_base64())
                .map_err(KeyError::broken("unsealing", FILE))?,
        );
        let (nonce, ciphertext) = octets
            .split_at_mut_checked(NONCE_LEN)
            .ok_or("the sealed secret is too short")
            .map_err(KeyError::broken("unsealing", FILE))?;
        let nonce =
            Nonce::try_assume_unique_for_key(nonce).map_err(KeyError::broken("unsealing", FILE))?;
        let opened = self
            .0
            .open_in_place(nonce, Aad::from(authenticated_data(owner)), ciphertext)
            .map_err(KeyError::broken("unsealing", FILE))?;
        let text = std::str::from_utf8(opened).map_err(KeyError::broken("unsealing", FILE))?;
        Ok(SecretString::from(text))
    }
}
