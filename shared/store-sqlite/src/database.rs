//! The connections to the file: one thread that writes, and as many readers as read at once.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use scep_service::error::StoreError;
use scep_service::ports::WriteOutcome;
use tokio::sync::oneshot;

use crate::error::{Error, WriterGone};
use crate::schema;

/// How many prepared statements a connection keeps: more than there are in this crate.
const MAX_STATEMENTS: usize = 200;

/// How long a connection waits for another process, such as an administrator's `sqlite3`.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The most writes that share a commit.
const MAX_BATCH: usize = 256;

/// Whether a write has to be on the disk before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The write survives the end of the process. A later durable write brings it to the disk.
    Process,
    /// The write survives a power cut.
    PowerCut,
}

/// A write that waits for its turn.
struct Job {
    durability: Durability,
    run: Box<dyn FnOnce(Begun<'_>) -> Answer + Send>,
}

/// The transaction of a batch, or why there is none.
type Begun<'a> = Result<&'a Connection, Arc<rusqlite::Error>>;

/// What answers a write once it is committed, or was not.
type Answer = Box<dyn FnOnce(Result<(), Arc<rusqlite::Error>>)>;

/// An open database.
#[derive(Clone)]
pub(crate) struct Database {
    file: Arc<PathBuf>,
    readers: Arc<Mutex<Vec<Connection>>>,
    writer: Sender<Job>,
}

impl Database {
    /// Opens the file, or creates it, and brings its schema up to date.
    pub(crate) fn open(file: &Path) -> Result<Self, Error> {
        let mut connection = Connection::open(file)?;
        configure(&connection)?;
        // Readers do not disturb the writer in this mode, and a commit appends to one file.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
        schema::migrate(&mut connection)?;
        let (writer, jobs) = channel();
        thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write_batches(connection, &jobs))?;
        Ok(Self {
            file: Arc::new(file.to_owned()),
            readers: Arc::default(),
            writer,
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
            let transaction = connection.unchecked_transaction()?;
            let found = read(&transaction)?;
            drop(transaction);
            self.readers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
            Ok(found)
        };
        run().map_err(|error: Error| error.into_store_error(operation))
    }

    /// Runs a read that may take long, on a thread that may block.
    pub(crate) async fn scan<T: Send + 'static>(
        &self,
        operation: &'static str,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = self.clone();
        tokio::task::spawn_blocking(move || database.read(operation, read))
            .await
            .unwrap_or_else(|error| Err(Error::Join(error).into_store_error(operation)))
    }

    /// Runs a write in a transaction, which it may share with writes of the same moment. If it
    /// fails, nothing of it is written.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        durability: Durability,
        write: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (sender, answer) = oneshot::channel();
        let run = move |begun: Begun<'_>| {
            let result = begun
                .map_err(Error::Commit)
                .and_then(|connection| run_in_savepoint(connection, write));
            let answer: Answer = Box::new(move |committed| {
                let result = match committed {
                    Ok(()) => result,
                    Err(error) => Err(Error::Commit(error)),
                };
                // A caller that went away needs no answer.
                let _gone = sender.send(result);
            });
            answer
        };
        let job = Job {
            durability,
            run: Box::new(run),
        };
        let written = match self.writer.send(job) {
            Ok(()) => answer.await.unwrap_or(Err(Error::WriterGone(WriterGone))),
            Err(_) => Err(Error::WriterGone(WriterGone)),
        };
        written.map_err(|error| error.into_store_error(operation))
    }

    /// Moves what the log holds into the file, and empties the log, unless somebody reads.
    pub(crate) fn empty_log(&self) -> Result<(), Error> {
        let connection = Connection::open(&*self.file)?;
        configure(&connection)?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
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

fn open_reader(file: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    configure(&connection)?;
    Ok(connection)
}

/// Writes a copy of the database as it is now into a new file, which is on the disk then.
pub(crate) fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    open_reader(from)?.execute("VACUUM INTO ?", [to.to_string_lossy()])?;
    Ok(File::open(to)?.sync_all()?)
}

fn configure(connection: &Connection) -> Result<(), Error> {
    connection.busy_timeout(MAX_WAIT)?;
    connection.set_prepared_statement_cache_capacity(MAX_STATEMENTS);
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(())
}

/// Runs writes until the last handle of the database is gone. All that wait share a commit.
fn write_batches(mut connection: Connection, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let waiting = jobs.try_iter().take(MAX_BATCH - 1);
        // Those that need no disk do not wait for it. None of the others can depend on their order:
        // a caller that depends on a write waits for its answer.
        let (process, power_cut): (Vec<_>, Vec<_>) = std::iter::once(first)
            .chain(waiting)
            .partition(|job| job.durability == Durability::Process);
        commit_batch(&mut connection, Durability::Process, process);
        commit_batch(&mut connection, Durability::PowerCut, power_cut);
    }
}

