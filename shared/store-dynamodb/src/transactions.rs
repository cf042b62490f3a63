//! The transactions table and the steps of issuing, each of which is one conditional write.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{
    Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use scep_cms::TransactionId;
use scep_protocol::{
    Fingerprint, Issuance, RequestFingerprint, SameRequest, SignerClass, Transaction, TransactionKey, TransactionState,
};
use scep_service::{
    AuditRecord, CertificateRecord, Claim, ClaimKind, ClaimOutcome, GuardedOutcome, StoreError,
    Transactions,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::certificates::{
    END_OF_TIME, certificate_id, certificate_item, insert_annotations, parse_annotations,
    parse_certificate,
};
use crate::guards::GuardedWrite;
use crate::index::BY_PENDING;
use crate::item::{
    AUTHORITY, CLAIM, CREATED_AT, CSR, EXPIRES_AT, GENERATION, ID, Item, KEY, KEY_ALGORITHM,
    LEASE_UNTIL, MESSAGE_TYPE, PENDING_OF, PREDECESSOR, RA_PROFILE, REASON, REQUESTER_KEY, Reader,
    SCEP_PROFILE, SIGNER_CLASS, SIGNER_KEY, STATE, SUBJECT, SUBJECT_KEY, TO_BE_SIGNED,
    TRANSACTION_ID, to_millis, to_number, to_octets, to_seconds, to_text, unavailable,
};
use crate::page::{Bounds, List, count_items};
use crate::retry::{CONDITION_FAILED, MAX_TRIES, cancellation_reasons, is_transient};

pub(crate) const ISSUED: &str = "issued";
pub(crate) const ISSUING: &str = "issuing";
pub(crate) const PENDING: &str = "pending";
pub(crate) const REJECTED: &str = "rejected";

const BY_CERTIFICATE: &str = "certificate";
const BY_CHALLENGE: &str = "challenge";
const BY_NOBODY: &str = "nobody";

pub(crate) const TRANSACTION: &str = "transaction";

#[async_trait::async_trait]
impl Transactions for DynamoDbStore {
    async fn transaction(&self, uuid: Uuid) -> Result<Option<Transaction>, StoreError> {
        let found = self.read_transaction_item(uuid).await?;
        found.as_ref().map(parse_transaction).transpose()
    }

    async fn remember_envelope(
        &self,
        encrypted_key: Fingerprint,
        ciphertext: Fingerprint,
        until: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError> {
        self.put_envelope(encrypted_key, ciphertext, until, now)
            .await
    }

    async fn same_request(
        &self,
        scep_profile: Uuid,
        request: &RequestFingerprint,
        requester_key: Fingerprint,
    ) -> Result<Option<SameRequest>, StoreError> {
        self.find_request(scep_profile, request, requester_key)
            .await
    }

    async fn pending_requests(
        &self,
        scep_profile: Uuid,
        most: u16,
        now: OffsetDateTime,
    ) -> Result<u16, StoreError> {
        let list = List {
            table: &self.tables.transactions,
            index: &BY_PENDING,
            hash: scep_profile.to_string(),
            // Expired requests no longer wait, though DynamoDB deletes them only later.
            bounds: Bounds::Between(to_seconds(now), to_seconds(END_OF_TIME)),
            ascending: true,
        };
        count_items(&self.client, &list, most).await
    }

    async fn claim(&self, claim: &Claim) -> Result<GuardedOutcome, StoreError> {
        let operation = "claiming a transaction";
        let writes = self.claim_writes(claim)?;
        self.write_guarded(operation, writes, claim.claim).await
    }

    async fn approve(
        &self,
        pending: &Transaction,
        claim: Uuid,
        issuance: &Issuance,
        lease_until: OffsetDateTime,
        request_until: OffsetDateTime,
        audit: &AuditRecord,
    ) -> Result<GuardedOutcome, StoreError> {
        let operation = "approving a transaction";
        // The transaction stops expiring here: from now on, its certificate may exist. The record
        // of its request, which expires on its own, is kept longer in the same step.
        let update = self
            .update_pending(pending)
            .update_expression(
                "SET #state = :issuing, claim = :claim, toBeSigned = :toBeSigned, \
                 generation = :generation, #key = :key, keyAlgorithm = :algorithm, \
                 leaseUntil = :lease REMOVE expiresAt, pendingOf",
            )
            .expression_attribute_names("#key", KEY)
            .expression_attribute_values(":issuing", to_text(ISSUING))
            .expression_attribute_values(":claim", to_text(claim.to_string()))
            .expression_attribute_values(":toBeSigned", to_octets(&issuance.to_be_signed))
            .expression_attribute_values(":generation", to_number(issuance.generation.into()))
            .expression_attribute_values(":key", to_text(issuance.key.to_stored()))
            .expression_attribute_values(":algorithm", to_text(issuance.key_algorithm.name()))
            .expression_attribute_values(":lease", to_millis(lease_until))
            .build()
            .map_err(unavailable(operation))?;
        let writes = vec![
            GuardedWrite::contended(TransactWriteItem::builder().update(update).build()),
            self.extend_request(pending, claim, request_until)
                .map_err(unavailable(operation))?,
            self.check_key_not_revoked(issuance.subject_key)
                .map_err(unavailable(operation))?,
            GuardedWrite::infallible(self.put_audit(audit).map_err(unavailable(operation))?),
        ];
        self.write_guarded(operation, writes, claim).await
    }

    async fn reject(
        &self,
        pending: &Transaction,
        reason: &str,
        until: OffsetDateTime,
        audit: &AuditRecord,
    ) -> Result<ClaimOutcome, StoreError> {
        let update = self
            .update_pending(pending)
            .update_expression(
                "SET #state = :rejected, reason = :reason, expiresAt = :until \
                 REMOVE toBeSigned, annotations, pendingOf",
            )
            .expression_attribute_values(":rejected", to_text(REJECTED))
            .expression_attribute_values(":reason", to_text(reason))
            .expression_attribute_values(":until", to_seconds(until));
        self.write_decision("rejecting a transaction", update, audit)
            .await
    }

    async fn take_over(
        &self,
        key: &TransactionKey,
        expired: Uuid,
        claim: Uuid,
        lease_until: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.tables.transactions)
            .key(ID, to_text(key.uuid().to_string()))
            // Nothing else changes: the old claimant may have signed already, so the new one signs
            // the same bytes.
            .update_expression("SET claim = :claim, leaseUntil = :lease")
            .condition_expression("claim = :expired AND #state = :issuing")
            .expression_attribute_names("#state", STATE)
            .expression_attribute_values(":claim", to_text(claim.to_string()))
            .expression_attribute_values(":lease", to_millis(lease_until))
            .expression_attribute_values(":expired", to_text(expired.to_string()))
            .expression_attribute_values(":issuing", to_text(ISSUING))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = updated else {
            return Ok(ClaimOutcome::Won);
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Ok(claim_outcome(failed.item(), claim))
            }
            // The claimant, or another process that takes over, is writing the item right now.
            Some(UpdateItemError::TransactionConflictException(_)) => Ok(ClaimOutcome::Lost),
            Some(_) | None => Err(unavailable("taking over a transaction")(error)),
        }
    }

    async fn complete(
        &self,
        claim: Uuid,
        record: &CertificateRecord,
        resend_until: OffsetDateTime,
    ) -> Result<GuardedOutcome, StoreError> {
        let describing = "describing a certificate";
        // The certificate and the end of the transaction are one write: a transaction without its
        // certificate, or a second certificate, would be the result of a crash between two.
        let update = Update::builder()
            .table_name(&self.tables.transactions)
            .key(ID, to_text(record.transaction.uuid().to_string()))
            .update_expression(
                "SET #state = :issued, certificate = :certificate, certificateUuid = :uuid, \
                 expiresAt = :expires REMOVE toBeSigned, leaseUntil, annotations",
            )
            .condition_expression("claim = :claim AND #state = :issuing")
            .expression_attribute_names("#state", STATE)
            .expression_attribute_values(":issued", to_text(ISSUED))
            .expression_attribute_values(":certificate", to_octets(record.certificate.der()))
            .expression_attribute_values(":uuid", to_text(record.summary.uuid.to_string()))
            .expression_attribute_values(":expires", to_seconds(resend_until))
            .expression_attribute_values(":claim", to_text(claim.to_string()))
            .expression_attribute_values(":issuing", to_text(ISSUING))
            .build()
            .map_err(unavailable(describing))?;
        let summary = &record.summary;
        let mut writes = vec![
            GuardedWrite::contended(TransactWriteItem::builder().update(update).build()),
            self.record_certificate(record)?,
            // Key and predecessor were conditions of the claim, and may have been revoked since.
            self.check_key_not_revoked(summary.key)
                .map_err(unavailable(describing))?,
        ];
        if let Some(predecessor) = summary.predecessor {
            writes.push(
                self.check_predecessor_not_revoked(summary.authority, predecessor)
                    .map_err(unavailable(describing))?,
            );
        }
        self.write_guarded("recording a certificate", writes, claim)
            .await
    }

    async fn withdraw(
        &self,
        claim: Uuid,
        record: &CertificateRecord,
        reason: &str,
        until: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError> {
        let update = Update::builder()
            .table_name(&self.tables.transactions)
            .key(ID, to_text(record.transaction.uuid().to_string()))
            .update_expression(
                "SET #state = :rejected, reason = :reason, expiresAt = :until \
                 REMOVE toBeSigned, leaseUntil, annotations",
            )
            .condition_expression("claim = :claim AND #state = :issuing")
            .expression_attribute_names("#state", STATE)
            .expression_attribute_values(":rejected", to_text(REJECTED))
            .expression_attribute_values(":reason", to_text(reason))
            .expression_attribute_values(":until", to_seconds(until))
            .expression_attribute_values(":claim", to_text(claim.to_string()))
            .expression_attribute_values(":issuing", to_text(ISSUING))
            .build()
            .map_err(unavailable("describing a certificate"))?;
        let items = vec![
            TransactWriteItem::builder().update(update).build(),
            // A signed certificate is recorded even if no client gets it, so that the CRL lists it.
            self.record_certificate(record)?.write,
        ];
        self.write_all("withdrawing a certificate", items).await
    }

    async fn certificate(
        &self,
        authority: Uuid,
        serial_number: &str,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        self.get_certificate(certificate_id(authority, serial_number))
            .await
    }

    async fn is_key_revoked(&self, key: Fingerprint) -> Result<bool, StoreError> {
        self.has_revoked_key(key).await
    }

    async fn successors(
        &self,
        authority: Uuid,
        predecessor: Uuid,
    ) -> Result<Vec<Uuid>, StoreError> {
        self.read_successors(authority, predecessor).await
    }

    async fn forget_successors(
        &self,
        authority: Uuid,
        predecessor: Uuid,
        known: &[Uuid],
        living: &[Uuid],
    ) -> Result<ClaimOutcome, StoreError> {
        self.replace_successors(authority, predecessor, known, living)
            .await
    }
}

impl DynamoDbStore {
    pub(crate) async fn read_transaction_item(
        &self,
        uuid: Uuid,
    ) -> Result<Option<Item>, StoreError> {
        self.read_item(uuid.to_string()).await
    }

    /// Lists the writes that claim a transaction, each with its condition.
    fn claim_writes(&self, claim: &Claim) -> Result<Vec<GuardedWrite>, StoreError> {
        let describing = "describing a transaction";
        let unconditional = Put::builder()
            .table_name(&self.tables.transactions)
            .set_item(Some(claim_item(claim)?))
            // The old item shows whether this very claim is there already.
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match claim.replaced.transaction {
            None => unconditional.condition_expression("attribute_not_exists(id)"),
            // Every claim has a UUID of its own, so this one proves that nothing has changed since
            // the decision to replace it.
            Some(replaced) => unconditional
                .condition_expression("claim = :replaced")
                .expression_attribute_values(":replaced", to_text(replaced.to_string())),
        }
        .build()
        .map_err(unavailable(describing))?;
        let mut writes = vec![
            GuardedWrite::contended(TransactWriteItem::builder().put(put).build()),
            self.claim_request(claim).map_err(unavailable(describing))?,
            self.check_key_not_revoked(claim.issuance.subject_key)
                .map_err(unavailable(describing))?,
        ];
        if let Some(renewal) = &claim.renewal {
            let authority = claim.issuance.authority;
            writes.push(
                self.check_predecessor_not_revoked(authority, renewal.predecessor)
                    .map_err(unavailable(describing))?,
            );
            writes.push(
                self.claim_succession(authority, renewal)
                    .map_err(unavailable(describing))?,
            );
        }
        Ok(writes)
    }

    /// Describes the write of a certificate record. Records are never overwritten.
    fn record_certificate(&self, record: &CertificateRecord) -> Result<GuardedWrite, StoreError> {
        let put = Put::builder()
            .table_name(&self.tables.certificates)
            .set_item(Some(certificate_item(record)?))
            .condition_expression("attribute_not_exists(id)")
            .build()
            .map_err(unavailable("describing a certificate"))?;
        let write = TransactWriteItem::builder().put(put).build();
        // A serial number that is taken is a fault of the server, not a lost race.
        Ok(GuardedWrite::infallible(write))
    }

    /// Reads any item of the transactions table, with strong consistency.
    pub(crate) async fn read_item(&self, id: String) -> Result<Option<Item>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.transactions)
            .key(ID, to_text(id))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable("reading a transaction"))?;
        Ok(found.item)
    }

    /// Begins an update of a pending transaction, on the condition that it was not claimed again
    /// since it was read.
    fn update_pending(&self, pending: &Transaction) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.tables.transactions)
            .key(ID, to_text(pending.key.uuid().to_string()))
            .condition_expression("claim = :read AND #state = :pending")
            .expression_attribute_names("#state", STATE)
            .expression_attribute_values(":read", to_text(pending.claim.to_string()))
            .expression_attribute_values(":pending", to_text(PENDING))
    }

    /// Writes an administrator's decision and its audit record, both or neither.
    async fn write_decision(
        &self,
        operation: &'static str,
        builder: UpdateBuilder,
        audit: &AuditRecord,
    ) -> Result<ClaimOutcome, StoreError> {
        let update = builder.build().map_err(unavailable(operation))?;
        let items = vec![
            TransactWriteItem::builder().update(update).build(),
            self.put_audit(audit).map_err(unavailable(operation))?,
        ];
        self.write_all(operation, items).await
    }

    /// Writes all items or none; [`ClaimOutcome::Lost`] if the condition of the first one fails.
    pub(crate) async fn write_all(
        &self,
        operation: &'static str,
        items: Vec<TransactWriteItem>,
    ) -> Result<ClaimOutcome, StoreError> {
        for conflicts in 0..MAX_TRIES {
            let Err(error) = self.try_write(&items, conflicts).await else {
                return Ok(ClaimOutcome::Won);
            };
            let reasons = cancellation_reasons(&error);
            if reasons.first() == Some(&CONDITION_FAILED) {
                return Ok(ClaimOutcome::Lost);
            }
            // On a conflict, another request is writing one of the items. The retry finds out
            // whether it changed what this write depends on.
            if !is_transient(&reasons) {
                return Err(unavailable(operation)(error));
            }
        }
        Err(StoreError::Conflict)
    }
}

