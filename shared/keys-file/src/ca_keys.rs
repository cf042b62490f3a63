//! CA keys in files, which sign in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature;
use aws_lc_rs::signature::{EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair, RsaEncoding, RsaKeyPair};
use ca::id::KeyOrderUuid;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::{KeyLocation, KeyName};
use ca::profile_name::ProfileName;
use newtype_uuid::GenericUuid;
use scep_cms::algorithm::{DigestAlgorithm, SignatureAlgorithm};
use scep_service::error::KeyError;
use scep_service::ports::{CaKeys, GeneratedKey};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::KeyFolder;
use crate::key_folder::file_name;

/// CA keys in a folder. Each key is read once and stays in memory until the process ends.
pub struct FileCaKeys {
    folder: KeyFolder,
    loaded: Mutex<HashMap<Uuid, Arc<CaKey>>>,
}

enum CaKey {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl FileCaKeys {
    /// Creates the adapter for the keys in this folder.
    #[must_use]
    pub fn new(folder: KeyFolder) -> Self {
        Self {
            folder,
            loaded: Mutex::default(),
        }
    }

    fn load(&self, name: Uuid, algorithm: KeyAlgorithm) -> Result<Arc<CaKey>, KeyError> {
        // A panic cannot leave the map half changed, so a poisoned lock is safe to use.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = loaded.get(&name) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(CaKey::read(&self.folder.read(name)?, name, algorithm)?);
        loaded.insert(name, Arc::clone(&key));
        Ok(key)
    }
}

#[async_trait]
impl CaKeys for FileCaKeys {
    async fn generate(
        &self,
        order: KeyOrderUuid,
        _authority: &ProfileName,
        algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError> {
        let new_key = generate_key(algorithm).await?;
        let name = order.into_untyped_uuid();
        Ok(GeneratedKey {
            location: self.folder.store_as(name, &new_key.pkcs8)?,
            subject_public_key_info: new_key.subject_public_key_info,
        })
    }

    async fn find(
        &self,
        order: KeyOrderUuid,
        algorithm: KeyAlgorithm,
    ) -> Result<Option<GeneratedKey>, KeyError> {
        let name = order.into_untyped_uuid();
        if !self.folder.holds(&name.to_string()) {
            return Ok(None);
        }
        let key = self.load(name, algorithm)?;
        Ok(Some(GeneratedKey {
            location: KeyLocation::File(name),
            subject_public_key_info: key
                .subject_public_key_info()
                .map_err(KeyError::broken("reading", &name.to_string()))?,
        }))
    }

    async fn adopt(
        &self,
        key: &KeyName,
        _algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError> {
        Err(KeyError::NotAdoptable {
            name: key.as_str().to_owned(),
            reason: "only AWS KMS keys can be adopted, and keys are files here",
        })
    }

    async fn sign(
        &self,
        key: &KeyLocation,
        algorithm: KeyAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        let name = file_name(key)?;
        self.load(name, algorithm)?
            .sign(algorithm, message)
            .map_err(KeyError::broken("signing", &name.to_string()))
    }
}

impl CaKey {
    fn read(pkcs8: &[u8], name: Uuid, algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        // The algorithm comes from the authority: a file with a key of another kind is an error.
        match ec_algorithm(algorithm) {
            Some(algorithm) => EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).map(Self::Ec),
            None => RsaKeyPair::from_pkcs8(pkcs8).map(Self::Rsa),
        }
        .map_err(KeyError::broken("reading", &name.to_string()))
    }

    fn subject_public_key_info(&self) -> Result<Vec<u8>, Unspecified> {
        let public: PublicKeyX509Der<'_> = match self {
            Self::Ec(key) => key.public_key().as_der()?,
            Self::Rsa(key) => key.public_key().as_der()?,
        };
        Ok(public.as_ref().to_vec())
    }

