//! The rules of an RA Profile: what its certificates hold. Applied by `ca-issuer`.

use std::collections::BTreeMap;

use scep_cms::EcCurve;
use serde::{Deserialize, Serialize};

use crate::{Pattern, Period, SubjectAttribute};

/// The rules for the certificates of an RA Profile. The default is what the API documents as default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateTemplate {
    /// From issuance to notAfter, never beyond the authority's own.
    pub validity: Period,
    /// From notBefore to issuance, for clients whose clock is slow.
    pub backdate: Period,
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
    /// Whether certificates say where the authority's CRL is, once it has one.
    pub crl_distribution_point: bool,
}

impl Default for CertificateTemplate {
    fn default() -> Self {
        Self {
            validity: Period::days(365),
            backdate: Period::hours(1),
            rsa_min_bits: 2048,
            ec_curves: vec![EcCurve::P256, EcCurve::P384, EcCurve::P521],
            subject: SubjectRule {
                required: Vec::new(),
                allowed: None,
                fixed: BTreeMap::new(),
                common_name_pattern: None,
            },
            subject_alt_name: SubjectAltNameRule {
                types: vec![SubjectAltNameType::Dns, SubjectAltNameType::Ip],
                patterns: BTreeMap::new(),
                common_name_as_dns: false,
            },
            key_usage: vec![KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment],
            extended_key_usage: vec![ExtendedKeyUsage::ClientAuth],
            crl_distribution_point: true,
        }
    }
}

/// Longest RSA modulus that a rule may ask for, in bits: no longer one is read.
const MAX_RSA_BITS: usize = 8192;

/// Shortest RSA modulus that a rule may allow, in bits.
const MIN_RSA_BITS: usize = 1024;

/// Why rules are no rules: with these, nobody or the wrong one would get a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Certificates would begin longer ago than anyone's clock is slow.
    #[error("certificateTemplate.backdate: at most P31D")]
    Backdate,
    /// A fixed value is empty, too long, or of characters that its attribute cannot hold.
    #[error("certificateTemplate.subject.fixed: {} cannot be this: {}", .0.name(), .0.form())]
    Fixed(SubjectAttribute),
    /// A type of name that says who someone is, is allowed without saying who may be whom.
    #[error("certificateTemplate.subjectAltName.patterns.{kind}: needed, since types has {kind}: every holder of a challenge could be anybody", kind = .0.name())]
    PatternMissing(SubjectAltNameType),
    /// A required attribute is not allowed.
    #[error("certificateTemplate.subject: {} is required but not allowed", .0.name())]
    RequiredNotAllowed(SubjectAttribute),
    /// The RSA modulus is out of range.
    #[error("certificateTemplate.rsaMinBits: {MIN_RSA_BITS} to {MAX_RSA_BITS}")]
    RsaMinBits,
    /// Certificates would end as they begin.
    #[error("certificateTemplate.validity: longer than no time")]
    Validity,
}

impl CertificateTemplate {
    /// Everything that is wrong with these rules.
    #[must_use]
    pub fn errors(&self) -> Vec<TemplateError> {
        let mut errors = Vec::new();
        if self.validity.is_zero() {
            errors.push(TemplateError::Validity);
        }
        if Period::days(31).is_shorter_than(self.backdate) {
            errors.push(TemplateError::Backdate);
        }
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&self.rsa_min_bits) {
            errors.push(TemplateError::RsaMinBits);
        }
        errors.extend(self.subject.errors());
        errors.extend(self.subject_alt_name.errors());
        errors
    }
}

/// What the subject must and may hold. It is otherwise taken from the request as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubjectRule {
    /// Attributes that must be there.
    pub required: Vec<SubjectAttribute>,
    /// Attributes that may be there, beside fixed ones; `None` for any.
    pub allowed: Option<Vec<SubjectAttribute>>,
    /// Values that every subject has: added where the request has none, and no others are taken.
    pub fixed: BTreeMap<SubjectAttribute, String>,
    /// What every CN must match.
    pub common_name_pattern: Option<Pattern>,
}

impl SubjectRule {
    fn errors(&self) -> Vec<TemplateError> {
        let allows = |attribute| {
            self.allowed
                .as_ref()
                .is_none_or(|allowed| allowed.contains(attribute))
                || self.fixed.contains_key(attribute)
        };
        let forbidden = self
            .required
            .iter()
            .filter(|attribute| !allows(attribute))
            .map(|attribute| TemplateError::RequiredNotAllowed(*attribute));
        let unfit = self
            .fixed
            .iter()
            .filter(|(attribute, value)| !attribute.can_be(value))
            .map(|(attribute, _)| TemplateError::Fixed(*attribute));
        forbidden.chain(unfit).collect()
    }
}

/// Which names may stand beside the subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubjectAltNameRule {
    /// The types that are taken from a request.
    pub types: Vec<SubjectAltNameType>,
    /// What every name of a type must match.
    pub patterns: BTreeMap<SubjectAltNameType, Pattern>,
    /// Whether the CN stands beside the subject too, as a DNS name.
    pub common_name_as_dns: bool,
}

