//! `/authorities/{uuid}/rollover`: an authority's next key.

use std::sync::Arc;

use axum::response::Response;
use scep_protocol::{KeyAlgorithm, KeyReference, Period};
use scep_service::{NextKey, activate_next, begin_rollover};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::{ApiError, shown};
use crate::authorities::{AuthorityView, MAX_ARN_CHARACTERS};
use crate::names::KeyAlgorithmName;
use crate::request::{BodyOrNone, Ids};
use crate::{Admin, Api};

pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(activate))
}

/// The next key of an authority.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RolloverRequest {
    /// What it is: RSA_2048, RSA_3072, RSA_4096, EC_P256, EC_P384 or EC_P521. Default: the same as now.
    #[schema(value_type = Option<KeyAlgorithmName>)]
    key_algorithm: Option<KeyAlgorithm>,
    /// ARN of an existing AWS KMS key to take, instead of making one.
    #[schema(
        max_length = 255,
        example = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    )]
    key_arn: Option<String>,
    /// How long a root's next certificate is valid, ISO 8601. Default P10Y.
    #[schema(value_type = Option<String>, example = "P10Y")]
    validity: Option<Period>,
}

/// Give an authority its next key, and a root its next certificate; a subordinate asks for one (`csr`, `certificate`). From the moment
/// that there is a certificate, clients are told of it by GetNextCACert. While a rollover is under way, this changes nothing.
#[utoipa::path(
    post, path = "/authorities/{uuid}/rollover", operation_id = "begin_rollover", tag = "Authorities",
    request_body = Option<RolloverRequest>,
    responses(
        (status = 200, body = AuthorityView),
        (status = 409, description = "Someone else edited the authority meanwhile")
    )
)]
async fn begin(
    Admin(managing): Admin,
    Ids(uuid): Ids<Uuid>,
    BodyOrNone(request): BodyOrNone<RolloverRequest>,
) -> Result<Response, ApiError> {
    let key_arn = request.key_arn.as_deref().unwrap_or_default();
    if key_arn.chars().count() > MAX_ARN_CHARACTERS {
        return Err(ApiError::reason("keyArn: at most 255 characters"));
    }
    let next = NextKey {
        algorithm: request.key_algorithm,
        key: request.key_arn.map(KeyReference),
        validity: request.validity.unwrap_or(Period::years(10)),
    };
    let begun = begin_rollover(&managing, uuid, next).await?;
    Ok(shown(&begun, AuthorityView::of(&begun.object)))
}

/// Let an authority issue with its next key from now on. What it issued before stays good and can be renewed.
#[utoipa::path(
    post, path = "/authorities/{uuid}/rollover/activate", operation_id = "activate_rollover", tag = "Authorities",
    responses(
        (status = 200, body = AuthorityView),
        (status = 409, description = "Someone else edited the authority meanwhile"),
        (status = 422, description = "There is no next certificate, or it is not valid now")
    )
)]
async fn activate(Admin(managing): Admin, Ids(uuid): Ids<Uuid>) -> Result<Response, ApiError> {
    let activated = activate_next(&managing, uuid).await?;
    Ok(shown(&activated, AuthorityView::of(&activated.object)))
}
