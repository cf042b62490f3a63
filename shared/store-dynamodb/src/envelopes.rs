//! Encrypted content keys that were seen before, in the transactions table: each is accepted with
//! one ciphertext only.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use scep_protocol::Fingerprint;
use scep_service::{ClaimOutcome, StoreError};
use time::OffsetDateTime;

use crate::DynamoDbStore;
use crate::item::{CIPHERTEXT, EXPIRES_AT, ID, Item, to_octets, to_seconds, to_text, unavailable};

impl DynamoDbStore {
    /// Records the pair, unless the key is on record with another ciphertext that has not expired.
    pub(crate) async fn put_envelope(
        &self,
        encrypted_key: Fingerprint,
        ciphertext: Fingerprint,
        until: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError> {
        let id = format!("envelope/{encrypted_key}");
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.transactions)
            .set_item(Some(Item::from([
                (ID.to_owned(), to_text(id)),
                (CIPHERTEXT.to_owned(), to_octets(&ciphertext.0)),
                (EXPIRES_AT.to_owned(), to_seconds(until)),
            ])))
            // DynamoDB deletes expired items hours late, so the condition checks the time itself.
            // The same ciphertext passes, since clients retry with the message that they sent.
            .condition_expression(
                "attribute_not_exists(id) OR ciphertext = :ciphertext OR expiresAt < :now",
            )
            .expression_attribute_values(":ciphertext", to_octets(&ciphertext.0))
            .expression_attribute_values(":now", to_seconds(now));
        let Err(error) = put.send().await else {
            return Ok(ClaimOutcome::Won);
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(ClaimOutcome::Lost),
            Some(_) | None => Err(unavailable("remembering an envelope")(error)),
        }
    }
}
