//! The types of subjectAltName entries that a rule can allow, RFC 5280 §4.2.1.6.

use std::fmt;
use std::fmt::{Display, Formatter};
use std::str::FromStr;

use const_oid::ObjectIdentifier;
use serde::{Deserialize, Serialize};

use crate::template::active_directory::{UPN, is_security_identifier};

/// A type of GeneralName that a rule can allow. Formats as its name, or as the OID of an otherName.
/// Parses case-insensitively.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SubjectAltNameType {
    /// dNSName.
    Dns,
    /// iPAddress.
    Ip,
    /// rfc822Name.
    Email,
    /// uniformResourceIdentifier.
    Uri,
    /// An otherName of type userPrincipalName, [MS-WCCE] §2.2.2.7.7.4.
    Upn,
    /// An otherName of any other type.
    OtherName(OtherNameType),
}

/// The type-id of an otherName other than UPN and SID. Those two have rules of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OtherNameType(ObjectIdentifier);

impl OtherNameType {
    /// KRB5PrincipalName, RFC 4556 §3.2.2.
    pub const KERBEROS_PRINCIPAL: Self = Self(ObjectIdentifier::new_unwrap("1.3.6.1.5.2.2"));

    /// id-on-SmtpUTF8Mailbox, RFC 9598: an email address.
    const SMTP_UTF8_MAILBOX: Self = Self(ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.8.9"));

    /// The OID.
    #[must_use]
    pub const fn oid(self) -> ObjectIdentifier {
        self.0
    }
}

/// Why a text is not a type that a rule can allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitNameType {
    /// The type is a security identifier, which a request cannot prove to own.
    #[error("a security identifier is not accepted from any request")]
    SecurityIdentifier,
    /// The text is neither a known name nor an OID.
    #[error("neither dns, ip, email, uri or upn, nor the OID of an otherName, like 1.3.6.1.5.2.2")]
    Unknown,
}

impl SubjectAltNameType {
    /// All types that have a name.
    pub const NAMED: [Self; 5] = [Self::Dns, Self::Ip, Self::Email, Self::Uri, Self::Upn];

    /// The type of an otherName with this type-id.
    ///
    /// # Errors
    /// [`UnfitNameType::SecurityIdentifier`].
    pub fn of_other_name(type_id: ObjectIdentifier) -> Result<Self, UnfitNameType> {
        if is_security_identifier(type_id) {
            return Err(UnfitNameType::SecurityIdentifier);
        }
        // The OID must not be a way around the rule for `upn`.
        if type_id == UPN {
            return Ok(Self::Upn);
        }
        Ok(Self::OtherName(OtherNameType(type_id)))
    }

    /// Whether names of this type are allowed only with a pattern. These are the textual types that
    /// identify a person or account rather than a host: a client that shares a challenge with
    /// others must not choose them freely.
    #[must_use]
    pub fn needs_pattern(self) -> bool {
        match self {
            Self::Email | Self::Uri | Self::Upn => true,
            Self::Dns | Self::Ip => false,
            Self::OtherName(kind) => kind == OtherNameType::SMTP_UTF8_MAILBOX,
        }
    }

    const fn name(self) -> Option<&'static str> {
        match self {
            Self::Dns => Some("dns"),
            Self::Ip => Some("ip"),
            Self::Email => Some("email"),
            Self::Uri => Some("uri"),
            Self::Upn => Some("upn"),
            Self::OtherName(_) => None,
        }
    }
}

impl Display for SubjectAltNameType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherName(kind) => kind.0.fmt(f),
            Self::Dns | Self::Ip | Self::Email | Self::Uri | Self::Upn => {
                f.write_str(self.name().unwrap_or_default())
            }
        }
    }
}

impl FromStr for SubjectAltNameType {
    type Err = UnfitNameType;

    fn from_str(text: &str) -> Result<Self, UnfitNameType> {
        let is_called = |kind: &Self| {
            kind.name()
                .is_some_and(|name| name.eq_ignore_ascii_case(text))
        };
        if let Some(kind) = Self::NAMED.into_iter().find(is_called) {
            return Ok(kind);
        }
        let type_id = ObjectIdentifier::new(text).map_err(|_| UnfitNameType::Unknown)?;
        Self::of_other_name(type_id)
    }
}

impl TryFrom<String> for SubjectAltNameType {
    type Error = UnfitNameType;

    fn try_from(text: String) -> Result<Self, UnfitNameType> {
        text.parse()
    }
}

impl From<SubjectAltNameType> for String {
    fn from(kind: SubjectAltNameType) -> Self {
        kind.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_read_by_name_in_any_case_or_by_oid() {
        for (read, shown) in [
            ("dns", "dns"),
            ("DNS", "dns"),
            ("Upn", "upn"),
            // The OID is not a way around the rule for upn.
            ("1.3.6.1.4.1.311.20.2.3", "upn"),
            ("1.3.6.1.5.2.2", "1.3.6.1.5.2.2"),
        ] {
            let kind: SubjectAltNameType = read.parse().unwrap();
            assert_eq!(kind.to_string(), shown, "{read}");
        }
        for (text, unfit) in [
            ("directoryName", UnfitNameType::Unknown),
            ("sid", UnfitNameType::Unknown),
            ("", UnfitNameType::Unknown),
            ("1.3.6.1.4.1.311.25.2", UnfitNameType::SecurityIdentifier),
            ("1.3.6.1.4.1.311.25.2.1", UnfitNameType::SecurityIdentifier),
        ] {
            assert_eq!(text.parse::<SubjectAltNameType>(), Err(unfit), "{text}");
        }
    }

    #[test]
    fn types_that_identify_someone_need_a_pattern_under_any_name() {
        for (text, needs) in [
            ("dns", false),
            ("ip", false),
            ("email", true),
            ("uri", true),
            ("upn", true),
            ("1.3.6.1.4.1.311.20.2.3", true),
            ("1.3.6.1.5.5.7.8.9", true),
            ("1.3.6.1.5.2.2", false),
        ] {
            let kind: SubjectAltNameType = text.parse().unwrap();
            assert_eq!(kind.needs_pattern(), needs, "{text}");
        }
    }
}
