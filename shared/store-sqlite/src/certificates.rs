//! Lists of certificates, and their revocation.

use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::revocation::{Revocation, RevokedCertificate};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, named_params};
use scep_protocol::id::ChallengeUuid;
use scep_protocol::transaction::Fingerprint;
use scep_service::error::StoreError;
use scep_service::inventory::{
    AlternativeNameSearch, CertificateFilter, CertificateMatcher, CertificateRecord,
    CertificateSummary, Page, PageRequest, SubjectSearch,
};
use scep_service::ports::WriteOutcome;
use time::{Duration, OffsetDateTime};

use crate::certificate_row::{find_certificate, read_record, read_revocation, read_summary};
use crate::challenges::find_challenge;
use crate::database::outcome_of;
use crate::error::Error;
use crate::page::{Cursor, MAX_ROWS};
use crate::transaction_row::GenerationNumber;
use crate::value::{Digest, Id, Millis, to_millis, to_octets};

/// Lists certificates by the index under which a filter has the fewest to skip. The filter is then
/// applied to each of them.
pub(crate) fn list_certificates(
    connection: &Connection,
    filter: &CertificateFilter,
    page: &PageRequest,
) -> Result<Page<CertificateSummary>, Error> {
    let matcher = CertificateMatcher::of(filter);
    if let Some(challenge) = filter.challenge {
        return list_of_challenge(connection, challenge, page, |record| {
            matcher.matches(record)
        });
    }
    // At most one certificate has the UUID, so there is no further page.
    if let Some(uuid) = filter.uuid {
        let found = find_certificate(connection, uuid)?.filter(|record| matcher.matches(record));
        return Ok(Page {
            items: found.into_iter().map(|record| record.summary).collect(),
            cursor: None,
        });
    }
    let fits = |summary: &CertificateSummary| matcher.matches_summary(summary);
    if let Some(search) = &matcher.alternative_name {
        return list_by_alternative_name(connection, search, page, fits);
    }
    match &matcher.subject {
        Some(search) => list_by_subject(connection, search, page, fits),
        None => list_by_expiry(connection, filter, page, fits),
    }
}

/// Lists the certificates that have an alternative name with a prefix, by that name. A cursor is
/// the number of the last row and the octets of its name.
fn list_by_alternative_name(
    connection: &Connection,
    search: &AlternativeNameSearch,
    page: &PageRequest,
    fits: impl Fn(&CertificateSummary) -> bool,
) -> Result<Page<CertificateSummary>, Error> {
    let prefix = search.key_prefix();
    let last = page.cursor.as_deref().map(parse_name_cursor).transpose()?;
    expect_prefix(prefix, last.as_ref())?;
    let (name, number) = last.unwrap_or_else(|| (prefix.to_owned(), i64::MIN));
    let mut statement = connection.prepare_cached(
        "SELECT alternative_names.name, certificates.*
         FROM alternative_names JOIN certificates ON certificates.number = certificate
         WHERE name >= ?1 AND (name, certificate) > (?2, ?3)
         ORDER BY name, certificate LIMIT ?4",
    )?;
    let mut rows = statement.query((prefix, name, number, MAX_ROWS))?;
    let mut list = Filtered::new(page);
    while let Some(row) = list.next_row(&mut rows)? {
        let name: String = row.get("name")?;
        if !name.starts_with(prefix) {
            list.is_last = true;
            break;
        }
        let number: i64 = row.get("number")?;
        let record = read_record(row)?;
        // Several names of a certificate may match; the first of them in the index lists it, so no
        // page needs to know what others have listed.
        let is_first = search.first_match(&record.alternative_names()) == Some(name.as_str());
        list.add(
            record.summary,
            |summary| is_first && fits(summary),
            || format!("a{number}_{}", encode_hexadecimal(&name)),
        );
    }
    Ok(list.into_page())
}

/// Rejects a cursor of a search for another prefix.
fn expect_prefix(prefix: &str, last: Option<&(String, i64)>) -> Result<(), StoreError> {
    match last {
        Some((name, _)) if !name.starts_with(prefix) => Err(StoreError::Cursor),
        Some(_) | None => Ok(()),
    }
}

fn encode_hexadecimal(text: &str) -> String {
    text.bytes().map(|octet| format!("{octet:02x}")).collect()
}

fn decode_hexadecimal(digits: &str) -> Option<String> {
    let octets = (0..digits.len())
        .step_by(2)
        .map(|start| u8::from_str_radix(digits.get(start..start + 2)?, 16).ok());
    String::from_utf8(octets.collect::<Option<_>>()?).ok()
}

