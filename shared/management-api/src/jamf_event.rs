//! Events of Jamf Pro's webhooks.

use std::collections::BTreeMap;

use ca::bounded_text::is_visible;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The event for which Jamf Pro reads the response: it builds a profile with a SCEP payload whose
/// challenge is dynamic.
const SCEP_CHALLENGE: &str = "SCEPChallenge";

/// What the event tells about the device, by its names in the event.
const DEVICE_FIELDS: [&str; 4] = ["serialNumber", "udid", "deviceName", "username"];

/// The longest value that is taken over, in characters.
const MAX_VALUE_CHARACTERS: usize = 64;

/// An event of Jamf Pro.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum JamfEvent {
    /// Jamf Pro asks for a challenge, for a device with these properties.
    Challenge(BTreeMap<String, String>),
    /// Any other event, of which Jamf Pro ignores the response.
    Other,
}

/// ```json
/// { "webhook": { "webhookEvent": "SCEPChallenge", … }, "event": { "targetDevice": { … }, … } }
/// ```
#[derive(Deserialize)]
struct Message {
    webhook: Webhook,
    #[serde(default)]
    event: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    webhook_event: String,
}

impl JamfEvent {
    /// Parses the body of a webhook, JSON. Fields that are not needed may have any form, because
    /// they differ between versions of Jamf Pro.
    ///
    /// # Errors
    /// If it is not JSON, or not an event.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, serde_json::Error> {
        let Message { webhook, event } = serde_json::from_slice(body)?;
        if webhook.webhook_event != SCEP_CHALLENGE {
            return Ok(Self::Other);
        }
        // Events about computers have the device's properties themselves, this one in an object.
        let device = match event.get("targetDevice") {
            Some(Value::Object(device)) => device,
            Some(_) | None => &event,
        };
        let properties = DEVICE_FIELDS.into_iter().filter_map(|name| {
            let value = clean_text(device.get(name)?.as_str()?);
            (!value.is_empty()).then(|| (name.to_owned(), value))
        });
        Ok(Self::Challenge(properties.collect()))
    }
}

/// The visible characters of a text, as far as they are taken over. Users choose the names of
/// devices.
pub(crate) fn clean_text(text: &str) -> String {
    let visible = text.chars().filter(|c| is_visible(*c));
    let cut: String = visible.take(MAX_VALUE_CHARACTERS).collect();
    cut.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(body: &Value, expected: &[(&str, &str)]) {
        let expected = expected
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        assert_eq!(
            JamfEvent::parse(body.to_string().as_bytes()).unwrap(),
            JamfEvent::Challenge(expected.collect())
        );
    }

    fn challenge_event(event: Value) -> Value {
        json!({ "webhook": { "webhookEvent": SCEP_CHALLENGE, "id": 1 }, "event": event })
    }

    #[test]
    fn a_challenge_is_asked_for_a_device() {
        let device = json!({
            "serialNumber": "C02M23PJFH50", "udid": "EBBFF74D-C6B7-5599-93A9-19E8BDDEFE32",
            "deviceName": "Ann's Mac\u{202e}\n", "username": "", "jssID": 13, "model": "Mac"
        });
        let expected = [
            ("deviceName", "Ann's Mac"),
            ("serialNumber", "C02M23PJFH50"),
            ("udid", "EBBFF74D-C6B7-5599-93A9-19E8BDDEFE32"),
        ];
        let nested = json!({ "payloadTypes": ["com.apple.security.scep"], "targetDevice": device });
        check(&challenge_event(nested), &expected);
        check(&challenge_event(device), &expected);
        check(&challenge_event(json!({ "serialNumber": 5 })), &[]);
        check(&challenge_event(json!({})), &[]);
        let long = json!({ "udid": "x".repeat(1_000) });
        let cut = "x".repeat(MAX_VALUE_CHARACTERS);
        check(&challenge_event(long), &[("udid", &cut)]);
        check(
            &json!({ "webhook": { "webhookEvent": SCEP_CHALLENGE } }),
            &[],
        );
    }

    #[test]
    fn other_events_and_other_texts_ask_for_none() {
        let parse = |body: &str| JamfEvent::parse(body.as_bytes());
        let other = json!({ "webhook": { "webhookEvent": "ComputerAdded" }, "event": {} });
        assert_eq!(parse(&other.to_string()).unwrap(), JamfEvent::Other);
        for wrong in [
            "",
            "{}",
            "[]",
            "<JSSEvent/>",
            r#"{"webhook":{}}"#,
            r#"{"webhook":{"webhookEvent":"SCEPChallenge"},"event":[]}"#,
            r#"{"webhook":{"webhookEvent":1}}"#,
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
