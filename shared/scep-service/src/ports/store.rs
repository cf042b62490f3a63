//! The ports to stored objects, certificates and CRLs.

use async_trait::async_trait;
use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::profile_name::ProfileName;
use ca::revocation::{Revocation, RevokedCertificate};
use scep_protocol::availability::Configuration;
use scep_protocol::id::{LockoutUuid, RaProfileUuid, ScepProfileUuid, TransactionUuid};
use scep_protocol::lockout::Lockout;
use scep_protocol::notice::Notice;
use scep_protocol::one_time_challenge::{ChallengeState, OneTimeChallenge};
use scep_protocol::profile::{EndpointName, RaProfile};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::audit::AuditRecord;
use crate::configuration::read_configuration;
use crate::error::StoreError;
use crate::inventory::{
    AuditFilter, CertificateFilter, CertificateRecord, CertificateSummary, Page, PageRequest,
    TransactionRecord, TransactionStatus, TransactionSummary,
};
use crate::object::{ObjectKind, Reference, StoredObject, read};
use crate::ports::transactions::WriteOutcome;

/// Read access to profiles and CRLs: all that the functions for GET operations may read.
///
/// # Errors
/// Each operation fails with [`StoreError::Unavailable`] when the store does not answer, and with
/// [`StoreError::Corrupt`] when a record cannot be read.
#[async_trait]
pub trait ProfileReader: Send + Sync {
    /// Reads an object, with strong consistency.
    async fn read(&self, reference: Reference) -> Result<Option<StoredObject>, StoreError>;

