//! `/raProfiles`: profiles with the rules for certificates. The routes of a single RA Profile also
//! exist below its authority.

use axum::Json;
use axum::response::Response;
use ca::authority::Authority;
use ca::template::CertificateTemplate;
use http::StatusCode;
use newtype_uuid::GenericUuid;
use scep_protocol::id::{RaProfileUuid, ScepProfileUuid};
use scep_protocol::profile::{EndpointName, RaProfile, ScepProfile};
use scep_protocol::warning::Warning;
use scep_service::admin::{AdminError, Administration, Dependents, Edit, RaProfileEdit};
use scep_service::object::{Versioned, list, read};
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{ApiRouter, RequireScope};
use crate::attribute::Attribute;
use crate::bulk::bulk_routes;
use crate::openapi_responses::{Conflict, InvalidRequest, NotFound};
use crate::ra_profile_path::RaProfilePath;
use crate::request::{AuthorityPath, Body, BodyOrNone, Ids, IfMatch, JsonObject};
use crate::response::{ApiError, Message, Reasons, created_response, versioned_response};
use crate::template::TemplateView;
use crate::toggleable::{Noun, Toggleable};
use crate::{Admin, Api, Scope, State, attribute, toggleable};

/// The routes of a single RA Profile, which also exist below its authority.
pub(crate) fn single_routes() -> ApiRouter {
    ApiRouter::new()
        .routes(routes!(read_ra_profile).require(Scope::Read))
        .routes(routes!(update_ra_profile).require(Scope::Write))
        .merge(toggleable::single_routes::<RaProfile>())
        .routes(routes!(read_scep).require(Scope::Read))
        .routes(routes!(activate_scep_profile).require(Scope::Write))
        .routes(routes!(deactivate_scep_profile).require(Scope::Write))
}

/// The routes of a single RA Profile below its authority: the same ones, with the authority in the
/// path.
pub(crate) fn single_routes_of_authority() -> ApiRouter {
    let routes = single_routes().map_operations(|operation| {
        // operationIds must be unique.
        if let Some(id) = &mut operation.operation_id {
            id.push_str("_of_authority");
        }
        let authority = AuthorityPath::into_params(|| None);
        operation
            .parameters
            .get_or_insert_default()
            .extend(authority.into_iter().map(RefOr::T));
    });
    ApiRouter::new().nest("/authorities/{authorityUuid}", routes)
}

/// The routes of several RA Profiles.
pub(crate) fn collection_routes() -> ApiRouter {
    ApiRouter::new()
        .merge(bulk_routes::<RaProfile>())
        .routes(routes!(list_ra_profiles).require(Scope::Read))
        .routes(routes!(list_ra_profiles_of_authority).require(Scope::Read))
        .routes(routes!(create_ra_profile).require(Scope::Write))
}

/// A request to create or edit an RA Profile. An edit keeps the fields that are omitted.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RaProfileRequest {
    /// 1 to 64 of A-Z a-z 0-9 - . _ ~ and not raProfile; unique. Required for a new profile; an
    /// edit cannot change it.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._~-]+$",
        example = "routers"
    )]
    name: Option<String>,
    /// Free-text description.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 300, example = "Routers of the branch offices")]
    description: Edit<String>,
    /// Whether it is enabled. Default false.
    #[schema(example = false)]
    enabled: Option<bool>,
    /// Rules for its certificates. An edit replaces them as a whole: omitted parts become the
    /// default.
    #[serde(default)]
    #[schema(value_type = Option<TemplateView>)]
    certificate_template: Edit<JsonObject<TemplateView>>,
}

