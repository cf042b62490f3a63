//! Transactions as rows.

use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use ca::requested_contents::RequestedContents;
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, named_params};
use scep_cms::certificate::Certificate;
use scep_cms::transaction_id::TransactionId;
use scep_protocol::id::{ClaimUuid, TransactionUuid};
use scep_protocol::transaction::{
    Fingerprint, Issuance, RequestFingerprint, SignerClass, Transaction, TransactionKey,
    TransactionState,
};
use scep_service::inventory::{TransactionRecord, TransactionStatus, TransactionSummary};
use scep_service::ports::{Claim, ClaimKind};
use time::OffsetDateTime;

use crate::error::unreadable;
use crate::value::{Digest, Id, Json, Millis, Text, read_optional_json, read_optional_uuid};

/// A [`TransactionStatus`] by its name in `state`.
#[derive(Clone, Copy)]
pub(crate) struct State(pub(crate) TransactionStatus);

impl State {
    // The views and the partial index of the schema quote these names.
    const fn name(self) -> &'static str {
        match self.0 {
            TransactionStatus::Issued => "issued",
            TransactionStatus::Issuing => "issuing",
            TransactionStatus::Pending => "pending",
            TransactionStatus::Rejected => "rejected",
        }
    }
}

impl ToSql for State {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.name().into())
    }
}

impl FromSql for State {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(match value.as_str()? {
            "issued" => TransactionStatus::Issued,
            "issuing" => TransactionStatus::Issuing,
            "pending" => TransactionStatus::Pending,
            "rejected" => TransactionStatus::Rejected,
            _ => return Err(unreadable(UnknownName("state"))),
        }))
    }
}

/// A [`SignerClass`] by its name.
pub(crate) struct SignerName(pub(crate) SignerClass);

impl ToSql for SignerName {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let name = match self.0 {
            SignerClass::Certificate => "certificate",
            SignerClass::Challenge => "challenge",
            SignerClass::Nobody => "nobody",
        };
        Ok(name.into())
    }
}

impl FromSql for SignerName {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(match value.as_str()? {
            "certificate" => SignerClass::Certificate,
            "challenge" => SignerClass::Challenge,
            "nobody" => SignerClass::Nobody,
            _ => return Err(unreadable(UnknownName("class of a signer"))),
        }))
    }
}

/// A stored name is not one that this version knows.
#[derive(Debug, thiserror::Error)]
#[error("unknown {0}")]
pub(crate) struct UnknownName(pub(crate) &'static str);

/// A certificate as DER.
pub(crate) struct CertificateDer(pub(crate) Certificate);

impl FromSql for CertificateDer {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Certificate::from_der(value.as_blob()?)
            .map(Self)
            .map_err(unreadable)
    }
}

/// A transactionID as text.
pub(crate) struct TransactionIdText(pub(crate) TransactionId);

impl FromSql for TransactionIdText {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        TransactionId::new(value.as_str()?)
            .map(Self)
            .map_err(unreadable)
    }
}

/// The number of a generation.
pub(crate) struct GenerationNumber(pub(crate) Generation);

impl ToSql for GenerationNumber {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.get().into())
    }
}

impl FromSql for GenerationNumber {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Generation::new(u32::column_result(value)?)
            .map(Self)
            .ok_or_else(|| unreadable(UnknownName("generation")))
    }
}

/// The location of a key, which may be a wrapped key.
struct KeyText(KeyLocation);

impl FromSql for KeyText {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        KeyLocation::try_from(value.as_str()?.to_owned())
            .map(Self)
            .map_err(unreadable)
    }
}

/// What is written of a transaction.
struct NewRow<'a> {
    key: &'a TransactionKey,
    status: TransactionStatus,
    created_at: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
    message_type: &'a str,
    subject: &'a str,
    claim: ClaimUuid,
    request: &'a RequestFingerprint,
    signer_key: Fingerprint,
    requester_key: Fingerprint,
    requested: Option<&'a RequestedContents>,
    lease_until: Option<OffsetDateTime>,
    issuance: Option<&'a Issuance>,
    /// The authority and its generation, if `issuance` does not say them.
    issuer: Option<(AuthorityUuid, Generation)>,
    certificate: Option<CertificateUuid>,
    reason: Option<&'a str>,
}

/// Writes a claim in the place of what was known of its transaction.
pub(crate) fn put_claim(connection: &Connection, claim: &Claim) -> rusqlite::Result<()> {
    let (status, lease_until, expires_at) = match claim.stage {
        ClaimKind::Sign(lease_until) => (TransactionStatus::Issuing, Some(lease_until), None),
        ClaimKind::Hold(until) => (TransactionStatus::Pending, None, Some(until)),
    };
    put_row(
        connection,
        &NewRow {
            key: &claim.key,
            status,
            created_at: claim.claimed_at,
            expires_at,
            message_type: claim.message_type.digits(),
            subject: &claim.subject,
            claim: claim.claim,
            request: &claim.request,
            signer_key: claim.signer_key,
            requester_key: claim.requester_key,
            requested: claim.requested.as_ref(),
            lease_until,
            issuance: Some(&claim.issuance),
            issuer: None,
            certificate: None,
            reason: None,
        },
    )
}

