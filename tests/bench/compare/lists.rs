//! The time of the first page of every list and filter of the management API.

use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use scepter_tests::server::ADMIN_TOKEN;

use crate::filler::Filler;
use crate::http::{Connection, Request};
use crate::list_paths::list_paths;
use crate::report::Report;
use crate::servers::Running;

/// How often each list is read.
const READS: usize = 5;

/// The most milliseconds that a first page may take.
const LIMIT: f64 = 50.0;

/// Reads every list, and reports the median and the longest time of each.
pub(crate) fn measure_lists(
    report: &mut Report,
    server: &Running,
    filler: &Filler,
    bar: &ProgressBar,
) {
    let paths = list_paths(server, filler);
    bar.inc_length(paths.len().try_into().unwrap());
    let mut connection = Connection::open(&server.address);
    for path in paths {
        bar.set_message(format!("GET {path}"));
        let mut times = [(); READS].map(|()| time_list(&mut connection, &path));
        let first = times[0];
        times.sort();
        let shown = match path.split_once('?') {
            Some((path, query)) => format!("{} {}", shorten(path), shorten(query)),
            None => shorten(&path),
        };
        let mut add = |subject: &str, time: Duration| {
            let milliseconds = time.as_secs_f64() * 1e3;
            report.add_limited("lists, ms", shown.clone(), subject, milliseconds, LIMIT);
        };
        add("first", first);
        add("median", times[READS / 2]);
        bar.inc(1);
    }
}

fn time_list(connection: &mut Connection, path: &str) -> Duration {
    let headers = format!("Authorization: Bearer {ADMIN_TOKEN}\r\n");
    let request = Request::new("GET", &format!("/api/v1{path}"), &headers, &[]);
    let begun = Instant::now();
    let answer = connection.exchange(&request);
    let time = begun.elapsed();
    let text = String::from_utf8_lossy(&answer.body);
    assert!(answer.status == 200, "{path}: {} {text}", answer.status);
    time
}

/// Cuts identities short, which say nothing in a table.
fn shorten(text: &str) -> String {
    let parts = text.split_inclusive(['/', '=', '&']);
    let shorten_part = |part: &str| match part.trim_end_matches(['/', '=', '&']) {
        long if long.len() >= 32 => part.replace(long, &format!("{}…", &long[..6])),
        _ => part.to_owned(),
    };
    parts.map(shorten_part).collect()
}
