//! `/caller`: who the server takes the caller for.

use axum::{Extension, Json};
use serde::Serialize;
use strum::VariantArray;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::access::{ApiRouter, RequireScope};
use crate::openapi_enums::ScopeName;
use crate::{Caller, Scope};

pub(crate) fn routes() -> ApiRouter {
    // Every token has a scope, and may ask which.
    ApiRouter::new().routes(routes!(read_caller).require_any(Scope::VARIANTS))
}

/// An authenticated caller.
#[derive(Serialize, ToSchema)]
#[schema(as = Caller)]
struct CallerView {
    /// The name that audit records show.
    #[schema(example = "token ci (1f0c9a3e)")]
    name: String,
    /// The scopes of the caller's token.
    #[schema(value_type = Vec<ScopeName>)]
    scopes: Vec<Scope>,
}

/// Read the name and the scopes of the caller.
#[utoipa::path(
    get, path = "/caller", operation_id = "get_caller", tag = "Server",
    responses((status = 200, description = "OK", body = CallerView))
)]
async fn read_caller(Extension(caller): Extension<Caller>) -> Json<CallerView> {
    let Caller { name, scopes } = caller;
    Json(CallerView { name, scopes })
}
