//! Callers: how they are authenticated, and what they may do.

use async_trait::async_trait;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

/// A permission of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Approve and reject transactions, and revoke certificates.
    Approve,
    /// Read everything.
    Read,
    /// Create, edit and delete.
    Write,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Approve];

    /// The scope's name in tokens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    /// The scope with the given name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
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
    async fn caller(&self, head: &Parts) -> Result<Option<Caller>, CallersUnknown>;
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
