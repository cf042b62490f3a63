//! The profiles table: objects as JSON documents with a version, names as items of their own, and who needs whom.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use scep_protocol::ProfileName;
use scep_service::{
    AuditRecord, Change, ObjectKind, ObjectStore, Objects, Reference, StoreError, StoredObject,
};
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::audit::recorded;
use crate::index::BY_KIND;
use crate::item::{
    DEPENDENTS, DOCUMENT, ID, Item, KIND, NAME, ORDER, Reader, UUID, VERSION, number, text,
    unavailable,
};
use crate::page::{Bounds, List, all};

/// The profiles table, for those who may read objects of it and no more.
#[derive(Clone, Debug)]
pub struct ProfilesTable {
    client: Client,
    name: String,
}

impl ProfilesTable {
    /// The table of this name, which exists.
    #[must_use]
    pub const fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    pub(crate) async fn get(&self, id: String) -> Result<Option<Item>, StoreError> {
        self.get_with(Consistency::Strong, id).await
    }

    pub(crate) async fn get_with(
        &self,
        consistency: Consistency,
        id: String,
    ) -> Result<Option<Item>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.name)
            .key(ID, text(id))
            .consistent_read(consistency == Consistency::Strong)
            .send()
            .await
            .map_err(unavailable("reading an object"))?;
        Ok(found.item)
    }
}

/// Whether a read sees every write that was answered before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consistency {
    /// It may be a moment behind, and costs half.
    Eventual,
    /// It sees them all.
    Strong,
}

#[async_trait::async_trait]
impl Objects for ProfilesTable {
    async fn read(&self, reference: Reference) -> Result<Option<StoredObject>, StoreError> {
        let item = self.get(id(reference)).await?;
        item.as_ref()
            .map(|item| object(reference.kind, item))
            .transpose()
    }

