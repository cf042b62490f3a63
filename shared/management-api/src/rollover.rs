//! `/authorities/{uuid}/rollover`: replaces an authority's key by the next one.

use axum::response::Response;
use ca::id::AuthorityIdKind;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyName;
use ca::template::Period;
use scep_service::admin::NextKey;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::access::{ApiRouter, RequireScope};
use crate::authorities::{AuthorityView, MAX_ARN_CHARACTERS};
use crate::openapi_enums::KeyAlgorithmName;
use crate::openapi_responses::{InvalidRequest, NotFound};
use crate::request::{BodyOrNone, Id, ObjectPath};
use crate::response::{ApiError, Message, Reasons, versioned_response};
use crate::{Admin, Scope};

pub(crate) fn routes() -> ApiRouter {
    ApiRouter::new()
        .routes(routes!(begin_rollover).require(Scope::Write))
        .routes(routes!(activate_rollover).require(Scope::Write))
}

/// A request for an authority's next key.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RolloverRequest {
    /// Key algorithm: RSA_2048, RSA_3072, RSA_4096, EC_P256, EC_P384 or EC_P521. Default: that of
    /// the current key.
    #[schema(value_type = Option<KeyAlgorithmName>)]
    key_algorithm: Option<KeyAlgorithm>,
    /// ARN of an existing AWS KMS key to use instead of creating one.
    #[schema(
        max_length = 255,
        example = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    )]
    key_arn: Option<String>,
    /// Validity of a root's next certificate, an ISO 8601 duration. Default P10Y.
    #[schema(value_type = Option<String>, example = "P10Y")]
    validity: Option<Period>,
}

/// Begin a rollover.
///
/// Creates an authority's next key, and the next certificate of a root; a subordinate requests one
/// from its superior CA (`csr`, `certificate`). Once there is a certificate, GetNextCACert
/// announces it to clients. Has no effect while a rollover is already in progress.
#[utoipa::path(
    post, path = "/authorities/{uuid}/rollover", tag = "Authorities",
    params(ObjectPath), request_body = Option<RolloverRequest>,
    responses(
        NotFound, InvalidRequest,
        (status = 200, description = "OK", body = AuthorityView),
        (status = 409, description = "The authority was edited in the meantime", body = Message)
    )
)]
async fn begin_rollover(
    Admin(administration): Admin,
    Id(uuid): Id<AuthorityIdKind>,
    BodyOrNone(request): BodyOrNone<RolloverRequest>,
) -> Result<Response, ApiError> {
    let key_arn = request.key_arn.as_deref().unwrap_or_default();
    if key_arn.chars().count() > MAX_ARN_CHARACTERS {
        return Err(ApiError::reason("keyArn: at most 255 characters"));
    }
    let next = NextKey {
        algorithm: request.key_algorithm,
        key: request.key_arn.map(KeyName::new),
        validity: request.validity.unwrap_or(Period::years(10)),
    };
    let begun = administration.begin_rollover(uuid, next).await?;
    Ok(versioned_response(
        &begun,
        AuthorityView::of(&begun.object, &administration.deployment),
    ))
}

/// Complete a rollover.
///
/// From now on the authority issues with its next key. Certificates issued with the previous key
/// remain valid and can be renewed.
#[utoipa::path(
    post, path = "/authorities/{uuid}/rollover/activate", tag = "Authorities",
    params(ObjectPath),
    responses(
        NotFound,
        (status = 200, description = "OK", body = AuthorityView),
        (status = 409, description = "The authority was edited in the meantime", body = Message),
        (status = 422, description = "There is no next certificate, or it is not valid at present", body = Reasons)
    )
)]
async fn activate_rollover(
    Admin(administration): Admin,
    Id(uuid): Id<AuthorityIdKind>,
) -> Result<Response, ApiError> {
    let activated = administration.activate_next(uuid).await?;
    Ok(versioned_response(
        &activated,
        AuthorityView::of(&activated.object, &administration.deployment),
    ))
}
