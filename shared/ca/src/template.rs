//! The certificate template of an RA Profile: the rules for the certificates that are issued under
//! it.

mod active_directory;
mod attribute_names;
mod extended_key_usage;
mod key_rules;
mod period;
mod rule_violation;
mod subject_alt_name_type;
mod subject_attribute;
mod value_fault;

pub(crate) use active_directory::SECURITY_EXTENSION;
pub use active_directory::{SidForm, UPN, is_security_identifier};
pub use extended_key_usage::{ExtendedKeyUsage, UnknownUsage};
pub use key_rules::{check_key, check_key_size};
pub use period::{Period, PeriodError};
pub use rule_violation::{NamePlace, RequestedName, RuleViolation, SubjectPart};
pub use subject_alt_name_type::{OtherNameType, SubjectAltNameType, UnfitNameType};
pub use subject_attribute::{StringType, SubjectAttribute, UnfitAttribute, check_text};
pub use value_fault::ValueFault;

use std::collections::BTreeMap;
use std::ops::Deref;

use scep_cms::algorithm::EcCurve;
use serde::{Deserialize, Deserializer, Serialize};
use strum::{IntoStaticStr, VariantArray};

use crate::bounded_text::Pattern;

/// The rules for the certificates of an RA Profile, which may be invalid. The API documents the
/// values of `Default`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateSpec {
    /// The time from issuance to notAfter, which never exceeds the authority's own notAfter.
    pub validity: Period,
    /// The time from notBefore to issuance, for clients whose clock is slow.
    pub backdate: Period,
    /// The shortest RSA modulus, in bits.
    pub rsa_min_bits: usize,
    /// The allowed curves of EC keys.
    pub ec_curves: Vec<EcCurve>,
    /// The rules for the subject.
    pub subject: SubjectRule,
    /// The rules for subjectAltName.
    pub subject_alt_name: SubjectAltNameRule,
    /// keyUsage. A certificate gets those usages that its key supports.
    pub key_usage: Vec<KeyUsage>,
    /// extendedKeyUsage. Certificates have no such extension if this is empty.
    pub extended_key_usage: Vec<ExtendedKeyUsage>,
    /// Whether certificates have a distribution point for the authority's CRL.
    pub crl_distribution_point: bool,
}

impl Default for TemplateSpec {
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
                sid_form: SidForm::default(),
            },
            key_usage: vec![KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment],
            extended_key_usage: vec![ExtendedKeyUsage::CLIENT_AUTH],
            crl_distribution_point: true,
        }
    }
}

/// The rules for the certificates of an RA Profile. They are valid when they are set, and cannot be
/// changed afterwards; they read as a [`TemplateSpec`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct CertificateTemplate(TemplateSpec);

impl CertificateTemplate {
    /// Rules that this version or an earlier one accepted. They are not checked again: a profile of
    /// an earlier version stays readable, and its warnings report what this version would reject.
    const fn from_stored(spec: TemplateSpec) -> Self {
        Self(spec)
    }
}

impl TryFrom<TemplateSpec> for CertificateTemplate {
    type Error = Vec<TemplateError>;

    // An administrator gets all errors in one response.
    fn try_from(spec: TemplateSpec) -> Result<Self, Vec<TemplateError>> {
        let mut errors = Vec::new();
        if spec.validity.is_zero() {
            errors.push(TemplateError::Validity);
        }
        if Period::days(31).is_shorter_than(spec.backdate) {
            errors.push(TemplateError::Backdate);
        }
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&spec.rsa_min_bits) {
            errors.push(TemplateError::RsaMinBits);
        }
        errors.extend(spec.subject.errors());
        let unbound_types = spec.subject_alt_name.unbound_types();
        errors.extend(unbound_types.map(TemplateError::PatternMissing));
        errors.extend(spec.unfit_usages().map(TemplateError::UnfitUsage));
        if errors.is_empty() {
            Ok(Self(spec))
        } else {
            Err(errors)
        }
    }
}

impl<'de> Deserialize<'de> for CertificateTemplate {
    /// Reads the stored form, which is that of [`TemplateSpec`].
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        TemplateSpec::deserialize(deserializer).map(Self::from_stored)
    }
}

impl Deref for CertificateTemplate {
    type Target = TemplateSpec;

