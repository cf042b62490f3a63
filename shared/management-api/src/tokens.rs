//! `/tokens`: the tokens of callers, where the server issues them itself.

use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::StatusCode;
use scep_service::admin::RecordedToken;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use strum::VariantArray;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use crate::access::{ApiRouter, RequireScope};
use crate::openapi_enums::ScopeName;
use crate::openapi_responses::InvalidRequest;
use crate::request::{Body, Ids, JsonObject, format_time};
use crate::response::{ApiError, Message};
use crate::token_store::{TokenId, TokenName, TokenRecord, TokenStore, TokensUnavailable};
use crate::{Admin, Api, Caller, Scope, State};

pub(crate) fn routes() -> ApiRouter {
    ApiRouter::new()
        .routes(routes!(list_tokens).require(Scope::Read))
        .routes(routes!(create_token).require(Scope::Write))
        .routes(routes!(revoke_token).require(Scope::Write))
}

/// A token without its value.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
struct TokenView {
    /// Id of the token: eight hexadecimal digits. Audit records have it as the end of a UUID.
    #[schema(pattern = "^[0-9a-f]{8}$", example = "1f0c9a3e")]
    id: String,
    /// Owner or purpose of the token.
    #[schema(example = "ci")]
    name: String,
    /// Scopes of the token.
    #[schema(example = json!(["read", "write"]))]
    scopes: Vec<String>,
    /// When it was created.
    #[schema(format = DateTime, example = "2026-01-01T01:00:00Z")]
    created_at: String,
    /// When it was revoked; null while it is valid.
    #[schema(format = DateTime, example = "2026-06-01T12:00:00Z")]
    revoked_at: Option<String>,
}

impl TokenView {
    fn of(record: &TokenRecord) -> Self {
        Self {
            id: record.id.to_string(),
            name: record.name.clone(),
            scopes: record.scopes.clone(),
            created_at: format_time(record.created_at),
            revoked_at: record.revoked_at.map(format_time),
        }
    }
}

/// Every token.
#[derive(Serialize, ToSchema)]
struct TokenList {
    /// The tokens, oldest first. Revoked ones stay in the list.
    items: Vec<TokenView>,
}

/// A new token with its value.
#[derive(Serialize, ToSchema)]
#[schema(as = NewToken)]
struct NewTokenView {
    #[serde(flatten)]
    record: TokenView,
    /// The token itself. It is not shown again.
    #[schema(example = "scepter_4w8r…")]
    token: String,
}

/// A request to create a token.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TokenRequest {
    /// Owner or purpose of the token, shown in audit records.
    #[schema(min_length = 1, max_length = 64, example = "ci")]
    name: String,
    /// Scopes of the token, at least one, and none that the caller lacks.
    #[schema(value_type = Vec<ScopeName>, min_items = 1, max_items = 16)]
    scopes: Vec<String>,
}

impl TokenRequest {
    /// The name and the scopes, in the order of [`Scope`], if this caller may give them.
    fn check(&self, caller: &Caller) -> Result<(TokenName, Vec<Scope>), ApiError> {
        let mut reasons = Vec::new();
        let name = TokenName::new(&self.name)
            .map_err(|error| reasons.push(format!("name: {error}")))
            .ok();
        let mut scopes = Vec::new();
        for text in &self.scopes {
            match text.parse() {
                Ok(scope) if !caller.scopes.contains(&scope) => {
                    reasons.push(format!("scopes: your own token lacks {}", scope.name()));
                }
                Ok(scope) => scopes.push(scope),
                // The text is not repeated, because it may be of any length.
                Err(_) => reasons.push(format!("scopes: one of {}", list_scopes())),
            }
        }
        if self.scopes.is_empty() {
            reasons.push(format!("scopes: at least one of {}", list_scopes()));
        }
        reasons.dedup();
        match name {
            Some(name) if reasons.is_empty() => {
                let given = Scope::VARIANTS.iter().copied();
                Ok((name, given.filter(|scope| scopes.contains(scope)).collect()))
            }
            Some(_) | None => Err(ApiError::Unprocessable(reasons)),
        }
    }
}

