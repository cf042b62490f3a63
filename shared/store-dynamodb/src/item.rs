//! Items: the names of their attributes, how they are parsed and built, and the errors of both.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use scep_service::error::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::attribute::to_number;

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
    CLAIMED_CERTIFICATE = "claimedCertificate";
    COMMON_NAME = "commonName";
    COUNTED_UNTIL = "countedUntil";
    CREATED_AT = "createdAt";
    DELETED = "deleted";
    DEPENDENTS = "dependents";
    DOCUMENT = "document";
    EXPIRES_AT = "expiresAt";
    GENERATION = "generation";
    GIVEN_UP = "givenUp";
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

/// The attribute with the version of an item's format.
const FORMAT: &str = "format";

/// The version of the format of items without that attribute.
const FIRST_FORMAT: u32 = 1;

/// The version of the format in which this version of Scepter writes items, and the newest that it
/// reads. A release that changes what a stored attribute means raises it.
// An update leaves the format of its item, and no index contains the attribute: what updates write
// and what lists read never changes, but gets another name.
pub const FORMAT_VERSION: u32 = FIRST_FORMAT;

/// An item was written by a later version of Scepter, in a format that this one cannot read.
#[derive(Debug, thiserror::Error)]
#[error(
    "its format is {found}, and this version of Scepter reads formats up to {FORMAT_VERSION}: deploy the later one"
)]
struct NewerFormat {
    found: String,
}

/// Refuses an item of a newer format.
// What it does not know of may change what the rest means: a part that is read is not enough.
fn check_format(what: &'static str, item: &Item) -> Result<(), StoreError> {
    let found = match item.get(FORMAT) {
        None => return Ok(()),
        Some(AttributeValue::N(digits)) => digits.clone(),
        Some(other) => format!("{other:?}"),
    };
    match found.parse::<u32>() {
        Ok(version) if (FIRST_FORMAT..=FORMAT_VERSION).contains(&version) => Ok(()),
        _ => Err(corrupt(what)(NewerFormat { found })),
    }
}

/// Parses an item; `what` names it in errors.
pub(crate) fn parse_item<T: DeserializeOwned>(
    what: &'static str,
    item: Item,
) -> Result<T, StoreError> {
    check_format(what, &item)?;
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
    let item = serde_dynamo::to_item(item).map_err(unavailable("describing an item"))?;
    Ok(with_format(item, FORMAT_VERSION))
}

/// Adds the version of its format to an item.
// Every item pays for its octets, so the first format, which needs no attribute, has none.
fn with_format(mut item: Item, version: u32) -> Item {
    if version != FIRST_FORMAT {
        item.insert(FORMAT.to_owned(), to_number(version));
    }
    item
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
        let updated = [COUNTED_UNTIL, DEPENDENTS, GIVEN_UP, REASON, SUCCESSORS];
        for name in NAMES {
            assert!(
                written.contains(*name) || updated.contains(name),
                "no item has the attribute {name}"
            );
        }
    }

    #[derive(Debug, Deserialize)]
    struct NumberItem {
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

    #[test]
    fn an_item_of_a_newer_format_is_refused() {
        let item = || Item::from([(NUMBER.to_owned(), to_number(7))]);
        let first = parse_item::<NumberItem>("sample", with_format(item(), 1));
        assert_eq!(first.unwrap().number, 7);
        for found in ["2", "0", "-1", "99999999999"] {
            let mut other = item();
            other.insert(FORMAT.to_owned(), AttributeValue::N(found.to_owned()));
            check_corrupt(
                other,
                &format!(
                    "its format is {found}, and this version of Scepter reads formats up to 1: \
                     deploy the later one"
                ),
            );
        }
    }

    #[test]
    fn an_item_has_its_format_unless_that_is_the_first() {
        assert_eq!(with_format(Item::new(), 1), Item::new());
        let second = Item::from([("format".to_owned(), to_number(2))]);
        assert_eq!(with_format(Item::new(), 2), second);
    }
}
