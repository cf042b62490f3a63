//! `/scepProfiles`: profiles with the settings of the SCEP protocol.

use std::collections::{BTreeSet, HashMap};

use axum::Json;
use axum::response::Response;
use ca::authority::Authority;
use ca::id::AuthorityUuid;
use http::StatusCode;
use newtype_uuid::{GenericUuid, TypedUuid};
use scep_protocol::id::{RaCertificateUuid, RaProfileUuid, ScepProfileIdKind, ScepProfileUuid};
use scep_protocol::profile::{
    CaCertificateForm, EndpointName, IntuneCredential, RaProfile, ScepProfile,
};
use scep_protocol::ra_certificate::RaCertificate;
use scep_protocol::vouching::ChallengeSourceKind;
use scep_protocol::warning::Warning;
use scep_service::admin::{AdminError, Administration, Dependents};
use scep_service::object::{Object, Versioned, list, read};
use scep_service::ports::Store;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{ApiRouter, RequireScope};
use crate::attribute::{Associations, Attribute};
use crate::bulk::bulk_routes;
use crate::openapi_enums::{CaCertificateFormName, ChallengeSourceName, IntuneCredentialName};
use crate::openapi_responses::{Conflict, InvalidRequest, NotFound};
use crate::ra_certificates::RaCertificateView;
use crate::request::{Body, Id, Ids, IfMatch, JsonObject, ObjectPath, Query, non_empty};
use crate::response::{ApiError, Message, Reasons, created_response, versioned_response};
use crate::scep_profile_request::ScepProfileRequest;
use crate::scep_profile_settings::{build_view, define_view, with_scep_settings};
use crate::toggleable::{Noun, Toggleable};
use crate::webhook::WebhookView;
use crate::{Admin, Api, Scope, State, attribute, toggleable};

pub(crate) fn routes() -> ApiRouter {
    ApiRouter::new()
        .routes(routes!(list_scep_profiles).require(Scope::Read))
        .routes(routes!(create_scep_profile).require(Scope::Write))
        .routes(routes!(read_scep_profile).require(Scope::Read))
        .routes(routes!(update_scep_profile).require(Scope::Write))
        .merge(toggleable::single_routes::<ScepProfile>())
        .merge(bulk_routes::<ScepProfile>())
        .routes(routes!(change_default_ra_profile).require(Scope::Write))
        .routes(routes!(list_ca_certificates).require(Scope::Read))
}

with_scep_settings! { define_view! {
/// A SCEP Profile.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScepProfileView {
    /// UUID of the SCEP Profile.
    #[schema(example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11")]
    uuid: Uuid,
    /// Name of the SCEP Profile.
    #[schema(example = "routers")]
    name: String,
    /// Free-text description.
    #[schema(max_length = 300, example = "Routers of the branch offices")]
    description: String,
    /// Whether it is enabled.
    #[schema(example = true)]
    enabled: bool,
    /// The default RA Profile.
    ra_profile: Option<DefaultRaProfile>,
    /// The RA certificate.
    ca_certificate: Option<RaCertificateView>,
    /// Number of days before its expiry from which a certificate may be renewed; null or 0 allows
    /// renewal in the second half of its validity.
    #[schema(example = 30)]
    renew_threshold: Option<u32>,
    /// Who vouches for enrolments, in the order in which they are asked.
    #[schema(value_type = Vec<ChallengeSourceName>, example = json!(["ONE_TIME", "STATIC"]))]
    challenge_sources: BTreeSet<ChallengeSourceKind>,
    /// The HTTP service that vouches for enrolments and hears of what became of them.
    webhook: Option<WebhookView>,
    /// Whether the challengePassword authorises enrolments: whether STATIC is among the
    /// challengeSources.
    #[schema(example = true)]
    enable_challenge_password: bool,
    /// Whether Intune validates challenges: whether INTUNE is among the challengeSources.
    #[schema(example = false)]
    enable_intune: bool,
    /// Entra tenant of Intune.
    #[schema(example = "corp.onmicrosoft.com")]
    intune_tenant: Option<String>,
    /// Id of the application in the Entra tenant.
    #[schema(example = "f0f0f0f0-0000-4000-8000-000000000001")]
    intune_application_id: Option<String>,
    /// How the application proves its identity to Entra.
    #[schema(value_type = IntuneCredentialName, example = "SECRET")]
    intune_credential: IntuneCredential,
    /// Attributes of the issuance.
    #[schema(value_type = Vec<Attribute>)]
    issue_certificate_attributes: Vec<JsonObject<Attribute>>,
    /// Custom attributes.
    #[schema(value_type = Vec<Attribute>)]
    custom_attributes: Vec<JsonObject<Attribute>>,
    /// Owner and groups of the certificates.
    certificate_associations: Associations,
    /// SCEP URL; present if there is a default RA Profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://scep.example/api/v1/protocols/scep/routers/pkiclient.exe")]
    scep_url: Option<String>,
    /// Warnings for administrators about what the profile, together with those it is linked to,
    /// allows. They do not cause requests to be refused.
    #[schema(example = json!(["challengePassword: it has fewer than 16 characters, and can be guessed."]))]
    warnings: Vec<String>,
}
} }

