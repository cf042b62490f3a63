//! The objects that administrators create. They are stored as versioned JSON documents that refer
//! to each other.

use ca::authority::Authority;
use ca::id::{AuthorityIdKind, CertificateUuid, KeyOrderIdKind};
use ca::key_location::KeyLocation;
use ca::key_order::KeyOrder;
use ca::profile_name::ProfileName;
use newtype_uuid::{GenericUuid, TypedUuid, TypedUuidKind};
use scep_protocol::id::{RaCertificateIdKind, RaProfileIdKind, ScepProfileIdKind, TransactionUuid};
use scep_protocol::profile::{RaProfile, ScepProfile};
use scep_protocol::ra_certificate::RaCertificate;
use scep_protocol::sealed_secret::SealedSecret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::error::StoreError;
use crate::ports::{ProfileReader, Store};

/// The kind of an object.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "camelCase")]
pub enum ObjectKind {
    /// An [`Authority`].
    Authority,
    /// A certificate of the inventory.
    Certificate,
    /// A one-time challenge.
    Challenge,
    /// A [`KeyOrder`].
    KeyOrder,
    /// The lock-out of an address or a key.
    Lockout,
    /// An [`RaCertificate`].
    RaCertificate,
    /// An [`RaProfile`].
    RaProfile,
    /// A [`ScepProfile`].
    ScepProfile,
    /// A token of the management API, which the server keeps outside of the store.
    Token,
    /// A transaction.
    Transaction,
}

impl ObjectKind {
    /// Returns the name used in the API and in storage.
    // The names are stored in keys and documents: a changed one would hide existing records.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Returns the name used in messages.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Certificate => "certificate",
            Self::Challenge => "challenge",
            Self::KeyOrder => "key order",
            Self::Lockout => "lock-out",
            Self::RaCertificate => "RA certificate",
            Self::RaProfile => "RA Profile",
            Self::ScepProfile => "SCEP Profile",
            Self::Token => "token",
            Self::Transaction => "transaction",
        }
    }
}

/// The identity by which one object refers to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The kind of the object.
    pub kind: ObjectKind,
    /// The uuid of the object.
    pub uuid: Uuid,
}

impl Reference {
    /// Returns the reference to this object.
    #[must_use]
    pub fn to<T: Object>(uuid: TypedUuid<T::IdKind>) -> Self {
        Self {
            kind: T::KIND,
            uuid: uuid.into_untyped_uuid(),
        }
    }

    /// Returns the reference to this certificate.
    #[must_use]
    pub fn to_certificate(uuid: CertificateUuid) -> Self {
        Self {
            kind: ObjectKind::Certificate,
            uuid: uuid.into_untyped_uuid(),
        }
    }

    /// Returns the reference to this transaction.
    #[must_use]
    pub fn to_transaction(uuid: TransactionUuid) -> Self {
        Self {
            kind: ObjectKind::Transaction,
            uuid: uuid.into_untyped_uuid(),
        }
    }
}

/// An object that administrators create.
pub trait Object: Clone + Serialize + DeserializeOwned + Send + Sync {
    /// The kind of the object.
    const KIND: ObjectKind;

    /// The kind of the object's UUID.
    type IdKind: TypedUuidKind;

    /// Returns the identity of the object.
    fn uuid(&self) -> TypedUuid<Self::IdKind>;

    /// Returns the name, if objects of this kind have one. It is unique within the kind and never
    /// changes.
    fn name(&self) -> Option<&ProfileName>;

    /// Returns the objects that this one needs. They cannot be deleted while it exists.
    fn references(&self) -> Vec<Reference>;

    /// Returns a copy with sealed secrets redacted, for the audit log.
    // There is no default, so that the author of a new kind of object decides what is secret.
    #[must_use]
    fn without_secrets(&self) -> Self;
}

impl Object for Authority {
    const KIND: ObjectKind = ObjectKind::Authority;

    type IdKind = AuthorityIdKind;

    fn uuid(&self) -> TypedUuid<Self::IdKind> {
        self.uuid
    }

    fn name(&self) -> Option<&ProfileName> {
        Some(&self.name)
    }

    fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    // The reference to a CA key is the name of a key that stays in its key store.
    fn without_secrets(&self) -> Self {
        self.clone()
    }
}

impl Object for KeyOrder {
    const KIND: ObjectKind = ObjectKind::KeyOrder;

    type IdKind = KeyOrderIdKind;

    fn uuid(&self) -> TypedUuid<Self::IdKind> {
        self.uuid
    }

    // An authority's name, so that it cannot have two orders.
    fn name(&self) -> Option<&ProfileName> {
        Some(&self.name)
    }

    // An authority may be deleted during its rollover: its keys stay in the key store anyway.
    fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    fn without_secrets(&self) -> Self {
        self.clone()
    }
}

impl Object for RaCertificate {
    const KIND: ObjectKind = ObjectKind::RaCertificate;

    type IdKind = RaCertificateIdKind;

    fn uuid(&self) -> TypedUuid<Self::IdKind> {
        self.uuid
    }

    // Its subject cannot be its name: several RA certificates may have the same one.
    fn name(&self) -> Option<&ProfileName> {
        None
    }

    fn references(&self) -> Vec<Reference> {
        vec![Reference::to::<Authority>(self.authority)]
    }

    // With KMS, the location of the key is the wrapped key itself.
    fn without_secrets(&self) -> Self {
        let mut copy = self.clone();
        for key in &mut copy.keys {
            key.key = KeyLocation::Redacted;
        }
        copy
    }
}

