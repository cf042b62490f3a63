//! How people sign in to the console.

use std::collections::BTreeSet;
use std::iter;
use std::str::FromStr;

use bytes::Bytes;
use scep_protocol::service_url::{ServiceUrl, UnfitUrl};
use serde::Serialize;
use url::Url;

/// How people sign in to the console.
#[derive(Clone, Debug)]
pub enum SignIn {
    /// With a token of the management API.
    Token,
    /// At an identity provider.
    OpenId(Box<OpenIdProvider>),
}

/// An identity provider that gives people tokens of the management API, by the authorization code
/// grant with PKCE (RFC 6749 §4.1, RFC 7636).
#[derive(Clone, Debug)]
pub struct OpenIdProvider {
    /// The issuer that the provider's discovery document names.
    pub issuer: ProviderUrl,
    /// Where people sign in.
    pub authorization_endpoint: ProviderUrl,
    /// Where the console exchanges codes for tokens.
    pub token_endpoint: ProviderUrl,
    /// Where people sign out, if the provider has such a page.
    pub end_session_endpoint: Option<ProviderUrl>,
    /// Where the console revokes its tokens at sign-out (RFC 7009), if the provider has such an
    /// endpoint.
    pub revocation_endpoint: Option<ProviderUrl>,
    /// The console at the provider: a public client, which has no secret.
    pub client_id: String,
    /// The scopes to ask for, separated by spaces.
    pub scope: String,
}

/// A URL of an identity provider: one that [`ServiceUrl`] allows.
// It is kept as it is written, because issuers are compared character by character (RFC 9207
// §2.4).
#[derive(Clone, Debug)]
pub struct ProviderUrl {
    text: String,
    url: ServiceUrl,
}

/// The console cannot work with this identity provider.
#[derive(Debug, thiserror::Error)]
pub enum UnfitSignIn {
    /// Writing the settings as JSON.
    #[error("writing the settings of sign-in as JSON")]
    Json(#[source] serde_json::Error),
    /// The host of an endpoint cannot be named in a Content-Security-Policy.
    #[error("the host of the token or revocation endpoint is no domain name or IPv4 address")]
    Host,
}

/// The content of `sign-in.json`.
#[derive(Serialize)]
#[serde(
    tag = "method",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
enum SignInJson<'a> {
    Token,
    Oidc {
        issuer: &'a str,
        authorization_endpoint: &'a str,
        token_endpoint: &'a str,
        end_session_endpoint: Option<&'a str>,
        revocation_endpoint: Option<&'a str>,
        client_id: &'a str,
        scope: &'a str,
    },
}

impl SignIn {
    /// The content of `sign-in.json`. It contains no secret.
    pub(crate) fn to_json(&self) -> Result<Bytes, UnfitSignIn> {
        let json = match self {
            Self::Token => SignInJson::Token,
            Self::OpenId(provider) => SignInJson::Oidc {
                issuer: &provider.issuer.text,
                authorization_endpoint: &provider.authorization_endpoint.text,
                token_endpoint: &provider.token_endpoint.text,
                end_session_endpoint: provider
                    .end_session_endpoint
                    .as_ref()
                    .map(|url| url.text.as_str()),
                revocation_endpoint: provider
                    .revocation_endpoint
                    .as_ref()
                    .map(|url| url.text.as_str()),
                client_id: &provider.client_id,
                scope: &provider.scope,
            },
        };
        let json = serde_json::to_vec(&json).map_err(UnfitSignIn::Json)?;
        Ok(Bytes::from(json))
    }

    /// The origins that the console talks to besides its own, as a Content-Security-Policy names
    /// them.
    pub(crate) fn provider_origins(&self) -> Result<BTreeSet<String>, UnfitSignIn> {
        let provider = match self {
            Self::Token => return Ok(BTreeSet::new()),
            Self::OpenId(provider) => provider,
        };
        iter::once(&provider.token_endpoint)
            .chain(&provider.revocation_endpoint)
            .map(ProviderUrl::source)
            .collect()
    }
}

impl ProviderUrl {
    /// The origin, as a Content-Security-Policy names it.
    fn source(&self) -> Result<String, UnfitSignIn> {
        let url = Url::from(&self.url);
        // A host may contain `;`, which would begin another directive, and an IPv6 address is no
        // host-source.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        match url.host_str() {
            Some(host) if host.chars().all(is_plain) => Ok(url.origin().ascii_serialization()),
            Some(_) | None => Err(UnfitSignIn::Host),
        }
    }
}

impl FromStr for ProviderUrl {
    type Err = UnfitUrl;

    fn from_str(text: &str) -> Result<Self, UnfitUrl> {
        Ok(Self {
            url: text.parse()?,
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider_at(token_endpoint: &str) -> SignIn {
        SignIn::OpenId(Box::new(OpenIdProvider {
            issuer: "https://idp.example".parse().unwrap(),
            authorization_endpoint: "https://login.example/authorize?p=1".parse().unwrap(),
            token_endpoint: token_endpoint.parse().unwrap(),
            end_session_endpoint: None,
            revocation_endpoint: None,
            client_id: "console".to_owned(),
            scope: "openid scepter/read".to_owned(),
        }))
    }

    #[test]
    fn settings_are_written_as_the_console_reads_them() {
        let json = SignIn::Token.to_json().unwrap();
        assert_eq!(json, r#"{"method":"token"}"#);
        let json = provider_at("https://login.example/token")
            .to_json()
            .unwrap();
        let expected = concat!(
            r#"{"method":"oidc","issuer":"https://idp.example","#,
            r#""authorizationEndpoint":"https://login.example/authorize?p=1","#,
            r#""tokenEndpoint":"https://login.example/token","endSessionEndpoint":null,"#,
            r#""revocationEndpoint":null,"clientId":"console","scope":"openid scepter/read"}"#
        );
        assert_eq!(json, expected);
    }

    #[test]
    fn the_origins_of_endpoints_are_sources_each_of_its_own() {
        let origins = |token: &str, revocation: Option<&str>| {
            let SignIn::OpenId(mut provider) = provider_at(token) else {
                panic!("there is a provider");
            };
            provider.revocation_endpoint = revocation.map(|url| url.parse().unwrap());
            let found = SignIn::OpenId(provider).provider_origins();
            found.map(|origins| origins.into_iter().collect::<Vec<_>>().join(" "))
        };
        for (token, revocation, expected) in [
            (
                "https://login.example:8443/a/token?b",
                None,
                "https://login.example:8443",
            ),
            ("http://127.0.0.1:9000/token", None, "http://127.0.0.1:9000"),
            (
                "https://login.example/token",
                Some("https://login.example/revoke"),
                "https://login.example",
            ),
            (
                "https://login.example/token",
                Some("https://out.example/revoke"),
                "https://login.example https://out.example",
            ),
        ] {
            assert_eq!(origins(token, revocation).unwrap(), expected);
        }
        assert!(SignIn::Token.provider_origins().unwrap().is_empty());
        for unfit in [
            "https://a;sandbox/token",
            "https://a'b/token",
            "https://[::1]/token",
        ] {
            assert!(origins(unfit, None).is_err(), "{unfit}");
            let token = "https://login.example/token";
            assert!(origins(token, Some(unfit)).is_err(), "{unfit}");
        }
    }
}
