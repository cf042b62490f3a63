//! The counts of wrong challenges, in the transactions table.

use std::net::IpAddr;

use scep_protocol::id::{LockoutUuid, ScepProfileUuid};
use scep_protocol::lockout::{Lockout, LockoutSubject};
use scep_service::error::StoreError;
use scep_service::ports::WriteOutcome;
use serde::{Deserialize, Serialize};

use crate::DynamoDbStore;
use crate::attribute::{Digest, Expiry, Millis, to_number};
use crate::expression::Condition;
use crate::item::{ID, Item, VERSION, build_item, parse_item};
use crate::write::Write;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LockoutItem {
    #[serde(skip_deserializing)]
    id: String,
    /// The hash key of the index that lists the counts of a SCEP Profile.
    #[serde(skip_deserializing)]
    state: String,
    scep_profile: ScepProfileUuid,
    subject: SubjectItem,
    failures: u32,
    created_at: Millis,
    rounds: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_until: Option<Millis>,
    expires_at: Expiry,
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum SubjectItem {
    Address(IpAddr),
    Key(Digest),
}

pub(crate) fn lockout_id(uuid: LockoutUuid) -> String {
    format!("lockout/{uuid}")
}

/// The hash key under which the counts of a SCEP Profile are listed.
pub(crate) fn lockout_list_key(scep_profile: ScepProfileUuid) -> String {
    format!("lockout/{scep_profile}")
}

/// Builds the item of a count, with this version.
pub(crate) fn lockout_item(lockout: &Lockout, version: u64) -> Result<Item, StoreError> {
    build_item(LockoutItem {
        id: lockout_id(lockout.uuid()),
        state: lockout_list_key(lockout.scep_profile),
        scep_profile: lockout.scep_profile,
        subject: match lockout.subject {
            LockoutSubject::Address(address) => SubjectItem::Address(address),
            LockoutSubject::Key(key) => SubjectItem::Key(Digest(key)),
        },
        failures: lockout.failures,
        created_at: Millis(lockout.since),
        rounds: lockout.rounds,
        locked_until: lockout.until.map(Millis),
        expires_at: Expiry(lockout.expires_at()),
        version,
    })
}

pub(crate) fn parse_lockout(item: Item) -> Result<Lockout, StoreError> {
    let found: LockoutItem = parse_item("lock-out", item)?;
    Ok(Lockout {
        scep_profile: found.scep_profile,
        subject: match found.subject {
            SubjectItem::Address(address) => LockoutSubject::Address(address),
            SubjectItem::Key(Digest(key)) => LockoutSubject::Key(key),
        },
        failures: found.failures,
        since: found.created_at.0,
        rounds: found.rounds,
        until: found.locked_until.map(|Millis(until)| until),
        version: found.version,
    })
}

impl DynamoDbStore {
    pub(crate) async fn read_lockouts(
        &self,
        scep_profile: ScepProfileUuid,
        subjects: &[LockoutSubject],
    ) -> Result<Vec<Lockout>, StoreError> {
        let ids = subjects
            .iter()
            .map(|subject| lockout_id(subject.uuid(scep_profile)));
        let found = self.read_items(ids).await?;
        found.into_iter().map(parse_lockout).collect()
    }

    /// Writes a count in place of the one that it was computed from.
    pub(crate) async fn put_lockout(&self, lockout: &Lockout) -> Result<WriteOutcome, StoreError> {
        let item = lockout_item(lockout, lockout.version.saturating_add(1))?;
        let unchanged = match lockout.version {
            0 => Condition::Missing(ID),
            version => Condition::Equals(VERSION, to_number(version)),
        };
        let write = Write::put(&self.tables.transactions, item).on_condition(unchanged);
        self.write_one("counting a wrong challenge", write)
            .await
            .map(WriteOutcome::from)
    }
}
