//! Counts of requests by hour, in the transactions table: one item for each day, and one that says
//! up to when issued transactions are counted.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use scep_cms::message_type::MessageType;
use scep_service::error::StoreError;
use scep_service::ports::WriteOutcome;
use scep_service::statistics::{HourlyCounts, IssuedCounts, Series, start_of_day};
use time::{Duration, OffsetDateTime};

use crate::DynamoDbStore;
use crate::attribute::{Millis, to_millis, to_number, to_seconds};
use crate::batch::MAX_READ_ITEMS;
use crate::expression::{Changes, Condition};
use crate::index::BY_STATE;
use crate::item::{
    COUNTED_UNTIL, CREATED_AT, EXPIRES_AT, Item, MESSAGE_TYPE, MissingAttribute, corrupt, read_id,
};
use crate::page::{Bounds, List, run_query};
use crate::retry::{MAX_TRIES, back_off};
use crate::transaction_item::{ISSUED, is_signed_by_certificate};
use crate::write::{Step, Write};
use crate::written::Written;

const WHAT: &str = "count";

/// How long counts are kept after their day: longer than the longest chart.
const VALIDITY: Duration = Duration::days(400);

/// The item that says up to when issued transactions are counted.
const MARK_ID: &str = "countedUntil";

/// The longest time that is counted at once.
// Each day takes a step of the transaction that writes the counts.
const MAX_SPAN: Duration = Duration::days(60);

fn counts_id(day: OffsetDateTime) -> String {
    format!("counts/{}", day_number(day))
}

fn day_number(day: OffsetDateTime) -> i64 {
    day.unix_timestamp().div_euclid(SECONDS_A_DAY)
}

const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// The name of the attribute of a count: that of the series, and the hour in two digits.
fn count_name(hour: OffsetDateTime, series: Series) -> String {
    format!("{}{:02}", series.name(), hour.hour())
}

/// Reads a count from its attribute; `None` for other attributes, and for counts that a later
/// version has added.
fn parse_count(name: &str, value: &AttributeValue) -> Option<(Duration, Series, u64)> {
    let (series, hour) = name.split_at_checked(name.len().checked_sub(2)?)?;
    let hour: u8 = hour.parse().ok()?;
    let series = Series::from_name(series)?;
    Some((
        Duration::hours(hour.into()),
        series,
        value.as_n().ok()?.parse().ok()?,
    ))
}

/// Reads the counts of a day by the part of the item's id that names it.
pub(crate) fn parse_counts(day: &str, item: &Item) -> Result<HourlyCounts, StoreError> {
    let seconds = day
        .parse()
        .ok()
        .and_then(|number: i64| number.checked_mul(SECONDS_A_DAY))
        .ok_or_else(|| corrupt(WHAT)(MissingAttribute("id")))?;
    let day = OffsetDateTime::from_unix_timestamp(seconds).map_err(corrupt(WHAT))?;
    let mut counts = HourlyCounts::default();
    for (name, value) in item {
        if let Some((hour, series, count)) = parse_count(name, value) {
            counts.add(day + hour, series, count);
        }
    }
    Ok(counts)
}

impl DynamoDbStore {
    pub(crate) async fn increase_counts(&self, counts: &HourlyCounts) -> Result<(), StoreError> {
        for write in self.count_writes(counts) {
            self.increase_count(write).await?;
        }
        Ok(())
    }

    /// Makes an update that has no condition, again while a transaction writes the same item.
    // A transaction for this update too would cost twice as much.
    async fn increase_count(&self, write: Write<'_>) -> Result<(), StoreError> {
        for conflicts in 0..MAX_TRIES {
            back_off(conflicts).await;
            match self.write_one("counting requests", write.clone()).await? {
                Written::Won(_) => return Ok(()),
                Written::Lost => {}
            }
        }
        Err(StoreError::Conflict)
    }

