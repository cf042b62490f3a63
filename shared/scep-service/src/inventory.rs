//! What was issued and what is under way, as administrators look at it: in pages, from indexes.

use async_trait::async_trait;
use scep_cms::Certificate;
use scep_protocol::{Annotations, Fingerprint, Revocation, Transaction, TransactionKey};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{AuditRecord, StoreError};

/// A certificate in the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRecord {
    /// What lists show of it.
    pub summary: CertificateSummary,
    /// The transaction that it came of.
    pub transaction: TransactionKey,
    /// The certificate.
    pub certificate: Certificate,
    /// Which generation of its authority issued it.
    pub generation: u32,
    /// What its profile puts on records.
    pub annotations: Annotations,
}

/// A certificate in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateSummary {
    /// Its identity in the API: its serial number, which is as long and as random.
    pub uuid: Uuid,
    /// The authority that issued it.
    pub authority: Uuid,
    /// The RA Profile whose rules made it.
    pub ra_profile: Uuid,
    /// The SCEP Profile that the request came to.
    pub scep_profile: Uuid,
    /// Upper-case hexadecimal, unique under its authority.
    pub serial_number: String,
    /// RFC 4514's text.
    pub subject: String,
    /// The subject's first CN.
    pub common_name: Option<String>,
    /// Of its key.
    pub key: Fingerprint,
    /// The certificate that it renewed.
    pub predecessor: Option<Uuid>,
    /// When it begins to be valid.
    pub not_before: OffsetDateTime,
    /// When it ends.
    pub not_after: OffsetDateTime,
    /// When it was recorded.
    pub issued_at: OffsetDateTime,
    /// That it is revoked, if it is.
    pub revocation: Option<Revocation>,
}

/// How a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateStatus {
    /// It ended.
    Expired,
    /// It was revoked, whether it has ended since or not.
    Revoked,
    /// It has not ended and is not revoked.
    Valid,
}

impl CertificateStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Expired, Self::Revoked, Self::Valid];

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expired => "EXPIRED",
            Self::Revoked => "REVOKED",
            Self::Valid => "VALID",
        }
    }

    /// The status of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

impl CertificateSummary {
    /// How it stands now.
    #[must_use]
    pub fn status(&self, now: OffsetDateTime) -> CertificateStatus {
        if self.revocation.is_some() {
            return CertificateStatus::Revoked;
        }
        if self.not_after < now {
            return CertificateStatus::Expired;
        }
        CertificateStatus::Valid
    }
}

/// Which certificates to list; those that fit all parts.
#[derive(Clone, Debug, Default)]
pub struct CertificateFilter {
    /// The beginning of the CN, or of the whole subject where there is no CN; with an `=` in it, any part of the subject. Upper and
    /// lower case are one.
    pub subject: Option<String>,
    /// By identity, which is the serial number.
    pub uuid: Option<Uuid>,
    /// That this authority issued.
    pub authority: Option<Uuid>,
    /// Of this RA Profile.
    pub ra_profile: Option<Uuid>,
    /// Of this SCEP Profile.
    pub scep_profile: Option<Uuid>,
    /// That renewed this certificate.
    pub predecessor: Option<Uuid>,
    /// Of this key.
    pub key: Option<Fingerprint>,
    /// Ending at this time or later.
    pub not_after_from: Option<OffsetDateTime>,
    /// Ending before this time; soonest first.
    pub not_after_before: Option<OffsetDateTime>,
    /// Revoked, or not.
    pub revoked: Option<bool>,
}

impl CertificateFilter {
    /// Does a certificate fit, but for the subject?
    #[must_use]
    pub fn fits(&self, summary: &CertificateSummary) -> bool {
        let is = |wanted: Option<Uuid>, found: Uuid| wanted.is_none_or(|wanted| wanted == found);
        is(self.uuid, summary.uuid)
            && is(self.authority, summary.authority)
            && is(self.ra_profile, summary.ra_profile)
            && is(self.scep_profile, summary.scep_profile)
            && self
                .predecessor
                .is_none_or(|wanted| summary.predecessor == Some(wanted))
            && self.key.is_none_or(|wanted| wanted == summary.key)
            && self
                .revoked
                .is_none_or(|revoked| revoked == summary.revocation.is_some())
            && self
                .not_after_from
                .is_none_or(|from| from <= summary.not_after)
            && self
                .not_after_before
                .is_none_or(|before| summary.not_after < before)
    }
}

/// How far a transaction is, as lists show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionStatus {
    /// Being issued.
    Issuing,
    /// Waits for an administrator.
    Pending,
    /// Refused by an administrator.
    Rejected,
    /// Done.
    Issued,
}

impl TransactionStatus {
    /// Every status, in the order of a list of all of them: what wants attention first.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Issuing, Self::Rejected, Self::Issued];

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issuing => "ISSUING",
            Self::Pending => "PENDING",
            Self::Rejected => "REJECTED",
            Self::Issued => "ISSUED",
        }
    }

    /// The status of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// A transaction in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionSummary {
    /// Its identity in the API.
    pub uuid: Uuid,
    /// The client's transactionID.
    pub transaction_id: String,
    /// The SCEP Profile that the request came to.
    pub scep_profile: Uuid,
    /// The RA Profile under which it was made.
    pub ra_profile: Uuid,
    /// How far it is.
    pub status: TransactionStatus,
    /// messageType of the request, its decimal digits.
    pub message_type: String,
    /// The subject of the certificate, RFC 4514's text.
    pub subject: String,
    /// The certificate that came of it.
    pub certificate: Option<Uuid>,
    /// When it was claimed.
    pub created_at: OffsetDateTime,
}

/// A transaction by itself.
#[derive(Clone, Debug)]
pub struct TransactionRecord {
    /// As it is listed.
    pub summary: TransactionSummary,
    /// As it is worked on.
    pub transaction: Transaction,
}

/// Which audit records to list, newest first; those that fit all parts.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// About this object.
    pub object: Option<Uuid>,
    /// At this time or later.
    pub since: Option<OffsetDateTime>,
    /// Before this time.
    pub until: Option<OffsetDateTime>,
}

/// Where a page begins, and how long it is at most.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// Most items.
    pub limit: u16,
    /// [`Page::cursor`] of the page before.
    pub cursor: Option<String>,
}

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// At most as many as asked for; fewer, even none, do not mean that it is the last page.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub cursor: Option<String>,
}

/// Lists, in AWS a moment behind the last write.
#[async_trait]
pub trait Inventory: Send + Sync {
    /// A certificate by its identity.
    async fn certificate_record(&self, uuid: Uuid)
    -> Result<Option<CertificateRecord>, StoreError>;

    /// Certificates. [`StoreError::Cursor`] for a cursor that no page of such a list gave.
    async fn certificates(
        &self,
        filter: &CertificateFilter,
        page: &PageRequest,
    ) -> Result<Page<CertificateSummary>, StoreError>;

    /// Transactions of a status, or of all in the order of [`TransactionStatus::ALL`]; newest first. As for cursors, see
    /// [`Self::certificates`].
    async fn transactions(
        &self,
        status: Option<TransactionStatus>,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<TransactionSummary>, StoreError>;

    /// A transaction by its identity.
    async fn transaction_record(
        &self,
        uuid: Uuid,
        now: OffsetDateTime,
    ) -> Result<Option<TransactionRecord>, StoreError>;

    /// Audit records. As for cursors, see [`Self::certificates`].
    async fn audit_records(
        &self,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError>;
}
