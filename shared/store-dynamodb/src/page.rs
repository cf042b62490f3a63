//! A page of a list, read from an index.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use scep_service::error::StoreError;
use scep_service::inventory::{Page, PageRequest};
use time::OffsetDateTime;

use crate::DynamoDbStore;
use crate::attribute::{count_octets, to_text};
use crate::expression::{Condition, Placeholders};
use crate::index::{Index, Range, RangeKind};
use crate::item::{ID, Item, unavailable};

/// The most queries for one page.
// A filter that matches nothing must not make one request read the whole index. The page is short
// then, and its cursor continues where it stopped.
const MAX_QUERIES: usize = 20;

/// The octets of items after which a page ends, short of its limit.
// A function answers with 6 MB at most. The last item adds 400 KB, and a quotation mark in a text
// takes four octets: it is escaped in the answer, which is a text in the answer of the function.
pub(crate) const MAX_OCTETS: usize = 1_000_000;

/// The end of lists by time: the latest notAfter that a certificate can have (RFC 5280 §4.1.2.5).
pub(crate) const END_OF_TIME: OffsetDateTime = time::macros::datetime!(9999-12-31 23:59:59 UTC);

/// The longest cursor to decode, in octets.
// A sort key has at most 1,024 octets and an id about 100, which JSON and base64 less than triple.
const MAX_CURSOR_BYTES: usize = 4096;

/// A part of an index and the order to list it in.
pub(crate) struct List<'a> {
    pub(crate) table: &'a str,
    pub(crate) index: &'static Index,
    pub(crate) hash: String,
    pub(crate) bounds: Bounds,
    pub(crate) ascending: bool,
}

/// The sort keys that belong to a list.
pub(crate) enum Bounds {
    All,
    Between(AttributeValue, AttributeValue),
    WithPrefix(String),
}

/// The position of a key relative to a list, in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Before,
    Inside,
    After,
}

impl DynamoDbStore {
    /// Reads the next page of a list: the items for which `read` returns a value.
    pub(crate) async fn read_page<T>(
        &self,
        list: &List<'_>,
        request: &PageRequest,
        read: impl Fn(Item) -> Result<Option<T>, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let limit = usize::from(request.limit);
        let mut start = match &request.cursor {
            Some(cursor) => Some(list.decode_cursor(cursor).ok_or(StoreError::Cursor)?),
            None => None,
        };
        let place = start
            .as_ref()
            .map_or(Place::Inside, |start| list.locate(start));
        match place {
            Place::Before => start = None,
            Place::Inside => {}
            Place::After => {
                return Ok(Page {
                    items: Vec::new(),
                    cursor: None,
                });
            }
        }
        let mut items = Vec::new();
        let (mut wanted, mut octets) = (limit, 0_usize);
        for _ in 0..MAX_QUERIES {
            let (found, last) = run_query(&self.client, list, wanted, start).await?;
            start = last;
            let mut taken = None;
            for item in found {
                if items.len() >= limit || octets >= MAX_OCTETS {
                    // What follows is left to the next page.
                    start = taken;
                    break;
                }
                taken = Some(item.clone());
                let item_octets = count_octets(&item);
                if let Some(value) = read(item)? {
                    items.push(value);
                    octets = octets.saturating_add(item_octets);
                }
            }
            if start.is_none() || items.len() >= limit || octets >= MAX_OCTETS {
                break;
            }
            // DynamoDB counts its limit before `read` filters. A filter that has skipped some items
            // may have to skip many.
            wanted = MAX_ITEMS_A_QUERY;
        }
        Ok(Page {
            items,
            cursor: start.and_then(|last| list.encode_cursor(&last)),
        })
    }
}

/// Reads every item of a list.
pub(crate) async fn read_all(client: &Client, list: &List<'_>) -> Result<Vec<Item>, StoreError> {
    let mut items = Vec::new();
    let mut start = None;
    loop {
        let (found, last) = run_query(client, list, MAX_ITEMS_A_QUERY, start).await?;
        items.extend(found);
        if last.is_none() {
            return Ok(items);
        }
        start = last;
    }
}

/// Counts the items of a list, up to `most`.
pub(crate) async fn count_items(
    client: &Client,
    list: &List<'_>,
    most: u16,
) -> Result<u16, StoreError> {
    let mut counted: u16 = 0;
    let mut start = None;
    loop {
        let wanted = most.saturating_sub(counted);
        let (found, last) = run_query(client, list, wanted.into(), start).await?;
        counted = counted.saturating_add(u16::try_from(found.len()).unwrap_or(u16::MAX));
        if last.is_none() || counted >= most {
            return Ok(counted);
        }
        start = last;
    }
}

