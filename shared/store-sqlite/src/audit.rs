//! Audit records: each is written together with the change that it describes.

use rusqlite::{Connection, Row, named_params};
use scep_service::audit::{Actor, AuditAction, AuditRecord, first_record_uuid};
use scep_service::error::StoreError;
use scep_service::inventory::{AuditFilter, Page, PageRequest};
use scep_service::object::{ObjectKind, Reference};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::Error;
use crate::value::{Id, Millis, Text};

/// Writes an audit record. Records are never overwritten.
pub(crate) fn insert_audit(connection: &Connection, audit: &AuditRecord) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO audit_records (uuid, at, actor, action, object_kind, object_uuid, name,
                 before, after)
             VALUES (:uuid, :at, :actor, :action, :object_kind, :object_uuid, :name,
                 :before, :after)",
        )?
        .execute(named_params! {
            ":uuid": Id(audit.uuid),
            ":at": Millis(audit.at),
            ":actor": audit.actor.name(),
            ":action": audit.action.name(),
            ":object_kind": audit.object.kind.name(),
            ":object_uuid": Id(audit.object.uuid),
            ":name": audit.name,
            ":before": audit.before,
            ":after": audit.after,
        })?;
    Ok(())
}

/// Lists audit records, newest first: their identities sort by time. A cursor is the identity of
/// the last record of a page.
pub(crate) fn list_audit(
    connection: &Connection,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditRecord>, Error> {
    let since = first_record_uuid(filter.since.unwrap_or(OffsetDateTime::UNIX_EPOCH));
    let until = filter.until.map_or(Uuid::max(), first_record_uuid);
    let start = match &page.cursor {
        None => until,
        Some(cursor) => cursor.parse().map_err(|_| StoreError::Cursor)?,
    };
    let range = named_params! {
        ":since": Id(since),
        ":start": Id(start.min(until)),
        ":limit": page.limit,
    };
    let mut statement;
    let rows = match filter.object {
        None => {
            statement = connection.prepare_cached(
                "SELECT * FROM audit_records WHERE uuid >= :since AND uuid < :start
                 ORDER BY uuid DESC LIMIT :limit",
            )?;
            statement.query_map(range, read_audit)?
        }
        Some(object) => {
            statement = connection.prepare_cached(
                "SELECT * FROM audit_records
                 WHERE uuid >= :since AND uuid < :start AND object_uuid = :object
                 ORDER BY uuid DESC LIMIT :limit",
            )?;
            let object = Id(object);
            let mut parameters = range.to_vec();
            parameters.push((":object", &object));
            statement.query_map(parameters.as_slice(), read_audit)?
        }
    };
    let items: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    let is_full = items.len() >= usize::from(page.limit);
    let last = items.last().filter(|_| is_full);
    Ok(Page {
        cursor: last.map(|record: &AuditRecord| record.uuid.to_string()),
        items,
    })
}

fn read_audit(row: &Row<'_>) -> rusqlite::Result<AuditRecord> {
    Ok(AuditRecord {
        uuid: row.get::<_, Id<_>>("uuid")?.0,
        at: row.get::<_, Millis>("at")?.0,
        actor: Actor::new(row.get("actor")?),
        action: row.get::<_, Text<AuditAction>>("action")?.0,
        object: Reference {
            kind: row.get::<_, Text<ObjectKind>>("object_kind")?.0,
            uuid: row.get::<_, Id<_>>("object_uuid")?.0,
        },
        name: row.get("name")?,
        before: row.get("before")?,
        after: row.get("after")?,
    })
}
