//! Periods of calendar time in the notation of ISO 8601.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::{Date, Month, OffsetDateTime};

const MONTHS_A_YEAR: u32 = 12;
const SECONDS_A_MINUTE: u64 = 60;
const SECONDS_AN_HOUR: u64 = 60 * SECONDS_A_MINUTE;
const SECONDS_A_DAY: u64 = 24 * SECONDS_AN_HOUR;
const SECONDS_A_WEEK: u64 = 7 * SECONDS_A_DAY;

/// Longest period: a hundred years, in either unit.
// The bound also keeps sums of seconds far from overflow.
const MAX_MONTHS: u32 = 100 * MONTHS_A_YEAR;
const MAX_SECONDS: u64 = 36_525 * SECONDS_A_DAY;

/// A period of calendar time of at most 100 years, ISO 8601-1 §5.5.2: `P2Y`, `P365D`, `PT1H`.
/// Numbers are integers. Years are calendar years: two years from a 29 February end on a 28
/// February.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    months: u32,
    seconds: u64,
}

/// A text is not a valid period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a period is an ISO 8601 duration of at most 100 years in whole numbers, like P2Y, P365D or PT1H"
)]
pub struct PeriodError;

impl Period {
    /// A period of years, at most 100.
    #[must_use]
    pub const fn years(years: u8) -> Self {
        // `u32::from` is not const, and `as` is denied.
        let months = u32::from_be_bytes([0, 0, 0, years]).saturating_mul(MONTHS_A_YEAR);
        Self {
            months: if months > MAX_MONTHS {
                MAX_MONTHS
            } else {
                months
            },
            seconds: 0,
        }
    }

    /// A period of days, at most 36,525.
    #[must_use]
    pub const fn days(days: u16) -> Self {
        let [high, low] = days.to_be_bytes();
        let seconds =
            u64::from_be_bytes([0, 0, 0, 0, 0, 0, high, low]).saturating_mul(SECONDS_A_DAY);
        Self {
            months: 0,
            seconds: if seconds > MAX_SECONDS {
                MAX_SECONDS
            } else {
                seconds
            },
        }
    }

    /// A period of hours.
    #[must_use]
    pub const fn hours(hours: u8) -> Self {
        let seconds =
            u64::from_be_bytes([0, 0, 0, 0, 0, 0, 0, hours]).saturating_mul(SECONDS_AN_HOUR);
        Self { months: 0, seconds }
    }

    /// Whether this period is shorter than the other. A month counts as 30 days.
    #[must_use]
    pub fn is_shorter_than(self, other: Self) -> bool {
        let length = |period: Self| u64::from(period.months) * 30 * SECONDS_A_DAY + period.seconds;
        length(self) < length(other)
    }

    /// Whether the period is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.months == 0 && self.seconds == 0
    }

    /// The end of the period that begins `at`; `None` after the year 9999.
    #[must_use]
    pub fn after(self, at: OffsetDateTime) -> Option<OffsetDateTime> {
        let beyond_months = time::Duration::seconds(i64::try_from(self.seconds).ok()?);
        add_months(at, i32::try_from(self.months).ok()?)?.checked_add(beyond_months)
    }

    /// The beginning of the period that ends `at`; `None` before the year -9999.
    #[must_use]
    pub fn before(self, at: OffsetDateTime) -> Option<OffsetDateTime> {
        let beyond_months = time::Duration::seconds(i64::try_from(self.seconds).ok()?);
        let months = i32::try_from(self.months).ok()?.checked_neg()?;
        add_months(at, months)?.checked_sub(beyond_months)
    }
}

