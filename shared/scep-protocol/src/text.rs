//! Texts that administrators write: bounded, and patterns that compile.

use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

/// Longest description, in characters.
pub(crate) const MAX_DESCRIPTION_CHARACTERS: usize = 300;

/// Longest pattern, in octets.
const MAX_PATTERN_BYTES: usize = 256;

/// Largest compiled pattern, in octets: a counted repetition is short to write and long to compile.
const MAX_COMPILED_BYTES: usize = 64 * 1024;

/// What an administrator notes about an object: at most 300 characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Description(String);

/// A description is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a description has at most {MAX_DESCRIPTION_CHARACTERS} characters")]
pub struct DescriptionTooLong;

impl Description {
    /// A description of this text.
    ///
    /// # Errors
    /// When it is longer than 300 characters.
    pub fn new(text: &str) -> Result<Self, DescriptionTooLong> {
        if text.chars().count() > MAX_DESCRIPTION_CHARACTERS {
            return Err(DescriptionTooLong);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Description {
    type Error = DescriptionTooLong;

    fn try_from(text: String) -> Result<Self, DescriptionTooLong> {
        Self::new(&text)
    }
}

impl From<Description> for String {
    fn from(description: Description) -> Self {
        description.0
    }
}

/// A regular expression that a whole text must match. Matching takes time linear in the text, whatever the pattern.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    whole: Regex,
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a pattern is a regular expression of at most {MAX_PATTERN_BYTES} octets, without look-around and back references"
)]
pub struct PatternError;

impl Pattern {
    /// The pattern that this text writes, in the syntax of the crate `regex-lite`.
    ///
    /// # Errors
    /// When it does not compile, or only to something too large.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        if text.len() > MAX_PATTERN_BYTES {
            return Err(PatternError);
        }
        // By itself first: `a)|(b` would become one by the parentheses around it.
        compile(text)?;
        Ok(Self {
            whole: compile(&format!("^(?:{text})$"))?,
            text: text.to_owned(),
        })
    }

    /// Does all of `text` match?
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn compile(text: &str) -> Result<Regex, PatternError> {
    RegexBuilder::new(text)
        .size_limit(MAX_COMPILED_BYTES)
        .build()
        .map_err(|_| PatternError)
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        Self::new(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, matches: bool) {
        assert_eq!(Pattern::new(pattern).unwrap().matches(text), matches);
    }

    #[test]
    fn a_pattern_matches_whole_texts() {
        check("router-[0-9]+", "router-17", true);
        check("router-[0-9]+", "my router-17", false);
        check("router-[0-9]+", "router-17\n", false);
        check("a|b", "ab", false);
        check("(?m)a$", "a\nb", false);
        check("", "", true);
        check(".*", "ünïcode", true);
    }

    #[test]
    fn what_does_not_compile_or_grows_too_large_is_no_pattern() {
        for text in [
            "(",
            "a)|(b",
            "(?=a)",
            r"\1",
            "(((a{99}){99}){99}){99}",
            &"a".repeat(257),
        ] {
            assert_eq!(Pattern::new(text), Err(PatternError), "{text}");
        }
    }

    #[test]
    fn descriptions_count_characters() {
        assert!(Description::new(&"ü".repeat(300)).is_ok());
        assert_eq!(Description::new(&"u".repeat(301)), Err(DescriptionTooLong));
    }
}
