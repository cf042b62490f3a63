//! The ports of administration and of the functions for GET operations.

use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::profile_name::ProfileName;
use ca::revocation::{Revocation, RevokedCertificate};
use rusqlite::Connection;
use scep_protocol::id::{LockoutUuid, ScepProfileUuid, TransactionUuid};
use scep_protocol::lockout::Lockout;
use scep_protocol::notice::Notice;
use scep_protocol::one_time_challenge::{ChallengeState, OneTimeChallenge};
use scep_protocol::refusal_record::RefusalRecord;
use scep_service::audit::AuditRecord;
use scep_service::error::StoreError;
use scep_service::inventory::{
    AuditFilter, CertificateFilter, CertificateRecord, CertificateSummary, Page, PageRequest,
    TransactionRecord, TransactionStatus, TransactionSummary,
};
use scep_service::object::{ObjectKind, Reference, StoredObject};
use scep_service::ports::{
    Change, CreationOutcome, CrlHead, ProfileReader, RequestLog, Store, StoredCrl, WriteOutcome,
};
use scep_service::request_list::{ListedRequest, RequestFilter};
use scep_service::statistics::{HourlyCounts, IssuedCounts};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::SqliteStore;
use crate::audit::{insert_audit, list_audit};
use crate::certificate_row::find_certificate;
use crate::certificates::{list_certificates, list_revoked, revoke_certificate};
use crate::challenges::{insert_challenges, list_challenges, mark_deleted};
use crate::counts::{add_counts, add_issued, count_issued, read_counted_until, read_counts};
use crate::crls::{find_crl, find_crl_head, replace_crl};
use crate::database::Durability::{PowerCut, Process};
use crate::lockouts::{delete_lockout, find_lockout, list_locked_out};
use crate::notices::put_notice;
use crate::objects::{apply_change, find_object, find_uuid, list_objects};
use crate::request_log::{find_request, insert_refusal, list_requests};
use crate::transaction_list::list_transactions;
use crate::transaction_row::find_record;

#[async_trait::async_trait]
impl ProfileReader for SqliteStore {
    async fn read(&self, reference: Reference) -> Result<Option<StoredObject>, StoreError> {
        self.database.read("reading an object", |connection| {
            Ok(find_object(connection, reference)?)
        })
    }

    async fn uuid_of(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<Uuid>, StoreError> {
        self.database.read("reading a name", |connection| {
            Ok(find_uuid(connection, kind, name)?)
        })
    }

    async fn crl_head(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
    ) -> Result<Option<CrlHead>, StoreError> {
        self.database.read("reading a CRL", |connection| {
            Ok(find_crl_head(connection, authority, generation)?)
        })
    }

    async fn crl(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
    ) -> Result<Option<StoredCrl>, StoreError> {
        let read = move |connection: &Connection| Ok(find_crl(connection, authority, generation)?);
        let found = self.database.scan("reading a CRL", read).await?;
        self.database.sync_seen("reading a CRL").await?;
        Ok(found)
    }
}

#[async_trait::async_trait]
impl Store for SqliteStore {
    async fn list(&self, kind: ObjectKind) -> Result<Vec<StoredObject>, StoreError> {
        let read = move |connection: &Connection| Ok(list_objects(connection, kind)?);
        self.database.scan("listing objects", read).await
    }

    async fn apply(&self, change: &Change, audit: &AuditRecord) -> Result<(), StoreError> {
        let write = |connection: &Connection| {
            apply_change(connection, change)?;
            Ok(insert_audit(connection, audit)?)
        };
        self.database
            .write("writing an object", PowerCut, write)
            .await
    }

    async fn record(&self, audit: &AuditRecord) -> Result<(), StoreError> {
        let write = |connection: &Connection| Ok(insert_audit(connection, audit)?);
        self.database
            .write("writing a record", PowerCut, write)
            .await
    }

    async fn certificate_record(
        &self,
        uuid: CertificateUuid,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        self.database.read("reading a certificate", |connection| {
            Ok(find_certificate(connection, uuid)?)
        })
    }

    async fn certificates(
        &self,
        filter: &CertificateFilter,
        page: &PageRequest,
    ) -> Result<Page<CertificateSummary>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        let read = move |connection: &Connection| list_certificates(connection, &filter, &page);
        self.database.scan("listing certificates", read).await
    }

    async fn transactions(
        &self,
        status: Option<TransactionStatus>,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<TransactionSummary>, StoreError> {
        let owned = page.clone();
        let read =
            move |connection: &Connection| list_transactions(connection, status, &owned, now);
        self.database.scan("listing transactions", read).await
    }

    async fn transaction_record(
        &self,
        uuid: TransactionUuid,
        now: OffsetDateTime,
    ) -> Result<Option<TransactionRecord>, StoreError> {
        self.database.read("reading a transaction", |connection| {
            Ok(find_record(connection, uuid, now)?)
        })
    }

    async fn audit_records(
        &self,
        filter: &AuditFilter,
        page: &PageRequest,
    ) -> Result<Page<AuditRecord>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        let read = move |connection: &Connection| list_audit(connection, &filter, &page);
        self.database.scan("listing audit records", read).await
    }

    async fn revoke(
        &self,
        certificate: &CertificateRecord,
        revocation: Revocation,
        notices: &[Notice],
        audit: &AuditRecord,
    ) -> Result<WriteOutcome, StoreError> {
        let write = |connection: &Connection| {
            let outcome = revoke_certificate(connection, certificate, revocation)?;
            if outcome == WriteOutcome::Won {
                for notice in notices {
                    put_notice(connection, notice)?;
                }
                insert_audit(connection, audit)?;
            }
            Ok(outcome)
        };
        self.database
            .write("revoking a certificate", PowerCut, write)
            .await
    }

