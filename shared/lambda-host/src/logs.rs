//! Logs: one JSON object per line on standard output, which CloudWatch Logs collects.

use tracing::Level;

/// Starts logging at this level.
pub(crate) fn start_logging(level: Level) {
    tracing_subscriber::fmt()
        .with_max_level(level)
        // Otherwise, a log that cannot be written is reported on standard error, with a panic if
        // that fails as well.
        .log_internal_errors(false)
        .json()
        .flatten_event(true)
        // The current span already identifies the request.
        .with_span_list(false)
        .init();
}
