//! The contract of refused requests, of the list of all requests, and of their counts.

use std::sync::LazyLock;

use scep_protocol::id::{RefusalUuid, ScepProfileUuid};
use scep_protocol::refusal::Refusal;
use scep_protocol::refusal_record::{
    RefusalReason, RefusalRecord, RefusalVerdict, RequestOutline, RequestedKey,
};
use scep_protocol::transaction::{Fingerprint, SignerClass};
use scep_service::error::StoreError;
use scep_service::inventory::PageRequest;
use scep_service::ports::{GuardedOutcome, RequestLog, Transactions, WriteOutcome};
use scep_service::request_list::{ListedRequest, RequestFilter, RequestOutcome};
use scep_service::statistics::{HourlyCounts, IssuedCounts, Series};
use scepter_tests::device::Device;
use scepter_tests::samples;
use scepter_tests::samples::key;
use time::{Duration, OffsetDateTime};

use super::adapters::{Adapter, store};

/// The time at which the tests began, in whole seconds.
static START: LazyLock<OffsetDateTime> =
    LazyLock::new(|| OffsetDateTime::now_utc().replace_nanosecond(0).unwrap());

/// The time so many seconds after the start.
fn start_plus(seconds: i64) -> OffsetDateTime {
    *START + Duration::seconds(seconds)
}

const fn profile() -> ScepProfileUuid {
    ScepProfileUuid::from_u128(9)
}

/// A request that was refused so many seconds from now on.
fn refused_request(number: u128, seconds: i64) -> RefusalRecord {
    let at = start_plus(seconds);
    let verdict = RefusalVerdict::of_refusal(&Refusal::ChallengeUsed, true);
    RefusalRecord {
        uuid: RefusalUuid::from_u128(number),
        at,
        until: at + Duration::DAY,
        outline: RequestOutline {
            transaction_id: Some(format!("t {number}")),
            subject: Some("CN=device-1".to_owned()),
            key: Some(RequestedKey {
                algorithm: "RSA 2048".to_owned(),
                sha256: Fingerprint([7; 32]),
            }),
            ..RequestOutline::new(profile(), None, Some("2001:db8::1".parse().unwrap()))
        },
        reason: verdict.reason,
        failed: verdict.failed,
        message: verdict.message,
        fail_info: verdict.fail_info,
    }
}

/// Issues a certificate for a transaction that was created so many seconds from now on.
async fn issue_at(store: &Adapter, number: u128, seconds: i64, signer: SignerClass) {
    let at = start_plus(seconds);
    let transaction = key(&format!("t {number}"));
    let mut claim = samples::claim(transaction.clone(), None, at);
    claim.request.signer_class = signer;
    assert_eq!(store.claim(&claim).await.unwrap(), GuardedOutcome::Won);
    let record = samples::record(transaction, number, &Device::ec().certificate, at);
    let until = at + Duration::DAY;
    let completed = store.complete(claim.claim, &record, until, &[]).await;
    assert_eq!(completed.unwrap(), GuardedOutcome::Won);
}

async fn list_page(
    store: &Adapter,
    filter: &RequestFilter,
    limit: u16,
    cursor: Option<String>,
) -> (Vec<ListedRequest>, Option<String>) {
    let page = PageRequest { limit, cursor };
    let page = store.requests(filter, &page, *START).await.unwrap();
    (page.items, page.cursor)
}

/// The transactionIDs of a list, read in pages of this many.
async fn list_ids(store: &Adapter, filter: &RequestFilter, limit: u16) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let (items, next) = list_page(store, filter, limit, cursor).await;
        ids.extend(items.into_iter().map(|item| match item {
            ListedRequest::Refused(record) => record.outline.transaction_id.unwrap(),
            ListedRequest::Transaction(summary, _) => summary.transaction_id,
        }));
        if next.is_none() {
            return ids;
        }
        cursor = next;
    }
}

