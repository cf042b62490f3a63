//! Fills the store of a data folder as years of use would: not by enrolments, which would take
//! hours, but by records like those that one enrolment left.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};

use ca::id::CertificateUuid;
use ca::revocation::{Revocation, RevocationReason};
use indicatif::ProgressBar;
use newtype_uuid::GenericUuid;
use scep_cms::certificate::{Certificate, Validity};
use scep_cms::transaction_id::TransactionId;
use scep_protocol::check::Check;
use scep_protocol::id::{ClaimUuid, RefusalUuid, TransactionUuid};
use scep_protocol::lockout::{Lockout, LockoutSubject};
use scep_protocol::refusal_record::{RefusalReason, RefusalRecord, RequestOutline};
use scep_protocol::transaction::{Fingerprint, TransactionKey, TransactionState};
use scep_service::audit::{Actor, AuditAction, AuditRecord, AuditRecordUuid, first_record_uuid};
use scep_service::inventory::{
    CertificateFilter, CertificateRecord, PageRequest, TransactionRecord, TransactionStatus,
};
use scep_service::object::Reference;
use scep_service::ports::Store;
use scep_service::record::{EnvelopeRecord, Record, RequestRecord};
use scep_service::statistics::{HourlyCounts, Series};
use scepter_tests::samples::{claim, one_time_challenge};
use store_sqlite::SqliteStore;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

/// The name that the sample is enrolled with; its digits are replaced by those of the number.
pub(crate) const SAMPLE_NAME: &str = "device-0000000";

/// How long ago the first certificate was issued.
const HISTORY: Duration = Duration::days(400);
const VALIDITY: Duration = Duration::days(365);

/// One certificate of so many is a renewal.
const RENEWALS: usize = 5;
/// One certificate of so many is revoked, unless it has expired.
const REVOCATIONS: usize = 9;
/// Fewer requests than the most that may wait for an administrator.
const MAX_PENDING: usize = 900;
/// The store has a refusal for so many certificates.
const REFUSALS: usize = 10;
/// So many reasons have refusals in each hour.
const REASONS: usize = 8;
/// The store has a one-time challenge for so many certificates.
const CHALLENGES: usize = 20;
const LOCKOUTS: u32 = 500;

/// The certificates of which the records are written in one transaction.
const BATCH: usize = 4_000;

/// What one enrolment left in the store.
pub(crate) struct Sample {
    certificate: CertificateRecord,
    transaction: TransactionRecord,
}

impl Sample {
    /// Finds the only certificate of the store in a file.
    pub(crate) fn find(file: &Path, now: OffsetDateTime) -> Self {
        let store = SqliteStore::open(file).unwrap();
        let runtime = build_runtime();
        let page = PageRequest {
            limit: 2,
            cursor: None,
        };
        let filter = CertificateFilter::default();
        let listed = runtime
            .block_on(store.certificates(&filter, &page))
            .unwrap();
        let [summary] = &listed.items[..] else {
            panic!("the store has {} certificates", listed.items.len());
        };
        let certificate = runtime.block_on(store.certificate_record(summary.uuid));
        let certificate = certificate.unwrap().unwrap();
        let uuid = certificate.transaction.uuid();
        let transaction = runtime.block_on(store.transaction_record(uuid, now));
        Self {
            transaction: transaction.unwrap().unwrap(),
            certificate,
        }
    }
}

/// A store of many certificates to be written.
pub(crate) struct Filler {
    sample: Sample,
    count: usize,
    now: OffsetDateTime,
}

impl Filler {
    /// The reason for which no request was refused.
    pub(crate) const ABSENT_REASON: RefusalReason = RefusalReason::UnreadableMessage;

    pub(crate) const fn new(sample: Sample, count: usize, now: OffsetDateTime) -> Self {
        Self { sample, count, now }
    }

    /// The number of certificates.
    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// The time at which the history of the store ends.
    pub(crate) const fn now(&self) -> OffsetDateTime {
        self.now
    }

    /// Writes every record into the store in a file.
    pub(crate) fn fill(&self, file: &Path, bar: &ProgressBar) {
        let (store, runtime) = (SqliteStore::open(file).unwrap(), build_runtime());
        let write = |records| runtime.block_on(store.import(records)).unwrap();
        // One processor builds records while the other one writes those before.
        std::thread::scope(|scope| {
            let (sender, batches) = sync_channel(1);
            scope.spawn(move || self.build_batches(&sender));
            for (certificates, records) in batches {
                write(records);
                bar.inc(certificates);
            }
        });
        write(self.build_undecided());
        write(self.build_counts());
        write(self.build_lockouts());
    }

