//! `/raProfiles`: what may be issued. Those of one RA Profile are also under its authority.

use std::sync::Arc;

use axum::Json;
use axum::response::Response;
use http::StatusCode;
use scep_protocol::{Authority, RaProfile, ScepProfile, Warning};
use scep_service::{
    Dependents, Edit, Enabled, ManageError, Managing, Object, RaProfileEdit, Versioned,
    activate_scep, create_ra_profile, deactivate_scep, delete_ra_profile, edit_ra_profile,
    enable_ra_profile, list, ra_profile_warnings, read,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::{ApiError, created, shown};
use crate::attribute::{self, Attribute};
use crate::bulk::{BulkAction, BulkMessage, Uuids, bounded, told};
use crate::request::{Body, BodyOrNone, Ids, IfMatch, JsonObject};
use crate::template::TemplateView;
use crate::{Admin, Api, State};

/// Routes of one RA Profile, which stand by themselves and under its authority.
pub(crate) fn single() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(get_ra_profile, put_ra_profile, remove_ra_profile))
        .routes(routes!(turn_on_ra_profile))
        .routes(routes!(turn_off_ra_profile))
        .routes(routes!(get_scep))
        .routes(routes!(put_scep))
        .routes(routes!(remove_scep))
}

/// Routes of many.
pub(crate) fn many() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(list_ra_profiles))
        .routes(routes!(list_ra_profiles_of_authority, add_ra_profile))
        .routes(routes!(turn_on_ra_profiles))
        .routes(routes!(turn_off_ra_profiles))
        .routes(routes!(remove_ra_profiles))
        .routes(routes!(force_remove_ra_profiles))
}

/// An RA Profile to be made, or an edit of one. Of an edit, what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RaProfileRequest {
    /// 1 to 64 of A-Z a-z 0-9 - . _ ~ and not raProfile; unique. Needed for a new profile; an edit cannot change it.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._~-]+$",
        example = "routers"
    )]
    name: Option<String>,
    /// What an administrator notes.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 300, example = "Routers of the branch offices")]
    description: Edit<String>,
    /// Whether it serves. Default false.
    #[schema(example = false)]
    enabled: Option<bool>,
    /// The rules for its certificates; an edit replaces all of them: a part that it leaves out is the default.
    #[serde(default)]
    #[schema(value_type = Option<TemplateView>)]
    certificate_template: Edit<JsonObject<TemplateView>>,
}

impl RaProfileRequest {
    fn edit(self) -> RaProfileEdit {
        RaProfileEdit {
            name: self.name,
            description: self.description,
            enabled: self.enabled,
            template: self
                .certificate_template
                .map(|JsonObject(view)| view.into()),
        }
    }
}

/// An RA Profile.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RaProfileView {
    /// Its identity.
    #[schema(example = "6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11")]
    uuid: Uuid,
    /// Its name.
    #[schema(example = "routers")]
    name: String,
    /// What an administrator notes.
    #[schema(example = "Routers of the branch offices")]
    description: String,
    /// Whether it serves.
    #[schema(example = true)]
    enabled: bool,
    /// Its authority.
    #[schema(example = "b3f8f3f6-58ad-4c8a-8a52-0f6f8f1d2c3a")]
    authority_instance_uuid: Uuid,
    /// The SCEP Profile that is activated on it.
    #[schema(example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11")]
    scep_profile_uuid: Option<Uuid>,
    /// The rules for its certificates, every part of them.
    certificate_template: TemplateView,
    /// What the profile allows, with what it is linked to, and nobody should want: sentences for
    /// administrators. Nothing is refused for it.
    #[schema(example = json!(["RA Profile routers: every holder of the shared challengePassword may choose the CN (subject.commonNamePattern), and so impersonate anyone; set patterns, or requireManualApproval."]))]
    warnings: Vec<String>,
}

impl RaProfileView {
    fn new(ra_profile: &RaProfile, warnings: &[Warning]) -> Self {
        Self {
            uuid: ra_profile.uuid,
            name: ra_profile.name.to_string(),
            description: ra_profile.description.as_str().to_owned(),
            enabled: ra_profile.enabled,
            authority_instance_uuid: ra_profile.authority,
            scep_profile_uuid: ra_profile.scep.as_ref().map(|scep| scep.scep_profile),
            certificate_template: ra_profile.template.clone().into(),
            warnings: warnings.iter().map(ToString::to_string).collect(),
        }
    }

