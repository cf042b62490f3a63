//! The contract of searches for certificates by subjectAltName.

use rcgen::{CertificateParams, KeyPair};
use scep_cms::certificate::Certificate;
use scep_service::error::StoreError;
use scep_service::inventory::{CertificateFilter, PageRequest};
use scep_service::ports::{Store, Transactions, WriteOutcome};
use scepter_tests::samples::{claim, key, record};
use time::{Duration, OffsetDateTime};

use super::adapters::{Adapter, store};
use super::inventory::{find_serials, issue_certificate};

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

/// A certificate with these alternative names.
fn certify_names(names: &[&str]) -> Certificate {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(names).unwrap();
    Certificate::from_der(params.self_signed(&key).unwrap().der()).unwrap()
}

/// Records five certificates: three routers with names in opposite order to their numbers, a
/// certificate that has many names, and one that has none.
async fn store_with_names() -> (impl Sized, Adapter) {
    let (guard, store) = store().await;
    let many: Vec<_> = (0..25)
        .map(|number| format!("host-{number:02}.example"))
        .collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    for (serial, names) in [
        (1, &["Router-c.example", "192.0.2.1"][..]),
        (2, &["router-b.example", "router-d.example", "*.example"]),
        (3, &["router-a.example", "2001:db8::1"]),
        (4, &many),
        (5, &[]),
    ] {
        issue_certificate(&store, serial, |record| {
            record.certificate = certify_names(names);
            record.summary.subject = format!("CN=device-{serial}");
            record.summary.common_name = Some(format!("device-{serial}"));
            record.summary.not_after = NOW + Duration::DAY * i32::try_from(serial).unwrap();
        })
        .await;
    }
    (guard, store)
}

fn by_name(name: &str) -> CertificateFilter {
    CertificateFilter {
        alternative_name: Some(name.to_owned()),
        ..CertificateFilter::default()
    }
}

#[tokio::test]
async fn certificates_are_found_by_the_beginning_of_any_of_their_names() {
    let (_guard, store) = store_with_names().await;
    for (name, expected) in [
        // Each certificate comes once, by the first of its names that matches.
        ("router-", &["03", "02", "01"][..]),
        ("ROUTER-", &["03", "02", "01"]),
        ("DNS:router-", &["03", "02", "01"]),
        ("email:router-", &[]),
        ("router-d", &["02"]),
        ("192.0.2.", &["01"]),
        ("ip:2001:db8:0::1", &["03"]),
        ("*", &["02"]),
        ("*.e*", &[]),
        ("outer", &[]),
        // What the other items of the table have as keys are no names.
        ("device-1", &[]),
        ("certificate", &[]),
        ("host-", &["04"]),
        ("host-19", &["04"]),
        ("host-20", &[]),
        ("DNS:", &["02", "04", "03", "01"]),
    ] {
        assert_eq!(
            find_serials(&store, by_name(name)).await,
            expected,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_name_narrows_every_other_filter_down() {
    let (_guard, store) = store_with_names().await;
    let mut filter = by_name("router-");
    filter.not_after_before = Some(NOW + Duration::DAY * 3);
    assert_eq!(find_serials(&store, filter.clone()).await, ["02", "01"]);
    filter.subject = Some("device-1".to_owned());
    assert_eq!(find_serials(&store, filter.clone()).await, ["01"]);
    filter.subject = Some("CN=device-9".to_owned());
    assert_eq!(find_serials(&store, filter).await, [""; 0]);
    for (name, expected) in [("router-d", &["02"][..]), ("router-a", &[])] {
        let mut filter = by_name(name);
        filter.uuid = Some("00000000-0000-0000-0000-000000000002".parse().unwrap());
        assert_eq!(find_serials(&store, filter).await, expected, "{name}");
    }
    let mut revoked = by_name("router-");
    revoked.revoked = Some(true);
    assert_eq!(find_serials(&store, revoked).await, [""; 0]);
}

/// No other list has an item for each name.
#[tokio::test]
async fn names_are_in_no_list_of_certificates() {
    let (_guard, store) = store_with_names().await;
    let all = CertificateFilter::default();
    assert_eq!(
        find_serials(&store, all.clone()).await,
        ["05", "04", "03", "02", "01"]
    );
    for subject in ["router", "host", "*", "192"] {
        let subject = Some(subject.to_owned());
        let filter = CertificateFilter {
            subject,
            ..all.clone()
        };
        assert_eq!(find_serials(&store, filter).await, [""; 0]);
    }
}

/// Records thirty certificates with a name that begins with `h`, and returns the filter that finds
/// only the last of them.
pub(crate) async fn record_many_names(store: &Adapter) -> CertificateFilter {
    for serial in 1..=30_u128 {
        issue_certificate(store, serial, |record| {
            record.certificate = certify_names(&[&format!("h{serial:02}.example")]);
            record.summary.not_after = NOW + Duration::DAY * i32::try_from(serial).unwrap();
        })
        .await;
    }
    CertificateFilter {
        not_after_from: Some(NOW + Duration::DAY * 30),
        ..by_name("h")
    }
}

#[tokio::test]
async fn a_certificate_is_found_however_many_others_a_filter_skips() {
    let (_guard, store) = store().await;
    let last = record_many_names(&store).await;
    assert_eq!(find_serials(&store, last).await, ["1E"]);
    let request = PageRequest {
        limit: 1,
        cursor: None,
    };
    let cursor = store
        .certificates(&by_name("h"), &request)
        .await
        .unwrap()
        .cursor;
    assert!(cursor.is_some());
    for other in [by_name("x"), CertificateFilter::default()] {
        let cursor = cursor.clone();
        let page = PageRequest { limit: 1, cursor };
        let found = store.certificates(&other, &page).await;
        assert!(matches!(found, Err(StoreError::Cursor)), "{other:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_was_withdrawn_is_found() {
    let (_guard, store) = store().await;
    let first = claim(key("t"), None, NOW + Duration::SECOND);
    store.claim(&first).await.unwrap();
    let withdrawn = record(key("t"), 7, &certify_names(&["late.example"]), NOW);
    let until = OffsetDateTime::now_utc() + Duration::DAY;
    let outcome = store
        .withdraw(first.claim, &withdrawn, "revoked meanwhile", until)
        .await
        .unwrap();
    assert_eq!(outcome, WriteOutcome::Won);
    assert_eq!(find_serials(&store, by_name("late")).await, ["07"]);
}
