//! Microsoft's security identifier (SID). Where Active Directory trusts the authority, a
//! certificate with a SID logs its holder on as that account, KB5014754. So no SID is accepted from
//! a request, in whatever place or spelling.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

use percent_encoding::percent_decode;
use scep_cms::requested::RequestedExtension;
use serde::{Deserialize, Serialize};

use crate::template::{RuleViolation, is_security_identifier};

/// A security identifier in its text form, `S-1-5-21-…`, [MS-DTYP] §2.4.2.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecurityIdentifier(String);

/// A text is not a security identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a security identifier like S-1-5-21-1004336348-1177238915-682003330-512")]
pub struct InvalidSecurityIdentifier;

/// The maximum number of sub-authorities, [MS-DTYP] §2.4.2.
const MAX_SUB_AUTHORITIES: usize = 15;

impl SecurityIdentifier {
    /// Returns the text form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecurityIdentifier {
    type Err = InvalidSecurityIdentifier;

    fn from_str(text: &str) -> Result<Self, InvalidSecurityIdentifier> {
        // `u32::from_str` would also accept a sign, and a leading zero makes two texts of one SID.
        let is_number = |part: &str| {
            part.bytes().all(|octet| octet.is_ascii_digit())
                && (part == "0" || !part.starts_with('0'))
                && part.parse::<u32>().is_ok()
        };
        let parts: Vec<_> = text
            .strip_prefix("S-1-")
            .ok_or(InvalidSecurityIdentifier)?
            .split('-')
            .collect();
        // The first part is the identifier authority.
        let has_valid_length = (2..=MAX_SUB_AUTHORITIES.saturating_add(1)).contains(&parts.len());
        if has_valid_length && parts.into_iter().all(is_number) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidSecurityIdentifier)
    }
}

impl TryFrom<String> for SecurityIdentifier {
    type Error = InvalidSecurityIdentifier;

    fn try_from(text: String) -> Result<Self, InvalidSecurityIdentifier> {
        text.parse()
    }
}

impl From<SecurityIdentifier> for String {
    fn from(sid: SecurityIdentifier) -> Self {
        sid.0
    }
}