    async fn revoked(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
        not_after_from: OffsetDateTime,
    ) -> Result<Vec<RevokedCertificate>, StoreError> {
        let read = move |connection: &Connection| {
            Ok(list_revoked(
                connection,
                authority,
                generation,
                not_after_from,
            )?)
        };
        self.database
            .scan("listing revoked certificates", read)
            .await
    }

    async fn replace_crl(
        &self,
        authority: AuthorityUuid,
        generation: Generation,
        crl: &StoredCrl,
        replaced: Option<u64>,
    ) -> Result<WriteOutcome, StoreError> {
        let write = |connection: &Connection| {
            Ok(replace_crl(
                connection, authority, generation, crl, replaced,
            )?)
        };
        self.database.write("writing a CRL", PowerCut, write).await
    }

    async fn create_challenges(
        &self,
        challenges: &[OneTimeChallenge],
        now: OffsetDateTime,
        audit: &AuditRecord,
    ) -> Result<CreationOutcome, StoreError> {
        let write = |connection: &Connection| {
            let outcome = insert_challenges(connection, challenges, now)?;
            if outcome == CreationOutcome::Created {
                insert_audit(connection, audit)?;
            }
            Ok(outcome)
        };
        self.database
            .write("creating challenges", PowerCut, write)
            .await
    }

    async fn challenges(
        &self,
        scep_profile: ScepProfileUuid,
        state: Option<ChallengeState>,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<OneTimeChallenge>, StoreError> {
        let owned = page.clone();
        let read = move |connection: &Connection| {
            list_challenges(connection, scep_profile, state, &owned, now)
        };
        self.database.scan("listing challenges", read).await
    }

    async fn delete_challenge(
        &self,
        challenge: &OneTimeChallenge,
        audit: &AuditRecord,
    ) -> Result<WriteOutcome, StoreError> {
        let write = |connection: &Connection| {
            let outcome = mark_deleted(connection, challenge)?;
            if outcome == WriteOutcome::Won {
                insert_audit(connection, audit)?;
            }
            Ok(outcome)
        };
        self.database
            .write("deleting a challenge", PowerCut, write)
            .await
    }

    async fn locked_out(&self, scep_profile: ScepProfileUuid) -> Result<Vec<Lockout>, StoreError> {
        let read = move |connection: &Connection| Ok(list_locked_out(connection, scep_profile)?);
        self.database.scan("listing lock-outs", read).await
    }

    async fn lockout(&self, uuid: LockoutUuid) -> Result<Option<Lockout>, StoreError> {
        self.database.read("reading a lock-out", |connection| {
            Ok(find_lockout(connection, uuid)?)
        })
    }

    async fn free(&self, lockouts: &[Lockout], audit: &AuditRecord) -> Result<(), StoreError> {
        let write = |connection: &Connection| {
            for lockout in lockouts {
                delete_lockout(connection, lockout.uuid())?;
            }
            Ok(insert_audit(connection, audit)?)
        };
        self.database.write("freeing", PowerCut, write).await
    }
}

#[async_trait::async_trait]
impl RequestLog for SqliteStore {
    async fn put_refusal(&self, record: &RefusalRecord) -> Result<WriteOutcome, StoreError> {
        let write = |connection: &Connection| Ok(insert_refusal(connection, record)?);
        self.database
            .write("recording a refused request", Process, write)
            .await
    }

    async fn requests(
        &self,
        filter: &RequestFilter,
        page: &PageRequest,
        now: OffsetDateTime,
    ) -> Result<Page<ListedRequest>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        let read = move |connection: &Connection| list_requests(connection, &filter, &page, now);
        self.database.scan("listing requests", read).await
    }

    async fn request(
        &self,
        uuid: Uuid,
        now: OffsetDateTime,
    ) -> Result<Option<ListedRequest>, StoreError> {
        self.database.read("reading a request", |connection| {
            Ok(find_request(connection, uuid, now)?)
        })
    }

    async fn add_counts(&self, counts: &HourlyCounts) -> Result<(), StoreError> {
        let write = |connection: &Connection| Ok(add_counts(connection, counts)?);
        self.database
            .write("counting requests", Process, write)
            .await
    }

    async fn counts(
        &self,
        from: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<HourlyCounts, StoreError> {
        let read = move |connection: &Connection| Ok(read_counts(connection, from, until)?);
        self.database.scan("reading counts", read).await
    }

    async fn count_issued(
        &self,
        after: Option<OffsetDateTime>,
        until: OffsetDateTime,
        most: u16,
    ) -> Result<IssuedCounts, StoreError> {
        let read = move |connection: &Connection| Ok(count_issued(connection, after, until, most)?);
        self.database.scan("counting certificates", read).await
    }

    async fn counted_until(&self) -> Result<Option<OffsetDateTime>, StoreError> {
        self.database.read("reading counts", |connection| {
            Ok(read_counted_until(connection)?)
        })
    }

    async fn add_issued(
        &self,
        issued: &IssuedCounts,
        after: Option<OffsetDateTime>,
    ) -> Result<WriteOutcome, StoreError> {
        let write = |connection: &Connection| Ok(add_issued(connection, issued, after)?);
        self.database
            .write("counting certificates", Process, write)
            .await
    }
}
