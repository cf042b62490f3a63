//! The profiles table: versioned objects as JSON documents, their names as separate items, and the
//! references between them.

use aws_sdk_dynamodb::types::AttributeValue;
use ca::profile_name::ProfileName;
use scep_service::audit::AuditRecord;
use scep_service::error::StoreError;
use scep_service::object::{ObjectKind, Reference, StoredObject};
use scep_service::ports::Change;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::attribute::{to_number, to_text};
use crate::expression::{Changes, Condition};
use crate::index::BY_KIND;
use crate::item::{DEPENDENTS, DOCUMENT, ID, Item, VERSION, build_item, corrupt, parse_item};
use crate::page::{Bounds, List, read_all};
use crate::profiles_table::Consistency;
use crate::write::{Step, Write};
use crate::{DynamoDbStore, ProfilesTable};

impl ProfilesTable {
    pub(crate) async fn read_object(
        &self,
        consistency: Consistency,
        reference: Reference,
    ) -> Result<Option<StoredObject>, StoreError> {
        let item = self.get_item(consistency, object_id(reference)).await?;
        item.map(|item| parse_object(reference.kind, item))
            .transpose()
    }

    pub(crate) async fn read_uuid(
        &self,
        consistency: Consistency,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<Uuid>, StoreError> {
        let item = self.get_item(consistency, name_id(kind, name)).await?;
        let found: Option<NameItem> = item.map(|item| parse_item(kind.name(), item)).transpose()?;
        Ok(found.map(|found| found.uuid))
    }
}

impl DynamoDbStore {
    pub(crate) async fn list_objects(
        &self,
        kind: ObjectKind,
    ) -> Result<Vec<StoredObject>, StoreError> {
        let list = List {
            table: &self.tables.profiles,
            index: &BY_KIND,
            hash: kind.name().to_owned(),
            bounds: Bounds::All,
            ascending: true,
        };
        let items = read_all(&self.client, &list).await?;
        items
            .into_iter()
            .map(|item| parse_object(kind, item))
            .collect()
    }

    pub(crate) async fn apply_change(
        &self,
        change: &Change,
        audit: &AuditRecord,
    ) -> Result<(), StoreError> {
        let steps = self.list_steps(change, audit)?;
        let applied = self
            .write_all("writing an object", steps, Applied::Written)
            .await?;
        match applied {
            Applied::Written => Ok(()),
            Applied::NameTaken => Err(StoreError::NameTaken),
            Applied::Conflict => Err(StoreError::Conflict),
        }
    }

    /// Lists the steps of a change: the object, its name, its dependencies and the audit record.
    fn list_steps(
        &self,
        change: &Change,
        audit: &AuditRecord,
    ) -> Result<Vec<Step<'_, Applied>>, StoreError> {
        let mut steps = Vec::new();
        match change {
            Change::Create { object, references } => {
                // The name comes first: a name that is taken is what the administrator can change.
                if let Some(name) = &object.name {
                    steps.push(self.put(name_item(object, name)?).or(Applied::NameTaken));
                }
                steps.push(self.put(object_item(object)?).or(Applied::Conflict));
                steps.extend(self.link_steps(object.reference, references));
            }
            Change::Replace {
                object,
                read,
                added,
                removed,
            } => {
                steps.push(self.replace(object, *read));
                steps.extend(self.link_steps(object.reference, added));
                steps.extend(self.unlink_steps(object.reference, removed));
            }
            Change::Delete { object, references } => {
                steps.push(self.delete(object));
                if let Some(name) = &object.name {
                    let id = name_id(object.reference.kind, name);
                    steps.push(Step::delete(&self.tables.profiles, id));
                }
                steps.extend(self.unlink_steps(object.reference, references));
            }
        }
        steps.push(self.put_audit(audit)?.or(Applied::Conflict));
        Ok(steps)
    }

    /// Describes the write of an item whose id must be free: a put replaces silently.
    fn put(&self, item: Item) -> Write<'_> {
        Write::put(&self.tables.profiles, item).on_condition(Condition::Missing(ID))
    }

    fn replace(&self, object: &StoredObject, read: u64) -> Step<'_, Applied> {
        // This is an update rather than a put, so that `dependents`, which other objects write,
        // stays.
        let changes = Changes::default()
            .set(DOCUMENT, to_text(&object.document))
            .set(VERSION, to_number(object.version));
        let id = object_id(object.reference);
        Write::update(&self.tables.profiles, id, changes)
            .on_condition(Condition::Equals(VERSION, to_number(read)))
            .or(Applied::Conflict)
    }

    fn delete(&self, object: &StoredObject) -> Step<'_, Applied> {
        // The object may have gained a dependent since it was read; that does not change its
        // version. DynamoDB drops a set with its last element, so that an object without dependents
        // has no such attribute.
        let condition = Condition::All(vec![
            Condition::Equals(VERSION, to_number(object.version)),
            Condition::Missing(DEPENDENTS),
        ]);
        let id = object_id(object.reference);
        Step::delete_if(&self.tables.profiles, id, condition, Applied::Conflict)
    }

    /// Lists the steps that add an object to the dependents of the objects that it needs.
    fn link_steps(&self, object: Reference, needed: &[Reference]) -> Vec<Step<'_, Applied>> {
        let changes = Changes::default().add(DEPENDENTS, dependent(object));
        self.update_existing(needed, &changes)
    }

    /// Lists the steps that remove an object from the dependents of the objects that it needed.
    fn unlink_steps(&self, object: Reference, needed: &[Reference]) -> Vec<Step<'_, Applied>> {
        let changes = Changes::default().delete(DEPENDENTS, dependent(object));
        self.update_existing(needed, &changes)
    }

    fn update_existing(&self, objects: &[Reference], changes: &Changes) -> Vec<Step<'_, Applied>> {
        let describe = |object: &Reference| {
            Write::update(&self.tables.profiles, object_id(*object), changes.clone())
                // An update creates a missing item: the object would come back without a document.
                .on_condition(Condition::Exists(ID))
                .or(Applied::Conflict)
        };
        objects.iter().map(describe).collect()
    }
}

