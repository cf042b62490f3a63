//! A certificate's subject: that of the request, as far as the rules allow, and the attributes that
//! the rules fix.

pub(crate) mod name_part;

pub use name_part::name_text;

use std::collections::BTreeMap;

use der::asn1::{Any, AnyRef, Ia5StringRef, PrintableStringRef, Utf8StringRef};
use der::{Decode, Encode};
use scep_cms::asn1::directory_string;
use scep_cms::error::EncodeError;
use scep_cms::name::comparable_text;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

use crate::alt_names::general_name::to_hexadecimal;
use crate::error::{IssueError, VouchedKind};
use crate::subject::name_part::{
    attribute_values, check_parts, decode_name, describe_part, list_parts,
};
use crate::template::{RuleViolation, StringType, SubjectAttribute, SubjectRule};

/// The maximum length of a subject, in octets of DER: the client chooses it, and it is stored,
/// logged and listed.
pub(crate) const MAX_BYTES: usize = 4 * 1024;

/// A subject that satisfies the rules.
pub(crate) struct Subject {
    /// The Name, DER.
    pub(crate) der: Vec<u8>,
    /// The text of each CN.
    pub(crate) common_names: Vec<String>,
    /// Whether the name has no RDNs.
    pub(crate) is_empty: bool,
    /// Whether the name identifies nothing: it has no RDNs, or all its values are blank.
    pub(crate) is_blank: bool,
}

/// The values of subject attributes that somebody vouches for.
type VouchedAttributes = BTreeMap<SubjectAttribute, String>;

/// Builds the subject of a certificate from that of a request and the attributes that are vouched
/// for. The rules do not apply to the latter: not even a fixed value, as the source that vouches
/// knows the one device and the rules only all devices.
///
/// # Errors
/// [`IssueError::Misbound`] if the request has another value of an attribute that is vouched for;
/// [`IssueError::Rule`] with the first part of the rule that the request breaks.
pub(crate) fn build_subject(
    requested: &[u8],
    rule: &SubjectRule,
    vouched: &VouchedAttributes,
) -> Result<Subject, IssueError> {
    // The length is checked before the name is parsed, so that an oversized name costs nothing.
    check_length(requested)?;
    let unreadable = || RuleViolation::SubjectUnreadable(to_hexadecimal(requested));
    let requested_name = Name::from_der(requested).map_err(|_| unreadable())?;
    check_parts(&requested_name)?;
    check_vouched(&requested_name, vouched)?;
    check_allowed(&requested_name, rule, vouched)?;
    let mut missing = find_missing_fixed(&requested_name, rule, vouched)?;
    missing.extend(list_missing_vouched(&requested_name, vouched));
    // Only the request's own attributes are looked at here; the others are added below.
    for required in &rule.required {
        // A blank value identifies nothing, so it does not count.
        let is_present = attribute_values(&requested_name, *required)
            .flatten()
            .any(|value| !value.trim().is_empty());
        let is_added = rule.fixed.contains_key(required) || vouched.contains_key(required);
        if !is_present && !is_added {
            return Err(RuleViolation::SubjectLacks(*required).into());
        }
    }
    // The name is decoded again, as the fixed attributes may include the CN, which the pattern
    // governs too.
    let der = complete_name(requested, &requested_name, vouched, &missing)
        .map_err(EncodeError::of("Name"))?;
    if !vouched.is_empty() {
        check_length(&der)?;
    }
    let name = decode_name(&der)?;
    let common_names = attribute_values(&name, SubjectAttribute::COMMON_NAME)
        .collect::<Option<Vec<_>>>()
        .ok_or_else(unreadable)?;
    if let Some(pattern) = &rule.common_name_pattern
        && !vouched.contains_key(&SubjectAttribute::COMMON_NAME)
        && let Some(other) = common_names.iter().find(|text| !pattern.matches(text))
    {
        return Err(RuleViolation::CommonNamePattern(other.clone()).into());
    }
    Ok(Subject {
        is_empty: name.is_empty(),
        is_blank: name.iter().all(|part| {
            directory_string(AnyRef::from(&part.value)).is_some_and(|text| text.trim().is_empty())
        }),
        der,
        common_names,
    })
}