#[tokio::test]
async fn a_refused_request_is_recorded_once_and_read_until_it_expires() {
    let (_guard, store) = store().await;
    let record = refused_request(1, 0);
    let put = async |record| store.put_refusal(record).await.unwrap();
    assert_eq!(put(&record).await, WriteOutcome::Won);
    let other = RefusalRecord {
        message: "another".to_owned(),
        ..record.clone()
    };
    assert_eq!(put(&other).await, WriteOutcome::Lost);
    let uuid = newtype_uuid::GenericUuid::into_untyped_uuid(record.uuid);
    let read = async |at| store.request(uuid, at).await.unwrap();
    let Some(ListedRequest::Refused(found)) = read(record.until).await else {
        panic!("no record");
    };
    // Stores may keep a record a moment longer.
    let until = found.until;
    assert!((record.until..record.until + Duration::seconds(2)).contains(&until));
    assert_eq!(*found, RefusalRecord { until, ..record });
    assert_eq!(read(until + Duration::seconds(2)).await, None);
    let page = PageRequest {
        limit: 10,
        cursor: None,
    };
    let late = until + Duration::seconds(2);
    let listed = store.requests(&RequestFilter::default(), &page, late).await;
    assert_eq!(listed.unwrap().items, []);
    let nobody = store.request(uuid::Uuid::from_u128(7), *START).await;
    assert_eq!(nobody.unwrap(), None);
}

#[tokio::test]
async fn requests_are_one_list_from_the_newest_on() {
    let (_guard, store) = store().await;
    // Two of each second, one refused and one granted.
    for number in 0..6 {
        let seconds = i64::try_from(number / 2).unwrap();
        match number % 2 {
            0 => {
                let record = refused_request(number, seconds);
                store.put_refusal(&record).await.unwrap();
            }
            _ => issue_at(&store, number, seconds, SignerClass::Challenge).await,
        }
    }
    let all = RequestFilter::default();
    let mut expected = list_ids(&store, &all, 10).await;
    for limit in 1..7 {
        assert_eq!(list_ids(&store, &all, limit).await, expected, "{limit}");
    }
    for (second, pair) in expected.chunks_mut(2).rev().enumerate() {
        pair.sort();
        assert_eq!(
            pair,
            [format!("t {}", 2 * second), format!("t {}", 2 * second + 1)]
        );
    }
    let at = |seconds| Some(start_plus(seconds));
    let only = |outcome| RequestFilter {
        outcome: Some(outcome),
        ..RequestFilter::default()
    };
    for (filter, expected) in [
        (only(RequestOutcome::Refused), &["t 4", "t 2", "t 0"][..]),
        (only(RequestOutcome::Granted), &["t 5", "t 3", "t 1"]),
        (only(RequestOutcome::Pending), &[]),
        (
            RequestFilter {
                since: at(1),
                until: at(2),
                outcome: Some(RequestOutcome::Refused),
                ..RequestFilter::default()
            },
            &["t 2"],
        ),
        (
            RequestFilter {
                transaction_id: Some("t 3".to_owned()),
                ..RequestFilter::default()
            },
            &["t 3"],
        ),
        (
            RequestFilter {
                scep_profile: Some(profile()),
                ..RequestFilter::default()
            },
            &["t 4", "t 2", "t 0"],
        ),
        (
            RequestFilter {
                reason: Some(RefusalReason::UnreadableMessage),
                ..RequestFilter::default()
            },
            &[],
        ),
    ] {
        assert_eq!(list_ids(&store, &filter, 1).await, expected, "{filter:?}");
    }
    let (_, cursor) = list_page(&store, &all, 1, None).await;
    for cursor in ["x".to_owned(), format!("{}.x", cursor.unwrap())] {
        let page = PageRequest {
            limit: 1,
            cursor: Some(cursor),
        };
        let listed = store.requests(&all, &page, *START).await;
        assert!(matches!(listed, Err(StoreError::Cursor)), "{listed:?}");
    }
}

/// The beginning of the present hour.
fn this_hour() -> OffsetDateTime {
    scep_service::statistics::start_of_hour(*START)
}

