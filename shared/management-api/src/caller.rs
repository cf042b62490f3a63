//! Callers: how they are authenticated, and what they may do.

use crate::credentials::Credentials;
use async_trait::async_trait;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

/// A permission of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, Serialize, VariantArray)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Scope {
    /// Read everything.
    Read,
    /// Create, edit and delete.
    Write,
    /// Approve and reject transactions, and revoke certificates.
    Approve,
    /// Create, list, read and delete one-time challenges, and nothing else.
    Challenge,
}

impl Scope {
    /// The scope's name in tokens.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The scope as a list.
    pub(crate) const fn alone(self) -> &'static [Self] {
        match self {
            Self::Read => &[Self::Read],
            Self::Write => &[Self::Write],
            Self::Approve => &[Self::Approve],
            Self::Challenge => &[Self::Challenge],
        }
    }
}

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name that audit records and logs show.
    pub name: String,
    /// The scopes of the caller's token.
    pub scopes: Vec<Scope>,
}

/// Authenticates the callers of the management API.
#[async_trait]
pub trait Authenticate: Send + Sync {
    /// The caller of a request; `None` when credentials are missing or invalid.
    ///
    /// # Errors
    /// [`CallersUnknown`] when it cannot be decided now whether the credentials are valid.
    async fn caller(&self, head: &Parts) -> Result<Option<Caller>, CallersUnknown>;

    /// The caller with these credentials, of a request whose client may know nothing of bearer
    /// tokens; `None` when they are invalid.
    ///
    /// # Errors
    /// [`CallersUnknown`] when it cannot be decided now whether the credentials are valid.
    async fn identify(&self, credentials: &Credentials) -> Result<Option<Caller>, CallersUnknown>;
}

/// Callers cannot be authenticated right now, for example because the token file is unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("callers cannot be authenticated at the moment")]
pub struct CallersUnknown;

/// The bearer token of a request, RFC 6750 §2.1.
#[must_use]
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    // RFC 9110 §11.1: the scheme is case-insensitive.
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_by_its_name_in_tokens() {
        for scope in Scope::VARIANTS {
            assert_eq!(scope.name().parse(), Ok(*scope));
        }
        let names = Scope::VARIANTS.iter().map(|scope| scope.name());
        assert!(names.eq(["read", "write", "approve", "challenge"]));
    }

    #[test]
    fn bearer_tokens_are_found() {
        let token = |value: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
            bearer_token(&headers).map(str::to_owned)
        };
        assert_eq!(token("Bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("bearer abc").as_deref(), Some("abc"));
        assert_eq!(token("Basic abc"), None);
        assert_eq!(token("abc"), None);
        assert_eq!(bearer_token(&HeaderMap::new()), None);
    }
}
