//! The actions of Intune's service for SCEP: what is sent, and what its answers mean.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::intune::client::CALLER;
use crate::intune::entra::printable;

/// The action that validates a request.
pub(crate) const VALIDATE: &str = "ScepActions/validateRequest";

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
pub(crate) fn build_validation(transaction_id: &str, csr: &[u8]) -> Value {
    json!({ "request": {
        "transactionId": transaction_id,
        "certificateRequest": STANDARD.encode(csr),
        "callerInfo": CALLER,
    } })
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