#[tokio::test]
async fn counts_of_an_hour_add_up_and_are_read_by_day() {
    let (_guard, store) = store().await;
    let reason = Series::Refusals(RefusalReason::UnreadableMessage);
    let mut counts = HourlyCounts::default();
    for hours in [0, 1, 30] {
        counts.add(this_hour() + Duration::hours(hours), reason, 2);
        counts.add(this_hour() + Duration::hours(hours), Series::Renewals, 3);
    }
    for _ in 0..2 {
        store.add_counts(&counts).await.unwrap();
    }
    let last = this_hour() + Duration::hours(30);
    let read = async |from, until| store.counts(from, until).await.unwrap();
    let mut twice = counts.clone();
    twice.add_all(&counts);
    assert_eq!(read(this_hour(), last).await, twice);
    let day_before = this_hour() - Duration::DAY;
    assert_eq!(read(day_before, day_before).await, HourlyCounts::default());
    let of_last_day: Vec<_> = read(last, last).await.iter().collect();
    assert!(of_last_day.contains(&(last, reason, 4)), "{of_last_day:?}");
    assert!(!of_last_day.iter().any(|(hour, ..)| *hour == this_hour()));
}

#[tokio::test]
async fn issued_transactions_are_counted_once() {
    let (_guard, store) = store().await;
    let at = start_plus;
    for (number, signer) in [
        (1, SignerClass::Challenge),
        (2, SignerClass::Certificate),
        (3, SignerClass::Nobody),
    ] {
        let seconds = i64::try_from(number).unwrap();
        issue_at(&store, number, seconds, signer).await;
    }
    let unfinished = samples::claim(key("t 4"), None, at(4));
    store.claim(&unfinished).await.unwrap();
    assert_eq!(store.counted_until().await.unwrap(), None);
    let count = async |after, until, most| store.count_issued(after, until, most).await.unwrap();
    let sum = |counts: &HourlyCounts| {
        let mut sums = (0, 0);
        for (_, series, count) in counts.iter() {
            match series {
                Series::Enrolments => sums.0 += count,
                Series::Renewals => sums.1 += count,
                Series::Refusals(_) => panic!("{counts:?}"),
            }
        }
        sums
    };
    let all = count(None, at(10), 100).await;
    assert_eq!((sum(&all.counts), all.until), ((2, 1), at(10)));
    assert_eq!(sum(&count(None, at(0), 100).await.counts), (0, 0));
    assert_eq!(sum(&count(Some(at(1)), at(2), 100).await.counts), (0, 1));
    // In batches, each of which leaves the last moment that it saw to the next.
    let (mut after, mut sums) = (None, (0, 0));
    for _ in 0..4 {
        let batch = count(after, at(10), 2).await;
        let (enrolments, renewals) = sum(&batch.counts);
        sums = (sums.0 + enrolments, sums.1 + renewals);
        let added = store.add_issued(&batch, after).await.unwrap();
        assert_eq!(added, WriteOutcome::Won);
        // Another process that counted the same comes too late.
        let again = store.add_issued(&batch, after).await.unwrap();
        let expected = match after == Some(batch.until) {
            true => WriteOutcome::Won,
            false => WriteOutcome::Lost,
        };
        assert_eq!(again, expected);
        after = Some(batch.until);
        assert_eq!(store.counted_until().await.unwrap(), after);
        if batch.until == at(10) {
            break;
        }
    }
    assert_eq!((sums, after), ((2, 1), Some(at(10))));
    let stored = store.counts(at(0), at(10)).await.unwrap();
    assert_eq!(sum(&stored), (2, 1));
    let nothing = IssuedCounts {
        counts: HourlyCounts::default(),
        until: at(20),
    };
    let won = store.add_issued(&nothing, after).await.unwrap();
    assert_eq!(won, WriteOutcome::Won);
    assert_eq!(store.counted_until().await.unwrap(), Some(at(20)));
}