/// The default RA Profile of a SCEP Profile.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DefaultRaProfile {
    /// UUID of the RA Profile.
    #[schema(example = "6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11")]
    uuid: Uuid,
    /// Name of the RA Profile.
    #[schema(example = "routers")]
    name: String,
    /// Whether it is enabled.
    #[schema(example = true)]
    enabled: bool,
    /// Its authority.
    #[schema(example = "b3f8f3f6-58ad-4c8a-8a52-0f6f8f1d2c3a")]
    authority_instance_uuid: Uuid,
}

impl ScepProfileView {
    fn new(
        api: &Api,
        profile: &ScepProfile,
        ra_profile: Option<&RaProfile>,
        ra_certificate: Option<&RaCertificate>,
        warnings: &[Warning],
    ) -> Self {
        let annotations = &profile.annotations;
        let sources = profile.challenge_sources();
        with_scep_settings! { build_view! { Self {
            uuid: profile.uuid.into_untyped_uuid(),
            name: profile.name.to_string(),
            description: profile.description.as_str().to_owned(),
            enabled: profile.enabled,
            ra_profile: ra_profile.map(|ra_profile| DefaultRaProfile {
                uuid: ra_profile.uuid.into_untyped_uuid(),
                name: ra_profile.name.to_string(),
                enabled: ra_profile.enabled,
                authority_instance_uuid: ra_profile.authority.into_untyped_uuid(),
            }),
            ca_certificate: ra_certificate.and_then(RaCertificateView::of),
            renew_threshold: profile.settings.renewal_threshold_days,
            enable_challenge_password: sources.contains(&ChallengeSourceKind::Static),
            enable_intune: sources.contains(&ChallengeSourceKind::Intune),
            challenge_sources: sources,
            webhook: profile.webhook.as_ref().map(WebhookView::of),
            intune_tenant: profile.intune.tenant.clone(),
            intune_application_id: profile.intune.application_id.clone(),
            intune_credential: profile.intune.credential,
            issue_certificate_attributes: attribute::to_view(
                &annotations.issue_certificate_attributes,
            ),
            custom_attributes: attribute::to_view(&annotations.custom_attributes),
            certificate_associations: Associations::of(&annotations.associations),
            scep_url: ra_profile.map(|_| api.scep_url(&EndpointName::ScepProfile(profile.name.clone()))),
            warnings: warnings.iter().map(ToString::to_string).collect(),
        } with profile.settings.clone() } }
    }

    /// The API form of a SCEP Profile, with the objects that it is linked to at present.
    async fn read(
        api: &Api,
        administration: &Administration,
        found: &Versioned<ScepProfile>,
    ) -> Result<Self, ApiError> {
        let objects = &*administration.store;
        let profile = &found.object;
        let warnings = administration.scep_profile_warnings(found).await?;
        let ra_profile: Option<Versioned<RaProfile>> = match profile.ra_profile {
            Some(uuid) => read(objects, uuid).await?,
            None => None,
        };
        let ra_certificate: Option<Versioned<RaCertificate>> =
            read(objects, profile.ra_certificate).await?;
        Ok(Self::new(
            api,
            profile,
            ra_profile.as_ref().map(|found| &found.object),
            ra_certificate.as_ref().map(|found| &found.object),
            &warnings,
        ))
    }
}

