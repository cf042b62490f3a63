//! `/authorities`: the CAs that issue certificates.

use axum::Json;
use axum::response::{IntoResponse, Response};
use ca::authority::{Authority, CaGeneration, CertificatePath, Certification};
use ca::id::AuthorityIdKind;
use ca::key_algorithm::KeyAlgorithm;
use ca::key_location::KeyName;
use ca::template::Period;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use newtype_uuid::GenericUuid;
use scep_cms::certificate::Certificate;
use scep_service::admin::{AuthorityKind, Edit, Invalid, NewAuthority, ValidCertificates};
use scep_service::deployment::Deployment;
use scep_service::object::{Versioned, list};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{ApiRouter, RequireScope};
use crate::certificate::CertificateDetail;
use crate::openapi_enums::KeyAlgorithmName;
use crate::openapi_responses::{Conflict, InvalidRequest, NotFound};
use crate::request::{Body, Id, IfMatch, JsonObject, ObjectPath, Query};
use crate::response::{ApiError, Message, Reasons, created_response, versioned_response};
use crate::{Admin, Scope};

/// The longest key ARN that is accepted, in characters.
pub(crate) const MAX_ARN_CHARACTERS: usize = 255;

/// The media type of PEM.
pub(crate) const PEM: &str = "application/x-pem-file";

pub(crate) fn routes() -> ApiRouter {
    ApiRouter::new()
        .routes(routes!(list_authorities).require(Scope::Read))
        .routes(routes!(create_authority).require(Scope::Write))
        .routes(routes!(read_authority).require(Scope::Read))
        .routes(routes!(update_authority, delete_authority).require(Scope::Write))
        .routes(routes!(download_csr).require(Scope::Read))
        .routes(routes!(upload_certificate).require(Scope::Write))
        .routes(routes!(download_crl).require(Scope::Read))
}

/// Who issues an authority's certificate.
#[derive(Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = AuthorityKind)]
enum Kind {
    /// The authority itself.
    #[default]
    Root,
    /// Another CA.
    Subordinate,
}

/// Whether a generation of an authority can issue certificates.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum AuthorityState {
    /// It can issue.
    Active,
    /// It can issue once its certificate is installed.
    AwaitingCertificate,
}

impl AuthorityState {
    pub(crate) fn of(generation: &CaGeneration) -> Self {
        match generation.path() {
            Some(_) => Self::Active,
            None => Self::AwaitingCertificate,
        }
    }
}

/// A request to create an authority.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AuthorityRequest {
    /// 1 to 64 of A-Z a-z 0-9 - . _ ~ and not raProfile; unique.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._~-]+$",
        example = "corp-ca"
    )]
    name: String,
    /// Free-text description.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 300, example = "Devices of Corp")]
    description: Edit<String>,
    /// ROOT signs its own certificate; SUBORDINATE requests one from another CA. Default ROOT.
    kind: Option<Kind>,
    /// Key algorithm: RSA_2048, RSA_3072, RSA_4096, EC_P256, EC_P384 or EC_P521. Default RSA_2048.
    #[schema(value_type = Option<KeyAlgorithmName>)]
    key_algorithm: Option<KeyAlgorithm>,
    /// ARN of an existing AWS KMS key to use instead of creating one.
    #[schema(
        max_length = 255,
        example = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    )]
    key_arn: Option<String>,
    /// Subject of its certificate, as RFC 4514 text.
    #[schema(
        min_length = 1,
        max_length = 1024,
        example = "CN=Corp Device CA,O=Corp"
    )]
    subject: String,
    /// Validity of a root's certificate, an ISO 8601 duration. Default P10Y.
    #[schema(value_type = Option<String>, example = "P10Y")]
    validity: Option<Period>,
}

/// An edit of an authority. Fields that are omitted keep their value.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AuthorityEdit {
    /// Name of the authority. It cannot be changed.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._~-]+$",
        example = "corp-ca"
    )]
    name: Option<String>,
    /// Free-text description.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 300, example = "Devices of Corp")]
    description: Edit<String>,
}

