//! CRLs, in the profiles table: the latest one of each generation of each authority, as a head and
//! as many parts as it needs.

use scep_service::error::StoreError;
use scep_service::ports::{ClaimOutcome, CrlHead, CrlStore, Crls, StoredCrl};
use uuid::Uuid;

use crate::expression::Condition;
use crate::item::{
    CRL, ID, Item, NEXT_UPDATE, NUMBER, PART_SET, PARTS, Reader, THIS_UPDATE, to_millis, to_number,
    to_octets, to_text, unavailable,
};
use crate::objects::Consistency;
use crate::write::{Write, Written};
use crate::{DynamoDbStore, ProfilesTable};

const WHAT: &str = "CRL";

/// The most octets of a CRL in one item.
// DynamoDB limits an item to 400 KiB, names and other attributes included.
const MAX_PART_BYTES: usize = 350 * 1024;

/// The number of tries to read a CRL whose parts are replaced during the read.
const MAX_TRIES: usize = 3;

/// A part of a CRL is missing.
#[derive(Debug, thiserror::Error)]
#[error("part {0} of a CRL is missing")]
struct MissingPart(usize);

impl ProfilesTable {
    async fn read_crl_head(
        &self,
        consistency: Consistency,
        authority: Uuid,
        generation: u32,
    ) -> Result<Option<Item>, StoreError> {
        let id = head_id(authority, generation);
        self.get_with(consistency, id).await
    }

    async fn read_crl(
        &self,
        consistency: Consistency,
        authority: Uuid,
        generation: u32,
    ) -> Result<Option<StoredCrl>, StoreError> {
        let (mut consistency, mut missing) = (consistency, 0);
        for _ in 0..MAX_TRIES {
            let Some(head) = self
                .read_crl_head(consistency, authority, generation)
                .await?
            else {
                return Ok(None);
            };
            match self.read_crl_parts(consistency, &head).await? {
                Ok(crl) => return Ok(Some(crl)),
                Err(MissingPart(part)) => missing = part,
            }
            // Either the CRL was replaced during the read, or the replica that answered does not
            // have the part yet. The retry is strongly consistent, which rules out the second.
            consistency = Consistency::Strong;
        }
        Err(unavailable("reading a CRL")(MissingPart(missing)))
    }

    async fn read_crl_parts(
        &self,
        consistency: Consistency,
        item: &Item,
    ) -> Result<Result<StoredCrl, MissingPart>, StoreError> {
        let reader = Reader { what: WHAT, item };
        let CrlHead {
            number,
            this_update,
            next_update,
        } = parse_head(item)?;
        // An earlier version kept the first part in the head; today it is empty.
        let mut der = reader.octets(CRL)?.to_vec();
        let set = reader.uuid(PART_SET)?;
        for part in 1..reader.number(PARTS)? {
            let Some(item) = self.get_with(consistency, part_id(set, part)).await? else {
                return Ok(Err(MissingPart(part)));
            };
            let reader = Reader {
                what: WHAT,
                item: &item,
            };
            der.extend_from_slice(reader.octets(CRL)?);
        }
        Ok(Ok(StoredCrl {
            der,
            number,
            this_update,
            next_update,
        }))
    }
}

/// Serves CRLs to clients. Reads are eventually consistent, at half the cost: in AWS, a new CRL may
/// appear a moment late.
#[async_trait::async_trait]
impl Crls for ProfilesTable {
    async fn crl_head(
        &self,
        authority: Uuid,
        generation: u32,
    ) -> Result<Option<CrlHead>, StoreError> {
        self.read_crl_head(Consistency::Eventual, authority, generation)
            .await?
            .as_ref()
            .map(parse_head)
            .transpose()
    }

    async fn crl(&self, authority: Uuid, generation: u32) -> Result<Option<StoredCrl>, StoreError> {
        self.read_crl(Consistency::Eventual, authority, generation)
            .await
    }
}

