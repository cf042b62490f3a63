//! Formats errors for the log.

use std::error::Error;
use std::fmt;

/// Displays an error and its sources on one line: `issuing: signing: connection refused`.
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'a));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Failure, StoreError};

    #[test]
    fn every_cause_is_named() {
        let failure = Failure::Store(StoreError::Unavailable {
            operation: "reading",
            source: "refused".into(),
        });
        assert_eq!(
            ErrorChain(&failure).to_string(),
            "reading in the store: refused"
        );
    }
}
