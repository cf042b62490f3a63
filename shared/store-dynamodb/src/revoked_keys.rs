//! Revoked keys and certificates, which forbid that a certificate is issued.

use scep_protocol::transaction::Fingerprint;
use scep_service::error::StoreError;
use scep_service::ports::{Bar, GuardedOutcome};
use serde::Serialize;
use time::OffsetDateTime;

use crate::DynamoDbStore;
use crate::attribute::{Millis, to_text};
use crate::expression::Condition;
use crate::item::{ID, Item, build_item, unavailable};
use crate::write::{Step, Write};

/// The mark of a key that has a revoked certificate.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RevokedKeyItem {
    id: String,
    revoked_at: Millis,
}

/// The id of the item in the certificates table that marks a key as revoked.
fn revoked_key_id(key: Fingerprint) -> String {
    format!("key/{key}")
}

pub(crate) fn revoked_key_item(key: Fingerprint, at: OffsetDateTime) -> Result<Item, StoreError> {
    build_item(RevokedKeyItem {
        id: revoked_key_id(key),
        revoked_at: Millis(at),
    })
}

impl DynamoDbStore {
    /// Checks, in a transaction, that no certificate of the key is revoked.
    pub(crate) fn check_key_not_revoked(&self, key: Fingerprint) -> Step<'_, GuardedOutcome> {
        Step::check(
            &self.tables.certificates,
            revoked_key_id(key),
            Condition::Missing(ID),
            GuardedOutcome::Barred(Bar::KeyRevoked),
        )
    }

    /// Describes the write that marks a key as revoked.
    pub(crate) fn put_revoked_key(
        &self,
        key: Fingerprint,
        at: OffsetDateTime,
    ) -> Result<Write<'_>, StoreError> {
        // The write is unconditional: a second certificate of the same key may be revoked as well.
        let item = revoked_key_item(key, at)?;
        Ok(Write::put(&self.tables.certificates, item))
    }

    // A stale answer would miss the revocation that the record of a certificate must not miss.
    pub(crate) async fn has_revoked_key(&self, key: Fingerprint) -> Result<bool, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.certificates)
            .key(ID, to_text(revoked_key_id(key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable("reading a revoked key"))?;
        Ok(found.item.is_some())
    }
}