    /// With what is unwise about it, as it is linked now.
    async fn read(managing: &Managing, found: &Versioned<RaProfile>) -> Result<Self, ApiError> {
        let warnings = ra_profile_warnings(&*managing.objects, found).await?;
        Ok(Self::new(&found.object, &warnings))
    }

    /// Each of several, which were read.
    async fn of_many(
        managing: &Managing,
        found: impl Iterator<Item = &Versioned<RaProfile>>,
    ) -> Result<Vec<Self>, ApiError> {
        let scep_profiles = list::<ScepProfile>(&*managing.objects).await?;
        let view = |found: &Versioned<RaProfile>| {
            let found = &found.object;
            let leading = scep_profiles.iter().map(|leading| &leading.object);
            let leading: Vec<_> = leading.filter(|leading| leading.leads_to(found)).collect();
            Self::new(found, &found.warnings(&leading))
        };
        Ok(found.map(view).collect())
    }
}

/// An RA Profile in a path, perhaps with its authority before it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Path {
    authority_uuid: Option<Uuid>,
    uuid: Uuid,
    scep_profile_uuid: Option<Uuid>,
}

impl Path {
    async fn find(&self, managing: &Managing) -> Result<Versioned<RaProfile>, ManageError> {
        let found: Versioned<RaProfile> = managing.get(self.uuid).await?;
        let authority = self.authority_uuid.unwrap_or(found.object.authority);
        if found.object.authority != authority {
            return Err(ManageError::NotFound(RaProfile::KIND));
        }
        Ok(found)
    }

    /// Is it under the authority of the path, if there is one? What is not there at all, the use case finds out.
    async fn check(&self, managing: &Managing) -> Result<(), ManageError> {
        if self.authority_uuid.is_some() {
            self.find(managing).await?;
        }
        Ok(())
    }
}

/// List RA Profiles, by name.
#[utoipa::path(get, path = "/raProfiles", tag = "RA Profiles", responses((status = 200, body = [RaProfileView])))]
async fn list_ra_profiles(Admin(managing): Admin) -> Result<Json<Vec<RaProfileView>>, ApiError> {
    let found = list::<RaProfile>(&*managing.objects).await?;
    Ok(Json(RaProfileView::of_many(&managing, found.iter()).await?))
}

/// List an authority's RA Profiles, by name.
#[utoipa::path(
    get, path = "/authorities/{authorityUuid}/raProfiles", tag = "RA Profiles",
    responses((status = 200, body = [RaProfileView]))
)]
async fn list_ra_profiles_of_authority(
    Admin(managing): Admin,
    Ids(authority): Ids<Uuid>,
) -> Result<Json<Vec<RaProfileView>>, ApiError> {
    managing.get::<Authority>(authority).await?;
    let all = list::<RaProfile>(&*managing.objects).await?;
    let of_authority = all
        .iter()
        .filter(|found| found.object.authority == authority);
    Ok(Json(RaProfileView::of_many(&managing, of_authority).await?))
}

/// Make an RA Profile under an authority.
#[utoipa::path(
    post, path = "/authorities/{authorityUuid}/raProfiles", tag = "RA Profiles", request_body = RaProfileRequest,
    responses((status = 201, body = RaProfileView), (status = 409, description = "Another RA Profile has the name"))
)]
async fn add_ra_profile(
    Admin(managing): Admin,
    Ids(authority): Ids<Uuid>,
    Body(JsonObject(request)): Body<JsonObject<RaProfileRequest>>,
) -> Result<Response, ApiError> {
    let made = create_ra_profile(&managing, authority, request.edit()).await?;
    let path = format!("/authorities/{authority}/raProfiles");
    let view = RaProfileView::read(&managing, &made).await?;
    Ok(created(&path, made.object.uuid, made.version, view))
}

/// Read an RA Profile.
#[utoipa::path(get, path = "/raProfiles/{uuid}", tag = "RA Profiles", responses((status = 200, body = RaProfileView)))]
async fn get_ra_profile(
    Admin(managing): Admin,
    Ids(path): Ids<Path>,
) -> Result<Response, ApiError> {
    let found = path.find(&managing).await?;
    let view = RaProfileView::read(&managing, &found).await?;
    Ok(shown(&found, view))
}