    /// Describes one update for each day.
    fn count_writes(&self, counts: &HourlyCounts) -> Vec<Write<'_>> {
        let mut days = BTreeMap::<_, Changes>::new();
        for (hour, series, count) in counts.iter() {
            let day = start_of_day(hour);
            let changes = days
                .remove(&day)
                .unwrap_or_else(|| Changes::default().set(EXPIRES_AT, to_seconds(day + VALIDITY)));
            let increased = changes.add(count_name(hour, series), to_number(count));
            days.insert(day, increased);
        }
        days.into_iter()
            .map(|(day, changes)| Write::update(&self.tables.transactions, counts_id(day), changes))
            .collect()
    }

    pub(crate) async fn read_counts(
        &self,
        from: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<HourlyCounts, StoreError> {
        let (first, last) = (start_of_day(from), start_of_day(until));
        let days: Vec<_> = (0..)
            // Beyond the last day that `time` knows there is nothing.
            .map_while(|number| first.checked_add(Duration::days(number)))
            .take_while(|day| *day <= last)
            .collect();
        let mut counts = HourlyCounts::default();
        for chunk in days.chunks(MAX_READ_ITEMS) {
            let by_id: HashMap<_, _> = chunk.iter().map(|day| (counts_id(*day), *day)).collect();
            for item in self
                .read_items(&self.tables.transactions, by_id.keys().cloned())
                .await?
            {
                let id = read_id(item.clone())?.unwrap_or_default();
                let Some(day) = by_id.get(&id) else {
                    continue;
                };
                for (name, value) in &item {
                    if let Some((hour, series, count)) = parse_count(name, value) {
                        counts.add(*day + hour, series, count);
                    }
                }
            }
        }
        Ok(counts)
    }

    /// Counts issued transactions by the index of lists, which holds all but what was a renewal.
    pub(crate) async fn count_issued_transactions(
        &self,
        after: Option<OffsetDateTime>,
        until: OffsetDateTime,
        most: u16,
    ) -> Result<IssuedCounts, StoreError> {
        let from = after.map_or(OffsetDateTime::UNIX_EPOCH, |at| at + Duration::MILLISECOND);
        let mut counts = HourlyCounts::default();
        if until < from {
            return Ok(IssuedCounts { counts, until });
        }
        let (entries, counted_until) = self.read_issued(from, until, most).await?;
        for chunk in entries.chunks(MAX_READ_ITEMS) {
            let renewals = self.find_renewals(chunk).await?;
            for entry in chunk {
                let series = match renewals.contains(&entry.id) {
                    true => Series::Renewals,
                    false => Series::Enrolments,
                };
                counts.add(entry.created_at, series, 1);
            }
        }
        Ok(IssuedCounts {
            counts,
            until: counted_until,
        })
    }

    /// Reads the entries of issued transactions in this time, the oldest first, and up to when that
    /// are all of them.
    async fn read_issued(
        &self,
        from: OffsetDateTime,
        until: OffsetDateTime,
        most: u16,
    ) -> Result<(Vec<IssuedEntry>, OffsetDateTime), StoreError> {
        let list = List {
            table: &self.tables.transactions,
            index: &BY_STATE,
            hash: ISSUED.to_owned(),
            bounds: Bounds::Between(to_millis(from), to_millis(until)),
            ascending: true,
        };
        let (mut entries, mut start) = (Vec::<IssuedEntry>::new(), None);
        loop {
            let (found, last) = run_query(&self.client, &list, most.into(), start).await?;
            for entry in found {
                entries.push(IssuedEntry::parse(entry)?);
            }
            let (Some(first), Some(newest)) = (entries.first(), entries.last()) else {
                return Ok((entries, until));
            };
            let (oldest_at, newest_at) = (first.created_at, newest.created_at);
            let is_enough = entries.len() >= most.into() && oldest_at < newest_at;
            if newest_at - oldest_at <= MAX_SPAN && last.is_none() {
                return Ok((entries, until));
            }
            if newest_at - oldest_at > MAX_SPAN || is_enough {
                // Others of the last millisecond may follow, so it is left to the next time.
                let end = (oldest_at + MAX_SPAN).min(newest_at - Duration::MILLISECOND);
                entries.retain(|entry| entry.created_at <= end);
                return Ok((entries, end));
            }
            start = last;
        }
    }

    /// Finds those of the transactions that are renewals, whatever their messageType.
    async fn find_renewals(&self, entries: &[IssuedEntry]) -> Result<Vec<String>, StoreError> {
        let mut renewals: Vec<_> = entries
            .iter()
            .filter(|entry| entry.is_renewal_req)
            .map(|entry| entry.id.clone())
            .collect();
        // Many clients renew by a PKCSReq.
        let others: Vec<_> = entries
            .iter()
            .filter(|entry| !entry.is_renewal_req)
            .map(|entry| entry.id.clone())
            .collect();
        if others.is_empty() {
            return Ok(renewals);
        }
        for item in self
            .read_items(&self.tables.transactions, others.into_iter())
            .await?
        {
            let id = read_id(item.clone())?;
            if is_signed_by_certificate(item)? {
                renewals.extend(id);
            }
        }
        Ok(renewals)
    }

    pub(crate) async fn read_counted_until(&self) -> Result<Option<OffsetDateTime>, StoreError> {
        let Some(mark) = self.read_item(MARK_ID.to_owned()).await? else {
            return Ok(None);
        };
        read_millis(&mark, COUNTED_UNTIL).map(Some)
    }

    pub(crate) async fn add_issued_counts(
        &self,
        issued: &IssuedCounts,
        after: Option<OffsetDateTime>,
    ) -> Result<WriteOutcome, StoreError> {
        let until = to_millis(issued.until);
        let mark = Changes::default().set(COUNTED_UNTIL, until.clone());
        let unchanged = match after {
            None => Condition::Missing(COUNTED_UNTIL),
            Some(after) => Condition::Equals(COUNTED_UNTIL, to_millis(after)),
        };
        let mut steps: Vec<Step<'_, WriteOutcome>> = vec![
            Write::update(&self.tables.transactions, MARK_ID.to_owned(), mark)
                .on_condition(unchanged)
                .or(WriteOutcome::Lost),
        ];
        let writes = self.count_writes(&issued.counts);
        steps.extend(writes.into_iter().map(Write::or_fail));
        self.write_all("counting certificates", steps, WriteOutcome::Won)
            .await
    }
}

