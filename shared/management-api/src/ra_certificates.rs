//! `/authorities/{authorityUuid}/raCertificates`: the keys that clients encrypt to.

use axum::Json;
use axum::response::Response;
use ca::authority::Authority;
use ca::id::AuthorityUuid;
use ca::key_algorithm::KeyAlgorithm;
use ca::server_certificate::{crl_url_of, extended_key_usage_of};
use ca::template::{ExtendedKeyUsage, Period};
use http::StatusCode;
use newtype_uuid::GenericUuid;
use scep_protocol::id::RaCertificateUuid;
use scep_protocol::ra_certificate::{RaCertificate, RaKeyPair};
use scep_service::admin::{AdminError, Administration, NewRaCertificate};
use scep_service::object::{Object, Versioned, list};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

use crate::access::{ApiRouter, RequireScope};
use crate::certificate::CertificateDetail;
use crate::openapi_enums::{ExtendedKeyUsageName, KeyAlgorithmName};
use crate::openapi_responses::{Conflict, InvalidRequest, NotFound};
use crate::request::{AuthorityPath, Body, Ids, JsonObject};
use crate::response::{ApiError, Message, Reasons, created_response, versioned_response};
use crate::{Admin, Scope};

pub(crate) fn routes() -> ApiRouter {
    ApiRouter::new()
        .routes(routes!(list_ra_certificates).require(Scope::Read))
        .routes(routes!(create_ra_certificate).require(Scope::Write))
        .routes(routes!(read_ra_certificate).require(Scope::Read))
        .routes(routes!(delete_ra_certificate).require(Scope::Write))
}

/// A request to create an RA certificate.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RaCertificateRequest {
    /// CN of its subject.
    #[schema(min_length = 1, max_length = 64, example = "Corp Device RA")]
    common_name: String,
    /// Key algorithm: RSA_2048, RSA_3072 or RSA_4096. Default RSA_2048.
    #[schema(value_type = Option<KeyAlgorithmName>)]
    key_algorithm: Option<KeyAlgorithm>,
    /// Extended key usages: names or OIDs, such as 1.3.6.1.4.1.311.20.2.1 for Certificate Request
    /// Agent. Default serverAuth, because Windows requires one; empty for none. Renewals keep them.
    #[schema(value_type = Option<Vec<ExtendedKeyUsageName>>, max_items = 16)]
    extended_key_usage: Option<Vec<ExtendedKeyUsage>>,
    /// Validity, an ISO 8601 duration; it never exceeds the authority's. Default P2Y.
    #[schema(value_type = Option<String>, example = "P2Y")]
    validity: Option<Period>,
}

/// An RA certificate.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RaCertificateView {
    /// UUID of the RA certificate.
    #[schema(example = "0c4f5f5e-94a9-4f0e-8f0e-6a5d2c7b1e10")]
    uuid: Uuid,
    /// The authority that issued it.
    #[schema(example = "b3f8f3f6-58ad-4c8a-8a52-0f6f8f1d2c3a")]
    authority_uuid: Uuid,
    /// Algorithm of its key.
    #[schema(value_type = KeyAlgorithmName)]
    key_algorithm: KeyAlgorithm,
    /// Extended key usages of the current certificate.
    #[schema(value_type = Vec<ExtendedKeyUsageName>)]
    extended_key_usage: Vec<ExtendedKeyUsage>,
    /// URL of the authority's CRL in the current certificate; null if it was issued by an earlier
    /// version or while the server had no public URL.
    #[schema(example = "http://scep.example/crl/corp-ca.crl")]
    crl_distribution_point: Option<String>,
    /// The current certificate.
    certificate: CertificateDetail,
    /// The certificate to be used after the authority's rollover, once it has begun.
    next: Option<CertificateDetail>,
    /// Earlier certificates, oldest first. Messages encrypted to them are accepted until they
    /// expire.
    previous: Vec<CertificateDetail>,
}

impl RaCertificateView {
    /// The API form of an RA certificate; `None` if it has no key, which no use case creates.
    pub(crate) fn of(ra_certificate: &RaCertificate) -> Option<Self> {
        let serving = ra_certificate.serving_key()?;
        let next = ra_certificate.next_key();
        // Keys of the next generation are prepared before the rollover, and are not earlier ones.
        let is_old = |key: &&RaKeyPair| {
            key.uuid != serving.uuid && next.is_none_or(|next| key.generation != next.generation)
        };
        let previous = ra_certificate.keys.iter().filter(is_old);
        Some(Self {
            uuid: ra_certificate.uuid.into_untyped_uuid(),
            authority_uuid: ra_certificate.authority.into_untyped_uuid(),
            key_algorithm: serving.key_algorithm,
            // Scepter issued the certificate, so its extensions can be decoded.
            extended_key_usage: extended_key_usage_of(&serving.certificate).unwrap_or_default(),
            crl_distribution_point: crl_url_of(&serving.certificate).unwrap_or_default(),
            certificate: CertificateDetail::of(&serving.certificate),
            next: next.map(|key| CertificateDetail::of(&key.certificate)),
            previous: previous
                .map(|key| CertificateDetail::of(&key.certificate))
                .collect(),
        })
    }

