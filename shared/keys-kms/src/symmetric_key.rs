//! The symmetric key in KMS that wraps RA keys and secrets, each bound to its owner by the
//! encryption context.

use aws_sdk_kms::primitives::Blob;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scep_service::error::KeyError;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::Kms;
use crate::call::MissingMember;

/// The owner of something wrapped, which is the only pair in its encryption context.
#[derive(Clone, Copy)]
pub(crate) struct Owner {
    /// The kind of owner: the key of the pair, by which policies tell RA keys and secrets apart.
    pub(crate) kind: &'static str,
    /// The owner's UUID: the value of the pair.
    pub(crate) uuid: Uuid,
}

/// A symmetric key in KMS, identified by its ARN.
pub(crate) struct SymmetricKey {
    pub(crate) kms: Kms,
    pub(crate) arn: String,
}

impl SymmetricKey {
    /// Wraps `plaintext` for an owner, and returns the ciphertext from KMS in base64.
    pub(crate) async fn wrap(&self, owner: Owner, plaintext: &[u8]) -> Result<String, KeyError> {
        let name = owner.uuid.to_string();
        let request = self
            .kms
            .client
            .encrypt()
            .key_id(&self.arn)
            .plaintext(Blob::new(plaintext))
            .encryption_context(owner.kind, &name);
        let ciphertext = self
            .kms
            .call("Encrypt", &name, request.send())
            .await?
            .ciphertext_blob
            .ok_or(MissingMember("ciphertext"))
            .map_err(KeyError::broken("Encrypt", &name))?;
        Ok(STANDARD.encode(ciphertext))
    }

    /// Unwraps what was wrapped for the same owner; fails for any other owner.
    pub(crate) async fn unwrap(
        &self,
        owner: Owner,
        wrapped: &str,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let name = owner.uuid.to_string();
        let ciphertext = STANDARD
            .decode(wrapped)
            .map_err(KeyError::broken("Decrypt", &name))?;
        let request = self
            .kms
            .client
            .decrypt()
            // KMS does not require it; without it, a ciphertext under any key of the account would
            // be accepted.
            .key_id(&self.arn)
            .ciphertext_blob(Blob::new(ciphertext))
            .encryption_context(owner.kind, &name);
        let plaintext = self
            .kms
            .call("Decrypt", &name, request.send())
            .await?
            .plaintext
            .ok_or(MissingMember("plaintext"))
            .map_err(KeyError::broken("Decrypt", &name))?;
        Ok(Zeroizing::new(plaintext.into_inner()))
    }
}
