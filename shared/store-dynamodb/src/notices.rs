//! Notices that wait for their delivery, in the transactions table.

use scep_protocol::id::NoticeUuid;
use scep_protocol::notice::Notice;
use scep_service::error::StoreError;
use scep_service::error_chain::ErrorChain;
use scep_service::inventory::PageRequest;
use scep_service::ports::WriteOutcome;
use time::OffsetDateTime;

use crate::DynamoDbStore;
use crate::attribute::{to_millis, to_number, to_text};
use crate::expression::Condition;
use crate::index::BY_STATE;
use crate::item::{ATTEMPTS, ID, Item, read_id, unavailable};
use crate::notice_item::{NOTICE, notice_id, notice_item, parse_notice};
use crate::page::{Bounds, List};
use crate::write::{Step, Write};
use crate::written::Written;

impl DynamoDbStore {
    /// Describes the steps of a transaction that write these notices.
    pub(crate) fn put_notices<O>(
        &self,
        notices: &[Notice],
    ) -> Result<Vec<Step<'_, O>>, StoreError> {
        let put = |notice| {
            let item = notice_item(notice)?;
            Ok(Write::put(&self.tables.transactions, item).or_fail())
        };
        notices.iter().map(put).collect()
    }

    pub(crate) async fn put_one_notice(&self, notice: &Notice) -> Result<(), StoreError> {
        let write = Write::put(&self.tables.transactions, notice_item(notice)?);
        match self.write_one("writing a notice", write).await? {
            Written::Won(_) => Ok(()),
            Written::Lost => Err(StoreError::Conflict),
        }
    }

    pub(crate) async fn read_due_notices(
        &self,
        now: OffsetDateTime,
        limit: u16,
    ) -> Result<Vec<Notice>, StoreError> {
        let list = List {
            table: &self.tables.transactions,
            index: &BY_STATE,
            hash: NOTICE.to_owned(),
            bounds: Bounds::Between(to_number(0), to_millis(now)),
            ascending: true,
        };
        let limit = limit.min(MAX_READ);
        let mut cursor = None;
        loop {
            let page = PageRequest { limit, cursor };
            let found = self.read_page(&list, &page, read_id).await?;
            if found.items.is_empty() {
                return Ok(Vec::new());
            }
            // The index lags behind and lacks the event, so the notices are read once more.
            let items = self
                .read_items(&self.tables.transactions, found.items.into_iter())
                .await?;
            let due = parse_due_notices(items, now);
            cursor = found.cursor;
            // None that is due must not mean that there is none when others follow.
            if !due.is_empty() || cursor.is_none() {
                return Ok(due);
            }
        }
    }

    pub(crate) async fn delete_notice(&self, uuid: NoticeUuid) -> Result<(), StoreError> {
        self.client
            .delete_item()
            .table_name(&self.tables.transactions)
            .key(ID, to_text(notice_id(uuid)))
            .send()
            .await
            .map_err(unavailable("settling a notice"))?;
        Ok(())
    }

    pub(crate) async fn replace_notice(
        &self,
        postponed: &Notice,
    ) -> Result<WriteOutcome, StoreError> {
        let before = postponed.attempts.saturating_sub(1);
        let write = Write::put(&self.tables.transactions, notice_item(postponed)?)
            .on_condition(Condition::Equals(ATTEMPTS, to_number(before)));
        self.write_one("postponing a notice", write)
            .await
            .map(WriteOutcome::from)
    }
}

/// The most notices that are read at a time: as many as DynamoDB returns items in one answer.
const MAX_READ: u16 = 100;

/// Parses the notices that are due, the oldest first. One that cannot be read is logged and
/// skipped, so that it does not keep the others waiting.
fn parse_due_notices(items: Vec<Item>, now: OffsetDateTime) -> Vec<Notice> {
    let mut due = Vec::new();
    for item in items {
        match parse_notice(item) {
            Ok(notice) if notice.due_at <= now => due.push(notice),
            Ok(_) => {}
            Err(error) => {
                let error = ErrorChain(&error);
                tracing::error!(%error, "skipped a notice that cannot be read");
            }
        }
    }
    due.sort_by_key(|notice| notice.due_at);
    due
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::samples::{NOW, sample_notices};

    #[test]
    fn a_notice_that_cannot_be_read_does_not_keep_others_waiting() {
        let [first, second, later] = sample_notices();
        let due_at = |notice: Notice, due_at| Notice { due_at, ..notice };
        let first = due_at(first, NOW - Duration::MINUTE);
        let second = due_at(second, NOW);
        let later = due_at(later, NOW + Duration::MINUTE);
        let mut unreadable = notice_item(&first).unwrap();
        unreadable.remove(ATTEMPTS);
        let items = [&later, &second, &first].map(|notice| notice_item(notice).unwrap());
        let items = [unreadable].into_iter().chain(items).collect();
        assert_eq!(parse_due_notices(items, NOW), [first, second]);
    }
}