    fn try_of(ra_certificate: &RaCertificate) -> Result<Self, ApiError> {
        let gone = || ApiError::NotFound("the RA certificate has no key".to_owned());
        Self::of(ra_certificate).ok_or_else(gone)
    }
}

/// The path parameters of an RA certificate.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
struct Path {
    /// UUID of the authority.
    #[param(value_type = Uuid, example = "b3f8f3f6-58ad-4c8a-8a52-0f6f8f1d2c3a")]
    authority_uuid: AuthorityUuid,
    /// UUID of the RA certificate.
    #[param(value_type = Uuid, example = "0c4f5f5e-94a9-4f0e-8f0e-6a5d2c7b1e10")]
    uuid: RaCertificateUuid,
}

impl Path {
    async fn find(
        &self,
        administration: &Administration,
    ) -> Result<Versioned<RaCertificate>, AdminError> {
        let found: Versioned<RaCertificate> = administration.get(self.uuid).await?;
        // The path must be correct as a whole, so an RA certificate of another authority is 404.
        if found.object.authority != self.authority_uuid {
            return Err(AdminError::NotFound(RaCertificate::KIND));
        }
        Ok(found)
    }
}

/// List an authority's RA certificates.
#[utoipa::path(
    get, path = "/authorities/{authorityUuid}/raCertificates", tag = "Authorities",
    params(AuthorityPath),
    responses(NotFound, (status = 200, description = "OK", body = [RaCertificateView]))
)]
async fn list_ra_certificates(
    Admin(administration): Admin,
    Ids(AuthorityPath {
        authority_uuid: authority,
    }): Ids<AuthorityPath>,
) -> Result<Json<Vec<RaCertificateView>>, ApiError> {
    administration.get::<Authority>(authority).await?;
    let all = list::<RaCertificate>(&*administration.store).await?;
    let of_authority = all
        .iter()
        .filter(|found| found.object.authority == authority);
    Ok(Json(
        of_authority
            .filter_map(|found| RaCertificateView::of(&found.object))
            .collect(),
    ))
}

/// Create an RA certificate.
#[utoipa::path(
    post, path = "/authorities/{authorityUuid}/raCertificates",
    operation_id = "add_ra_certificate", tag = "Authorities",
    params(AuthorityPath), request_body = RaCertificateRequest,
    responses(
        NotFound, InvalidRequest,
        (status = 201, description = "Created", body = RaCertificateView),
        (status = 409, description = "The authority was deleted in the meantime", body = Message)
    )
)]
async fn create_ra_certificate(
    Admin(administration): Admin,
    Ids(AuthorityPath {
        authority_uuid: authority,
    }): Ids<AuthorityPath>,
    Body(JsonObject(request)): Body<JsonObject<RaCertificateRequest>>,
) -> Result<Response, ApiError> {
    let new = NewRaCertificate {
        common_name: request.common_name,
        key_algorithm: request.key_algorithm.unwrap_or(KeyAlgorithm::Rsa2048),
        // Windows requires an extended key usage in the RA certificate.
        extended_key_usage: request
            .extended_key_usage
            .unwrap_or_else(|| vec![ExtendedKeyUsage::SERVER_AUTH]),
        validity: request.validity.unwrap_or(Period::years(2)),
    };
    let made = administration.create_ra_certificate(new, authority).await?;
    let path = format!("/authorities/{authority}/raCertificates");
    let view = RaCertificateView::try_of(&made.object)?;
    Ok(created_response(
        &path,
        made.object.uuid,
        made.version,
        view,
    ))
}

/// Read an RA certificate.
#[utoipa::path(
    get, path = "/authorities/{authorityUuid}/raCertificates/{uuid}",
    operation_id = "get_ra_certificate", tag = "Authorities",
    params(Path),
    responses(NotFound, (status = 200, description = "OK", body = RaCertificateView))
)]
async fn read_ra_certificate(
    Admin(administration): Admin,
    Ids(path): Ids<Path>,
) -> Result<Response, ApiError> {
    let found = path.find(&administration).await?;
    Ok(versioned_response(
        &found,
        RaCertificateView::try_of(&found.object)?,
    ))
}

/// Delete an RA certificate.
///
/// No SCEP Profile may use it. Its key is kept.
#[utoipa::path(
    delete, path = "/authorities/{authorityUuid}/raCertificates/{uuid}",
    operation_id = "remove_ra_certificate", tag = "Authorities",
    params(Path),
    responses(
        NotFound, Conflict,
        (status = 204, description = "No content"),
        (status = 422, description = "SCEP Profiles depend on it", body = Reasons)
    )
)]
async fn delete_ra_certificate(
    Admin(administration): Admin,
    Ids(path): Ids<Path>,
) -> Result<StatusCode, ApiError> {
    administration
        .delete_ra_certificate(path.uuid, path.authority_uuid)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
