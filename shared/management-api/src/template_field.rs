//! The JSON paths of the fields of an RA Profile's rules, which precede the reasons why they are
//! invalid.

use std::borrow::Cow;

use ca::template::{TemplateError, TemplateField};

/// The reason that a caller gets: the path of the field, and what is wrong with it.
pub(crate) fn describe_template_error(error: TemplateError) -> String {
    format!("certificateTemplate.{}: {error}", path(error.field()))
}

/// The path of a field below `certificateTemplate`.
fn path(field: TemplateField) -> Cow<'static, str> {
    let name = match field {
        TemplateField::Backdate => "backdate",
        TemplateField::ExtendedKeyUsage => "extendedKeyUsage",
        TemplateField::Pattern(kind) => return format!("subjectAltName.patterns.{kind}").into(),
        TemplateField::RsaMinBits => "rsaMinBits",
        TemplateField::Subject => "subject",
        TemplateField::SubjectFixed => "subject.fixed",
        TemplateField::Validity => "validity",
    };
    name.into()
}

#[cfg(test)]
mod tests {
    use ca::template::{ExtendedKeyUsage, SubjectAltNameType, SubjectAttribute};

    use super::*;

    #[test]
    fn a_reason_begins_with_the_path_of_its_field() {
        for (error, text) in [
            (TemplateError::Backdate, "backdate: at most P31D"),
            (
                TemplateError::Fixed(SubjectAttribute::COUNTRY),
                "subject.fixed: not a valid value for C: must be two letters",
            ),
            (
                TemplateError::PatternMissing(SubjectAltNameType::Upn),
                "subjectAltName.patterns.upn: required, since types has upn: without it, every \
                 holder of a challenge could impersonate anyone",
            ),
            (
                TemplateError::RequiredNotAllowed(SubjectAttribute::COMMON_NAME),
                "subject: CN is required but not allowed",
            ),
            (TemplateError::RsaMinBits, "rsaMinBits: 1024 to 8192"),
            (
                TemplateError::UnfitUsage(ExtendedKeyUsage::ANY),
                "extendedKeyUsage: anyExtendedKeyUsage is not for devices: its holder would speak \
                 for the authority or for others",
            ),
            (
                TemplateError::Validity,
                "validity: must be greater than zero",
            ),
        ] {
            let expected = format!("certificateTemplate.{text}");
            assert_eq!(describe_template_error(error), expected);
        }
    }
}
