//! CRLs, in the profiles table: the latest one of each generation of each authority, as a head and
//! as many parts as it needs.

use ca::generation::Generation;
use ca::id::AuthorityUuid;
use scep_service::error::StoreError;
use scep_service::ports::{CrlHead, StoredCrl, WriteOutcome};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use uuid::Uuid;

use crate::attribute::{Millis, to_number, to_text};
use crate::expression::Condition;
use crate::item::{ID, Item, NUMBER, PART_SET, build_item, parse_item, unavailable};
use crate::profiles_table::Consistency;
use crate::write::Write;
use crate::written::Written;
use crate::{DynamoDbStore, ProfilesTable};

const WHAT: &str = "CRL";

/// The most octets of a CRL in one item.
// DynamoDB limits an item to 400 KiB, names and other attributes included.
const MAX_PART_BYTES: usize = 350 * 1024;

/// Parts of a CRL were missing at every try.
#[derive(Debug, thiserror::Error)]
#[error("parts of a CRL are missing")]
struct MissingParts;

/// The item that identifies the latest CRL.
// It carries no octets of the CRL: DynamoDB charges for a whole item, whatever is read of it, and
// most requests need only the head.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeadItem {
    #[serde(skip_deserializing)]
    id: String,
    /// The first part, which is empty today. An earlier version kept the beginning of the CRL here,
    /// and expects the attribute.
    crl: ByteBuf,
    /// The number of parts, the first one included.
    parts: usize,
    part_set: Uuid,
    number: u64,
    this_update: Millis,
    next_update: Millis,
}

/// The item of one of the other parts.
#[derive(Serialize, Deserialize)]
struct PartItem {
    #[serde(skip_deserializing)]
    id: String,
    crl: ByteBuf,
}

impl From<&HeadItem> for CrlHead {
    fn from(head: &HeadItem) -> Self {
        Self {
            number: head.number,
            this_update: head.this_update.0,
            next_update: head.next_update.0,
        }
    }
}

pub(crate) fn head_item(
    authority: AuthorityUuid,
    generation: Generation,
    crl: &StoredCrl,
    set: Uuid,
) -> Result<Item, StoreError> {
    build_item(HeadItem {
        id: head_id(authority, generation),
        crl: ByteBuf::new(),
        parts: crl.der.chunks(MAX_PART_BYTES).len().saturating_add(1),
        part_set: set,
        number: crl.number,
        this_update: Millis(crl.this_update),
        next_update: Millis(crl.next_update),
    })
}

impl ProfilesTable {
    pub(crate) async fn read_crl_head(
        &self,
        consistency: Consistency,
        authority: AuthorityUuid,
        generation: Generation,
    ) -> Result<Option<CrlHead>, StoreError> {
        let found = self.read_head(consistency, authority, generation).await?;
        Ok(found.as_ref().map(CrlHead::from))
    }

    async fn read_head(
        &self,
        consistency: Consistency,
        authority: AuthorityUuid,
        generation: Generation,
    ) -> Result<Option<HeadItem>, StoreError> {
        let id = head_id(authority, generation);
        let found = self.get_item(consistency, id).await?;
        found.map(|item| parse_item(WHAT, item)).transpose()
    }

    pub(crate) async fn read_crl(
        &self,
        consistency: Consistency,
        authority: AuthorityUuid,
        generation: Generation,
    ) -> Result<Option<StoredCrl>, StoreError> {
        // If a part is missing, either the CRL was replaced during the read, or the replica that
        // answered does not have the part yet. Strongly consistent tries rule out the second.
        for tried in [consistency, Consistency::Strong, Consistency::Strong] {
            let Some(head) = self.read_head(tried, authority, generation).await? else {
                return Ok(None);
            };
            if let Some(der) = self.read_parts(tried, &head).await? {
                return Ok(Some(StoredCrl {
                    der,
                    number: head.number,
                    this_update: head.this_update.0,
                    next_update: head.next_update.0,
                }));
            }
        }
        Err(unavailable("reading a CRL")(MissingParts))
    }

    /// Reads the CRL of this head; `None` if a part is missing.
    async fn read_parts(
        &self,
        consistency: Consistency,
        head: &HeadItem,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut der = head.crl.to_vec();
        for part in 1..head.parts {
            let id = part_id(head.part_set, part);
            let Some(item) = self.get_item(consistency, id).await? else {
                return Ok(None);
            };
            der.extend_from_slice(&parse_item::<PartItem>(WHAT, item)?.crl);
        }
        Ok(Some(der))
    }
}

