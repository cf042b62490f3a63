//! Audit records, in the profiles table: each is written together with the change it describes.

use scep_service::{
    Actor, AuditAction, AuditFilter, AuditRecord, Page, PageRequest, Reference, StoreError,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::index::{BY_KIND, BY_OBJECT};
use crate::item::{
    ACTION, ACTOR, AFTER, AT, BEFORE, ID, Item, KIND, NAME, OBJECT, OBJECT_KIND, ORDER, Reader,
    milliseconds, text,
};
use crate::objects::kind_of;
use crate::page::{Bounds, List};

/// The kind by which audit records are listed, and the prefix of their ids.
const RECORD: &str = "auditRecord";

impl DynamoDbStore {
    pub(crate) async fn audit_page(
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
                text(first_at(filter.since.unwrap_or(OffsetDateTime::UNIX_EPOCH))),
                text(
                    filter
                        .until
                        .map_or_else(|| Uuid::max().to_string(), first_at),
                ),
            ),
            // Administrators look for what changed last.
            ascending: false,
        };
        self.page(&list, page, |item| record(item).map(Some)).await
    }
}

/// The smallest UUID that a record of this millisecond can have.
// Records have UUIDs of version 7, which begin with their time in 48 bits (RFC 9562 §5.7), and so
// the order of the UUIDs as text is the order of the records. Times before 1970 have no such UUID.
fn first_at(at: OffsetDateTime) -> String {
    let since_1970 = at.unix_timestamp_nanos() / 1_000_000;
    let milliseconds = u128::try_from(since_1970).unwrap_or(0).min((1 << 48) - 1);
    Uuid::from_u128(milliseconds << 80).to_string()
}

pub(crate) fn recorded(record: &AuditRecord) -> Item {
    let mut item = Item::from([
        (ID.to_owned(), text(format!("{RECORD}/{}", record.uuid))),
        (KIND.to_owned(), text(RECORD)),
        (ORDER.to_owned(), text(record.uuid.to_string())),
        (AT.to_owned(), milliseconds(record.at)),
        (ACTOR.to_owned(), text(&record.actor.0)),
        (ACTION.to_owned(), text(record.action.name())),
        (OBJECT.to_owned(), text(record.object.uuid.to_string())),
        (OBJECT_KIND.to_owned(), text(record.object.kind.name())),
    ]);
    let optional = [
        (NAME, &record.name),
        (BEFORE, &record.before),
        (AFTER, &record.after),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            item.insert(name.to_owned(), text(value));
        }
    }
    item
}

fn record(item: &Item) -> Result<AuditRecord, StoreError> {
    let reader = Reader {
        what: "audit record",
        item,
    };
    Ok(AuditRecord {
        uuid: reader.uuid(ORDER)?,
        at: reader.milliseconds(AT)?,
        actor: Actor(reader.text(ACTOR)?.to_owned()),
        action: reader.read(ACTION, |name| AuditAction::from_name(name.as_s().ok()?))?,
        object: Reference {
            kind: reader.read(OBJECT_KIND, |name| kind_of(name.as_s().ok()?))?,
            uuid: reader.uuid(OBJECT)?,
        },
        name: reader.optional_text(NAME)?,
        before: reader.optional_text(BEFORE)?,
        after: reader.optional_text(AFTER)?,
    })
}
