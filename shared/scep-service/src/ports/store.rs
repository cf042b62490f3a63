//! The ports to stored objects, certificates and CRLs.

use async_trait::async_trait;
use ca::profile_name::ProfileName;
use ca::revocation::{Revocation, RevokedCertificate};
use scep_protocol::availability::Configuration;
use scep_protocol::profile::{EndpointName, RaProfile};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::audit::AuditRecord;
use crate::error::StoreError;
use crate::inventory::{CertificateRecord, Inventory};
use crate::object::{ObjectKind, Reference, StoredObject};
use crate::ports::transactions::ClaimOutcome;

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
