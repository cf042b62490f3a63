//! The contract of lists: certificates, transactions and audit records.

use std::collections::BTreeSet;

use newtype_uuid::TypedUuid;
use scep_protocol::annotations::{Annotations, Attributes};
use scep_service::error::StoreError;
use scep_service::inventory::{
    AuditFilter, CertificateFilter, CertificateRecord, PageRequest, TransactionStatus,
};
use scep_service::object::Reference;
use scep_service::ports::{Change, Store, Transactions};
use scepter_tests::device::Device;
use scepter_tests::objects::{audit, create, stored};
use scepter_tests::samples::{claim, key, ra_profile, record};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::adapters::{Adapter, store};

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const DAY: Duration = Duration::DAY;

/// Records a certificate, after `edit` has changed it, and its transaction.
pub(super) async fn issue_certificate(
    store: &Adapter,
    serial: u128,
    edit: impl FnOnce(&mut CertificateRecord),
) {
    let transaction = key(&format!("t {serial}"));
    let mut certificate = record(transaction.clone(), serial, &Device::ec().certificate, NOW);
    edit(&mut certificate);
    let first = claim(transaction, None, NOW + Duration::SECOND);
    store.claim(&first).await.unwrap();
    let until = OffsetDateTime::now_utc() + DAY;
    store
        .complete(first.claim, &certificate, until, &[])
        .await
        .unwrap();
}

/// Records five certificates: router-1 to router-3, which expire a day apart, phone-1 of another RA
/// Profile, and one without a name.
async fn store_with_certificates() -> (impl Sized, Adapter) {
    let (guard, store) = store().await;
    for number in 1..=3 {
        issue_certificate(&store, number, |record| {
            let summary = &mut record.summary;
            summary.subject = format!("CN=Router-{number},O=Corp");
            summary.common_name = Some(format!("Router-{number}"));
            summary.not_after = NOW + DAY * i32::try_from(number).unwrap();
        })
        .await;
    }
    issue_certificate(&store, 4, |record| {
        record.summary.ra_profile = TypedUuid::from_u128(7);
        record.summary.subject = "O=Corp,CN=phone-1".to_owned();
        record.summary.common_name = Some("phone-1".to_owned());
        record.summary.not_after = NOW + DAY * 9;
        record.annotations = Annotations {
            custom_attributes: Attributes::from_json("[1]".to_owned()),
            ..Annotations::default()
        };
    })
    .await;
    issue_certificate(&store, 5, |record| {
        record.summary.subject = String::new();
        record.summary.common_name = None;
    })
    .await;
    (guard, store)
}

/// The serial numbers that a filter finds, in order, in pages of two.
pub(super) async fn find_serials(store: &Adapter, filter: CertificateFilter) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = PageRequest { limit: 2, cursor };
        let part = store.certificates(&filter, &page).await.unwrap();
        assert!(part.items.len() <= 2, "{filter:?}");
        found.extend(part.items.into_iter().map(|item| item.serial_number));
        cursor = part.cursor;
        if cursor.is_none() {
            return found;
        }
    }
}

#[tokio::test]
async fn pages_of_what_a_filter_leaves_have_each_certificate_once() {
    let (_guard, store) = store().await;
    let authority = TypedUuid::from_u128(3);
    for number in 1..=12 {
        issue_certificate(&store, number, |record| {
            record.summary.not_after = NOW + DAY * i32::try_from(number).unwrap();
            if number % 2 == 0 {
                record.summary.authority = authority;
            }
        })
        .await;
    }
    let filter = CertificateFilter {
        authority: Some(authority),
        ..CertificateFilter::default()
    };
    assert_eq!(
        find_serials(&store, filter).await,
        ["0C", "0A", "08", "06", "04", "02"]
    );
}

