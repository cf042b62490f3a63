//! Encrypted content keys that were seen before: each is accepted with one ciphertext only.

use rusqlite::{Connection, OptionalExtension};
use scep_protocol::transaction::Fingerprint;
use scep_service::ports::EnvelopeSighting;
use scep_service::record::EnvelopeRecord;
use time::OffsetDateTime;

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