/// Edit an RA Profile.
#[utoipa::path(
    put, path = "/raProfiles/{uuid}", tag = "RA Profiles", request_body = RaProfileRequest,
    responses((status = 200, body = RaProfileView), (status = 409, description = "Someone else edited it meanwhile"))
)]
async fn put_ra_profile(
    Admin(managing): Admin,
    Ids(path): Ids<Path>,
    IfMatch(version): IfMatch,
    Body(JsonObject(request)): Body<JsonObject<RaProfileRequest>>,
) -> Result<Response, ApiError> {
    path.check(&managing).await?;
    let edited = edit_ra_profile(&managing, path.uuid, version, request.edit()).await?;
    let view = RaProfileView::read(&managing, &edited).await?;
    Ok(shown(&edited, view))
}

/// Delete an RA Profile that is no SCEP Profile's default.
#[utoipa::path(
    delete, path = "/raProfiles/{uuid}", tag = "RA Profiles",
    responses((status = 204), (status = 409), (status = 422, description = "It is a SCEP Profile's default"))
)]
async fn remove_ra_profile(
    Admin(managing): Admin,
    Ids(path): Ids<Path>,
) -> Result<StatusCode, ApiError> {
    path.check(&managing).await?;
    delete_ra_profile(&managing, path.uuid, Dependents::Keep).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let an RA Profile serve.
#[utoipa::path(patch, path = "/raProfiles/{uuid}/enable", tag = "RA Profiles", responses((status = 204), (status = 409)))]
async fn turn_on_ra_profile(
    Admin(managing): Admin,
    Ids(path): Ids<Path>,
) -> Result<StatusCode, ApiError> {
    path.check(&managing).await?;
    enable_ra_profile(&managing, path.uuid, Enabled::Yes).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let an RA Profile not serve any more.
#[utoipa::path(patch, path = "/raProfiles/{uuid}/disable", tag = "RA Profiles", responses((status = 204), (status = 409)))]
async fn turn_off_ra_profile(
    Admin(managing): Admin,
    Ids(path): Ids<Path>,
) -> Result<StatusCode, ApiError> {
    path.check(&managing).await?;
    enable_ra_profile(&managing, path.uuid, Enabled::No).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Let RA Profiles serve; tells of those that could not be enabled.
#[utoipa::path(
    patch, path = "/raProfiles/enable", tag = "RA Profiles", request_body = Uuids,
    responses((status = 200, body = [BulkMessage]))
)]
async fn turn_on_ra_profiles(
    Admin(managing): Admin,
    Body(Uuids(uuids)): Body<Uuids>,
) -> Result<Json<Vec<BulkMessage>>, ApiError> {
    each(&managing, uuids, BulkAction::Enable(Enabled::Yes)).await
}

/// Let RA Profiles not serve any more; tells of those that could not be disabled.
#[utoipa::path(
    patch, path = "/raProfiles/disable", tag = "RA Profiles", request_body = Uuids,
    responses((status = 200, body = [BulkMessage]))
)]
async fn turn_off_ra_profiles(
    Admin(managing): Admin,
    Body(Uuids(uuids)): Body<Uuids>,
) -> Result<Json<Vec<BulkMessage>>, ApiError> {
    each(&managing, uuids, BulkAction::Enable(Enabled::No)).await
}

/// Delete RA Profiles; tells of those that could not be deleted.
#[utoipa::path(
    delete, path = "/raProfiles/delete", tag = "RA Profiles", request_body = Uuids,
    responses((status = 200, body = [BulkMessage]))
)]
async fn remove_ra_profiles(
    Admin(managing): Admin,
    Body(Uuids(uuids)): Body<Uuids>,
) -> Result<Json<Vec<BulkMessage>>, ApiError> {
    each(&managing, uuids, BulkAction::Delete(Dependents::Keep)).await
}

/// Delete RA Profiles, after making them no SCEP Profile's default; tells of those that could not be deleted.
#[utoipa::path(
    delete, path = "/raProfiles/delete/force", tag = "RA Profiles", request_body = Uuids,
    responses((status = 200, body = [BulkMessage]))
)]
async fn force_remove_ra_profiles(
    Admin(managing): Admin,
    Body(Uuids(uuids)): Body<Uuids>,
) -> Result<Json<Vec<BulkMessage>>, ApiError> {
    each(&managing, uuids, BulkAction::Delete(Dependents::Unlink)).await
}

