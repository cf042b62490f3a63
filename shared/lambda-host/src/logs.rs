//! Logs: a JSON object a line on standard output, where CloudWatch Logs takes it from.

use tracing::Level;

use crate::environment::Environment;

/// Starts logging at the level of `SCEPTER_LOG_LEVEL`, INFO where it is missing or none.
pub(crate) fn start(environment: &Environment) {
    let level = environment.optional("SCEPTER_LOG_LEVEL");
    let level = level.and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(Level::INFO))
        // It would tell standard error that a log cannot be written, and panic where that cannot be either.
        .log_internal_errors(false)
        .json()
        .flatten_event(true)
        // The request is named once.
        .with_span_list(false)
        .init();
}
