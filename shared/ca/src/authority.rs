//! Authorities and their generations: the CAs that sign certificates.

use scep_cms::certificate::Certificate;
use serde::{Deserialize, Serialize};

use crate::bounded_text::Description;
use crate::generation::Generation;
use crate::id::AuthorityUuid;
use crate::key_algorithm::KeyAlgorithm;
use crate::key_location::KeyLocation;
use crate::profile_name::ProfileName;

/// A CA: a root, or a subordinate that may still be waiting for its certificate.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authority {
    /// The authority's identity in links.
    pub uuid: AuthorityUuid,
    /// The authority's name, unique among authorities.
    pub name: ProfileName,
    /// An administrator's notes.
    pub description: Description,
    /// The generation that issues.
    pub current: CaGeneration,
    /// The generation that a rollover has prepared to issue next.
    pub next: Option<CaGeneration>,
    /// The generations that issued before, oldest first.
    pub previous: Vec<CaGeneration>,
}

/// One key of an authority and its certificate. A rollover replaces the current generation by the
/// next one, RFC 8894 §4.7.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CaGeneration {
    /// The number of the generation.
    pub number: Generation,
    /// The algorithm of the key.
    pub key_algorithm: KeyAlgorithm,
    /// The location of the private key.
    pub key: KeyLocation,
    /// The certificate for the key, or the request for one.
    pub certification: Certification,
}

/// The issuer of an authority's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AuthorityKind {
    /// The authority itself.
    Root,
    /// Another CA.
    Subordinate,
}

/// How an authority's key is certified.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Certification {
    /// The authority is a root.
    Root {
        /// The self-signed certificate.
        certificate: Certificate,
    },
    /// The authority is a subordinate of another CA.
    Subordinate {
        /// The PKCS #10 request for the certificate, PEM.
        request: String,
        /// The certificate from the other CA; `None` until an administrator has installed it.
        installed: Option<CertificatePath>,
    },
}

/// A certificate with its chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificatePath {
    /// The certificate.
    pub certificate: Certificate,
    /// The certificates above it, nearest first.
    pub chain: Vec<Certificate>,
}

impl CaGeneration {
    /// The generation's certificate with its chain; `None` while it has no certificate.
    #[must_use]
    pub fn path(&self) -> Option<CertificatePath> {
        match &self.certification {
            Certification::Root { certificate } => Some(CertificatePath {
                certificate: certificate.clone(),
                chain: Vec::new(),
            }),
            Certification::Subordinate { installed, .. } => installed.clone(),
        }
    }
}

impl Authority {
    /// Every generation, oldest first.
    pub fn generations(&self) -> impl Iterator<Item = &CaGeneration> {
        self.previous
            .iter()
            .chain(std::iter::once(&self.current))
            .chain(&self.next)
    }

    /// The current generation, ready to issue; `None` while it has no certificate.
    #[must_use]
    pub fn issuing_authority(&self) -> Option<IssuingAuthority> {
        self.issuing_authority_of(&self.current)
    }

    /// One of the authority's generations, ready to issue; `None` while it has no certificate.
    #[must_use]
    pub fn issuing_authority_of(&self, generation: &CaGeneration) -> Option<IssuingAuthority> {
        let CertificatePath { certificate, chain } = generation.path()?;
        Some(IssuingAuthority {
            uuid: self.uuid,
            name: self.name.clone(),
            generation: generation.number,
            key_algorithm: generation.key_algorithm,
            key: generation.key.clone(),
            certificate,
            chain,
        })
    }
}

/// A generation of an authority that has its certificate. Constructed by
/// [`Authority::issuing_authority_of`].
#[derive(Clone, Debug)]
pub struct IssuingAuthority {
    /// The authority's identity in links.
    pub uuid: AuthorityUuid,
    /// The authority's name.
    pub name: ProfileName,
    /// The number of the generation.
    pub generation: Generation,
    /// The algorithm of the generation's key.
    pub key_algorithm: KeyAlgorithm,
    /// The location of the generation's private key.
    pub key: KeyLocation,
    /// The generation's certificate.
    pub certificate: Certificate,
    /// The certificates above it, nearest first.
    pub chain: Vec<Certificate>,
}

impl IssuingAuthority {
    /// The part of the CRL's URL after `/crl/`. Each generation has a CRL of its own, signed by the
    /// key that signed its certificates.
    #[must_use]
    pub fn crl_file(&self) -> String {
        let (name, generation) = (&self.name, self.generation);
        // The first generation's URL has no number, so that an authority without a rollover has a
        // plain one. Certificates carry these URLs: they must never change.
        if generation == Generation::FIRST {
            return format!("{name}.crl");
        }
        format!("{name}/{generation}.crl")
    }
}
