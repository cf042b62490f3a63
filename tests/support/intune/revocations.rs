//! The double's revocation requests, which stay in the queue until their result is uploaded.

use axum::response::Response;
use http::request::Parts;
use serde_json::json;

use crate::intune::State;
use crate::intune::protocol::{Objection, answer_json, check_members, read_call, require, text};

const API_VERSION: &str = "5019-05-05";

/// The error codes of Microsoft's `CARequestErrorCode`.
const ERROR_CODES: &[&str] = &[
    "None",
    "NonRetryableServiceException",
    "DataSerializationError",
    "ParameterDataInvalidError",
    "CryptographyError",
    "CertificateNotFoundError",
    "ConflictError",
    "NotSupportedError",
    "PayloadTooLargeError",
    "RetryableServiceException",
    "ServiceUnavailableException",
    "ServiceTooBusyException",
    "AuthenticationException",
];

pub(crate) fn download(
    state: &mut State,
    head: &Parts,
    body: &[u8],
) -> Result<Response, Objection> {
    let parameters = read_call(state, head, body, API_VERSION, "downloadParameters")?;
    check_members(&parameters, &["maxRequests", "issuerName"])?;
    let most = parameters["maxRequests"].as_u64().unwrap_or_default();
    require((1..=500).contains(&most), "maxRequests is not 1 to 500")?;
    let issuer = &parameters["issuerName"];
    require(
        issuer.is_null() || issuer.is_string(),
        "issuerName is no text",
    )?;
    let wanted = state.revocations.iter();
    let wanted: Vec<_> = wanted
        .filter(|request| issuer.is_null() || request["issuerName"] == *issuer)
        .take(usize::try_from(most).unwrap())
        .collect();
    Ok(answer_json(
        &json!({ "@odata.context": "x", "value": wanted }),
    ))
}

pub(crate) fn upload(state: &mut State, head: &Parts, body: &[u8]) -> Result<Response, Objection> {
    let results = read_call(state, head, body, API_VERSION, "results")?;
    let results = results.as_array().cloned().unwrap_or_default();
    require(!results.is_empty(), "there are no results")?;
    for result in results {
        check_members(
            &result,
            &["requestContext", "succeeded", "errorCode", "errorMessage"],
        )?;
        let context = text(&result, "requestContext")?.to_owned();
        let code = text(&result, "errorCode")?;
        require(ERROR_CODES.contains(&code), "unknown errorCode")?;
        let succeeded = result["succeeded"].as_bool();
        require(
            succeeded == Some(code == "None"),
            "succeeded contradicts errorCode",
        )?;
        // Microsoft's library lets a success have no message.
        let has_message = result["errorMessage"]
            .as_str()
            .is_some_and(|text| !text.is_empty());
        require(has_message == (code != "None"), "errorMessage is unfit")?;
        let is_retryable = matches!(
            code,
            "RetryableServiceException" | "ServiceUnavailableException" | "ServiceTooBusyException"
        );
        let index = state
            .revocations
            .iter()
            .position(|request| request["requestContext"] == json!(context));
        let index = index.ok_or_else(|| Objection::new(400, "the requestContext is unknown"))?;
        if !is_retryable {
            state.revocations.remove(index);
        }
        state.results.push(result);
    }
    Ok(answer_json(
        &json!({ "@odata.context": "x", "value": true }),
    ))
}
