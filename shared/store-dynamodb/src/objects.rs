//! The profiles table: versioned objects as JSON documents, their names as separate items, and the
//! references between them.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use scep_protocol::ProfileName;
use scep_service::{
    AuditRecord, Change, ObjectKind, ObjectStore, Objects, Reference, StoreError, StoredObject,
};
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::audit::audit_item;
use crate::index::BY_KIND;
use crate::item::{
    DEPENDENTS, DOCUMENT, ID, Item, KIND, NAME, ORDER, Reader, UUID, VERSION, to_number, to_text,
    unavailable,
};
use crate::page::{Bounds, List, read_all};
use crate::retry::{
    CONDITION_FAILED, MAX_TRIES, cancellation_reasons, is_last_try, is_throttled, is_transient,
};

/// Read access to the profiles table alone, which is all that the functions for GET operations get.
#[derive(Clone, Debug)]
pub struct ProfilesTable {
    client: Client,
    name: String,
}

impl ProfilesTable {
    /// Opens the existing table with this name.
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
            .key(ID, to_text(id))
            .consistent_read(consistency == Consistency::Strong)
            .send()
            .await
            .map_err(unavailable("reading an object"))?;
        Ok(found.item)
    }
}

/// Whether a read sees every write that was acknowledged before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consistency {
    /// The read may return slightly older data, at half the cost.
    Eventual,
    /// The read sees every acknowledged write.
    Strong,
}

#[async_trait::async_trait]
impl Objects for ProfilesTable {
    async fn read(&self, reference: Reference) -> Result<Option<StoredObject>, StoreError> {
        let item = self.get(object_id(reference)).await?;
        item.as_ref()
            .map(|item| parse_object(reference.kind, item))
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
        let Some(item) = self.get(name_id(kind, name)).await? else {
            return Ok(None);
        };
        let reader = Reader {
            what: kind.name(),
            item: &item,
        };
        reader.uuid(UUID).map(Some)
    }

    async fn list(&self, kind: ObjectKind) -> Result<Vec<StoredObject>, StoreError> {
        let list = List {
            table: &self.name,
            index: &BY_KIND,
            hash: kind.name().to_owned(),
            bounds: Bounds::All,
            ascending: true,
        };
        let items = read_all(&self.client, &list).await?;
        items.iter().map(|item| parse_object(kind, item)).collect()
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
        let items = self
            .list_writes(change, audit)
            .map_err(unavailable("describing an object"))?;
        for conflicts in 0..MAX_TRIES {
            let Err(error) = self.try_write(&items, conflicts).await else {
                return Ok(());
            };
            let reasons = cancellation_reasons(&error);
            // Reasons come in the order of the writes, and the second write of a new object with a
            // name is that name.
            let named = matches!(change, Change::Create { object, .. } if object.name.is_some());
            if named && reasons.get(1) == Some(&CONDITION_FAILED) {
                return Err(StoreError::NameTaken);
            }
            if reasons.contains(&CONDITION_FAILED) {
                return Err(StoreError::Conflict);
            }
            // A conflict means that another request is writing one of these objects right now, most
            // often a shared dependency. Throttling on the last try is an outage rather than a
            // conflict: reporting it as a conflict would send the administrator to look for an edit
            // that does not exist.
            if !is_transient(&reasons) || (is_last_try(conflicts) && is_throttled(&reasons)) {
                return Err(unavailable("writing an object")(error));
            }
        }
        Err(StoreError::Conflict)
    }

    async fn record(&self, audit: &AuditRecord) -> Result<(), StoreError> {
        self.client
            .put_item()
            .table_name(&self.tables.profiles)
            .set_item(Some(audit_item(audit)))
            .send()
            .await
            .map_err(unavailable("writing a record"))?;
        Ok(())
    }
}

impl DynamoDbStore {
    pub(crate) fn profiles_table(&self) -> ProfilesTable {
        ProfilesTable::new(self.client.clone(), self.tables.profiles.clone())
    }

    /// Lists the writes of a change: the object, its name, its dependencies and the audit record.
    /// [`ObjectStore::apply`] relies on this order when it reads the cancellation reasons.
    fn list_writes(
        &self,
        change: &Change,
        audit: &AuditRecord,
    ) -> Result<Vec<TransactWriteItem>, BuildError> {
        let mut writes = Vec::new();
        match change {
            Change::Create { object, references } => {
                writes.push(self.put(object_item(object))?);
                if let Some(name) = &object.name {
                    writes.push(self.put(name_item(object, name))?);
                }
                writes.extend(self.link_writes("ADD", object.reference, references)?);
            }
            Change::Replace {
                object,
                read,
                added,
                removed,
            } => {
                writes.push(self.replace(object, *read)?);
                writes.extend(self.link_writes("ADD", object.reference, added)?);
                writes.extend(self.link_writes("DELETE", object.reference, removed)?);
            }
            Change::Delete { object, references } => {
                writes.push(self.delete(object)?);
                if let Some(name) = &object.name {
                    let delete = Delete::builder()
                        .table_name(&self.tables.profiles)
                        .key(ID, to_text(name_id(object.reference.kind, name)));
                    writes.push(TransactWriteItem::builder().delete(delete.build()?).build());
                }
                writes.extend(self.link_writes("DELETE", object.reference, references)?);
            }
        }
        writes.push(self.put_audit(audit)?);
        Ok(writes)
    }