fn list_scopes() -> String {
    let names: Vec<_> = Scope::VARIANTS.iter().map(|scope| scope.name()).collect();
    names.join(", ")
}

impl From<TokensUnavailable> for ApiError {
    fn from(_: TokensUnavailable) -> Self {
        Self::TryLater
    }
}

impl Api {
    fn token_store(&self) -> Result<&dyn TokenStore, ApiError> {
        self.tokens.as_deref().ok_or_else(|| {
            let reason = "an identity provider issues the tokens of this server";
            ApiError::NotFound(reason.to_owned())
        })
    }
}

/// List the tokens of callers, without their values.
#[utoipa::path(
    get, path = "/tokens", tag = "Tokens",
    responses(
        (status = 200, description = "OK", body = TokenList),
        (status = 404, description = "The server issues no tokens itself", body = Message)
    )
)]
async fn list_tokens(api: State) -> Result<Json<TokenList>, ApiError> {
    let tokens = api.token_store()?.list().await?;
    let items = tokens.iter().map(TokenView::of).collect();
    Ok(Json(TokenList { items }))
}

/// Create a token.
///
/// Its value is in the response alone.
#[utoipa::path(
    post, path = "/tokens", operation_id = "add_token", tag = "Tokens",
    request_body = TokenRequest,
    responses(
        InvalidRequest,
        (status = 201, description = "Created", body = NewTokenView),
        (status = 404, description = "The server issues no tokens itself", body = Message)
    )
)]
async fn create_token(
    api: State,
    Admin(administration): Admin,
    Extension(caller): Extension<Caller>,
    Body(JsonObject(request)): Body<JsonObject<TokenRequest>>,
) -> Result<Response, ApiError> {
    let store = api.token_store()?;
    let (name, scopes) = request.check(&caller)?;
    let now = administration.clock.now();
    let created = store.create(&name, &scopes, now).await?;
    let recorded = administration
        .record_token_creation(&recorded_token(&created.record))
        .await;
    if let Err(error) = recorded {
        // Nobody has seen the token's value, so an unrecorded token is of no use to anyone.
        store.revoke(created.record.id, now).await?;
        return Err(error.into());
    }
    let view = NewTokenView {
        record: TokenView::of(&created.record),
        token: created.secret.expose_secret().to_owned(),
    };
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

/// The path parameter of a token.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct TokenPath {
    /// Id of the token: eight hexadecimal digits.
    #[param(pattern = "^[0-9a-f]{8}$", example = "1f0c9a3e")]
    id: String,
}

/// Revoke a token.
///
/// Its next request is rejected. Callers may revoke their own token. The list keeps it as revoked.
#[utoipa::path(
    delete, path = "/tokens/{id}", operation_id = "remove_token", tag = "Tokens",
    params(TokenPath),
    responses(
        (status = 204, description = "No content"),
        (status = 404, description = "No such token, or the server issues none itself", body = Message)
    )
)]
async fn revoke_token(
    api: State,
    Admin(administration): Admin,
    Ids(path): Ids<TokenPath>,
) -> Result<StatusCode, ApiError> {
    let store = api.token_store()?;
    let id = TokenId::parse(&path.id);
    let tokens = store.list().await?;
    let token = tokens
        .iter()
        .find(|token| Some(token.id) == id)
        .ok_or_else(|| ApiError::NotFound("no such token".to_owned()))?;
    if token.revoked_at.is_none() {
        // The record comes first, so that no revocation is missing among the records.
        administration
            .record_token_revocation(&recorded_token(token))
            .await?;
        store.revoke(token.id, administration.clock.now()).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

fn recorded_token(record: &TokenRecord) -> RecordedToken<'_> {
    RecordedToken {
        id: record.id.number(),
        name: &record.name,
        scopes: &record.scopes,
    }
}
