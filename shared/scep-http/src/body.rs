//! The reasons why the body of a request cannot be read, which are the same for SCEP and for
//! administration.

use scep_protocol::refusal::HttpRejection;

/// The reason why the body of a request cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// A gateway treated the body as text and replaced octets that are not UTF-8.
    #[error("a gateway damaged the body")]
    Damaged,
    /// The client did not send the whole body in time.
    #[error("the body did not arrive in time")]
    TimedOut,
    /// The body is larger than any that is accepted.
    #[error("the body is too large")]
    TooLarge,
    /// The connection broke, or the encoding of the body is invalid.
    #[error("the body cannot be read")]
    Unreadable,
}

impl From<BodyError> for HttpRejection {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Damaged => Self::DamagedMessage,
            BodyError::TooLarge => Self::BodyTooLarge,
            BodyError::TimedOut | BodyError::Unreadable => Self::UnreadableMessage,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scep_answers_each_reason_by_its_status() {
        for (error, status) in [
            (BodyError::Damaged, 400),
            (BodyError::TimedOut, 400),
            (BodyError::TooLarge, 413),
            (BodyError::Unreadable, 400),
        ] {
            assert_eq!(HttpRejection::from(error).status(), status, "{error}");
        }
    }
}
