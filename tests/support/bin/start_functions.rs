//! Starts built functions as Lambda does, and checks the first answer of each:
//! `start-functions FOLDER`, which has FUNCTION/bootstrap for each of them.

use std::path::Path;
use std::process::ExitCode;

use scepter_tests::runtime_api::{answer_event, event};
use serde_json::{Value, json};

/// The functions, each with its first event and the status of its answer. The tables are empty, so
/// that the profile is unknown.
const FUNCTIONS: [(&str, &str, u16); 5] = [
    ("console", "/console/", 200),
    ("get-ca-caps", "GetCACaps", 404),
    ("get-ca-cert", "GetCACert", 404),
    ("pki-operation", "PKIOperation", 404),
    ("profiles", "", 200),
];

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("start-functions FOLDER");
        return ExitCode::from(2);
    };
    let folder = Path::new(&folder);
    let mut is_right = true;
    for (function, operation, expected) in FUNCTIONS {
        let bootstrap = folder.join(function).join("bootstrap");
        let first = answer_event(&bootstrap, &event(operation), &[]);
        let status = first
            .answer
            .as_ref()
            .map(|answer| answer["statusCode"].clone());
        is_right &= status == Ok(json!(expected));
        println!(
            "{function:<16} {status:?} after {} ms",
            first.answered.as_millis()
        );
    }
    // Maintenance answers its schedule with nothing, or fails.
    let bootstrap = folder.join("maintenance").join("bootstrap");
    let schedule = json!({ "source": "aws.events" });
    let first = answer_event(&bootstrap, &schedule, &[]);
    is_right &= first.answer == Ok(Value::Null);
    let milliseconds = first.answered.as_millis();
    println!(
        "maintenance      {:?} after {milliseconds} ms",
        first.answer
    );
    if is_right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