fn check_length(name: &[u8]) -> Result<(), RuleViolation> {
    if name.len() > MAX_BYTES {
        return Err(RuleViolation::SubjectTooLong {
            bytes: name.len(),
            max_bytes: MAX_BYTES,
        });
    }
    Ok(())
}

/// Rejects a name that has another value of an attribute that is vouched for, or several values.
fn check_vouched(name: &Name, vouched: &VouchedAttributes) -> Result<(), IssueError> {
    for (attribute, value) in vouched {
        let asked: Vec<_> = attribute_values(name, *attribute).collect();
        let is_bound = match asked.as_slice() {
            [] => true,
            // A blank value asks for nothing.
            [Some(asked)] => {
                asked.trim().is_empty() || comparable_text(asked) == comparable_text(value)
            }
            [None] | [_, _, ..] => false,
        };
        if !is_bound {
            return Err(IssueError::Misbound(VouchedKind::Subject));
        }
    }
    Ok(())
}

fn check_allowed(
    name: &Name,
    rule: &SubjectRule,
    vouched: &VouchedAttributes,
) -> Result<(), RuleViolation> {
    let Some(allowed) = &rule.allowed else {
        return Ok(());
    };
    // A client may send a fixed attribute itself; `find_missing_fixed` checks its value.
    let is_allowed = |attribute| {
        allowed.contains(&attribute)
            || rule.fixed.contains_key(&attribute)
            || vouched.contains_key(&attribute)
    };
    match list_parts(name).find(|(_, part)| !is_allowed(SubjectAttribute::of(part.oid))) {
        Some((at, part)) => Err(RuleViolation::SubjectAttribute(describe_part(at, part))),
        None => Ok(()),
    }
}

/// Finds the fixed attributes that a name lacks and nobody vouches for.
///
/// # Errors
/// When the name has such an attribute with another value.
fn find_missing_fixed<'a>(
    name: &Name,
    rule: &'a SubjectRule,
    vouched: &VouchedAttributes,
) -> Result<BTreeMap<SubjectAttribute, &'a str>, RuleViolation> {
    let mut missing = BTreeMap::new();
    let unvouched = rule
        .fixed
        .iter()
        .filter(|(attribute, _)| !vouched.contains_key(attribute));
    for (attribute, fixed) in unvouched {
        let mut requested = attribute_values(name, *attribute).peekable();
        if requested.peek().is_none() {
            missing.insert(*attribute, fixed.as_str());
        }
        if let Some(other) = requested.find(|value| value.as_ref() != Some(fixed)) {
            return Err(RuleViolation::SubjectFixed(
                *attribute,
                other.unwrap_or_default(),
            ));
        }
    }
    Ok(missing)
}

/// The attributes that are vouched for and that a name lacks.
fn list_missing_vouched<'a>(
    name: &Name,
    vouched: &'a VouchedAttributes,
) -> impl Iterator<Item = (SubjectAttribute, &'a str)> {
    vouched
        .iter()
        .filter(|(attribute, _)| attribute_values(name, **attribute).next().is_none())
        .map(|(attribute, value)| (*attribute, value.as_str()))
}

