//! The purposes that templates may give to certificates, RFC 5280 §4.2.1.12.

use std::fmt;
use std::fmt::{Display, Formatter};
use std::str::FromStr;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280;
use serde::{Deserialize, Serialize};

/// A purpose of extendedKeyUsage: one of RFC 5280, written by its name, or any other, written by
/// its OID.
///
/// Formats as the RFC's name without `id-kp-`, or as a dotted OID. Parses case-insensitively.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExtendedKeyUsage(ObjectIdentifier);

/// A text is neither the name of a purpose nor an OID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "neither clientAuth, serverAuth, codeSigning, emailProtection or timeStamping, nor an OID, like 1.3.6.1.4.1.311.20.2.2"
)]
pub struct UnknownUsage;

impl ExtendedKeyUsage {
    /// TLS client authentication.
    pub const CLIENT_AUTH: Self = Self(rfc5280::ID_KP_CLIENT_AUTH);
    /// TLS server authentication.
    pub const SERVER_AUTH: Self = Self(rfc5280::ID_KP_SERVER_AUTH);
    /// Code signing.
    pub const CODE_SIGNING: Self = Self(rfc5280::ID_KP_CODE_SIGNING);
    /// Signing and encryption of email.
    pub const EMAIL_PROTECTION: Self = Self(rfc5280::ID_KP_EMAIL_PROTECTION);
    /// Time stamping.
    pub const TIME_STAMPING: Self = Self(rfc5280::ID_KP_TIME_STAMPING);
    /// Signing of OCSP responses.
    pub const OCSP_SIGNING: Self = Self(rfc5280::ID_KP_OCSP_SIGNING);
    /// Any purpose.
    pub const ANY: Self = Self(rfc5280::ANY_EXTENDED_KEY_USAGE);

    /// The purposes that have a name and may be used in templates.
    pub const NAMED: [Self; 5] = [
        Self::CLIENT_AUTH,
        Self::SERVER_AUTH,
        Self::CODE_SIGNING,
        Self::EMAIL_PROTECTION,
        Self::TIME_STAMPING,
    ];

    /// The purpose with this OID.
    #[must_use]
    pub const fn of(oid: ObjectIdentifier) -> Self {
        Self(oid)
    }

    /// The OID of the purpose.
    #[must_use]
    pub const fn oid(self) -> ObjectIdentifier {
        self.0
    }

    /// Whether a holder could speak for the authority, for an identity service, or for everyone. No
    /// template may give such a purpose to devices, whose keys can be stolen.
    #[must_use]
    pub fn is_unfit_for_devices(self) -> bool {
        self.is_unfit_for_servers() || FOR_REGISTRATION.contains(&self.0)
    }

    /// Whether the purpose is unfit even for a certificate whose key never leaves the server.
    /// Requesting certificates for others is not: that is what an RA does.
    #[must_use]
    pub fn is_unfit_for_servers(self) -> bool {
        self == Self::ANY || self == Self::OCSP_SIGNING || FOR_AUTHORITIES.contains(&self.0)
    }

    /// Whether a holder may be able to log on with the purpose. Assumed for all purposes without a
    /// name.
    #[must_use]
    pub fn may_log_on(self) -> bool {
        // The purposes that are known not to permit a logon.
        const OTHERS: [ExtendedKeyUsage; 5] = [
            ExtendedKeyUsage::SERVER_AUTH,
            ExtendedKeyUsage::CODE_SIGNING,
            ExtendedKeyUsage::EMAIL_PROTECTION,
            ExtendedKeyUsage::TIME_STAMPING,
            ExtendedKeyUsage::OCSP_SIGNING,
        ];
        !OTHERS.contains(&self)
    }
}

/// Purposes for requesting certificates on behalf of others.
const FOR_REGISTRATION: [ObjectIdentifier; 2] = [
    // Certificate Request Agent, [MS-CRTD]: enrols as any user of the domain.
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.1"),
    // id-kp-cmcRA, RFC 6402 §2.10.
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.28"),
];

