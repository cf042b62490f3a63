//! Failures of the server, which are kept apart from refusals of a request.

use ca::error::IssueError;
use ca::key_location::KeyLocation;
use scep_protocol::refusal::{HttpRejection, Refusal};
use scep_protocol::vouching::ChallengeSourceKind;

use crate::ports::EntropyError;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A store operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The object was changed since it was read.
    #[error("the object was changed since it was read")]
    Conflict,
    /// The cursor does not come from a page of this list.
    #[error("cursor is invalid for this list")]
    Cursor,
    /// A stored record cannot be read.
    #[error("reading a stored {what}")]
    Corrupt {
        /// The kind of record.
        what: &'static str,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// Another object of the same kind has this name.
    #[error("the name is taken")]
    NameTaken,
    /// The store is unavailable.
    #[error("{operation} in the store")]
    Unavailable {
        /// The operation that failed.
        operation: &'static str,
        /// The cause.
        #[source]
        source: Cause,
    },
}

/// A key operation failed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key is missing, unreadable, or not of the kind that its location states.
    #[error("{operation} with key {key}")]
    Broken {
        /// The operation that failed.
        operation: &'static str,
        /// The name by which an operator knows the key; not a secret.
        key: String,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// The key is kept in another kind of key store.
    #[error("key {location} is not in this key store, which holds {kept}")]
    Foreign {
        /// The key's location.
        location: KeyLocation,
        /// What this key store holds.
        kept: &'static str,
    },
    /// The key is deleted, or is to be deleted.
    #[error("{operation} with key {key}, which is deleted or is to be")]
    Gone {
        /// The operation that failed.
        operation: &'static str,
        /// The name by which an operator knows the key; not a secret.
        key: String,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// The key store adopts no keys, or cannot adopt this one.
    #[error("adopting key {name}: {reason}")]
    NotAdoptable {
        /// The name that the administrator gave.
        name: String,
        /// The reason, as an administrator reads it.
        reason: &'static str,
    },
    /// The key store is unavailable.
    #[error("{operation} in the key store")]
    Unavailable {
        /// The operation that failed.
        operation: &'static str,
        /// The cause.
        #[source]
        source: Cause,
    },
}

/// An internal failure, as opposed to a refusal.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Another process worked on the transaction, or on the order of a key, for longer than a
    /// client waits.
    #[error("another process is working on this already")]
    Busy,
    /// What the server stored or made itself cannot be read.
    #[error("reading {what}")]
    Corrupt {
        /// What cannot be read.
        what: &'static str,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// A certificate or message of the server could not be encoded.
    #[error(transparent)]
    Encode(Cause),
    /// The source of randomness failed.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// A key operation failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The client gets a plain HTTP response.
    #[error("rejected: {}", .0.text())]
    Rejected(HttpRejection),
    /// A challenge source could not be reached, or gave no readable answer.
    #[error("asking the challenge source {kind}")]
    Source {
        /// The source.
        kind: ChallengeSourceKind,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// The profile names a challenge source that this process does not have.
    #[error("this process cannot ask the challenge source {0}")]
    SourceMissing(ChallengeSourceKind),
    /// A store operation failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key of an authority is ordered, and what has to follow failed. The next attempt, or
    /// maintenance, continues with the same key.
    #[error("using the key that was ordered for an authority")]
    Unfinished {
        /// The key; `None` if it is not known to be made.
        key: Option<KeyLocation>,
        /// The cause.
        #[source]
        source: Box<Failure>,
    },
    /// Part of the scheduled maintenance failed. Each cause is in the log.
    #[error("maintenance is not complete")]
    Maintenance,
}

impl KeyError {
    /// Wraps the error of a key that cannot be used, or of something that it does not unwrap.
    pub fn broken<E: Into<Cause>>(operation: &'static str, key: &str) -> impl FnOnce(E) -> Self {
        let key = key.to_owned();
        move |source| Self::Broken {
            operation,
            key,
            source: source.into(),
        }
    }

    /// Wraps the error of a key that is deleted, or is to be.
    pub fn gone<E: Into<Cause>>(operation: &'static str, key: &str) -> impl FnOnce(E) -> Self {
        let key = key.to_owned();
        move |source| Self::Gone {
            operation,
            key,
            source: source.into(),
        }
    }
}

impl Failure {
    pub(crate) fn encode(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Encode(Box::new(source))
    }

    /// Adds what could not be read to the error.
    pub(crate) fn corrupt<E>(what: &'static str) -> impl FnOnce(E) -> Self
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        move |error| Self::Corrupt {
            what,
            source: error.into(),
        }
    }

    /// Returns the plain HTTP answer that the client gets.
    #[must_use]
    pub const fn rejection(&self) -> HttpRejection {
        match self {
            Self::Rejected(rejection) => *rejection,
            Self::Unfinished { source, .. } => source.rejection(),
            // These may go away, so the client should retry. The others need an administrator.
            Self::Busy
            | Self::Maintenance
            | Self::Source { .. }
            | Self::SourceMissing(_)
            | Self::Key(KeyError::Unavailable { .. })
            | Self::Store(StoreError::Unavailable { .. } | StoreError::Conflict) => {
                HttpRejection::TryLater
            }
            Self::Corrupt { .. }
            | Self::Encode(_)
            | Self::Entropy(_)
            | Self::Key(
                KeyError::Broken { .. }
                | KeyError::Foreign { .. }
                | KeyError::Gone { .. }
                | KeyError::NotAdoptable { .. },
            )
            | Self::Store(
                StoreError::Corrupt { .. } | StoreError::Cursor | StoreError::NameTaken,
            ) => HttpRejection::InternalFailure,
        }
    }
}

/// Why a request gets no certificate: a refusal, or a failure of the server.
// The client gets a signed CertRep FAILURE for the one, and a 5xx that it may retry for the other.
pub(crate) enum EnrolError {
    Refused(Refusal),
    Failed(Failure),
}

impl EnrolError {
    /// The refusal of a request that results in no certificate, or the failure to build one.
    pub(crate) fn of_issue(error: IssueError) -> Self {
        match error {
            IssueError::Build(error) => Self::Failed(Failure::encode(error)),
            IssueError::Misbound(kind) => Self::Refused(Refusal::ChallengeMisbound(kind.name())),
            IssueError::Rule(violation) => Self::Refused(Refusal::Rule(violation)),
            IssueError::RenewalNames => Self::Refused(Refusal::RenewalNames),
            IssueError::RenewalSubject => Self::Refused(Refusal::RenewalSubject),
        }
    }
}

impl From<Refusal> for EnrolError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Failure> for EnrolError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<EntropyError> for EnrolError {
    fn from(error: EntropyError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<StoreError> for EnrolError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}
