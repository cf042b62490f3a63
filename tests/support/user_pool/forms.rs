//! Parameters of requests, each at most once.

use std::collections::BTreeMap;

/// The parameters of a query or of a form.
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads `application/x-www-form-urlencoded`. A parameter must not be there twice, RFC 6749
    /// §3.1, and one without a value counts as left out.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut found = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()).into_owned() {
            if found.insert(name.clone(), value).is_some() {
                return Err(format!("{name} twice"));
            }
        }
        found.retain(|_, value| !value.is_empty());
        Ok(Self(found))
    }

    /// The value of a parameter; empty if it is not there.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The names, in alphabetical order.
    pub(super) fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}
