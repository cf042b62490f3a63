//! The last steps of issuing: the certificate is recorded, and then its transaction is settled.
//!
//! DynamoDB charges a transaction twice for each item and a condition on another item like a write,
//! so these are writes of one item each. They are safe in this order: a transaction stays `issuing`
//! until its certificate is recorded and nothing forbids it. A process that finds it so after a
//! crash signs the same bytes again and completes it. Nobody is given the certificate before.

use ca::id::{AuthorityUuid, CertificateUuid};
use scep_protocol::id::ClaimUuid;
use scep_protocol::notice::Notice;
use scep_protocol::transaction::TransactionKey;
use scep_service::error::StoreError;
use scep_service::inventory::{CertificateRecord, CertificateSummary};
use scep_service::ports::{Bar, Claim, GuardedOutcome, WriteOutcome};
use time::OffsetDateTime;

use crate::DynamoDbStore;
use crate::alternative_names::alternative_name_items;
use crate::attribute::{to_octets, to_seconds, to_text};
use crate::certificate_item::certificate_item;
use crate::expression::{Changes, Condition};
use crate::item::{
    ANNOTATIONS, CERTIFICATE, CERTIFICATE_UUID, CLAIM, CLAIMED_CERTIFICATE, EXPIRES_AT, GIVEN_UP,
    ID, LEASE_UNTIL, REASON, REVOKED_AT, STATE, TO_BE_SIGNED, VOUCHING, unavailable,
};
use crate::transaction_item::{ISSUED, ISSUING, REJECTED};
use crate::write::Write;
use crate::written::Written;

/// The certificate that is in the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recorded {
    /// This very certificate.
    Mine,
    /// One of the same contents, with the signature of another claimant of the transaction.
    Theirs,
}

/// Another certificate has this serial number.
#[derive(Debug, thiserror::Error)]
#[error("serial number {serial_number} is taken")]
struct SerialNumberTaken {
    serial_number: String,
}

impl DynamoDbStore {
    /// Carries out [`scep_service::ports::Transactions::complete`].
    pub(crate) async fn complete_transaction(
        &self,
        claim: ClaimUuid,
        record: &CertificateRecord,
        resend_until: OffsetDateTime,
        notices: &[Notice],
    ) -> Result<GuardedOutcome, StoreError> {
        if !self.holds_claim(&record.transaction, claim).await? {
            return Ok(GuardedOutcome::Lost);
        }
        let Some(recorded) = self.record_certificate(record).await? else {
            return Ok(GuardedOutcome::Lost);
        };
        // This is read after the record is written: a revocation either is seen here, or came after
        // the certificate.
        let summary = &record.summary;
        if let Some(bar) = self.find_bar_of(summary).await? {
            return Ok(GuardedOutcome::Barred(bar));
        }
        let changes = Changes::default()
            .set(STATE, to_text(ISSUED))
            .set(CERTIFICATE_UUID, to_text(summary.uuid.to_string()))
            .set(EXPIRES_AT, to_seconds(resend_until))
            .remove(&[
                TO_BE_SIGNED,
                CLAIMED_CERTIFICATE,
                GIVEN_UP,
                LEASE_UNTIL,
                ANNOTATIONS,
                VOUCHING,
            ]);
        let settled = self.update_claimed(&record.transaction, claim, ISSUING, changes);
        let outcome = self.settle(settled, summary, notices).await?;
        Ok(match (outcome, recorded) {
            (WriteOutcome::Won, Recorded::Mine) => GuardedOutcome::Won,
            // Clients are sent the certificate that the inventory has: the caller reads the
            // transaction again, and so finds theirs.
            (WriteOutcome::Won, Recorded::Theirs) | (WriteOutcome::Lost, _) => GuardedOutcome::Lost,
        })
    }

    /// Makes the last write, which decides that the certificate is issued.
    async fn settle(
        &self,
        settled: Write<'_>,
        summary: &CertificateSummary,
        notices: &[Notice],
    ) -> Result<WriteOutcome, StoreError> {
        let settling = "settling a transaction";
        // An issued certificate without its notice would never be heard of.
        if !notices.is_empty() {
            let mut steps = vec![settled.or(WriteOutcome::Lost)];
            steps.extend(self.put_notices(notices)?);
            return self.write_all(settling, steps, WriteOutcome::Won).await;
        }
        let marked = settled.with_mark(CERTIFICATE_UUID, to_text(summary.uuid.to_string()));
        self.write_one(settling, marked)
            .await
            .map(WriteOutcome::from)
    }

