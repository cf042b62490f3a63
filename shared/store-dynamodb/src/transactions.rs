//! The transactions table and the steps of issuing, most of which are one conditional write.

use ca::id::{AuthorityUuid, CertificateUuid};
use ca::serial_number::SerialNumber;
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
use crate::attribute::{to_millis, to_number, to_octets, to_seconds, to_text};
use crate::completion::reject_changes;
use crate::expression::{Changes, Condition};
use crate::index::BY_PENDING;
use crate::item::{
    CLAIM, EXPIRES_AT, GENERATION, ID, Item, KEY, KEY_ALGORITHM, LEASE_UNTIL, PENDING_OF, STATE,
    TO_BE_SIGNED, unavailable,
};
use crate::page::{Bounds, END_OF_TIME, List, count_items};
use crate::transaction_item::{ISSUING, PENDING, claim_item, parse_transaction};
use crate::write::{Step, Write};

#[async_trait::async_trait]
impl Transactions for DynamoDbStore {
    async fn transaction(&self, uuid: TransactionUuid) -> Result<Option<Transaction>, StoreError> {
        let found = self.read_transaction_item(uuid).await?;
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
        if let Some(bar) = self.find_bar_of_claim(claim).await? {
            return Ok(GuardedOutcome::Barred(bar));
        }
        if let Some(outcome) = self.claim_first(claim).await? {
            return Ok(outcome);
        }
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
        self.complete_transaction(claim, record, resend_until, notices)
            .await
    }

    async fn withdraw(
        &self,
        claim: ClaimUuid,
        record: &CertificateRecord,
        reason: &str,
        until: OffsetDateTime,
    ) -> Result<WriteOutcome, StoreError> {
        self.withdraw_certificate(claim, record, reason, until)
            .await
    }

    async fn certificate(
        &self,
        authority: AuthorityUuid,
        serial_number: &str,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        match SerialNumber::from_hex(serial_number) {
            Some(known) => self.get_certificate(authority, known.as_uuid()).await,
            None => self.get_foreign(authority, serial_number).await,
        }
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
        ];
        if let Some(renewal) = &claim.renewal {
            steps.push(self.claim_succession(claim.issuance.authority, renewal));
        }
        if let Some(update) = &claim.challenge {
            steps.push(self.update_challenge(update, GuardedOutcome::Lost)?);
        }
        Ok(steps)
    }

    /// Reads any item of the transactions table, with strong consistency: it decides about what is
    /// written next, such as a second certificate for the same request.
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
    pub(crate) fn update_claimed(
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
