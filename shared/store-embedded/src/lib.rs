//! Adapter: a DynamoDB client whose DynamoDB is an engine in the same process, which keeps its data
//! in one SQLite file.
//!
//! The engine listens on no socket, because any local user could connect to it. Instead, the SDK's
//! HTTP connector passes the JSON of each request to the engine, so that all code above the
//! connector is the code that runs in AWS.

mod connector;

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region, StalledStreamProtectionConfig};
use dynoxide::{Database, DynoxideError};

use crate::connector::{EngineConnector, NoEndpoint};

/// An operation of the engine failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} in the embedded database")]
pub struct EngineError {
    operation: &'static str,
    #[source]
    source: DynoxideError,
}

impl EngineError {
    const fn of(operation: &'static str) -> impl Fn(DynoxideError) -> Self {
        move |source| Self { operation, source }
    }
}

/// An embedded DynamoDB.
#[derive(Clone)]
pub struct EmbeddedDynamoDb {
    engine: Arc<Database>,
}

impl EmbeddedDynamoDb {
    /// Opens the SQLite file at `path`, or creates it, in WAL mode: acknowledged writes survive a
    /// crash.
    ///
    /// # Errors
    /// If the file cannot be opened, or was written by a newer version of the engine.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let engine = Database::new(&path.to_string_lossy()).map_err(EngineError::of("opening"))?;
        Ok(Self {
            engine: Arc::new(engine),
        })
    }

    /// Creates an empty database in memory, which ends with the process unless it is saved with
    /// [`Self::save_as`].
    ///
    /// # Errors
    /// If SQLite cannot create it.
    pub fn in_memory() -> Result<Self, EngineError> {
        let engine = Database::memory().map_err(EngineError::of("opening"))?;
        Ok(Self {
            engine: Arc::new(engine),
        })
    }

    /// Creates a database in memory from a file that [`Self::save_as`] wrote. The file stays
    /// unchanged.
    ///
    /// # Errors
    /// If the file cannot be read, or was not written by the engine.
    pub fn in_memory_from(path: &Path) -> Result<Self, EngineError> {
        let database = Self::in_memory()?;
        let restored = database.engine.restore_from(&path.to_string_lossy());
        restored.map_err(EngineError::of("restoring"))?;
        Ok(database)
    }

    /// Creates an SDK client that talks to this engine and to nothing else.
    #[must_use]
    pub fn client(&self) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("local"))
            .endpoint_resolver(NoEndpoint)
            // Requests never leave the process, so they need no credentials, timeouts or retries.
            .allow_no_auth()
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(EngineConnector::new(Arc::clone(&self.engine)))
            .build();
        Client::from_conf(config)
    }

    /// Writes the whole database to a new file at `path`, completely or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_as(&self, path: &Path) -> Result<(), EngineError> {
        // The rename at the end is atomic: a crash leaves the old file or the new one. Without the
        // sync before it, the new name could survive a power failure and the data not.
        let temp_path = path.with_extension("new");
        let io = |error: std::io::Error| {
            EngineError::of("saving")(DynoxideError::InternalServerError(error.to_string()))
        };
        // SQLite refuses to write over a file that an earlier crash left.
        match std::fs::remove_file(&temp_path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(error)),
            Ok(()) | Err(_) => {}
        }
        self.engine
            .vacuum_into(&temp_path.to_string_lossy())
            .map_err(EngineError::of("saving"))?;
        let file = File::open(&temp_path).map_err(io)?;
        file.sync_all().map_err(io)?;
        std::fs::rename(&temp_path, path).map_err(io)?;
        // The parent of a bare file name is an empty path, which cannot be opened.
        let parent = path.parent().filter(|parent| *parent != Path::new(""));
        File::open(parent.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(io)
    }

    /// Reads every item of a table as DynamoDB's JSON, for inspecting the database of a stopped
    /// server.
    ///
    /// # Errors
    /// If the table does not exist.
    pub fn items(&self, table: &str) -> Result<Vec<serde_json::Value>, EngineError> {
        let request = serde_json::from_value(serde_json::json!({ "TableName": table }))
            .map_err(|error| DynoxideError::SerializationException(error.to_string()));
        let scanned = request
            .and_then(|request| self.engine.scan(request))
            .map_err(EngineError::of("reading a table"))?;
        let items = scanned.items.unwrap_or_default();
        Ok(items
            .into_iter()
            .map(|item| serde_json::json!(item))
            .collect())
    }

    /// Removes expired items and returns their number.
    ///
    /// # Errors
    /// If the engine fails.
    pub fn remove_expired(&self) -> Result<usize, EngineError> {
        // DynamoDB removes them by itself; the engine does so only on request.
        self.engine
            .sweep_ttl()
            .map_err(EngineError::of("removing expired items"))
    }
}