/// The same day some months later, or earlier if `months` is negative. The last day of the month if
/// that has no such day.
fn add_months(at: OffsetDateTime, months: i32) -> Option<OffsetDateTime> {
    let month_of_year = i32::from(u8::from(at.month())) - 1;
    let months_since_year_0 = at
        .year()
        .checked_mul(12)?
        .checked_add(month_of_year)?
        .checked_add(months)?;
    let month = Month::try_from(u8::try_from(months_since_year_0.rem_euclid(12)).ok()? + 1).ok()?;
    let year = months_since_year_0.div_euclid(12);
    let day = at.day().min(month.length(year));
    Some(at.replace_date(Date::from_calendar_date(year, month, day).ok()?))
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let (date, time) = match text.strip_prefix('P').ok_or(PeriodError)?.split_once('T') {
            // ISO 8601 allows the T only if a time follows.
            Some((_, "")) => return Err(PeriodError),
            Some((date, time)) => (date, time),
            None => (text.strip_prefix('P').unwrap_or_default(), ""),
        };
        if date.is_empty() && time.is_empty() {
            return Err(PeriodError);
        }
        let [years, months, weeks, days] = parse_numbers(date, ['Y', 'M', 'W', 'D'])?;
        let [hours, minutes, seconds] = parse_numbers(time, ['H', 'M', 'S'])?;
        let total_months = u64::from(MONTHS_A_YEAR)
            .checked_mul(years)
            .and_then(|months_of_years| months_of_years.checked_add(months))
            .and_then(|sum| u32::try_from(sum).ok())
            .ok_or(PeriodError)?;
        let total_seconds = [
            (weeks, SECONDS_A_WEEK),
            (days, SECONDS_A_DAY),
            (hours, SECONDS_AN_HOUR),
            (minutes, SECONDS_A_MINUTE),
            (seconds, 1),
        ]
        .into_iter()
        .try_fold(0_u64, |sum, (number, unit)| {
            sum.checked_add(number.checked_mul(unit)?)
        })
        .ok_or(PeriodError)?;
        if total_months > MAX_MONTHS || total_seconds > MAX_SECONDS {
            return Err(PeriodError);
        }
        Ok(Self {
            months: total_months,
            seconds: total_seconds,
        })
    }
}

/// Parses the numbers that precede these letters. The letters are optional but must be in this
/// order; the number of a missing letter is 0.
fn parse_numbers<const N: usize>(text: &str, letters: [char; N]) -> Result<[u64; N], PeriodError> {
    let mut rest = text;
    let numbers = letters.map(|letter| match rest.split_once(letter) {
        None => Ok(0),
        Some((digits, after)) => {
            rest = after;
            // `parse` would also accept a sign.
            let is_number = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
            digits.parse().ok().filter(|_| is_number).ok_or(PeriodError)
        }
    });
    if !rest.is_empty() {
        return Err(PeriodError);
    }
    let mut found = [0; N];
    for (slot, number) in found.iter_mut().zip(numbers) {
        *slot = number?;
    }
    Ok(found)
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |f: &mut fmt::Formatter<'_>, number: u64, letter: char| match number {
            0 => Ok(()),
            _ => write!(f, "{number}{letter}"),
        };
        // ISO 8601 requires at least one number, so zero has one too.
        if self.is_zero() {
            return f.write_str("PT0S");
        }
        f.write_str("P")?;
        part(f, (self.months / MONTHS_A_YEAR).into(), 'Y')?;
        part(f, (self.months % MONTHS_A_YEAR).into(), 'M')?;
        part(f, self.seconds / SECONDS_A_DAY, 'D')?;
        let seconds = self.seconds % SECONDS_A_DAY;
        if seconds > 0 {
            f.write_str("T")?;
        }
        part(f, seconds / SECONDS_AN_HOUR, 'H')?;
        part(f, seconds % SECONDS_AN_HOUR / SECONDS_A_MINUTE, 'M')?;
        part(f, seconds % SECONDS_A_MINUTE, 'S')
    }
}

impl TryFrom<String> for Period {
    type Error = PeriodError;

    fn try_from(text: String) -> Result<Self, PeriodError> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[track_caller]
    fn check(text: &str, written: &str, end: OffsetDateTime) {
        let period: Period = text.parse().unwrap();
        assert_eq!(period.to_string(), written);
        assert_eq!(period.after(datetime!(2024-02-29 12:00 UTC)), Some(end));
    }

    #[test]
    fn periods_are_calendar_time() {
        check("P1Y", "P1Y", datetime!(2025-02-28 12:00 UTC));
        check("P2Y", "P2Y", datetime!(2026-02-28 12:00 UTC));
        check("P365D", "P365D", datetime!(2025-02-28 12:00 UTC));
        check("PT1H", "PT1H", datetime!(2024-02-29 13:00 UTC));
        check("P18M", "P1Y6M", datetime!(2025-08-29 12:00 UTC));
        check("P2W", "P14D", datetime!(2024-03-14 12:00 UTC));
        check("PT24H", "P1D", datetime!(2024-03-01 12:00 UTC));
        check(
            "P1Y2M3DT4H5M6S",
            "P1Y2M3DT4H5M6S",
            datetime!(2025-05-02 16:05:06 UTC),
        );
        check("PT0S", "PT0S", datetime!(2024-02-29 12:00 UTC));
        let year: Period = "P1Y".parse().unwrap();
        assert_eq!(
            year.before(datetime!(2024-02-29 12:00 UTC)),
            Some(datetime!(2023-02-28 12:00 UTC))
        );
    }

