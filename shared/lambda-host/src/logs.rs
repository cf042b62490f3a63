//! Logs: a JSON object a line on standard output, where CloudWatch Logs takes it from.

use tracing::Level;

/// Starts logging.
pub(crate) fn start(level: Level) {
    tracing_subscriber::fmt()
        .with_max_level(level)
        // It would tell standard error that a log cannot be written, and panic where that cannot be either.
        .log_internal_errors(false)
        .json()
        .flatten_event(true)
        // The request is named once.
        .with_span_list(false)
        .init();
}
