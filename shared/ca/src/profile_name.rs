//! The names by which URLs refer to authorities and profiles.

use serde::{Deserialize, Serialize};

/// The path segment that precedes the name of an RA Profile in URLs. A SCEP Profile of this name
/// would be unreachable.
const RESERVED_NAME: &str = "raProfile";

/// Longest name, in characters.
const MAX_NAME_CHARACTERS: usize = 64;

/// A profile's name, by which URLs refer to it: 1 to 64 of the unreserved characters of RFC 3986
/// §2.3.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProfileName(String);

/// A text is not a valid name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name is 1 to {MAX_NAME_CHARACTERS} of the characters A-Z a-z 0-9 - . _ ~ and not \"{RESERVED_NAME}\", \".\" or \"..\""
)]
pub struct NameError;

impl ProfileName {
    /// Parses a name.
    ///
    /// # Errors
    /// If the text is empty or too long, has other characters, or is reserved.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        // Clients and proxies remove the path segments `.` and `..`, RFC 3986 §5.2.4.
        let reserved = [RESERVED_NAME, ".", ".."].contains(&text);
        if text.is_empty()
            || text.len() > MAX_NAME_CHARACTERS
            || !text.chars().all(unreserved)
            || reserved
        {
            return Err(NameError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ProfileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ProfileName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<ProfileName> for String {
    fn from(name: ProfileName) -> Self {
        name.0
    }
}
