//! Requests: each leads to the transaction that claimed it, so that the same request is recognised
//! under another transactionID.

use ca::id::{AuthorityUuid, CertificateUuid};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use scep_protocol::id::{ClaimUuid, ScepProfileUuid, TransactionUuid};
use scep_protocol::transaction::{
    Fingerprint, PastCertificate, RequestFingerprint, RequestOutcome, SameRequest, Transaction,
};
use scep_service::ports::{Approval, Claim};
use scep_service::record::RequestRecord;
use time::OffsetDateTime;

use crate::certificate_row::find_certificate;
use crate::transaction_row::find_transaction;
use crate::value::{Digest, Id, Millis, read_optional_uuid};

/// A request as a row.
struct RequestRow {
    transaction: TransactionUuid,
    claim: ClaimUuid,
    /// Records of earlier versions lack both.
    certificate: Option<(AuthorityUuid, CertificateUuid)>,
    expires_at: OffsetDateTime,
}

fn find_request(connection: &Connection, id: Fingerprint) -> rusqlite::Result<Option<RequestRow>> {
    connection
        .prepare_cached("SELECT * FROM requests WHERE id = ?")?
        .query_row([Digest(id)], |row| {
            Ok(RequestRow {
                transaction: row.get::<_, Id<_>>("transaction_uuid")?.0,
                claim: row.get::<_, Id<_>>("claim")?.0,
                certificate: read_certificate(row)?,
                expires_at: row.get::<_, Millis>("expires_at")?.0,
            })
        })
        .optional()
}

fn read_certificate(row: &Row<'_>) -> rusqlite::Result<Option<(AuthorityUuid, CertificateUuid)>> {
    let authority = read_optional_uuid(row, "authority")?;
    let certificate = read_optional_uuid(row, "certificate")?;
    Ok(authority.zip(certificate))
}

fn request_id(claim: &Claim) -> Fingerprint {
    claim
        .request
        .identify(claim.key.scep_profile, claim.requester_key)
}

/// Returns whether a claim may take its request: nobody else did, or what did has expired.
pub(crate) fn is_request_free(connection: &Connection, claim: &Claim) -> rusqlite::Result<bool> {
    let found = find_request(connection, request_id(claim))?;
    Ok(found.is_none_or(|known| {
        known.expires_at < claim.claimed_at
            || known.transaction == claim.key.uuid()
            || claim.replaced.request == Some(known.claim)
    }))
}

/// Leads from a request to the transaction that claims it.
pub(crate) fn put_request(connection: &Connection, claim: &Claim) -> rusqlite::Result<()> {
    put_record(
        connection,
        &RequestRecord {
            id: request_id(claim),
            transaction: claim.key.uuid(),
            claim: claim.claim,
            certificate: Some((claim.issuance.authority, claim.certificate)),
            until: claim.request_until,
        },
    )
}

pub(crate) fn put_record(connection: &Connection, record: &RequestRecord) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "REPLACE INTO requests (id, transaction_uuid, claim, authority, certificate, expires_at)
             VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute((
            Digest(record.id),
            Id(record.transaction),
            Id(record.claim),
            record.certificate.map(|(authority, _)| Id(authority)),
            record.certificate.map(|(_, certificate)| Id(certificate)),
            Millis(record.until),
        ))?;
    Ok(())
}

/// Keeps leading from an approved request to its transaction, beyond the time that it could wait
/// for approval.
pub(crate) fn extend_request(
    connection: &Connection,
    held: &Transaction,
    approval: &Approval,
) -> rusqlite::Result<()> {
    let id = held
        .request
        .identify(held.key.scep_profile, held.requester_key);
    connection
        .prepare_cached(
            "UPDATE requests
             SET transaction_uuid = :transaction, claim = :claim, expires_at = :expires_at
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":transaction": Id(held.key.uuid()),
            ":claim": Id(approval.claim),
            ":expires_at": Millis(approval.request_until),
            ":id": Digest(id),
        })?;
    Ok(())
}

pub(crate) fn find_same_request(
    connection: &Connection,
    scep_profile: ScepProfileUuid,
    request: &RequestFingerprint,
    requester_key: Fingerprint,
) -> rusqlite::Result<Option<SameRequest>> {
    let id = request.identify(scep_profile, requester_key);
    let Some(found) = find_request(connection, id)? else {
        return Ok(None);
    };
    // The transaction may have been claimed by another request with the same transactionID.
    let same_transaction = find_transaction(connection, found.transaction)?
        .filter(|known| known.request == *request && known.requester_key == requester_key);
    let outcome = match same_transaction {
        Some(known) => RequestOutcome::Transaction(Box::new(known)),
        None => match find_past_certificate(connection, &found)? {
            Some(past) => RequestOutcome::Certificate(past),
            None => RequestOutcome::Nothing,
        },
    };
    Ok(Some(SameRequest {
        claim: found.claim,
        outcome,
    }))
}

/// Finds the certificate that was issued for a request; `None` if it was never recorded or is
/// revoked.
fn find_past_certificate(
    connection: &Connection,
    request: &RequestRow,
) -> rusqlite::Result<Option<PastCertificate>> {
    let Some((authority, certificate)) = request.certificate else {
        return Ok(None);
    };
    let record = find_certificate(connection, certificate)?;
    Ok(record
        .filter(|record| {
            record.summary.authority == authority && record.summary.revocation.is_none()
        })
        .map(|record| PastCertificate {
            certificate: record.certificate,
            authority,
            generation: record.generation,
            issued_at: record.summary.issued_at,
        }))
}
