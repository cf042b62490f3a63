//! The objects that administrators create: authorities, RA certificates, RA Profiles and SCEP
//! Profiles.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scep_cms::Certificate;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use crate::{CertificateTemplate, ChallengeTraits, Description, KeyLocation, SealedSecret};

/// The path segment that precedes the name of an RA Profile in URLs. A SCEP Profile of this name
/// would be unreachable.
const RESERVED_NAME: &str = "raProfile";

/// Longest name, in characters.
const MAX_NAME_CHARACTERS: usize = 64;

/// A profile's name, by which URLs refer to it: 1 to 64 of the unreserved characters of RFC 3986
/// §2.3.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProfileName(String);

/// A text is not a valid name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name is 1 to {MAX_NAME_CHARACTERS} of the characters A-Z a-z 0-9 - . _ ~ and not \"{RESERVED_NAME}\", \".\" or \"..\""
)]
pub struct NameError;

impl ProfileName {
    /// Parses a name.
    ///
    /// # Errors
    /// If the text is empty or too long, has other characters, or is reserved.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        // Clients and proxies remove the path segments `.` and `..`, RFC 3986 §5.2.4.
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

/// The SCEP endpoint that received a request, of one of two kinds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EndpointName {
    /// `/scep/{scepProfileName}`: the SCEP Profile of this name with its default RA Profile.
    ScepProfile(ProfileName),
    /// `/scep/raProfile/{raProfileName}`: the RA Profile of this name with the SCEP Profile that is
    /// activated on it.
    RaProfile(ProfileName),
}

/// Kinds of CA and RA keys.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    strum::VariantNames,
)]
#[serde(into = "&'static str")]
pub enum KeyAlgorithm {
    /// RSA, 2048 bits.
    #[strum(serialize = "RSA_2048")]
    Rsa2048,
    /// RSA, 3072 bits.
    #[strum(serialize = "RSA_3072")]
    Rsa3072,
    /// RSA, 4096 bits.
    #[strum(serialize = "RSA_4096")]
    Rsa4096,
    /// secp256r1.
    #[strum(serialize = "EC_P256")]
    EcP256,
    /// secp384r1.
    #[strum(serialize = "EC_P384")]
    EcP384,
    /// secp521r1.
    #[strum(serialize = "EC_P521")]
    EcP521,
}

impl KeyAlgorithm {
    /// The algorithm's name in the API, in settings and in storage.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether this is an elliptic-curve algorithm.
    #[must_use]
    pub const fn is_ec(self) -> bool {
        match self {
            Self::EcP256 | Self::EcP384 | Self::EcP521 => true,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => false,
        }
    }
}

impl<'de> Deserialize<'de> for KeyAlgorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let names = <Self as strum::VariantNames>::VARIANTS;
        name.parse()
            .map_err(|_| D::Error::unknown_variant(&name, names))
    }
}

/// A CA: a root, or a subordinate that may still be waiting for its certificate.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authority {
    /// The authority's identity in links.
    pub uuid: Uuid,
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
    /// The number of the generation, counted from 1.
    pub number: u32,
    /// The algorithm of the key.
    pub key_algorithm: KeyAlgorithm,
    /// The location of the private key.
    pub key: KeyLocation,
    /// The certificate for the key, or the request for one.
    pub certification: Certification,
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
    pub fn issuing(&self) -> Option<IssuingAuthority> {
        self.issuing_by(&self.current)
    }

    /// One of the authority's generations, ready to issue; `None` while it has no certificate.
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

/// A generation of an authority that has its certificate. Constructed by [`Authority::issuing_by`].
#[derive(Clone, Debug)]
pub struct IssuingAuthority {
    /// The authority's identity in links.
    pub uuid: Uuid,
    /// The authority's name.
    pub name: ProfileName,
    /// The number of the generation.
    pub generation: u32,
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
        match generation {
            // The first generation's URL has no number, so that an authority without a rollover has
            // a plain one. Certificates carry these URLs: they must never change.
            0 | 1 => format!("{name}.crl"),
            2.. => format!("{name}/{generation}.crl"),
        }
    }
}

/// The "CA certificate" that clients see: the RSA keys that decrypt requests and sign replies, now,
/// before and after.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RaCertificate {
    /// The RA certificate's identity in links.
    pub uuid: Uuid,
    /// The authority that issued it.
    pub authority: Uuid,
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
    pub uuid: Uuid,
    /// The generation of the authority that issued the certificate.
    pub generation: u32,
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
    pub generation: u32,
    /// The next generation's certificate and chain, and the RA certificate that it issued.
    pub certificates: Vec<Certificate>,
    /// The current generation's signature over the certificates.
    pub signature: Signature,
}

/// A signature: raw for RSA, DER for ECDSA. Serialised as base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature(Vec<u8>);

impl Signature {
    /// A signature in these octets.
    #[must_use]
    pub const fn new(octets: Vec<u8>) -> Self {
        Self(octets)
    }

