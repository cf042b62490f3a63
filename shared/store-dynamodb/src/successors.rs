//! The successors of each certificate, in the transactions table: few certificates renew one.

use aws_sdk_dynamodb::types::AttributeValue;
use scep_service::error::StoreError;
use scep_service::ports::{Bar, ClaimOutcome, GuardedOutcome, MAX_SUCCESSORS, Renewal};
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::expression::{Changes, Condition};
use crate::item::{EXPIRES_AT, Reader, SUCCESSORS, to_number, to_seconds, to_text};
use crate::write::{Step, Write};

fn successors_id(authority: Uuid, predecessor: Uuid) -> String {
    format!("successors/{authority}/{predecessor}")
}

impl DynamoDbStore {
    /// Describes the write that adds a successor to those of its predecessor, if there is room.
    pub(crate) fn claim_succession(
        &self,
        authority: Uuid,
        renewal: &Renewal,
    ) -> Step<'_, GuardedOutcome> {
        let most = u64::try_from(MAX_SUCCESSORS).unwrap_or(u64::MAX);
        let changes = Changes::default()
            .append(SUCCESSORS, uuid_list(&[renewal.successor]))
            // An expired certificate renews nothing, so its list is of no use after notAfter.
            .set(EXPIRES_AT, to_seconds(renewal.predecessor_not_after));
        let id = successors_id(authority, renewal.predecessor);
        Write::update(&self.tables.transactions, id, changes)
            .on_condition(Condition::Any(vec![
                Condition::Missing(SUCCESSORS),
                Condition::ShorterThan(SUCCESSORS, to_number(most)),
            ]))
            .or(GuardedOutcome::Barred(Bar::TooManySuccessors))
    }

    pub(crate) async fn read_successors(
        &self,
        authority: Uuid,
        predecessor: Uuid,
    ) -> Result<Vec<Uuid>, StoreError> {
        let id = successors_id(authority, predecessor);
        let Some(item) = self.read_item(id).await? else {
            return Ok(Vec::new());
        };
        let reader = Reader {
            what: "list of successors",
            item: &item,
        };
        reader.read(SUCCESSORS, |value| {
            value
                .as_l()
                .ok()?
                .iter()
                .map(|uuid| Uuid::parse_str(uuid.as_s().ok()?).ok())
                .collect()
        })
    }

    /// Replaces the list of successors, on the condition that it is still the known one.
    pub(crate) async fn replace_successors(
        &self,
        authority: Uuid,
        predecessor: Uuid,
        known: &[Uuid],
        living: &[Uuid],
    ) -> Result<ClaimOutcome, StoreError> {
        let id = successors_id(authority, predecessor);
        let changes = Changes::default().set(SUCCESSORS, uuid_list(living));
        let write = Write::update(&self.tables.transactions, id, changes)
            .on_condition(Condition::Equals(SUCCESSORS, uuid_list(known)));
        self.write_one("forgetting successors", write)
            .await
            .map(ClaimOutcome::from)
    }
}

fn uuid_list(uuids: &[Uuid]) -> AttributeValue {
    AttributeValue::L(uuids.iter().map(|uuid| to_text(uuid.to_string())).collect())
}
