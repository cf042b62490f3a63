//! The certificates table: the record of every certificate, lists of them, and their revocation.

use ca::revocation::{Revocation, RevokedCertificate};
use scep_cms::certificate::Certificate;
use scep_cms::transaction_id::TransactionId;
use scep_protocol::annotations::Annotations;
use scep_protocol::transaction::{Fingerprint, TransactionKey};
use scep_service::audit::AuditRecord;
use scep_service::error::StoreError;
use scep_service::inventory::{
    AuditFilter, CertificateFilter, CertificateRecord, CertificateSummary, Inventory, Page,
    PageRequest, SubjectSearch, TransactionRecord, TransactionStatus, TransactionSummary,
};
use scep_service::ports::{Certificates, ClaimOutcome};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::expression::{Changes, Condition};
use crate::index::{
    BY_COMMON_NAME, BY_EXPIRY, BY_KEY, BY_PREDECESSOR, BY_RA_PROFILE, BY_REVOCATION,
    BY_SCEP_PROFILE, BY_UUID,
};
use crate::item::{
    ANNOTATIONS, AUTHORITY, CERTIFICATE, COMMON_NAME, GENERATION, ID, ISSUED_AT, Item, KEY_SHA256,
    LIST, NOT_AFTER, NOT_BEFORE, PREDECESSOR, RA_PROFILE, REVOCATION_REASON, REVOKED_AT,
    REVOKED_OF, Reader, SCEP_PROFILE, SEARCH_KEY, SERIAL_NUMBER, SUBJECT, TRANSACTION_ID, UUID,
    corrupt, to_millis, to_number, to_octets, to_text, unavailable,
};
use crate::page::{Bounds, List, read_all};
use crate::write::Write;

const RECORD: &str = "certificate record";

/// The hash key that all certificates share in the indexes that list every certificate.
// DynamoDB writes at most a thousand items a second under one hash key.
const ALL: &str = "certificate";

#[async_trait::async_trait]
impl Inventory for DynamoDbStore {
    async fn certificate_record(
        &self,
        uuid: Uuid,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        let list = List {
            table: &self.tables.certificates,
            index: &BY_UUID,
            hash: uuid.to_string(),
            bounds: Bounds::All,
            ascending: true,
        };
        let Some(key) = read_all(&self.client, &list).await?.into_iter().next() else {
            return Ok(None);
        };
        let id = Reader {
            what: RECORD,
            item: &key,
        }
        .text(ID)?
        .to_owned();
        self.get_certificate(id).await
    }

    async fn certificates(
        &self,
        filter: &CertificateFilter,
        page: &PageRequest,
    ) -> Result<Page<CertificateSummary>, StoreError> {
        let search = filter.subject.as_deref().map(SubjectSearch::parse);
        let fits = |summary: &CertificateSummary| {
            let named = search.as_ref().is_none_or(|search| search.matches(summary));
            named && filter.matches_all_but_subject(summary)
        };
        // At most one certificate has the UUID, so no index and no cursor are needed.
        if let Some(uuid) = filter.uuid {
            let found = self
                .certificate_record(uuid)
                .await?
                .map(|record| record.summary)
                .filter(fits);
            return Ok(Page {
                items: found.into_iter().collect(),
                cursor: None,
            });
        }
        let list = self.choose_list(filter, search.as_ref());
        let read = |item: &Item| {
            let summary = parse_summary(&Reader { what: RECORD, item })?;
            Ok(fits(&summary).then_some(summary))
        };
        self.read_page(&list, page, read).await
    }

