//! The transactions table and the steps of issuing, each of which is one conditional write.

use ca::id::{AuthorityUuid, CertificateUuid};
use scep_protocol::id::{ChallengeUuid, ClaimUuid, NoticeUuid, ScepProfileUuid, TransactionUuid};
use scep_protocol::lockout::{Lockout, LockoutSubject};
use scep_protocol::notice::Notice;
use scep_protocol::one_time_challenge::{ChallengeUpdate, OneTimeChallenge};
use scep_protocol::transaction::{
    Fingerprint, RequestFingerprint, SameRequest, Transaction, TransactionKey,
};
use scep_service::audit::AuditRecord;
use scep_service::error::StoreError;
use scep_service::inventory::CertificateRecord;
use scep_service::ports::{
    Approval, Claim, EnvelopeSighting, GuardedOutcome, Transactions, WriteOutcome,
};
use time::OffsetDateTime;

use crate::DynamoDbStore;
use crate::alternative_names::alternative_name_items;
use crate::attribute::{to_millis, to_number, to_octets, to_seconds, to_text};
use crate::certificate_item::{certificate_id, certificate_item};
use crate::expression::{Changes, Condition};
use crate::index::BY_PENDING;
use crate::item::{
    ANNOTATIONS, CERTIFICATE, CERTIFICATE_UUID, CLAIM, EXPIRES_AT, GENERATION, ID, Item, KEY,
    KEY_ALGORITHM, LEASE_UNTIL, PENDING_OF, REASON, STATE, TO_BE_SIGNED, VOUCHING, unavailable,
};
use crate::page::{Bounds, END_OF_TIME, List, count_items};
use crate::transaction_item::{ISSUED, ISSUING, PENDING, REJECTED, claim_item, parse_transaction};
use crate::write::{Step, Write};

#[async_trait::async_trait]
impl Transactions for DynamoDbStore {
    async fn transaction(&self, uuid: TransactionUuid) -> Result<Option<Transaction>, StoreError> {
        let found = self.read_item(uuid.to_string()).await?;
        found.map(parse_transaction).transpose()
    }

