//! What is recorded of a request that is refused.

use std::net::IpAddr;

use ca::subject::name_text;
use scep_protocol::availability::{AvailableProfile, check_availability};
use scep_protocol::profile::EndpointName;
use scep_protocol::refusal::{HttpRejection, Refusal};
use scep_protocol::refusal_record::{RefusalVerdict, RequestOutline};
use scep_protocol::request::EnrolmentRequest;

use crate::enrol::{Enrolment, Exchange};
use crate::error::Failure;

/// The outline of a request to an endpoint that serves.
pub(crate) fn of_profile(
    profile: &AvailableProfile,
    client_address: Option<IpAddr>,
) -> RequestOutline {
    let (scep_profile, ra_profile) = (profile.scep_profile().uuid, profile.ra_profile().uuid);
    RequestOutline::new(scep_profile, Some(ra_profile), client_address)
}

impl Enrolment {
    /// Reads the profiles behind an endpoint, and records the request if they do not serve.
    pub(crate) async fn read_profile(
        &self,
        endpoint: &EndpointName,
        client_address: Option<IpAddr>,
    ) -> Result<AvailableProfile, Failure> {
        let service = &self.profile_service;
        let configuration = service.profiles.configuration(endpoint).await?;
        // A name that matches no profile is not recorded: attackers can invent them without end.
        let outline = configuration.scep_profile.as_ref().map(|scep_profile| {
            let ra_profile = configuration.ra_profile.as_ref();
            let ra_profile = ra_profile.map(|ra_profile| ra_profile.uuid);
            RequestOutline::new(scep_profile.uuid, ra_profile, client_address)
        });
        check_availability(endpoint, configuration, service.clock.now()).map_err(|unavailable| {
            if let Some(outline) = outline {
                self.record(outline, RefusalVerdict::of_unavailable(unavailable));
            }
            Failure::Rejected(HttpRejection::Unavailable(unavailable))
        })
    }

    pub(crate) fn record(&self, outline: RequestOutline, verdict: RefusalVerdict) {
        let now = self.profile_service.clock.now();
        self.refusals.record(outline, verdict, now);
    }
}

impl Exchange<'_> {
    /// Keeps what a record shows of an authentic request.
    pub(crate) fn remember_content(&self, request: &EnrolmentRequest) {
        self.opened
            .get_or_init(|| (request.csr().subject().to_vec(), request.key().clone()));
    }

    /// Adds what the envelope held to the outline of a refused request, and gives its verdict.
    pub(crate) fn describe_refusal(
        &self,
        outline: RequestOutline,
        refusal: &Refusal,
    ) -> (RequestOutline, RefusalVerdict) {
        let Some((subject, key)) = self.opened.get() else {
            return (outline, RefusalVerdict::of_refusal(refusal, false));
        };
        // Where the subject cannot be read, the reason of the refusal says so.
        let subject = name_text(subject).unwrap_or_default();
        let verdict = RefusalVerdict::of_refusal(refusal, true);
        (outline.with_content(&subject, key), verdict)
    }
}
