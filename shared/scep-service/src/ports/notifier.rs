//! The port to the services that hear of events.

use async_trait::async_trait;
use scep_protocol::notice::Notice;
use scep_protocol::profile::{RaProfile, ScepProfile};
use time::OffsetDateTime;

use crate::inventory::CertificateRecord;

/// A service that hears of events. A notice may reach it more than once.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Tells the service of an event.
    ///
    /// # Errors
    /// See [`NotifyError`].
    async fn deliver(&self, announcement: &Announcement<'_>) -> Result<(), NotifyError>;
}

/// A notice with the objects that it is about, as they are now.
#[derive(Clone, Copy)]
pub struct Announcement<'a> {
    /// The notice.
    pub notice: &'a Notice,
    /// Its SCEP Profile.
    pub scep_profile: &'a ScepProfile,
    /// The RA Profile of the certificate or request; `None` if it is deleted.
    pub ra_profile: Option<&'a RaProfile>,
    /// The record of the certificate; `None` for an event without one.
    pub certificate: Option<&'a CertificateRecord>,
    /// The current time.
    pub now: OffsetDateTime,
}

/// Why a notice is not delivered.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// The service did not take it. It is delivered again later.
    #[error("telling the service")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The profile no longer has such a service, so the notice is dropped.
    #[error("the profile has no such service")]
    Unwanted,
}
