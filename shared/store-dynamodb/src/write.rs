//! Conditional writes, alone and in transactions.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};
use scep_service::error::StoreError;
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::attribute::to_text;
use crate::expression::{Changes, Condition, Placeholders};
use crate::item::{ID, Item, unavailable};
use crate::retry::{
    CONDITION_FAILED, MAX_TRIES, back_off, cancellations, is_last_try, is_throttled, is_transient,
};
use crate::written::{Mark, Written, is_repeat, read_failure};

/// The maximum number of steps of a transaction: DynamoDB's own.
pub(crate) const MAX_STEPS: usize = 100;

/// The attribute with a random mark. No type of an item has it, since only repeats read it.
const MARK: &str = "mark";

/// A write of one item.
#[derive(Clone, Debug)]
pub(crate) struct Write<'a> {
    table: &'a str,
    action: Action,
    condition: Option<Condition>,
    mark: Option<Mark>,
}

#[derive(Clone, Debug)]
enum Action {
    Put(Item),
    Update(String, Changes),
}

impl<'a> Write<'a> {
    const fn new(table: &'a str, action: Action) -> Self {
        Self {
            table,
            action,
            condition: None,
            mark: None,
        }
    }

    /// A write of a whole item, in place of an existing one.
    pub(crate) const fn put(table: &'a str, item: Item) -> Self {
        Self::new(table, Action::Put(item))
    }

    /// An update of the item with this id, which is created if it does not exist.
    pub(crate) const fn update(table: &'a str, id: String, changes: Changes) -> Self {
        Self::new(table, Action::Update(id, changes))
    }

    /// Makes the write depend on a condition.
    pub(crate) fn on_condition(self, condition: Condition) -> Self {
        Self {
            condition: Some(condition),
            ..self
        }
    }

    /// Makes a repeat of the write recognise the first one by the value of an attribute.
    pub(crate) fn with_mark(self, name: &'static str, value: AttributeValue) -> Self {
        Self {
            mark: Some(Mark { name, value }),
            ..self
        }
    }

    /// The same by an attribute of its own, for an item in which nothing is unique to one write.
    pub(crate) fn with_random_mark(self) -> Self {
        let value = to_text(Uuid::new_v4().to_string());
        let action = match self.action {
            Action::Put(mut item) => {
                item.insert(MARK.to_owned(), value.clone());
                Action::Put(item)
            }
            Action::Update(id, changes) => Action::Update(id, changes.set(MARK, value.clone())),
        };
        Self { action, ..self }.with_mark(MARK, value)
    }

    /// Makes the write a step of a transaction that has this outcome if the condition fails.
    pub(crate) const fn or<O>(self, outcome: O) -> Step<'a, O> {
        Step {
            part: Part::Write(self),
            otherwise: Some(outcome),
        }
    }

    /// Makes the write a step of a transaction that nothing should prevent: a failed condition is a
    /// fault of the server.
    pub(crate) const fn or_fail<O>(self) -> Step<'a, O> {
        Step {
            part: Part::Write(self),
            otherwise: None,
        }
    }

    /// What DynamoDB returns if the condition fails: the item, where a mark may be on it.
    fn returned_values(&self) -> Option<ReturnValuesOnConditionCheckFailure> {
        self.mark
            .as_ref()
            .map(|_| ReturnValuesOnConditionCheckFailure::AllOld)
    }

    fn describe(self) -> Result<TransactWriteItem, BuildError> {
        let returned = self.returned_values();
        let mut placeholders = Placeholders::default();
        let condition = render(self.condition.as_ref(), &mut placeholders);
        let builder = TransactWriteItem::builder();
        let described = match self.action {
            Action::Put(item) => builder.put(
                Put::builder()
                    .table_name(self.table)
                    .set_item(Some(item))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(placeholders.names())
                    .set_expression_attribute_values(placeholders.values())
                    .set_return_values_on_condition_check_failure(returned)
                    .build()?,
            ),
            Action::Update(id, changes) => builder.update(
                Update::builder()
                    .table_name(self.table)
                    .key(ID, to_text(id))
                    .update_expression(changes.render(&mut placeholders))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(placeholders.names())
                    .set_expression_attribute_values(placeholders.values())
                    .set_return_values_on_condition_check_failure(returned)
                    .build()?,
            ),
        };
        Ok(described.build())
    }
}