    /// Looks up the uuid of the object with this name, with strong consistency. The cost does not
    /// depend on the object's size.
    async fn uuid_of(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<Uuid>, StoreError>;

    /// Reads the head of the latest CRL of a generation. The cost does not depend on the length of
    /// the CRL.
    async fn crl_head(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
    ) -> Result<Option<CrlHead>, StoreError>;

    /// Reads the latest CRL of a generation. The cost grows with the length of the CRL.
    async fn crl(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
    ) -> Result<Option<StoredCrl>, StoreError>;

    /// Reads the CRL whose head was just read, or a later one.
    async fn crl_of(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
        _head: &CrlHead,
    ) -> Result<Option<StoredCrl>, StoreError> {
        self.crl(authority, generation).await
    }

    /// Reads the object with this name.
    async fn find(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<StoredObject>, StoreError> {
        match self.uuid_of(kind, name).await? {
            Some(uuid) => self.read(Reference { kind, uuid }).await,
            None => Ok(None),
        }
    }

    /// Reads the profiles, the RA certificate and the authority behind an endpoint. Objects that do
    /// not exist are absent from the result, which is not an error.
    async fn configuration(&self, endpoint: &EndpointName) -> Result<Configuration, StoreError> {
        read_configuration(self, endpoint).await
    }

    /// Reads an RA Profile by its uuid.
    async fn ra_profile(&self, uuid: RaProfileUuid) -> Result<Option<RaProfile>, StoreError> {
        Ok(read(self, uuid).await?.map(|found| found.object))
    }
}

/// A write of one object, together with the references to other objects that it adds and removes.
#[derive(Clone)]
pub enum Change {
    /// Creates an object under its uuid and name.
    Create {
        /// The new object.
        object: StoredObject,
        /// The objects that the new one needs.
        references: Vec<Reference>,
    },
    /// Replaces an object by an edited one with the same uuid and name.
    Replace {
        /// The edited object, with its new version.
        object: StoredObject,
        /// The version that the edit is based on.
        read: u64,
        /// The objects that the edited object needs and the previous one did not.
        added: Vec<Reference>,
        /// The objects that the previous object needed and the edited one does not.
        removed: Vec<Reference>,
    },
    /// Deletes an object.
    Delete {
        /// The object, with the version that was read.
        object: StoredObject,
        /// The objects that the deleted one needed.
        references: Vec<Reference>,
    },
}

/// Administration's access to everything but [`Transactions`](crate::ports::Transactions): objects,
/// audit records, lists, certificates and CRLs. The reads of [`ProfileReader`] are strongly
/// consistent; on AWS, lists may lag behind recent writes.
///
/// # Errors
/// Each operation fails as those of [`ProfileReader`] do. A write also fails with
/// [`StoreError::Conflict`] while others write the same records again and again.
#[async_trait]
pub trait Store: ProfileReader {
    /// Lists every object of a kind, sorted by name; objects without names are in no particular
    /// order.
    async fn list(&self, kind: ObjectKind) -> Result<Vec<StoredObject>, StoreError>;

    /// Writes a change and its audit record atomically.
    ///
    /// Fails with [`StoreError::NameTaken`] when another object of the kind has the name. Fails
    /// with [`StoreError::Conflict`] when the object's version is not the one that was read, when
    /// an object that it needs does not exist, or when another object needs the one to be deleted.
    async fn apply(&self, change: &Change, audit: &AuditRecord) -> Result<(), StoreError>;

    /// Writes an audit record of an action that changes no object.
    async fn record(&self, audit: &AuditRecord) -> Result<(), StoreError>;

    /// Reads a certificate by its identity.
    async fn certificate_record(
        &self,
        uuid: CertificateUuid,
    ) -> Result<Option<CertificateRecord>, StoreError>;

    /// Lists certificates. Fails with [`StoreError::Cursor`] for a cursor that does not come from a
    /// page of such a list.
    async fn certificates(
        &self,
        filter: &CertificateFilter,
        page: &PageRequest,
    ) -> Result<Page<CertificateSummary>, StoreError>;

    /// Lists transactions of one status, or of every status in the order of [`TransactionStatus`].
    /// Within a status, the newest come first. Cursors are checked as in [`Self::certificates`].
    async fn transactions(
        &self,
        status: Option<TransactionStatus>,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<TransactionSummary>, StoreError>;

    /// Reads a transaction by its identity.
    async fn transaction_record(
        &self,
        uuid: TransactionUuid,
        now: OffsetDateTime,
    ) -> Result<Option<TransactionRecord>, StoreError>;

    /// Lists audit records. Cursors are checked as in [`Self::certificates`].
    async fn audit_records(
        &self,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError>;

    /// Revokes a certificate and its key, if the certificate is unchanged since it was read. The
    /// revocation, these notices and the audit record are written atomically.
    async fn revoke(
        &self,
        certificate: &CertificateRecord,
        revocation: Revocation,
        notices: &[Notice],
        audit: &AuditRecord,
    ) -> Result<WriteOutcome, StoreError>;

    /// Lists the revoked certificates of an authority's generation that expire at this time or
    /// later. On AWS the list may lag behind recent writes.
    async fn revoked(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
        not_after_from: OffsetDateTime,
    ) -> Result<Vec<RevokedCertificate>, StoreError>;

    /// Publishes a CRL if the stored one has this number; `None` if there must be none.
    async fn replace_crl(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
        crl: &StoredCrl,
        replaced: Option<u64>,
    ) -> Result<WriteOutcome, StoreError>;

    /// Writes new one-time challenges of one SCEP Profile and the audit record of their creation.
    /// The transactionIDs that they are bound to differ from each other. If the write fails, none
    /// of the challenges remains.
    async fn create_challenges(
        &self,
        challenges: &[OneTimeChallenge],
        now: OffsetDateTime,
        audit: &AuditRecord,
    ) -> Result<CreationOutcome, StoreError>;

    /// Lists the one-time challenges of a SCEP Profile that have this state, or all, newest first.
    /// Cursors are checked as in [`Self::certificates`].
    async fn challenges(
        &self,
        scep_profile: ScepProfileUuid,
        state: Option<ChallengeState>,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<OneTimeChallenge>, StoreError>;

    /// Marks a one-time challenge deleted, if it is unchanged since it was read, and writes the
    /// audit record with it.
    async fn delete_challenge(
        &self,
        challenge: &OneTimeChallenge,
        audit: &AuditRecord,
    ) -> Result<WriteOutcome, StoreError>;

    /// Lists the counts of a SCEP Profile that have locked out, newest first, at most
    /// [`MAX_LOCKOUTS`]. Some of the lock-outs may have ended.
    async fn locked_out(&self, scep_profile: ScepProfileUuid) -> Result<Vec<Lockout>, StoreError>;

    /// Reads a count by its identity, with strong consistency.
    async fn lockout(&self, uuid: LockoutUuid) -> Result<Option<Lockout>, StoreError>;

    /// Deletes counts, and writes the audit record.
    async fn free(&self, lockouts: &[Lockout], audit: &AuditRecord) -> Result<(), StoreError>;
}

/// The outcome of [`Store::create_challenges`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreationOutcome {
    /// The challenges are written.
    Created,
    /// Another challenge, which can still be used, is bound to the transactionID of the challenge
    /// at this index.
    TransactionIdTaken(usize),
}

/// The maximum number of lock-outs in a list.
// Each costs an attacker ten requests from another address or by another key.
pub const MAX_LOCKOUTS: u16 = 1_000;

/// A published CRL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCrl {
    /// The CertificateList, DER.
    pub der: Vec<u8>,
    /// The CRL number, RFC 5280 §5.2.3.
    pub number: u64,
    /// The time at which the CRL was created.
    pub this_update: OffsetDateTime,
    /// The time by which the next CRL will be published.
    pub next_update: OffsetDateTime,
}

impl StoredCrl {
    /// Returns the CRL's head.
    #[must_use]
    pub const fn head(&self) -> CrlHead {
        CrlHead {
            number: self.number,
            this_update: self.this_update,
            next_update: self.next_update,
        }
    }
}

/// The number and the times of a CRL, which can be read without its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrlHead {
    /// The CRL number, RFC 5280 §5.2.3.
    pub number: u64,
    /// The time at which the CRL was created.
    pub this_update: OffsetDateTime,
    /// The time by which the next CRL will be published.
    pub next_update: OffsetDateTime,
}
