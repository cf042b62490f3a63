//! What is to become of a SCEP Profile, as it is written.

use scep_protocol::CaCertificateForm;
use scep_service::{Edit, ScepProfileEdit};
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::ApiError;
use crate::attribute::{self, Associations, Attribute};
use crate::names::CaCertificateFormName;
use crate::request::{JsonObject, SecretText};

/// A SCEP Profile to be made, or an edit of one. Of an edit, what is left out stays as it is, and null is the default.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ScepProfileRequest {
    /// 1 to 64 of A-Z a-z 0-9 - . _ ~ and not raProfile; unique. Needed for a new profile; an edit cannot change it.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._~-]+$",
        example = "routers"
    )]
    name: Option<String>,
    /// Whether it serves: read-only. A new profile is disabled whatever is said here; an edit cannot change it.
    #[schema(read_only, example = false)]
    enabled: Option<bool>,
    /// The SCEP URL: read-only, passed over here.
    #[serde(default, rename = "scepUrl")]
    #[schema(value_type = Option<String>, read_only, example = "https://scep.example/api/v1/protocols/scep/routers/pkiclient.exe")]
    _scep_url: Option<IgnoredAny>,
    /// What an administrator notes.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 300, example = "Routers of the branch offices")]
    description: Edit<String>,
    /// The default RA Profile: without one, the endpoint with the SCEP Profile's name does not work.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>, example = "6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11")]
    ra_profile_uuid: Edit<Uuid>,
    /// The RA certificate, one of `/scepProfiles/caCertificates`. Needed for a new profile.
    #[schema(example = "0c4f5f5e-94a9-4f0e-8f0e-6a5d2c7b1e10")]
    ca_certificate_uuid: Option<Uuid>,
    /// From how many days before its expiry on a certificate may be renewed; null or 0: in the second half of its life.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 0, maximum = 36500, example = 30)]
    renewal_threshold: Edit<u32>,
    /// Whether CertRep carries the issuer beside the certificate. Default false.
    #[serde(default)]
    #[schema(value_type = Option<bool>, example = false)]
    include_ca_certificate: Edit<bool>,
    /// Whether CertRep carries the issuer and its chain beside the certificate. Default false.
    #[serde(default)]
    #[schema(value_type = Option<bool>, example = false)]
    include_ca_certificate_chain: Edit<bool>,
    /// true: enrolments need the challengePassword that is given here or was before. false: there is none any more. null: as
    /// it is, unless one is given.
    #[schema(example = true)]
    enable_challenge_password: Option<bool>,
    /// The challengePassword; kept encrypted and never shown.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255, write_only, example = "pWZ2bB9qJ7qX0mD2wZ4b1A")]
    challenge_password: Option<SecretText>,
    /// Whether every enrolment waits for an administrator. Default false.
    #[serde(default)]
    #[schema(value_type = Option<bool>, example = false)]
    require_manual_approval: Edit<bool>,
    /// Whether a message may be signed by another key than that of the request in it: for devices that enrol through a proxy
    /// or an MDM, or whose key cannot sign messages. The request's own signature shows whose key it is. Default false.
    #[serde(default)]
    #[schema(value_type = Option<bool>, example = false)]
    allow_proxy_signer: Edit<bool>,
    /// What GetCACert answers: `chain` (RA certificate, authority, its chain) or `raOnly`. Default chain.
    #[serde(default)]
    #[schema(value_type = Option<CaCertificateFormName>)]
    ca_certificate_form: Edit<CaCertificateForm>,
    /// Whether SHA-1 and triple DES are taken and announced. Default true.
    #[serde(default)]
    #[schema(value_type = Option<bool>, example = true)]
    legacy_algorithms: Edit<bool>,
    /// Whether Microsoft Intune validates challenges. true is refused: it is not supported yet.
    #[schema(example = false)]
    enable_intune: Option<bool>,
    /// The Entra tenant of Intune.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 255, example = "corp.onmicrosoft.com")]
    intune_tenant: Edit<String>,
    /// The application's id in Intune's tenant.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 255, example = "f0f0f0f0-0000-4000-8000-000000000001")]
    intune_application_id: Edit<String>,
    /// The application's secret; kept encrypted and never shown.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255, write_only, example = "s3cret")]
    intune_application_key: Edit<SecretText>,
    /// Attributes of the issuance, put on the record of each certificate.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Attribute>>, max_items = 100)]
    issue_certificate_attributes: Edit<Vec<JsonObject<Attribute>>>,
    /// Attributes of the profile, put on the record of each certificate.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Attribute>>, max_items = 100)]
    custom_attributes: Edit<Vec<JsonObject<Attribute>>>,
    /// Whose the certificates are, put on the record of each.
    #[serde(default)]
    #[schema(value_type = Option<Associations>)]
    certificate_associations: Edit<JsonObject<Associations>>,
}

/// Most days before its expiry at which a certificate may be renewable.
const MAX_RENEWAL_THRESHOLD_DAYS: u32 = 36_500;

impl ScepProfileRequest {
    /// The edit, of values that keep their bounds.
    pub(crate) fn edit(self) -> Result<ScepProfileEdit, ApiError> {
        let attributes = |name, edit: Edit<Vec<JsonObject<Attribute>>>| {
            edit.try_map(|list| attribute::kept(name, &list))
        };
        Ok(ScepProfileEdit {
            name: self.name,
            enabled: self.enabled,
            description: self.description,
            ra_profile: self.ra_profile_uuid,
            ra_certificate: self.ca_certificate_uuid,
            renewal_threshold_days: self.renewal_threshold.try_map(|days| {
                let fits = days <= MAX_RENEWAL_THRESHOLD_DAYS;
                fits.then_some(days)
                    .ok_or_else(|| ApiError::reason("renewalThreshold: 0 to 36500 days"))
            })?,
            include_ca_certificate: self.include_ca_certificate,
            include_ca_certificate_chain: self.include_ca_certificate_chain,
            enable_challenge: self.enable_challenge_password,
            challenge: self.challenge_password.map(|SecretText(secret)| secret),
            require_manual_approval: self.require_manual_approval,
            allow_proxy_signer: self.allow_proxy_signer,
            ca_certificate_form: self.ca_certificate_form,
            legacy_algorithms: self.legacy_algorithms,
            enable_intune: self.enable_intune,
            intune_tenant: short("intuneTenant", self.intune_tenant)?,
            intune_application_id: short("intuneApplicationId", self.intune_application_id)?,
            intune_application_key: self.intune_application_key.try_map(|SecretText(secret)| {
                let fits = (1..=255).contains(&secret.reveal().chars().count());
                fits.then_some(secret)
                    .ok_or_else(|| ApiError::reason("intuneApplicationKey: 1 to 255 characters"))
            })?,
            issue_certificate_attributes: attributes(
                "issueCertificateAttributes",
                self.issue_certificate_attributes,
            )?,
            custom_attributes: attributes("customAttributes", self.custom_attributes)?,
            certificate_associations: self
                .certificate_associations
                .try_map(|JsonObject(associations)| associations.kept())?,
        })
    }
}

fn short(name: &str, edit: Edit<String>) -> Result<Edit<String>, ApiError> {
    edit.try_map(|text| {
        let fits = text.chars().count() <= 255;
        fits.then_some(text)
            .ok_or_else(|| ApiError::reason(format!("{name}: at most 255 characters")))
    })
}
