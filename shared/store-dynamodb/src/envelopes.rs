//! Encrypted content keys that were seen before, in the transactions table: each is accepted with
//! one ciphertext only.

use scep_protocol::transaction::Fingerprint;
use scep_service::error::StoreError;
use scep_service::ports::EnvelopeSighting;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::DynamoDbStore;
use crate::attribute::{Digest, Expiry, to_octets, to_seconds};
use crate::expression::Condition;
use crate::item::{CIPHERTEXT, EXPIRES_AT, ID, Item, build_item, parse_item};
use crate::write::Write;
use crate::written::Written;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EnvelopeItem {
    id: String,
    ciphertext: Digest,
    expires_at: Expiry,
}

pub(crate) fn envelope_item(
    encrypted_key: Fingerprint,
    ciphertext: Fingerprint,
    until: OffsetDateTime,
) -> Result<Item, StoreError> {
    build_item(EnvelopeItem {
        id: format!("envelope/{encrypted_key}"),
        ciphertext: Digest(ciphertext),
        expires_at: Expiry(until),
    })
}

impl DynamoDbStore {
    /// Records the pair, unless the key is on record with another ciphertext that has not expired.
    pub(crate) async fn put_envelope(
        &self,
        encrypted_key: Fingerprint,
        ciphertext: Fingerprint,
        until: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<EnvelopeSighting, StoreError> {
        let item = envelope_item(encrypted_key, ciphertext, until)?;
        // DynamoDB deletes expired items hours late, so the condition checks the time itself. The
        // same ciphertext passes, since clients retry with the message that they sent.
        let condition = Condition::Any(vec![
            Condition::Missing(ID),
            Condition::Equals(CIPHERTEXT, to_octets(&ciphertext.0)),
            Condition::LessThan(EXPIRES_AT, to_seconds(now)),
        ]);
        let write = Write::put(&self.tables.transactions, item)
            .on_condition(condition)
            .with_random_mark();
        let replaced = match self.write_one("remembering an envelope", write).await? {
            Written::Won(replaced) => replaced,
            Written::Lost => return Ok(EnvelopeSighting::Altered),
        };
        let Some(known) = replaced else {
            return Ok(EnvelopeSighting::First);
        };
        let known: EnvelopeItem = parse_item("envelope", known)?;
        // The stored second is the first one at which the item has expired.
        Ok(match known.expires_at.0 <= now {
            true => EnvelopeSighting::First,
            false => EnvelopeSighting::Repeated,
        })
    }
}
