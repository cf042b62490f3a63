//! Versioned objects as JSON documents, their names, and the references between them.

use ca::profile_name::ProfileName;
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use scep_service::error::StoreError;
use scep_service::object::{ObjectKind, Reference, StoredObject};
use scep_service::ports::Change;
use uuid::Uuid;

use crate::error::{Error, unreadable};
use crate::value::{Id, Text, Unsigned};

pub(crate) fn find_object(
    connection: &Connection,
    reference: Reference,
) -> rusqlite::Result<Option<StoredObject>> {
    let found = connection
        .prepare_cached("SELECT * FROM objects WHERE kind = ? AND uuid = ?")?
        .query_row((reference.kind.name(), Id(reference.uuid)), |row| {
            read_object(row, reference.kind)
        })
        .optional()?;
    found
        .map(|object| add_dependents(connection, object))
        .transpose()
}

pub(crate) fn find_uuid(
    connection: &Connection,
    kind: ObjectKind,
    name: &ProfileName,
) -> rusqlite::Result<Option<Uuid>> {
    connection
        .prepare_cached("SELECT uuid FROM objects WHERE kind = ? AND name = ?")?
        .query_row((kind.name(), name.as_str()), |row| row.get::<_, Id<_>>(0))
        .optional()
        .map(|found| found.map(|Id(uuid)| uuid))
}

/// Lists the objects of a kind by name.
pub(crate) fn list_objects(
    connection: &Connection,
    kind: ObjectKind,
) -> rusqlite::Result<Vec<StoredObject>> {
    connection
        .prepare_cached("SELECT * FROM objects WHERE kind = ? ORDER BY name, uuid")?
        .query_map([kind.name()], |row| read_object(row, kind))?
        .map(|object| add_dependents(connection, object?))
        .collect()
}

/// Writes a change of an object, unless another change forbids it.
pub(crate) fn apply_change(connection: &Connection, change: &Change) -> Result<(), Error> {
    match change {
        Change::Create { object, references } => {
            if let Some(name) = &object.name
                && find_uuid(connection, object.reference.kind, name)?.is_some()
            {
                return Err(StoreError::NameTaken.into());
            }
            if exists(connection, object.reference)? {
                return Err(StoreError::Conflict.into());
            }
            insert_object(connection, object)?;
            add_dependent(connection, object.reference, references)
        }
        Change::Replace {
            object,
            read,
            added,
            removed,
        } => {
            let changed = connection
                .prepare_cached(
                    "UPDATE objects SET version = :version, document = :document
                     WHERE kind = :kind AND uuid = :uuid AND version = :read",
                )?
                .execute(named_params! {
                    ":version": Unsigned(object.version),
                    ":document": object.document,
                    ":kind": object.reference.kind.name(),
                    ":uuid": Id(object.reference.uuid),
                    ":read": Unsigned(*read),
                })?;
            expect_change(changed)?;
            add_dependent(connection, object.reference, added)?;
            remove_dependent(connection, object.reference, removed)
        }
        Change::Delete { object, references } => {
            // The object may have gained a dependent since it was read; that does not change its
            // version.
            let changed = connection
                .prepare_cached(
                    "DELETE FROM objects
                     WHERE kind = :kind AND uuid = :uuid AND version = :read
                         AND NOT EXISTS (
                             SELECT 1 FROM dependents WHERE kind = :kind AND uuid = :uuid)",
                )?
                .execute(named_params! {
                    ":kind": object.reference.kind.name(),
                    ":uuid": Id(object.reference.uuid),
                    ":read": Unsigned(object.version),
                })?;
            expect_change(changed)?;
            remove_dependent(connection, object.reference, references)
        }
    }
}

fn expect_change(changed_rows: usize) -> Result<(), Error> {
    match changed_rows {
        0 => Err(StoreError::Conflict.into()),
        _ => Ok(()),
    }
}

fn insert_object(connection: &Connection, object: &StoredObject) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO objects (kind, uuid, name, version, document) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute((
            object.reference.kind.name(),
            Id(object.reference.uuid),
            object.name.as_ref().map(ProfileName::as_str),
            Unsigned(object.version),
            &object.document,
        ))?;
    Ok(())
}

/// Writes an object of another store, with its dependents, which may follow.
pub(crate) fn import_object(
    connection: &Connection,
    object: &StoredObject,
) -> rusqlite::Result<()> {
    insert_object(connection, object)?;
    for dependent in &object.dependents {
        put_dependent(connection, *dependent, object.reference)?;
    }
    Ok(())
}

/// Makes an object a dependent of the objects that it needs, which must exist.
fn add_dependent(
    connection: &Connection,
    dependent: Reference,
    needed: &[Reference],
) -> Result<(), Error> {
    for object in needed {
        if !exists(connection, *object)? {
            return Err(StoreError::Conflict.into());
        }
        put_dependent(connection, dependent, *object)?;
    }
    Ok(())
}

fn put_dependent(
    connection: &Connection,
    dependent: Reference,
    needed: Reference,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("REPLACE INTO dependents VALUES (?, ?, ?, ?)")?
        .execute((
            needed.kind.name(),
            Id(needed.uuid),
            dependent.kind.name(),
            Id(dependent.uuid),
        ))?;
    Ok(())
}

/// Removes an object from the dependents of the objects that it needed.
fn remove_dependent(
    connection: &Connection,
    dependent: Reference,
    needed: &[Reference],
) -> Result<(), Error> {
    for object in needed {
        connection
            .prepare_cached(
                "DELETE FROM dependents
                 WHERE kind = ? AND uuid = ? AND dependent_kind = ? AND dependent_uuid = ?",
            )?
            .execute((
                object.kind.name(),
                Id(object.uuid),
                dependent.kind.name(),
                Id(dependent.uuid),
            ))?;
    }
    Ok(())
}

fn exists(connection: &Connection, object: Reference) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM objects WHERE kind = ? AND uuid = ?")?
        .exists((object.kind.name(), Id(object.uuid)))
}

fn read_object(row: &Row<'_>, kind: ObjectKind) -> rusqlite::Result<StoredObject> {
    let name: Option<String> = row.get("name")?;
    Ok(StoredObject {
        reference: Reference {
            kind,
            uuid: row.get::<_, Id<_>>("uuid")?.0,
        },
        name: name
            .map(|name| ProfileName::new(&name))
            .transpose()
            .map_err(unreadable)?,
        document: row.get("document")?,
        version: row.get::<_, Unsigned<u64>>("version")?.0,
        dependents: Vec::new(),
    })
}

fn add_dependents(
    connection: &Connection,
    mut object: StoredObject,
) -> rusqlite::Result<StoredObject> {
    object.dependents = connection
        .prepare_cached(
            "SELECT dependent_kind, dependent_uuid FROM dependents WHERE kind = ? AND uuid = ?",
        )?
        .query_map(
            (object.reference.kind.name(), Id(object.reference.uuid)),
            |row| {
                Ok(Reference {
                    kind: row.get::<_, Text<ObjectKind>>(0)?.0,
                    uuid: row.get::<_, Id<_>>(1)?.0,
                })
            },
        )?
        .collect::<rusqlite::Result<_>>()?;
    Ok(object)
}
