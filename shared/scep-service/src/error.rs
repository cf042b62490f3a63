//! What goes wrong on our side, and how it is told from a refusal.

use scep_protocol::{Refusal, Rejection};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A store did not do as it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Someone else changed the object since it was read.
    #[error("the object was changed by someone else")]
    Conflict,
    /// The cursor is none that a page of this list gave.
    #[error("the cursor is none of this list")]
    Cursor,
    /// Something in the store is not what was written there.
    #[error("reading a stored {what}")]
    Corrupt {
        /// Kind of the object.
        what: &'static str,
        /// Why it cannot be read.
        #[source]
        source: Cause,
    },
    /// Another object has this name.
    #[error("the name is taken")]
    NameTaken,
    /// The store does not answer, or not now.
    #[error("{operation} in the store")]
    Unavailable {
        /// What was attempted.
        operation: &'static str,
        /// Why it failed.
        #[source]
        source: Cause,
    },
}

/// A key did not do as it was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key is gone, unreadable, or of another kind than its reference says.
    #[error("{operation} with key {reference}")]
    Broken {
        /// What was attempted.
        operation: &'static str,
        /// The key's reference.
        reference: String,
        /// Why it failed.
        #[source]
        source: Cause,
    },
    /// The key cannot be adopted: the key store takes none, or not this one.
    #[error("adopting key {reference}: {reason}")]
    NotAdoptable {
        /// The key's reference.
        reference: String,
        /// Why not, for an administrator.
        reason: &'static str,
    },
    /// The key store does not answer now.
    #[error("{operation} in the key store")]
    Unavailable {
        /// What was attempted.
        operation: &'static str,
        /// Why it failed.
        #[source]
        source: Cause,
    },
}

/// Why a use case ended without what it is for.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Another process held a transaction for longer than a client waits.
    #[error("another process is at work on this transaction")]
    Busy,
    /// A certificate or message of ours could not be encoded.
    #[error(transparent)]
    Encode(Cause),
    /// A key failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The client gets a plain HTTP answer.
    #[error("rejected: {0:?}")]
    Rejected(Rejection),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something that is to be done by timer was not; the log says what.
    #[error("upkeep is not complete")]
    Upkeep,
}

impl Failure {
    pub(crate) fn encode(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Encode(Box::new(source))
    }

    /// What the client is told.
    #[must_use]
    pub const fn rejection(&self) -> Rejection {
        match self {
            Self::Rejected(rejection) => *rejection,
            Self::Busy
            | Self::Upkeep
            | Self::Key(KeyError::Unavailable { .. })
            | Self::Store(StoreError::Unavailable { .. } | StoreError::Conflict) => {
                Rejection::TryLater
            }
            Self::Encode(_)
            | Self::Key(KeyError::Broken { .. } | KeyError::NotAdoptable { .. })
            | Self::Store(
                StoreError::Corrupt { .. } | StoreError::Cursor | StoreError::NameTaken,
            ) => Rejection::OurFault,
        }
    }
}

/// Why an enrolment came to nothing: our "no", or our failure.
pub(crate) enum NotIssued {
    Refused(Refusal),
    Failed(Failure),
}

impl From<Refusal> for NotIssued {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<E: Into<Failure>> From<E> for NotIssued {
    fn from(failure: E) -> Self {
        Self::Failed(failure.into())
    }
}
