//! Measurements in CloudWatch's embedded metric format: log lines from which CloudWatch extracts
//! metrics.

use std::io::Write;
use std::time::Duration;

use scep_service::ports::{KeyCallOutcome, Measurement, Metrics, RequestMeasurement};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::{Environment, SettingError};

/// Writes one line to standard output for each measurement.
///
/// | metric | unit | dimensions |
/// |---|---|---|
/// | `Requests`, `Latency` | count, milliseconds | `Operation` |
/// | `Faults` | count of 5xx | none |
/// | `Refused` | 1 for a FAILURE, 0 for another CertRep | none |
/// | `Enrolments` | count | `PkiStatus`; `Profile`, `MessageType`, `PkiStatus`, `FailInfo` |
/// | `ChallengeReused`, `LockedOut` | count | none |
/// | `KmsFailures` | 1 for a call that failed, 0 for another | none |
/// | `KmsCalls`, `KmsLatency` | count, milliseconds | `KmsOperation`, `Outcome` |
/// | `CrlHoursRemaining` | hours | none; `Authority` |
/// | `DaysRemaining` | days | none; `Certificate`, `Name` |
pub(crate) struct EmbeddedMetrics {
    namespace: String,
    selection: MetricsSelection,
}

/// Which of the metrics are sent. CloudWatch takes money for each combination of dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricsSelection {
    /// All of them.
    All,
    /// Those that alarms of `infra/watch.yaml` watch: the latency of PKIOperation, and what has no
    /// dimensions.
    Alarms,
    /// None.
    None,
}

impl MetricsSelection {
    /// Reads `ALL`, `ALARMS` or `NONE`; `ALL` if the variable is missing.
    ///
    /// # Errors
    /// If the value is anything else.
    pub(crate) fn of(environment: &Environment) -> Result<Self, SettingError> {
        let name = "SCEPTER_METRICS";
        match environment.optional(name).as_deref() {
            None | Some("ALL") => Ok(Self::All),
            Some("ALARMS") => Ok(Self::Alarms),
            Some("NONE") => Ok(Self::None),
            Some(_) => Err(SettingError::Variable {
                name,
                problem: "is not one of ALL, ALARMS, NONE",
            }),
        }
    }

    /// Whether a metric with these dimensions is sent.
    fn includes(self, dimensions: &[&str], properties: &Map<String, Value>) -> bool {
        let is_enrolment = || properties.get("Operation") == Some(&json!("PKIOperation"));
        match self {
            Self::All => true,
            Self::Alarms => {
                dimensions.is_empty() || (dimensions == ["Operation"] && is_enrolment())
            }
            Self::None => false,
        }
    }
}

impl EmbeddedMetrics {
    /// Creates metrics in this CloudWatch namespace.
    pub(crate) const fn new(namespace: String, selection: MetricsSelection) -> Self {
        Self {
            namespace,
            selection,
        }
    }

    /// The line of a measurement; `None` if no metric of it is sent.
    fn line(&self, measurement: &Measurement<'_>, at: OffsetDateTime) -> Option<Value> {
        let mut line = Line::new(self.selection);
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
                let failure = match outcome {
                    KeyCallOutcome::Done => 0.0,
                    KeyCallOutcome::Failed => 1.0,
                };
                line.add_metrics(&[&[]], &[("KmsFailures", "Count", failure)]);
                line.add_metrics(
                    &[&["KmsOperation", "Outcome"]],
                    &[
                        ("KmsCalls", "Count", 1.0),
                        duration_metric("KmsLatency", *took),
                    ],
                );
            }
            Measurement::CrlRemaining { authority, hours } => {
                line.add_property("Authority", authority);
                let dimensions: &[&[&str]] = &[&[], &["Authority"]];
                line.add_metrics(dimensions, &[("CrlHoursRemaining", "None", *hours)]);
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
        if let Some(value) = self.line(measurement, OffsetDateTime::now_utc()) {
            // Standard output is also the log, so there is no place to report a failure.
            let _ = writeln!(std::io::stdout().lock(), "{value}");
        }
    }
}