/// Puts the vouched values in the place of those that a name spells otherwise, and adds attributes:
/// those that are wider than a CN in front, the others at the end.
fn complete_name(
    requested: &[u8],
    name: &Name,
    vouched: &VouchedAttributes,
    missing: &BTreeMap<SubjectAttribute, &str>,
) -> der::Result<Vec<u8>> {
    let is_as_vouched = vouched.iter().all(|(attribute, value)| {
        attribute_values(name, *attribute).all(|asked| asked.as_ref() == Some(value))
    });
    // The client's encoding is kept, because encoding the name again could change it.
    if missing.is_empty() && is_as_vouched {
        return Ok(requested.to_vec());
    }
    let mut parts = RdnSequence::default();
    let is_wide = SubjectAttribute::is_wider_than_common_name;
    for (attribute, value) in missing.iter().filter(|(attribute, _)| is_wide(**attribute)) {
        parts.push(build_rdn(*attribute, value)?);
    }
    for rdn in name.iter_rdn() {
        parts.push(replace_vouched(rdn, vouched)?);
    }
    for (attribute, value) in missing
        .iter()
        .filter(|(attribute, _)| !is_wide(**attribute))
    {
        parts.push(build_rdn(*attribute, value)?);
    }
    parts.to_der()
}

/// Puts the vouched values in the place of those that an RDN spells otherwise.
fn replace_vouched(
    rdn: &RelativeDistinguishedName,
    vouched: &VouchedAttributes,
) -> der::Result<RelativeDistinguishedName> {
    let replace_value = |part: &AttributeTypeAndValue| {
        let attribute = SubjectAttribute::of(part.oid);
        let value = vouched
            .get(&attribute)
            .filter(|value| directory_string(AnyRef::from(&part.value)).as_ref() != Some(*value));
        match value {
            None => Ok(part.clone()),
            Some(value) => Ok(AttributeTypeAndValue {
                oid: part.oid,
                value: encode_value(attribute, value)?,
            }),
        }
    };
    let parts: der::Result<Vec<_>> = rdn.iter().map(replace_value).collect();
    RelativeDistinguishedName::try_from(parts?)
}

/// Builds a name of a single attribute.
pub(crate) fn build_name(attribute: SubjectAttribute, value: &str) -> der::Result<RdnSequence> {
    let mut parts = RdnSequence::default();
    parts.push(build_rdn(attribute, value)?);
    Ok(parts)
}

/// Encodes a Name of these attributes, in their order.
pub(crate) fn encode_attributes(attributes: &VouchedAttributes) -> der::Result<Vec<u8>> {
    let mut parts = RdnSequence::default();
    for (attribute, value) in attributes {
        parts.push(build_rdn(*attribute, value)?);
    }
    parts.to_der()
}

fn build_rdn(attribute: SubjectAttribute, value: &str) -> der::Result<RelativeDistinguishedName> {
    let oid = attribute.oid();
    let value = encode_value(attribute, value)?;
    RelativeDistinguishedName::try_from(vec![AttributeTypeAndValue { oid, value }])
}

fn encode_value(attribute: SubjectAttribute, value: &str) -> der::Result<Any> {
    // RFC 5280 appendix A.1 restricts some attributes to one string type.
    match attribute.string_type_of(value) {
        StringType::Ia5String => Any::encode_from(&Ia5StringRef::new(value)?),
        StringType::PrintableString => Any::encode_from(&PrintableStringRef::new(value)?),
        StringType::Utf8String => Any::encode_from(&Utf8StringRef::new(value)?),
    }
}

#[cfg(test)]
mod tests {
    use crate::bounded_text::Pattern;
    use crate::template::TemplateSpec;

    use super::*;

