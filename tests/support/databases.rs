//! The databases that a world can run on, and what is stored in them below the ports.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{Connection, Row};
use scep_cms::certificate::Certificate;
use serde_json::Value;
use store_dynamodb::{DynamoDbStore, Tables};
use store_embedded::EmbeddedDynamoDb;
use store_sqlite::SqliteStore;
use tempfile::TempDir;

use crate::clock::TestClock;
use crate::world::{AnyStore, Plan, World, store};

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    DynamoDb,
    Sqlite,
}

/// A database of either kind.
#[derive(Clone)]
pub enum Database {
    DynamoDb(EmbeddedDynamoDb),
    Sqlite(SqliteFile),
}

/// A world on a database of either kind.
pub type AnyWorld = World<Arc<dyn AnyStore>, Database>;

impl AnyWorld {
    /// Creates the default world on a new database.
    pub async fn new_on(kind: DatabaseKind) -> Self {
        let database = match kind {
            DatabaseKind::DynamoDb => Database::DynamoDb(store().await.0),
            DatabaseKind::Sqlite => Database::Sqlite(SqliteFile::create()),
        };
        let store = database.store();
        Self::build(Plan::default(), database, Arc::clone(&store), store).await
    }

    /// The same world with another clock, on another database with this store.
    pub fn over_store(
        &self,
        database: Database,
        store: Arc<dyn AnyStore>,
        clock: Arc<TestClock>,
    ) -> Self {
        self.over_ports(database, Arc::clone(&store), store, clock)
    }
}

/// An audit record.
pub struct StoredAudit {
    pub id: String,
    pub action: String,
    pub after: Option<String>,
}

impl Database {
    /// The store on this database.
    pub fn store(&self) -> Arc<dyn AnyStore> {
        match self {
            Self::DynamoDb(engine) => Arc::new(DynamoDbStore::new(
                engine.client(),
                Tables::prefixed("test"),
            )),
            Self::Sqlite(file) => Arc::new(file.store.clone()),
        }
    }

    /// Writes the whole database to a new file at `path`.
    pub fn save_as(&self, path: &Path) {
        match self {
            Self::DynamoDb(engine) => engine.save_as(path).unwrap(),
            Self::Sqlite(file) => SqliteStore::back_up(&file.path(), path).unwrap(),
        }
    }

    /// Opens a copy of the file to which a database of the same kind was saved.
    pub fn open_copy(&self, saved: &Path) -> Self {
        match self {
            Self::DynamoDb(_) => Self::DynamoDb(EmbeddedDynamoDb::in_memory_from(saved).unwrap()),
            Self::Sqlite(_) => Self::Sqlite(SqliteFile::open_copy(saved)),
        }
    }

    /// What is to be signed for each claim, DER.
    pub fn claims(&self) -> Vec<Vec<u8>> {
        match self {
            Self::DynamoDb(engine) => items(engine, "test-transactions")
                .iter()
                .filter_map(|item| item["toBeSigned"]["B"].as_str())
                .map(|encoded| STANDARD.decode(encoded).unwrap())
                .collect(),
            Self::Sqlite(file) => file.select(
                "SELECT to_be_signed FROM transactions WHERE to_be_signed IS NOT NULL",
                |row| row.get(0),
            ),
        }
    }

    /// The state of each transaction.
    pub fn transaction_states(&self) -> Vec<String> {
        match self {
            Self::DynamoDb(engine) => items(engine, "test-transactions")
                .iter()
                .filter_map(|item| item["state"]["S"].as_str())
                .map(str::to_owned)
                .collect(),
            Self::Sqlite(file) => file.select("SELECT state FROM transactions", |row| row.get(0)),
        }
    }

