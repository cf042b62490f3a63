//! Transactions as administrators see them: in lists by status, and one by one.

use scep_service::error::StoreError;
use scep_service::inventory::{
    Page, PageRequest, TransactionRecord, TransactionStatus, TransactionSummary,
};
use strum::VariantArray;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::index::BY_STATE;
use crate::item::{
    CERTIFICATE_UUID, CREATED_AT, EXPIRES_AT, ID, MESSAGE_TYPE, RA_PROFILE, Reader, SCEP_PROFILE,
    STATE, SUBJECT, TRANSACTION_ID,
};
use crate::page::{Bounds, List};
use crate::transactions::{
    ISSUED, ISSUING, PENDING, REJECTED, TRANSACTION, parse_expiry, parse_transaction,
};

/// The state under which transactions of a status are stored.
const fn state_name(status: TransactionStatus) -> &'static str {
    match status {
        TransactionStatus::Issued => ISSUED,
        TransactionStatus::Issuing => ISSUING,
        TransactionStatus::Pending => PENDING,
        TransactionStatus::Rejected => REJECTED,
    }
}

impl DynamoDbStore {
    /// Reads a page of the transactions of one status, or of all, one status after the other.
    pub(crate) async fn read_transaction_page(
        &self,
        status: Option<TransactionStatus>,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<TransactionSummary>, StoreError> {
        if let Some(status) = status {
            return self.read_status_page(status, page, now).await;
        }
        // The index has one partition for each status. A list of all goes through them in turn,
        // from those that wait for an administrator; its cursor is `{status}.{cursor in it}`.
        let (mut current, mut cursor) = match &page.cursor {
            None => (Some(TransactionStatus::Pending), None),
            Some(cursor) => {
                let (status, cursor) = cursor.split_once('.').ok_or(StoreError::Cursor)?;
                let status = status.parse().map_err(|_| StoreError::Cursor)?;
                (
                    Some(status),
                    Some(cursor.to_owned()).filter(|c| !c.is_empty()),
                )
            }
        };
        let mut items = Vec::new();
        while let Some(status) = current {
            let wanted = usize::from(page.limit).saturating_sub(items.len());
            if wanted == 0 {
                break;
            }
            let limit = u16::try_from(wanted).unwrap_or(page.limit);
            let rest = PageRequest { limit, cursor };
            let found = self.read_status_page(status, &rest, now).await?;
            items.extend(found.items);
            // With a cursor, this status has more: a short page is not the end of it.
            cursor = found.cursor;
            if cursor.is_some() {
                break;
            }
            current = next_status(status);
        }
        Ok(Page {
            items,
            cursor: current
                .map(|status| format!("{}.{}", status.name(), cursor.unwrap_or_default())),
        })
    }

    pub(crate) async fn read_transaction_record(
        &self,
        uuid: Uuid,
        now: OffsetDateTime,
    ) -> Result<Option<TransactionRecord>, StoreError> {
        let Some(item) = self.read_transaction_item(uuid).await? else {
            return Ok(None);
        };
        let reader = Reader {
            what: TRANSACTION,
            item: &item,
        };
        if !is_live(&reader, now)? {
            return Ok(None);
        }
        let status = reader.read(STATE, |value| {
            let name = value.as_s().ok()?;
            TransactionStatus::VARIANTS
                .iter()
                .copied()
                .find(|status| state_name(*status) == name)
        })?;
        Ok(Some(TransactionRecord {
            summary: parse_summary(&reader, status)?,
            transaction: parse_transaction(&item)?,
        }))
    }

    async fn read_status_page(
        &self,
        status: TransactionStatus,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<TransactionSummary>, StoreError> {
        let list = List {
            table: &self.tables.transactions,
            index: &BY_STATE,
            hash: state_name(status).to_owned(),
            bounds: Bounds::All,
            // The newest transactions are the ones that administrators look for.
            ascending: false,
        };
        self.read_page(&list, page, |item| {
            let reader = Reader {
                what: TRANSACTION,
                item,
            };
            let summary = parse_summary(&reader, status)?;
            Ok(is_live(&reader, now)?.then_some(summary))
        })
        .await
    }
}

/// Whether an item has not expired yet: DynamoDB deletes expired items late, within days.
fn is_live(reader: &Reader<'_>, now: OffsetDateTime) -> Result<bool, StoreError> {
    match reader.item.get(EXPIRES_AT) {
        // A transaction that is being issued does not expire: its certificate may exist already.
        None => Ok(true),
        Some(_) => parse_expiry(reader).map(|at| now <= at),
    }
}

fn next_status(status: TransactionStatus) -> Option<TransactionStatus> {
    TransactionStatus::VARIANTS
        .iter()
        .copied()
        .skip_while(|known| *known != status)
        .nth(1)
}

fn parse_summary(
    reader: &Reader<'_>,
    status: TransactionStatus,
) -> Result<TransactionSummary, StoreError> {
    Ok(TransactionSummary {
        uuid: reader.uuid(ID)?,
        transaction_id: reader.text(TRANSACTION_ID)?.to_owned(),
        scep_profile: reader.uuid(SCEP_PROFILE)?,
        ra_profile: reader.uuid(RA_PROFILE)?,
        status,
        message_type: reader.text(MESSAGE_TYPE)?.to_owned(),
        subject: reader.text(SUBJECT)?.to_owned(),
        certificate: reader.optional_uuid(CERTIFICATE_UUID)?,
        created_at: reader.milliseconds(CREATED_AT)?,
    })
}
