//! The ports of GET operations and of administration. The port of enrolment is in
//! `transactions.rs`.

use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::profile_name::ProfileName;
use ca::revocation::{Revocation, RevokedCertificate};
use scep_protocol::id::{LockoutUuid, ScepProfileUuid, TransactionUuid};
use scep_protocol::lockout::Lockout;
use scep_protocol::notice::Notice;
use scep_protocol::one_time_challenge::{ChallengeState, OneTimeChallenge};
use scep_service::audit::AuditRecord;
use scep_service::error::StoreError;
use scep_service::inventory::{
    AuditFilter, CertificateFilter, CertificateRecord, CertificateSummary, Page, PageRequest,
    TransactionRecord, TransactionStatus, TransactionSummary,
};
use scep_service::object::{ObjectKind, Reference, StoredObject};
use scep_service::ports::{
    Change, CreationOutcome, CrlHead, ProfileReader, Store, StoredCrl, WriteOutcome,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::profiles_table::Consistency;
use crate::{DynamoDbStore, ProfilesTable};

/// Serves clients. Reads are eventually consistent, at half the cost: in AWS, an edit may take
/// effect a moment later than the cache allows, and a new CRL may appear a moment late.
#[async_trait::async_trait]
impl ProfileReader for ProfilesTable {
    async fn read(&self, reference: Reference) -> Result<Option<StoredObject>, StoreError> {
        self.read_object(Consistency::Eventual, reference).await
    }

    async fn uuid_of(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<Uuid>, StoreError> {
        self.read_uuid(Consistency::Eventual, kind, name).await
    }

    async fn crl_head(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
    ) -> Result<Option<CrlHead>, StoreError> {
        self.read_crl_head(Consistency::Eventual, authority, generation)
            .await
    }

    async fn crl(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
    ) -> Result<Option<StoredCrl>, StoreError> {
        self.read_crl(Consistency::Eventual, authority, generation)
            .await
    }
}

/// Serves administrators and maintenance, with strong consistency. An edit of what was read a
/// moment too early would be refused as a conflict with the edit before, and each CRL is built on
/// its predecessor: built on an older one, it would get a number that is already taken.
#[async_trait::async_trait]
impl ProfileReader for DynamoDbStore {
    async fn read(&self, reference: Reference) -> Result<Option<StoredObject>, StoreError> {
        self.profiles_table()
            .read_object(Consistency::Strong, reference)
            .await
    }

    async fn uuid_of(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<Uuid>, StoreError> {
        self.profiles_table()
            .read_uuid(Consistency::Strong, kind, name)
            .await
    }

    async fn crl_head(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
    ) -> Result<Option<CrlHead>, StoreError> {
        self.profiles_table()
            .read_crl_head(Consistency::Strong, authority, generation)
            .await
    }

    async fn crl(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
    ) -> Result<Option<StoredCrl>, StoreError> {
        self.profiles_table()
            .read_crl(Consistency::Strong, authority, generation)
            .await
    }
}

#[async_trait::async_trait]
impl Store for DynamoDbStore {
    async fn list(&self, kind: ObjectKind) -> Result<Vec<StoredObject>, StoreError> {
        self.list_objects(kind).await
    }

    async fn apply(&self, change: &Change, audit: &AuditRecord) -> Result<(), StoreError> {
        self.apply_change(change, audit).await
    }

    async fn record(&self, audit: &AuditRecord) -> Result<(), StoreError> {
        self.write_audit(audit).await
    }

    async fn certificate_record(
        &self,
        uuid: CertificateUuid,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        self.find_certificate(uuid).await
    }

    async fn certificates(
        &self,
        filter: &CertificateFilter,
        page: &PageRequest,
    ) -> Result<Page<CertificateSummary>, StoreError> {
        self.read_certificate_page(filter, page).await
    }

    async fn transactions(
        &self,
        status: Option<TransactionStatus>,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<TransactionSummary>, StoreError> {
        self.read_transaction_page(status, page, now).await
    }

    async fn transaction_record(
        &self,
        uuid: TransactionUuid,
        now: OffsetDateTime,
    ) -> Result<Option<TransactionRecord>, StoreError> {
        self.read_transaction_record(uuid, now).await
    }

    async fn audit_records(
        &self,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError> {
        self.read_audit_page(filter, page).await
    }

    async fn revoke(
        &self,
        certificate: &CertificateRecord,
        revocation: Revocation,
        notices: &[Notice],
        audit: &AuditRecord,
    ) -> Result<WriteOutcome, StoreError> {
        self.revoke_certificate(certificate, revocation, notices, audit)
            .await
    }

    async fn revoked(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
        not_after_from: OffsetDateTime,
    ) -> Result<Vec<RevokedCertificate>, StoreError> {
        self.list_revoked(authority, generation, not_after_from)
            .await
    }

    async fn replace_crl(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
        crl: &StoredCrl,
        replaced: Option<u64>,
    ) -> Result<WriteOutcome, StoreError> {
        self.write_crl(authority, generation, crl, replaced).await
    }

    async fn create_challenges(
        &self,
        challenges: &[OneTimeChallenge],
        now: OffsetDateTime,
        audit: &AuditRecord,
    ) -> Result<CreationOutcome, StoreError> {
        self.put_challenges(challenges, now, audit).await
    }

    async fn challenges(
        &self,
        scep_profile: ScepProfileUuid,
        state: Option<ChallengeState>,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<OneTimeChallenge>, StoreError> {
        self.read_challenge_page(scep_profile, state, page, now)
            .await
    }

    async fn delete_challenge(
        &self,
        challenge: &OneTimeChallenge,
        audit: &AuditRecord,
    ) -> Result<WriteOutcome, StoreError> {
        self.mark_deleted(challenge, audit).await
    }

    async fn locked_out(&self, scep_profile: ScepProfileUuid) -> Result<Vec<Lockout>, StoreError> {
        self.list_lockouts(scep_profile).await
    }

    async fn lockout(&self, uuid: LockoutUuid) -> Result<Option<Lockout>, StoreError> {
        self.read_lockout(uuid).await
    }

    async fn free(&self, lockouts: &[Lockout], audit: &AuditRecord) -> Result<(), StoreError> {
        self.delete_lockouts(lockouts, audit).await
    }
}
