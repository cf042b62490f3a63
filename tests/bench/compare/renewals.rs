//! Renewals, by RenewalReqs that the certificate to renew signs.

use serde_json::{Value as Json, json};

use crate::load::{Fleet, run_load};
use crate::report::Report;
use crate::rounds::{Rounds, Value};
use crate::servers::Running;

const CLIENTS: usize = 4;

/// Measures renewals. Each renews a certificate that was issued just before.
pub(crate) fn measure_renewals(
    report: &mut Report,
    rounds: &Rounds<'_>,
    fleet: &mut Fleet,
    count: usize,
) {
    rounds.measure(report, "renewals", |server| {
        let recipient = server.recipient();
        let enrolments = fleet.enrolments(server, count);
        let enrolled = run_load(server, &enrolments, CLIENTS);
        let holders = fleet.read(&enrolled, &recipient);
        let renewals = fleet.renewals(server, &holders);
        let renewed = run_load(server, &renewals, CLIENTS);
        renewed.expect_certificates();
        vec![
            Value::low("CPU of a renewal, µs", renewed.cpu_each()),
            Value::high("renewals a second, 4 clients", renewed.rate()),
        ]
    });
}

/// Allows renewals of Scepter's certificates at any time.
pub(crate) fn allow_renewals(server: &Running) {
    let profiles = server.administer("GET", "/scepProfiles", &Json::Null);
    let path = format!("/scepProfiles/{}", profiles[0]["uuid"].as_str().unwrap());
    let profile = server.administer("GET", &path, &Json::Null);
    let body = json!({
        "name": profile["name"],
        "caCertificateUuid": profile["caCertificate"]["uuid"],
        "raProfileUuid": profile["raProfile"]["uuid"],
        "renewalThreshold": 36_500,
    });
    server.administer("PUT", &path, &body);
}
