//! Encrypted content keys that were seen before, in the transactions table: each is accepted with
//! one ciphertext only.

use scep_protocol::transaction::Fingerprint;
use scep_service::error::StoreError;
use scep_service::ports::ClaimOutcome;
use time::OffsetDateTime;

use crate::DynamoDbStore;
use crate::expression::Condition;
use crate::item::{CIPHERTEXT, EXPIRES_AT, ID, Item, to_octets, to_seconds, to_text};
use crate::write::Write;

impl DynamoDbStore {
    /// Records the pair, unless the key is on record with another ciphertext that has not expired.
    pub(crate) async fn put_envelope(
        &self,
        encrypted_key: Fingerprint,
        ciphertext: Fingerprint,
        until: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError> {
        let item = Item::from([
            (ID.to_owned(), to_text(format!("envelope/{encrypted_key}"))),
            (CIPHERTEXT.to_owned(), to_octets(&ciphertext.0)),
            (EXPIRES_AT.to_owned(), to_seconds(until)),
        ]);
        // DynamoDB deletes expired items hours late, so the condition checks the time itself. The
        // same ciphertext passes, since clients retry with the message that they sent.
        let condition = Condition::Any(vec![
            Condition::Missing(ID),
            Condition::Equals(CIPHERTEXT, to_octets(&ciphertext.0)),
            Condition::LessThan(EXPIRES_AT, to_seconds(now)),
        ]);
        let write = Write::put(&self.tables.transactions, item).on_condition(condition);
        self.write_one("remembering an envelope", write)
            .await
            .map(ClaimOutcome::from)
    }
}
