//! The connections to the file: one that writes, and as many readers as read at once.
//!
//! A commit ends when the file of SQLite's log has it, which takes microseconds, so a write runs on
//! the thread of its caller. A write that has to survive a power cut then waits until the log is on
//! the disk: see `log_sync.rs`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use scep_service::error::StoreError;
use scep_service::ports::WriteOutcome;
use tempfile::NamedTempFile;
use tokio::sync::Semaphore;

use crate::error::Error;
use crate::log_sync::LogSync;
use crate::schema;

/// How many prepared statements a connection keeps: more than there are in this crate.
const MAX_STATEMENTS: usize = 200;

/// How many reads that may take long run at once. Each has a reader, which has two file descriptors
/// and keeps up to 2 MB of pages.
const MAX_SCANS: usize = 8;

/// How many readers are kept open that nobody uses.
const MAX_IDLE_READERS: usize = 16;

/// How long a reader waits for another process, such as an administrator's `sqlite3`.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The interval, and the number of times, at which a write that waits for another process tries to
/// begin.
const BEGIN_WAIT: Duration = Duration::from_millis(10);

const MAX_BEGIN_WAITS: u32 = 500;

/// The pages of the log after which it is merged into the file. A page that many writes change is
/// merged once.
const CHECKPOINT_PAGES: u32 = 4_000;

/// Whether a write has to be on the disk before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The write survives the end of the process. A later durable write brings it to the disk.
    Process,
    /// The write survives a power cut.
    PowerCut,
}

/// An open database.
#[derive(Clone)]
pub(crate) struct Database {
    file: Arc<PathBuf>,
    readers: Arc<Mutex<Vec<Connection>>>,
    scans: Arc<Semaphore>,
    // Callers that wait for their turn leave their threads to others.
    writer: Arc<tokio::sync::Mutex<Connection>>,
    log: LogSync,
}

impl Database {
    /// Opens the file, or creates it, and brings its schema up to date.
    pub(crate) fn open(file: &Path) -> Result<Self, Error> {
        let mut connection = open_writer(file)?;
        schema::migrate(&mut connection)?;
        // What a former process left in the log may not be on the disk, or a write of it may have
        // failed without a trace: written into the file, it is on the disk.
        move_log(&connection)?;
        // Callers of other threads wait for this connection before SQLite sees them.
        connection.busy_timeout(Duration::ZERO)?;
        Ok(Self {
            file: Arc::new(file.to_owned()),
            readers: Arc::default(),
            scans: Arc::new(Semaphore::new(MAX_SCANS)),
            writer: Arc::new(tokio::sync::Mutex::new(connection)),
            log: LogSync::start(file)?,
        })
    }

    /// Runs a read that takes microseconds. It runs on the thread of the caller, because handing it
    /// to another one would take longer.
    pub(crate) fn read<T>(
        &self,
        operation: &'static str,
        read: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let run = || {
            let connection = self.take_reader()?;
            // Several statements see the same state of the database.
            execute(&connection, "BEGIN")?;
            // A reader whose read fails is not used again, because its transaction may be open.
            let found = read(&connection)?;
            execute(&connection, "COMMIT")?;
            self.return_reader(connection);
            Ok(found)
        };
        run().map_err(|error: Error| error.into_store_error(operation))
    }

    /// Runs a read as [`Self::read`] does, for an answer that rests on what was found. What it
    /// found survives a power cut as well.
    pub(crate) async fn read_lasting<T: Send>(
        &self,
        operation: &'static str,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send,
    ) -> Result<T, StoreError> {
        let found = self.read(operation, read)?;
        self.sync_seen(operation).await?;
        Ok(found)
    }

    /// Returns once all that a read before it has seen survives a power cut.
    pub(crate) async fn sync_seen(&self, operation: &'static str) -> Result<(), StoreError> {
        let synced = self.log.sync_seen().await;
        synced.map_err(|error| error.into_store_error(operation))
    }

