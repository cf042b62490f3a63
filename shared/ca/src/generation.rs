//! The numbers of an authority's generations.

use std::num::{NonZeroU32, ParseIntError};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The number of a generation of an authority, counted from 1. Serialised as the plain number.
// Zero has no meaning in stored records: rejecting it as they are read spares every later check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(NonZeroU32);

impl Generation {
    /// The generation that an authority is created with.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// The generation with this number; `None` for 0.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        // `Option::map` is not const.
        match NonZeroU32::new(number) {
            None => None,
            Some(number) => Some(Self(number)),
        }
    }

    /// The generation that a rollover creates after this one. The largest number is its own
    /// successor.
    #[must_use]
    pub const fn next(self) -> Self {
        // Four billion rollovers are out of reach: each one creates a key, and its record grows the
        // authority's item, whose size is limited.
        Self(self.0.saturating_add(1))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl std::fmt::Display for Generation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Parses decimal digits as [`u32::from_str`] does: a plus sign and leading zeros are allowed.
// The URLs of CRLs have always been read like this.
impl FromStr for Generation {
    type Err = ParseIntError;

    fn from_str(digits: &str) -> Result<Self, ParseIntError> {
        digits.parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(number: u32) -> Generation {
        Generation::new(number).unwrap()
    }

    #[test]
    fn generations_are_counted_from_one() {
        assert_eq!(Generation::FIRST, generation(1));
        assert_eq!(Generation::FIRST.next(), generation(2));
        assert_eq!(generation(u32::MAX).next(), generation(u32::MAX));
        assert_eq!(Generation::new(0), None);
        assert!(generation(2) < generation(10));
    }

    #[test]
    fn generation_is_serialised_as_its_number_and_zero_is_rejected() {
        assert_eq!(serde_json::to_string(&generation(7)).unwrap(), "7");
        let read = |json| serde_json::from_str::<Generation>(json).ok();
        assert_eq!(read("7"), Some(generation(7)));
        for json in ["0", "-1", "1.5", "4294967296", "\"7\"", "null"] {
            assert_eq!(read(json), None, "{json}");
        }
    }

    #[test]
    fn generation_is_parsed_from_the_digits_that_a_u32_is_parsed_from() {
        for text in [
            "1",
            "2",
            "4294967295",
            "+2",
            "02",
            "",
            "0",
            "+",
            "-1",
            " 2",
            "2 ",
            "0x2",
            "4294967296",
            "\u{662}",
        ] {
            let expected = text.parse().ok().and_then(Generation::new);
            assert_eq!(text.parse().ok(), expected, "{text:?}");
        }
        assert_eq!("23".parse(), Ok(generation(23)));
        assert_eq!(generation(23).to_string(), "23");
    }
}
