//! The filters of `GET /certificates`.

use ca::id::CertificateUuid;
use ca::serial_number::SerialNumber;
use scep_protocol::transaction::Fingerprint;
use scep_service::inventory::{CertificateFilter, CertificateStatus};
use serde::Deserialize;
use time::OffsetDateTime;
use utoipa::IntoParams;

use crate::request::{non_empty, parse_time, parse_uuid};
use crate::response::ApiError;

/// Filters and paging for certificates. A certificate is listed if it matches every filter. Empty
/// parameters are ignored.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CertificatesQuery {
    /// Start of the CN, with or without a leading `CN=`; or, if it contains another `=`, any part
    /// of the subject. Case-insensitive.
    #[param(max_length = 255, example = "router-1")]
    subject: Option<String>,
    /// Start of a name of subjectAltName, with or without its type in front, as in `DNS:router-1`.
    /// Case-insensitive.
    #[param(
        max_length = 255,
        pattern = "^[^\\u0000-\\u001F\\u007F-\\u009F]*$",
        example = "router-1.corp.example"
    )]
    subject_alt_name: Option<String>,
    /// Serial number, hexadecimal, with or without colons.
    #[param(
        pattern = "^[0-9A-Fa-f:]*$",
        max_length = 64,
        example = "4E9B0C1D2E3F40516273849506172839"
    )]
    serial_number: Option<String>,
    /// Only certificates issued by this authority.
    #[param(
        pattern = "^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$",
        example = "b3f8f3f6-58ad-4c8a-8a52-0f6f8f1d2c3a"
    )]
    authority_uuid: Option<String>,
    /// Only certificates of this RA Profile.
    #[param(
        pattern = "^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$",
        example = "6a1f0f9e-2d0f-4c57-9d6b-0f2f6f1f8a11"
    )]
    ra_profile_uuid: Option<String>,
    /// Only certificates of this SCEP Profile.
    #[param(
        pattern = "^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$",
        example = "2d2a1c3e-5f57-4f6c-8d0b-7a3d9d7f2b11"
    )]
    scep_profile_uuid: Option<String>,
    /// Only certificates that were issued by this one-time challenge, by its latest use first.
    #[param(
        pattern = "^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$",
        example = "0f9a6c1e-7b1d-8c54-9a67-3c2f0e6d5b41"
    )]
    challenge_uuid: Option<String>,
    /// Only certificates that renewed this certificate.
    #[param(
        pattern = "^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$",
        example = "4e9b0c1d-2e3f-4051-a273-849506172839"
    )]
    predecessor_uuid: Option<String>,
    /// Only certificates of the key whose SubjectPublicKeyInfo has this SHA-256: 64 hexadecimal
    /// digits.
    #[param(
        pattern = "^([0-9a-fA-F]{64})?$",
        example = "aa159e540b7d11903c256a7f8842e15baa159e540b7d11903c256a7f8842e15b"
    )]
    key_sha256: Option<String>,
    /// Only certificates with this status: VALID, EXPIRED or REVOKED.
    #[param(pattern = "^(VALID|EXPIRED|REVOKED)?$", example = "VALID")]
    status: Option<String>,
    /// Only certificates that expire before this time, soonest first: RFC 3339 or a date.
    #[param(max_length = 64, example = "2030-01-31T12:00:00Z")]
    expiring_before: Option<String>,
    /// Maximum number of items, 1 to 500. Default 100.
    #[param(pattern = "^([1-9][0-9]?|[1-4][0-9]{2}|500)?$", example = "100")]
    pub(crate) limit: Option<String>,
    /// `cursor` of the previous page.
    #[param(max_length = 4096, pattern = "^[A-Za-z0-9_.-]*$", example = "")]
    pub(crate) cursor: Option<String>,
}

impl CertificatesQuery {
    /// The filter as of this time.
    ///
    /// # Errors
    /// 422 when a parameter is malformed.
    pub(crate) fn filter(self, now: OffsetDateTime) -> Result<CertificateFilter, ApiError> {
        let mut filter = CertificateFilter {
            subject: parse_search("subject", self.subject)?,
            alternative_name: parse_alternative_name(self.subject_alt_name)?,
            uuid: non_empty(self.serial_number)
                .map(|text| parse_serial_number(&text))
                .transpose()?,
            authority: parse_uuid("authorityUuid", self.authority_uuid)?,
            ra_profile: parse_uuid("raProfileUuid", self.ra_profile_uuid)?,
            scep_profile: parse_uuid("scepProfileUuid", self.scep_profile_uuid)?,
            challenge: parse_uuid("challengeUuid", self.challenge_uuid)?,
            predecessor: parse_uuid("predecessorUuid", self.predecessor_uuid)?,
            key: non_empty(self.key_sha256)
                .map(|digits| {
                    let reason = || ApiError::reason("keySha256: 64 hexadecimal digits");
                    Fingerprint::from_hexadecimal(&digits).ok_or_else(reason)
                })
                .transpose()?,
            not_after_from: None,
            not_after_before: parse_time("expiringBefore", self.expiring_before)?,
            revoked: None,
        };
        let status = non_empty(self.status)
            .map(|name| {
                let reason = || ApiError::reason("status: VALID, EXPIRED or REVOKED");
                name.parse::<CertificateStatus>().map_err(|_| reason())
            })
            .transpose()?;
        // Only revocation is stored; whether a certificate has expired depends on the time of the
        // request, so VALID and EXPIRED become bounds on notAfter.
        filter.revoked = status.map(|status| status == CertificateStatus::Revoked);
        match status {
            None | Some(CertificateStatus::Revoked) => {}
            Some(CertificateStatus::Valid) => filter.not_after_from = Some(now),
            Some(CertificateStatus::Expired) => {
                let before = filter
                    .not_after_before
                    .map_or(now, |before| before.min(now));
                filter.not_after_before = Some(before);
            }
        }
        Ok(filter)
    }
}

/// Parses a serial number into the UUID of the certificate that has it. Issued serial numbers have
/// 16 octets, so a longer one maps to the nil UUID, which matches no certificate.
fn parse_serial_number(text: &str) -> Result<CertificateUuid, ApiError> {
    // RFC 5280 allows 20 octets, which have 59 characters when separated by colons.
    const MAX_CHARACTERS: usize = 64;
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    let is_number = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_hexdigit());
    if !is_number || text.len() > MAX_CHARACTERS {
        return Err(ApiError::reason(
            "serialNumber: hexadecimal, at most 64 characters",
        ));
    }
    Ok(SerialNumber::from_hex(&digits).map_or(CertificateUuid::nil(), SerialNumber::as_uuid))
}

/// Parses a parameter that is searched for.
fn parse_search(name: &str, parameter: Option<String>) -> Result<Option<String>, ApiError> {
    const MAX_CHARACTERS: usize = 255;
    let text = non_empty(parameter);
    if text
        .as_ref()
        .is_some_and(|text| text.chars().count() > MAX_CHARACTERS)
    {
        let reason = format!("{name}: at most {MAX_CHARACTERS} characters");
        return Err(ApiError::reason(reason));
    }
    Ok(text)
}

fn parse_alternative_name(parameter: Option<String>) -> Result<Option<String>, ApiError> {
    let text = parse_search("subjectAltName", parameter)?;
    // No rule lets such a character into a name, so it would be a search for nothing.
    if text.iter().any(|text| text.contains(char::is_control)) {
        let reason = "subjectAltName: without control characters";
        return Err(ApiError::reason(reason));
    }
    Ok(text)
}
