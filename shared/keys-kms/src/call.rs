//! Calls of KMS: how they are measured, and how their errors are classified as faults of a key or
//! of the key store.

use std::time::{Duration, Instant};

use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::config::{Builder, Config};
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use scep_service::error::KeyError;
use scep_service::ports::{KeyCallOutcome, Measurement};

use crate::Kms;

/// The error codes with which KMS says that the key itself is at fault.
// Every other error may go away by itself, and is answered as a temporary failure.
const KEY_FAULTS: [&str; 10] = [
    "AccessDeniedException",
    "DisabledException",
    "IncorrectKeyException",
    "InvalidArnException",
    "InvalidCiphertextException",
    "InvalidKeyUsageException",
    "LimitExceededException",
    "TagException",
    "UnsupportedOperationException",
    "ValidationException",
];

/// The error codes with which KMS says that the key is deleted, or is to be deleted.
// No function may ask KMS for the state of a key. KMS says DisabledException of a disabled key; the
// other states with KMSInvalidStateException are those of custom key stores and of imported key
// material, in which Scepter makes no keys, and that of a replica that is being made.
const KEY_ENDS: [&str; 2] = ["KMSInvalidStateException", "NotFoundException"];

/// The timeout of a call that creates a key.
// It is much longer than that of other calls: generating an RSA key of 4,096 bits takes seconds.
const CREATE_TIMEOUT: Duration = Duration::from_secs(20);

/// Configuration for calls that create keys: no retries, since a retry could create a second key.
pub(crate) fn without_retries() -> Builder {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(CREATE_TIMEOUT)
        .operation_timeout(CREATE_TIMEOUT);
    Config::builder()
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build())
}

impl Kms {
    /// Awaits a call and measures it. `operation` is the name that KMS has for the call, `key` the
    /// name by which an operator knows the key.
    pub(crate) async fn call<T, E>(
        &self,
        operation: &'static str,
        key: &str,
        call: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, KeyError>
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        self.measure(operation, key, call, |result| match result {
            Ok(_) => KeyCallOutcome::Done,
            Err(_) => KeyCallOutcome::Failed,
        })
        .await
    }

    /// The same for a call that asks whether a key can be used: that it cannot is an answer.
    // It would raise an alarm otherwise, about which nobody can do anything.
    pub(crate) async fn probe<T, E>(
        &self,
        operation: &'static str,
        key: &str,
        call: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, KeyError>
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        self.measure(operation, key, call, |result| match result {
            Ok(_) | Err(KeyError::Broken { .. } | KeyError::Gone { .. }) => KeyCallOutcome::Done,
            Err(_) => KeyCallOutcome::Failed,
        })
        .await
    }

    async fn measure<T, E>(
        &self,
        operation: &'static str,
        key: &str,
        call: impl Future<Output = Result<T, SdkError<E>>>,
        judge: impl Fn(&Result<T, KeyError>) -> KeyCallOutcome,
    ) -> Result<T, KeyError>
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        let start = Instant::now();
        let result = call
            .await
            .map_err(|error| classify_error(operation, key, error));
        self.metrics.record(&Measurement::KeyCall {
            operation,
            outcome: judge(&result),
            took: start.elapsed(),
        });
        result
    }
}

fn classify_error<E>(operation: &'static str, key: &str, error: SdkError<E>) -> KeyError
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    if code.is_some_and(|code| KEY_ENDS.contains(&code)) {
        return KeyError::gone(operation, key)(error);
    }
    if code.is_some_and(|code| KEY_FAULTS.contains(&code)) {
        return KeyError::broken(operation, key)(error);
    }
    KeyError::Unavailable {
        operation,
        source: Box::new(error),
    }
}

/// A response from KMS lacks a member that it always has.
#[derive(Debug, thiserror::Error)]
#[error("the response from KMS has no {0}")]
pub(crate) struct MissingMember(pub(crate) &'static str);
