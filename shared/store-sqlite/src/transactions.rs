//! The steps of issuing, each of which is one transaction of the database.

use ca::id::{AuthorityUuid, CertificateUuid};
use rusqlite::{Connection, named_params};
use scep_protocol::id::{ChallengeUuid, ClaimUuid, NoticeUuid, ScepProfileUuid, TransactionUuid};
use scep_protocol::lockout::{Lockout, LockoutSubject};
use scep_protocol::notice::Notice;
use scep_protocol::one_time_challenge::{ChallengeUpdate, OneTimeChallenge};
use scep_protocol::transaction::{
    Fingerprint, RequestFingerprint, SameRequest, Transaction, TransactionKey,
};
use scep_service::audit::AuditRecord;
use scep_service::error::StoreError;
use scep_service::inventory::{CertificateRecord, TransactionStatus};
use scep_service::ports::{
    Approval, Claim, ClaimKind, EnvelopeSighting, GuardedOutcome, Transactions, WriteOutcome,
};
use time::OffsetDateTime;

use crate::SqliteStore;
use crate::audit::insert_audit;
use crate::certificate_row::{find_certificate, insert_certificate, parse_serial_number};
use crate::challenges::{find_bound_challenge, find_challenge, is_unchanged, update_uses};
use crate::database::{Durability, outcome_of};
use crate::envelopes::remember_envelope;
use crate::issuing::{
    approve_transaction, claim_transaction, complete_transaction, has_revoked_key, is_claimed,
    mark_rejected,
};
use crate::lockouts::{find_lockout, put_lockout};
use crate::notices::{delete_notice, find_due_notices, postpone_notice, put_notice};
use crate::requests::find_same_request;
use crate::successors::{list_successors, replace_successors};
use crate::transaction_row::find_transaction;
use crate::value::{Id, Millis};

#[async_trait::async_trait]
impl Transactions for SqliteStore {
    async fn transaction(&self, uuid: TransactionUuid) -> Result<Option<Transaction>, StoreError> {
        self.database
            .read_lasting("reading a transaction", |connection| {
                Ok(find_transaction(connection, uuid)?)
            })
            .await
    }

    async fn same_request(
        &self,
        scep_profile: ScepProfileUuid,
        request: &RequestFingerprint,
        requester_key: Fingerprint,
    ) -> Result<Option<SameRequest>, StoreError> {
        self.database
            .read_lasting("reading a request", |connection| {
                Ok(find_same_request(
                    connection,
                    scep_profile,
                    request,
                    requester_key,
                )?)
            })
            .await
    }

    async fn remember_envelope(
        &self,
        encrypted_key: Fingerprint,
        ciphertext: Fingerprint,
        until: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<EnvelopeSighting, StoreError> {
        let write = move |connection: &Connection| {
            Ok(remember_envelope(
                connection,
                encrypted_key,
                ciphertext,
                until,
                now,
            )?)
        };
        self.database
            .write("remembering an envelope", Durability::Process, write)
            .await
    }

    async fn pending_requests(
        &self,
        scep_profile: ScepProfileUuid,
        most: u16,
        now: OffsetDateTime,
    ) -> Result<u16, StoreError> {
        self.database
            .read("counting requests that wait", |connection| {
                let count = connection
                    .prepare_cached(
                        "SELECT count(*) FROM (
                             SELECT 1 FROM transactions
                             WHERE scep_profile = ? AND state = 'pending' AND expires_at >= ?
                             LIMIT ?)",
                    )?
                    .query_row((Id(scep_profile), Millis(now), most), |row| row.get(0))?;
                Ok(count)
            })
    }

