//! A rule of an RA Profile that a request breaks, and what the client is told of it.

use std::fmt::{self, Display, Formatter};

use scep_cms::{EcCurve, FailInfo, StringError, Weakness};

use crate::text::excerpt;
use crate::{KeyUsage, SubjectAltNameType, SubjectAttribute};

/// What is wrong with a value that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueFault {
    /// It cannot be read as what its type demands.
    #[error("is not DER of its type")]
    Encoding,
    /// Another form than the attribute's or the name's, which is this.
    #[error("is not {0}")]
    Form(&'static str),
    /// It holds a character that cannot be seen.
    #[error("holds a control character, or one that hides or reorders text")]
    Hidden,
    /// It is longer than any that is issued.
    #[error("is too long")]
    Length,
    /// It is no text, or none of its string type.
    #[error(transparent)]
    String(#[from] StringError),
}

/// Where a name beside the subject comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamePlace {
    /// A CN, which is to stand beside the subject too.
    CommonName,
    /// subjectAltName, this name of it, counted from 0.
    SubjectAltName(usize),
}

impl Display for NamePlace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommonName => f.write_str("CN as"),
            Self::SubjectAltName(index) => write!(f, "subjectAltName[{index}]"),
        }
    }
}

/// A name that a request asks for, as a refusal shows it: `subjectAltName[2] dNSName "a_b:443"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedName {
    /// Where it is.
    pub place: NamePlace,
    /// RFC 5280's name of its type; of an otherName its OID too.
    pub kind: String,
    /// What can be shown of it, not escaped yet.
    pub value: String,
}

impl Display for RequestedName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.place, self.kind, excerpt(&self.value))
    }
}

/// A part of a subject, as a refusal shows it: `subject[1] CN "a"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectPart {
    /// Which RDN it stands in, counted from 0 as encoded.
    pub rdn: usize,
    /// Its attribute.
    pub attribute: SubjectAttribute,
    /// What can be shown of it, not escaped yet.
    pub value: String,
}

impl Display for SubjectPart {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value = excerpt(&self.value);
        write!(f, "subject[{}] {} {value}", self.rdn, self.attribute)
    }
}

