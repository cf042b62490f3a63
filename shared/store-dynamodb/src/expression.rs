//! Expressions: the conditions and changes of writes and the conditions of queries, in DynamoDB's
//! expression language.

use std::borrow::Cow;
use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// A condition on the attributes of an item.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    BeginsWith(&'static str, AttributeValue),
    /// The attribute lies between two values, both included.
    Between(&'static str, AttributeValue, AttributeValue),
    Equals(&'static str, AttributeValue),
    Exists(&'static str),
    LessThan(&'static str, AttributeValue),
    Missing(&'static str),
    /// The list in the attribute has fewer elements than this number.
    ShorterThan(&'static str, AttributeValue),
}

impl Condition {
    /// Writes the condition as text.
    pub(crate) fn render(&self, placeholders: &mut Placeholders) -> String {
        match self {
            Self::All(conditions) => {
                let parts: Vec<_> = conditions
                    .iter()
                    .map(|condition| match condition {
                        // AND binds more tightly than OR, and DynamoDB rejects other parentheses
                        // as redundant.
                        Self::Any(_) => format!("({})", condition.render(placeholders)),
                        Self::All(_)
                        | Self::BeginsWith(..)
                        | Self::Between(..)
                        | Self::Equals(..)
                        | Self::Exists(_)
                        | Self::LessThan(..)
                        | Self::Missing(_)
                        | Self::ShorterThan(..) => condition.render(placeholders),
                    })
                    .collect();
                parts.join(" AND ")
            }
            Self::Any(conditions) => {
                let parts: Vec<_> = conditions
                    .iter()
                    .map(|condition| condition.render(placeholders))
                    .collect();
                parts.join(" OR ")
            }
            Self::BeginsWith(name, prefix) => format!(
                "begins_with({}, {})",
                placeholders.name(name),
                placeholders.value(prefix)
            ),
            Self::Between(name, first, last) => format!(
                "{} BETWEEN {} AND {}",
                placeholders.name(name),
                placeholders.value(first),
                placeholders.value(last)
            ),
            Self::Equals(name, value) => {
                format!(
                    "{} = {}",
                    placeholders.name(name),
                    placeholders.value(value)
                )
            }
            Self::Exists(name) => format!("attribute_exists({})", placeholders.name(name)),
            Self::LessThan(name, value) => {
                format!(
                    "{} < {}",
                    placeholders.name(name),
                    placeholders.value(value)
                )
            }
            Self::Missing(name) => format!("attribute_not_exists({})", placeholders.name(name)),
            Self::ShorterThan(name, length) => format!(
                "size({}) < {}",
                placeholders.name(name),
                placeholders.value(length)
            ),
        }
    }
}

/// What an update does to the attributes of an item.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    set: Vec<(&'static str, AttributeValue)>,
    append: Vec<(&'static str, AttributeValue)>,
    remove: Vec<&'static str>,
    add: Vec<(Cow<'static, str>, AttributeValue)>,
    delete: Vec<(Cow<'static, str>, AttributeValue)>,
}

impl Changes {
    /// Gives the attribute this value.
    pub(crate) fn set(mut self, name: &'static str, value: AttributeValue) -> Self {
        self.set.push((name, value));
        self
    }

    /// Appends the elements to the list in the attribute, which may be missing.
    pub(crate) fn append(mut self, name: &'static str, elements: AttributeValue) -> Self {
        self.append.push((name, elements));
        self
    }

    /// Removes the attributes.
    pub(crate) fn remove(mut self, names: &[&'static str]) -> Self {
        self.remove.extend(names);
        self
    }

    /// Adds the elements to the set in the attribute, or to its number; it may be missing.
    pub(crate) fn add(
        mut self,
        name: impl Into<Cow<'static, str>>,
        elements: AttributeValue,
    ) -> Self {
        self.add.push((name.into(), elements));
        self
    }

    /// Deletes the elements from the set in the attribute.
    // DynamoDB drops a set with its last element.
    pub(crate) fn delete(mut self, name: &'static str, elements: AttributeValue) -> Self {
        self.delete.push((name.into(), elements));
        self
    }

    /// Writes the changes as text.
    pub(crate) fn render(&self, placeholders: &mut Placeholders) -> String {
        let mut set: Vec<_> = self
            .set
            .iter()
            .map(|(name, value)| {
                format!(
                    "{} = {}",
                    placeholders.name(name),
                    placeholders.value(value)
                )
            })
            .collect();
        set.extend(self.append.iter().map(|(name, elements)| {
            let attribute = placeholders.name(name);
            let none = placeholders.value(&AttributeValue::L(Vec::new()));
            let elements = placeholders.value(elements);
            format!("{attribute} = list_append(if_not_exists({attribute}, {none}), {elements})")
        }));
        let remove = self
            .remove
            .iter()
            .map(|name| placeholders.name(name))
            .collect();
        let mut render_sets = |changes: &[(Cow<'static, str>, AttributeValue)]| {
            changes
                .iter()
                .map(|(name, elements)| {
                    format!(
                        "{} {}",
                        placeholders.name(name),
                        placeholders.value(elements)
                    )
                })
                .collect()
        };
        let clauses: [(&str, Vec<String>); 4] = [
            ("SET", set),
            ("REMOVE", remove),
            ("ADD", render_sets(&self.add)),
            ("DELETE", render_sets(&self.delete)),
        ];
        let given: Vec<_> = clauses
            .iter()
            .filter(|(_, parts)| !parts.is_empty())
            .map(|(verb, parts)| format!("{verb} {}", parts.join(", ")))
            .collect();
        given.join(" ")
    }
}

/// The names and values that an expression refers to.
// Every name is a placeholder, because some attributes have names that DynamoDB reserves.
#[derive(Debug, Default)]
pub(crate) struct Placeholders {
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Placeholders {
    fn name(&mut self, attribute: &str) -> String {
        let placeholder = format!("#{attribute}");
        self.names.insert(placeholder.clone(), attribute.to_owned());
        placeholder
    }

    fn value(&mut self, value: &AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value.clone());
        placeholder
    }

    /// Returns the names, by placeholder; `None` if there are none, since DynamoDB rejects an empty
    /// map.
    pub(crate) fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    /// Returns the values, as [`Self::names`] returns the names.
    pub(crate) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{to_number, to_text};
    use crate::item::{CLAIM, DEPENDENTS, EXPIRES_AT, LEASE_UNTIL, STATE, SUCCESSORS};

    #[test]
    fn conditions_name_attributes_and_values_by_placeholders() {
        let condition = Condition::All(vec![
            Condition::Equals(CLAIM, to_text("c")),
            Condition::Any(vec![
                Condition::Missing(EXPIRES_AT),
                Condition::LessThan(EXPIRES_AT, to_number(7)),
            ]),
            Condition::ShorterThan(SUCCESSORS, to_number(5)),
        ]);
        let mut placeholders = Placeholders::default();
        assert_eq!(
            condition.render(&mut placeholders),
            "#claim = :v0 AND (attribute_not_exists(#expiresAt) OR #expiresAt < :v1) \
             AND size(#successors) < :v2"
        );
        let names = placeholders.names().unwrap();
        assert_eq!((names.len(), &*names["#expiresAt"]), (3, EXPIRES_AT));
        let values = placeholders.values().unwrap();
        assert_eq!((values.len(), &values[":v1"]), (3, &to_number(7)));
    }

    #[test]
    fn keys_of_a_query_are_conditions_too() {
        let mut placeholders = Placeholders::default();
        let between = Condition::Between(EXPIRES_AT, to_number(1), to_number(2));
        let begins = Condition::BeginsWith(STATE, to_text("is"));
        assert_eq!(
            Condition::All(vec![between, begins]).render(&mut placeholders),
            "#expiresAt BETWEEN :v0 AND :v1 AND begins_with(#state, :v2)"
        );
    }

    #[test]
    fn alternatives_of_joint_conditions_need_no_parentheses() {
        let condition = Condition::Any(vec![
            Condition::All(vec![Condition::Exists(CLAIM), Condition::Exists(STATE)]),
            Condition::Missing(CLAIM),
        ]);
        assert_eq!(
            condition.render(&mut Placeholders::default()),
            "attribute_exists(#claim) AND attribute_exists(#state) OR attribute_not_exists(#claim)"
        );
    }

    #[test]
    fn changes_have_one_clause_for_each_verb() {
        let changes = Changes::default()
            .set(STATE, to_text("issued"))
            .set(CLAIM, to_text("c"))
            .append(SUCCESSORS, AttributeValue::L(vec![to_text("s")]))
            .remove(&[LEASE_UNTIL, EXPIRES_AT]);
        assert_eq!(
            changes.render(&mut Placeholders::default()),
            "SET #state = :v0, #claim = :v1, \
             #successors = list_append(if_not_exists(#successors, :v2), :v3) \
             REMOVE #leaseUntil, #expiresAt"
        );
        let elements = || AttributeValue::Ss(vec!["raProfile/1".to_owned()]);
        let (added, deleted) = (Changes::default(), Changes::default());
        assert_eq!(
            added
                .add(DEPENDENTS, elements())
                .render(&mut Placeholders::default()),
            "ADD #dependents :v0"
        );
        assert_eq!(
            deleted
                .delete(DEPENDENTS, elements())
                .render(&mut Placeholders::default()),
            "DELETE #dependents :v0"
        );
    }

    #[test]
    fn an_expression_without_values_has_no_map_of_them() {
        let mut placeholders = Placeholders::default();
        Condition::Missing(CLAIM).render(&mut placeholders);
        assert_eq!(placeholders.values(), None);
    }
}