    /// Carries out [`scep_service::ports::Transactions::withdraw`].
    pub(crate) async fn withdraw_certificate(
        &self,
        claim: ClaimUuid,
        record: &CertificateRecord,
        reason: &str,
        until: OffsetDateTime,
    ) -> Result<WriteOutcome, StoreError> {
        let changes = reject_changes(reason, until).remove(&[LEASE_UNTIL]);
        let mut steps = vec![
            self.update_claimed(&record.transaction, claim, ISSUING, changes)
                .or(WriteOutcome::Lost),
        ];
        // An administrator may have revoked the certificate after it was recorded, for a reason
        // that stays.
        let known = self.read_recorded(record).await?;
        let is_revoked = known.is_some_and(|known| known.summary.revocation.is_some());
        if !is_revoked {
            // A signed certificate is recorded even if no client gets it, so that the CRL lists it.
            let write = Write::put(&self.tables.certificates, certificate_item(record)?)
                .on_condition(Condition::Missing(REVOKED_AT));
            steps.push(write.or(WriteOutcome::Lost));
            for item in alternative_name_items(record)? {
                steps.push(Write::put(&self.tables.certificates, item).or_fail());
            }
        }
        self.write_all("withdrawing a certificate", steps, WriteOutcome::Won)
            .await
    }

    /// Finds what forbids a claim before anything is written.
    // A revocation that comes after this is found when the certificate is recorded.
    pub(crate) async fn find_bar_of_claim(&self, claim: &Claim) -> Result<Option<Bar>, StoreError> {
        if self.has_revoked_key(claim.issuance.subject_key).await? {
            return Ok(Some(Bar::KeyRevoked));
        }
        let Some(renewal) = &claim.renewal else {
            return Ok(None);
        };
        let is_revoked = self
            .is_certificate_revoked(claim.issuance.authority, renewal.predecessor)
            .await?;
        Ok(is_revoked.then_some(Bar::PredecessorRevoked))
    }

    async fn find_bar_of(&self, summary: &CertificateSummary) -> Result<Option<Bar>, StoreError> {
        if self.has_revoked_key(summary.key).await? {
            return Ok(Some(Bar::KeyRevoked));
        }
        let Some(predecessor) = summary.predecessor else {
            return Ok(None);
        };
        let is_revoked = self
            .is_certificate_revoked(summary.authority, predecessor)
            .await?;
        Ok(is_revoked.then_some(Bar::PredecessorRevoked))
    }

    async fn is_certificate_revoked(
        &self,
        authority: AuthorityUuid,
        uuid: CertificateUuid,
    ) -> Result<bool, StoreError> {
        let found = self.get_certificate(authority, uuid).await?;
        Ok(found.is_some_and(|record| record.summary.revocation.is_some()))
    }

    /// Whether the transaction is being issued under this claim.
    async fn holds_claim(
        &self,
        key: &TransactionKey,
        claim: ClaimUuid,
    ) -> Result<bool, StoreError> {
        let Some(item) = self.read_item(key.uuid().to_string()).await? else {
            return Ok(false);
        };
        let is_text = |name, value: &str| item.get(name) == Some(&to_text(value));
        Ok(is_text(STATE, ISSUING) && is_text(CLAIM, &claim.to_string()))
    }

    /// Writes the record of a certificate and the names by which searches find it, unless it has
    /// one already. `None` if another process is writing it. Records are never overwritten.
    async fn record_certificate(
        &self,
        record: &CertificateRecord,
    ) -> Result<Option<Recorded>, StoreError> {
        let recording = "recording a certificate";
        let write = Write::put(&self.tables.certificates, certificate_item(record)?)
            .on_condition(Condition::Missing(ID))
            .with_mark(CERTIFICATE, to_octets(record.certificate.der()));
        let recorded = match self.write_one(recording, write).await? {
            Written::Won(_) => Recorded::Mine,
            Written::Lost => match self.read_recorded(record).await? {
                Some(_) => Recorded::Theirs,
                None => return Ok(None),
            },
        };
        // Names of a certificate that is not recorded would be skipped, so their order is of no
        // importance, but nothing is settled before they are there.
        for item in alternative_name_items(record)? {
            let write = Write::put(&self.tables.certificates, item);
            if self.write_one(recording, write).await? == Written::Lost {
                return Ok(None);
            }
        }
        Ok(Some(recorded))
    }

    /// Reads the record of a certificate of these contents, if any claimant has written it.
    async fn read_recorded(
        &self,
        record: &CertificateRecord,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        let summary = &record.summary;
        let found = self
            .get_certificate(summary.authority, summary.uuid)
            .await?;
        // A serial number that is taken is a fault of the server, not a lost race.
        let is_another = |found: &CertificateRecord| {
            found.transaction != record.transaction
                || found.certificate.subject_public_key_info()
                    != record.certificate.subject_public_key_info()
        };
        if found.as_ref().is_some_and(is_another) {
            return Err(unavailable("recording a certificate")(SerialNumberTaken {
                serial_number: summary.serial_number.clone(),
            }));
        }
        Ok(found)
    }
}

/// The changes that make a transaction rejected until the given time.
pub(crate) fn reject_changes(reason: &str, until: OffsetDateTime) -> Changes {
    Changes::default()
        .set(STATE, to_text(REJECTED))
        .set(REASON, to_text(reason))
        .set(EXPIRES_AT, to_seconds(until))
        .remove(&[TO_BE_SIGNED, CLAIMED_CERTIFICATE, ANNOTATIONS, VOUCHING])
}