    /// Builds the records of all certificates, and sends them together with the number of
    /// certificates.
    fn build_batches(&self, batches: &SyncSender<(u64, Vec<Record>)>) {
        for first in (0..self.count).step_by(BATCH) {
            let batch = first..self.count.min(first + BATCH);
            let certificates = batch.len().try_into().unwrap();
            let records = batch.flat_map(|index| self.build_records(index));
            batches.send((certificates, records.collect())).unwrap();
        }
    }

    /// The identity of a certificate, which is its serial number.
    pub(crate) fn uuid(&self, index: usize) -> CertificateUuid {
        let mut octets = [0; 16];
        let (first, others) = octets.split_at_mut(1);
        // The serial number keeps its length in DER.
        first.copy_from_slice(&self.sample.certificate.summary.uuid.into_bytes()[..1]);
        others.copy_from_slice(&self.hash(b"serial", index).0[..15]);
        CertificateUuid::from_untyped_uuid(Uuid::from_bytes(octets))
    }

    /// The fingerprint of a certificate's key.
    pub(crate) fn key(&self, index: usize) -> Fingerprint {
        self.hash(b"key", index)
    }

    /// The transactionID of a certificate.
    pub(crate) fn transaction_id(&self, index: usize) -> TransactionId {
        TransactionId::new(&self.hash(b"transaction", index).to_string()).unwrap()
    }

    /// A number that looks random, and is the same in each run. It grows with the index in its
    /// first octets, so that the rows of a batch are neighbours in the indexes. Real ones are not;
    /// the indexes are alike in the end, but every batch would write all of their pages.
    fn hash(&self, what: &[u8], index: usize) -> Fingerprint {
        let mut hash = Fingerprint::of(&[what, &index.to_be_bytes()].concat());
        // The indexes of undecided transactions follow those of the certificates.
        let place = u16::try_from(index * 60_000 / self.count).unwrap_or(u16::MAX);
        hash.0[..2].copy_from_slice(&place.to_be_bytes());
        hash
    }

    /// The identity of the transaction of a certificate.
    pub(crate) fn transaction_uuid(&self, index: usize) -> TransactionUuid {
        let key = TransactionKey {
            transaction_id: self.transaction_id(index),
            ..self.sample.certificate.transaction.clone()
        };
        key.uuid()
    }

    fn issued_at(&self, index: usize) -> OffsetDateTime {
        let age = HISTORY * (self.count - index) as f64 / self.count as f64;
        // Dates in certificates have no fractions of a second.
        (self.now - age).replace_nanosecond(0).unwrap()
    }

    /// Whether a certificate is revoked. Those that have expired are not: they are on no CRL.
    fn is_revoked(&self, index: usize) -> bool {
        index % REVOCATIONS == 2 && self.issued_at(index) + VALIDITY > self.now + Duration::DAY
    }

    /// The number of certificates that are revoked.
    pub(crate) fn count_revoked(&self) -> usize {
        (0..self.count)
            .filter(|index| self.is_revoked(*index))
            .count()
    }

    /// The index of a certificate that is valid.
    pub(crate) fn unrevoked(&self) -> usize {
        self.count - 1 - usize::from(self.is_revoked(self.count - 1))
    }

    fn build_records(&self, index: usize) -> Vec<Record> {
        let issued_at = self.issued_at(index);
        let certificate = self.build_certificate(index, issued_at);
        let mut records = Vec::new();
        if let Some(revocation) = certificate.summary.revocation {
            records.push(Record::RevokedKey(certificate.summary.key, revocation.at));
            records.push(Record::Audit(build_audit(&certificate, revocation.at)));
        }
        // What has expired is deleted every minute, so nothing of it is left.
        let soon = self.now + Duration::HOUR;
        let (renewable_at, not_after) = (issued_at + VALIDITY / 2, issued_at + VALIDITY);
        let envelope_until = issued_at + Duration::DAY;
        if renewable_at > soon {
            let state = TransactionState::Issued {
                certificate: certificate.certificate.clone(),
                authority: certificate.summary.authority,
                generation: certificate.generation,
                resend_until: renewable_at,
            };
            let record = self.build_transaction(index, issued_at, state);
            records.push(Record::Transaction(Box::new(record)));
        }
        if not_after > soon {
            records.push(self.build_request(index, not_after));
        }
        if envelope_until > soon {
            records.push(Record::Envelope(EnvelopeRecord {
                encrypted_key: self.hash(b"encrypted key", index),
                ciphertext: self.hash(b"ciphertext", index),
                until: envelope_until,
            }));
        }
        if index.is_multiple_of(REFUSALS) {
            records.push(self.build_refusal(index));
        }
        if index.is_multiple_of(CHALLENGES) {
            records.push(self.build_challenge(index));
        }
        records.push(Record::Certificate(Box::new(certificate)));
        records
    }