    async fn remember_envelope(
        &self,
        encrypted_key: Fingerprint,
        ciphertext: Fingerprint,
        until: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<EnvelopeSighting, StoreError> {
        self.put_envelope(encrypted_key, ciphertext, until, now)
            .await
    }

    async fn same_request(
        &self,
        scep_profile: ScepProfileUuid,
        request: &RequestFingerprint,
        requester_key: Fingerprint,
    ) -> Result<Option<SameRequest>, StoreError> {
        self.find_request(scep_profile, request, requester_key)
            .await
    }

    async fn pending_requests(
        &self,
        scep_profile: ScepProfileUuid,
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
        let steps = self.claim_steps(claim)?;
        self.write_all("claiming a transaction", steps, GuardedOutcome::Won)
            .await
    }

    async fn approve(
        &self,
        pending: &Transaction,
        approval: &Approval,
        audit: &AuditRecord,
    ) -> Result<GuardedOutcome, StoreError> {
        let Approval {
            claim,
            issuance,
            lease_until,
            request_until,
            challenge,
        } = approval;
        // The transaction stops expiring here: from now on, its certificate may exist. The record
        // of its request, which expires on its own, is kept longer in the same step.
        let changes = Changes::default()
            .set(STATE, to_text(ISSUING))
            .set(CLAIM, to_text(claim.to_string()))
            .set(TO_BE_SIGNED, to_octets(&issuance.to_be_signed))
            .set(GENERATION, to_number(issuance.generation.get()))
            .set(KEY, to_text(issuance.key.to_stored()))
            .set(KEY_ALGORITHM, to_text(issuance.key_algorithm.name()))
            .set(LEASE_UNTIL, to_millis(*lease_until))
            .remove(&[EXPIRES_AT, PENDING_OF]);
        let mut steps = vec![
            self.update_claimed(&pending.key, pending.claim, PENDING, changes)
                .or(GuardedOutcome::Lost),
            self.extend_request(pending, *claim, *request_until)
                .or_fail(),
            self.check_key_not_revoked(issuance.subject_key),
            self.put_audit(audit)?.or_fail(),
        ];
        if let Some(update) = challenge {
            steps.push(self.update_challenge(update, GuardedOutcome::Lost)?);
        }
        self.write_all("approving a transaction", steps, GuardedOutcome::Won)
            .await
    }

    async fn reject(
        &self,
        pending: &Transaction,
        reason: &str,
        until: OffsetDateTime,
        challenge: Option<&ChallengeUpdate>,
        notices: &[Notice],
        audit: &AuditRecord,
    ) -> Result<WriteOutcome, StoreError> {
        let changes = reject_changes(reason, until).remove(&[PENDING_OF]);
        let mut steps = vec![
            self.update_claimed(&pending.key, pending.claim, PENDING, changes)
                .or(WriteOutcome::Lost),
            self.put_audit(audit)?.or_fail(),
        ];
        if let Some(update) = challenge {
            steps.push(self.update_challenge(update, WriteOutcome::Lost)?);
        }
        steps.extend(self.put_notices(notices)?);
        self.write_all("rejecting a transaction", steps, WriteOutcome::Won)
            .await
    }

    async fn take_over(
        &self,
        key: &TransactionKey,
        expired: ClaimUuid,
        claim: ClaimUuid,
        lease_until: OffsetDateTime,
    ) -> Result<WriteOutcome, StoreError> {
        // Nothing else changes: the old claimant may have signed already, so the new one signs the
        // same bytes.
        let changes = Changes::default()
            .set(CLAIM, to_text(claim.to_string()))
            .set(LEASE_UNTIL, to_millis(lease_until));
        let write = self
            .update_claimed(key, expired, ISSUING, changes)
            .with_mark(CLAIM, to_text(claim.to_string()));
        self.write_one("taking over a transaction", write)
            .await
            .map(WriteOutcome::from)
    }

    async fn complete(
        &self,
        claim: ClaimUuid,
        record: &CertificateRecord,
        resend_until: OffsetDateTime,
        notices: &[Notice],
    ) -> Result<GuardedOutcome, StoreError> {
        let summary = &record.summary;
        let changes = Changes::default()
            .set(STATE, to_text(ISSUED))
            .set(CERTIFICATE, to_octets(record.certificate.der()))
            .set(CERTIFICATE_UUID, to_text(summary.uuid.to_string()))
            .set(EXPIRES_AT, to_seconds(resend_until))
            .remove(&[TO_BE_SIGNED, LEASE_UNTIL, ANNOTATIONS, VOUCHING]);
        // The certificate and the end of the transaction are one write: a transaction without its
        // certificate, or a second certificate, would be the result of a crash between two.
        let mut steps = vec![
            self.update_claimed(&record.transaction, claim, ISSUING, changes)
                .or(GuardedOutcome::Lost),
            // Key and predecessor were conditions of the claim, and may have been revoked since.
            self.check_key_not_revoked(summary.key),
        ];
        steps.extend(self.record_steps(record)?);
        steps.extend(
            summary.predecessor.map(|predecessor| {
                self.check_predecessor_not_revoked(summary.authority, predecessor)
            }),
        );
        // An issued certificate without its notice would never be heard of.
        steps.extend(self.put_notices(notices)?);
        self.write_all("recording a certificate", steps, GuardedOutcome::Won)
            .await
    }

    async fn withdraw(
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
        // A signed certificate is recorded even if no client gets it, so that the CRL lists it.
        steps.extend(self.record_steps(record)?);
        self.write_all("withdrawing a certificate", steps, WriteOutcome::Won)
            .await
    }

    async fn certificate(
        &self,
        authority: AuthorityUuid,
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
        authority: AuthorityUuid,
        predecessor: CertificateUuid,
    ) -> Result<Vec<CertificateUuid>, StoreError> {
        self.read_successors(authority, predecessor).await
    }

    async fn forget_successors(
        &self,
        authority: AuthorityUuid,
        predecessor: CertificateUuid,
        known: &[CertificateUuid],
        living: &[CertificateUuid],
    ) -> Result<WriteOutcome, StoreError> {
        self.replace_successors(authority, predecessor, known, living)
            .await
    }

    async fn challenge(&self, uuid: ChallengeUuid) -> Result<Option<OneTimeChallenge>, StoreError> {
        self.read_challenge(uuid).await
    }

    async fn challenge_of(
        &self,
        key: &TransactionKey,
    ) -> Result<Option<OneTimeChallenge>, StoreError> {
        self.read_challenge_of(key).await
    }

    async fn lockouts(
        &self,
        scep_profile: ScepProfileUuid,
        subjects: &[LockoutSubject],
    ) -> Result<Vec<Lockout>, StoreError> {
        self.read_lockouts(scep_profile, subjects).await
    }

    async fn count_failure(&self, lockout: &Lockout) -> Result<WriteOutcome, StoreError> {
        self.put_lockout(lockout).await
    }

    async fn put_notice(&self, notice: &Notice) -> Result<(), StoreError> {
        self.put_one_notice(notice).await
    }

    async fn due_notices(
        &self,
        now: OffsetDateTime,
        limit: u16,
    ) -> Result<Vec<Notice>, StoreError> {
        self.read_due_notices(now, limit).await
    }

    async fn settle_notice(&self, uuid: NoticeUuid) -> Result<(), StoreError> {
        self.delete_notice(uuid).await
    }

    async fn postpone_notice(&self, postponed: &Notice) -> Result<WriteOutcome, StoreError> {
        self.replace_notice(postponed).await
    }
}

impl DynamoDbStore {
    /// Lists the steps that claim a transaction, each with its condition.
    fn claim_steps(&self, claim: &Claim) -> Result<Vec<Step<'_, GuardedOutcome>>, StoreError> {
        let unclaimed = match claim.replaced.transaction {
            None => Condition::Missing(ID),
            // Every claim has a UUID of its own, so this one proves that nothing has changed since
            // the decision to replace it.
            Some(replaced) => Condition::Equals(CLAIM, to_text(replaced.to_string())),
        };
        let mut steps = vec![
            Write::put(&self.tables.transactions, claim_item(claim)?)
                .on_condition(unclaimed)
                .with_mark(CLAIM, to_text(claim.claim.to_string()))
                .or(GuardedOutcome::Lost),
            self.claim_request(claim)?,
            self.check_key_not_revoked(claim.issuance.subject_key),
        ];
        if let Some(renewal) = &claim.renewal {
            let authority = claim.issuance.authority;
            steps.push(self.check_predecessor_not_revoked(authority, renewal.predecessor));
            steps.push(self.claim_succession(authority, renewal));
        }
        if let Some(update) = &claim.challenge {
            steps.push(self.update_challenge(update, GuardedOutcome::Lost)?);
        }
        Ok(steps)
    }

