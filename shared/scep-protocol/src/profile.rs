//! What administrators set up: authorities, RA certificates, RA Profiles, SCEP Profiles.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scep_cms::Certificate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{CertificateTemplate, ChallengeTraits, Description};

/// The word that stands in the URL before the name of an RA Profile, and so names no SCEP Profile.
const RESERVED_NAME: &str = "raProfile";

/// Longest name in characters.
const MAX_NAME_CHARACTERS: usize = 64;

/// A profile's name, which is its key in URLs: 1 to 64 of the unreserved characters of RFC 3986 §2.3.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProfileName(String);

/// Why a text names no profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name is 1 to {MAX_NAME_CHARACTERS} of the characters A-Z a-z 0-9 - . _ ~ and not \"{RESERVED_NAME}\", \".\" or \"..\""
)]
pub struct NameError;

impl ProfileName {
    /// A name of this text.
    ///
    /// # Errors
    /// When it has other characters, no or too many of them, or is reserved.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        let reserved = [RESERVED_NAME, ".", ".."].contains(&text);
        if text.is_empty()
            || text.len() > MAX_NAME_CHARACTERS
            || !text.chars().all(unreserved)
            || reserved
        {
            return Err(NameError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ProfileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ProfileName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<ProfileName> for String {
    fn from(name: ProfileName) -> Self {
        name.0
    }
}

/// Which of the two kinds of SCEP endpoint a request came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EndpointName {
    /// `/scep/{scepProfileName}`: that SCEP Profile with its default RA Profile.
    ScepProfile(ProfileName),
    /// `/scep/raProfile/{raProfileName}`: that RA Profile with the SCEP Profile activated on it.
    RaProfile(ProfileName),
}

/// Where a key store finds a private key; no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeyReference(pub String);

/// A secret as a secret store gave it: encrypted, bound to its profile. Base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSecret(pub String);

/// Kinds of CA and RA keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KeyAlgorithm {
    /// RSA, 2048 bits.
    #[serde(rename = "RSA_2048")]
    Rsa2048,
    /// RSA, 3072 bits.
    #[serde(rename = "RSA_3072")]
    Rsa3072,
    /// RSA, 4096 bits.
    #[serde(rename = "RSA_4096")]
    Rsa4096,
    /// secp256r1.
    #[serde(rename = "EC_P256")]
    EcP256,
    /// secp384r1.
    #[serde(rename = "EC_P384")]
    EcP384,
    /// secp521r1.
    #[serde(rename = "EC_P521")]
    EcP521,
}

impl KeyAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 6] = [
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::EcP256,
        Self::EcP384,
        Self::EcP521,
    ];

    /// Its name in the API, in settings and in storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "RSA_2048",
            Self::Rsa3072 => "RSA_3072",
            Self::Rsa4096 => "RSA_4096",
            Self::EcP256 => "EC_P256",
            Self::EcP384 => "EC_P384",
            Self::EcP521 => "EC_P521",
        }
    }

    /// Is it one of elliptic curves?
    #[must_use]
    pub const fn is_ec(self) -> bool {
        match self {
            Self::EcP256 | Self::EcP384 | Self::EcP521 => true,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => false,
        }
    }

    /// The algorithm of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

/// A CA that issues, or will once another has certified it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authority {
    /// Its identity in links.
    pub uuid: Uuid,
    /// Its name, unique among authorities.
    pub name: ProfileName,
    /// What an administrator notes.
    pub description: Description,
    /// The generation that issues.
    pub current: CaGeneration,
    /// The generation that will, once a rollover has begun.
    pub next: Option<CaGeneration>,
    /// The generations that issued, oldest first.
    pub previous: Vec<CaGeneration>,
}

/// One key of an authority with the certificate for it. A rollover puts the next one in the place of the current one,
/// RFC 8894 §4.7.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CaGeneration {
    /// Counts an authority's keys, from 1.
    pub number: u32,
    /// What the key is.
    pub key_algorithm: KeyAlgorithm,
    /// Where the key is.
    pub key: KeyReference,
    /// Who vouches for the key.
    pub certification: Certification,
}