    fn deref(&self) -> &TemplateSpec {
        &self.0
    }
}

/// Longest RSA modulus that a rule may require, in bits. Longer keys are not parsed.
const MAX_RSA_BITS: usize = 8192;

/// Shortest RSA modulus that a rule may allow, in bits.
const MIN_RSA_BITS: usize = 1024;

/// Why a template is invalid: it would issue certificates to no client, or to the wrong ones. The
/// text does not name the [field](Self::field).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Certificates would be backdated by more than any clock is slow.
    #[error("at most P31D")]
    Backdate,
    /// A fixed value is empty, too long, or has characters that its attribute cannot hold.
    #[error("not a valid value for {}: must be {}", .0, .0.form())]
    Fixed(SubjectAttribute),
    /// A type of name that identifies its holder is allowed without a pattern that restricts it.
    #[error(
        "required, since types has {0}: without it, every holder of a challenge could impersonate anyone"
    )]
    PatternMissing(SubjectAltNameType),
    /// A required attribute is not allowed.
    #[error("{0} is required but not allowed")]
    RequiredNotAllowed(SubjectAttribute),
    /// The RSA modulus is out of range.
    #[error("{MIN_RSA_BITS} to {MAX_RSA_BITS}")]
    RsaMinBits,
    /// A purpose would let a device speak for the authority or for other devices.
    #[error("{0} is not for devices: its holder would speak for the authority or for others")]
    UnfitUsage(ExtendedKeyUsage),
    /// Certificates would expire as they become valid.
    #[error("must be greater than zero")]
    Validity,
}

/// A field of [`TemplateSpec`] that can be invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateField {
    /// [`TemplateSpec::backdate`].
    Backdate,
    /// [`TemplateSpec::extended_key_usage`].
    ExtendedKeyUsage,
    /// [`SubjectAltNameRule::patterns`], of this type.
    Pattern(SubjectAltNameType),
    /// [`TemplateSpec::rsa_min_bits`].
    RsaMinBits,
    /// [`TemplateSpec::subject`].
    Subject,
    /// [`SubjectRule::fixed`].
    SubjectFixed,
    /// [`TemplateSpec::validity`].
    Validity,
}

impl TemplateError {
    /// The field that is invalid.
    #[must_use]
    pub const fn field(self) -> TemplateField {
        match self {
            Self::Backdate => TemplateField::Backdate,
            Self::Fixed(_) => TemplateField::SubjectFixed,
            Self::PatternMissing(kind) => TemplateField::Pattern(kind),
            Self::RequiredNotAllowed(_) => TemplateField::Subject,
            Self::RsaMinBits => TemplateField::RsaMinBits,
            Self::UnfitUsage(_) => TemplateField::ExtendedKeyUsage,
            Self::Validity => TemplateField::Validity,
        }
    }
}

impl TemplateSpec {
    /// The purposes that no template may give to devices. Templates that an earlier version stored
    /// may have some.
    pub fn unfit_usages(&self) -> impl Iterator<Item = ExtendedKeyUsage> {
        self.extended_key_usage
            .iter()
            .copied()
            .filter(|usage| usage.is_unfit_for_devices())
    }
}

/// The attributes that a subject must and may have. Apart from these rules, the requested subject
/// is used unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubjectRule {
    /// The attributes that the subject must have.
    pub required: Vec<SubjectAttribute>,
    /// The attributes that the subject may have in addition to fixed ones; `None` for any.
    pub allowed: Option<Vec<SubjectAttribute>>,
    /// The values that every subject has: added where the request has none, and any other value is
    /// refused.
    pub fixed: BTreeMap<SubjectAttribute, String>,
    /// The pattern that every CN must match.
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

/// The names that subjectAltName may hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubjectAltNameRule {
    /// The types of names that are accepted from a request.
    pub types: Vec<SubjectAltNameType>,
    /// For each type, the pattern that every name of the type must match.
    pub patterns: BTreeMap<SubjectAltNameType, Pattern>,
    /// Whether the CN is copied to subjectAltName as a DNS name.
    pub common_name_as_dns: bool,
    /// Whether names of other types are omitted instead of refused.
    // Templates that an earlier version stored lack the field, and refused such names.
    #[serde(default)]
    pub ignore_others: bool,
    /// The form in which a certificate has a security identifier that is vouched for.
    // Templates that an earlier version stored lack the field.
    #[serde(default)]
    pub sid_form: SidForm,
}

