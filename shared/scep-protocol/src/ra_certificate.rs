//! RA certificates: the RSA keys that clients encrypt to, and the announcement of the next
//! generation, RFC 8894 §4.7.1.

use ca::generation::Generation;
use ca::id::AuthorityUuid;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyLocation;
use ca::stored_octets::StoredOctets;
use scep_cms::certificate::Certificate;
use serde::{Deserialize, Serialize};

use crate::id::{RaCertificateUuid, RaKeyUuid};

/// What clients see as the CA's certificate: the RSA keys that decrypt requests and sign replies,
/// with those that did so before and those of the next generation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RaCertificate {
    /// The RA certificate's identity in links.
    pub uuid: RaCertificateUuid,
    /// The authority that issued it.
    pub authority: AuthorityUuid,
    /// The keys, oldest first. The authority's current generation decides which one serves.
    pub keys: Vec<RaKeyPair>,
    /// The announcement of the next generation.
    pub announcement: Option<NextCaAnnouncement>,
}

/// One key of an RA certificate and the certificate for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RaKeyPair {
    /// The key's identity, to which its wrapped form is bound.
    pub uuid: RaKeyUuid,
    /// The generation of the authority that issued the certificate.
    pub generation: Generation,
    /// The algorithm of the key.
    pub key_algorithm: KeyAlgorithm,
    /// The location of the private key.
    pub key: KeyLocation,
    /// The certificate.
    pub certificate: Certificate,
}

/// The content of the answer to GetNextCACert, RFC 8894 §4.7.1. It is signed when the next
/// generation is created rather than on request, so that no client can make a CA key sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextCaAnnouncement {
    /// The announced generation.
    pub generation: Generation,
    /// The next generation's certificate and chain, and the RA certificate that it issued.
    pub certificates: Vec<Certificate>,
    /// The current generation's signature over the certificates: raw for RSA, DER for ECDSA.
    pub signature: StoredOctets,
}

impl RaCertificate {
    /// The newest key that does not belong to the announced generation. Without the authority at
    /// hand, this is the best estimate of the key that serves.
    #[must_use]
    pub fn serving_key(&self) -> Option<&RaKeyPair> {
        let announced = self
            .announcement
            .as_ref()
            .map(|announcement| announcement.generation);
        self.keys
            .iter()
            .rfind(|key| Some(key.generation) != announced)
    }

    /// The key of the next generation, once it is announced.
    #[must_use]
    pub fn next_key(&self) -> Option<&RaKeyPair> {
        self.key_of(self.announcement.as_ref()?.generation)
    }

    /// The key that serves while this generation of the authority issues: the generation's newest.
    #[must_use]
    pub fn key_of(&self, generation: Generation) -> Option<&RaKeyPair> {
        self.keys.iter().rfind(|key| key.generation == generation)
    }

    /// The announcement of this generation. One of any other generation is stale and must not be
    /// served.
    #[must_use]
    pub fn announcement_for(&self, generation: Generation) -> Option<&NextCaAnnouncement> {
        self.announcement
            .as_ref()
            .filter(|announcement| announcement.generation == generation)
    }
}
