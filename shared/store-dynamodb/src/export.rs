//! Everything that the tables hold, to be copied into a store of another kind.

use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use scep_protocol::id::{ClaimUuid, TransactionUuid};
use scep_protocol::transaction::Fingerprint;
use scep_service::error::StoreError;
use scep_service::object::ObjectKind;
use scep_service::ports::ProfileReader;
use scep_service::record::{EnvelopeRecord, Record, RequestRecord, SuccessorsRecord};
use serde::Deserialize;
use strum::VariantArray;
use time::OffsetDateTime;

use crate::DynamoDbStore;
use crate::attribute::{Digest, Expiry, Millis};
use crate::audit::parse_audit_record;
use crate::certificate_item::parse_record;
use crate::challenge_item::parse_challenge;
use crate::counts::parse_counts;
use crate::item::{Item, MissingAttribute, PART_SET, corrupt, parse_item, read_id, unavailable};
use crate::lockouts::parse_lockout;
use crate::notice_item::parse_notice;
use crate::objects::parse_object;
use crate::refusal_item::parse_refusal;
use crate::transaction_item::parse_transaction_record;

/// Where an export goes on.
#[derive(Clone, Debug, Default)]
pub struct ExportPosition {
    /// The number of the table, in the order profiles, certificates, transactions.
    table: usize,
    start: Option<Item>,
}

/// Some of the records, and where the next ones are.
pub struct ExportPage {
    /// The records.
    pub records: Vec<Record>,
    /// How many items were read. Some are parts of records, or lead to others.
    pub items: usize,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<ExportPosition>,
}

impl DynamoDbStore {
    /// Counts the items of all tables.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the database does not respond.
    pub async fn count_all(&self) -> Result<u64, StoreError> {
        let mut count = 0_u64;
        for table in self.exported_tables() {
            let mut start = None;
            loop {
                let found = self
                    .client
                    .scan()
                    .table_name(table)
                    .select(aws_sdk_dynamodb::types::Select::Count)
                    .set_exclusive_start_key(start)
                    .send()
                    .await
                    .map_err(unavailable("counting items"))?;
                count = count.saturating_add(u64::try_from(found.count).unwrap_or(0));
                start = found.last_evaluated_key;
                if start.is_none() {
                    break;
                }
            }
        }
        Ok(count)
    }

    /// Reads some of the records, whatever has expired included.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if an item cannot be read, [`StoreError::Unavailable`] if the
    /// database does not respond.
    pub async fn export(&self, position: ExportPosition) -> Result<ExportPage, StoreError> {
        let tables = self.exported_tables();
        let Some(table) = tables.get(position.table) else {
            return Ok(ExportPage {
                records: Vec::new(),
                items: 0,
                next: None,
            });
        };
        let found = self
            .client
            .scan()
            .table_name(*table)
            .set_exclusive_start_key(position.start)
            .send()
            .await
            .map_err(unavailable("exporting a table"))?;
        let items = found.items.unwrap_or_default();
        let count = items.len();
        let mut records = Vec::new();
        for item in items {
            records.extend(self.read_record(item).await?);
        }
        let next = match found.last_evaluated_key {
            Some(start) => Some(ExportPosition {
                table: position.table,
                start: Some(start),
            }),
            None => Some(position.table.saturating_add(1))
                .filter(|table| *table < tables.len())
                .map(|table| ExportPosition { table, start: None }),
        };
        Ok(ExportPage {
            records,
            items: count,
            next,
        })
    }

    const fn exported_tables(&self) -> [&String; 3] {
        [
            &self.tables.profiles,
            &self.tables.certificates,
            &self.tables.transactions,
        ]
    }

    /// Reads the record of an item; `None` for one that is a part of a record, or leads to one.
    async fn read_record(&self, item: Item) -> Result<Option<Record>, StoreError> {
        let id = read_id(item.clone())?.unwrap_or_default();
        let Some((kind, rest)) = id.split_once('/') else {
            return self.read_record_without_kind(&id, item).await.map(Some);
        };
        Ok(match kind {
            "auditRecord" => Some(Record::Audit(parse_audit_record(item)?)),
            // The id of an alternative name has one part more.
            "certificate" if rest.contains('/') => None,
            "certificate" => Some(Record::Certificate(Box::new(parse_record(item)?))),
            "challenge" => Some(Record::Challenge(Box::new(parse_challenge(item)?))),
            "counts" => Some(Record::Counts(parse_counts(rest, &item)?)),
            // The parts of a CRL have such ids too; its head names them.
            "crl" if item.contains_key(PART_SET) => self.read_crl_record(rest).await?,
            "crl" => None,
            "envelope" => Some(Record::Envelope(read_envelope(rest, item)?)),
            "key" => Some(read_revoked_key(rest, item)?),
            "lockout" => Some(Record::Lockout(parse_lockout(item)?)),
            "notice" => Some(Record::Notice(Box::new(parse_notice(item)?))),
            "refusal" => Some(Record::Refusal(Box::new(parse_refusal(item)?))),
            "request" => Some(Record::Request(read_request(rest, item)?)),
            "successors" => Some(Record::Successors(read_successors(rest, item)?)),
            // It leads to the challenge that is bound to a transactionID.
            "challengeOf" => None,
            _ => read_named_record(kind, rest, item)?,
        })
    }

