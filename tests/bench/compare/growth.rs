//! A data folder with many certificates.

use std::time::Instant;

use indicatif::ProgressBar;
use scepter_tests::device::Device;
use scepter_tests::world::CHALLENGE;
use time::OffsetDateTime;

use crate::filler::{Filler, SAMPLE_NAME, Sample};
use crate::http::{Connection, Request};
use crate::load::{Fleet, run_load};
use crate::process::{measure_folder, read_memory, wait_until_idle};
use crate::report::Report;
use crate::rounds::{Rounds, Value};
use crate::servers::{Installation, Program};

/// A data folder with many certificates.
pub(crate) struct FullFolder {
    pub(crate) installation: Installation,
    pub(crate) filler: Filler,
}

impl FullFolder {
    /// Creates a demo, enrols a device, and fills the store with records like those of its
    /// enrolment.
    pub(crate) fn create(
        report: &mut Report,
        program: Program,
        count: usize,
        bar: &ProgressBar,
    ) -> Self {
        let installation = Installation::new(program);
        enrol_sample(&installation);
        let file = installation.folder().join("store.db");
        let now = OffsetDateTime::now_utc();
        let filler = Filler::new(Sample::find(&file, now), count, now);
        bar.inc_length(count.try_into().unwrap());
        bar.set_message("certificates are written");
        let begun = Instant::now();
        filler.fill(&file, bar);
        let rate = count as f64 / begun.elapsed().as_secs_f64();
        let subject = name_full(count);
        report.add(SECTION, "certificates written a second", subject, rate);
        Self {
            installation,
            filler,
        }
    }

    /// The name of the store in the report.
    pub(crate) fn subject(&self) -> String {
        name_full(self.filler.count())
    }

    /// Reports how much of the disk the store takes. A start and a stop of the server before have
    /// brought the log of the database into its file.
    pub(crate) fn measure_size(&self, report: &mut Report) {
        let octets = measure_folder(self.installation.folder()) as f64;
        let each = octets / self.filler.count() as f64;
        let measure = "disk for a certificate and what belongs to it, octets";
        report.add(SECTION, measure, self.subject(), each);
    }

    /// Measures enrolments beside those of a server without certificates.
    pub(crate) fn measure_enrolments(
        &self,
        report: &mut Report,
        fleet: &mut Fleet,
        counts: (usize, usize),
        bar: &ProgressBar,
    ) {
        let (rounds, count) = counts;
        let empty = Installation::new(self.installation.program.clone());
        let (full_server, empty_server) = (self.installation.start(), empty.start());
        wait_until_idle(full_server.process());
        let rounds = Rounds {
            servers: vec![
                ("no certificates".to_owned(), &empty_server),
                (self.subject(), &full_server),
            ],
            rounds,
            bar,
        };
        rounds.measure(report, SECTION, |server| {
            let requests = fleet.enrolments(server, count);
            let outcome = run_load(server, &requests, CLIENTS);
            outcome.expect_certificates();
            vec![
                Value::low("CPU of an enrolment, µs", outcome.cpu_each()),
                Value::high("enrolments a second, 4 clients", outcome.rate()),
            ]
        });
        let megabytes = read_memory(full_server.process()).resident as f64 * 1_024.0 / 1e6;
        report.add(SECTION, "resident, MB", self.subject(), megabytes);
    }
}

fn name_full(count: usize) -> String {
    format!("{count} certificates")
}

const CLIENTS: usize = 4;

/// The section of the report.
pub(crate) const SECTION: &str = "a full store";

fn enrol_sample(installation: &Installation) {
    let server = installation.start();
    let device = Device::rsa();
    let name = format!("{SAMPLE_NAME}.example.com");
    let csr = device.csr(SAMPLE_NAME, Some(CHALLENGE), &[&name]);
    let recipient = server.recipient();
    let message = device.message(&device.request(csr), &recipient);
    let request = Request::post(&server.operation("PKIOperation"), &message);
    let answer = Connection::open(&server.address).fetch(&request);
    device.read(&answer, &recipient).leaf();
    server.stop();
}
