//! Intune's validation of challenge and request, as a challenge source.

use std::sync::Arc;

use async_trait::async_trait;
use ca::vouched_names::VouchedNames;
use scep_protocol::refusal::Refusal;
use scep_protocol::reported_csr::ReportedCsr;
use scep_protocol::request::EnrolmentRequest;
use scep_protocol::vouched::Vouched;
use scep_protocol::vouching::ChallengeSourceKind;
use scep_service::error::Failure;
use scep_service::ports::{ChallengeSource, VouchContext, VouchError};

use crate::intune::application::Application;
use crate::intune::client::IntuneClient;
use crate::intune::error::IntuneError;
use crate::intune::scep_actions::{ActionAnswer, VALIDATE, build_validation};
use crate::intune::service::IntuneService;

/// Microsoft Intune. The challengePassword in the PKCS #10 request is one that Intune made for the
/// device, and says what else may be in the request; Intune alone can read it.
pub struct IntuneSource(Arc<IntuneClient>);

impl IntuneSource {
    /// A source that asks by this client.
    #[must_use]
    pub const fn new(client: Arc<IntuneClient>) -> Self {
        Self(client)
    }

    async fn validate(
        &self,
        request: &EnrolmentRequest,
        context: &VouchContext<'_>,
    ) -> Result<ActionAnswer, IntuneError> {
        let application = Application::of(context.profile.scep_profile())?;
        let transaction_id = request.message().transaction_id().as_str();
        let csr = ReportedCsr::of(request.csr().der());
        let body = build_validation(transaction_id, &csr);
        let service = IntuneService::ScepRequestValidation;
        self.0.post(&application, service, VALIDATE, &body).await
    }
}

#[async_trait]
impl ChallengeSource for IntuneSource {
    async fn vouch(
        &self,
        request: &EnrolmentRequest,
        context: &VouchContext<'_>,
    ) -> Result<Vouched, VouchError> {
        if request.csr().challenge_password().is_none() {
            return Err(VouchError::Unrecognised(Refusal::ChallengeMissing));
        }
        let csr = request.csr();
        // Before Intune takes the challenge for used.
        let names = VouchedNames::of_request(csr.subject(), csr.extensions())
            .map_err(|violation| VouchError::Refused(Refusal::Rule(violation)))?;
        let answer = self.validate(request, context).await.map_err(fail)?;
        let Some(code) = answer.refusal() else {
            return Ok(Vouched {
                names,
                csr: Some(ReportedCsr::of(csr.der())),
                ..Vouched::by(ChallengeSourceKind::Intune)
            });
        };
        if !code.is_name() {
            return Err(fail(IntuneError::Answered("no known code".to_owned())));
        }
        let transaction_id = request.message().transaction_id().excerpt();
        let (reason, description) = (code.explain(), answer.description());
        tracing::warn!(transaction_id, reason, description, "Intune refused");
        Err(VouchError::Refused(Refusal::Denied(reason)))
    }
}

fn fail(error: IntuneError) -> VouchError {
    VouchError::Failed(Failure::Source {
        kind: ChallengeSourceKind::Intune,
        source: error.into(),
    })
}