    /// Lists the steps that record a certificate, together with the names by which searches find
    /// it. Records are never overwritten.
    fn record_steps<O>(&self, record: &CertificateRecord) -> Result<Vec<Step<'_, O>>, StoreError> {
        let write = Write::put(&self.tables.certificates, certificate_item(record)?);
        // A serial number that is taken is a fault of the server, not a lost race.
        let mut steps = vec![write.on_condition(Condition::Missing(ID)).or_fail()];
        for item in alternative_name_items(record)? {
            steps.push(Write::put(&self.tables.certificates, item).or_fail());
        }
        Ok(steps)
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

    /// Describes an update of a transaction that is still in this state, under this claim.
    fn update_claimed(
        &self,
        key: &TransactionKey,
        claim: ClaimUuid,
        state: &str,
        changes: Changes,
    ) -> Write<'_> {
        let id = key.uuid().to_string();
        Write::update(&self.tables.transactions, id, changes).on_condition(Condition::All(vec![
            Condition::Equals(CLAIM, to_text(claim.to_string())),
            Condition::Equals(STATE, to_text(state)),
        ]))
    }
}

/// The changes that make a transaction rejected until the given time.
fn reject_changes(reason: &str, until: OffsetDateTime) -> Changes {
    Changes::default()
        .set(STATE, to_text(REJECTED))
        .set(REASON, to_text(reason))
        .set(EXPIRES_AT, to_seconds(until))
        .remove(&[TO_BE_SIGNED, ANNOTATIONS, VOUCHING])
}
