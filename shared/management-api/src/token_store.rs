//! The port to the tokens of a server that issues them itself.

use async_trait::async_trait;
use ca::bounded_text::is_visible;
use secrecy::SecretString;
use time::OffsetDateTime;

use crate::Scope;

/// The tokens that callers authenticate by, of a server that issues them itself.
///
/// # Errors
/// Each operation fails with [`TokensUnavailable`] when the tokens cannot be read or written.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// Lists every token, including revoked ones, oldest first.
    async fn list(&self) -> Result<Vec<TokenRecord>, TokensUnavailable>;

    /// Creates a token with these scopes.
    async fn create(
        &self,
        name: &TokenName,
        scopes: &[Scope],
        now: OffsetDateTime,
    ) -> Result<CreatedToken, TokensUnavailable>;

    /// Revokes a token, which counts from its next request on. Nothing happens if it is revoked
    /// already, or if no token has this id.
    async fn revoke(&self, id: TokenId, now: OffsetDateTime) -> Result<(), TokensUnavailable>;
}

/// The tokens cannot be read or written. The cause is logged where it arises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tokens cannot be read or written at the moment")]
pub struct TokensUnavailable;

/// A token without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRecord {
    /// The identity of the token.
    pub id: TokenId,
    /// The owner or purpose of the token, which audit records show.
    pub name: String,
    /// The names of the scopes. A later version may have stored one that this version does not
    /// know.
    pub scopes: Vec<String>,
    /// When the token was created.
    pub created_at: OffsetDateTime,
    /// When the token was revoked; `None` while it is valid.
    pub revoked_at: Option<OffsetDateTime>,
}

/// A new token.
pub struct CreatedToken {
    /// The token without its value.
    pub record: TokenRecord,
    /// The token's value, which is stored nowhere.
    pub secret: SecretString,
}

/// The identity of a token. Its text is eight hexadecimal digits in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenId(u32);

impl TokenId {
    /// Reads an id from its text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 8 || !text.bytes().all(is_digit) {
            return None;
        }
        u32::from_str_radix(text, 16).ok().map(Self)
    }

    /// The digits as a number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl std::fmt::Display for TokenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// The name of a new token: 1 to 64 characters without a parenthesis, a control character or
/// one that hides or reorders text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenName(String);

/// A text is no [`TokenName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name is 1 to 64 characters, none of them a parenthesis, a control character or one that hides or reorders text"
)]
pub struct InvalidTokenName;

impl TokenName {
    /// Checks a name.
    ///
    /// # Errors
    /// If the text is no name.
    pub fn new(text: &str) -> Result<Self, InvalidTokenName> {
        // Names are shown in tables, logs and audit records, where such characters could forge a
        // line or another name. The id of a token follows its name in parentheses.
        let is_fit = |c: char| is_visible(c) && !matches!(c, '(' | ')');
        let fits = (1..=64).contains(&text.chars().count()) && text.chars().all(is_fit);
        fits.then(|| Self(text.to_owned())).ok_or(InvalidTokenName)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_eight_digits_in_lower_case() {
        for text in ["00000000", "1f0c9a3e", "ffffffff"] {
            assert_eq!(TokenId::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "0", "1F0C9A3E", "+f0c9a3e", "1f0c9a3e0", "1f0c9a3g"] {
            assert_eq!(TokenId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_name_is_short_and_of_one_line() {
        let longest = "ä".repeat(64);
        for text in ["ci", " ", longest.as_str()] {
            assert_eq!(TokenName::new(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "a\nb",
            "\u{7f}",
            "a\u{202e}b",
            "a\u{200b}",
            "\u{2067}ci",
            "\u{fffe}",
            "ci (1f0c9a3e)",
            &format!("{longest}x"),
        ] {
            assert!(TokenName::new(text).is_err(), "{text:?}");
        }
    }
}