impl Toggleable for ScepProfile {
    type Path = ObjectPath;

    const NOUN: Noun = Noun {
        path: "/scepProfiles",
        id: "scep_profile",
        singular: "a SCEP Profile",
        plural: "SCEP Profiles",
        deletion_rule: "It must not be activated on an RA Profile.",
        in_use: "activated on RA Profiles",
        unlinking: "Deactivates them first.",
    };

    async fn check_path(
        _: &Administration,
        path: ObjectPath,
    ) -> Result<ScepProfileUuid, AdminError> {
        Ok(ScepProfileUuid::from_untyped_uuid(path.uuid))
    }

    async fn enable(
        administration: &Administration,
        uuid: ScepProfileUuid,
    ) -> Result<(), AdminError> {
        administration.enable_scep_profile(uuid).await
    }

    async fn disable(
        administration: &Administration,
        uuid: ScepProfileUuid,
    ) -> Result<(), AdminError> {
        administration.disable_scep_profile(uuid).await
    }

    async fn delete(
        administration: &Administration,
        uuid: ScepProfileUuid,
        dependents: Dependents,
    ) -> Result<(), AdminError> {
        administration.delete_scep_profile(uuid, dependents).await
    }
}

/// List SCEP Profiles, sorted by name.
#[utoipa::path(
    get, path = "/scepProfiles", tag = "SCEP Profiles",
    responses((status = 200, description = "OK", body = [ScepProfileView]))
)]
async fn list_scep_profiles(
    api: State,
    Admin(administration): Admin,
) -> Result<Json<Vec<ScepProfileView>>, ApiError> {
    // Each kind is listed once instead of reading the linked objects of every profile.
    let objects = &*administration.store;
    let ra_profiles: HashMap<RaProfileUuid, RaProfile> = objects_by_uuid(objects).await?;
    let ra_certificates: HashMap<RaCertificateUuid, RaCertificate> =
        objects_by_uuid(objects).await?;
    let authorities: HashMap<AuthorityUuid, Authority> = objects_by_uuid(objects).await?;
    let profiles = list::<ScepProfile>(objects).await?;
    let view = |found: Versioned<ScepProfile>| {
        let profile = found.object;
        let ra_profile = profile.ra_profile.and_then(|uuid| ra_profiles.get(&uuid));
        let ra_certificate = ra_certificates.get(&profile.ra_certificate);
        let authority_key = ra_certificate
            .and_then(|found| authorities.get(&found.authority))
            .map(|found| found.current.key_algorithm);
        let mut led_to: Vec<_> = ra_profiles
            .values()
            .filter(|found| profile.leads_to(found))
            .collect();
        // A map has no order, and the order of warnings should not change between requests.
        led_to.sort_by_key(|found| found.name.as_str());
        let warnings = profile.warnings(&led_to, authority_key);
        ScepProfileView::new(&api, &profile, ra_profile, ra_certificate, &warnings)
    };
    Ok(Json(profiles.into_iter().map(view).collect()))
}

/// Every object of a kind, by UUID.
async fn objects_by_uuid<T: Object>(
    objects: &dyn Store,
) -> Result<HashMap<TypedUuid<T::IdKind>, T>, ApiError> {
    Ok(list::<T>(objects)
        .await?
        .into_iter()
        .map(|found| (found.object.uuid(), found.object))
        .collect())
}

/// Create a SCEP Profile.
///
/// A new profile is disabled.
#[utoipa::path(
    post, path = "/scepProfiles", operation_id = "add_scep_profile", tag = "SCEP Profiles",
    request_body = ScepProfileRequest,
    responses(
        InvalidRequest,
        (status = 201, description = "Created", body = ScepProfileView),
        (status = 409, description = "The name is taken by another SCEP Profile", body = Message)
    )
)]
async fn create_scep_profile(
    api: State,
    Admin(administration): Admin,
    Body(JsonObject(request)): Body<JsonObject<ScepProfileRequest>>,
) -> Result<Response, ApiError> {
    let made = administration
        .create_scep_profile(request.into_edit()?)
        .await?;
    let view = ScepProfileView::read(&api, &administration, &made).await?;
    Ok(created_response(
        "/scepProfiles",
        made.object.uuid,
        made.version,
        view,
    ))
}

