//! What an enrolment costs, and how many enrolments a second there are at a number of clients.

use std::time::Duration;

use scepter_tests::openssl;

use crate::load::{Fleet, Outcome, run_load};
use crate::process::read_memory;
use crate::report::Report;
use crate::rounds::{Rounds, Value};
use crate::servers::Running;

/// The clients of the measurement of CPU time: more than processors, so that the server is busy
/// rather than woken up for each request.
const BUSY: usize = 4;

/// The numbers of clients that send at once.
const CLIENTS: [usize; 4] = [1, 2, 8, 32];

/// Measures the CPU time of an enrolment beside that of the three RSA private operations that it
/// takes: to decrypt the request, to sign the certificate, and to sign the reply.
pub(crate) fn measure_cost(
    report: &mut Report,
    rounds: &Rounds<'_>,
    fleet: &mut Fleet,
    count: usize,
) {
    const SECTION: &str = "CPU of an enrolment";
    rounds.measure(report, SECTION, |server| {
        let requests = fleet.enrolments(server, count);
        let needed = 3.0 * measure_rsa(2_048);
        let outcome = run_load(server, &requests, BUSY);
        let cost = outcome.cpu_each() / find_share(server, &outcome);
        vec![
            Value::low("CPU of the server, µs", cost),
            Value::low("three RSA-2048 private operations of OpenSSL, µs", needed),
            Value::low("ratio", cost / needed),
        ]
    });
}

/// Measures enrolments a second, and how long each takes.
pub(crate) fn measure_load(
    report: &mut Report,
    rounds: &Rounds<'_>,
    fleet: &mut Fleet,
    count: usize,
) {
    for clients in CLIENTS {
        rounds.measure(report, "enrolments", |server| {
            let requests = fleet.enrolments(server, count);
            let outcome = run_load(server, &requests, clients);
            let share = find_share(server, &outcome);
            let of = match clients {
                1 => "1 client".to_owned(),
                more => format!("{more} clients"),
            };
            vec![
                Value::high(format!("{of}: enrolments a second"), outcome.rate() * share),
                Value::low(format!("{of}: p50, ms"), outcome.percentile(50)),
                Value::low(format!("{of}: p90, ms"), outcome.percentile(90)),
                Value::low(format!("{of}: p99, ms"), outcome.percentile(99)),
                Value::low(format!("{of}: refused, %"), 100.0 * (1.0 - share)),
            ]
        });
    }
    // One round: the memory is that of a server after all this load.
    let once = Rounds {
        rounds: 1,
        servers: rounds.servers.clone(),
        bar: rounds.bar,
    };
    once.measure(report, "memory", list_memory);
}

/// The share of the requests that led to a certificate: all of them, unless the server is known to
/// refuse good ones.
fn find_share(server: &Running, outcome: &Outcome) -> f64 {
    if !server.may_refuse {
        outcome.expect_certificates();
    }
    outcome.count_certificates() as f64 / outcome.bodies.len() as f64
}

fn list_memory(server: &Running) -> Vec<Value> {
    let memory = read_memory(server.process());
    let megabytes = |kilobytes: u64| kilobytes as f64 * 1_024.0 / 1e6;
    vec![
        Value::low("resident after the load, MB", megabytes(memory.resident)),
        Value::low("most resident under the load, MB", megabytes(memory.peak)),
    ]
}

/// Measures the time of an RSA private operation with OpenSSL, in microseconds.
pub(crate) fn measure_rsa(bits: u32) -> f64 {
    let name = format!("rsa{bits}");
    let printed = openssl::run(&["speed", "-seconds", "1", &name], &[]);
    let printed = String::from_utf8(printed).unwrap();
    let beginning = format!("rsa {bits:>4} bits");
    let line = printed
        .lines()
        .find(|line| line.starts_with(&beginning))
        .unwrap();
    let seconds = line
        .split_whitespace()
        .nth(3)
        .unwrap()
        .trim_end_matches('s');
    let time = Duration::from_secs_f64(seconds.parse().unwrap());
    time.as_secs_f64() * 1e6
}
