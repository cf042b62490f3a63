//! The rules of an RA Profile: what its certificates hold. Applied by `ca-issuer`.

use std::time::Duration;

use scep_cms::EcCurve;
use serde::{Deserialize, Serialize};

/// The rules for the certificates of an RA Profile. The default is what the API documents as default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateTemplate {
    /// From issuance to notAfter, never beyond the authority's own.
    pub validity: Duration,
    /// From notBefore to issuance, for clients whose clock is slow.
    pub backdate: Duration,
    /// Shortest RSA modulus, in bits.
    pub rsa_min_bits: usize,
    /// Curves of EC keys.
    pub ec_curves: Vec<EcCurve>,
    /// Rules for the subject.
    pub subject: SubjectRule,
    /// Rules for subjectAltName.
    pub subject_alt_name: SubjectAltNameRule,
    /// keyUsage, of which a certificate gets what its key can do.
    pub key_usage: Vec<KeyUsage>,
    /// extendedKeyUsage; none when empty.
    pub extended_key_usage: Vec<ExtendedKeyUsage>,
}

impl Default for CertificateTemplate {
    fn default() -> Self {
        Self {
            validity: Duration::from_secs(365 * 24 * 60 * 60),
            backdate: Duration::from_secs(60 * 60),
            rsa_min_bits: 2048,
            ec_curves: vec![EcCurve::P256, EcCurve::P384, EcCurve::P521],
            subject: SubjectRule {
                required: vec!["CN".to_owned()],
            },
            subject_alt_name: SubjectAltNameRule {
                types: SubjectAltNameType::ALL.to_vec(),
            },
            key_usage: vec![KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment],
            extended_key_usage: vec![ExtendedKeyUsage::ClientAuth],
        }
    }
}

/// What the subject must hold. It is otherwise taken from the request as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectRule {
    /// Attribute types that must be there, by their RFC 4514 short names.
    pub required: Vec<String>,
}

/// Which names may stand beside the subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectAltNameRule {
    /// The types that are taken from a request.
    pub types: Vec<SubjectAltNameType>,
}

/// A type of GeneralName that a rule can allow, RFC 5280 §4.2.1.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SubjectAltNameType {
    /// dNSName.
    Dns,
    /// iPAddress.
    Ip,
    /// rfc822Name.
    Email,
    /// uniformResourceIdentifier.
    Uri,
    /// otherName of type userPrincipalName, [MS-WCCE] §2.2.2.7.7.4.
    Upn,
}

impl SubjectAltNameType {
    /// Every type.
    pub const ALL: [Self; 5] = [Self::Dns, Self::Ip, Self::Email, Self::Uri, Self::Upn];

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Ip => "ip",
            Self::Email => "email",
            Self::Uri => "uri",
            Self::Upn => "upn",
        }
    }
}

/// Bits of keyUsage that a client's certificate may have, RFC 5280 §4.2.1.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyUsage {
    /// To sign anything but certificates and CRLs.
    DigitalSignature,
    /// contentCommitment, once called nonRepudiation.
    ContentCommitment,
    /// To encrypt keys; RSA only.
    KeyEncipherment,
    /// To encrypt data directly; RSA only.
    DataEncipherment,
    /// To agree on keys; EC only.
    KeyAgreement,
}

/// Purposes of extendedKeyUsage, RFC 5280 §4.2.1.12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExtendedKeyUsage {
    /// TLS client authentication.
    ClientAuth,
    /// TLS server authentication.
    ServerAuth,
    /// Signing of code.
    CodeSigning,
    /// Signing and encryption of e-mail.
    EmailProtection,
    /// Time stamping.
    TimeStamping,
    /// Signing of OCSP answers.
    OcspSigning,
}
