//! The secrets that sign requests to webhooks.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

/// The prefix of a secret in the Standard Webhooks specification. It may be left out.
const PREFIX: &str = "whsec_";

/// The lengths that the Standard Webhooks specification allows for a key, in octets.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A text is no secret that can sign requests to webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not whsec_ followed by the base64 of 24 to 64 octets")]
pub struct UnfitSecret;

/// The key that signs requests to a webhook, by the Standard Webhooks specification.
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

impl WebhookSecret {
    /// Parses a secret: `whsec_`, which may be missing, and base64, padded.
    ///
    /// # Errors
    /// [`UnfitSecret`] if it is no base64, or of another length than 24 to 64 octets.
    pub fn parse(text: &str) -> Result<Self, UnfitSecret> {
        let encoded = text.strip_prefix(PREFIX).unwrap_or(text);
        let key = BASE64_STANDARD.decode(encoded).map_err(|_| UnfitSecret)?;
        let secret = Self(Zeroizing::new(key));
        KEY_BYTES
            .contains(&secret.0.len())
            .then_some(secret)
            .ok_or(UnfitSecret)
    }

    /// Returns the key.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_base64_of_24_to_64_octets() {
        for (octets, fit) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
            let encoded = BASE64_STANDARD.encode(vec![7; octets]);
            for text in [encoded.clone(), format!("{PREFIX}{encoded}")] {
                let parsed = WebhookSecret::parse(&text);
                assert_eq!(parsed.is_ok(), fit, "{text}");
                assert!(parsed.is_ok_and(|parsed| parsed.octets().len() == octets) || !fit);
            }
        }
        for text in [
            "",
            "whsec_",
            "correct horse battery staple, and more",
            "whsec_whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
            " whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ] {
            assert_eq!(
                WebhookSecret::parse(text).err(),
                Some(UnfitSecret),
                "{text}"
            );
        }
    }
}