    async fn claim(&self, claim: &Claim) -> Result<GuardedOutcome, StoreError> {
        let durability = match claim.stage {
            // Nothing leaves this process before the certificate is recorded, and that write brings
            // the claim to the disk as well. After a power cut, claim and signature are both gone.
            ClaimKind::Sign(_) => Durability::Process,
            // The client is told to wait.
            ClaimKind::Hold(_) => Durability::PowerCut,
        };
        self.database
            .write("claiming a transaction", durability, |connection| {
                Ok(claim_transaction(connection, claim)?)
            })
            .await
    }

    async fn approve(
        &self,
        held: &Transaction,
        approval: &Approval,
        audit: &AuditRecord,
    ) -> Result<GuardedOutcome, StoreError> {
        let write = |connection: &Connection| {
            let outcome = approve_transaction(connection, held, approval)?;
            if outcome == GuardedOutcome::Won {
                insert_audit(connection, audit)?;
            }
            Ok(outcome)
        };
        self.database
            .write("approving a transaction", Durability::PowerCut, write)
            .await
    }

    async fn reject(
        &self,
        held: &Transaction,
        reason: &str,
        until: OffsetDateTime,
        challenge: Option<&ChallengeUpdate>,
        notices: &[Notice],
        audit: &AuditRecord,
    ) -> Result<WriteOutcome, StoreError> {
        let write = |connection: &Connection| {
            if !is_claimed(
                connection,
                &held.key,
                held.claim,
                TransactionStatus::Pending,
            )? || !is_unchanged(connection, challenge)?
            {
                return Ok(WriteOutcome::Lost);
            }
            mark_rejected(connection, held.key.uuid(), reason, until)?;
            update_uses(connection, challenge)?;
            for notice in notices {
                put_notice(connection, notice)?;
            }
            insert_audit(connection, audit)?;
            Ok(WriteOutcome::Won)
        };
        self.database
            .write("rejecting a transaction", Durability::PowerCut, write)
            .await
    }

    async fn take_over(
        &self,
        key: &TransactionKey,
        expired: ClaimUuid,
        claim: ClaimUuid,
        lease_until: OffsetDateTime,
    ) -> Result<WriteOutcome, StoreError> {
        let write = |connection: &Connection| {
            // Nothing else changes: the old claimant may have signed already, so the new one signs
            // the same bytes.
            let changed = connection
                .prepare_cached(
                    "UPDATE transactions SET claim = :claim, lease_until = :lease_until
                     WHERE uuid = :uuid AND claim IN (:expired, :claim) AND state = 'issuing'",
                )?
                .execute(named_params! {
                    ":claim": Id(claim),
                    ":lease_until": Millis(lease_until),
                    ":uuid": Id(key.uuid()),
                    ":expired": Id(expired),
                })?;
            Ok(outcome_of(changed))
        };
        self.database
            .write("taking over a transaction", Durability::Process, write)
            .await
    }

    async fn complete(
        &self,
        claim: ClaimUuid,
        record: &CertificateRecord,
        resend_until: OffsetDateTime,
        notices: &[Notice],
    ) -> Result<GuardedOutcome, StoreError> {
        let write = |connection: &Connection| {
            let outcome = complete_transaction(connection, claim, record, resend_until)?;
            if outcome == GuardedOutcome::Won {
                // An issued certificate without its notice would never be heard of.
                for notice in notices {
                    put_notice(connection, notice)?;
                }
            }
            Ok(outcome)
        };
        self.database
            .write("recording a certificate", Durability::PowerCut, write)
            .await
    }

    async fn withdraw(
        &self,
        claim: ClaimUuid,
        record: &CertificateRecord,
        reason: &str,
        until: OffsetDateTime,
    ) -> Result<WriteOutcome, StoreError> {
        let write = |connection: &Connection| {
            let key = &record.transaction;
            if !is_claimed(connection, key, claim, TransactionStatus::Issuing)? {
                return Ok(WriteOutcome::Lost);
            }
            mark_rejected(connection, key.uuid(), reason, until)?;
            // A signed certificate is recorded even if no client gets it, so that the CRL lists it.
            insert_certificate(connection, record)?;
            Ok(WriteOutcome::Won)
        };
        self.database
            .write("withdrawing a certificate", Durability::PowerCut, write)
            .await
    }

