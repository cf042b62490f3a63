//! Items: the names of their attributes, how they are parsed and built, and the errors of both.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use scep_service::error::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) type Item = HashMap<String, AttributeValue>;

macro_rules! attribute_names {
    ($($constant:ident = $name:literal;)*) => {
        $(pub(crate) const $constant: &str = $name;)*

        #[cfg(test)]
        const NAMES: &[&str] = &[$($constant),*];
    };
}

// The names of the attributes that expressions and indexes refer to; the fields of the items have
// the same names. They are the stored format: a changed name makes every existing item unreadable.
attribute_names! {
    ANNOTATIONS = "annotations";
    ATTEMPTS = "attempts";
    AUTHORITY = "authority";
    CERTIFICATE = "certificate";
    CERTIFICATE_UUID = "certificateUuid";
    CHALLENGE = "challenge";
    CIPHERTEXT = "ciphertext";
    CLAIM = "claim";
    COMMON_NAME = "commonName";
    COUNTED_UNTIL = "countedUntil";
    CREATED_AT = "createdAt";
    DELETED = "deleted";
    DEPENDENTS = "dependents";
    DOCUMENT = "document";
    EXPIRES_AT = "expiresAt";
    GENERATION = "generation";
    ID = "id";
    ISSUED_AT = "issuedAt";
    KEY = "key";
    KEY_ALGORITHM = "keyAlgorithm";
    KEY_SHA256 = "keySha256";
    KIND = "kind";
    LEASE_UNTIL = "leaseUntil";
    LIST = "list";
    MESSAGE_TYPE = "messageType";
    NOT_AFTER = "notAfter";
    NOT_BEFORE = "notBefore";
    NUMBER = "number";
    OBJECT = "object";
    ORDER = "order";
    PART_SET = "partSet";
    PENDING_OF = "pendingOf";
    PREDECESSOR = "predecessor";
    RA_PROFILE = "raProfile";
    REASON = "reason";
    REVOCATION_REASON = "revocationReason";
    REVOKED_AT = "revokedAt";
    REVOKED_OF = "revokedOf";
    SCEP_PROFILE = "scepProfile";
    SEARCH_KEY = "searchKey";
    SERIAL_NUMBER = "serialNumber";
    STATE = "state";
    SUBJECT = "subject";
    SUCCESSORS = "successors";
    TAKEN = "taken";
    TO_BE_SIGNED = "toBeSigned";
    TRANSACTION = "transaction";
    TRANSACTION_ID = "transactionId";
    UUID = "uuid";
    VERSION = "version";
    VOUCHING = "vouching";
}

/// Wraps the error of a failed request.
pub(crate) fn unavailable<E>(operation: &'static str) -> impl Fn(E) -> StoreError
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |source| StoreError::Unavailable {
        operation,
        source: Box::new(source),
    }
}

/// Wraps the error of an item that cannot be parsed.
pub(crate) fn corrupt<E>(what: &'static str) -> impl Fn(E) -> StoreError
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |source| StoreError::Corrupt {
        what,
        source: Box::new(source),
    }
}

/// Parses an item; `what` names it in errors.
pub(crate) fn parse_item<T: DeserializeOwned>(
    what: &'static str,
    item: Item,
) -> Result<T, StoreError> {
    // serde_dynamo panics on an attribute whose type the SDK does not know.
    if !item.values().all(is_known) {
        return Err(corrupt(what)(UnknownType));
    }
    let map = serde_dynamo::Item::from(item).into_inner();
    let deserializer =
        serde_dynamo::Deserializer::from_attribute_value(serde_dynamo::AttributeValue::M(map));
    serde_path_to_error::deserialize(deserializer).map_err(corrupt(what))
}

fn is_known(value: &AttributeValue) -> bool {
    let elements = value.as_l().map_or(&[][..], Vec::as_slice);
    let fields = value.as_m().ok();
    !value.is_unknown()
        && elements.iter().all(is_known)
        && fields.is_none_or(|fields| fields.values().all(is_known))
}

/// A stored item has an attribute of a type that DynamoDB did not have yet.
#[derive(Debug, thiserror::Error)]
#[error("an attribute has an unknown type")]
struct UnknownType;

/// Reads the id of an item, or of its entry in an index.
pub(crate) fn read_id(mut item: Item) -> Result<Option<String>, StoreError> {
    match item.remove(ID) {
        Some(AttributeValue::S(id)) => Ok(Some(id)),
        Some(_) | None => Err(corrupt("id")(MissingAttribute(ID))),
    }
}

/// Builds an item.
pub(crate) fn build_item<T: Serialize>(item: T) -> Result<Item, StoreError> {
    serde_dynamo::to_item(item).map_err(unavailable("describing an item"))
}

/// A stored item lacks an attribute that another of its attributes requires.
#[derive(Debug, thiserror::Error)]
#[error("attribute {0} is missing")]
pub(crate) struct MissingAttribute(pub(crate) &'static str);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde::Deserialize;

    use super::*;
    use crate::samples;

    #[test]
    fn every_name_in_expressions_and_indexes_is_a_field_of_an_item() {
        let written: BTreeSet<String> = samples::sample_items()
            .into_iter()
            .flat_map(HashMap::into_keys)
            .collect();
        // These attributes are written by updates alone; the tests of the items read them.
        let updated = [COUNTED_UNTIL, DEPENDENTS, REASON, SUCCESSORS];
        for name in NAMES {
            assert!(
                written.contains(*name) || updated.contains(name),
                "no item has the attribute {name}"
            );
        }
    }

    #[derive(Debug, Deserialize)]
    struct NumberItem {
        #[expect(dead_code, reason = "the test reads what is wrong with it")]
        number: u64,
    }

    #[track_caller]
    fn check_corrupt(item: Item, cause: &str) {
        let error = parse_item::<NumberItem>("sample", item).unwrap_err();
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(
            (error.to_string().as_str(), source.to_string().as_str()),
            ("reading a stored sample", cause)
        );
    }

    #[test]
    fn an_error_names_the_attribute_at_fault() {
        check_corrupt(Item::new(), "missing field `number`");
        let text = AttributeValue::S("7".to_owned());
        let item = Item::from([(NUMBER.to_owned(), text)]);
        check_corrupt(item, "number: Expected num");
    }
}
