//! What maps a certificate's holder to an account of Active Directory.

use const_oid::ObjectIdentifier;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

/// userPrincipalName, [MS-WCCE] §2.2.2.7.7.4: the type of an otherName.
pub const UPN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");

/// szOID_NTDS_CA_SECURITY_EXT, [MS-WCCE] §2.2.2.7.7.4: the extension that holds a SID. The arc
/// below it is szOID_NTDS_OBJECTSID, the type of the otherName in the extension.
pub(crate) const SECURITY_EXTENSION: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.25.2");

/// The form in which a certificate has a security identifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SidForm {
    /// The extension 1.3.6.1.4.1.311.25.2, [MS-WCCE] §2.2.2.7.7.4.
    #[default]
    Extension,
    /// A URI in subjectAltName, `tag:microsoft.com,2022-09-14:sid:S-1-5-…`, KB5014754.
    Uri,
}

/// Whether an attribute, extension or otherName of this kind holds a Microsoft security identifier,
/// KB5014754.
#[must_use]
pub fn is_security_identifier(kind: ObjectIdentifier) -> bool {
    // The comparison is by prefix, so that arcs which Microsoft adds below the extension are
    // covered too.
    let mut arcs = kind.arcs();
    SECURITY_EXTENSION
        .arcs()
        .all(|arc| arcs.next() == Some(arc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_and_the_arcs_below_it_are_security_identifiers() {
        for (kind, expected) in [
            ("1.3.6.1.4.1.311.25.2", true),
            ("1.3.6.1.4.1.311.25.2.1", true),
            ("1.3.6.1.4.1.311.25", false),
            ("1.3.6.1.4.1.311.25.1", false),
            ("1.3.6.1.4.1.311.25.20", false),
            ("1.3.6.1.4.1.311.20.2.3", false),
        ] {
            let kind = ObjectIdentifier::new_unwrap(kind);
            assert_eq!(is_security_identifier(kind), expected, "{kind}");
        }
    }
}
