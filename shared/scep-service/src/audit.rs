//! Audit records of who changed what, written atomically with each change.

use std::sync::Mutex;

use newtype_uuid::GenericUuid;
use strum::{EnumString, IntoStaticStr, VariantArray};
use time::OffsetDateTime;
use uuid::{ContextV7, Timestamp, Uuid};

use crate::error::StoreError;
use crate::object::{Object, Reference, to_document};

/// The author of a change: the name of a token, a user of an identity provider, or a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(String);

impl Actor {
    /// An author of this name.
    #[must_use]
    pub const fn new(name: String) -> Self {
        Self(name)
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// An action on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "camelCase")]
pub enum AuditAction {
    /// SCEP was activated on an RA Profile.
    Activate,
    /// A pending transaction was approved.
    Approve,
    /// An object was created.
    Create,
    /// One-time challenges were made.
    CreateChallenges,
    /// SCEP was deactivated on an RA Profile.
    Deactivate,
    /// An object was deleted.
    Delete,
    /// A one-time challenge was deleted.
    DeleteChallenge,
    /// A profile was disabled.
    Disable,
    /// An object was edited.
    Edit,
    /// A profile was enabled.
    Enable,
    /// Lock-outs were ended.
    FreeLockouts,
    /// A subordinate's certificate was installed.
    InstallCertificate,
    /// A key was ordered for an authority, was made, or was put to use.
    OrderKey,
    /// A pending transaction was rejected.
    Reject,
    /// A certificate or a token was revoked.
    Revoke,
    /// An authority received its next generation, or began to issue with it.
    Rollover,
    /// An RA certificate received a new key.
    Rotate,
    /// A certificate of the server itself is about to be signed. The record is written before the
    /// authority signs.
    Sign,
    /// A request is about to be sent to the service behind a challenge source, to test it.
    TestSource,
}

impl AuditAction {
    /// Returns the name used in the API and in storage.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The states of an object before and after a change.
pub(crate) enum States<'a, T> {
    /// The object is new.
    Created(&'a T),
    /// The object existed before and after.
    Edited {
        /// The object before the change.
        before: &'a T,
        /// The object after the change.
        after: &'a T,
    },
    /// The object is deleted.
    Deleted(&'a T),
}

ca::typed_uuids! {
    /// Identifies an audit record.
    AuditRecordUuid: AuditRecordIdKind = "audit-record";
}

/// The record of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// The identity of the record. Identities sort by time.
    pub uuid: AuditRecordUuid,
    /// The time of the change.
    pub at: OffsetDateTime,
    /// The author of the change.
    pub actor: Actor,
    /// The action.
    pub action: AuditAction,
    /// The object that was changed.
    pub object: Reference,
    /// The object's name, if it has one.
    pub name: Option<String>,
    /// The object before the change, JSON without secrets; `None` for a new object.
    pub before: Option<String>,
    /// The object after the change, JSON without secrets; `None` for a deleted object.
    pub after: Option<String>,
}

impl AuditRecord {
    /// Builds the record of a change to an object.
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
        // Audit records outlive the objects and are readable through the API, so not even the
        // sealed form of a secret belongs here.
        let without_secrets = |object: &&T| to_document(&object.without_secrets());
        Ok(Self {
            uuid: new_audit_record_uuid(now),
            at: now,
            actor: actor.clone(),
            action,
            object: Reference::to::<T>(object.uuid()),
            name: object.name().map(ToString::to_string),
            before: before.map(without_secrets).transpose()?,
            after: after.map(without_secrets).transpose()?,
        })
    }
}

/// An action on something that is not an [`Object`], such as a certificate or a transaction.
pub(crate) struct Act {
    pub(crate) action: AuditAction,
    pub(crate) object: Reference,
    /// The name that an administrator recognises.
    pub(crate) name: String,
    /// The relevant values before the action, JSON.
    pub(crate) before: serde_json::Value,
    /// The relevant values after the action, JSON.
    pub(crate) after: serde_json::Value,
}

impl Act {
    /// Builds the audit record of the action.
    pub(crate) fn by(self, actor: &Actor, now: OffsetDateTime) -> AuditRecord {
        AuditRecord {
            uuid: new_audit_record_uuid(now),
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

/// Makes the identity of a record that is written now: a version 7 uuid, RFC 9562 §5.7.
fn new_audit_record_uuid(now: OffsetDateTime) -> AuditRecordUuid {
    AuditRecordUuid::from_untyped_uuid(Uuid::new_v7(uuid_timestamp(now)))
}

/// Returns the smallest UUID that a record of this millisecond can have.
// Records have UUIDs of version 7, which begin with their time in 48 bits (RFC 9562 §5.7), and so
// the order of the UUIDs is the order of the records. Times before 1970 have no such UUID.
#[must_use]
pub fn first_record_uuid(at: OffsetDateTime) -> Uuid {
    let since_1970 = at.unix_timestamp_nanos() / 1_000_000;
    let milliseconds = u128::try_from(since_1970).unwrap_or(0).min((1 << 48) - 1);
    Uuid::from_u128(milliseconds << 80)
}

/// The counter of version 7 uuids.
// It keeps records in order that this process writes within the same millisecond.
static CONTEXT: Mutex<ContextV7> = Mutex::new(ContextV7::new());

fn uuid_timestamp(at: OffsetDateTime) -> Timestamp {
    let seconds = u64::try_from(at.unix_timestamp()).unwrap_or(0);
    Timestamp::from_unix(&CONTEXT, seconds, at.nanosecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_read_by_the_name_that_records_store() {
        for action in AuditAction::VARIANTS {
            assert_eq!(action.name().parse(), Ok(*action));
        }
        let names = AuditAction::VARIANTS.iter().map(|action| action.name());
        let expected = [
            "activate",
            "approve",
            "create",
            "createChallenges",
            "deactivate",
            "delete",
            "deleteChallenge",
            "disable",
            "edit",
            "enable",
            "freeLockouts",
            "installCertificate",
            "orderKey",
            "reject",
            "revoke",
            "rollover",
            "rotate",
            "sign",
            "testSource",
        ];
        assert!(names.eq(expected));
    }
    #[test]
    fn bounds_of_time_are_in_the_order_of_records() {
        let now = OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(1_767_323_045_678);
        let record = new_audit_record_uuid(now).into_untyped_uuid();
        assert!(first_record_uuid(now) < record);
        assert!(record < first_record_uuid(now + time::Duration::MILLISECOND));
        assert_eq!(first_record_uuid(now).as_u128() >> 80, 1_767_323_045_678);
        let before_1970 = OffsetDateTime::UNIX_EPOCH - time::Duration::DAY;
        assert_eq!(first_record_uuid(before_1970), Uuid::nil());
    }
}
