//! Microsoft's security identifier (SID). Where Active Directory trusts the authority, a
//! certificate with a SID logs its holder on as that account, KB5014754. So no SID is accepted from
//! a request, in whatever place or spelling, unless somebody else vouches for it.

use std::fmt::{Display, Formatter};
use std::str::FromStr;

use const_oid::ObjectIdentifier;
use der::asn1::{Any, AnyRef, Ia5String};
use der::{Decode, Encode, Tag, TagNumber, Tagged};
use percent_encoding::percent_decode;
use scep_cms::error::EncodeError;
use scep_cms::requested::RequestedExtension;
use serde::{Deserialize, Serialize};
use x509_cert::ext::pkix::name::{GeneralName, GeneralNames, OtherName};

use crate::error::{IssueError, VouchedKind};
use crate::template::{RuleViolation, SECURITY_EXTENSION, is_security_identifier};

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

/// szOID_NTDS_OBJECTSID, [MS-WCCE] §2.2.2.7.7.4: the type of the otherName in the extension.
const OBJECT_SID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.25.2.1");

/// Begins the URI of a SID in subjectAltName, KB5014754.
const TAG_URI: &str = "tag:microsoft.com,2022-09-14:sid:";

impl SecurityIdentifier {
    /// Returns the text form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Builds the URI that stands for it in subjectAltName, KB5014754.
    pub(crate) fn build_uri(&self) -> Option<GeneralName> {
        // Its characters are ASCII, so there always is one.
        let uri = Ia5String::new(&format!("{TAG_URI}{self}")).ok()?;
        Some(GeneralName::UniformResourceIdentifier(uri))
    }

    /// Reads it from the URI; `None` for any other spelling.
    pub(crate) fn of_tag_uri(uri: &str) -> Option<Self> {
        uri.strip_prefix(TAG_URI)?.parse().ok()
    }

    /// Reads it from an encoded name of subjectAltName.
    pub(crate) fn of_name(name: AnyRef<'_>) -> Option<Self> {
        // uniformResourceIdentifier, RFC 5280 §4.2.1.6.
        let uri = Tag::ContextSpecific {
            constructed: false,
            number: TagNumber(6),
        };
        let text = str::from_utf8(name.value()).ok()?;
        (name.tag() == uri).then(|| Self::of_tag_uri(text))?
    }

    /// Reads it from a name of a certificate.
    pub(crate) fn of_general_name(name: &GeneralName) -> Option<Self> {
        match name {
            GeneralName::UniformResourceIdentifier(uri) => Self::of_tag_uri(uri.as_str()),
            GeneralName::DirectoryName(_)
            | GeneralName::DnsName(_)
            | GeneralName::EdiPartyName(_)
            | GeneralName::IpAddress(_)
            | GeneralName::OtherName(_)
            | GeneralName::RegisteredId(_)
            | GeneralName::Rfc822Name(_) => None,
        }
    }

    /// Builds the value of the extension that holds it, [MS-WCCE] §2.2.2.7.7.4.
    ///
    /// ```asn1
    /// GeneralNames {
    ///     otherName [0] {
    ///         type-id   1.3.6.1.4.1.311.25.2.1,
    ///         value [0] EXPLICIT OCTET STRING -- the text form } }
    /// ```
    pub(crate) fn build_extension_value(&self) -> Result<GeneralNames, EncodeError> {
        let value = Any::new(Tag::OctetString, self.0.as_bytes())
            .map_err(EncodeError::of("security identifier"))?;
        Ok(vec![GeneralName::OtherName(OtherName {
            type_id: OBJECT_SID,
            value,
        })])
    }

