//! Tests of the services that vouch for enrolments, which administrators order.

use std::time::Duration;

use scep_protocol::id::ScepProfileUuid;
use scep_protocol::profile::ScepProfile;
use scep_protocol::vouching::ChallengeSourceKind;
use serde_json::json;

use crate::admin::Administration;
use crate::admin::challenge_sources::{SourceSecrets, check_sources};
use crate::admin::invalid::AdminError;
use crate::admin::validation::Validation;
use crate::audit::{Act, AuditAction};
use crate::object::{Reference, Versioned};
use crate::ports::{ProbeError, SourceProbe};

/// What the test of a service found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReport {
    /// What the service answered, or what went wrong, as a sentence.
    pub outcome: Result<String, String>,
    /// How long the test took.
    pub took: Duration,
}

impl Administration {
    /// Tests the service behind a challenge source of a SCEP Profile, whether or not the profile
    /// has it among its sources.
    ///
    /// # Errors
    /// Returns [`AdminError::NotFound`], [`AdminError::Invalid`] with each setting that the source
    /// lacks, and [`AdminError::Failed`].
    pub async fn test_source(
        &self,
        uuid: ScepProfileUuid,
        kind: ChallengeSourceKind,
        probe: &dyn SourceProbe,
    ) -> Result<SourceReport, AdminError> {
        let found: Versioned<ScepProfile> = self.get(uuid).await?;
        let profile = &found.object;
        let has = SourceSecrets {
            challenge: profile.challenge.is_some(),
            application_key: profile.intune.application_key.is_some(),
            webhook: profile.webhook.is_some(),
        };
        let mut errors = Validation::default();
        check_sources(&[kind].into(), &profile.intune, &has, &mut errors);
        errors.finish(Some(()))?;
        // The record is written before the request is sent, so that none is sent without.
        let audit = Act {
            action: AuditAction::TestSource,
            object: Reference::to::<ScepProfile>(uuid),
            name: profile.name.to_string(),
            before: json!(null),
            after: json!({ "challengeSource": kind }),
        }
        .by(&self.actor, self.clock.now());
        self.store.record(&audit).await?;
        let start = self.clock.instant();
        let outcome = match probe.probe(profile, self.clock.now()).await {
            Ok(sentence) => Ok(sentence),
            Err(ProbeError::Unfit(sentence)) => Err(sentence),
            // A key that cannot be used is no field of this request.
            Err(ProbeError::Failed(failure)) => return Err(AdminError::Failed(failure)),
        };
        Ok(SourceReport {
            outcome,
            took: self.clock.instant().duration_since(start),
        })
    }
}