/// A line under construction.
struct Line {
    selection: MetricsSelection,
    properties: Map<String, Value>,
    directives: Vec<(Value, Value)>,
}

impl Line {
    fn new(selection: MetricsSelection) -> Self {
        Self {
            selection,
            properties: Map::new(),
            directives: Vec::new(),
        }
    }

    fn add_property(&mut self, name: &str, value: &str) {
        self.properties.insert(name.to_owned(), json!(value));
    }

    /// Adds metrics (name, unit, value) under each of these sets of dimensions that is selected.
    /// The line has the properties that they name.
    fn add_metrics(&mut self, dimensions: &[&[&str]], metrics: &[(&str, &str, f64)]) {
        let selected: Vec<_> = dimensions
            .iter()
            .filter(|set| self.selection.includes(set, &self.properties))
            .collect();
        if selected.is_empty() {
            return;
        }
        let mut described = Vec::new();
        for (name, unit, value) in metrics {
            self.properties.insert((*name).to_owned(), json!(value));
            described.push(json!({ "Name": name, "Unit": unit }));
        }
        self.directives.push((json!(selected), json!(described)));
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
            // The average is the rate of refusals, even if nothing but refusals is sent.
            let refused = if pki_status == "FAILURE" { 1.0 } else { 0.0 };
            self.add_metrics(&[&[]], &[("Refused", "Count", refused)]);
            self.add_property("PkiStatus", pki_status);
            self.add_property("Profile", request.profile.unwrap_or("none"));
            self.add_property("MessageType", request.message_type.unwrap_or("none"));
            self.add_property("FailInfo", request.fail_info.unwrap_or("none"));
            let detailed = ["Profile", "MessageType", "PkiStatus", "FailInfo"];
            let dimensions: &[&[&str]] = &[&["PkiStatus"], &detailed];
            self.add_metrics(dimensions, &[("Enrolments", "Count", 1.0)]);
        }
    }

    fn into_value(mut self, namespace: &str, at: OffsetDateTime) -> Option<Value> {
        if self.directives.is_empty() {
            return None;
        }
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
        Some(Value::Object(self.properties))
    }
}