    #[track_caller]
    fn check(
        requested: &str,
        edit: impl FnOnce(&mut SubjectRule),
        expected: Result<&str, RuleViolation>,
    ) {
        let mut rule = TemplateSpec::default().subject;
        edit(&mut rule);
        let requested: Name = requested.parse().unwrap();
        let subject = match build_subject(
            &requested.to_der().unwrap(),
            &rule,
            &VouchedAttributes::new(),
        ) {
            Ok(subject) => Ok(Name::from_der(&subject.der).unwrap().to_string()),
            Err(IssueError::Rule(violation)) => Err(violation),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(subject, expected.map(str::to_owned));
    }

    fn fixed(rule: &mut SubjectRule) {
        rule.fixed = BTreeMap::from([
            (SubjectAttribute::ORGANIZATION, "Corp".to_owned()),
            (SubjectAttribute::COUNTRY, "DE".to_owned()),
            (SubjectAttribute::USER_ID, "u".to_owned()),
        ]);
    }

    #[test]
    fn fixed_attributes_are_added_in_their_places() {
        check("CN=a", |_| {}, Ok("CN=a"));
        check("CN=a", fixed, Ok("UID=u,CN=a,O=Corp,C=DE"));
        check("CN=a,O=Corp", fixed, Ok("UID=u,CN=a,O=Corp,C=DE"));
    }

    #[test]
    fn other_values_of_fixed_attributes_are_refused() {
        let refused =
            || RuleViolation::SubjectFixed(SubjectAttribute::ORGANIZATION, "Other".to_owned());
        check("CN=a,O=Other", fixed, Err(refused()));
        check("CN=a,O=Corp,O=Other", fixed, Err(refused()));
    }

    #[test]
    fn only_allowed_attributes_are_taken() {
        let part = |attribute: &str, value: &str| {
            RuleViolation::SubjectAttribute(crate::template::SubjectPart {
                rdn: 0,
                attribute: attribute.parse().unwrap(),
                value: value.to_owned(),
            })
        };
        let only_cn =
            |rule: &mut SubjectRule| rule.allowed = Some(vec![SubjectAttribute::COMMON_NAME]);
        check("CN=a", only_cn, Ok("CN=a"));
        check("CN=a,OU=b", only_cn, Err(part("OU", "b")));
        check("CN=a,2.5.4.12=b", only_cn, Err(part("title", "b")));
        check("CN=a,1.2.3.4=b", only_cn, Err(part("1.2.3.4", "b")));
        let with = |names: &[&str]| {
            let allowed = names.iter().map(|name| name.parse().unwrap()).collect();
            move |rule: &mut SubjectRule| rule.allowed = Some(allowed)
        };
        check(
            "CN=a,2.5.4.12=b",
            with(&["CN", "2.5.4.12"]),
            Ok("CN=a,TITLE=b"),
        );
        check(
            "1.2.840.113549.1.9.2=a",
            with(&["unstructuredName"]),
            Ok("PKCS-9-AT-UNSTRUCTUREDNAME=a"),
        );
        check(
            "CN=a,1.2.3.4=b",
            with(&["cn", "1.2.3.4"]),
            Ok("CN=a,1.2.3.4=#0c0162"),
        );
        let and_fixed = |rule: &mut SubjectRule| {
            only_cn(rule);
            fixed(rule);
        };
        check("CN=a,O=Corp", and_fixed, Ok("UID=u,CN=a,O=Corp,C=DE"));
    }

    #[test]
    fn required_attributes_are_present_or_fixed() {
        let lacks = || Err(RuleViolation::SubjectLacks(SubjectAttribute::COMMON_NAME));
        let common_name =
            |rule: &mut SubjectRule| rule.required = vec![SubjectAttribute::COMMON_NAME];
        check("CN=,O=a", common_name, lacks());
        check("O=a", common_name, lacks());
        check("O=a", |_| {}, Ok("O=a"));
        let organization = |rule: &mut SubjectRule| {
            rule.required = vec![SubjectAttribute::ORGANIZATION];
            fixed(rule);
        };
        check("CN=a", organization, Ok("UID=u,CN=a,O=Corp,C=DE"));
    }

    #[test]
    fn every_cn_matches_the_pattern() {
        let pattern = |rule: &mut SubjectRule| {
            rule.common_name_pattern = Some(Pattern::new("r-[0-9]+").unwrap())
        };
        check("CN=r-1", pattern, Ok("CN=r-1"));
        check(
            "CN=r-1,CN=root",
            pattern,
            Err(RuleViolation::CommonNamePattern("root".to_owned())),
        );
    }
}
