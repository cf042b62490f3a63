//! The results: as a table for people, as Markdown for the documentation, and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

/// A result.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measurement {
    /// The section of the report.
    pub(crate) section: &'static str,
    /// What was measured, with its unit.
    pub(crate) measure: String,
    /// What it was measured of: a server, or one of its configurations.
    pub(crate) subject: String,
    /// The value.
    pub(crate) value: f64,
    /// The largest value that is good enough, if there is one.
    pub(crate) at_most: Option<f64>,
}

/// Every result so far, in the order of measurement.
#[derive(Serialize)]
pub(crate) struct Report {
    /// The machine, as `describe_machine` describes it.
    machine: String,
    /// The day of the measurement, `YYYY-MM-DD`, UTC.
    date: String,
    results: Vec<Measurement>,
}

impl Report {
    /// A report of this machine and this day without results.
    pub(crate) const fn new(machine: String, date: String) -> Self {
        Self {
            machine,
            date,
            results: Vec::new(),
        }
    }

    /// Adds a result.
    pub(crate) fn add(
        &mut self,
        section: &'static str,
        measure: impl Into<String>,
        subject: impl Into<String>,
        value: f64,
    ) {
        self.results.push(Measurement {
            section,
            measure: measure.into(),
            subject: subject.into(),
            value,
            at_most: None,
        });
    }

    /// Adds a result that must not be greater than `at_most`.
    pub(crate) fn add_limited(
        &mut self,
        section: &'static str,
        measure: impl Into<String>,
        subject: impl Into<String>,
        value: f64,
        at_most: f64,
    ) {
        self.add(section, measure, subject, value);
        if let Some(last) = self.results.last_mut() {
            last.at_most = Some(at_most);
        }
    }

    /// Writes the machine, the day, and each section as a table with a column for each subject.
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = format!("{}; {}\n\n", self.machine, self.date);
        let mut sections: Vec<_> = self.results.iter().map(|result| result.section).collect();
        sections.dedup();
        for section in sections {
            let results: Vec<_> = self
                .results
                .iter()
                .filter(|one| one.section == section)
                .collect();
            let subjects = list_distinct(results.iter().map(|result| result.subject.as_str()));
            let measures = list_distinct(results.iter().map(|result| result.measure.as_str()));
            let cells: BTreeMap<_, _> = results
                .iter()
                .map(|result| ((&*result.measure, &*result.subject), format_cell(result)))
                .collect();
            let rows = measures.iter().map(|measure| {
                let values = subjects.iter().map(|subject| {
                    let cell = cells.get(&(*measure, *subject));
                    cell.cloned().unwrap_or_else(|| "–".to_owned())
                });
                std::iter::once((*measure).to_owned())
                    .chain(values)
                    .collect()
            });
            let head = std::iter::once(section.to_owned())
                .chain(subjects.iter().map(|subject| (*subject).to_owned()));
            let table: Vec<Vec<String>> = std::iter::once(head.collect()).chain(rows).collect();
            write_table(&mut text, &table);
        }
        text
    }
}

/// Lists different texts, in the order of their first occurrence.
fn list_distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for text in texts {
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found
}

fn format_cell(result: &Measurement) -> String {
    let value = result.value;
    let number = match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    match result.at_most {
        Some(limit) if value > limit => format!("**{number}** (at most {limit})"),
        Some(_) | None => number,
    }
}

/// Writes rows of cells, aligned, of which the first is the head.
fn write_table(text: &mut String, rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0).max(3)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    for (index, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            write!(text, "| {cell:<width$} ").unwrap();
        }
        text.push_str("|\n");
        if index == 0 {
            for (column, width) in widths.iter().enumerate() {
                let dashes = "-".repeat(*width);
                text.push_str(&match column {
                    0 => format!("| {dashes} "),
                    _ => format!("| {}: ", &dashes[1..]),
                });
            }
            text.push_str("|\n");
        }
    }
    text.push('\n');
}
