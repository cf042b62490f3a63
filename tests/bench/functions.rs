//! The size of the release build of each function, and how soon it answers: `cargo bench -p
//! scepter-tests --bench functions [-- FOLDER]`. FOLDER has FUNCTION/bootstrap of each function,
//! such as those of a release, unpacked.
//!
//! Without FOLDER, each function is built alone, as SAM does it, because Cargo would unify the
//! features of functions that are built together. It is then started ten times against a Runtime
//! API and a DynamoDB that answer at once, and timed from its start until it asks for its first
//! event, and to its first answer, which requires a read from DynamoDB, except that of the console.
//! For comparison, the bench shows the time that starting any process takes. It marks what is over
//! its limit.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use scepter_tests::interop::{root, target};
use scepter_tests::runtime_api::{answer_event, event};

/// The functions, each with its maximum size in octets and the maximum time to its first answer in
/// milliseconds.
const FUNCTIONS: [(&str, &str, u64, f64); 6] = [
    ("console", "/console/", 4_000_000, 15.0),
    ("get-ca-caps", "GetCACaps", 6_500_000, 10.0),
    ("get-ca-cert", "GetCACert", 8_000_000, 30.0),
    ("pki-operation", "PKIOperation", 10_000_000, 30.0),
    ("profiles", "", 16_000_000, 60.0),
    ("maintenance", "", 8_000_000, 30.0),
];

const STARTS: usize = 10;

fn main() {
    // Cargo adds an option of its own.
    let folder = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'))
        .map(PathBuf::from);
    let baseline = median((0..STARTS).map(|_| {
        let begun = Instant::now();
        Command::new("true").status().unwrap();
        begun.elapsed()
    }));
    println!(
        "function            octets      limit   first request, ms   first answer, ms   limit   × any process"
    );
    for (function, operation, limit, milliseconds) in FUNCTIONS {
        let binary = match &folder {
            Some(folder) => folder.join(function).join("bootstrap"),
            None => build(function),
        };
        let size = std::fs::metadata(&binary).unwrap().len();
        let starts: Vec<_> = (0..STARTS)
            .map(|_| answer_event(&binary, &event(operation), &[]))
            .collect();
        let asked = median(starts.iter().map(|start| start.asked));
        let answered = median(starts.iter().map(|start| start.answered));
        println!(
            "{function:<15} {size:>10}{} {limit:>9}   {:>17.1}   {:>16.1}{} {milliseconds:>6.1}   {:>13.1}",
            mark(size <= limit),
            asked.as_secs_f64() * 1e3,
            answered.as_secs_f64() * 1e3,
            mark(answered.as_secs_f64() * 1e3 <= milliseconds),
            answered.as_secs_f64() / baseline.as_secs_f64()
        );
    }
}

fn build(function: &str) -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .current_dir(root())
        // It would be compiled otherwise than SAM does it.
        .env_remove("CARGO_INCREMENTAL")
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
    target().join("release").join(function)
}

fn mark(is_within: bool) -> char {
    if is_within { ' ' } else { '!' }
}

fn median(durations: impl Iterator<Item = Duration>) -> Duration {
    let mut all: Vec<_> = durations.collect();
    all.sort();
    all[all.len() / 2]
}
