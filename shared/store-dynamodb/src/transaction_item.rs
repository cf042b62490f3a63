//! The items of transactions.

use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use ca::requested_contents::RequestedContents;
use scep_cms::certificate::Certificate;
use scep_cms::transaction_id::TransactionId;
use scep_protocol::annotations::Annotations;
use scep_protocol::id::{ClaimUuid, RaProfileUuid, ScepProfileUuid, TransactionUuid};
use scep_protocol::transaction::{
    Issuance, RequestFingerprint, SignerClass, Transaction, TransactionKey, TransactionState,
};
use scep_protocol::vouching::Vouching;
use scep_service::error::StoreError;
use scep_service::inventory::{TransactionRecord, TransactionStatus, TransactionSummary};
use scep_service::ports::{Claim, ClaimKind};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use time::OffsetDateTime;

use crate::attribute::{Digest, Expiry, Millis, is_default, json_text, to_text};
use crate::item::{CLAIMED_CERTIFICATE, Item, TO_BE_SIGNED, build_item, corrupt, parse_item};
use crate::transaction_parts::is_kept_with_request;

const WHAT: &str = "transaction";

// The values of the attribute `state`, which are the names of the variants of `StateItem`.
pub(crate) const ISSUED: &str = "issued";
pub(crate) const ISSUING: &str = "issuing";
pub(crate) const PENDING: &str = "pending";
pub(crate) const REJECTED: &str = "rejected";

/// Everything that decisions about a transaction need, with the parts that other items hold.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TransactionItem {
    transaction_id: String,
    scep_profile: ScepProfileUuid,
    claim: ClaimUuid,
    ra_profile: RaProfileUuid,
    csr: Digest,
    #[serde(with = "SignerClassName")]
    signer_class: SignerClass,
    signer_key: Digest,
    /// Items from before proxies could sign lack it: the signer was always the requester.
    requester_key: Option<Digest>,
    #[serde(flatten)]
    state: StateItem,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "SignerClass", rename_all = "camelCase")]
pub(crate) enum SignerClassName {
    Certificate,
    Challenge,
    Nobody,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
enum StateItem {
    Issued(IssuedItem),
    Issuing(IssuingItem),
    Pending(PendingItem),
    Rejected(RejectedItem),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IssuedItem {
    certificate: ByteBuf,
    authority: AuthorityUuid,
    generation: Generation,
    expires_at: Expiry,
}

// A transaction that is being issued has no time to live: its certificate may have been signed, and
// so it must stay until it is completed.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IssuingItem {
    #[serde(flatten)]
    issuance: IssuanceItem,
    lease_until: Millis,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PendingItem {
    #[serde(flatten)]
    issuance: IssuanceItem,
    expires_at: Expiry,
    /// The SCEP Profile once more: the hash key of the index that counts pending transactions.
    #[serde(skip_deserializing)]
    pending_of: ScepProfileUuid,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RejectedItem {
    reason: String,
    expires_at: Expiry,
}

/// What is to be signed. The RA Profile is that of the transaction.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IssuanceItem {
    to_be_signed: ByteBuf,
    authority: AuthorityUuid,
    generation: Generation,
    key: KeyLocation,
    key_algorithm: KeyAlgorithm,
    subject_key: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    predecessor: Option<CertificateUuid>,
    #[serde(default, with = "json_text", skip_serializing_if = "is_default")]
    annotations: Annotations,
    #[serde(default, with = "json_text", skip_serializing_if = "Option::is_none")]
    vouching: Option<Vouching>,
}

/// A transaction as it is claimed, with what lists show of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClaimItem<'a> {
    id: TransactionUuid,
    #[serde(flatten)]
    transaction: TransactionItem,
    created_at: Millis,
    message_type: &'a str,
    subject: &'a str,
    #[serde(with = "json_text", skip_serializing_if = "Option::is_none")]
    requested: Option<&'a RequestedContents>,
}

/// What the request of a transaction asked for, if it waited for an administrator.
#[derive(Deserialize)]
struct RequestedItem {
    #[serde(default, with = "json_text")]
    requested: Option<RequestedContents>,
}

/// The part of a transaction that lists show.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SummaryItem {
    id: TransactionUuid,
    transaction_id: String,
    scep_profile: ScepProfileUuid,
    ra_profile: RaProfileUuid,
    message_type: String,
    subject: String,
    certificate_uuid: Option<CertificateUuid>,
    created_at: Millis,
    expires_at: Option<Expiry>,
}

/// Builds the item of a transaction that is claimed.
pub(crate) fn claim_item(claim: &Claim) -> Result<Item, StoreError> {
    let issuance = IssuanceItem::from(&claim.issuance);
    let mut item = build_item(ClaimItem {
        id: claim.key.uuid(),
        transaction: TransactionItem {
            transaction_id: claim.key.transaction_id.as_str().to_owned(),
            scep_profile: claim.key.scep_profile,
            claim: claim.claim,
            ra_profile: claim.issuance.ra_profile,
            csr: Digest(claim.request.csr),
            signer_class: claim.request.signer_class,
            signer_key: Digest(claim.signer_key),
            requester_key: Some(Digest(claim.requester_key)),
            state: match claim.stage {
                ClaimKind::Sign(lease_until) => StateItem::Issuing(IssuingItem {
                    issuance,
                    lease_until: Millis(lease_until),
                }),
                ClaimKind::Hold(until) => StateItem::Pending(PendingItem {
                    issuance,
                    expires_at: Expiry(until),
                    pending_of: claim.key.scep_profile,
                }),
            },
        },
        created_at: Millis(claim.claimed_at),
        message_type: claim.message_type.digits(),
        subject: &claim.subject,
        requested: claim.requested.as_ref(),
    })?;
    if is_kept_with_request(claim) {
        item.remove(TO_BE_SIGNED);
        let certificate = to_text(claim.certificate.to_string());
        item.insert(CLAIMED_CERTIFICATE.to_owned(), certificate);
    }
    Ok(item)
}

