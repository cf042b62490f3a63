//! The transactions and certificates tables: the steps of issuing, each one conditional write.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use scep_protocol::{
    Fingerprint, Issuance, KeyAlgorithm, KeyReference, RequestFingerprint, SignerClass,
    Transaction, TransactionKey, TransactionState,
};
use scep_service::{
    CertificateRecord, Claim, ClaimOutcome, Page, PageRequest, StoreError, TransactionStatus,
    TransactionSummary, Transactions,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::certificates::{annotated, annotations, certificate, certificate_id, recorded};
use crate::index::BY_STATE;
use crate::item::{
    AUTHORITY, CERTIFICATE_UUID, CLAIM, CREATED_AT, CSR, EXPIRES_AT, ID, Item, KEY, KEY_ALGORITHM,
    LEASE_UNTIL, MESSAGE_TYPE, RA_PROFILE, Reader, SCEP_PROFILE, SIGNER_CLASS, SIGNER_KEY, STATE,
    SUBJECT, TO_BE_SIGNED, TRANSACTION_ID, milliseconds, octets, seconds, text, unavailable,
};
use crate::objects::{CONDITION_FAILED, MAX_TRIES, cancellation_reasons, pass, pause};
use crate::page::{Bounds, List};

const ISSUED: &str = "issued";
const ISSUING: &str = "issuing";
const OWN_KEY: &str = "ownKey";

const TRANSACTION: &str = "transaction";

#[async_trait::async_trait]
impl Transactions for DynamoDbStore {
    async fn transaction(&self, key: &TransactionKey) -> Result<Option<Transaction>, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.transactions)
            .key(ID, text(key.uuid().to_string()))
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
        let items = [
            TransactWriteItem::builder().update(update).build(),
            TransactWriteItem::builder().put(put).build(),
        ];
        for conflicts in 0..MAX_TRIES {
            pause(conflicts).await;
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
            if !pass(&reasons) {
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
        self.get_certificate(certificate_id(authority, serial_number))
            .await
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
        SignerClass::OwnKey => OWN_KEY,
    };
    // No time to live: what may have been signed is kept until it is finished.
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
        (CREATED_AT.to_owned(), milliseconds(claim.claimed_at)),
        (MESSAGE_TYPE.to_owned(), text(claim.message_type.digits())),
        (SUBJECT.to_owned(), text(&claim.subject)),
    ]);
    annotated(&mut item, &issuance.annotations)?;
    Ok(item)
}

/// Every state that a transaction may be stored in, by its status.
const fn state_name(status: TransactionStatus) -> &'static str {
    match status {
        TransactionStatus::Issued => ISSUED,
        TransactionStatus::Issuing => ISSUING,
        TransactionStatus::Pending => "pending",
        TransactionStatus::Rejected => "rejected",
    }
}

impl DynamoDbStore {
    /// A page of the transactions of all statuses, one status after the other; or of one.
    pub(crate) async fn transaction_page(
        &self,
        status: Option<TransactionStatus>,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<TransactionSummary>, StoreError> {
        if let Some(status) = status {
            return self.transactions_of(status, page, now).await;
        }
        let (mut status, mut cursor) = match &page.cursor {
            None => (Some(TransactionStatus::Pending), None),
            Some(cursor) => {
                let (status, cursor) = cursor.split_once('.').ok_or(StoreError::Cursor)?;
                let status = TransactionStatus::from_name(status).ok_or(StoreError::Cursor)?;
                (
                    Some(status),
                    Some(cursor.to_owned()).filter(|c| !c.is_empty()),
                )
            }
        };
        let mut items = Vec::new();
        while let Some(listed) = status {
            let wanted = usize::from(page.limit).saturating_sub(items.len());
            if wanted == 0 {
                break;
            }
            let limit = u16::try_from(wanted).unwrap_or(page.limit);
            let page = PageRequest { limit, cursor };
            let found = self.transactions_of(listed, &page, now).await?;
            items.extend(found.items);
            cursor = found.cursor;
            if cursor.is_some() {
                break;
            }
            status = next(listed);
        }
        let cursor =
            status.map(|status| format!("{}.{}", status.name(), cursor.unwrap_or_default()));
        Ok(Page { items, cursor })
    }

    async fn transactions_of(
        &self,
        status: TransactionStatus,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<TransactionSummary>, StoreError> {
        let list = List {
            table: &self.tables.transactions,
            index: &BY_STATE,
            hash: state_name(status).to_owned(),
            bounds: Bounds::All,
            ascending: false,
        };
        // DynamoDB removes what is past its time within days, not at once.
        let lives = |reader: &Reader<'_>| match reader.item.get(EXPIRES_AT) {
            None => Ok(true),
            Some(_) => expires_at(reader).map(|at| now <= at),
        };
        self.page(&list, page, |item| {
            let reader = Reader {
                what: TRANSACTION,
                item,
            };
            let summary = summary(&reader, status)?;
            Ok(lives(&reader)?.then_some(summary))
        })
        .await
    }
}

fn next(status: TransactionStatus) -> Option<TransactionStatus> {
    let mut rest = TransactionStatus::ALL
        .into_iter()
        .skip_while(|known| *known != status);
    rest.nth(1)
}

fn expires_at(reader: &Reader<'_>) -> Result<OffsetDateTime, StoreError> {
    reader.read(EXPIRES_AT, |value| {
        let seconds = value.as_n().ok()?.parse().ok()?;
        OffsetDateTime::from_unix_timestamp(seconds).ok()
    })
}

fn summary(
    reader: &Reader<'_>,
    status: TransactionStatus,
) -> Result<TransactionSummary, StoreError> {
    Ok(TransactionSummary {
        uuid: reader.uuid(ID)?,
        transaction_id: reader.text(TRANSACTION_ID)?.to_owned(),
        scep_profile: reader.uuid(SCEP_PROFILE)?,
        ra_profile: reader.uuid(RA_PROFILE)?,
        status,
        message_type: reader.text(MESSAGE_TYPE)?.to_owned(),
        subject: reader.text(SUBJECT)?.to_owned(),
        certificate: match reader.item.get(CERTIFICATE_UUID) {
            None => None,
            Some(_) => Some(reader.uuid(CERTIFICATE_UUID)?),
        },
        created_at: reader.milliseconds(CREATED_AT)?,
    })
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
            resend_until: expires_at(&reader)?,
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
                annotations: annotations(&reader)?,
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
