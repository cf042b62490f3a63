//! The paths of every list of the management API with each of its filters, and of what the console
//! shows beside them.

use ca::id::CertificateUuid;
use scep_protocol::id::TransactionUuid;
use scep_protocol::transaction::Fingerprint;
use scepter_tests::interop::root;
use serde_json::Value;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::filler::Filler;
use crate::servers::Running;

/// What is in the store to be looked for.
struct Known {
    authority: String,
    ra_profile: String,
    scep_profile: String,
    challenge: String,
    refusal: String,
    /// An object with an audit record.
    changed: String,
    certificate: CertificateUuid,
    key: Fingerprint,
    transaction: TransactionUuid,
    transaction_id: String,
    /// The identity of nothing.
    unknown: Uuid,
    in_month: String,
    day_ago: String,
    month_ago: String,
    year_ago: String,
}

/// Lists the paths below the prefix of the API, and asserts that no filter is missing.
pub(crate) fn list_paths(server: &Running, filler: &Filler) -> Vec<String> {
    let known = Known::find(server, filler);
    let paths = [
        known.list_certificate_paths(),
        known.list_request_paths(),
        known.list_other_paths(),
    ]
    .concat();
    expect_every_filter(&paths);
    paths
}

impl Known {
    fn find(server: &Running, filler: &Filler) -> Self {
        let get = |path: &str| server.administer("GET", path, &Value::Null);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let scep_profile = text(&get("/scepProfiles")[0]["uuid"]);
        let challenges = get(&format!("/scepProfiles/{scep_profile}/challenges?limit=1"));
        let refusals = get("/scepRequests?outcome=REFUSED&limit=1");
        let changes = get("/auditRecords?limit=1");
        // A recent certificate, so that its transaction is still there.
        let index = filler.count() - 7;
        let [in_month, day_ago, month_ago, year_ago] =
            [30, -1, -30, -365].map(|days| write_time(filler.now() + Duration::days(days)));
        Self {
            authority: text(&get("/authorities")[0]["uuid"]),
            ra_profile: text(&get("/raProfiles")[0]["uuid"]),
            scep_profile,
            challenge: text(&challenges["items"][0]["uuid"]),
            refusal: text(&refusals["items"][0]["uuid"]),
            changed: text(&changes["items"][0]["objectUuid"]),
            certificate: filler.uuid(index),
            key: filler.key(index),
            transaction: filler.transaction_uuid(index),
            transaction_id: filler.transaction_id(index).as_str().to_owned(),
            unknown: Uuid::new_v4(),
            in_month,
            day_ago,
            month_ago,
            year_ago,
        }
    }

    fn list_certificate_paths(&self) -> Vec<String> {
        let Self {
            authority,
            ra_profile,
            scep_profile,
            certificate,
            unknown,
            in_month,
            ..
        } = self;
        let filters = [
            "limit=500",
            "subject=device-00",
            "subject=CN%3Ddevice-0000007",
            "subject=nobody",
            // A part of the subject, which no certificate has.
            "subject=OU%3Dnowhere",
            "subject=CN%3Ddevice-0000007%2CO%3DCorp",
            "subjectAltName=device-00",
            "subjectAltName=DNS%3Adevice-0000007",
            "subjectAltName=nobody",
            &format!("serialNumber={:X}", certificate.as_u128()),
            &format!("authorityUuid={authority}"),
            &format!("authorityUuid={unknown}"),
            &format!("raProfileUuid={ra_profile}"),
            &format!("raProfileUuid={unknown}"),
            &format!("scepProfileUuid={scep_profile}"),
            &format!("scepProfileUuid={scep_profile}&raProfileUuid={ra_profile}"),
            &format!("challengeUuid={}", self.challenge),
            &format!("predecessorUuid={certificate}"),
            &format!("keySha256={}", self.key),
            "status=VALID",
            "status=EXPIRED",
            "status=REVOKED",
            &format!("expiringBefore={in_month}"),
            &format!("status=VALID&expiringBefore={in_month}"),
            &format!("status=REVOKED&expiringBefore={in_month}"),
            &format!("status=REVOKED&authorityUuid={unknown}"),
            "status=REVOKED&subject=device-0",
        ];
        let mut paths = with_filters("/certificates", &filters);
        paths.push(format!("/certificates/{certificate}"));
        paths.push(format!("/certificates/{certificate}/pem"));
        paths
    }

