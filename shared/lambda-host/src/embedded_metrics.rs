//! Measurements in CloudWatch's embedded metric format: log lines from which CloudWatch extracts
//! metrics.

use std::io::Write;
use std::time::Duration;

use scep_service::ports::{Measurement, Metrics, RequestMeasurement};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

/// Writes one line to standard output for each measurement.
///
/// | metric | unit | dimensions |
/// |---|---|---|
/// | `Requests`, `Latency` | count, milliseconds | `Operation` |
/// | `Faults` | count of 5xx | none |
/// | `Enrolments` | count | `PkiStatus`; `Profile`, `MessageType`, `PkiStatus`, `FailInfo` |
/// | `ChallengeReused`, `LockedOut` | count | none |
/// | `KmsCalls`, `KmsLatency` | count, milliseconds | `KmsOperation`, `Outcome` |
/// | `DaysRemaining` | days | none; `Certificate`, `Name` |
pub(crate) struct EmbeddedMetrics {
    namespace: String,
}

impl EmbeddedMetrics {
    /// Creates metrics in this CloudWatch namespace.
    pub(crate) const fn new(namespace: String) -> Self {
        Self { namespace }
    }

    fn line(&self, measurement: &Measurement<'_>, at: OffsetDateTime) -> Value {
        let mut line = Line::default();
        match measurement {
            Measurement::Request(request) => line.add_request(request),
            Measurement::ChallengeReused => {
                line.add_metrics(&[&[]], &[("ChallengeReused", "Count", 1.0)]);
            }
            Measurement::LockedOut => {
                line.add_metrics(&[&[]], &[("LockedOut", "Count", 1.0)]);
            }
            Measurement::KeyCall {
                operation,
                outcome,
                took,
            } => {
                line.add_property("KmsOperation", operation);
                line.add_property("Outcome", outcome.name());
                line.add_metrics(
                    &[&["KmsOperation", "Outcome"]],
                    &[
                        ("KmsCalls", "Count", 1.0),
                        duration_metric("KmsLatency", *took),
                    ],
                );
            }
            Measurement::Remaining {
                certificate,
                name,
                days,
            } => {
                line.add_property("Certificate", certificate.name());
                line.add_property("Name", name);
                // The alarm is on the minimum of all certificates, which needs the metric without
                // dimensions; with them, it shows which certificate is near its end.
                let dimensions: &[&[&str]] = &[&[], &["Certificate", "Name"]];
                line.add_metrics(dimensions, &[("DaysRemaining", "None", *days)]);
            }
        }
        line.into_value(&self.namespace, at)
    }
}

impl Metrics for EmbeddedMetrics {
    fn record(&self, measurement: &Measurement<'_>) {
        let value = self.line(measurement, OffsetDateTime::now_utc());
        // Standard output is also the log, so there is no place to report a failure.
        let _ = writeln!(std::io::stdout().lock(), "{value}");
    }
}

/// A line under construction.
#[derive(Default)]
struct Line {
    properties: Map<String, Value>,
    directives: Vec<(Value, Value)>,
}

impl Line {
    fn add_property(&mut self, name: &str, value: &str) {
        self.properties.insert(name.to_owned(), json!(value));
    }

    /// Adds metrics (name, unit, value) under each of these sets of dimensions.
    fn add_metrics(&mut self, dimensions: &[&[&str]], metrics: &[(&str, &str, f64)]) {
        let mut described = Vec::new();
        for (name, unit, value) in metrics {
            self.properties.insert((*name).to_owned(), json!(value));
            described.push(json!({ "Name": name, "Unit": unit }));
        }
        self.directives.push((json!(dimensions), json!(described)));
    }

    fn add_request(&mut self, request: &RequestMeasurement<'_>) {
        self.add_property("Operation", request.operation.unwrap_or("none"));
        let requests = [
            ("Requests", "Count", 1.0),
            duration_metric("Latency", request.took),
        ];
        self.add_metrics(&[&["Operation"]], &requests);
        // Every other request counts as zero, so that the average is the rate of faults.
        let fault = if request.status >= 500 { 1.0 } else { 0.0 };
        self.add_metrics(&[&[]], &[("Faults", "Count", fault)]);
        if let Some(pki_status) = request.pki_status {
            self.add_property("PkiStatus", pki_status);
            self.add_property("Profile", request.profile.unwrap_or("none"));
            self.add_property("MessageType", request.message_type.unwrap_or("none"));
            self.add_property("FailInfo", request.fail_info.unwrap_or("none"));
            let detailed = ["Profile", "MessageType", "PkiStatus", "FailInfo"];
            let dimensions: &[&[&str]] = &[&["PkiStatus"], &detailed];
            self.add_metrics(dimensions, &[("Enrolments", "Count", 1.0)]);
        }
    }

