//! Counts of requests by hour, for charts.

use std::collections::BTreeMap;

use scep_protocol::refusal_record::RefusalReason;
use time::{Duration, OffsetDateTime};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Series {
    /// Certificates that were issued for enrolments.
    Enrolments,
    /// Certificates that were issued for renewals.
    Renewals,
    /// Requests that were refused for this reason.
    Refusals(RefusalReason),
}

impl Series {
    /// Returns the name in the store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Enrolments => ENROLMENTS,
            Self::Renewals => RENEWALS,
            Self::Refusals(reason) => reason.name(),
        }
    }

    /// Returns the series with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            ENROLMENTS => Some(Self::Enrolments),
            RENEWALS => Some(Self::Renewals),
            reason => RefusalReason::from_name(reason).map(Self::Refusals),
        }
    }
}

// No reason of a refusal has one of these names.
const ENROLMENTS: &str = "enrolments";
const RENEWALS: &str = "renewals";

/// Counts by hour. An hour is named by its beginning, in UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HourlyCounts(BTreeMap<OffsetDateTime, BTreeMap<Series, u64>>);

impl HourlyCounts {
    /// Adds to the count of the hour in which this time lies.
    pub fn add(&mut self, at: OffsetDateTime, series: Series, count: u64) {
        let hour = self.0.entry(start_of_hour(at)).or_default();
        let sum = hour.entry(series).or_default();
        *sum = sum.saturating_add(count);
    }

    /// Adds all of these counts.
    pub fn add_all(&mut self, others: &Self) {
        for (hour, series, count) in others.iter() {
            self.add(hour, series, count);
        }
    }

    /// Returns whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns every count with its hour, the earliest first.
    pub fn iter(&self) -> impl Iterator<Item = (OffsetDateTime, Series, u64)> {
        self.0.iter().flat_map(|(hour, counts)| {
            counts
                .iter()
                .map(|(series, count)| (*hour, *series, *count))
        })
    }
}

/// Transactions that led to a certificate, by the hour of their creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCounts {
    /// The counts.
    pub counts: HourlyCounts,
    /// Transactions created up to this time, inclusive, are counted.
    pub until: OffsetDateTime,
}

/// Returns the beginning of the hour in which a time lies.
#[must_use]
pub fn start_of_hour(at: OffsetDateTime) -> OffsetDateTime {
    at - Duration::nanoseconds(remainder(at, Duration::HOUR))
}

/// Returns the beginning of the day, in UTC, in which a time lies.
#[must_use]
pub fn start_of_day(at: OffsetDateTime) -> OffsetDateTime {
    at - Duration::nanoseconds(remainder(at, Duration::DAY))
}

/// The nanoseconds since the last multiple of `unit` after 1970.
fn remainder(at: OffsetDateTime, unit: Duration) -> i64 {
    let nanoseconds = at
        .unix_timestamp_nanos()
        .rem_euclid(unit.whole_nanoseconds());
    // A remainder of a division by a day is less than 2^47.
    i64::try_from(nanoseconds).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_found_by_their_names() {
        let refusals = RefusalReason::all().map(Series::Refusals);
        let all: Vec<_> = refusals
            .chain([Series::Enrolments, Series::Renewals])
            .collect();
        for series in all {
            assert_eq!(Series::from_name(series.name()), Some(series));
        }
        assert_eq!(Series::from_name("expiresAt"), None);
    }

    #[test]
    fn counts_of_an_hour_add_up() {
        let at = OffsetDateTime::UNIX_EPOCH + Duration::minutes(90);
        let mut counts = HourlyCounts::default();
        counts.add(at, Series::Renewals, 1);
        counts.add(at + Duration::minutes(29), Series::Renewals, 2);
        counts.add(at + Duration::minutes(30), Series::Renewals, 4);
        let mut twice = counts.clone();
        twice.add_all(&counts);
        let hour = |number| OffsetDateTime::UNIX_EPOCH + Duration::hours(number);
        let found: Vec<_> = twice.iter().collect();
        let expected = [
            (hour(1), Series::Renewals, 6),
            (hour(2), Series::Renewals, 8),
        ];
        assert_eq!(found, expected);
        assert_eq!(start_of_day(at), OffsetDateTime::UNIX_EPOCH);
        let before_1970 = OffsetDateTime::UNIX_EPOCH - Duration::SECOND;
        assert_eq!(start_of_hour(before_1970), hour(-1));
    }
}
