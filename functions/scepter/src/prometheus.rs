//! Measurements for Prometheus: collected in memory and exposed at `/metrics`.

use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use scep_service::ports::{Measurement, Metrics, RequestMeasurement};

/// The media type of OpenMetrics 1.0, which Prometheus reads.
const TEXT: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// The upper bounds of the histogram of request durations, in seconds.
const SECONDS: [f64; 9] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0];

/// The measurements since the process started.
pub(crate) struct PrometheusMetrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    enrolments: Family<EnrolmentLabels, Counter>,
    seconds: Family<OperationLabels, Histogram>,
    key_calls: Family<KeyCallLabels, Counter>,
    challenges_reused: Counter,
    lockouts: Counter,
    crl_remaining: Family<AuthorityLabels, Gauge<f64, std::sync::atomic::AtomicU64>>,
    remaining: Family<CertificateLabels, Gauge<f64, std::sync::atomic::AtomicU64>>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EnrolmentLabels {
    profile: String,
    message_type: &'static str,
    pki_status: &'static str,
    fail_info: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KeyCallLabels {
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AuthorityLabels {
    authority: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CertificateLabels {
    certificate: &'static str,
    name: String,
}

impl Default for PrometheusMetrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("scepter"),
            requests: Family::default(),
            enrolments: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            key_calls: Family::default(),
            challenges_reused: Counter::default(),
            lockouts: Counter::default(),
            crl_remaining: Family::default(),
            remaining: Family::default(),
        };
        metrics.register_all()
    }
}

impl PrometheusMetrics {
    fn register_all(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("requests", "SCEP requests answered", self.requests.clone());
        let help = "CertReps sent";
        registry.register("enrolments", help, self.enrolments.clone());
        let help = "Seconds from a SCEP request to its answer";
        registry.register("request_seconds", help, self.seconds.clone());
        let help = "Calls of a key store over the network";
        registry.register("key_calls", help, self.key_calls.clone());
        let help = "Used one-time challenges that another key showed again";
        registry.register("challenges_reused", help, self.challenges_reused.clone());
        let help = "Lock-outs of addresses and keys after wrong challenges";
        registry.register("lockouts", help, self.lockouts.clone());
        let help = "Hours until the nextUpdate of an authority's CRL";
        registry.register("crl_remaining_hours", help, self.crl_remaining.clone());
        let help = "Days until a CA or RA certificate expires";
        registry.register("certificate_remaining_days", help, self.remaining.clone());
        self
    }

    /// The response to a scrape: every metric in OpenMetrics' text format.
    pub(crate) fn response(&self) -> Response<Body> {
        let mut text = String::new();
        // Writing to a String does not fail; if it did, a partial scrape would look complete.
        if encode(&mut text, &self.registry).is_err() {
            let mut failed = Response::new(Body::empty());
            *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return failed;
        }
        let mut response = Response::new(Body::from(text));
        response.headers_mut().insert(CONTENT_TYPE, TEXT);
        response
    }

    fn record_request(&self, request: &RequestMeasurement<'_>) {
        let operation = request.operation.unwrap_or_default();
        let labels = RequestLabels {
            operation,
            status: request.status,
        };
        self.requests.get_or_create(&labels).inc();
        let seconds = self.seconds.get_or_create(&OperationLabels { operation });
        seconds.observe(request.took.as_secs_f64());
        if let Some(pki_status) = request.pki_status {
            let labels = EnrolmentLabels {
                profile: request.profile.unwrap_or_default().to_owned(),
                message_type: request.message_type.unwrap_or_default(),
                pki_status,
                fail_info: request.fail_info.unwrap_or_default(),
            };
            self.enrolments.get_or_create(&labels).inc();
        }
    }
}

impl Metrics for PrometheusMetrics {
    fn record(&self, measurement: &Measurement<'_>) {
        match measurement {
            Measurement::Request(request) => self.record_request(request),
            Measurement::ChallengeReused => {
                self.challenges_reused.inc();
            }
            Measurement::LockedOut => {
                self.lockouts.inc();
            }
            Measurement::KeyCall {
                operation, outcome, ..
            } => {
                let labels = KeyCallLabels {
                    operation,
                    outcome: outcome.name(),
                };
                self.key_calls.get_or_create(&labels).inc();
            }
            Measurement::CrlRemaining { authority, hours } => {
                let labels = AuthorityLabels {
                    authority: (*authority).to_owned(),
                };
                self.crl_remaining.get_or_create(&labels).set(*hours);
            }
            Measurement::Remaining {
                certificate,
                name,
                days,
            } => {
                let labels = CertificateLabels {
                    certificate: certificate.name(),
                    name: (*name).to_owned(),
                };
                self.remaining.get_or_create(&labels).set(*days);
            }
        }
    }
}
