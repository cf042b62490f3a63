//! Secrets of profiles under a symmetric key in a file: AES-256-GCM, bound to the profile.

use std::io::Error;

use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scep_cms::ChallengePassword;
use scep_protocol::{KeyReference, SealedSecret};
use scep_service::{KeyError, Secrets};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::KeyFolder;
use crate::key_folder::broken;

/// Name of the key's file.
const FILE: &str = "secrets";

const KEY_BYTES: usize = 32;

/// Seals secrets. A sealed one is base64 of nonce, ciphertext and tag.
pub struct SoftwareSecrets(RandomizedNonceKey);

impl SoftwareSecrets {
    /// Reads the symmetric key of a folder, or makes it.
    ///
    /// # Errors
    /// When the file cannot be read or made, or holds no key of 32 octets.
    pub fn open(folder: &KeyFolder) -> Result<Self, Error> {
        let key = folder.read_or_create(FILE, || {
            let mut key = Zeroizing::new(vec![0; KEY_BYTES]);
            rand::fill(&mut key).map_err(Error::other)?;
            Ok(key)
        })?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(Error::other)?;
        Ok(Self(key))
    }
}

#[async_trait]
impl Secrets for SoftwareSecrets {
    async fn seal(
        &self,
        profile: Uuid,
        secret: &ChallengePassword,
    ) -> Result<SealedSecret, KeyError> {
        let secret = secret.reveal().as_bytes();
        // Room for the tag, so that no copy of the secret is left behind by growing.
        let mut sealed = Vec::with_capacity(secret.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(secret);
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(profile.as_bytes()), &mut sealed)
            .map_err(broken("sealing", &reference()))?;
        let sealed = [nonce.as_ref().as_slice(), &sealed].concat();
        Ok(SealedSecret(STANDARD.encode(sealed)))
    }

    async fn open(
        &self,
        profile: Uuid,
        sealed: &SealedSecret,
    ) -> Result<ChallengePassword, KeyError> {
        let reference = reference();
        let mut sealed = Zeroizing::new(
            STANDARD
                .decode(&sealed.0)
                .map_err(broken("unsealing", &reference))?,
        );
        let (nonce, sealed) = sealed
            .split_at_mut_checked(NONCE_LEN)
            .ok_or("the sealed secret is too short")
            .map_err(broken("unsealing", &reference))?;
        let nonce =
            Nonce::try_assume_unique_for_key(nonce).map_err(broken("unsealing", &reference))?;
        let opened = self
            .0
            .open_in_place(nonce, Aad::from(profile.as_bytes()), sealed)
            .map_err(broken("unsealing", &reference))?;
        let text = std::str::from_utf8(opened).map_err(broken("unsealing", &reference))?;
        Ok(ChallengePassword::new(text))
    }
}

fn reference() -> KeyReference {
    KeyReference(FILE.to_owned())
}
