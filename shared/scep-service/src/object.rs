//! The objects that administrators make, and how they are kept: as JSON documents with a version, that name each other.

use scep_protocol::{
    Authority, KeyReference, ProfileName, RaCertificate, RaProfile, ScepProfile, SealedSecret,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{Objects, StoreError};

/// Kinds of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// [`Authority`].
    Authority,
    /// A certificate of the inventory.
    Certificate,
    /// [`RaCertificate`].
    RaCertificate,
    /// [`RaProfile`].
    RaProfile,
    /// [`ScepProfile`].
    ScepProfile,
    /// A transaction.
    Transaction,
}

impl ObjectKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Authority,
        Self::Certificate,
        Self::RaCertificate,
        Self::RaProfile,
        Self::ScepProfile,
        Self::Transaction,
    ];

    /// Its name in the API and in storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Certificate => "certificate",
            Self::RaCertificate => "raCertificate",
            Self::RaProfile => "raProfile",
            Self::ScepProfile => "scepProfile",
            Self::Transaction => "transaction",
        }
    }

    /// Its name in a sentence.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Certificate => "certificate",
            Self::RaCertificate => "RA certificate",
            Self::RaProfile => "RA Profile",
            Self::ScepProfile => "SCEP Profile",
            Self::Transaction => "transaction",
        }
    }
}

/// One object as others name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Its kind.
    pub kind: ObjectKind,
    /// Its identity.
    pub uuid: Uuid,
}

/// An object that administrators make.
pub trait Object: Clone + Serialize + DeserializeOwned + Send + Sync {
    /// Its kind.
    const KIND: ObjectKind;

    /// Its identity.
    fn uuid(&self) -> Uuid;

    /// Its name, unique among its kind and never changed, if its kind has names.
    fn name(&self) -> Option<&ProfileName>;

    /// The objects that it needs: none of them can be deleted while it does.
    fn references(&self) -> Vec<Reference>;

    /// A copy for eyes that may not even see secrets as they are stored.
    #[must_use]
    fn without_secrets(&self) -> Self {
        self.clone()
    }
}

impl Object for Authority {
    const KIND: ObjectKind = ObjectKind::Authority;

    fn uuid(&self) -> Uuid {
        self.uuid
    }

    fn name(&self) -> Option<&ProfileName> {
        Some(&self.name)
    }

    fn references(&self) -> Vec<Reference> {
        Vec::new()
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

    fn references(&self) -> Vec<Reference> {
        vec![Reference {
            kind: ObjectKind::Authority,
            uuid: self.authority,
        }]
    }

    /// Where a key is may be the wrapped key itself.
    fn without_secrets(&self) -> Self {
        let mut copy = self.clone();
        for key in &mut copy.keys {
            key.key = KeyReference(HIDDEN.to_owned());
        }
        copy
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

    fn references(&self) -> Vec<Reference> {
        let authority = Reference {
            kind: ObjectKind::Authority,
            uuid: self.authority,
        };
        let scep_profile = self.scep.as_ref().map(|scep| Reference {
            kind: ObjectKind::ScepProfile,
            uuid: scep.scep_profile,
        });
        std::iter::once(authority).chain(scep_profile).collect()
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

    fn references(&self) -> Vec<Reference> {
        let ra_certificate = Reference {
            kind: ObjectKind::RaCertificate,
            uuid: self.ra_certificate,
        };
        let ra_profile = self.ra_profile.map(|uuid| Reference {
            kind: ObjectKind::RaProfile,
            uuid,
        });
        std::iter::once(ra_certificate).chain(ra_profile).collect()
    }

    fn without_secrets(&self) -> Self {
        let hidden = |_| SealedSecret(HIDDEN.to_owned());
        let mut copy = self.clone();
        copy.challenge = copy.challenge.map(hidden);
        copy.challenge_traits = None;
        copy.intune.application_key = copy.intune.application_key.map(hidden);
        copy
    }
}

/// What stands in the place of a secret.
const HIDDEN: &str = "(set)";

/// An object as it was read, with the version that an edit must name.
#[derive(Clone, Debug)]
pub struct Versioned<T> {
    /// The object.
    pub object: T,
    /// Counts its edits, from 1.
    pub version: u64,
    /// The objects that need it.
    pub dependents: Vec<Reference>,
}

/// An object as a store keeps it.
#[derive(Clone)]
pub struct StoredObject {
    /// Its kind and identity.
    pub reference: Reference,
    /// Its name.
    pub name: Option<ProfileName>,
    /// JSON. Secrets in it are sealed.
    pub document: String,
    /// Counts its edits, from 1.
    pub version: u64,
    /// The objects that need it.
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

/// JSON of an object.
pub(crate) fn document<T: Object>(object: &T) -> Result<String, StoreError> {
    serde_json::to_string(object).map_err(|source| StoreError::Corrupt {
        what: T::KIND.name(),
        source: source.into(),
    })
}

/// Reads an object.
///
/// # Errors
/// [`StoreError::Corrupt`] or [`StoreError::Unavailable`].
pub async fn read<T: Object>(
    store: &dyn Objects,
    uuid: Uuid,
) -> Result<Option<Versioned<T>>, StoreError> {
    let reference = Reference {
        kind: T::KIND,
        uuid,
    };
    let stored = store.read(reference).await?;
    stored.map(StoredObject::decode).transpose()
}

/// Reads an object by its name.
///
/// # Errors
/// As [`read`].
pub async fn find<T: Object>(
    store: &dyn Objects,
    name: &ProfileName,
) -> Result<Option<Versioned<T>>, StoreError> {
    let stored = store.find(T::KIND, name).await?;
    stored.map(StoredObject::decode).transpose()
}

/// Every object of a kind, by name; those without names in any order. In AWS a moment behind the last write.
///
/// # Errors
/// As [`read`].
pub async fn list<T: Object>(store: &dyn Objects) -> Result<Vec<Versioned<T>>, StoreError> {
    let stored = store.list(T::KIND).await?;
    stored.into_iter().map(StoredObject::decode).collect()
}