    async fn transactions(
        &self,
        status: Option<TransactionStatus>,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<TransactionSummary>, StoreError> {
        self.read_transaction_page(status, page, now).await
    }

    async fn transaction_record(
        &self,
        uuid: Uuid,
        now: OffsetDateTime,
    ) -> Result<Option<TransactionRecord>, StoreError> {
        self.read_transaction_record(uuid, now).await
    }

    async fn audit_records(
        &self,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError> {
        self.read_audit_page(filter, page).await
    }
}

#[async_trait::async_trait]
impl Certificates for DynamoDbStore {
    async fn revoke(
        &self,
        certificate: &CertificateRecord,
        revocation: Revocation,
        audit: &AuditRecord,
    ) -> Result<ClaimOutcome, StoreError> {
        let summary = &certificate.summary;
        let of = revocation_list_key(summary.authority, certificate.generation);
        let changes = Changes::default()
            .set(REVOKED_OF, to_text(of))
            .set(REVOKED_AT, to_millis(revocation.at))
            .set(REVOCATION_REASON, to_text(revocation.reason.name()));
        // What was read must still hold: of two administrators who revoke at the same time, the
        // second must not overwrite the reason that the first one gave.
        let unchanged = match summary.revocation {
            None => Condition::All(vec![Condition::Exists(ID), Condition::Missing(REVOKED_AT)]),
            Some(was) => Condition::Equals(REVOCATION_REASON, to_text(was.reason.name())),
        };
        let id = certificate_id(summary.authority, &summary.serial_number);
        let steps = vec![
            Write::update(&self.tables.certificates, id, changes)
                .on_condition(unchanged)
                .or(ClaimOutcome::Lost),
            self.put_revoked_key(summary.key, revocation.at).or_fail(),
            self.put_audit(audit).or_fail(),
        ];
        self.write_all("revoking a certificate", steps, ClaimOutcome::Won)
            .await
    }

    async fn revoked(
        &self,
        authority: Uuid,
        generation: u32,
        not_after_from: OffsetDateTime,
    ) -> Result<Vec<RevokedCertificate>, StoreError> {
        let list = List {
            table: &self.tables.certificates,
            index: &BY_REVOCATION,
            hash: revocation_list_key(authority, generation),
            // An entry may leave the CRL some time after its certificate expired (RFC 5280 §3.3).
            bounds: Bounds::Between(to_millis(not_after_from), to_millis(END_OF_TIME)),
            ascending: true,
        };
        let mut entries = Vec::new();
        for item in &read_all(&self.client, &list).await? {
            let reader = Reader { what: RECORD, item };
            let uuid = reader.uuid(UUID)?;
            let revocation = parse_revocation(&reader)?;
            entries.extend(revocation.map(|revocation| RevokedCertificate { uuid, revocation }));
        }
        Ok(entries)
    }
}

/// Builds the hash key under which the revoked certificates of a generation are listed.
fn revocation_list_key(authority: Uuid, generation: u32) -> String {
    format!("{authority}/{generation}")
}

impl DynamoDbStore {
    /// Chooses the index under which a filter has the fewest certificates to skip.
    fn choose_list(&self, filter: &CertificateFilter, search: Option<&SubjectSearch>) -> List<'_> {
        let table = &self.tables.certificates;
        if let Some(search) = search {
            return List {
                table,
                index: &BY_COMMON_NAME,
                hash: ALL.to_owned(),
                bounds: match search.key_prefix() {
                    "" => Bounds::All,
                    prefix => Bounds::WithPrefix(prefix.to_owned()),
                },
                ascending: true,
            };
        }
        // From the most selective filter to the least; the page applies those that no index serves.
        let (index, hash) = match filter {
            CertificateFilter { key: Some(key), .. } => (&BY_KEY, key.to_string()),
            CertificateFilter {
                predecessor: Some(uuid),
                ..
            } => (&BY_PREDECESSOR, uuid.to_string()),
            CertificateFilter {
                ra_profile: Some(uuid),
                ..
            } => (&BY_RA_PROFILE, uuid.to_string()),
            CertificateFilter {
                scep_profile: Some(uuid),
                ..
            } => (&BY_SCEP_PROFILE, uuid.to_string()),
            CertificateFilter { .. } => (&BY_EXPIRY, ALL.to_owned()),
        };
        let first = filter.not_after_from.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        // DynamoDB's BETWEEN includes both ends, and `not_after_before` is exclusive.
        let last = filter
            .not_after_before
            .map_or(END_OF_TIME, |before| before - time::Duration::MILLISECOND);
        List {
            table,
            index,
            hash,
            // DynamoDB rejects bounds in the wrong order. With `first` clamped, one certificate may
            // match that is out of range; the page applies the filter again and drops it.
            bounds: Bounds::Between(to_millis(first.min(last)), to_millis(last)),
            // A caller that gives an upper bound looks for what expires next.
            ascending: filter.not_after_before.is_some(),
        }
    }

    pub(crate) async fn get_certificate(
        &self,
        id: String,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.certificates)
            .key(ID, to_text(id))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable("reading a certificate"))?;
        found.item.as_ref().map(parse_record).transpose()
    }
}

/// The latest notAfter that a certificate can have (RFC 5280 §4.1.2.5).
pub(crate) const END_OF_TIME: OffsetDateTime = time::macros::datetime!(9999-12-31 23:59:59 UTC);

pub(crate) fn certificate_id(authority: Uuid, serial_number: &str) -> String {
    format!("{authority}/{serial_number}")
}

/// Builds the id of a certificate from its UUID, which holds the serial number.
pub(crate) fn certificate_id_from_uuid(authority: Uuid, uuid: Uuid) -> String {
    // Serial numbers are stored as the hexadecimal of their octets, without leading zero octets.
    let digits = format!("{:X}", uuid.as_u128());
    let width = digits.len().next_multiple_of(2);
    certificate_id(authority, &format!("{digits:0>width$}"))
}

pub(crate) fn parse_certificate(reader: &Reader<'_>) -> Result<Certificate, StoreError> {
    Certificate::from_der(reader.octets(CERTIFICATE)?).map_err(corrupt(reader.what))
}

/// Adds annotations to an item, if there are any.
pub(crate) fn insert_annotations(
    item: &mut Item,
    annotations: &Annotations,
) -> Result<(), StoreError> {
    if *annotations != Annotations::default() {
        let json = serde_json::to_string(annotations).map_err(corrupt("annotations"))?;
        item.insert(ANNOTATIONS.to_owned(), to_text(json));
    }
    Ok(())
}

