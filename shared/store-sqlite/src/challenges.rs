//! One-time challenges and their uses.

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use scep_protocol::id::{ChallengeUuid, ScepProfileUuid, TransactionUuid};
use scep_protocol::one_time_challenge::{
    ChallengeDigest, ChallengeState, ChallengeTerms, ChallengeUpdate, ChallengeUse,
    OneTimeChallenge,
};
use scep_protocol::transaction::Fingerprint;
use scep_service::inventory::{Page, PageRequest};
use scep_service::ports::{CreationOutcome, WriteOutcome};
use time::OffsetDateTime;

use crate::database::outcome_of;
use crate::error::{Error, unreadable};
use crate::page::{Cursor, MAX_ROWS};
use crate::transaction_row::TransactionIdText;
use crate::value::{
    Digest, Id, Json, Millis, Unsigned, read_optional_json, read_optional_time, read_optional_uuid,
};

pub(crate) fn find_challenge(
    connection: &Connection,
    uuid: ChallengeUuid,
) -> rusqlite::Result<Option<OneTimeChallenge>> {
    let found = connection
        .prepare_cached("SELECT * FROM challenges WHERE uuid = ?")?
        .query_row([Id(uuid)], read_challenge)
        .optional()?;
    found
        .map(|challenge| add_uses(connection, challenge))
        .transpose()
}

/// Finds the latest challenge that is bound to the transactionID of a transaction.
pub(crate) fn find_bound_challenge(
    connection: &Connection,
    transaction: TransactionUuid,
) -> rusqlite::Result<Option<OneTimeChallenge>> {
    let found = connection
        .prepare_cached(
            // A conversion numbers challenges in no order.
            "SELECT * FROM challenges WHERE transaction_uuid = ?
             ORDER BY created_at DESC, number DESC LIMIT 1",
        )?
        .query_row([Id(transaction)], read_challenge)
        .optional()?;
    found
        .map(|challenge| add_uses(connection, challenge))
        .transpose()
}

/// Writes new challenges, unless the transactionID of one of them is reserved for another.
pub(crate) fn insert_challenges(
    connection: &Connection,
    challenges: &[OneTimeChallenge],
    now: OffsetDateTime,
) -> rusqlite::Result<CreationOutcome> {
    for (index, challenge) in challenges.iter().enumerate() {
        let Some(transaction) = challenge.bound_transaction() else {
            continue;
        };
        let holder = find_bound_challenge(connection, transaction)?;
        if holder.is_some_and(|holder| holder.reserves_transaction_id(now)) {
            return Ok(CreationOutcome::TransactionIdTaken(index));
        }
    }
    for challenge in challenges {
        insert_challenge(connection, challenge)?;
    }
    Ok(CreationOutcome::Created)
}

pub(crate) fn insert_challenge(
    connection: &Connection,
    challenge: &OneTimeChallenge,
) -> rusqlite::Result<()> {
    let terms = &challenge.terms;
    connection
        .prepare_cached(
            "INSERT INTO challenges (uuid, scep_profile, version, created_at, valid_until,
                 expires_at, deleted, digest, secret, ra_profile, transaction_id,
                 transaction_uuid, names, uses, hold, note, annotations)
             VALUES (:uuid, :scep_profile, :version, :created_at, :valid_until,
                 :expires_at, :deleted, :digest, :secret, :ra_profile, :transaction_id,
                 :transaction_uuid, :names, :uses, :hold, :note, :annotations)",
        )?
        .execute(named_params! {
            ":uuid": Id(challenge.uuid),
            ":scep_profile": Id(challenge.scep_profile),
            ":version": Unsigned(challenge.version),
            ":created_at": Millis(challenge.created_at),
            ":valid_until": Millis(challenge.expires_at),
            ":expires_at": Millis(challenge.kept_until()),
            ":deleted": challenge.deleted,
            ":digest": Digest(Fingerprint(challenge.digest.0)),
            ":secret": challenge.secret.as_ref().map(Json),
            ":ra_profile": terms.ra_profile.map(Id),
            ":transaction_id": terms.transaction_id.as_ref().map(|bound| bound.as_str()),
            ":transaction_uuid": challenge.bound_transaction().map(Id),
            ":names": Json(&terms.names),
            ":uses": terms.uses,
            ":hold": terms.hold,
            ":note": terms.note.as_str(),
            ":annotations": Json(&terms.annotations),
        })?;
    insert_uses(connection, challenge.uuid, &challenge.taken)
}

/// Returns whether a challenge has the version that an update is based on.
pub(crate) fn is_unchanged(
    connection: &Connection,
    update: Option<&ChallengeUpdate>,
) -> rusqlite::Result<bool> {
    let Some(update) = update else {
        return Ok(true);
    };
    connection
        .prepare_cached("SELECT 1 FROM challenges WHERE uuid = ? AND version = ?")?
        .exists((Id(update.uuid), Unsigned(update.version)))
}

/// Writes the uses of a challenge.
pub(crate) fn update_uses(
    connection: &Connection,
    update: Option<&ChallengeUpdate>,
) -> rusqlite::Result<()> {
    let Some(update) = update else {
        return Ok(());
    };
    connection
        .prepare_cached("UPDATE challenges SET version = version + 1 WHERE uuid = ?")?
        .execute([Id(update.uuid)])?;
    connection
        .prepare_cached("DELETE FROM challenge_uses WHERE challenge = ?")?
        .execute([Id(update.uuid)])?;
    insert_uses(connection, update.uuid, &update.taken)
}