    fn build_certificate(&self, index: usize, issued_at: OffsetDateTime) -> CertificateRecord {
        let sample = &self.sample.certificate;
        let mut record = sample.clone();
        let uuid = self.uuid(index);
        let name = write_name(index);
        let mut der = sample.certificate.der().to_vec();
        replace_all(&mut der, SAMPLE_NAME.as_bytes(), name.as_bytes());
        let number = sample.summary.uuid.into_bytes();
        replace_all(&mut der, &number, &uuid.into_bytes());
        let not_after = issued_at + VALIDITY;
        let Validity {
            not_before: former_start,
            not_after: former_end,
        } = sample.certificate.validity().unwrap();
        replace_all(
            &mut der,
            &write_utc_time(former_start),
            &write_utc_time(issued_at),
        );
        replace_all(
            &mut der,
            &write_utc_time(former_end),
            &write_utc_time(not_after),
        );
        record.certificate = Certificate::from_der(&der).unwrap();
        record.transaction.transaction_id = self.transaction_id(index);
        let is_renewal = index % RENEWALS == 1 && index > self.count / 2;
        let summary = &mut record.summary;
        summary.uuid = uuid;
        summary.serial_number = format!("{:X}", uuid.as_u128());
        summary.subject = summary.subject.replace(SAMPLE_NAME, &name);
        summary.common_name = Some(name);
        summary.key = self.key(index);
        summary.predecessor = is_renewal.then(|| self.uuid(index - self.count / 2));
        summary.not_before = issued_at;
        summary.not_after = not_after;
        summary.issued_at = issued_at;
        summary.revocation = self.is_revoked(index).then_some(Revocation {
            at: issued_at + (self.now - issued_at) / 2,
            reason: RevocationReason::Superseded,
        });
        record
    }

    fn build_transaction(
        &self,
        index: usize,
        created_at: OffsetDateTime,
        state: TransactionState,
    ) -> TransactionRecord {
        let mut record = self.sample.transaction.clone();
        let transaction = &mut record.transaction;
        transaction.key.transaction_id = self.transaction_id(index);
        transaction.claim = self.claim_uuid(index);
        transaction.request.csr = self.hash(b"csr", index);
        transaction.signer_key = self.key(index);
        transaction.requester_key = self.key(index);
        transaction.state = state;
        let summary = &mut record.summary;
        summary.uuid = transaction.key.uuid();
        summary.transaction_id = transaction.key.transaction_id.as_str().to_owned();
        summary.subject = summary.subject.replace(SAMPLE_NAME, &write_name(index));
        summary.created_at = created_at;
        (summary.status, summary.certificate) = match &transaction.state {
            TransactionState::Issued { .. } => (TransactionStatus::Issued, Some(self.uuid(index))),
            TransactionState::Issuing { .. } => (TransactionStatus::Issuing, None),
            TransactionState::Pending { .. } => (TransactionStatus::Pending, None),
            TransactionState::Rejected { .. } => (TransactionStatus::Rejected, None),
        };
        record
    }

    fn build_request(&self, index: usize, until: OffsetDateTime) -> Record {
        let summary = &self.sample.certificate.summary;
        let mut request = self.sample.transaction.transaction.request;
        request.csr = self.hash(b"csr", index);
        let transaction = TransactionKey {
            scep_profile: summary.scep_profile,
            transaction_id: self.transaction_id(index),
        };
        Record::Request(RequestRecord {
            id: request.identify(summary.scep_profile, self.key(index)),
            transaction: transaction.uuid(),
            claim: self.claim_uuid(index),
            certificate: Some((summary.authority, self.uuid(index))),
            until,
        })
    }

    fn claim_uuid(&self, index: usize) -> ClaimUuid {
        ClaimUuid::from_untyped_uuid(self.uuid(index).into_untyped_uuid())
    }

    /// Builds transactions that wait for an administrator, and such that one has rejected.
    fn build_undecided(&self) -> Vec<Record> {
        let until = self.now + Duration::days(3);
        let (pending, rejected) = (MAX_PENDING.min(self.count / 1_000), self.count / 100);
        let build = |number: usize| {
            let index = self.count + number;
            let key = TransactionKey {
                transaction_id: self.transaction_id(index),
                ..self.sample.certificate.transaction.clone()
            };
            let state = match number < pending {
                true => TransactionState::Pending {
                    issuance: claim(key, None, self.now).issuance,
                    until,
                },
                false => TransactionState::Rejected {
                    reason: "not one of ours".to_owned(),
                    until,
                },
            };
            let age = Duration::seconds(number.try_into().unwrap());
            let record = self.build_transaction(index, self.now - age, state);
            Record::Transaction(Box::new(record))
        };
        (0..pending + rejected).map(build).collect()
    }

