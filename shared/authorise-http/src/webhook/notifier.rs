//! The administrator's webhook as a receiver of notices.

use std::sync::Arc;

use async_trait::async_trait;
use newtype_uuid::GenericUuid;
use scep_service::ports::{Announcement, Notifier, NotifyError};

use crate::webhook::client::{Event, WebhookClient};
use crate::webhook::error::WebhookError;
use crate::webhook::notification::Notification;

/// The webhook of a SCEP Profile, which is told of certificates and of refused requests.
pub struct WebhookNotifier(Arc<WebhookClient>);

impl WebhookNotifier {
    /// A receiver that is told by this client.
    #[must_use]
    pub const fn new(client: Arc<WebhookClient>) -> Self {
        Self(client)
    }

    async fn tell(&self, announcement: &Announcement<'_>) -> Result<(), WebhookError> {
        let profile = announcement.scep_profile;
        let webhook = profile.webhook.as_ref().ok_or(WebhookError::Missing)?;
        let notice = announcement.notice;
        let (kind, notification) = Notification::of(announcement)?;
        let event = Event::new(kind, notice.created_at, notification)?;
        let id = notice.uuid.into_untyped_uuid();
        let response = self
            .0
            .post(profile, webhook, id, &event, announcement.now)
            .await?;
        // The Standard Webhooks specification: any 2xx says that the event was received.
        if !response.status.is_success() {
            return Err(WebhookError::Status(response.status));
        }
        Ok(())
    }
}

#[async_trait]
impl Notifier for WebhookNotifier {
    async fn deliver(&self, announcement: &Announcement<'_>) -> Result<(), NotifyError> {
        let is_wanted = announcement
            .scep_profile
            .webhook
            .as_ref()
            .is_some_and(|webhook| webhook.notify.contains(&announcement.notice.event.kind()));
        if !is_wanted {
            return Err(NotifyError::Unwanted);
        }
        self.tell(announcement)
            .await
            .map_err(|error| NotifyError::Failed(error.into()))
    }
}
