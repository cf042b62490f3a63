//! The forms in which values are stored.

use std::net::IpAddr;
use std::str::FromStr;

use newtype_uuid::{GenericUuid, TypedUuid, TypedUuidKind};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Value, ValueRef};
use rusqlite::{Row, ToSql};
use scep_protocol::transaction::Fingerprint;
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::unreadable;

/// A UUID as 16 octets.
#[derive(Clone, Copy)]
pub(crate) struct Id<T>(pub(crate) T);

impl<T: GenericUuid> ToSql for Id<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let octets = self.0.as_untyped_uuid().as_bytes();
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(octets)))
    }
}

impl<T: TypedUuidKind> FromSql for Id<TypedUuid<T>> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let Id(uuid) = Id::<Uuid>::column_result(value)?;
        Ok(Self(TypedUuid::from_untyped_uuid(uuid)))
    }
}

impl FromSql for Id<Uuid> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 16]>::column_result(value).map(|octets| Self(Uuid::from_bytes(octets)))
    }
}

/// A time as milliseconds since 1970; smaller fractions are dropped.
#[derive(Clone, Copy)]
pub(crate) struct Millis(pub(crate) OffsetDateTime);

const NANOSECONDS_A_MILLISECOND: i128 = 1_000_000;

impl ToSql for Millis {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(to_millis(self.0).into())
    }
}

impl FromSql for Millis {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let nanoseconds = i128::from(value.as_i64()?) * NANOSECONDS_A_MILLISECOND;
        OffsetDateTime::from_unix_timestamp_nanos(nanoseconds)
            .map(Self)
            .map_err(unreadable)
    }
}

/// A fingerprint as 32 octets.
#[derive(Clone, Copy)]
pub(crate) struct Digest(pub(crate) Fingerprint);

impl ToSql for Digest {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(&self.0.0)))
    }
}

impl FromSql for Digest {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 32]>::column_result(value).map(|octets| Self(Fingerprint(octets)))
    }
}

/// A value as the text that it is parsed from.
pub(crate) struct Text<T>(pub(crate) T);

impl<T> FromSql for Text<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(unreadable)
    }
}

impl ToSql for Text<IpAddr> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_string().into())
    }
}

/// A value as JSON.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let text = serde_json::to_string(&self.0)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(text.into())
    }
}

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?)
            .map(Self)
            .map_err(unreadable)
    }
}

/// A number without a sign.
// SQLite's integers have a sign; these numbers are far below the half of their range.
pub(crate) struct Unsigned<T>(pub(crate) T);

impl<T: Copy + Into<u64>> ToSql for Unsigned<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.0.into()).unwrap_or(i64::MAX).into())
    }
}

impl<T: TryFrom<i64>> FromSql for Unsigned<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        T::try_from(number)
            .map(Self)
            .map_err(|_| FromSqlError::OutOfRange(number))
    }
}

/// Returns a time as milliseconds since 1970.
pub(crate) fn to_millis(at: OffsetDateTime) -> i64 {
    let milliseconds = at.unix_timestamp_nanos() / NANOSECONDS_A_MILLISECOND;
    // The years that `time` knows are a small part of this range.
    i64::try_from(milliseconds).unwrap_or(i64::MAX)
}

/// Returns a UUID as a value of its own, for conditions that are put together.
pub(crate) fn to_octets(uuid: impl GenericUuid) -> Value {
    Value::Blob(uuid.into_untyped_uuid().into_bytes().to_vec())
}

/// Reads a UUID from a column that may be null.
pub(crate) fn read_optional_uuid<T: TypedUuidKind>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<Option<TypedUuid<T>>> {
    let found: Option<Id<TypedUuid<T>>> = row.get(column)?;
    Ok(found.map(|Id(uuid)| uuid))
}

/// Reads a time from a column that may be null.
pub(crate) fn read_optional_time(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<Option<OffsetDateTime>> {
    let found: Option<Millis> = row.get(column)?;
    Ok(found.map(|Millis(at)| at))
}

/// Reads a value of JSON from a column that may be null.
pub(crate) fn read_optional_json<T: DeserializeOwned>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<Option<T>> {
    let found: Option<Json<T>> = row.get(column)?;
    Ok(found.map(|Json(value)| value))
}
