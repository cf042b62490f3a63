//! The certificates table: the record of every certificate, lists of them, and their revocation.

use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::revocation::{Revocation, RevokedCertificate};
use scep_protocol::id::ChallengeUuid;
use scep_protocol::notice::Notice;
use scep_service::audit::AuditRecord;
use scep_service::error::StoreError;
use scep_service::inventory::{
    CertificateFilter, CertificateMatcher, CertificateRecord, CertificateSummary, Page,
    PageRequest, SubjectSearch,
};
use scep_service::ports::WriteOutcome;
use time::OffsetDateTime;

use crate::DynamoDbStore;
use crate::attribute::{to_millis, to_text};
use crate::certificate_item::{
    ALL, certificate_id, former_certificate_id, parse_id, parse_record, parse_revoked,
    parse_summary, revocation_list_key,
};
use crate::expression::{Changes, Condition};
use crate::index::{
    BY_COMMON_NAME, BY_EXPIRY, BY_KEY, BY_PREDECESSOR, BY_RA_PROFILE, BY_REVOCATION, BY_UUID,
};
use crate::item::{ID, Item, REVOCATION_REASON, REVOKED_AT, REVOKED_OF, unavailable};
use crate::page::{Bounds, END_OF_TIME, List, read_all};
use crate::write::Write;

/// The maximum length of a serial number, RFC 5280 §4.1.2.2, in hexadecimal digits.
const MAX_SERIAL_NUMBER_DIGITS: usize = 40;

impl DynamoDbStore {
    pub(crate) async fn find_certificate(
        &self,
        uuid: CertificateUuid,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        let id = certificate_id(uuid);
        if let Some(item) = self.get_certificate_item(id).await? {
            return parse_record(item).map(Some);
        }
        // Only certificates that earlier versions issued are in this index.
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
        let found = self.get_certificate_item(parse_id(key)?).await?;
        found.map(parse_record).transpose()
    }

    pub(crate) async fn read_certificate_page(
        &self,
        filter: &CertificateFilter,
        page: &PageRequest,
    ) -> Result<Page<CertificateSummary>, StoreError> {
        let matcher = CertificateMatcher::of(filter);
        if let Some(challenge) = filter.challenge {
            return self
                .read_page_of_challenge(challenge, page, |record| matcher.matches(record))
                .await;
        }
        // At most one certificate has the UUID, so no index and no cursor are needed.
        if let Some(uuid) = filter.uuid {
            let found = self
                .find_certificate(uuid)
                .await?
                .filter(|record| matcher.matches(record))
                .map(|record| record.summary);
            return Ok(Page {
                items: found.into_iter().collect(),
                cursor: None,
            });
        }
        // The index of names comes before every other: few certificates have such a name, and no
        // other index holds the names.
        let fits = |summary: &CertificateSummary| matcher.matches_summary(summary);
        if let Some(search) = &matcher.alternative_name {
            return self.read_page_of_names(search, page, fits).await;
        }
        let list = self.choose_list(filter, matcher.subject.as_ref());
        let read = |item: Item| {
            let summary = parse_summary(item)?;
            Ok(fits(&summary).then_some(summary))
        };
        self.read_page(&list, page, read).await
    }

    /// Reads a page of the certificates that the uses of a one-time challenge led to. Its cursor is
    /// the last certificate of the page.
    async fn read_page_of_challenge(
        &self,
        challenge: ChallengeUuid,
        page: &PageRequest,
        fits: impl Fn(&CertificateRecord) -> bool,
    ) -> Result<Page<CertificateSummary>, StoreError> {
        let challenge = self.read_challenge(challenge).await?;
        let uses = challenge.map(|challenge| challenge.taken);
        let mut uuids = uses
            .into_iter()
            .flatten()
            .rev()
            .map(|taken| taken.certificate);
        if let Some(cursor) = &page.cursor {
            let last: CertificateUuid = cursor.parse().map_err(|_| StoreError::Cursor)?;
            // A use that was given back is in no list any more, and neither is what follows it.
            uuids.find(|uuid| *uuid == last).ok_or(StoreError::Cursor)?;
        }
        let mut items = Vec::new();
        while items.len() < usize::from(page.limit)
            && let Some(uuid) = uuids.next()
        {
            // A use without a certificate waits for an administrator, or is being issued.
            let found = self.find_certificate(uuid).await?;
            items.extend(found.filter(&fits).map(|record| record.summary));
        }
        let is_last = uuids.next().is_none();
        let cursor = items.last().filter(|_| !is_last);
        Ok(Page {
            cursor: cursor.map(|last: &CertificateSummary| last.uuid.to_string()),
            items,
        })
    }

    pub(crate) async fn revoke_certificate(
        &self,
        certificate: &CertificateRecord,
        revocation: Revocation,
        notices: &[Notice],
        audit: &AuditRecord,
    ) -> Result<WriteOutcome, StoreError> {
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
        let id = self.find_id(summary).await?;
        let mut steps = vec![
            Write::update(&self.tables.certificates, id, changes)
                .on_condition(unchanged)
                .or(WriteOutcome::Lost),
            self.put_revoked_key(summary.key, revocation.at)?.or_fail(),
            self.put_audit(audit)?.or_fail(),
        ];
        steps.extend(self.put_notices(notices)?);
        self.write_all("revoking a certificate", steps, WriteOutcome::Won)
            .await
    }

    pub(crate) async fn list_revoked(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
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
        let items = read_all(&self.client, &list).await?;
        items.into_iter().map(parse_revoked).collect()
    }

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
        // The order is from the most selective filter to the least; the page applies those that no
        // index serves.
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

    /// Finds out under which id a certificate of the inventory is stored.
    async fn find_id(&self, summary: &CertificateSummary) -> Result<String, StoreError> {
        let id = certificate_id(summary.uuid);
        let found = self.get_certificate_item(id.clone()).await?;
        Ok(match found {
            Some(_) => id,
            None => former_certificate_id(summary.authority, summary.uuid),
        })
    }

    pub(crate) async fn get_certificate(
        &self,
        authority: AuthorityUuid,
        uuid: CertificateUuid,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        let found = match self.get_certificate_item(certificate_id(uuid)).await? {
            Some(item) => Some(item),
            None => {
                let former = former_certificate_id(authority, uuid);
                self.get_certificate_item(former).await?
            }
        };
        let record = found.map(parse_record).transpose()?;
        Ok(record.filter(|record| record.summary.authority == authority))
    }

    /// Reads a certificate whose serial number this server would not give, as earlier versions
    /// stored it.
    pub(crate) async fn get_foreign(
        &self,
        authority: AuthorityUuid,
        serial_number: &str,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        if serial_number.len() > MAX_SERIAL_NUMBER_DIGITS {
            return Ok(None);
        }
        let id = format!("{authority}/{serial_number}");
        let found = self.get_certificate_item(id).await?;
        found.map(parse_record).transpose()
    }

    // A stale answer would not know a certificate that was issued a moment ago, or its revocation.
    async fn get_certificate_item(&self, id: String) -> Result<Option<Item>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.certificates)
            .key(ID, to_text(id))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable("reading a certificate"))?;
        Ok(found.item)
    }
}
