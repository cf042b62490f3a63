//! A store whose calls fail when planned, over any other store.

use std::sync::Arc;

use async_trait::async_trait;
use ca::generation::Generation;
use ca::id::{AuthorityUuid, CertificateUuid};
use ca::profile_name::ProfileName;
use ca::revocation::{Revocation, RevokedCertificate};
use scep_protocol::id::{
    ChallengeUuid, ClaimUuid, LockoutUuid, NoticeUuid, ScepProfileUuid, TransactionUuid,
};
use scep_protocol::lockout::{Lockout, LockoutSubject};
use scep_protocol::notice::Notice;
use scep_protocol::one_time_challenge::{ChallengeState, ChallengeUpdate, OneTimeChallenge};
use scep_protocol::profile::ScepProfile;
use scep_protocol::refusal_record::RefusalRecord;
use scep_protocol::transaction::{
    Fingerprint, RequestFingerprint, SameRequest, Transaction, TransactionKey,
};
use scep_service::audit::AuditRecord;
use scep_service::error::StoreError;
use scep_service::inventory::{
    AuditFilter, CertificateFilter, CertificateRecord, CertificateSummary, Page, PageRequest,
    TransactionRecord, TransactionStatus, TransactionSummary,
};
use scep_service::object::{ObjectKind, Reference, StoredObject};
use scep_service::ports::{
    Approval, Change, Claim, CreationOutcome, CrlHead, EnvelopeSighting, GuardedOutcome,
    ProfileReader, RequestLog, Store, StoredCrl, Transactions, WriteOutcome,
};
use scep_service::request_list::{ListedRequest, RequestFilter};
use scep_service::statistics::{HourlyCounts, IssuedCounts};
use scepter_tests::databases::{AnyWorld, Database, DatabaseKind, SqliteFile};
use scepter_tests::objects::audit;
use scepter_tests::world::AnyStore;
use store_dynamodb::{DynamoDbStore, Tables};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::crash::faulty::{Call, Faults, Kind, Side, client};

/// A store whose calls pass through the faults.
pub(crate) struct FaultyStore {
    inner: Arc<dyn AnyStore>,
    /// The file in which commits can be made to fail, if the store has one.
    file: Option<SqliteFile>,
    faults: Arc<Faults>,
}

/// Opens the store of a database so that the faults strike as low as they can: between the SDK and
/// DynamoDB, whose answers are lost and repeated by the SDK; or at the commits of SQLite.
pub(crate) fn open_store(database: &Database, faults: &Arc<Faults>) -> Arc<dyn AnyStore> {
    match database {
        Database::DynamoDb(engine) => {
            let client = client(&engine.client(), faults);
            Arc::new(DynamoDbStore::new(client, Tables::prefixed("test")))
        }
        Database::Sqlite(_) => Arc::new(FaultyStore::over(database, faults)),
    }
}

impl FaultyStore {
    /// Creates a store over that of this database.
    pub(crate) fn over(database: &Database, faults: &Arc<Faults>) -> Self {
        Self {
            inner: database.store(),
            file: match database {
                Database::DynamoDb(_) => None,
                Database::Sqlite(file) => Some(file.clone()),
            },
            faults: Arc::clone(faults),
        }
    }

    /// Carries out a call with its planned fault.
    async fn carry_out<T>(
        &self,
        call: Call,
        carried_out: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let (name, writes) = (call.name.clone(), call.writes);
        let unavailable = || StoreError::Unavailable {
            operation: "calling the store",
            source: name.clone().into(),
        };
        let kind = self.faults.strike(call);
        self.faults.happen(kind, Side::Before).await;
        if kind == Some(Kind::Fails) {
            return match &self.file {
                // The whole write is carried out, and its commit fails. A write that finds nothing
                // to change has nothing to commit, and its answer is true.
                Some(file) if writes => {
                    file.fail_commits(true);
                    let answer = carried_out.await;
                    file.fail_commits(false);
                    answer
                }
                _ => Err(unavailable()),
            };
        }
        let answer = carried_out.await;
        self.faults.happen(kind, Side::After).await;
        match kind {
            Some(Kind::Lost) => Err(unavailable()),
            _ => answer,
        }
    }
}

