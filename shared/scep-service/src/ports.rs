//! The ports: the traits through which use cases reach stores, keys and clocks. Adapter crates
//! implement them, and the binaries in `functions/` choose the adapters.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use scep_cms::MessageType;
use scep_protocol::{
    Configuration, EndpointName, Fingerprint, Issuance, KeyAlgorithm, KeyLocation, KeyName,
    ProfileName, RaKeyPair, RaProfile, Refusal, ReplacedClaims, RequestFingerprint, Revocation,
    RevokedCertificate, SameRequest, SealedSecret, Transaction, TransactionKey,
};
use secrecy::SecretString;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    AuditRecord, CertificateRecord, Deployment, Inventory, KeyError, Metrics, ObjectKind, RaKey,
    Random, Reference, StoreError, StoredObject,
};

/// The ports that GetCACaps and GetCACert need: read access to profiles.
#[derive(Clone)]
pub struct ProfileService {
    /// Profiles and the objects that they link to.
    pub profiles: Arc<dyn Profiles>,
    /// The current time.
    pub clock: Arc<dyn Clock>,
    /// The sink for measurements.
    pub metrics: Arc<dyn Metrics>,
}

/// The ports that PKIOperation needs: [`ProfileService`], keys, and the records of transactions and
/// certificates.
#[derive(Clone)]
pub struct Enrolment {
    /// Profiles, clock and metrics.
    pub profile_service: ProfileService,
    /// Transactions and the certificates that they lead to.
    pub transactions: Arc<dyn Transactions>,
    /// Keys that sign certificates.
    pub ca_keys: Arc<dyn CaKeys>,
    /// Keys that decrypt requests and sign replies.
    pub ra_keys: Arc<dyn RaKeys>,
    /// The sealed secrets of profiles.
    pub secrets: Arc<dyn Secrets>,
    /// CRLs, which GetCRL returns.
    pub crls: Arc<dyn Crls>,
    /// Random octets.
    pub random: Arc<dyn Random>,
    /// The settings of this deployment.
    pub deployment: Deployment,
}

/// A source of the current time, and a way to wait.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns the current time, UTC.
    fn now(&self) -> OffsetDateTime;

    /// Returns the current instant of a clock that is never set back. It measures durations.
    fn instant(&self) -> Instant;

    /// Waits for this duration.
    async fn sleep(&self, duration: Duration);

    /// Waits until this instant of [`Self::instant`], and not at all if it has passed.
    async fn sleep_until(&self, instant: Instant);
}

/// A [`Clock`] that reads the system clock.
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    async fn sleep_until(&self, instant: Instant) {
        tokio::time::sleep_until(instant.into()).await;
    }
}

/// Read access to profiles for the request path.
#[async_trait]
pub trait Profiles: Send + Sync {
    /// Reads the profiles, the RA certificate and the authority behind an endpoint. Objects that do
    /// not exist are absent from the result, which is not an error.
    async fn configuration(&self, endpoint: &EndpointName) -> Result<Configuration, StoreError>;

    /// Reads an RA Profile by its uuid.
    async fn ra_profile(&self, uuid: Uuid) -> Result<Option<RaProfile>, StoreError>;
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

/// Read access to objects as documents. Reads are strongly consistent, except for lists.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Reads an object.
    async fn read(&self, reference: Reference) -> Result<Option<StoredObject>, StoreError>;

    /// Looks up the uuid of the object with this name. The cost does not depend on the object's
    /// size.
    async fn uuid_of(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<Uuid>, StoreError>;

    /// Reads the object with this name.
    async fn find(
        &self,
        kind: ObjectKind,
        name: &ProfileName,
    ) -> Result<Option<StoredObject>, StoreError>;

    /// Lists every object of a kind, sorted by name; objects without names are in no particular
    /// order.
    async fn list(&self, kind: ObjectKind) -> Result<Vec<StoredObject>, StoreError>;
}

/// Read and write access to objects as documents.
#[async_trait]
pub trait ObjectStore: Objects {
    /// Writes a change and its audit record atomically.
    ///
    /// Fails with [`StoreError::NameTaken`] when another object of the kind has the name. Fails
    /// with [`StoreError::Conflict`] when the object's version is not the one that was read, when
    /// an object that it needs does not exist, or when another object needs the one to be deleted.
    async fn apply(&self, change: &Change, audit: &AuditRecord) -> Result<(), StoreError>;

