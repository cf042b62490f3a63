//! Audit records, in the profiles table: each is written together with the change it describes.

use scep_service::audit::{Actor, AuditAction, AuditRecord, AuditRecordUuid, first_record_uuid};
use scep_service::error::StoreError;
use scep_service::inventory::{AuditFilter, Page, PageRequest};
use scep_service::object::{ObjectKind, Reference};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::attribute::{ByName, Millis, to_text};
use crate::expression::Condition;
use crate::index::{BY_KIND, BY_OBJECT};
use crate::item::{ID, Item, build_item, parse_item, unavailable};
use crate::page::{Bounds, List};
use crate::write::Write;

/// The kind by which audit records are listed, and the prefix of their ids.
const RECORD: &str = "auditRecord";

impl DynamoDbStore {
    /// Describes the write of an audit record. Records are never overwritten.
    pub(crate) fn put_audit(&self, audit: &AuditRecord) -> Result<Write<'_>, StoreError> {
        let write = Write::put(&self.tables.profiles, audit_item(audit)?);
        Ok(write.on_condition(Condition::Missing(ID)))
    }

    /// Writes an audit record on its own.
    pub(crate) async fn write_audit(&self, audit: &AuditRecord) -> Result<(), StoreError> {
        self.client
            .put_item()
            .table_name(&self.tables.profiles)
            .set_item(Some(audit_item(audit)?))
            .send()
            .await
            .map_err(unavailable("writing a record"))?;
        Ok(())
    }

    pub(crate) async fn read_audit_page(
        &self,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError> {
        let (index, hash) = match filter.object {
            Some(uuid) => (&BY_OBJECT, uuid.to_string()),
            None => (&BY_KIND, RECORD.to_owned()),
        };
        let list = List {
            table: &self.tables.profiles,
            index,
            hash,
            bounds: Bounds::Between(
                to_text(
                    first_record_uuid(filter.since.unwrap_or(OffsetDateTime::UNIX_EPOCH))
                        .to_string(),
                ),
                to_text(
                    filter
                        .until
                        .map_or(Uuid::max(), first_record_uuid)
                        .to_string(),
                ),
            ),
            // Administrators look for what changed last.
            ascending: false,
        };
        self.read_page(&list, page, |item| parse_audit_record(item).map(Some))
            .await
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuditItem {
    #[serde(skip_deserializing)]
    id: String,
    #[serde(skip_deserializing)]
    kind: String,
    /// The record's UUID, by which lists are sorted.
    order: AuditRecordUuid,
    at: Millis,
    actor: String,
    action: ByName<AuditAction>,
    object: Uuid,
    object_kind: ByName<ObjectKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

pub(crate) fn audit_item(record: &AuditRecord) -> Result<Item, StoreError> {
    build_item(AuditItem {
        id: format!("{RECORD}/{}", record.uuid),
        kind: RECORD.to_owned(),
        order: record.uuid,
        at: Millis(record.at),
        actor: record.actor.name().to_owned(),
        action: ByName(record.action),
        object: record.object.uuid,
        object_kind: ByName(record.object.kind),
        name: record.name.clone(),
        before: record.before.clone(),
        after: record.after.clone(),
    })
}

pub(crate) fn parse_audit_record(item: Item) -> Result<AuditRecord, StoreError> {
    let found: AuditItem = parse_item("audit record", item)?;
    Ok(AuditRecord {
        uuid: found.order,
        at: found.at.0,
        actor: Actor::new(found.actor),
        action: found.action.0,
        object: Reference {
            kind: found.object_kind.0,
            uuid: found.object,
        },
        name: found.name,
        before: found.before,
        after: found.after,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::to_number;
    use crate::samples;
    use crate::samples::AUTHORITY;

    #[test]
    fn a_record_is_stored_under_these_names_and_read_again() {
        let record = samples::audit_record();
        let item = audit_item(&record).unwrap();
        let expected = samples::build_sample_item([
            (
                "id",
                to_text("auditRecord/00000000-0000-0000-0000-000000000001"),
            ),
            ("kind", to_text("auditRecord")),
            ("order", to_text("00000000-0000-0000-0000-000000000001")),
            ("at", to_number(1_767_323_045_678_i64)),
            ("actor", to_text("alice")),
            ("action", to_text("installCertificate")),
            ("object", to_text(AUTHORITY.to_string())),
            ("objectKind", to_text("authority")),
            ("name", to_text("ca")),
            ("after", to_text("{}")),
        ]);
        assert_eq!(item, expected);
        assert_eq!(parse_audit_record(item).unwrap(), record);
    }
}