/// Implements a port of the store for [`FaultyStore`]. Each row is a method of the port, preceded
/// by whether it `writes` or only `reads`.
macro_rules! inject_faults {
    ($port:ident { $(
        $effect:ident $operation:ident($($argument:ident: $kind:ty),*) -> $answer:ty;
    )* }) => {
        #[async_trait]
        impl $port for FaultyStore { $(
            async fn $operation(&self, $($argument: $kind),*) -> Result<$answer, StoreError> {
                let name = concat!(stringify!($port), "::", stringify!($operation));
                let call = Call::of_port(name, stringify!($effect) == "writes");
                let carried_out = $port::$operation(&*self.inner, $($argument),*);
                self.carry_out(call, carried_out).await
            }
        )* }
    };
}

inject_faults!(ProfileReader {
    reads read(reference: Reference) -> Option<StoredObject>;
    reads uuid_of(kind: ObjectKind, name: &ProfileName) -> Option<Uuid>;
    reads crl_head(authority: AuthorityUuid, generation: Generation) -> Option<CrlHead>;
    reads crl(authority: AuthorityUuid, generation: Generation) -> Option<StoredCrl>;
});

inject_faults!(Store {
    reads list(kind: ObjectKind) -> Vec<StoredObject>;
    writes apply(change: &Change, audit: &AuditRecord) -> ();
    writes record(audit: &AuditRecord) -> ();
    reads certificate_record(uuid: CertificateUuid) -> Option<CertificateRecord>;
    reads certificates(
        filter: &CertificateFilter, page: &PageRequest
    ) -> Page<CertificateSummary>;
    reads transactions(
        status: Option<TransactionStatus>, page: &PageRequest, now: OffsetDateTime
    ) -> Page<TransactionSummary>;
    reads transaction_record(
        uuid: TransactionUuid, now: OffsetDateTime
    ) -> Option<TransactionRecord>;
    reads audit_records(filter: &AuditFilter, page: &PageRequest) -> Page<AuditRecord>;
    writes revoke(
        certificate: &CertificateRecord, revocation: Revocation, notices: &[Notice],
        audit: &AuditRecord
    ) -> WriteOutcome;
    reads revoked(
        authority: AuthorityUuid, generation: Generation, not_after_from: OffsetDateTime
    ) -> Vec<RevokedCertificate>;
    writes replace_crl(
        authority: AuthorityUuid, generation: Generation, crl: &StoredCrl, replaced: Option<u64>
    ) -> WriteOutcome;
    writes create_challenges(
        challenges: &[OneTimeChallenge], now: OffsetDateTime, audit: &AuditRecord
    ) -> CreationOutcome;
    reads challenges(
        scep_profile: ScepProfileUuid, state: Option<ChallengeState>, page: &PageRequest,
        now: OffsetDateTime
    ) -> Page<OneTimeChallenge>;
    writes delete_challenge(challenge: &OneTimeChallenge, audit: &AuditRecord) -> WriteOutcome;
    reads locked_out(scep_profile: ScepProfileUuid) -> Vec<Lockout>;
    reads lockout(uuid: LockoutUuid) -> Option<Lockout>;
    writes free(lockouts: &[Lockout], audit: &AuditRecord) -> ();
});

inject_faults!(RequestLog {
    writes put_refusal(record: &RefusalRecord) -> WriteOutcome;
    reads requests(
        filter: &RequestFilter, page: &PageRequest, now: OffsetDateTime
    ) -> Page<ListedRequest>;
    reads request(uuid: Uuid, now: OffsetDateTime) -> Option<ListedRequest>;
    writes add_counts(counts: &HourlyCounts) -> ();
    reads counts(from: OffsetDateTime, until: OffsetDateTime) -> HourlyCounts;
    reads count_issued(
        after: Option<OffsetDateTime>, until: OffsetDateTime, most: u16
    ) -> IssuedCounts;
    reads counted_until() -> Option<OffsetDateTime>;
    writes add_issued(issued: &IssuedCounts, after: Option<OffsetDateTime>) -> WriteOutcome;
});

