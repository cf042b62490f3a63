//! The subjectAltName of a certificate: the names that a request asks for, as far as the rules
//! allow, RFC 5280 §4.2.1.6.

pub(crate) mod comparison;
mod dns_name;
pub(crate) mod general_name;
mod name_form;
pub(crate) mod name_text;
pub(crate) mod other_name;
pub(crate) mod requested_names;
pub(crate) mod security_identifier;

use der::Encode;
use scep_cms::error::EncodeError;
use scep_cms::requested::RequestedExtension;
use x509_cert::ext::pkix::name::{GeneralName, GeneralNames};

use crate::alt_names::comparison::is_same_general_name;
use crate::alt_names::general_name::{FoundName, common_name_as_dns, read_name};
use crate::alt_names::requested_names::{MAX_BYTES, MAX_NAMES, parse_requested_names};
use crate::alt_names::security_identifier::SecurityIdentifier;
use crate::error::{IssueError, VouchedKind};
use crate::template::{
    RequestedName, RuleViolation, SidForm, SubjectAltNameRule, SubjectAltNameType, SubjectAttribute,
};
use crate::vouched_names::VouchedNames;

/// The result of applying the rule to a request's names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SubjectAltNames {
    /// The names to certify; `None` rather than an empty list, which may not be encoded.
    pub(crate) names: Option<GeneralNames>,
    /// The requested names that the rule ignores.
    pub(crate) left_out: Vec<RequestedName>,
}

/// Selects the names to certify: those that are vouched for, those that the request asks for and,
/// if the rule says so, the CNs.
///
/// # Errors
/// When a name is malformed, has a type that the rule neither allows nor ignores, or does not match
/// the pattern for its type; [`IssueError::Misbound`] when names of its type are vouched for and
/// it is not among them.
pub(crate) fn select_alt_names(
    extensions: &[RequestedExtension],
    common_names: &[String],
    rule: &SubjectAltNameRule,
    vouched: &VouchedNames,
) -> Result<SubjectAltNames, IssueError> {
    let (mut names, mut left_out) = (GeneralNames::new(), Vec::new());
    let sid = vouched.subject_alt_names.sid.as_ref();
    for (index, element) in parse_requested_names(extensions)?.into_iter().enumerate() {
        if let Some((asked, vouched)) = SecurityIdentifier::of_name(element).zip(sid) {
            if asked != *vouched {
                return Err(IssueError::Misbound(VouchedKind::Sid));
            }
            // The certificate gets it in the form that the rule says.
            continue;
        }
        let Some(found) = read_name(index, element)? else {
            continue;
        };
        if let Some(kind) = found.kind.filter(|kind| vouched.binds(*kind)) {
            let name = find_vouched(found, kind, vouched)?;
            add_once(&mut names, name);
            continue;
        }
        // The type is judged before the value: a name that is ignored may be malformed.
        match found.kind.filter(|kind| rule.types.contains(kind)) {
            Some(kind) => add_name(&mut names, found, kind, rule)?,
            None if rule.ignore_others => left_out.push(found.shown),
            None => return Err(RuleViolation::SubjectAltNameType(found.shown, found.kind).into()),
        }
    }
    add_vouched(&mut names, rule, vouched)?;
    // The CNs come after the request's own names, so that the client's order stays. Where the DNS
    // names are vouched for, there are no others.
    if rule.common_name_as_dns && !vouched.binds(SubjectAltNameType::Dns) {
        let is_vouched = vouched.subject.contains_key(&SubjectAttribute::COMMON_NAME);
        for common_name in common_names {
            match add_common_name(&mut names, common_name, rule) {
                Ok(()) => {}
                // A CN that is vouched for must not cost the device its certificate, whatever its
                // form is.
                Err(_) if is_vouched => left_out.push(common_name_as_dns(common_name).shown),
                Err(violation) => return Err(violation.into()),
            }
        }
    }
    Ok(SubjectAltNames {
        names: (!names.is_empty()).then_some(names),
        left_out,
    })
}

/// Finds the vouched name that a requested one is the same as. The certificate gets it as it is
/// vouched for, whatever the spelling of the request.
fn find_vouched(
    found: FoundName,
    kind: SubjectAltNameType,
    vouched: &VouchedNames,
) -> Result<GeneralName, IssueError> {
    let FoundName { shown, name, .. } = found;
    let asked = name.map_err(|fault| RuleViolation::SubjectAltNameValue { name: shown, fault })?;
    vouched
        .alt_names()
        .iter()
        .find(|(of, name)| *of == kind && is_same_general_name(name, &asked))
        .map(|(_, name)| name.clone())
        .ok_or(IssueError::Misbound(VouchedKind::SubjectAltName))
}

/// Adds the vouched names that the request does not ask for.
///
/// # Errors
/// When there are too many names together with those of the request.
fn add_vouched(
    names: &mut GeneralNames,
    rule: &SubjectAltNameRule,
    vouched: &VouchedNames,
) -> Result<(), IssueError> {
    if vouched.is_empty() {
        return Ok(());
    }
    for (_, name) in vouched.alt_names() {
        add_once(names, name.clone());
    }
    let sid = vouched.subject_alt_names.sid.as_ref();
    match rule.sid_form {
        SidForm::Uri => names.extend(sid.and_then(SecurityIdentifier::build_uri)),
        SidForm::Extension => {}
    }
    // A renewal reads the names like those of a request, so they have the same limits.
    if names.len() > MAX_NAMES {
        return Err(RuleViolation::SubjectAltNameCount {
            names: names.len(),
            max_names: MAX_NAMES,
        }
        .into());
    }
    let encoded = names.to_der().map_err(EncodeError::of("SubjectAltName"))?;
    if encoded.len() > MAX_BYTES {
        return Err(RuleViolation::SubjectAltNameTooLong {
            bytes: encoded.len(),
            max_bytes: MAX_BYTES,
        }
        .into());
    }
    Ok(())
}

/// Adds a CN as a DNS name.
fn add_common_name(
    names: &mut GeneralNames,
    common_name: &str,
    rule: &SubjectAltNameRule,
) -> Result<(), RuleViolation> {
    let found = common_name_as_dns(common_name);
    if let Err(fault) = found.name {
        let value = common_name.to_owned();
        return Err(RuleViolation::CommonNameAsDns { value, fault });
    }
    add_name(names, found, SubjectAltNameType::Dns, rule)
}

fn add_once(names: &mut GeneralNames, name: GeneralName) {
    if !names.contains(&name) {
        names.push(name);
    }
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
    add_once(names, name);
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
