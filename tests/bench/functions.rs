//! The size of the release build of each function, and how soon it answers: `cargo bench -p
//! scepter-tests --bench functions`.
//!
//! Each function is built alone, as SAM does it, because Cargo would unify the features of
//! functions that are built together. It is then started ten times against a Runtime API and a
//! DynamoDB that answer at once, and timed from its start to its first answer, which requires a
//! read from DynamoDB, except that of the console. For comparison, the bench shows the time that
//! starting any process takes.

use std::process::Command;
use std::time::{Duration, Instant};

use scepter_tests::interop::{root, target};
use scepter_tests::runtime_api::{answer_event, event};

/// The functions, each with its maximum size in MB and the maximum time to its first answer in
/// milliseconds.
const FUNCTIONS: [(&str, &str, f64, f64); 6] = [
    ("console", "/console/", 4.0, 15.0),
    ("get-ca-caps", "GetCACaps", 2.0, 10.0),
    ("get-ca-cert", "GetCACert", 8.0, 30.0),
    ("pki-operation", "PKIOperation", 8.0, 30.0),
    ("profiles", "", 16.0, 60.0),
    ("maintenance", "", 8.0, 30.0),
];

const STARTS: usize = 10;

fn main() {
    let baseline = measure_median(|| {
        let begun = Instant::now();
        Command::new("true").status().unwrap();
        begun.elapsed()
    });
    println!("function          MB    limit   first answer, ms   limit   × any process");
    for (function, operation, megabytes, milliseconds) in FUNCTIONS {
        let built = Command::new(env!("CARGO"))
            .current_dir(root())
            .args([
                "build",
                "--release",
                "--locked",
                "--quiet",
                "--package",
                function,
            ])
            .status();
        assert!(built.unwrap().success());
        let binary = target().join("release").join(function);
        let size = std::fs::metadata(&binary).unwrap().len() as f64 / 1e6;
        let first = measure_median(|| answer_event(&binary, &event(operation), &[]).0);
        let within = |value: f64, limit: f64| if value <= limit { ' ' } else { '!' };
        println!(
            "{function:<15} {size:>5.2}{} {megabytes:>6.1}   {:>14.1}{} {milliseconds:>7.1}   {:>13.1}",
            within(size, megabytes),
            first.as_secs_f64() * 1e3,
            within(first.as_secs_f64() * 1e3, milliseconds),
            first.as_secs_f64() / baseline.as_secs_f64()
        );
    }
}

fn measure_median(mut measure: impl FnMut() -> Duration) -> Duration {
    let mut all: Vec<_> = (0..STARTS).map(|_| measure()).collect();
    all.sort();
    all[STARTS / 2]
}
