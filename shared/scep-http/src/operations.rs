//! The operations that a process serves, and the ports that they may use: a subset in each Lambda
//! function, all of them in the local server.

use async_trait::async_trait;
use bytes::Bytes;
use http::Response;
use http::request::Parts;
use scep_protocol::{EndpointName, HttpRejection};
use scep_service::{Enrolment, Failure, PkiOperationReply, ProfileService};

use crate::answer::{
    capabilities_response, cert_rep_response, certificates_response, next_ca_response,
};
use crate::message::find_message;
use crate::operation::Operation;

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

/// GetCACaps, RFC 8894 §3.5.
pub struct GetCaCaps(pub ProfileService);

/// GetCACert, RFC 8894 §4.2.
pub struct GetCaCert(pub ProfileService);

/// PKIOperation and GetNextCACert, RFC 8894 §4.3 and §4.7. One function serves both, because both
/// use the RA key.
pub struct PkiOperation(pub Enrolment);

/// Every operation of SCEP.
pub struct EveryOperation {
    get_ca_caps: GetCaCaps,
    get_ca_cert: GetCaCert,
    pki_operation: PkiOperation,
}

impl EveryOperation {
    /// Serves all operations with the given ports.
    #[must_use]
    pub fn new(enrolment: Enrolment) -> Self {
        Self {
            get_ca_caps: GetCaCaps(enrolment.profile_service.clone()),
            get_ca_cert: GetCaCert(enrolment.profile_service.clone()),
            pki_operation: PkiOperation(enrolment),
        }
    }
}

#[async_trait]
impl Operations for GetCaCaps {
    fn profile_service(&self) -> &ProfileService {
        &self.0
    }

    async fn answer(&self, request: &ScepRequest<'_>) -> Result<Answer, Failure> {
        match request.operation {
            Operation::GetCaCaps => {
                let announced = self.0.ca_capabilities(request.endpoint).await?;
                Ok(capabilities_response(&announced).into())
            }
            Operation::GetCaCert | Operation::GetNextCaCert | Operation::PkiOperation => {
                unknown_operation()
            }
        }
    }
}

#[async_trait]
impl Operations for GetCaCert {
    fn profile_service(&self) -> &ProfileService {
        &self.0
    }

    async fn answer(&self, request: &ScepRequest<'_>) -> Result<Answer, Failure> {
        match request.operation {
            Operation::GetCaCert => {
                certificates_response(self.0.ca_certificates(request.endpoint).await?)
                    .map(Answer::from)
                    .map_err(|error| Failure::Encode(error.into()))
            }
            Operation::GetCaCaps | Operation::GetNextCaCert | Operation::PkiOperation => {
                unknown_operation()
            }
        }
    }
}

#[async_trait]
impl Operations for PkiOperation {
    fn profile_service(&self) -> &ProfileService {
        &self.0.profile_service
    }

    async fn answer(&self, request: &ScepRequest<'_>) -> Result<Answer, Failure> {
        match request.operation {
            Operation::PkiOperation => {
                let message =
                    find_message(request.head, request.body).map_err(Failure::Rejected)?;
                // The message is moved to the response; the log only needs the rest of the reply.
                let mut reply = self.0.answer(request.endpoint, &message).await?;
                let response = cert_rep_response(std::mem::take(&mut reply.cert_rep));
                Ok(Answer {
                    response,
                    reply: Some(reply),
                })
            }
            Operation::GetNextCaCert => {
                let message = self.0.next_ca_certificates(request.endpoint).await?;
                Ok(next_ca_response(message).into())
            }
            Operation::GetCaCaps | Operation::GetCaCert => unknown_operation(),
        }
    }
}

#[async_trait]
impl Operations for EveryOperation {
    fn profile_service(&self) -> &ProfileService {
        self.pki_operation.profile_service()
    }

    async fn answer(&self, request: &ScepRequest<'_>) -> Result<Answer, Failure> {
        match request.operation {
            Operation::GetCaCaps => self.get_ca_caps.answer(request).await,
            Operation::GetCaCert => self.get_ca_cert.answer(request).await,
            Operation::GetNextCaCert | Operation::PkiOperation => {
                self.pki_operation.answer(request).await
            }
        }
    }
}

fn unknown_operation() -> Result<Answer, Failure> {
    Err(Failure::Rejected(HttpRejection::UnknownOperation))
}