/// Writes a transaction of another store.
pub(crate) fn put_record(
    connection: &Connection,
    record: &TransactionRecord,
) -> rusqlite::Result<()> {
    let TransactionRecord {
        summary,
        transaction,
        requested,
    } = record;
    let row = NewRow {
        key: &transaction.key,
        status: summary.status,
        created_at: summary.created_at,
        expires_at: None,
        message_type: &summary.message_type,
        subject: &summary.subject,
        claim: transaction.claim,
        request: &transaction.request,
        signer_key: transaction.signer_key,
        requester_key: transaction.requester_key,
        requested: requested.as_ref(),
        lease_until: None,
        issuance: None,
        issuer: None,
        certificate: summary.certificate,
        reason: None,
    };
    let row = match &transaction.state {
        TransactionState::Issuing {
            issuance,
            lease_until,
        } => NewRow {
            issuance: Some(issuance),
            lease_until: Some(*lease_until),
            ..row
        },
        TransactionState::Pending { issuance, until } => NewRow {
            issuance: Some(issuance),
            expires_at: Some(*until),
            ..row
        },
        TransactionState::Rejected { reason, until } => NewRow {
            reason: Some(reason),
            expires_at: Some(*until),
            ..row
        },
        TransactionState::Issued {
            certificate: _,
            authority,
            generation,
            resend_until,
        } => NewRow {
            issuer: Some((*authority, *generation)),
            expires_at: Some(*resend_until),
            ..row
        },
    };
    put_row(connection, &row)
}

fn put_row(connection: &Connection, row: &NewRow<'_>) -> rusqlite::Result<()> {
    let issuance = row.issuance;
    let issuer = issuance
        .map(|issuance| (issuance.authority, issuance.generation))
        .or(row.issuer);
    connection
        .prepare_cached(
            "REPLACE INTO transactions (uuid, scep_profile, transaction_id, state, created_at,
                 expires_at, message_type, subject, claim, ra_profile, csr, signer_class,
                 signer_key, requester_key, authority, generation, requested, reason, certificate,
                 lease_until, to_be_signed, key, key_algorithm, subject_key, predecessor,
                 annotations, vouching)
             VALUES (:uuid, :scep_profile, :transaction_id, :state, :created_at,
                 :expires_at, :message_type, :subject, :claim, :ra_profile, :csr, :signer_class,
                 :signer_key, :requester_key, :authority, :generation, :requested, :reason,
                 :certificate, :lease_until, :to_be_signed, :key, :key_algorithm, :subject_key,
                 :predecessor, :annotations, :vouching)",
        )?
        .execute(named_params! {
            ":uuid": Id(row.key.uuid()),
            ":scep_profile": Id(row.key.scep_profile),
            ":transaction_id": row.key.transaction_id.as_str(),
            ":state": State(row.status),
            ":created_at": Millis(row.created_at),
            ":expires_at": row.expires_at.map(Millis),
            ":message_type": row.message_type,
            ":subject": row.subject,
            ":claim": Id(row.claim),
            ":ra_profile": Id(row.request.ra_profile),
            ":csr": Digest(row.request.csr),
            ":signer_class": SignerName(row.request.signer_class),
            ":signer_key": Digest(row.signer_key),
            ":requester_key": Digest(row.requester_key),
            ":authority": issuer.map(|(authority, _)| Id(authority)),
            ":generation": issuer.map(|(_, generation)| GenerationNumber(generation)),
            ":requested": row.requested.map(Json),
            ":reason": row.reason,
            ":certificate": row.certificate.map(Id),
            ":lease_until": row.lease_until.map(Millis),
            ":to_be_signed": issuance.map(|issuance| &issuance.to_be_signed),
            ":key": issuance.map(|issuance| issuance.key.to_stored()),
            ":key_algorithm": issuance.map(|issuance| issuance.key_algorithm.name()),
            ":subject_key": issuance.map(|issuance| Digest(issuance.subject_key)),
            ":predecessor": issuance.and_then(|issuance| issuance.predecessor).map(Id),
            ":annotations": issuance.and_then(|issuance| non_default(&issuance.annotations)),
            ":vouching": issuance.and_then(|issuance| issuance.vouching.as_ref()).map(Json),
        })?;
    Ok(())
}