    /// Writes an audit record of an action that changes no object.
    async fn record(&self, audit: &AuditRecord) -> Result<(), StoreError>;
}

/// The first step of issuing or holding: reserves a transaction for one process and records what
/// is to be signed.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The transaction that is claimed.
    pub key: TransactionKey,
    /// The earlier claims that this one replaces.
    pub replaced: ReplacedClaims,
    /// The identity of this claim.
    pub claim: Uuid,
    /// The fingerprint of the request.
    pub request: RequestFingerprint,
    /// The fingerprint of the key that signed the message.
    pub signer_key: Fingerprint,
    /// The fingerprint of [`AuthorisedRequest::requester_key`].
    ///
    /// [`AuthorisedRequest::requester_key`]: scep_protocol::AuthorisedRequest::requester_key
    pub requester_key: Fingerprint,
    /// The identity of the certificate to be signed: its serial number.
    pub certificate: Uuid,
    /// The messageType of the request.
    pub message_type: MessageType,
    /// The subject to be certified, in the text form of RFC 4514.
    pub subject: String,
    /// The time of the claim.
    pub claimed_at: OffsetDateTime,
    /// The bytes to be signed, and the key that signs them.
    pub issuance: Issuance,
    /// The certificate that a renewal succeeds; `None` for an enrolment.
    pub renewal: Option<Renewal>,
    /// How long the same request is recognised under another transactionID.
    pub request_until: OffsetDateTime,
    /// Whether the claimant signs now or an administrator decides first.
    pub stage: ClaimKind,
}

/// The link between a certificate and the one that renews it.
#[derive(Clone, Copy, Debug)]
pub struct Renewal {
    /// The certificate that is renewed.
    pub predecessor: Uuid,
    /// The expiry of the predecessor.
    pub predecessor_not_after: OffsetDateTime,
    /// The new certificate: its serial number.
    pub successor: Uuid,
}

/// The next step of a claimed transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimKind {
    /// The claimant signs. Other processes wait for it until this time.
    Sign(OffsetDateTime),
    /// The transaction waits for an administrator until this time.
    Hold(OffsetDateTime),
}

/// The outcome of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// The write succeeded.
    Won,
    /// Another process was faster; nothing was written.
    Lost,
}

/// The outcome of a conditional write that also depends on other records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardedOutcome {
    /// The write succeeded.
    Won,
    /// Another process was faster; nothing was written.
    Lost,
    /// Another record forbids the write; nothing was written.
    Barred(Bar),
}

/// Why other records forbid a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// A certificate for the same key is revoked.
    KeyRevoked,
    /// The certificate to be renewed is revoked.
    PredecessorRevoked,
    /// The certificate to be renewed has [`MAX_SUCCESSORS`] successors.
    TooManySuccessors,
}

impl Bar {
    /// Returns the refusal that the requester receives.
    #[must_use]
    pub const fn refusal(self) -> Refusal {
        match self {
            Self::KeyRevoked => Refusal::KeyRevoked,
            Self::PredecessorRevoked => Refusal::SignerRevoked,
            Self::TooManySuccessors => Refusal::TooManySuccessors,
        }
    }
}

/// The maximum number of successors of one certificate that are neither revoked nor expired.
// More than one, because a client that lost its new key must be able to renew again. Few, because
// a stolen key must not be able to obtain certificates without limit.
pub const MAX_SUCCESSORS: usize = 5;

/// The records of transactions and of the certificates that they lead to.
#[async_trait]
pub trait Transactions: Send + Sync {
    /// Reads a transaction by its identity ([`TransactionKey::uuid`]), with strong consistency.
    async fn transaction(&self, uuid: Uuid) -> Result<Option<Transaction>, StoreError>;