    async fn read_record_without_kind(&self, id: &str, item: Item) -> Result<Record, StoreError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct MarkItem {
            counted_until: Millis,
        }
        if id == "countedUntil" {
            let found: MarkItem = parse_item("count", item)?;
            return Ok(Record::CountedUntil(found.counted_until.0));
        }
        // At the beginning of time nothing has expired.
        let item = self.complete_item(item).await?;
        item.map(|item| parse_transaction_record(item, OffsetDateTime::UNIX_EPOCH))
            .transpose()?
            .flatten()
            .map(|record| Record::Transaction(Box::new(record)))
            .ok_or_else(|| corrupt("transaction")(MissingAttribute("id")))
    }

    /// Reads a CRL by the id of its head.
    async fn read_crl_record(&self, rest: &str) -> Result<Option<Record>, StoreError> {
        let parse = || {
            let (authority, generation) = rest.split_once('/')?;
            let generation = generation.parse().ok().and_then(Generation::new)?;
            Some((authority.parse().ok()?, generation))
        };
        let (authority, generation) =
            parse().ok_or_else(|| corrupt("id")(MissingAttribute("id")))?;
        let crl = self.crl(authority, generation).await?;
        Ok(crl.map(|crl| Record::Crl(authority, generation, crl)))
    }
}

/// Reads an object, whose id begins with its kind, or a certificate of an earlier version, whose id
/// begins with its authority.
fn read_named_record(kind: &str, rest: &str, item: Item) -> Result<Option<Record>, StoreError> {
    if let Some(kind) = ObjectKind::VARIANTS
        .iter()
        .find(|known| known.name() == kind)
    {
        // The other items lead from names to objects.
        return match rest.starts_with("name/") {
            true => Ok(None),
            false => parse_object(*kind, item).map(Record::Object).map(Some),
        };
    }
    // The id of an alternative name has one part more.
    match rest.contains('/') {
        true => Ok(None),
        false => parse_record(item)
            .map(Box::new)
            .map(Record::Certificate)
            .map(Some),
    }
}

fn parse_fingerprint(digits: &str) -> Result<Fingerprint, StoreError> {
    Fingerprint::from_hexadecimal(digits)
        .ok_or_else(|| corrupt("id")(crate::attribute::NotHexadecimal))
}

fn read_envelope(rest: &str, item: Item) -> Result<EnvelopeRecord, StoreError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct SeenItem {
        ciphertext: Digest,
        expires_at: Expiry,
    }
    let found: SeenItem = parse_item("envelope", item)?;
    Ok(EnvelopeRecord {
        encrypted_key: parse_fingerprint(rest)?,
        ciphertext: found.ciphertext.0,
        until: found.expires_at.0,
    })
}

fn read_revoked_key(rest: &str, item: Item) -> Result<Record, StoreError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct MarkedItem {
        revoked_at: Millis,
    }
    let found: MarkedItem = parse_item("revoked key", item)?;
    Ok(Record::RevokedKey(
        parse_fingerprint(rest)?,
        found.revoked_at.0,
    ))
}

fn read_request(rest: &str, item: Item) -> Result<RequestRecord, StoreError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ClaimedItem {
        transaction: TransactionUuid,
        claim: ClaimUuid,
        expires_at: Expiry,
        authority: Option<AuthorityUuid>,
        certificate_uuid: Option<CertificateUuid>,
    }
    let found: ClaimedItem = parse_item("request", item)?;
    Ok(RequestRecord {
        id: parse_fingerprint(rest)?,
        transaction: found.transaction,
        claim: found.claim,
        certificate: found.authority.zip(found.certificate_uuid),
        until: found.expires_at.0,
    })
}

fn read_successors(rest: &str, item: Item) -> Result<SuccessorsRecord, StoreError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ListItem {
        successors: Vec<CertificateUuid>,
        expires_at: Expiry,
    }
    let found: ListItem = parse_item("list of successors", item)?;
    let parse = || {
        let (authority, predecessor) = rest.split_once('/')?;
        Some((authority.parse().ok()?, predecessor.parse().ok()?))
    };
    let (authority, predecessor) = parse().ok_or_else(|| corrupt("id")(MissingAttribute("id")))?;
    Ok(SuccessorsRecord {
        authority,
        predecessor,
        successors: found.successors,
        until: found.expires_at.0,
    })
}
