//! The attributes of a subject that rules can speak of, and what their values may be.

use serde::{Deserialize, Serialize};

use crate::{ValueFault, is_visible};

/// Attributes of a subject that rules can speak of, by the short names of RFC 4514 §3 and RFC 4519. In the order in which a
/// Name lists them: the widest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SubjectAttribute {
    /// domainComponent.
    #[serde(rename = "DC")]
    DomainComponent,
    /// countryName.
    #[serde(rename = "C")]
    Country,
    /// stateOrProvinceName.
    #[serde(rename = "ST")]
    State,
    /// localityName.
    #[serde(rename = "L")]
    Locality,
    /// organizationName.
    #[serde(rename = "O")]
    Organization,
    /// organizationalUnitName.
    #[serde(rename = "OU")]
    OrganizationalUnit,
    /// commonName.
    #[serde(rename = "CN")]
    CommonName,
    /// serialNumber: of a device, not of a certificate.
    #[serde(rename = "serialNumber")]
    SerialNumber,
    /// userId.
    #[serde(rename = "UID")]
    UserId,
    /// emailAddress.
    #[serde(rename = "emailAddress")]
    EmailAddress,
}

impl SubjectAttribute {
    /// Every attribute.
    pub const ALL: [Self; 10] = [
        Self::DomainComponent,
        Self::Country,
        Self::State,
        Self::Locality,
        Self::Organization,
        Self::OrganizationalUnit,
        Self::CommonName,
        Self::SerialNumber,
        Self::UserId,
        Self::EmailAddress,
    ];

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DomainComponent => "DC",
            Self::Country => "C",
            Self::State => "ST",
            Self::Locality => "L",
            Self::Organization => "O",
            Self::OrganizationalUnit => "OU",
            Self::CommonName => "CN",
            Self::SerialNumber => "serialNumber",
            Self::UserId => "UID",
            Self::EmailAddress => "emailAddress",
        }
    }

    /// What its values are, RFC 5280 appendix A.1.
    pub(crate) const fn form(self) -> &'static str {
        match self {
            Self::Country => "two letters",
            Self::DomainComponent | Self::EmailAddress => "1 to 64 characters of ASCII",
            Self::SerialNumber => "1 to 64 of A-Z a-z 0-9 space ' ( ) + , - . / : = ?",
            Self::State
            | Self::Locality
            | Self::Organization
            | Self::OrganizationalUnit
            | Self::CommonName
            | Self::UserId => {
                "1 to 64 characters, none of them a control character or one that hides or reorders text"
            }
        }
    }

    /// Can an administrator write this value, RFC 5280 appendix A.1?
    #[must_use]
    pub fn can_be(self, value: &str) -> bool {
        let characters = value.chars().count();
        (1..=MAX_FIXED_CHARACTERS).contains(&characters) && self.has_form(value)
    }

    /// What is wrong with a value that a request asks for, if anything is. It may be empty, and
    /// longer than an administrator's.
    ///
    /// # Errors
    /// [`ValueFault::Hidden`], [`ValueFault::Length`] or [`ValueFault::Form`].
    pub fn check_requested(self, value: &str) -> Result<(), ValueFault> {
        check_text(value)?;
        if self.has_form(value) {
            return Ok(());
        }
        Err(ValueFault::Form(match self {
            Self::Country => "two letters",
            Self::SerialNumber => "of A-Z a-z 0-9 space ' ( ) + , - . / : = ?",
            Self::DomainComponent
            | Self::State
            | Self::Locality
            | Self::Organization
            | Self::OrganizationalUnit
            | Self::CommonName
            | Self::UserId
            | Self::EmailAddress => "of visible ASCII",
        }))
    }

    fn has_form(self, value: &str) -> bool {
        let printable = |c: char| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c);
        match self {
            Self::Country => value.len() == 2 && value.chars().all(|c| c.is_ascii_alphabetic()),
            Self::DomainComponent | Self::EmailAddress => {
                value.chars().all(|c| c.is_ascii_graphic())
            }
            Self::SerialNumber => value.chars().all(printable),
            Self::State
            | Self::Locality
            | Self::Organization
            | Self::OrganizationalUnit
            | Self::CommonName
            | Self::UserId => value.chars().all(is_visible),
        }
    }
}

/// What is wrong with a text of a request, whatever it is for, if anything is.
///
/// # Errors
/// [`ValueFault::Hidden`] or [`ValueFault::Length`].
pub fn check_text(value: &str) -> Result<(), ValueFault> {
    if !value.chars().all(is_visible) {
        return Err(ValueFault::Hidden);
    }
    if value.chars().count() > MAX_REQUESTED_CHARACTERS {
        return Err(ValueFault::Length);
    }
    Ok(())
}

/// Longest value of a fixed attribute, in characters: X.520 allows an O or CN no more.
const MAX_FIXED_CHARACTERS: usize = 64;

/// Longest value that is taken from a request, in characters: the longest of the upper bounds of
/// X.520, RFC 4524 and PKCS #9. A CN is often a DNS name, of up to 253 characters, although X.520
/// ends it after 64.
const MAX_REQUESTED_CHARACTERS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requested_value_has_the_form_of_its_attribute() {
        use SubjectAttribute::{
            CommonName, Country, DomainComponent, EmailAddress, SerialNumber, UserId,
        };
        for (attribute, value, expected) in [
            (CommonName, "", Ok(())),
            (CommonName, "Gerät 7 (א)", Ok(())),
            (CommonName, "*.corp.example", Ok(())),
            (
                CommonName,
                "admin.corp\0.evil.example",
                Err(ValueFault::Hidden),
            ),
            (CommonName, "a\r\n\x1b[31mroot", Err(ValueFault::Hidden)),
            (CommonName, "nimda\u{202e}", Err(ValueFault::Hidden)),
            (UserId, "a\u{2066}b", Err(ValueFault::Hidden)),
            (Country, "DE", Ok(())),
            (Country, "D1", Err(ValueFault::Form("two letters"))),
            (Country, "Germany", Err(ValueFault::Form("two letters"))),
            (SerialNumber, "FTX-17", Ok(())),
            (EmailAddress, "a@b.example", Ok(())),
            (
                EmailAddress,
                "ä@b.example",
                Err(ValueFault::Form("of visible ASCII")),
            ),
            (
                DomainComponent,
                "a b",
                Err(ValueFault::Form("of visible ASCII")),
            ),
        ] {
            assert_eq!(attribute.check_requested(value), expected, "{value:?}");
        }
        assert_eq!(CommonName.check_requested(&"ü".repeat(256)), Ok(()));
        let length = Err(ValueFault::Length);
        assert_eq!(CommonName.check_requested(&"ü".repeat(257)), length);
        let form = SerialNumber.check_requested("a_b");
        assert!(matches!(form, Err(ValueFault::Form(_))), "{form:?}");
    }
}
