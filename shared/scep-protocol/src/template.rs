//! The rules of an RA Profile: what its certificates hold. Applied by `ca-issuer`.

use std::collections::BTreeMap;

use scep_cms::EcCurve;
use serde::{Deserialize, Serialize};

use crate::{ExtendedKeyUsage, Pattern, Period, SubjectAltNameType, SubjectAttribute};

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
                ignore_others: false,
            },
            key_usage: vec![KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment],
            extended_key_usage: vec![ExtendedKeyUsage::CLIENT_AUTH],
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
    #[error("certificateTemplate.subject.fixed: {} cannot be this: {}", .0, .0.form())]
    Fixed(SubjectAttribute),
    /// A type of name that says who someone is, is allowed without saying who may be whom.
    #[error(
        "certificateTemplate.subjectAltName.patterns.{0}: needed, since types has {0}: every holder of a challenge could be anybody"
    )]
    PatternMissing(SubjectAltNameType),
    /// A required attribute is not allowed.
    #[error("certificateTemplate.subject: {0} is required but not allowed")]
    RequiredNotAllowed(SubjectAttribute),
    /// The RSA modulus is out of range.
    #[error("certificateTemplate.rsaMinBits: {MIN_RSA_BITS} to {MAX_RSA_BITS}")]
    RsaMinBits,
    /// A purpose that makes a device speak for the authority or for others.
    #[error(
        "certificateTemplate.extendedKeyUsage: {0} is for no device: its holder would speak for the authority or for others"
    )]
    UnfitUsage(ExtendedKeyUsage),
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
        errors.extend(self.unfit_usages().map(TemplateError::UnfitUsage));
        errors
    }

    /// The purposes that no rules may give to devices any more. Rules that were stored by an earlier
    /// version have such.
    pub fn unfit_usages(&self) -> impl Iterator<Item = ExtendedKeyUsage> {
        let usages = self.extended_key_usage.iter().copied();
        usages.filter(|usage| usage.is_unfit_for_devices())
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
    /// Whether names of types that are not taken are left out, and not a reason to refuse. Rules that
    /// were stored by an earlier version do not say so.
    #[serde(default)]
    pub ignore_others: bool,
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

impl KeyUsage {
    /// Its name in the API, RFC 5280's.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DigitalSignature => "digitalSignature",
            Self::ContentCommitment => "contentCommitment",
            Self::KeyEncipherment => "keyEncipherment",
            Self::DataEncipherment => "dataEncipherment",
            Self::KeyAgreement => "keyAgreement",
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
        let (country, serial_number) = (SubjectAttribute::COUNTRY, SubjectAttribute::SERIAL_NUMBER);
        let (common_name, organization) = (
            SubjectAttribute::COMMON_NAME,
            SubjectAttribute::ORGANIZATION,
        );
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
                t.subject.required = vec![common_name];
                t.subject.allowed = Some(vec![organization]);
            },
            &[TemplateError::RequiredNotAllowed(common_name)],
        );
        let fixed = |attribute, value: &str| {
            let fixed = BTreeMap::from([(attribute, value.to_owned())]);
            move |t: &mut CertificateTemplate| t.subject.fixed = fixed
        };
        check(fixed(country, "DE"), &[]);
        check(fixed(country, "Germany"), &[TemplateError::Fixed(country)]);
        check(
            fixed(organization, ""),
            &[TemplateError::Fixed(organization)],
        );
        check(
            fixed(serial_number, "a_b"),
            &[TemplateError::Fixed(serial_number)],
        );
        check(
            fixed(organization, "a\0"),
            &[TemplateError::Fixed(organization)],
        );
        check(
            fixed(organization, &"o".repeat(65)),
            &[TemplateError::Fixed(organization)],
        );
        for value in ["a\u{202e}", "a\u{200b}b", "a\r\nb", "a\u{9b}"] {
            check(
                fixed(organization, value),
                &[TemplateError::Fixed(organization)],
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
            types(&SubjectAltNameType::NAMED, &[]),
            &[missing(Email), missing(Uri), missing(Upn)],
        );
        check(types(&[Upn], &[Uri]), &[missing(Upn)]);
        check(types(&SubjectAltNameType::NAMED, &[Email, Uri, Upn]), &[]);
        let message = missing(Upn).to_string();
        assert!(
            message.starts_with("certificateTemplate.subjectAltName.patterns.upn: "),
            "{message}"
        );
    }

    #[test]
    fn purposes_that_speak_for_others_are_for_no_device() {
        for text in [
            "ocspSigning",
            "1.3.6.1.5.5.7.3.9",
            "2.5.29.37.0",
            "1.3.6.1.4.1.311.20.2.1",
        ] {
            let usage: ExtendedKeyUsage = text.parse().unwrap();
            let usages = vec![ExtendedKeyUsage::CLIENT_AUTH, usage];
            check(
                |t| t.extended_key_usage = usages,
                &[TemplateError::UnfitUsage(usage)],
            );
        }
        let smart_card: ExtendedKeyUsage = "1.3.6.1.4.1.311.20.2.2".parse().unwrap();
        check(|t| t.extended_key_usage = vec![smart_card], &[]);
    }

    /// Stored rules keep their meaning, whatever the defaults have become.
    #[test]
    fn rules_of_an_earlier_version_are_read_as_they_were_meant() {
        let stored = r#"{"validity":"P1Y","backdate":"PT1H","rsaMinBits":2048,"ecCurves":["P256"],
            "subject":{"required":["CN","O"],"allowed":["CN","O","serialNumber","UID","emailAddress","DC"],
                "fixed":{"C":"DE"},"commonNamePattern":null},
            "subjectAltName":{"types":["dns","upn"],"patterns":{"upn":".*"},"commonNameAsDns":true},
            "keyUsage":["digitalSignature"],"extendedKeyUsage":["clientAuth","ocspSigning"],"crlDistributionPoint":true}"#;
        let read: CertificateTemplate = serde_json::from_str(stored).unwrap();
        let (common_name, organization) = (
            SubjectAttribute::COMMON_NAME,
            SubjectAttribute::ORGANIZATION,
        );
        assert_eq!(read.subject.required, [common_name, organization]);
        assert_eq!(read.subject.fixed[&SubjectAttribute::COUNTRY], "DE");
        let types = [SubjectAltNameType::Dns, SubjectAltNameType::Upn];
        assert_eq!(read.subject_alt_name.types, types);
        assert!(!read.subject_alt_name.ignore_others);
        let usages = [
            ExtendedKeyUsage::CLIENT_AUTH,
            ExtendedKeyUsage::OCSP_SIGNING,
        ];
        assert_eq!(read.extended_key_usage, usages);
    }
}
