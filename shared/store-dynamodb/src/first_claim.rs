//! The claim of a new request, in writes of one item each.
//!
//! DynamoDB charges a transaction twice for each item. A request that nobody has claimed, and that
//! needs no other item, is claimed without one: first the transaction is written, then the item of
//! its request with what is to be signed, and then the transaction is read once more. Nothing is
//! signed unless the last step still finds the claim. A transaction whose request has no such item
//! is therefore unsigned, or its claimant is between the steps, or its certificate has expired and
//! the item with it. Each reader of such a transaction marks it as given up, and then looks for the
//! item once more: either the item is there, and the transaction is like any other, or the claimant
//! will find the mark.

use scep_protocol::decide::ReplacedClaims;
use scep_service::error::StoreError;
use scep_service::ports::{Claim, GuardedOutcome};
use serde::Deserialize;
use time::Duration;

use crate::DynamoDbStore;
use crate::attribute::{Millis, to_text};
use crate::completion::reject_changes;
use crate::expression::{Changes, Condition};
use crate::item::{CLAIM, GIVEN_UP, ID, Item, LEASE_UNTIL, STATE, parse_item};
use crate::requests::request_item;
use crate::transaction_item::{ISSUING, claim_item};
use crate::transaction_parts::is_kept_with_request;
use crate::write::Write;
use crate::written::Written;

/// What a transaction that was given up is rejected for.
const REASON_GIVEN_UP: &str = "it was interrupted before anything was signed";

/// How long a transaction that was given up is kept.
const KEPT: Duration = Duration::DAY;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LeasedItem {
    id: String,
    claim: String,
    lease_until: Millis,
}

/// Whether a claim writes the transaction and its request alone, and replaces neither.
fn is_first(claim: &Claim) -> bool {
    is_kept_with_request(claim)
        && claim.replaced == ReplacedClaims::default()
        && claim.renewal.is_none()
        && claim.challenge.is_none()
}

impl DynamoDbStore {
    /// Claims a new request; `None` if it is not known to be new.
    pub(crate) async fn claim_first(
        &self,
        claim: &Claim,
    ) -> Result<Option<GuardedOutcome>, StoreError> {
        if !is_first(claim) {
            return Ok(None);
        }
        let request = request_item(claim)?;
        // The item of an earlier claim may have expired, or lead to this transaction.
        let id = request.get(ID).and_then(|id| id.as_s().ok());
        if self
            .read_item(id.cloned().unwrap_or_default())
            .await?
            .is_some()
        {
            return Ok(None);
        }
        let claiming = "claiming a transaction";
        for item in [claim_item(claim)?, request] {
            let write = Write::put(&self.tables.transactions, item)
                .on_condition(Condition::Missing(ID))
                .with_mark(CLAIM, to_text(claim.claim.to_string()));
            if self.write_one(claiming, write).await? == Written::Lost {
                return Ok(Some(GuardedOutcome::Lost));
            }
        }
        let known = self.read_item(claim.key.uuid().to_string()).await?;
        let is_held = known.is_some_and(|known| {
            let is_text = |name, value: &str| known.get(name) == Some(&to_text(value));
            is_text(STATE, ISSUING)
                && is_text(CLAIM, &claim.claim.to_string())
                && !known.contains_key(GIVEN_UP)
        });
        Ok(Some(match is_held {
            true => GuardedOutcome::Won,
            false => GuardedOutcome::Lost,
        }))
    }

    /// Gives up a transaction whose request has no item with what is to be signed: the first time
    /// it is marked, the second time it is rejected. Then it has to be read again.
    pub(crate) async fn give_up(&self, item: &Item) -> Result<(), StoreError> {
        let known: LeasedItem = parse_item("transaction", item.clone())?;
        let Millis(lease_until) = known.lease_until;
        let changes = match item.contains_key(GIVEN_UP) {
            false => Changes::default().set(GIVEN_UP, to_text(known.claim.clone())),
            true => {
                reject_changes(REASON_GIVEN_UP, lease_until + KEPT).remove(&[LEASE_UNTIL, GIVEN_UP])
            }
        };
        let write = Write::update(&self.tables.transactions, known.id, changes).on_condition(
            Condition::All(vec![
                Condition::Equals(CLAIM, to_text(known.claim)),
                Condition::Equals(STATE, to_text(ISSUING)),
            ]),
        );
        // If another process was faster, the transaction is read again as well.
        self.write_one("giving up a transaction", write).await?;
        Ok(())
    }
}