    #[test]
    fn the_two_limits_are_separate_and_inclusive() {
        for (text, written) in [
            ("P100Y", "P100Y"),
            ("P1200M", "P100Y"),
            ("P99Y12M", "P100Y"),
            ("P36525D", "P36525D"),
            ("P5217W", "P36519D"),
            ("PT3155760000S", "P36525D"),
            ("P100Y36525D", "P100Y36525D"),
            ("P007D", "P7D"),
            ("P0Y", "PT0S"),
            ("P1YT0S", "P1Y"),
            ("P1Y2M3W4DT5H6M7S", "P1Y2M25DT5H6M7S"),
            ("PT90061S", "P1DT1H1M1S"),
        ] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), written);
        }
        assert_eq!(Period::years(200).to_string(), "P100Y");
        assert_eq!(Period::days(u16::MAX).to_string(), "P36525D");
        assert_eq!(Period::hours(255).to_string(), "P10DT15H");
    }

    #[test]
    fn periods_are_equal_and_compared_by_length() {
        let period = |text: &str| text.parse::<Period>().unwrap();
        assert_eq!(period("P12M"), period("P1Y"));
        assert_eq!(period("P1W"), period("PT168H"));
        // A month is compared as 30 days, and is not equal to them.
        assert_ne!(period("P1M"), period("P30D"));
        assert!(!period("P1M").is_shorter_than(period("P30D")));
        assert!(period("P1M").is_shorter_than(period("P31D")));
        assert!(period("P30DT23H").is_shorter_than(period("P1M1D")));
        assert!(period("P0D").is_zero() && !period("PT1S").is_zero());
    }

    #[test]
    fn months_are_added_before_days_and_end_within_the_month() {
        #[track_caller]
        fn check(text: &str, at: OffsetDateTime, before: OffsetDateTime, after: OffsetDateTime) {
            let period: Period = text.parse().unwrap();
            assert_eq!(period.before(at), Some(before), "before");
            assert_eq!(period.after(at), Some(after), "after");
        }
        check(
            "P1M",
            datetime!(2023-03-31 1:02:03.5 UTC),
            datetime!(2023-02-28 1:02:03.5 UTC),
            datetime!(2023-04-30 1:02:03.5 UTC),
        );
        check(
            "P1M1D",
            datetime!(2024-01-31 0:00 UTC),
            datetime!(2023-12-30 0:00 UTC),
            datetime!(2024-03-01 0:00 UTC),
        );
        check(
            "P100Y",
            datetime!(2000-02-29 23:59:59 UTC),
            datetime!(1900-02-28 23:59:59 UTC),
            datetime!(2100-02-28 23:59:59 UTC),
        );
        check(
            "P1YT1H",
            datetime!(1970-01-01 0:30:00.25 UTC),
            datetime!(1968-12-31 23:30:00.25 UTC),
            datetime!(1971-01-01 1:30:00.25 UTC),
        );
    }

    #[test]
    fn the_stored_form_is_the_text() {
        let period: Period = serde_json::from_str(r#""P18M""#).unwrap();
        assert_eq!(serde_json::to_string(&period).unwrap(), r#""P1Y6M""#);
        assert!(serde_json::from_str::<Period>(r#""1 year""#).is_err());
    }

    #[test]
    fn other_texts_are_not_periods() {
        for text in [
            "",
            "P",
            "PT",
            "P1",
            "1Y",
            "P1YT",
            "PT1D",
            "P1D1Y",
            "P-1D",
            "P+1D",
            "-P1D",
            "P1.5Y",
            "PT1.5H",
            "PT1,5S",
            "P1Y1Y",
            "p1y",
            "P 1Y",
            "P101Y",
            "P36526D",
            "P99999999999999999999D",
            "PT9999999999999H",
            "P1201M",
            "P99Y13M",
            "P36525DT1S",
            "P5218W",
            "1 year",
            "P1H",
            "PT1Y",
            "P1Y ",
            "P1D\0",
            "P\u{661}D",
        ] {
            assert_eq!(text.parse::<Period>(), Err(PeriodError), "{text}");
        }
    }

    #[test]
    fn a_period_that_leads_out_of_the_calendar_has_no_end() {
        let century: Period = "P100Y".parse().unwrap();
        assert_eq!(century.after(datetime!(9990-01-01 0:00 UTC)), None);
        assert_eq!(century.before(datetime!(-9990-01-01 0:00 UTC)), None);
        let last = datetime!(9999-12-31 23:59:59 UTC);
        assert_eq!(
            century.after(datetime!(9899-12-31 23:59:59 UTC)),
            Some(last)
        );
        assert_eq!("PT1S".parse::<Period>().unwrap().after(last), None);
    }
}
