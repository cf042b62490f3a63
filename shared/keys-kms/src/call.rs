//! One call of KMS: measured, and its failure told apart: a key that does not do, or a key store that does not answer.

use std::time::{Duration, Instant};

use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::config::{Builder, Config};
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use scep_service::{KeyCallOutcome, KeyError, Measurement};

use crate::Kms;

/// What KMS says when the key itself is at fault, so that asking again later changes nothing.
const OF_THE_KEY: [&str; 12] = [
    "AccessDeniedException",
    "DisabledException",
    "IncorrectKeyException",
    "InvalidArnException",
    "InvalidCiphertextException",
    "InvalidKeyUsageException",
    "KMSInvalidStateException",
    "LimitExceededException",
    "NotFoundException",
    "TagException",
    "UnsupportedOperationException",
    "ValidationException",
];

/// How long KMS may take to make a key: it may be one of 4,096 bits.
const MAKING_TIMEOUT: Duration = Duration::from_secs(20);

/// How a call goes that makes something for good: once, and in its own time. Tried again, it could make another.
pub(crate) fn once() -> Builder {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(MAKING_TIMEOUT)
        .operation_timeout(MAKING_TIMEOUT);
    Config::builder()
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build())
}

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
