//! The subjectAltName of a certificate: the names that a request asks for, as far as the rules
//! allow, RFC 5280 §4.2.1.6.

mod dns_name;
pub(crate) mod general_name;
mod name_form;
pub(crate) mod name_text;
mod other_name;
pub(crate) mod requested_names;
pub(crate) mod security_identifier;

use scep_cms::requested::RequestedExtension;
use x509_cert::ext::pkix::name::GeneralNames;

use crate::alt_names::general_name::{FoundName, common_name_as_dns, read_name};
use crate::alt_names::requested_names::parse_requested_names;
use crate::template::{RequestedName, RuleViolation, SubjectAltNameRule, SubjectAltNameType};

/// The result of applying the rule to a request's names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SubjectAltNames {
    /// The names to certify; `None` rather than an empty list, which may not be encoded.
    pub(crate) names: Option<GeneralNames>,
    /// The requested names that the rule ignores.
    pub(crate) left_out: Vec<RequestedName>,
}

/// Selects the names to certify: those that the request asks for and, if the rule says so, the CNs.
///
/// # Errors
/// When a name is malformed, has a type that the rule neither allows nor ignores, or does not match
/// the pattern for its type.
pub(crate) fn select_alt_names(
    extensions: &[RequestedExtension],
    common_names: &[String],
    rule: &SubjectAltNameRule,
) -> Result<SubjectAltNames, RuleViolation> {
    let (mut names, mut left_out) = (GeneralNames::new(), Vec::new());
    for (index, element) in parse_requested_names(extensions)?.into_iter().enumerate() {
        let Some(found) = read_name(index, element)? else {
            continue;
        };
        // The type is judged before the value: a name that is ignored may be malformed.
        match found.kind.filter(|kind| rule.types.contains(kind)) {
            Some(kind) => add_name(&mut names, found, kind, rule)?,
            None if rule.ignore_others => left_out.push(found.shown),
            None => return Err(RuleViolation::SubjectAltNameType(found.shown, found.kind)),
        }
    }
    // The CNs come after the request's own names, so that the client's order stays.
    if rule.common_name_as_dns {
        for common_name in common_names {
            let found = common_name_as_dns(common_name);
            if let Err(fault) = found.name {
                let value = common_name.clone();
                return Err(RuleViolation::CommonNameAsDns { value, fault });
            }
            add_name(&mut names, found, SubjectAltNameType::Dns, rule)?;
        }
    }
    Ok(SubjectAltNames {
        names: (!names.is_empty()).then_some(names),
        left_out,
    })
}

/// Returns whether a request asks for any name in subjectAltName.
pub(crate) fn asks_for_names(extensions: &[RequestedExtension]) -> bool {
    // An unreadable extension counts as asking, so that it is reported instead of ignored.
    let Ok(names) = parse_requested_names(extensions) else {
        return true;
    };
    names
        .into_iter()
        .enumerate()
        .any(|(index, name)| !matches!(read_name(index, name), Ok(None)))
}

/// Adds a name, unless the list has it already.
///
/// # Errors
/// When the name is malformed or not admitted.
fn add_name(
    names: &mut GeneralNames,
    found: FoundName,
    kind: SubjectAltNameType,
    rule: &SubjectAltNameRule,
) -> Result<(), RuleViolation> {
    let FoundName {
        shown, text, name, ..
    } = found;
    let name = match name {
        Ok(name) => name,
        Err(fault) => return Err(RuleViolation::SubjectAltNameValue { name: shown, fault }),
    };
    check_pattern(shown, text.as_deref(), kind, rule)?;
    if !names.contains(&name) {
        names.push(name);
    }
    Ok(())
}

/// Checks a name against the pattern for its type.
///
/// # Errors
/// When the name does not match the pattern or has no text to match, or when there is no pattern
/// and the name needs one: a wildcard, or a name that identifies an account or a person.
fn check_pattern(
    shown: RequestedName,
    text: Option<&str>,
    kind: SubjectAltNameType,
    rule: &SubjectAltNameRule,
) -> Result<(), RuleViolation> {
    let is_wildcard =
        kind == SubjectAltNameType::Dns && text.is_some_and(|text| text.contains('*'));
    // Without a pattern, the holder of a challenge could choose whose name the certificate carries.
    match rule.patterns.get(&kind) {
        Some(pattern) if text.is_some_and(|text| pattern.matches(text)) => Ok(()),
        Some(_) => Err(RuleViolation::SubjectAltNamePattern(shown, kind)),
        None if kind.needs_pattern() => Err(RuleViolation::SubjectAltNameUnbound(shown, kind)),
        None if is_wildcard => Err(RuleViolation::SubjectAltNameWildcard(shown)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
