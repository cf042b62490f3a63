//! The search for certificates by subjectAltName: what an administrator types, and the keys by
//! which a store finds it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ca::certified_name::{CertifiedName, read_certified_names};

use crate::inventory::CertificateRecord;
use crate::inventory::search_key::normalise_key;

/// The most alternative names of a certificate that searches find.
// Each costs an item to write, in a transaction that holds at most 100. A device has a few names; a
// request may ask for 100.
const MAX_NAMES: usize = 20;

/// The alternative names by which searches find a certificate: its first 20.
// Stores keep the keys. A version that made others of the same certificates would not find those
// that were recorded before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlternativeNames {
    /// The types of each name, in lower case, by the name's key.
    kinds: BTreeMap<String, Vec<String>>,
}

impl AlternativeNames {
    fn of(names: Vec<CertifiedName>) -> Self {
        let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for name in names {
            let key = normalise_key(&name.text);
            // No store has an empty key, and an empty text is no search.
            let is_kept = kinds.len() < MAX_NAMES || kinds.contains_key(&key);
            if !key.is_empty() && is_kept {
                kinds.entry(key).or_default().push(name.kind.to_lowercase());
            }
        }
        Self { kinds }
    }

    /// The keys by which searches find the certificate: each name in lower case and at most 255
    /// characters, sorted, none empty or twice.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }
}

impl CertificateRecord {
    /// The alternative names by which searches find the certificate.
    #[must_use]
    pub fn alternative_names(&self) -> AlternativeNames {
        // The names were decoded when the certificate was made. If they could not be decoded now,
        // searches would miss them, which must not prevent that the certificate is recorded.
        AlternativeNames::of(read_certified_names(&self.certificate).unwrap_or_default())
    }
}

/// A search by subjectAltName: the beginning of a name, or of a name with its type, as in
/// `DNS:router`. Case is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlternativeNameSearch {
    key_prefix: String,
    /// The type, in lower case; `None` for names of any type.
    kind: Option<String>,
}

impl AlternativeNameSearch {
    /// Parses what an administrator types.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lower = text.to_lowercase();
        let (kind, name) = match lower.split_once(':') {
            Some((kind, name)) if is_kind(kind) => (Some(kind.to_owned()), name),
            // The colon is part of a URI or of an address.
            Some(_) | None => (None, lower.as_str()),
        };
        // An address has many forms, and certificates are searched by one of them.
        let address = name.parse().map(|address: IpAddr| address.to_string());
        Self {
            key_prefix: normalise_key(&address.unwrap_or_else(|_| name.to_owned())),
            kind,
        }
    }

    /// The beginning of a key of every certificate that matches.
    #[must_use]
    pub fn key_prefix(&self) -> &str {
        &self.key_prefix
    }

    /// The first key that matches, in the order of [`AlternativeNames::keys`]; `None` if the
    /// certificate does not match.
    #[must_use]
    pub fn first_match<'a>(&self, names: &'a AlternativeNames) -> Option<&'a str> {
        let is_of_kind = |kinds: &Vec<String>| {
            let wanted = self.kind.as_ref();
            wanted.is_none_or(|wanted| kinds.contains(wanted))
        };
        let mut matching = names
            .kinds
            .iter()
            .filter(|(key, kinds)| key.starts_with(&self.key_prefix) && is_of_kind(kinds));
        matching.next().map(|(key, _)| key.as_str())
    }
}

/// Whether this is a type of names, in lower case.
fn is_kind(text: &str) -> bool {
    // The API shows names with these types, so they are what administrators copy.
    ["dns", "email", "ip", "upn", "uri"].contains(&text) || text.starts_with("othername ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(kind: &str, text: &str) -> CertifiedName {
        CertifiedName {
            kind: kind.to_owned(),
            text: text.to_owned(),
        }
    }

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let names = AlternativeNames::of(vec![
            name("DNS", "Router.example"),
            name("DNS", "*.example"),
            name("UPN", "router.example"),
            name("URI", "urn:uuid:1"),
            name("URI", "URI:x"),
            name("IP", "2001:db8::1"),
            name("otherName 1.2.3", "Serial 7"),
            name("other", ""),
        ]);
        let search = AlternativeNameSearch::parse(text);
        let found = search.first_match(&names);
        assert_eq!(found, expected, "{text}");
        assert!(found.is_none_or(|found| found.starts_with(search.key_prefix())));
    }

    #[test]
    fn a_name_is_found_by_its_beginning_whatever_its_case() {
        check("ROUTER", Some("router.example"));
        check("router.example", Some("router.example"));
        check("router.example.", None);
        check("outer", None);
        check("urn:uuid:", Some("urn:uuid:1"));
        check("serial", Some("serial 7"));
    }

    #[test]
    fn a_type_before_the_name_is_part_of_the_search() {
        check("DNS:router", Some("router.example"));
        check("upn:router", Some("router.example"));
        check("email:router", None);
        check("uri:uri:", Some("uri:x"));
        check("otherName 1.2.3:Se", Some("serial 7"));
        check("otherName 1.2.4:Se", None);
        check("IP:", Some("2001:db8::1"));
    }

    #[test]
    fn an_address_is_found_in_each_of_its_forms() {
        check("2001:0DB8:0::1", Some("2001:db8::1"));
        check("ip:2001:db8:0:0:0:0:0:1", Some("2001:db8::1"));
        check("2001:db", Some("2001:db8::1"));
    }

    /// Stores and administrators give them a meaning elsewhere.
    #[test]
    fn no_character_is_a_wildcard() {
        check("*", Some("*.example"));
        for text in [
            "*.e*",
            "router?example",
            "router%",
            "r_uter",
            "^router",
            ".*",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn names_are_bounded_in_number_and_length() {
        let many = (0..30).map(|number| name("DNS", &format!("d{number:02}")));
        let names = AlternativeNames::of(many.chain([name("UPN", "d00")]).collect());
        let expected: Vec<_> = (0..20).map(|number| format!("d{number:02}")).collect();
        assert!(names.keys().eq(expected.iter().map(String::as_str)));
        let search = AlternativeNameSearch::parse("UPN:d");
        assert_eq!(search.first_match(&names), Some("d00"));
        let long = AlternativeNames::of(vec![name("URI", &"É".repeat(300))]);
        assert!(long.keys().eq(["é".repeat(255).as_str()]));
        let search = AlternativeNameSearch::parse(&"é".repeat(300));
        assert!(search.first_match(&long).is_some());
    }
}
