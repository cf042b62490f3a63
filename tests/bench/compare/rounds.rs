//! Measurements that alternate between servers, so that what else the machine does at a time falls
//! on all of them alike.

use indicatif::ProgressBar;

use crate::report::Report;
use crate::servers::Running;

/// Which values of a measure are good.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Good {
    High,
    Low,
}

/// A value that was measured of one server in one round.
pub(crate) struct Value {
    pub(crate) measure: String,
    pub(crate) value: f64,
    pub(crate) good: Good,
}

impl Value {
    /// A value that should be high.
    pub(crate) fn high(measure: impl Into<String>, value: f64) -> Self {
        Self::new(measure, value, Good::High)
    }

    /// A value that should be low.
    pub(crate) fn low(measure: impl Into<String>, value: f64) -> Self {
        Self::new(measure, value, Good::Low)
    }

    fn new(measure: impl Into<String>, value: f64, good: Good) -> Self {
        Self {
            measure: measure.into(),
            value,
            good,
        }
    }
}

/// Servers that are measured in turn, by their names in the report. The others are compared with
/// the first.
pub(crate) struct Rounds<'a> {
    pub(crate) servers: Vec<(String, &'a Running)>,
    pub(crate) rounds: usize,
    pub(crate) bar: &'a ProgressBar,
}

impl Rounds<'_> {
    /// Measures each server in each round, and reports the median of each measure, and of how many
    /// times better the first server was in a round than each other one.
    pub(crate) fn measure(
        &self,
        report: &mut Report,
        section: &'static str,
        measure: impl FnMut(&Running) -> Vec<Value>,
    ) {
        for (name, good, values) in self.run(section, measure) {
            for ((server, _), values) in self.servers.iter().zip(&values) {
                report.add(section, name.clone(), server.clone(), find_median(values));
            }
            self.report_ratios(report, section, &name, good, &values);
        }
    }

    /// Measures each server in each round, and reports the medians alone, in a row for each server.
    pub(crate) fn measure_alone(
        &self,
        report: &mut Report,
        section: &'static str,
        measure: impl FnMut(&Running) -> Vec<Value>,
    ) {
        for (measure, _, values) in self.run(section, measure) {
            for ((name, _), values) in self.servers.iter().zip(values) {
                report.add(section, name.clone(), measure.clone(), find_median(&values));
            }
        }
    }

    /// Returns the values of each measure, by server.
    fn run(
        &self,
        section: &'static str,
        mut measure: impl FnMut(&Running) -> Vec<Value>,
    ) -> Vec<(String, Good, Vec<Vec<f64>>)> {
        let steps = self.rounds * self.servers.len();
        self.bar.inc_length(steps.try_into().unwrap());
        let mut found: Vec<(String, Good, Vec<Vec<f64>>)> = Vec::new();
        for _ in 0..self.rounds {
            for (index, (server_name, server)) in self.servers.iter().enumerate() {
                self.bar.set_message(format!("{section}: {server_name}"));
                for (
                    place,
                    Value {
                        measure,
                        value,
                        good,
                    },
                ) in measure(server).into_iter().enumerate()
                {
                    if place == found.len() {
                        found.push((measure, good, vec![Vec::new(); self.servers.len()]));
                    }
                    found[place].2[index].push(value);
                }
                self.bar.inc(1);
            }
        }
        found
    }

    fn report_ratios(
        &self,
        report: &mut Report,
        section: &'static str,
        measure: &str,
        good: Good,
        values: &[Vec<f64>],
    ) {
        let Some((first, others)) = values.split_first() else {
            return;
        };
        for ((name, _), other) in self.servers.iter().skip(1).zip(others) {
            let ratios: Vec<_> = first
                .iter()
                .zip(other)
                .map(|(own, other)| match good {
                    Good::High => own / other,
                    Good::Low => other / own,
                })
                .collect();
            let ratio = find_median(&ratios);
            // Nothing is a number of times better than zero.
            if ratio.is_finite() {
                report.add(section, measure, format!("× {name}"), ratio);
            }
        }
    }
}

/// The median of some numbers; the upper one of two.
pub(crate) fn find_median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
