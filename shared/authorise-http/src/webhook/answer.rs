//! The answer of a webhook to the question whether an enrolment is authorised.

use ca::bounded_text::is_visible;
use ca::vouched_names::{VouchedAltNames, VouchedNames, VouchedNamesSpec};
use scep_service::admin::MAX_REASON_CHARACTERS;
use serde::Deserialize;
use serde::de::Error;

use crate::webhook::error::WebhookError;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The enrolment is authorised, for these names.
    Allow(VouchedNames),
    /// The enrolment is refused, for this reason; may be empty.
    Deny(String),
    /// The enrolment is authorised for these names if an administrator approves it.
    Hold(VouchedNames),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AnswerBody {
    decision: Decision,
    reason: Option<String>,
    subject_alt_names: Option<VouchedAltNames>,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Decision {
    Allow,
    Deny,
    Hold,
}

impl Answer {
    /// Parses the body of a response.
    ///
    /// # Errors
    /// [`WebhookError::Answer`] and [`WebhookError::Names`].
    // Strict, because a decision that is misread issues a certificate.
    pub(super) fn parse(body: &[u8]) -> Result<Self, WebhookError> {
        // serde would also read the list of a struct's values.
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(WebhookError::Answer(serde_json::Error::custom(
                "not an object",
            )));
        }
        let body: AnswerBody = serde_json::from_slice(body).map_err(WebhookError::Answer)?;
        let spec = VouchedNamesSpec {
            subject_alt_names: body.subject_alt_names.unwrap_or_default(),
            ..VouchedNamesSpec::default()
        };
        let names =
            VouchedNames::try_from(spec).map_err(|error| WebhookError::Names(error.to_string()))?;
        Ok(match body.decision {
            Decision::Allow => Self::Allow(names),
            Decision::Deny => Self::Deny(excerpt(&body.reason.unwrap_or_default())),
            Decision::Hold => Self::Hold(names),
        })
    }
}

/// The beginning of a reason, without invisible characters. The device gets it.
fn excerpt(reason: &str) -> String {
    reason
        .chars()
        .filter(|c| is_visible(*c))
        .take(MAX_REASON_CHARACTERS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns_names(names: &[&str]) -> VouchedNames {
        let json = serde_json::json!({ "subjectAltNames": { "dns": names } });
        serde_json::from_value(json).unwrap()
    }

    #[track_caller]
    fn check(body: &str, expected: Answer) {
        assert_eq!(Answer::parse(body.as_bytes()).unwrap(), expected, "{body}");
    }

    #[test]
    fn an_answer_allows_denies_or_holds() {
        let none = VouchedNames::default;
        check(r#"{"decision":"ALLOW"}"#, Answer::Allow(none()));
        check(
            r#" {"decision":"HOLD","reason":null,"subjectAltNames":null} "#,
            Answer::Hold(none()),
        );
        check(
            r#"{"decision":"ALLOW","reason":"known","subjectAltNames":{"dns":["a.example"]}}"#,
            Answer::Allow(dns_names(&["a.example"])),
        );
        check(
            r#"{"decision":"HOLD","subjectAltNames":{"dns":[]}}"#,
            Answer::Hold(dns_names(&[])),
        );
        check(r#"{"decision":"DENY"}"#, Answer::Deny(String::new()));
        let long = format!(
            r#"{{"decision":"DENY","reason":"\u0000\n\u202e{}"}}"#,
            "ü".repeat(300)
        );
        check(&long, Answer::Deny("ü".repeat(200)));
    }

    #[test]
    fn anything_else_is_no_answer() {
        for body in [
            "",
            "null",
            "ALLOW",
            "[]",
            "{}",
            r#"{"decision":null}"#,
            r#"{"decision":"allow"}"#,
            r#"{"decision":"YES"}"#,
            r#"{"decision":true}"#,
            r#"{"decision":"ALLOW"}{"decision":"DENY"}"#,
            r#"{"decision":"DENY","decision":"ALLOW"}"#,
            r#"{"decision":"ALLOW","Reason":"x"}"#,
            r#"{"decision":"ALLOW","reason":1}"#,
            r#"{"decision":"ALLOW","subjectAltNames":{"dns":"a.example"}}"#,
            r#"{"decision":"ALLOW","subjectAltNames":{"nonsense":["x"]}}"#,
            r#"{"decision":"ALLOW","subjectAltNames":{"dns":["not a name"]}}"#,
            r#"{"decision":"ALLOW","subjectAltNames":{"sid":"S-1-nonsense"}}"#,
            r#"{"decision":"DENY","subjectAltNames":{"dns":["not a name"]}}"#,
        ] {
            assert!(Answer::parse(body.as_bytes()).is_err(), "{body}");
        }
        assert!(Answer::parse(b"{\"decision\":\"ALLOW\"}\xff").is_err());
        // serde would read a struct from the list of its values, too.
        assert!(Answer::parse(br#"["ALLOW",null,null]"#).is_err());
    }
}
