//! Violations of an RA Profile's rules, and the texts that clients get for them.

use std::fmt;
use std::fmt::{Display, Formatter};

use scep_cms::algorithm::EcCurve;
use scep_cms::weakness::Weakness;

use crate::bounded_text::quote_excerpt;
use crate::template::KeyUsage;
use crate::template::subject_alt_name_type::SubjectAltNameType;
use crate::template::subject_attribute::SubjectAttribute;
use crate::template::value_fault::ValueFault;

/// The origin of a requested subjectAltName entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamePlace {
    /// The CN, which the rules copy to subjectAltName.
    CommonName,
    /// The entry of the request's subjectAltName with this index, counted from 0.
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

/// A requested name as a refusal shows it: `subjectAltName[2] dNSName "a_b:443"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedName {
    /// The place of the name in the request.
    pub place: NamePlace,
    /// The name's type as RFC 5280 spells it, followed by the OID of an otherName.
    pub kind: String,
    /// The printable form of the value, not escaped yet.
    pub value: String,
}

impl Display for RequestedName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {}",
            self.place,
            self.kind,
            quote_excerpt(&self.value)
        )
    }
}

/// A part of a subject, as a refusal shows it: `subject[1] CN "a"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectPart {
    /// The index of its RDN, counted from 0 as encoded.
    pub rdn: usize,
    /// The attribute.
    pub attribute: SubjectAttribute,
    /// The printable form of the value, not escaped yet.
    pub value: String,
}

impl Display for SubjectPart {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value = quote_excerpt(&self.value);
        write!(f, "subject[{}] {} {value}", self.rdn, self.attribute)
    }
}

/// A rule of an RA Profile that a PKCS #10 request violates.
///
/// The text is sent to the client: it names the rule, and the offending value with its place.
/// Values are quoted and escaped, because the text also reaches logs and terminals.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleViolation {
    /// The RSA modulus is too short.
    #[error("rule rsaMinBits: {bits} bits, at least {min_bits} are required")]
    RsaTooShort {
        /// The length of the key's modulus, in bits.
        bits: usize,
        /// The length that the rule requires, in bits.
        min_bits: usize,
    },
    /// The curve is not allowed.
    #[error("rule ecCurves: {0} is not allowed")]
    Curve(EcCurve),
    /// The key supports none of the usages that the rule lists.
    #[error("rule keyUsage: an {key} key can do none of {}", join_names(.usages))]
    KeyUsage {
        /// The kind of key: RSA or EC.
        key: &'static str,
        /// The usages that the rule lists.
        usages: Vec<KeyUsage>,
    },
    /// The request has neither a subject nor a subjectAltName.
    #[error("rule subject: the request has neither a subject nor a subjectAltName")]
    Nameless,
    /// This CN does not match the pattern.
    #[error("rule subject.commonNamePattern: the CN does not match: {}", quote_excerpt(.0))]
    CommonNamePattern(String),
    /// The rules copy this CN to subjectAltName, but it is not a DNS name.
    #[error("rule subjectAltName.commonNameAsDns: the CN {} {fault}", quote_excerpt(.value))]
    CommonNameAsDns {
        /// The CN.
        value: String,
        /// What is wrong with it.
        fault: ValueFault,
    },
    /// The request holds a Microsoft security identifier in this place. A SID maps its holder to an
    /// account, so it is never accepted from a request.
    #[error("rule sid: a security identifier is not accepted from a request: {}", quote_excerpt(.0))]
    SecurityIdentifier(String),
    /// A subjectAltName entry of the request holds a Microsoft security identifier.
    #[error("rule sid: a security identifier is not accepted from a request: {0}")]
    SecurityIdentifierName(RequestedName),
    /// The subject holds an attribute that is not allowed.
    #[error("rule subject.allowed: {0}: {attribute} is not allowed", attribute = .0.attribute)]
    SubjectAttribute(SubjectPart),
    /// The subject has this value for an attribute whose value the rules fix to another.
    #[error("rule subject.fixed: {attribute} has another value: {}", quote_excerpt(.1), attribute = .0)]
    SubjectFixed(SubjectAttribute, String),
    /// The subject lacks this required attribute.
    #[error("rule subject.required: the subject has no {0}")]
    SubjectLacks(SubjectAttribute),
    /// The RDN with this index, counted from 0, has no attribute, which X.501 §9.3 requires.
    #[error("rule subject: subject[{0}] is empty")]
    SubjectPartEmpty(usize),
    /// An RDN has an attribute more than once, which X.501 §9.3 forbids.
    #[error("rule subject: subject[{rdn}] has {attribute} more than once")]
    SubjectPartTwice {
        /// The index of the RDN, counted from 0.
        rdn: usize,
        /// The repeated attribute.
        attribute: SubjectAttribute,
    },
    /// The subject exceeds the size limit.
    #[error("rule subject: {bytes} octets, at most {max_bytes} are allowed")]
    SubjectTooLong {
        /// The length of the subject, in octets.
        bytes: usize,
        /// The limit, in octets.
        max_bytes: usize,
    },
    /// The subject is not a readable Name. Holds the beginning of its encoding in hexadecimal.
    #[error("rule subject: the subject is not a Name: {}", quote_excerpt(.0))]
    SubjectUnreadable(String),
    /// The subject holds a value that is never signed.
    #[error("rule subject: {part} {fault}")]
    SubjectValue {
        /// The part that holds the value.
        part: SubjectPart,
        /// What is wrong with the value.
        fault: ValueFault,
    },
    /// The request has too many subjectAltName entries.
    #[error("rule subjectAltName: {names} names, at most {max_names} are allowed")]
    SubjectAltNameCount {
        /// The number of entries.
        names: usize,
        /// The limit.
        max_names: usize,
    },
    /// The subjectAltName extension exceeds the size limit.
    #[error("rule subjectAltName: {bytes} octets, at most {max_bytes} are allowed")]
    SubjectAltNameTooLong {
        /// The length of the extension, in octets.
        bytes: usize,
        /// The limit, in octets.
        max_bytes: usize,
    },
    /// The request has this many subjectAltName extensions, with different contents.
    #[error("rule subjectAltName: the request has {0} of them, and they differ")]
    SubjectAltNamesDiffer(usize),
    /// The extension is not a list of names. Holds the beginning of its encoding in hexadecimal.
    #[error("rule subjectAltName: not a SEQUENCE of names: {}", quote_excerpt(.0))]
    SubjectAltNameUnreadable(String),
    /// This name is of a type that the rule does not allow. The type is `None` if no rule can allow
    /// it.
    #[error("rule subjectAltName.types: {name}: {}", describe_disallowed(*.1), name = .0)]
    SubjectAltNameType(RequestedName, Option<SubjectAltNameType>),
    /// This name does not match the pattern of its type.
    #[error("rule subjectAltName.patterns: {0} does not match the pattern for {1}")]
    SubjectAltNamePattern(RequestedName, SubjectAltNameType),
    /// This name is of a type that is allowed only with a pattern, and the rule has none for it.
    #[error("rule subjectAltName.patterns: {0}: {1} is allowed only with a pattern")]
    SubjectAltNameUnbound(RequestedName, SubjectAltNameType),
    /// This name is not valid for its type.
    #[error("rule subjectAltName: {name} {fault}")]
    SubjectAltNameValue {
        /// The name.
        name: RequestedName,
        /// What is wrong with it.
        fault: ValueFault,
    },
    /// This name is a wildcard, and the rule has no pattern for dns.
    #[error("rule subjectAltName.patterns: {0}: a wildcard is allowed only with a pattern for dns")]
    SubjectAltNameWildcard(RequestedName),
    /// The authority's certificate expires before the new certificate would become valid.
    #[error("rule validity: the authority's certificate is about to expire")]
    Validity,
    /// The private key can be computed from the public key.
    #[error("rule key: {0}")]
    WeakKey(Weakness),
}

