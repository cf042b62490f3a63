//! Requests: extractors for bodies, paths, queries and preconditions, which reject with a reason.

use std::marker::PhantomData;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use ca::id::AuthorityUuid;
use http::StatusCode;
use http::header::IF_MATCH;
use http::request::Parts;
use newtype_uuid::{GenericUuid, TypedUuid, TypedUuidKind};
use scep_service::inventory::PageRequest;
use secrecy::SecretString;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeOwned, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{OffsetDateTime, UtcOffset};
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use uuid::Uuid;

use crate::json_body::parse_json;
use crate::response::{ApiError, MAX_BODY_BYTES};

/// A JSON body, regardless of its Content-Type.
// Scripts omit the header: `curl --data` sends that of a form.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let body = Bytes::from_request(request, state).await?;
        parse_json(&body).map(Self)
    }
}

/// A JSON object, or an empty body or null for its default. The OpenAPI document declares it as an
/// `Option`.
pub(crate) struct BodyOrNone<T>(pub(crate) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for BodyOrNone<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let body = Bytes::from_request(request, state).await?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        let body: Option<JsonObject<T>> = parse_json(&body)?;
        Ok(Self(body.map(|JsonObject(body)| body).unwrap_or_default()))
    }
}

impl From<BytesRejection> for ApiError {
    fn from(rejection: BytesRejection) -> Self {
        match rejection.status() {
            // The guard of the route has rejected what is longer by its announced length.
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge(MAX_BODY_BYTES),
            _ => Self::BadRequest("the body could not be read".to_owned()),
        }
    }
}

/// The parameters of a path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(crate) struct Ids<T>(pub(crate) T);

/// A path with anything but a UUID in a UUID's place is 404.
impl From<PathRejection> for ApiError {
    fn from(_: PathRejection) -> Self {
        Self::NotFound("there is nothing at this URL".to_owned())
    }
}

/// The path parameter of an object.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ObjectPath {
    /// UUID of the object.
    #[param(example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11")]
    pub(crate) uuid: Uuid,
}

/// The UUID in the path of an object of this kind.
pub(crate) struct Id<K: TypedUuidKind>(pub(crate) TypedUuid<K>);

impl<K: TypedUuidKind, S: Send + Sync> FromRequestParts<S> for Id<K> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Ids(ObjectPath { uuid }) = Ids::from_request_parts(parts, state).await?;
        Ok(Self(TypedUuid::from_untyped_uuid(uuid)))
    }
}

/// The path parameter of objects that belong to an authority.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
pub(crate) struct AuthorityPath {
    /// UUID of the authority.
    #[param(value_type = Uuid, example = "b3f8f3f6-58ad-4c8a-8a52-0f6f8f1d2c3a")]
    pub(crate) authority_uuid: AuthorityUuid,
}

/// The parameters of a query.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub(crate) struct Query<T>(pub(crate) T);

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::BadRequest(rejection.body_text())
    }
}

/// The version that an edit is based on, from a header such as `If-Match: "3"`, if present.
pub(crate) struct IfMatch(pub(crate) Option<u64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let Some(value) = parts.headers.get(IF_MATCH) else {
            return Ok(Self(None));
        };
        let tag = value.to_str().unwrap_or_default().trim();
        // RFC 9110 §13.1.1: `*` matches any version.
        if tag == "*" {
            return Ok(Self(None));
        }
        // A compressing proxy turns the tag into a weak one; it still names the same version.
        let strong_tag = tag.strip_prefix("W/").unwrap_or(tag);
        // A tag that no response contained matches no version. Versions are never 0.
        let version = strong_tag
            .strip_prefix('"')
            .and_then(|tag| tag.strip_suffix('"'))
            .and_then(|version| version.parse().ok())
            .unwrap_or(0);
        Ok(Self(Some(version)))
    }
}

impl IntoParams for IfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![if_match_parameter(Required::False)]
    }
}

/// Describes [`IfMatch`] where it is required.
pub(crate) struct RequiredIfMatch;

impl IntoParams for RequiredIfMatch {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![if_match_parameter(Required::True)]
    }
}

fn if_match_parameter(required: Required) -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(64));
    ParameterBuilder::new()
        .name("If-Match")
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(
            "ETag of the version on which the request is based. If the object has changed since, \
             the response is 409.",
        ))
        .schema(Some(schema))
        .example(Some(json!("\"3\"")))
        .build()
}

/// The number of items on a page if the query does not set it.
const DEFAULT_LIMIT: u16 = 100;

