//! The same done to many objects, one after the other; what went wrong is told of each.

use scep_service::{Dependents, Enabled, ManageError, Managing, Object, read};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::ApiError;

/// An object to which it was not done.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkMessage {
    /// The object.
    #[schema(example = "6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11")]
    uuid: Uuid,
    /// Its name; empty when there is no such object.
    #[schema(example = "routers")]
    name: String,
    /// Why not.
    #[schema(example = "Dependent RA Profiles (2): a,b")]
    message: String,
}

/// Most objects of one request.
const MAX_OBJECTS: usize = 500;

/// Objects by their identities, at most 500.
#[derive(Deserialize, ToSchema)]
#[schema(max_items = 500, example = json!(["6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11"]))]
pub(crate) struct Uuids(pub(crate) Vec<Uuid>);

/// What is done to many objects, one after the other. A failure of ours ends it: those before it are done, and it may be asked
/// for again.
#[derive(Clone, Copy)]
pub(crate) enum BulkAction {
    Enable(Enabled),
    Delete(Dependents),
}

/// Not too many objects.
///
/// # Errors
/// When there are more than 500.
pub(crate) fn bounded(uuids: Vec<Uuid>) -> Result<Vec<Uuid>, ApiError> {
    if uuids.len() > MAX_OBJECTS {
        return Err(ApiError::reason(format!("at most {MAX_OBJECTS} objects")));
    }
    Ok(uuids)
}

/// What is told of one object; nothing when it was done.
///
/// # Errors
/// A failure of ours.
pub(crate) async fn told<T: Object>(
    managing: &Managing,
    uuid: Uuid,
    done: Result<(), ManageError>,
) -> Result<Option<BulkMessage>, ApiError> {
    let message = match done {
        Ok(()) => return Ok(None),
        Err(ManageError::Failed(failure)) => return Err(ApiError::Failed(failure)),
        Err(ManageError::Invalid(reasons)) => {
            let reasons: Vec<_> = reasons.iter().map(ToString::to_string).collect();
            reasons.join("; ")
        }
        Err(
            error @ (ManageError::Conflict
            | ManageError::NameTaken(_)
            | ManageError::NotFound(_)
            | ManageError::VersionMissing),
        ) => error.to_string(),
    };
    let found = read::<T>(&*managing.objects, uuid).await?;
    let name = found.and_then(|found| found.object.name().map(ToString::to_string));
    Ok(Some(BulkMessage {
        uuid,
        name: name.unwrap_or_default(),
        message,
    }))
}
