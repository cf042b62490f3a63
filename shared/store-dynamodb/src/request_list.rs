//! The list of all requests, newest first: the refused ones and the transactions of each state are
//! lists of their own in one index, which are merged here.

use std::collections::{HashMap, VecDeque};

use scep_protocol::id::TransactionUuid;
use scep_service::error::StoreError;
use scep_service::inventory::{Page, PageRequest, TransactionRecord, TransactionSummary};
use scep_service::request_list::{ListedRequest, RequestFilter, RequestOutcome};
use strum::VariantArray;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::attribute::to_millis;
use crate::batch::MAX_READ_ITEMS;
use crate::index::BY_STATE;
use crate::item::{CREATED_AT, Item, read_id};
use crate::page::{Bounds, END_OF_TIME, List, Place, run_query};
use crate::refusal_item::{REFUSED, RefusalEntry, parse_refusal};
use crate::transaction_item::{parse_reason, parse_summary};
use crate::transaction_list::state_name;

/// The most queries for one page.
// A filter that matches little must not make one request read the whole index.
const MAX_QUERIES: usize = 24;

/// The part of a cursor for a list that has been read to its end.
const END: &str = "-";

/// One of the merged lists.
struct Stream<'a> {
    outcome: RequestOutcome,
    list: List<'a>,
    /// Entries of the index that were read and are not on a page yet, newest first.
    waiting: VecDeque<Item>,
    /// Where the next query begins.
    next: Option<Item>,
    /// Whether nothing follows the entries that wait.
    is_read: bool,
    /// The part of the page's cursor: after the last entry that the page took.
    position: String,
}

/// An entry of the index that is on a page unless its item says otherwise.
enum Candidate {
    Refused(String),
    Rejected(String, Box<TransactionSummary>),
    Transaction(Box<TransactionSummary>),
}

impl Stream<'_> {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.is_read
    }

    /// The time of the next entry, in milliseconds.
    fn next_time(&self) -> Option<i64> {
        let created_at = self.waiting.front()?.get(CREATED_AT)?;
        created_at.as_n().ok()?.parse().ok()
    }

    fn take_next(&mut self) -> Option<Item> {
        let entry = self.waiting.pop_front()?;
        self.position = self.list.encode_cursor(&entry)?;
        Some(entry)
    }

    fn cursor_part(&self) -> &str {
        match self.is_empty() {
            true => END,
            false => &self.position,
        }
    }

    /// Reads an entry; `None` if it does not match the filter, or has expired.
    fn read(
        &self,
        entry: Item,
        filter: &RequestFilter,
        now: OffsetDateTime,
    ) -> Result<Option<Candidate>, StoreError> {
        let id = read_id(entry.clone())?.unwrap_or_default();
        let Some(status) = self.outcome.status() else {
            let found = RefusalEntry::parse(entry)?;
            let fits = found.is_live(now)
                && filter.may_contain(found.scep_profile, found.transaction_id.as_deref());
            return Ok(fits.then_some(Candidate::Refused(id)));
        };
        let summary = parse_summary(entry, status, now)?.filter(|summary| {
            filter.may_contain(summary.scep_profile, Some(&summary.transaction_id))
        });
        Ok(summary.map(Box::new).map(|summary| match self.outcome {
            RequestOutcome::Rejected => Candidate::Rejected(id, summary),
            RequestOutcome::Granted
            | RequestOutcome::Issuing
            | RequestOutcome::Pending
            | RequestOutcome::Refused => Candidate::Transaction(summary),
        }))
    }
}