/// An authority.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthorityView {
    /// UUID of the authority.
    #[schema(example = "b3f8f3f6-58ad-4c8a-8a52-0f6f8f1d2c3a")]
    uuid: Uuid,
    /// Name of the authority.
    #[schema(example = "corp-ca")]
    name: String,
    /// Free-text description.
    #[schema(example = "Devices of Corp")]
    description: String,
    /// Whether it is a root or a subordinate.
    kind: Kind,
    /// Whether it can issue.
    state: AuthorityState,
    /// Algorithm of its key.
    #[schema(value_type = KeyAlgorithmName)]
    key_algorithm: KeyAlgorithm,
    /// Location of its key: an ARN or a file name.
    #[schema(
        example = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    )]
    key_reference: String,
    /// Its certificate, once it has one.
    certificate: Option<CertificateDetail>,
    /// The certificates above its own, its issuer's first.
    chain: Vec<CertificateDetail>,
    /// Its next certificate, once a rollover has begun and it has one.
    next: Option<CertificateDetail>,
    /// Whether it can issue with its next key; null if no rollover has begun.
    next_state: Option<AuthorityState>,
    /// Certificates of its earlier keys, oldest first.
    previous: Vec<CertificateDetail>,
    /// URL of the CRL of its current key, as the certificates that it issues name it; null while it
    /// awaits its certificate, and if others cannot reach the server at its URL.
    #[schema(example = "http://scep.example/crl/corp-ca.crl")]
    crl_url: Option<String>,
}

impl AuthorityView {
    pub(crate) fn of(authority: &Authority, deployment: &Deployment) -> Self {
        let CaGeneration {
            key_algorithm,
            key,
            certification,
            ..
        } = &authority.current;
        let path = authority.current.path();
        let chain = path.as_ref().map_or(&[][..], |path| &path.chain);
        let certificate_of = |generation: &CaGeneration| {
            let path = generation.path()?;
            Some(CertificateDetail::of(&path.certificate))
        };
        Self {
            uuid: authority.uuid.into_untyped_uuid(),
            name: authority.name.to_string(),
            description: authority.description.as_str().to_owned(),
            kind: match certification {
                Certification::Root { .. } => Kind::Root,
                Certification::Subordinate { .. } => Kind::Subordinate,
            },
            state: AuthorityState::of(&authority.current),
            key_algorithm: *key_algorithm,
            key_reference: key.to_string(),
            certificate: certificate_of(&authority.current),
            chain: chain.iter().map(CertificateDetail::of).collect(),
            next: authority.next.as_ref().and_then(certificate_of),
            next_state: authority.next.as_ref().map(AuthorityState::of),
            previous: authority
                .previous
                .iter()
                .filter_map(certificate_of)
                .collect(),
            crl_url: authority
                .issuing_authority()
                .and_then(|issuing| deployment.crl_url(&issuing)),
        }
    }
}

/// List authorities, sorted by name.
#[utoipa::path(
    get, path = "/authorities", tag = "Authorities",
    responses((status = 200, description = "OK", body = [AuthorityView]))
)]
async fn list_authorities(
    Admin(administration): Admin,
) -> Result<Json<Vec<AuthorityView>>, ApiError> {
    let found = list::<Authority>(&*administration.store).await?;
    Ok(Json(
        found
            .iter()
            .map(|found| AuthorityView::of(&found.object, &administration.deployment))
            .collect(),
    ))
}