const fn duration_metric(name: &str, took: Duration) -> (&str, &str, f64) {
    (name, "Milliseconds", took.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use scep_service::ports::ServerCertificate;

    use super::*;

    #[track_caller]
    fn check(measurement: &Measurement<'_>, expected: Value) {
        let metrics = EmbeddedMetrics::new("Scepter/test".to_owned(), MetricsSelection::All);
        let line = metrics.line(measurement, OffsetDateTime::UNIX_EPOCH);
        assert_eq!(line, Some(expected));
    }

    /// The dimensions of each metric of a line.
    #[track_caller]
    fn check_dimensions(
        selection: MetricsSelection,
        measurement: &Measurement<'_>,
        expected: &[(&str, Value)],
    ) {
        let metrics = EmbeddedMetrics::new("Scepter/test".to_owned(), selection);
        let line = metrics.line(measurement, OffsetDateTime::UNIX_EPOCH);
        let directives = line.iter().flat_map(|line| {
            let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap().iter();
            directives.flat_map(move |directive| {
                let metrics = directive["Metrics"].as_array().unwrap().iter();
                metrics.map(move |metric| {
                    let name = metric["Name"].as_str().unwrap();
                    assert!(line[name].is_f64(), "{line}");
                    (name, directive["Dimensions"].clone())
                })
            })
        });
        assert_eq!(directives.collect::<Vec<_>>(), expected);
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
                    directive(json!([[]]), json!([metric("Refused", "Count")])),
                    directive(
                        json!([["PkiStatus"], ["Profile", "MessageType", "PkiStatus", "FailInfo"]]),
                        json!([metric("Enrolments", "Count")]),
                    ),
                ]},
                "Operation": "PKIOperation", "Profile": "default", "MessageType": "PKCSReq",
                "PkiStatus": "FAILURE", "FailInfo": "badRequest",
                "Requests": 1.0, "Latency": 25.0, "Faults": 0.0, "Refused": 1.0, "Enrolments": 1.0,
            }),
        );
    }

    fn failed_call() -> Measurement<'static> {
        Measurement::KeyCall {
            operation: "Sign",
            outcome: KeyCallOutcome::Failed,
            took: Duration::from_millis(8),
        }
    }

    #[test]
    fn key_calls_and_what_remains_are_lines() {
        let metrics = EmbeddedMetrics::new("Scepter/test".to_owned(), MetricsSelection::All);
        let line = metrics.line(&failed_call(), OffsetDateTime::UNIX_EPOCH);
        let line = line.unwrap();
        assert_eq!(
            (
                &line["KmsOperation"],
                &line["KmsLatency"],
                &line["KmsFailures"]
            ),
            (&json!("Sign"), &json!(8.0), &json!(1.0))
        );
        let by_call = json!([["KmsOperation", "Outcome"]]);
        let expected = [
            ("KmsFailures", json!([[]])),
            ("KmsCalls", by_call.clone()),
            ("KmsLatency", by_call),
        ];
        check_dimensions(MetricsSelection::All, &failed_call(), &expected);
        let remaining = Measurement::Remaining {
            certificate: ServerCertificate::Ra,
            name: "a",
            days: 12.5,
        };
        let dimensions = json!([[], ["Certificate", "Name"]]);
        let expected = [("DaysRemaining", dimensions)];
        check_dimensions(MetricsSelection::All, &remaining, &expected);
        let crl = Measurement::CrlRemaining {
            authority: "a",
            hours: -1.0,
        };
        let expected = [("CrlHoursRemaining", json!([[], ["Authority"]]))];
        check_dimensions(MetricsSelection::All, &crl, &expected);
    }

    #[test]
    fn only_what_alarms_watch_is_sent_or_nothing_at_all() {
        let enrolment = RequestMeasurement {
            operation: Some("PKIOperation"),
            pki_status: Some("SUCCESS"),
            status: 200,
            ..RequestMeasurement::default()
        };
        let others = RequestMeasurement {
            operation: Some("GetCACaps"),
            status: 200,
            ..RequestMeasurement::default()
        };
        let enrolment = Measurement::Request(&enrolment);
        let others = Measurement::Request(&others);
        let alarms = MetricsSelection::Alarms;
        let by_operation = json!([["Operation"]]);
        let expected = [
            ("Requests", by_operation.clone()),
            ("Latency", by_operation),
            ("Faults", json!([[]])),
            ("Refused", json!([[]])),
        ];
        check_dimensions(alarms, &enrolment, &expected);
        check_dimensions(alarms, &others, &[("Faults", json!([[]]))]);
        check_dimensions(alarms, &failed_call(), &[("KmsFailures", json!([[]]))]);
        for measurement in [enrolment, others, failed_call(), Measurement::LockedOut] {
            check_dimensions(MetricsSelection::None, &measurement, &[]);
        }
    }

    #[test]
    fn the_selection_is_a_setting() {
        let select = |variable| MetricsSelection::of(&Environment::of(variable));
        assert_eq!(select(|_| None).unwrap(), MetricsSelection::All);
        let alarms = select(|_| Some("ALARMS".to_owned()));
        assert_eq!(alarms.unwrap(), MetricsSelection::Alarms);
        let none = select(|_| Some("NONE".to_owned()));
        assert_eq!(none.unwrap(), MetricsSelection::None);
        let wrong = select(|_| Some("all".to_owned())).unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "the environment variable SCEPTER_METRICS is not one of ALL, ALARMS, NONE"
        );
    }
}
