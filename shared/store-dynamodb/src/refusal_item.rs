//! The items of refused requests.

use std::net::IpAddr;

use scep_cms::attribute::FailInfo;
use scep_cms::message_type::MessageType;
use scep_protocol::check::Check;
use scep_protocol::id::{RaProfileUuid, RefusalUuid, ScepProfileUuid};
use scep_protocol::refusal_record::{RefusalReason, RefusalRecord, RequestOutline, RequestedKey};
use scep_service::error::StoreError;
use serde::{Deserialize, Serialize};
use strum::VariantArray;
use time::OffsetDateTime;

use crate::attribute::{ByName, Digest, Expiry, Millis};
use crate::item::{Item, build_item, corrupt, parse_item};

const WHAT: &str = "refused request";

/// The hash key under which refused requests are listed, in the index of transactions by state.
pub(crate) const REFUSED: &str = "refused";

/// A refused request. What lists compare has the names that it has in transactions, since both are
/// in one index.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefusalItem {
    #[serde(skip_deserializing)]
    id: String,
    #[serde(skip_deserializing)]
    state: String,
    uuid: RefusalUuid,
    created_at: Millis,
    expires_at: Expiry,
    scep_profile: ScepProfileUuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    ra_profile: Option<RaProfileUuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_key: Option<KeyItem>,
    reason: String,
    failed: ByName<Check>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fail_info: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyItem {
    algorithm: String,
    sha256: Digest,
}

/// The part of a refused request that the index of lists holds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RefusalEntry {
    pub(crate) scep_profile: ScepProfileUuid,
    pub(crate) transaction_id: Option<String>,
    expires_at: Expiry,
}

impl RefusalEntry {
    pub(crate) fn parse(item: Item) -> Result<Self, StoreError> {
        parse_item(WHAT, item)
    }

    /// Whether the request is still shown. DynamoDB deletes expired items late, within days.
    pub(crate) fn is_live(&self, now: OffsetDateTime) -> bool {
        now <= self.expires_at.0
    }
}

/// A stored name is not one that this version knows.
#[derive(Debug, thiserror::Error)]
#[error("unknown {0}")]
struct UnknownName(&'static str);

pub(crate) fn refusal_id(uuid: RefusalUuid) -> String {
    format!("refusal/{uuid}")
}

pub(crate) fn refusal_item(record: &RefusalRecord) -> Result<Item, StoreError> {
    let outline = &record.outline;
    build_item(RefusalItem {
        id: refusal_id(record.uuid),
        state: REFUSED.to_owned(),
        uuid: record.uuid,
        created_at: Millis(record.at),
        expires_at: Expiry(record.until),
        scep_profile: outline.scep_profile,
        ra_profile: outline.ra_profile,
        message_type: outline.message_type.map(|kind| kind.digits().to_owned()),
        transaction_id: outline.transaction_id.clone(),
        client_address: outline.client_address,
        subject: outline.subject.clone(),
        requested_key: outline.key.as_ref().map(|key| KeyItem {
            algorithm: key.algorithm.clone(),
            sha256: Digest(key.sha256),
        }),
        reason: record.reason.name().to_owned(),
        failed: ByName(record.failed),
        message: record.message.clone(),
        fail_info: record.fail_info.map(|known| known.name().to_owned()),
    })
}

pub(crate) fn parse_refusal(item: Item) -> Result<RefusalRecord, StoreError> {
    let found: RefusalItem = parse_item(WHAT, item)?;
    let fail_info = found
        .fail_info
        .map(|name| {
            let known = FailInfo::VARIANTS.iter().copied();
            known
                .into_iter()
                .find(|known| known.name() == name)
                .ok_or_else(|| corrupt(WHAT)(UnknownName("failInfo")))
        })
        .transpose()?;
    Ok(RefusalRecord {
        uuid: found.uuid,
        at: found.created_at.0,
        until: found.expires_at.0,
        outline: RequestOutline {
            scep_profile: found.scep_profile,
            ra_profile: found.ra_profile,
            message_type: found
                .message_type
                .and_then(|digits| MessageType::from_digits(digits.as_bytes())),
            transaction_id: found.transaction_id,
            client_address: found.client_address,
            subject: found.subject,
            key: found.requested_key.map(|key| RequestedKey {
                algorithm: key.algorithm,
                sha256: key.sha256.0,
            }),
        },
        reason: RefusalReason::from_name(&found.reason)
            .ok_or_else(|| corrupt(WHAT)(UnknownName("reason")))?,
        failed: found.failed.0,
        message: found.message,
        fail_info,
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;
    use crate::attribute::{to_number, to_octets, to_text};
    use crate::samples;
    use crate::samples::{NOW, RA_PROFILE, SCEP_PROFILE, sample_refusal};

    #[test]
    fn a_refused_request_is_stored_under_these_names_and_read_again() {
        let record = sample_refusal();
        let item = refusal_item(&record).unwrap();
        let key = samples::build_sample_item([
            ("algorithm", to_text("EC P-256")),
            ("sha256", to_octets(&[0xab; 32])),
        ]);
        let expected = samples::build_sample_item([
            ("id", to_text(format!("refusal/{}", record.uuid))),
            ("state", to_text("refused")),
            ("uuid", to_text(record.uuid.to_string())),
            ("createdAt", to_number(1_767_323_045_678_i64)),
            ("expiresAt", to_number(1_767_409_446)),
            ("scepProfile", to_text(SCEP_PROFILE.to_string())),
            ("raProfile", to_text(RA_PROFILE.to_string())),
            ("messageType", to_text("19")),
            ("transactionId", to_text("t 1")),
            ("clientAddress", to_text("192.0.2.1")),
            ("subject", to_text("CN=device-1")),
            ("requestedKey", AttributeValue::M(key)),
            ("reason", to_text("challengeUsed")),
            ("failed", to_text("authorisation")),
            ("message", to_text("the challengePassword has been used")),
            ("failInfo", to_text("badRequest")),
        ]);
        assert_eq!(item, expected);
        let read = parse_refusal(item.clone()).unwrap();
        let until = read.until;
        assert_eq!(RefusalRecord { until, ..record }, read);
        // The stored second is the first one at which the item has expired.
        let entry = RefusalEntry::parse(item).unwrap();
        assert!(entry.is_live(NOW + time::Duration::DAY));
        assert!(!entry.is_live(NOW + time::Duration::DAY + time::Duration::SECOND));
    }

    #[test]
    fn a_request_of_which_little_is_known_has_few_attributes() {
        let outline = RequestOutline::new(SCEP_PROFILE, None, None);
        let record = RefusalRecord {
            outline,
            fail_info: None,
            ..sample_refusal()
        };
        let item = refusal_item(&record).unwrap();
        assert_eq!(item.len(), 9);
        let read = parse_refusal(item).unwrap();
        let until = read.until;
        assert_eq!(RefusalRecord { until, ..record }, read);
    }
}
