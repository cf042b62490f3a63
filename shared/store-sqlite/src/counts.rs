//! Counts of requests by hour, and up to when issued transactions are counted.

use rusqlite::{Connection, OptionalExtension};
use scep_protocol::transaction::SignerClass;
use scep_service::ports::WriteOutcome;
use scep_service::statistics::{HourlyCounts, IssuedCounts, Series, start_of_day};
use time::{Duration, OffsetDateTime};

use crate::transaction_row::SignerName;
use crate::value::{Millis, Unsigned};

pub(crate) fn add_counts(connection: &Connection, counts: &HourlyCounts) -> rusqlite::Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO counts (hour, series, count) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET count = count + excluded.count",
    )?;
    for (hour, series, count) in counts.iter() {
        add.execute((Millis(hour), series.name(), Unsigned(count)))?;
    }
    Ok(())
}

/// Reads the counts of the days from that of `from` up to that of `until`, both included.
pub(crate) fn read_counts(
    connection: &Connection,
    from: OffsetDateTime,
    until: OffsetDateTime,
) -> rusqlite::Result<HourlyCounts> {
    let end = start_of_day(until).saturating_add(Duration::DAY);
    let mut statement = connection
        .prepare_cached("SELECT hour, series, count FROM counts WHERE hour >= ? AND hour < ?")?;
    let mut rows = statement.query((Millis(start_of_day(from)), Millis(end)))?;
    let mut counts = HourlyCounts::default();
    while let Some(row) = rows.next()? {
        let name: String = row.get("series")?;
        // A later version may have counted what this one does not know.
        if let Some(series) = Series::from_name(&name) {
            let hour = row.get::<_, Millis>("hour")?.0;
            counts.add(hour, series, row.get::<_, Unsigned<u64>>("count")?.0);
        }
    }
    Ok(counts)
}

/// Counts issued transactions of this time, the oldest first, and stops after about `most`.
pub(crate) fn count_issued(
    connection: &Connection,
    after: Option<OffsetDateTime>,
    until: OffsetDateTime,
    most: u16,
) -> rusqlite::Result<IssuedCounts> {
    let from = after.map_or(OffsetDateTime::UNIX_EPOCH, |at| at + Duration::MILLISECOND);
    let mut statement = connection.prepare_cached(
        "SELECT created_at, signer_class FROM transactions
         WHERE state = 'issued' AND created_at BETWEEN ? AND ? ORDER BY created_at",
    )?;
    let mut rows = statement.query((Millis(from), Millis(until)))?;
    let mut counts = HourlyCounts::default();
    let (mut counted, mut latest) = (0, None);
    while let Some(row) = rows.next()? {
        let at = row.get::<_, Millis>("created_at")?.0;
        // All of a moment are counted, or none: the next call begins after it.
        if let Some(latest) = latest
            && counted >= most
            && at > latest
        {
            return Ok(IssuedCounts {
                counts,
                until: latest,
            });
        }
        let series = match row.get::<_, SignerName>("signer_class")?.0 {
            SignerClass::Certificate => Series::Renewals,
            SignerClass::Challenge | SignerClass::Nobody => Series::Enrolments,
        };
        counts.add(at, series, 1);
        counted = counted.saturating_add(1);
        latest = Some(at);
    }
    Ok(IssuedCounts { counts, until })
}

pub(crate) fn read_counted_until(
    connection: &Connection,
) -> rusqlite::Result<Option<OffsetDateTime>> {
    connection
        .prepare_cached("SELECT until FROM counted_until")?
        .query_row([], |row| row.get::<_, Millis>(0))
        .optional()
        .map(|found| found.map(|Millis(until)| until))
}

pub(crate) fn put_counted_until(
    connection: &Connection,
    until: OffsetDateTime,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("REPLACE INTO counted_until (only, until) VALUES (1, ?)")?
        .execute([Millis(until)])?;
    Ok(())
}

/// Adds issued transactions, unless another process has counted them meanwhile.
pub(crate) fn add_issued(
    connection: &Connection,
    issued: &IssuedCounts,
    after: Option<OffsetDateTime>,
) -> rusqlite::Result<WriteOutcome> {
    if read_counted_until(connection)? != after {
        return Ok(WriteOutcome::Lost);
    }
    put_counted_until(connection, issued.until)?;
    add_counts(connection, &issued.counts)?;
    Ok(WriteOutcome::Won)
}
