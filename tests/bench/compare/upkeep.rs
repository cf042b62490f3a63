//! What a store of many certificates makes the server do beside requests: its start, maintenance,
//! and CRLs.

use std::time::Instant;

use serde_json::{Value, json};

use crate::growth::{FullFolder, SECTION};
use crate::http::{Connection, Request};
use crate::process::{read_cpu_time, wait_until_idle};
use crate::queries::find_crl;
use crate::report::Report;

/// The most seconds that upkeep may take for a thousand entries of a CRL.
const LIMIT: f64 = 1.0;

/// Measures the first start, which publishes the CRL of everything that is revoked, a further
/// start, which has only to look, and a revocation.
pub(crate) fn measure_upkeep(report: &mut Report, full: &FullFolder) {
    let subject = full.subject();
    let entries = full.filler.count_revoked();
    let thousands = entries as f64 / 1e3;
    let mut add = |measure: &str, seconds: f64| {
        let each = seconds / thousands;
        report.add(SECTION, format!("{measure}, s"), subject.clone(), seconds);
        let measure = format!("{measure}, s a thousand CRL entries");
        report.add_limited(SECTION, measure, subject.clone(), each, LIMIT);
    };
    for measure in ["CPU of a start with a new CRL", "CPU of a further start"] {
        let server = full.installation.start();
        wait_until_idle(server.process());
        add(measure, read_cpu_time(server.process()).as_secs_f64());
        server.stop();
    }
    let server = full.installation.start();
    wait_until_idle(server.process());
    let uuid = full.filler.uuid(full.filler.unrevoked());
    let before = read_cpu_time(server.process());
    let begun = Instant::now();
    let path = format!("/certificates/{uuid}/revoke");
    server.administer("POST", &path, &json!({ "reason": "superseded" }));
    add(
        "revocation, with the next CRL",
        begun.elapsed().as_secs_f64(),
    );
    let cpu = read_cpu_time(server.process()) - before;
    add("CPU of a revocation", cpu.as_secs_f64());
    let crl = Connection::open(&server.address).fetch(&Request::get(&find_crl(&server)));
    report.add(
        SECTION,
        "entries of the CRL",
        subject.clone(),
        entries as f64 + 1.0,
    );
    report.add(
        SECTION,
        "size of the CRL, MB",
        subject.clone(),
        crl.len() as f64 / 1e6,
    );
    let revoked = server.administer("GET", &format!("/certificates/{uuid}"), &Value::Null);
    assert_eq!(revoked["status"], "REVOKED");
}