impl From<&Issuance> for IssuanceItem {
    fn from(issuance: &Issuance) -> Self {
        Self {
            to_be_signed: ByteBuf::from(issuance.to_be_signed.clone()),
            authority: issuance.authority,
            generation: issuance.generation,
            key: issuance.key.clone(),
            key_algorithm: issuance.key_algorithm,
            subject_key: Digest(issuance.subject_key),
            predecessor: issuance.predecessor,
            annotations: issuance.annotations.clone(),
            vouching: issuance.vouching.clone(),
        }
    }
}

impl IssuanceItem {
    fn into_issuance(self, ra_profile: RaProfileUuid) -> Issuance {
        Issuance {
            to_be_signed: self.to_be_signed.into_vec(),
            authority: self.authority,
            generation: self.generation,
            key: self.key,
            key_algorithm: self.key_algorithm,
            ra_profile,
            subject_key: self.subject_key.0,
            predecessor: self.predecessor,
            annotations: self.annotations,
            vouching: self.vouching,
        }
    }
}

impl StateItem {
    fn into_state(self, ra_profile: RaProfileUuid) -> Result<TransactionState, StoreError> {
        Ok(match self {
            Self::Issued(issued) => TransactionState::Issued {
                certificate: Certificate::from_der(&issued.certificate).map_err(corrupt(WHAT))?,
                authority: issued.authority,
                generation: issued.generation,
                resend_until: issued.expires_at.0,
            },
            Self::Issuing(issuing) => TransactionState::Issuing {
                issuance: issuing.issuance.into_issuance(ra_profile),
                lease_until: issuing.lease_until.0,
            },
            Self::Pending(pending) => TransactionState::Pending {
                issuance: pending.issuance.into_issuance(ra_profile),
                until: pending.expires_at.0,
            },
            Self::Rejected(rejected) => TransactionState::Rejected {
                reason: rejected.reason,
                until: rejected.expires_at.0,
            },
        })
    }
}

pub(crate) fn parse_transaction(item: Item) -> Result<Transaction, StoreError> {
    let found: TransactionItem = parse_item(WHAT, item)?;
    let transaction_id = TransactionId::new(&found.transaction_id).map_err(corrupt(WHAT))?;
    Ok(Transaction {
        key: TransactionKey {
            scep_profile: found.scep_profile,
            transaction_id,
        },
        claim: found.claim,
        request: RequestFingerprint {
            ra_profile: found.ra_profile,
            csr: found.csr.0,
            signer_class: found.signer_class,
        },
        signer_key: found.signer_key.0,
        requester_key: found.requester_key.unwrap_or(found.signer_key).0,
        state: found.state.into_state(found.ra_profile)?,
    })
}

/// Parses a transaction with its summary; `None` if it has expired.
pub(crate) fn parse_transaction_record(
    item: Item,
    now: OffsetDateTime,
) -> Result<Option<TransactionRecord>, StoreError> {
    let transaction = parse_transaction(item.clone())?;
    let requested = parse_requested(item.clone())?;
    let status = match transaction.state {
        TransactionState::Issued { .. } => TransactionStatus::Issued,
        TransactionState::Issuing { .. } => TransactionStatus::Issuing,
        TransactionState::Pending { .. } => TransactionStatus::Pending,
        TransactionState::Rejected { .. } => TransactionStatus::Rejected,
    };
    let summary = parse_summary(item, status, now)?;
    Ok(summary.map(|summary| TransactionRecord {
        summary,
        transaction,
        requested,
    }))
}

/// Parses what the request of a transaction asked for; `None` if it is not known.
fn parse_requested(item: Item) -> Result<Option<RequestedContents>, StoreError> {
    Ok(parse_item::<RequestedItem>(WHAT, item)?.requested)
}

/// Why a transaction was rejected, if it was.
#[derive(Deserialize)]
struct ReasonItem {
    reason: Option<String>,
}

/// Parses why a transaction was rejected; `None` if it has another state.
// The transaction may have been claimed since the list was read, and then lacks parts of it.
pub(crate) fn parse_reason(item: Item) -> Result<Option<String>, StoreError> {
    Ok(parse_item::<ReasonItem>(WHAT, item)?.reason)
}

/// The part of a transaction that tells renewals from enrolments.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignerItem {
    #[serde(with = "SignerClassName")]
    signer_class: SignerClass,
}

/// Whether the transaction is a renewal: a certificate of its authority signed it.
pub(crate) fn is_signed_by_certificate(item: Item) -> Result<bool, StoreError> {
    let found: SignerItem = parse_item(WHAT, item)?;
    Ok(found.signer_class == SignerClass::Certificate)
}

/// Parses the summary of a transaction of this status; `None` if it has expired.
pub(crate) fn parse_summary(
    item: Item,
    status: TransactionStatus,
    now: OffsetDateTime,
) -> Result<Option<TransactionSummary>, StoreError> {
    let found: SummaryItem = parse_item(WHAT, item)?;
    // DynamoDB deletes expired items late, within days. A transaction that is being issued does not
    // expire: its certificate may exist already.
    let is_live = found.expires_at.is_none_or(|Expiry(at)| now <= at);
    Ok(is_live.then_some(TransactionSummary {
        uuid: found.id,
        transaction_id: found.transaction_id,
        scep_profile: found.scep_profile,
        ra_profile: found.ra_profile,
        status,
        message_type: found.message_type,
        subject: found.subject,
        certificate: found.certificate_uuid,
        created_at: found.created_at.0,
    }))
}

#[cfg(test)]
mod tests;
