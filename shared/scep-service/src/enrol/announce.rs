//! Tells services of requests that are refused.

use ca::subject::name_text;
use scep_protocol::notice::{NoticeEvent, RefusedRequest};
use scep_protocol::profile::NotificationKind;
use scep_protocol::refusal::Refusal;
use scep_protocol::request::EnrolmentRequest;
use scep_protocol::transaction::Fingerprint;
use scep_protocol::vouching::ChallengeSourceKind;

use crate::enrol::Exchange;
use crate::error::Failure;
use crate::notices::notices_of;

impl Exchange<'_> {
    /// Describes a request for the case that it is refused; `None` if no service is to hear of it.
    pub(crate) fn describe_request(&self, request: &EnrolmentRequest) -> Option<RefusedRequest> {
        let profile = self.profile.scep_profile();
        let webhook = profile.webhook.as_ref();
        let is_told =
            webhook.is_some_and(|webhook| webhook.notify.contains(&NotificationKind::Refused));
        if !is_told
            && !profile
                .challenge_sources()
                .contains(&ChallengeSourceKind::Intune)
        {
            return None;
        }
        let csr = request.csr();
        Some(RefusedRequest {
            ra_profile: self.profile.ra_profile().uuid,
            transaction_id: request.message().transaction_id().as_str().to_owned(),
            // Where the subject cannot be read, the reason of the refusal says so.
            subject: name_text(csr.subject()).unwrap_or_default(),
            key_sha256: Fingerprint::of_key(request.key()).to_string(),
            fail_info: String::new(),
            reason: String::new(),
            client_address: self.client_address,
            csr: None,
        })
    }

    /// Tells services that a request was refused, if its message was not refused before.
    ///
    /// # Errors
    /// When no identity can be drawn, or it is unknown whether the message was refused before. A
    /// failure to write the notices or to deliver them is logged.
    pub(crate) async fn announce_refusal(
        &self,
        described: Option<RefusedRequest>,
        refusal: &Refusal,
    ) -> Result<(), Failure> {
        let is_vouched = self.vouched.get().is_some();
        let Some(described) = described.filter(|_| refusal.is_announced(is_vouched)) else {
            return Ok(());
        };
        if !self.is_first_refusal().await? {
            return Ok(());
        }
        let event = NoticeEvent::Refused(Box::new(RefusedRequest {
            fail_info: refusal.fail_info().name().to_owned(),
            reason: refusal.text().into_owned(),
            csr: self.vouched.get().cloned().flatten(),
            ..described
        }));
        let now = self.enrolment.profile_service.clock.now();
        let random = &*self.enrolment.random;
        let notices = notices_of(event, self.profile.scep_profile(), random, now)?;
        self.enrolment.write_and_announce(&notices).await;
        Ok(())
    }
}