/// The entry of an issued transaction in the index of lists.
struct IssuedEntry {
    id: String,
    created_at: OffsetDateTime,
    is_renewal_req: bool,
}

impl IssuedEntry {
    fn parse(entry: Item) -> Result<Self, StoreError> {
        let created_at = read_millis(&entry, CREATED_AT)?;
        let digits = entry.get(MESSAGE_TYPE).and_then(|kind| kind.as_s().ok());
        Ok(Self {
            created_at,
            is_renewal_req: digits.is_some_and(|it| it == MessageType::RenewalReq.digits()),
            id: read_id(entry)?.unwrap_or_default(),
        })
    }
}

fn read_millis(item: &Item, name: &'static str) -> Result<OffsetDateTime, StoreError> {
    item.get(name)
        .and_then(|value| value.as_n().ok()?.parse::<i64>().ok())
        .and_then(|millis| Millis::try_from(millis).ok())
        .map(|Millis(at)| at)
        .ok_or_else(|| corrupt(WHAT)(MissingAttribute(name)))
}

#[cfg(test)]
mod tests {
    use scep_protocol::refusal::RefusalKind;
    use scep_protocol::refusal_record::RefusalReason;

    use super::*;
    use crate::attribute::to_text;
    use crate::samples::NOW;

    #[test]
    fn a_count_is_an_attribute_named_after_its_series_and_hour() {
        let reason = Series::Refusals(RefusalReason::Refused(RefusalKind::ChallengeMissing));
        for series in [reason, Series::Enrolments, Series::Renewals] {
            let name = count_name(NOW, series);
            let found = parse_count(&name, &to_number(7));
            assert_eq!(found, Some((Duration::hours(3), series, 7)), "{name}");
        }
        assert_eq!(count_name(NOW, reason), "challengeMissing03");
        assert_eq!(counts_id(NOW), "counts/20455");
        for (name, value) in [
            (EXPIRES_AT, to_number(7)),
            ("id", to_text("counts/20455")),
            ("ofALaterVersion03", to_number(7)),
            ("renewalsé3", to_number(7)),
            ("3", to_number(7)),
        ] {
            assert_eq!(parse_count(name, &value), None, "{name}");
        }
    }
}
