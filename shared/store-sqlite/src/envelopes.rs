//! Encrypted content keys that were seen before: each is accepted with one ciphertext only.

use rusqlite::{Connection, OptionalExtension};
use scep_protocol::transaction::Fingerprint;
use scep_service::ports::EnvelopeSighting;
use scep_service::record::EnvelopeRecord;
use time::OffsetDateTime;

use crate::error::Error;
use crate::value::{Digest, Millis};

/// Records the pair, unless the key is on record with another ciphertext that has not expired.
pub(crate) fn remember_envelope(
    connection: &Connection,
    encrypted_key: Fingerprint,
    ciphertext: Fingerprint,
    until: OffsetDateTime,
    now: OffsetDateTime,
) -> rusqlite::Result<EnvelopeSighting> {
    let known = connection
        .prepare_cached(
            "SELECT ciphertext FROM envelopes WHERE encrypted_key = ? AND expires_at >= ?",
        )?
        .query_row((Digest(encrypted_key), Millis(now)), |row| {
            row.get::<_, Digest>(0)
        })
        .optional()?;
    let sighting = match known {
        None => EnvelopeSighting::First,
        Some(Digest(known)) if known == ciphertext => EnvelopeSighting::Repeated,
        Some(_) => return Ok(EnvelopeSighting::Altered),
    };
    put_envelope(
        connection,
        &EnvelopeRecord {
            encrypted_key,
            ciphertext,
            until,
        },
    )?;
    Ok(sighting)
}

/// Returns how many more rows there are than are kept.
pub(crate) fn count_surplus(connection: &Connection, most: usize) -> Result<usize, Error> {
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM envelopes")?
        .query_row([], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0).saturating_sub(most))
}

/// Deletes the rows that expire first, at most this many.
pub(crate) fn forget_oldest(connection: &Connection, count: usize) -> Result<usize, Error> {
    let deleted = connection
        .prepare_cached(
            "DELETE FROM envelopes WHERE encrypted_key IN (
                 SELECT encrypted_key FROM envelopes ORDER BY expires_at LIMIT ?)",
        )?
        .execute([i64::try_from(count).unwrap_or(i64::MAX)])?;
    Ok(deleted)
}

pub(crate) fn put_envelope(
    connection: &Connection,
    record: &EnvelopeRecord,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "REPLACE INTO envelopes (encrypted_key, ciphertext, expires_at) VALUES (?, ?, ?)",
        )?
        .execute((
            Digest(record.encrypted_key),
            Digest(record.ciphertext),
            Millis(record.until),
        ))?;
    Ok(())
}
