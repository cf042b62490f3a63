//! Transactions as administrators see them: in lists by status, and one by one.

use scep_protocol::id::TransactionUuid;
use scep_service::error::StoreError;
use scep_service::inventory::{
    Page, PageRequest, TransactionRecord, TransactionStatus, TransactionSummary,
};
use strum::VariantArray;
use time::OffsetDateTime;

use crate::DynamoDbStore;
use crate::index::BY_STATE;
use crate::page::{Bounds, List};
use crate::transaction_item::{
    ISSUED, ISSUING, PENDING, REJECTED, parse_summary, parse_transaction_record,
};

/// The state under which transactions of a status are stored.
pub(crate) const fn state_name(status: TransactionStatus) -> &'static str {
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
        uuid: TransactionUuid,
        now: OffsetDateTime,
    ) -> Result<Option<TransactionRecord>, StoreError> {
        match self.read_transaction_item(uuid).await? {
            Some(item) => parse_transaction_record(item, now),
            None => Ok(None),
        }
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
        self.read_page(&list, page, |item| parse_summary(item, status, now))
            .await
    }
}

fn next_status(status: TransactionStatus) -> Option<TransactionStatus> {
    TransactionStatus::VARIANTS
        .iter()
        .copied()
        .skip_while(|known| *known != status)
        .nth(1)
}
