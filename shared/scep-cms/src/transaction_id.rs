//! transactionID, RFC 8894 §3.2.1.1: octets that the client chooses and every reply echoes.

use std::fmt::Write;

use der::asn1::{AnyRef, PrintableStringRef};
use der::{Tag, Tagged};

use crate::error::AttributeError;

/// The maximum length of a transactionID, in octets.
// It is stored and logged, so a bound is needed; the longest known has 78, from certmonger.
const MAX_BYTES: usize = 255;

/// transactionID, RFC 8894 §3.2.1.1: 1 to 255 opaque octets with a string type, both echoed
/// unchanged. The RFC demands a PrintableString; clients also send GUIDs in braces, host names with
/// `_`, and UTF8Strings. micromdm sends base64, certmonger 78 decimal digits, sscep text with a
/// space.
///
/// Two are equal when their octets are, regardless of the string type.
#[derive(Clone, Debug)]
pub struct TransactionId {
    octets: Vec<u8>,
    text: String,
    string_type: StringType,
}

/// The string types that a transactionID may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StringType {
    Bmp,
    Ia5,
    Numeric,
    Printable,
    Teletex,
    Utf8,
    Visible,
}

impl StringType {
    const ALL: [Self; 7] = [
        Self::Bmp,
        Self::Ia5,
        Self::Numeric,
        Self::Printable,
        Self::Teletex,
        Self::Utf8,
        Self::Visible,
    ];

    pub(crate) fn of(tag: Tag) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.tag() == tag)
    }

    pub(crate) const fn tag(self) -> Tag {
        match self {
            Self::Bmp => Tag::BmpString,
            Self::Ia5 => Tag::Ia5String,
            Self::Numeric => Tag::NumericString,
            Self::Printable => Tag::PrintableString,
            Self::Teletex => Tag::TeletexString,
            Self::Utf8 => Tag::Utf8String,
            Self::Visible => Tag::VisibleString,
        }
    }
}

impl TransactionId {
    /// Parses the text form that [`Self::as_str`] returns. The string type is PrintableString, or
    /// UTF8String where a character is not in PrintableString's alphabet.
    ///
    /// # Errors
    /// When it has no octet, more than 255, or begins with `#` and is not hexadecimal.
    pub fn new(text: &str) -> Result<Self, AttributeError> {
        let octets = match text.strip_prefix(HEXADECIMAL) {
            Some(digits) => decode_hexadecimal(digits).ok_or(MALFORMED)?,
            None => text.as_bytes().to_vec(),
        };
        let printable = PrintableStringRef::new(&octets).is_ok();
        let string_type = if printable {
            StringType::Printable
        } else {
            StringType::Utf8
        };
        Self::of(string_type, &octets)
    }

    pub(crate) fn from_any(value: AnyRef<'_>) -> Result<Self, AttributeError> {
        let string_type = StringType::of(value.tag()).ok_or(MALFORMED)?;
        Self::of(string_type, value.value())
    }

    fn of(string_type: StringType, octets: &[u8]) -> Result<Self, AttributeError> {
        if octets.is_empty() || octets.len() > MAX_BYTES {
            return Err(MALFORMED);
        }
        Ok(Self {
            octets: octets.to_vec(),
            text: encode_text(octets),
            string_type,
        })
    }

    /// The text form for logs, JSON and databases, at most 511 ASCII characters: the transactionID
    /// itself if it consists of visible ASCII and spaces without `"`, `` ` `` and `\`, as every
    /// PrintableString does; otherwise `#` and its octets in hexadecimal. Different transactionIDs
    /// have different texts.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first 255 characters of [`Self::as_str`], for a log line.
    #[must_use]
    pub fn excerpt(&self) -> &str {
        self.text.get(..MAX_BYTES).unwrap_or(&self.text)
    }

    /// The octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets
    }

    pub(crate) const fn string_type(&self) -> StringType {
        self.string_type
    }
}