    /// Describes the write of an audit record, for the transaction that makes the change.
    pub(crate) fn put_audit(&self, audit: &AuditRecord) -> Result<TransactWriteItem, BuildError> {
        self.put(audit_item(audit))
    }

    fn put(&self, item: Item) -> Result<TransactWriteItem, BuildError> {
        let put = Put::builder()
            .table_name(&self.tables.profiles)
            .set_item(Some(item))
            // A put replaces silently; the uuid or the name may be in use.
            .condition_expression("attribute_not_exists(id)");
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }

    fn replace(&self, object: &StoredObject, read: u64) -> Result<TransactWriteItem, BuildError> {
        let update = Update::builder()
            .table_name(&self.tables.profiles)
            .key(ID, to_text(object_id(object.reference)))
            // An update rather than a put, so that `dependents`, which other objects write, stays.
            .update_expression("SET #document = :document, #version = :next")
            .condition_expression("#version = :read")
            .expression_attribute_names("#document", DOCUMENT)
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_values(":document", to_text(&object.document))
            .expression_attribute_values(":next", to_number(object.version))
            .expression_attribute_values(":read", to_number(read));
        Ok(TransactWriteItem::builder().update(update.build()?).build())
    }

    fn delete(&self, object: &StoredObject) -> Result<TransactWriteItem, BuildError> {
        let delete = Delete::builder()
            .table_name(&self.tables.profiles)
            .key(ID, to_text(object_id(object.reference)))
            // The object may have gained a dependent since it was read; that does not change its
            // version.
            .condition_expression("#version = :read AND attribute_not_exists(#dependents)")
            .expression_attribute_names("#version", VERSION)
            .expression_attribute_names("#dependents", DEPENDENTS)
            .expression_attribute_values(":read", to_number(object.version));
        Ok(TransactWriteItem::builder().delete(delete.build()?).build())
    }

    /// Describes the writes that add an object to the dependents of each of `needed` (`verb` is
    /// `ADD`) or remove it from them (`DELETE`). Every object in `needed` must exist.
    fn link_writes(
        &self,
        verb: &str,
        object: Reference,
        needed: &[Reference],
    ) -> Result<Vec<TransactWriteItem>, BuildError> {
        let describe = |needed: &Reference| {
            let update = Update::builder()
                .table_name(&self.tables.profiles)
                .key(ID, to_text(object_id(*needed)))
                // DynamoDB drops a set with its last element, which makes `attribute_not_exists`
                // the test for an object without dependents.
                .update_expression(format!("{verb} #dependents :object"))
                // An update creates a missing item: the object would come back without a document.
                .condition_expression("attribute_exists(id)")
                .expression_attribute_names("#dependents", DEPENDENTS)
                .expression_attribute_values(
                    ":object",
                    AttributeValue::Ss(vec![object_id(object)]),
                );
            Ok(TransactWriteItem::builder().update(update.build()?).build())
        };
        needed.iter().map(describe).collect()
    }
}

fn object_item(object: &StoredObject) -> Item {
    let reference = object.reference;
    let order = object
        .name
        .as_ref()
        .map_or_else(|| reference.uuid.to_string(), ToString::to_string);
    let mut item = Item::from([
        (ID.to_owned(), to_text(object_id(reference))),
        (UUID.to_owned(), to_text(reference.uuid.to_string())),
        (KIND.to_owned(), to_text(reference.kind.name())),
        (VERSION.to_owned(), to_number(object.version)),
        (DOCUMENT.to_owned(), to_text(&object.document)),
        (ORDER.to_owned(), to_text(order)),
    ]);
    if let Some(name) = &object.name {
        item.insert(NAME.to_owned(), to_text(name.as_str()));
    }
    item
}

fn name_item(object: &StoredObject, name: &ProfileName) -> Item {
    let reference = object.reference;
    // No KIND: an index leaves out items without its hash key, so lists contain objects alone.
    Item::from([
        (ID.to_owned(), to_text(name_id(reference.kind, name))),
        (UUID.to_owned(), to_text(reference.uuid.to_string())),
    ])
}

fn parse_object(kind: ObjectKind, item: &Item) -> Result<StoredObject, StoreError> {
    let reader = Reader {
        what: kind.name(),
        item,
    };
    let name = match item.get(NAME) {
        None => None,
        Some(_) => Some(reader.read(NAME, |name| ProfileName::new(name.as_s().ok()?).ok())?),
    };
    let dependents = match item.get(DEPENDENTS) {
        None => Vec::new(),
        Some(_) => reader.read(DEPENDENTS, |ids| {
            ids.as_ss()
                .ok()?
                .iter()
                .map(|id| parse_reference(id))
                .collect()
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

fn object_id(reference: Reference) -> String {
    format!("{}/{}", reference.kind.name(), reference.uuid)
}

fn parse_reference(id: &str) -> Option<Reference> {
    let (kind, uuid) = id.split_once('/')?;
    Some(Reference {
        kind: find_kind(kind)?,
        uuid: Uuid::parse_str(uuid).ok()?,
    })
}

/// Finds the kind that is stored under this name.
pub(crate) fn find_kind(name: &str) -> Option<ObjectKind> {
    name.parse().ok()
}

fn name_id(kind: ObjectKind, name: &ProfileName) -> String {
    format!("{}/name/{name}", kind.name())
}