/// Reads CRLs with strong consistency, because maintenance builds each CRL on its predecessor:
/// built on an older one, it would get a number that is already taken.
#[async_trait::async_trait]
impl Crls for DynamoDbStore {
    async fn crl_head(
        &self,
        authority: Uuid,
        generation: u32,
    ) -> Result<Option<CrlHead>, StoreError> {
        self.profiles_table()
            .read_crl_head(Consistency::Strong, authority, generation)
            .await?
            .as_ref()
            .map(parse_head)
            .transpose()
    }

    async fn crl(&self, authority: Uuid, generation: u32) -> Result<Option<StoredCrl>, StoreError> {
        self.profiles_table()
            .read_crl(Consistency::Strong, authority, generation)
            .await
    }
}

#[async_trait::async_trait]
impl CrlStore for DynamoDbStore {
    async fn replace_crl(
        &self,
        authority: Uuid,
        generation: u32,
        crl: &StoredCrl,
    ) -> Result<ClaimOutcome, StoreError> {
        // The parts are written before the head that names them, in a set of their own: a reader of
        // the new head finds every part, and a concurrent writer cannot overwrite one.
        let set = Uuid::new_v4();
        let parts: Vec<&[u8]> = crl.der.chunks(MAX_PART_BYTES).collect();
        self.put_parts(set, &parts).await?;
        let condition = match crl.number.checked_sub(1) {
            None | Some(0) => Condition::Missing(ID),
            Some(before) => Condition::Equals(NUMBER, to_number(before)),
        };
        let head = head_item(authority, generation, crl, set);
        let write = Write::put(&self.tables.profiles, head)
            .on_condition(condition)
            .with_mark(PART_SET, to_text(set.to_string()));
        // The parts stay after an error: the head may have been written after all.
        match self.write_one("writing a CRL", write).await? {
            Written::Won(replaced) => {
                // The replaced head names the parts that nothing refers to any more.
                if let Some(item) = &replaced {
                    let old = Reader { what: WHAT, item };
                    self.remove_parts(old.uuid(PART_SET)?, old.number(PARTS)?)
                        .await;
                }
                Ok(ClaimOutcome::Won)
            }
            Written::Lost => {
                self.remove_parts(set, parts.len().saturating_add(1)).await;
                Ok(ClaimOutcome::Lost)
            }
        }
    }
}

impl DynamoDbStore {
    /// Writes the parts of a CRL, numbered from 1; part 0 is the empty one in the head.
    async fn put_parts(&self, set: Uuid, parts: &[&[u8]]) -> Result<(), StoreError> {
        for (part, number) in parts.iter().zip(1..) {
            let id = part_id(set, number);
            let item = Item::from([
                (ID.to_owned(), to_text(id)),
                (CRL.to_owned(), to_octets(part)),
            ]);
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

/// Builds the item that identifies the latest CRL.
fn head_item(authority: Uuid, generation: u32, crl: &StoredCrl, set: Uuid) -> Item {
    // The head carries no octets of the CRL: DynamoDB charges for a whole item, whatever is read of
    // it, and most requests need only the head. The empty first part is for earlier versions, which
    // expect one.
    let parts = crl.der.chunks(MAX_PART_BYTES).len().saturating_add(1);
    let count = u64::try_from(parts).unwrap_or(u64::MAX);
    Item::from([
        (ID.to_owned(), to_text(head_id(authority, generation))),
        (CRL.to_owned(), to_octets(&[])),
        (PARTS.to_owned(), to_number(count)),
        (PART_SET.to_owned(), to_text(set.to_string())),
        (NUMBER.to_owned(), to_number(crl.number)),
        (THIS_UPDATE.to_owned(), to_millis(crl.this_update)),
        (NEXT_UPDATE.to_owned(), to_millis(crl.next_update)),
    ])
}

fn parse_head(item: &Item) -> Result<CrlHead, StoreError> {
    let reader = Reader { what: WHAT, item };
    Ok(CrlHead {
        number: reader.number(NUMBER)?,
        this_update: reader.milliseconds(THIS_UPDATE)?,
        next_update: reader.milliseconds(NEXT_UPDATE)?,
    })
}

fn head_id(authority: Uuid, generation: u32) -> String {
    format!("crl/{authority}/{generation}")
}

fn part_id(set: Uuid, part: usize) -> String {
    format!("crl/{set}/{part}")
}
