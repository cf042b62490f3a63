//! Transactions as rows.

use ca::generation::Generation;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, named_params};
use scep_cms::certificate::Certificate;
use scep_cms::transaction_id::TransactionId;
use scep_protocol::id::TransactionUuid;
use scep_protocol::transaction::{
    Issuance, RequestFingerprint, SignerClass, Transaction, TransactionKey, TransactionState,
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

/// Writes a claim in the place of what was known of its transaction.
pub(crate) fn put_claim(connection: &Connection, claim: &Claim) -> rusqlite::Result<()> {
    let issuance = &claim.issuance;
    let (status, lease_until, expires_at) = match claim.stage {
        ClaimKind::Sign(lease_until) => (TransactionStatus::Issuing, Some(lease_until), None),
        ClaimKind::Hold(until) => (TransactionStatus::Pending, None, Some(until)),
    };
    connection
        .prepare_cached(
            "REPLACE INTO transactions (uuid, scep_profile, transaction_id, state, created_at,
                 expires_at, message_type, subject, claim, ra_profile, csr, signer_class,
                 signer_key, requester_key, authority, generation, requested, lease_until,
                 to_be_signed, key, key_algorithm, subject_key, predecessor, annotations, vouching)
             VALUES (:uuid, :scep_profile, :transaction_id, :state, :created_at,
                 :expires_at, :message_type, :subject, :claim, :ra_profile, :csr, :signer_class,
                 :signer_key, :requester_key, :authority, :generation, :requested, :lease_until,
                 :to_be_signed, :key, :key_algorithm, :subject_key, :predecessor, :annotations,
                 :vouching)",
        )?
        .execute(named_params! {
            ":uuid": Id(claim.key.uuid()),
            ":scep_profile": Id(claim.key.scep_profile),
            ":transaction_id": claim.key.transaction_id.as_str(),
            ":state": State(status),
            ":created_at": Millis(claim.claimed_at),
            ":expires_at": expires_at.map(Millis),
            ":message_type": claim.message_type.digits(),
            ":subject": claim.subject,
            ":claim": Id(claim.claim),
            ":ra_profile": Id(issuance.ra_profile),
            ":csr": Digest(claim.request.csr),
            ":signer_class": SignerName(claim.request.signer_class),
            ":signer_key": Digest(claim.signer_key),
            ":requester_key": Digest(claim.requester_key),
            ":authority": Id(issuance.authority),
            ":generation": GenerationNumber(issuance.generation),
            ":requested": claim.requested.as_ref().map(Json),
            ":lease_until": lease_until.map(Millis),
            ":to_be_signed": issuance.to_be_signed,
            ":key": issuance.key.to_stored(),
            ":key_algorithm": issuance.key_algorithm.name(),
            ":subject_key": Digest(issuance.subject_key),
            ":predecessor": issuance.predecessor.map(Id),
            ":annotations": non_default(&issuance.annotations),
            ":vouching": issuance.vouching.as_ref().map(Json),
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
