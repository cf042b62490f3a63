//! What Intune is told of the requests that it validated.

use std::sync::Arc;

use async_trait::async_trait;
use scep_protocol::notice::NoticeEvent;
use scep_service::ports::{Announcement, Notifier, NotifyError};
use serde_json::Value;

use crate::intune::application::Application;
use crate::intune::client::IntuneClient;
use crate::intune::error::IntuneError;
use crate::intune::scep_actions::{
    ActionAnswer, NOTIFY_FAILURE, NOTIFY_SUCCESS, build_failure, build_success,
};
use crate::intune::service::IntuneService;

/// Tells Intune of certificates and refusals, so that its reports show them and it can have the
/// certificates revoked.
pub struct IntuneNotifier(Arc<IntuneClient>);

impl IntuneNotifier {
    /// A notifier that tells by this client.
    #[must_use]
    pub const fn new(client: Arc<IntuneClient>) -> Self {
        Self(client)
    }

    async fn notify(
        &self,
        application: &Application,
        action: &'static str,
        body: &Value,
    ) -> Result<(), IntuneError> {
        let service = IntuneService::ScepRequestValidation;
        let answer: ActionAnswer = self.0.post(application, service, action, body).await?;
        match answer.refusal() {
            None => Ok(()),
            Some(code) => {
                let description = answer.description();
                Err(IntuneError::Answered(format!(
                    "{}: {description}",
                    code.printable()
                )))
            }
        }
    }
}

#[async_trait]
impl Notifier for IntuneNotifier {
    async fn deliver(&self, announcement: &Announcement<'_>) -> Result<(), NotifyError> {
        // Where the settings are gone, so is the tenant to tell.
        let application =
            Application::of(announcement.scep_profile).map_err(|_| NotifyError::Unwanted)?;
        let (action, body) = match &announcement.notice.event {
            NoticeEvent::Issued(issued) => {
                let (Some(csr), Some(record)) = (&issued.csr, announcement.certificate) else {
                    return Err(NotifyError::Unwanted);
                };
                let body = build_success(record, csr)
                    .map_err(|error| NotifyError::Failed(error.into()))?;
                (NOTIFY_SUCCESS, body)
            }
            NoticeEvent::Refused(refused) => {
                let csr = refused.csr.as_ref().ok_or(NotifyError::Unwanted)?;
                (NOTIFY_FAILURE, build_failure(refused, csr))
            }
            NoticeEvent::Revoked(_) => return Err(NotifyError::Unwanted),
        };
        self.notify(&application, action, &body)
            .await
            .map_err(|error| NotifyError::Failed(error.into()))
    }
}