fn commit_batch(connection: &mut Connection, durability: Durability, jobs: Vec<Job>) {
    if jobs.is_empty() {
        return;
    }
    let run_all = |begun: Begun<'_>| -> Vec<_> {
        let run = |job: Job| (job.run)(begun.clone());
        jobs.into_iter().map(run).collect()
    };
    let (answers, committed) = match begin_batch(connection, durability).map_err(Arc::new) {
        Ok(transaction) => {
            let answers = run_all(Ok(&transaction));
            (answers, transaction.commit().map_err(Arc::new))
        }
        Err(error) => (run_all(Err(Arc::clone(&error))), Err(error)),
    };
    for answer in answers {
        answer(committed.clone());
    }
}

fn begin_batch(
    connection: &mut Connection,
    durability: Durability,
) -> rusqlite::Result<Transaction<'_>> {
    // In WAL mode, a commit that is not synchronised is in the file of the log, which the next
    // synchronised commit brings to the disk with all that precedes it.
    let synchronous = match durability {
        Durability::Process => "NORMAL",
        Durability::PowerCut => "FULL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Runs a write so that it leaves nothing behind if it fails, while others of its batch stay.
fn run_in_savepoint<T>(
    connection: &Connection,
    write: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    connection.prepare_cached("SAVEPOINT job")?.execute([])?;
    let result = write(connection);
    if result.is_err() {
        connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
    }
    connection.prepare_cached("RELEASE job")?.execute([])?;
    result
}

/// Returns the outcome of an update on a condition that one row can fulfil.
pub(crate) const fn outcome_of(changed_rows: usize) -> WriteOutcome {
    match changed_rows {
        0 => WriteOutcome::Lost,
        _ => WriteOutcome::Won,
    }
}

#[cfg(test)]
mod tests {
    use scep_service::error::StoreError;
    use tempfile::TempDir;

    use super::*;

    async fn insert(database: &Database, number: i64, fails: bool) -> Result<(), StoreError> {
        let write = move |connection: &Connection| {
            connection.execute("INSERT INTO counts VALUES (?, 'renewals', 1)", [number])?;
            match fails {
                true => Err(StoreError::Conflict.into()),
                false => Ok(()),
            }
        };
        let durability = match number % 2 {
            0 => Durability::Process,
            _ => Durability::PowerCut,
        };
        database.write("counting", durability, write).await
    }

    fn list_hours(database: &Database) -> Vec<i64> {
        let read = |connection: &Connection| {
            let mut statement = connection.prepare("SELECT hour FROM counts ORDER BY hour")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        };
        database.read("counting", read).unwrap()
    }

    fn open_new() -> (TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("test.db")).unwrap();
        (folder, database)
    }

    #[tokio::test]
    async fn a_write_that_fails_leaves_nothing_and_those_beside_it_stay() {
        let (_folder, database) = open_new();
        let writes = (0..100).map(|number| {
            let database = database.clone();
            tokio::spawn(async move { insert(&database, number, number % 10 == 3).await })
        });
        for (number, write) in writes.collect::<Vec<_>>().into_iter().enumerate() {
            let outcome = write.await.unwrap();
            assert_eq!(outcome.is_err(), number % 10 == 3, "{number}: {outcome:?}");
        }
        let expected: Vec<_> = (0..100).filter(|number| number % 10 != 3).collect();
        assert_eq!(list_hours(&database), expected);
    }

    #[tokio::test]
    async fn what_was_written_is_there_after_the_file_was_closed() {
        let (folder, database) = open_new();
        insert(&database, 0, false).await.unwrap();
        insert(&database, 1, false).await.unwrap();
        drop(database);
        let database = Database::open(&folder.path().join("test.db")).unwrap();
        assert_eq!(list_hours(&database), [0, 1]);
    }

    #[tokio::test]
    async fn every_write_learns_that_there_is_no_transaction() {
        let (folder, database) = open_new();
        let other = Connection::open(folder.path().join("test.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let outcomes = tokio::join!(insert(&database, 0, false), insert(&database, 4, false));
        for outcome in [outcomes.0, outcomes.1] {
            let error = outcome.unwrap_err();
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert_eq!(cause, "database is locked");
        }
        other.execute_batch("ROLLBACK").unwrap();
        insert(&database, 2, false).await.unwrap();
        assert_eq!(list_hours(&database), [2]);
    }

    #[tokio::test]
    async fn an_empty_log_leaves_everything_in_one_file() {
        let (folder, database) = open_new();
        insert(&database, 0, false).await.unwrap();
        database.empty_log().unwrap();
        let copy = folder.path().join("copy.db");
        std::fs::copy(folder.path().join("test.db"), &copy).unwrap();
        assert_eq!(list_hours(&Database::open(&copy).unwrap()), [0]);
    }

    #[test]
    fn a_file_of_a_newer_version_is_left_alone() {
        let (folder, database) = open_new();
        drop(database);
        let file = folder.path().join("test.db");
        let connection = Connection::open(&file).unwrap();
        connection
            .pragma_update(None, "user_version", 1000)
            .unwrap();
        let Err(error) = Database::open(&file) else {
            panic!("it was opened");
        };
        assert!(matches!(error, Error::TooNew(1000)), "{error:?}");
    }
}
