//! The transactions and certificates tables: the steps of issuing, each one conditional write.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use scep_cms::{Certificate, TransactionId};
use scep_protocol::{
    Fingerprint, Issuance, KeyAlgorithm, KeyReference, RequestFingerprint, SignerClass,
    Transaction, TransactionKey, TransactionState,
};
use scep_service::{CertificateRecord, Claim, ClaimOutcome, StoreError, Transactions};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::item::{
    AUTHORITY, CERTIFICATE, CLAIM, CSR, EXPIRES_AT, ID, ISSUED_AT, Item, KEY, KEY_ALGORITHM,
    LEASE_UNTIL, NOT_AFTER, NOT_BEFORE, RA_PROFILE, Reader, SCEP_PROFILE, SERIAL_NUMBER,
    SIGNER_CLASS, SIGNER_KEY, STATE, SUBJECT, TO_BE_SIGNED, TRANSACTION_ID, UUID, corrupt,
    milliseconds, octets, seconds, text, unavailable,
};
use crate::profiles::{CONDITION_FAILED, cancellation_reasons};

const ISSUED: &str = "issued";
const ISSUING: &str = "issuing";
const OWN_KEY: &str = "ownKey";

const TRANSACTION: &str = "transaction";
const RECORD: &str = "certificate record";

/// Why a transaction is cancelled while another request touches one of its items.
const CONFLICT: &str = "TransactionConflict";

/// How often a certificate is recorded anew after such a conflict.
const MAX_CONFLICTS: usize = 5;

#[async_trait::async_trait]
impl Transactions for DynamoDbStore {
    async fn transaction(&self, key: &TransactionKey) -> Result<Option<Transaction>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.transactions)
            .key(ID, text(transaction_id(key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(unavailable("reading a transaction"))?;
        found.item.as_ref().map(transaction).transpose()
    }

    async fn claim(&self, claim: &Claim) -> Result<ClaimOutcome, StoreError> {
        let mut put = self
            .client
            .put_item()
            .table_name(&self.tables.transactions)
            .set_item(Some(claimed(claim)))
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
            .key(ID, text(transaction_id(key)))
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
            .set_item(Some(recorded(record)))
            .condition_expression("attribute_not_exists(id)")
            .build()
            .map_err(unavailable(describing))?;
        let update = Update::builder()
            .table_name(&self.tables.transactions)
            .key(ID, text(transaction_id(&record.transaction)))
            .update_expression(
                "SET #state = :issued, certificate = :certificate, expiresAt = :expires \
                 REMOVE toBeSigned, leaseUntil",
            )
            .condition_expression("claim = :claim AND #state = :issuing")
            .expression_attribute_names("#state", STATE)
            .expression_attribute_values(":issued", text(ISSUED))
            .expression_attribute_values(":certificate", octets(record.certificate.der()))
            .expression_attribute_values(":expires", seconds(resend_until))
            .expression_attribute_values(":claim", text(claim.to_string()))
            .expression_attribute_values(":issuing", text(ISSUING))
            .build()
            .map_err(unavailable(describing))?;
        let items = [
            TransactWriteItem::builder().update(update).build(),
            TransactWriteItem::builder().put(put).build(),
        ];
        for _ in 0..MAX_CONFLICTS {
            let writing = self.client.transact_write_items();
            let written = writing
                .set_transact_items(Some(items.to_vec()))
                .send()
                .await;
            let Err(error) = written else {
                return Ok(ClaimOutcome::Won);
            };
            let reasons = cancellation_reasons(&error);
            if reasons.first() == Some(&CONDITION_FAILED) {
                return Ok(ClaimOutcome::Lost);
            }
            // A duplicate looks at the transaction at this very moment: it will see that it is too late.
            if !reasons.contains(&CONFLICT) {
                return Err(unavailable("recording a certificate")(error));
            }
        }
        Err(StoreError::Conflict)
    }

    async fn certificate(
        &self,
        authority: Uuid,
        serial_number: &str,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.certificates)
            .key(ID, text(certificate_id(authority, serial_number)))
            .send()
            .await
            .map_err(unavailable("reading a certificate"))?;
        found.item.as_ref().map(record).transpose()
    }
}

/// Who won, when a condition did not hold. A retry of a request whose answer was lost finds its own claim.
fn holder(found: Option<&Item>, claim: Uuid) -> ClaimOutcome {
    if found.and_then(|item| item.get(CLAIM)) == Some(&text(claim.to_string())) {
        return ClaimOutcome::Won;
    }
    ClaimOutcome::Lost
}

/// The transactionID is a stranger's text: hashed, so that it is a key like any other.
fn transaction_id(key: &TransactionKey) -> String {
    let digest = Sha256::digest(key.transaction_id.as_str());
    let hex: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
    format!("{}/{hex}", key.scep_profile)
}