pub(crate) async fn run_query(
    client: &Client,
    list: &List<'_>,
    limit: usize,
    start: Option<Item>,
) -> Result<(Vec<Item>, Option<Item>), StoreError> {
    let begins_inside = start.is_some();
    let mut placeholders = Placeholders::default();
    let condition = list.condition().render(&mut placeholders);
    let found = client
        .query()
        .table_name(list.table)
        .index_name(list.index.name)
        .key_condition_expression(condition)
        .set_expression_attribute_names(placeholders.names())
        .set_expression_attribute_values(placeholders.values())
        .scan_index_forward(list.ascending)
        .limit(i32::try_from(limit).unwrap_or(i32::MAX))
        .set_exclusive_start_key(start)
        .send()
        .await;
    match found {
        Ok(found) => Ok((found.items.unwrap_or_default(), found.last_evaluated_key)),
        // The cursor is the only part of the query that comes from the caller, so it is the cursor
        // that DynamoDB rejects: it belongs to another list.
        Err(error) if begins_inside && error.code() == Some("ValidationException") => {
            Err(StoreError::Cursor)
        }
        Err(error) => Err(unavailable("listing")(error)),
    }
}

// DynamoDB also ends an answer at 1 MB, which is usually sooner.
const MAX_ITEMS_A_QUERY: usize = 1_000;

impl List<'_> {
    /// The condition on the keys of the index.
    fn condition(&self) -> Condition {
        let hash = Condition::Equals(self.index.hash, to_text(&self.hash));
        let range = self
            .index
            .range
            .as_ref()
            .and_then(|range| match &self.bounds {
                Bounds::All => None,
                Bounds::Between(from, to) => {
                    Some(Condition::Between(range.name, from.clone(), to.clone()))
                }
                Bounds::WithPrefix(prefix) => {
                    Some(Condition::BeginsWith(range.name, to_text(prefix)))
                }
            });
        Condition::All(std::iter::once(hash).chain(range).collect())
    }

    /// Encodes the position after `last` as a cursor: base64url of a JSON array with the sort key
    /// (if the index has one) and the id.
    pub(crate) fn encode_cursor(&self, last: &Item) -> Option<String> {
        let mut parts = Vec::new();
        for name in self.index.range.iter().map(|range| range.name).chain([ID]) {
            let value = last.get(name)?;
            parts.push(value.as_s().or_else(|_| value.as_n()).ok()?);
        }
        let json = serde_json::to_string(&parts).ok()?;
        Some(URL_SAFE_NO_PAD.encode(json))
    }

    /// Finds where a key lies relative to the current bounds of the list.
    pub(crate) fn locate(&self, start: &Item) -> Place {
        // Bounds may have moved since the cursor was made, as when they are relative to the current
        // time. DynamoDB rejects a start key outside of them, so such a cursor must not reach it.
        let (Bounds::Between(from, to), Some(range)) = (&self.bounds, &self.index.range) else {
            return Place::Inside;
        };
        let as_number = |value: &AttributeValue| value.as_n().ok()?.parse::<i64>().ok();
        let at = start.get(range.name).and_then(as_number);
        let (Some(at), Some(from), Some(to)) = (at, as_number(from), as_number(to)) else {
            return Place::Inside;
        };
        match (at < from, at > to) {
            (false, false) => Place::Inside,
            (low, _) if low == self.ascending => Place::Before,
            (_, _) => Place::After,
        }
    }

    /// Decodes a cursor to the key after which the page begins; `None` if it does not fit such a
    /// list.
    pub(crate) fn decode_cursor(&self, cursor: &str) -> Option<Item> {
        // The hash key is not part of the cursor: it comes from the request, so that a cursor
        // cannot lead into another part of the index.
        if cursor.len() > MAX_CURSOR_BYTES {
            return None;
        }
        let json = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let mut parts: Vec<String> = serde_json::from_slice(&json).ok()?;
        let mut start = Item::from([
            (
                ID.to_owned(),
                to_text(parts.pop().filter(|id| !id.is_empty())?),
            ),
            (self.index.hash.to_owned(), to_text(&self.hash)),
        ]);
        if let Some(range) = &self.index.range {
            start.insert(range.name.to_owned(), parse_sort_key(range, parts.pop()?)?);
        }
        parts.is_empty().then_some(start)
    }
}