    /// Returns the octets.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

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
    pub fn key_of(&self, generation: u32) -> Option<&RaKeyPair> {
        self.keys.iter().rfind(|key| key.generation == generation)
    }

    /// The announcement of this generation. One of any other generation is stale and must not be
    /// served.
    #[must_use]
    pub fn announcement_for(&self, generation: u32) -> Option<&NextCaAnnouncement> {
        self.announcement
            .as_ref()
            .filter(|announcement| announcement.generation == generation)
    }
}

/// The policy for issuing certificates: an authority and a certificate template.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RaProfile {
    /// The profile's identity in links.
    pub uuid: Uuid,
    /// The profile's name, unique among RA Profiles.
    pub name: ProfileName,
    /// An administrator's notes.
    pub description: Description,
    /// Whether the profile serves clients.
    pub enabled: bool,
    /// The authority that issues the profile's certificates.
    pub authority: Uuid,
    /// The SCEP Profile that is activated on the profile.
    pub scep: Option<ScepActivation>,
    /// The rules for the profile's certificates.
    pub template: CertificateTemplate,
}

/// The activation of SCEP on an RA Profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScepActivation {
    /// The SCEP Profile.
    pub scep_profile: Uuid,
    /// Attributes for the record of each certificate issued at the RA Profile's own endpoint.
    pub issue_certificate_attributes: Attributes,
}

/// The settings of the SCEP protocol: credentials, algorithms and forms of replies.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScepProfile {
    /// The profile's identity in links.
    pub uuid: Uuid,
    /// The profile's name, unique among SCEP Profiles.
    pub name: ProfileName,
    /// An administrator's notes.
    pub description: Description,
    /// Whether the profile serves clients.
    pub enabled: bool,
    /// The default RA Profile.
    pub ra_profile: Option<Uuid>,
    /// The RA certificate that GetCACert returns and whose key the profile uses.
    pub ra_certificate: Uuid,
    /// The challengePassword that authorises enrolments. Without one, only manual approval does.
    pub challenge: Option<SealedSecret>,
    /// The traits of the challengePassword, noted when it is set; `None` without one, or if an
    /// earlier version set it, which did not note them.
    #[serde(default)]
    pub challenge_traits: Option<ChallengeTraits>,
    /// How many days before its expiry a certificate may be renewed. With `None` or 0, it may be
    /// renewed in the second half of its validity.
    pub renewal_threshold_days: Option<u32>,
    /// Whether every enrolment waits for an administrator.
    pub require_manual_approval: bool,
    /// Whether a message may be signed by a key other than that of the request in it. For devices
    /// that enrol through a proxy, or whose key cannot sign messages.
    #[serde(default)]
    pub allow_proxy_signer: bool,
    /// Whether a CertRep carries the issuer's certificate after the leaf.
    pub include_ca_certificate: bool,
    /// Whether a CertRep carries the issuer's certificate and its whole chain after the leaf.
    pub include_ca_certificate_chain: bool,
    /// The certificates that GetCACert returns.
    pub ca_certificate_form: CaCertificateForm,
    /// Whether SHA-1 and triple DES are allowed and announced.
    pub legacy_algorithms: bool,
    /// Settings for Intune's validation of challenges. Not used yet.
    pub intune: IntuneSettings,
    /// The annotations to write to the record of each certificate.
    pub annotations: Annotations,
}

/// The application by which Microsoft Intune validates challenges.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IntuneSettings {
    /// The Entra tenant.
    pub tenant: Option<String>,
    /// The id of the application.
    pub application_id: Option<String>,
    /// The secret of the application.
    pub application_key: Option<SealedSecret>,
}

/// Attributes in the format of the surrounding platform: a JSON array that is stored unchanged and
/// has no meaning to Scepter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes(String);

impl Attributes {
    /// Attributes in this JSON array.
    #[must_use]
    pub const fn from_json(array: String) -> Self {
        Self(array)
    }

    /// Returns the JSON array.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

impl Default for Attributes {
    fn default() -> Self {
        Self("[]".to_owned())
    }
}

/// Metadata that a profile adds to the record of each of its certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Annotations {
    /// Attributes of the issuance.
    pub issue_certificate_attributes: Attributes,
    /// Attributes of the profile.
    pub custom_attributes: Attributes,
    /// The owner and groups of the certificates.
    pub associations: CertificateAssociations,
}

/// The owner and groups of a profile's certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateAssociations {
    /// The owner's name.
    pub owner: Option<String>,
    /// The names of the groups.
    pub groups: Vec<String>,
    /// Attributes of the certificates.
    pub custom_attributes: Attributes,
}

/// The certificates that GetCACert returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, VariantArray)]
#[serde(rename_all = "camelCase")]
pub enum CaCertificateForm {
    /// The RA certificate, then the authority's, then its chain.
    #[default]
    Chain,
    /// The RA certificate alone.
    RaOnly,
}
