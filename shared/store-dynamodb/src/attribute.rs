//! Attributes: the forms in which values are stored.

use std::collections::HashMap;
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use scep_protocol::transaction::Fingerprint;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use strum::ParseError;
use time::OffsetDateTime;
use time::error::ComponentRange;

/// Milliseconds since 1970; smaller fractions are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "i64", try_from = "i64")]
pub(crate) struct Millis(pub(crate) OffsetDateTime);

impl From<Millis> for i64 {
    fn from(at: Millis) -> Self {
        // The years that `time` knows are a small part of this range.
        Self::try_from(at.0.unix_timestamp_nanos() / NANOSECONDS_A_MILLISECOND).unwrap_or(Self::MAX)
    }
}

impl TryFrom<i64> for Millis {
    type Error = ComponentRange;

    fn try_from(milliseconds: i64) -> Result<Self, ComponentRange> {
        let nanoseconds = i128::from(milliseconds) * NANOSECONDS_A_MILLISECOND;
        OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).map(Self)
    }
}

const NANOSECONDS_A_MILLISECOND: i128 = 1_000_000;

/// Seconds since 1970, the unit of DynamoDB's time to live. Rounded up, so that an item never
/// expires before this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "i64", try_from = "i64")]
pub(crate) struct Expiry(pub(crate) OffsetDateTime);

impl From<Expiry> for i64 {
    fn from(at: Expiry) -> Self {
        at.0.unix_timestamp().saturating_add(1)
    }
}

impl TryFrom<i64> for Expiry {
    type Error = ComponentRange;

    fn try_from(seconds: i64) -> Result<Self, ComponentRange> {
        OffsetDateTime::from_unix_timestamp(seconds).map(Self)
    }
}

/// A fingerprint as 32 octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "ByteArray<32>", from = "ByteArray<32>")]
pub(crate) struct Digest(pub(crate) Fingerprint);

impl From<Digest> for ByteArray<32> {
    fn from(digest: Digest) -> Self {
        Self::new(digest.0.0)
    }
}

impl From<ByteArray<32>> for Digest {
    fn from(octets: ByteArray<32>) -> Self {
        Self(Fingerprint(octets.into_array()))
    }
}

/// A fingerprint as hexadecimal digits in lower case, because the key of an index is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct HexDigest(pub(crate) Fingerprint);

impl From<HexDigest> for String {
    fn from(digest: HexDigest) -> Self {
        digest.0.to_string()
    }
}

impl TryFrom<String> for HexDigest {
    type Error = NotHexadecimal;

    fn try_from(digits: String) -> Result<Self, NotHexadecimal> {
        Fingerprint::from_hexadecimal(&digits)
            .map(Self)
            .ok_or(NotHexadecimal)
    }
}

/// A text is not a fingerprint.
#[derive(Debug, thiserror::Error)]
#[error("a fingerprint is not 64 hexadecimal digits")]
pub(crate) struct NotHexadecimal;

/// A value that is stored by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[serde(bound(serialize = "T: Named", deserialize = "T: Named"))]
pub(crate) struct ByName<T>(pub(crate) T);

/// A value whose name, derived by `strum`, is its stored form.
pub(crate) trait Named: Copy + Into<&'static str> + FromStr<Err = ParseError> {}

impl<T: Copy + Into<&'static str> + FromStr<Err = ParseError>> Named for T {}

impl<T: Named> From<ByName<T>> for String {
    fn from(value: ByName<T>) -> Self {
        let name: &str = value.0.into();
        name.to_owned()
    }
}

impl<T: Named> TryFrom<String> for ByName<T> {
    type Error = ParseError;

    fn try_from(name: String) -> Result<Self, ParseError> {
        name.parse().map(Self)
    }
}