/// Who vouches for an authority's key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Certification {
    /// The authority itself.
    Root {
        /// Its self-signed certificate.
        certificate: Certificate,
    },
    /// Another CA, when it has answered the request.
    Subordinate {
        /// PKCS #10, PEM.
        request: String,
        /// The other CA's answer.
        installed: Option<CertificatePath>,
    },
}

/// A certificate with those above it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificatePath {
    /// The certificate.
    pub certificate: Certificate,
    /// The certificates above it, nearest first.
    pub chain: Vec<Certificate>,
}

impl CaGeneration {
    /// Its certificate with the chain above it; `None` while it awaits one.
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
        let since = std::iter::once(&self.current).chain(&self.next);
        self.previous.iter().chain(since)
    }

    /// What the generation that issues needs to; `None` while it awaits its certificate.
    #[must_use]
    pub fn issuing(&self) -> Option<IssuingAuthority> {
        self.issuing_by(&self.current)
    }

    /// What one of its generations needs to issue; `None` while that awaits its certificate.
    #[must_use]
    pub fn issuing_by(&self, generation: &CaGeneration) -> Option<IssuingAuthority> {
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

/// A generation of an authority that has its certificate. Made by [`Authority::issuing_by`].
#[derive(Clone, Debug)]
pub struct IssuingAuthority {
    /// The authority's identity in links.
    pub uuid: Uuid,
    /// The authority's name.
    pub name: ProfileName,
    /// Which of the authority's generations it is.
    pub generation: u32,
    /// What its key is.
    pub key_algorithm: KeyAlgorithm,
    /// Where its key is.
    pub key: KeyReference,
    /// Its certificate.
    pub certificate: Certificate,
    /// The certificates above its own, nearest first.
    pub chain: Vec<Certificate>,
}

impl IssuingAuthority {
    /// What follows `/crl/` in the URL of its CRL. Each generation has one of its own: a CRL is signed by the key that signed
    /// the certificates.
    #[must_use]
    pub fn crl_file(&self) -> String {
        let (name, generation) = (&self.name, self.generation);
        match generation {
            0 | 1 => format!("{name}.crl"),
            2.. => format!("{name}/{generation}.crl"),
        }
    }
}

/// The "CA certificate" that a SCEP Profile shows: an RSA key that opens requests and signs replies, and the keys that came before
/// and will come after.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RaCertificate {
    /// Its identity in links.
    pub uuid: Uuid,
    /// The authority that issued it.
    pub authority: Uuid,
    /// Its keys, oldest first. Which one serves depends on the generation of the authority that does.
    pub keys: Vec<RaKeyPair>,
    /// What clients are told of the next generation.
    pub announcement: Option<NextCaAnnouncement>,
}

/// One key of an RA certificate with the certificate for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RaKeyPair {
    /// Its identity, which its wrapped key is bound to.
    pub uuid: Uuid,
    /// The generation of the authority that issued it.
    pub generation: u32,
    /// What the key is.
    pub key_algorithm: KeyAlgorithm,
    /// Where the key is.
    pub key: KeyReference,
    /// The certificate.
    pub certificate: Certificate,
}

/// What the answer to GetNextCACert is made of, RFC 8894 §4.7.1: signed when the next generation is made, so that no stranger makes
/// a CA key sign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextCaAnnouncement {
    /// The generation that it announces.
    pub generation: u32,
    /// The next authority's certificate and chain, and the RA certificate under it.
    pub certificates: Vec<Certificate>,
    /// The current generation's signature of them.
    pub signature: Signature,
}

/// A signature, raw for RSA, DER for ECDSA. Serialised as base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature(pub Vec<u8>);

impl From<Signature> for String {
    fn from(signature: Signature) -> Self {
        STANDARD.encode(signature.0)
    }
}

impl TryFrom<String> for Signature {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        STANDARD.decode(text).map(Self)
    }
}

impl RaCertificate {
    /// The key that serves, as far as it can be told without the authority: the newest that is not of the generation which is only
    /// announced.
    #[must_use]
    pub fn serving_key(&self) -> Option<&RaKeyPair> {
        let announced = self.announcement.as_ref().map(|told| told.generation);
        let mut newest_first = self.keys.iter().rev();
        newest_first.find(|key| Some(key.generation) != announced)
    }