impl RaProfileRequest {
    fn into_edit(self) -> RaProfileEdit {
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
    /// UUID of the RA Profile.
    #[schema(example = "6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11")]
    uuid: Uuid,
    /// Name of the RA Profile.
    #[schema(example = "routers")]
    name: String,
    /// Free-text description.
    #[schema(example = "Routers of the branch offices")]
    description: String,
    /// Whether it is enabled.
    #[schema(example = true)]
    enabled: bool,
    /// Its authority.
    #[schema(example = "b3f8f3f6-58ad-4c8a-8a52-0f6f8f1d2c3a")]
    authority_instance_uuid: Uuid,
    /// The SCEP Profile that is activated on it.
    #[schema(example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11")]
    scep_profile_uuid: Option<Uuid>,
    /// Rules for its certificates, including the defaults.
    #[schema(value_type = TemplateView)]
    certificate_template: CertificateTemplate,
    /// Warnings for administrators about what the profile, together with those it is linked to,
    /// allows. They do not cause requests to be refused.
    #[schema(example = json!(["RA Profile routers: every holder of the shared challengePassword may choose the CN (subject.commonNamePattern), and so impersonate anyone; set patterns, or requireManualApproval."]))]
    warnings: Vec<String>,
}

impl RaProfileView {
    fn new(ra_profile: &RaProfile, warnings: &[Warning]) -> Self {
        Self {
            uuid: ra_profile.uuid.into_untyped_uuid(),
            name: ra_profile.name.to_string(),
            description: ra_profile.description.as_str().to_owned(),
            enabled: ra_profile.enabled,
            authority_instance_uuid: ra_profile.authority.into_untyped_uuid(),
            scep_profile_uuid: ra_profile
                .scep
                .as_ref()
                .map(|scep| scep.scep_profile.into_untyped_uuid()),
            certificate_template: ra_profile.template.clone(),
            warnings: warnings.iter().map(ToString::to_string).collect(),
        }
    }

    /// The API form of an RA Profile, with the warnings that its current links cause.
    async fn read(
        administration: &Administration,
        found: &Versioned<RaProfile>,
    ) -> Result<Self, ApiError> {
        let warnings = administration.ra_profile_warnings(found).await?;
        Ok(Self::new(&found.object, &warnings))
    }

    /// The API forms of several RA Profiles. The SCEP Profiles that lead to them are read once.
    async fn of_many(
        administration: &Administration,
        found: impl Iterator<Item = &Versioned<RaProfile>>,
    ) -> Result<Vec<Self>, ApiError> {
        let scep_profiles = list::<ScepProfile>(&*administration.store).await?;
        let view = |found: &Versioned<RaProfile>| {
            let ra_profile = &found.object;
            let leading: Vec<_> = scep_profiles
                .iter()
                .map(|found| &found.object)
                .filter(|scep_profile| scep_profile.leads_to(ra_profile))
                .collect();
            Self::new(ra_profile, &ra_profile.warnings(&leading))
        };
        Ok(found.map(view).collect())
    }
}

impl Toggleable for RaProfile {
    type Path = RaProfilePath;

    const NOUN: Noun = Noun {
        path: "/raProfiles",
        id: "ra_profile",
        singular: "an RA Profile",
        plural: "RA Profiles",
        deletion_rule: "It must not be the default of a SCEP Profile.",
        in_use: "the default of SCEP Profiles",
        unlinking: "Removes them as defaults first.",
    };

    async fn check_path(
        administration: &Administration,
        path: RaProfilePath,
    ) -> Result<RaProfileUuid, AdminError> {
        path.check(administration).await?;
        Ok(path.uuid)
    }

    async fn enable(
        administration: &Administration,
        uuid: RaProfileUuid,
    ) -> Result<(), AdminError> {
        administration.enable_ra_profile(uuid).await
    }

    async fn disable(
        administration: &Administration,
        uuid: RaProfileUuid,
    ) -> Result<(), AdminError> {
        administration.disable_ra_profile(uuid).await
    }

    async fn delete(
        administration: &Administration,
        uuid: RaProfileUuid,
        dependents: Dependents,
    ) -> Result<(), AdminError> {
        administration.delete_ra_profile(uuid, dependents).await
    }
}

/// List RA Profiles, sorted by name.
#[utoipa::path(
    get, path = "/raProfiles", tag = "RA Profiles",
    responses((status = 200, description = "OK", body = [RaProfileView]))
)]
async fn list_ra_profiles(
    Admin(administration): Admin,
) -> Result<Json<Vec<RaProfileView>>, ApiError> {
    let found = list::<RaProfile>(&*administration.store).await?;
    Ok(Json(
        RaProfileView::of_many(&administration, found.iter()).await?,
    ))
}