// The text form lacks the string type, so that a stored transactionID would otherwise differ from
// the same one in a message.
impl PartialEq for TransactionId {
    fn eq(&self, other: &Self) -> bool {
        self.octets == other.octets
    }
}

impl Eq for TransactionId {}

impl std::hash::Hash for TransactionId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.octets.hash(state);
    }
}

fn encode_text(octets: &[u8]) -> String {
    let is_plain = |octet: &u8| matches!(octet, b' '..=b'~') && !b"\"`\\".contains(octet);
    let text = str::from_utf8(octets).ok();
    // A text that begins with `#` would be mistaken for hexadecimal.
    let plain = text.filter(|text| !text.starts_with(HEXADECIMAL) && octets.iter().all(is_plain));
    plain.map_or_else(
        || {
            let hexadecimal = String::from(HEXADECIMAL);
            octets.iter().fold(hexadecimal, |mut text, octet| {
                // Writing to a String does not fail.
                let _ = write!(text, "{octet:02x}");
                text
            })
        },
        str::to_owned,
    )
}

fn decode_hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let (pairs, []) = digits.as_bytes().as_chunks() else {
        return None;
    };
    let digit = |octet: u8| char::from(octet).to_digit(16);
    pairs
        .iter()
        .map(|[high, low]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok())
        .collect()
}

const HEXADECIMAL: char = '#';
const MALFORMED: AttributeError = AttributeError("transactionID");

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the text form of a transactionID with these octets, and parses it again.
    #[track_caller]
    fn check(tag: Tag, octets: &[u8], text: &str) {
        let id = TransactionId::from_any(AnyRef::new(tag, octets).unwrap()).unwrap();
        assert_eq!((id.as_str(), id.string_type().tag()), (text, tag));
        let read = TransactionId::new(text).unwrap();
        assert_eq!((read.as_bytes(), read.as_str()), (octets, text));
        assert_eq!(read, id);
    }

    #[test]
    fn a_transaction_id_has_one_text_that_hides_nothing() {
        check(
            Tag::PrintableString,
            b"SSCEP transactionId",
            "SSCEP transactionId",
        );
        check(Tag::PrintableString, b"a=/+'(),-.:?", "a=/+'(),-.:?");
        check(Tag::PrintableString, b"abc_123@*", "abc_123@*");
        check(Tag::Utf8String, b"{0E5F-1}", "{0E5F-1}");
        check(Tag::Ia5String, b"#00", "#233030");
        check(Tag::Utf8String, "\u{e4}".as_bytes(), "#c3a4");
        check(Tag::PrintableString, &[0xe4, 0], "#e400");
        check(Tag::BmpString, b"\0a", "#0061");
        for octets in [&b"a\"b"[..], b"a\\b", b"a\nb", b"a`b", b"\x7f"] {
            let id = AnyRef::new(Tag::Ia5String, octets).unwrap();
            let id = TransactionId::from_any(id).unwrap();
            assert!(id.as_str().starts_with(HEXADECIMAL), "{octets:?}");
            assert_eq!(TransactionId::new(id.as_str()).unwrap(), id);
        }
    }

    #[test]
    fn a_transaction_id_has_1_to_255_octets() {
        for (octets, is_taken) in [(0, false), (1, true), (255, true), (256, false)] {
            let octets = vec![0; octets];
            let id = TransactionId::from_any(AnyRef::new(Tag::Utf8String, &octets).unwrap());
            assert_eq!(id.is_ok(), is_taken, "{}", octets.len());
            if let Ok(id) = id {
                let shown = (1 + 2 * octets.len()).min(255);
                assert_eq!(id.excerpt(), &id.as_str()[..shown]);
            }
        }
        for text in ["", "#", "#0", "#zz", "#+0"] {
            assert_eq!(TransactionId::new(text).unwrap_err(), MALFORMED, "{text}");
        }
        let octets = AnyRef::new(Tag::OctetString, b"abc").unwrap();
        assert_eq!(TransactionId::from_any(octets).unwrap_err(), MALFORMED);
    }
}