/// Decides who won after a failed condition, from the item that failed it.
fn claim_outcome(found: Option<&Item>, claim: Uuid) -> ClaimOutcome {
    // The SDK retries a request whose response was lost, and then finds its own claim.
    if found.and_then(|item| item.get(CLAIM)) == Some(&to_text(claim.to_string())) {
        return ClaimOutcome::Won;
    }
    ClaimOutcome::Lost
}

fn claim_item(claim: &Claim) -> Result<Item, StoreError> {
    let issuance = &claim.issuance;
    let scep_profile = to_text(claim.key.scep_profile.to_string());
    // A transaction that is being issued has no time to live: its certificate may have been signed,
    // and so it must stay until it is completed.
    let (state, until) = match claim.stage {
        ClaimKind::Sign(lease_until) => (ISSUING, (LEASE_UNTIL, to_millis(lease_until))),
        ClaimKind::Hold(until) => (PENDING, (EXPIRES_AT, to_seconds(until))),
    };
    let mut item = Item::from([
        (ID.to_owned(), to_text(claim.key.uuid().to_string())),
        (
            TRANSACTION_ID.to_owned(),
            to_text(claim.key.transaction_id.as_str()),
        ),
        (SCEP_PROFILE.to_owned(), scep_profile.clone()),
        (CLAIM.to_owned(), to_text(claim.claim.to_string())),
        (CSR.to_owned(), to_octets(&claim.request.csr.0)),
        (
            SIGNER_CLASS.to_owned(),
            to_text(signer_class_name(claim.request.signer_class)),
        ),
        (SIGNER_KEY.to_owned(), to_octets(&claim.signer_key.0)),
        (REQUESTER_KEY.to_owned(), to_octets(&claim.requester_key.0)),
        (STATE.to_owned(), to_text(state)),
        (until.0.to_owned(), until.1),
        (TO_BE_SIGNED.to_owned(), to_octets(&issuance.to_be_signed)),
        (
            AUTHORITY.to_owned(),
            to_text(issuance.authority.to_string()),
        ),
        (KEY.to_owned(), to_text(issuance.key.to_stored())),
        (
            KEY_ALGORITHM.to_owned(),
            to_text(issuance.key_algorithm.name()),
        ),
        (
            RA_PROFILE.to_owned(),
            to_text(issuance.ra_profile.to_string()),
        ),
        (GENERATION.to_owned(), to_number(issuance.generation.into())),
        (SUBJECT_KEY.to_owned(), to_octets(&issuance.subject_key.0)),
        (CREATED_AT.to_owned(), to_millis(claim.claimed_at)),
        (
            MESSAGE_TYPE.to_owned(),
            to_text(claim.message_type.digits()),
        ),
        (SUBJECT.to_owned(), to_text(&claim.subject)),
    ]);
    // The hash key of the index that counts pending transactions.
    if let ClaimKind::Hold(_) = claim.stage {
        item.insert(PENDING_OF.to_owned(), scep_profile);
    }
    if let Some(predecessor) = issuance.predecessor {
        item.insert(PREDECESSOR.to_owned(), to_text(predecessor.to_string()));
    }
    insert_annotations(&mut item, &issuance.annotations)?;
    Ok(item)
}

