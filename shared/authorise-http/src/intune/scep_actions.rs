//! The actions of Intune's service for SCEP: what is sent, and what its answers mean.

use ca::subject::name_text;
use scep_cms::error::DecodeError;
use scep_protocol::notice::RefusedRequest;
use scep_protocol::reported_csr::ReportedCsr;
use scep_service::inventory::CertificateRecord;
use serde::Deserialize;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use time::{OffsetDateTime, UtcOffset};

use crate::intune::client::CALLER;
use crate::intune::entra::printable;

/// The action that validates a request.
pub(crate) const VALIDATE: &str = "ScepActions/validateRequest";

/// The action that tells of an issued certificate.
pub(crate) const NOTIFY_SUCCESS: &str = "ScepActions/successNotification";

/// The action that tells of a refused request.
pub(crate) const NOTIFY_FAILURE: &str = "ScepActions/failureNotification";

/// The HRESULT of a refusal with failInfo 0, [MS-ERREF] §2.1: a failure whose code is not
/// Microsoft's, of facility 0x5CE. That of another failInfo is higher by its number.
const HRESULT: usize = 0xA5CE_0000;

/// The names of failInfo by their numbers, RFC 8894 §3.2.1.4.
const FAIL_INFO_NAMES: [&str; 5] = [
    "badAlg",
    "badMessageCheck",
    "badRequest",
    "badTime",
    "badCertId",
];

/// The longest description of a failure that Intune takes, in characters.
const MAX_DESCRIPTION_CHARACTERS: usize = 255;

/// The code of an answer that grants what was asked.
const SUCCESS: &str = "Success";

/// The longest code of an answer, in characters.
const MAX_CODE_CHARACTERS: usize = 64;

/// The answer to any action.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActionAnswer {
    code: String,
    error_description: Option<String>,
}

/// Builds the body of [`VALIDATE`].
pub(crate) fn build_validation(transaction_id: &str, csr: &ReportedCsr) -> Value {
    json!({ "request": {
        "transactionId": transaction_id,
        "certificateRequest": csr.as_base64(),
        "callerInfo": CALLER,
    } })
}

/// Builds the body of [`NOTIFY_SUCCESS`] about a certificate that was issued.
pub(crate) fn build_success(
    record: &CertificateRecord,
    csr: &ReportedCsr,
) -> Result<Value, DecodeError> {
    let certificate = &record.certificate;
    let identity = certificate.issuer_and_serial_number();
    Ok(json!({ "notification": {
        "transactionId": record.transaction.transaction_id.as_str(),
        "certificateRequest": csr.as_base64(),
        // Intune takes SHA-1 alone, as Windows names certificates by it.
        "certificateThumbprint": encode_hex(&Sha1::digest(certificate.der())),
        "certificateSerialNumber": record.summary.serial_number,
        "certificateExpirationDateUtc": format_time(record.summary.not_after),
        "issuingCertificateAuthority": name_text(identity.issuer())?,
        "callerInfo": CALLER,
    } }))
}

/// Builds the body of [`NOTIFY_FAILURE`] about a request that was refused.
pub(crate) fn build_failure(refused: &RefusedRequest, csr: &ReportedCsr) -> Value {
    let fail_info = FAIL_INFO_NAMES
        .iter()
        .position(|name| *name == refused.fail_info);
    let description: String = refused
        .reason
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_DESCRIPTION_CHARACTERS)
        .collect();
    json!({ "notification": {
        "transactionId": refused.transaction_id,
        "certificateRequest": csr.as_base64(),
        "hResult": HRESULT.saturating_add(fail_info.unwrap_or_default()),
        "errorDescription": description,
        "callerInfo": CALLER,
    } })
}

fn encode_hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// Writes a time as `YYYY-MM-DDThh:mm:ss.sssZ`.
fn format_time(time: OffsetDateTime) -> String {
    let utc = time.checked_to_offset(UtcOffset::UTC).unwrap_or(time);
    let (year, month, day) = utc.to_calendar_date();
    let (hour, minute, second, milli) = utc.to_hms_milli();
    let month = u8::from(month);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

impl ActionAnswer {
    /// The code of an answer that does not grant what was asked; `None` for a success.
    pub(crate) fn refusal(&self) -> Option<Code<'_>> {
        (self.code != SUCCESS).then_some(Code(&self.code))
    }

    /// What Intune says besides, for the log.
    pub(crate) fn description(&self) -> String {
        printable(self.error_description.as_deref().unwrap_or_default())
    }
}