/// Read a SCEP Profile.
#[utoipa::path(
    get, path = "/scepProfiles/{uuid}", operation_id = "get_scep_profile", tag = "SCEP Profiles",
    params(ObjectPath),
    responses(NotFound, (status = 200, description = "OK", body = ScepProfileView))
)]
async fn read_scep_profile(
    api: State,
    Admin(administration): Admin,
    Id(uuid): Id<ScepProfileIdKind>,
) -> Result<Response, ApiError> {
    let found: Versioned<ScepProfile> = administration.get(uuid).await?;
    let view = ScepProfileView::read(&api, &administration, &found).await?;
    Ok(versioned_response(&found, view))
}

/// Edit a SCEP Profile.
#[utoipa::path(
    put, path = "/scepProfiles/{uuid}", operation_id = "put_scep_profile", tag = "SCEP Profiles",
    params(ObjectPath, IfMatch),
    request_body = ScepProfileRequest,
    responses(
        NotFound, InvalidRequest,
        (status = 200, description = "OK", body = ScepProfileView),
        (status = 409, description = "The SCEP Profile was edited in the meantime", body = Message)
    )
)]
async fn update_scep_profile(
    api: State,
    Admin(administration): Admin,
    Id(uuid): Id<ScepProfileIdKind>,
    IfMatch(version): IfMatch,
    Body(JsonObject(request)): Body<JsonObject<ScepProfileRequest>>,
) -> Result<Response, ApiError> {
    let edited = administration
        .edit_scep_profile(uuid, version, request.into_edit()?)
        .await?;
    let view = ScepProfileView::read(&api, &administration, &edited).await?;
    Ok(versioned_response(&edited, view))
}

/// The path parameters of a SCEP Profile and its default RA Profile.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
struct DefaultRaProfilePath {
    /// UUID of the SCEP Profile.
    #[param(value_type = Uuid, example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11")]
    uuid: ScepProfileUuid,
    /// UUID of the RA Profile.
    #[param(value_type = Uuid, example = "6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11")]
    ra_profile_uuid: RaProfileUuid,
}

/// Set the default RA Profile of a SCEP Profile.
#[utoipa::path(
    patch, path = "/scepProfiles/{uuid}/raProfiles/{raProfileUuid}",
    operation_id = "put_default_ra_profile", tag = "SCEP Profiles",
    params(DefaultRaProfilePath),
    responses(
        NotFound, Conflict,
        (status = 204, description = "No content"),
        (status = 422, description = "The RA certificate belongs to another authority", body = Reasons)
    )
)]
async fn change_default_ra_profile(
    Admin(administration): Admin,
    Ids(path): Ids<DefaultRaProfilePath>,
) -> Result<StatusCode, ApiError> {
    administration
        .set_default_ra_profile(path.uuid, path.ra_profile_uuid)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Filters for RA certificates.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CaCertificatesQuery {
    /// Only RA certificates for profiles that Intune validates. Has no effect: any RA certificate
    /// qualifies.
    #[param(pattern = "^(true|false)?$", example = "false")]
    intune_enabled: Option<String>,
}

/// List the RA certificates that a SCEP Profile may use at present.
#[utoipa::path(
    get, path = "/scepProfiles/caCertificates", tag = "SCEP Profiles", params(CaCertificatesQuery),
    responses(InvalidRequest, (status = 200, description = "OK", body = [RaCertificateView]))
)]
async fn list_ca_certificates(
    Admin(administration): Admin,
    Query(query): Query<CaCertificatesQuery>,
) -> Result<Json<Vec<RaCertificateView>>, ApiError> {
    if non_empty(query.intune_enabled).is_some_and(|flag| flag != "true" && flag != "false") {
        return Err(ApiError::reason("intuneEnabled: true or false"));
    }
    let found = administration.usable_ra_certificates().await?;
    Ok(Json(
        found.iter().filter_map(RaCertificateView::of).collect(),
    ))
}