fn insert_uses(
    connection: &Connection,
    challenge: ChallengeUuid,
    taken: &[ChallengeUse],
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO challenge_uses (challenge, position, claim, certificate, csr, requester_key,
             held_until)
         VALUES (:challenge, :position, :claim, :certificate, :csr, :requester_key, :held_until)",
    )?;
    for (position, taken) in taken.iter().enumerate() {
        insert.execute(named_params! {
            ":challenge": Id(challenge),
            ":position": i64::try_from(position).unwrap_or(i64::MAX),
            ":claim": Id(taken.claim),
            ":certificate": Id(taken.certificate),
            ":csr": Digest(taken.csr),
            ":requester_key": Digest(taken.requester_key),
            ":held_until": taken.held_until.map(Millis),
        })?;
    }
    Ok(())
}

/// Marks a challenge deleted, if it is unchanged since it was read.
pub(crate) fn mark_deleted(
    connection: &Connection,
    challenge: &OneTimeChallenge,
) -> rusqlite::Result<WriteOutcome> {
    connection
        .prepare_cached(
            "UPDATE challenges SET deleted = 1, version = version + 1
             WHERE uuid = ? AND version = ?",
        )?
        .execute((Id(challenge.uuid), Unsigned(challenge.version)))
        .map(outcome_of)
}

/// Lists the challenges of a SCEP Profile, newest first.
pub(crate) fn list_challenges(
    connection: &Connection,
    scep_profile: ScepProfileUuid,
    state: Option<ChallengeState>,
    page: &PageRequest,
    now: OffsetDateTime,
) -> Result<Page<OneTimeChallenge>, Error> {
    let start = Cursor::start_of(page, Cursor::LAST)?;
    let mut statement = connection.prepare_cached(
        "SELECT * FROM challenges
         WHERE scep_profile = ?1 AND expires_at >= ?2
             AND (created_at < ?3 OR (created_at = ?3 AND number < ?4))
         ORDER BY created_at DESC, number DESC LIMIT ?5",
    )?;
    let mut rows = statement.query((
        Id(scep_profile),
        Millis(now),
        start.sorted_by,
        start.number,
        MAX_ROWS,
    ))?;
    let (mut items, mut last, mut count) = (Vec::new(), None, 0);
    while items.len() < usize::from(page.limit)
        && let Some(row) = rows.next()?
    {
        count += 1;
        last = Some(Cursor {
            sorted_by: row.get("created_at")?,
            number: row.get("number")?,
        });
        let challenge = add_uses(connection, read_challenge(row)?)?;
        if state.is_none_or(|state| state == challenge.state(now)) {
            items.push(challenge);
        }
    }
    let is_last = items.len() < usize::from(page.limit) && count < MAX_ROWS;
    Ok(Page {
        items,
        cursor: last.filter(|_| !is_last).map(|last| last.to_string()),
    })
}

fn read_challenge(row: &Row<'_>) -> rusqlite::Result<OneTimeChallenge> {
    let note = serde_json::Value::String(row.get("note")?);
    Ok(OneTimeChallenge {
        uuid: row.get::<_, Id<_>>("uuid")?.0,
        scep_profile: row.get::<_, Id<_>>("scep_profile")?.0,
        digest: ChallengeDigest(row.get::<_, Digest>("digest")?.0.0),
        secret: read_optional_json(row, "secret")?,
        terms: ChallengeTerms {
            ra_profile: read_optional_uuid(row, "ra_profile")?,
            transaction_id: row
                .get::<_, Option<TransactionIdText>>("transaction_id")?
                .map(|TransactionIdText(bound)| bound),
            names: row.get::<_, Json<_>>("names")?.0,
            uses: row.get("uses")?,
            hold: row.get("hold")?,
            // What an earlier version stored is read unchecked.
            note: serde_json::from_value(note).map_err(unreadable)?,
            annotations: row.get::<_, Json<_>>("annotations")?.0,
        },
        created_at: row.get::<_, Millis>("created_at")?.0,
        expires_at: row.get::<_, Millis>("valid_until")?.0,
        taken: Vec::new(),
        deleted: row.get("deleted")?,
        version: row.get::<_, Unsigned<u64>>("version")?.0,
    })
}

fn add_uses(
    connection: &Connection,
    mut challenge: OneTimeChallenge,
) -> rusqlite::Result<OneTimeChallenge> {
    challenge.taken = connection
        .prepare_cached("SELECT * FROM challenge_uses WHERE challenge = ? ORDER BY position")?
        .query_map([Id(challenge.uuid)], |row| {
            Ok(ChallengeUse {
                claim: row.get::<_, Id<_>>("claim")?.0,
                certificate: row.get::<_, Id<_>>("certificate")?.0,
                csr: row.get::<_, Digest>("csr")?.0,
                requester_key: row.get::<_, Digest>("requester_key")?.0,
                held_until: read_optional_time(row, "held_until")?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(challenge)
}
