//! Writes that other records may forbid: revoked keys and predecessors, earlier claims of the same
//! request, too many successors.

use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Put, TransactWriteItem, Update};
use scep_protocol::{
    Fingerprint, PastCertificate, RequestFingerprint, RequestOutcome, SameRequest, SignerClass,
    Transaction,
};
use scep_service::{Bar, Claim, ClaimOutcome, GuardedOutcome, MAX_SUCCESSORS, Renewal, StoreError};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::certificates::certificate_id_from_uuid;
use crate::item::{
    AUTHORITY, CERTIFICATE_UUID, CLAIM, EXPIRES_AT, ID, Item, REVOKED_AT, Reader, SUCCESSORS,
    TRANSACTION, to_millis, to_number, to_seconds, to_text, unavailable,
};
use crate::retry::{CONDITION_FAILED, MAX_TRIES, cancellation_reasons, is_transient};
use crate::transactions::parse_transaction;

const WHAT: &str = "request";

/// One write of a transaction, and the outcome of the transaction if its condition fails.
pub(crate) struct GuardedWrite {
    pub(crate) write: TransactWriteItem,
    /// `None` if a failed condition is a fault of the server.
    otherwise: Option<GuardedOutcome>,
}

impl GuardedWrite {
    /// A write that another process may have made first.
    pub(crate) const fn contended(write: TransactWriteItem) -> Self {
        Self {
            write,
            otherwise: Some(GuardedOutcome::Lost),
        }
    }

    /// A write that nothing should prevent.
    pub(crate) const fn infallible(write: TransactWriteItem) -> Self {
        Self {
            write,
            otherwise: None,
        }
    }

    const fn barred(write: TransactWriteItem, bar: Bar) -> Self {
        Self {
            write,
            otherwise: Some(GuardedOutcome::Barred(bar)),
        }
    }
}

/// The id of the item in the certificates table that marks a key as revoked.
fn revoked_key_id(key: Fingerprint) -> String {
    format!("key/{key}")
}

/// The id of the item in the transactions table that leads from a request to its transaction: a
/// hash of everything that makes two requests the same.
fn request_id(
    scep_profile: Uuid,
    request: &RequestFingerprint,
    requester_key: Fingerprint,
) -> String {
    // The numbers are part of stored ids and must not change.
    let class = match request.signer_class {
        SignerClass::Certificate => 1,
        SignerClass::Challenge => 2,
        SignerClass::Nobody => 3,
    };
    // Each part has a fixed length, so different parts never concatenate to the same bytes.
    let parts = [
        &scep_profile.into_bytes()[..],
        &request.ra_profile.into_bytes(),
        &request.csr.0,
        &[class],
        &requester_key.0,
    ];
    format!("request/{}", Fingerprint::of(&parts.concat()))
}

fn successors_id(authority: Uuid, predecessor: Uuid) -> String {
    format!("successors/{authority}/{predecessor}")
}

impl DynamoDbStore {
    /// Writes all items or none.
    pub(crate) async fn write_guarded(
        &self,
        operation: &'static str,
        writes: Vec<GuardedWrite>,
        claim: Uuid,
    ) -> Result<GuardedOutcome, StoreError> {
        let items: Vec<_> = writes.iter().map(|write| write.write.clone()).collect();
        for conflicts in 0..MAX_TRIES {
            let Err(error) = self.try_write(&items, conflicts).await else {
                return Ok(GuardedOutcome::Won);
            };
            let reasons = cancellation_reasons(&error);
            if let Some(failed) = reasons
                .iter()
                .position(|reason| *reason == CONDITION_FAILED)
            {
                // The SDK retries a request whose response was lost, and then finds its own claim.
                if has_claim(&error, failed, claim) {
                    return Ok(GuardedOutcome::Won);
                }
                return writes
                    .get(failed)
                    .and_then(|write| write.otherwise)
                    .ok_or_else(|| unavailable(operation)(error));
            }
            // On a conflict, another request is writing one of the items. The retry finds out
            // whether it changed what this write depends on.
            if !is_transient(&reasons) {
                return Err(unavailable(operation)(error));
            }
        }
        Err(StoreError::Conflict)
    }

