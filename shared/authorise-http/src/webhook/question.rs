//! The question whether an enrolment is authorised, as a webhook gets it.

use std::net::IpAddr;

use ca::certificate_contents::describe_key;
use ca::subject::name_text;
use ca::template::RuleViolation;
use ca::vouched_names::{VouchedAltNames, VouchedNames};
use scep_protocol::request::EnrolmentRequest;
use scep_protocol::transaction::Fingerprint;
use scep_service::ports::VouchContext;
use serde::Serialize;
use uuid::Uuid;

use newtype_uuid::GenericUuid;

/// A profile, as events name it.
#[derive(Serialize)]
pub(super) struct ProfileName<'a> {
    pub(super) uuid: Uuid,
    pub(super) name: &'a str,
}

/// What a webhook is asked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Question<'a> {
    scep_profile: ProfileName<'a>,
    ra_profile: ProfileName<'a>,
    transaction_id: &'a str,
    message_type: &'a str,
    csr: String,
    subject: String,
    subject_alt_names: VouchedAltNames,
    key_algorithm: String,
    key_sha256: String,
    challenge_password: Option<&'a str>,
    client_address: Option<IpAddr>,
}

impl<'a> Question<'a> {
    /// Builds the question.
    ///
    /// # Errors
    /// The violation of the limits, if the request has more or longer names than can be shown.
    pub(super) fn of(
        request: &'a EnrolmentRequest,
        context: &VouchContext<'a>,
    ) -> Result<Self, RuleViolation> {
        let csr = request.csr();
        let message = request.message();
        let scep_profile = context.profile.scep_profile();
        let ra_profile = context.profile.ra_profile();
        // What cannot be read is left out: the rules refuse it, and the webhook has the PKCS #10
        // request itself.
        let names = VouchedNames::of_request(csr.subject(), csr.extensions())?
            .with_sid_of_request(csr.extensions());
        Ok(Self {
            scep_profile: ProfileName {
                uuid: scep_profile.uuid.into_untyped_uuid(),
                name: scep_profile.name.as_str(),
            },
            ra_profile: ProfileName {
                uuid: ra_profile.uuid.into_untyped_uuid(),
                name: ra_profile.name.as_str(),
            },
            transaction_id: message.transaction_id().as_str(),
            message_type: message.message_type().name(),
            csr: csr.to_pem(),
            subject: name_text(csr.subject()).unwrap_or_default(),
            subject_alt_names: names.subject_alt_names.clone(),
            key_algorithm: describe_key(request.key()),
            key_sha256: Fingerprint::of_key(request.key()).to_string(),
            challenge_password: csr.challenge_password().map(|given| given.reveal()),
            client_address: context.client_address,
        })
    }
}
