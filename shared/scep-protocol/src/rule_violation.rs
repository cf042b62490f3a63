//! A rule of an RA Profile that a request breaks, and what the client is told of it.

use std::borrow::Cow;

use scep_cms::{FailInfo, Weakness};

use crate::{SubjectAltNameType, SubjectAttribute};

/// A rule of an RA Profile that a PKCS #10 request breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleViolation {
    /// The RSA modulus is too short.
    RsaTooShort {
        /// Of the key.
        bits: usize,
        /// Of the rule.
        min_bits: usize,
    },
    /// The curve is not on the list.
    Curve,
    /// The key can do nothing of what the rule asks for.
    KeyUsage,
    /// Neither a subject nor a subjectAltName.
    Nameless,
    /// A CN does not match the pattern.
    CommonNamePattern,
    /// The CN is to be a DNS name too, and cannot be one.
    CommonNameAsDns,
    /// The subject holds an attribute that is not allowed; its short name or OID.
    SubjectAttribute(String),
    /// The subject holds another value of an attribute than the fixed one.
    SubjectFixed(SubjectAttribute),
    /// The subject lacks an attribute.
    SubjectLacks(SubjectAttribute),
    /// The subject is longer than any that is issued.
    SubjectTooLong,
    /// The subject cannot be read.
    SubjectUnreadable,
    /// The names beside the subject are longer than any that are issued.
    SubjectAltNameTooLong,
    /// subjectAltName cannot be read, or a name in it is not what its type demands.
    SubjectAltNameUnreadable,
    /// A type of name that the rule does not allow.
    SubjectAltName(SubjectAltNameType),
    /// A name does not match the pattern of its type.
    SubjectAltNamePattern(SubjectAltNameType),
    /// A type of name that no rule can allow.
    SubjectAltNameType,
    /// The authority's certificate ends before a certificate could begin.
    Validity,
    /// Whoever sees the key can do without its owner.
    WeakKey(Weakness),
}

impl RuleViolation {
    /// The reason, RFC 8894 §3.2.1.4.
    pub(crate) const fn fail_info(&self) -> FailInfo {
        match self {
            Self::Curve | Self::RsaTooShort { .. } | Self::WeakKey(_) => FailInfo::BadAlg,
            Self::CommonNameAsDns
            | Self::CommonNamePattern
            | Self::KeyUsage
            | Self::Nameless
            | Self::SubjectAltName(_)
            | Self::SubjectAltNamePattern(_)
            | Self::SubjectAltNameTooLong
            | Self::SubjectAltNameType
            | Self::SubjectAltNameUnreadable
            | Self::SubjectAttribute(_)
            | Self::SubjectFixed(_)
            | Self::SubjectLacks(_)
            | Self::SubjectTooLong
            | Self::SubjectUnreadable
            | Self::Validity => FailInfo::BadRequest,
        }
    }