fn certificate_id(authority: Uuid, serial_number: &str) -> String {
    format!("{authority}/{serial_number}")
}

fn claimed(claim: &Claim) -> Item {
    let issuance = &claim.issuance;
    let signer_class = match claim.request.signer_class {
        SignerClass::OwnKey => OWN_KEY,
    };
    // No time to live: what may have been signed is kept until it is finished.
    Item::from([
        (ID.to_owned(), text(transaction_id(&claim.key))),
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
        (STATE.to_owned(), text(ISSUING)),
        (TO_BE_SIGNED.to_owned(), octets(&issuance.to_be_signed)),
        (AUTHORITY.to_owned(), text(issuance.authority.to_string())),
        (KEY.to_owned(), text(&issuance.key.0)),
        (
            KEY_ALGORITHM.to_owned(),
            text(issuance.key_algorithm.name()),
        ),
        (RA_PROFILE.to_owned(), text(issuance.ra_profile.to_string())),
        (LEASE_UNTIL.to_owned(), milliseconds(claim.lease_until)),
    ])
}

fn transaction(item: &Item) -> Result<Transaction, StoreError> {
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
            resend_until: reader.read(EXPIRES_AT, |value| {
                let seconds = value.as_n().ok()?.parse().ok()?;
                OffsetDateTime::from_unix_timestamp(seconds).ok()
            })?,
        },
        ISSUING => TransactionState::Issuing {
            issuance: Issuance {
                to_be_signed: reader.octets(TO_BE_SIGNED)?.to_vec(),
                authority: reader.uuid(AUTHORITY)?,
                key: KeyReference(reader.text(KEY)?.to_owned()),
                key_algorithm: reader.read(KEY_ALGORITHM, |value| {
                    KeyAlgorithm::from_name(value.as_s().ok()?)
                })?,
                ra_profile: reader.uuid(RA_PROFILE)?,
            },
            lease_until: reader.milliseconds(LEASE_UNTIL)?,
        },
        _ => return reader.read(STATE, |_| None),
    };
    Ok(Transaction {
        claim: reader.uuid(CLAIM)?,
        request: RequestFingerprint {
            ra_profile: reader.uuid(RA_PROFILE)?,
            csr: fingerprint(CSR)?,
            signer_class: reader.read(SIGNER_CLASS, |value| match value.as_s().ok()?.as_str() {
                OWN_KEY => Some(SignerClass::OwnKey),
                _ => None,
            })?,
        },
        signer_key: fingerprint(SIGNER_KEY)?,
        state,
    })
}

fn certificate(reader: &Reader<'_>) -> Result<Certificate, StoreError> {
    Certificate::from_der(reader.octets(CERTIFICATE)?).map_err(corrupt(reader.what))
}

fn recorded(record: &CertificateRecord) -> Item {
    Item::from([
        (
            ID.to_owned(),
            text(certificate_id(record.authority, &record.serial_number)),
        ),
        (UUID.to_owned(), text(record.uuid.to_string())),
        (AUTHORITY.to_owned(), text(record.authority.to_string())),
        (RA_PROFILE.to_owned(), text(record.ra_profile.to_string())),
        (
            SCEP_PROFILE.to_owned(),
            text(record.transaction.scep_profile.to_string()),
        ),
        (
            TRANSACTION_ID.to_owned(),
            text(record.transaction.transaction_id.as_str()),
        ),
        (SERIAL_NUMBER.to_owned(), text(&record.serial_number)),
        (SUBJECT.to_owned(), text(&record.subject)),
        (CERTIFICATE.to_owned(), octets(record.certificate.der())),
        (NOT_BEFORE.to_owned(), milliseconds(record.not_before)),
        (NOT_AFTER.to_owned(), milliseconds(record.not_after)),
        (ISSUED_AT.to_owned(), milliseconds(record.issued_at)),
    ])
}

fn record(item: &Item) -> Result<CertificateRecord, StoreError> {
    let reader = Reader { what: RECORD, item };
    let transaction_id = reader.read(TRANSACTION_ID, |value| {
        TransactionId::new(value.as_s().ok()?).ok()
    })?;
    Ok(CertificateRecord {
        uuid: reader.uuid(UUID)?,
        authority: reader.uuid(AUTHORITY)?,
        ra_profile: reader.uuid(RA_PROFILE)?,
        transaction: TransactionKey {
            scep_profile: reader.uuid(SCEP_PROFILE)?,
            transaction_id,
        },
        serial_number: reader.text(SERIAL_NUMBER)?.to_owned(),
        subject: reader.text(SUBJECT)?.to_owned(),
        certificate: certificate(&reader)?,
        not_before: reader.milliseconds(NOT_BEFORE)?,
        not_after: reader.milliseconds(NOT_AFTER)?,
        issued_at: reader.milliseconds(ISSUED_AT)?,
    })
}