    fn build_refusal(&self, index: usize) -> Record {
        let reasons: Vec<_> = RefusalReason::all()
            .filter(|reason| *reason != Self::ABSENT_REASON)
            .collect();
        let summary = &self.sample.certificate.summary;
        // Refusals are kept for 90 days.
        let age = Duration::days(90) * (self.count - index) as f64 / self.count as f64;
        let at = self.now - age + Duration::HOUR;
        let mut outline = RequestOutline::new(summary.scep_profile, Some(summary.ra_profile), None);
        outline.transaction_id = Some(self.transaction_id(index).as_str().to_owned());
        outline.subject = Some(format!("CN=device-{index:07},O=Corp"));
        Record::Refusal(Box::new(RefusalRecord {
            uuid: RefusalUuid::from_untyped_uuid(Uuid::new_v4()),
            at,
            until: at + Duration::days(90),
            outline,
            reason: reasons[index / REFUSALS % reasons.len()],
            failed: Check::Authorisation,
            message: "the challenge is wrong".to_owned(),
            fail_info: None,
        }))
    }

    fn build_challenge(&self, index: usize) -> Record {
        let mut challenge = one_time_challenge(1, self.now - Duration::days(20));
        challenge.scep_profile = self.sample.certificate.summary.scep_profile;
        challenge.created_at += Duration::seconds(index.try_into().unwrap());
        // Some have expired, some have been deleted.
        challenge.expires_at = match index / CHALLENGES % 2 {
            0 => self.now - Duration::days(2),
            _ => self.now + Duration::days(2),
        };
        challenge.deleted = (index / CHALLENGES).is_multiple_of(10);
        Record::Challenge(Box::new(challenge))
    }

    fn build_counts(&self) -> Vec<Record> {
        let mut counts = HourlyCounts::default();
        let hours = (0..HISTORY.whole_hours()).map(|hour| self.now - Duration::hours(hour));
        for hour in hours {
            let refusals = RefusalReason::all().take(REASONS).map(Series::Refusals);
            for series in refusals.chain([Series::Enrolments, Series::Renewals]) {
                counts.add(hour, series, 100);
            }
        }
        vec![Record::Counts(counts), Record::CountedUntil(self.now)]
    }

    fn build_lockouts(&self) -> Vec<Record> {
        let scep_profile = self.sample.certificate.summary.scep_profile;
        let build = |number: u32| {
            let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).into();
            let subject = LockoutSubject::of_address(address);
            let mut lockout = Lockout::none(scep_profile, subject, self.now);
            lockout.failures = 10;
            lockout.until = Some(self.now + Duration::HOUR);
            lockout.version = 10;
            Record::Lockout(lockout)
        };
        (0..LOCKOUTS).map(build).collect()
    }
}

fn build_runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

/// The record of a revocation.
fn build_audit(certificate: &CertificateRecord, at: OffsetDateTime) -> AuditRecord {
    let random = Uuid::new_v4().as_u128() >> 48;
    let uuid = Uuid::from_u128(first_record_uuid(at).as_u128() | random);
    AuditRecord {
        uuid: AuditRecordUuid::from_untyped_uuid(uuid),
        at,
        actor: Actor::new("bench".to_owned()),
        action: AuditAction::Revoke,
        object: Reference::to_certificate(certificate.summary.uuid),
        name: Some(certificate.summary.subject.clone()),
        before: Some(r#"{"revoked":null}"#.to_owned()),
        after: Some(r#"{"revoked":"superseded"}"#.to_owned()),
    }
}

fn write_name(index: usize) -> String {
    format!("device-{index:07}")
}

/// Replaces octets by as many others wherever they occur.
fn replace_all(octets: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    let mut found = false;
    for start in 0..=octets.len() - from.len() {
        if octets[start..].starts_with(from) {
            octets[start..start + to.len()].copy_from_slice(to);
            found = true;
        }
    }
    assert!(found, "the sample does not contain {from:02x?}");
}

/// Writes a time as a UTCTime, RFC 5280 §4.1.2.5.1.
fn write_utc_time(at: OffsetDateTime) -> Vec<u8> {
    let format = format_description!("[year repr:last_two][month][day][hour][minute][second]Z");
    at.format(&format).unwrap().into_bytes()
}
