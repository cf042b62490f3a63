//! Bulk operations: the routes that enable, disable and delete many objects in turn, with a message
//! for each failure.

use axum::Json;
use axum::routing::{delete, patch};
use newtype_uuid::{GenericUuid, TypedUuid};
use scep_service::admin::{AdminError, Administration, Dependents};
use scep_service::object::{Object, read};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::{ApiRouter, RequireScope};
use crate::field::reason_text;
use crate::openapi_responses::InvalidRequest;
use crate::request::Body;
use crate::response::ApiError;
use crate::toggleable::Toggleable;
use crate::{Admin, Scope};

/// An object that a bulk operation could not process.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkMessage {
    /// UUID of the object.
    #[schema(example = "6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11")]
    uuid: Uuid,
    /// Name of the object; empty if there is no such object.
    #[schema(example = "routers")]
    name: String,
    /// Reason for the failure.
    #[schema(example = "Dependent RA Profiles (2): a,b")]
    message: String,
}

/// The most objects in one request. Each is processed in turn, within the time of one request.
const MAX_OBJECTS: usize = 500;

/// UUIDs of objects, at most 500.
#[derive(Deserialize, ToSchema)]
#[schema(max_items = 500, example = json!(["6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11"]))]
pub(crate) struct Uuids(Vec<Uuid>);

/// The action of a bulk operation.
#[derive(Clone, Copy)]
enum BulkAction {
    Enable,
    Disable,
    Delete(Dependents),
}

/// The routes that enable, disable and delete several objects.
pub(crate) fn bulk_routes<T: Toggleable>() -> ApiRouter {
    let noun = T::NOUN;
    ApiRouter::new()
        .routes(
            noun.route::<__path_enable_each>(patch(enable_each::<T>))
                .require(Scope::Write),
        )
        .routes(
            noun.route::<__path_disable_each>(patch(disable_each::<T>))
                .require(Scope::Write),
        )
        .routes(
            noun.route::<__path_delete_each>(delete(delete_each::<T>))
                .require(Scope::Write),
        )
        .routes(
            noun.route::<__path_force_delete_each>(delete(force_delete_each::<T>))
                .require(Scope::Write),
        )
}

/// Enable {plural}.
///
/// Returns a message for each one that could not be enabled.
#[utoipa::path(
    patch, path = "/enable", operation_id = "turn_on_{id}s", request_body = Uuids,
    responses(InvalidRequest, (status = 200, description = "OK", body = [BulkMessage]))
)]
async fn enable_each<T: Toggleable>(
    Admin(administration): Admin,
    Body(uuids): Body<Uuids>,
) -> Result<Json<Vec<BulkMessage>>, ApiError> {
    apply_to_each::<T>(&administration, uuids, BulkAction::Enable).await
}

/// Disable {plural}.
///
/// Returns a message for each one that could not be disabled.
#[utoipa::path(
    patch, path = "/disable", operation_id = "turn_off_{id}s", request_body = Uuids,
    responses(InvalidRequest, (status = 200, description = "OK", body = [BulkMessage]))
)]
async fn disable_each<T: Toggleable>(
    Admin(administration): Admin,
    Body(uuids): Body<Uuids>,
) -> Result<Json<Vec<BulkMessage>>, ApiError> {
    apply_to_each::<T>(&administration, uuids, BulkAction::Disable).await
}

/// Delete {plural}.
///
/// Returns a message for each one that could not be deleted.
#[utoipa::path(
    delete, path = "/delete", operation_id = "remove_{id}s", request_body = Uuids,
    responses(InvalidRequest, (status = 200, description = "OK", body = [BulkMessage]))
)]
async fn delete_each<T: Toggleable>(
    Admin(administration): Admin,
    Body(uuids): Body<Uuids>,
) -> Result<Json<Vec<BulkMessage>>, ApiError> {
    apply_to_each::<T>(&administration, uuids, BulkAction::Delete(Dependents::Keep)).await
}

/// Delete {plural}, even if they are {in use}.
///
/// {unlinking} Returns a message for each one that could not be deleted.
#[utoipa::path(
    delete, path = "/delete/force", operation_id = "force_remove_{id}s", request_body = Uuids,
    responses(InvalidRequest, (status = 200, description = "OK", body = [BulkMessage]))
)]
async fn force_delete_each<T: Toggleable>(
    Admin(administration): Admin,
    Body(uuids): Body<Uuids>,
) -> Result<Json<Vec<BulkMessage>>, ApiError> {
    apply_to_each::<T>(
        &administration,
        uuids,
        BulkAction::Delete(Dependents::Unlink),
    )
    .await
}

/// Applies the action to each object in turn. A server failure stops it: the objects before have
/// been changed, and the request may be repeated.
async fn apply_to_each<T: Toggleable>(
    administration: &Administration,
    Uuids(uuids): Uuids,
    action: BulkAction,
) -> Result<Json<Vec<BulkMessage>>, ApiError> {
    if uuids.len() > MAX_OBJECTS {
        return Err(ApiError::reason(format!("at most {MAX_OBJECTS} objects")));
    }
    let mut messages = Vec::new();
    for uuid in uuids.into_iter().map(TypedUuid::from_untyped_uuid) {
        let done = match action {
            BulkAction::Enable => T::enable(administration, uuid).await,
            BulkAction::Disable => T::disable(administration, uuid).await,
            BulkAction::Delete(dependents) => T::delete(administration, uuid, dependents).await,
        };
        messages.extend(bulk_message::<T>(administration, uuid, done).await?);
    }
    Ok(Json(messages))
}

/// The message about one object; `None` if the action succeeded. Fails if the server did.
async fn bulk_message<T: Object>(
    administration: &Administration,
    uuid: TypedUuid<T::IdKind>,
    done: Result<(), AdminError>,
) -> Result<Option<BulkMessage>, ApiError> {
    let message = match done {
        Ok(()) => return Ok(None),
        Err(AdminError::Failed(failure)) => return Err(ApiError::Failed(failure)),
        Err(AdminError::Invalid(reasons)) => {
            let texts: Vec<_> = reasons.iter().map(reason_text).collect();
            texts.join("; ")
        }
        Err(
            error @ (AdminError::Conflict
            | AdminError::NameTaken(_)
            | AdminError::NotFound(_)
            | AdminError::VersionMissing),
        ) => error.to_string(),
    };
    // The object is read only after a failure, for its name: a bulk operation usually succeeds.
    let name = read::<T>(&*administration.store, uuid)
        .await?
        .and_then(|found| found.object.name().map(ToString::to_string))
        .unwrap_or_default();
    Ok(Some(BulkMessage {
        uuid: uuid.into_untyped_uuid(),
        name,
        message,
    }))
}
