//! Who vouched for a certificate, and for what.

use std::collections::BTreeMap;

use ca::vouched_names::VouchedNames;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

use crate::id::ChallengeUuid;

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

/// What the record of a certificate keeps of the yes of a source. A renewal takes it over, so that
/// it keeps the names that were vouched for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Vouching {
    /// The source.
    pub source: ChallengeSourceKind,
    /// The one-time challenge whose use the certificate took; `None` for a renewal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<ChallengeUuid>,
    /// The names that the source stood for.
    #[serde(default, skip_serializing_if = "VouchedNames::is_empty")]
    pub names: VouchedNames,
    /// Texts of the source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Vouching {
    /// What a renewal of the certificate keeps: everything but the challenge, which it does not
    /// use.
    #[must_use]
    pub fn of_renewal(&self) -> Self {
        Self {
            challenge: None,
            ..self.clone()
        }
    }
}
