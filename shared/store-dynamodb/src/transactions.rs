//! The transactions table and the steps of issuing, each of which is one conditional write.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{
    Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use scep_cms::TransactionId;
use scep_protocol::{
    Fingerprint, Issuance, KeyAlgorithm, KeyReference, RequestFingerprint, SameRequest,
    SignerClass, Transaction, TransactionKey, TransactionState,
};
use scep_service::{
    AuditRecord, CertificateRecord, Claim, ClaimKind, ClaimOutcome, GuardedOutcome, StoreError,
    Transactions,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::certificates::{
    END_OF_TIME, annotated, annotations, certificate, certificate_id, recorded,
};
use crate::guards::GuardedWrite;
use crate::index::BY_PENDING;
use crate::item::{
    AUTHORITY, CLAIM, CREATED_AT, CSR, EXPIRES_AT, GENERATION, ID, Item, KEY, KEY_ALGORITHM,
    LEASE_UNTIL, MESSAGE_TYPE, PENDING_OF, PREDECESSOR, RA_PROFILE, REASON, REQUESTER_KEY, Reader,
    SCEP_PROFILE, SIGNER_CLASS, SIGNER_KEY, STATE, SUBJECT, SUBJECT_KEY, TO_BE_SIGNED,
    TRANSACTION_ID, milliseconds, number, octets, seconds, text, unavailable,
};
use crate::objects::{CONDITION_FAILED, MAX_TRIES, cancellation_reasons, pass, pause};
use crate::page::{Bounds, List, count};

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
        let found = self.transaction_item(uuid).await?;
        found.as_ref().map(transaction).transpose()
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
            bounds: Bounds::Between(seconds(now), seconds(END_OF_TIME)),
            ascending: true,
        };
        count(&self.client, &list, most).await
    }

    async fn claim(&self, claim: &Claim) -> Result<GuardedOutcome, StoreError> {
        let operation = "claiming a transaction";
        let writes = self.claiming(claim)?;
        self.write_guarded(operation, writes, claim.claim).await
    }

    async fn approve(
        &self,
        held: &Transaction,
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
            .update_held(held)
            .update_expression(
                "SET #state = :issuing, claim = :claim, toBeSigned = :toBeSigned, \
                 generation = :generation, #key = :key, keyAlgorithm = :algorithm, \
                 leaseUntil = :lease REMOVE expiresAt, pendingOf",
            )
            .expression_attribute_names("#key", KEY)
            .expression_attribute_values(":issuing", text(ISSUING))
            .expression_attribute_values(":claim", text(claim.to_string()))
            .expression_attribute_values(":toBeSigned", octets(&issuance.to_be_signed))
            .expression_attribute_values(":generation", number(issuance.generation.into()))
            .expression_attribute_values(":key", text(&issuance.key.0))
            .expression_attribute_values(":algorithm", text(issuance.key_algorithm.name()))
            .expression_attribute_values(":lease", milliseconds(lease_until))
            .build()
            .map_err(unavailable(operation))?;
        let writes = vec![
            GuardedWrite::contended(TransactWriteItem::builder().update(update).build()),
            self.keep_request(held, claim, request_until)
                .map_err(unavailable(operation))?,
            self.key_is_good(issuance.subject_key)
                .map_err(unavailable(operation))?,
            GuardedWrite::sure(self.put_audit(audit).map_err(unavailable(operation))?),
        ];
        self.write_guarded(operation, writes, claim).await
    }

    async fn reject(
        &self,
        held: &Transaction,
        reason: &str,
        until: OffsetDateTime,
        audit: &AuditRecord,
    ) -> Result<ClaimOutcome, StoreError> {
        let update = self
            .update_held(held)
            .update_expression(
                "SET #state = :rejected, reason = :reason, expiresAt = :until \
                 REMOVE toBeSigned, annotations, pendingOf",
            )
            .expression_attribute_values(":rejected", text(REJECTED))
            .expression_attribute_values(":reason", text(reason))
            .expression_attribute_values(":until", seconds(until));
        self.decide_held("rejecting a transaction", update, audit)
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
            .key(ID, text(key.uuid().to_string()))
            // Nothing else changes: the old claimant may have signed already, so the new one signs
            // the same bytes.
            .update_expression("SET claim = :claim, leaseUntil = :lease")
            .condition_expression("claim = :expired AND #state = :issuing")
            .expression_attribute_names("#state", STATE)
            .expression_attribute_values(":claim", text(claim.to_string()))
            .expression_attribute_values(":lease", milliseconds(lease_until))
            .expression_attribute_values(":expired", text(expired.to_string()))
            .expression_attribute_values(":issuing", text(ISSUING))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = updated else {
            return Ok(ClaimOutcome::Won);
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Ok(holder(failed.item(), claim))
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
            .key(ID, text(record.transaction.uuid().to_string()))
            .update_expression(
                "SET #state = :issued, certificate = :certificate, certificateUuid = :uuid, \
                 expiresAt = :expires REMOVE toBeSigned, leaseUntil, annotations",
            )
            .condition_expression("claim = :claim AND #state = :issuing")
            .expression_attribute_names("#state", STATE)
            .expression_attribute_values(":issued", text(ISSUED))
            .expression_attribute_values(":certificate", octets(record.certificate.der()))
            .expression_attribute_values(":uuid", text(record.summary.uuid.to_string()))
            .expression_attribute_values(":expires", seconds(resend_until))
            .expression_attribute_values(":claim", text(claim.to_string()))
            .expression_attribute_values(":issuing", text(ISSUING))
            .build()
            .map_err(unavailable(describing))?;
        let summary = &record.summary;
        let mut writes = vec![
            GuardedWrite::contended(TransactWriteItem::builder().update(update).build()),
            self.record_certificate(record)?,
            // Key and predecessor were conditions of the claim, and may have been revoked since.
            self.key_is_good(summary.key)
                .map_err(unavailable(describing))?,
        ];
        if let Some(predecessor) = summary.predecessor {
            writes.push(
                self.predecessor_is_good(summary.authority, predecessor)
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
            .key(ID, text(record.transaction.uuid().to_string()))
            .update_expression(
                "SET #state = :rejected, reason = :reason, expiresAt = :until \
                 REMOVE toBeSigned, leaseUntil, annotations",
            )
            .condition_expression("claim = :claim AND #state = :issuing")
            .expression_attribute_names("#state", STATE)
            .expression_attribute_values(":rejected", text(REJECTED))
            .expression_attribute_values(":reason", text(reason))
            .expression_attribute_values(":until", seconds(until))
            .expression_attribute_values(":claim", text(claim.to_string()))
            .expression_attribute_values(":issuing", text(ISSUING))
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
        self.key_is_revoked(key).await
    }

    async fn successors(
        &self,
        authority: Uuid,
        predecessor: Uuid,
    ) -> Result<Vec<Uuid>, StoreError> {
        self.successors_of(authority, predecessor).await
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
    pub(crate) async fn transaction_item(&self, uuid: Uuid) -> Result<Option<Item>, StoreError> {
        self.transactions_item(uuid.to_string()).await
    }

    /// Lists the writes that claim a transaction, each with its condition.
    fn claiming(&self, claim: &Claim) -> Result<Vec<GuardedWrite>, StoreError> {
        let describing = "describing a transaction";
        let unconditional = Put::builder()
            .table_name(&self.tables.transactions)
            .set_item(Some(claimed(claim)?))
            // The old item shows whether this very claim is there already.
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = match claim.replaced.transaction {
            None => unconditional.condition_expression("attribute_not_exists(id)"),
            // Every claim has a UUID of its own, so this one proves that nothing has changed since
            // the decision to replace it.
            Some(replaced) => unconditional
                .condition_expression("claim = :replaced")
                .expression_attribute_values(":replaced", text(replaced.to_string())),
        }
        .build()
        .map_err(unavailable(describing))?;
        let mut writes = vec![
            GuardedWrite::contended(TransactWriteItem::builder().put(put).build()),
            self.claim_request(claim).map_err(unavailable(describing))?,
            self.key_is_good(claim.issuance.subject_key)
                .map_err(unavailable(describing))?,
        ];
        if let Some(renewal) = &claim.renewal {
            let authority = claim.issuance.authority;
            writes.push(
                self.predecessor_is_good(authority, renewal.predecessor)
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
            .set_item(Some(recorded(record)?))
            .condition_expression("attribute_not_exists(id)")
            .build()
            .map_err(unavailable("describing a certificate"))?;
        let write = TransactWriteItem::builder().put(put).build();
        // A serial number that is taken is a fault of the server, not a lost race.
        Ok(GuardedWrite::sure(write))
    }

    /// Reads any item of the transactions table, with strong consistency.
    pub(crate) async fn transactions_item(&self, id: String) -> Result<Option<Item>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.transactions)
            .key(ID, text(id))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable("reading a transaction"))?;
        Ok(found.item)
    }

    /// Begins an update of a pending transaction, on the condition that it was not claimed again
    /// since it was read.
    fn update_held(&self, held: &Transaction) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.tables.transactions)
            .key(ID, text(held.key.uuid().to_string()))
            .condition_expression("claim = :held AND #state = :pending")
            .expression_attribute_names("#state", STATE)
            .expression_attribute_values(":held", text(held.claim.to_string()))
            .expression_attribute_values(":pending", text(PENDING))
    }

    /// Writes an administrator's decision and its audit record, both or neither.
    async fn decide_held(
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
            pause(conflicts).await;
            let written = self
                .client
                .transact_write_items()
                .set_transact_items(Some(items.clone()))
                .send()
                .await;
            let Err(error) = written else {
                return Ok(ClaimOutcome::Won);
            };
            let reasons = cancellation_reasons(&error);
            if reasons.first() == Some(&CONDITION_FAILED) {
                return Ok(ClaimOutcome::Lost);
            }
            // On a conflict, another request is writing one of the items. The retry finds out
            // whether it changed what this write depends on.
            if !pass(&reasons) {
                return Err(unavailable(operation)(error));
            }
        }
        Err(StoreError::Conflict)
    }
}

