//! Refused requests, and the list of all requests.

use std::cmp::Reverse;
use std::net::IpAddr;

use rusqlite::types::{FromSql, FromSqlResult, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, Statement, named_params};
use scep_cms::attribute::FailInfo;
use scep_cms::message_type::MessageType;
use scep_protocol::check::Check;
use scep_protocol::id::TransactionUuid;
use scep_protocol::refusal_record::{RefusalReason, RefusalRecord, RequestOutline, RequestedKey};
use scep_protocol::transaction::TransactionState;
use scep_service::inventory::{Page, PageRequest, TransactionStatus};
use scep_service::ports::WriteOutcome;
use scep_service::request_list::{ListedRequest, RequestFilter};
use strum::VariantArray;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::database::outcome_of;
use crate::error::{Error, unreadable};
use crate::page::Cursor;
use crate::transaction_row::{State, UnknownName, find_record, read_summary};
use crate::value::{Digest, Id, Millis, Text, read_optional_uuid, to_millis};

/// Writes the record of a refused request, unless there is one with its identity.
pub(crate) fn insert_refusal(
    connection: &Connection,
    record: &RefusalRecord,
) -> rusqlite::Result<WriteOutcome> {
    let outline = &record.outline;
    let failed: &'static str = record.failed.into();
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO refusals (uuid, created_at, expires_at, scep_profile,
                 ra_profile, message_type, transaction_id, client_address, subject,
                 key_algorithm, key, reason, failed_check, message, fail_info)
             VALUES (:uuid, :created_at, :expires_at, :scep_profile,
                 :ra_profile, :message_type, :transaction_id, :client_address, :subject,
                 :key_algorithm, :key, :reason, :failed_check, :message, :fail_info)",
        )?
        .execute(named_params! {
            ":uuid": Id(record.uuid),
            ":created_at": Millis(record.at),
            ":expires_at": Millis(record.until),
            ":scep_profile": Id(outline.scep_profile),
            ":ra_profile": outline.ra_profile.map(Id),
            ":message_type": outline.message_type.map(MessageType::digits),
            ":transaction_id": outline.transaction_id,
            ":client_address": outline.client_address.map(Text),
            ":subject": outline.subject,
            ":key_algorithm": outline.key.as_ref().map(|key| &key.algorithm),
            ":key": outline.key.as_ref().map(|key| Digest(key.sha256)),
            ":reason": record.reason.name(),
            ":failed_check": failed,
            ":message": record.message,
            ":fail_info": record.fail_info.map(FailInfo::name),
        })
        .map(outcome_of)
}

/// Finds a refused request or a transaction that has not expired.
pub(crate) fn find_request(
    connection: &Connection,
    uuid: Uuid,
    now: OffsetDateTime,
) -> rusqlite::Result<Option<ListedRequest>> {
    let refused = connection
        .prepare_cached("SELECT * FROM refusals WHERE uuid = ? AND expires_at >= ?")?
        .query_row((Id(uuid), Millis(now)), read_refusal)
        .optional()?;
    if let Some(record) = refused {
        return Ok(Some(ListedRequest::Refused(Box::new(record))));
    }
    let transaction = TransactionUuid::from_u128(uuid.as_u128());
    let found = find_record(connection, transaction, now)?;
    Ok(found.map(|record| {
        let reason = match record.transaction.state {
            TransactionState::Rejected { reason, .. } => Some(reason),
            TransactionState::Issued { .. }
            | TransactionState::Issuing { .. }
            | TransactionState::Pending { .. } => None,
        };
        ListedRequest::Transaction(Box::new(record.summary), reason)
    }))
}

/// Lists refused requests and transactions, newest first.
pub(crate) fn list_requests(
    connection: &Connection,
    filter: &RequestFilter,
    page: &PageRequest,
    now: OffsetDateTime,
) -> Result<Page<ListedRequest>, Error> {
    let start = Cursor::start_of(page, Cursor::LAST)?;
    let mut found: Vec<(Cursor, ListedRequest)> = Vec::new();
    // Each outcome is a list in the order of an index. The page is the beginning of what they are
    // together.
    for outcome in filter.outcomes() {
        let selection = Selection {
            filter,
            start,
            limit: page.limit,
            now,
        };
        found.extend(match outcome.status() {
            None => selection.list_refusals(connection)?,
            Some(status) => selection.list_transactions(connection, status)?,
        });
    }
    found.sort_by_key(|(place, _)| Reverse(*place));
    let limit = usize::from(page.limit);
    let is_full = found.len() >= limit;
    found.truncate(limit);
    let last = found.last().filter(|_| is_full);
    Ok(Page {
        cursor: last.map(|(place, _)| place.to_string()),
        items: found.into_iter().map(|(_, request)| request).collect(),
    })
}