/// Create an authority.
///
/// Creates its key, and the certificate of a root or the certificate request of a subordinate.
#[utoipa::path(
    post, path = "/authorities", operation_id = "add_authority", tag = "Authorities",
    request_body = AuthorityRequest,
    responses(
        InvalidRequest,
        (status = 201, description = "Created", body = AuthorityView),
        (status = 409, description = "The name is taken by another authority", body = Message)
    )
)]
async fn create_authority(
    Admin(administration): Admin,
    Body(JsonObject(request)): Body<JsonObject<AuthorityRequest>>,
) -> Result<Response, ApiError> {
    let key_arn = request.key_arn.as_deref().unwrap_or_default();
    if key_arn.chars().count() > MAX_ARN_CHARACTERS {
        return Err(ApiError::reason("keyArn: at most 255 characters"));
    }
    let new = NewAuthority {
        name: request.name,
        description: request.description,
        kind: match request.kind.unwrap_or_default() {
            Kind::Root => AuthorityKind::Root,
            Kind::Subordinate => AuthorityKind::Subordinate,
        },
        // Some clients encrypt to every certificate of GetCACert, which only works with RSA.
        key_algorithm: request.key_algorithm.unwrap_or(KeyAlgorithm::Rsa2048),
        key: request.key_arn.map(KeyName::new),
        subject: request.subject,
        validity: request.validity.unwrap_or(Period::years(10)),
    };
    let made = administration.create_authority(new).await?;
    let view = AuthorityView::of(&made.object, &administration.deployment);
    Ok(created_response(
        "/authorities",
        made.object.uuid,
        made.version,
        view,
    ))
}

/// Read an authority.
#[utoipa::path(
    get, path = "/authorities/{uuid}", operation_id = "get_authority", tag = "Authorities",
    params(ObjectPath),
    responses(NotFound, (status = 200, description = "OK", body = AuthorityView))
)]
async fn read_authority(
    Admin(administration): Admin,
    Id(uuid): Id<AuthorityIdKind>,
) -> Result<Response, ApiError> {
    let found: Versioned<Authority> = administration.get(uuid).await?;
    Ok(versioned_response(
        &found,
        AuthorityView::of(&found.object, &administration.deployment),
    ))
}

/// Edit an authority.
#[utoipa::path(
    put, path = "/authorities/{uuid}", operation_id = "put_authority", tag = "Authorities",
    params(ObjectPath, IfMatch),
    request_body = AuthorityEdit,
    responses(
        NotFound, InvalidRequest,
        (status = 200, description = "OK", body = AuthorityView),
        (status = 409, description = "The authority was edited in the meantime", body = Message)
    )
)]
async fn update_authority(
    Admin(administration): Admin,
    Id(uuid): Id<AuthorityIdKind>,
    IfMatch(version): IfMatch,
    Body(JsonObject(edit)): Body<JsonObject<AuthorityEdit>>,
) -> Result<Response, ApiError> {
    let name = edit.name.as_deref();
    let edited = administration
        .edit_authority(uuid, version, name, edit.description)
        .await?;
    Ok(versioned_response(
        &edited,
        AuthorityView::of(&edited.object, &administration.deployment),
    ))
}

/// Options for deleting an authority.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeletionQuery {
    /// Delete the authority even if certificates it issued are still valid; they are then on no
    /// CRL. Default false: valid certificates prevent the deletion.
    #[serde(default)]
    #[param(example = false)]
    force: bool,
}

/// Delete an authority.
///
/// Nothing may depend on it, and no certificate it issued may still be valid. Its key is kept.
#[utoipa::path(
    delete, path = "/authorities/{uuid}", operation_id = "remove_authority", tag = "Authorities",
    params(ObjectPath, DeletionQuery),
    responses(
        NotFound, InvalidRequest, Conflict,
        (status = 204, description = "No content"),
        (status = 422, description = "RA Profiles or RA certificates depend on it, or certificates it issued are still valid: that reason alone begins with `force: `, and `force` overrides it", body = Reasons)
    )
)]
async fn delete_authority(
    Admin(administration): Admin,
    Id(uuid): Id<AuthorityIdKind>,
    Query(query): Query<DeletionQuery>,
) -> Result<StatusCode, ApiError> {
    let living = match query.force {
        true => ValidCertificates::Abandon,
        false => ValidCertificates::Keep,
    };
    administration.delete_authority(uuid, living).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Read a subordinate's PKCS #10 request.
///
/// The request is meant for the superior CA. Once a rollover has begun, it is the request for the
/// next key.
#[utoipa::path(
    get, path = "/authorities/{uuid}/csr", operation_id = "get_csr", tag = "Authorities",
    params(ObjectPath),
    responses(
        NotFound,
        (status = 200, body = String, content_type = "application/x-pem-file", description = "PEM"),
        (status = 422, description = "The authority is a root and has no request", body = Reasons)
    )
)]
async fn download_csr(
    Admin(administration): Admin,
    Id(uuid): Id<AuthorityIdKind>,
) -> Result<Response, ApiError> {
    let found: Versioned<Authority> = administration.get(uuid).await?;
    // During a rollover, the next key is the one that still needs a certificate.
    let generation = found.object.next.unwrap_or(found.object.current);
    match generation.certification {
        Certification::Root { .. } => Err(ApiError::reason(Invalid::AuthorityIsRoot)),
        Certification::Subordinate { request, .. } => {
            Ok(([(CONTENT_TYPE, PEM)], request).into_response())
        }
    }
}

