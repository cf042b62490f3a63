//! The transactions and certificates tables: the steps of issuing, each one conditional write.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{
    Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use scep_cms::TransactionId;
use scep_protocol::{
    Fingerprint, Issuance, KeyAlgorithm, KeyReference, RequestFingerprint, SignerClass,
    Transaction, TransactionKey, TransactionState,
};
use scep_service::{
    AuditRecord, CertificateRecord, Claim, ClaimOutcome, Stage, StoreError, Transactions,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::certificates::{annotated, annotations, certificate, certificate_id, recorded};
use crate::item::{
    AUTHORITY, CLAIM, CREATED_AT, CSR, EXPIRES_AT, GENERATION, ID, Item, KEY, KEY_ALGORITHM,
    LEASE_UNTIL, MESSAGE_TYPE, PREDECESSOR, RA_PROFILE, REASON, Reader, SCEP_PROFILE, SIGNER_CLASS,
    SIGNER_KEY, STATE, SUBJECT, TO_BE_SIGNED, TRANSACTION_ID, milliseconds, number, octets,
    seconds, text, unavailable,
};
use crate::objects::{CONDITION_FAILED, MAX_TRIES, cancellation_reasons, pass, pause};

pub(crate) const ISSUED: &str = "issued";
pub(crate) const ISSUING: &str = "issuing";
pub(crate) const PENDING: &str = "pending";
pub(crate) const REJECTED: &str = "rejected";

const SIGNED_BY_CERTIFICATE: &str = "certificate";
const SIGNED_BY_OWN_KEY: &str = "ownKey";

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

    async fn claim(&self, claim: &Claim) -> Result<ClaimOutcome, StoreError> {
        let mut put = self
            .client
            .put_item()
            .table_name(&self.tables.transactions)
            .set_item(Some(claimed(claim)?))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        put = match claim.replacing {
            None => put.condition_expression("attribute_not_exists(id)"),
            Some(replaced) => put
                .condition_expression("claim = :replaced")
                .expression_attribute_values(":replaced", text(replaced.to_string())),
        };
        let Err(error) = put.send().await else {
            return Ok(ClaimOutcome::Won);
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                Ok(holder(failed.item(), claim.claim))
            }
            Some(PutItemError::TransactionConflictException(_)) => Ok(ClaimOutcome::Lost),
            Some(_) | None => Err(unavailable("claiming a transaction")(error)),
        }
    }

    async fn approve(
        &self,
        held: &Transaction,
        claim: Uuid,
        issuance: &Issuance,
        lease_until: OffsetDateTime,
        audit: &AuditRecord,
    ) -> Result<ClaimOutcome, StoreError> {
        let update = self
            .update_held(held)
            .update_expression(
                "SET #state = :issuing, claim = :claim, toBeSigned = :toBeSigned, \
                 generation = :generation, #key = :key, keyAlgorithm = :algorithm, \
                 leaseUntil = :lease REMOVE expiresAt",
            )
            .expression_attribute_names("#key", KEY)
            .expression_attribute_values(":issuing", text(ISSUING))
            .expression_attribute_values(":claim", text(claim.to_string()))
            .expression_attribute_values(":toBeSigned", octets(&issuance.to_be_signed))
            .expression_attribute_values(":generation", number(issuance.generation.into()))
            .expression_attribute_values(":key", text(&issuance.key.0))
            .expression_attribute_values(":algorithm", text(issuance.key_algorithm.name()))
            .expression_attribute_values(":lease", milliseconds(lease_until));
        self.decide_held("approving a transaction", update, audit)
            .await
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
                 REMOVE toBeSigned, annotations",
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
            Some(UpdateItemError::TransactionConflictException(_)) => Ok(ClaimOutcome::Lost),
            Some(_) | None => Err(unavailable("taking over a transaction")(error)),
        }
    }

    async fn complete(
        &self,
        claim: Uuid,
        record: &CertificateRecord,
        resend_until: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError> {
        let describing = "describing a certificate";
        let put = Put::builder()
            .table_name(&self.tables.certificates)
            .set_item(Some(recorded(record)?))
            .condition_expression("attribute_not_exists(id)")
            .build()
            .map_err(unavailable(describing))?;
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
        let items = vec![
            TransactWriteItem::builder().update(update).build(),
            TransactWriteItem::builder().put(put).build(),
        ];
        self.write_all("recording a certificate", items).await
    }

    async fn certificate(
        &self,
        authority: Uuid,
        serial_number: &str,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        self.get_certificate(certificate_id(authority, serial_number))
            .await
    }
}

