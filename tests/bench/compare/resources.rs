//! How soon a server answers, and how much of a disk its certificates take.

use indicatif::ProgressBar;

use crate::load::{Fleet, run_load};
use crate::process::measure_folder;
use crate::report::Report;
use crate::rounds::find_median;
use crate::servers::Installation;

/// Measures the time from the start of the process to its first answer, on a folder that was used
/// before.
pub(crate) fn measure_starts(
    report: &mut Report,
    installations: &[Installation],
    rounds: usize,
    bar: &ProgressBar,
) {
    bar.inc_length((rounds * installations.len()).try_into().unwrap());
    let mut times = vec![Vec::new(); installations.len()];
    for _ in 0..rounds {
        for (installation, times) in installations.iter().zip(&mut times) {
            bar.set_message(format!("start: {}", installation.program.name()));
            let server = installation.start();
            times.push(server.started_in.as_secs_f64() * 1e3);
            server.stop();
            bar.inc(1);
        }
    }
    for (installation, times) in installations.iter().zip(&times) {
        let (name, median) = (installation.program.name(), find_median(times));
        report.add("resources", "start to the first answer, ms", name, median);
    }
}

/// Measures by how much the folder grows for each certificate, from one clean stop to another.
pub(crate) fn measure_disk(
    report: &mut Report,
    installations: &[Installation],
    fleet: &mut Fleet,
    count: usize,
    bar: &ProgressBar,
) {
    bar.inc_length(installations.len().try_into().unwrap());
    for installation in installations {
        let name = installation.program.name();
        bar.set_message(format!("disk: {name}"));
        let before = measure_folder(installation.folder());
        let server = installation.start();
        let requests = fleet.enrolments(&server, count);
        // One client, because each request has to lead to a certificate.
        run_load(&server, &requests, 1).expect_certificates();
        server.stop();
        let after = measure_folder(installation.folder());
        let each = after.saturating_sub(before) as f64 / count as f64;
        report.add("resources", "disk for a certificate, octets", name, each);
        bar.inc(1);
    }
}
