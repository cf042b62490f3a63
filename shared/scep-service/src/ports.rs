//! The ports: what use cases want from stores, keys and clocks. Adapters implement them, `functions/` choose adapters.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use scep_cms::{
    ChallengePassword, ContentEncryption, ContentKey, DigestAlgorithm, KeyTransport, MessageType,
};
use scep_protocol::{
    Configuration, EndpointName, Fingerprint, Issuance, IssuingAuthority, KeyAlgorithm,
    KeyReference, ProfileName, RaKeyPair, RaProfile, Refusal, Replaced, RequestFingerprint,
    Revocation, RevokedCertificate, SameRequest, SealedSecret, Transaction, TransactionKey,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    AuditRecord, CertificateRecord, Inventory, KeyError, Metrics, ObjectKind, Reference,
    StoreError, StoredObject,
};

/// What GetCACaps and GetCACert may reach: profiles, to be read.
#[derive(Clone)]
pub struct Reading {
    /// Profiles and what they are linked to.
    pub profiles: Arc<dyn Profiles>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where measurements go.
    pub metrics: Arc<dyn Metrics>,
}

/// What PKIOperation may reach: what [`Reading`] may, keys, and the record of transactions and certificates.
#[derive(Clone)]
pub struct Issuing {
    /// What it may read.
    pub reading: Reading,
    /// Transactions and certificates.
    pub transactions: Arc<dyn Transactions>,
    /// Keys that sign certificates.
    pub ca_keys: Arc<dyn CaKeys>,
    /// Keys that open requests and sign replies.
    pub ra_keys: Arc<dyn RaKeys>,
    /// Secrets of profiles.
    pub secrets: Arc<dyn Secrets>,
    /// CRLs, to be handed out.
    pub crls: Arc<dyn Crls>,
    /// How it is deployed.
    pub deployment: Deployment,
}

/// What use cases must know of how they are deployed.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// URL under which clients reach the server, without a slash at its end.
    pub public_url: String,
    /// Where URLs of CRLs in certificates begin, as [`Self::public_url`]; none where that is nothing that verifiers can
    /// reach: what was issued with a wrong URL cannot be mended.
    pub crl_url_base: Option<String>,
    /// How long a request waits for an administrator, and is then remembered as approved or rejected.
    pub pending_validity: Duration,
    /// Until when, after a CRL is made, the next one is there.
    pub crl_validity: Duration,
    /// How long after the end of its request an answer leaves whose time could tell an attacker
    /// what an envelope opened to. Zero for at once, which only tests want.
    pub refusal_delay: Duration,
}

impl Deployment {
    /// The usual [`Self::refusal_delay`]: longer than the work on any request, and than its noise.
    pub const REFUSAL_DELAY: Duration = Duration::from_millis(100);
}

impl Deployment {
    /// Where the CRL of a generation of an authority is, for certificates.
    #[must_use]
    pub fn crl_url(&self, authority: &IssuingAuthority) -> Option<String> {
        let base = self.crl_url_base.as_ref()?;
        Some(format!("{base}/crl/{}", authority.crl_file()))
    }
}

/// The time.
pub trait Clock: Send + Sync {
    /// Now, UTC.
    fn now(&self) -> OffsetDateTime;
}

/// The time of the machine.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// Profiles as the request path reads them.
#[async_trait]
pub trait Profiles: Send + Sync {
    /// Everything that stands behind an endpoint, as far as it exists.
    async fn configuration(&self, endpoint: &EndpointName) -> Result<Configuration, StoreError>;

    /// An RA Profile by its uuid.
    async fn ra_profile(&self, uuid: Uuid) -> Result<Option<RaProfile>, StoreError>;
}

/// One write of one object, with what it means for others.
#[derive(Clone)]
pub enum Change {
    /// A new object, under its uuid and name.
    Create {
        /// The object.
        object: StoredObject,
        /// The objects that it needs.
        references: Vec<Reference>,
    },
    /// An edited object of the same uuid and name.
    Replace {
        /// The object, with its new version.
        object: StoredObject,
        /// The version that was read.
        read: u64,
        /// The objects that it needs and did not.
        added: Vec<Reference>,
        /// The objects that it needed and does not any more.
        removed: Vec<Reference>,
    },
    /// An object that is gone.
    Delete {
        /// The object as it was read.
        object: StoredObject,
        /// The objects that it needed.
        references: Vec<Reference>,
    },
}

