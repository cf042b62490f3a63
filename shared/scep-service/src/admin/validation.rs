//! The checks of a request: each returns its parsed value or the reason against it, and a collector
//! reports all the reasons together.

use ca::bounded_text::Description;
use ca::profile_name::ProfileName;

use crate::admin::edit::Edit;
use crate::admin::field::Field;
use crate::admin::invalid::{AdminError, Invalid};

/// Collects every reason why a request is invalid. An administrator gets all of them in one
/// response, in the order of the checks.
#[derive(Debug, Default)]
pub(super) struct Validation {
    reasons: Vec<Invalid>,
}

impl Validation {
    /// Returns the value that a check parsed, or notes the reason why it is invalid.
    pub(super) fn check<T>(&mut self, checked: Result<T, impl Into<Invalid>>) -> Option<T> {
        checked
            .map_err(|reason| self.reasons.push(reason.into()))
            .ok()
    }

    /// Notes the reason unless its rule holds.
    pub(super) fn require(&mut self, holds: bool, reason: Invalid) {
        if !holds {
            self.reasons.push(reason);
        }
    }

    /// Notes these reasons.
    pub(super) fn extend(&mut self, reasons: impl IntoIterator<Item = Invalid>) {
        self.reasons.extend(reasons);
    }

    /// Returns the values of the checks if all of them passed.
    ///
    /// # Errors
    /// Returns [`AdminError::Invalid`] with every reason that was noted.
    // A value is missing only if its check noted a reason, so the list of reasons is never empty.
    pub(super) fn finish<T>(self, values: Option<T>) -> Result<T, AdminError> {
        self.into_result(values).map_err(AdminError::Invalid)
    }

    /// Returns the values of the checks if all of them passed, and otherwise every reason that was
    /// noted.
    pub(super) fn into_result<T>(self, values: Option<T>) -> Result<T, Vec<Invalid>> {
        match values {
            Some(values) if self.reasons.is_empty() => Ok(values),
            Some(_) | None => Err(self.reasons),
        }
    }
}

/// Parses the name of a new object, which must have one.
pub(super) fn parse_name(name: Option<&str>) -> Result<ProfileName, Invalid> {
    let name = name.ok_or(Invalid::Missing(Field::Name))?;
    Ok(ProfileName::new(name)?)
}

/// Checks that an edit does not change the name.
// An edit may repeat it: clients send back the object that they read.
pub(super) fn check_name_unchanged(
    edited: Option<&str>,
    name: &ProfileName,
) -> Result<(), Invalid> {
    match edited {
        Some(edited) if edited != name.as_str() => Err(Invalid::NameChanged),
        Some(_) | None => Ok(()),
    }
}

/// Parses the edit of a description.
pub(super) fn parse_description(edit: Edit<String>) -> Result<Edit<Description>, Invalid> {
    Ok(edit.try_map(|text| Description::new(&text))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: std::fmt::Debug>(finished: Result<T, AdminError>, expected: &[Invalid]) {
        let error = finished.unwrap_err();
        let AdminError::Invalid(reasons) = error else {
            panic!("{error:?}");
        };
        assert_eq!(reasons, expected);
    }

    #[test]
    fn every_reason_is_reported_in_the_order_of_the_checks() {
        let mut errors = Validation::default();
        let name = errors.check(parse_name(None));
        let description = errors.check(parse_description(Edit::Set("a\u{202e}b".to_owned())));
        errors.require(false, Invalid::Validity);
        errors.extend([Invalid::RaUsages, Invalid::KeyInUse]);
        let expected = [
            Invalid::Missing(Field::Name),
            Invalid::Description(ca::bounded_text::DescriptionError),
            Invalid::Validity,
            Invalid::RaUsages,
            Invalid::KeyInUse,
        ];
        check(errors.finish(name.zip(description)), &expected);
    }

    #[test]
    fn values_are_returned_only_if_every_rule_holds() {
        let mut errors = Validation::default();
        let name = errors.check(parse_name(Some("routers")));
        errors.require(true, Invalid::Validity);
        assert_eq!(errors.finish(name).unwrap().as_str(), "routers");

        let mut errors = Validation::default();
        let name = errors.check(parse_name(Some("routers")));
        errors.require(false, Invalid::Validity);
        check(errors.finish(name), &[Invalid::Validity]);
    }

    #[test]
    fn name_may_be_repeated_but_not_changed() {
        let name = ProfileName::new("routers").unwrap();
        assert_eq!(check_name_unchanged(None, &name), Ok(()));
        assert_eq!(check_name_unchanged(Some("routers"), &name), Ok(()));
        assert_eq!(
            check_name_unchanged(Some("switches"), &name),
            Err(Invalid::NameChanged)
        );
    }
}
