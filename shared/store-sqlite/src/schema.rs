//! The versions of the schema: `user_version` of the file says which one it has.

use rusqlite::{Connection, TransactionBehavior};

use crate::error::Error;

/// What each version adds to the one before it. The first creates all.
// What a release has published must not change: files of that version exist.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// Brings the schema up to date, in one transaction.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    let missing = MIGRATIONS.get(done..).ok_or(Error::TooNew(version))?;
    for migration in missing {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
    transaction.commit()?;
    Ok(())
}
