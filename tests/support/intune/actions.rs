//! The double's ScepActions: validation of requests, and notifications of what became of them.

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use der::Decode;
use http::request::Parts;
use scep_cms::csr::CertificationRequest;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use x509_cert::name::Name;

use crate::asn1::SUBJECT_ALT_NAME;
use crate::intune::State;
use crate::intune::protocol::{Objection, answer_json, check_members, read_call, require, text};

const API_VERSION: &str = "2018-02-20";

fn answer_code(code: &str) -> Response {
    let description = match code {
        "Success" => "",
        _ => "SCEP challenge refused.\r\nsecond line",
    };
    answer_json(&json!({
        "@odata.context": "https://fef.example/$metadata#Microsoft.Intune.ScepResult",
        "code": code, "errorDescription": description,
    }))
}

pub(crate) fn validate(
    state: &mut State,
    head: &Parts,
    body: &[u8],
) -> Result<Response, Objection> {
    let request = read_call(state, head, body, API_VERSION, "request")?;
    check_members(
        &request,
        &["transactionId", "certificateRequest", "callerInfo"],
    )?;
    text(&request, "callerInfo")?;
    let transaction_id = text(&request, "transactionId")?.to_owned();
    let encoded = text(&request, "certificateRequest")?.to_owned();
    let csr = read_request(&encoded)?;
    let code = match state.codes.pop_front() {
        Some(code) => code,
        None => judge(state, &csr).to_owned(),
    };
    if code == "Success" {
        state.validated.insert(transaction_id, encoded);
    }
    Ok(answer_code(&code))
}

/// Decodes a request that is base64 of one DER SEQUENCE.
fn read_request(encoded: &str) -> Result<CertificationRequest, Objection> {
    let der = STANDARD
        .decode(encoded)
        .map_err(|_| Objection::new(400, "certificateRequest is not base64"))?;
    let whole = der::Any::from_der(&der);
    require(whole.is_ok(), "certificateRequest is not DER")?;
    let csr = CertificationRequest::from_message_data(&der)
        .map_err(|fault| Objection::new(400, &fault.to_string()))?;
    require(csr.verify().is_ok(), "the request is not signed by its key")?;
    Ok(csr)
}

/// What Intune says about a request.
fn judge(state: &State, csr: &CertificationRequest) -> &'static str {
    let Some(challenge) = csr.challenge_password() else {
        return "ChallengePasswordMissing";
    };
    let Some(expected) = state.challenges.get(challenge.reveal()) else {
        return "ChallengeDecryptionError";
    };
    if expected.is_expired {
        return "ChallengeExpired";
    }
    let subject = Name::from_der(csr.subject()).unwrap().to_string();
    let common_name = format!("CN={}", expected.common_name);
    if !subject.split(',').any(|part| part == common_name) {
        return "SubjectNameMismatch";
    }
    // Intune looks at no other extension.
    let mut asked = csr.extensions().iter();
    let alt_names = asked.find(|extension| extension.id.to_string() == SUBJECT_ALT_NAME);
    match alt_names.map(|extension| &extension.value) == expected.alt_names.as_ref() {
        true => "Success",
        false => "SubjectAltNameMismatch",
    }
}

pub(crate) fn notify_success(
    state: &mut State,
    head: &Parts,
    body: &[u8],
) -> Result<Response, Objection> {
    let notification = read_call(state, head, body, API_VERSION, "notification")?;
    check_members(
        &notification,
        &[
            "transactionId",
            "certificateRequest",
            "certificateThumbprint",
            "certificateSerialNumber",
            "certificateExpirationDateUtc",
            "issuingCertificateAuthority",
            "callerInfo",
        ],
    )?;
    check_validated(state, &notification)?;
    let is_hex = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_digit() || matches!(c, 'A'..='F'))
    };
    let thumbprint = text(&notification, "certificateThumbprint")?;
    require(
        thumbprint.len() == 40 && is_hex(thumbprint),
        "the thumbprint is not SHA-1 in hexadecimal",
    )?;
    let serial_number = text(&notification, "certificateSerialNumber")?;
    require(
        is_hex(serial_number),
        "the serial number is not hexadecimal",
    )?;
    let expiry = text(&notification, "certificateExpirationDateUtc")?;
    let time = OffsetDateTime::parse(expiry, &Rfc3339);
    require(
        time.is_ok() && expiry.ends_with('Z') && expiry.contains('.'),
        "the expiry is not YYYY-MM-DDThh:mm:ss.sssZ",
    )?;
    text(&notification, "issuingCertificateAuthority")?;
    state.successes.push(notification);
    Ok(answer_code("Success"))
}

pub(crate) fn notify_failure(
    state: &mut State,
    head: &Parts,
    body: &[u8],
) -> Result<Response, Objection> {
    let notification = read_call(state, head, body, API_VERSION, "notification")?;
    check_members(
        &notification,
        &[
            "transactionId",
            "certificateRequest",
            "hResult",
            "errorDescription",
            "callerInfo",
        ],
    )?;
    check_validated(state, &notification)?;
    // Bit 31 says that an HRESULT is a failure.
    let code = notification["hResult"].as_i64().unwrap_or_default();
    let is_failure = (0x8000_0000..=0xffff_ffff).contains(&code);
    require(is_failure, "hResult is no failure")?;
    let description = text(&notification, "errorDescription")?;
    require(
        description.chars().count() <= 255,
        "errorDescription is longer than 255 characters",
    )?;
    state.failures.push(notification);
    Ok(answer_code("Success"))
}

/// Checks that a notification is about a request that was validated.
fn check_validated(state: &State, notification: &Value) -> Result<(), Objection> {
    text(notification, "callerInfo")?;
    let transaction_id = text(notification, "transactionId")?;
    let validated = state
        .validated
        .get(transaction_id)
        .ok_or_else(|| Objection::new(400, "the transactionId was not validated"))?;
    require(
        notification["certificateRequest"] == json!(validated),
        "another request was validated under this transactionId",
    )
}
