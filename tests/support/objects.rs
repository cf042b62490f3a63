//! Objects that are written into a store without the use cases, so that no rule forbids them.

use newtype_uuid::GenericUuid;
use scep_service::audit::{Actor, AuditAction, AuditRecord, AuditRecordUuid};
use scep_service::error::StoreError;
use scep_service::object::{Object, Reference, StoredObject, Versioned};
use scep_service::ports::{Change, Store};
use time::OffsetDateTime;
use uuid::Uuid;

/// The stored form of an object.
pub fn stored<T: Object>(object: &T, version: u64) -> StoredObject {
    StoredObject {
        reference: Reference::to::<T>(object.uuid()),
        name: object.name().cloned(),
        document: serde_json::to_string(object).unwrap(),
        version,
        dependents: Vec::new(),
    }
}

/// An audit record for a change that bypasses the use cases.
pub fn audit(reference: Reference) -> AuditRecord {
    AuditRecord {
        uuid: AuditRecordUuid::from_untyped_uuid(Uuid::now_v7()),
        at: OffsetDateTime::UNIX_EPOCH,
        actor: Actor::new("tests".to_owned()),
        action: AuditAction::Edit,
        object: reference,
        name: None,
        before: None,
        after: None,
    }
}

/// Stores a new object without its links.
pub async fn create<T: Object>(store: &dyn Store, object: &T) -> Result<(), StoreError> {
    let object = stored(object, 1);
    let record = audit(object.reference);
    let references = Vec::new();
    store
        .apply(&Change::Create { object, references }, &record)
        .await
}

/// Stores an edited object without updating its links.
pub async fn replace<T: Object>(
    store: &dyn Store,
    edited: &Versioned<T>,
) -> Result<(), StoreError> {
    let object = stored(&edited.object, edited.version + 1);
    let record = audit(object.reference);
    let change = Change::Replace {
        object,
        read: edited.version,
        added: Vec::new(),
        removed: Vec::new(),
    };
    store.apply(&change, &record).await
}
