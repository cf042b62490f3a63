//! What becomes of a request, and its answer.

use scep_cms::message_type::MessageType;
use scep_cms::transaction_id::TransactionId;
use scep_protocol::refusal::Refusal;

use crate::enrol::signing::GrantedCertificate;

/// The response to a readable message, with the values that a log line needs.
#[derive(Debug)]
pub struct PkiOperationReply {
    /// The CertRep, DER.
    pub cert_rep: Vec<u8>,
    /// The messageType of the request, if it is a known one.
    pub message_type: Option<MessageType>,
    /// The transactionID of the request, if it could be read.
    pub transaction_id: Option<TransactionId>,
    /// The result that the CertRep carries.
    pub outcome: Outcome,
}

/// The result that a CertRep carries.
#[derive(Debug)]
pub enum Outcome {
    /// SUCCESS with a new certificate, or with the one that the same request received before.
    Granted(GrantedCertificate),
    /// SUCCESS with the certificate or CRL that a GetCert or GetCRL asked for.
    Found,
    /// PENDING: the request waits for an administrator.
    Pending,
    /// FAILURE with the reason.
    Refused(Refusal),
}

impl Outcome {
    /// Returns the word for the outcome in the log.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Granted(granted) if granted.resent => "resent",
            Self::Granted(_) => "issued",
            Self::Found => "found",
            Self::Pending => "pending",
            Self::Refused(_) => "refused",
        }
    }

    /// Returns the name of the pkiStatus, RFC 8894 §3.2.1.3.
    #[must_use]
    pub const fn pki_status(&self) -> &'static str {
        match self {
            Self::Granted(_) | Self::Found => "SUCCESS",
            Self::Pending => "PENDING",
            Self::Refused(_) => "FAILURE",
        }
    }
}