/// JSON in a text attribute.
pub(crate) mod json_text {
    use serde::de::{DeserializeOwned, Error as _};
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T, S>(value: &T, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: Serialize,
        S: Serializer,
    {
        let json = serde_json::to_string(value).map_err(S::Error::custom)?;
        serializer.serialize_str(&json)
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: DeserializeOwned,
        D: Deserializer<'de>,
    {
        let json = String::deserialize(deserializer)?;
        serde_json::from_str(&json).map_err(D::Error::custom)
    }
}

/// Whether a value need not be stored, because a missing attribute means the same.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

pub(crate) fn to_text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn to_octets(value: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

pub(crate) fn to_number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// Counts the octets of an item or a map: its names, texts, digits and binary values.
pub(crate) fn count_octets(attributes: &HashMap<String, AttributeValue>) -> usize {
    let of_attribute = |(name, value): (&String, _)| name.len().saturating_add(octets_of(value));
    attributes.iter().map(of_attribute).sum()
}

fn octets_of(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::B(octets) => octets.as_ref().len(),
        AttributeValue::L(values) => values.iter().map(octets_of).sum(),
        AttributeValue::M(map) => count_octets(map),
        AttributeValue::N(text) | AttributeValue::S(text) => text.len(),
        AttributeValue::Bs(octets) => octets.iter().map(|octets| octets.as_ref().len()).sum(),
        AttributeValue::Ns(texts) | AttributeValue::Ss(texts) => {
            texts.iter().map(String::len).sum()
        }
        // Whatever a later version of the SDK adds, this project does not store.
        AttributeValue::Bool(_) | AttributeValue::Null(_) | _ => 1,
    }
}

/// The attribute value of [`Millis`].
pub(crate) fn to_millis(at: OffsetDateTime) -> AttributeValue {
    to_number(i64::from(Millis(at)))
}

/// The attribute value of [`Expiry`].
pub(crate) fn to_seconds(at: OffsetDateTime) -> AttributeValue {
    to_number(i64::from(Expiry(at)))
}

#[cfg(test)]
mod tests {
    use ca::revocation::RevocationReason;
    use scep_service::audit::AuditAction;
    use scep_service::object::ObjectKind;
    use serde::de::DeserializeOwned;
    use strum::VariantArray;
    use time::macros::datetime;

    use super::*;

    #[track_caller]
    fn check<T>(value: T, stored: &AttributeValue)
    where
        T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
    {
        let written: AttributeValue = serde_dynamo::to_attribute_value(&value).unwrap();
        assert_eq!(&written, stored);
        let read: T = serde_dynamo::from_attribute_value(written).unwrap();
        assert_eq!(read, value);
    }

    #[test]
    fn times_are_numbers_of_milliseconds() {
        let at = datetime!(2026-01-02 03:04:05.678 UTC);
        check(Millis(at), &AttributeValue::N("1767323045678".to_owned()));
        assert_eq!(
            to_millis(at + time::Duration::microseconds(999)),
            to_millis(at)
        );
        check(
            Millis(datetime!(9999-12-31 23:59:59 UTC)),
            &AttributeValue::N("253402300799000".to_owned()),
        );
    }

    #[test]
    fn expiry_is_a_number_of_seconds_and_never_early() {
        let at = datetime!(2026-01-02 03:04:05.678 UTC);
        let written: AttributeValue = serde_dynamo::to_attribute_value(Expiry(at)).unwrap();
        assert_eq!(written, AttributeValue::N("1767323046".to_owned()));
        assert_eq!(written, to_seconds(at));
        let Expiry(read) = serde_dynamo::from_attribute_value(written).unwrap();
        assert_eq!(read, datetime!(2026-01-02 03:04:06 UTC));
    }

    #[test]
    fn fingerprints_are_octets_or_digits() {
        let fingerprint = Fingerprint([0xab; 32]);
        check(Digest(fingerprint), &to_octets(&[0xab; 32]));
        check(HexDigest(fingerprint), &to_text("ab".repeat(32)));
        for short in [to_octets(&[0xab; 31]), to_octets(&[0xab; 33])] {
            assert!(serde_dynamo::from_attribute_value::<_, Digest>(short).is_err());
        }
    }

    #[test]
    fn values_are_stored_by_the_names_that_they_have() {
        for action in AuditAction::VARIANTS {
            check(ByName(*action), &to_text(action.name()));
        }
        for kind in ObjectKind::VARIANTS {
            check(ByName(*kind), &to_text(kind.name()));
        }
        for reason in RevocationReason::VARIANTS {
            check(ByName(*reason), &to_text(reason.name()));
        }
        let unknown = to_text("certificateHold2");
        assert!(
            serde_dynamo::from_attribute_value::<_, ByName<RevocationReason>>(unknown).is_err()
        );
    }
}
