//! Bulk operations: one action applied to many objects in turn, with a message for each failure.

use scep_service::{AdminService, Dependents, Enabled, ManageError, Object, read};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::response::ApiError;

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
pub(crate) struct Uuids(pub(crate) Vec<Uuid>);

/// The action of a bulk operation. A server failure stops it: the objects before it have been
/// processed, and the request may be repeated.
#[derive(Clone, Copy)]
pub(crate) enum BulkAction {
    Enable(Enabled),
    Delete(Dependents),
}

/// Checks the number of objects.
///
/// # Errors
/// 422 if there are more than 500.
pub(crate) fn check_limit(uuids: Vec<Uuid>) -> Result<Vec<Uuid>, ApiError> {
    if uuids.len() > MAX_OBJECTS {
        return Err(ApiError::reason(format!("at most {MAX_OBJECTS} objects")));
    }
    Ok(uuids)
}

/// The message about one object; `None` if the action succeeded.
///
/// # Errors
/// A server failure.
pub(crate) async fn bulk_message<T: Object>(
    managing: &AdminService,
    uuid: Uuid,
    done: Result<(), ManageError>,
) -> Result<Option<BulkMessage>, ApiError> {
    let message = match done {
        Ok(()) => return Ok(None),
        Err(ManageError::Failed(failure)) => return Err(ApiError::Failed(failure)),
        Err(ManageError::Invalid(reasons)) => {
            let texts: Vec<_> = reasons.iter().map(ToString::to_string).collect();
            texts.join("; ")
        }
        Err(
            error @ (ManageError::Conflict
            | ManageError::NameTaken(_)
            | ManageError::NotFound(_)
            | ManageError::VersionMissing),
        ) => error.to_string(),
    };
    // Read only after a failure, for its name: a bulk operation usually succeeds.
    let name = read::<T>(&*managing.objects, uuid)
        .await?
        .and_then(|found| found.object.name().map(ToString::to_string))
        .unwrap_or_default();
    Ok(Some(BulkMessage {
        uuid,
        name,
        message,
    }))
}