/// The most items on a page.
pub(crate) const MAX_LIMIT: u16 = 500;

/// Treats an empty parameter like a missing one, as forms and scripts send it.
pub(crate) fn non_empty(parameter: Option<String>) -> Option<String> {
    parameter.filter(|text| !text.is_empty())
}

/// Parses the page that a query asks for.
pub(crate) fn parse_page(
    limit: Option<String>,
    cursor: Option<String>,
) -> Result<PageRequest, ApiError> {
    let limit = match non_empty(limit).map(|limit| limit.parse()) {
        None => DEFAULT_LIMIT,
        Some(Ok(limit @ 1..=MAX_LIMIT)) => limit,
        Some(_) => return Err(ApiError::reason(format!("limit: 1 to {MAX_LIMIT}"))),
    };
    Ok(PageRequest {
        limit,
        cursor: non_empty(cursor),
    })
}

/// Parses a parameter that is a UUID.
pub(crate) fn parse_uuid<T: GenericUuid>(
    name: &str,
    parameter: Option<String>,
) -> Result<Option<T>, ApiError> {
    non_empty(parameter)
        .map(|text| Uuid::parse_str(&text).map(T::from_untyped_uuid))
        .transpose()
        .map_err(|_| ApiError::reason(format!("{name}: not a uuid")))
}

/// Parses a parameter that is an RFC 3339 time, or a date, which means midnight UTC. The time is in
/// UTC and of a year from 1970 to 9999.
pub(crate) fn parse_time(
    name: &str,
    parameter: Option<String>,
) -> Result<Option<OffsetDateTime>, ApiError> {
    let Some(text) = non_empty(parameter) else {
        return Ok(None);
    };
    let midnight = || {
        Some(
            time::Date::parse(&text, &Iso8601::DATE)
                .ok()?
                .midnight()
                .assume_utc(),
        )
    };
    let reason =
        || format!("{name}: not a time like 2030-01-31T12:00:00Z, or a day like 2030-01-31");
    OffsetDateTime::parse(&text, &Rfc3339)
        .ok()
        .or_else(midnight)
        // A time near the end of 9999, of a zone behind UTC, lies in a year that `time` cannot
        // express.
        .and_then(|at| at.checked_to_offset(UtcOffset::UTC))
        // No record is older than 1970, and years in RFC 3339 have four digits.
        .filter(|at| (1970..=9999).contains(&at.year()))
        .map(Some)
        .ok_or_else(|| ApiError::reason(reason()))
}

/// Formats a time for a response: RFC 3339, UTC, in whole seconds or milliseconds.
pub(crate) fn format_time(at: OffsetDateTime) -> String {
    // Times of requests and of the store are in UTC, so the conversion changes nothing.
    let utc = at.checked_to_offset(UtcOffset::UTC).unwrap_or(at);
    // Stored times have years from 0 to 9999, all of which RFC 3339 can express.
    utc.replace_nanosecond(utc.nanosecond() / 1_000_000 * 1_000_000)
        .unwrap_or(utc)
        .format(&Rfc3339)
        .unwrap_or_default()
}

/// A JSON object. Without this wrapper, serde would also accept an array of a struct's values.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct JsonObject<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for JsonObject<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = JsonObject<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<JsonObject<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(JsonObject)
    }
}

/// A JSON object, or an array of them.
pub(crate) enum OneOrMany<T> {
    /// An object.
    One(T),
    /// An array.
    Many(Vec<T>),
}

// serde's own untagged enums lose what is wrong with the object.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData))
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMany<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(OneOrMany::One)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<OneOrMany<T>, A::Error> {
        let objects: Vec<JsonObject<T>> = Vec::deserialize(SeqAccessDeserializer::new(sequence))?;
        let objects = objects.into_iter().map(|JsonObject(object)| object);
        Ok(OneOrMany::Many(objects.collect()))
    }
}

/// A secret string. Error messages repeat other values of a wrong type, but never a secret.
// secrecy's own `Deserialize` reads a `String`, whose errors repeat a number in the secret's place.
pub(crate) struct SecretText(pub(crate) SecretString);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // With `deserialize_str`, serde_json would include the value in its error message.
        deserializer.deserialize_any(SecretVisitor)
    }
}

struct SecretVisitor;

impl SecretVisitor {
    fn not_a_string<E: Error>() -> E {
        E::custom("expected a string")
    }
}

