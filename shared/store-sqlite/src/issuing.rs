//! The conditions and the writes of the steps of issuing.

use rusqlite::{Connection, OptionalExtension, named_params};
use scep_protocol::id::{ClaimUuid, TransactionUuid};
use scep_protocol::transaction::{Fingerprint, Transaction, TransactionKey};
use scep_service::inventory::{CertificateRecord, TransactionStatus};
use scep_service::ports::{Approval, Bar, Claim, GuardedOutcome};
use time::OffsetDateTime;

use crate::certificate_row::{insert_certificate, is_revoked};
use crate::challenges::{is_unchanged, update_uses};
use crate::requests::{extend_request, is_request_free, put_request};
use crate::successors::{add_successor, has_room};
use crate::transaction_row::{GenerationNumber, State, put_claim};
use crate::value::{Digest, Id, Millis};

pub(crate) fn claim_transaction(
    connection: &Connection,
    claim: &Claim,
) -> rusqlite::Result<GuardedOutcome> {
    let current = find_claim(connection, claim.key.uuid())?;
    if current == Some(claim.claim) {
        return Ok(GuardedOutcome::Won);
    }
    // Every claim has a UUID of its own, so an equal one proves that nothing has changed since the
    // decision to replace it.
    if current != claim.replaced.transaction
        || !is_request_free(connection, claim)?
        || !is_unchanged(connection, claim.challenge.as_ref())?
    {
        return Ok(GuardedOutcome::Lost);
    }
    let issuance = &claim.issuance;
    if has_revoked_key(connection, issuance.subject_key)? {
        return Ok(GuardedOutcome::Barred(Bar::KeyRevoked));
    }
    if let Some(renewal) = &claim.renewal {
        if is_revoked(connection, issuance.authority, renewal.predecessor)? {
            return Ok(GuardedOutcome::Barred(Bar::PredecessorRevoked));
        }
        if !has_room(connection, issuance.authority, renewal.predecessor)? {
            return Ok(GuardedOutcome::Barred(Bar::TooManySuccessors));
        }
        add_successor(connection, issuance.authority, renewal)?;
    }
    put_claim(connection, claim)?;
    put_request(connection, claim)?;
    update_uses(connection, claim.challenge.as_ref())?;
    Ok(GuardedOutcome::Won)
}

pub(crate) fn approve_transaction(
    connection: &Connection,
    held: &Transaction,
    approval: &Approval,
) -> rusqlite::Result<GuardedOutcome> {
    let issuance = &approval.issuance;
    if !is_claimed(
        connection,
        &held.key,
        held.claim,
        TransactionStatus::Pending,
    )? || !is_unchanged(connection, approval.challenge.as_ref())?
    {
        return Ok(GuardedOutcome::Lost);
    }
    if has_revoked_key(connection, issuance.subject_key)? {
        return Ok(GuardedOutcome::Barred(Bar::KeyRevoked));
    }
    // The transaction stops expiring here: from now on, its certificate may exist.
    connection
        .prepare_cached(
            "UPDATE transactions SET state = 'issuing', claim = :claim,
                 to_be_signed = :to_be_signed, generation = :generation, key = :key,
                 key_algorithm = :key_algorithm, lease_until = :lease_until, expires_at = NULL
             WHERE uuid = :uuid",
        )?
        .execute(named_params! {
            ":claim": Id(approval.claim),
            ":to_be_signed": issuance.to_be_signed,
            ":generation": GenerationNumber(issuance.generation),
            ":key": issuance.key.to_stored(),
            ":key_algorithm": issuance.key_algorithm.name(),
            ":lease_until": Millis(approval.lease_until),
            ":uuid": Id(held.key.uuid()),
        })?;
    extend_request(connection, held, approval)?;
    update_uses(connection, approval.challenge.as_ref())?;
    Ok(GuardedOutcome::Won)
}

pub(crate) fn complete_transaction(
    connection: &Connection,
    claim: ClaimUuid,
    record: &CertificateRecord,
    resend_until: OffsetDateTime,
) -> rusqlite::Result<GuardedOutcome> {
    let summary = &record.summary;
    let key = &record.transaction;
    if !is_claimed(connection, key, claim, TransactionStatus::Issuing)? {
        return Ok(GuardedOutcome::Lost);
    }
    // Key and predecessor were conditions of the claim, and may have been revoked since.
    if has_revoked_key(connection, summary.key)? {
        return Ok(GuardedOutcome::Barred(Bar::KeyRevoked));
    }
    if let Some(predecessor) = summary.predecessor
        && is_revoked(connection, summary.authority, predecessor)?
    {
        return Ok(GuardedOutcome::Barred(Bar::PredecessorRevoked));
    }
    insert_certificate(connection, record)?;
    connection
        .prepare_cached(
            "UPDATE transactions SET state = 'issued', certificate = :certificate,
                 expires_at = :expires_at, lease_until = NULL, to_be_signed = NULL, key = NULL,
                 key_algorithm = NULL, subject_key = NULL, predecessor = NULL,
                 annotations = NULL, vouching = NULL
             WHERE uuid = :uuid",
        )?
        .execute(named_params! {
            ":certificate": Id(summary.uuid),
            ":expires_at": Millis(resend_until),
            ":uuid": Id(key.uuid()),
        })?;
    Ok(GuardedOutcome::Won)
}

/// Makes a transaction rejected until the given time.
pub(crate) fn mark_rejected(
    connection: &Connection,
    uuid: TransactionUuid,
    reason: &str,
    until: OffsetDateTime,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE transactions SET state = 'rejected', reason = :reason, expires_at = :until,
                 lease_until = NULL, to_be_signed = NULL, key = NULL, key_algorithm = NULL,
                 subject_key = NULL, predecessor = NULL, annotations = NULL, vouching = NULL
             WHERE uuid = :uuid",
        )?
        .execute(named_params! {
            ":reason": reason,
            ":until": Millis(until),
            ":uuid": Id(uuid),
        })?;
    Ok(())
}

fn find_claim(
    connection: &Connection,
    uuid: TransactionUuid,
) -> rusqlite::Result<Option<ClaimUuid>> {
    connection
        .prepare_cached("SELECT claim FROM transactions WHERE uuid = ?")?
        .query_row([Id(uuid)], |row| row.get::<_, Id<_>>(0))
        .optional()
        .map(|found| found.map(|Id(claim)| claim))
}

/// Returns whether a transaction is in this state, under this claim.
pub(crate) fn is_claimed(
    connection: &Connection,
    key: &TransactionKey,
    claim: ClaimUuid,
    status: TransactionStatus,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM transactions WHERE uuid = ? AND claim = ? AND state = ?")?
        .exists((Id(key.uuid()), Id(claim), State(status)))
}

pub(crate) fn has_revoked_key(connection: &Connection, key: Fingerprint) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM revoked_keys WHERE key = ?")?
        .exists([Digest(key)])
}