/// List an authority's RA Profiles, sorted by name.
#[utoipa::path(
    get, path = "/authorities/{authorityUuid}/raProfiles", tag = "RA Profiles",
    params(AuthorityPath),
    responses(NotFound, (status = 200, description = "OK", body = [RaProfileView]))
)]
async fn list_ra_profiles_of_authority(
    Admin(administration): Admin,
    Ids(AuthorityPath {
        authority_uuid: authority,
    }): Ids<AuthorityPath>,
) -> Result<Json<Vec<RaProfileView>>, ApiError> {
    // An unknown authority is 404, not an empty list.
    administration.get::<Authority>(authority).await?;
    let all = list::<RaProfile>(&*administration.store).await?;
    let of_authority = all
        .iter()
        .filter(|found| found.object.authority == authority);
    Ok(Json(
        RaProfileView::of_many(&administration, of_authority).await?,
    ))
}

/// Create an RA Profile of an authority.
#[utoipa::path(
    post, path = "/authorities/{authorityUuid}/raProfiles",
    operation_id = "add_ra_profile", tag = "RA Profiles",
    params(AuthorityPath), request_body = RaProfileRequest,
    responses(
        NotFound, InvalidRequest,
        (status = 201, description = "Created", body = RaProfileView),
        (status = 409, description = "The name is taken by another RA Profile", body = Message)
    )
)]
async fn create_ra_profile(
    Admin(administration): Admin,
    Ids(AuthorityPath {
        authority_uuid: authority,
    }): Ids<AuthorityPath>,
    Body(JsonObject(request)): Body<JsonObject<RaProfileRequest>>,
) -> Result<Response, ApiError> {
    let made = administration
        .create_ra_profile(request.into_edit(), authority)
        .await?;
    let path = format!("/authorities/{authority}/raProfiles");
    let view = RaProfileView::read(&administration, &made).await?;
    Ok(created_response(
        &path,
        made.object.uuid,
        made.version,
        view,
    ))
}

/// Read an RA Profile.
#[utoipa::path(
    get, path = "/raProfiles/{uuid}", operation_id = "get_ra_profile", tag = "RA Profiles",
    params(RaProfilePath),
    responses(NotFound, (status = 200, description = "OK", body = RaProfileView))
)]
async fn read_ra_profile(
    Admin(administration): Admin,
    Ids(path): Ids<RaProfilePath>,
) -> Result<Response, ApiError> {
    let found = path.find(&administration).await?;
    let view = RaProfileView::read(&administration, &found).await?;
    Ok(versioned_response(&found, view))
}

/// Edit an RA Profile.
#[utoipa::path(
    put, path = "/raProfiles/{uuid}", operation_id = "put_ra_profile", tag = "RA Profiles",
    params(RaProfilePath, IfMatch),
    request_body = RaProfileRequest,
    responses(
        NotFound, InvalidRequest,
        (status = 200, description = "OK", body = RaProfileView),
        (status = 409, description = "The RA Profile was edited in the meantime", body = Message)
    )
)]
async fn update_ra_profile(
    Admin(administration): Admin,
    Ids(path): Ids<RaProfilePath>,
    IfMatch(version): IfMatch,
    Body(JsonObject(request)): Body<JsonObject<RaProfileRequest>>,
) -> Result<Response, ApiError> {
    path.check(&administration).await?;
    let edited = administration
        .edit_ra_profile(path.uuid, version, request.into_edit())
        .await?;
    let view = RaProfileView::read(&administration, &edited).await?;
    Ok(versioned_response(&edited, view))
}

/// The SCEP settings of an RA Profile.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ScepView {
    /// UUID of the SCEP Profile.
    #[schema(example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11")]
    uuid: Option<Uuid>,
    /// Name of the SCEP Profile.
    #[schema(example = "routers")]
    name: Option<String>,
    /// Whether SCEP is activated.
    #[schema(example = true)]
    scep_available: bool,
    /// SCEP URL of the RA Profile.
    #[schema(
        example = "https://scep.example/api/v1/protocols/scep/raProfile/routers/pkiclient.exe"
    )]
    url: Option<String>,
    /// Attributes of certificates issued at that URL.
    #[schema(value_type = Vec<Attribute>)]
    issue_certificate_attributes: Vec<JsonObject<Attribute>>,
}

