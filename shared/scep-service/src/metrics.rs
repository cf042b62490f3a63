//! What is measured, each thing in one place; whoever composes chooses where it goes.

use std::time::Duration;

/// Takes measurements. Never waits and never fails: who is measured must not notice.
pub trait Metrics: Send + Sync {
    /// Writes one down.
    fn record(&self, measurement: &Measurement<'_>);
}

/// Something that was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measurement<'a> {
    /// A SCEP request was answered.
    Request(&'a RequestMeasured<'a>),
    /// A key store was asked for something over the network.
    KeyCall {
        /// What was asked: `Sign`, `Decrypt`, …
        operation: &'static str,
        /// Whether it did as it was asked.
        outcome: KeyCallOutcome,
        /// How long it took, with every retry.
        took: Duration,
    },
    /// How long a certificate of the server itself is still valid.
    Remaining {
        /// Whose certificate.
        certificate: ServerCertificate,
        /// The authority's name, or the RA certificate's uuid.
        name: &'a str,
        /// Until its end, in days; negative after it.
        days: f64,
    },
}

/// A SCEP request and its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RequestMeasured<'a> {
    /// The operation, RFC 8894 §4.1; `None` when it was none.
    pub operation: Option<&'static str>,
    /// The profile that served, as the URL names it; `None` when none did, so that strangers cannot make up names.
    pub profile: Option<&'a str>,
    /// The RFC's name of the messageType, §3.2.1.2.
    pub message_type: Option<&'static str>,
    /// pkiStatus of the CertRep, RFC 8894 §3.2.1.3: `SUCCESS` or `FAILURE`.
    pub pki_status: Option<&'static str>,
    /// failInfo of a FAILURE, RFC 8894 §3.2.1.4.
    pub fail_info: Option<&'static str>,
    /// HTTP status.
    pub status: u16,
    /// From the first octet that we saw to the answer.
    pub took: Duration,
}

/// Whether a key store did as it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyCallOutcome {
    /// It did.
    Done,
    /// It did not, also after every retry.
    Failed,
}

impl KeyCallOutcome {
    /// Its name in measurements.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// A certificate of the server itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerCertificate {
    /// An authority's.
    Authority,
    /// One that clients encrypt to.
    Ra,
}

impl ServerCertificate {
    /// Its name in measurements.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Ra => "ra",
        }
    }
}