/// The part of a list that a page shows.
struct Selection<'a> {
    filter: &'a RequestFilter,
    start: Cursor,
    limit: u16,
    now: OffsetDateTime,
}

impl Selection<'_> {
    fn list_refusals(
        &self,
        connection: &Connection,
    ) -> rusqlite::Result<Vec<(Cursor, ListedRequest)>> {
        let mut statement = connection.prepare_cached(&self.select_refusals())?;
        self.bind(&mut statement, IS_REFUSAL)?;
        if let Some(reason) = self.filter.reason {
            statement.raw_bind_parameter(":reason", reason.name())?;
        }
        let mut rows = statement.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let record = read_refusal(row)?;
            found.push((
                place_of(row, IS_REFUSAL)?,
                ListedRequest::Refused(Box::new(record)),
            ));
        }
        Ok(found)
    }

    fn list_transactions(
        &self,
        connection: &Connection,
        status: TransactionStatus,
    ) -> rusqlite::Result<Vec<(Cursor, ListedRequest)>> {
        let mut statement = connection.prepare_cached(&self.select_transactions())?;
        self.bind(&mut statement, IS_TRANSACTION)?;
        statement.raw_bind_parameter(":state", State(status))?;
        let mut rows = statement.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let reason = row.get("reason")?;
            found.push((
                place_of(row, IS_TRANSACTION)?,
                ListedRequest::Transaction(Box::new(read_summary(row)?), reason),
            ));
        }
        Ok(found)
    }

    fn select_refusals(&self) -> String {
        let condition = match self.filter.reason {
            Some(_) => "AND reason = :reason",
            None => "",
        };
        self.select("refusals", condition)
    }

    fn select_transactions(&self) -> String {
        self.select("transactions", "AND state = :state")
    }

    fn select(&self, table: &str, condition: &str) -> String {
        // SQLite would rather read all rows in the order of the list than those of one profile or
        // transactionID.
        let index = match (&self.filter.transaction_id, self.filter.scep_profile) {
            (Some(_), _) => format!("INDEXED BY {table}_by_id"),
            (None, Some(_)) => format!("INDEXED BY {table}_by_profile"),
            (None, None) => String::new(),
        };
        let conditions = self.conditions();
        format!(
            "SELECT * FROM {table} {index} WHERE {conditions} {condition}
             ORDER BY created_at DESC, number DESC LIMIT :limit"
        )
    }

    /// The conditions that both tables share. SQLite finds an index for what is there, not for what
    /// may be null.
    fn conditions(&self) -> String {
        let mut text = "created_at >= :since AND (created_at, number) < (:start, :number)
             AND created_at < :until AND (expires_at IS NULL OR expires_at >= :now)"
            .to_owned();
        if self.filter.scep_profile.is_some() {
            text.push_str(" AND scep_profile = :scep_profile");
        }
        if self.filter.transaction_id.is_some() {
            text.push_str(" AND transaction_id = :transaction_id");
        }
        text
    }

    /// Binds the parameters of [`Self::conditions`], and the limit.
    fn bind(&self, statement: &mut Statement<'_>, table: i64) -> rusqlite::Result<()> {
        let filter = self.filter;
        // The places of this table's rows are the even or the odd ones: see `place_of`.
        let number = self
            .start
            .number
            .saturating_sub(table)
            .saturating_add(1)
            .div_euclid(TABLES);
        let since = filter.since.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        statement.raw_bind_parameter(":since", Millis(since))?;
        statement.raw_bind_parameter(":start", self.start.sorted_by)?;
        statement.raw_bind_parameter(":number", number)?;
        statement.raw_bind_parameter(":until", filter.until.map_or(i64::MAX, to_millis))?;
        statement.raw_bind_parameter(":now", Millis(self.now))?;
        statement.raw_bind_parameter(":limit", self.limit)?;
        if let Some(uuid) = filter.scep_profile {
            statement.raw_bind_parameter(":scep_profile", Id(uuid))?;
        }
        if let Some(id) = &filter.transaction_id {
            statement.raw_bind_parameter(":transaction_id", id)?;
        }
        Ok(())
    }
}

