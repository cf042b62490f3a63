//! Names that somebody other than the requester vouches for: a one-time challenge, Intune, a
//! webhook, or an administrator.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::alt_names::security_identifier::SecurityIdentifier;
use crate::template::{SubjectAltNameType, SubjectAttribute};

/// The names that a certificate gets because they are vouched for, whether or not the request asks
/// for them and whether or not the rules would take them from a request.
///
/// A kind of name that is present binds: a request that asks for another name of this kind is
/// rejected. A kind that is absent is left to the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VouchedNames {
    /// The value of each subject attribute.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subject: BTreeMap<SubjectAttribute, String>,
    /// The names in subjectAltName.
    #[serde(default)]
    pub subject_alt_names: VouchedAltNames,
}

/// The names in subjectAltName that are vouched for, and the security identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VouchedAltNames {
    /// The account's security identifier; `None` leaves it to the rules, which accept none from a
    /// request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<SecurityIdentifier>,
    /// The names of each type in their text form. An empty list means that the certificate has no
    /// name of this type; a null or absent one leaves the type to the rules.
    #[serde(flatten)]
    pub by_type: BTreeMap<SubjectAltNameType, Option<Vec<String>>>,
}

impl VouchedNames {
    /// Whether nothing is vouched for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let alt_names = &self.subject_alt_names;
        self.subject.is_empty()
            && alt_names.sid.is_none()
            && alt_names.by_type.values().all(Option::is_none)
    }
}
