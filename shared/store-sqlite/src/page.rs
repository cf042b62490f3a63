//! Places in lists that are sorted by a number and, within one, by the number of the row.

use std::fmt;
use std::str::FromStr;

use scep_service::error::StoreError;
use scep_service::inventory::PageRequest;

/// The most rows that one page may look at, so that a filter which matches little does not make one
/// request read the whole table. Such a page is short, and its cursor leads on.
pub(crate) const MAX_ROWS: usize = 5_000;

/// The place of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cursor {
    pub(crate) sorted_by: i64,
    pub(crate) number: i64,
}

impl Cursor {
    /// A place before every row.
    pub(crate) const FIRST: Self = Self {
        sorted_by: i64::MIN,
        number: i64::MIN,
    };

    /// A place after every row.
    pub(crate) const LAST: Self = Self {
        sorted_by: i64::MAX,
        number: i64::MAX,
    };

    /// The place after which a page starts; `otherwise` for the first page.
    pub(crate) fn start_of(page: &PageRequest, otherwise: Self) -> Result<Self, StoreError> {
        match &page.cursor {
            None => Ok(otherwise),
            Some(cursor) => cursor.parse().map_err(|InvalidCursor| StoreError::Cursor),
        }
    }
}

/// A text is not a cursor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.sorted_by, self.number)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (sorted_by, number) = text.split_once('_').ok_or(InvalidCursor)?;
        Ok(Self {
            sorted_by: sorted_by.parse().map_err(|_| InvalidCursor)?,
            number: number.parse().map_err(|_| InvalidCursor)?,
        })
    }
}