/// Objects as documents, to be read, with strong consistency but for lists.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Reads an object.
    async fn read(&self, reference: Reference) -> Result<Option<StoredObject>, StoreError>;

    /// The uuid of the object of this name: a small read, however large the object is.
    async fn uuid_of(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<Uuid>, StoreError>;

    /// Reads an object by its name.
    async fn find(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<StoredObject>, StoreError>;

    /// Every object of a kind, by name; those without names in any order.
    async fn list(&self, kind: ObjectKind) -> Result<Vec<StoredObject>, StoreError>;
}

/// Objects as documents, to be administered.
#[async_trait]
pub trait ObjectStore: Objects {
    /// Writes a change and its record, both or neither.
    ///
    /// [`StoreError::NameTaken`] when another object of the kind has the name; [`StoreError::Conflict`] when the object
    /// has another version than the one that was read, when an object that it needs is gone, or when one that is to be
    /// deleted is needed by another.
    async fn apply(&self, change: &Change, audit: &AuditRecord) -> Result<(), StoreError>;

    /// Writes the record of something that changes no object.
    async fn record(&self, audit: &AuditRecord) -> Result<(), StoreError>;
}

/// The first step of issuing, or of waiting: who works on a transaction, and what may become of it.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The transaction.
    pub key: TransactionKey,
    /// The claims that this one takes the place of.
    pub replaced: Replaced,
    /// The new claim.
    pub claim: Uuid,
    /// The request that it is about.
    pub request: RequestFingerprint,
    /// Of the key that signed the message.
    pub signer_key: Fingerprint,
    /// Of the key whose request it is: [`AuthorisedRequest::requester_key`].
    ///
    /// [`AuthorisedRequest::requester_key`]: scep_protocol::AuthorisedRequest::requester_key
    pub requester_key: Fingerprint,
    /// The identity of the certificate that is to be signed: its serial number.
    pub certificate: Uuid,
    /// messageType of the request.
    pub message_type: MessageType,
    /// The subject to be certified, RFC 4514's text.
    pub subject: String,
    /// When it was claimed.
    pub claimed_at: OffsetDateTime,
    /// What is to be signed, by which key.
    pub issuance: Issuance,
    /// What a renewal is of; `None` for an enrolment.
    pub renewal: Option<Renewal>,
    /// Until when the same request is recognised under another transactionID.
    pub request_until: OffsetDateTime,
    /// What happens now.
    pub stage: Stage,
}

/// A certificate that is to succeed another one.
#[derive(Clone, Copy, Debug)]
pub struct Renewal {
    /// The certificate that is renewed.
    pub predecessor: Uuid,
    /// When that one expires.
    pub predecessor_not_after: OffsetDateTime,
    /// The new certificate: its serial number.
    pub successor: Uuid,
}

/// What happens to a claimed transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The claimant signs; until this time others wait for it.
    Sign(OffsetDateTime),
    /// An administrator is asked, until this time.
    Hold(OffsetDateTime),
}

/// Whether a conditional write went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// It did.
    Won,
    /// Someone else was first; nothing was written.
    Lost,
}

/// Whether a write went through that depends on other records too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarded {
    /// It did.
    Won,
    /// Someone else was first; nothing was written.
    Lost,
    /// Another record forbids it; nothing was written.
    Barred(Bar),
}

/// A record that forbids a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// A certificate of the key is revoked.
    KeyRevoked,
    /// The certificate that is renewed is revoked.
    PredecessorRevoked,
    /// The certificate that is renewed has [`MAX_SUCCESSORS`] successors.
    TooManySuccessors,
}

impl Bar {
    /// What the requester is told.
    #[must_use]
    pub const fn refusal(self) -> Refusal {
        match self {
            Self::KeyRevoked => Refusal::KeyRevoked,
            Self::PredecessorRevoked => Refusal::SignerRevoked,
            Self::TooManySuccessors => Refusal::TooManySuccessors,
        }
    }
}

/// Most successors of one certificate that are neither revoked nor expired: a client that lost its
/// new key must be able to try again, and whoever stole the old key must not fan out.
pub const MAX_SUCCESSORS: usize = 5;

/// Transactions, and the certificates that come of them.
#[async_trait]
pub trait Transactions: Send + Sync {
    /// What is known of the transaction of this identity ([`TransactionKey::uuid`]), read with strong consistency.
    async fn transaction(&self, uuid: Uuid) -> Result<Option<Transaction>, StoreError>;