    /// Checks, as part of a transaction, that no certificate of the key is revoked.
    pub(crate) fn check_key_not_revoked(
        &self,
        key: Fingerprint,
    ) -> Result<GuardedWrite, BuildError> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables.certificates)
            .key(ID, to_text(revoked_key_id(key)))
            .condition_expression("attribute_not_exists(id)")
            .build()?;
        let write = TransactWriteItem::builder().condition_check(check).build();
        Ok(GuardedWrite::barred(write, Bar::KeyRevoked))
    }

    /// Checks, as part of a transaction, that this certificate is not revoked.
    pub(crate) fn check_predecessor_not_revoked(
        &self,
        authority: Uuid,
        predecessor: Uuid,
    ) -> Result<GuardedWrite, BuildError> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables.certificates)
            .key(
                ID,
                to_text(certificate_id_from_uuid(authority, predecessor)),
            )
            // The record exists: it was read when the signer was checked, and none is ever deleted.
            .condition_expression("attribute_not_exists(revokedAt)")
            .build()?;
        let write = TransactWriteItem::builder().condition_check(check).build();
        Ok(GuardedWrite::barred(write, Bar::PredecessorRevoked))
    }

    /// Describes the write that marks a key as revoked.
    pub(crate) fn put_revoked_key(
        &self,
        key: Fingerprint,
        at: OffsetDateTime,
    ) -> Result<TransactWriteItem, BuildError> {
        // Unconditional: a second certificate of the same key may be revoked as well.
        let put = Put::builder()
            .table_name(&self.tables.certificates)
            .set_item(Some(Item::from([
                (ID.to_owned(), to_text(revoked_key_id(key))),
                (REVOKED_AT.to_owned(), to_millis(at)),
            ])))
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    pub(crate) async fn has_revoked_key(&self, key: Fingerprint) -> Result<bool, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.certificates)
            .key(ID, to_text(revoked_key_id(key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable("reading a revoked key"))?;
        Ok(found.item.is_some())
    }

    /// Describes the write that leads from a request to the transaction that claims it.
    pub(crate) fn claim_request(&self, claim: &Claim) -> Result<GuardedWrite, BuildError> {
        let transaction = to_text(claim.key.uuid().to_string());
        let id = request_id(claim.key.scep_profile, &claim.request, claim.requester_key);
        let unconditional = Put::builder()
            .table_name(&self.tables.transactions)
            .set_item(Some(Item::from([
                (ID.to_owned(), to_text(id)),
                (TRANSACTION.to_owned(), transaction.clone()),
                (CLAIM.to_owned(), to_text(claim.claim.to_string())),
                (EXPIRES_AT.to_owned(), to_seconds(claim.request_until)),
                // These find the certificate once the transaction belongs to another request.
                (
                    AUTHORITY.to_owned(),
                    to_text(claim.issuance.authority.to_string()),
                ),
                (
                    CERTIFICATE_UUID.to_owned(),
                    to_text(claim.certificate.to_string()),
                ),
            ])))
            .expression_attribute_names("#transaction", TRANSACTION)
            .expression_attribute_values(":this", transaction)
            .expression_attribute_values(":now", to_seconds(claim.claimed_at));
        // DynamoDB deletes expired items hours late, so the condition checks the time itself.
        let free = "attribute_not_exists(id) OR expiresAt < :now OR #transaction = :this";
        let put = match claim.replaced.request {
            None => unconditional.condition_expression(free),
            Some(replaced) => unconditional
                .condition_expression(format!("{free} OR claim = :replaced"))
                .expression_attribute_values(":replaced", to_text(replaced.to_string())),
        }
        .build()?;
        let write = TransactWriteItem::builder().put(put).build();
        Ok(GuardedWrite::contended(write))
    }

    /// Describes the write that keeps leading from an approved request to its transaction, beyond
    /// the time that it could wait for approval.
    pub(crate) fn extend_request(
        &self,
        pending: &Transaction,
        claim: Uuid,
        until: OffsetDateTime,
    ) -> Result<GuardedWrite, BuildError> {
        let id = request_id(
            pending.key.scep_profile,
            &pending.request,
            pending.requester_key,
        );
        let update = Update::builder()
            .table_name(&self.tables.transactions)
            .key(ID, to_text(id))
            .update_expression("SET #transaction = :this, claim = :claim, expiresAt = :until")
            .expression_attribute_names("#transaction", TRANSACTION)
            .expression_attribute_values(":this", to_text(pending.key.uuid().to_string()))
            .expression_attribute_values(":claim", to_text(claim.to_string()))
            .expression_attribute_values(":until", to_seconds(until))
            .build()?;
        let write = TransactWriteItem::builder().update(update).build();
        Ok(GuardedWrite::infallible(write))
    }

    pub(crate) async fn find_request(
        &self,
        scep_profile: Uuid,
        request: &RequestFingerprint,
        requester_key: Fingerprint,
    ) -> Result<Option<SameRequest>, StoreError> {
        let id = request_id(scep_profile, request, requester_key);
        let Some(item) = self.read_item(id).await? else {
            return Ok(None);
        };
        let reader = Reader {
            what: WHAT,
            item: &item,
        };
        // The transaction may have been claimed by another request with the same transactionID.
        let is_same =
            |found: &Transaction| found.request == *request && found.requester_key == requester_key;
        let same_transaction = self
            .read_transaction_item(reader.uuid(TRANSACTION)?)
            .await?
            .as_ref()
            .map(parse_transaction)
            .transpose()?
            .filter(is_same);
        let outcome = match same_transaction {
            Some(found) => RequestOutcome::Transaction(Box::new(found)),
            None => match self.find_past_certificate(&reader).await? {
                Some(past) => RequestOutcome::Certificate(past),
                None => RequestOutcome::Nothing,
            },
        };
        Ok(Some(SameRequest {
            claim: reader.uuid(CLAIM)?,
            outcome,
        }))
    }

    /// Reads the certificate that was issued for a request; `None` if it was never recorded or is
    /// revoked.
    async fn find_past_certificate(
        &self,
        request: &Reader<'_>,
    ) -> Result<Option<PastCertificate>, StoreError> {
        // Items of earlier versions have neither attribute.
        let authority = request.optional_uuid(AUTHORITY)?;
        let uuid = request.optional_uuid(CERTIFICATE_UUID)?;
        let (Some(authority), Some(uuid)) = (authority, uuid) else {
            return Ok(None);
        };
        let record = self
            .get_certificate(certificate_id_from_uuid(authority, uuid))
            .await?;
        Ok(record
            .filter(|record| record.summary.revocation.is_none())
            .map(|record| PastCertificate {
                certificate: record.certificate,
                authority,
                generation: record.generation,
                issued_at: record.summary.issued_at,
            }))
    }

    /// Describes the write that adds a successor to those of its predecessor, if there is room.
    pub(crate) fn claim_succession(
        &self,
        authority: Uuid,
        renewal: &Renewal,
    ) -> Result<GuardedWrite, BuildError> {
        let most = u64::try_from(MAX_SUCCESSORS).unwrap_or(u64::MAX);
        let update = Update::builder()
            .table_name(&self.tables.transactions)
            .key(ID, to_text(successors_id(authority, renewal.predecessor)))
            .update_expression(
                "SET successors = list_append(if_not_exists(successors, :none), :one), \
                 expiresAt = :until",
            )
            .condition_expression("attribute_not_exists(successors) OR size(successors) < :most")
            .expression_attribute_values(":none", AttributeValue::L(Vec::new()))
            .expression_attribute_values(":one", uuid_list(&[renewal.successor]))
            // An expired certificate renews nothing, so its list is of no use after notAfter.
            .expression_attribute_values(":until", to_seconds(renewal.predecessor_not_after))
            .expression_attribute_values(":most", to_number(most))
            .build()?;
        let write = TransactWriteItem::builder().update(update).build();
        Ok(GuardedWrite::barred(write, Bar::TooManySuccessors))
    }

    pub(crate) async fn read_successors(
        &self,
        authority: Uuid,
        predecessor: Uuid,
    ) -> Result<Vec<Uuid>, StoreError> {
        let id = successors_id(authority, predecessor);
        let Some(item) = self.read_item(id).await? else {
            return Ok(Vec::new());
        };
        let reader = Reader {
            what: "list of successors",
            item: &item,
        };
        reader.read(SUCCESSORS, |value| {
            value
                .as_l()
                .ok()?
                .iter()
                .map(|uuid| Uuid::parse_str(uuid.as_s().ok()?).ok())
                .collect()
        })
    }

    /// Replaces the list of successors, on the condition that it is still the known one.
    pub(crate) async fn replace_successors(
        &self,
        authority: Uuid,
        predecessor: Uuid,
        known: &[Uuid],
        living: &[Uuid],
    ) -> Result<ClaimOutcome, StoreError> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.tables.transactions)
            .key(ID, to_text(successors_id(authority, predecessor)))
            .update_expression("SET successors = :living")
            .condition_expression("successors = :known")
            .expression_attribute_values(":living", uuid_list(living))
            .expression_attribute_values(":known", uuid_list(known))
            .send()
            .await;
        match updated {
            Ok(_) => Ok(ClaimOutcome::Won),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
            {
                Ok(ClaimOutcome::Lost)
            }
            Err(error) => Err(unavailable("forgetting successors")(error)),
        }
    }
}

/// Whether the item that failed its condition has this claim.
fn has_claim(error: &SdkError<TransactWriteItemsError>, failed: usize, claim: Uuid) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return false;
    };
    let stored = cancelled
        .cancellation_reasons()
        .get(failed)
        .and_then(|reason| reason.item())
        .and_then(|item| item.get(CLAIM));
    stored == Some(&to_text(claim.to_string()))
}

fn uuid_list(uuids: &[Uuid]) -> AttributeValue {
    AttributeValue::L(uuids.iter().map(|uuid| to_text(uuid.to_string())).collect())
}