    fn into_value(mut self, namespace: &str, at: OffsetDateTime) -> Value {
        let directives: Vec<_> = self
            .directives
            .into_iter()
            .map(|(dimensions, metrics)| {
                json!({ "Namespace": namespace, "Dimensions": dimensions, "Metrics": metrics })
            })
            .collect();
        // Whole seconds are enough: CloudWatch stores these metrics by the minute.
        let milliseconds = at.unix_timestamp().saturating_mul(1000);
        let aws = json!({ "Timestamp": milliseconds, "CloudWatchMetrics": directives });
        self.properties.insert("_aws".to_owned(), aws);
        Value::Object(self.properties)
    }
}

const fn duration_metric(name: &str, took: Duration) -> (&str, &str, f64) {
    (name, "Milliseconds", took.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use scep_service::ports::{KeyCallOutcome, ServerCertificate};

    use super::*;

    #[track_caller]
    fn check(measurement: &Measurement<'_>, expected: Value) {
        let metrics = EmbeddedMetrics::new("Scepter/test".to_owned());
        let line = metrics.line(measurement, OffsetDateTime::UNIX_EPOCH);
        assert_eq!(line, expected);
    }

    #[test]
    fn an_enrolment_is_a_line() {
        let request = RequestMeasurement {
            operation: Some("PKIOperation"),
            profile: Some("default"),
            message_type: Some("PKCSReq"),
            pki_status: Some("FAILURE"),
            fail_info: Some("badRequest"),
            status: 200,
            took: Duration::from_millis(25),
        };
        let directive = |dimensions: Value, metrics: Value| json!({ "Namespace": "Scepter/test", "Dimensions": dimensions, "Metrics": metrics });
        let metric = |name, unit| json!({ "Name": name, "Unit": unit });
        check(
            &Measurement::Request(&request),
            json!({
                "_aws": { "Timestamp": 0, "CloudWatchMetrics": [
                    directive(
                        json!([["Operation"]]),
                        json!([metric("Requests", "Count"), metric("Latency", "Milliseconds")]),
                    ),
                    directive(json!([[]]), json!([metric("Faults", "Count")])),
                    directive(
                        json!([["PkiStatus"], ["Profile", "MessageType", "PkiStatus", "FailInfo"]]),
                        json!([metric("Enrolments", "Count")]),
                    ),
                ]},
                "Operation": "PKIOperation", "Profile": "default", "MessageType": "PKCSReq",
                "PkiStatus": "FAILURE", "FailInfo": "badRequest",
                "Requests": 1.0, "Latency": 25.0, "Faults": 0.0, "Enrolments": 1.0,
            }),
        );
    }

    #[test]
    fn key_calls_and_remaining_days_are_lines() {
        let call = Measurement::KeyCall {
            operation: "Sign",
            outcome: KeyCallOutcome::Done,
            took: Duration::from_millis(8),
        };
        let metrics = EmbeddedMetrics::new("Scepter/test".to_owned());
        let dimensions = |line: &Value| line["_aws"]["CloudWatchMetrics"][0]["Dimensions"].clone();
        let call_line = metrics.line(&call, OffsetDateTime::UNIX_EPOCH);
        assert_eq!(dimensions(&call_line), json!([["KmsOperation", "Outcome"]]));
        assert_eq!(
            (&call_line["KmsOperation"], &call_line["KmsLatency"]),
            (&json!("Sign"), &json!(8.0))
        );
        let remaining = Measurement::Remaining {
            certificate: ServerCertificate::Ra,
            name: "a",
            days: 12.5,
        };
        let remaining_line = metrics.line(&remaining, OffsetDateTime::UNIX_EPOCH);
        assert_eq!(
            dimensions(&remaining_line),
            json!([[], ["Certificate", "Name"]])
        );
        assert_eq!(remaining_line["DaysRemaining"], json!(12.5));
    }
}
