//! The counts of wrong challenges, in the transactions table.

use std::cmp::Reverse;
use std::net::IpAddr;

use scep_protocol::id::{LockoutUuid, ScepProfileUuid};
use scep_protocol::lockout::{Lockout, LockoutSubject};
use scep_service::audit::AuditRecord;
use scep_service::error::StoreError;
use scep_service::inventory::PageRequest;
use scep_service::ports::{MAX_LOCKOUTS, WriteOutcome};
use serde::{Deserialize, Serialize};

use crate::DynamoDbStore;
use crate::attribute::{Digest, Expiry, Millis, to_number};
use crate::batch::MAX_READ_ITEMS;
use crate::expression::Condition;
use crate::index::BY_STATE;
use crate::item::{ID, Item, VERSION, build_item, parse_item, read_id};
use crate::page::{Bounds, List};
use crate::write::{MAX_STEPS, Step, Write};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LockoutItem {
    #[serde(skip_deserializing)]
    id: String,
    /// The hash key of the index that lists the lock-outs of a SCEP Profile.
    // A count has it from the first lock-out on: otherwise an attacker who shows a wrong challenge
    // by one new key after the other would bury the lock-outs in the list.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    state: Option<String>,
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

/// The hash key under which the lock-outs of a SCEP Profile are listed.
pub(crate) fn lockout_list_key(scep_profile: ScepProfileUuid) -> String {
    format!("lockout/{scep_profile}")
}

/// Builds the item of a count, with this version.
pub(crate) fn lockout_item(lockout: &Lockout, version: u64) -> Result<Item, StoreError> {
    build_item(LockoutItem {
        id: lockout_id(lockout.uuid()),
        state: lockout
            .until
            .map(|_| lockout_list_key(lockout.scep_profile)),
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
        let found = self.read_items(&self.tables.transactions, ids).await?;
        found.into_iter().map(parse_lockout).collect()
    }

    pub(crate) async fn read_lockout(
        &self,
        uuid: LockoutUuid,
    ) -> Result<Option<Lockout>, StoreError> {
        let found = self.read_item(lockout_id(uuid)).await?;
        found.map(parse_lockout).transpose()
    }

    /// Reads the latest lock-outs of a SCEP Profile.
    pub(crate) async fn list_lockouts(
        &self,
        scep_profile: ScepProfileUuid,
    ) -> Result<Vec<Lockout>, StoreError> {
        let list = List {
            table: &self.tables.transactions,
            index: &BY_STATE,
            hash: lockout_list_key(scep_profile),
            bounds: Bounds::All,
            ascending: false,
        };
        let page = PageRequest {
            limit: MAX_LOCKOUTS,
            cursor: None,
        };
        // The index holds little more than the keys.
        let ids = self.read_page(&list, &page, read_id).await?.items;
        let mut found = Vec::new();
        for chunk in ids.chunks(MAX_READ_ITEMS) {
            let items = self
                .read_items(&self.tables.transactions, chunk.iter().cloned())
                .await?;
            for item in items {
                found.push(parse_lockout(item)?);
            }
        }
        found.sort_by_key(|lockout| Reverse(lockout.since));
        Ok(found)
    }

    /// Deletes counts, and writes the audit record with the first of them.
    pub(crate) async fn delete_lockouts(
        &self,
        lockouts: &[Lockout],
        audit: &AuditRecord,
    ) -> Result<(), StoreError> {
        let mut steps = vec![self.put_audit(audit)?.or_fail()];
        for lockout in lockouts {
            let id = lockout_id(lockout.uuid());
            // A failure that is counted at the same time does not prevent the deletion.
            steps.push(Step::delete(&self.tables.transactions, id));
        }
        for chunk in steps.chunks(MAX_STEPS) {
            self.write_all("freeing", chunk.to_vec(), ()).await?;
        }
        Ok(())
    }

    /// Writes a count in place of the one that it was computed from.
    pub(crate) async fn put_lockout(&self, lockout: &Lockout) -> Result<WriteOutcome, StoreError> {
        let item = lockout_item(lockout, lockout.version.saturating_add(1))?;
        let unchanged = match lockout.version {
            0 => Condition::Missing(ID),
            version => Condition::Equals(VERSION, to_number(version)),
        };
        // Another process may write the same version.
        let write = Write::put(&self.tables.transactions, item)
            .on_condition(unchanged)
            .with_random_mark();
        self.write_one("counting a wrong challenge", write)
            .await
            .map(WriteOutcome::from)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;
    use crate::attribute::{to_octets, to_text};
    use crate::samples;
    use crate::samples::{SCEP_PROFILE, sample_lockout};

    #[test]
    fn a_lock_out_is_stored_under_these_names_and_read_again() {
        let lockout = sample_lockout();
        let item = lockout_item(&lockout, lockout.version).unwrap();
        let subject = samples::build_sample_item([("address", to_text("192.0.2.1"))]);
        let expected = samples::build_sample_item([
            ("id", to_text(format!("lockout/{}", lockout.uuid()))),
            ("state", to_text(format!("lockout/{SCEP_PROFILE}"))),
            ("scepProfile", to_text(SCEP_PROFILE.to_string())),
            ("subject", AttributeValue::M(subject)),
            ("failures", to_number(10)),
            ("createdAt", to_number(1_767_323_045_678_i64)),
            ("rounds", to_number(1)),
            ("lockedUntil", to_number(1_767_323_105_678_i64)),
            // One hour after the end of the lock-out.
            ("expiresAt", to_number(1_767_326_706)),
            ("version", to_number(10)),
        ]);
        assert_eq!(item, expected);
        assert_eq!(parse_lockout(item).unwrap(), lockout);
    }

    #[test]
    fn a_count_that_locks_nobody_out_yet_is_not_listed() {
        let lockout = Lockout {
            subject: LockoutSubject::Key(samples::sample_record().summary.key),
            rounds: 0,
            until: None,
            ..sample_lockout()
        };
        let item = lockout_item(&lockout, lockout.version).unwrap();
        assert!(!item.contains_key("state") && !item.contains_key("lockedUntil"));
        let subject = samples::build_sample_item([("key", to_octets(&[0xab; 32]))]);
        assert_eq!(item["subject"], AttributeValue::M(subject));
        assert_eq!(parse_lockout(item).unwrap(), lockout);
    }
}