    /// Runs a read that may take long, on a thread that may block. Others wait for their turn.
    pub(crate) async fn scan<T: Send + 'static>(
        &self,
        operation: &'static str,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = self.clone();
        let permit = Arc::clone(&self.scans).acquire_owned().await;
        tokio::task::spawn_blocking(move || {
            // The read continues even if the caller stops waiting for it.
            let _permit = permit;
            database.read(operation, read)
        })
        .await
        .unwrap_or_else(|error| Err(Error::Join(error).into_store_error(operation)))
    }

    /// Runs a write in a transaction. If it fails, nothing of it is written.
    pub(crate) async fn write<T: Send>(
        &self,
        operation: &'static str,
        durability: Durability,
        write: impl FnOnce(&Connection) -> Result<T, Error> + Send,
    ) -> Result<T, StoreError> {
        let run = async {
            let written = self.commit(durability, write).await?;
            if durability == Durability::PowerCut {
                self.log.sync().await?;
            }
            Ok(written)
        };
        run.await
            .map_err(|error: Error| error.into_store_error(operation))
    }

    async fn commit<T>(
        &self,
        durability: Durability,
        write: impl FnOnce(&Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut waits = 0;
        loop {
            let mut connection = self.writer.lock().await;
            if !connection.is_autocommit() {
                // Its last write could not be rolled back. Closing it ends the transaction.
                *connection = open_writer(&self.file)?;
                connection.busy_timeout(Duration::ZERO)?;
            }
            match execute(&connection, "BEGIN IMMEDIATE") {
                Ok(()) => {
                    let lasts = durability == Durability::PowerCut;
                    let _in_progress = lasts.then(|| self.log.begin_commit());
                    return run_and_commit(&connection, write);
                }
                // SQLite itself would block the thread, which serves others as well.
                Err(busy) if is_busy(&busy) && waits < MAX_BEGIN_WAITS => waits += 1,
                Err(error) => return Err(error.into()),
            }
            drop(connection);
            tokio::time::sleep(BEGIN_WAIT).await;
        }
    }

    /// Waits until the log could not be brought to the disk. From then on, no write that has to
    /// survive a power cut succeeds until the database is opened again.
    pub(crate) async fn failed(&self) {
        self.log.failed().await;
    }

    /// Moves what the log holds into the file, and empties the log, unless somebody reads.
    pub(crate) fn empty_log(&self) -> Result<(), Error> {
        let connection = Connection::open(&*self.file)?;
        configure(&connection)?;
        move_log(&connection)
    }

    fn return_reader(&self, connection: Connection) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < MAX_IDLE_READERS {
            readers.push(connection);
        }
    }

    fn take_reader(&self) -> Result<Connection, Error> {
        let free = self
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        if let Some(connection) = free {
            return Ok(connection);
        }
        open_reader(&self.file)
    }
}

fn open_writer(file: &Path) -> Result<Connection, Error> {
    let connection = Connection::open(file)?;
    configure(&connection)?;
    // Readers do not disturb the writer in this mode, and a commit appends to one file.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Commits leave it to `LogSync` to bring the log to the disk.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    Ok(connection)
}

fn open_reader(file: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    configure(&connection)?;
    Ok(connection)
}

/// Moves what the log holds into the file, as far as nobody reads it, and brings both to the disk.
fn move_log(connection: &Connection) -> Result<(), Error> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

/// Writes a copy of the database as it is now into a new file, which is on the disk then. If that
/// fails, there is no such file.
pub(crate) fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    if to.try_exists()? {
        return Err(io::Error::from(io::ErrorKind::AlreadyExists).into());
    }
    let folder = match to.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // A copy that is not complete is never seen under its name, not even after a crash.
    let copy = NamedTempFile::new_in(folder)?;
    let path = copy.path().to_str().ok_or(Error::NotUtf8)?;
    open_reader(from)?.execute("VACUUM INTO ?", [path])?;
    copy.as_file().sync_all()?;
    copy.persist_noclobber(to).map_err(|error| error.error)?;
    Ok(File::open(folder)?.sync_all()?)
}

fn configure(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(MAX_WAIT)?;
    connection.set_prepared_statement_cache_capacity(MAX_STATEMENTS);
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

/// Runs a write in the transaction that has begun, and ends that.
fn run_and_commit<T>(
    connection: &Connection,
    write: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    // A write that panics is rolled back as well.
    let _rollback = RollbackOnDrop(connection);
    let written = write(connection)?;
    execute(connection, "COMMIT")?;
    Ok(written)
}

struct RollbackOnDrop<'a>(&'a Connection);

impl Drop for RollbackOnDrop<'_> {
    fn drop(&mut self) {
        // A commit has ended the transaction, and so have some errors.
        if !self.0.is_autocommit()
            && let Err(error) = execute(self.0, "ROLLBACK")
        {
            tracing::error!(%error, "a transaction was not rolled back");
        }
    }
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// Returns the outcome of an update on a condition that one row can fulfil.
pub(crate) const fn outcome_of(changed_rows: usize) -> WriteOutcome {
    match changed_rows {
        0 => WriteOutcome::Lost,
        _ => WriteOutcome::Won,
    }
}

#[cfg(test)]
mod tests;