const fn signer_class_name(class: SignerClass) -> &'static str {
    match class {
        SignerClass::Certificate => BY_CERTIFICATE,
        SignerClass::Challenge => BY_CHALLENGE,
        SignerClass::Nobody => BY_NOBODY,
    }
}

pub(crate) fn parse_expiry(reader: &Reader<'_>) -> Result<OffsetDateTime, StoreError> {
    reader.read(EXPIRES_AT, |value| {
        let seconds = value.as_n().ok()?.parse().ok()?;
        OffsetDateTime::from_unix_timestamp(seconds).ok()
    })
}

pub(crate) fn parse_transaction(item: &Item) -> Result<Transaction, StoreError> {
    let reader = Reader {
        what: TRANSACTION,
        item,
    };
    let state = match reader.text(STATE)? {
        ISSUED => TransactionState::Issued {
            certificate: parse_certificate(&reader)?,
            authority: reader.uuid(AUTHORITY)?,
            generation: reader.number(GENERATION)?,
            resend_until: parse_expiry(&reader)?,
        },
        ISSUING => TransactionState::Issuing {
            issuance: parse_issuance(&reader)?,
            lease_until: reader.milliseconds(LEASE_UNTIL)?,
        },
        PENDING => TransactionState::Pending {
            issuance: parse_issuance(&reader)?,
            until: parse_expiry(&reader)?,
        },
        REJECTED => TransactionState::Rejected {
            reason: reader.text(REASON)?.to_owned(),
            until: parse_expiry(&reader)?,
        },
        _ => return reader.read(STATE, |_| None),
    };
    Ok(Transaction {
        key: TransactionKey {
            scep_profile: reader.uuid(SCEP_PROFILE)?,
            transaction_id: reader.read(TRANSACTION_ID, |value| {
                TransactionId::new(value.as_s().ok()?).ok()
            })?,
        },
        claim: reader.uuid(CLAIM)?,
        request: RequestFingerprint {
            ra_profile: reader.uuid(RA_PROFILE)?,
            csr: parse_fingerprint(&reader, CSR)?,
            signer_class: reader.read(SIGNER_CLASS, |value| match value.as_s().ok()?.as_str() {
                BY_CERTIFICATE => Some(SignerClass::Certificate),
                BY_CHALLENGE => Some(SignerClass::Challenge),
                BY_NOBODY => Some(SignerClass::Nobody),
                _ => None,
            })?,
        },
        signer_key: parse_fingerprint(&reader, SIGNER_KEY)?,
        // Items from before proxies could sign lack it: the signer was always the requester.
        requester_key: match item.contains_key(REQUESTER_KEY) {
            true => parse_fingerprint(&reader, REQUESTER_KEY)?,
            false => parse_fingerprint(&reader, SIGNER_KEY)?,
        },
        state,
    })
}

fn parse_fingerprint(reader: &Reader<'_>, name: &'static str) -> Result<Fingerprint, StoreError> {
    reader.read(name, |value| {
        Some(Fingerprint(value.as_b().ok()?.as_ref().try_into().ok()?))
    })
}

fn parse_issuance(reader: &Reader<'_>) -> Result<Issuance, StoreError> {
    Ok(Issuance {
        to_be_signed: reader.octets(TO_BE_SIGNED)?.to_vec(),
        authority: reader.uuid(AUTHORITY)?,
        generation: reader.number(GENERATION)?,
        key: reader.read(KEY, |value| value.as_s().ok()?.clone().try_into().ok())?,
        key_algorithm: reader.read(KEY_ALGORITHM, |value| value.as_s().ok()?.parse().ok())?,
        ra_profile: reader.uuid(RA_PROFILE)?,
        subject_key: parse_fingerprint(reader, SUBJECT_KEY)?,
        predecessor: reader.optional_uuid(PREDECESSOR)?,
        annotations: parse_annotations(reader)?,
    })
}