    /// What became of this request of the same key when it came before under any transactionID of this SCEP Profile; read
    /// with strong consistency.
    async fn same_request(
        &self,
        scep_profile: Uuid,
        request: &RequestFingerprint,
        requester_key: Fingerprint,
    ) -> Result<Option<SameRequest>, StoreError>;

    /// Remembers, until then, that an encrypted content key came with this ciphertext:
    /// [`ClaimOutcome::Lost`] when it came before with another one.
    async fn remember_envelope(
        &self,
        encrypted_key: Fingerprint,
        ciphertext: Fingerprint,
        until: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError>;

    /// How many requests wait for an administrator under this SCEP Profile; no more than `most` are counted. In AWS a
    /// moment behind the last write.
    async fn pending_requests(
        &self,
        scep_profile: Uuid,
        most: u16,
        now: OffsetDateTime,
    ) -> Result<u16, StoreError>;

    /// Step 1: claims a transaction and its request, if they still are as [`Claim::replaced`] says, no certificate of the
    /// key is revoked, and a predecessor is neither revoked nor has [`MAX_SUCCESSORS`].
    async fn claim(&self, claim: &Claim) -> Result<Guarded, StoreError>;

    /// An administrator approves: what is held under this claim becomes `issuance`, to be signed by the new claimant, unless a
    /// certificate of the key is revoked. With its record, both or neither. `request_until` is as in [`Claim`].
    async fn approve(
        &self,
        held: &Transaction,
        claim: Uuid,
        issuance: &Issuance,
        lease_until: OffsetDateTime,
        request_until: OffsetDateTime,
        audit: &AuditRecord,
    ) -> Result<Guarded, StoreError>;

    /// An administrator rejects what is held, for this reason, which is remembered until then. With its record, both or neither.
    async fn reject(
        &self,
        held: &Transaction,
        reason: &str,
        until: OffsetDateTime,
        audit: &AuditRecord,
    ) -> Result<ClaimOutcome, StoreError>;

    /// Takes over a claim whose lease ran out, as it is but for claim and lease.
    async fn take_over(
        &self,
        key: &TransactionKey,
        expired: Uuid,
        claim: Uuid,
        lease_until: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError>;

    /// Step 3: records the certificate and marks its transaction issued, both or neither, if the claim still holds, no
    /// certificate of the key is revoked, and its predecessor is not.
    async fn complete(
        &self,
        claim: Uuid,
        record: &CertificateRecord,
        resend_until: OffsetDateTime,
    ) -> Result<Guarded, StoreError>;

    /// In place of step 3, for what may not be issued any more but is signed: records the certificate as
    /// [`CertificateSummary::revocation`] says, and marks its transaction rejected for this reason, which is remembered
    /// until then; both or neither, if the claim still holds.
    ///
    /// [`CertificateSummary::revocation`]: crate::CertificateSummary::revocation
    async fn withdraw(
        &self,
        claim: Uuid,
        record: &CertificateRecord,
        reason: &str,
        until: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError>;

    /// A certificate of the inventory.
    async fn certificate(
        &self,
        authority: Uuid,
        serial_number: &str,
    ) -> Result<Option<CertificateRecord>, StoreError>;

    /// Whether a certificate of this key is revoked; read with strong consistency.
    async fn is_key_revoked(&self, key: Fingerprint) -> Result<bool, StoreError>;

    /// The successors of a certificate of this authority, claimed or recorded; read with strong consistency.
    async fn successors(&self, authority: Uuid, predecessor: Uuid)
    -> Result<Vec<Uuid>, StoreError>;

    /// Makes room for successors of a certificate: those that are known become `living`, if they are `known` still.
    async fn forget_successors(
        &self,
        authority: Uuid,
        predecessor: Uuid,
        known: &[Uuid],
        living: &[Uuid],
    ) -> Result<ClaimOutcome, StoreError>;
}

/// Certificates, to be administered.
#[async_trait]
pub trait Certificates: Inventory {
    /// Revokes a certificate that still is as it was read, and its key. With its record, all or nothing.
    async fn revoke(
        &self,
        certificate: &CertificateRecord,
        revocation: Revocation,
        audit: &AuditRecord,
    ) -> Result<ClaimOutcome, StoreError>;

    /// The revoked certificates of a generation of an authority that end at this time or later; in AWS a moment behind the
    /// last write.
    async fn revoked(
        &self,
        authority: Uuid,
        generation: u32,
        not_after_from: OffsetDateTime,
    ) -> Result<Vec<RevokedCertificate>, StoreError>;
}

/// A CRL as it is handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCrl {
    /// CertificateList, DER.
    pub der: Vec<u8>,
    /// Its number.
    pub number: u64,
    /// When it was made.
    pub this_update: OffsetDateTime,
    /// Until when there will be another.
    pub next_update: OffsetDateTime,
}

impl StoredCrl {
    /// What is known of it without its octets.
    #[must_use]
    pub const fn head(&self) -> CrlHead {
        CrlHead {
            number: self.number,
            this_update: self.this_update,
            next_update: self.next_update,
        }
    }
}

/// What there is to know of a CRL without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrlHead {
    /// Its number.
    pub number: u64,
    /// When it was made.
    pub this_update: OffsetDateTime,
    /// Until when there will be another.
    pub next_update: OffsetDateTime,
}

/// CRLs, one for each generation of each authority.
#[async_trait]
pub trait Crls: Send + Sync {
    /// The head of the latest CRL: a small read, however long the CRL is.
    async fn crl_head(
        &self,
        authority: Uuid,
        generation: u32,
    ) -> Result<Option<CrlHead>, StoreError>;