#[tokio::test]
async fn certificates_are_found_by_each_filter_and_by_several() {
    let (_guard, store) = store_with_certificates().await;
    let by = CertificateFilter::default;
    assert_eq!(
        find_serials(&store, by()).await,
        ["04", "03", "02", "01", "05"]
    );
    for subject in ["router-", "ROUTER-", "CN=Router-", "cn=router"] {
        let subject = Some(subject.to_owned());
        assert_eq!(
            find_serials(&store, CertificateFilter { subject, ..by() }).await,
            ["01", "02", "03"]
        );
    }
    let subject = Some("CN=Router-2,O=Corp".to_owned());
    assert_eq!(
        find_serials(&store, CertificateFilter { subject, ..by() }).await,
        ["02"]
    );
    let subject = Some("CN=Router-2,O=Other".to_owned());
    assert_eq!(
        find_serials(&store, CertificateFilter { subject, ..by() }).await,
        [""; 0]
    );
    for subject in ["O=Corp,CN=phone-1", "o=corp,cn=ph"] {
        let subject = Some(subject.to_owned());
        assert_eq!(
            find_serials(&store, CertificateFilter { subject, ..by() }).await,
            ["04"]
        );
    }
    let subject = Some("O=Corp".to_owned());
    assert_eq!(
        find_serials(&store, CertificateFilter { subject, ..by() }).await,
        ["04", "01", "02", "03"]
    );
    for subject in ["CN=Router-2, O=Corp", "CN=Router\\-2"] {
        let subject = Some(subject.to_owned());
        assert_eq!(
            find_serials(&store, CertificateFilter { subject, ..by() }).await,
            ["02"]
        );
    }
    // A CN is found at any position of the subject.
    let subject = Some("phone".to_owned());
    assert_eq!(
        find_serials(&store, CertificateFilter { subject, ..by() }).await,
        ["04"]
    );
    let uuid = Some(TypedUuid::from_u128(3));
    assert_eq!(
        find_serials(&store, CertificateFilter { uuid, ..by() }).await,
        ["03"]
    );
    let missing = Some(TypedUuid::from_u128(33));
    assert_eq!(
        find_serials(
            &store,
            CertificateFilter {
                uuid: missing,
                ..by()
            }
        )
        .await,
        [""; 0]
    );
    let ra_profile = Some(TypedUuid::from_u128(7));
    assert_eq!(
        find_serials(&store, CertificateFilter { ra_profile, ..by() }).await,
        ["04"]
    );
    assert_eq!(
        find_serials(
            &store,
            CertificateFilter {
                ra_profile,
                uuid,
                ..by()
            }
        )
        .await,
        [""; 0]
    );
    let scep_profile = Some(TypedUuid::nil());
    assert_eq!(
        find_serials(
            &store,
            CertificateFilter {
                scep_profile,
                ..by()
            }
        )
        .await,
        ["04", "03", "02", "01", "05"]
    );
    assert_eq!(
        find_serials(
            &store,
            CertificateFilter {
                scep_profile,
                ra_profile,
                ..by()
            }
        )
        .await,
        ["04"]
    );
    let not_after_before = Some(NOW + DAY * 2);
    assert_eq!(
        find_serials(
            &store,
            CertificateFilter {
                not_after_before,
                ..by()
            }
        )
        .await,
        ["05", "01"]
    );
    let not_after_from = Some(NOW + DAY * 2);
    assert_eq!(
        find_serials(
            &store,
            CertificateFilter {
                not_after_from,
                ..by()
            }
        )
        .await,
        ["04", "03", "02"]
    );
    let both = CertificateFilter {
        not_after_from,
        not_after_before: Some(NOW + DAY * 3),
        ..by()
    };
    assert_eq!(find_serials(&store, both).await, ["02"]);
    let never = CertificateFilter {
        not_after_from: Some(NOW + DAY * 3),
        not_after_before: Some(NOW + DAY),
        ..by()
    };
    assert_eq!(find_serials(&store, never).await, [""; 0]);
}

