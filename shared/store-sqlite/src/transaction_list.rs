//! Lists of transactions by status.

use rusqlite::Connection;
use scep_service::error::StoreError;
use scep_service::inventory::{Page, PageRequest, TransactionStatus, TransactionSummary};
use strum::VariantArray;
use time::OffsetDateTime;

use crate::error::Error;
use crate::page::Cursor;
use crate::transaction_row::{State, read_summary};
use crate::value::Millis;

/// Lists the transactions of one status, or of all, one status after the other. A cursor is
/// `{status}.{place}`, where the next page goes on.
pub(crate) fn list_transactions(
    connection: &Connection,
    status: Option<TransactionStatus>,
    page: &PageRequest,
    now: OffsetDateTime,
) -> Result<Page<TransactionSummary>, Error> {
    let (first, mut start) = match &page.cursor {
        None => (status, Cursor::LAST),
        Some(cursor) => {
            let (status, place) = cursor.split_once('.').ok_or(StoreError::Cursor)?;
            let status = status.parse().map_err(|_| StoreError::Cursor)?;
            let place = PageRequest {
                limit: page.limit,
                cursor: Some(place.to_owned()),
            };
            (Some(status), Cursor::start_of(&place, Cursor::LAST)?)
        }
    };
    let mut items = Vec::new();
    let statuses = TransactionStatus::VARIANTS
        .iter()
        .filter(|known| status.is_none_or(|wanted| wanted == **known))
        .skip_while(|known| first.is_some_and(|first| first != **known));
    for status in statuses {
        let mut statement = connection.prepare_cached(
            "SELECT * FROM transactions
             WHERE state = ? AND (created_at, number) < (?, ?)
                 AND (expires_at IS NULL OR expires_at >= ?)
             ORDER BY created_at DESC, number DESC LIMIT ?",
        )?;
        let missing = usize::from(page.limit).saturating_sub(items.len());
        let mut rows = statement.query((
            State(*status),
            start.sorted_by,
            start.number,
            Millis(now),
            i64::try_from(missing).unwrap_or(i64::MAX),
        ))?;
        while let Some(row) = rows.next()? {
            items.push(read_summary(row)?);
            start = Cursor {
                sorted_by: row.get("created_at")?,
                number: row.get("number")?,
            };
        }
        if items.len() >= usize::from(page.limit) {
            return Ok(Page {
                items,
                cursor: Some(format!("{}.{start}", status.name())),
            });
        }
        start = Cursor::LAST;
    }
    Ok(Page {
        items,
        cursor: None,
    })
}
