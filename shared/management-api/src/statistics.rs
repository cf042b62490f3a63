//! `/statistics`: how many requests were granted and refused over time.

use std::collections::BTreeMap;
use std::iter::successors;

use axum::Json;
use scep_service::statistics::{Series, start_of_day, start_of_hour};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use crate::access::{ApiRouter, RequireScope};
use crate::openapi_responses::InvalidRequest;
use crate::request::{Query, format_time, non_empty, parse_time};
use crate::response::ApiError;
use crate::{Scope, State};

pub(crate) fn routes() -> ApiRouter {
    ApiRouter::new().routes(routes!(show_statistics).require(Scope::Read))
}

/// The range and the resolution of statistics. Empty parameters are ignored.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct StatisticsQuery {
    /// Beginning of the range: RFC 3339 or a date. Default: a day before `to` by hour, 30 days by
    /// day.
    #[param(max_length = 64, example = "2026-01-01T00:00:00Z")]
    from: Option<String>,
    /// End of the range, exclusive: RFC 3339 or a date. Default: now. By hour at most 31 days after
    /// `from`, by day at most 366.
    #[param(max_length = 64, example = "2026-01-31T00:00:00Z")]
    to: Option<String>,
    /// Length of the periods: hour or day, in UTC. Default: hour.
    #[param(pattern = "^(hour|day)?$", example = "day")]
    by: Option<String>,
}

/// The length of a period.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StatisticsPeriod)]
enum Period {
    /// An hour.
    Hour,
    /// A day in UTC.
    Day,
}

impl Period {
    fn parse(name: Option<String>) -> Result<Self, ApiError> {
        match non_empty(name).as_deref() {
            None | Some("hour") => Ok(Self::Hour),
            Some("day") => Ok(Self::Day),
            Some(_) => Err(ApiError::reason("by: hour or day")),
        }
    }

    const fn duration(self) -> Duration {
        match self {
            Self::Hour => Duration::HOUR,
            Self::Day => Duration::DAY,
        }
    }

    const fn default_range(self) -> Duration {
        match self {
            Self::Hour => Duration::DAY,
            Self::Day => Duration::days(30),
        }
    }

    const fn max_range(self) -> Duration {
        match self {
            Self::Hour => Duration::days(31),
            Self::Day => Duration::days(366),
        }
    }

    fn start(self, at: OffsetDateTime) -> OffsetDateTime {
        match self {
            Self::Hour => start_of_hour(at),
            Self::Day => start_of_day(at),
        }
    }
}

/// A range of time of at most the longest range of its period.
struct Range {
    from: OffsetDateTime,
    to: OffsetDateTime,
}

impl Range {
    fn parse(
        from: Option<String>,
        to: Option<String>,
        by: Period,
        now: OffsetDateTime,
    ) -> Result<Self, ApiError> {
        // The end is exclusive, and what happens now belongs to the range, even at midnight.
        let present_end = now.checked_add(Duration::MILLISECOND).unwrap_or(now);
        let to = parse_time("to", to)?.unwrap_or(present_end);
        // A time at the beginning of all times has none before it.
        let default = to.checked_sub(by.default_range()).unwrap_or(to);
        let from = parse_time("from", from)?.unwrap_or(default);
        if to <= from {
            return Err(ApiError::reason("to: after from"));
        }
        let most = by.max_range();
        if to - from > most {
            let days = most.whole_days();
            return Err(ApiError::reason(format!(
                "to: at most {days} days after from"
            )));
        }
        Ok(Self { from, to })
    }
}

/// The requests of one period.
#[derive(Default, Serialize, ToSchema)]
struct StatisticsItem {
    /// Beginning of the period.
    #[schema(format = DateTime, example = "2026-01-01T01:00:00Z")]
    from: String,
    /// Certificates issued for enrolments.
    #[schema(example = 12)]
    enrolments: u64,
    /// Certificates issued for renewals.
    #[schema(example = 3)]
    renewals: u64,
    /// Refused requests by reason, named as in `/scepRequests`; reasons that did not occur are left
    /// out.
    #[schema(example = json!({ "challengeMissing": 2 }))]
    refusals: BTreeMap<&'static str, u64>,
}

impl StatisticsItem {
    fn add(&mut self, series: Series, count: u64) {
        let sum = match series {
            Series::Enrolments => &mut self.enrolments,
            Series::Renewals => &mut self.renewals,
            Series::Refusals(reason) => self.refusals.entry(reason.name()).or_default(),
        };
        *sum = sum.saturating_add(count);
    }
}

/// The requests of a range of time.
#[derive(Serialize, ToSchema)]
struct Statistics {
    /// Length of the periods.
    by: Period,
    /// Every period of the range, the earliest first. The first and the last are counted whole.
    items: Vec<StatisticsItem>,
}

/// Count requests by hour or day.
///
/// Counts certificates by the time of their request, or of its approval. Refused requests are
/// counted within a minute or two.
#[utoipa::path(
    get, path = "/statistics", operation_id = "get_statistics", tag = "Requests",
    params(StatisticsQuery),
    responses(InvalidRequest, (status = 200, description = "OK", body = Statistics))
)]
async fn show_statistics(
    api: State,
    Query(query): Query<StatisticsQuery>,
) -> Result<Json<Statistics>, ApiError> {
    let by = Period::parse(query.by)?;
    let administration = &api.administration;
    let now = administration.clock.now();
    let Range { from, to } = Range::parse(query.from, query.to, by, now)?;
    let counts = administration.read_statistics(from, to).await;
    let counts = counts.map_err(ApiError::Failed)?;
    let mut items = BTreeMap::new();
    let first = by.start(from);
    // The last period that `time` knows has none after it.
    let starts = successors(Some(first), |start| start.checked_add(by.duration()));
    for start in starts.take_while(|start| *start < to) {
        let item = StatisticsItem {
            from: format_time(start),
            ..StatisticsItem::default()
        };
        items.insert(start, item);
    }
    for (hour, series, count) in counts.iter() {
        if let Some(item) = items.get_mut(&by.start(hour)) {
            item.add(series, count);
        }
    }
    Ok(Json(Statistics {
        by,
        items: items.into_values().collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_without_an_end_includes_the_present_even_at_midnight() {
        let midnight = OffsetDateTime::UNIX_EPOCH + Duration::days(100);
        for by in [Period::Hour, Period::Day] {
            let range = Range::parse(None, None, by, midnight).ok().unwrap();
            assert!(range.from < by.start(midnight) && by.start(midnight) < range.to);
        }
    }
}