/// Decides who won after a failed condition, from the item that failed it.
fn holder(found: Option<&Item>, claim: Uuid) -> ClaimOutcome {
    // The SDK retries a request whose response was lost, and then finds its own claim.
    if found.and_then(|item| item.get(CLAIM)) == Some(&text(claim.to_string())) {
        return ClaimOutcome::Won;
    }
    ClaimOutcome::Lost
}

fn claimed(claim: &Claim) -> Result<Item, StoreError> {
    let issuance = &claim.issuance;
    let signer_class = match claim.request.signer_class {
        SignerClass::Certificate => BY_CERTIFICATE,
        SignerClass::Challenge => BY_CHALLENGE,
        SignerClass::Nobody => BY_NOBODY,
    };
    // A transaction that is being issued has no time to live: its certificate may have been signed,
    // and so it must stay until it is completed.
    let (state, until) = match claim.stage {
        ClaimKind::Sign(lease_until) => (ISSUING, (LEASE_UNTIL, milliseconds(lease_until))),
        ClaimKind::Hold(until) => (PENDING, (EXPIRES_AT, seconds(until))),
    };
    let mut item = Item::from([
        (ID.to_owned(), text(claim.key.uuid().to_string())),
        (
            TRANSACTION_ID.to_owned(),
            text(claim.key.transaction_id.as_str()),
        ),
        (
            SCEP_PROFILE.to_owned(),
            text(claim.key.scep_profile.to_string()),
        ),
        (CLAIM.to_owned(), text(claim.claim.to_string())),
        (CSR.to_owned(), octets(&claim.request.csr.0)),
        (SIGNER_CLASS.to_owned(), text(signer_class)),
        (SIGNER_KEY.to_owned(), octets(&claim.signer_key.0)),
        (REQUESTER_KEY.to_owned(), octets(&claim.requester_key.0)),
        (STATE.to_owned(), text(state)),
        (until.0.to_owned(), until.1),
        (TO_BE_SIGNED.to_owned(), octets(&issuance.to_be_signed)),
        (AUTHORITY.to_owned(), text(issuance.authority.to_string())),
        (KEY.to_owned(), text(&issuance.key.0)),
        (
            KEY_ALGORITHM.to_owned(),
            text(issuance.key_algorithm.name()),
        ),
        (RA_PROFILE.to_owned(), text(issuance.ra_profile.to_string())),
        (GENERATION.to_owned(), number(issuance.generation.into())),
        (SUBJECT_KEY.to_owned(), octets(&issuance.subject_key.0)),
        (CREATED_AT.to_owned(), milliseconds(claim.claimed_at)),
        (MESSAGE_TYPE.to_owned(), text(claim.message_type.digits())),
        (SUBJECT.to_owned(), text(&claim.subject)),
    ]);
    // The hash key of the index that counts pending transactions.
    if let ClaimKind::Hold(_) = claim.stage {
        item.insert(
            PENDING_OF.to_owned(),
            text(claim.key.scep_profile.to_string()),
        );
    }
    if let Some(predecessor) = issuance.predecessor {
        item.insert(PREDECESSOR.to_owned(), text(predecessor.to_string()));
    }
    annotated(&mut item, &issuance.annotations)?;
    Ok(item)
}

