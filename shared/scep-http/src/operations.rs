//! The operations that a process serves, and the ports that they may use: a subset in each Lambda
//! function, all of them in the local server.

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;
use http::request::Parts;
use scep_protocol::profile::EndpointName;
use scep_protocol::refusal::HttpRejection;
use scep_service::ca_info::ProfileService;
use scep_service::enrol::{Enrolment, PkiOperationReply};
use scep_service::error::Failure;

use crate::client_address::ClientAddress;
use crate::message::find_message;
use crate::operation::Operation;
use crate::response::{
    capabilities_response, cert_rep_response, certificates_response, next_ca_response,
};

/// A request with its parsed endpoint and operation.
pub struct ScepRequest<'a> {
    pub(crate) endpoint: &'a EndpointName,
    pub(crate) operation: Operation,
    pub(crate) head: &'a Parts,
    pub(crate) body: &'a Bytes,
}

/// A response, together with the outcome that is logged for a PKIOperation.
pub struct Answer {
    pub(crate) response: Response<Bytes>,
    pub(crate) reply: Option<PkiOperationReply>,
}

impl From<Response<Bytes>> for Answer {
    fn from(response: Response<Bytes>) -> Self {
        Self {
            response,
            reply: None,
        }
    }
}

/// The operations that a process serves.
#[async_trait]
pub trait Operations: Send + Sync {
    /// The ports that every operation may use.
    fn profile_service(&self) -> &ProfileService;

    /// Serves a request.
    ///
    /// # Errors
    /// [`HttpRejection::UnknownOperation`] when this process does not serve the operation.
    async fn answer(&self, request: &ScepRequest<'_>) -> Result<Answer, Failure>;
}

/// The operations that need nothing but profiles, as far as the process is meant to serve them.
pub struct ProfileOperations {
    profile_service: ProfileService,
    allowed: &'static [Operation],
}

impl ProfileOperations {
    /// Serves GetCACaps, RFC 8894 §3.5.
    #[must_use]
    pub const fn get_ca_caps(profile_service: ProfileService) -> Self {
        Self {
            profile_service,
            allowed: &[Operation::GetCaCaps],
        }
    }

    /// Serves GetCACert, RFC 8894 §4.2.
    #[must_use]
    pub const fn get_ca_cert(profile_service: ProfileService) -> Self {
        Self {
            profile_service,
            allowed: &[Operation::GetCaCert],
        }
    }
}

#[async_trait]
impl Operations for ProfileOperations {
    fn profile_service(&self) -> &ProfileService {
        &self.profile_service
    }

    async fn answer(&self, request: &ScepRequest<'_>) -> Result<Answer, Failure> {
        let unknown = Err(Failure::Rejected(HttpRejection::UnknownOperation));
        if !self.allowed.contains(&request.operation) {
            return unknown;
        }
        match request.operation {
            Operation::GetCaCaps => {
                answer_capabilities(&self.profile_service, request.endpoint).await
            }
            Operation::GetCaCert => {
                answer_certificates(&self.profile_service, request.endpoint).await
            }
            Operation::GetNextCaCert | Operation::PkiOperation => unknown,
        }
    }
}

/// Every operation of SCEP.
pub struct EveryOperation {
    enrolment: Enrolment,
}

impl EveryOperation {
    /// Serves all operations with the given ports.
    #[must_use]
    pub const fn new(enrolment: Enrolment) -> Self {
        Self { enrolment }
    }
}

#[async_trait]
impl Operations for EveryOperation {
    fn profile_service(&self) -> &ProfileService {
        &self.enrolment.profile_service
    }

    async fn answer(&self, request: &ScepRequest<'_>) -> Result<Answer, Failure> {
        match request.operation {
            Operation::GetCaCaps => {
                answer_capabilities(self.profile_service(), request.endpoint).await
            }
            Operation::GetCaCert => {
                answer_certificates(self.profile_service(), request.endpoint).await
            }
            Operation::GetNextCaCert => {
                let message = self
                    .enrolment
                    .next_ca_certificates(request.endpoint)
                    .await?;
                Ok(next_ca_response(message).into())
            }
            Operation::PkiOperation => {
                let message =
                    find_message(request.head, request.body).map_err(Failure::Rejected)?;
                let client_address = ClientAddress::of(request.head);
                // Boxed, so that the other operations do not carry the size of this one.
                let mut reply = Box::pin(self.enrolment.answer(
                    request.endpoint,
                    &message,
                    client_address,
                ))
                .await?;
                // The message is moved to the response; the log only needs the rest of the reply.
                let response = cert_rep_response(std::mem::take(&mut reply.cert_rep));
                Ok(Answer {
                    response,
                    reply: Some(reply),
                })
            }
        }
    }
}

async fn answer_capabilities(
    profile_service: &ProfileService,
    endpoint: &EndpointName,
) -> Result<Answer, Failure> {
    let capabilities = profile_service.ca_capabilities(endpoint).await?;
    Ok(capabilities_response(&capabilities).into())
}

async fn answer_certificates(
    profile_service: &ProfileService,
    endpoint: &EndpointName,
) -> Result<Answer, Failure> {
    let certificates = profile_service.ca_certificates(endpoint).await?;
    certificates_response(certificates)
        .map(Answer::from)
        .map_err(|error| Failure::Encode(error.into()))
}
