//! JSON bodies of requests: how they are parsed, and what callers are told about wrong ones.

use serde::de::{DeserializeOwned, Error, IgnoredAny};
use serde_json::error::Category;

use crate::response::ApiError;

/// Parses a JSON body. Malformed JSON and unknown fields are 400; well-formed JSON with invalid
/// values is 422.
pub(crate) fn parse_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = match error.path().to_string().as_str() {
            "." => String::new(),
            path => path.to_owned(),
        };
        let cause = error.into_inner();
        match cause.classify() {
            Category::Syntax if is_wrong_name(body, &cause) => {
                ApiError::reason(say_about(&path, "expected a string".to_owned()))
            }
            Category::Eof | Category::Io | Category::Syntax => {
                ApiError::BadRequest(format!("malformed JSON: {cause}"))
            }
            Category::Data if is_field_name_error(&cause) => {
                ApiError::BadRequest(say_about(&path, text_of(&cause)))
            }
            Category::Data => ApiError::reason(describe_value_error(&path, &text_of(&cause))),
        }
    })?;
    // The deserializer stops after the first value and would ignore anything after it.
    let malformed = |error| ApiError::BadRequest(format!("malformed JSON: {error}"));
    json.end().map_err(malformed)?;
    Ok(parsed)
}

/// Whether the error is about a value other than a string in the place of an enum's name.
// serde_json reports it as malformed JSON, which it is not.
fn is_wrong_name(body: &[u8], error: &serde_json::Error) -> bool {
    text_of(error) == "expected value" && serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// Whether the error is about an unknown or duplicate field.
fn is_field_name_error(error: &serde_json::Error) -> bool {
    // The path of such an error is that of any other in the same place, and its text is all that
    // serde_json keeps of its kind. serde itself makes the texts to compare it with.
    let known = [
        serde_json::Error::unknown_field("", &[]),
        serde_json::Error::duplicate_field(""),
    ];
    // The name of the field follows in backticks.
    let kind = |error: &serde_json::Error| error.to_string().split('`').next().map(str::to_owned);
    known.iter().any(|known| kind(known) == kind(error))
}

/// The text of an error without its position, which means nothing to who fills a form in.
fn text_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).unwrap_or(&text).to_owned()
}

fn say_about(path: &str, text: String) -> String {
    match path {
        "" => text,
        path => format!("{path}: {text}"),
    }
}

/// Describes a value that is of a wrong type, or none of its type. The value is not repeated.
fn describe_value_error(path: &str, text: &str) -> String {
    // serde names a missing field at the object that lacks it; callers look for it at the field.
    if let Some(field) = between(text, "missing field `", "`") {
        let field = match path {
            "" => field.to_owned(),
            path => format!("{path}.{field}"),
        };
        return say_about(&field, "missing".to_owned());
    }
    // The names are in backticks, the last after "or" if there are two.
    if text.starts_with("unknown variant `") {
        let names = text.rsplit_once("`, expected ").map(|(_, names)| names);
        return say_about(path, names.unwrap_or(text).replace('`', ""));
    }
    if text.starts_with("UUID parsing failed") {
        return say_about(path, NOT_A_UUID.to_owned());
    }
    let is_of_serde = ["invalid length ", "invalid type: ", "invalid value: "]
        .iter()
        .any(|prefix| text.starts_with(prefix));
    let expected = text
        .rsplit_once(", expected ")
        .filter(|_| is_of_serde)
        .map(|(_, expected)| describe_expected(expected));
    // Every other text is a sentence of the project about its own types.
    say_about(path, expected.unwrap_or_else(|| text.to_owned()))
}

const NOT_A_UUID: &str = "not a uuid";

/// Describes what a value should have been, by serde's name for it.
fn describe_expected(expected: &str) -> String {
    match expected {
        // The types' limits are wider than those of their fields, which only the use cases know.
        "u8" | "u16" | "u32" | "u64" | "usize" | "i64" => "not a whole number in its range".into(),
        "a formatted UUID string" => NOT_A_UUID.to_owned(),
        "a map" => "expected an object".to_owned(),
        "a sequence" => "expected an array".to_owned(),
        kind if kind.starts_with("struct ") => "expected an object".to_owned(),
        other => format!("expected {other}"),
    }
}