    async fn certificate(
        &self,
        authority: AuthorityUuid,
        serial_number: &str,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        let Some(uuid) = parse_serial_number(serial_number) else {
            return Ok(None);
        };
        let found = self.database.read("reading a certificate", |connection| {
            Ok(find_certificate(connection, uuid)?)
        })?;
        Ok(found.filter(|record| record.summary.authority == authority))
    }

    async fn is_key_revoked(&self, key: Fingerprint) -> Result<bool, StoreError> {
        self.database.read("reading a revoked key", |connection| {
            Ok(has_revoked_key(connection, key)?)
        })
    }

    async fn successors(
        &self,
        authority: AuthorityUuid,
        predecessor: CertificateUuid,
    ) -> Result<Vec<CertificateUuid>, StoreError> {
        self.database.read("reading successors", |connection| {
            Ok(list_successors(connection, authority, predecessor)?)
        })
    }

    async fn forget_successors(
        &self,
        authority: AuthorityUuid,
        predecessor: CertificateUuid,
        known: &[CertificateUuid],
        remaining: &[CertificateUuid],
    ) -> Result<WriteOutcome, StoreError> {
        let write = |connection: &Connection| {
            Ok(replace_successors(
                connection,
                authority,
                predecessor,
                known,
                remaining,
            )?)
        };
        self.database
            .write("forgetting successors", Durability::Process, write)
            .await
    }

    async fn challenge(&self, uuid: ChallengeUuid) -> Result<Option<OneTimeChallenge>, StoreError> {
        self.database
            .read("reading a one-time challenge", |connection| {
                Ok(find_challenge(connection, uuid)?)
            })
    }

    async fn challenge_of(
        &self,
        key: &TransactionKey,
    ) -> Result<Option<OneTimeChallenge>, StoreError> {
        self.database
            .read("reading a one-time challenge", |connection| {
                Ok(find_bound_challenge(connection, key.uuid())?)
            })
    }

    async fn lockouts(
        &self,
        scep_profile: ScepProfileUuid,
        subjects: &[LockoutSubject],
    ) -> Result<Vec<Lockout>, StoreError> {
        self.database.read("reading lock-outs", |connection| {
            let mut found = Vec::new();
            for subject in subjects {
                found.extend(find_lockout(connection, subject.uuid(scep_profile))?);
            }
            Ok(found)
        })
    }

    async fn count_failure(&self, lockout: &Lockout) -> Result<WriteOutcome, StoreError> {
        let write = |connection: &Connection| Ok(put_lockout(connection, lockout)?);
        self.database
            .write("counting a wrong challenge", Durability::Process, write)
            .await
    }

    async fn put_notice(&self, notice: &Notice) -> Result<(), StoreError> {
        let write = |connection: &Connection| Ok(put_notice(connection, notice)?);
        self.database
            .write("writing a notice", Durability::PowerCut, write)
            .await
    }

    async fn due_notices(
        &self,
        now: OffsetDateTime,
        limit: u16,
    ) -> Result<Vec<Notice>, StoreError> {
        self.database.read("reading notices", |connection| {
            Ok(find_due_notices(connection, now, limit)?)
        })
    }

    async fn settle_notice(&self, uuid: NoticeUuid) -> Result<(), StoreError> {
        let write = move |connection: &Connection| Ok(delete_notice(connection, uuid)?);
        // After a power cut the notice is delivered once more, which its receiver recognises.
        self.database
            .write("settling a notice", Durability::Process, write)
            .await
    }

    async fn postpone_notice(&self, postponed: &Notice) -> Result<WriteOutcome, StoreError> {
        let write = |connection: &Connection| Ok(postpone_notice(connection, postponed)?);
        self.database
            .write("postponing a notice", Durability::Process, write)
            .await
    }
}
