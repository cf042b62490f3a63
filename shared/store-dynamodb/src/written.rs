//! The outcomes of writes of one item, and how a repeated write recognises the first one.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;
use scep_service::error::StoreError;
use scep_service::ports::WriteOutcome;

use crate::item::{Item, unavailable};

/// The outcome of a write that is not part of a transaction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Written {
    /// The write succeeded. A put returns the item that it replaced, unless it was repeated.
    Won(Option<Item>),
    /// Another process was faster; nothing was written.
    Lost,
}

impl From<Written> for WriteOutcome {
    fn from(written: Written) -> Self {
        match written {
            Written::Won(_) => Self::Won,
            Written::Lost => Self::Lost,
        }
    }
}

/// An attribute whose value is unique to one write.
// The SDK repeats a request whose response was lost. The condition of the repeat fails, but the
// item that fails it has this value, which shows that the write was made.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) name: &'static str,
    pub(crate) value: AttributeValue,
}

impl Mark {
    pub(crate) fn is_on(&self, item: Option<&Item>) -> bool {
        item.and_then(|item| item.get(self.name)) == Some(&self.value)
    }
}

/// Whether the item that a write found was written by the same write.
pub(crate) fn is_repeat(mark: Option<&Mark>, found: &Item) -> bool {
    mark.is_some_and(|mark| mark.is_on(Some(found)))
}

/// Decides what the failure of a write outside of a transaction means.
// The item may be part of another process's transaction, which is then faster.
pub(crate) fn read_failure<E: ConditionError>(
    operation: &'static str,
    error: SdkError<E>,
    mark: Option<&Mark>,
) -> Result<Written, StoreError> {
    let failed = error.as_service_error().and_then(E::failed_condition);
    if let Some(failed) = failed {
        return Ok(if failed.item().is_some_and(|item| is_repeat(mark, item)) {
            Written::Won(None)
        } else {
            Written::Lost
        });
    }
    match error.code() {
        Some(CONFLICT) => Ok(Written::Lost),
        Some(_) | None => Err(unavailable(operation)(error)),
    }
}

/// An error of a request that may have a condition.
pub(crate) trait ConditionError:
    ProvideErrorMetadata + std::error::Error + Send + Sync + 'static
{
    fn failed_condition(&self) -> Option<&ConditionalCheckFailedException>;
}

impl ConditionError for PutItemError {
    fn failed_condition(&self) -> Option<&ConditionalCheckFailedException> {
        if let Self::ConditionalCheckFailedException(failed) = self {
            return Some(failed);
        }
        None
    }
}

impl ConditionError for UpdateItemError {
    fn failed_condition(&self) -> Option<&ConditionalCheckFailedException> {
        if let Self::ConditionalCheckFailedException(failed) = self {
            return Some(failed);
        }
        None
    }
}

/// The code of the error that another request's transaction is writing the item.
const CONFLICT: &str = "TransactionConflictException";

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::http::HttpResponse;
    use aws_sdk_dynamodb::error::ErrorMetadata;

    use super::*;
    use crate::attribute::to_text;
    use crate::item::CLAIM;

    fn claimed_by(claim: &str) -> Item {
        Item::from([(CLAIM.to_owned(), to_text(claim))])
    }

    #[test]
    fn a_failed_condition_is_lost_unless_the_item_has_the_mark() {
        let mark = Mark {
            name: CLAIM,
            value: to_text("mine"),
        };
        let outcome = |item: Option<Item>, mark: Option<&Mark>| {
            let failed = ConditionalCheckFailedException::builder()
                .set_item(item)
                .build();
            let error = PutItemError::ConditionalCheckFailedException(failed);
            read_failure("testing", service_error(error), mark).unwrap()
        };
        assert_eq!(outcome(None, None), Written::Lost);
        assert_eq!(outcome(None, Some(&mark)), Written::Lost);
        assert_eq!(
            outcome(Some(claimed_by("another's")), Some(&mark)),
            Written::Lost
        );
        assert_eq!(
            outcome(Some(claimed_by("mine")), Some(&mark)),
            Written::Won(None)
        );
    }

    #[test]
    fn a_conflict_with_a_transaction_is_lost_and_any_other_failure_is_an_outage() {
        for (code, is_lost) in [(CONFLICT, true), ("InternalServerError", false)] {
            let metadata = || ErrorMetadata::builder().code(code).build();
            let of_put = service_error(PutItemError::generic(metadata()));
            let of_update = service_error(UpdateItemError::generic(metadata()));
            for outcome in [
                read_failure("testing", of_put, None),
                read_failure("testing", of_update, None),
            ] {
                match outcome {
                    Ok(written) => assert!(is_lost && written == Written::Lost, "{code}"),
                    Err(StoreError::Unavailable { .. }) => assert!(!is_lost, "{code}"),
                    Err(error) => panic!("{code}: {error}"),
                }
            }
        }
    }

    fn service_error<E>(error: E) -> SdkError<E> {
        let response = HttpResponse::new(400.try_into().unwrap(), "".into());
        SdkError::service_error(error, response)
    }
}
