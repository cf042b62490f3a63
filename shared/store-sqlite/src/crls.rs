//! CRLs: the latest one of each generation of each authority.

use ca::generation::Generation;
use ca::id::AuthorityUuid;
use rusqlite::{Connection, OptionalExtension, Row};
use scep_service::ports::{CrlHead, StoredCrl, WriteOutcome};

use crate::transaction_row::GenerationNumber;
use crate::value::{Id, Millis, Unsigned};

/// Finds the head of the latest CRL. SQLite does not read the octets of the CRL for it.
pub(crate) fn find_crl_head(
    connection: &Connection,
    authority: AuthorityUuid,
    generation: Generation,
) -> rusqlite::Result<Option<CrlHead>> {
    connection
        .prepare_cached(
            "SELECT number, this_update, next_update FROM crls
             WHERE authority = ? AND generation = ?",
        )?
        .query_row((Id(authority), GenerationNumber(generation)), read_head)
        .optional()
}

pub(crate) fn find_crl(
    connection: &Connection,
    authority: AuthorityUuid,
    generation: Generation,
) -> rusqlite::Result<Option<StoredCrl>> {
    connection
        .prepare_cached("SELECT * FROM crls WHERE authority = ? AND generation = ?")?
        .query_row((Id(authority), GenerationNumber(generation)), |row| {
            let head = read_head(row)?;
            Ok(StoredCrl {
                der: row.get("der")?,
                number: head.number,
                this_update: head.this_update,
                next_update: head.next_update,
            })
        })
        .optional()
}

/// Publishes a CRL if the stored one has this number; `None` if there must be none.
pub(crate) fn replace_crl(
    connection: &Connection,
    authority: AuthorityUuid,
    generation: Generation,
    crl: &StoredCrl,
    replaced: Option<u64>,
) -> rusqlite::Result<WriteOutcome> {
    let stored = find_crl_head(connection, authority, generation)?;
    if stored.map(|head| head.number) != replaced {
        return Ok(WriteOutcome::Lost);
    }
    put_crl(connection, authority, generation, crl)?;
    Ok(WriteOutcome::Won)
}

pub(crate) fn put_crl(
    connection: &Connection,
    authority: AuthorityUuid,
    generation: Generation,
    crl: &StoredCrl,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("REPLACE INTO crls VALUES (?, ?, ?, ?, ?, ?)")?
        .execute((
            Id(authority),
            GenerationNumber(generation),
            Unsigned(crl.number),
            Millis(crl.this_update),
            Millis(crl.next_update),
            &crl.der,
        ))?;
    Ok(())
}

fn read_head(row: &Row<'_>) -> rusqlite::Result<CrlHead> {
    Ok(CrlHead {
        number: row.get::<_, Unsigned<u64>>("number")?.0,
        this_update: row.get::<_, Millis>("this_update")?.0,
        next_update: row.get::<_, Millis>("next_update")?.0,
    })
}