impl SubjectAltNameRule {
    /// The types that are allowed and need a pattern but have none. No name of such a type is
    /// accepted. Templates that an earlier version stored may have some.
    pub fn unbound_types(&self) -> impl Iterator<Item = SubjectAltNameType> {
        self.types
            .iter()
            .copied()
            .filter(|kind| kind.needs_pattern() && !self.patterns.contains_key(kind))
    }
}

/// A bit of keyUsage that a client's certificate may have, RFC 5280 §4.2.1.3.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "camelCase")]
#[strum(serialize_all = "camelCase")]
pub enum KeyUsage {
    /// Signing anything but certificates and CRLs.
    DigitalSignature,
    /// contentCommitment, formerly called nonRepudiation.
    ContentCommitment,
    /// Encrypting keys; RSA only.
    KeyEncipherment,
    /// Encrypting data directly; RSA only.
    DataEncipherment,
    /// Agreeing on keys; EC only.
    KeyAgreement,
}

impl KeyUsage {
    /// The usage's name in the API, which is that of RFC 5280.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(edit: impl FnOnce(&mut TemplateSpec), expected: &[TemplateError]) {
        let mut spec = TemplateSpec::default();
        edit(&mut spec);
        let errors = CertificateTemplate::try_from(spec).err();
        assert_eq!(errors.unwrap_or_default(), expected);
    }

    #[test]
    fn rules_that_no_request_could_satisfy_are_errors() {
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
            move |t: &mut TemplateSpec| t.subject.fixed = fixed
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
    fn names_that_identify_someone_need_a_pattern() {
        use SubjectAltNameType::{Email, Upn, Uri};
        let types = |types: &[SubjectAltNameType], patterns: &[SubjectAltNameType]| {
            let (types, patterns) = (types.to_vec(), patterns.to_vec());
            move |t: &mut TemplateSpec| {
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
        assert_eq!(missing(Upn).field(), TemplateField::Pattern(Upn));
    }

    #[test]
    fn purposes_that_speak_for_others_are_not_for_devices() {
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

    #[test]
    fn a_usage_is_stored_by_the_name_that_refusals_give_it() {
        for usage in KeyUsage::VARIANTS {
            let stored = serde_json::to_value(usage).unwrap();
            assert_eq!(stored, usage.name());
            assert_eq!(serde_json::from_value(stored).ok(), Some(*usage));
        }
    }

    /// Stored templates keep their meaning when defaults change.
    #[test]
    fn stored_templates_of_an_earlier_version_keep_their_meaning() {
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
        // A profile stays readable although its template would be rejected today.
        let unfit: Vec<_> = read.unfit_usages().collect();
        assert_eq!(unfit, [ExtendedKeyUsage::OCSP_SIGNING]);
        let spec: TemplateSpec = serde_json::from_str(stored).unwrap();
        let errors = [TemplateError::UnfitUsage(ExtendedKeyUsage::OCSP_SIGNING)];
        assert_eq!(CertificateTemplate::try_from(spec), Err(errors.to_vec()));
        let written = serde_json::to_value(&read).unwrap();
        assert_eq!(serde_json::from_value(written).ok(), Some(read));
    }

    #[test]
    fn every_error_of_a_template_is_reported_at_once_and_in_order() {
        check(
            |t| {
                t.validity = "PT0S".parse().unwrap();
                t.backdate = "P32D".parse().unwrap();
                t.rsa_min_bits = 512;
                t.subject.required = vec![SubjectAttribute::COMMON_NAME];
                t.subject.allowed = Some(Vec::new());
                t.subject_alt_name.types = vec![SubjectAltNameType::Upn];
                t.extended_key_usage = vec![ExtendedKeyUsage::ANY];
            },
            &[
                TemplateError::Validity,
                TemplateError::Backdate,
                TemplateError::RsaMinBits,
                TemplateError::RequiredNotAllowed(SubjectAttribute::COMMON_NAME),
                TemplateError::PatternMissing(SubjectAltNameType::Upn),
                TemplateError::UnfitUsage(ExtendedKeyUsage::ANY),
            ],
        );
    }
}
