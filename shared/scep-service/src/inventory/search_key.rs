//! The form of the keys by which searches find certificates.

/// The longest search key, in characters.
// DynamoDB limits sort keys to 1,024 octets, and a character takes up to four.
pub(super) const MAX_KEY_CHARACTERS: usize = 255;

/// Builds a key, or the beginning of one, from a text: lower case, and at most 255 characters.
pub(super) fn normalise_key(text: &str) -> String {
    text.to_lowercase()
        .chars()
        .take(MAX_KEY_CHARACTERS)
        .collect()
}
