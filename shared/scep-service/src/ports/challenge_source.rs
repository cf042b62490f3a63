//! The port to the sources that vouch for enrolments.

use std::net::IpAddr;

use async_trait::async_trait;
use scep_protocol::availability::AvailableProfile;
use scep_protocol::refusal::Refusal;
use scep_protocol::request::EnrolmentRequest;
use scep_protocol::vouched::Vouched;
use time::OffsetDateTime;

use crate::error::Failure;

/// A source that vouches for enrolments. It is asked only about authentic requests: the message
/// and the PKCS #10 request in it are signed, and the signer may send it.
#[async_trait]
pub trait ChallengeSource: Send + Sync {
    /// Decides whether an enrolment is authorised.
    ///
    /// # Errors
    /// See [`VouchError`].
    async fn vouch(
        &self,
        request: &EnrolmentRequest,
        context: &VouchContext<'_>,
    ) -> Result<Vouched, VouchError>;
}

/// What a source may know besides the request.
#[derive(Clone, Copy)]
pub struct VouchContext<'a> {
    /// The profile that received the request.
    pub profile: &'a AvailableProfile,
    /// The address of the client, if it is known.
    pub client_address: Option<IpAddr>,
    /// The current time.
    pub now: OffsetDateTime,
}

/// Why a source does not vouch for an enrolment.
#[derive(Debug)]
pub enum VouchError {
    /// The challengePassword is not from this source. The next source is asked; without a next one,
    /// the request gets this refusal.
    Unrecognised(Refusal),
    /// The source refuses the enrolment, and no other source is asked.
    Refused(Refusal),
    /// The source failed. The client gets a plain HTTP error and may try again.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for VouchError {
    fn from(failure: E) -> Self {
        Self::Failed(failure.into())
    }
}
