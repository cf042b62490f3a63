//! One-time challenges, in the transactions table.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use scep_protocol::id::{ChallengeUuid, ScepProfileUuid};
use scep_protocol::one_time_challenge::{
    ChallengeState, ChallengeUpdate, ChallengeUse, OneTimeChallenge,
};
use scep_protocol::transaction::TransactionKey;
use scep_service::audit::AuditRecord;
use scep_service::error::StoreError;
use scep_service::inventory::{Page, PageRequest};
use scep_service::ports::{CreationOutcome, WriteOutcome};
use time::OffsetDateTime;

use crate::DynamoDbStore;
use crate::attribute::{count_octets, to_number, to_text};
use crate::batch::MAX_READ_ITEMS;
use crate::challenge_item::{
    UseItem, bound_id, bound_item, challenge_id, challenge_item, challenge_list_key, parse_bound,
    parse_challenge,
};
use crate::expression::{Changes, Condition};
use crate::index::BY_STATE;
use crate::item::{CHALLENGE, DELETED, ID, Item, TAKEN, VERSION, corrupt, read_id};
use crate::page::{Bounds, List, MAX_OCTETS};
use crate::write::{MAX_STEPS, Step, Write};

/// The most reads for one page of a list.
const MAX_READS: usize = 20;

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

    /// Writes new challenges of one SCEP Profile, all or none.
    // A transaction of DynamoDB's holds too few items for all of them, so there may be several, and
    // after a failure what was written is deleted. A crash between two of them leaves challenges
    // whose secret nobody was told; they expire. The audit record comes last, so that it never
    // names challenges that were not made.
    pub(crate) async fn put_challenges(
        &self,
        challenges: &[OneTimeChallenge],
        now: OffsetDateTime,
        audit: &AuditRecord,
    ) -> Result<CreationOutcome, StoreError> {
        let bound = self.read_bound(challenges).await?;
        let mut steps = Vec::new();
        for (index, challenge) in challenges.iter().enumerate() {
            let taken = CreationOutcome::TransactionIdTaken(index);
            // The digest of another challenge would have to begin with the same 122 bits.
            let write = Write::put(&self.tables.transactions, challenge_item(challenge)?)
                .on_condition(Condition::Missing(ID));
            steps.push(write.or_fail());
            let Some(item) = bound_item(challenge)? else {
                continue;
            };
            let holder = challenge
                .bound_transaction()
                .and_then(|id| bound.get(&bound_id(id)));
            let free = match holder {
                Some((_, Some(holder))) if holder.reserves_transaction_id(now) => {
                    return Ok(taken);
                }
                Some((uuid, _)) => Condition::Equals(CHALLENGE, to_text(uuid.to_string())),
                None => Condition::Missing(ID),
            };
            let write = Write::put(&self.tables.transactions, item).on_condition(free);
            steps.push(write.or(taken));
        }
        steps.push(self.put_audit(audit)?.or_fail());
        for chunk in steps.chunks(MAX_STEPS) {
            let written = self
                .write_all(
                    "creating challenges",
                    chunk.to_vec(),
                    CreationOutcome::Created,
                )
                .await;
            match written {
                Ok(CreationOutcome::Created) => {}
                Ok(CreationOutcome::TransactionIdTaken(_)) | Err(_) => {
                    self.remove_challenges(challenges).await;
                    return written;
                }
            }
        }
        Ok(CreationOutcome::Created)
    }

    /// Reads which challenges the transactionIDs of new ones are bound to, by the ids of the items
    /// that say so.
    async fn read_bound(
        &self,
        challenges: &[OneTimeChallenge],
    ) -> Result<HashMap<String, (ChallengeUuid, Option<OneTimeChallenge>)>, StoreError> {
        let transactions = challenges
            .iter()
            .filter_map(OneTimeChallenge::bound_transaction);
        let ids: Vec<_> = transactions.map(bound_id).collect();
        let mut bound = HashMap::new();
        for chunk in ids.chunks(MAX_READ_ITEMS) {
            let mut holders = HashMap::new();
            for item in self
                .read_items(&self.tables.transactions, chunk.iter().cloned())
                .await?
            {
                let id = read_id(item.clone())?;
                holders.insert(parse_bound(item)?, id);
            }
            let ids = holders.keys().copied().map(challenge_id).collect();
            let mut found = HashMap::new();
            for item in self.read_challenge_items(ids).await? {
                let challenge = parse_challenge(item)?;
                found.insert(challenge.uuid, challenge);
            }
            bound.extend(
                holders
                    .into_iter()
                    .filter_map(|(uuid, id)| Some((id?, (uuid, found.remove(&uuid))))),
            );
        }
        Ok(bound)
    }

    /// Deletes new challenges after a failure to write all of them.
    async fn remove_challenges(&self, challenges: &[OneTimeChallenge]) {
        let steps: Vec<Step<'_, ()>> = challenges
            .iter()
            .map(|new| Step::delete(&self.tables.transactions, challenge_id(new.uuid)))
            .collect();
        for chunk in steps.chunks(MAX_STEPS) {
            let removed = self
                .write_all("removing challenges", chunk.to_vec(), ())
                .await;
            // The caller reports the first failure; nobody knows the secrets of what remains.
            if let Err(error) = removed {
                tracing::warn!(%error, "challenges remain whose creation failed");
            }
        }
    }

    /// Reads a page of the challenges of a SCEP Profile, newest first.
    pub(crate) async fn read_challenge_page(
        &self,
        scep_profile: ScepProfileUuid,
        state: Option<ChallengeState>,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<OneTimeChallenge>, StoreError> {
        let list = List {
            table: &self.tables.transactions,
            index: &BY_STATE,
            hash: challenge_list_key(scep_profile),
            bounds: Bounds::All,
            ascending: false,
        };
        let (mut items, mut octets) = (Vec::new(), 0_usize);
        let mut cursor = page.cursor.clone();
        // A state that few challenges have must not make one request read all of them. The page is
        // short then, and its cursor continues where it stopped.
        for _ in 0..MAX_READS {
            let wanted = usize::from(page.limit).saturating_sub(items.len());
            let limit = u16::try_from(wanted.min(MAX_READ_ITEMS)).unwrap_or(u16::MAX);
            let rest = PageRequest { limit, cursor };
            let found = self.read_page(&list, &rest, read_id).await?;
            cursor = found.cursor;
            // The index holds little more than the keys.
            for item in self.read_challenge_items(found.items).await? {
                octets = octets.saturating_add(count_octets(&item));
                let challenge = parse_challenge(item)?;
                if state.is_none_or(|state| state == challenge.state(now))
                    && now <= challenge.kept_until()
                {
                    items.push(challenge);
                }
            }
            let is_full = items.len() >= usize::from(page.limit) || octets >= MAX_OCTETS;
            if cursor.is_none() || is_full {
                break;
            }
        }
        Ok(Page { items, cursor })
    }

    /// Reads the items of the challenges with these ids, in this order.
    async fn read_challenge_items(&self, ids: Vec<String>) -> Result<Vec<Item>, StoreError> {
        let mut found = HashMap::new();
        if !ids.is_empty() {
            for item in self
                .read_items(&self.tables.transactions, ids.iter().cloned())
                .await?
            {
                found.extend(read_id(item.clone())?.map(|id| (id, item)));
            }
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// Marks a challenge deleted, if it is unchanged since it was read.
    pub(crate) async fn mark_deleted(
        &self,
        challenge: &OneTimeChallenge,
        audit: &AuditRecord,
    ) -> Result<WriteOutcome, StoreError> {
        let changes = Changes::default()
            .set(DELETED, AttributeValue::Bool(true))
            .set(VERSION, to_number(challenge.version.saturating_add(1)));
        let id = challenge_id(challenge.uuid);
        let write = Write::update(&self.tables.transactions, id, changes)
            .on_condition(Condition::Equals(VERSION, to_number(challenge.version)));
        let steps = vec![
            write.or(WriteOutcome::Lost),
            self.put_audit(audit)?.or_fail(),
        ];
        self.write_all("deleting a challenge", steps, WriteOutcome::Won)
            .await
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
