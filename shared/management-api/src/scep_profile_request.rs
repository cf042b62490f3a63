//! The request to create or edit a SCEP Profile.

use std::collections::BTreeSet;

use scep_cms::challenge::ChallengePassword;
use scep_protocol::id::{RaCertificateUuid, RaProfileUuid};
use scep_protocol::profile::{CaCertificateForm, IntuneCredential};
use scep_protocol::vouching::ChallengeSourceKind;
use scep_service::admin::{Edit, ScepProfileEdit};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use crate::attribute;
use crate::attribute::{Associations, Attribute};
use crate::openapi_enums::{CaCertificateFormName, ChallengeSourceName, IntuneCredentialName};
use crate::request::{JsonObject, SecretText};
use crate::response::ApiError;
use crate::scep_profile_settings::{define_request, with_scep_settings};
use crate::webhook::WebhookRequest;

with_scep_settings! { define_request! {
/// A request to create or edit a SCEP Profile. An edit keeps the fields that are omitted; null
/// resets a field to its default.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ScepProfileRequest {
    /// 1 to 64 of A-Z a-z 0-9 - . _ ~ and not raProfile; unique. Required for a new profile; an
    /// edit cannot change it.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._~-]+$",
        example = "routers"
    )]
    name: Option<String>,
    /// Whether it is enabled. Read-only: a new profile is always disabled, and an edit cannot
    /// change it.
    #[schema(read_only, example = false)]
    enabled: Option<bool>,
    /// SCEP URL. Read-only: ignored in requests.
    // Accepted so that callers can send back a profile that they have read.
    #[serde(default, rename = "scepUrl")]
    #[schema(value_type = Option<String>, read_only, example = "https://scep.example/api/v1/protocols/scep/routers/pkiclient.exe")]
    _scep_url: Option<IgnoredAny>,
    /// Free-text description.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 300, example = "Routers of the branch offices")]
    description: Edit<String>,
    /// The default RA Profile. Without one, the SCEP Profile's own URL does not work.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>, example = "6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11")]
    ra_profile_uuid: Edit<RaProfileUuid>,
    /// The RA certificate, one of `/scepProfiles/caCertificates`. Required for a new profile.
    #[schema(value_type = Option<Uuid>, example = "0c4f5f5e-94a9-4f0e-8f0e-6a5d2c7b1e10")]
    ca_certificate_uuid: Option<RaCertificateUuid>,
    /// Number of days before its expiry from which a certificate may be renewed; null or 0 allows
    /// renewal in the second half of its validity.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 0, maximum = 36500, example = 30)]
    renewal_threshold: Edit<u32>,
    /// Who vouches for enrolments; asked in this order: ONE_TIME, STATIC, INTUNE, WEBHOOK. The
    /// first yes suffices, and a no of INTUNE or WEBHOOK is final. Empty: nobody, so that
    /// requireManualApproval decides. null: STATIC if there is a challengePassword. Must not
    /// contradict enableIntune and enableChallengePassword.
    #[serde(default)]
    #[schema(value_type = Option<Vec<ChallengeSourceName>>, max_items = 4, example = json!(["ONE_TIME", "STATIC"]))]
    challenge_sources: Edit<BTreeSet<ChallengeSourceKind>>,
    /// An HTTP service that vouches for enrolments and hears of what became of them. null: none.
    #[serde(default)]
    #[schema(value_type = Option<WebhookRequest>)]
    webhook: Edit<JsonObject<WebhookRequest>>,
    /// true: the challengePassword that is set here or was set earlier authorises enrolments:
    /// STATIC is among the challengeSources. false: removes it. null: unchanged, unless a
    /// challengePassword is set.
    #[schema(example = true)]
    enable_challenge_password: Option<bool>,
    /// The challengePassword; stored encrypted and never returned.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255, write_only, example = "pWZ2bB9qJ7qX0mD2wZ4b1A")]
    challenge_password: Option<SecretText>,
    /// Whether Microsoft Intune validates challenges: whether INTUNE is among the challengeSources.
    #[schema(example = false)]
    enable_intune: Option<bool>,
    /// Entra tenant of Intune.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 255, example = "corp.onmicrosoft.com")]
    intune_tenant: Edit<String>,
    /// Id of the application in the Entra tenant.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 255, example = "f0f0f0f0-0000-4000-8000-000000000001")]
    intune_application_id: Edit<String>,
    /// Secret of the application; stored encrypted and never returned.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255, write_only, example = "s3cret")]
    intune_application_key: Edit<SecretText>,
    /// How the application proves its identity to Entra: by its SECRET, or by a key of this
    /// deployment, as a FEDERATED credential. Default SECRET.
    #[serde(default)]
    #[schema(value_type = Option<IntuneCredentialName>, example = "SECRET")]
    intune_credential: Edit<IntuneCredential>,
    /// Attributes of the issuance, added to the record of each certificate.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Attribute>>, max_items = 100)]
    issue_certificate_attributes: Edit<Vec<JsonObject<Attribute>>>,
    /// Custom attributes, added to the record of each certificate.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Attribute>>, max_items = 100)]
    custom_attributes: Edit<Vec<JsonObject<Attribute>>>,
    /// Owner and groups, added to the record of each certificate.
    #[serde(default)]
    #[schema(value_type = Option<Associations>)]
    certificate_associations: Edit<JsonObject<Associations>>,
}
} }

/// The earliest renewal that may be allowed, in days before the expiry: about a century.
const MAX_RENEWAL_THRESHOLD_DAYS: u32 = 36_500;

impl ScepProfileRequest {
    /// Converts the request to an edit, after checking the bounds of its values.
    pub(crate) fn into_edit(self) -> Result<ScepProfileEdit, ApiError> {
        let attributes = |name, edit: Edit<Vec<JsonObject<Attribute>>>| {
            edit.try_map(|list| attribute::parse_attributes(name, &list))
        };
        Ok(ScepProfileEdit {
            settings: Some(self.settings_edit()),
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
            enable_challenge: self.enable_challenge_password,
            challenge: self
                .challenge_password
                .map(|SecretText(secret)| ChallengePassword::new(secret.expose_secret())),
            challenge_sources: self.challenge_sources,
            webhook: self.webhook.map(|JsonObject(webhook)| webhook.into_edit()),
            enable_intune: self.enable_intune,
            intune_tenant: check_length("intuneTenant", self.intune_tenant)?,
            intune_application_id: check_length("intuneApplicationId", self.intune_application_id)?,
            intune_application_key: self.intune_application_key.try_map(|SecretText(secret)| {
                let fits = (1..=255).contains(&secret.expose_secret().chars().count());
                fits.then_some(secret)
                    .ok_or_else(|| ApiError::reason("intuneApplicationKey: 1 to 255 characters"))
            })?,
            intune_credential: self.intune_credential,
            issue_certificate_attributes: attributes(
                "issueCertificateAttributes",
                self.issue_certificate_attributes,
            )?,
            custom_attributes: attributes("customAttributes", self.custom_attributes)?,
            certificate_associations: self
                .certificate_associations
                .try_map(|JsonObject(associations)| associations.to_stored())?,
        })
    }
}

fn check_length(name: &str, edit: Edit<String>) -> Result<Edit<String>, ApiError> {
    edit.try_map(|text| {
        let fits = text.chars().count() <= 255;
        fits.then_some(text)
            .ok_or_else(|| ApiError::reason(format!("{name}: at most 255 characters")))
    })
}