/// A rule of an RA Profile that a PKCS #10 request breaks. Its text is what the client is told: the
/// name of the rule, and the value that breaks it with its place, of which nothing reaches a log or a
/// terminal as it came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleViolation {
    /// The RSA modulus is too short.
    #[error("rule rsaMinBits: {bits} bits, at least {min_bits} are required")]
    RsaTooShort {
        /// Of the key.
        bits: usize,
        /// Of the rule.
        min_bits: usize,
    },
    /// The curve is not on the list.
    #[error("rule ecCurves: {} is not allowed", curve_name(*.0))]
    Curve(EcCurve),
    /// The key can do nothing of what the rule asks for.
    #[error("rule keyUsage: an {key} key can do none of {}", listed(.usages))]
    KeyUsage {
        /// Its kind.
        key: &'static str,
        /// Of the rule.
        usages: Vec<KeyUsage>,
    },
    /// Neither a subject nor a subjectAltName.
    #[error(
        "rule subject: the request names nobody: it has neither a subject nor a name beside it"
    )]
    Nameless,
    /// This CN does not match the pattern.
    #[error("rule subject.commonNamePattern: the CN does not match: {}", excerpt(.0))]
    CommonNamePattern(String),
    /// This CN is to be a DNS name too, and cannot be one.
    #[error("rule subjectAltName.commonNameAsDns: the CN {} {fault}", excerpt(.value))]
    CommonNameAsDns {
        /// The CN.
        value: String,
        /// Why it cannot.
        fault: ValueFault,
    },
    /// A security identifier of Microsoft's, in this place: it makes its holder an account, and is
    /// taken from no request.
    #[error("rule sid: a security identifier is not taken from a request: {}", excerpt(.0))]
    SecurityIdentifier(String),
    /// The same in a name beside the subject.
    #[error("rule sid: a security identifier is not taken from a request: {0}")]
    SecurityIdentifierName(RequestedName),
    /// The subject holds an attribute that is not allowed.
    #[error("rule subject.allowed: {0}: {attribute} is not allowed", attribute = .0.attribute)]
    SubjectAttribute(SubjectPart),
    /// The subject holds this value of an attribute, and not the fixed one.
    #[error("rule subject.fixed: {attribute} has another value: {}", excerpt(.1), attribute = .0)]
    SubjectFixed(SubjectAttribute, String),
    /// The subject lacks an attribute.
    #[error("rule subject.required: the subject has no {0}")]
    SubjectLacks(SubjectAttribute),
    /// An RDN has no attribute, X.501 §9.3; which one, counted from 0.
    #[error("rule subject: subject[{0}] is empty")]
    SubjectPartEmpty(usize),
    /// An RDN has an attribute more than once, X.501 §9.3.
    #[error("rule subject: subject[{rdn}] has {attribute} more than once")]
    SubjectPartTwice {
        /// Which one, counted from 0.
        rdn: usize,
        /// What it has more than once.
        attribute: SubjectAttribute,
    },
    /// The subject is longer than any that is issued.
    #[error("rule subject: {bytes} octets, at most {max_bytes} are taken")]
    SubjectTooLong {
        /// Of the subject.
        bytes: usize,
        /// That are taken.
        max_bytes: usize,
    },
    /// The subject cannot be read; its beginning in hexadecimal.
    #[error("rule subject: the subject is no Name: {}", excerpt(.0))]
    SubjectUnreadable(String),
    /// The subject holds a value that nobody should sign.
    #[error("rule subject: {part} {fault}")]
    SubjectValue {
        /// The part.
        part: SubjectPart,
        /// What is wrong with it.
        fault: ValueFault,
    },
    /// More names beside the subject than are issued.
    #[error("rule subjectAltName: {names} names, at most {max_names} are taken")]
    SubjectAltNameCount {
        /// That are asked for.
        names: usize,
        /// That are taken.
        max_names: usize,
    },
    /// The names beside the subject are longer than any that are issued.
    #[error("rule subjectAltName: {bytes} octets, at most {max_bytes} are taken")]
    SubjectAltNameTooLong {
        /// Of the extension.
        bytes: usize,
        /// That are taken.
        max_bytes: usize,
    },
    /// The request has the extension more than once, with different names.
    #[error("rule subjectAltName: the request has {0} of them, and they differ")]
    SubjectAltNamesDiffer(usize),
    /// subjectAltName is no list of names; its beginning in hexadecimal.
    #[error("rule subjectAltName: no SEQUENCE of names: {}", excerpt(.0))]
    SubjectAltNameUnreadable(String),
    /// This name is of a type that the rule does not allow, or no rule can: then it has no name.
    #[error("rule subjectAltName.types: {name}: {}", not_allowed(*.1), name = .0)]
    SubjectAltNameType(RequestedName, Option<SubjectAltNameType>),
    /// This name does not match the pattern of its type.
    #[error("rule subjectAltName.patterns: {0} does not match the pattern for {1}")]
    SubjectAltNamePattern(RequestedName, SubjectAltNameType),
    /// This name is of a type that is taken only with a pattern, and there is none.
    #[error("rule subjectAltName.patterns: {0}: {1} is taken only with a pattern")]
    SubjectAltNameUnbound(RequestedName, SubjectAltNameType),
    /// This name is not what its type demands.
    #[error("rule subjectAltName: {name} {fault}")]
    SubjectAltNameValue {
        /// The name.
        name: RequestedName,
        /// What is wrong with it.
        fault: ValueFault,
    },
    /// This wildcard has no pattern that could admit it.
    #[error("rule subjectAltName.patterns: {0}: a wildcard is taken only with a pattern for dns")]
    SubjectAltNameWildcard(RequestedName),
    /// The authority's certificate ends before a certificate could begin.
    #[error("rule validity: the authority's certificate is about to expire")]
    Validity,
    /// The private key follows from the public one.
    #[error("rule key: {0}")]
    WeakKey(Weakness),
}

impl RuleViolation {
    /// The reason, RFC 8894 §3.2.1.4.
    pub(crate) const fn fail_info(&self) -> FailInfo {
        match self {
            Self::Curve(_) | Self::RsaTooShort { .. } | Self::WeakKey(_) => FailInfo::BadAlg,
            Self::CommonNameAsDns { .. }
            | Self::CommonNamePattern(_)
            | Self::KeyUsage { .. }
            | Self::Nameless
            | Self::SecurityIdentifier(_)
            | Self::SecurityIdentifierName(_)
            | Self::SubjectAltNameCount { .. }
            | Self::SubjectAltNamePattern(..)
            | Self::SubjectAltNameTooLong { .. }
            | Self::SubjectAltNameType(..)
            | Self::SubjectAltNameUnbound(..)
            | Self::SubjectAltNameUnreadable(_)
            | Self::SubjectAltNameValue { .. }
            | Self::SubjectAltNameWildcard(_)
            | Self::SubjectAltNamesDiffer(_)
            | Self::SubjectAttribute(_)
            | Self::SubjectFixed(..)
            | Self::SubjectLacks(_)
            | Self::SubjectPartEmpty(_)
            | Self::SubjectPartTwice { .. }
            | Self::SubjectTooLong { .. }
            | Self::SubjectUnreadable(_)
            | Self::SubjectValue { .. }
            | Self::Validity => FailInfo::BadRequest,
        }
    }
}