async fn each(
    managing: &Managing,
    uuids: Vec<Uuid>,
    action: BulkAction,
) -> Result<Json<Vec<BulkMessage>>, ApiError> {
    let mut messages = Vec::new();
    for uuid in bounded(uuids)? {
        let done = match action {
            BulkAction::Enable(enabled) => enable_ra_profile(managing, uuid, enabled).await,
            BulkAction::Delete(dependents) => delete_ra_profile(managing, uuid, dependents).await,
        };
        messages.extend(told::<RaProfile>(managing, uuid, done).await?);
    }
    Ok(Json(messages))
}

/// SCEP on an RA Profile.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ScepView {
    /// The SCEP Profile.
    #[schema(example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11")]
    uuid: Option<Uuid>,
    /// The SCEP Profile's name.
    #[schema(example = "routers")]
    name: Option<String>,
    /// Whether SCEP is activated.
    #[schema(example = true)]
    scep_available: bool,
    /// The SCEP URL of the RA Profile.
    #[schema(
        example = "https://scep.example/api/v1/protocols/scep/raProfile/routers/pkiclient.exe"
    )]
    url: Option<String>,
    /// Attributes of the issuance at that URL.
    #[schema(value_type = Vec<Attribute>)]
    issue_certificate_attributes: Vec<JsonObject<Attribute>>,
}

impl ScepView {
    async fn of(api: &Api, managing: &Managing, found: &RaProfile) -> Result<Self, ApiError> {
        let activated: Option<Versioned<ScepProfile>> = match &found.scep {
            Some(scep) => read(&*managing.objects, scep.scep_profile).await?,
            None => None,
        };
        let attributes = found
            .scep
            .as_ref()
            .map(|scep| &scep.issue_certificate_attributes);
        let url = || api.scep_url(&format!("raProfile/{}", found.name));
        Ok(Self {
            uuid: activated.as_ref().map(|activated| activated.object.uuid),
            name: activated
                .as_ref()
                .map(|activated| activated.object.name.to_string()),
            scep_available: activated.is_some(),
            url: activated.is_some().then(url),
            issue_certificate_attributes: attributes.map(attribute::shown).unwrap_or_default(),
        })
    }
}

/// Read whether SCEP is activated on an RA Profile, and where.
#[utoipa::path(
    get, path = "/raProfiles/{uuid}/protocols/scep", tag = "RA Profiles",
    responses((status = 200, body = ScepView))
)]
async fn get_scep(
    api: State,
    Admin(managing): Admin,
    Ids(path): Ids<Path>,
) -> Result<Json<ScepView>, ApiError> {
    let found = path.find(&managing).await?;
    Ok(Json(ScepView::of(&api, &managing, &found.object).await?))
}

/// How SCEP is activated.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ActivationRequest {
    /// Attributes of the issuance, put on the record of each certificate that comes of the RA Profile's own URL.
    #[schema(value_type = Vec<Attribute>, max_items = 100)]
    issue_certificate_attributes: Vec<JsonObject<Attribute>>,
}

/// Activate a SCEP Profile on an RA Profile.
#[utoipa::path(
    patch, path = "/raProfiles/{uuid}/protocols/scep/activate/{scepProfileUuid}", tag = "RA Profiles",
    request_body = Option<ActivationRequest>,
    responses((status = 200, body = ScepView), (status = 409), (status = 422, description = "The RA certificate is another authority's"))
)]
async fn put_scep(
    api: State,
    Admin(managing): Admin,
    Ids(path): Ids<Path>,
    BodyOrNone(request): BodyOrNone<ActivationRequest>,
) -> Result<Json<ScepView>, ApiError> {
    let attributes = attribute::kept(
        "issueCertificateAttributes",
        &request.issue_certificate_attributes,
    )?;
    let scep_profile = path
        .scep_profile_uuid
        .ok_or(ManageError::NotFound(ScepProfile::KIND))?;
    path.check(&managing).await?;
    let activated = activate_scep(&managing, path.uuid, scep_profile, attributes).await?;
    Ok(Json(
        ScepView::of(&api, &managing, &activated.object).await?,
    ))
}

/// Deactivate SCEP on an RA Profile.
#[utoipa::path(
    patch, path = "/raProfiles/{uuid}/protocols/scep/deactivate", tag = "RA Profiles",
    responses((status = 204), (status = 409))
)]
async fn remove_scep(Admin(managing): Admin, Ids(path): Ids<Path>) -> Result<StatusCode, ApiError> {
    path.check(&managing).await?;
    deactivate_scep(&managing, path.uuid).await?;
    Ok(StatusCode::NO_CONTENT)
}
