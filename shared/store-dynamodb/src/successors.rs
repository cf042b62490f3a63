//! The successors of each certificate, in the transactions table, so that only a few certificates
//! renew the same one.

use aws_sdk_dynamodb::types::AttributeValue;
use ca::id::{AuthorityUuid, CertificateUuid};
use scep_service::error::StoreError;
use scep_service::ports::{Bar, GuardedOutcome, MAX_SUCCESSORS, Renewal, WriteOutcome};
use serde::Deserialize;

use crate::DynamoDbStore;
use crate::attribute::{to_number, to_seconds, to_text};
use crate::expression::{Changes, Condition};
use crate::item::{EXPIRES_AT, SUCCESSORS, parse_item};
use crate::write::{Step, Write};

#[derive(Deserialize)]
struct SuccessorsItem {
    successors: Vec<CertificateUuid>,
}

fn successors_id(authority: AuthorityUuid, predecessor: CertificateUuid) -> String {
    format!("successors/{authority}/{predecessor}")
}

impl DynamoDbStore {
    /// Describes the write that adds a successor to those of its predecessor, if there is room.
    pub(crate) fn claim_succession(
        &self,
        authority: AuthorityUuid,
        renewal: &Renewal,
    ) -> Step<'_, GuardedOutcome> {
        let most = u32::try_from(MAX_SUCCESSORS).unwrap_or(u32::MAX);
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
        authority: AuthorityUuid,
        predecessor: CertificateUuid,
    ) -> Result<Vec<CertificateUuid>, StoreError> {
        let id = successors_id(authority, predecessor);
        let Some(item) = self.read_item(id).await? else {
            return Ok(Vec::new());
        };
        parse_item::<SuccessorsItem>("list of successors", item).map(|found| found.successors)
    }

    /// Replaces the list of successors, on the condition that it is still the known one.
    pub(crate) async fn replace_successors(
        &self,
        authority: AuthorityUuid,
        predecessor: CertificateUuid,
        known: &[CertificateUuid],
        living: &[CertificateUuid],
    ) -> Result<WriteOutcome, StoreError> {
        let id = successors_id(authority, predecessor);
        let changes = Changes::default().set(SUCCESSORS, uuid_list(living));
        let write = Write::update(&self.tables.transactions, id, changes)
            .on_condition(Condition::Equals(SUCCESSORS, uuid_list(known)));
        self.write_one("forgetting successors", write)
            .await
            .map(WriteOutcome::from)
    }
}

fn uuid_list(uuids: &[CertificateUuid]) -> AttributeValue {
    AttributeValue::L(uuids.iter().map(|uuid| to_text(uuid.to_string())).collect())
}
