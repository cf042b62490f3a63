//! The test of a webhook: a signed event that is no question.

use async_trait::async_trait;
use newtype_uuid::GenericUuid;
use reqwest::StatusCode;
use scep_protocol::profile::ScepProfile;
use scep_protocol::vouching::ChallengeSourceKind;
use scep_service::error::Failure;
use scep_service::ports::{ProbeError, SourceProbe};
use serde::Serialize;
use time::OffsetDateTime;

use crate::report::{fail, report, report_http};
use crate::webhook::client::{Event, WebhookClient};
use crate::webhook::error::WebhookError;
use crate::webhook::question::ProfileName;

/// The type of a test. A receiver that does not know it has nothing to mistake for an enrolment: no
/// request and no challenge.
const TEST: &str = "scep.test";

/// The content of a test.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Test<'a> {
    scep_profile: ProfileName<'a>,
}

impl WebhookClient {
    async fn post_test(
        &self,
        profile: &ScepProfile,
        now: OffsetDateTime,
    ) -> Result<StatusCode, WebhookError> {
        let webhook = profile.webhook.as_ref().ok_or(WebhookError::Missing)?;
        let test = Test {
            scep_profile: ProfileName {
                uuid: profile.uuid.into_untyped_uuid(),
                name: profile.name.as_str(),
            },
        };
        let event = Event::new(TEST, now, test)?;
        let id = self.draw_id()?;
        let response = self.post(profile, webhook, id, &event, now).await?;
        Ok(response.status)
    }
}

#[async_trait]
impl SourceProbe for WebhookClient {
    async fn probe(
        &self,
        profile: &ScepProfile,
        now: OffsetDateTime,
    ) -> Result<String, ProbeError> {
        let status = self
            .post_test(profile, now)
            .await
            .map_err(describe_failure)?;
        describe_status(status)
    }
}

fn describe_status(status: StatusCode) -> Result<String, ProbeError> {
    let code = status.as_u16();
    match code {
        200..=299 => Ok(format!(
            "The webhook took the signed test, with status {code}"
        )),
        300..=399 => Err(ProbeError::Unfit(format!(
            "The webhook answered with status {code}, and redirects are not followed"
        ))),
        401 | 403 => Err(ProbeError::Unfit(format!(
            "The webhook answered with status {code}: it may have another secret, or a clock that \
             is wrong"
        ))),
        _ => Err(ProbeError::Unfit(format!(
            "The webhook answered with status {code}, where any of 200 to 299 is expected"
        ))),
    }
}

fn describe_failure(error: WebhookError) -> ProbeError {
    match error {
        WebhookError::Http(error) => report_http(&error),
        WebhookError::Secret(error) => fail(error),
        WebhookError::Entropy(error) => fail(error),
        error @ (WebhookError::Missing | WebhookError::SecretUnfit(_) | WebhookError::Url(_)) => {
            report(&error)
        }
        // The others do not arise before a response is read.
        error @ (WebhookError::Answer(_)
        | WebhookError::Client(_)
        | WebhookError::Encode(_)
        | WebhookError::Names(_)
        | WebhookError::RecordMissing
        | WebhookError::Status(_)) => fail(Failure::Source {
            kind: ChallengeSourceKind::Webhook,
            source: error.into(),
        }),
    }
}
