//! Certificates as rows.

use ca::id::{AuthorityUuid, CertificateUuid};
use ca::revocation::{Revocation, RevocationReason};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use scep_protocol::transaction::TransactionKey;
use scep_service::inventory::{CertificateRecord, CertificateSummary};

use crate::transaction_row::{CertificateDer, GenerationNumber, TransactionIdText, non_default};
use crate::value::{Digest, Id, Json, Millis, Text, read_optional_json, read_optional_uuid};

/// Writes the record of a certificate. It fails if the serial number is taken: records are never
/// overwritten.
pub(crate) fn insert_certificate(
    connection: &Connection,
    record: &CertificateRecord,
) -> rusqlite::Result<()> {
    let summary = &record.summary;
    connection
        .prepare_cached(
            "INSERT INTO certificates (uuid, authority, generation, scep_profile, ra_profile,
                 transaction_id, subject, common_name, search_key, key, predecessor, not_before,
                 not_after, issued_at, revoked_at, revocation_reason, annotations, vouching, der)
             VALUES (:uuid, :authority, :generation, :scep_profile, :ra_profile,
                 :transaction_id, :subject, :common_name, :search_key, :key, :predecessor,
                 :not_before, :not_after, :issued_at, :revoked_at, :revocation_reason,
                 :annotations, :vouching, :der)",
        )?
        .execute(named_params! {
            ":uuid": Id(summary.uuid),
            ":authority": Id(summary.authority),
            ":generation": GenerationNumber(record.generation),
            ":scep_profile": Id(summary.scep_profile),
            ":ra_profile": Id(summary.ra_profile),
            ":transaction_id": record.transaction.transaction_id.as_str(),
            ":subject": summary.subject,
            ":common_name": summary.common_name,
            ":search_key": Some(summary.search_key()).filter(|key| !key.is_empty()),
            ":key": Digest(summary.key),
            ":predecessor": summary.predecessor.map(Id),
            ":not_before": Millis(summary.not_before),
            ":not_after": Millis(summary.not_after),
            ":issued_at": Millis(summary.issued_at),
            ":revoked_at": summary.revocation.map(|revocation| Millis(revocation.at)),
            ":revocation_reason": summary.revocation.map(|revocation| revocation.reason.name()),
            ":annotations": non_default(&record.annotations),
            ":vouching": record.vouching.as_ref().map(Json),
            ":der": record.certificate.der(),
        })?;
    let number = connection.last_insert_rowid();
    for name in record.alternative_names().keys() {
        connection
            .prepare_cached("INSERT INTO alternative_names (name, certificate) VALUES (?, ?)")?
            .execute((name, number))?;
    }
    Ok(())
}

pub(crate) fn find_certificate(
    connection: &Connection,
    uuid: CertificateUuid,
) -> rusqlite::Result<Option<CertificateRecord>> {
    connection
        .prepare_cached("SELECT * FROM certificates WHERE uuid = ?")?
        .query_row([Id(uuid)], read_record)
        .optional()
}

pub(crate) fn read_record(row: &Row<'_>) -> rusqlite::Result<CertificateRecord> {
    let summary = read_summary(row)?;
    Ok(CertificateRecord {
        transaction: TransactionKey {
            scep_profile: summary.scep_profile,
            transaction_id: row.get::<_, TransactionIdText>("transaction_id")?.0,
        },
        summary,
        certificate: row.get::<_, CertificateDer>("der")?.0,
        generation: row.get::<_, GenerationNumber>("generation")?.0,
        annotations: read_optional_json(row, "annotations")?.unwrap_or_default(),
        vouching: read_optional_json(row, "vouching")?,
    })
}

pub(crate) fn read_summary(row: &Row<'_>) -> rusqlite::Result<CertificateSummary> {
    let uuid = row.get::<_, Id<CertificateUuid>>("uuid")?.0;
    Ok(CertificateSummary {
        uuid,
        authority: row.get::<_, Id<_>>("authority")?.0,
        ra_profile: row.get::<_, Id<_>>("ra_profile")?.0,
        scep_profile: row.get::<_, Id<_>>("scep_profile")?.0,
        serial_number: write_serial_number(uuid),
        subject: row.get("subject")?,
        common_name: row.get("common_name")?,
        key: row.get::<_, Digest>("key")?.0,
        predecessor: read_optional_uuid(row, "predecessor")?,
        not_before: row.get::<_, Millis>("not_before")?.0,
        not_after: row.get::<_, Millis>("not_after")?.0,
        issued_at: row.get::<_, Millis>("issued_at")?.0,
        revocation: read_revocation(row)?,
    })
}

/// Reads when and why a certificate was revoked; `None` if it was not.
pub(crate) fn read_revocation(row: &Row<'_>) -> rusqlite::Result<Option<Revocation>> {
    let Some(Millis(at)) = row.get::<_, Option<Millis>>("revoked_at")? else {
        return Ok(None);
    };
    let reason = row.get::<_, Text<RevocationReason>>("revocation_reason")?.0;
    Ok(Some(Revocation { at, reason }))
}

/// Writes the serial number as the hexadecimal of its octets, without leading zero octets.
fn write_serial_number(uuid: CertificateUuid) -> String {
    let digits = format!("{:X}", uuid.as_u128());
    let width = digits.len().next_multiple_of(2);
    format!("{digits:0>width$}")
}

/// Returns the identity of the certificate with this serial number; `None` if no certificate of
/// this server can have it.
pub(crate) fn parse_serial_number(serial_number: &str) -> Option<CertificateUuid> {
    let number = u128::from_str_radix(serial_number, 16).ok()?;
    let uuid = CertificateUuid::from_u128(number);
    (write_serial_number(uuid) == serial_number).then_some(uuid)
}

/// Returns whether a certificate of this authority is revoked.
pub(crate) fn is_revoked(
    connection: &Connection,
    authority: AuthorityUuid,
    uuid: CertificateUuid,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM certificates
             WHERE uuid = ? AND authority = ? AND revoked_at IS NOT NULL",
        )?
        .exists((Id(uuid), Id(authority)))
}