    /// The latest CRL: a read as large as the CRL.
    async fn crl(&self, authority: Uuid, generation: u32) -> Result<Option<StoredCrl>, StoreError>;

    /// The CRL whose head was just read, or a later one.
    async fn crl_of(
        &self,
        authority: Uuid,
        generation: u32,
        _head: &CrlHead,
    ) -> Result<Option<StoredCrl>, StoreError> {
        self.crl(authority, generation).await
    }
}

/// CRLs, to be written, and read with strong consistency.
#[async_trait]
pub trait CrlStore: Crls {
    /// Puts a CRL in the place of the one with the number before its own; of none, when it is the first.
    async fn replace_crl(
        &self,
        authority: Uuid,
        generation: u32,
        crl: &StoredCrl,
    ) -> Result<ClaimOutcome, StoreError>;
}

/// A key that was just made.
#[derive(Clone, Debug)]
pub struct GeneratedKey {
    /// Where it is.
    pub reference: KeyReference,
    /// SubjectPublicKeyInfo, DER.
    pub subject_public_key_info: Vec<u8>,
}

/// Keys that sign certificates.
#[async_trait]
pub trait CaKeys: Send + Sync {
    /// Makes a key for good, for the authority of this name.
    async fn generate(
        &self,
        authority: &ProfileName,
        algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError>;

    /// Takes a key that is there already. [`KeyError::NotAdoptable`] when this store takes none, or not this one.
    async fn adopt(
        &self,
        reference: &KeyReference,
        algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError>;

    /// Signs with the algorithm that [`ca_issuer::signature_algorithm`] names; ECDSA signatures are DER.
    async fn sign(
        &self,
        key: &KeyReference,
        algorithm: KeyAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError>;
}

/// Keys that open requests and sign replies: RSA.
#[async_trait]
pub trait RaKeys: Send + Sync {
    /// Makes an RSA key for good, of this identity.
    async fn generate(&self, uuid: Uuid, algorithm: KeyAlgorithm)
    -> Result<GeneratedKey, KeyError>;

    /// A key, ready to use; kept in memory from then on.
    async fn load(&self, key: &RaKeyPair) -> Result<Arc<dyn RaKey>, KeyError>;
}

/// An RA certificate's private key in memory.
pub trait RaKey: Send + Sync {
    /// Unwraps a content key for `cipher`. Never fails: what does not unwrap gives a stand-in key, always the same for
    /// the same input, chosen in constant time ([`ContentKey::unwrapped_or_stand_in`]).
    fn content_key(
        &self,
        transport: KeyTransport,
        encrypted_key: &[u8],
        cipher: ContentEncryption,
    ) -> ContentKey;

    /// Signs, RSASSA-PKCS1-v1_5.
    ///
    /// # Errors
    /// When the key cannot sign with this digest.
    fn sign(&self, digest: DigestAlgorithm, message: &[u8]) -> Result<Vec<u8>, KeyError>;
}

/// Secrets of profiles, encrypted where they are stored.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Encrypts a secret that belongs to the profile of this uuid.
    async fn seal(
        &self,
        profile: Uuid,
        secret: &ChallengePassword,
    ) -> Result<SealedSecret, KeyError>;

    /// Decrypts what [`Self::seal`] gave for the same profile.
    async fn open(
        &self,
        profile: Uuid,
        sealed: &SealedSecret,
    ) -> Result<ChallengePassword, KeyError>;
}
