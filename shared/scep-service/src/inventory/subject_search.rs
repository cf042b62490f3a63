//! The search for certificates by subject: what an administrator types, and the key by which a
//! store finds it.

use ca::template::SubjectAttribute;

use crate::inventory::CertificateSummary;
use crate::inventory::search_key::normalise_key;

/// A search by subject: the beginning of a CN, or a part of the subject in the text form of RFC
/// 4514. Case is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectSearch {
    key_prefix: String,
    /// A part of the subject, in lower case; `None` if the prefix says it all.
    part: Option<String>,
}

impl SubjectSearch {
    /// Parses what an administrator types. A text that begins with an attribute type and `=` is a
    /// part of a subject; any other text is the beginning of a CN.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lower = text.to_lowercase();
        let parts = split_name(&lower);
        if !parts.first().is_some_and(|part| is_attribute(part)) {
            return Self {
                key_prefix: normalise_key(&lower),
                part: None,
            };
        }
        let common_name = parts.iter().find_map(|part| part.strip_prefix("cn="));
        let only_common_name = parts.len() == 1 && common_name.is_some();
        Self {
            // Without a CN, the empty prefix makes the search read every certificate: the
            // attributes that it names may occur under any key.
            key_prefix: normalise_key(&unescape_value(common_name.unwrap_or_default())),
            part: (!only_common_name).then(|| parts.join(",")),
        }
    }

    /// The beginning of the [`CertificateSummary::search_key`] of every certificate that matches.
    #[must_use]
    pub fn key_prefix(&self) -> &str {
        &self.key_prefix
    }

    /// Whether a certificate matches, provided that its search key begins with
    /// [`Self::key_prefix`].
    #[must_use]
    pub fn matches(&self, summary: &CertificateSummary) -> bool {
        let subject = summary.subject.to_lowercase();
        self.part.as_ref().is_none_or(|part| subject.contains(part))
    }
}

impl CertificateSummary {
    /// The key by which searches find the certificate: its CN, or the whole subject without one, in
    /// lower case and at most 255 characters. Empty if the subject is empty.
    #[must_use]
    pub fn search_key(&self) -> String {
        let common_name = self.common_name.as_ref().filter(|name| !name.is_empty());
        normalise_key(common_name.unwrap_or(&self.subject))
    }
}

/// Whether this part of a name begins with an attribute type.
fn is_attribute(part: &str) -> bool {
    // An `=` alone does not make it a name: a CN that is searched for may contain one.
    let kind = part.split_once('=').map_or("", |(kind, _)| kind);
    SubjectAttribute::names().any(|name| name.eq_ignore_ascii_case(kind))
}

/// Splits a name at commas that are not escaped, and drops the spaces after them.
fn split_name(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in name.chars() {
        match parts.last_mut() {
            // Administrators write "CN=a, O=b"; subjects are stored without these spaces.
            Some(part) if c == ' ' && part.is_empty() => {}
            Some(part) if escaped || c != ',' => part.push(c),
            Some(_) | None => parts.push(String::new()),
        }
        escaped = c == '\\' && !escaped;
    }
    parts
}

/// Removes the backslashes that RFC 4514 §2.4 puts before special characters.
fn unescape_value(value: &str) -> String {
    let mut characters = value.chars();
    let mut text = String::new();
    while let Some(c) = characters.next() {
        text.extend(if c == '\\' {
            characters.next()
        } else {
            Some(c)
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::search_key::MAX_KEY_CHARACTERS;

    #[track_caller]
    fn check(text: &str, key_prefix: &str, part: Option<&str>) {
        let expected = SubjectSearch {
            key_prefix: key_prefix.to_owned(),
            part: part.map(str::to_owned),
        };
        assert_eq!(SubjectSearch::parse(text), expected, "{text}");
    }

    #[test]
    fn other_text_than_a_name_is_the_beginning_of_a_cn() {
        check("", "", None);
        check("Device-1", "device-1", None);
        // No attribute has this type, and so the `=` belongs to the CN.
        check("a=b", "a=b", None);
    }

    #[test]
    fn a_cn_alone_is_a_search_by_key() {
        check("CN=Device-1", "device-1", None);
        check(r"cn=Smith\, J", "smith, j", None);
    }

    #[test]
    fn other_attributes_are_a_part_of_the_subject() {
        check("O=Corp", "", Some("o=corp"));
        check("CN=a, O=Corp", "a", Some("cn=a,o=corp"));
        check(r"O=Corp\, Inc,CN=a", "a", Some(r"o=corp\, inc,cn=a"));
    }

    #[test]
    fn a_key_is_cut_between_characters() {
        let long = "É".repeat(300);
        let search = SubjectSearch::parse(&long);
        assert_eq!(search.key_prefix(), "é".repeat(MAX_KEY_CHARACTERS));
        assert!(search.key_prefix().len() <= 1024);
    }
}
