//! Configuration that all AWS clients of a function share.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

use crate::connector::Connector;
use crate::{Environment, SettingError};

/// The number of attempts for a request that AWS throttles or does not answer.
const MAX_ATTEMPTS: u32 = 5;

/// The longest wait between two attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// The timeout of one attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);

/// The timeout of a call with all of its attempts.
// It is less than the lease of a claim, five seconds, so that a claim is not taken over while its
// holder is still signing.
const CALL_TIMEOUT: Duration = Duration::from_secs(4);

/// Builds the configuration of AWS clients from the environment variables that Lambda sets.
///
/// The credentials are those of the function's role; no other source of credentials is tried.
/// `AWS_ENDPOINT_URL` directs all requests to an emulator.
///
/// # Errors
/// If a variable that Lambda sets is missing, or the system has no root certificates.
pub fn sdk_config(environment: &Environment) -> Result<SdkConfig, SettingError> {
    let credentials = Credentials::new(
        environment.text("AWS_ACCESS_KEY_ID")?,
        environment.text("AWS_SECRET_ACCESS_KEY")?,
        environment.optional("AWS_SESSION_TOKEN"),
        // The credentials have no expiry: Lambda renews credentials by starting a new process.
        None,
        "Lambda",
    );
    let retries = RetryConfig::standard()
        .with_max_attempts(MAX_ATTEMPTS)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(MAX_BACKOFF);
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(environment.text("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(retries)
        .timeout_config(timeouts)
        .sleep_impl(TokioSleep::new())
        .http_client(Connector::new().map_err(SettingError::Roots)?);
    config.set_endpoint_url(environment.optional("AWS_ENDPOINT_URL"));
    Ok(config.build())
}
