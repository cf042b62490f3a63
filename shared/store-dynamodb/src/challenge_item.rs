//! The items of one-time challenges.

use std::collections::BTreeMap;

use ca::bounded_text::Description;
use ca::id::CertificateUuid;
use ca::vouched_names::VouchedNames;
use scep_cms::transaction_id::TransactionId;
use scep_protocol::id::{
    ChallengeUuid, ClaimUuid, RaProfileUuid, ScepProfileUuid, TransactionUuid,
};
use scep_protocol::one_time_challenge::{
    ChallengeDigest, ChallengeTerms, ChallengeUse, OneTimeChallenge,
};
use scep_protocol::sealed_secret::SealedSecret;
use scep_service::error::StoreError;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;

use crate::attribute::{Digest, Expiry, Millis, json_text};
use crate::item::{Item, build_item, corrupt, parse_item};

const WHAT: &str = "one-time challenge";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChallengeItem {
    #[serde(skip_deserializing)]
    id: String,
    /// The hash key of the index that lists the challenges of a SCEP Profile by creation time.
    #[serde(skip_deserializing)]
    state: String,
    uuid: ChallengeUuid,
    scep_profile: ScepProfileUuid,
    digest: ByteArray<32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<SealedSecret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ra_profile: Option<RaProfileUuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<String>,
    #[serde(with = "json_text")]
    names: VouchedNames,
    uses: u16,
    hold: bool,
    note: Description,
    #[serde(with = "json_text")]
    annotations: BTreeMap<String, String>,
    created_at: Millis,
    valid_until: Millis,
    expires_at: Expiry,
    taken: Vec<UseItem>,
    deleted: bool,
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UseItem {
    claim: ClaimUuid,
    certificate: CertificateUuid,
    csr: Digest,
    requester_key: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_until: Option<Millis>,
}

/// The item by which a challenge is found from the transactionID that it is bound to.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BoundItem {
    #[serde(skip_deserializing)]
    id: String,
    challenge: ChallengeUuid,
    expires_at: Expiry,
}

pub(crate) fn challenge_id(uuid: ChallengeUuid) -> String {
    format!("challenge/{uuid}")
}

/// The hash key under which the challenges of a SCEP Profile are listed.
pub(crate) fn challenge_list_key(scep_profile: ScepProfileUuid) -> String {
    format!("challenge/{scep_profile}")
}

pub(crate) fn challenge_item(challenge: &OneTimeChallenge) -> Result<Item, StoreError> {
    let terms = &challenge.terms;
    build_item(ChallengeItem {
        id: challenge_id(challenge.uuid),
        state: challenge_list_key(challenge.scep_profile),
        uuid: challenge.uuid,
        scep_profile: challenge.scep_profile,
        digest: ByteArray::new(challenge.digest.0),
        secret: challenge.secret.clone(),
        ra_profile: terms.ra_profile,
        transaction_id: terms
            .transaction_id
            .as_ref()
            .map(|bound| bound.as_str().to_owned()),
        names: terms.names.clone(),
        uses: terms.uses,
        hold: terms.hold,
        note: terms.note.clone(),
        annotations: terms.annotations.clone(),
        created_at: Millis(challenge.created_at),
        valid_until: Millis(challenge.expires_at),
        expires_at: Expiry(challenge.kept_until()),
        taken: challenge.taken.iter().map(UseItem::from).collect(),
        deleted: challenge.deleted,
        version: challenge.version,
    })
}

pub(crate) fn parse_challenge(item: Item) -> Result<OneTimeChallenge, StoreError> {
    let found: ChallengeItem = parse_item(WHAT, item)?;
    let transaction_id = found
        .transaction_id
        .map(|bound| TransactionId::new(&bound).map_err(corrupt(WHAT)))
        .transpose()?;
    Ok(OneTimeChallenge {
        uuid: found.uuid,
        scep_profile: found.scep_profile,
        digest: ChallengeDigest(found.digest.into_array()),
        secret: found.secret,
        terms: ChallengeTerms {
            ra_profile: found.ra_profile,
            transaction_id,
            names: found.names,
            uses: found.uses,
            hold: found.hold,
            note: found.note,
            annotations: found.annotations,
        },
        created_at: found.created_at.0,
        expires_at: found.valid_until.0,
        taken: found.taken.into_iter().map(ChallengeUse::from).collect(),
        deleted: found.deleted,
        version: found.version,
    })
}

impl From<&ChallengeUse> for UseItem {
    fn from(taken: &ChallengeUse) -> Self {
        Self {
            claim: taken.claim,
            certificate: taken.certificate,
            csr: Digest(taken.csr),
            requester_key: Digest(taken.requester_key),
            held_until: taken.held_until.map(Millis),
        }
    }
}

impl From<UseItem> for ChallengeUse {
    fn from(item: UseItem) -> Self {
        Self {
            claim: item.claim,
            certificate: item.certificate,
            csr: item.csr.0,
            requester_key: item.requester_key.0,
            held_until: item.held_until.map(|Millis(until)| until),
        }
    }
}

/// The id of the item that names the challenge bound to the transactionID of this transaction.
pub(crate) fn bound_id(transaction: TransactionUuid) -> String {
    format!("challengeOf/{transaction}")
}

/// The item that names the challenge bound to a transactionID; `None` for one that is bound to
/// none.
pub(crate) fn bound_item(challenge: &OneTimeChallenge) -> Result<Option<Item>, StoreError> {
    let Some(transaction) = challenge.bound_transaction() else {
        return Ok(None);
    };
    build_item(BoundItem {
        id: bound_id(transaction),
        challenge: challenge.uuid,
        expires_at: Expiry(challenge.kept_until()),
    })
    .map(Some)
}

pub(crate) fn parse_bound(item: Item) -> Result<ChallengeUuid, StoreError> {
    parse_item::<BoundItem>(WHAT, item).map(|found| found.challenge)
}

#[cfg(test)]
mod tests;
