//! Audit records, in the profiles table: each is written together with the change it describes.

use scep_service::audit::{Actor, AuditRecord};
use scep_service::error::StoreError;
use scep_service::inventory::{AuditFilter, Page, PageRequest};
use scep_service::object::Reference;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::index::{BY_KIND, BY_OBJECT};
use crate::item::{
    ACTION, ACTOR, AFTER, AT, BEFORE, ID, Item, KIND, NAME, OBJECT, OBJECT_KIND, ORDER, Reader,
    to_millis, to_text,
};
use crate::objects::find_kind;
use crate::page::{Bounds, List};

/// The kind by which audit records are listed, and the prefix of their ids.
const RECORD: &str = "auditRecord";

impl DynamoDbStore {
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
                to_text(first_record_id(
                    filter.since.unwrap_or(OffsetDateTime::UNIX_EPOCH),
                )),
                to_text(
                    filter
                        .until
                        .map_or_else(|| Uuid::max().to_string(), first_record_id),
                ),
            ),
            // Administrators look for what changed last.
            ascending: false,
        };
        self.read_page(&list, page, |item| parse_audit_record(item).map(Some))
            .await
    }
}

/// The smallest UUID that a record of this millisecond can have.
// Records have UUIDs of version 7, which begin with their time in 48 bits (RFC 9562 §5.7), and so
// the order of the UUIDs as text is the order of the records. Times before 1970 have no such UUID.
fn first_record_id(at: OffsetDateTime) -> String {
    let since_1970 = at.unix_timestamp_nanos() / 1_000_000;
    let milliseconds = u128::try_from(since_1970).unwrap_or(0).min((1 << 48) - 1);
    Uuid::from_u128(milliseconds << 80).to_string()
}

pub(crate) fn audit_item(record: &AuditRecord) -> Item {
    let mut item = Item::from([
        (ID.to_owned(), to_text(format!("{RECORD}/{}", record.uuid))),
        (KIND.to_owned(), to_text(RECORD)),
        (ORDER.to_owned(), to_text(record.uuid.to_string())),
        (AT.to_owned(), to_millis(record.at)),
        (ACTOR.to_owned(), to_text(record.actor.name())),
        (ACTION.to_owned(), to_text(record.action.name())),
        (OBJECT.to_owned(), to_text(record.object.uuid.to_string())),
        (OBJECT_KIND.to_owned(), to_text(record.object.kind.name())),
    ]);
    let optional = [
        (NAME, &record.name),
        (BEFORE, &record.before),
        (AFTER, &record.after),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            item.insert(name.to_owned(), to_text(value));
        }
    }
    item
}

fn parse_audit_record(item: &Item) -> Result<AuditRecord, StoreError> {
    let reader = Reader {
        what: "audit record",
        item,
    };
    Ok(AuditRecord {
        uuid: reader.uuid(ORDER)?,
        at: reader.milliseconds(AT)?,
        actor: Actor::new(reader.text(ACTOR)?.to_owned()),
        action: reader.read(ACTION, |name| name.as_s().ok()?.parse().ok())?,
        object: Reference {
            kind: reader.read(OBJECT_KIND, |name| find_kind(name.as_s().ok()?))?,
            uuid: reader.uuid(OBJECT)?,
        },
        name: reader.optional_text(NAME)?,
        before: reader.optional_text(BEFORE)?,
        after: reader.optional_text(AFTER)?,
    })
}
