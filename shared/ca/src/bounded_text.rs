//! Bounded texts of visible characters, and patterns for texts.

use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

/// Longest description, in characters.
pub(crate) const MAX_DESCRIPTION_CHARACTERS: usize = 300;

/// Longest pattern, in octets.
const MAX_PATTERN_BYTES: usize = 256;

/// Largest compiled pattern, in octets.
// A short text can compile to a large program: each level of a counted repetition multiplies it.
const MAX_COMPILED_BYTES: usize = 64 * 1024;

/// Longest text of a client or a service that records keep, in characters.
const MAX_KEPT_CHARACTERS: usize = 400;

/// Characters that are invisible or change how others are displayed: Default_Ignorable_Code_Point
/// of Unicode 16, which includes all bidirectional controls, the line and paragraph separators,
/// interlinear annotations, and some noncharacters.
const INVISIBLE: [std::ops::RangeInclusive<char>; 18] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{fdd0}'..='\u{fdef}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

/// Whether a character is visible and leaves its surroundings unchanged. Control characters,
/// invisible characters and those that reorder text are not.
#[must_use]
pub fn is_visible(c: char) -> bool {
    // The last two code points of each plane are noncharacters.
    let is_noncharacter = u32::from(c) & 0xfffe == 0xfffe;
    !c.is_control() && !is_noncharacter && !INVISIBLE.iter().any(|range| range.contains(&c))
}

/// The first 400 characters of a text that a client or a service chose, with its invisible
/// characters replaced, to be kept in a record.
#[must_use]
pub fn bound_text(text: &str) -> String {
    let mut bounded: String = text
        .chars()
        .take(MAX_KEPT_CHARACTERS)
        .map(|c| if is_visible(c) { c } else { '\u{fffd}' })
        .collect();
    if text.chars().nth(MAX_KEPT_CHARACTERS).is_some() {
        bounded.push('…');
    }
    bounded
}

/// The beginning of an untrusted value, for use in a message: quoted, with invisible characters
/// escaped.
pub(crate) fn quote_excerpt(value: &str) -> String {
    let mut shown: String = value.chars().take(MAX_EXCERPT_CHARACTERS).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// Longest excerpt of a value in a message, in characters.
const MAX_EXCERPT_CHARACTERS: usize = 64;

/// An administrator's notes on an object: at most 300 visible characters, in lines. Deserialising
/// performs no check, so that objects stored by an earlier version stay readable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Description(String);

/// A text is too long for a description, or has invisible characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a description has at most {MAX_DESCRIPTION_CHARACTERS} characters, and none that hides or reorders text"
)]
pub struct DescriptionError;

impl Description {
    /// Parses a description.
    ///
    /// # Errors
    /// If the text is longer than 300 characters, or has an invisible character other than line
    /// feed, carriage return and tab.
    pub fn new(text: &str) -> Result<Self, DescriptionError> {
        let is_fit = |c: char| is_visible(c) || "\n\r\t".contains(c);
        if text.chars().count() > MAX_DESCRIPTION_CHARACTERS || !text.chars().all(is_fit) {
            return Err(DescriptionError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A regular expression that a whole text must match. Matching takes time linear in the length of
/// the text for every pattern.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    whole: Regex,
}

/// A text is not a valid pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a pattern is a regular expression of at most {MAX_PATTERN_BYTES} octets, without look-around and back references"
)]
pub struct PatternError;

impl Pattern {
    /// Compiles a pattern in the syntax of the crate `regex-lite`.
    ///
    /// # Errors
    /// If the text is too long, does not compile, or compiles to a program that is too large.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        if text.len() > MAX_PATTERN_BYTES {
            return Err(PatternError);
        }
        // Compile the text alone first: the group around it would make `a)|(b` valid.
        compile_regex(text)?;
        Ok(Self {
            whole: compile_regex(&format!("^(?:{text})$"))?,
            text: text.to_owned(),
        })
    }

    /// Whether the pattern matches all of `text`.
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

fn compile_regex(text: &str) -> Result<Regex, PatternError> {
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
    fn a_text_that_does_not_compile_or_grows_too_large_is_not_a_pattern() {
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
    fn descriptions_count_characters_and_hide_nothing() {
        assert!(Description::new(&"ü".repeat(300)).is_ok());
        assert_eq!(Description::new(&"u".repeat(301)), Err(DescriptionError));
        assert!(Description::new("two\r\n\tlines").is_ok());
        for text in ["a\0", "a\x1b[31m", "a\u{202e}b", "a\u{200b}b"] {
            assert_eq!(Description::new(text), Err(DescriptionError), "{text:?}");
        }
    }

    #[test]
    fn a_stored_description_is_read_without_checks() {
        use serde::de::IntoDeserializer;
        use serde::de::value::Error;
        let stored = format!("\u{202e}{}", "u".repeat(301));
        let read: Result<_, Error> = Description::deserialize(stored.as_str().into_deserializer());
        assert_eq!(read.unwrap().as_str(), stored);
    }

    #[test]
    fn invisible_and_reordering_characters_are_not_visible() {
        let invisible = [
            '\0',
            '\u{1}',
            '\n',
            '\r',
            '\t',
            '\u{1b}',
            '\u{7f}',
            '\u{80}',
            '\u{9b}',
            '\u{9f}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202b}',
            '\u{202c}',
            '\u{202d}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2067}',
            '\u{2068}',
            '\u{2069}',
            '\u{206f}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{fff9}',
            '\u{ffff}',
            '\u{e0041}',
            '\u{e0100}',
            '\u{10ffff}',
        ];
        for c in invisible {
            assert!(!is_visible(c), "{c:?}");
        }
        // Letters of right-to-left scripts and combining characters are visible.
        for c in [
            ' ', 'a', '~', '\u{a0}', 'ü', 'ж', 'א', 'م', '中', '\u{301}', '\u{fffd}', '😀',
        ] {
            assert!(is_visible(c), "{c:?}");
        }
    }

    #[test]
    fn an_excerpt_is_quoted_escaped_and_short() {
        assert_eq!(
            quote_excerpt("a\0\u{202e}\"ü\r\n"),
            r#""a\0\u{202e}\"ü\r\n""#
        );
        assert_eq!(
            quote_excerpt(&"a".repeat(65)),
            format!("\"{}…\"", "a".repeat(64))
        );
    }

    #[test]
    fn texts_are_bounded_and_visible() {
        assert_eq!(bound_text("CN=a\u{202e}b\n"), "CN=a\u{fffd}b\u{fffd}");
        let longest = "ä".repeat(MAX_KEPT_CHARACTERS);
        assert_eq!(bound_text(&longest), longest);
        assert_eq!(bound_text(&format!("{longest}a")), format!("{longest}…"));
    }
}