fn render(condition: Option<&Condition>, placeholders: &mut Placeholders) -> Option<String> {
    condition.map(|condition| condition.render(placeholders))
}

/// A step of a transaction, and the outcome of the transaction if the step's condition fails.
#[derive(Clone, Debug)]
pub(crate) struct Step<'a, O> {
    part: Part<'a>,
    /// `None` if a failed condition is a fault of the server.
    otherwise: Option<O>,
}

#[derive(Clone, Debug)]
enum Part<'a> {
    Check(&'a str, String, Condition),
    Delete(&'a str, String, Option<Condition>),
    Write(Write<'a>),
}

impl<'a, O> Step<'a, O> {
    /// A check of a condition on the item with this id, which writes nothing.
    pub(crate) const fn check(
        table: &'a str,
        id: String,
        condition: Condition,
        otherwise: O,
    ) -> Self {
        Self {
            part: Part::Check(table, id, condition),
            otherwise: Some(otherwise),
        }
    }

    /// A deletion of the item with this id, if there is one.
    pub(crate) const fn delete(table: &'a str, id: String) -> Self {
        Self {
            part: Part::Delete(table, id, None),
            otherwise: None,
        }
    }

    /// A deletion of the item with this id, on a condition.
    pub(crate) const fn delete_if(
        table: &'a str,
        id: String,
        condition: Condition,
        otherwise: O,
    ) -> Self {
        Self {
            part: Part::Delete(table, id, Some(condition)),
            otherwise: Some(otherwise),
        }
    }
}

impl Part<'_> {
    fn mark(&self) -> Option<Mark> {
        match self {
            Self::Check(..) | Self::Delete(..) => None,
            Self::Write(write) => write.mark.clone(),
        }
    }

    fn describe(self) -> Result<TransactWriteItem, BuildError> {
        let mut placeholders = Placeholders::default();
        let builder = TransactWriteItem::builder();
        let described = match self {
            Self::Check(table, id, condition) => builder.condition_check(
                ConditionCheck::builder()
                    .table_name(table)
                    .key(ID, to_text(id))
                    .condition_expression(condition.render(&mut placeholders))
                    .set_expression_attribute_names(placeholders.names())
                    .set_expression_attribute_values(placeholders.values())
                    .build()?,
            ),
            Self::Delete(table, id, condition) => builder.delete(
                Delete::builder()
                    .table_name(table)
                    .key(ID, to_text(id))
                    .set_condition_expression(render(condition.as_ref(), &mut placeholders))
                    .set_expression_attribute_names(placeholders.names())
                    .set_expression_attribute_values(placeholders.values())
                    .build()?,
            ),
            Self::Write(write) => return write.describe(),
        };
        Ok(described.build())
    }
}

impl DynamoDbStore {
    /// Makes one write, outside of a transaction.
    pub(crate) async fn write_one(
        &self,
        operation: &'static str,
        write: Write<'_>,
    ) -> Result<Written, StoreError> {
        let returned = write.returned_values();
        let mut placeholders = Placeholders::default();
        let condition = render(write.condition.as_ref(), &mut placeholders);
        let mark = write.mark.as_ref();
        match write.action {
            Action::Put(item) => self
                .client
                .put_item()
                .table_name(write.table)
                .set_item(Some(item))
                .set_condition_expression(condition)
                .set_expression_attribute_names(placeholders.names())
                .set_expression_attribute_values(placeholders.values())
                .set_return_values_on_condition_check_failure(returned)
                .return_values(ReturnValue::AllOld)
                .send()
                .await
                // A repeat may replace what the first one wrote.
                .map(|put| put.attributes.filter(|old| !is_repeat(mark, old)))
                .map(Written::Won)
                .or_else(|error| read_failure(operation, error, mark)),
            Action::Update(id, changes) => self
                .client
                .update_item()
                .table_name(write.table)
                .key(ID, to_text(id))
                .update_expression(changes.render(&mut placeholders))
                .set_condition_expression(condition)
                .set_expression_attribute_names(placeholders.names())
                .set_expression_attribute_values(placeholders.values())
                .set_return_values_on_condition_check_failure(returned)
                .send()
                .await
                .map(|_| Written::Won(None))
                .or_else(|error| read_failure(operation, error, mark)),
        }
    }

    /// Makes every step of a transaction, or none. Returns `won`, or the outcome of the first step
    /// whose condition fails.
    pub(crate) async fn write_all<O: Copy>(
        &self,
        operation: &'static str,
        steps: Vec<Step<'_, O>>,
        won: O,
    ) -> Result<O, StoreError> {
        let (mut items, mut meanings) = (Vec::new(), Vec::new());
        for step in steps {
            meanings.push((step.part.mark(), step.otherwise));
            items.push(step.part.describe().map_err(unavailable(operation))?);
        }
        for conflicts in 0..MAX_TRIES {
            back_off(conflicts).await;
            let sent = self
                .client
                .transact_write_items()
                .set_transact_items(Some(items.clone()))
                .send()
                .await;
            let Err(error) = sent else {
                return Ok(won);
            };
            let (reasons, found): (Vec<_>, Vec<_>) = cancellations(&error).unzip();
            if let Some(failed) = reasons
                .iter()
                .position(|reason| *reason == CONDITION_FAILED)
            {
                let item = found.get(failed).copied().flatten();
                return match meanings.get(failed) {
                    Some((Some(mark), _)) if mark.is_on(item) => Ok(won),
                    Some((_, Some(outcome))) => Ok(*outcome),
                    Some((_, None)) | None => Err(unavailable(operation)(error)),
                };
            }
            // On a conflict, another request is writing one of the items. The retry finds out
            // whether it changed what this write depends on. Throttling on the last try is an
            // outage rather than a conflict: reporting it as a conflict would send the
            // administrator to look for an edit that does not exist.
            if !is_transient(&reasons) || (is_last_try(conflicts) && is_throttled(&reasons)) {
                return Err(unavailable(operation)(error));
            }
        }
        Err(StoreError::Conflict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::to_number;
    use crate::item::{CLAIM, LEASE_UNTIL, STATE};

    fn put() -> Write<'static> {
        let item = Item::from([(CLAIM.to_owned(), to_text("mine"))]);
        Write::put("table", item).on_condition(Condition::Missing(ID))
    }

    #[test]
    fn a_step_is_described_with_its_names_and_values() {
        let changes = Changes::default().set(STATE, to_text("issuing"));
        let write = Write::update("table", "id-1".to_owned(), changes)
            .on_condition(Condition::Equals(CLAIM, to_text("c")));
        let described = write.describe().unwrap();
        let update = described.update().unwrap();
        assert_eq!(update.key()[ID], to_text("id-1"));
        assert_eq!(update.condition_expression(), Some("#claim = :v0"));
        assert_eq!(update.update_expression(), "SET #state = :v1");
        assert_eq!(update.expression_attribute_names().unwrap().len(), 2);
        assert_eq!(update.expression_attribute_values().unwrap().len(), 2);
        let condition = Condition::LessThan(LEASE_UNTIL, to_number(1));
        let check = Step::check("table", "id-2".to_owned(), condition, ());
        let described = check.part.describe().unwrap();
        let check = described.condition_check().unwrap();
        assert_eq!(check.condition_expression(), "#leaseUntil < :v0");
    }

    #[test]
    fn only_a_write_with_a_mark_asks_for_the_item_in_its_way() {
        let returned = |write: Write<'_>| {
            let described = write.describe().unwrap();
            let put = described.put().unwrap();
            put.return_values_on_condition_check_failure().cloned()
        };
        assert_eq!(returned(put()), None);
        assert_eq!(
            returned(put().with_mark(CLAIM, to_text("mine"))),
            Some(ReturnValuesOnConditionCheckFailure::AllOld)
        );
    }
}
