//! Who vouched for a certificate, and for what.

use std::collections::BTreeMap;

use ca::vouched_names::VouchedNames;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

use crate::id::ChallengeUuid;
use crate::reported_csr::ReportedCsr;

/// A source of challenges, which decides whether an enrolment is authorised. The order of the
/// variants is the order in which a profile's sources are asked.
#[derive(
    Clone,
    Copy,
    Debug,
    Display,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    EnumString,
    IntoStaticStr,
    VariantArray,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ChallengeSourceKind {
    /// A challenge that was made for one device.
    OneTime,
    /// The profile's challengePassword.
    Static,
    /// Microsoft Intune.
    Intune,
    /// An HTTP service of the administrator's.
    Webhook,
}

/// What the record of a certificate keeps of those who vouched: a source, and an administrator who
/// approved the request. A renewal takes it over, so that it keeps the names that were vouched for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vouching {
    /// The source; `None` if only an administrator vouched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<ChallengeSourceKind>,
    /// The one-time challenge whose use the certificate took; `None` for a renewal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<ChallengeUuid>,
    /// The names that the source stood for, and the security identifier that the administrator
    /// approved.
    #[serde(default, skip_serializing_if = "VouchedNames::is_empty")]
    pub names: VouchedNames,
    /// Texts of the source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// The PKCS #10 request, until there is a certificate for it: if the source wants to hear what
    /// became of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csr: Option<ReportedCsr>,
}

impl Vouching {
    /// What a renewal of the certificate keeps: everything but the challenge, which it does not
    /// use, and the request.
    #[must_use]
    pub fn of_renewal(&self) -> Self {
        Self {
            challenge: None,
            ..self.without_csr()
        }
    }

    /// What the record of the certificate keeps: everything but the request.
    #[must_use]
    pub fn without_csr(&self) -> Self {
        Self {
            csr: None,
            ..self.clone()
        }
    }
}
