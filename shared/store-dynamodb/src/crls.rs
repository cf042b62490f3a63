//! CRLs, in the profiles table: the latest one of each generation of each authority, in as many items as it takes.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{ReturnValue, ReturnValuesOnConditionCheckFailure};
use scep_service::{ClaimOutcome, CrlStore, Crls, StoreError, StoredCrl};
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::item::{
    CRL, ID, Item, NEXT_UPDATE, NUMBER, PART_SET, PARTS, Reader, THIS_UPDATE, milliseconds, number,
    octets, text, unavailable,
};
use crate::objects::ProfilesTable;

const WHAT: &str = "CRL";

/// Most octets of a CRL in one item: DynamoDB takes 400 KiB with everything else.
const MAX_PART_BYTES: usize = 350 * 1024;

/// How often a CRL is read whose parts are replaced meanwhile.
const MAX_TRIES: usize = 3;

/// A part of a CRL is not there.
#[derive(Debug, thiserror::Error)]
#[error("part {0} of a CRL is missing")]
struct MissingPart(usize);

#[async_trait::async_trait]
impl Crls for ProfilesTable {
    async fn crl(&self, authority: Uuid, generation: u32) -> Result<Option<StoredCrl>, StoreError> {
        let mut missing = 0;
        for _ in 0..MAX_TRIES {
            let Some(head) = self.get(head_id(authority, generation)).await? else {
                return Ok(None);
            };
            let reader = Reader {
                what: WHAT,
                item: &head,
            };
            let number = reader.number(NUMBER)?;
            let mut der = reader.octets(CRL)?.to_vec();
            let parts: usize = reader.number(PARTS)?;
            missing = 0;
            let set = reader.uuid(PART_SET)?;
            for part in 1..parts {
                let id = part_id(set, part);
                let Some(item) = self.get(id).await? else {
                    missing = part;
                    break;
                };
                der.extend_from_slice(
                    Reader {
                        what: WHAT,
                        item: &item,
                    }
                    .octets(CRL)?,
                );
            }
            if missing == 0 {
                return Ok(Some(StoredCrl {
                    der,
                    number,
                    this_update: reader.milliseconds(THIS_UPDATE)?,
                    next_update: reader.milliseconds(NEXT_UPDATE)?,
                }));
            }
        }
        Err(unavailable("reading a CRL")(MissingPart(missing)))
    }
}

#[async_trait::async_trait]
impl Crls for DynamoDbStore {
    async fn crl(&self, authority: Uuid, generation: u32) -> Result<Option<StoredCrl>, StoreError> {
        self.profiles_table().crl(authority, generation).await
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
        // Parts first, in a set of their own: whoever sees the new head finds them, and nobody else's.
        let set = Uuid::new_v4();
        let parts: Vec<&[u8]> = crl.der.chunks(MAX_PART_BYTES).collect();
        self.put_parts(set, &parts).await?;
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.profiles)
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .set_item(Some(head(authority, generation, crl, set)));
        let put = match crl.number.checked_sub(1) {
            None | Some(0) => put.condition_expression("attribute_not_exists(id)"),
            Some(before) => put
                .condition_expression("#number = :before")
                .expression_attribute_names("#number", NUMBER)
                .expression_attribute_values(":before", number(before)),
        };
        let error = match put.send().await {
            Ok(put) => {
                if let Some(item) = &put.attributes {
                    let old = Reader { what: WHAT, item };
                    self.remove_parts(old.uuid(PART_SET)?, old.number(PARTS)?)
                        .await;
                }
                return Ok(ClaimOutcome::Won);
            }
            Err(error) => error,
        };
        match error.as_service_error() {
            // A retry of a write whose answer was lost finds its own.
            Some(PutItemError::ConditionalCheckFailedException(failed))
                if failed.item().and_then(|item| item.get(PART_SET))
                    == Some(&text(set.to_string())) =>
            {
                Ok(ClaimOutcome::Won)
            }
            Some(PutItemError::ConditionalCheckFailedException(_)) => {
                self.remove_parts(set, parts.len()).await;
                Ok(ClaimOutcome::Lost)
            }
            Some(_) | None => Err(unavailable("writing a CRL")(error)),
        }
    }
}

impl DynamoDbStore {
    /// Writes the parts of a CRL but for the first, which is in the head.
    async fn put_parts(&self, set: Uuid, parts: &[&[u8]]) -> Result<(), StoreError> {
        for (place, part) in parts.iter().enumerate().skip(1) {
            let id = part_id(set, place);
            let item = Item::from([(ID.to_owned(), text(id)), (CRL.to_owned(), octets(part))]);
            let put = self.client.put_item().table_name(&self.tables.profiles);
            let put = put.set_item(Some(item)).send().await;
            put.map_err(unavailable("writing a part of a CRL"))?;
        }
        Ok(())
    }

    /// Removes the parts of a CRL that is not the last one any more, or never was. Whoever is reading it begins anew; what stays is
    /// in nobody's way.
    async fn remove_parts(&self, set: Uuid, parts: usize) {
        for part in 1..parts {
            let id = part_id(set, part);
            let delete = self.client.delete_item().table_name(&self.tables.profiles);
            if let Err(error) = delete.key(ID, text(id)).send().await {
                tracing::debug!(%error, %set, part, "a part of an old CRL stays");
            }
        }
    }
}

/// The item that says which CRL is the latest, with its first part.
fn head(authority: Uuid, generation: u32, crl: &StoredCrl, set: Uuid) -> Item {
    let mut parts = crl.der.chunks(MAX_PART_BYTES);
    let count = u64::try_from(parts.len()).unwrap_or(u64::MAX);
    Item::from([
        (ID.to_owned(), text(head_id(authority, generation))),
        (CRL.to_owned(), octets(parts.next().unwrap_or_default())),
        (PARTS.to_owned(), number(count)),
        (PART_SET.to_owned(), text(set.to_string())),
        (NUMBER.to_owned(), number(crl.number)),
        (THIS_UPDATE.to_owned(), milliseconds(crl.this_update)),
        (NEXT_UPDATE.to_owned(), milliseconds(crl.next_update)),
    ])
}

fn head_id(authority: Uuid, generation: u32) -> String {
    format!("crl/{authority}/{generation}")
}

fn part_id(set: Uuid, part: usize) -> String {
    format!("crl/{set}/{part}")
}
