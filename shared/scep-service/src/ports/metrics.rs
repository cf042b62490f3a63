//! The measurements of the server, and the port that receives them.

use std::time::Duration;

use strum::IntoStaticStr;

/// A sink for measurements. It never blocks and never fails, so that measuring does not affect
/// requests.
pub trait Metrics: Send + Sync {
    /// Records a measurement.
    fn record(&self, measurement: &Measurement<'_>);
}

/// A single measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measurement<'a> {
    /// A one-time challenge without a use left was shown by another key than before.
    ChallengeReused,
    /// An address or a key was locked out after too many wrong challenges.
    LockedOut,
    /// A SCEP request was answered.
    Request(&'a RequestMeasurement<'a>),
    /// A key store was called over the network.
    KeyCall {
        /// The operation: `Sign`, `Decrypt`, …
        operation: &'static str,
        /// Whether the call succeeded.
        outcome: KeyCallOutcome,
        /// The duration, including every retry.
        took: Duration,
    },
    /// The remaining validity of the current CRL of an authority.
    CrlRemaining {
        /// The authority's name.
        authority: &'a str,
        /// The hours until the CRL's nextUpdate; negative once it is past, and 0 without a CRL.
        hours: f64,
    },
    /// The remaining validity of one of the server's own certificates.
    Remaining {
        /// The kind of certificate.
        certificate: ServerCertificate,
        /// The authority's name, or the RA certificate's uuid.
        name: &'a str,
        /// The days until the certificate expires; negative once it has expired.
        days: f64,
    },
}

/// A SCEP request and its response.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RequestMeasurement<'a> {
    /// The operation, RFC 8894 §4.1; `None` when the request names no known operation.
    pub operation: Option<&'static str>,
    /// The profile that served the request, as the URL names it; `None` when no profile did.
    // A name that matches no profile is left out: every new value of a dimension is a new metric,
    // and an attacker must not be able to create them.
    pub profile: Option<&'a str>,
    /// The name of the messageType, RFC 8894 §3.2.1.2.
    pub message_type: Option<&'static str>,
    /// The pkiStatus of the CertRep, RFC 8894 §3.2.1.3: `SUCCESS`, `PENDING` or `FAILURE`.
    pub pki_status: Option<&'static str>,
    /// The failInfo of a FAILURE, RFC 8894 §3.2.1.4.
    pub fail_info: Option<&'static str>,
    /// The HTTP status.
    pub status: u16,
    /// The time from the first octet received to the response.
    pub took: Duration,
}

/// The outcome of a call to a key store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "camelCase")]
pub enum KeyCallOutcome {
    /// The call succeeded.
    Done,
    /// The call failed, including every retry.
    Failed,
}

impl KeyCallOutcome {
    /// Returns the name used in measurements.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The kind of one of the server's own certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "camelCase")]
pub enum ServerCertificate {
    /// The certificate of an authority.
    Authority,
    /// An RA certificate, which clients encrypt to.
    Ra,
}

impl ServerCertificate {
    /// Returns the name used in measurements.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}