    async fn find(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<StoredObject>, StoreError> {
        match self.uuid_of(kind, name).await? {
            Some(uuid) => self.read(Reference { kind, uuid }).await,
            None => Ok(None),
        }
    }

    async fn uuid_of(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<Uuid>, StoreError> {
        let item = self.get(name_id(kind, name)).await?;
        let what = kind.name();
        let uuid = item.map(|item| Reader { what, item: &item }.uuid(UUID));
        uuid.transpose()
    }

    async fn list(&self, kind: ObjectKind) -> Result<Vec<StoredObject>, StoreError> {
        let list = List {
            table: &self.name,
            index: &BY_KIND,
            hash: kind.name().to_owned(),
            bounds: Bounds::All,
            ascending: true,
        };
        let items = all(&self.client, &list).await?;
        items.iter().map(|item| object(kind, item)).collect()
    }
}

#[async_trait::async_trait]
impl Objects for DynamoDbStore {
    async fn read(&self, reference: Reference) -> Result<Option<StoredObject>, StoreError> {
        self.profiles_table().read(reference).await
    }

    async fn find(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<StoredObject>, StoreError> {
        self.profiles_table().find(kind, name).await
    }

    async fn uuid_of(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<Uuid>, StoreError> {
        self.profiles_table().uuid_of(kind, name).await
    }

    async fn list(&self, kind: ObjectKind) -> Result<Vec<StoredObject>, StoreError> {
        self.profiles_table().list(kind).await
    }
}

#[async_trait::async_trait]
impl ObjectStore for DynamoDbStore {
    async fn apply(&self, change: &Change, audit: &AuditRecord) -> Result<(), StoreError> {
        let items = self.writes(change, audit);
        let items = items.map_err(unavailable("describing an object"))?;
        for conflicts in 0..MAX_TRIES {
            pause(conflicts).await;
            let writing = self.client.transact_write_items();
            let written = writing.set_transact_items(Some(items.clone())).send().await;
            let Err(error) = written else {
                return Ok(());
            };
            let reasons = cancellation_reasons(&error);
            // Of a new object with a name, the second write is its name.
            let named = matches!(change, Change::Create { object, .. } if object.name.is_some());
            if named && reasons.get(1) == Some(&CONDITION_FAILED) {
                return Err(StoreError::NameTaken);
            }
            if reasons.contains(&CONDITION_FAILED) {
                return Err(StoreError::Conflict);
            }
            // Somebody writes to an object that this one needs, at this very moment.
            if !pass(&reasons) || (is_last(conflicts) && throttled(&reasons)) {
                return Err(unavailable("writing an object")(error));
            }
        }
        Err(StoreError::Conflict)
    }

    async fn record(&self, audit: &AuditRecord) -> Result<(), StoreError> {
        let put = self.client.put_item().table_name(&self.tables.profiles);
        let written = put.set_item(Some(recorded(audit))).send().await;
        written.map_err(unavailable("writing a record"))?;
        Ok(())
    }
}

/// Why a transaction is cancelled when a condition did not hold.
pub(crate) const CONDITION_FAILED: &str = "ConditionalCheckFailed";

/// Why a transaction is cancelled that the next try may get through: another request touches one of its items, or there are
/// too many requests. The SDK tries again what is throttled as a whole, not this.
const CONFLICT: &str = "TransactionConflict";
const THROTTLED: [&str; 2] = ["ThrottlingError", "ProvisionedThroughputExceeded"];

/// How often a write is tried that is cancelled so.
pub(crate) const MAX_TRIES: u32 = 5;

/// Do all reasons that are one pass by themselves?
pub(crate) fn pass(reasons: &[&str]) -> bool {
    let given = reasons
        .iter()
        .filter(|reason| !matches!(**reason, "None" | ""));
    let mut given = given.peekable();
    given.peek().is_some() && given.all(|reason| *reason == CONFLICT || THROTTLED.contains(reason))
}

/// Were there too many requests?
pub(crate) fn throttled(reasons: &[&str]) -> bool {
    reasons.iter().any(|reason| THROTTLED.contains(reason))
}

/// Is this the last try?
pub(crate) const fn is_last(conflicts: u32) -> bool {
    conflicts.saturating_add(1) >= MAX_TRIES
}

/// Waits before a write that was cancelled so many times is tried again: not at all at first, then twice as long each time,
/// by chance more or less, so that those who have met part.
pub(crate) async fn pause(conflicts: u32) {
    let Some(doubled) = conflicts.checked_sub(1) else {
        return;
    };
    let most = FIRST_PAUSE.saturating_mul(1 << doubled);
    tokio::time::sleep(most.mul_f64(rand::random_range(0.5..1.0))).await;
}

/// Longest wait after the first conflict.
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// Why a transaction was cancelled, item by item; nothing when it was not.
pub(crate) fn cancellation_reasons(error: &SdkError<TransactWriteItemsError>) -> Vec<&str> {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return Vec::new();
    };
    let reasons = cancelled.cancellation_reasons().iter();
    reasons
        .map(|reason| reason.code().unwrap_or_default())
        .collect()
}

impl DynamoDbStore {
    pub(crate) fn profiles_table(&self) -> ProfilesTable {
        ProfilesTable::new(self.client.clone(), self.tables.profiles.clone())
    }

    /// The writes of a change: the object, then its name, then those that it needs, then the record.
    fn writes(
        &self,
        change: &Change,
        audit: &AuditRecord,
    ) -> Result<Vec<TransactWriteItem>, BuildError> {
        let mut writes = Vec::new();
        match change {
            Change::Create { object, references } => {
                writes.push(self.put(item(object))?);
                if let Some(name) = &object.name {
                    writes.push(self.put(name_item(object, name))?);
                }
                writes.extend(self.link("ADD", object.reference, references)?);
            }
            Change::Replace {
                object,
                read,
                added,
                removed,
            } => {
                writes.push(self.replace(object, *read)?);
                writes.extend(self.link("ADD", object.reference, added)?);
                writes.extend(self.link("DELETE", object.reference, removed)?);
            }
            Change::Delete { object, references } => {
                writes.push(self.delete(object)?);
                if let Some(name) = &object.name {
                    let delete = Delete::builder()
                        .table_name(&self.tables.profiles)
                        .key(ID, text(name_id(object.reference.kind, name)));
                    writes.push(TransactWriteItem::builder().delete(delete.build()?).build());
                }
                writes.extend(self.link("DELETE", object.reference, references)?);
            }
        }
        writes.push(self.put_audit(audit)?);
        Ok(writes)
    }

    /// The record of a change, to be written with it.
    pub(crate) fn put_audit(&self, audit: &AuditRecord) -> Result<TransactWriteItem, BuildError> {
        self.put(recorded(audit))
    }

    fn put(&self, item: Item) -> Result<TransactWriteItem, BuildError> {
        let put = Put::builder()
            .table_name(&self.tables.profiles)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(id)");
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }

    fn replace(&self, object: &StoredObject, read: u64) -> Result<TransactWriteItem, BuildError> {
        let update = Update::builder()
            .table_name(&self.tables.profiles)
            .key(ID, text(id(object.reference)))
            .update_expression("SET #document = :document, #version = :next")
            .condition_expression("#version = :read")
            .expression_attribute_names("#document", DOCUMENT)
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_values(":document", text(&object.document))
            .expression_attribute_values(":next", number(object.version))
            .expression_attribute_values(":read", number(read));
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }

    fn delete(&self, object: &StoredObject) -> Result<TransactWriteItem, BuildError> {
        let delete = Delete::builder()
            .table_name(&self.tables.profiles)
            .key(ID, text(id(object.reference)))
            .condition_expression("#version = :read AND attribute_not_exists(#dependents)")
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_names("#dependents", DEPENDENTS)
            .expression_attribute_values(":read", number(object.version));
        Ok(TransactWriteItem::builder().delete(delete.build()?).build())
    }

    /// Adds an object to those that need each of `needed`, or deletes it from them. All of them must be there. A set whose
    /// last element is deleted is gone by itself.
    fn link(
        &self,
        verb: &str,
        object: Reference,
        needed: &[Reference],
    ) -> Result<Vec<TransactWriteItem>, BuildError> {
        let link = |needed: &Reference| {
            let update = Update::builder()
                .table_name(&self.tables.profiles)
                .key(ID, text(id(*needed)))
                .update_expression(format!("{verb} #dependents :object"))
                .condition_expression("attribute_exists(id)")
                .expression_attribute_names("#dependents", DEPENDENTS)
                .expression_attribute_values(":object", AttributeValue::Ss(vec![id(object)]));
            Ok(TransactWriteItem::builder().update(update.build()?).build())
        };
        needed.iter().map(link).collect()
    }
}

fn item(object: &StoredObject) -> Item {
    let reference = object.reference;
    let order = object.name.as_ref().map(ToString::to_string);
    let mut item = Item::from([
        (ID.to_owned(), text(id(reference))),
        (UUID.to_owned(), text(reference.uuid.to_string())),
        (KIND.to_owned(), text(reference.kind.name())),
        (VERSION.to_owned(), number(object.version)),
        (DOCUMENT.to_owned(), text(&object.document)),
        (
            ORDER.to_owned(),
            text(order.unwrap_or_else(|| reference.uuid.to_string())),
        ),
    ]);
    if let Some(name) = &object.name {
        item.insert(NAME.to_owned(), text(name.as_str()));
    }
    item
}

fn name_item(object: &StoredObject, name: &ProfileName) -> Item {
    let reference = object.reference;
    Item::from([
        (ID.to_owned(), text(name_id(reference.kind, name))),
        (UUID.to_owned(), text(reference.uuid.to_string())),
    ])
}

fn object(kind: ObjectKind, item: &Item) -> Result<StoredObject, StoreError> {
    let what = kind.name();
    let reader = Reader { what, item };
    let name = match item.get(NAME) {
        None => None,
        Some(_) => Some(reader.read(NAME, |name| ProfileName::new(name.as_s().ok()?).ok())?),
    };
    let dependents = match item.get(DEPENDENTS) {
        None => Vec::new(),
        Some(_) => reader.read(DEPENDENTS, |ids| {
            ids.as_ss().ok()?.iter().map(|id| reference(id)).collect()
        })?,
    };
    Ok(StoredObject {
        reference: Reference {
            kind,
            uuid: reader.uuid(UUID)?,
        },
        name,
        document: reader.text(DOCUMENT)?.to_owned(),
        version: reader.number(VERSION)?,
        dependents,
    })
}

fn id(reference: Reference) -> String {
    format!("{}/{}", reference.kind.name(), reference.uuid)
}

fn reference(id: &str) -> Option<Reference> {
    let (kind, uuid) = id.split_once('/')?;
    Some(Reference {
        kind: kind_of(kind)?,
        uuid: Uuid::parse_str(uuid).ok()?,
    })
}

/// The kind of this name.
pub(crate) fn kind_of(name: &str) -> Option<ObjectKind> {
    ObjectKind::ALL.into_iter().find(|kind| kind.name() == name)
}

fn name_id(kind: ObjectKind, name: &ProfileName) -> String {
    format!("{}/name/{name}", kind.name())
}
