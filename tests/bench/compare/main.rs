//! Measures the local server beside two other SCEP servers, and with a store of many certificates:
//!
//!     cargo bench -p scepter-tests --bench compare -- [--quick] [--only SECTION] [--json FILE]
//!
//! docs/benchmarks.md says what each measurement means.

mod authorities;
mod enrolments;
mod filler;
mod growth;
mod http;
mod list_paths;
mod lists;
mod load;
mod process;
mod queries;
mod renewals;
mod report;
mod resources;
mod rounds;
mod servers;
mod upkeep;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use scepter_tests::server::{Build, binary};
use time::OffsetDateTime;

use crate::growth::FullFolder;
use crate::load::{Fleet, run_load};
use crate::process::{describe_machine, wait_until_idle};
use crate::report::Report;
use crate::rounds::Rounds;
use crate::servers::{Installation, Program, Running, install_peers};

/// Measure Scepter beside micromdm's scepserver and step-ca, and with many certificates.
#[derive(Parser)]
struct Options {
    /// Measure less; the numbers are rough.
    #[arg(long)]
    quick: bool,
    /// Write every result into this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Certificates of the full store [default: 1000000, or 20000 with --quick].
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(2_000..))]
    certificates: Option<u32>,
    /// Measure only this; may be repeated.
    #[arg(long, value_name = "SECTION")]
    only: Vec<Section>,
    /// Measure this binary instead of building one.
    #[arg(long, value_name = "FILE", env = "SCEPTER_BINARY")]
    server: Option<PathBuf>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A part of the measurements.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// The CPU time of an enrolment, beside that of its RSA operations.
    Cost,
    /// Enrolments a second by 1 to 32 clients, their latency, and the memory then.
    Load,
    /// Renewals.
    Renewals,
    /// GetCACaps, GetCACert and the CRL.
    Queries,
    /// Keys of other sizes and kinds.
    Keys,
    /// Start-up and disk.
    Resources,
    /// Start, CRLs and enrolments with many certificates.
    Growth,
    /// The first page of each list, with many certificates.
    Lists,
}

/// How much is measured.
struct Extent {
    rounds: usize,
    /// Enrolments or renewals in each measurement.
    enrolments: usize,
    /// Queries in each measurement.
    queries: usize,
    /// Certificates of the full store.
    certificates: usize,
}

const FULL: Extent = Extent {
    rounds: 5,
    enrolments: 1_000,
    queries: 50_000,
    certificates: 1_000_000,
};

const QUICK: Extent = Extent {
    rounds: 2,
    enrolments: 100,
    queries: 5_000,
    certificates: 20_000,
};

/// What is measured, and of what.
struct Plan {
    only: Vec<Section>,
    extent: Extent,
    scepter: Program,
    bar: ProgressBar,
}

fn main() {
    let options = Options::parse();
    let binary = options.server.unwrap_or_else(|| binary(Build::Release));
    let mut extent = if options.quick { QUICK } else { FULL };
    if let Some(count) = options.certificates {
        extent.certificates = count.try_into().unwrap();
    }
    let bar = ProgressBar::no_length();
    let style = ProgressStyle::with_template("{elapsed_precise} {bar:30} {pos}/{len} {msg}");
    bar.set_style(style.unwrap());
    bar.enable_steady_tick(Duration::from_secs(1));
    let plan = Plan {
        only: options.only,
        extent,
        scepter: Program::Scepter(binary),
        bar,
    };
    let date = OffsetDateTime::now_utc().date().to_string();
    let mut report = Report::new(describe_machine(), date);
    let mut fleet = Fleet::new();
    plan.compare(&mut report, &mut fleet);
    plan.measure_keys(&mut report, &mut fleet);
    plan.measure_full(&mut report, &mut fleet);
    plan.bar.finish_and_clear();
    print!("{}", report.to_markdown());
    if let Some(file) = options.json {
        let json = serde_json::to_vec_pretty(&report).unwrap();
        std::fs::write(file, json).unwrap();
    }
}

impl Plan {
    fn includes(&self, section: Section) -> bool {
        self.only.is_empty() || self.only.contains(&section)
    }

    fn includes_any(&self, sections: &[Section]) -> bool {
        sections.iter().any(|section| self.includes(*section))
    }