    /// Reads, with strong consistency, what became of an earlier copy of this request by the same
    /// key, under any transactionID of this SCEP Profile.
    async fn same_request(
        &self,
        scep_profile: Uuid,
        request: &RequestFingerprint,
        requester_key: Fingerprint,
    ) -> Result<Option<SameRequest>, StoreError>;

    /// Remembers, until the given time, the ciphertext that an encrypted content key was first
    /// received with. Returns [`ClaimOutcome::Lost`] when the key was received before with another
    /// ciphertext.
    async fn remember_envelope(
        &self,
        encrypted_key: Fingerprint,
        ciphertext: Fingerprint,
        until: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError>;

    /// Counts the requests that wait for an administrator under this SCEP Profile, up to `most`.
    /// On AWS the count may lag behind recent writes.
    async fn pending_requests(
        &self,
        scep_profile: Uuid,
        most: u16,
        now: OffsetDateTime,
    ) -> Result<u16, StoreError>;

    /// Step 1: claims a transaction and its request. The write succeeds only if both are in the
    /// state that [`Claim::replaced`] states, no certificate for the key is revoked, and the
    /// predecessor of a renewal is not revoked and has fewer than [`MAX_SUCCESSORS`] successors.
    async fn claim(&self, claim: &Claim) -> Result<GuardedOutcome, StoreError>;

    /// Approves a pending transaction: replaces what `held` would sign by `issuance`, and gives it
    /// to the new claimant, unless a certificate for the key is revoked. The change and its audit
    /// record are written atomically. `request_until` has the meaning of [`Claim::request_until`].
    async fn approve(
        &self,
        held: &Transaction,
        claim: Uuid,
        issuance: &Issuance,
        lease_until: OffsetDateTime,
        request_until: OffsetDateTime,
        audit: &AuditRecord,
    ) -> Result<GuardedOutcome, StoreError>;

    /// Rejects a pending transaction and remembers the reason until the given time. The change and
    /// its audit record are written atomically.
    async fn reject(
        &self,
        held: &Transaction,
        reason: &str,
        until: OffsetDateTime,
        audit: &AuditRecord,
    ) -> Result<ClaimOutcome, StoreError>;

    /// Takes over a claim whose lease has expired. Only the claim and its lease change; the bytes
    /// to be signed stay the same.
    async fn take_over(
        &self,
        key: &TransactionKey,
        expired: Uuid,
        claim: Uuid,
        lease_until: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError>;

    /// Step 3: records the certificate and marks its transaction issued, atomically. The write
    /// succeeds only if the claim still holds, no certificate for the key is revoked, and the
    /// predecessor is not revoked.
    async fn complete(
        &self,
        claim: Uuid,
        record: &CertificateRecord,
        resend_until: OffsetDateTime,
    ) -> Result<GuardedOutcome, StoreError>;

    /// Replaces step 3 for a certificate that is signed but must not be issued any more. Records
    /// the certificate with its [`CertificateSummary::revocation`], and marks its transaction
    /// rejected for this reason until the given time. Both happen atomically, and only if the claim
    /// still holds.
    ///
    /// [`CertificateSummary::revocation`]: crate::CertificateSummary::revocation
    async fn withdraw(
        &self,
        claim: Uuid,
        record: &CertificateRecord,
        reason: &str,
        until: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError>;

    /// Reads a certificate of the inventory.
    async fn certificate(
        &self,
        authority: Uuid,
        serial_number: &str,
    ) -> Result<Option<CertificateRecord>, StoreError>;

    /// Returns whether any certificate for this key is revoked, read with strong consistency.
    async fn is_key_revoked(&self, key: Fingerprint) -> Result<bool, StoreError>;

    /// Returns the successors of a certificate of this authority, claimed or recorded, read with
    /// strong consistency.
    async fn successors(&self, authority: Uuid, predecessor: Uuid)
    -> Result<Vec<Uuid>, StoreError>;

    /// Replaces the list of a certificate's successors by `remaining`, if it is still `known`, so
    /// that revoked and expired successors make room for new ones.
    async fn forget_successors(
        &self,
        authority: Uuid,
        predecessor: Uuid,
        known: &[Uuid],
        remaining: &[Uuid],
    ) -> Result<ClaimOutcome, StoreError>;
}

/// The inventory, with the operations that revocation needs.
#[async_trait]
pub trait Certificates: Inventory {
    /// Revokes a certificate and its key, if the certificate is unchanged since it was read. The
    /// revocation and its audit record are written atomically.
    async fn revoke(
        &self,
        certificate: &CertificateRecord,
        revocation: Revocation,
        audit: &AuditRecord,
    ) -> Result<ClaimOutcome, StoreError>;

    /// Lists the revoked certificates of an authority's generation that expire at this time or
    /// later. On AWS the list may lag behind recent writes.
    async fn revoked(
        &self,
        authority: Uuid,
        generation: u32,
        not_after_from: OffsetDateTime,
    ) -> Result<Vec<RevokedCertificate>, StoreError>;
}

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

/// Read access to CRLs, one for each generation of each authority.
#[async_trait]
pub trait Crls: Send + Sync {
    /// Reads the head of the latest CRL. The cost does not depend on the length of the CRL.
    async fn crl_head(
        &self,
        authority: Uuid,
        generation: u32,
    ) -> Result<Option<CrlHead>, StoreError>;

    /// Reads the latest CRL. The cost grows with the length of the CRL.
    async fn crl(&self, authority: Uuid, generation: u32) -> Result<Option<StoredCrl>, StoreError>;

    /// Reads the CRL whose head was just read, or a later one.
    async fn crl_of(
        &self,
        authority: Uuid,
        generation: u32,
        _head: &CrlHead,
    ) -> Result<Option<StoredCrl>, StoreError> {
        self.crl(authority, generation).await
    }
}

/// Write access to CRLs. Its reads are strongly consistent.
#[async_trait]
pub trait CrlStore: Crls {
    /// Publishes a CRL if the stored one has the preceding number, or if this is the first one.
    async fn replace_crl(
        &self,
        authority: Uuid,
        generation: u32,
        crl: &StoredCrl,
    ) -> Result<ClaimOutcome, StoreError>;
}

/// A key that was just generated or adopted.
#[derive(Clone, Debug)]
pub struct GeneratedKey {
    /// The location of the private key.
    pub location: KeyLocation,
    /// The SubjectPublicKeyInfo, DER.
    pub subject_public_key_info: Vec<u8>,
}

/// Keys that sign certificates.
#[async_trait]
pub trait CaKeys: Send + Sync {
    /// Generates a key for the authority with this name. No operation of this port deletes a key.
    async fn generate(
        &self,
        authority: &ProfileName,
        algorithm: KeyAlgorithm,
    ) -> Result<GeneratedKey, KeyError>;

    /// Adopts an existing key. Fails with [`KeyError::NotAdoptable`] when this key store adopts no
    /// keys, or cannot adopt this one.
    async fn adopt(&self, key: &KeyName, algorithm: KeyAlgorithm)
    -> Result<GeneratedKey, KeyError>;

    /// Signs with the algorithm of [`ca_issuer::signature_algorithm`]. ECDSA signatures are DER.
    async fn sign(
        &self,
        key: &KeyLocation,
        algorithm: KeyAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError>;
}

/// RSA keys that decrypt requests and sign replies.
#[async_trait]
pub trait RaKeys: Send + Sync {
    /// Generates an RSA key with this identity.
    async fn generate(&self, uuid: Uuid, algorithm: KeyAlgorithm)
    -> Result<GeneratedKey, KeyError>;

    /// Loads a key. Later calls return the copy in memory.
    async fn load(&self, key: &RaKeyPair) -> Result<Arc<RaKey>, KeyError>;
}

/// Encryption of the secrets of profiles, which are stored sealed.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Encrypts a secret and binds it to the profile with this uuid.
    async fn seal(&self, profile: Uuid, secret: &SecretString) -> Result<SealedSecret, KeyError>;

    /// Decrypts a secret that [`Self::seal`] encrypted for the same profile.
    async fn open(&self, profile: Uuid, sealed: &SealedSecret) -> Result<SecretString, KeyError>;
}