    /// Reads it from the value of the extension; `None` unless that is exactly what
    /// [`Self::build_extension_value`] builds.
    pub(crate) fn of_extension(id: ObjectIdentifier, value: &[u8]) -> Option<Self> {
        if id != SECURITY_EXTENSION {
            return None;
        }
        let names = GeneralNames::from_der(value).ok()?;
        let [GeneralName::OtherName(other)] = names.as_slice() else {
            return None;
        };
        let is_octets = other.type_id == OBJECT_SID && other.value.tag() == Tag::OctetString;
        let text = str::from_utf8(other.value.value()).ok()?;
        // A decoder tolerates what a verifier may read in another way.
        let is_canonical = names.to_der().is_ok_and(|der| der == value);
        (is_octets && is_canonical).then(|| text.parse().ok())?
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

/// Rejects a request for Microsoft's SID extension, unless it holds the SID that is vouched for.
///
/// # Errors
/// [`IssueError::Misbound`] if another SID is vouched for, and
/// [`RuleViolation::SecurityIdentifier`] if none is or the extension is not in its one form.
pub(crate) fn check_security_extension(
    extensions: &[RequestedExtension],
    vouched: Option<&SecurityIdentifier>,
) -> Result<(), IssueError> {
    for extension in extensions {
        if !is_security_identifier(extension.id) {
            continue;
        }
        let asked = SecurityIdentifier::of_extension(extension.id, &extension.value);
        match asked.as_ref().zip(vouched) {
            Some((asked, vouched)) if asked == vouched => {}
            Some(_) => return Err(IssueError::Misbound(VouchedKind::Sid)),
            None => {
                let place = format!("extension {}", extension.id);
                return Err(RuleViolation::SecurityIdentifier(place).into());
            }
        }
    }
    Ok(())
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

    /// The value of the extension in a certificate that a Windows authority issued, as published
    /// with `test_ad_security_extension` of a public certificate tool.
    const WINDOWS_EXTENSION: &[u8] =
        b"\x30\x3f\xa0\x3d\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x19\x02\x01\
        \xa0\x2f\x04\x2dS-1-5-21-1608104657-630783805-1473387121-1000";

    #[test]
    fn the_extension_is_that_of_windows() {
        let sid: SecurityIdentifier = "S-1-5-21-1608104657-630783805-1473387121-1000"
            .parse()
            .unwrap();
        let value = sid.build_extension_value().unwrap();
        assert_eq!(value.to_der().unwrap(), WINDOWS_EXTENSION);
        let read = SecurityIdentifier::of_extension(SECURITY_EXTENSION, WINDOWS_EXTENSION);
        assert_eq!(read, Some(sid));
    }

    #[test]
    fn a_sid_is_read_only_from_the_one_form_of_the_extension() {
        let other_id = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.25.2.1");
        let read = SecurityIdentifier::of_extension;
        assert_eq!(read(other_id, WINDOWS_EXTENSION), None);
        let edit = |at: usize, octet: u8| {
            let mut value = WINDOWS_EXTENSION.to_vec();
            value[at] = octet;
            read(SECURITY_EXTENSION, &value)
        };
        // The octets are unchanged; another tag, type-id, string type or text.
        assert!(edit(0, 0x30).is_some());
        for (at, octet) in [
            (0, 0x31),
            (2, 0xa1),
            (15, 2),
            (18, 0x0c),
            (20, b's'),
            (26, b' '),
        ] {
            assert_eq!(edit(at, octet), None, "{at}");
        }
        for octets in [
            &b""[..],
            b"\x30\x00",
            &[WINDOWS_EXTENSION, b"\x05\x00"].concat(),
            &WINDOWS_EXTENSION[2..],
            &WINDOWS_EXTENSION[20..],
        ] {
            assert_eq!(read(SECURITY_EXTENSION, octets), None, "{octets:02x?}");
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
    fn the_extension_may_hold_the_sid_that_is_vouched_for_and_no_other() {
        let (sid, other): (SecurityIdentifier, SecurityIdentifier) =
            (SID.parse().unwrap(), "S-1-5-18".parse().unwrap());
        let ask = |asked: &SecurityIdentifier| {
            let requested = RequestedExtension {
                id: SECURITY_EXTENSION,
                value: asked.build_extension_value().unwrap().to_der().unwrap(),
            };
            check_security_extension(&[requested], Some(&sid))
        };
        assert_eq!(ask(&sid), Ok(()));
        assert_eq!(ask(&other), Err(IssueError::Misbound(VouchedKind::Sid)));
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
                check_security_extension(std::slice::from_ref(&requested), None).is_err(),
                expected,
                "{kind}"
            );
            let sid = SID.parse().unwrap();
            assert_eq!(
                check_security_extension(&[requested], Some(&sid)).is_err(),
                expected,
                "{kind}"
            );
        }
    }
}