inject_faults!(Transactions {
    reads transaction(uuid: TransactionUuid) -> Option<Transaction>;
    reads same_request(
        scep_profile: ScepProfileUuid, request: &RequestFingerprint, requester_key: Fingerprint
    ) -> Option<SameRequest>;
    writes remember_envelope(
        encrypted_key: Fingerprint, ciphertext: Fingerprint, until: OffsetDateTime,
        now: OffsetDateTime
    ) -> EnvelopeSighting;
    reads pending_requests(
        scep_profile: ScepProfileUuid, most: u16, now: OffsetDateTime
    ) -> u16;
    writes claim(claim: &Claim) -> GuardedOutcome;
    writes approve(
        held: &Transaction, approval: &Approval, audit: &AuditRecord
    ) -> GuardedOutcome;
    writes reject(
        held: &Transaction, reason: &str, until: OffsetDateTime,
        challenge: Option<&ChallengeUpdate>, notices: &[Notice], audit: &AuditRecord
    ) -> WriteOutcome;
    writes take_over(
        key: &TransactionKey, expired: ClaimUuid, claim: ClaimUuid, lease_until: OffsetDateTime
    ) -> WriteOutcome;
    writes complete(
        claim: ClaimUuid, record: &CertificateRecord, resend_until: OffsetDateTime,
        notices: &[Notice]
    ) -> GuardedOutcome;
    writes withdraw(
        claim: ClaimUuid, record: &CertificateRecord, reason: &str, until: OffsetDateTime
    ) -> WriteOutcome;
    reads certificate(
        authority: AuthorityUuid, serial_number: &str
    ) -> Option<CertificateRecord>;
    reads is_key_revoked(key: Fingerprint) -> bool;
    reads successors(
        authority: AuthorityUuid, predecessor: CertificateUuid
    ) -> Vec<CertificateUuid>;
    writes forget_successors(
        authority: AuthorityUuid, predecessor: CertificateUuid, known: &[CertificateUuid],
        remaining: &[CertificateUuid]
    ) -> WriteOutcome;
    reads challenge(uuid: ChallengeUuid) -> Option<OneTimeChallenge>;
    reads challenge_of(key: &TransactionKey) -> Option<OneTimeChallenge>;
    reads lockouts(
        scep_profile: ScepProfileUuid, subjects: &[LockoutSubject]
    ) -> Vec<Lockout>;
    writes count_failure(lockout: &Lockout) -> WriteOutcome;
    writes put_notice(notice: &Notice) -> ();
    reads due_notices(now: OffsetDateTime, limit: u16) -> Vec<Notice>;
    writes settle_notice(uuid: NoticeUuid) -> ();
    writes postpone_notice(postponed: &Notice) -> WriteOutcome;
});

#[tokio::test]
async fn a_commit_that_is_made_to_fail_leaves_nothing() {
    let world = AnyWorld::new_on(DatabaseKind::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("saved");
    world.database.save_as(&saved);
    let database = world.database.open_copy(&saved);
    let faults = Faults::new(&[], Arc::clone(&world.clock));
    let store = FaultyStore::over(&database, &faults);
    let before = database.audit_records().len();
    let profile = world.find::<ScepProfile>().await.object.uuid;
    let record = audit(Reference::to::<ScepProfile>(profile));
    faults.doom(Some("Store::record"));
    let failed = store.record(&record).await.unwrap_err();
    let StoreError::Unavailable { source, .. } = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(source.to_string(), "FOREIGN KEY constraint failed");
    assert_eq!(database.audit_records().len(), before);
    store.record(&record).await.unwrap();
    assert_eq!(database.audit_records().len(), before + 1);
}
