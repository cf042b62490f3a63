//! Periods of calendar time in the notation of ISO 8601.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::fmt::temporal::SpanParser;
use jiff::{SignedDuration, Span, SpanFieldwise, SpanRelativeTo, SpanRound, Unit};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

/// Longest period: a hundred years, in either unit.
const MAX_MONTHS: i32 = 100 * 12;
const MAX_REST: SignedDuration = SignedDuration::from_hours(36_525 * 24);

/// The time from which `OffsetDateTime` counts its seconds.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// A period of calendar time of at most 100 years, ISO 8601-1 §5.5.2: `P2Y`, `P365D`, `PT1H`.
/// Numbers are integers. Years are calendar years: two years from a 29 February end on a 28
/// February.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
// The span is balanced, so that equal periods have equal fields: less than 12 months, less than 24
// hours and so on, and no weeks.
pub struct Period(SpanFieldwise);

/// A text is not a valid period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a period is an ISO 8601 duration of at most 100 years in whole numbers, like P2Y, P365D or PT1H"
)]
pub struct PeriodError;

impl Period {
    /// A period of years, at most 100.
    #[must_use]
    pub fn years(years: u8) -> Self {
        Self(Span::new().years(years.min(100)).fieldwise())
    }

    /// A period of days, at most 36,525.
    #[must_use]
    pub fn days(days: u16) -> Self {
        Self(Span::new().days(days.min(36_525)).fieldwise())
    }

    /// A period of hours.
    #[must_use]
    pub fn hours(hours: u8) -> Self {
        Self(Span::new().days(hours / 24).hours(hours % 24).fieldwise())
    }

    /// The period of a span that is not negative; `None` if it is too long.
    fn new(span: Span) -> Option<Self> {
        let (months, rest) = split(span)?;
        if months > MAX_MONTHS || rest > MAX_REST {
            return None;
        }
        let days = SpanRound::new().largest(Unit::Day).days_are_24_hours();
        let balanced = Span::try_from(rest).ok()?.round(days).ok()?;
        Some(Self(
            balanced.years(months / 12).months(months % 12).fieldwise(),
        ))
    }

    /// Whether this period is shorter than the other. A month counts as 30 days.
    #[must_use]
    pub fn is_shorter_than(self, other: Self) -> bool {
        let length = |period: Self| {
            let (months, rest) = split(period.0.0).unwrap_or_default();
            SignedDuration::from_hours(30 * 24 * i64::from(months)) + rest
        };
        length(self) < length(other)
    }

    /// Whether the period is zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0.0.is_zero()
    }

    /// The end of the period that begins `at`; `None` after the year 9999.
    #[must_use]
    pub fn after(self, at: OffsetDateTime) -> Option<OffsetDateTime> {
        add(at, self.0.0)
    }

    /// The beginning of the period that ends `at`; `None` before the year -9999.
    #[must_use]
    pub fn before(self, at: OffsetDateTime) -> Option<OffsetDateTime> {
        add(at, self.0.0.negate())
    }
}

/// The months of a span, and the rest of it. A day has 24 hours, because periods are in UTC.
fn split(span: Span) -> Option<(i32, SignedDuration)> {
    let months = i32::from(span.get_years()) * 12 + span.get_months();
    let rest = span.years(0).months(0);
    let duration = rest.to_duration(SpanRelativeTo::days_are_24_hours());
    Some((months, duration.ok()?))
}

/// The time that is this far from `at`, by the calendar of UTC.
fn add(at: OffsetDateTime, span: Span) -> Option<OffsetDateTime> {
    let seconds = SignedDuration::from_secs(at.unix_timestamp());
    let start = EPOCH.checked_add(seconds).ok()?;
    let end = start.checked_add(span).ok()?;
    at.checked_add(Duration::seconds(end.duration_since(start).as_secs()))
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        // jiff also accepts signs, fractions and lower case.
        if !text
            .bytes()
            .all(|c| c.is_ascii_digit() || b"PYMWDTHS".contains(&c))
        {
            return Err(PeriodError);
        }
        let span = SpanParser::new()
            .parse_span(text)
            .map_err(|_| PeriodError)?;
        Self::new(span).ok_or(PeriodError)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.0.fmt(f)
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