impl DynamoDbStore {
    pub(crate) async fn transaction_item(&self, uuid: Uuid) -> Result<Option<Item>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.transactions)
            .key(ID, text(uuid.to_string()))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable("reading a transaction"))?;
        Ok(found.item)
    }

    /// An update of a transaction, if it still is held as it was read.
    fn update_held(&self, held: &Transaction) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.tables.transactions)
            .key(ID, text(held.key.uuid().to_string()))
            .condition_expression("claim = :held AND #state = :pending")
            .expression_attribute_names("#state", STATE)
            .expression_attribute_values(":held", text(held.claim.to_string()))
            .expression_attribute_values(":pending", text(PENDING))
    }

    /// Writes what an administrator decided, with its record.
    async fn decide_held(
        &self,
        operation: &'static str,
        update: UpdateBuilder,
        audit: &AuditRecord,
    ) -> Result<ClaimOutcome, StoreError> {
        let update = update.build().map_err(unavailable(operation))?;
        let record = self.put_audit(audit).map_err(unavailable(operation))?;
        let items = vec![TransactWriteItem::builder().update(update).build(), record];
        self.write_all(operation, items).await
    }

    /// Writes all or nothing, if the condition of the first write holds.
    pub(crate) async fn write_all(
        &self,
        operation: &'static str,
        items: Vec<TransactWriteItem>,
    ) -> Result<ClaimOutcome, StoreError> {
        for conflicts in 0..MAX_TRIES {
            pause(conflicts).await;
            let writing = self.client.transact_write_items();
            let written = writing.set_transact_items(Some(items.clone())).send().await;
            let Err(error) = written else {
                return Ok(ClaimOutcome::Won);
            };
            let reasons = cancellation_reasons(&error);
            if reasons.first() == Some(&CONDITION_FAILED) {
                return Ok(ClaimOutcome::Lost);
            }
            // Somebody else touches one of the items at this very moment: who comes second will see that it is too late.
            if !pass(&reasons) {
                return Err(unavailable(operation)(error));
            }
        }
        Err(StoreError::Conflict)
    }
}

/// Who won, when a condition did not hold. A retry of a request whose answer was lost finds its own claim.
fn holder(found: Option<&Item>, claim: Uuid) -> ClaimOutcome {
    if found.and_then(|item| item.get(CLAIM)) == Some(&text(claim.to_string())) {
        return ClaimOutcome::Won;
    }
    ClaimOutcome::Lost
}

fn claimed(claim: &Claim) -> Result<Item, StoreError> {
    let issuance = &claim.issuance;
    let signer_class = match claim.request.signer_class {
        SignerClass::Certificate => SIGNED_BY_CERTIFICATE,
        SignerClass::OwnKey => SIGNED_BY_OWN_KEY,
    };
    // What may have been signed has no time to live: it is kept until it is finished.
    let (state, until) = match claim.stage {
        Stage::Sign(lease_until) => (ISSUING, (LEASE_UNTIL, milliseconds(lease_until))),
        Stage::Hold(until) => (PENDING, (EXPIRES_AT, seconds(until))),
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
        (CREATED_AT.to_owned(), milliseconds(claim.claimed_at)),
        (MESSAGE_TYPE.to_owned(), text(claim.message_type.digits())),
        (SUBJECT.to_owned(), text(&claim.subject)),
    ]);
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
    let fingerprint = |name| {
        reader.read(name, |value| {
            Some(Fingerprint(value.as_b().ok()?.as_ref().try_into().ok()?))
        })
    };
    let state = match reader.text(STATE)? {
        ISSUED => TransactionState::Issued {
            certificate: certificate(&reader)?,
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
            csr: fingerprint(CSR)?,
            signer_class: reader.read(SIGNER_CLASS, |value| match value.as_s().ok()?.as_str() {
                SIGNED_BY_CERTIFICATE => Some(SignerClass::Certificate),
                SIGNED_BY_OWN_KEY => Some(SignerClass::OwnKey),
                _ => None,
            })?,
        },
        signer_key: fingerprint(SIGNER_KEY)?,
        state,
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
        predecessor: reader.optional_uuid(PREDECESSOR)?,
        annotations: annotations(reader)?,
    })
}