/// A value as JSON; `None` for the default, which a missing value means too.
pub(crate) fn non_default<T: Default + PartialEq>(value: &T) -> Option<Json<&T>> {
    (*value != T::default()).then_some(Json(value))
}

pub(crate) fn find_transaction(
    connection: &Connection,
    uuid: TransactionUuid,
) -> rusqlite::Result<Option<Transaction>> {
    connection
        .prepare_cached(
            "SELECT transactions.*, certificates.der
             FROM transactions
             LEFT JOIN certificates ON certificates.uuid = transactions.certificate
             WHERE transactions.uuid = ?",
        )?
        .query_row([Id(uuid)], read_transaction)
        .optional()
}

/// Finds a transaction that has not expired, as administrators see it.
pub(crate) fn find_record(
    connection: &Connection,
    uuid: TransactionUuid,
    now: OffsetDateTime,
) -> rusqlite::Result<Option<TransactionRecord>> {
    connection
        .prepare_cached(
            "SELECT transactions.*, certificates.der
             FROM transactions
             LEFT JOIN certificates ON certificates.uuid = transactions.certificate
             WHERE transactions.uuid = ?
                 AND (transactions.expires_at IS NULL OR transactions.expires_at >= ?)",
        )?
        .query_row((Id(uuid), Millis(now)), |row| {
            Ok(TransactionRecord {
                summary: read_summary(row)?,
                transaction: read_transaction(row)?,
                requested: read_optional_json(row, "requested")?,
            })
        })
        .optional()
}

fn read_transaction(row: &Row<'_>) -> rusqlite::Result<Transaction> {
    Ok(Transaction {
        key: TransactionKey {
            scep_profile: row.get::<_, Id<_>>("scep_profile")?.0,
            transaction_id: row.get::<_, TransactionIdText>("transaction_id")?.0,
        },
        claim: row.get::<_, Id<_>>("claim")?.0,
        request: RequestFingerprint {
            ra_profile: row.get::<_, Id<_>>("ra_profile")?.0,
            csr: row.get::<_, Digest>("csr")?.0,
            signer_class: row.get::<_, SignerName>("signer_class")?.0,
        },
        signer_key: row.get::<_, Digest>("signer_key")?.0,
        requester_key: row.get::<_, Digest>("requester_key")?.0,
        state: read_state(row)?,
    })
}

fn read_state(row: &Row<'_>) -> rusqlite::Result<TransactionState> {
    Ok(match row.get::<_, State>("state")?.0 {
        TransactionStatus::Issued => TransactionState::Issued {
            certificate: row.get::<_, CertificateDer>("der")?.0,
            authority: row.get::<_, Id<_>>("authority")?.0,
            generation: row.get::<_, GenerationNumber>("generation")?.0,
            resend_until: row.get::<_, Millis>("expires_at")?.0,
        },
        TransactionStatus::Issuing => TransactionState::Issuing {
            issuance: read_issuance(row)?,
            lease_until: row.get::<_, Millis>("lease_until")?.0,
        },
        TransactionStatus::Pending => TransactionState::Pending {
            issuance: read_issuance(row)?,
            until: row.get::<_, Millis>("expires_at")?.0,
        },
        TransactionStatus::Rejected => TransactionState::Rejected {
            reason: row.get("reason")?,
            until: row.get::<_, Millis>("expires_at")?.0,
        },
    })
}

fn read_issuance(row: &Row<'_>) -> rusqlite::Result<Issuance> {
    Ok(Issuance {
        to_be_signed: row.get("to_be_signed")?,
        authority: row.get::<_, Id<_>>("authority")?.0,
        generation: row.get::<_, GenerationNumber>("generation")?.0,
        key: row.get::<_, KeyText>("key")?.0,
        key_algorithm: row.get::<_, Text<KeyAlgorithm>>("key_algorithm")?.0,
        ra_profile: row.get::<_, Id<_>>("ra_profile")?.0,
        subject_key: row.get::<_, Digest>("subject_key")?.0,
        predecessor: read_optional_uuid(row, "predecessor")?,
        annotations: read_optional_json(row, "annotations")?.unwrap_or_default(),
        vouching: read_optional_json(row, "vouching")?,
    })
}

pub(crate) fn read_summary(row: &Row<'_>) -> rusqlite::Result<TransactionSummary> {
    Ok(TransactionSummary {
        uuid: row.get::<_, Id<_>>("uuid")?.0,
        transaction_id: row.get("transaction_id")?,
        scep_profile: row.get::<_, Id<_>>("scep_profile")?.0,
        ra_profile: row.get::<_, Id<_>>("ra_profile")?.0,
        status: row.get::<_, State>("state")?.0,
        message_type: row.get("message_type")?,
        subject: row.get("subject")?,
        certificate: read_optional_uuid(row, "certificate")?,
        created_at: row.get::<_, Millis>("created_at")?.0,
    })
}
