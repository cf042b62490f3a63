//! Enrolments at Scepter with keys of other sizes and kinds.

use scepter_tests::world::CHALLENGE;
use serde_json::{Value as Json, json};

use crate::load::{Fleet, run_load};
use crate::report::Report;
use crate::rounds::{Rounds, Value};
use crate::servers::Running;

/// The algorithms of the RA's key, and of the authority's.
pub(crate) const KEYS: [(&str, &str); 6] = [
    ("RSA_2048", "RSA_2048"),
    ("RSA_3072", "RSA_2048"),
    ("RSA_4096", "RSA_2048"),
    ("RSA_2048", "RSA_4096"),
    ("RSA_2048", "EC_P256"),
    ("RSA_2048", "EC_P384"),
];

const NAME: &str = "bench";
const CLIENTS: usize = 8;

/// The name of such a server in the report.
pub(crate) fn name_keys((ra, authority): (&str, &str)) -> String {
    let shorten = |name: &str| name.replace('_', "-");
    format!("RA {}, CA {}", shorten(ra), shorten(authority))
}

/// Creates an authority and profiles with keys of these algorithms, and has the server's SCEP
/// operations mean them from now on.
pub(crate) fn create_authority(server: &mut Running, (ra, authority): (&str, &str)) {
    let post = |path: &str, body: Json| -> String {
        let made = server.administer("POST", path, &body);
        made["uuid"].as_str().unwrap().to_owned()
    };
    let authority = post(
        "/authorities",
        json!({ "name": NAME, "subject": "CN=Bench CA,O=Corp", "keyAlgorithm": authority }),
    );
    let ra_certificate = post(
        &format!("/authorities/{authority}/raCertificates"),
        json!({ "commonName": "Bench RA", "keyAlgorithm": ra, "validity": "P2Y" }),
    );
    let ra_profile = post(
        &format!("/authorities/{authority}/raProfiles"),
        json!({ "name": NAME, "enabled": true }),
    );
    let scep_profile = post(
        "/scepProfiles",
        json!({
            "name": NAME, "caCertificateUuid": ra_certificate, "raProfileUuid": ra_profile,
            "challengePassword": CHALLENGE,
        }),
    );
    let activate = format!("/raProfiles/{ra_profile}/protocols/scep/activate/{scep_profile}");
    let attributes = json!({ "issueCertificateAttributes": [] });
    server.administer("PATCH", &activate, &attributes);
    server.administer("PATCH", "/scepProfiles/enable", &json!([scep_profile]));
    server.use_profile(NAME);
}

/// Measures enrolments at each server.
pub(crate) fn measure_authorities(
    report: &mut Report,
    rounds: &Rounds<'_>,
    fleet: &mut Fleet,
    count: usize,
) {
    rounds.measure_alone(report, "keys, 8 clients", |server| {
        let requests = fleet.enrolments(server, count);
        let outcome = run_load(server, &requests, CLIENTS);
        outcome.expect_certificates();
        vec![
            Value::low("CPU of an enrolment, µs", outcome.cpu_each()),
            Value::high("enrolments a second", outcome.rate()),
            Value::low("p50, ms", outcome.percentile(50)),
            Value::low("p99, ms", outcome.percentile(99)),
        ]
    });
}