    /// The reason for a human, which begins with the name of the rule.
    pub(crate) fn text(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::RsaTooShort { bits, min_bits } => {
                return Cow::Owned(format!(
                    "rule rsaMinBits: {bits} bits, at least {min_bits} are required"
                ));
            }
            Self::Curve => "rule ecCurves: the curve is not allowed",
            Self::KeyUsage => "rule keyUsage: the key can do none of it",
            Self::Nameless => "rule subject: the request names nobody",
            Self::CommonNamePattern => "rule subject.commonNamePattern: the CN does not match",
            Self::CommonNameAsDns => "rule subjectAltName.commonNameAsDns: the CN is no DNS name",
            Self::SubjectAttribute(kind) => {
                return Cow::Owned(format!("rule subject.allowed: {kind} is not allowed"));
            }
            Self::SubjectFixed(kind) => {
                return Cow::Owned(format!(
                    "rule subject.fixed: {} has another value",
                    kind.name()
                ));
            }
            Self::SubjectLacks(kind) => {
                return Cow::Owned(format!(
                    "rule subject.required: the subject has no {}",
                    kind.name()
                ));
            }
            Self::SubjectTooLong => "rule subject: the subject is too long",
            Self::SubjectAltNameTooLong => "rule subjectAltName: the names are too long",
            Self::SubjectUnreadable => "rule subject: the subject cannot be read",
            Self::SubjectAltNameUnreadable => "rule subjectAltName: a name is malformed",
            Self::SubjectAltName(kind) => {
                return Cow::Owned(format!(
                    "rule subjectAltName.types: {} is not allowed",
                    kind.name()
                ));
            }
            Self::SubjectAltNamePattern(kind) => {
                return Cow::Owned(format!(
                    "rule subjectAltName.patterns: {} does not match",
                    kind.name()
                ));
            }
            Self::SubjectAltNameType => {
                "rule subjectAltName.types: this type of name is not allowed"
            }
            Self::Validity => "rule validity: the authority's certificate is about to expire",
            Self::WeakKey(weakness) => return Cow::Owned(format!("rule key: {weakness}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(violation: RuleViolation, fail_info: FailInfo, text: &str) {
        assert_eq!(
            (violation.fail_info(), &*violation.text()),
            (fail_info, text)
        );
    }

    #[test]
    fn every_rule_names_itself() {
        use FailInfo::{BadAlg, BadRequest};
        use RuleViolation as Rule;
        let too_short = Rule::RsaTooShort {
            bits: 1024,
            min_bits: 2048,
        };
        check(
            too_short,
            BadAlg,
            "rule rsaMinBits: 1024 bits, at least 2048 are required",
        );
        check(
            Rule::Curve,
            BadAlg,
            "rule ecCurves: the curve is not allowed",
        );
        check(
            Rule::KeyUsage,
            BadRequest,
            "rule keyUsage: the key can do none of it",
        );
        check(
            Rule::Nameless,
            BadRequest,
            "rule subject: the request names nobody",
        );
        check(
            Rule::SubjectLacks(SubjectAttribute::CommonName),
            BadRequest,
            "rule subject.required: the subject has no CN",
        );
        check(
            Rule::SubjectAttribute("OU".to_owned()),
            BadRequest,
            "rule subject.allowed: OU is not allowed",
        );
        check(
            Rule::SubjectFixed(SubjectAttribute::Organization),
            BadRequest,
            "rule subject.fixed: O has another value",
        );
        check(
            Rule::CommonNamePattern,
            BadRequest,
            "rule subject.commonNamePattern: the CN does not match",
        );
        check(
            Rule::CommonNameAsDns,
            BadRequest,
            "rule subjectAltName.commonNameAsDns: the CN is no DNS name",
        );
        check(
            Rule::SubjectAltNamePattern(SubjectAltNameType::Dns),
            BadRequest,
            "rule subjectAltName.patterns: dns does not match",
        );
        check(
            Rule::SubjectTooLong,
            BadRequest,
            "rule subject: the subject is too long",
        );
        check(
            Rule::SubjectAltNameTooLong,
            BadRequest,
            "rule subjectAltName: the names are too long",
        );
        check(
            Rule::SubjectUnreadable,
            BadRequest,
            "rule subject: the subject cannot be read",
        );
        check(
            Rule::SubjectAltNameUnreadable,
            BadRequest,
            "rule subjectAltName: a name is malformed",
        );
        check(
            Rule::SubjectAltName(SubjectAltNameType::Uri),
            BadRequest,
            "rule subjectAltName.types: uri is not allowed",
        );
        check(
            Rule::SubjectAltNameType,
            BadRequest,
            "rule subjectAltName.types: this type of name is not allowed",
        );
        check(
            Rule::Validity,
            BadRequest,
            "rule validity: the authority's certificate is about to expire",
        );
        check(
            Rule::WeakKey(Weakness::Prime),
            BadAlg,
            "rule key: the RSA modulus is a prime number or a power of one",
        );
    }
}