/// A subordinate's certificate, as issued by another CA.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CertificateRequest {
    /// The authority's certificate, PEM.
    #[schema(example = "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n")]
    certificate: String,
    /// The certificates above it, PEM, starting with its issuer's, as far as they are known.
    #[serde(default)]
    #[schema(max_items = 10, example = json!(["-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n"]))]
    chain: Vec<String>,
}

/// Install a subordinate's certificate, or replace it by a later one for the same key and subject.
#[utoipa::path(
    post, path = "/authorities/{uuid}/certificate",
    operation_id = "put_certificate", tag = "Authorities",
    params(ObjectPath),
    request_body = CertificateRequest,
    responses(
        NotFound, InvalidRequest,
        (status = 200, description = "OK", body = AuthorityView),
        (status = 409, description = "The authority was edited in the meantime", body = Message),
        (status = 422, description = "The certificate does not match: key, CA:TRUE, keyCertSign, validity or chain", body = Reasons)
    )
)]
async fn upload_certificate(
    Admin(administration): Admin,
    Id(uuid): Id<AuthorityIdKind>,
    Body(JsonObject(request)): Body<JsonObject<CertificateRequest>>,
) -> Result<Response, ApiError> {
    // A bound on the work that one request causes; real chains have two or three certificates.
    const MAX_CHAIN: usize = 10;
    if request.chain.len() > MAX_CHAIN {
        return Err(ApiError::reason("chain: at most 10 certificates"));
    }
    let read = |name: String, pem: &str| {
        Certificate::from_pem(pem)
            .map_err(|_| ApiError::reason(format!("{name}: not one certificate in PEM")))
    };
    let numbered = request.chain.iter().enumerate();
    let path = CertificatePath {
        certificate: read("certificate".to_owned(), &request.certificate)?,
        chain: numbered
            .map(|(place, pem)| read(format!("chain[{place}]"), pem))
            .collect::<Result<_, _>>()?,
    };
    let installed = administration.install_certificate(uuid, path).await?;
    Ok(versioned_response(
        &installed,
        AuthorityView::of(&installed.object, &administration.deployment),
    ))
}

/// Download an authority's CRL.
///
/// The CRL is that of the current generation. It is also public, at the URL in issued certificates.
#[utoipa::path(
    get, path = "/authorities/{uuid}/crl", operation_id = "get_crl", tag = "Authorities",
    params(ObjectPath),
    responses(
        (status = 200, body = String, content_type = "application/pkix-crl", description = "CertificateList, DER"),
        (status = 404, description = "No such authority, or it has no certificate yet", body = Message)
    )
)]
async fn download_crl(
    Admin(administration): Admin,
    Id(uuid): Id<AuthorityIdKind>,
) -> Result<Response, ApiError> {
    let found: Versioned<Authority> = administration.get(uuid).await?;
    let crl = administration
        .store
        .crl(uuid, found.object.current.number)
        .await?
        .ok_or_else(|| ApiError::NotFound("the authority has no CRL yet".to_owned()))?;
    Ok(([(CONTENT_TYPE, "application/pkix-crl")], crl.der).into_response())
}
