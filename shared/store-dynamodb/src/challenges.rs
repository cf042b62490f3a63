//! One-time challenges, in the transactions table.

use aws_sdk_dynamodb::types::AttributeValue;
use scep_protocol::id::ChallengeUuid;
use scep_protocol::one_time_challenge::{ChallengeUpdate, ChallengeUse, OneTimeChallenge};
use scep_protocol::transaction::TransactionKey;
use scep_service::error::StoreError;

use crate::DynamoDbStore;
use crate::attribute::to_number;
use crate::challenge_item::{UseItem, bound_id, challenge_id, parse_bound, parse_challenge};
use crate::expression::{Changes, Condition};
use crate::item::{TAKEN, VERSION, corrupt};
use crate::write::{Step, Write};

impl DynamoDbStore {
    pub(crate) async fn read_challenge(
        &self,
        uuid: ChallengeUuid,
    ) -> Result<Option<OneTimeChallenge>, StoreError> {
        let found = self.read_item(challenge_id(uuid)).await?;
        found.map(parse_challenge).transpose()
    }

    /// Reads the challenge that is bound to the transactionID of a transaction.
    pub(crate) async fn read_challenge_of(
        &self,
        key: &TransactionKey,
    ) -> Result<Option<OneTimeChallenge>, StoreError> {
        match self.read_item(bound_id(key.uuid())).await? {
            Some(bound) => self.read_challenge(parse_bound(bound)?).await,
            None => Ok(None),
        }
    }

    /// Describes the step that writes the uses of a challenge, if it is unchanged since it was
    /// read.
    pub(crate) fn update_challenge<O>(
        &self,
        update: &ChallengeUpdate,
        otherwise: O,
    ) -> Result<Step<'_, O>, StoreError> {
        let version = update.version.saturating_add(1);
        let changes = Changes::default()
            .set(TAKEN, use_list(&update.taken)?)
            .set(VERSION, to_number(version));
        let id = challenge_id(update.uuid);
        Ok(Write::update(&self.tables.transactions, id, changes)
            .on_condition(Condition::Equals(VERSION, to_number(update.version)))
            .or(otherwise))
    }
}

fn use_list(taken: &[ChallengeUse]) -> Result<AttributeValue, StoreError> {
    let items: Vec<_> = taken.iter().map(UseItem::from).collect();
    serde_dynamo::to_attribute_value(items).map_err(corrupt("use of a challenge"))
}