/// Reads the annotations of an item.
pub(crate) fn parse_annotations(reader: &Reader<'_>) -> Result<Annotations, StoreError> {
    match reader.optional_text(ANNOTATIONS)? {
        None => Ok(Annotations::default()),
        Some(json) => serde_json::from_str(&json).map_err(corrupt("annotations")),
    }
}

pub(crate) fn certificate_item(record: &CertificateRecord) -> Result<Item, StoreError> {
    let summary = &record.summary;
    let mut item = Item::from([
        (
            ID.to_owned(),
            to_text(certificate_id(summary.authority, &summary.serial_number)),
        ),
        (LIST.to_owned(), to_text(ALL)),
        (UUID.to_owned(), to_text(summary.uuid.to_string())),
        (AUTHORITY.to_owned(), to_text(summary.authority.to_string())),
        (
            RA_PROFILE.to_owned(),
            to_text(summary.ra_profile.to_string()),
        ),
        (
            SCEP_PROFILE.to_owned(),
            to_text(summary.scep_profile.to_string()),
        ),
        (
            TRANSACTION_ID.to_owned(),
            to_text(record.transaction.transaction_id.as_str()),
        ),
        (SERIAL_NUMBER.to_owned(), to_text(&summary.serial_number)),
        (SUBJECT.to_owned(), to_text(&summary.subject)),
        (KEY_SHA256.to_owned(), to_text(summary.key.to_string())),
        (CERTIFICATE.to_owned(), to_octets(record.certificate.der())),
        (NOT_BEFORE.to_owned(), to_millis(summary.not_before)),
        (NOT_AFTER.to_owned(), to_millis(summary.not_after)),
        (ISSUED_AT.to_owned(), to_millis(summary.issued_at)),
        (GENERATION.to_owned(), to_number(record.generation.into())),
    ]);
    if let Some(predecessor) = summary.predecessor {
        item.insert(PREDECESSOR.to_owned(), to_text(predecessor.to_string()));
    }
    if let Some(revocation) = summary.revocation {
        let of = revocation_list_key(summary.authority, record.generation);
        item.insert(REVOKED_OF.to_owned(), to_text(of));
        item.insert(REVOKED_AT.to_owned(), to_millis(revocation.at));
        item.insert(
            REVOCATION_REASON.to_owned(),
            to_text(revocation.reason.name()),
        );
    }
    if let Some(common_name) = &summary.common_name {
        item.insert(COMMON_NAME.to_owned(), to_text(common_name));
    }
    // DynamoDB rejects an empty index key. Without one, a certificate with an empty subject is left
    // out of searches by subject, which could not find it anyway.
    let search_key = summary.search_key();
    if !search_key.is_empty() {
        item.insert(SEARCH_KEY.to_owned(), to_text(search_key));
    }
    insert_annotations(&mut item, &record.annotations)?;
    Ok(item)
}

fn parse_summary(reader: &Reader<'_>) -> Result<CertificateSummary, StoreError> {
    Ok(CertificateSummary {
        uuid: reader.uuid(UUID)?,
        authority: reader.uuid(AUTHORITY)?,
        ra_profile: reader.uuid(RA_PROFILE)?,
        scep_profile: reader.uuid(SCEP_PROFILE)?,
        serial_number: reader.text(SERIAL_NUMBER)?.to_owned(),
        subject: reader.text(SUBJECT)?.to_owned(),
        common_name: reader.optional_text(COMMON_NAME)?,
        key: reader.read(KEY_SHA256, |value| {
            Fingerprint::from_hexadecimal(value.as_s().ok()?)
        })?,
        predecessor: reader.optional_uuid(PREDECESSOR)?,
        not_before: reader.milliseconds(NOT_BEFORE)?,
        not_after: reader.milliseconds(NOT_AFTER)?,
        issued_at: reader.milliseconds(ISSUED_AT)?,
        revocation: parse_revocation(reader)?,
    })
}

fn parse_revocation(reader: &Reader<'_>) -> Result<Option<Revocation>, StoreError> {
    if !reader.item.contains_key(REVOKED_AT) {
        return Ok(None);
    }
    Ok(Some(Revocation {
        at: reader.milliseconds(REVOKED_AT)?,
        reason: reader.read(REVOCATION_REASON, |value| value.as_s().ok()?.parse().ok())?,
    }))
}

pub(crate) fn parse_record(item: &Item) -> Result<CertificateRecord, StoreError> {
    let reader = Reader { what: RECORD, item };
    let summary = parse_summary(&reader)?;
    Ok(CertificateRecord {
        transaction: TransactionKey {
            scep_profile: summary.scep_profile,
            transaction_id: reader.read(TRANSACTION_ID, |value| {
                TransactionId::new(value.as_s().ok()?).ok()
            })?,
        },
        summary,
        certificate: parse_certificate(&reader)?,
        generation: reader.number(GENERATION)?,
        annotations: parse_annotations(&reader)?,
    })
}