    fn list_request_paths(&self) -> Vec<String> {
        let (scep_profile, unknown) = (&self.scep_profile, self.unknown);
        let filters = [
            "status=ISSUED",
            "status=ISSUING",
            "status=PENDING",
            "status=REJECTED",
            "limit=500",
        ];
        let mut paths = with_filters("/scepTransactions", &filters);
        let filters = [
            "outcome=GRANTED",
            "outcome=ISSUING",
            "outcome=PENDING",
            "outcome=REFUSED",
            "outcome=REJECTED",
            "limit=500",
            "reason=challengeMissing",
            &format!("reason={}", Filler::ABSENT_REASON.name()),
            &format!("scepProfileUuid={scep_profile}"),
            &format!("scepProfileUuid={unknown}"),
            &format!("transactionId={}", self.transaction_id),
            "transactionId=unknown",
            &format!("since={}", self.day_ago),
            &format!("until={}", self.month_ago),
            &format!("outcome=GRANTED&scepProfileUuid={unknown}"),
            &format!("outcome=REFUSED&reason=challengeMissing&scepProfileUuid={unknown}"),
        ];
        paths.extend(with_filters("/scepRequests", &filters));
        paths.push(format!("/scepTransactions/{}", self.transaction));
        paths.push(format!("/scepRequests/{}", self.transaction));
        paths.push(format!("/scepRequests/{}", self.refusal));
        paths
    }

    fn list_other_paths(&self) -> Vec<String> {
        let Self {
            authority,
            scep_profile,
            challenge,
            ..
        } = self;
        let filters = [
            "limit=500",
            &format!("objectUuid={}", self.changed),
            &format!("objectUuid={}", self.unknown),
            &format!("since={}", self.day_ago),
            &format!("until={}", self.year_ago),
        ];
        let mut paths = with_filters("/auditRecords", &filters);
        let challenges = format!("/scepProfiles/{scep_profile}/challenges");
        let filters = [
            "state=UNUSED",
            "state=USED",
            "state=EXPIRED",
            "state=DELETED",
            "limit=500",
        ];
        paths.extend(with_filters(&challenges, &filters));
        let filters = [
            "by=day",
            &format!("by=day&from={}", self.year_ago),
            &format!("from={}&to={}", self.month_ago, self.day_ago),
        ];
        paths.extend(with_filters("/statistics", &filters));
        let filters = ["intuneEnabled=false"];
        paths.extend(with_filters("/scepProfiles/caCertificates", &filters));
        let others = [
            "/authorities",
            "/caller",
            "/raProfiles",
            "/scepProfiles",
            "/settings",
            "/status",
            "/tokens",
            &format!("{challenges}/{challenge}"),
            &format!("/scepProfiles/{scep_profile}/lockouts"),
            &format!("/authorities/{authority}"),
            &format!("/authorities/{authority}/crl"),
            &format!("/authorities/{authority}/raCertificates"),
            &format!("/authorities/{authority}/raProfiles"),
        ];
        paths.extend(others.map(str::to_owned));
        paths
    }
}

/// A list without a filter and with each of these.
fn with_filters(path: &str, filters: &[&str]) -> Vec<String> {
    let filtered = filters.iter().map(|filter| format!("{path}?{filter}"));
    std::iter::once(path.to_owned()).chain(filtered).collect()
}

/// Asserts that every list of the API is there, with every filter.
fn expect_every_filter(paths: &[String]) {
    let document = std::fs::read(root().join("shared/console/openapi.json")).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    for (template, operations) in document["paths"].as_object().unwrap() {
        let template = template.strip_prefix("/api/v1").unwrap();
        let parameters = operations["get"]["parameters"].as_array();
        let in_query = parameters
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "query");
        for parameter in in_query {
            let name = parameter["name"].as_str().unwrap();
            let is_measured = paths.iter().any(|path| has_filter(path, template, name));
            // A cursor leads to a page that is read as the first one is.
            assert!(
                is_measured || name == "cursor",
                "{template} has the filter {name}"
            );
        }
    }
}

/// Whether a path with a query fits a template such as `/authorities/{uuid}`, and has a filter of
/// this name.
fn has_filter(path: &str, template: &str, name: &str) -> bool {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let fits = |(part, wanted): (&str, &str)| part == wanted || wanted.starts_with('{');
    path.split('/').count() == template.split('/').count()
        && path.split('/').zip(template.split('/')).all(fits)
        && query
            .split('&')
            .any(|filter| filter.split('=').next() == Some(name))
}

/// Writes a time as RFC 3339.
fn write_time(at: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    at.format(&format).unwrap()
}
