//! Adapter: the whole store in one SQLite file. `schema.sql` says what is in it.
//!
//! One connection writes. Readers see the last commit. A write whose effect leaves the process is
//! on the disk before it is answered, and so is what a repeated request or a CRL is answered from.
//! A claim is not, because what is signed for it leaves only after the certificate was recorded:
//! see `database.rs`.

mod audit;
mod certificate_row;
mod certificates;
mod challenges;
mod counts;
mod crls;
mod database;
mod envelopes;
mod error;
mod expiry;
mod import;
mod issuing;
mod lockouts;
mod log_sync;
mod notices;
mod objects;
mod page;
mod request_log;
mod requests;
mod schema;
mod store;
mod successors;
mod transaction_list;
mod transaction_row;
mod transactions;
mod value;

use std::path::Path;

use rusqlite::Connection;
use scep_service::error::StoreError;
use scep_service::record::Record;
use time::OffsetDateTime;

use crate::database::{Database, Durability};

/// The most encrypted keys that are remembered. Anybody can send one, so that without a limit an
/// attacker could fill the disk. Whoever wants one forgotten has to send as many messages.
pub const MAX_ENVELOPES: usize = 10_000_000;

/// The store in a SQLite file.
#[derive(Clone)]
pub struct SqliteStore {
    database: Database,
}

impl SqliteStore {
    /// Opens the file, or creates it, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the file cannot be read or written, is no database, or was
    /// written by a newer version.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        Database::open(file)
            .map(|database| Self { database })
            .map_err(|error| error.into_store_error("opening the database"))
    }

    /// Writes records of a store of another kind into this one, all or none.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if one of them is there already, or the file cannot be written.
    pub async fn import(&self, records: Vec<Record>) -> Result<(), StoreError> {
        let write = |connection: &Connection| {
            for record in &records {
                import::import_record(connection, record)?;
            }
            Ok(())
        };
        self.database
            .write("importing records", Durability::PowerCut, write)
            .await
    }

    /// Writes a copy of the store in a file, as it is now, into a new file, which is on the disk
    /// then. Other processes may use the store meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the one file cannot be read, or the other one is there
    /// already or cannot be written.
    pub fn back_up(from: &Path, to: &Path) -> Result<(), StoreError> {
        database::copy_file(from, to)
            .map_err(|error| error.into_store_error("copying the database"))
    }

    /// Waits until the file could not be brought to the disk. From then on, nothing more is stored
    /// for certain until the store is opened again.
    pub async fn failed(&self) {
        self.database.failed().await;
    }

    /// Leaves everything in one file, before the process ends.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the file cannot be written. Nothing is lost then: what is in
    /// the log beside the file is read from there.
    pub fn empty_log(&self) -> Result<(), StoreError> {
        self.database
            .empty_log()
            .map_err(|error| error.into_store_error("emptying the log of the database"))
    }

    /// Forgets the oldest encrypted keys beyond [`MAX_ENVELOPES`], and returns how many.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the file cannot be read or written.
    pub async fn forget_surplus_envelopes(&self) -> Result<usize, StoreError> {
        self.forget_envelopes_beyond(MAX_ENVELOPES).await
    }

    async fn forget_envelopes_beyond(&self, most: usize) -> Result<usize, StoreError> {
        let count = move |connection: &Connection| envelopes::count_surplus(connection, most);
        let surplus = self.database.scan("counting envelopes", count).await?;
        let mut forgotten = 0;
        while forgotten < surplus {
            let part = (surplus - forgotten).min(expiry::MAX_ROWS.into());
            let forget = move |connection: &Connection| envelopes::forget_oldest(connection, part);
            self.database
                .write("forgetting envelopes", Durability::Process, forget)
                .await?;
            forgotten += part;
        }
        Ok(forgotten)
    }

    /// Deletes some of what has expired by now, and returns how many rows. None are left when it
    /// returns 0.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the file cannot be written.
    pub async fn delete_expired(&self, now: OffsetDateTime) -> Result<usize, StoreError> {
        let write = move |connection: &Connection| Ok(expiry::delete_expired(connection, now)?);
        self.database
            .write("deleting what has expired", Durability::Process, write)
            .await
    }
}

#[cfg(test)]
mod tests {
    use scep_protocol::transaction::Fingerprint;
    use scep_service::ports::{EnvelopeSighting, Transactions};
    use time::Duration;

    use super::*;

    #[tokio::test]
    async fn the_oldest_encrypted_keys_are_forgotten_beyond_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("test.db")).unwrap();
        let now = OffsetDateTime::UNIX_EPOCH;
        let see = async |number: u8| {
            let (key, until) = (
                Fingerprint([number; 32]),
                now + Duration::hours(number.into()),
            );
            let seen = store.remember_envelope(key, Fingerprint([0; 32]), until, now);
            seen.await.unwrap()
        };
        for number in 1..=20 {
            assert_eq!(see(number).await, EnvelopeSighting::First);
        }
        assert_eq!(store.forget_envelopes_beyond(20).await.unwrap(), 0);
        assert_eq!(store.forget_envelopes_beyond(15).await.unwrap(), 5);
        assert_eq!(see(6).await, EnvelopeSighting::Repeated);
        assert_eq!(see(5).await, EnvelopeSighting::First);
    }
}