fn not_allowed(kind: Option<SubjectAltNameType>) -> String {
    match kind {
        Some(kind) => format!("{kind} is not allowed"),
        None => "no rule allows this type of name".to_owned(),
    }
}

const fn curve_name(curve: EcCurve) -> &'static str {
    match curve {
        EcCurve::P256 => "P256",
        EcCurve::P384 => "P384",
        EcCurve::P521 => "P521",
    }
}

fn listed(usages: &[KeyUsage]) -> String {
    let names: Vec<_> = usages.iter().map(|usage| usage.name()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(violation: &RuleViolation, fail_info: FailInfo, text: &str) {
        assert_eq!(
            (violation.fail_info(), violation.to_string()),
            (fail_info, text.to_owned())
        );
    }

    fn name(place: NamePlace, kind: &str, value: &str) -> RequestedName {
        RequestedName {
            place,
            kind: kind.to_owned(),
            value: value.to_owned(),
        }
    }

    fn part(attribute: SubjectAttribute, value: &str) -> SubjectPart {
        SubjectPart {
            rdn: 1,
            attribute,
            value: value.to_owned(),
        }
    }

    #[test]
    fn every_rule_about_a_key_names_itself() {
        use FailInfo::{BadAlg, BadRequest};
        use RuleViolation as Rule;
        for (rule, fail_info, text) in [
            (
                Rule::RsaTooShort {
                    bits: 1024,
                    min_bits: 2048,
                },
                BadAlg,
                "rule rsaMinBits: 1024 bits, at least 2048 are required",
            ),
            (
                Rule::Curve(EcCurve::P384),
                BadAlg,
                "rule ecCurves: P384 is not allowed",
            ),
            (
                Rule::KeyUsage {
                    key: "RSA",
                    usages: vec![KeyUsage::KeyAgreement],
                },
                BadRequest,
                "rule keyUsage: an RSA key can do none of keyAgreement",
            ),
            (
                Rule::WeakKey(Weakness::Prime),
                BadAlg,
                "rule key: the RSA modulus is a prime number or a power of one",
            ),
            (
                Rule::Validity,
                BadRequest,
                "rule validity: the authority's certificate is about to expire",
            ),
        ] {
            check(&rule, fail_info, text);
        }
    }

    #[test]
    fn every_rule_about_a_subject_names_itself_the_value_and_its_place() {
        use RuleViolation as Rule;
        let organization = SubjectAttribute::ORGANIZATION;
        let hidden = || part(SubjectAttribute::COMMON_NAME, "a\0\u{202e}\x1b[31m");
        let value = |part, fault| Rule::SubjectValue { part, fault };
        for (rule, text) in [
            (
                Rule::Nameless,
                "subject: the request names nobody: it has neither a subject nor a name beside it",
            ),
            (
                Rule::SubjectLacks(SubjectAttribute::COMMON_NAME),
                "subject.required: the subject has no CN",
            ),
            (
                Rule::SubjectAttribute(part(organization, "b")),
                r#"subject.allowed: subject[1] O "b": O is not allowed"#,
            ),
            (
                Rule::SubjectFixed(organization, "Corp".to_owned()),
                r#"subject.fixed: O has another value: "Corp""#,
            ),
            (
                Rule::CommonNamePattern("a".to_owned()),
                r#"subject.commonNamePattern: the CN does not match: "a""#,
            ),
            (
                Rule::SubjectTooLong {
                    bytes: 5000,
                    max_bytes: 4096,
                },
                "subject: 5000 octets, at most 4096 are taken",
            ),
            (
                Rule::SubjectUnreadable("30 01".to_owned()),
                r#"subject: the subject is no Name: "30 01""#,
            ),
            (Rule::SubjectPartEmpty(2), "subject: subject[2] is empty"),
            (
                Rule::SubjectPartTwice {
                    rdn: 0,
                    attribute: organization,
                },
                "subject: subject[0] has O more than once",
            ),
            (
                value(hidden(), ValueFault::Hidden),
                r#"subject: subject[1] CN "a\0\u{202e}\u{1b}[31m" holds a control character, or one that hides or reorders text"#,
            ),
            (
                value(hidden(), StringError::Alphabet.into()),
                r#"subject: subject[1] CN "a\0\u{202e}\u{1b}[31m" is not of the alphabet of its string type"#,
            ),
            (
                Rule::SecurityIdentifier("extension 1.3.6.1.4.1.311.25.2".to_owned()),
                r#"sid: a security identifier is not taken from a request: "extension 1.3.6.1.4.1.311.25.2""#,
            ),
        ] {
            check(&rule, FailInfo::BadRequest, &format!("rule {text}"));
        }
    }

    #[test]
    fn every_rule_about_a_name_names_itself_the_value_and_its_place() {
        use RuleViolation as Rule;
        let dns = |value| name(NamePlace::SubjectAltName(2), "dNSName", value);
        let kind = SubjectAltNameType::Dns;
        let other: SubjectAltNameType = "1.3.6.1.5.2.2".parse().unwrap();
        for (rule, text) in [
            (
                Rule::CommonNameAsDns {
                    value: "a b".to_owned(),
                    fault: ValueFault::Form("a DNS name: it has white space"),
                },
                r#"subjectAltName.commonNameAsDns: the CN "a b" is not a DNS name: it has white space"#,
            ),
            (
                Rule::SubjectAltNamePattern(dns("a"), kind),
                r#"subjectAltName.patterns: subjectAltName[2] dNSName "a" does not match the pattern for dns"#,
            ),
            (
                Rule::SubjectAltNamePattern(name(NamePlace::CommonName, "dNSName", "a"), kind),
                r#"subjectAltName.patterns: CN as dNSName "a" does not match the pattern for dns"#,
            ),
            (
                Rule::SubjectAltNameUnbound(dns("a"), SubjectAltNameType::Upn),
                r#"subjectAltName.patterns: subjectAltName[2] dNSName "a": upn is taken only with a pattern"#,
            ),
            (
                Rule::SubjectAltNameWildcard(dns("*.example")),
                r#"subjectAltName.patterns: subjectAltName[2] dNSName "*.example": a wildcard is taken only with a pattern for dns"#,
            ),
            (
                Rule::SubjectAltNameType(dns("a"), Some(kind)),
                r#"subjectAltName.types: subjectAltName[2] dNSName "a": dns is not allowed"#,
            ),
            (
                Rule::SubjectAltNameType(dns("a"), Some(other)),
                r#"subjectAltName.types: subjectAltName[2] dNSName "a": 1.3.6.1.5.2.2 is not allowed"#,
            ),
            (
                Rule::SubjectAltNameType(
                    name(NamePlace::SubjectAltName(0), "directoryName", "CN=a"),
                    None,
                ),
                r#"subjectAltName.types: subjectAltName[0] directoryName "CN=a": no rule allows this type of name"#,
            ),
            (
                Rule::SubjectAltNameValue {
                    name: dns("a_b:443"),
                    fault: ValueFault::Form("a DNS name: it has a port"),
                },
                r#"subjectAltName: subjectAltName[2] dNSName "a_b:443" is not a DNS name: it has a port"#,
            ),
            (
                Rule::SubjectAltNameCount {
                    names: 101,
                    max_names: 100,
                },
                "subjectAltName: 101 names, at most 100 are taken",
            ),
            (
                Rule::SubjectAltNameTooLong {
                    bytes: 9000,
                    max_bytes: 8192,
                },
                "subjectAltName: 9000 octets, at most 8192 are taken",
            ),
            (
                Rule::SecurityIdentifierName(dns("tag")),
                r#"sid: a security identifier is not taken from a request: subjectAltName[2] dNSName "tag""#,
            ),
            (
                Rule::SubjectAltNamesDiffer(2),
                "subjectAltName: the request has 2 of them, and they differ",
            ),
            (
                Rule::SubjectAltNameUnreadable("31 00".to_owned()),
                r#"subjectAltName: no SEQUENCE of names: "31 00""#,
            ),
        ] {
            check(&rule, FailInfo::BadRequest, &format!("rule {text}"));
        }
    }
}