impl Visitor<'_> for SecretVisitor {
    type Value = SecretText;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SecretText, E> {
        Ok(SecretText(SecretString::from(text)))
    }

    // serde's default implementations of the following would put the value into the error message.
    fn visit_bool<E: Error>(self, _: bool) -> Result<SecretText, E> {
        Err(Self::not_a_string())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<SecretText, E> {
        Err(Self::not_a_string())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<SecretText, E> {
        Err(Self::not_a_string())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<SecretText, E> {
        Err(Self::not_a_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read by serde alone")]
    struct Outer {
        number: Option<u8>,
        inner: Option<JsonObject<Inner>>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "read by serde alone")]
    struct Inner {
        secret: SecretText,
    }

    impl std::fmt::Debug for Inner {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Inner")
        }
    }

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let said = match parse_json::<JsonObject<Outer>>(body.as_bytes()) {
            Ok(_) => "taken".to_owned(),
            Err(ApiError::BadRequest(reason)) => format!("400 {reason}"),
            Err(ApiError::Unprocessable(reasons)) => format!("422 {}", reasons.join("|")),
            Err(other) => panic!("{other:?}"),
        };
        assert!(said.starts_with(expected), "{said}");
    }

    #[test]
    fn malformed_json_and_unknown_fields_are_400_and_wrong_values_422() {
        check(r#"{"number": 1, "inner": {"secret": "x"}}"#, "taken");
        check("{", "400 malformed JSON");
        check("", "400 malformed JSON");
        check("{} {}", "400 malformed JSON");
        check(r#"{"numbre": 1}"#, "400 numbre: unknown field");
        check(r#"{"number": 1, "number": 1}"#, "400 duplicate field");
        check(
            r#"{"inner": {"secret": "x", "more": 1}}"#,
            "400 inner.more: unknown field",
        );
        check(r#"{"number": 300}"#, "422 number: not a whole number");
        check(r#"{"inner": {}}"#, "422 inner.secret: missing");
        check("[]", "422 expected an object");
        check(r#"{"inner": ["x"]}"#, "422 inner: expected an object");
    }

    #[test]
    fn an_object_or_an_array_of_objects_is_read_with_its_errors() {
        let parse = |body: &str| match parse_json::<OneOrMany<Outer>>(body.as_bytes()) {
            Ok(OneOrMany::One(_)) => "one".to_owned(),
            Ok(OneOrMany::Many(many)) => format!("{}", many.len()),
            Err(ApiError::BadRequest(reason)) => format!("400 {reason}"),
            Err(ApiError::Unprocessable(reasons)) => format!("422 {}", reasons.join("|")),
            Err(other) => panic!("{other:?}"),
        };
        for (body, expected) in [
            (r#"{"number": 1}"#, "one"),
            ("[]", "0"),
            (r#"[{"number": 1}, {}]"#, "2"),
            (r#"{"numbre": 1}"#, "400 numbre: unknown field"),
            (r#"[{}, {"numbre": 1}]"#, "400 [1].numbre: unknown field"),
            (
                r#"[{}, {"number": 300}]"#,
                "422 [1].number: not a whole number",
            ),
            ("[[1]]", "422 [0]: expected an object"),
            ("1", "422 expected an object or an array"),
            ("[{}", "400 malformed JSON"),
        ] {
            let said = parse(body);
            assert!(said.starts_with(expected), "{body}: {said}");
        }
    }

    #[test]
    fn a_secret_of_a_wrong_type_is_not_repeated() {
        for secret in ["123456", "-1", "1.5", "true"] {
            let body = format!(r#"{{"inner": {{"secret": {secret}}}}}"#);
            check(&body, "422 inner.secret: expected a string");
        }
        let body = r#"{"inner": {"secret": ["hidden"]}}"#;
        check(body, "422 inner.secret: expected a string");
    }

    #[test]
    fn times_are_read_as_times_or_days() {
        let read =
            |text: &str| parse_time("since", Some(text.to_owned())).map(|at| at.map(format_time));
        assert_eq!(
            read("2030-01-31").unwrap().as_deref(),
            Some("2030-01-31T00:00:00Z")
        );
        let shown = read("2030-01-31T12:00:00.5+02:00").unwrap();
        assert_eq!(shown.as_deref(), Some("2030-01-31T10:00:00.5Z"));
        assert_eq!(read("").unwrap(), None);
        let latest = "9999-12-31T23:59:59Z";
        assert_eq!(read(latest).unwrap().as_deref(), Some(latest));
        for text in [
            "now",
            "2030-13-01",
            "1969-01-01",
            "-2030-01-01",
            "1970-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-01:00",
            "9999-12-31T23:59:59-23:59",
            "0000-01-01T00:00:00+23:59",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
