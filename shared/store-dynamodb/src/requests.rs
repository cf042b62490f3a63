//! Requests, in the transactions table: each leads to the transaction that claimed it, so that the
//! same request is recognised under another transactionID.

use scep_protocol::transaction::{
    Fingerprint, PastCertificate, RequestFingerprint, RequestOutcome, SameRequest, SignerClass,
    Transaction,
};
use scep_service::error::StoreError;
use scep_service::ports::{Claim, GuardedOutcome};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::DynamoDbStore;
use crate::certificates::certificate_id_from_uuid;
use crate::expression::{Changes, Condition};
use crate::item::{
    AUTHORITY, CERTIFICATE_UUID, CLAIM, EXPIRES_AT, ID, Item, Reader, TRANSACTION, to_seconds,
    to_text,
};
use crate::transactions::parse_transaction;
use crate::write::{Step, Write};

const WHAT: &str = "request";

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

impl DynamoDbStore {
    /// Describes the write that leads from a request to the transaction that claims it.
    pub(crate) fn claim_request(&self, claim: &Claim) -> Step<'_, GuardedOutcome> {
        let id = request_id(claim.key.scep_profile, &claim.request, claim.requester_key);
        let transaction = to_text(claim.key.uuid().to_string());
        let item = Item::from([
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
        ]);
        let mut free = vec![
            Condition::Missing(ID),
            // DynamoDB deletes expired items hours late, so the condition checks the time itself.
            Condition::LessThan(EXPIRES_AT, to_seconds(claim.claimed_at)),
            Condition::Equals(TRANSACTION, transaction),
        ];
        if let Some(replaced) = claim.replaced.request {
            free.push(Condition::Equals(CLAIM, to_text(replaced.to_string())));
        }
        Write::put(&self.tables.transactions, item)
            .on_condition(Condition::Any(free))
            .or(GuardedOutcome::Lost)
    }

    /// Describes the write that keeps leading from an approved request to its transaction, beyond
    /// the time that it could wait for approval.
    pub(crate) fn extend_request(
        &self,
        pending: &Transaction,
        claim: Uuid,
        until: OffsetDateTime,
    ) -> Write<'_> {
        let id = request_id(
            pending.key.scep_profile,
            &pending.request,
            pending.requester_key,
        );
        let changes = Changes::default()
            .set(TRANSACTION, to_text(pending.key.uuid().to_string()))
            .set(CLAIM, to_text(claim.to_string()))
            .set(EXPIRES_AT, to_seconds(until));
        Write::update(&self.tables.transactions, id, changes)
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
}