impl SubjectAltNameRule {
    fn errors(&self) -> impl Iterator<Item = TemplateError> {
        self.unbound_types().map(TemplateError::PatternMissing)
    }

    /// The types that are allowed, need a pattern and have none: none of their names is taken from
    /// a request. Rules that were stored by an earlier version have such.
    pub fn unbound_types(&self) -> impl Iterator<Item = SubjectAltNameType> {
        let is_unbound = |kind: &SubjectAltNameType| !self.patterns.contains_key(kind);
        let types = self.types.iter().copied().filter(is_unbound);
        types.filter(|kind| kind.needs_pattern())
    }
}

/// A type of GeneralName that a rule can allow, RFC 5280 §4.2.1.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

    /// Is a name of this type who someone is rather than where something is? A client that shares a
    /// challenge with others must not choose it.
    #[must_use]
    pub const fn needs_pattern(self) -> bool {
        match self {
            Self::Email | Self::Uri | Self::Upn => true,
            Self::Dns | Self::Ip => false,
        }
    }

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

impl ExtendedKeyUsage {
    /// Every purpose.
    pub const ALL: [Self; 6] = [
        Self::ClientAuth,
        Self::ServerAuth,
        Self::CodeSigning,
        Self::EmailProtection,
        Self::TimeStamping,
        Self::OcspSigning,
    ];

    /// Its name in the API, RFC 5280's behind `id-kp-`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientAuth => "clientAuth",
            Self::ServerAuth => "serverAuth",
            Self::CodeSigning => "codeSigning",
            Self::EmailProtection => "emailProtection",
            Self::TimeStamping => "timeStamping",
            Self::OcspSigning => "ocspSigning",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(edit: impl FnOnce(&mut CertificateTemplate), expected: &[TemplateError]) {
        let mut template = CertificateTemplate::default();
        edit(&mut template);
        assert_eq!(template.errors(), expected);
    }

    #[test]
    fn rules_that_nobody_could_keep_are_errors() {
        use SubjectAttribute::{CommonName, Country, Organization, SerialNumber};
        check(|_| {}, &[]);
        check(
            |t| t.validity = "PT0S".parse().unwrap(),
            &[TemplateError::Validity],
        );
        check(
            |t| t.backdate = "P32D".parse().unwrap(),
            &[TemplateError::Backdate],
        );
        check(|t| t.rsa_min_bits = 512, &[TemplateError::RsaMinBits]);
        check(|t| t.rsa_min_bits = 16_384, &[TemplateError::RsaMinBits]);
        check(
            |t| {
                t.subject.required = vec![CommonName];
                t.subject.allowed = Some(vec![Organization]);
            },
            &[TemplateError::RequiredNotAllowed(CommonName)],
        );
        let fixed = |attribute, value: &str| {
            let fixed = BTreeMap::from([(attribute, value.to_owned())]);
            move |t: &mut CertificateTemplate| t.subject.fixed = fixed
        };
        check(fixed(Country, "DE"), &[]);
        check(fixed(Country, "Germany"), &[TemplateError::Fixed(Country)]);
        check(
            fixed(Organization, ""),
            &[TemplateError::Fixed(Organization)],
        );
        check(
            fixed(SerialNumber, "a_b"),
            &[TemplateError::Fixed(SerialNumber)],
        );
        check(
            fixed(Organization, "a\0"),
            &[TemplateError::Fixed(Organization)],
        );
        check(
            fixed(Organization, &"o".repeat(65)),
            &[TemplateError::Fixed(Organization)],
        );
        for value in ["a\u{202e}", "a\u{200b}b", "a\r\nb", "a\u{9b}"] {
            check(
                fixed(Organization, value),
                &[TemplateError::Fixed(Organization)],
            );
        }
    }

    #[test]
    fn names_that_say_who_someone_is_need_a_pattern() {
        use SubjectAltNameType::{Email, Upn, Uri};
        let types = |types: &[SubjectAltNameType], patterns: &[SubjectAltNameType]| {
            let (types, patterns) = (types.to_vec(), patterns.to_vec());
            move |t: &mut CertificateTemplate| {
                let any = Pattern::new(".*").unwrap();
                t.subject_alt_name.types = types;
                t.subject_alt_name.patterns = patterns
                    .into_iter()
                    .map(|kind| (kind, any.clone()))
                    .collect();
            }
        };
        let missing = TemplateError::PatternMissing;
        check(
            types(&SubjectAltNameType::ALL, &[]),
            &[missing(Email), missing(Uri), missing(Upn)],
        );
        check(types(&[Upn], &[Uri]), &[missing(Upn)]);
        check(types(&SubjectAltNameType::ALL, &[Email, Uri, Upn]), &[]);
        let message = missing(Upn).to_string();
        assert!(
            message.starts_with("certificateTemplate.subjectAltName.patterns.upn: "),
            "{message}"
        );
    }
}
