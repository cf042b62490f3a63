//! The key that signs assertions of this deployment's identity, as a file.

use async_trait::async_trait;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use ca::key_algorithm::KeyAlgorithm;
use scep_service::error::KeyError;
use scep_service::ports::AssertionKey;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use crate::KeyFolder;
use crate::ca_keys::generate_key;

/// The name of the key's file.
const NAME: &str = "assertion";

/// A key in a folder. It is generated when it is first needed, because most deployments need none,
/// and then stays in memory until the process ends.
pub struct FileAssertionKey {
    folder: KeyFolder,
    loaded: OnceCell<RsaKeyPair>,
}

impl FileAssertionKey {
    /// Creates the adapter for the key in this folder.
    #[must_use]
    pub const fn new(folder: KeyFolder) -> Self {
        Self {
            folder,
            loaded: OnceCell::const_new(),
        }
    }

    async fn load(&self) -> Result<&RsaKeyPair, KeyError> {
        self.loaded
            .get_or_try_init(async || {
                let new = match self.folder.holds(NAME) {
                    true => Zeroizing::default(),
                    // Entra takes signatures of RSA keys alone.
                    false => generate_key(KeyAlgorithm::Rsa2048).await?.pkcs8,
                };
                let pkcs8 = self
                    .folder
                    .read_or_create(NAME, || Ok(new))
                    .map_err(KeyError::broken("reading", NAME))?;
                RsaKeyPair::from_pkcs8(&pkcs8).map_err(KeyError::broken("reading", NAME))
            })
            .await
    }
}

#[async_trait]
impl AssertionKey for FileAssertionKey {
    async fn public_key(&self) -> Result<Vec<u8>, KeyError> {
        let public: Result<PublicKeyX509Der<'_>, Unspecified> =
            self.load().await?.public_key().as_der();
        let public = public.map_err(KeyError::broken("encoding", NAME))?;
        Ok(public.as_ref().to_vec())
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let key = self.load().await?;
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message,
            &mut signature,
        )
        .map_err(KeyError::broken("signing", NAME))?;
        Ok(signature)
    }
}
