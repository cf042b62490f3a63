//! Who changed what: a record beside every change, written with it or not at all.

use std::sync::Mutex;

use time::OffsetDateTime;
use uuid::{ContextV7, Timestamp, Uuid};

use crate::object::document;
use crate::{Object, Reference, StoreError};

/// Who acts, as records name them: a token's name, a user of an identity provider, a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(pub String);

/// What was done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditAction {
    /// SCEP activated on an RA Profile.
    Activate,
    /// A pending transaction approved.
    Approve,
    /// Made.
    Create,
    /// SCEP deactivated on an RA Profile.
    Deactivate,
    /// Deleted.
    Delete,
    /// Disabled.
    Disable,
    /// Edited.
    Edit,
    /// Enabled.
    Enable,
    /// A subordinate's certificate installed.
    InstallCertificate,
    /// A pending transaction rejected.
    Reject,
    /// A certificate revoked.
    Revoke,
    /// An authority given its next generation, or that one made the one that issues.
    Rollover,
    /// An RA certificate given a new key.
    Rotate,
    /// A certificate of the server about to be signed: written before its authority signs it.
    Sign,
}

impl AuditAction {
    /// Every action.
    pub const ALL: [Self; 14] = [
        Self::Activate,
        Self::Approve,
        Self::Create,
        Self::Deactivate,
        Self::Delete,
        Self::Disable,
        Self::Edit,
        Self::Enable,
        Self::InstallCertificate,
        Self::Reject,
        Self::Revoke,
        Self::Rollover,
        Self::Rotate,
        Self::Sign,
    ];

    /// Its name in the API and in storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::Approve => "approve",
            Self::Create => "create",
            Self::Deactivate => "deactivate",
            Self::Delete => "delete",
            Self::Disable => "disable",
            Self::Edit => "edit",
            Self::Enable => "enable",
            Self::InstallCertificate => "installCertificate",
            Self::Reject => "reject",
            Self::Revoke => "revoke",
            Self::Rollover => "rollover",
            Self::Rotate => "rotate",
            Self::Sign => "sign",
        }
    }

    /// The action of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// An object around a change.
pub(crate) enum States<'a, T> {
    /// It was not.
    Created(&'a T),
    /// It was and is.
    Edited {
        /// As it was.
        before: &'a T,
        /// As it is.
        after: &'a T,
    },
    /// It is no more.
    Deleted(&'a T),
}

/// The record of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its identity; orders records by time.
    pub uuid: Uuid,
    /// When.
    pub at: OffsetDateTime,
    /// Who.
    pub actor: Actor,
    /// What was done.
    pub action: AuditAction,
    /// To what.
    pub object: Reference,
    /// The object's name, if its kind has names.
    pub name: Option<String>,
    /// The object before, JSON without secrets; `None` when it was made.
    pub before: Option<String>,
    /// The object after, JSON without secrets; `None` when it was deleted.
    pub after: Option<String>,
}

impl AuditRecord {
    /// The record of what `actor` did to an object.
    pub(crate) fn of<T: Object>(
        actor: &Actor,
        action: AuditAction,
        states: &States<'_, T>,
        now: OffsetDateTime,
    ) -> Result<Self, StoreError> {
        let (object, before, after) = match states {
            States::Created(after) => (after, None, Some(after)),
            States::Edited { before, after } => (after, Some(before), Some(after)),
            States::Deleted(before) => (before, Some(before), None),
        };
        let without_secrets = |object: &&T| document(&object.without_secrets());
        Ok(Self {
            uuid: Uuid::new_v7(timestamp(now)),
            at: now,
            actor: actor.clone(),
            action,
            object: Reference {
                kind: T::KIND,
                uuid: object.uuid(),
            },
            name: object.name().map(ToString::to_string),
            before: before.map(without_secrets).transpose()?,
            after: after.map(without_secrets).transpose()?,
        })
    }
}

/// What was done to something that is no [`Object`].
pub(crate) struct Act {
    pub(crate) action: AuditAction,
    pub(crate) object: Reference,
    /// As people know it.
    pub(crate) name: String,
    /// What mattered before and after, JSON.
    pub(crate) before: serde_json::Value,
    pub(crate) after: serde_json::Value,
}

impl Act {
    /// The record of it.
    pub(crate) fn by(self, actor: &Actor, now: OffsetDateTime) -> AuditRecord {
        AuditRecord {
            uuid: Uuid::new_v7(timestamp(now)),
            at: now,
            actor: actor.clone(),
            action: self.action,
            object: self.object,
            name: Some(self.name),
            before: Some(self.before.to_string()),
            after: Some(self.after.to_string()),
        }
    }
}

/// Orders records of this process that are made in the same millisecond.
static CONTEXT: Mutex<ContextV7> = Mutex::new(ContextV7::new());

fn timestamp(at: OffsetDateTime) -> Timestamp {
    let seconds = u64::try_from(at.unix_timestamp()).unwrap_or(0);
    Timestamp::from_unix(&CONTEXT, seconds, at.nanosecond())
}