/// The outcome of a change of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Applied {
    Written,
    NameTaken,
    Conflict,
}

/// An object as an element of a set of dependents.
fn dependent(object: Reference) -> AttributeValue {
    AttributeValue::Ss(vec![object_id(object)])
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectItem {
    #[serde(skip_deserializing)]
    id: String,
    uuid: Uuid,
    #[serde(skip_deserializing)]
    kind: String,
    version: u64,
    document: String,
    /// The sort key of lists: the name, or the UUID of an object without one.
    #[serde(skip_deserializing)]
    order: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<ProfileName>,
    /// A set that other objects write: see `link_steps`.
    #[serde(default, skip_serializing)]
    dependents: Vec<String>,
}

/// The item that leads from a name to the object.
// It has no `kind`: an index leaves out items without its hash key, so lists contain objects alone.
#[derive(Serialize, Deserialize)]
struct NameItem {
    #[serde(skip_deserializing)]
    id: String,
    uuid: Uuid,
}

pub(crate) fn object_item(object: &StoredObject) -> Result<Item, StoreError> {
    let reference = object.reference;
    build_item(ObjectItem {
        id: object_id(reference),
        uuid: reference.uuid,
        kind: reference.kind.name().to_owned(),
        version: object.version,
        document: object.document.clone(),
        order: object
            .name
            .as_ref()
            .map_or_else(|| reference.uuid.to_string(), ToString::to_string),
        name: object.name.clone(),
        dependents: Vec::new(),
    })
}

pub(crate) fn name_item(object: &StoredObject, name: &ProfileName) -> Result<Item, StoreError> {
    build_item(NameItem {
        id: name_id(object.reference.kind, name),
        uuid: object.reference.uuid,
    })
}

pub(crate) fn parse_object(kind: ObjectKind, item: Item) -> Result<StoredObject, StoreError> {
    let found: ObjectItem = parse_item(kind.name(), item)?;
    let dependents = found.dependents.iter().map(|id| parse_reference(id));
    Ok(StoredObject {
        reference: Reference {
            kind,
            uuid: found.uuid,
        },
        name: found.name,
        document: found.document,
        version: found.version,
        dependents: dependents
            .collect::<Option<_>>()
            .ok_or_else(|| corrupt(kind.name())(UnknownDependent))?,
    })
}

/// A stored object has a dependent whose id cannot be parsed.
#[derive(Debug, thiserror::Error)]
#[error("the id of a dependent is not {{kind}}/{{uuid}}")]
struct UnknownDependent;

fn object_id(reference: Reference) -> String {
    format!("{}/{}", reference.kind.name(), reference.uuid)
}

fn parse_reference(id: &str) -> Option<Reference> {
    let (kind, uuid) = id.split_once('/')?;
    Some(Reference {
        kind: kind.parse().ok()?,
        uuid: Uuid::parse_str(uuid).ok()?,
    })
}

fn name_id(kind: ObjectKind, name: &ProfileName) -> String {
    format!("{}/name/{name}", kind.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::samples::{RA_PROFILE, sample_object};

    #[test]
    fn an_object_and_its_name_are_stored_under_these_names() {
        let named = sample_object(Some("office"));
        let expected = samples::build_sample_item([
            ("id", to_text(format!("raProfile/{RA_PROFILE}"))),
            ("uuid", to_text(RA_PROFILE.to_string())),
            ("kind", to_text("raProfile")),
            ("version", to_number(3)),
            ("document", to_text("{}")),
            ("order", to_text("office")),
            ("name", to_text("office")),
        ]);
        assert_eq!(object_item(&named).unwrap(), expected);
        let expected = samples::build_sample_item([
            ("id", to_text("raProfile/name/office")),
            ("uuid", to_text(RA_PROFILE.to_string())),
        ]);
        let name = ProfileName::new("office").unwrap();
        assert_eq!(name_item(&named, &name).unwrap(), expected);
    }

    #[test]
    fn an_object_without_a_name_is_sorted_by_its_uuid() {
        let stored = object_item(&sample_object(None)).unwrap();
        assert_eq!(stored["order"], to_text(RA_PROFILE.to_string()));
        assert!(!stored.contains_key("name") && !stored.contains_key("dependents"));
    }

    #[test]
    fn dependents_are_a_set_of_ids() {
        let mut stored = object_item(&sample_object(None)).unwrap();
        let scep_profile = Reference {
            kind: ObjectKind::ScepProfile,
            uuid: Uuid::from_u128(8),
        };
        stored.insert(DEPENDENTS.to_owned(), dependent(scep_profile));
        let read = parse_object(ObjectKind::RaProfile, stored.clone()).unwrap();
        assert_eq!(read.dependents, [scep_profile]);
        assert_eq!((read.version, read.name), (3, None));
        let unknown = AttributeValue::Ss(vec!["printer/1".to_owned()]);
        stored.insert(DEPENDENTS.to_owned(), unknown);
        assert!(matches!(
            parse_object(ObjectKind::RaProfile, stored),
            Err(StoreError::Corrupt { .. })
        ));
    }
}
