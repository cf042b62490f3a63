//! The end of what expires.

use rusqlite::Connection;
use time::{Duration, OffsetDateTime};

use crate::value::Millis;

/// How long counts are kept after their hour: longer than the longest chart.
const COUNTS_KEPT: Duration = Duration::days(400);

/// The most rows of a table that one write deletes, so that it does not keep others waiting.
pub(crate) const MAX_ROWS: u16 = 500;

/// The tables whose rows expire.
const TABLES: [&str; 8] = [
    "challenges",
    "envelopes",
    "lockouts",
    "notices",
    "refusals",
    "requests",
    "successors",
    "transactions",
];

/// Deletes what has expired, a part of each table at once. Returns the number of rows; none are
/// left when it is 0.
pub(crate) fn delete_expired(
    connection: &Connection,
    now: OffsetDateTime,
) -> rusqlite::Result<usize> {
    let mut deleted = 0_usize;
    let mut run = |sql: &str, until: OffsetDateTime| {
        let rows = connection
            .prepare_cached(sql)?
            .execute((Millis(until), MAX_ROWS))?;
        deleted = deleted.saturating_add(rows);
        Ok::<_, rusqlite::Error>(())
    };
    // The uses go first, while the challenges are there to tell.
    run(
        "DELETE FROM challenge_uses WHERE challenge IN (
             SELECT uuid FROM challenges WHERE expires_at < ? ORDER BY expires_at LIMIT ?)",
        now,
    )?;
    for table in TABLES {
        let key = match table {
            "envelopes" => "encrypted_key",
            "requests" => "id",
            _ => "rowid",
        };
        run(
            &format!(
                "DELETE FROM {table} WHERE {key} IN (
                     SELECT {key} FROM {table} WHERE expires_at < ? ORDER BY expires_at LIMIT ?)"
            ),
            now,
        )?;
    }
    run(
        "DELETE FROM counts WHERE (hour, series) IN (
             SELECT hour, series FROM counts WHERE hour < ? LIMIT ?)",
        now - COUNTS_KEPT,
    )?;
    Ok(deleted)
}
