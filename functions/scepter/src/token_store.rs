//! The tokens of the data folder, as the management API lists, creates and revokes them.

use std::fmt::Display;

use async_trait::async_trait;
use management_api::{
    CreatedToken, Scope, TokenId, TokenName, TokenRecord, TokenStore, TokensUnavailable,
};
use scep_service::error_chain::ErrorChain;
use time::OffsetDateTime;

use crate::tokens::{Token, TokenError, Tokens};

#[async_trait]
impl TokenStore for Tokens {
    async fn list(&self) -> Result<Vec<TokenRecord>, TokensUnavailable> {
        let found = self.run(Self::list).await.map_err(log_error)?;
        found.iter().map(to_record).collect()
    }

    async fn create(
        &self,
        name: &TokenName,
        scopes: &[Scope],
        now: OffsetDateTime,
    ) -> Result<CreatedToken, TokensUnavailable> {
        let (name, scopes) = (name.clone(), scopes.to_vec());
        let create = move |tokens: &Self| Self::create(tokens, name.as_str(), &scopes, now);
        let (token, secret) = self.run(create).await.map_err(log_error)?;
        Ok(CreatedToken {
            record: to_record(&token)?,
            secret: secret.into(),
        })
    }

    async fn revoke(&self, id: TokenId, now: OffsetDateTime) -> Result<(), TokensUnavailable> {
        let revoke = move |tokens: &Self| Self::revoke(tokens, &id.to_string(), now);
        match self.run(revoke).await {
            Err(TokenError::Unknown(_)) => Ok(()),
            revoked => revoked.map_err(log_error),
        }
    }
}

fn log_error(error: TokenError) -> TokensUnavailable {
    log(ErrorChain(&error))
}

fn log(error: impl Display) -> TokensUnavailable {
    tracing::error!(%error, "could not read or write the tokens");
    TokensUnavailable
}

/// The API form of a stored token. It fails for a file that was edited by hand: a token that the
/// list lacked would go unnoticed.
fn to_record(token: &Token) -> Result<TokenRecord, TokensUnavailable> {
    let time = |seconds| {
        OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| log("a token has no valid time"))
    };
    Ok(TokenRecord {
        id: TokenId::parse(&token.id).ok_or_else(|| log("a token has no valid id"))?,
        name: token.name.clone(),
        scopes: token.scopes.clone(),
        created_at: time(token.created_at)?,
        revoked_at: token.revoked_at.map(time).transpose()?,
    })
}