fn parse_sort_key(range: &Range, value: String) -> Option<AttributeValue> {
    // DynamoDB rejects empty keys and malformed numbers, and an error of the database would be
    // reported as an outage.
    match range.kind {
        RangeKind::Number => {
            value.parse::<i64>().ok()?;
            Some(AttributeValue::N(value))
        }
        RangeKind::Text => (!value.is_empty()).then_some(AttributeValue::S(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::to_number;
    use crate::index::{BY_EXPIRY, BY_KIND, BY_UUID};

    const fn list(index: &'static Index, bounds: Bounds) -> List<'static> {
        List {
            table: "table",
            index,
            hash: String::new(),
            bounds,
            ascending: true,
        }
    }

    fn by_expiry(hash: &str) -> List<'static> {
        List {
            hash: hash.to_owned(),
            ..list(&BY_EXPIRY, Bounds::Between(to_number(10), to_number(20)))
        }
    }

    fn key(list: &List<'_>, range: AttributeValue) -> Item {
        Item::from([
            (ID.to_owned(), to_text("a/05")),
            (list.index.hash.to_owned(), to_text(&list.hash)),
            (list.index.range.as_ref().unwrap().name.to_owned(), range),
        ])
    }

    fn encode(parts: &str) -> String {
        URL_SAFE_NO_PAD.encode(parts)
    }

    #[test]
    fn a_cursor_leads_back_to_the_last_key_within_its_own_list() {
        let list = by_expiry("certificate");
        let last = key(&list, to_number(15));
        let cursor = list.encode_cursor(&last).unwrap();
        assert_eq!(cursor, encode(r#"["15","a/05"]"#));
        assert_eq!(list.decode_cursor(&cursor), Some(last));
        // The hash key comes from the list and not from the cursor.
        let other = by_expiry("another");
        assert_eq!(
            other.decode_cursor(&cursor),
            Some(key(&other, to_number(15)))
        );
    }

    #[test]
    fn a_cursor_of_an_index_without_a_sort_key_is_an_id() {
        let list = list(&BY_UUID, Bounds::All);
        let start = list.decode_cursor(&encode(r#"["a/05"]"#)).unwrap();
        assert_eq!((start.len(), &start[ID]), (2, &to_text("a/05")));
    }

    #[test]
    fn a_cursor_that_does_not_fit_is_rejected() {
        #[track_caller]
        fn check(list: &List<'_>, cursor: &str) {
            assert_eq!(list.decode_cursor(cursor), None, "{cursor}");
        }
        let numbers = by_expiry("certificate");
        for parts in [
            "",
            "7",
            "[]",
            r#"["a/05"]"#,
            r#"["15",""]"#,
            r#"["x","a/05"]"#,
            r#"["","a/05"]"#,
            r#"["1","15","a/05"]"#,
            r#"[15,"a/05"]"#,
        ] {
            check(&numbers, &encode(parts));
        }
        check(&numbers, "not base64!");
        check(&numbers, &"A".repeat(MAX_CURSOR_BYTES + 1));
        check(&list(&BY_KIND, Bounds::All), &encode(r#"["","a/05"]"#));
    }

    #[test]
    fn a_key_outside_the_bounds_lies_before_or_after_them() {
        #[track_caller]
        fn check(ascending: bool, at: i64, expected: Place) {
            let list = List {
                ascending,
                ..by_expiry("certificate")
            };
            assert_eq!(list.locate(&key(&list, to_number(at))), expected);
        }
        check(true, 9, Place::Before);
        check(true, 10, Place::Inside);
        check(true, 20, Place::Inside);
        check(true, 21, Place::After);
        check(false, 9, Place::After);
        check(false, 21, Place::Before);
    }

    #[test]
    fn the_keys_of_a_list_are_a_condition() {
        #[track_caller]
        fn check(list: &List<'_>, expected: &str) {
            let mut placeholders = Placeholders::default();
            assert_eq!(list.condition().render(&mut placeholders), expected);
        }
        check(&list(&BY_KIND, Bounds::All), "#kind = :v0");
        check(
            &by_expiry("certificate"),
            "#list = :v0 AND #notAfter BETWEEN :v1 AND :v2",
        );
        check(
            &list(&BY_KIND, Bounds::WithPrefix("a".to_owned())),
            "#kind = :v0 AND begins_with(#order, :v1)",
        );
    }
}