impl Display for SecurityIdentifier {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The letters and digits of `tag:microsoft.com,2022-09-14:sid:` and of its namespace. Either one
/// is enough, as a verifier may tolerate another scheme or another date.
const TAGS: [&str; 2] = ["microsoftcom20220914sid", "tagmicrosoftcom"];

/// How many layers of percent-encoding are decoded, to bound the work.
const MAX_ENCODINGS: usize = 16;

/// Returns whether a text contains the tag URI of a SID: in upper or lower case, with other
/// characters in between, percent-encoded any number of times, or within another URI.
pub(crate) fn holds_security_identifier(text: &str) -> bool {
    let mut octets = text.as_bytes().to_vec();
    for _ in 0..MAX_ENCODINGS {
        // Only letters and digits are compared: verifiers may ignore spaces or invisible
        // characters.
        let letters: String = octets
            .iter()
            .filter(|octet| octet.is_ascii_alphanumeric())
            .map(|octet| char::from(octet.to_ascii_lowercase()))
            .collect();
        if TAGS.iter().any(|tag| letters.contains(tag)) {
            return true;
        }
        let decoded: Vec<u8> = percent_decode(&octets).collect();
        if decoded == octets {
            return false;
        }
        octets = decoded;
    }
    // No client needs so many layers, and a verifier that decodes further could find a SID.
    true
}

/// Rejects a request for Microsoft's SID extension.
///
/// # Errors
/// [`RuleViolation::SecurityIdentifier`].
pub(crate) fn refuse_security_identifier(
    extensions: &[RequestedExtension],
) -> Result<(), RuleViolation> {
    match extensions
        .iter()
        .find(|extension| is_security_identifier(extension.id))
    {
        Some(extension) => Err(RuleViolation::SecurityIdentifier(format!(
            "extension {}",
            extension.id
        ))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use const_oid::ObjectIdentifier;

    use super::*;

    const SID: &str = "S-1-5-21-1004336348-1177238915-682003330-512";

    #[test]
    fn a_tag_uri_of_a_sid_is_found_in_every_spelling() {
        let encoded =
            |text: &str| -> String { text.bytes().map(|octet| format!("%{octet:02x}")).collect() };
        let tag = format!("tag:microsoft.com,2022-09-14:sid:{SID}");
        let mut spellings = vec![
            tag.clone(),
            tag.to_uppercase(),
            format!("TAG:Microsoft.COM,2022-09-14:SID:{SID}"),
            format!("tag:microsoft.com,2022%2d09%2D14:sid:{SID}"),
            format!("tag:microsoft.com%2C2022-09-14%3Asid%3A{SID}"),
            format!("tag:microsoft.com,2022-09-14:s%69d:{SID}"),
            format!("tag:microsoft.com,2022-09-14:s%2569d:{SID}"),
            format!("tag:microsoft.com,2022-09-14:s%252569d:{SID}"),
            format!("tag:microsoft.com,2022-09-14:%73%25%36%39d:{SID}"),
            format!("%74ag:microsoft.com,2022-09-14:sid:{SID}"),
            format!(" tag:microsoft.com,2022-09-14:sid:{SID}"),
            format!("tag:microsoft.com, 2022-09-14 : sid : {SID}"),
            format!("tag:microsoft.com,%092022-09-14:%20sid:{SID}"),
            format!("tag:micro\u{ad}soft.com,2022-09-14:sid:{SID}"),
            format!("tag:microsoft.com,2022-09-14:%00sid:{SID}"),
            format!("tag:Microsoft.com.,2022-09-14:sid:{SID}"),
            format!("tag:microsoft.com,2022-09:sid:{SID}"),
            format!("https://a.example/?{tag}"),
            format!("https://a.example/#{}", encoded(&tag)),
            format!("spiffe://a.example/{}", tag.replace(':', "%3a")),
            format!("urn:x:{tag}"),
        ];
        let mut nested = encoded(&tag);
        for _ in 0..40 {
            spellings.push(nested.clone());
            nested = nested.replace('%', "%25");
        }
        for spelling in spellings {
            assert!(holds_security_identifier(&spelling), "{spelling}");
        }
    }

    #[test]
    fn a_security_identifier_is_read_from_its_one_text_form() {
        for (text, valid) in [
            (SID, true),
            ("S-1-5-18", true),
            ("S-1-0-0", true),
            ("S-1-5", false),
            ("s-1-5-18", false),
            ("S-2-5-18", false),
            ("S-1-5-018", false),
            ("S-1-5-+18", false),
            ("S-1-5-4294967296", false),
            ("S-1-5-", false),
            ("S-1-5-18 ", false),
            ("S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15", true),
            ("S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16", false),
        ] {
            assert_eq!(text.parse::<SecurityIdentifier>().is_ok(), valid, "{text}");
        }
    }

    #[test]
    fn other_texts_contain_no_sid() {
        for text in [
            "",
            "spiffe://corp.example/router",
            "https://login.microsoft.com/sid?x=%2F%25",
            "urn:uuid:0f0f0f0f-0000-4000-8000-000000000001",
            "tag:corp.example,2022-09-14:device:7",
            "100%",
        ] {
            assert!(!holds_security_identifier(text), "{text}");
        }
    }

    #[test]
    fn a_request_for_the_extension_is_refused() {
        for (kind, expected) in [
            ("1.3.6.1.4.1.311.25.2", true),
            ("1.3.6.1.4.1.311.25.2.1", true),
            ("1.3.6.1.4.1.311.25", false),
            ("1.3.6.1.4.1.311.25.1", false),
            ("1.3.6.1.4.1.311.20.2.3", false),
        ] {
            let kind = ObjectIdentifier::new_unwrap(kind);
            let requested = RequestedExtension {
                id: kind,
                value: Vec::new(),
            };
            assert_eq!(
                refuse_security_identifier(&[requested]).is_err(),
                expected,
                "{kind}"
            );
        }
    }
}