    fn sign(&self, algorithm: KeyAlgorithm, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match self {
            Self::Ec(key) => Ok(key.sign(&SystemRandom::new(), message)?.as_ref().to_vec()),
            Self::Rsa(key) => {
                let encoding = rsa_encoding(algorithm).ok_or(Unspecified)?;
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(encoding, &SystemRandom::new(), message, &mut signature)?;
                Ok(signature)
            }
        }
    }
}

/// Finds the encoding with which a CA key of this kind signs; `None` for EC keys.
fn rsa_encoding(algorithm: KeyAlgorithm) -> Option<&'static dyn RsaEncoding> {
    match ca::tbs_certificate::signature_algorithm(algorithm) {
        SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256) => Some(&signature::RSA_PKCS1_SHA256),
        SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha384) => Some(&signature::RSA_PKCS1_SHA384),
        SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha512) => Some(&signature::RSA_PKCS1_SHA512),
        // aws-lc does not sign with SHA-1, and no CA key does.
        SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha1)
        | SignatureAlgorithm::RsaPss { .. }
        | SignatureAlgorithm::Ecdsa(_) => None,
    }
}

pub(crate) struct NewKey {
    pub(crate) pkcs8: Zeroizing<Vec<u8>>,
    pub(crate) subject_public_key_info: Vec<u8>,
}

/// Permits for keys that are generated at the same time.
// An RSA key of 4,096 bits keeps a processor busy for a second or more.
static GENERATION_PERMITS: Semaphore = Semaphore::const_new(1);

/// Generates a key on a blocking thread, so that other requests continue meanwhile.
pub(crate) async fn generate_key(algorithm: KeyAlgorithm) -> Result<NewKey, KeyError> {
    let unavailable = |source: Box<dyn std::error::Error + Send + Sync>| KeyError::Unavailable {
        operation: "generating a key",
        source,
    };
    let permit = GENERATION_PERMITS
        .acquire()
        .await
        .map_err(|error| unavailable(error.into()))?;
    // The permit moves into the work, which continues even if the caller stops waiting for it.
    spawn_blocking(move || {
        let _permit = permit;
        generate_blocking(algorithm)
    })
    .await
    .map_err(|error| unavailable(error.into()))?
    .map_err(|error| unavailable(error.into()))
}

fn generate_blocking(algorithm: KeyAlgorithm) -> Result<NewKey, Unspecified> {
    let size = match algorithm {
        KeyAlgorithm::Rsa2048 => KeySize::Rsa2048,
        KeyAlgorithm::Rsa3072 => KeySize::Rsa3072,
        KeyAlgorithm::Rsa4096 => KeySize::Rsa4096,
        KeyAlgorithm::EcP256 | KeyAlgorithm::EcP384 | KeyAlgorithm::EcP521 => {
            let key = EcdsaKeyPair::generate(ec_algorithm(algorithm).ok_or(Unspecified)?)?;
            let public: PublicKeyX509Der<'_> = key.public_key().as_der()?;
            return Ok(NewKey {
                pkcs8: Zeroizing::new(key.to_pkcs8v1()?.as_ref().to_vec()),
                subject_public_key_info: public.as_ref().to_vec(),
            });
        }
    };
    let key = RsaKeyPair::generate(size)?;
    let public: PublicKeyX509Der<'_> = key.public_key().as_der()?;
    Ok(NewKey {
        pkcs8: Zeroizing::new(key.as_der()?.as_ref().to_vec()),
        subject_public_key_info: public.as_ref().to_vec(),
    })
}

fn ec_algorithm(algorithm: KeyAlgorithm) -> Option<&'static EcdsaSigningAlgorithm> {
    match algorithm {
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => None,
        KeyAlgorithm::EcP256 => Some(&signature::ECDSA_P256_SHA256_ASN1_SIGNING),
        KeyAlgorithm::EcP384 => Some(&signature::ECDSA_P384_SHA384_ASN1_SIGNING),
        KeyAlgorithm::EcP521 => Some(&signature::ECDSA_P521_SHA512_ASN1_SIGNING),
    }
}