// The tables, whose rows share the places of one list.
const TABLES: i64 = 2;
const IS_TRANSACTION: i64 = 0;
const IS_REFUSAL: i64 = 1;

/// The place of a row in the list of both tables.
fn place_of(row: &Row<'_>, table: i64) -> rusqlite::Result<Cursor> {
    let number: i64 = row.get("number")?;
    Ok(Cursor {
        sorted_by: row.get("created_at")?,
        number: number.saturating_mul(TABLES).saturating_add(table),
    })
}

fn read_refusal(row: &Row<'_>) -> rusqlite::Result<RefusalRecord> {
    Ok(RefusalRecord {
        uuid: row.get::<_, Id<_>>("uuid")?.0,
        at: row.get::<_, Millis>("created_at")?.0,
        until: row.get::<_, Millis>("expires_at")?.0,
        outline: RequestOutline {
            scep_profile: row.get::<_, Id<_>>("scep_profile")?.0,
            ra_profile: read_optional_uuid(row, "ra_profile")?,
            message_type: row
                .get::<_, Option<String>>("message_type")?
                .and_then(|digits| MessageType::from_digits(digits.as_bytes())),
            transaction_id: row.get("transaction_id")?,
            client_address: row
                .get::<_, Option<Text<IpAddr>>>("client_address")?
                .map(|Text(address)| address),
            subject: row.get("subject")?,
            key: read_requested_key(row)?,
        },
        reason: row.get::<_, Reason>("reason")?.0,
        failed: row.get::<_, Text<Check>>("failed_check")?.0,
        message: row.get("message")?,
        fail_info: row
            .get::<_, Option<FailInfoName>>("fail_info")?
            .map(|FailInfoName(known)| known),
    })
}

fn read_requested_key(row: &Row<'_>) -> rusqlite::Result<Option<RequestedKey>> {
    let Some(algorithm) = row.get("key_algorithm")? else {
        return Ok(None);
    };
    let sha256 = row.get::<_, Digest>("key")?.0;
    Ok(Some(RequestedKey { algorithm, sha256 }))
}

/// A reason by its name.
struct Reason(RefusalReason);

impl FromSql for Reason {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        RefusalReason::from_name(value.as_str()?)
            .map(Self)
            .ok_or_else(|| unreadable(UnknownName("reason")))
    }
}

/// A failInfo by its name.
struct FailInfoName(FailInfo);

impl FromSql for FailInfoName {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        FailInfo::VARIANTS
            .iter()
            .copied()
            .find(|known| known.name() == name)
            .map(Self)
            .ok_or_else(|| unreadable(UnknownName("failInfo")))
    }
}

#[cfg(test)]
mod tests {
    use scep_protocol::id::ScepProfileUuid;

    use super::*;
    use crate::schema;

    /// Returns how SQLite would find the rows.
    fn explain(connection: &Connection, query: &str) -> String {
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {query}"))
            .unwrap();
        let mut rows = statement.raw_query();
        let mut plan = String::new();
        while let Some(row) = rows.next().unwrap() {
            plan.push_str(&row.get::<_, String>("detail").unwrap());
            plan.push('\n');
        }
        plan
    }

    /// However many rows there are, a page reads few.
    #[test]
    fn each_filter_has_an_index_in_both_tables() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let all = RequestFilter::default();
        let of_profile = RequestFilter {
            scep_profile: Some(ScepProfileUuid::nil()),
            ..all.clone()
        };
        let of_id = RequestFilter {
            transaction_id: Some("t 1".to_owned()),
            ..all.clone()
        };
        let of_reason = RequestFilter {
            reason: RefusalReason::all().next(),
            ..all.clone()
        };
        for (filter, refusals, transactions) in [
            (all, "refusals_by_time", "transactions_by_state"),
            (of_profile, "refusals_by_profile", "transactions_by_profile"),
            (of_id, "refusals_by_id", "transactions_by_id"),
            (of_reason, "refusals_by_reason", "transactions_by_state"),
        ] {
            let selection = Selection {
                filter: &filter,
                start: Cursor::LAST,
                limit: 100,
                now: OffsetDateTime::UNIX_EPOCH,
            };
            let plan = explain(&connection, &selection.select_refusals());
            assert!(plan.contains(&format!("INDEX {refusals} (")), "{plan}");
            let plan = explain(&connection, &selection.select_transactions());
            assert!(plan.contains(&format!("INDEX {transactions} (")), "{plan}");
        }
    }
}
