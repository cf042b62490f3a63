//! Orders of keys for authorities: what a key is for, from before it is made until its certificate
//! is stored.

use serde::{Deserialize, Serialize};

use crate::authority::AuthorityKind;
use crate::bounded_text::Description;
use crate::generation::Generation;
use crate::id::{AuthorityUuid, KeyOrderUuid};
use crate::key_algorithm::KeyAlgorithm;
use crate::key_location::KeyLocation;
use crate::profile_name::ProfileName;
use crate::stored_octets::StoredOctets;
use crate::template::Period;

/// The order of a key for a generation of an authority.
// A key store may bill a key from its first moment, and nothing can undo that. The order is stored
// before the key is made, so that a later attempt finds the key by it, and uses it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyOrder {
    /// The order's identity, by which the key store finds the key.
    pub uuid: KeyOrderUuid,
    /// The authority, which does not exist yet if this is its first key.
    pub authority: AuthorityUuid,
    /// The authority's name. An authority has one order at a time.
    pub name: ProfileName,
    /// The generation that the key is for.
    pub generation: Generation,
    /// The algorithm of the key.
    pub key_algorithm: KeyAlgorithm,
    /// The validity period of a root's certificate.
    pub validity: Period,
    /// The authority to be created with the key; `None` if the authority exists.
    pub first: Option<FirstGeneration>,
    /// The time until which one process has the order for itself, in seconds since 1970.
    pub held_until: Option<i64>,
    /// The key; `None` until it is known to be made.
    pub key: Option<MadeKey>,
}

/// What an authority is to be, beside its key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FirstGeneration {
    /// The administrator's notes.
    pub description: Description,
    /// The issuer of its certificate.
    pub kind: AuthorityKind,
    /// The subject, in the text form of RFC 4514.
    pub subject: String,
}

/// A key that was made for an order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MadeKey {
    /// The location of the private key.
    pub location: KeyLocation,
    /// The public key: a SubjectPublicKeyInfo, DER.
    pub subject_public_key_info: StoredOctets,
}