/// Purposes of authorities and of identity services.
const FOR_AUTHORITIES: [ObjectIdentifier; 11] = [
    // id-kp-dvcs, RFC 3029, and id-kp-scvpServer, RFC 5055: clients rely on what these servers say
    // about certificates.
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.10"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.15"),
    // id-kp-cmcCA, id-kp-cmcArchive, RFC 6402; id-kp-cmKGA, RFC 9480.
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.27"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.29"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.32"),
    // id-pkinit-KPKdc, RFC 4556: the KDC of a Kerberos realm.
    ObjectIdentifier::new_unwrap("1.3.6.1.5.2.3.5"),
    // Precertificate signing, RFC 6962 §3.1.
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.11129.2.4.4"),
    // Microsoft: certificate trust lists, qualified subordination, CA exchange, key recovery agent.
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.10.3.1"),
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.10.3.10"),
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.21.5"),
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.21.6"),
];

const NAMES: [(ExtendedKeyUsage, &str); 7] = [
    (ExtendedKeyUsage::CLIENT_AUTH, "clientAuth"),
    (ExtendedKeyUsage::SERVER_AUTH, "serverAuth"),
    (ExtendedKeyUsage::CODE_SIGNING, "codeSigning"),
    (ExtendedKeyUsage::EMAIL_PROTECTION, "emailProtection"),
    (ExtendedKeyUsage::TIME_STAMPING, "timeStamping"),
    (ExtendedKeyUsage::OCSP_SIGNING, "ocspSigning"),
    (ExtendedKeyUsage::ANY, "anyExtendedKeyUsage"),
];

impl Display for ExtendedKeyUsage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(usage, _)| usage == self) {
            Some((_, name)) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}

impl FromStr for ExtendedKeyUsage {
    type Err = UnknownUsage;

    fn from_str(text: &str) -> Result<Self, UnknownUsage> {
        let named = NAMES
            .iter()
            .find(|(_, name)| name.eq_ignore_ascii_case(text));
        if let Some((usage, _)) = named {
            return Ok(*usage);
        }
        ObjectIdentifier::new(text)
            .map(Self)
            .map_err(|_| UnknownUsage)
    }
}

impl TryFrom<String> for ExtendedKeyUsage {
    type Error = UnknownUsage;

    fn try_from(text: String) -> Result<Self, UnknownUsage> {
        text.parse()
    }
}

impl From<ExtendedKeyUsage> for String {
    fn from(usage: ExtendedKeyUsage) -> Self {
        usage.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(text: &str) -> ExtendedKeyUsage {
        text.parse().unwrap()
    }

    #[test]
    fn a_purpose_is_read_by_name_in_any_case_or_by_oid_and_shown_by_name() {
        for (read, shown) in [
            ("clientAuth", "clientAuth"),
            ("CLIENTAUTH", "clientAuth"),
            ("1.3.6.1.5.5.7.3.2", "clientAuth"),
            ("1.3.6.1.5.5.7.3.9", "ocspSigning"),
            ("OCSPSigning", "ocspSigning"),
            ("2.5.29.37.0", "anyExtendedKeyUsage"),
            ("1.3.6.1.4.1.311.20.2.2", "1.3.6.1.4.1.311.20.2.2"),
        ] {
            assert_eq!(usage(read).to_string(), shown, "{read}");
        }
        for text in ["", "x", "clientAuth ", "1.3.", "9.9.9"] {
            assert_eq!(text.parse::<ExtendedKeyUsage>(), Err(UnknownUsage));
        }
    }

    #[test]
    fn purposes_that_speak_for_others_are_unfit_for_devices() {
        for (text, devices, servers) in [
            ("anyExtendedKeyUsage", true, true),
            ("2.5.29.37.0", true, true),
            ("ocspSigning", true, true),
            ("1.3.6.1.5.5.7.3.9", true, true),
            ("1.3.6.1.5.2.3.5", true, true),
            ("1.3.6.1.4.1.311.21.6", true, true),
            ("1.3.6.1.4.1.11129.2.4.4", true, true),
            ("1.3.6.1.4.1.311.20.2.1", true, false),
            ("1.3.6.1.5.5.7.3.28", true, false),
            ("1.3.6.1.4.1.311.20.2.2", false, false),
            ("1.3.6.1.5.5.7.3.5", false, false),
            ("clientAuth", false, false),
        ] {
            assert_eq!(usage(text).is_unfit_for_devices(), devices, "{text}");
            assert_eq!(usage(text).is_unfit_for_servers(), servers, "{text}");
        }
        let named = ExtendedKeyUsage::NAMED;
        assert!(named.iter().all(|usage| !usage.is_unfit_for_devices()));
    }
}
