//! Notices that wait for their delivery.

use rusqlite::{Connection, Row, named_params};
use scep_protocol::id::NoticeUuid;
use scep_protocol::notice::{Notice, NoticeReceiver};
use scep_service::error_chain::ErrorChain;
use scep_service::ports::WriteOutcome;
use time::{Duration, OffsetDateTime};

use crate::database::outcome_of;
use crate::value::{Id, Json, Millis, Text};

/// How long a notice is kept if nobody delivers it. Delivery itself gives up earlier, and says so.
const KEPT: Duration = Duration::days(30);

/// The most notices that are read at a time.
const MAX_READ: u16 = 100;

pub(crate) fn put_notice(connection: &Connection, notice: &Notice) -> rusqlite::Result<()> {
    let receiver: &'static str = notice.receiver.into();
    connection
        .prepare_cached(
            "REPLACE INTO notices (uuid, scep_profile, receiver, event, attempts, created_at,
                 due_at, expires_at)
             VALUES (:uuid, :scep_profile, :receiver, :event, :attempts, :created_at,
                 :due_at, :expires_at)",
        )?
        .execute(named_params! {
            ":uuid": Id(notice.uuid),
            ":scep_profile": Id(notice.scep_profile),
            ":receiver": receiver,
            ":event": Json(&notice.event),
            ":attempts": notice.attempts,
            ":created_at": Millis(notice.created_at),
            ":due_at": Millis(notice.due_at),
            ":expires_at": Millis(notice.created_at.saturating_add(KEPT)),
        })?;
    Ok(())
}

/// Finds the notices that are due, the longest due first. One that cannot be read is logged and
/// skipped, so that it does not keep the others waiting.
pub(crate) fn find_due_notices(
    connection: &Connection,
    now: OffsetDateTime,
    limit: u16,
) -> rusqlite::Result<Vec<Notice>> {
    let mut statement = connection
        .prepare_cached("SELECT * FROM notices WHERE due_at <= ? ORDER BY due_at LIMIT ?")?;
    let rows = statement.query_map((Millis(now), limit.min(MAX_READ)), |row| {
        Ok(read_notice(row))
    })?;
    let mut due = Vec::new();
    for row in rows {
        match row? {
            Ok(notice) => due.push(notice),
            Err(error) => {
                let error = ErrorChain(&error);
                tracing::error!(%error, "skipped a notice that cannot be read");
            }
        }
    }
    Ok(due)
}

fn read_notice(row: &Row<'_>) -> rusqlite::Result<Notice> {
    Ok(Notice {
        uuid: row.get::<_, Id<_>>("uuid")?.0,
        scep_profile: row.get::<_, Id<_>>("scep_profile")?.0,
        receiver: row.get::<_, Text<NoticeReceiver>>("receiver")?.0,
        event: row.get::<_, Json<_>>("event")?.0,
        attempts: row.get("attempts")?,
        created_at: row.get::<_, Millis>("created_at")?.0,
        due_at: row.get::<_, Millis>("due_at")?.0,
    })
}

pub(crate) fn delete_notice(connection: &Connection, uuid: NoticeUuid) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM notices WHERE uuid = ?")?
        .execute([Id(uuid)])?;
    Ok(())
}

/// Writes when a notice is due next, unless another process has delivered or postponed it.
pub(crate) fn postpone_notice(
    connection: &Connection,
    postponed: &Notice,
) -> rusqlite::Result<WriteOutcome> {
    let before = postponed.attempts.saturating_sub(1);
    connection
        .prepare_cached(
            "UPDATE notices SET attempts = ?, due_at = ? WHERE uuid = ? AND attempts = ?",
        )?
        .execute((
            postponed.attempts,
            Millis(postponed.due_at),
            Id(postponed.uuid),
            before,
        ))
        .map(outcome_of)
}