/// The text between a prefix and the next occurrence of an end.
fn between<'a>(text: &'a str, prefix: &str, end: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(prefix)?;
    rest.split_once(end).map(|(inside, _)| inside)
}

#[cfg(test)]
mod tests {
    use ca::key_algorithm::KeyAlgorithm;
    use ca::template::Period;
    use scep_protocol::id::RaProfileUuid;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "read by serde alone")]
    struct Form {
        algorithm: Option<KeyAlgorithm>,
        enabled: Option<bool>,
        form: Option<Box<Form>>,
        kind: Option<Kind>,
        links: Option<Vec<RaProfileUuid>>,
        name: String,
        uses: Option<u16>,
        validity: Option<Period>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    enum Kind {
        Root,
        Subordinate,
    }

    #[track_caller]
    fn check(fields: &str, expected: &str) {
        let body = format!(r#"{{"name": "a", {fields}}}"#);
        let error = parse_json::<Form>(body.as_bytes()).unwrap_err();
        let ApiError::Unprocessable(reasons) = error else {
            panic!("{error:?}");
        };
        assert_eq!(reasons, [expected], "{fields}");
    }

    #[test]
    fn a_wrong_value_is_described_with_its_field_and_without_its_position() {
        let period = "a period is an ISO 8601 duration of at most 100 years in whole numbers, like \
                      P2Y, P365D or PT1H";
        for value in [r#""1 year""#, r#""P""#, r#""""#] {
            check(
                &format!(r#""validity": {value}"#),
                &format!("validity: {period}"),
            );
        }
        check(r#""validity": 7"#, "validity: expected a string");
        let number = "uses: not a whole number in its range";
        for value in ["70000", "-1", "1.5", r#""7""#, "1e99", "[]", "{}"] {
            check(&format!(r#""uses": {value}"#), number);
        }
        for value in [r#""x""#, r#""""#, "7", "null", "{}"] {
            check(&format!(r#""links": [{value}]"#), "links[0]: not a uuid");
        }
        check(r#""links": "x""#, "links: expected an array");
        check(r#""kind": "root""#, "kind: ROOT or SUBORDINATE");
        check(r#""kind": "`, expected x""#, "kind: ROOT or SUBORDINATE");
        for value in ["7", "[]", "true"] {
            check(&format!(r#""kind": {value}"#), "kind: expected a string");
            check(
                &format!(r#""algorithm": {value}"#),
                "algorithm: expected a string",
            );
        }
        check(
            r#""algorithm": "RSA""#,
            "algorithm: one of RSA_2048, RSA_3072, RSA_4096, EC_P256, EC_P384, EC_P521",
        );
        check(
            r#""enabled": "yes, expected u8""#,
            "enabled: expected a boolean",
        );
        check(r#""form": 1"#, "form: expected an object");
        check(r#""form": {"enabled": true}"#, "form.name: missing");
        check(
            r#""form": {"name": "a", "uses": -1}"#,
            "form.uses: not a whole number in its range",
        );
    }

    #[test]
    fn what_is_wrong_with_the_whole_body_names_no_field() {
        let check = |body: &str, expected: &str| match parse_json::<Form>(body.as_bytes()) {
            Err(ApiError::Unprocessable(reasons)) => assert_eq!(reasons, [expected], "{body}"),
            other => panic!("{other:?}"),
        };
        check("{}", "name: missing");
        check("7", "expected an object");
        check("null", "expected an object");
    }

    /// Only the text of malformed JSON has a position: there is no field that it could name.
    #[test]
    fn what_is_no_such_json_is_400() {
        let check = |body: &str, expected: &str| match parse_json::<Form>(body.as_bytes()) {
            Err(ApiError::BadRequest(reason)) => assert_eq!(reason, expected, "{body}"),
            other => panic!("{other:?}"),
        };
        check(
            r#"{"name": "a", "form": {"nmae": "b"}}"#,
            "form.nmae: unknown field `nmae`, expected one of `algorithm`, `enabled`, `form`, \
             `kind`, `links`, `name`, `uses`, `validity`",
        );
        check(r#"{"name": "a", "name": "b"}"#, "duplicate field `name`");
        check(
            "{\n1}",
            "malformed JSON: key must be a string at line 2 column 1",
        );
    }
}