fn parse_name_cursor(cursor: &str) -> Result<(String, i64), StoreError> {
    let parse = || {
        let (number, name) = cursor.strip_prefix('a')?.split_once('_')?;
        Some((decode_hexadecimal(name)?, number.parse().ok()?))
    };
    parse().ok_or(StoreError::Cursor)
}

/// Lists the certificates whose search key has a prefix, by that key. A cursor is the number of the
/// last row.
fn list_by_subject(
    connection: &Connection,
    search: &SubjectSearch,
    page: &PageRequest,
    fits: impl Fn(&CertificateSummary) -> bool,
) -> Result<Page<CertificateSummary>, Error> {
    let prefix = search.key_prefix();
    let last = match &page.cursor {
        None => None,
        Some(cursor) => Some(parse_subject_cursor(connection, cursor)?),
    };
    expect_prefix(prefix, last.as_ref())?;
    let (key, number) = last.unwrap_or_else(|| (prefix.to_owned(), i64::MIN));
    let mut statement = connection.prepare_cached(
        "SELECT * FROM certificates
         WHERE search_key >= ?1 AND (search_key, number) > (?2, ?3)
         ORDER BY search_key, number LIMIT ?4",
    )?;
    let mut rows = statement.query((prefix, key, number, MAX_ROWS))?;
    let mut list = Filtered::new(page);
    while let Some(row) = list.next_row(&mut rows)? {
        let key: String = row.get("search_key")?;
        if !key.starts_with(prefix) {
            list.is_last = true;
            break;
        }
        let number: i64 = row.get("number")?;
        list.add(read_summary(row)?, &fits, || format!("n{number}"));
    }
    Ok(list.into_page())
}

/// Reads the search key and the number of the row that a cursor names.
fn parse_subject_cursor(connection: &Connection, cursor: &str) -> Result<(String, i64), Error> {
    let number: i64 = cursor
        .strip_prefix('n')
        .and_then(|number| number.parse().ok())
        .ok_or(StoreError::Cursor)?;
    let key = connection
        .prepare_cached("SELECT search_key FROM certificates WHERE number = ?")?
        .query_row([number], |row| row.get::<_, Option<String>>(0));
    match key {
        Ok(Some(key)) => Ok((key, number)),
        Ok(None) | Err(rusqlite::Error::QueryReturnedNoRows) => Err(StoreError::Cursor.into()),
        Err(error) => Err(error.into()),
    }
}

/// Lists certificates by expiry: the soonest first for a filter with an upper bound, since its
/// caller looks for what expires next, and otherwise the latest.
fn list_by_expiry(
    connection: &Connection,
    filter: &CertificateFilter,
    page: &PageRequest,
    fits: impl Fn(&CertificateSummary) -> bool,
) -> Result<Page<CertificateSummary>, Error> {
    let (column, value) = choose_column(filter);
    let is_ascending = filter.not_after_before.is_some();
    let (comparison, direction, first) = match is_ascending {
        true => (">", "ASC", Cursor::FIRST),
        false => ("<", "DESC", Cursor::LAST),
    };
    let start = Cursor::start_of(page, first)?;
    let from = filter.not_after_from.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let until = filter
        .not_after_before
        .map_or(i64::MAX, |before| to_millis(before - Duration::MILLISECOND));
    let mut statement = connection.prepare_cached(&format!(
        "SELECT * FROM certificates
         WHERE {column} = :value AND not_after BETWEEN :from AND :until
             AND (not_after, number) {comparison} (:start, :number)
         ORDER BY not_after {direction}, number {direction} LIMIT :limit"
    ))?;
    let mut rows = statement.query(named_params! {
        ":value": value,
        ":from": Millis(from),
        ":until": until,
        ":start": start.sorted_by,
        ":number": start.number,
        ":limit": MAX_ROWS,
    })?;
    let mut list = Filtered::new(page);
    while let Some(row) = list.next_row(&mut rows)? {
        let place = Cursor {
            sorted_by: row.get("not_after")?,
            number: row.get("number")?,
        };
        list.add(read_summary(row)?, &fits, || place.to_string());
    }
    Ok(list.into_page())
}

/// Chooses the most selective column that the filter names and an index begins with, and its value.
fn choose_column(filter: &CertificateFilter) -> (&'static str, Value) {
    match filter {
        CertificateFilter { key: Some(key), .. } => ("key", Value::Blob(key.0.to_vec())),
        CertificateFilter {
            predecessor: Some(uuid),
            ..
        } => ("predecessor", to_octets(*uuid)),
        CertificateFilter {
            ra_profile: Some(uuid),
            ..
        } => ("ra_profile", to_octets(*uuid)),
        CertificateFilter {
            scep_profile: Some(uuid),
            ..
        } => ("scep_profile", to_octets(*uuid)),
        // The index by expiry alone serves a condition that is true of each row.
        CertificateFilter { .. } => ("1", Value::Integer(1)),
    }
}

