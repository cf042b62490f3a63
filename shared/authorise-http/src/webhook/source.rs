//! The administrator's webhook as a challenge source.

use std::sync::Arc;

use async_trait::async_trait;
use ca::vouched_names::VouchedNames;
use reqwest::StatusCode;
use scep_protocol::refusal::Refusal;
use scep_protocol::request::EnrolmentRequest;
use scep_protocol::vouched::Vouched;
use scep_protocol::vouching::ChallengeSourceKind;
use scep_service::error::Failure;
use scep_service::ports::{ChallengeSource, VouchContext, VouchError};

use crate::webhook::answer::Answer;
use crate::webhook::client::{Event, WebhookClient};
use crate::webhook::error::WebhookError;
use crate::webhook::question::Question;

/// The webhook of a SCEP Profile. It is asked about requests with and without a challengePassword.
pub struct WebhookSource(Arc<WebhookClient>);

impl WebhookSource {
    /// A source that asks by this client.
    #[must_use]
    pub const fn new(client: Arc<WebhookClient>) -> Self {
        Self(client)
    }

    async fn ask(
        &self,
        question: Question<'_>,
        context: &VouchContext<'_>,
    ) -> Result<Answer, WebhookError> {
        let profile = context.profile.scep_profile();
        let webhook = profile.webhook.as_ref().ok_or(WebhookError::Missing)?;
        let event = Event::new("scep.enrolment", context.now, question)?;
        let id = self.0.draw_id()?;
        let response = self
            .0
            .post(profile, webhook, id, &event, context.now)
            .await?;
        if response.status != StatusCode::OK {
            return Err(WebhookError::Status(response.status));
        }
        Answer::parse(&response.body)
    }
}

#[async_trait]
impl ChallengeSource for WebhookSource {
    async fn vouch(
        &self,
        request: &EnrolmentRequest,
        context: &VouchContext<'_>,
    ) -> Result<Vouched, VouchError> {
        let vouched = |names: VouchedNames, hold| Vouched {
            names,
            hold,
            ..Vouched::by(ChallengeSourceKind::Webhook)
        };
        let question = Question::of(request, context)
            .map_err(|violation| VouchError::Refused(Refusal::Rule(violation)))?;
        match self.ask(question, context).await {
            Ok(Answer::Allow(names)) => Ok(vouched(names, false)),
            Ok(Answer::Hold(names)) => Ok(vouched(names, true)),
            Ok(Answer::Deny(reason)) => Err(VouchError::Refused(Refusal::Denied(reason))),
            Err(error) => Err(VouchError::Failed(Failure::Source {
                kind: ChallengeSourceKind::Webhook,
                source: error.into(),
            })),
        }
    }
}