impl DynamoDbStore {
    pub(crate) async fn write_crl(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
        crl: &StoredCrl,
        replaced: Option<u64>,
    ) -> Result<WriteOutcome, StoreError> {
        // The parts are written before the head that names them, in a set of their own: a reader of
        // the new head finds every part, and a concurrent writer cannot overwrite one.
        let set = Uuid::new_v4();
        let parts: Vec<&[u8]> = crl.der.chunks(MAX_PART_BYTES).collect();
        self.put_parts(set, &parts).await?;
        let (old, condition) = match replaced {
            None => (None, Condition::Missing(ID)),
            Some(number) => (
                // A put that the SDK repeats does not return the head that it replaced.
                self.profiles_table()
                    .read_head(Consistency::Strong, authority, generation)
                    .await?,
                Condition::Equals(NUMBER, to_number(number)),
            ),
        };
        let head = head_item(authority, generation, crl, set)?;
        let write = Write::put(&self.tables.profiles, head)
            .on_condition(condition)
            .with_mark(PART_SET, to_text(set.to_string()));
        // The parts stay after an error: the head may have been written after all.
        match self.write_one("writing a CRL", write).await? {
            Written::Won(_) => {
                // The condition held, so the old head is the one that was replaced. It names the
                // parts that nothing refers to any more.
                if let Some(old) = old {
                    self.remove_parts(old.part_set, old.parts).await;
                }
                Ok(WriteOutcome::Won)
            }
            Written::Lost => {
                self.remove_parts(set, parts.len().saturating_add(1)).await;
                Ok(WriteOutcome::Lost)
            }
        }
    }

    /// Writes the parts of a CRL, numbered from 1; part 0 is the empty one in the head.
    async fn put_parts(&self, set: Uuid, parts: &[&[u8]]) -> Result<(), StoreError> {
        for (part, number) in parts.iter().zip(1..) {
            let item = build_item(PartItem {
                id: part_id(set, number),
                crl: ByteBuf::from(*part),
            })?;
            self.client
                .put_item()
                .table_name(&self.tables.profiles)
                .set_item(Some(item))
                .send()
                .await
                .map_err(unavailable("writing a part of a CRL"))?;
        }
        Ok(())
    }

    /// Removes the parts of a CRL that was replaced or lost the race to become the latest. A client
    /// that is reading it starts over with the new head.
    async fn remove_parts(&self, set: Uuid, parts: usize) {
        // A failure is not an error: a part that stays takes space and is never read.
        for part in 1..parts {
            let removed = self
                .client
                .delete_item()
                .table_name(&self.tables.profiles)
                .key(ID, to_text(part_id(set, part)))
                .send()
                .await;
            if let Err(error) = removed {
                tracing::debug!(%error, %set, part, "could not remove a part of an old CRL");
            }
        }
    }
}

fn head_id(authority: AuthorityUuid, generation: Generation) -> String {
    format!("crl/{authority}/{generation}")
}

fn part_id(set: Uuid, part: usize) -> String {
    format!("crl/{set}/{part}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::to_octets;
    use crate::samples;
    use crate::samples::{AUTHORITY, GENERATION, NOW};

    #[test]
    fn a_head_and_a_part_are_stored_under_these_names() {
        let long = StoredCrl {
            der: vec![1; MAX_PART_BYTES + 1],
            ..samples::sample_crl()
        };
        let head = head_item(AUTHORITY, GENERATION, &long, Uuid::nil()).unwrap();
        let expected = samples::build_sample_item([
            ("id", to_text(format!("crl/{AUTHORITY}/7"))),
            ("crl", to_octets(&[])),
            ("parts", to_number(3)),
            ("partSet", to_text(Uuid::nil().to_string())),
            ("number", to_number(4)),
            ("thisUpdate", to_number(1_767_323_045_678_i64)),
            ("nextUpdate", to_number(1_767_409_445_678_i64)),
        ]);
        assert_eq!(head, expected);
        let read: HeadItem = parse_item(WHAT, head).unwrap();
        assert_eq!((read.parts, read.this_update), (3, Millis(NOW)));
        let part = build_item(PartItem {
            id: part_id(Uuid::nil(), 1),
            crl: ByteBuf::from([5; 3]),
        });
        let expected = samples::build_sample_item([
            ("id", to_text(format!("crl/{}/1", Uuid::nil()))),
            ("crl", to_octets(&[5; 3])),
        ]);
        assert_eq!(part.unwrap(), expected);
    }
}
