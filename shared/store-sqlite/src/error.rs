//! Failures of the database, and what callers learn of them.

use std::sync::Arc;

use rusqlite::types::FromSqlError;
use scep_service::error::StoreError;
use tokio::task::JoinError;

/// A read or a write failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A file could not be read or written, or a thread not be started.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The thread of a read failed.
    #[error(transparent)]
    Join(JoinError),
    /// The thread that brings the log to the disk is gone.
    #[error(transparent)]
    LogSyncGone(LogSyncGone),
    /// SQLite takes names of files as UTF-8 alone.
    #[error("the name of the folder is not UTF-8")]
    NotUtf8,
    /// SQLite reported an error.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// The operation itself has an answer of its own for what it found.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log may not be on the disk.
    #[error("synchronising the log of the database")]
    Sync(#[source] Arc<std::io::Error>),
    /// A newer version wrote the file.
    #[error("the database has the schema of version {0}, which only a newer Scepter can read")]
    TooNew(i64),
}

/// The thread that brings the log to the disk has ended, which only a fault in it can cause.
#[derive(Debug, thiserror::Error)]
#[error("the thread that brings the log to the disk has ended")]
pub(crate) struct LogSyncGone;

/// A stored value is not one that this version knows.
#[derive(Debug, thiserror::Error)]
#[error("during {operation}")]
struct UnreadableRow {
    operation: &'static str,
    source: rusqlite::Error,
}

impl Error {
    /// The error that the caller of this operation receives.
    pub(crate) fn into_store_error(self, operation: &'static str) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Sql(source) if is_unreadable(&source) => StoreError::Corrupt {
                what: "row",
                source: UnreadableRow { operation, source }.into(),
            },
            other @ (Self::Io(_)
            | Self::Join(_)
            | Self::LogSyncGone(_)
            | Self::NotUtf8
            | Self::Sql(_)
            | Self::Sync(_)
            | Self::TooNew(_)) => StoreError::Unavailable {
                operation,
                source: other.into(),
            },
        }
    }
}

const fn is_unreadable(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)
    )
}

/// Wraps the error of a value that this version cannot read.
pub(crate) fn unreadable<E>(error: E) -> FromSqlError
where
    E: std::error::Error + Send + Sync + 'static,
{
    FromSqlError::Other(Box::new(error))
}