impl ScepView {
    async fn of(
        api: &Api,
        administration: &Administration,
        found: &RaProfile,
    ) -> Result<Self, ApiError> {
        let activated: Option<Versioned<ScepProfile>> = match &found.scep {
            Some(scep) => read(&*administration.store, scep.scep_profile).await?,
            None => None,
        };
        let attributes = found
            .scep
            .as_ref()
            .map(|scep| &scep.issue_certificate_attributes);
        let url = || api.scep_url(&EndpointName::RaProfile(found.name.clone()));
        Ok(Self {
            uuid: activated
                .as_ref()
                .map(|activated| activated.object.uuid.into_untyped_uuid()),
            name: activated
                .as_ref()
                .map(|activated| activated.object.name.to_string()),
            scep_available: activated.is_some(),
            url: activated.is_some().then(url),
            issue_certificate_attributes: attributes.map(attribute::to_view).unwrap_or_default(),
        })
    }
}

/// Read the SCEP settings of an RA Profile.
#[utoipa::path(
    get, path = "/raProfiles/{uuid}/protocols/scep", operation_id = "get_scep", tag = "RA Profiles",
    params(RaProfilePath),
    responses(NotFound, (status = 200, description = "OK", body = ScepView))
)]
async fn read_scep(
    api: State,
    Admin(administration): Admin,
    Ids(path): Ids<RaProfilePath>,
) -> Result<Json<ScepView>, ApiError> {
    let found = path.find(&administration).await?;
    Ok(Json(
        ScepView::of(&api, &administration, &found.object).await?,
    ))
}

/// Options for activating SCEP.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ActivationRequest {
    /// Attributes added to the record of each certificate issued at the RA Profile's own URL.
    #[schema(value_type = Vec<Attribute>, max_items = 100)]
    issue_certificate_attributes: Vec<JsonObject<Attribute>>,
}

/// The path parameter of a SCEP Profile to be activated.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
struct ActivatedPath {
    /// UUID of the SCEP Profile.
    #[param(value_type = Uuid, example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11")]
    scep_profile_uuid: ScepProfileUuid,
}

/// Activate a SCEP Profile on an RA Profile.
#[utoipa::path(
    patch, path = "/raProfiles/{uuid}/protocols/scep/activate/{scepProfileUuid}",
    operation_id = "put_scep", tag = "RA Profiles",
    params(RaProfilePath, ActivatedPath), request_body = Option<ActivationRequest>,
    responses(
        NotFound, InvalidRequest, Conflict,
        (status = 200, description = "OK", body = ScepView),
        (status = 422, description = "The RA certificate belongs to another authority", body = Reasons)
    )
)]
async fn activate_scep_profile(
    api: State,
    Admin(administration): Admin,
    Ids(path): Ids<RaProfilePath>,
    Ids(activated): Ids<ActivatedPath>,
    BodyOrNone(request): BodyOrNone<ActivationRequest>,
) -> Result<Json<ScepView>, ApiError> {
    let attributes = attribute::parse_attributes(
        "issueCertificateAttributes",
        &request.issue_certificate_attributes,
    )?;
    path.check(&administration).await?;
    let activated = administration
        .activate_scep(path.uuid, activated.scep_profile_uuid, attributes)
        .await?;
    Ok(Json(
        ScepView::of(&api, &administration, &activated.object).await?,
    ))
}

/// Deactivate SCEP on an RA Profile.
#[utoipa::path(
    patch, path = "/raProfiles/{uuid}/protocols/scep/deactivate",
    operation_id = "remove_scep", tag = "RA Profiles",
    params(RaProfilePath),
    responses(NotFound, Conflict, (status = 204, description = "No content"))
)]
async fn deactivate_scep_profile(
    Admin(administration): Admin,
    Ids(path): Ids<RaProfilePath>,
) -> Result<StatusCode, ApiError> {
    path.check(&administration).await?;
    administration.deactivate_scep(path.uuid).await?;
    Ok(StatusCode::NO_CONTENT)
}
