//! ADAPTER: a DynamoDB client whose DynamoDB is an engine in the same process, with its data in one SQLite file.
//!
//! No socket: any local user could write to one. The SDK's HTTP connector hands each request's JSON to the engine, so
//! that every line above it is the one that runs in AWS.

mod connector;

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region, StalledStreamProtectionConfig};
use dynoxide::{Database, DynoxideError};

use connector::{EngineConnector, NoEndpoint};

/// The engine did not do as it was asked.
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
    /// Opens or makes the SQLite file at `path`, in WAL mode: what was answered survives a crash.
    ///
    /// # Errors
    /// When the file cannot be opened, or a newer version wrote it.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let engine = Database::new(&path.to_string_lossy()).map_err(EngineError::of("opening"))?;
        Ok(Self {
            engine: Arc::new(engine),
        })
    }

    /// An empty one that is gone with the process, unless it is saved.
    ///
    /// # Errors
    /// When SQLite gives none.
    pub fn in_memory() -> Result<Self, EngineError> {
        let engine = Database::memory().map_err(EngineError::of("opening"))?;
        Ok(Self {
            engine: Arc::new(engine),
        })
    }

    /// One in memory with what [`Self::save_as`] wrote, which stays as it is.
    ///
    /// # Errors
    /// When the file cannot be read, or is none of an engine's.
    pub fn in_memory_from(path: &Path) -> Result<Self, EngineError> {
        let database = Self::in_memory()?;
        let restored = database.engine.restore_from(&path.to_string_lossy());
        restored.map_err(EngineError::of("restoring"))?;
        Ok(database)
    }

    /// An SDK client that talks to this engine and to nothing else.
    #[must_use]
    pub fn client(&self) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("local"))
            .endpoint_resolver(NoEndpoint)
            // Nothing leaves the process, so there is nobody to prove anything to, to wait for or to ask again.
            .allow_no_auth()
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(EngineConnector::new(Arc::clone(&self.engine)))
            .build();
        Client::from_conf(config)
    }

    /// Writes all of it to a new file at `path`, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_as(&self, path: &Path) -> Result<(), EngineError> {
        let unfinished = path.with_extension("new");
        let io = |error: std::io::Error| {
            EngineError::of("saving")(DynoxideError::InternalServerError(error.to_string()))
        };
        match std::fs::remove_file(&unfinished) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(error)),
            Ok(()) | Err(_) => {}
        }
        self.engine
            .vacuum_into(&unfinished.to_string_lossy())
            .map_err(EngineError::of("saving"))?;
        let file = File::open(&unfinished).map_err(io)?;
        file.sync_all().map_err(io)?;
        std::fs::rename(&unfinished, path).map_err(io)
    }

    /// Every item of a table, as DynamoDB's JSON; for those who look into a stopped server's database.
    ///
    /// # Errors
    /// When there is no such table.
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

    /// Removes items past their time to live, as DynamoDB does by itself; returns how many.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn remove_expired(&self) -> Result<usize, EngineError> {
        self.engine
            .sweep_ttl()
            .map_err(EngineError::of("removing expired items"))
    }
}
