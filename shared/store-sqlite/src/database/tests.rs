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

/// There is one thread, so a write that blocked it would never see the other process end.
#[tokio::test]
async fn a_write_waits_for_another_process_and_lets_others_run() {
    let (folder, database) = open_new();
    let other = Connection::open(folder.path().join("test.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let end_other = async {
        tokio::time::sleep(BEGIN_WAIT * 3).await;
        other.execute_batch("ROLLBACK").unwrap();
    };
    let (written, ()) = tokio::join!(insert(&database, 1, false), end_other);
    written.unwrap();
    assert_eq!(list_hours(&database), [1]);
}

#[tokio::test]
async fn a_write_that_is_not_on_the_disk_is_not_answered() {
    let (_folder, mut database) = open_new();
    // The system refuses to synchronise it.
    database.log = LogSync::of_file(File::open("/dev/null").unwrap()).unwrap();
    insert(&database, 2, false).await.unwrap();
    let failed = tokio::time::timeout(Duration::from_millis(10), database.failed());
    failed.await.unwrap_err();
    for number in [1, 3] {
        let error = insert(&database, number, false).await.unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "synchronising the log of the database");
        database.failed().await;
    }
}

/// Other readers see a commit before it is on the disk, and nobody may learn of it.
#[tokio::test]
async fn what_was_seen_too_early_is_not_answered() {
    let (_folder, mut database) = open_new();
    let count = |connection: &Connection| {
        let sql = "SELECT count(*) FROM counts";
        Ok(connection.query_row(sql, [], |row| row.get::<_, i64>(0))?)
    };
    database.log = LogSync::of_file(File::open("/dev/null").unwrap()).unwrap();
    insert(&database, 2, false).await.unwrap();
    assert_eq!(database.read_lasting("counting", count).await.unwrap(), 1);
    insert(&database, 1, false).await.unwrap_err();
    assert_eq!(database.read("counting", count).unwrap(), 2);
    database.read_lasting("counting", count).await.unwrap_err();
}

#[tokio::test]
async fn a_log_is_found_behind_a_symbolic_link() {
    let folder = tempfile::tempdir().unwrap();
    let (link, elsewhere) = (folder.path().join("link"), folder.path().join("elsewhere"));
    std::fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(elsewhere.join("test.db"), &link).unwrap();
    drop(Database::open(&elsewhere.join("test.db")).unwrap());
    let database = Database::open(&link).unwrap();
    insert(&database, 1, false).await.unwrap();
    assert!(elsewhere.join("test.db-wal").exists());
    assert_eq!(list_hours(&database), [1]);
}

#[tokio::test]
async fn a_write_that_panics_leaves_nothing() {
    let (_folder, database) = open_new();
    let panicking = database.clone();
    let write = |connection: &Connection| -> Result<(), Error> {
        connection.execute("INSERT INTO counts VALUES (1, 'renewals', 1)", [])?;
        panic!("a fault of a test");
    };
    let panicked = tokio::spawn(async move {
        panicking
            .write("counting", Durability::PowerCut, write)
            .await
    });
    assert!(panicked.await.unwrap_err().is_panic());
    insert(&database, 2, false).await.unwrap();
    assert_eq!(list_hours(&database), [2]);
}

#[tokio::test]
async fn a_write_that_could_not_be_rolled_back_does_not_keep_others_from_writing() {
    let (_folder, database) = open_new();
    let stuck = database.writer.lock().await;
    stuck
        .execute_batch("BEGIN IMMEDIATE; INSERT INTO counts VALUES (1, 'renewals', 1)")
        .unwrap();
    drop(stuck);
    insert(&database, 2, false).await.unwrap();
    insert(&database, 3, false).await.unwrap();
    assert_eq!(list_hours(&database), [2, 3]);
}

/// A process that was killed has committed to its log, and the log is not on the disk.
#[tokio::test]
async fn the_log_of_a_former_process_is_moved_into_the_file() {
    let (folder, database) = open_new();
    insert(&database, 2, false).await.unwrap();
    let killed = tempfile::tempdir().unwrap();
    for name in ["test.db", "test.db-wal"] {
        std::fs::copy(folder.path().join(name), killed.path().join(name)).unwrap();
    }
    let log = killed.path().join("test.db-wal");
    assert!(log.metadata().unwrap().len() > 0);
    let database = Database::open(&killed.path().join("test.db")).unwrap();
    assert_eq!(log.metadata().unwrap().len(), 0);
    assert_eq!(list_hours(&database), [2]);
}

#[tokio::test]
async fn many_long_reads_leave_few_readers() {
    let (_folder, database) = open_new();
    let reads = (0..100).map(|_| {
        let database = database.clone();
        let read = |connection: &Connection| {
            Ok(connection.query_row("SELECT 1", [], |row| row.get::<_, i64>(0))?)
        };
        tokio::spawn(async move { database.scan("reading", read).await })
    });
    for read in reads.collect::<Vec<_>>() {
        assert_eq!(read.await.unwrap().unwrap(), 1);
    }
    assert!(database.readers.lock().unwrap().len() <= MAX_SCANS);
}

#[test]
fn a_copy_that_fails_leaves_no_file() {
    let (folder, database) = open_new();
    let (from, to) = (folder.path().join("test.db"), folder.path().join("copy.db"));
    copy_file(&from, &to).unwrap();
    assert_eq!(list_hours(&Database::open(&to).unwrap()), [0_i64; 0]);
    drop(database);
    let error = copy_file(&from, &to).unwrap_err();
    assert_eq!(error.to_string(), "entity already exists");
    std::fs::write(&from, "no database").unwrap();
    copy_file(&from, &folder.path().join("other.db")).unwrap_err();
    let names = std::fs::read_dir(folder.path()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        names
            .iter()
            .all(|name| !name.to_str().unwrap().starts_with('.')),
        "{names:?}"
    );
    assert!(!names.iter().any(|name| name == "other.db"), "{names:?}");
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
