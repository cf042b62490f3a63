//! The failures of Intune and Entra, and what helps against each.

use std::time::Duration;

use scep_service::error::KeyError;

use crate::http_client::{HttpError, HttpResponse};
use scep_protocol::service_url::ServiceUrl;

/// Intune, or the login before it, did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum IntuneError {
    /// Intune refused a notification or a result.
    #[error("Intune answered {0}")]
    Answered(String),
    /// Requests cannot be sent at all.
    #[error("loading the certificates that the system trusts")]
    Client(#[source] reqwest::Error),
    /// The credential of the application could not be loaded or used.
    #[error("loading the credential of the application")]
    Credential(#[from] KeyError),
    /// The request failed before a whole response was read.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The SCEP Profile lacks a setting, or has an unfit one.
    #[error("the SCEP Profile has no usable {0}")]
    Incomplete(&'static str),
    /// Entra issued no token.
    #[error("Entra issued no token: status {status}, {reason}")]
    Login {
        /// The HTTP status.
        status: u16,
        /// Entra's error code and description.
        reason: String,
        /// How long to wait before the next attempt.
        retry_after: Option<Duration>,
    },
    /// Microsoft Graph names no endpoint of this service in the tenant.
    #[error(
        "Microsoft Graph names no endpoint of {0}: the tenant needs Intune, and the application the permission scep_challenge_provider"
    )]
    NotOffered(&'static str),
    /// The service answered with another status than 200.
    #[error("{url} answered with status {status}")]
    Status {
        /// The URL of the service.
        url: ServiceUrl,
        /// The HTTP status.
        status: u16,
        /// How long to wait before the next attempt.
        retry_after: Option<Duration>,
    },
    /// The service answered with something else than the expected JSON.
    // The cause is left out: it may quote a token.
    #[error("the response of {0} is not the expected JSON")]
    Unreadable(ServiceUrl),
}

/// What may help against an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Nothing that a program can do.
    Nothing,
    /// A new token and a new look for the service, because the cached ones may be stale.
    Refresh,
    /// Another attempt, at the earliest after this time.
    Retry(Duration),
}

impl IntuneError {
    pub(crate) fn of_status(url: &ServiceUrl, response: &HttpResponse) -> Self {
        Self::Status {
            url: url.clone(),
            status: response.status.as_u16(),
            retry_after: read_retry_after(response),
        }
    }

    pub(crate) fn remedy(&self) -> Remedy {
        let may_pass = |status| matches!(status, 408 | 429 | 500..=599);
        match self {
            Self::Http(HttpError::Transport { .. }) => Remedy::Retry(Duration::ZERO),
            Self::Login {
                status,
                retry_after,
                ..
            }
            | Self::Status {
                status,
                retry_after,
                ..
            } if may_pass(*status) => Remedy::Retry(retry_after.unwrap_or_default()),
            // Services move, tokens are withdrawn, and a token of the time before a permission was
            // granted lacks it.
            Self::Status {
                status: 300..=399 | 401 | 403 | 404 | 410,
                ..
            } => Remedy::Refresh,
            Self::Answered(_)
            | Self::Client(_)
            | Self::Credential(_)
            | Self::Http(HttpError::Busy(_) | HttpError::TooLong(_))
            | Self::Incomplete(_)
            | Self::Login { .. }
            | Self::NotOffered(_)
            | Self::Status { .. }
            | Self::Unreadable(_) => Remedy::Nothing,
        }
    }
}

/// Reads `Retry-After` in seconds. Microsoft's services send no dates.
pub(crate) fn read_retry_after(response: &HttpResponse) -> Option<Duration> {
    let seconds = response.headers.get("retry-after")?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}
