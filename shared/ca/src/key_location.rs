//! Where a private key is: in AWS KMS, in a file, or wrapped in the record of its certificate.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text that stands for a secret in audit records.
// It is not empty, so that the audit log shows whether a secret was set.
pub const REDACTED: &str = "(set)";

/// The location of a private key. Serialised as one string: an ARN, a UUID, or base64. `Debug` and
/// `Display` do not show a wrapped key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum KeyLocation {
    /// A key in AWS KMS, which does not leave it.
    Kms(KeyArn),
    /// The file of this name in the folder of keys.
    File(Uuid),
    /// The private key itself, wrapped by a symmetric key in KMS: the ciphertext in base64.
    Wrapped(SecretString),
    /// A location that is withheld from an audit record. No stored object has it.
    Redacted,
}

/// The ARN of a key in AWS KMS, `arn:{partition}:kms:{region}:{account}:key/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyArn(String);

/// The text is not the location of a key.
// The message does not repeat the text, which may be a wrapped key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the location of a key is the ARN of a KMS key, the UUID of a file, or base64")]
pub struct KeyLocationError;

/// The text is not the ARN of a key in AWS KMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the ARN of a KMS key")]
pub struct KeyArnError;

impl KeyLocation {
    /// Returns the stored form, which contains a wrapped key: for stores alone.
    #[must_use]
    pub fn to_stored(&self) -> String {
        match self {
            Self::Kms(arn) => arn.as_str().to_owned(),
            Self::File(uuid) => uuid.to_string(),
            Self::Wrapped(ciphertext) => ciphertext.expose_secret().to_owned(),
            Self::Redacted => REDACTED.to_owned(),
        }
    }
}

impl TryFrom<String> for KeyLocation {
    type Error = KeyLocationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        // Nothing fits two kinds: base64 has no colon and no hyphen.
        if let Ok(arn) = KeyArn::parse(&text) {
            return Ok(Self::Kms(arn));
        }
        // `Uuid` parses further forms, which would be stored differently from how they were read.
        if let Ok(uuid) = Uuid::parse_str(&text)
            && uuid.to_string() == text
        {
            return Ok(Self::File(uuid));
        }
        let is_base64 = STANDARD
            .decode(&text)
            .is_ok_and(|octets| !octets.is_empty());
        is_base64
            .then(|| Self::Wrapped(text.into()))
            .ok_or(KeyLocationError)
    }
}

impl From<KeyLocation> for String {
    fn from(location: KeyLocation) -> Self {
        location.to_stored()
    }
}

impl PartialEq for KeyLocation {
    fn eq(&self, other: &Self) -> bool {
        self.to_stored() == other.to_stored()
    }
}

impl Eq for KeyLocation {}

impl fmt::Display for KeyLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kms(arn) => f.write_str(arn.as_str()),
            Self::File(uuid) => uuid.fmt(f),
            Self::Wrapped(_) | Self::Redacted => f.write_str(REDACTED),
        }
    }
}

impl KeyArn {
    /// Parses an ARN.
    ///
    /// # Errors
    /// If the text is anything else, such as an alias, which may come to mean another key.
    pub fn parse(text: &str) -> Result<Self, KeyArnError> {
        let mut parts = text.splitn(6, ':');
        let is_key = parts.next() == Some("arn")
            && parts.nth(1) == Some("kms")
            && parts.nth(2).is_some_and(|key| key.starts_with("key/"));
        is_key.then(|| Self(text.to_owned())).ok_or(KeyArnError)
    }

    /// Returns the ARN as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name by which an administrator gives an existing key to an authority: in AWS KMS an ARN, an
/// id or an alias. Not checked before the key store looks it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName(String);

impl KeyName {
    /// A key of this name.
    #[must_use]
    pub const fn new(name: String) -> Self {
        Self(name)
    }

    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef";
    const UUID: &str = "1234abcd-12ab-44cd-96ef-1234567890ab";
    const CIPHERTEXT: &str = "AQIDAHg+/w==";

    fn parse(text: &str) -> Result<KeyLocation, KeyLocationError> {
        KeyLocation::try_from(text.to_owned())
    }

    #[test]
    fn a_location_is_stored_as_it_was_read() {
        for text in [ARN, UUID, CIPHERTEXT] {
            let json = format!("\"{text}\"");
            let location: KeyLocation = serde_json::from_str(&json).unwrap();
            assert_eq!(location.to_stored(), text);
            assert_eq!(serde_json::to_string(&location).unwrap(), json);
        }
        assert!(matches!(parse(ARN), Ok(KeyLocation::Kms(_))));
        assert!(matches!(parse(UUID), Ok(KeyLocation::File(_))));
        assert!(matches!(parse(CIPHERTEXT), Ok(KeyLocation::Wrapped(_))));
    }

    #[test]
    fn other_texts_are_no_locations() {
        for text in [
            "",
            "../secrets",
            "(set)",
            "arn:aws:kms:eu-central-1:111122223333:alias/x",
            "arn:aws:s3:eu-central-1:111122223333:key/x",
            "{1234abcd-12ab-44cd-96ef-1234567890ab}",
            "1234ABCD-12AB-44CD-96EF-1234567890AB",
        ] {
            assert_eq!(parse(text), Err(KeyLocationError), "{text}");
        }
    }

    #[test]
    fn a_wrapped_key_is_never_shown() {
        let wrapped = parse(CIPHERTEXT).unwrap();
        for shown in [format!("{wrapped:?}"), wrapped.to_string()] {
            assert!(!shown.contains(CIPHERTEXT), "{shown}");
        }
        assert_eq!(parse(ARN).unwrap().to_string(), ARN);
        assert_eq!(parse(UUID).unwrap().to_string(), UUID);
    }
}
