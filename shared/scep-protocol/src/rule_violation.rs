//! A rule of an RA Profile that a request breaks, and what the client is told of it.

use scep_cms::{FailInfo, StringError, Weakness};

use crate::text::excerpt;
use crate::{SubjectAltNameType, SubjectAttribute};

/// What is wrong with a value that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueFault {
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

/// A rule of an RA Profile that a PKCS #10 request breaks. Its text is what the client is told: the
/// name of the rule, and the value that breaks it, of which nothing reaches a log or a terminal as
/// it came.
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
    #[error("rule ecCurves: the curve is not allowed")]
    Curve,
    /// The key can do nothing of what the rule asks for.
    #[error("rule keyUsage: the key can do none of it")]
    KeyUsage,
    /// Neither a subject nor a subjectAltName.
    #[error("rule subject: the request names nobody")]
    Nameless,
    /// This CN does not match the pattern.
    #[error("rule subject.commonNamePattern: the CN does not match: {}", excerpt(.0))]
    CommonNamePattern(String),
    /// This CN is to be a DNS name too, and cannot be one.
    #[error("rule subjectAltName.commonNameAsDns: the CN is no DNS name: {}", excerpt(.0))]
    CommonNameAsDns(String),
    /// A security identifier of Microsoft's, in this place: it makes its holder an account, and is
    /// taken from no request.
    #[error("rule sid: a security identifier is not taken from a request: {}", excerpt(.0))]
    SecurityIdentifier(String),
    /// The subject holds an attribute that is not allowed; its short name or OID.
    #[error("rule subject.allowed: {0} is not allowed")]
    SubjectAttribute(String),
    /// The subject holds this value of an attribute, and not the fixed one.
    #[error("rule subject.fixed: {} has another value: {}", .0.name(), excerpt(.1))]
    SubjectFixed(SubjectAttribute, String),
    /// The subject lacks an attribute.
    #[error("rule subject.required: the subject has no {}", .0.name())]
    SubjectLacks(SubjectAttribute),
    /// The subject is longer than any that is issued.
    #[error("rule subject: the subject is too long")]
    SubjectTooLong,
    /// The subject cannot be read, or a part of it has no value, or two of the same attribute.
    #[error("rule subject: the subject cannot be read")]
    SubjectUnreadable,
    /// The subject holds a value that nobody should sign.
    #[error("rule subject: {attribute} {} {fault}", excerpt(.value))]
    SubjectValue {
        /// Short name or OID.
        attribute: String,
        /// What can be shown of it.
        value: String,
        /// What is wrong with it.
        fault: ValueFault,
    },
    /// The names beside the subject are longer than any that are issued.
    #[error("rule subjectAltName: the names are too long")]
    SubjectAltNameTooLong,
    /// subjectAltName cannot be read.
    #[error("rule subjectAltName: a name is malformed")]
    SubjectAltNameUnreadable,
    /// This name is of a type that the rule does not allow.
    #[error("rule subjectAltName.types: {} is not allowed: {}", .0.name(), excerpt(.1))]
    SubjectAltName(SubjectAltNameType, String),
    /// This name does not match the pattern of its type.
    #[error("rule subjectAltName.patterns: {} does not match: {}", .0.name(), excerpt(.1))]
    SubjectAltNamePattern(SubjectAltNameType, String),
    /// A type of name that no rule can allow.
    #[error("rule subjectAltName.types: this type of name is not allowed")]
    SubjectAltNameType,
    /// This name is of a type that is taken only with a pattern, and there is none.
    #[error("rule subjectAltName.patterns: {} is taken only with a pattern: {}", .0.name(), excerpt(.1))]
    SubjectAltNameUnbound(SubjectAltNameType, String),
    /// This name is not what its type demands.
    #[error("rule subjectAltName: {} {} {fault}", .kind.name(), excerpt(.value))]
    SubjectAltNameValue {
        /// Its type.
        kind: SubjectAltNameType,
        /// What can be shown of it.
        value: String,
        /// What is wrong with it.
        fault: ValueFault,
    },
    /// This wildcard has no pattern that could admit it.
    #[error("rule subjectAltName.patterns: a wildcard is taken only with a pattern for dns: {}", excerpt(.0))]
    SubjectAltNameWildcard(String),
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
            Self::Curve | Self::RsaTooShort { .. } | Self::WeakKey(_) => FailInfo::BadAlg,
            Self::CommonNameAsDns(_)
            | Self::CommonNamePattern(_)
            | Self::KeyUsage
            | Self::Nameless
            | Self::SecurityIdentifier(_)
            | Self::SubjectAltName(..)
            | Self::SubjectAltNamePattern(..)
            | Self::SubjectAltNameTooLong
            | Self::SubjectAltNameType
            | Self::SubjectAltNameUnbound(..)
            | Self::SubjectAltNameUnreadable
            | Self::SubjectAltNameValue { .. }
            | Self::SubjectAltNameWildcard(_)
            | Self::SubjectAttribute(_)
            | Self::SubjectFixed(..)
            | Self::SubjectLacks(_)
            | Self::SubjectTooLong
            | Self::SubjectUnreadable
            | Self::SubjectValue { .. }
            | Self::Validity => FailInfo::BadRequest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(violation: RuleViolation, fail_info: FailInfo, text: &str) {
        assert_eq!(
            (violation.fail_info(), violation.to_string()),
            (fail_info, text.to_owned())
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
            Rule::SubjectFixed(SubjectAttribute::Organization, "Corp".to_owned()),
            BadRequest,
            "rule subject.fixed: O has another value: \"Corp\"",
        );
        check(
            Rule::CommonNamePattern("a".to_owned()),
            BadRequest,
            "rule subject.commonNamePattern: the CN does not match: \"a\"",
        );
        check(
            Rule::CommonNameAsDns("a b".to_owned()),
            BadRequest,
            "rule subjectAltName.commonNameAsDns: the CN is no DNS name: \"a b\"",
        );
        check(
            Rule::SubjectAltNamePattern(SubjectAltNameType::Dns, "a".to_owned()),
            BadRequest,
            "rule subjectAltName.patterns: dns does not match: \"a\"",
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
            Rule::SubjectAltName(SubjectAltNameType::Uri, "a:b".to_owned()),
            BadRequest,
            "rule subjectAltName.types: uri is not allowed: \"a:b\"",
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
            Rule::SubjectAltNameUnbound(SubjectAltNameType::Upn, "a@b".to_owned()),
            BadRequest,
            "rule subjectAltName.patterns: upn is taken only with a pattern: \"a@b\"",
        );
        check(
            Rule::SubjectAltNameWildcard("*.example".to_owned()),
            BadRequest,
            "rule subjectAltName.patterns: a wildcard is taken only with a pattern for dns: \"*.example\"",
        );
        check(
            Rule::SecurityIdentifier("extension 1.3.6.1.4.1.311.25.2".to_owned()),
            BadRequest,
            "rule sid: a security identifier is not taken from a request: \"extension 1.3.6.1.4.1.311.25.2\"",
        );
        let subject = |fault| Rule::SubjectValue {
            attribute: "CN".to_owned(),
            value: "a\0\u{202e}\x1b[31m".to_owned(),
            fault,
        };
        check(
            subject(ValueFault::Hidden),
            BadRequest,
            "rule subject: CN \"a\\0\\u{202e}\\u{1b}[31m\" holds a control character, or one that hides or reorders text",
        );
        check(
            subject(StringError::Alphabet.into()),
            BadRequest,
            "rule subject: CN \"a\\0\\u{202e}\\u{1b}[31m\" is not of the alphabet of its string type",
        );
        check(
            Rule::SubjectAltNameValue {
                kind: SubjectAltNameType::Upn,
                value: "a".to_owned(),
                fault: ValueFault::Form("a user, one @ and a domain"),
            },
            BadRequest,
            "rule subjectAltName: upn \"a\" is not a user, one @ and a domain",
        );
        check(
            Rule::WeakKey(Weakness::Prime),
            BadAlg,
            "rule key: the RSA modulus is a prime number or a power of one",
        );
    }
}