impl DynamoDbStore {
    pub(crate) async fn read_request_page(
        &self,
        filter: &RequestFilter,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<ListedRequest>, StoreError> {
        let limit = usize::from(page.limit);
        let mut streams = self.open_streams(filter, page.cursor.as_deref())?;
        let mut items = Vec::new();
        let mut queries = 0;
        while items.len() < limit && queries < MAX_QUERIES {
            let wanted = limit.saturating_sub(items.len());
            let mut candidates = Vec::new();
            while candidates.len() < wanted
                && self.fill_streams(&mut streams, limit, &mut queries).await?
            {
                let newest = streams
                    .iter_mut()
                    .max_by_key(|stream| stream.next_time())
                    .and_then(|stream| Some((stream.take_next()?, stream)));
                let Some((entry, stream)) = newest else {
                    break;
                };
                candidates.extend(stream.read(entry, filter, now)?);
            }
            let is_read = streams.iter().all(Stream::is_empty);
            items.extend(self.complete_candidates(candidates, filter).await?);
            if is_read {
                break;
            }
        }
        let goes_on = streams.iter().any(|stream| !stream.is_empty());
        Ok(Page {
            items,
            cursor: goes_on.then(|| encode_position(&streams)),
        })
    }

    pub(crate) async fn read_request(
        &self,
        uuid: Uuid,
        now: OffsetDateTime,
    ) -> Result<Option<ListedRequest>, StoreError> {
        if let Some(item) = self.read_item(format!("refusal/{uuid}")).await? {
            let record = parse_refusal(item)?;
            let is_live = now <= record.until;
            return Ok(is_live.then(|| ListedRequest::Refused(Box::new(record))));
        }
        let transaction = TransactionUuid::from_u128(uuid.as_u128());
        let found = self.read_transaction_record(transaction, now).await?;
        Ok(found.map(|record| {
            let TransactionRecord {
                summary,
                transaction,
                requested: _,
            } = record;
            ListedRequest::Transaction(
                Box::new(summary),
                transaction.state.rejection_reason().map(str::to_owned),
            )
        }))
    }

    /// Opens the lists that the filter needs, each where the cursor says.
    fn open_streams(
        &self,
        filter: &RequestFilter,
        cursor: Option<&str>,
    ) -> Result<Vec<Stream<'_>>, StoreError> {
        let positions = decode_position(cursor)?;
        let wanted = filter.outcomes();
        let from = filter.since.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        // DynamoDB's BETWEEN includes both ends, and `until` is exclusive.
        let until = filter
            .until
            .map_or(END_OF_TIME, |until| until - Duration::MILLISECOND);
        let mut streams = Vec::new();
        for (outcome, position) in RequestOutcome::VARIANTS.iter().copied().zip(positions) {
            // DynamoDB rejects bounds in the wrong order, between which nothing lies.
            if position == END || !wanted.contains(&outcome) || until < from {
                continue;
            }
            let list = List {
                table: &self.tables.transactions,
                index: &BY_STATE,
                hash: outcome.status().map_or(REFUSED, state_name).to_owned(),
                bounds: Bounds::Between(to_millis(from), to_millis(until)),
                ascending: false,
            };
            let mut next = match position.as_str() {
                "" => None,
                position => Some(list.decode_cursor(position).ok_or(StoreError::Cursor)?),
            };
            match next.as_ref().map(|start| list.locate(start)) {
                Some(Place::Before) => next = None,
                Some(Place::After) => continue,
                Some(Place::Inside) | None => {}
            }
            streams.push(Stream {
                outcome,
                list,
                waiting: VecDeque::new(),
                next,
                is_read: false,
                position,
            });
        }
        Ok(streams)
    }

    /// Reads until an entry of each list waits or the list has ended; `false` if that takes too
    /// many queries, since the newest entry is not known then.
    async fn fill_streams(
        &self,
        streams: &mut [Stream<'_>],
        limit: usize,
        queries: &mut usize,
    ) -> Result<bool, StoreError> {
        for stream in streams {
            while stream.waiting.is_empty() && !stream.is_read {
                if *queries >= MAX_QUERIES {
                    return Ok(false);
                }
                *queries = queries.saturating_add(1);
                let start = stream.next.take();
                let (found, last) = run_query(&self.client, &stream.list, limit, start).await?;
                stream.waiting = found.into();
                stream.is_read = last.is_none();
                stream.next = last;
            }
        }
        Ok(true)
    }

    /// Reads what the index does not hold: refused requests, and the reasons of rejections.
    async fn complete_candidates(
        &self,
        candidates: Vec<Candidate>,
        filter: &RequestFilter,
    ) -> Result<Vec<ListedRequest>, StoreError> {
        let ids: Vec<_> = candidates
            .iter()
            .filter_map(|candidate| match candidate {
                Candidate::Refused(id) | Candidate::Rejected(id, _) => Some(id.clone()),
                Candidate::Transaction(_) => None,
            })
            .collect();
        let mut found = HashMap::new();
        for chunk in ids.chunks(MAX_READ_ITEMS) {
            for item in self
                .read_items(&self.tables.transactions, chunk.iter().cloned())
                .await?
            {
                if let Some(id) = read_id(item.clone())? {
                    found.insert(id, item);
                }
            }
        }
        let mut requests = Vec::new();
        for candidate in candidates {
            requests.extend(match candidate {
                Candidate::Refused(id) => found
                    .remove(&id)
                    .map(parse_refusal)
                    .transpose()?
                    .filter(|record| filter.contains(record))
                    .map(|record| ListedRequest::Refused(Box::new(record))),
                Candidate::Rejected(id, summary) => {
                    let reason = found.remove(&id).map(parse_reason).transpose()?;
                    Some(ListedRequest::Transaction(summary, reason.flatten()))
                }
                Candidate::Transaction(summary) => Some(ListedRequest::Transaction(summary, None)),
            });
        }
        Ok(requests)
    }
}

/// Encodes how far each list has been read, in the order of [`RequestOutcome`].
fn encode_position(streams: &[Stream<'_>]) -> String {
    let parts: Vec<_> = RequestOutcome::VARIANTS
        .iter()
        .map(|outcome| {
            streams
                .iter()
                .find(|stream| stream.outcome == *outcome)
                .map_or(END, Stream::cursor_part)
        })
        .collect();
    parts.join(".")
}

fn decode_position(cursor: Option<&str>) -> Result<Vec<String>, StoreError> {
    let lists = RequestOutcome::VARIANTS.len();
    let Some(cursor) = cursor else {
        return Ok(vec![String::new(); lists]);
    };
    let parts: Vec<_> = cursor.split('.').map(str::to_owned).collect();
    if parts.len() != lists {
        return Err(StoreError::Cursor);
    }
    Ok(parts)
}