impl Object for RaProfile {
    const KIND: ObjectKind = ObjectKind::RaProfile;

    type IdKind = RaProfileIdKind;

    fn uuid(&self) -> TypedUuid<Self::IdKind> {
        self.uuid
    }

    fn name(&self) -> Option<&ProfileName> {
        Some(&self.name)
    }

    fn references(&self) -> Vec<Reference> {
        let authority = Reference::to::<Authority>(self.authority);
        let scep_profile = self
            .scep
            .as_ref()
            .map(|scep| Reference::to::<ScepProfile>(scep.scep_profile));
        std::iter::once(authority).chain(scep_profile).collect()
    }

    // Rules for certificates are no secrets.
    fn without_secrets(&self) -> Self {
        self.clone()
    }
}

impl Object for ScepProfile {
    const KIND: ObjectKind = ObjectKind::ScepProfile;

    type IdKind = ScepProfileIdKind;

    fn uuid(&self) -> TypedUuid<Self::IdKind> {
        self.uuid
    }

    fn name(&self) -> Option<&ProfileName> {
        Some(&self.name)
    }

    fn references(&self) -> Vec<Reference> {
        let ra_certificate = Reference::to::<RaCertificate>(self.ra_certificate);
        let ra_profile = self.ra_profile.map(Reference::to::<RaProfile>);
        std::iter::once(ra_certificate).chain(ra_profile).collect()
    }

    fn without_secrets(&self) -> Self {
        let redact = |_| SealedSecret::redacted();
        let mut copy = self.clone();
        copy.challenge = copy.challenge.map(redact);
        // The traits reveal something about the length and the characters of the challenge.
        copy.challenge_traits = None;
        copy.challenge_key = copy.challenge_key.map(redact);
        copy.intune.application_key = copy.intune.application_key.map(redact);
        if let Some(webhook) = &mut copy.webhook {
            webhook.secret = SealedSecret::redacted();
        }
        copy
    }
}

/// An object together with its version, which an edit must quote.
#[derive(Clone, Debug)]
pub struct Versioned<T> {
    /// The object.
    pub object: T,
    /// The version: 1 for a new object, and one more with each edit.
    pub version: u64,
    /// The objects that need this one.
    pub dependents: Vec<Reference>,
}

impl<T> Versioned<T> {
    /// Returns the objects of one kind that need this one.
    pub fn dependents_of<D: Object>(&self) -> impl Iterator<Item = TypedUuid<D::IdKind>> {
        self.dependents
            .iter()
            .filter(|dependent| dependent.kind == D::KIND)
            .map(|dependent| TypedUuid::from_untyped_uuid(dependent.uuid))
    }
}

/// An object in the form in which a store holds it.
#[derive(Clone)]
pub struct StoredObject {
    /// The kind and identity of the object.
    pub reference: Reference,
    /// The name, if objects of the kind have one.
    pub name: Option<ProfileName>,
    /// The object as JSON, with sealed secrets.
    pub document: String,
    /// The version: 1 for a new object, and one more with each edit.
    pub version: u64,
    /// The objects that need this one.
    pub dependents: Vec<Reference>,
}

impl StoredObject {
    pub(crate) fn decode<T: Object>(self) -> Result<Versioned<T>, StoreError> {
        let object =
            serde_json::from_str(&self.document).map_err(|source| StoreError::Corrupt {
                what: T::KIND.name(),
                source: source.into(),
            })?;
        Ok(Versioned {
            object,
            version: self.version,
            dependents: self.dependents,
        })
    }
}

/// Serialises an object as JSON.
pub(crate) fn to_document<T: Object>(object: &T) -> Result<String, StoreError> {
    serde_json::to_string(object).map_err(|source| StoreError::Corrupt {
        what: T::KIND.name(),
        source: source.into(),
    })
}

/// Reads an object.
///
/// # Errors
/// Returns [`StoreError::Corrupt`] or [`StoreError::Unavailable`].
pub async fn read<T: Object>(
    reader: &(impl ProfileReader + ?Sized),
    uuid: TypedUuid<T::IdKind>,
) -> Result<Option<Versioned<T>>, StoreError> {
    let stored = reader.read(Reference::to::<T>(uuid)).await?;
    stored.map(StoredObject::decode).transpose()
}

/// Reads an object by its name.
///
/// # Errors
/// Returns the same errors as [`read`].
pub async fn find<T: Object>(
    reader: &(impl ProfileReader + ?Sized),
    name: &ProfileName,
) -> Result<Option<Versioned<T>>, StoreError> {
    let stored = reader.find(T::KIND, name).await?;
    stored.map(StoredObject::decode).transpose()
}

/// Lists every object of a kind, sorted by name; objects without names are in no particular order.
/// On AWS the list may lag behind recent writes.
///
/// # Errors
/// Returns the same errors as [`read`].
pub async fn list<T: Object>(store: &dyn Store) -> Result<Vec<Versioned<T>>, StoreError> {
    let stored = store.list(T::KIND).await?;
    stored.into_iter().map(StoredObject::decode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_by_the_name_in_its_keys() {
        for kind in ObjectKind::VARIANTS {
            assert_eq!(kind.name().parse(), Ok(*kind));
        }
        let names = ObjectKind::VARIANTS.iter().map(|kind| kind.name());
        let expected = [
            "authority",
            "certificate",
            "challenge",
            "keyOrder",
            "lockout",
            "raCertificate",
            "raProfile",
            "scepProfile",
            "token",
            "transaction",
        ];
        assert!(names.eq(expected));
    }
}