/// A code other than success.
#[derive(Clone, Copy)]
pub(crate) struct Code<'a>(&'a str);

impl Code<'_> {
    /// Whether the code is a name, as each of Microsoft's is. Anything else is no answer.
    pub(crate) fn is_name(self) -> bool {
        (1..=MAX_CODE_CHARACTERS).contains(&self.0.len())
            && self.0.chars().all(|c| c.is_ascii_alphanumeric())
    }

    /// The code, fit for the log.
    pub(crate) fn printable(self) -> String {
        printable(self.0)
    }

    /// The code, and what an administrator can do about it.
    pub(crate) fn explain(self) -> String {
        match self.help() {
            "" => format!("Intune: {}", self.0),
            help => format!("Intune: {}, {help}", self.0),
        }
    }

    fn help(self) -> &'static str {
        match self.0 {
            "CertificateRequestDecodingFailed" => "it cannot read the PKCS #10 request",
            "ChallengePasswordMissing" => "the request has no challengePassword",
            "ChallengeDeserializationError"
            | "ChallengeDecryptionError"
            | "ChallengeDecodingError"
            | "SignatureValidationFailed" => {
                "the challengePassword is not one that Intune made for this tenant; look whether intuneTenant is the device's"
            }
            "ChallengeInvalidTimestamp" | "ChallengeExpired" => {
                "the challengePassword is too old; the device gets a new one when it synchronises"
            }
            "SubjectNameMissing" | "SubjectNameMismatch" => {
                "the subject is not that of the SCEP profile in Intune"
            }
            "SubjectAltNameMissing" | "SubjectAltNameMismatch" => {
                "the subject alternative names are not those of the SCEP profile in Intune"
            }
            "KeyUsageMismatch" => "the key usage is not that of the SCEP profile in Intune",
            "KeyLengthMismatch" => "the key is not as long as the SCEP profile in Intune says",
            "EnhancedKeyUsageMissing" | "EnhancedKeyUsageMismatch" => {
                "the extended key usage is not that of the SCEP profile in Intune"
            }
            "AadKeyIdentifierListMissing" | "RegisteredKeyMismatch" => {
                "the key is not the one that the device registered in Entra"
            }
            "SigningCertThumbprintMismatch" => {
                "the request is not signed by the certificate that Intune expects"
            }
            "ScepProfileNoLongerTargetedToTheClient" => {
                "the SCEP profile in Intune is no longer assigned to the device"
            }
            "BadCertificateRequestIdInChallenge"
            | "BadDeviceIdInChallenge"
            | "BadUserIdInChallenge" => "the challengePassword is for another device or user",
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> ActionAnswer {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn success_alone_grants() {
        let granted = r#"{"@odata.context":"x","code":"Success","errorDescription":""}"#;
        assert!(read(granted).refusal().is_none());
        for code in ["success", "Unknown", "", "Success ", "ChallengeExpired"] {
            let answer = read(&format!(r#"{{"code":"{code}","errorDescription":null}}"#));
            assert!(answer.refusal().is_some(), "{code}");
        }
    }

    #[test]
    fn a_code_is_explained_and_anything_else_is_none() {
        let explain = |code: &str| {
            let answer = read(&format!(r#"{{"code":"{code}"}}"#));
            let code = answer.refusal().unwrap();
            code.is_name().then(|| code.explain())
        };
        let expired = explain("ChallengeExpired").unwrap();
        assert!(expired.starts_with("Intune: ChallengeExpired, the challengePassword is too old"));
        assert_eq!(
            explain("SomethingNew").unwrap(),
            "Intune: SomethingNew".to_owned()
        );
        for none in ["", "two words", "<html>", &"x".repeat(65)] {
            assert_eq!(explain(none), None, "{none}");
        }
    }

    #[test]
    fn what_intune_says_is_made_fit_for_the_log() {
        let answer = read(r#"{"code":"Unknown","errorDescription":" a\nb\u001b[0m "}"#);
        assert_eq!(answer.description(), "ab[0m");
    }
}
