//! What the tests of services report to administrators.

use std::error::Error;

use ca::bounded_text::is_visible;
use scep_service::error::Failure;
use scep_service::error_chain::ErrorChain;
use scep_service::ports::ProbeError;

use crate::http_client::HttpError;
use crate::transport_fault::TransportFault;

/// The longest report, in characters.
const MAX_REPORT_CHARACTERS: usize = 400;

/// Reports an error of this crate with its causes, which must have no secret and nothing of what a
/// service or the network said.
pub(crate) fn report(error: &dyn Error) -> ProbeError {
    let text = ErrorChain(error).to_string();
    let visible = text.chars().filter(|c| is_visible(*c));
    ProbeError::Unfit(visible.take(MAX_REPORT_CHARACTERS).collect())
}

/// Reports that a request failed before its whole response was read. Only the log shows the causes.
pub(crate) fn report_http(error: &HttpError) -> ProbeError {
    match error {
        HttpError::Transport { source, url } => {
            tracing::warn!(error = %ErrorChain(error), "the test of a service failed");
            ProbeError::Unfit(format!("{url}: {}", TransportFault::of(source)))
        }
        HttpError::Busy(_) | HttpError::TooLong(_) => report(error),
    }
}

/// Reports a failure of the server itself, whose cause only the log shows.
pub(crate) fn fail(failure: impl Into<Failure>) -> ProbeError {
    ProbeError::Failed(failure.into())
}
