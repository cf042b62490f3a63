//! The ports of issuing over their real adapters; they fail on demand and record what they did.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::{KeyLocation, KeyName};
use ca::profile_name::ProfileName;
use scep_protocol::transaction::{
    Fingerprint, Issuance, RequestFingerprint, SameRequest, Transaction, TransactionKey,
};
use scep_service::audit::AuditRecord;
use scep_service::error::{KeyError, StoreError};
use scep_service::inventory::CertificateRecord;
use scep_service::ports::{
    CaKeys, Claim, ClaimOutcome, GeneratedKey, GuardedOutcome, Transactions,
};
use time::OffsetDateTime;
use uuid::Uuid;

/// CA keys that fail on demand and record what they signed.
pub(crate) struct WatchedKeys {
    pub(crate) keys: Arc<dyn CaKeys>,
    /// Whether the next call fails.
    pub(crate) fails: AtomicBool,
    pub(crate) signed: Mutex<HashSet<Vec<u8>>>,
    /// A key with which every signature fails.
    pub(crate) lost: Option<KeyLocation>,
}

impl WatchedKeys {
    /// Creates keys that do not fail yet.
    pub(crate) fn over(keys: Arc<dyn CaKeys>) -> Self {
        Self {
            keys,
            fails: AtomicBool::new(false),
            signed: Mutex::default(),
            lost: None,
        }
    }

    /// Creates keys whose next call fails.
    pub(crate) fn failing(keys: Arc<dyn CaKeys>) -> Self {
        let watched = Self::over(keys);
        watched.fails.store(true, Ordering::SeqCst);
        watched
    }
}

#[async_trait]
impl CaKeys for WatchedKeys {
    async fn generate(
        &self,
        authority: &ProfileName,
        algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError> {
        self.keys.generate(authority, algorithm).await
    }

    async fn adopt(
        &self,
        key: &KeyName,
        algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError> {
        self.keys.adopt(key, algorithm).await
    }

    async fn sign(
        &self,
        key: &KeyLocation,
        algorithm: KeyAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        if self.fails.swap(false, Ordering::SeqCst) || self.lost.as_ref() == Some(key) {
            return Err(KeyError::Unavailable {
                operation: "signing",
                source: "a test asked for this".into(),
            });
        }
        self.signed.lock().unwrap().insert(message.to_vec());
        self.keys.sign(key, algorithm, message).await
    }
}

/// A transaction store that fails on demand to record a certificate.
pub(crate) struct FlakyTransactions {
    pub(crate) store: Arc<dyn Transactions>,
    /// Whether the next call fails.
    pub(crate) fails: AtomicBool,
}

#[async_trait]
impl Transactions for FlakyTransactions {
    async fn transaction(&self, uuid: Uuid) -> Result<Option<Transaction>, StoreError> {
        self.store.transaction(uuid).await
    }

    async fn remember_envelope(
        &self,
        encrypted_key: Fingerprint,
        ciphertext: Fingerprint,
        until: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError> {
        self.store
            .remember_envelope(encrypted_key, ciphertext, until, now)
            .await
    }

    async fn same_request(
        &self,
        scep_profile: Uuid,
        request: &RequestFingerprint,
        requester_key: Fingerprint,
    ) -> Result<Option<SameRequest>, StoreError> {
        self.store
            .same_request(scep_profile, request, requester_key)
            .await
    }

    async fn pending_requests(
        &self,
        scep_profile: Uuid,
        most: u16,
        now: OffsetDateTime,
    ) -> Result<u16, StoreError> {
        self.store.pending_requests(scep_profile, most, now).await
    }

    async fn withdraw(
        &self,
        claim: Uuid,
        record: &CertificateRecord,
        reason: &str,
        until: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError> {
        self.store.withdraw(claim, record, reason, until).await
    }

    async fn is_key_revoked(&self, key: Fingerprint) -> Result<bool, StoreError> {
        self.store.is_key_revoked(key).await
    }

    async fn successors(
        &self,
        authority: Uuid,
        predecessor: Uuid,
    ) -> Result<Vec<Uuid>, StoreError> {
        self.store.successors(authority, predecessor).await
    }

    async fn forget_successors(
        &self,
        authority: Uuid,
        predecessor: Uuid,
        known: &[Uuid],
        living: &[Uuid],
    ) -> Result<ClaimOutcome, StoreError> {
        self.store
            .forget_successors(authority, predecessor, known, living)
            .await
    }

    async fn claim(&self, claim: &Claim) -> Result<GuardedOutcome, StoreError> {
        self.store.claim(claim).await
    }

    async fn approve(
        &self,
        held: &Transaction,
        claim: Uuid,
        issuance: &Issuance,
        lease_until: OffsetDateTime,
        request_until: OffsetDateTime,
        audit: &AuditRecord,
    ) -> Result<GuardedOutcome, StoreError> {
        let approving =
            self.store
                .approve(held, claim, issuance, lease_until, request_until, audit);
        approving.await
    }

    async fn reject(
        &self,
        held: &Transaction,
        reason: &str,
        until: OffsetDateTime,
        audit: &AuditRecord,
    ) -> Result<ClaimOutcome, StoreError> {
        self.store.reject(held, reason, until, audit).await
    }

    async fn take_over(
        &self,
        key: &TransactionKey,
        expired: Uuid,
        claim: Uuid,
        lease_until: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError> {
        self.store.take_over(key, expired, claim, lease_until).await
    }

    async fn complete(
        &self,
        claim: Uuid,
        record: &CertificateRecord,
        resend_until: OffsetDateTime,
    ) -> Result<GuardedOutcome, StoreError> {
        if self.fails.swap(false, Ordering::SeqCst) {
            return Err(StoreError::Unavailable {
                operation: "recording a certificate",
                source: "a test asked for this".into(),
            });
        }
        self.store.complete(claim, record, resend_until).await
    }

    async fn certificate(
        &self,
        authority: Uuid,
        serial_number: &str,
    ) -> Result<Option<CertificateRecord>, StoreError> {
        self.store.certificate(authority, serial_number).await
    }
}
