//! Reads of many items at once.

use aws_sdk_dynamodb::types::KeysAndAttributes;
use scep_service::error::StoreError;

use crate::DynamoDbStore;
use crate::attribute::to_text;
use crate::item::{ID, Item, unavailable};
use crate::retry::{MAX_TRIES, back_off};

/// The maximum number of items that are read at once: DynamoDB's own.
pub(crate) const MAX_READ_ITEMS: usize = 100;

impl DynamoDbStore {
    /// Reads those of these items of a table that exist, with strong consistency and in no
    /// particular order. There are at most [`MAX_READ_ITEMS`] ids, none twice.
    pub(crate) async fn read_items(
        &self,
        table: &str,
        ids: impl Iterator<Item = String>,
    ) -> Result<Vec<Item>, StoreError> {
        let reading = "reading items";
        let keys = ids.map(|id| Item::from([(ID.to_owned(), to_text(id))]));
        // The counts of wrong challenges are read here, and a stale one would allow one more guess.
        let mut wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys.collect()))
            .consistent_read(true)
            .build()
            .map_err(unavailable(reading))?;
        let mut found = Vec::new();
        for tries in 0..MAX_TRIES {
            back_off(tries).await;
            let read = self
                .client
                .batch_get_item()
                .request_items(table, wanted)
                .send()
                .await
                .map_err(unavailable(reading))?;
            let mut items = read.responses.unwrap_or_default();
            found.extend(items.remove(table).unwrap_or_default());
            // DynamoDB returns what it had no capacity for, to be asked for again.
            let Some(rest) = read
                .unprocessed_keys
                .and_then(|mut rest| rest.remove(table))
            else {
                return Ok(found);
            };
            wanted = rest;
        }
        Err(unavailable(reading)(Throttled))
    }
}

/// DynamoDB returned only some of the items, again and again.
#[derive(Debug, thiserror::Error)]
#[error("the table has no capacity for the read")]
struct Throttled;
