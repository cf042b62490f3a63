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
        let tokens = self.clone();
        let found = run_blocking(move || Self::list(&tokens)).await?;
        found.iter().map(to_record).collect()
    }

    async fn create(
        &self,
        name: &TokenName,
        scopes: &[Scope],
        now: OffsetDateTime,
    ) -> Result<CreatedToken, TokensUnavailable> {
        let (tokens, name, scopes) = (self.clone(), name.clone(), scopes.to_vec());
        let create = move || Self::create(&tokens, name.as_str(), &scopes, now);
        let (token, secret) = run_blocking(create).await?;
        Ok(CreatedToken {
            record: to_record(&token)?,
            secret: secret.into(),
        })
    }

    async fn revoke(&self, id: TokenId, now: OffsetDateTime) -> Result<(), TokensUnavailable> {
        let tokens = self.clone();
        run_blocking(move || match Self::revoke(&tokens, &id.to_string(), now) {
            Err(TokenError::Unknown(_)) => Ok(()),
            revoked => revoked,
        })
        .await
    }
}

/// Runs an operation on the file of tokens, which may wait for another process and for the disk,
/// without stalling the connections of this thread.
async fn run_blocking<T: Send + 'static>(
    operation: impl FnOnce() -> Result<T, TokenError> + Send + 'static,
) -> Result<T, TokensUnavailable> {
    match tokio::task::spawn_blocking(operation).await {
        Ok(done) => done.map_err(|error| log(ErrorChain(&error))),
        Err(error) => Err(log(error)),
    }
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