#[tokio::test]
async fn a_record_holds_the_annotations_of_its_profile() {
    let (_guard, store) = store_with_certificates().await;
    let annotated = store
        .certificate_record(TypedUuid::from_u128(4))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(annotated.annotations.custom_attributes.as_json(), "[1]");
    assert_eq!(annotated.transaction, key("t 4"));
    let plain = store
        .certificate_record(TypedUuid::from_u128(5))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(plain.annotations, Annotations::default());
    assert!(
        store
            .certificate_record(TypedUuid::from_u128(6))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn an_invalid_cursor_is_rejected() {
    let (_guard, store) = store_with_certificates().await;
    let subject = Some("router".to_owned());
    let by_subject = CertificateFilter {
        subject,
        ..CertificateFilter::default()
    };
    let foreign = store
        .certificates(
            &by_subject,
            &PageRequest {
                limit: 1,
                cursor: None,
            },
        )
        .await
        .unwrap()
        .cursor;
    let by_expiry = CertificateFilter::default();
    let long = "A".repeat(5000);
    // The last cursor belongs to a list in another order.
    for cursor in [
        "",
        "x",
        "W10",
        "WyJhIiwiYiIsImMiXQ",
        &long,
        &foreign.unwrap(),
    ] {
        let request = PageRequest {
            limit: 2,
            cursor: Some(cursor.to_owned()),
        };
        let found = store.certificates(&by_expiry, &request).await;
        assert!(matches!(found, Err(StoreError::Cursor)), "{cursor}");
        let found = store.transactions(None, &request, NOW).await;
        assert!(matches!(found, Err(StoreError::Cursor)), "{cursor}");
    }
}

#[tokio::test]
async fn transactions_are_listed_by_status_and_unfinished_ones_come_first() {
    let (_guard, store) = store_with_certificates().await;
    let open = claim(key("open"), None, NOW);
    store.claim(&open).await.unwrap();
    let list = async |status, limit, cursor| {
        let now = OffsetDateTime::now_utc();
        store
            .transactions(status, &PageRequest { limit, cursor }, now)
            .await
            .unwrap()
    };
    let first = list(None, 2, None).await;
    assert_eq!(first.items.len(), 2);
    let item = &first.items[0];
    assert_eq!(
        (item.transaction_id.as_str(), item.status),
        ("open", TransactionStatus::Issuing)
    );
    assert_eq!(
        (item.uuid, item.message_type.as_str()),
        (open.key.uuid(), "19")
    );
    assert_eq!(
        (item.subject.as_str(), item.certificate),
        ("CN=device-1,O=Corp", None)
    );
    assert_eq!(first.items[1].status, TransactionStatus::Issued);
    let mut seen: BTreeSet<_> = first
        .items
        .iter()
        .map(|item| item.transaction_id.clone())
        .collect();
    let mut cursor = first.cursor;
    while let Some(next) = cursor {
        let part = list(None, 2, Some(next)).await;
        assert!(
            part.items
                .iter()
                .all(|item| seen.insert(item.transaction_id.clone()))
        );
        cursor = part.cursor;
    }
    assert_eq!(seen.len(), 6);
    let issued = list(Some(TransactionStatus::Issued), 100, None).await.items;
    assert_eq!(issued.len(), 5);
    assert!(issued.iter().all(|item| item.certificate.is_some()));
    assert!(
        list(Some(TransactionStatus::Pending), 100, None)
            .await
            .items
            .is_empty()
    );
    // Expired transactions are not listed, even if they have not been removed yet.
    let later = OffsetDateTime::now_utc() + DAY * 2;
    let found = store
        .transactions(
            None,
            &PageRequest {
                limit: 100,
                cursor: None,
            },
            later,
        )
        .await
        .unwrap();
    assert_eq!(found.items.len(), 1);
}

#[tokio::test]
async fn audit_records_are_found_by_object_and_by_time_newest_first() {
    let (_guard, store) = store().await;
    let objects = [1, 2].map(Uuid::from_u128);
    for (index, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let profile = ra_profile(name);
        create(&store, &profile).await.unwrap();
        // A second record for one of two objects, each at a different time.
        let at = NOW + DAY * i32::try_from(index).unwrap();
        let mut second = audit(Reference {
            kind: scep_service::object::ObjectKind::RaProfile,
            uuid: objects[index % 2],
        });
        second.at = at;
        let milliseconds = u64::try_from(at.unix_timestamp() * 1000).unwrap();
        second.uuid = TypedUuid::from_u128(
            u128::from(milliseconds) << 80 | 7 << 76 | u128::try_from(index).unwrap(),
        );
        let unchanged = Change::Replace {
            object: stored(&profile, 2),
            read: 1,
            added: Vec::new(),
            removed: Vec::new(),
        };
        store.apply(&unchanged, &second).await.unwrap();
    }
    let found = async |filter: &AuditFilter| {
        store
            .audit_records(
                filter,
                &PageRequest {
                    limit: 100,
                    cursor: None,
                },
            )
            .await
            .unwrap()
            .items
            .into_iter()
            .map(|record| (record.at - NOW).whole_days())
            .collect::<Vec<_>>()
    };
    let of_first = AuditFilter {
        object: Some(objects[0]),
        ..AuditFilter::default()
    };
    assert_eq!(found(&of_first).await, [2, 0]);
    let between = AuditFilter {
        object: None,
        since: Some(NOW + DAY),
        until: Some(NOW + DAY * 3),
    };
    assert_eq!(found(&between).await, [2, 1]);
    let none = AuditFilter {
        object: Some(Uuid::nil()),
        ..AuditFilter::default()
    };
    assert!(found(&none).await.is_empty());
    assert_eq!(found(&AuditFilter::default()).await.len(), 8);
}