    /// The key of the next generation, once it is announced.
    #[must_use]
    pub fn next_key(&self) -> Option<&RaKeyPair> {
        self.key_of(self.announcement.as_ref()?.generation)
    }

    /// The key that serves while this generation of the authority issues: its newest.
    #[must_use]
    pub fn key_of(&self, generation: u32) -> Option<&RaKeyPair> {
        let mut newest_first = self.keys.iter().rev();
        newest_first.find(|key| key.generation == generation)
    }
}

/// What may be issued.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RaProfile {
    /// Its identity in links.
    pub uuid: Uuid,
    /// Its name, unique among RA Profiles.
    pub name: ProfileName,
    /// What an administrator notes.
    pub description: Description,
    /// Disabled profiles serve nobody.
    pub enabled: bool,
    /// The authority that issues under it.
    pub authority: Uuid,
    /// The SCEP Profile activated on it.
    pub scep: Option<ScepActivation>,
    /// The rules for its certificates.
    pub template: CertificateTemplate,
}

/// SCEP on an RA Profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScepActivation {
    /// The SCEP Profile.
    pub scep_profile: Uuid,
    /// Put on the record of each certificate that comes of the RA Profile's own endpoint.
    pub issue_certificate_attributes: Attributes,
}

/// How SCEP is spoken.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScepProfile {
    /// Its identity in links.
    pub uuid: Uuid,
    /// Its name, unique among SCEP Profiles.
    pub name: ProfileName,
    /// What an administrator notes.
    pub description: Description,
    /// Disabled profiles serve nobody.
    pub enabled: bool,
    /// The default RA Profile.
    pub ra_profile: Option<Uuid>,
    /// The RA certificate that it shows and whose key it uses.
    pub ra_certificate: Uuid,
    /// The challengePassword that authorises enrolments; without one, none is authorised.
    pub challenge: Option<SealedSecret>,
    /// What was noted of it when it was set; `None` also when that was before anything was noted.
    #[serde(default)]
    pub challenge_traits: Option<ChallengeTraits>,
    /// From when on before its expiry a certificate may be renewed, in days; `None` or 0: in the second half of its life.
    pub renewal_threshold_days: Option<u32>,
    /// Whether every enrolment waits for an administrator.
    pub require_manual_approval: bool,
    /// May a message be signed by another key than that of the request in it? For devices that enrol through a proxy,
    /// or whose key cannot sign messages.
    #[serde(default)]
    pub allow_proxy_signer: bool,
    /// Whether CertRep carries the issuer beside the leaf.
    pub include_ca_certificate: bool,
    /// Whether CertRep carries the issuer and its whole chain beside the leaf.
    pub include_ca_certificate_chain: bool,
    /// What GetCACert answers.
    pub ca_certificate_form: CaCertificateForm,
    /// Whether SHA-1 and triple DES are taken and announced.
    pub legacy_algorithms: bool,
    /// What Intune's validation will need; nothing uses it yet.
    pub intune: IntuneSettings,
    /// What is put on the record of each certificate.
    pub annotations: Annotations,
}

/// The application by which Microsoft Intune validates challenges.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IntuneSettings {
    /// The Entra tenant.
    pub tenant: Option<String>,
    /// The application's id.
    pub application_id: Option<String>,
    /// The application's secret.
    pub application_key: Option<SealedSecret>,
}

/// Attributes of the platform's kind: a JSON array, kept as it came, which means nothing to Scepter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes(pub String);

impl Default for Attributes {
    fn default() -> Self {
        Self("[]".to_owned())
    }
}

/// What an administrator wants to find on the record of each certificate that comes of a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// Attributes of the issuance.
    pub issue_certificate_attributes: Attributes,
    /// Attributes of the profile.
    pub custom_attributes: Attributes,
    /// Whose the certificates are.
    pub associations: CertificateAssociations,
}

/// Whose certificates are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateAssociations {
    /// The owner's name.
    pub owner: Option<String>,
    /// Names of groups.
    pub groups: Vec<String>,
    /// Attributes of the certificates.
    pub custom_attributes: Attributes,
}

/// What GetCACert answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CaCertificateForm {
    /// The RA certificate, the authority's, then its chain.
    #[default]
    Chain,
    /// The RA certificate alone.
    RaOnly,
}