fn describe_disallowed(kind: Option<SubjectAltNameType>) -> String {
    match kind {
        Some(kind) => format!("{kind} is not allowed"),
        None => "no rule allows this type of name".to_owned(),
    }
}

fn join_names(usages: &[KeyUsage]) -> String {
    let names: Vec<_> = usages.iter().map(|usage| usage.name()).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use scep_cms::asn1::StringError;

    use super::*;

    #[track_caller]
    fn check(violation: &RuleViolation, text: &str) {
        assert_eq!(violation.to_string(), text);
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
        use RuleViolation as Rule;
        for (rule, text) in [
            (
                Rule::RsaTooShort {
                    bits: 1024,
                    min_bits: 2048,
                },
                "rule rsaMinBits: 1024 bits, at least 2048 are required",
            ),
            (
                Rule::Curve(EcCurve::P384),
                "rule ecCurves: P384 is not allowed",
            ),
            (
                Rule::KeyUsage {
                    key: "RSA",
                    usages: vec![KeyUsage::KeyAgreement],
                },
                "rule keyUsage: an RSA key can do none of keyAgreement",
            ),
            (
                Rule::WeakKey(Weakness::Prime),
                "rule key: the RSA modulus is a prime number or a power of one",
            ),
            (
                Rule::Validity,
                "rule validity: the authority's certificate is about to expire",
            ),
        ] {
            check(&rule, text);
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
                "subject: the request has neither a subject nor a subjectAltName",
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
                "subject: 5000 octets, at most 4096 are allowed",
            ),
            (
                Rule::SubjectUnreadable("30 01".to_owned()),
                r#"subject: the subject is not a Name: "30 01""#,
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
                r#"sid: a security identifier is not accepted from a request: "extension 1.3.6.1.4.1.311.25.2""#,
            ),
        ] {
            check(&rule, &format!("rule {text}"));
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
                r#"subjectAltName.patterns: subjectAltName[2] dNSName "a": upn is allowed only with a pattern"#,
            ),
            (
                Rule::SubjectAltNameWildcard(dns("*.example")),
                r#"subjectAltName.patterns: subjectAltName[2] dNSName "*.example": a wildcard is allowed only with a pattern for dns"#,
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
                "subjectAltName: 101 names, at most 100 are allowed",
            ),
            (
                Rule::SubjectAltNameTooLong {
                    bytes: 9000,
                    max_bytes: 8192,
                },
                "subjectAltName: 9000 octets, at most 8192 are allowed",
            ),
            (
                Rule::SecurityIdentifierName(dns("tag")),
                r#"sid: a security identifier is not accepted from a request: subjectAltName[2] dNSName "tag""#,
            ),
            (
                Rule::SubjectAltNamesDiffer(2),
                "subjectAltName: the request has 2 of them, and they differ",
            ),
            (
                Rule::SubjectAltNameUnreadable("31 00".to_owned()),
                r#"subjectAltName: not a SEQUENCE of names: "31 00""#,
            ),
        ] {
            check(&rule, &format!("rule {text}"));
        }
    }
}
