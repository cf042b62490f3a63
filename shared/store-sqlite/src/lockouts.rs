//! The counts of wrong challenges.

use std::net::IpAddr;

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use scep_protocol::id::{LockoutUuid, ScepProfileUuid};
use scep_protocol::lockout::{Lockout, LockoutSubject};
use scep_service::ports::{MAX_LOCKOUTS, WriteOutcome};

use crate::database::outcome_of;
use crate::value::{Digest, Id, Millis, Text, Unsigned, read_optional_time};

pub(crate) fn find_lockout(
    connection: &Connection,
    uuid: LockoutUuid,
) -> rusqlite::Result<Option<Lockout>> {
    connection
        .prepare_cached("SELECT * FROM lockouts WHERE uuid = ?")?
        .query_row([Id(uuid)], read_lockout)
        .optional()
}

/// Lists the latest counts of a SCEP Profile that have locked out.
// Counts that have not are left out: otherwise an attacker who shows a wrong challenge by one new
// key after the other would bury the lock-outs in the list.
pub(crate) fn list_locked_out(
    connection: &Connection,
    scep_profile: ScepProfileUuid,
) -> rusqlite::Result<Vec<Lockout>> {
    connection
        .prepare_cached(
            "SELECT * FROM lockouts WHERE scep_profile = ? AND locked_until IS NOT NULL
             ORDER BY since DESC LIMIT ?",
        )?
        .query_map((Id(scep_profile), MAX_LOCKOUTS), read_lockout)?
        .collect()
}

/// Writes a count in place of the one that it was computed from.
pub(crate) fn put_lockout(
    connection: &Connection,
    lockout: &Lockout,
) -> rusqlite::Result<WriteOutcome> {
    let stored = find_lockout(connection, lockout.uuid())?.map_or(0, |known| known.version);
    if stored != lockout.version {
        return Ok(WriteOutcome::Lost);
    }
    insert_lockout(connection, lockout, lockout.version.saturating_add(1)).map(outcome_of)
}

/// Writes a count with this version, and returns how many rows that are: one.
pub(crate) fn insert_lockout(
    connection: &Connection,
    lockout: &Lockout,
    version: u64,
) -> rusqlite::Result<usize> {
    let (address, key) = match lockout.subject {
        LockoutSubject::Address(address) => (Some(Text(address)), None),
        LockoutSubject::Key(key) => (None, Some(Digest(key))),
    };
    connection
        .prepare_cached(
            "REPLACE INTO lockouts (uuid, scep_profile, version, address, key, failures, since,
                 rounds, locked_until, expires_at)
             VALUES (:uuid, :scep_profile, :version, :address, :key, :failures, :since,
                 :rounds, :locked_until, :expires_at)",
        )?
        .execute(named_params! {
            ":uuid": Id(lockout.uuid()),
            ":scep_profile": Id(lockout.scep_profile),
            ":version": Unsigned(version),
            ":address": address,
            ":key": key,
            ":failures": lockout.failures,
            ":since": Millis(lockout.since),
            ":rounds": lockout.rounds,
            ":locked_until": lockout.until.map(Millis),
            ":expires_at": Millis(lockout.expires_at()),
        })
}

/// Deletes a count. One that is written at the same time does not prevent it.
pub(crate) fn delete_lockout(connection: &Connection, uuid: LockoutUuid) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM lockouts WHERE uuid = ?")?
        .execute([Id(uuid)])?;
    Ok(())
}

fn read_lockout(row: &Row<'_>) -> rusqlite::Result<Lockout> {
    let address: Option<Text<IpAddr>> = row.get("address")?;
    Ok(Lockout {
        scep_profile: row.get::<_, Id<_>>("scep_profile")?.0,
        subject: match address {
            Some(Text(address)) => LockoutSubject::Address(address),
            None => LockoutSubject::Key(row.get::<_, Digest>("key")?.0),
        },
        failures: row.get("failures")?,
        since: row.get::<_, Millis>("since")?.0,
        rounds: row.get("rounds")?,
        until: read_optional_time(row, "locked_until")?,
        version: row.get::<_, Unsigned<u64>>("version")?.0,
    })
}