pub(crate) fn expires_at(reader: &Reader<'_>) -> Result<OffsetDateTime, StoreError> {
    reader.read(EXPIRES_AT, |value| {
        let seconds = value.as_n().ok()?.parse().ok()?;
        OffsetDateTime::from_unix_timestamp(seconds).ok()
    })
}

pub(crate) fn transaction(item: &Item) -> Result<Transaction, StoreError> {
    let reader = Reader {
        what: TRANSACTION,
        item,
    };
    let state = match reader.text(STATE)? {
        ISSUED => TransactionState::Issued {
            certificate: certificate(&reader)?,
            authority: reader.uuid(AUTHORITY)?,
            generation: reader.number(GENERATION)?,
            resend_until: expires_at(&reader)?,
        },
        ISSUING => TransactionState::Issuing {
            issuance: issuance(&reader)?,
            lease_until: reader.milliseconds(LEASE_UNTIL)?,
        },
        PENDING => TransactionState::Pending {
            issuance: issuance(&reader)?,
            until: expires_at(&reader)?,
        },
        REJECTED => TransactionState::Rejected {
            reason: reader.text(REASON)?.to_owned(),
            until: expires_at(&reader)?,
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
            csr: fingerprint(&reader, CSR)?,
            signer_class: reader.read(SIGNER_CLASS, |value| match value.as_s().ok()?.as_str() {
                BY_CERTIFICATE => Some(SignerClass::Certificate),
                BY_CHALLENGE => Some(SignerClass::Challenge),
                BY_NOBODY => Some(SignerClass::Nobody),
                _ => None,
            })?,
        },
        signer_key: fingerprint(&reader, SIGNER_KEY)?,
        // Items from before proxies could sign lack it: the signer was always the requester.
        requester_key: match item.contains_key(REQUESTER_KEY) {
            true => fingerprint(&reader, REQUESTER_KEY)?,
            false => fingerprint(&reader, SIGNER_KEY)?,
        },
        state,
    })
}

fn fingerprint(reader: &Reader<'_>, name: &'static str) -> Result<Fingerprint, StoreError> {
    reader.read(name, |value| {
        Some(Fingerprint(value.as_b().ok()?.as_ref().try_into().ok()?))
    })
}

fn issuance(reader: &Reader<'_>) -> Result<Issuance, StoreError> {
    Ok(Issuance {
        to_be_signed: reader.octets(TO_BE_SIGNED)?.to_vec(),
        authority: reader.uuid(AUTHORITY)?,
        generation: reader.number(GENERATION)?,
        key: KeyReference(reader.text(KEY)?.to_owned()),
        key_algorithm: reader.read(KEY_ALGORITHM, |value| {
            KeyAlgorithm::from_name(value.as_s().ok()?)
        })?,
        ra_profile: reader.uuid(RA_PROFILE)?,
        subject_key: fingerprint(reader, SUBJECT_KEY)?,
        predecessor: reader.optional_uuid(PREDECESSOR)?,
        annotations: annotations(reader)?,
    })
}
