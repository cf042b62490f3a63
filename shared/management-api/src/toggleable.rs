//! Objects that callers enable, disable and delete, and the routes that do so to a single one.

use std::sync::Arc;

use axum::routing::{MethodRouter, delete, patch};
use http::StatusCode;
use newtype_uuid::TypedUuid;
use scep_service::admin::{AdminError, Administration, Dependents};
use scep_service::object::Object;
use serde::de::DeserializeOwned;
use utoipa::openapi::path::Paths;
use utoipa_axum::router::UtoipaMethodRouter;

use crate::access::{ApiRouter, RequireScope};
use crate::openapi_responses::{Conflict, NotFound};
use crate::request::{Ids, ObjectPath};
use crate::response::{ApiError, Reasons};
use crate::{Admin, Api, Scope};

/// A kind of object that callers enable, disable and delete.
pub(crate) trait Toggleable: Object + 'static {
    /// The parameters in the path of a single object.
    type Path: DeserializeOwned + Send + 'static;

    /// How paths and the OpenAPI document name the objects.
    const NOUN: Noun;

    /// Checks a path, and returns the UUID in it. The use case checks whether the object exists.
    fn check_path(
        administration: &Administration,
        path: Self::Path,
    ) -> impl Future<Output = Result<TypedUuid<Self::IdKind>, AdminError>> + Send;

    /// Enables an object.
    fn enable(
        administration: &Administration,
        uuid: TypedUuid<Self::IdKind>,
    ) -> impl Future<Output = Result<(), AdminError>> + Send;

    /// Disables an object.
    fn disable(
        administration: &Administration,
        uuid: TypedUuid<Self::IdKind>,
    ) -> impl Future<Output = Result<(), AdminError>> + Send;

    /// Deletes an object.
    fn delete(
        administration: &Administration,
        uuid: TypedUuid<Self::IdKind>,
        dependents: Dependents,
    ) -> impl Future<Output = Result<(), AdminError>> + Send;
}

/// How paths and the OpenAPI document name a kind of object.
pub(crate) struct Noun {
    /// The path of the collection.
    pub(crate) path: &'static str,
    /// A single object in an operationId.
    pub(crate) id: &'static str,
    /// A single object, with its article.
    pub(crate) singular: &'static str,
    /// Several objects; also the tag of the operations.
    pub(crate) plural: &'static str,
    /// A sentence about what the deletion of a single object requires.
    pub(crate) deletion_rule: &'static str,
    /// What several objects are while others depend on them.
    pub(crate) in_use: &'static str,
    /// A sentence about what a forced deletion does first.
    pub(crate) unlinking: &'static str,
}

impl Noun {
    /// Replaces the placeholders in a description.
    fn fill(&self, text: &str) -> String {
        text.replace("{id}", self.id)
            .replace("{singular}", self.singular)
            .replace("{plural}", self.plural)
            .replace("{deletion rule}", self.deletion_rule)
            .replace("{in use}", self.in_use)
            .replace("{unlinking}", self.unlinking)
    }

    /// A route for this kind of object. `P` describes it for any kind, with placeholders, and its
    /// path begins below that of the collection.
    pub(crate) fn route<P: utoipa::Path>(
        &self,
        methods: MethodRouter<Arc<Api>>,
    ) -> UtoipaMethodRouter<Arc<Api>> {
        let mut operation = P::operation();
        operation.tags = Some(vec![self.plural.to_owned()]);
        let texts = [
            &mut operation.operation_id,
            &mut operation.summary,
            &mut operation.description,
        ];
        for text in texts.into_iter().flatten() {
            *text = self.fill(text);
        }
        let mut paths = Paths::new();
        paths.add_path_operation(
            format!("{}{}", self.path, P::path()),
            P::methods(),
            operation,
        );
        (Vec::new(), paths, methods)
    }
}

/// The routes that enable, disable and delete a single object.
pub(crate) fn single_routes<T: Toggleable>() -> ApiRouter {
    let noun = T::NOUN;
    ApiRouter::new()
        .routes(
            noun.route::<__path_enable_one>(patch(enable_one::<T>))
                .require(Scope::Write),
        )
        .routes(
            noun.route::<__path_disable_one>(patch(disable_one::<T>))
                .require(Scope::Write),
        )
        .routes(
            noun.route::<__path_delete_one>(delete(delete_one::<T>))
                .require(Scope::Write),
        )
}

/// Enable {singular}.
#[utoipa::path(
    patch, path = "/{uuid}/enable", operation_id = "turn_on_{id}", params(ObjectPath),
    responses(NotFound, Conflict, (status = 204, description = "No content"))
)]
async fn enable_one<T: Toggleable>(
    Admin(administration): Admin,
    Ids(path): Ids<T::Path>,
) -> Result<StatusCode, ApiError> {
    let uuid = T::check_path(&administration, path).await?;
    T::enable(&administration, uuid).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Disable {singular}.
#[utoipa::path(
    patch, path = "/{uuid}/disable", operation_id = "turn_off_{id}", params(ObjectPath),
    responses(NotFound, Conflict, (status = 204, description = "No content"))
)]
async fn disable_one<T: Toggleable>(
    Admin(administration): Admin,
    Ids(path): Ids<T::Path>,
) -> Result<StatusCode, ApiError> {
    let uuid = T::check_path(&administration, path).await?;
    T::disable(&administration, uuid).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete {singular}.
///
/// {deletion rule}
#[utoipa::path(
    delete, path = "/{uuid}", operation_id = "remove_{id}", params(ObjectPath),
    responses(
        NotFound, Conflict,
        (status = 204, description = "No content"),
        (status = 422, description = "Other profiles depend on it", body = Reasons)
    )
)]
async fn delete_one<T: Toggleable>(
    Admin(administration): Admin,
    Ids(path): Ids<T::Path>,
) -> Result<StatusCode, ApiError> {
    let uuid = T::check_path(&administration, path).await?;
    T::delete(&administration, uuid, Dependents::Keep).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(method: &str, path: &str, id: &str, summary: &str, description: Option<&str>) {
        let document = crate::openapi();
        let operation = &document["paths"][format!("/api/v1{path}")][method];
        assert_eq!(operation["operationId"], id);
        assert_eq!(operation["summary"], summary);
        assert_eq!(operation["description"].as_str(), description);
        assert_eq!(operation["security"][0]["bearer"][0], "write");
    }

    #[test]
    fn both_kinds_of_profile_are_described_by_their_own_names() {
        check(
            "patch",
            "/raProfiles/{uuid}/enable",
            "turn_on_ra_profile",
            "Enable an RA Profile.",
            None,
        );
        check(
            "patch",
            "/authorities/{authorityUuid}/raProfiles/{uuid}/disable",
            "turn_off_ra_profile_of_authority",
            "Disable an RA Profile.",
            None,
        );
        check(
            "delete",
            "/scepProfiles/{uuid}",
            "remove_scep_profile",
            "Delete a SCEP Profile.",
            Some("It must not be activated on an RA Profile."),
        );
        check(
            "patch",
            "/scepProfiles/disable",
            "turn_off_scep_profiles",
            "Disable SCEP Profiles.",
            Some("Returns a message for each one that could not be disabled."),
        );
        check(
            "delete",
            "/raProfiles/delete/force",
            "force_remove_ra_profiles",
            "Delete RA Profiles, even if they are the default of SCEP Profiles.",
            Some(
                "Removes them as defaults first. Returns a message for each one that could not be deleted.",
            ),
        );
    }
}
