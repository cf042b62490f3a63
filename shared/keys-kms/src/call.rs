//! One call of KMS: measured, and its failure told apart: a key that does not do, or a key store that does not answer.

use std::time::Instant;

use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use scep_service::{KeyCallOutcome, KeyError, Measurement};

use crate::Kms;

/// What KMS says when the key itself is at fault, so that asking again later changes nothing.
const OF_THE_KEY: [&str; 9] = [
    "AccessDeniedException",
    "DisabledException",
    "IncorrectKeyException",
    "InvalidArnException",
    "InvalidCiphertextException",
    "InvalidKeyUsageException",
    "KMSInvalidStateException",
    "NotFoundException",
    "ValidationException",
];

impl Kms {
    /// Awaits a call and measures it. `operation` is KMS's name for it, `key` what an operator knows the key by.
    pub(crate) async fn call<T, E>(
        &self,
        operation: &'static str,
        key: &str,
        sent: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, KeyError>
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let begun = Instant::now();
        let answered = sent.await;
        self.metrics.record(&Measurement::KeyCall {
            operation,
            outcome: match answered {
                Ok(_) => KeyCallOutcome::Done,
                Err(_) => KeyCallOutcome::Failed,
            },
            took: begun.elapsed(),
        });
        answered.map_err(|error| failure(operation, key, error))
    }
}

fn failure<E>(operation: &'static str, key: &str, error: SdkError<E>) -> KeyError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    if code.is_some_and(|code| OF_THE_KEY.contains(&code)) {
        return broken(operation, key)(error);
    }
    KeyError::Unavailable {
        operation,
        source: Box::new(error),
    }
}

/// The error of a key, or of something wrapped by it, that does not do.
pub(crate) fn broken<E>(operation: &'static str, key: &str) -> impl FnOnce(E) -> KeyError
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let reference = key.to_owned();
    move |source| KeyError::Broken {
        operation,
        reference,
        source: source.into(),
    }
}

/// KMS left out what it always gives.
#[derive(Debug, thiserror::Error)]
#[error("KMS gave no {0}")]
pub(crate) struct Missing(pub(crate) &'static str);