    /// Each certificate in the inventory, and whether it is revoked.
    pub fn certificates(&self) -> Vec<(Certificate, bool)> {
        let stored: Vec<(Vec<u8>, bool)> = match self {
            Self::DynamoDb(engine) => items(engine, "test-certificates")
                .iter()
                // Other items have no certificate in them.
                .filter_map(|item| {
                    let der = STANDARD.decode(item["certificate"]["B"].as_str()?).unwrap();
                    Some((der, item.get("revokedAt").is_some()))
                })
                .collect(),
            Self::Sqlite(file) => file.select(
                "SELECT der, revoked_at IS NOT NULL FROM certificates",
                |row| Ok((row.get(0)?, row.get(1)?)),
            ),
        };
        let parse =
            |(der, is_revoked): (Vec<u8>, bool)| (Certificate::from_der(&der).unwrap(), is_revoked);
        stored.into_iter().map(parse).collect()
    }

    /// Each audit record.
    pub fn audit_records(&self) -> Vec<StoredAudit> {
        match self {
            Self::DynamoDb(engine) => items(engine, "test-profiles")
                .iter()
                .filter_map(|item| {
                    let text = |name: &str| item[name]["S"].as_str().map(str::to_owned);
                    Some(StoredAudit {
                        id: text("id")?,
                        action: text("action")?,
                        after: text("after"),
                    })
                })
                .collect(),
            Self::Sqlite(file) => file.select(
                "SELECT hex(uuid), action, after FROM audit_records",
                |row| {
                    Ok(StoredAudit {
                        id: row.get(0)?,
                        action: row.get(1)?,
                        after: row.get(2)?,
                    })
                },
            ),
        }
    }
}

fn items(engine: &EmbeddedDynamoDb, table: &str) -> Vec<Value> {
    engine.items(table).unwrap()
}

/// A file with a store in it, which is deleted with its last handle.
#[derive(Clone)]
pub struct SqliteFile {
    folder: Arc<TempDir>,
    pub store: SqliteStore,
}

impl SqliteFile {
    fn create() -> Self {
        let file = Self::open_in(new_folder());
        file.lay_trap();
        file
    }

    fn open_copy(saved: &Path) -> Self {
        let folder = new_folder();
        std::fs::copy(saved, folder.path().join(FILE)).unwrap();
        Self::open_in(folder)
    }

    fn open_in(folder: TempDir) -> Self {
        let store = SqliteStore::open(&folder.path().join(FILE)).unwrap();
        Self {
            folder: Arc::new(folder),
            store,
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join(FILE)
    }

    fn connect(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    fn select<T>(&self, query: &str, read: impl Fn(&Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
        let connection = self.connect();
        let mut statement = connection.prepare(query).unwrap();
        let rows = statement.query_map([], |row| read(row)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// Lays the trap that [`Self::fail_commits`] arms: a change of any table then also writes a row
    /// whose foreign key is checked when the transaction commits, and leads nowhere.
    fn lay_trap(&self) {
        let tables: Vec<String> = self.select(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
            |row| row.get(0),
        );
        let mut statements = "CREATE TABLE trap (id INTEGER PRIMARY KEY);
            CREATE TABLE trapped (
                id INTEGER REFERENCES trap (id) DEFERRABLE INITIALLY DEFERRED);"
            .to_owned();
        for table in tables {
            for change in ["INSERT", "UPDATE", "DELETE"] {
                statements += &format!(
                    "CREATE TRIGGER trap_{table}_{change} AFTER {change} ON {table}
                     WHEN EXISTS (SELECT 1 FROM trap WHERE id = 1)
                     BEGIN INSERT INTO trapped VALUES (2); END;"
                );
            }
        }
        self.connect().execute_batch(&statements).unwrap();
    }

    /// Has every commit that changes something fail, as on a full disk, or no longer.
    pub fn fail_commits(&self, fails: bool) {
        let statement = match fails {
            true => "REPLACE INTO trap VALUES (1)",
            false => "DELETE FROM trap",
        };
        self.connect().execute(statement, []).unwrap();
    }
}

/// Creates a folder in memory, if the system has such folders: its files need not wait for a disk.
fn new_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

const FILE: &str = "store.db";