    fn rounds<'a>(&'a self, servers: &[(&'a Installation, &'a Running)]) -> Rounds<'a> {
        let named = servers
            .iter()
            .map(|(installation, server)| (installation.program.name().to_owned(), *server));
        Rounds {
            servers: named.collect(),
            rounds: self.extent.rounds,
            bar: &self.bar,
        }
    }

    /// Measures Scepter beside the others.
    fn compare(&self, report: &mut Report, fleet: &mut Fleet) {
        let sections = [
            Section::Cost,
            Section::Load,
            Section::Queries,
            Section::Renewals,
            Section::Resources,
        ];
        if !self.includes_any(&sections) {
            return;
        }
        self.bar.set_message("the other servers are installed");
        install_peers();
        let programs = [self.scepter.clone(), Program::Micromdm, Program::StepCa];
        let [scepter, micromdm, step_ca] = programs.map(Installation::new);
        let running = [&scepter, &micromdm, &step_ca].map(Installation::start);
        let [ours, theirs, others] = &running;
        let rounds = self.rounds(&[(&scepter, ours), (&micromdm, theirs), (&step_ca, others)]);
        let Extent {
            enrolments,
            queries,
            ..
        } = self.extent;
        // What a server does once, such as to grow its memory, is done before.
        for (_, server) in &rounds.servers {
            let requests = fleet.enrolments(server, enrolments / 10);
            run_load(server, &requests, 1).expect_certificates();
        }
        if self.includes(Section::Cost) {
            enrolments::measure_cost(report, &rounds, fleet, enrolments);
        }
        if self.includes(Section::Load) {
            enrolments::measure_load(report, &rounds, fleet, enrolments);
        }
        if self.includes(Section::Queries) {
            queries::measure_queries(report, &rounds, queries);
            queries::measure_crl(report, &self.rounds(&[(&scepter, ours)]), queries);
        }
        if self.includes(Section::Renewals) {
            renewals::allow_renewals(ours);
            let rounds = self.rounds(&[(&scepter, ours), (&step_ca, others)]);
            renewals::measure_renewals(report, &rounds, fleet, enrolments / 2);
        }
        drop(rounds);
        running.into_iter().for_each(Running::stop);
        if self.includes(Section::Resources) {
            let all = [scepter, micromdm, step_ca];
            resources::measure_starts(report, &all, 2 * self.extent.rounds + 1, &self.bar);
            resources::measure_disk(report, &all, fleet, 2 * enrolments, &self.bar);
        }
    }

    /// Measures Scepter with keys of other sizes and kinds.
    fn measure_keys(&self, report: &mut Report, fleet: &mut Fleet) {
        if !self.includes(Section::Keys) {
            return;
        }
        self.bar.set_message("keys are generated");
        let installations = authorities::KEYS.map(|_| Installation::new(self.scepter.clone()));
        let mut running = installations.each_ref().map(Installation::start);
        for (server, keys) in running.iter_mut().zip(authorities::KEYS) {
            authorities::create_authority(server, keys);
        }
        let names = authorities::KEYS.map(authorities::name_keys);
        let rounds = Rounds {
            servers: names.into_iter().zip(&running).collect(),
            rounds: self.extent.rounds,
            bar: &self.bar,
        };
        authorities::measure_authorities(report, &rounds, fleet, self.extent.enrolments / 2);
    }

    /// Measures Scepter with many certificates.
    fn measure_full(&self, report: &mut Report, fleet: &mut Fleet) {
        if !self.includes_any(&[Section::Growth, Section::Lists]) {
            return;
        }
        let Extent {
            certificates,
            enrolments,
            rounds,
            ..
        } = self.extent;
        let full = FullFolder::create(report, self.scepter.clone(), certificates, &self.bar);
        if self.includes(Section::Growth) {
            upkeep::measure_upkeep(report, &full);
            full.measure_size(report);
            full.measure_enrolments(report, fleet, (rounds, enrolments), &self.bar);
        }
        if self.includes(Section::Lists) {
            let server = full.installation.start();
            wait_until_idle(server.process());
            lists::measure_lists(report, &server, &full.filler, &self.bar);
        }
    }
}
