//! Transactions that are tried again: which failures may go away, and how long to wait for that.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;

use crate::item::Item;

/// The cancellation reason of a write whose condition does not hold.
pub(crate) const CONDITION_FAILED: &str = "ConditionalCheckFailed";

/// The cancellation reason of a write whose item another request is writing.
const CONFLICT: &str = "TransactionConflict";

/// The cancellation reasons of a throttled write. The SDK retries a request that is throttled as a
/// whole, but not a transaction that is cancelled for one throttled item.
const THROTTLED: [&str; 2] = ["ThrottlingError", "ProvisionedThroughputExceeded"];

/// The number of tries for a write that is cancelled for transient reasons.
// Five tries wait 375 ms at most, which leaves most of a claim's lease of five seconds.
pub(crate) const MAX_TRIES: u32 = 5;

/// Whether every item that was at fault is at fault for a reason that may go away.
pub(crate) fn is_transient(reasons: &[&str]) -> bool {
    // A cancelled transaction has one reason for each item; "None" is the reason of an item that
    // was not at fault.
    let mut given = reasons
        .iter()
        .filter(|reason| !matches!(**reason, "None" | ""))
        .peekable();
    given.peek().is_some() && given.all(|reason| *reason == CONFLICT || THROTTLED.contains(reason))
}

/// Whether any item was throttled.
pub(crate) fn is_throttled(reasons: &[&str]) -> bool {
    reasons.iter().any(|reason| THROTTLED.contains(reason))
}

/// Whether the try that follows this many conflicts is the last one.
pub(crate) const fn is_last_try(conflicts: u32) -> bool {
    conflicts.saturating_add(1) >= MAX_TRIES
}

/// Waits before the next try.
pub(crate) async fn back_off(conflicts: u32) {
    if let Some(longest) = longest_pause(conflicts) {
        // Without jitter, requests that collided once would collide again at every retry.
        tokio::time::sleep(longest.mul_f64(rand::random_range(0.5..1.0))).await;
    }
}

/// The longest wait after this many conflicts: twice that of the conflict before; `None` before the
/// first try.
fn longest_pause(conflicts: u32) -> Option<Duration> {
    let doublings = conflicts.checked_sub(1)?;
    Some(FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)))
}

/// The longest wait after the first conflict.
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// The reasons why a transaction was cancelled, one for each step, with the item that failed the
/// step's condition if the step asked for it; nothing for any other error.
pub(crate) fn cancellations(
    error: &SdkError<TransactWriteItemsError>,
) -> impl Iterator<Item = (&str, Option<&Item>)> {
    let cancelled = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => Some(cancelled),
        Some(_) | None => None,
    };
    cancelled
        .into_iter()
        .flat_map(|cancelled| cancelled.cancellation_reasons())
        .map(|reason| (reason.code().unwrap_or_default(), reason.item()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_leave_most_of_a_lease() {
        let pauses: Vec<_> = (0..MAX_TRIES).filter_map(longest_pause).collect();
        let milliseconds: Vec<_> = pauses.iter().map(Duration::as_millis).collect();
        assert_eq!(milliseconds, [25, 50, 100, 200]);
        assert!(is_last_try(MAX_TRIES - 1) && !is_last_try(MAX_TRIES - 2));
    }

    #[test]
    fn only_conflicts_and_throttling_may_go_away() {
        #[track_caller]
        fn check(reasons: &[&str], transient: bool, throttled: bool) {
            assert_eq!(is_transient(reasons), transient, "{reasons:?}");
            assert_eq!(is_throttled(reasons), throttled, "{reasons:?}");
        }
        check(&["None", CONFLICT], true, false);
        check(&["ThrottlingError", "None"], true, true);
        check(&["ProvisionedThroughputExceeded", CONFLICT], true, true);
        check(&[CONFLICT, CONDITION_FAILED], false, false);
        check(&["None", "ValidationError"], false, false);
        // An error without a cancellation has no reasons, so a repeat cannot be expected to help.
        check(&[], false, false);
        check(&["None", ""], false, false);
    }
}
