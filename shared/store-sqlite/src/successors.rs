//! The successors of each certificate, so that only a few certificates renew the same one.

use ca::id::{AuthorityUuid, CertificateUuid};
use rusqlite::Connection;
use scep_service::ports::{MAX_SUCCESSORS, Renewal, WriteOutcome};
use time::OffsetDateTime;

use crate::value::{Id, Millis};

/// Lists the successors of a certificate, the oldest first.
pub(crate) fn list_successors(
    connection: &Connection,
    authority: AuthorityUuid,
    predecessor: CertificateUuid,
) -> rusqlite::Result<Vec<CertificateUuid>> {
    connection
        .prepare_cached(
            "SELECT successor FROM successors
             WHERE predecessor = ? AND authority = ? ORDER BY number",
        )?
        .query_map((Id(predecessor), Id(authority)), |row| {
            row.get::<_, Id<_>>(0).map(|Id(uuid)| uuid)
        })?
        .collect()
}

/// Returns whether a certificate may have one more successor.
pub(crate) fn has_room(
    connection: &Connection,
    authority: AuthorityUuid,
    predecessor: CertificateUuid,
) -> rusqlite::Result<bool> {
    let known = list_successors(connection, authority, predecessor)?;
    Ok(known.len() < MAX_SUCCESSORS)
}

pub(crate) fn add_successor(
    connection: &Connection,
    authority: AuthorityUuid,
    renewal: &Renewal,
) -> rusqlite::Result<()> {
    insert_successor(
        connection,
        authority,
        renewal.predecessor,
        renewal.successor,
        // An expired certificate renews nothing, so its list is of no use after notAfter.
        renewal.predecessor_not_after,
    )
}

/// Replaces the successors of a certificate, if they are still the known ones.
pub(crate) fn replace_successors(
    connection: &Connection,
    authority: AuthorityUuid,
    predecessor: CertificateUuid,
    known: &[CertificateUuid],
    remaining: &[CertificateUuid],
) -> rusqlite::Result<WriteOutcome> {
    if list_successors(connection, authority, predecessor)? != known {
        return Ok(WriteOutcome::Lost);
    }
    let mut delete = connection.prepare_cached(
        "DELETE FROM successors WHERE predecessor = ? AND authority = ? AND successor = ?
         RETURNING expires_at",
    )?;
    let mut expires_at = None;
    for successor in known.iter().filter(|known| !remaining.contains(known)) {
        let deleted = delete
            .query_row((Id(predecessor), Id(authority), Id(*successor)), |row| {
                row.get::<_, Millis>(0)
            })?;
        expires_at = Some(deleted.0);
    }
    // Nobody adds a successor by this way, but the port allows it.
    if let Some(expires_at) = expires_at {
        for successor in remaining.iter().filter(|wanted| !known.contains(wanted)) {
            insert_successor(connection, authority, predecessor, *successor, expires_at)?;
        }
    }
    Ok(WriteOutcome::Won)
}

pub(crate) fn insert_successor(
    connection: &Connection,
    authority: AuthorityUuid,
    predecessor: CertificateUuid,
    successor: CertificateUuid,
    expires_at: OffsetDateTime,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO successors (authority, predecessor, successor, expires_at)
             VALUES (?, ?, ?, ?)",
        )?
        .execute((
            Id(authority),
            Id(predecessor),
            Id(successor),
            Millis(expires_at),
        ))?;
    Ok(())
}
