//! Requests that need no private key: GetCACaps, GetCACert and the CRL.

use crate::http::Request;
use crate::load::run_load;
use crate::report::Report;
use crate::rounds::{Rounds, Value};
use crate::servers::Running;

const CLIENTS: usize = 8;

/// Measures the answers a second to GetCACaps and GetCACert.
pub(crate) fn measure_queries(report: &mut Report, rounds: &Rounds<'_>, count: usize) {
    for operation in ["GetCACaps", "GetCACert"] {
        rounds.measure(report, "queries, 8 clients", |server| {
            measure_target(server, operation, &server.operation(operation), count)
        });
    }
}

/// Measures the downloads a second of Scepter's CRL.
pub(crate) fn measure_crl(report: &mut Report, rounds: &Rounds<'_>, count: usize) {
    rounds.measure(report, "queries, 8 clients", |server| {
        measure_target(server, "CRL", &find_crl(server), count)
    });
}

fn measure_target(server: &Running, name: &str, target: &str, count: usize) -> Vec<Value> {
    let requests = vec![Request::get(target); count];
    let outcome = run_load(server, &requests, CLIENTS);
    vec![
        Value::high(format!("{name} a second"), outcome.rate()),
        Value::low(format!("{name}: CPU, µs"), outcome.cpu_each()),
    ]
}

/// Finds the path of the CRL of Scepter's only authority.
pub(crate) fn find_crl(server: &Running) -> String {
    let authorities = server.administer("GET", "/authorities", &serde_json::Value::Null);
    let url = authorities[0]["crlUrl"].as_str().unwrap();
    let (_, rest) = url.split_once("://").unwrap();
    let start = rest.find('/').unwrap();
    rest[start..].to_owned()
}