/// Lists the certificates that the uses of a one-time challenge led to, by the latest use first. A
/// cursor is the last certificate of a page.
fn list_of_challenge(
    connection: &Connection,
    challenge: ChallengeUuid,
    page: &PageRequest,
    fits: impl Fn(&CertificateRecord) -> bool,
) -> Result<Page<CertificateSummary>, Error> {
    let challenge = find_challenge(connection, challenge)?;
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
        let found = find_certificate(connection, uuid)?.filter(&fits);
        items.extend(found.map(|record| record.summary));
    }
    let is_last = uuids.next().is_none();
    let last = items.last().filter(|_| !is_last);
    Ok(Page {
        cursor: last.map(|last: &CertificateSummary| last.uuid.to_string()),
        items,
    })
}

/// A page of the rows that fit, and how far it has come.
struct Filtered {
    limit: usize,
    items: Vec<CertificateSummary>,
    rows: usize,
    cursor: Option<String>,
    is_last: bool,
}

impl Filtered {
    fn new(page: &PageRequest) -> Self {
        Self {
            limit: page.limit.into(),
            items: Vec::new(),
            rows: 0,
            cursor: None,
            is_last: false,
        }
    }

    /// Returns the next row, unless the page is full.
    fn next_row<'r>(
        &mut self,
        rows: &'r mut rusqlite::Rows<'_>,
    ) -> rusqlite::Result<Option<&'r Row<'r>>> {
        if self.items.len() >= self.limit {
            return Ok(None);
        }
        let next = rows.next()?;
        // What ended the rows is the limit of the statement, or there are no more.
        self.is_last = next.is_none() && self.rows < MAX_ROWS;
        Ok(next)
    }

    fn add(
        &mut self,
        summary: CertificateSummary,
        fits: impl Fn(&CertificateSummary) -> bool,
        cursor: impl FnOnce() -> String,
    ) {
        self.rows += 1;
        self.cursor = Some(cursor());
        if fits(&summary) {
            self.items.push(summary);
        }
    }

    fn into_page(self) -> Page<CertificateSummary> {
        Page {
            items: self.items,
            cursor: self.cursor.filter(|_| !self.is_last),
        }
    }
}

/// Revokes a certificate and its key, if the certificate is unchanged since it was read.
pub(crate) fn revoke_certificate(
    connection: &Connection,
    certificate: &CertificateRecord,
    revocation: Revocation,
) -> rusqlite::Result<WriteOutcome> {
    let summary = &certificate.summary;
    // Of two administrators who revoke at the same time, the second must not overwrite the reason
    // that the first one gave.
    let changed = connection
        .prepare_cached(
            "UPDATE certificates SET revoked_at = :at, revocation_reason = :reason
             WHERE uuid = :uuid AND authority = :authority AND revocation_reason IS :known",
        )?
        .execute(named_params! {
            ":at": Millis(revocation.at),
            ":reason": revocation.reason.name(),
            ":uuid": Id(summary.uuid),
            ":authority": Id(summary.authority),
            ":known": summary.revocation.map(|known| known.reason.name()),
        })?;
    if changed > 0 {
        put_revoked_key(connection, summary.key, revocation.at)?;
    }
    Ok(outcome_of(changed))
}

/// Marks a key as revoked. A second certificate of the same key may be revoked as well.
pub(crate) fn put_revoked_key(
    connection: &Connection,
    key: Fingerprint,
    at: OffsetDateTime,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("REPLACE INTO revoked_keys (key, revoked_at) VALUES (?, ?)")?
        .execute((Digest(key), Millis(at)))?;
    Ok(())
}

pub(crate) fn list_revoked(
    connection: &Connection,
    authority: AuthorityUuid,
    generation: Generation,
    not_after_from: OffsetDateTime,
) -> rusqlite::Result<Vec<RevokedCertificate>> {
    connection
        .prepare_cached(
            "SELECT uuid, revoked_at, revocation_reason FROM certificates
             WHERE authority = ? AND generation = ? AND revoked_at IS NOT NULL AND not_after >= ?
             ORDER BY not_after",
        )?
        .query_map(
            (
                Id(authority),
                GenerationNumber(generation),
                // An entry may leave the CRL some time after its certificate expired (RFC 5280
                // §3.3).
                Millis(not_after_from),
            ),
            |row| {
                let uuid = row.get::<_, Id<_>>("uuid")?.0;
                Ok(read_revocation(row)?.map(|revocation| RevokedCertificate { uuid, revocation }))
            },
        )?
        .filter_map(Result::transpose)
        .collect()
}
