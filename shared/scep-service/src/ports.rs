//! The ports: what use cases want from stores, keys and clocks. Adapters implement them, `functions/` choose adapters.

use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use scep_cms::{
    Certificate, ChallengePassword, ContentEncryption, ContentKey, DigestAlgorithm, KeyTransport,
};
use scep_protocol::{
    Authority, Configuration, EndpointName, Fingerprint, Issuance, KeyAlgorithm, KeyReference,
    ProfileName, RaCertificate, RaProfile, RequestFingerprint, ScepProfile, SealedSecret,
    Transaction, TransactionKey,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{KeyError, StoreError};

/// What GetCACaps and GetCACert may reach: profiles, to be read.
#[derive(Clone)]
pub struct Reading {
    /// Profiles and what they are linked to.
    pub profiles: Arc<dyn Profiles>,
    /// The time.
    pub clock: Arc<dyn Clock>,
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
}

/// The time.
pub trait Clock: Send + Sync {
    /// Now, UTC.
    fn now(&self) -> OffsetDateTime;
}

/// Profiles as the request path reads them.
#[async_trait]
pub trait Profiles: Send + Sync {
    /// Everything that stands behind an endpoint, as far as it exists.
    async fn configuration(&self, endpoint: &EndpointName) -> Result<Configuration, StoreError>;
}

/// An object that administrators make: its kind and its keys.
pub trait Object: Serialize + DeserializeOwned + Send + Sync {
    /// Its kind.
    const KIND: ObjectKind;

    /// Its identity.
    fn uuid(&self) -> Uuid;

    /// Its name, unique among its kind, if its kind has names.
    fn name(&self) -> Option<&ProfileName>;
}

/// Kinds of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// [`Authority`].
    Authority,
    /// [`RaCertificate`].
    RaCertificate,
    /// [`RaProfile`].
    RaProfile,
    /// [`ScepProfile`].
    ScepProfile,
}

impl Object for Authority {
    const KIND: ObjectKind = ObjectKind::Authority;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn name(&self) -> Option<&ProfileName> {
        Some(&self.name)
    }
}

impl Object for RaCertificate {
    const KIND: ObjectKind = ObjectKind::RaCertificate;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn name(&self) -> Option<&ProfileName> {
        None
    }
}

impl Object for RaProfile {
    const KIND: ObjectKind = ObjectKind::RaProfile;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn name(&self) -> Option<&ProfileName> {
        Some(&self.name)
    }
}

impl Object for ScepProfile {
    const KIND: ObjectKind = ObjectKind::ScepProfile;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn name(&self) -> Option<&ProfileName> {
        Some(&self.name)
    }
}

/// An object as it was read, with the version that an edit must name.
#[derive(Clone, Debug)]
pub struct Versioned<T> {
    /// The object.
    pub object: T,
    /// Counts its edits, from 1.
    pub version: u64,
}

/// Profiles as administration writes them.
pub trait ProfileStore: Send + Sync {
    /// Stores a new object under its uuid and name. [`StoreError::NameTaken`] when its kind has that name.
    fn create<T: Object>(&self, object: &T) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Reads an object.
    fn read<T: Object>(
        &self,
        uuid: Uuid,
    ) -> impl Future<Output = Result<Option<Versioned<T>>, StoreError>> + Send;

    /// Reads an object by its name.
    fn find<T: Object>(
        &self,
        name: &ProfileName,
    ) -> impl Future<Output = Result<Option<Versioned<T>>, StoreError>> + Send;

    /// Stores an edited object of the same uuid and name. [`StoreError::Conflict`] when the stored one has another
    /// version than the one that was read.
    fn replace<T: Object>(
        &self,
        edited: &Versioned<T>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The first step of issuing: who works on a transaction, and what may become of it.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The transaction.
    pub key: TransactionKey,
    /// The claim that this one replaces; `None` where there was no transaction.
    pub replacing: Option<Uuid>,
    /// The new claim.
    pub claim: Uuid,
    /// The request that it is about.
    pub request: RequestFingerprint,
    /// Of the key that signed the request.
    pub signer_key: Fingerprint,
    /// What is to be signed, by which key.
    pub issuance: Issuance,
    /// Until then others wait.
    pub lease_until: OffsetDateTime,
}

/// Whether a conditional write went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// It did.
    Won,
    /// Someone else was first; nothing was written.
    Lost,
}

/// A certificate in the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRecord {
    /// Its identity in the API.
    pub uuid: Uuid,
    /// The authority that issued it.
    pub authority: Uuid,
    /// The RA Profile whose rules made it.
    pub ra_profile: Uuid,
    /// The transaction that it came of.
    pub transaction: TransactionKey,
    /// Upper-case hexadecimal, unique under its authority.
    pub serial_number: String,
    /// RFC 4514's text.
    pub subject: String,
    /// The certificate.
    pub certificate: Certificate,
    /// When it begins to be valid.
    pub not_before: OffsetDateTime,
    /// When it ends.
    pub not_after: OffsetDateTime,
    /// When it was recorded.
    pub issued_at: OffsetDateTime,
}

/// Transactions, and the certificates that come of them.
#[async_trait]
pub trait Transactions: Send + Sync {
    /// What is known of a transaction, read with strong consistency.
    async fn transaction(&self, key: &TransactionKey) -> Result<Option<Transaction>, StoreError>;

    /// Step 1: claims a transaction, if it still is as [`Claim::replacing`] says.
    async fn claim(&self, claim: &Claim) -> Result<ClaimOutcome, StoreError>;

    /// Takes over a claim whose lease ran out, as it is but for claim and lease.
    async fn take_over(
        &self,
        key: &TransactionKey,
        expired: Uuid,
        claim: Uuid,
        lease_until: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError>;

    /// Step 3: records the certificate and marks its transaction issued, both or neither, if the claim still holds.
    async fn complete(
        &self,
        claim: Uuid,
        record: &CertificateRecord,
        resend_until: OffsetDateTime,
    ) -> Result<ClaimOutcome, StoreError>;

    /// A certificate of the inventory.
    async fn certificate(
        &self,
        authority: Uuid,
        serial_number: &str,
    ) -> Result<Option<CertificateRecord>, StoreError>;
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
    /// Makes a key for good.
    async fn generate(&self, algorithm: KeyAlgorithm) -> Result<GeneratedKey, KeyError>;

    /// Signs with the algorithm that [`ca_issuer::signature_algorithm`] names; ECDSA signatures are DER.
    async fn sign(
        &self,
        key: &KeyReference,
        algorithm: KeyAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KeyError>;
}

/// Keys that open requests and sign replies: RSA-2048.
#[async_trait]
pub trait RaKeys: Send + Sync {
    /// Makes a key for good, for the RA certificate of this uuid.
    async fn generate(&self, ra_certificate: Uuid) -> Result<GeneratedKey, KeyError>;

    /// The key of an RA certificate, ready to use; kept in memory from then on.
    async fn load(&self, ra_certificate: &RaCertificate) -> Result<Arc<dyn RaKey>, KeyError>;
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
