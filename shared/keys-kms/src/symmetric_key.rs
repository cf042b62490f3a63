//! The symmetric key in KMS that everything of ours is wrapped by, each thing bound to its owner by the encryption context.

use aws_sdk_kms::primitives::Blob;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scep_service::KeyError;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::Kms;
use crate::call::{Missing, broken};

/// Whose something is: the one pair of an encryption context.
#[derive(Clone, Copy)]
pub(crate) struct Owner {
    /// What kind of owner: the name that policies know.
    pub(crate) kind: &'static str,
    /// Which.
    pub(crate) uuid: Uuid,
}

/// A symmetric key, by its ARN.
pub(crate) struct SymmetricKey {
    pub(crate) kms: Kms,
    pub(crate) arn: String,
}

impl SymmetricKey {
    /// Wraps; KMS's ciphertext, base64.
    pub(crate) async fn wrap(&self, owner: Owner, plaintext: &[u8]) -> Result<String, KeyError> {
        let name = owner.uuid.to_string();
        let request = self.kms.client.encrypt();
        let request = request
            .key_id(&self.arn)
            .plaintext(Blob::new(plaintext))
            .encryption_context(owner.kind, &name);
        let wrapped = self.kms.call("Encrypt", &name, request.send()).await?;
        let ciphertext = wrapped.ciphertext_blob.ok_or(Missing("ciphertext"));
        Ok(STANDARD.encode(ciphertext.map_err(broken("Encrypt", &name))?))
    }

    /// Unwraps what was wrapped for the same owner.
    pub(crate) async fn unwrap(
        &self,
        owner: Owner,
        wrapped: &str,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let name = owner.uuid.to_string();
        let wrapped = STANDARD.decode(wrapped);
        let wrapped = wrapped.map_err(broken("Decrypt", &name))?;
        let request = self.kms.client.decrypt();
        let request = request
            .key_id(&self.arn)
            .ciphertext_blob(Blob::new(wrapped))
            .encryption_context(owner.kind, &name);
        let unwrapped = self.kms.call("Decrypt", &name, request.send()).await?;
        let plaintext = unwrapped.plaintext.ok_or(Missing("plaintext"));
        let plaintext = plaintext.map_err(broken("Decrypt", &name))?;
        Ok(Zeroizing::new(plaintext.into_inner()))
    }
}
