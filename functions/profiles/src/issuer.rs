//! The issuer of tokens.

use scep_protocol::service_url::{ServiceUrl, UnfitUrl};
use url::Url;

/// The issuer of the tokens of administrators and MDMs.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    name: String,
    /// The emulator of AWS that answers in the issuer's place.
    emulator: Option<String>,
}

impl Issuer {
    pub(crate) fn new(name: String, emulator: Option<String>) -> Self {
        Self { name, emulator }
    }

    /// The URL that tokens have as `iss`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The URL of the discovery document, OpenID Connect Discovery 1.0 §4.
    pub(crate) fn discovery_url(&self) -> Result<ServiceUrl, UnfitUrl> {
        let base = self.name.trim_end_matches('/');
        self.locate(&format!("{base}/.well-known/openid-configuration"))
    }

    /// A URL of the issuer, at the emulator if there is one.
    pub(crate) fn locate(&self, url: &str) -> Result<ServiceUrl, UnfitUrl> {
        let Some(emulator) = &self.emulator else {
            return url.parse();
        };
        let path = Url::parse(url).map_err(|_| UnfitUrl)?;
        format!("{}{}", emulator.trim_end_matches('/'), path.path()).parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_discovery_document_is_below_the_name() {
        for (name, emulator, expected) in [
            (
                "https://id.example/pool",
                None,
                "https://id.example/pool/.well-known/openid-configuration",
            ),
            (
                "https://id.example/",
                None,
                "https://id.example/.well-known/openid-configuration",
            ),
            (
                "https://id.example/pool",
                Some("http://127.0.0.1:4566/"),
                "http://127.0.0.1:4566/pool/.well-known/openid-configuration",
            ),
        ] {
            let issuer = Issuer::new(name.to_owned(), emulator.map(str::to_owned));
            assert_eq!(issuer.discovery_url().unwrap().as_str(), expected);
        }
        let issuer = Issuer::new("http://id.example".to_owned(), None);
        assert!(issuer.discovery_url().is_err());
    }
}
